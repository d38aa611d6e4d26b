//! Every kind of record damaged in turn: the rollup goes on for everybody else, and says what it set aside.

use super::world::{CALM, END, Morning, Still, World, append, at, leaves, news, order, reminding, text};
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::{
        Entry, Erase, Found, Orders,
        push::{LedgerNews, What},
    },
    fold::{
        Settings,
        damaged::{self, List, Refused, Wish, list, show, wish},
        fan::Fan,
        rollup::{End, Report, rollup},
    },
    journal::Journal,
    store::{
        Store,
        memory::{Fate, Memory, Verb},
    },
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const DAY: u64 = 24 * 60;
pub(crate) const FANS: std::ops::Range<u64> = 1..6;

fn settings() -> Settings {
    Settings { forget_after_days: 1, ..reminding() }
}

pub(crate) fn set(store: &Memory, key: &str, value: &[u8]) {
    store.set(key, value).now_or_never().unwrap().unwrap();
}

/// A store after a morning, with records of every kind.
fn morning(seed: u64) -> Memory {
    let world = World::new(seed, settings());
    world.live_until(END);
    copy(&world.store)
}

/// As [`morning`], and nothing in it was damaged.
fn steady() -> Memory {
    let world = World::new(Morning::steady(1), settings());
    world.live_until(END);
    copy(&world.store)
}

fn copy(of: &Memory) -> Memory {
    let store = Memory::default();
    of.values().iter().for_each(|(key, value)| set(&store, key, value));
    for (key, count) in of.counters() {
        store.increment(&key, count).now_or_never().unwrap().unwrap();
    }
    store
}

fn run(store: &Memory, minute: u64) -> Report {
    rollup(store, &Still, &settings(), at(minute), minute).now_or_never().unwrap().unwrap()
}

/// Something of every fan, and then the days on which those who left are forgotten. Everything that rollup said.
fn go_on(store: &Memory) -> Vec<Report> {
    let (instance, now) = (Journal::default(), at(END));
    for fan in FANS {
        append(store, &instance, now, &text(fan, 1_000 + fan, now));
        let orders = vec![order(fan, 2_000 + fan, now), order(fan, fan, now)];
        append(store, &instance, now, &Entry::Orders(Orders { at: now, orders }));
        append(store, &instance, now, &Entry::Ledger(LedgerNews(vec![news(fan, 9, now, What::Planned)])));
    }
    append(store, &instance, now, &leaves(4, now));
    let days = (0..4).map(|day| END + 20 + day * DAY).chain((0..8).map(|n| END + 40 + 4 * DAY + n));
    (END..END + CALM).chain(days).map(|minute| run(store, minute)).collect()
}

fn fans(store: &Memory) -> BTreeMap<String, Fan> {
    let is_fan = |key: &str| key.strip_prefix("fan:").is_some_and(|openid| !openid.contains(':'));
    let records = store.values().into_iter().filter(|(key, _)| is_fan(key));
    records.map(|(key, bytes)| (key.clone(), Fan::decode(&bytes).unwrap().unlisted())).collect()
}

fn entries(reports: &[Report]) -> u64 {
    reports.iter().map(|report| report.entries).sum()
}

/// Bytes that cannot be read: nothing, too little, too much, something else.
pub(crate) fn damages(good: &[u8]) -> [Vec<u8>; 4] {
    let something: Vec<u8> = good.iter().take(1).copied().chain([0xFF; 40]).collect();
    [Vec::new(), good[..good.len() - 1].to_vec(), [good, &[0]].concat(), something]
}

