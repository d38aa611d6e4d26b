//! A rollup that is killed with SIGKILL ends, continued by the next runs, in the same bytes as one that was left alone.
//! On the local host, in processes of its own.

use e2e::{
    event, run,
    stores::{Kind, Outliving},
    text,
};
use guanxi::{
    facts::{Entry, Orders, Place, Received},
    journal::{SEQUENCE, orders},
    time::Timestamp,
    wechat::Message,
};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, process::Command};

const START: u64 = 1_772_416_800;
const MINUTE: u64 = 60;
const KILLS: usize = 50;
/// On the further kinds of store.
const KILLS_SAMPLE: usize = 8;
const STREAM: u32 = 128;

fn push(body: &str) -> Entry {
    let (_, message) = Message::parse(body.as_bytes()).unwrap();
    Entry::Received(Received { message, touch: None, rule: None, milliseconds: 2, pushes: None, left: Vec::new() })
}

/// Forty fans who follow, scan, write, buy and leave; a third of it twice, as a retry would be, and out of order.
fn scenario() -> Vec<Entry> {
    let mut rng = ChaCha8Rng::seed_from_u64(50);
    let mut entries = Vec::new();
    for number in 0..300_u64 {
        let fan = format!("oFan-{}", rng.random_range(0..40));
        let now = Timestamp(START - 500 + rng.random_range(0..500));
        let scene = ["bag_2kg", "kol_amiao", "poster_metro_sh", "unheard_of"][rng.random_range(0..4)];
        entries.push(match rng.random_range(0..6) {
            0 => push(&event(&fan, now, "subscribe", &format!("<EventKey>qrscene_{scene}</EventKey>"))),
            1 => push(&event(&fan, now, "SCAN", &format!("<EventKey>{scene}</EventKey>"))),
            2 => push(&event(&fan, now, "unsubscribe", "")),
            3 => {
                let line = format!(r#"{{"product":"p{}","quantity":2,"amount":990}}"#, number % 3);
                let order = format!(r#"{{"id":"N-{number}","openid":"{fan}","time":{now},"lines":[{line}]}}"#);
                Entry::Orders(Orders { at: now, orders: orders::read(order.as_bytes(), now).unwrap() })
            }
            _ => push(&text(&fan, now, number, "有人吗")),
        });
    }
    let copies: Vec<Entry> = entries.iter().step_by(3).cloned().collect();
    entries.extend(copies);
    entries.shuffle(&mut rng);
    entries
}

/// A store with the scenario's journal, in streams with a gap each.
async fn journal(store: &Outliving) {
    let store = store.open();
    let mut writes = Vec::new();
    let mut place = Place { stream: 1, index: 0 };
    for entry in scenario() {
        if place.index == 7 {
            place.index += 1;
        }
        writes.push((place.to_string(), entry.encode()));
        place.index += 1;
        if place.index == STREAM {
            place = Place { stream: place.stream + 1, index: 0 };
        }
    }
    store.set_many(writes).await.unwrap();
    store.increment(SEQUENCE, place.stream as i64).await.unwrap();
    store.close().await;
}

/// All that rollup is to leave behind. Parts of a redo record without its head are garbage that the next one overwrites.
async fn outcome(store: &Outliving) -> BTreeMap<String, Vec<u8>> {
    let store = store.open();
    let mut records = BTreeMap::new();
    for prefix in ["fan:", "count:", "order:", "cursor:", "redo:head"] {
        for key in store.keys(prefix).await.unwrap() {
            let value = store.get(&key).await.unwrap().unwrap();
            records.insert(key, value);
        }
    }
    store.close().await;
    records
}

/// Runs until nothing is left to do: streams are closed after five minutes, and each run looks at one day's forgetting.
const SETTLING: u64 = 12;

/// So many runs in a process of their own: how many store operations they made; none when it was killed.
fn rollup(store: &Outliving, minutes: u64, runs: u64, kill_at: Option<u64>) -> Option<u64> {
    let mut process = Command::new(env!("CARGO_BIN_EXE_jobs_once"));
    let jobs = vec!["rollup"; runs as usize].join(",");
    process.args(store.arguments()).args([&(START + minutes * MINUTE).to_string(), &jobs, "-"]);
    process.args(kill_at.map(|number| number.to_string()));
    let output = process.output().unwrap();
    match kill_at {
        None => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Some(_) if output.status.success() => panic!("was to be killed"),
        Some(_) => return None,
    }
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

#[test]
fn on_the_local_host_fifty_killed_rollups_end_in_the_same_bytes_in_wal() {
    killed_rollups(Kind::Wal, KILLS);
}

#[test]
fn on_the_local_host_fifty_killed_rollups_end_in_the_same_bytes_in_delete() {
    killed_rollups(Kind::Delete, KILLS);
}

#[test]
fn on_the_local_host_killed_rollups_end_in_the_same_bytes_with_commits_of_a_group() {
    killed_rollups(Kind::Group, KILLS_SAMPLE);
}

#[test]
fn on_the_local_host_killed_rollups_end_in_the_same_bytes_on_redis() {
    killed_rollups(Kind::Redis, KILLS_SAMPLE);
}

fn killed_rollups(kind: Kind, kills: usize) {
    e2e::build();
    let template = Outliving::new(kind);
    run(journal(&template));
    let undisturbed = template.copy();
    let operations = rollup(&undisturbed, 0, 1, None).unwrap();
    rollup(&undisturbed, 30, SETTLING, None);
    let expected = run(outcome(&undisturbed));
    assert!(expected.keys().any(|key| key.starts_with("fan:")) && expected.len() > 60, "{}", expected.len());
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    for _ in 0..kills {
        let kill_at = rng.random_range(0..operations);
        let store = template.copy();
        rollup(&store, 0, 1, Some(kill_at));
        // A run that began is given three minutes.
        rollup(&store, 4, 1, None);
        rollup(&store, 30, SETTLING, None);
        let found = run(outcome(&store));
        let keys = expected.keys().chain(found.keys());
        let differing: Vec<_> = keys.filter(|key| expected.get(*key) != found.get(*key)).collect();
        assert!(differing.is_empty(), "killed at operation {kill_at} of {operations}: {differing:?}");
    }
}
