//! How an installation runs, for Prometheus: its text format, version 0.0.4.
//!
//! Names and labels are texts of this file and of enums ([`Skip`], the jobs, the calls): no number of fans, channels or rules makes
//! another series, and nothing from outside can. What is not known (a token before the first call) has no sample.

use super::status::{PUSH_STATES, Ran, Status};
use crate::{
    facts::push::Skip,
    fold::counts::{ANSWER_MS, PushMetric},
    time::Timestamp,
};
use std::fmt::Write;

/// The type of the answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A label and its value; no text from outside has this type.
type Label = (&'static str, &'static str);

/// What a family's numbers are.
#[derive(Clone, Copy)]
enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Status {
    /// As Prometheus reads it.
    pub fn metrics(&self) -> String {
        let mut out = Exposition(String::with_capacity(8 * 1024));
        out.gauge("build_info", "Guanxi's version.", [([("version", env!("CARGO_PKG_VERSION"))], 1.0)]);
        self.journal_to(&mut out);
        self.jobs_to(&mut out);
        self.pushes_to(&mut out);
        self.outbox_to(&mut out);
        self.answers_to(&mut out);
        self.account_to(&mut out);
        out.one("alarms", "What a person must look at: /jobs/status names it.", Some(self.alarms.len() as f64));
        let last = self.alarms.iter().map(|alarm| alarm.last).max();
        out.one("alarm_last_timestamp_seconds", "When the latest alarm was raised last.", last.map(seconds));
        let set_aside = Some(self.set_aside.len() as f64);
        out.one("records_set_aside", "Damaged records that are set aside: /damaged names them.", set_aside);
        let unreadable = Some(self.unreadable.len() as f64);
        out.one("records_unreadable", "Damaged records that these numbers are made without.", unreadable);
        out.0
    }

    fn journal_to(&self, out: &mut Exposition) {
        let streams = [("unopened", self.unopened_streams), ("open", Some(self.journal.open_streams()))];
        let streams = streams.into_iter().filter_map(|(state, count)| Some(([("state", state)], count? as f64)));
        out.gauge("journal_streams", "Streams of the journal that rollup has still to read, by state.", streams);
        let folded = self.journal.entries as f64;
        out.total("journal_entries_folded_total", "Entries of the journal that were folded.", folded);
        let damaged = self.journal.damaged as f64;
        out.total("journal_entries_damaged_total", "Of these, entries that could not be read.", damaged);
    }

    fn jobs_to(&self, out: &mut Exposition) {
        let runs = || self.runs().into_iter().filter_map(|(job, ran)| Some(([("run", job)], ran?)));
        let mut each = |name, help, number: fn(Ran<'_>) -> f64| {
            out.gauge(name, help, runs().map(|(label, ran)| (label, number(ran))));
        };
        let help = "When the job's last run that ended began.";
        each("job_last_run_timestamp_seconds", help, |ran| seconds(ran.began));
        each("job_last_run_duration_seconds", "How long it took.", |ran| ran.milliseconds as f64 / 1_000.0);
        each("job_last_run_failed", "1: it came to nothing.", |ran| truth(ran.failed.is_some()));
    }

    fn pushes_to(&self, out: &mut Exposition) {
        let waiting = self.push.as_ref().map(|report| report.waiting as f64);
        out.one("pushes_waiting", "Pushes that could have gone out and wait, after push's last run.", waiting);
        let halted = self.push.as_ref().map(|_| truth(self.halted().is_some()));
        out.one("push_halted", "1: push's last run sent no more, although there was more to send.", halted);
        let planned = self.pushes_today.get(PushMetric::Planned) as f64;
        out.one(
            "pushes_today_planned",
            "Pushes of today, of the playbook's offset, that were to go out.",
            Some(planned),
        );
        let states = PUSH_STATES.map(|(state, metric)| ([("state", state)], self.pushes_today.get(metric) as f64));
        out.gauge("pushes_today", "What became of these: each is in one state.", states);
        let skipped = Skip::ALL.map(|(reason, skip)| ([("reason", reason)], self.pushes_today.skipped(skip) as f64));
        out.gauge("pushes_today_skipped", "Pushes of today that do not go out, planned or not, by reason.", skipped);
    }

    fn outbox_to(&self, out: &mut Exposition) {
        let waiting = self.outbox.as_ref().map(|report| report.waiting as f64);
        out.one("requests_waiting", "Requests that wait for a try, after the outbox's last run.", waiting);
        let given_up = self.outbox.as_ref().map(|report| report.dead as f64);
        out.one("requests_given_up", "Requests that were given up: /reports/given-up names them.", given_up);
    }

    fn answers_to(&self, out: &mut Exposition) {
        let messages = self.total.messages() as f64;
        out.total("messages_total", "Messages of fans that were received and folded; an event is none.", messages);
        let unanswered = self.total.unanswered as f64;
        out.total("texts_unanswered_total", "Of these, texts that no rule was for.", unanswered);
        out.times("answer_duration_seconds", "How long answers took; the sum is not kept.", &self.total.answer_times);
    }

    fn account_to(&self, out: &mut Exposition) {
        let token = self.token.map(|(since, until)| (seconds(since), seconds(until)));
        let help = "When the access token in use was fetched.";
        out.one("token_fetched_timestamp_seconds", help, token.map(|(since, _)| since));
        out.one(
            "token_expires_timestamp_seconds",
            "When it ends; push fetches another.",
            token.map(|(_, until)| until),
        );
        let left = self.calls().filter_map(|(call, pace)| Some(([("call", call)], pace.left(self.at)? as f64)));
        out.gauge("quota_left", "Calls left of today's quota, as WeChat said last.", left);
        let asked = self.calls().filter_map(|(call, pace)| Some(([("call", call)], pace.quota()?)));
        let limits: Vec<_> = asked.map(|(label, (asked, quota))| (label, quota.daily_limit, asked)).collect();
        let of = limits.iter().map(|(label, of, _)| (*label, *of as f64));
        out.gauge("quota_daily_limit", "Calls of a day's quota.", of);
        let at = limits.iter().map(|(label, _, asked)| (*label, seconds(*asked)));
        out.gauge("quota_asked_timestamp_seconds", "When WeChat was asked for the quota.", at);
        let paused = self.calls().map(|(call, pace)| ([("call", call)], truth(self.rests(pace).is_some())));
        out.gauge("calls_paused", "1: WeChat's quota or pace lets no call through now.", paused);
    }
}

