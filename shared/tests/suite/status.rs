//! How an installation runs, as JSON and for Prometheus, beside what the reports say of the same records.

use super::brand::{START, follow, news, settings, text, told};
use futures::FutureExt;
use guanxi::{
    facts::{
        Entry,
        push::{Skip, What},
    },
    fold::{
        damaged::{Damaged, LIST, List},
        rollup::{self, rollup},
    },
    journal::{Journal, SEQUENCE},
    push::{
        self,
        head::{self, Standing},
        pace::Pace,
    },
    report::{Ask, Brand, Cell, Moment, Sheet, Status},
    store::{
        Store,
        key::Stored as _,
        lease::Run,
        load,
        memory::{Memory, SleepClock},
    },
    time::Timestamp,
    wechat::api::quota::Quota,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(START + 3_600);

fn brand() -> Brand {
    Brand { settings: settings(), ..Brand::default() }
}

fn done<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("nothing waits")
}

/// An installation: its entries folded by a run of rollup, and two more streams that no run has opened.
fn installed(entries: impl IntoIterator<Item = Entry>) -> Memory {
    let (store, clock) = (Memory::default(), SleepClock::default());
    let journal = Journal::default();
    for entry in entries {
        done(journal.append(&store, &clock, NOW, &entry)).unwrap();
    }
    done(rollup(&store, &clock, &settings(), NOW, 1)).unwrap();
    done(store.increment(SEQUENCE, 2)).unwrap();
    store
}

/// One in which everything that there is to say is said.
fn busy() -> Memory {
    let outcomes = [
        What::Queued(Vec::new()),
        What::Sent(None),
        What::Refused(43004),
        What::Unknown,
        What::Skipped(Skip::Holdout),
        What::Skipped(Skip::OptedOut),
    ];
    let pushes =
        outcomes.into_iter().enumerate().map(|(n, what)| told([news(&format!("o{n}"), &format!("p{n}"), 60, what)]));
    let texts = (0..4).map(|n| text(&format!("o{n}"), n, "喵", (n == 0).then_some("welcome")));
    let store = installed(pushes.chain(texts).chain([follow("o1", 0, "bag")]));
    let mut account =
        Standing { token: Some((Timestamp(NOW.0 - 60), Timestamp(NOW.0 + 7_140))), ..Standing::default() };
    account.alarm("unreadable records", "record ledger:oFan-1 is damaged".into(), Timestamp(NOW.0 - 30));
    account.alarm("errcode 40037", "invalid template_id".into(), Timestamp(NOW.0 - 90));
    let mut paces = <[Pace; 3]>::default();
    paces[0].learn(&Quota { daily_limit: 100_000, used: 10, remain: 99_990, rate_limit: None }, NOW);
    paces[1].learn(&Quota { daily_limit: 500, used: 500, remain: 0, rate_limit: None }, NOW);
    paces[1].pause_until((NOW.0 + 60) * 1_000, "the day's quota is used up");
    let set_aside = vec![Damaged { key: "fan:oFan-1".into(), at: NOW, bytes: 7 }];
    done(store.set(head::ACCOUNT, &account.encode())).unwrap();
    done(store.set(head::PACES, &paces.encode())).unwrap();
    done(store.set(LIST, &List { set_aside, repair: None }.encode())).unwrap();
    pushed(&store, push::End::Failed("cannot read ledger:oFan-1: damaged".into()));
    store
}

/// A run of push that ended so.
fn pushed(store: &Memory, end: push::End) {
    let report = push::Report {
        began: NOW,
        milliseconds: 1_250,
        sent: 1,
        waiting: 9,
        halted: Some("too many failed".into()),
        end,
        ..push::Report::default()
    };
    let note = [[1].as_slice(), &postcard::to_stdvec(&report).unwrap()].concat();
    let clock = SleepClock::default();
    let run = done(Run::start(store, &clock, push::JOB, 1, NOW)).unwrap();
    done(run.end(note)).unwrap();
}

fn moment(store: &Memory) -> Moment {
    Moment { now: NOW, backlog: Some(done(rollup::backlog_now(store)).unwrap()) }
}