#[test]
fn whatever_record_is_damaged_the_rollup_goes_on_for_everybody_else() {
    let mut kinds = BTreeSet::new();
    let whole = morning(1);
    let twin = copy(&whole);
    let expected = go_on(&twin);
    assert!(expected.iter().all(|report| report.end == End::Done && report.set_aside.is_empty()), "{expected:?}");
    for (key, good) in whole.values().into_iter().filter(|(key, _)| !key.starts_with("journal:")) {
        for bad in damages(&good) {
            let store = copy(&whole);
            set(&store, &key, &bad);
            let reports = go_on(&store);
            for report in &reports {
                assert_eq!(report.end, End::Done, "{key} {bad:?}");
            }
            assert_eq!(entries(&reports), entries(&expected), "{key} {bad:?}");
            let (mut others, mut same) = (fans(&store), fans(&twin));
            others.remove(&key);
            same.remove(&key);
            match kind(&key) {
                // An order that is not known to be told is told to its fan again.
                "order" => {}
                // Nobody knows any more who left on that day.
                "fan page" => assert!(same.iter().all(|(key, fan)| others.get(key) == Some(fan)), "{key} {bad:?}"),
                _ => assert_eq!(others, same, "{key} {bad:?}"),
            }
            let said: Vec<&String> = reports.iter().flat_map(|report| &report.set_aside).collect();
            if store.values().get(&key) != Some(&bad) && key != "run:rollup" && !said.is_empty() {
                assert_eq!(said, [&key], "{bad:?}");
                kinds.insert(kind(&key));
            }
        }
    }
    let expected = [
        "count",
        "cursor",
        "due list",
        "due list head",
        "fan",
        "fan list",
        "fan list head",
        "fan page",
        "order",
        "outcome list",
        "outcome list head",
        "what is set aside",
    ];
    assert_eq!(kinds, BTreeSet::from(expected), "is this blind?");
}

fn kind(key: &str) -> &'static str {
    let head = key.ends_with(":head");
    match key.split(':').next().unwrap() {
        "fan" if key.starts_with("fan:list:") => {
            if head {
                "fan list head"
            } else {
                "fan list"
            }
        }
        "fan" if key.starts_with("fan:forget:") => "fan page",
        "fan" => "fan",
        "due" => {
            if head {
                "due list head"
            } else {
                "due list"
            }
        }
        "outcome" => {
            if head {
                "outcome list head"
            } else {
                "outcome list"
            }
        }
        "count" => "count",
        "order" => "order",
        "cursor" => "cursor",
        "damaged" => "what is set aside",
        _ => "?",
    }
}

#[test]
fn what_is_set_aside_keeps_its_bytes_is_listed_and_goes_when_that_is_wished_or_after_thirty_days() {
    let store = steady();
    set(&store, "fan:fan-1", b"\x01?");
    set(&store, "fan:fan-2", b"\x01??");
    let now = at(END);
    for fan in 1..3 {
        append(&store, &Journal::default(), now, &text(fan, 1_000, now));
    }
    assert_eq!(run(&store, END).set_aside, ["fan:fan-1", "fan:fan-2"]);
    let kept = |store: &Memory| -> Vec<(String, u64)> {
        let list = list(store).now_or_never().unwrap().unwrap();
        list.set_aside.into_iter().map(|damaged| (damaged.key, damaged.bytes)).collect()
    };
    assert_eq!(kept(&store), [("fan:fan-1".into(), 2), ("fan:fan-2".into(), 3)]);
    let shown = |key: &str| show(&store, key).now_or_never().unwrap();
    assert_eq!(shown("fan:fan-2"), Ok(b"\x01??".to_vec()));
    assert_eq!(shown("fan:fan-3"), Err(Refused::Unknown), "not every record is shown");
    let drops = |key: &str| wish(&store, &Wish::Drop(key.into())).now_or_never().unwrap();
    assert_eq!(drops("fan:fan-3"), Err(Refused::Unknown));
    assert_eq!((drops("fan:fan-1"), drops("fan:fan-1")), (Ok(()), Ok(())));
    assert_eq!(drops("fan:fan-2"), Err(Refused::Waits("fan:fan-1".into())));
    run(&store, END + 1);
    assert_eq!(kept(&store), [("fan:fan-2".into(), 3)]);
    assert!(!store.values().contains_key(&damaged::key("fan:fan-1")));
    run(&store, END + 29 * DAY);
    assert_eq!(kept(&store).len(), 1);
    run(&store, END + 31 * DAY);
    assert_eq!(kept(&store), []);
    assert!(!store.values().keys().any(|key| key.starts_with("damaged:")), "{:?}", store.values().keys());
}