fn truth(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn seconds(at: Timestamp) -> f64 {
    at.0 as f64
}

/// The text, family by family.
struct Exposition(String);

impl Exposition {
    /// A family of gauges.
    fn gauge<const N: usize>(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = ([Label; N], f64)>) {
        self.family(name, help, Kind::Gauge, samples);
    }

    /// A gauge without labels; none: not known.
    fn one(&mut self, name: &str, help: &str, number: Option<f64>) {
        self.family(name, help, Kind::Gauge, number.map(|number| ([], number)));
    }

    /// A counter without labels.
    fn total(&mut self, name: &str, help: &str, number: f64) {
        self.family(name, help, Kind::Counter, [([], number)]);
    }

    fn family<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        kind: Kind,
        samples: impl IntoIterator<Item = ([Label; N], f64)>,
    ) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.head(name, help, kind);
        for (labels, number) in samples {
            self.sample(name, "", &labels, number);
        }
    }

    /// A histogram of classes that end at [`ANSWER_MS`], one more above.
    fn times(&mut self, name: &str, help: &str, classes: &[i64]) {
        const ENDS: [&str; ANSWER_MS.len()] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "4"];
        self.head(name, help, "histogram");
        let all = classes.iter().sum::<i64>() as f64;
        let mut until = 0;
        for (class, end) in ENDS.into_iter().enumerate() {
            until += classes.get(class).copied().unwrap_or_default();
            self.sample(name, "_bucket", &[("le", end)], until as f64);
        }
        self.sample(name, "_bucket", &[("le", "+Inf")], all);
        self.sample(name, "_count", &[], all);
    }

    // Writing to a `String` does not fail. Nothing needs escaping: all texts are of this file and of enums.

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = write!(self.0, "# HELP guanxi_{name} {help}\n# TYPE guanxi_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[Label], number: f64) {
        let _ = write!(self.0, "guanxi_{name}{suffix}");
        for (index, (label, value)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{value}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {number}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_classes_of_the_histogram_end_where_answers_are_told_apart() {
        let mut out = Exposition(String::new());
        out.times("t", "h", &[1, 0, 2]);
        let ends = out.0.lines().filter_map(|line| line.split('"').nth(1));
        let ends: Vec<f64> = ends.take(ANSWER_MS.len()).filter_map(|end| end.parse().ok()).collect();
        assert_eq!(ends, ANSWER_MS.map(|end| f64::from(end) / 1_000.0));
        assert!(out.0.contains("guanxi_t_bucket{le=\"0.01\"} 1\nguanxi_t_bucket{le=\"0.025\"} 3\n"), "{}", out.0);
        assert!(out.0.ends_with("guanxi_t_bucket{le=\"+Inf\"} 3\nguanxi_t_count 3\n"), "{}", out.0);
    }
}
