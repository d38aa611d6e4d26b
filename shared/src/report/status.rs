//! How an installation runs: what `/reports/account`, `/jobs/status` and `/metrics` are made of.
//!
//! All of it is read from a fixed number of records, whatever the number of fans. In [`Status::json`] and
//! [`Status::metrics`] nothing names a fan: they are for whoever runs the jobs, not for whoever may read what fans do.

use super::{Brand, Moment, ReportError, without_damaged};
use crate::{
    facts::push::Skip,
    fold::{
        counts::{General, PushDay, PushMetric, PushMetrics, Span, pushes_key},
        damaged::{Damaged, LIST, List},
        rollup,
    },
    http::log::masked,
    journal::reader::{CURSOR, CURSORS, Cursor},
    outbox,
    push::{
        self,
        head::{self, ACCOUNT, Alarm, PACES},
        pace::Pace,
    },
    store::{
        format::RecordError,
        key::{Key, Stored},
        lease,
        record::{FoldError, Records},
    },
    time::{Day, Timestamp},
};
use serde_json::{Map, Value, json};

/// The calls that reach a fan, in the order of [`Status::paces`].
pub(super) const CALLS: [&str; 3] = ["template", "notice", "message"];
/// The states of a push, with their names in reports; of those planned each is in one.
pub(super) const PUSH_STATES: [(&str, PushMetric); 6] = [
    ("waiting", PushMetric::Waiting),
    ("sent", PushMetric::Sent),
    ("delivered", PushMetric::Delivered),
    ("refused", PushMetric::Refused),
    ("unknown", PushMetric::Unknown),
    ("skipped_late", PushMetric::SkippedLate),
];

/// How an installation runs.
#[derive(Clone, Debug)]
pub struct Status {
    /// As of when.
    pub at: Timestamp,
    /// Streams of the journal that no rollup has opened yet, if known.
    pub unopened_streams: Option<u64>,
    /// How far the journal is folded.
    pub journal: Cursor,
    /// The last run of rollup that ended, if one did.
    pub rollup: Option<rollup::Report>,
    /// The last run of push that ended, if one did.
    pub push: Option<push::Report>,
    /// The last run of the outbox that ended, if one did.
    pub outbox: Option<outbox::Report>,
    /// The pushes due on the playbook's day of `at`, all reminders and campaigns together.
    pub pushes_today: PushMetrics,
    /// What was counted since the beginning.
    pub total: General,
    /// Since when there is the token in use, and until when; none: no call was made yet.
    pub token: Option<(Timestamp, Timestamp)>,
    /// Of template messages, notices and customer messages.
    pub paces: [Pace; 3],
    /// What a person must look at.
    pub alarms: Vec<Alarm>,
    /// Records that were damaged and are set aside.
    pub set_aside: Vec<Damaged>,
    /// The keys of records that are damaged and not set aside yet: it is made as if they were not there.
    pub unreadable: Vec<String>,
}

/// How a run of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ran<'a> {
    /// When it began.
    pub(super) began: Timestamp,
    /// How long it took.
    pub(super) milliseconds: u64,
    /// Why it came to nothing, if it did.
    pub(super) failed: Option<&'a str>,
}

impl Status {
    /// The records to load.
    pub fn keys(brand: &Brand, moment: Moment) -> Vec<String> {
        let counts = [pushes_key(today(brand, moment)).into(), Span::All.key().into()];
        account_keys().into_iter().chain(CURSORS.map(str::to_owned)).chain(counts).collect()
    }

    /// Made of the records, without those that are damaged.
    ///
    /// # Errors
    /// [`ReportError::Record`], when one is of a newer format, or how far the journal is folded cannot be read.
    pub fn of(brand: &Brand, moment: Moment, records: &Records) -> Result<Self, ReportError> {
        let (mut status, unreadable) = without_damaged(records, |records| Self::read(brand, moment, records))?;
        status.unreadable = unreadable;
        Ok(status)
    }

    /// Made of all records.
    ///
    /// # Errors
    /// [`ReportError::Record`], when one cannot be read.
    pub(super) fn read(brand: &Brand, moment: Moment, records: &Records) -> Result<Self, ReportError> {
        let account = read(records, &head::account())?;
        let mut pushes_today = PushMetrics::default();
        for series in read::<PushDay>(records, &pushes_key(today(brand, moment)))?.0.values() {
            pushes_today.add_all(series);
        }
        Ok(Self {
            at: moment.now,
            unopened_streams: moment.backlog,
            journal: journal(records)?,
            rollup: last(records, rollup::JOB, rollup::Report::of_record)?,
            push: last(records, push::JOB, push::Report::of_record)?,
            outbox: last(records, outbox::JOB, outbox::Report::of_record)?,
            pushes_today,
            total: read(records, &Span::All.key())?,
            token: account.token,
            paces: read(records, &head::paces())?,
            alarms: account.alarms,
            set_aside: List::found(records.get(LIST).map(Vec::as_slice)).set_aside,
            unreadable: Vec::new(),
        })
    }