#[test]
fn what_is_set_aside_of_a_fan_goes_when_the_fan_is_forgotten() {
    let store = steady();
    set(&store, "fan:fan-1", b"\x01?");
    let (instance, now) = (Journal::default(), at(END));
    append(&store, &instance, now, &text(1, 1_000, now));
    assert_eq!(run(&store, END).set_aside, ["fan:fan-1"]);
    let erase = Entry::Erase(Erase { openid: "fan-1".parse().unwrap(), at: at(END + 1) });
    append(&store, &instance, at(END + 1), &erase);
    assert_eq!(run(&store, END + 1).end, End::Done);
    assert!(!store.values().keys().any(|key| key.starts_with("damaged:")), "{:?}", store.values().keys());
}

#[test]
fn what_push_found_is_set_aside_and_a_page_only_as_long_as_it_is_as_it_was_found() {
    let store = steady();
    let (instance, now) = (Journal::default(), at(END));
    let tell =
        |key: &str, bytes: &[u8]| append(&store, &instance, now, &Entry::Damaged(Found::new(key, bytes.to_vec())));
    let good = store.values()["fan:list:0"].clone();
    set(&store, "fan:list:0", b"\x01?");
    for key in ["fan:list:0", "fan:list:0", "plan:h1:0", "ledger:fan-1"] {
        tell(key, b"\x01?");
    }
    let report = run(&store, END);
    assert_eq!((report.end, report.set_aside.len(), report.entries), (End::Done, 3, 4), "{:?}", report.set_aside);
    for key in ["fan:list:0", "plan:h1:0", "ledger:fan-1"] {
        assert_eq!(show(&store, key).now_or_never().unwrap(), Ok(b"\x01?".to_vec()));
    }
    let values = store.values();
    assert!(
        values["fan:list:0"].len() < good.len() && values["fan:list:0"].len() > 2,
        "blanks, as many as it had items"
    );
    assert!(
        !values.keys().any(|key| key.starts_with("plan:") || key.starts_with("ledger:")),
        "it writes nothing of push's"
    );
    // Told again it is as it was: the page by now is another.
    tell("fan:list:0", b"\x01?");
    assert_eq!(run(&store, END + 1).set_aside, [""; 0]);
    assert_eq!(store.values()["fan:list:0"], values["fan:list:0"]);
    // What is about a fan goes with the fan.
    let erase = Entry::Erase(Erase { openid: "fan-1".parse().unwrap(), at: now });
    append(&store, &instance, now, &erase);
    run(&store, END + 2);
    assert_eq!(show(&store, "ledger:fan-1").now_or_never().unwrap(), Err(Refused::Unknown));
}

#[test]
fn an_entry_that_cannot_be_read_is_listed_and_stays_in_the_journal() {
    let store = morning(2);
    let now = at(END);
    let place = append(&store, &Journal::default(), now, &text(1, 1_000, now)).to_string();
    set(&store, &place, b"\x01?");
    let before = list(&store).now_or_never().unwrap().unwrap().set_aside.len();
    let report = run(&store, END);
    assert_eq!((report.damaged, report.end), (1, End::Done));
    assert_eq!(show(&store, &place).now_or_never().unwrap(), Ok(b"\x01?".to_vec()));
    assert_eq!(list(&store).now_or_never().unwrap().unwrap().set_aside.len(), before + 1);
    assert_eq!(store.values()[&place], b"\x01?");
}

