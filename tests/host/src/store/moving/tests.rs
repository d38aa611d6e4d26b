#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use redis_process::empty_database;

use super::*;
use crate::store::Location;

/// Counters of these stores begin with a `c`, and what begins with an `x` is not theirs.
fn nature(key: &str) -> Option<Nature> {
    match key.as_bytes()[0] {
        b'c' => Some(Nature::Counter),
        b'x' => None,
        _ => Some(Nature::Value),
    }
}

fn sqlite() -> Store {
    Store::open(&Location::Memory).unwrap()
}

fn redis() -> Store {
    Store::open(&Location::Redis(empty_database().parse().unwrap())).unwrap()
}

async fn fill(store: &Store, entries: &BTreeMap<String, Item>) {
    write(store, entries.clone().into_iter().collect()).await.unwrap();
}

/// What the application finds.
async fn found(store: &Store) -> BTreeMap<String, Item> {
    let mut found = BTreeMap::new();
    for key in store.keys("").await.unwrap() {
        let item = match key.starts_with('c') {
            true => Item::Counter(store.increment(&key, 0).await.unwrap()),
            false => Item::Value(store.get(&key).await.unwrap().unwrap()),
        };
        found.insert(key, item);
    }
    found
}

fn entry() -> impl Strategy<Value = (String, Item)> {
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        // What looks like a counter on SQLite, and almost like one on Redis.
        any::<[u8; 8]>().prop_map(|bytes| bytes.to_vec()),
        any::<u8>().prop_map(|number| format!("0{number}").into_bytes()),
    ];
    let value = value.prop_filter("a counter on Redis", |value| !redis::is_number(value));
    prop_oneof![
        ("v[a-z:.0-9]{0,12}", value.prop_map(Item::Value)),
        ("c[a-z:.0-9]{0,12}", any::<i64>().prop_map(Item::Counter)),
    ]
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_goes_there_and_back_is_the_same(
        entries in proptest::collection::vec(entry(), 0..300)
    ) {
        let entries: BTreeMap<String, Item> = entries.into_iter().collect();
        block_on(async {
            let (first, between, last) = (sqlite(), redis(), sqlite());
            fill(&first, &entries).await;
            for (from, to) in [(&first, &between), (&between, &last)] {
                copy(from, to, &nature, false).await.unwrap();
                let difference = compare(from, to, &nature).await.unwrap();
                assert_eq!(difference, Difference { same: entries.len() as u64, ..Difference::default() });
                let summaries = (summary(from, &nature).await.unwrap(), summary(to, &nature).await.unwrap());
                assert_eq!(summaries.0, summaries.1);
                assert_eq!(summaries.0.keys, entries.len() as u64);
                assert_eq!(found(to).await, entries);
            }
            assert_eq!(found(&first).await, entries);
        });
    }
}

#[tokio::test]
async fn a_move_that_stopped_anywhere_goes_on() {
    for (from, to) in [(sqlite(), redis()), (redis(), sqlite())] {
        let count = PAGE_KEYS * 3 + 7;
        let item = |number: usize| match number % 5 {
            0 => (format!("c{number:05}"), Item::Counter(number as i64 - 40)),
            _ => (format!("v{number:05}"), Item::Value(vec![number as u8; 30])),
        };
        let entries: BTreeMap<_, _> = (0..count).map(item).collect();
        fill(&from, &entries).await;
        // As if it had got so far.
        for (key, item) in entries.iter().skip(100).step_by(3) {
            write(&to, vec![(key.clone(), item.clone())]).await.unwrap();
        }
        let before = compare(&from, &to, &nature).await.unwrap();
        assert!(before.same > 50 && before.missing.count > 100 && before.differing.count == 0, "{before:?}");
        assert_eq!(before.missing.first.len(), FIRST_KEYS);
        copy(&from, &to, &nature, false).await.unwrap();
        copy(&from, &to, &nature, false).await.unwrap();
        assert_eq!(found(&to).await, entries);
    }
}

#[tokio::test]
async fn what_differs_is_overwritten_and_what_is_more_goes_only_by_replace() {
    for (from, to) in [(sqlite(), redis()), (redis(), sqlite()), (sqlite(), sqlite()), (redis(), redis())] {
        from.set("value", b"right".to_vec()).await.unwrap();
        from.increment("counter", 3).await.unwrap();
        from.set("v-new", b"8 bytes.".to_vec()).await.unwrap();
        to.set("value", b"wrong".to_vec()).await.unwrap();
        to.increment("counter", 4).await.unwrap();
        to.set("v-more", b"x".to_vec()).await.unwrap();
        to.increment("c-more", 1).await.unwrap();
        let mut difference = compare(&from, &to, &nature).await.unwrap();
        difference.differing.first.sort();
        difference.more.first.sort();
        let keys = |first: &[&str]| Keys {
            count: first.len() as u64,
            first: first.iter().map(|&key| key.to_owned()).collect(),
        };
        let (missing, differing, more) = (keys(&["v-new"]), keys(&["counter", "value"]), keys(&["c-more", "v-more"]));
        assert_eq!(difference, Difference { same: 0, missing, differing, more });

        assert!(matches!(copy(&from, &to, &nature, false).await, Err(MoveError::Changed(_))));
        assert_eq!(to.get("value").await.unwrap().unwrap(), b"wrong");
        assert_eq!(to.increment("counter", 0).await.unwrap(), 4);

        copy(&from, &to, &nature, true).await.unwrap();
        assert_eq!(found(&to).await, found(&from).await);
        assert_eq!(found(&to).await.len(), 3);
    }
}

#[tokio::test]
async fn what_is_not_the_applications_is_left_alone_on_both_sides() {
    for (from, to) in [(sqlite(), redis()), (redis(), sqlite())] {
        from.set("x-theirs", b"x".to_vec()).await.unwrap();
        from.set("v", b"x".to_vec()).await.unwrap();
        to.set("x-others", b"y".to_vec()).await.unwrap();
        copy(&from, &to, &nature, true).await.unwrap();
        assert_eq!(to.keys("").await.unwrap(), ["v", "x-others"]);
        let summary = summary(&from, &nature).await.unwrap();
        assert_eq!((summary.keys, summary.foreign), (1, 1));
    }
}

#[tokio::test]
async fn a_value_in_a_counters_place_is_named() {
    for (from, to) in [(sqlite(), redis()), (redis(), sqlite())] {
        from.set("counter", b"no number".to_vec()).await.unwrap();
        let expected = MoveError::NoCounter("counter".to_owned());
        assert_eq!(copy(&from, &to, &nature, true).await, Err(expected.clone()));
        assert_eq!(compare(&from, &to, &nature).await, Err(expected));
        assert_eq!(to.keys("").await.unwrap(), [""; 0]);
    }
}

#[test]
fn every_part_of_an_entry_counts_in_the_digest() {
    let entries = [
        ("a", Item::Value(b"b".to_vec())),
        ("ab", Item::Value(Vec::new())),
        ("a", Item::Value(Vec::new())),
        ("a", Item::Counter(0)),
        ("a", Item::Value(vec![0; 8])),
        ("b", Item::Value(b"b".to_vec())),
    ];
    let digests: HashSet<u128> = entries.iter().map(|(key, item)| digest(key, item)).collect();
    assert_eq!(digests.len(), entries.len());
}