    /// Each job's last run, if it has one.
    pub(super) fn runs(&self) -> [(&'static str, Option<Ran<'_>>); 3] {
        let rollup = self.rollup.as_ref().map(|report| {
            let rollup::Report { began, milliseconds, end, .. } = report;
            let failed = if let rollup::End::Failed(why) = end { Some(why.as_str()) } else { None };
            Ran { began: *began, milliseconds: *milliseconds, failed }
        });
        let push = self.push.as_ref().map(|report| {
            let push::Report { began, milliseconds, end, .. } = report;
            let failed = if let push::End::Failed(why) = end { Some(why.as_str()) } else { None };
            Ran { began: *began, milliseconds: *milliseconds, failed }
        });
        let outbox = self.outbox.as_ref().map(|report| {
            let outbox::Report { began, milliseconds, end, .. } = report;
            let failed = if let outbox::End::Failed(why) = end { Some(why.as_str()) } else { None };
            Ran { began: *began, milliseconds: *milliseconds, failed }
        });
        [(rollup::JOB, rollup), (push::JOB, push), (outbox::JOB, outbox)]
    }

    /// Each call with its pace.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&'static str, &Pace)> {
        CALLS.into_iter().zip(&self.paces)
    }

    /// Why push sent no more in its last run, although there was more to send.
    pub(super) fn halted(&self) -> Option<&str> {
        self.push.as_ref()?.halted.as_deref()
    }

    /// Until when a call rests, if it does.
    pub(super) fn rests(&self, pace: &Pace) -> Option<Timestamp> {
        let until = pace.paused().map(|pause| Timestamp(pause.until / 1_000));
        until.filter(|until| *until > self.at)
    }

    /// As JSON. Times are seconds since 1970.
    pub fn json(&self) -> String {
        json!({
            "at": self.at,
            "version": env!("CARGO_PKG_VERSION"),
            "journal": {
                "unopened_streams": self.unopened_streams,
                "open_streams": self.journal.open_streams(),
                "entries_folded": self.journal.entries,
                "entries_damaged": self.journal.damaged,
            },
            "jobs": object(self.runs().map(|(job, ran)| (job, ran.map(run)))),
            "push": {
                "waiting": self.push.as_ref().map(|report| report.waiting),
                "halted": self.halted().map(masked),
            },
            "outbox": {
                "waiting": self.outbox.as_ref().map(|report| report.waiting),
                "given_up": self.outbox.as_ref().map(|report| report.dead),
            },
            "pushes_today": {
                "planned": self.pushes_today.get(PushMetric::Planned),
                "states": object(PUSH_STATES.map(|(name, metric)| (name, self.pushes_today.get(metric)))),
                "skipped": object(Skip::ALL.map(|(name, skip)| (name, self.pushes_today.skipped(skip)))),
            },
            "messages": self.total.messages(),
            "token": self.token.map(|(since, until)| json!({ "since": since, "until": until })),
            "quotas": object(self.calls().map(|(call, pace)| (call, self.quota(pace)))),
            "alarms": self.alarms.iter().map(alarm).collect::<Vec<_>>(),
            "records_set_aside": self.set_aside.len(),
            "records_unreadable": self.unreadable.len(),
        })
        .to_string()
    }

    fn quota(&self, pace: &Pace) -> Value {
        let quota = pace.quota();
        json!({
            "asked": quota.map(|(asked, _)| asked),
            "left": pace.left(self.at),
            "of": quota.map(|(_, quota)| quota.daily_limit),
            "paused_until": self.rests(pace),
        })
    }
}

fn run(ran: Ran<'_>) -> Value {
    json!({ "began": ran.began, "milliseconds": ran.milliseconds, "failed": ran.failed.map(masked) })
}

fn alarm(alarm: &Alarm) -> Value {
    let Alarm { about, says, since, last, times } = alarm;
    json!({ "about": masked(about), "says": masked(says), "since": since, "last": last, "times": times })
}

fn object<V: Into<Value>>(fields: impl IntoIterator<Item = (&'static str, V)>) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// The records that say how the account stands with WeChat.
pub(super) fn account_keys() -> Vec<String> {
    let runs = [push::JOB, rollup::JOB, outbox::JOB].map(|job| lease::key(job).into());
    [ACCOUNT, PACES, LIST].map(str::to_owned).into_iter().chain(runs).collect()
}

fn today(brand: &Brand, moment: Moment) -> Day {
    brand.settings.utc_offset.local(moment.now).day
}

fn journal(records: &Records) -> Result<Cursor, ReportError> {
    let stored = CURSORS.map(|key| records.get(key).map(Vec::as_slice));
    Cursor::of(stored).map_err(|error| broken(CURSOR, error))
}

/// What a job's last run says of itself.
fn last<R>(
    records: &Records,
    job: &str,
    of_record: fn(&[u8]) -> Result<Option<R>, RecordError>,
) -> Result<Option<R>, ReportError> {
    let key = lease::key(job);
    let report = records.get(&*key).map(|bytes| of_record(bytes)).transpose();
    report.map(Option::flatten).map_err(|error| broken(&key, error))
}

/// A record; where there is none, what it is before anything happened.
fn read<R: Default + Stored>(records: &Records, key: &Key<R>) -> Result<R, ReportError> {
    let record = records.get(&**key).map(|bytes| R::decode(bytes)).transpose();
    record.map(Option::unwrap_or_default).map_err(|error| broken(key, error))
}

fn broken(key: &str, error: RecordError) -> ReportError {
    let key = key.to_owned();
    ReportError::Record(match error {
        RecordError::Newer(format) => FoldError::Newer { key, format },
        RecordError::Damaged => FoldError::Damaged { key },
    })
}