fn status(store: &Memory) -> Status {
    let records = done(load(store, Status::keys(&brand(), moment(store)))).unwrap();
    Status::of(&brand(), moment(store), &records).unwrap()
}

fn sheet(store: &Memory, ask: &Ask) -> Sheet {
    let records = done(load(store, ask.keys(&brand(), moment(store)))).unwrap();
    ask.answer(&brand(), moment(store), &records).unwrap()
}

/// A number of a report, by the beginning of its row's first cell.
fn number(sheet: &Sheet, row: &str, column: &str) -> f64 {
    let row = sheet.rows.iter().find(|cells| matches!(&cells[0], Cell::Text(text) if text.starts_with(row)));
    row.and_then(|cells| cells[sheet.column(column).unwrap()].number()).unwrap_or_else(|| panic!("{row:?} {column}"))
}

/// Prometheus' text format 0.0.4, read strictly; by name and labels as they are written. Fails where something is not as the
/// format says.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    assert!(text.ends_with('\n'));
    let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut kind) = ("", "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(name.starts_with("guanxi_") && is_name(name) && !help.contains('\\'), "{line}");
            assert!(families.insert(name), "{name} comes twice");
            let declared = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
            let (typed, declared) = declared.split_once(' ').unwrap();
            assert_eq!(typed, name);
            assert!(["counter", "gauge", "histogram"].contains(&declared), "{declared}");
            assert_eq!(name.ends_with("_total"), declared == "counter", "{name}");
            (family, kind) = (name, declared);
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} stands under {family}"));
        assert!(
            if kind == "histogram" { ["_bucket", "_count"].contains(&suffix) } else { suffix.is_empty() },
            "{line}"
        );
        let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').unwrap();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
            assert!(is_name(label) && !value.contains(['"', '\\', '\n']), "{line}");
        }
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(value.is_finite(), "{line}");
        assert_eq!(samples.insert(series.to_owned(), value), None, "{series} comes twice");
    }
    let buckets = samples.iter().filter(|(series, _)| series.contains("_bucket{le="));
    let mut buckets: Vec<(f64, f64)> =
        buckets.map(|(series, count)| (series.split('"').nth(1).unwrap().parse().unwrap(), *count)).collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{buckets:?}");
    assert_eq!(buckets.last().unwrap(), &(f64::INFINITY, samples["guanxi_answer_duration_seconds_count"]));
    samples
}