#[test]
fn a_cursor_that_is_damaged_or_gone_is_taken_from_its_copy_and_nothing_is_folded_twice() {
    let whole = morning(1);
    let twin = copy(&whole);
    go_on(&twin);
    for (first, second) in [("cursor:journal", "cursor:journal:copy"), ("cursor:journal:copy", "cursor:journal")] {
        for bad in damages(&whole.values()[first]) {
            let store = copy(&whole);
            set(&store, first, &bad);
            go_on(&store);
            let knowledge = |store: &Memory| {
                let mut values = store.values();
                values.retain(|key, _| ["fan:", "count:", "cursor:"].iter().any(|prefix| key.starts_with(prefix)));
                values
            };
            assert_eq!(knowledge(&store), knowledge(&twin), "{first}");
        }
        let store = copy(&whole);
        store.delete(first).now_or_never().unwrap().unwrap();
        go_on(&store);
        assert_eq!(fans(&store), fans(&twin), "{first} is gone");
        set(&store, first, b"");
        set(&store, second, b"");
        let End::Failed(why) = run(&store, END + 6 * DAY).end else { panic!("nobody can tell where to go on") };
        assert!(why.contains(first) && why.contains(second), "{why}");
    }
}

#[test]
fn a_promise_that_cannot_be_kept_is_set_aside_and_its_entries_are_folded_again() {
    // A run dies when its promise stands, or when some or all of its writes are made.
    for dies_at in 1..5 {
        let whole = morning(1);
        let (instance, now) = (Journal::default(), at(END));
        for fan in FANS {
            append(&whole, &instance, now, &text(fan, 1_000 + fan, now));
        }
        let (twin, dead) = (copy(&whole), copy(&whole));
        run(&twin, END);
        let mut after = None;
        dead.judge_by(move |operation| {
            if operation.verb == Verb::Set && operation.key == "redo:head" {
                after = Some(0);
            }
            match after.as_mut().filter(|_| operation.verb != Verb::Get) {
                None => Fate::Works,
                Some(count) => {
                    *count += 1;
                    if *count == dies_at { Fate::StopsAfter } else { Fate::Works }
                }
            }
        });
        assert!(rollup(&dead, &Still, &settings(), at(END), 7).now_or_never().is_none(), "it dies");
        dead.judge_by(|_| Fate::Works);
        let parts: Vec<String> = dead.values().into_keys().filter(|key| key.starts_with("redo:")).collect();
        for key in &parts {
            for bad in damages(&dead.values()[key]) {
                let store = copy(&dead);
                set(&store, key, &bad);
                let reports: Vec<Report> = (END + 4..END + 4 + CALM).map(|minute| run(&store, minute)).collect();
                assert!(reports.iter().all(|report| report.end == End::Done), "{dies_at} {key} {reports:?}");
                assert_eq!(fans(&store), fans(&twin), "{dies_at} {key}");
                assert!(!store.values().keys().any(|key| key.starts_with("redo:")), "{dies_at} {key}");
            }
        }
    }
}

#[test]
fn a_store_with_too_much_damage_stops_the_run_and_says_so() {
    let store = morning(1);
    let full = (0..damaged::KEPT_MAX).map(|n| format!("fan:x{n}"));
    let full = full.map(|key| damaged::Damaged { key, at: at(END), bytes: 1 }).collect();
    let full = List { set_aside: full, repair: None };
    set(&store, damaged::LIST, &[&[1], postcard::to_stdvec(&full).unwrap().as_slice()].concat());
    // What push has seen to already finds no room, and that is no reason to stop.
    append(&store, &Journal::default(), at(END), &Entry::Damaged(Found::new("plan:h1:0", vec![1])));
    let report = run(&store, END);
    assert_eq!((report.end, report.set_aside.len()), (End::Done, 0));
    set(&store, "fan:fan-1", b"");
    append(&store, &Journal::default(), at(END), &text(1, 1_000, at(END)));
    let End::Failed(why) = run(&store, END + 1).end else { panic!("goes on") };
    assert!(why.contains("fan:fan-1"), "{why}");
    assert_eq!(store.values()["fan:fan-1"], b"", "and nothing is overwritten");
}