#[test]
fn every_number_for_prometheus_is_that_of_the_reports() {
    let store = busy();
    let (account, overview) = (sheet(&store, &Ask::Account), sheet(&store, &Ask::Overview));
    let mut found = parse(&status(&store).metrics());
    let mut take = |series: &str| found.remove(&format!("guanxi_{series}")).unwrap_or_else(|| panic!("no {series}"));
    for (series, row, column) in [
        (r#"job_last_run_timestamp_seconds{run="rollup"}"#, "last run of rollup", "since"),
        (r#"job_last_run_timestamp_seconds{run="push"}"#, "last run of push", "since"),
        ("pushes_waiting", "last run of push", "left"),
        ("token_fetched_timestamp_seconds", "token", "since"),
        ("token_expires_timestamp_seconds", "token", "until"),
        (r#"quota_left{call="template"}"#, "quota: template", "left"),
        (r#"quota_left{call="notice"}"#, "quota: notices", "left"),
        (r#"quota_daily_limit{call="template"}"#, "quota: template", "of"),
        (r#"quota_daily_limit{call="notice"}"#, "quota: notices", "of"),
        (r#"quota_asked_timestamp_seconds{call="template"}"#, "quota: template", "since"),
        (r#"quota_asked_timestamp_seconds{call="notice"}"#, "quota: notices", "since"),
        ("alarm_last_timestamp_seconds", "alarm: unreadable", "until"),
    ] {
        assert_eq!(take(series), number(&account, row, column), "{series}");
    }
    for (series, column) in [("messages_total", "messages"), ("texts_unanswered_total", "unanswered")] {
        assert_eq!(take(series), number(&overview, "all", column), "{series}");
    }
    assert_eq!(take(r#"journal_streams{state="unopened"}"#), number(&overview, "all", "backlog"));
    // What the reports do not have as numbers: by what was put in.
    for (series, expected) in [
        (r#"build_info{version="0.1.0"}"#, 1.0),
        (r#"journal_streams{state="open"}"#, 1.0),
        ("journal_entries_folded_total", 11.0),
        ("journal_entries_damaged_total", 0.0),
        (r#"job_last_run_duration_seconds{run="rollup"}"#, 0.0),
        (r#"job_last_run_duration_seconds{run="push"}"#, 1.25),
        (r#"job_last_run_failed{run="rollup"}"#, 0.0),
        (r#"job_last_run_failed{run="push"}"#, 1.0),
        ("push_halted", 1.0),
        ("alarms", 2.0),
        ("records_set_aside", 1.0),
        ("records_unreadable", 0.0),
        (r#"calls_paused{call="template"}"#, 0.0),
        (r#"calls_paused{call="notice"}"#, 1.0),
        (r#"calls_paused{call="message"}"#, 0.0),
        ("pushes_today_planned", 4.0),
        (r#"pushes_today{state="waiting"}"#, 1.0),
        (r#"pushes_today{state="sent"}"#, 1.0),
        (r#"pushes_today{state="delivered"}"#, 0.0),
        (r#"pushes_today{state="refused"}"#, 1.0),
        (r#"pushes_today{state="unknown"}"#, 1.0),
        (r#"pushes_today{state="skipped_late"}"#, 0.0),
        ("answer_duration_seconds_count", 5.0),
    ] {
        assert_eq!(take(series), expected, "{series}");
    }
    for (reason, skip) in Skip::ALL {
        let expected = if [Skip::Holdout, Skip::OptedOut].contains(&skip) { 1.0 } else { 0.0 };
        assert_eq!(take(&format!(r#"pushes_today_skipped{{reason="{reason}"}}"#)), expected, "{reason}");
    }
    for end in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "4", "+Inf"] {
        assert_eq!(take(&format!(r#"answer_duration_seconds_bucket{{le="{end}"}}"#)), 5.0, "each took 3 ms");
    }
    assert_eq!(found, BTreeMap::new(), "nothing is left that nobody looked at");
}

#[test]
fn no_number_of_fans_channels_or_rules_makes_another_series() {
    let series = |store: &Memory| parse(&status(store).metrics()).into_keys().collect::<BTreeSet<_>>();
    let few = installed([follow("o1", 0, "bag")]);
    let many = installed((0..300).flat_map(|n| {
        let fan = format!("o{n}");
        [
            follow(&fan, n, &format!("scene{n}")),
            text(&fan, n, &format!("text {n}"), Some(&format!("rule{n}"))),
            told([news(&fan, &format!("p{n}"), n, What::Sent(None))]),
        ]
    }));
    assert_eq!(series(&few), series(&many));
    let (most, none) = (series(&busy()), parse(&status(&Memory::default()).metrics()));
    assert!(most.len() < 70 && series(&few).is_subset(&most), "{}", most.len());
    assert!(none.into_keys().collect::<BTreeSet<_>>().is_subset(&most), "before anything happened");
}

#[test]
fn the_json_says_the_same_and_nothing_of_it_names_a_fan() {
    let store = busy();
    let status = status(&store);
    let said: Value = serde_json::from_str(&status.json()).unwrap();
    let metrics = parse(&status.metrics());
    for (pointer, series) in [
        ("/journal/unopened_streams", r#"journal_streams{state="unopened"}"#),
        ("/journal/open_streams", r#"journal_streams{state="open"}"#),
        ("/journal/entries_folded", "journal_entries_folded_total"),
        ("/jobs/rollup/began", r#"job_last_run_timestamp_seconds{run="rollup"}"#),
        ("/jobs/push/began", r#"job_last_run_timestamp_seconds{run="push"}"#),
        ("/push/waiting", "pushes_waiting"),
        ("/pushes_today/planned", "pushes_today_planned"),
        ("/pushes_today/states/refused", r#"pushes_today{state="refused"}"#),
        ("/pushes_today/skipped/holdout", r#"pushes_today_skipped{reason="holdout"}"#),
        ("/messages", "messages_total"),
        ("/token/since", "token_fetched_timestamp_seconds"),
        ("/token/until", "token_expires_timestamp_seconds"),
        ("/quotas/notice/left", r#"quota_left{call="notice"}"#),
        ("/quotas/notice/of", r#"quota_daily_limit{call="notice"}"#),
        ("/records_set_aside", "records_set_aside"),
    ] {
        let number = said.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}: {said}"));
        assert_eq!(number.as_f64(), Some(metrics[&format!("guanxi_{series}")]), "{pointer}");
    }
    assert_eq!(said["jobs"]["push"]["failed"], "cannot read ledger:<openid>: damaged");
    assert_eq!(said["jobs"]["rollup"]["failed"], Value::Null);
    assert_eq!(said["quotas"]["notice"]["paused_until"], NOW.0 + 60);
    assert_eq!(said["quotas"]["message"]["left"], Value::Null);
    let alarms: Vec<_> = said["alarms"].as_array().unwrap().iter().map(|alarm| alarm["says"].clone()).collect();
    assert_eq!(alarms, ["record ledger:<openid> is damaged", "invalid template_id"]);
    for text in [said.to_string(), status.metrics()] {
        assert!(!text.contains("oFan"), "{text}");
    }
}

#[test]
fn a_damaged_record_is_left_out_and_counted_and_one_of_a_newer_guanxi_is_no_answer() {
    let keys = Status::keys(&brand(), moment(&busy()));
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 10, "{keys:?}");
    for key in &keys {
        let store = busy();
        let was = parse(&status(&store).metrics());
        done(store.set(key, &[1, 255, 255])).unwrap();
        let now = parse(&status(&store).metrics());
        // The list of what is set aside begins anew, and the cursor has a copy, both of which nobody need know.
        let counted = if key == LIST || key.starts_with("cursor:") { 0.0 } else { 1.0 };
        assert_eq!(now["guanxi_records_unreadable"], counted, "{key}");
        let kept = |name: &str| was.get(name) == now.get(name);
        assert!(kept("guanxi_journal_entries_folded_total"), "{key}");
        assert!(key == "count:all" || kept("guanxi_messages_total"), "{key}");
        done(store.set(key, &[255, 1, 1])).unwrap();
        let records = done(load(&store, keys.clone())).unwrap();
        let newer = Status::of(&brand(), Moment { now: NOW, backlog: None }, &records);
        assert_eq!(newer.is_err(), key != LIST && key != "cursor:journal:copy", "{key}");
    }
    // Both copies of the cursor: there is no number to give.
    let store = busy();
    for key in ["cursor:journal", "cursor:journal:copy"] {
        done(store.set(key, &[1, 255, 255])).unwrap();
    }
    let records = done(load(&store, keys)).unwrap();
    assert!(Status::of(&brand(), Moment { now: NOW, backlog: None }, &records).is_err());
}

#[test]
fn alerts_and_manual_name_no_metric_that_there_is_not() {
    const ALERTS: &str = include_str!("../../docs/alerts.yml");
    const MANUAL: &str = include_str!("../../../README.md");
    let names = |text: &str| -> BTreeSet<String> {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        words.filter(|word| word.starts_with("guanxi_")).map(str::to_owned).collect()
    };
    let metrics = status(&busy()).metrics();
    // Prometheus names by these where it scraped, and calls ours otherwise.
    assert!(["job=", "instance="].iter().all(|label| !metrics.contains(label)), "{metrics}");
    let given = names(&metrics);
    // A variable of the clock, and the crate of the local host.
    let others = ["guanxi_url"].map(str::to_owned);
    for (text, at_least) in [(ALERTS, 10), (MANUAL, 4)] {
        let named = names(text);
        assert!(named.len() >= at_least, "{named:?}");
        for name in named.iter().filter(|name| !others.contains(name)) {
            assert!(given.contains(name), "there is no {name}");
        }
    }
}
