//! Which playbook holds, as an instance finds out from a store that misbehaves.

use futures::FutureExt;
use guanxi::{
    playbook::{
        LOOK_EVERY_SECONDS, Shelf,
        publish::{HEAD_KEY, Head, publish},
    },
    store::{
        Store,
        memory::{Fate, Memory},
    },
    time::Timestamp,
};
use std::cell::RefCell;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn later(seconds: u64) -> Timestamp {
    Timestamp(NOW.0 + seconds)
}

/// A "playbook" that is its own bytes, so that a test sees which one it got.
fn shelf() -> Shelf<Vec<u8>> {
    Shelf::new(|published| Ok(published.unwrap_or(b"built in").to_vec()))
}

/// Publishes `playbook`, gives when it holds from.
fn put(store: &Memory, playbook: &[u8], now: Timestamp) -> Timestamp {
    let head = store.values().get(HEAD_KEY).map(|record| Head::decode(record).unwrap());
    let (head, writes) = publish(head.as_ref(), playbook, now).unwrap();
    for (key, value) in writes {
        store.set(&key, &value).now_or_never().unwrap().unwrap();
    }
    head.latest().unwrap().holds_from
}

fn holding(shelf: &Shelf<Vec<u8>>, store: &Memory, at: Timestamp, now: Timestamp) -> Result<Vec<u8>, String> {
    let holding = shelf.holding_at(at, store, now, &|_| ()).now_or_never().unwrap();
    holding.map(|playbook| playbook.to_vec()).map_err(|error| error.to_string())
}

#[test]
fn a_message_is_answered_by_the_playbook_that_holds_at_its_create_time() {
    let (shelf, store) = (shelf(), Memory::default());
    let first = put(&store, b"first", NOW);
    let second = put(&store, b"second", later(100));
    for (at, playbook) in [
        (Timestamp(first.0 - 1), &b"built in"[..]),
        (first, b"first"),
        (Timestamp(second.0 - 1), b"first"),
        (second, b"second"),
    ] {
        assert_eq!(holding(&shelf, &store, at, later(300)).unwrap(), playbook, "{at}");
    }
}

#[test]
fn an_instance_looks_for_a_newer_head_every_ten_seconds_and_no_more_often() {
    let (shelf, store) = (shelf(), Memory::default());
    holding(&shelf, &store, NOW, NOW).unwrap();
    let looked = store.operations();
    let from = put(&store, b"new", NOW);
    let written = store.operations();
    assert_eq!(holding(&shelf, &store, from, later(LOOK_EVERY_SECONDS - 1)).unwrap(), b"built in");
    assert_eq!((looked, store.operations()), (1, written), "no look");
    assert_eq!(holding(&shelf, &store, from, later(LOOK_EVERY_SECONDS)).unwrap(), b"new");
    holding(&shelf, &store, from, later(LOOK_EVERY_SECONDS)).unwrap();
    assert_eq!(store.operations(), written + 2, "one look at the head, one at the new one's only part");
}

#[test]
fn a_playbook_is_loaded_when_it_is_first_asked_for_and_once() {
    thread_local!(static LOADED: RefCell<Vec<Vec<u8>>> = RefCell::default());
    let load = |published: Option<&[u8]>| {
        let bytes = published.unwrap_or(b"built in").to_vec();
        LOADED.with_borrow_mut(|loaded| loaded.push(bytes.clone()));
        Ok(bytes)
    };
    let (shelf, store) = (Shelf::new(load), Memory::default());
    let from = put(&store, b"published", NOW);
    assert_eq!(LOADED.take(), [b""; 0]);
    for (at, loaded) in [(from, vec![&b"published"[..]]), (from, vec![]), (NOW, vec![b"built in"]), (NOW, vec![])] {
        holding(&shelf, &store, at, from).unwrap();
        assert_eq!(LOADED.take(), loaded, "{at}");
    }
}

#[test]
fn a_built_in_playbook_that_does_not_load_is_an_error_only_where_it_holds() {
    let shelf = Shelf::new(|published| match published {
        None => Err("damaged".into()),
        Some(published) => Ok(published.to_vec()),
    });
    let store = Memory::default();
    let from = put(&store, b"published", NOW);
    assert_eq!(holding(&shelf, &store, from, from).unwrap(), b"published");
    assert_eq!(holding(&shelf, &store, NOW, from).unwrap_err(), "the store failed: the built-in playbook: damaged");
}

#[test]
fn a_fresh_instance_does_not_guess_what_holds() {
    let (shelf, store) = (shelf(), Memory::default());
    let from = put(&store, b"new", NOW);
    store.judge_by(|_| Fate::Fails);
    assert!(holding(&shelf, &store, from, from).is_err());
    store.judge_by(|_| Fate::Works);
    assert_eq!(holding(&shelf, &store, from, from).unwrap(), b"new");
    store.judge_by(|_| Fate::Fails);
    assert_eq!(holding(&shelf, &store, from, Timestamp(from.0 + 60)).unwrap(), b"new", "what it knows still holds");
}

#[test]
fn a_damaged_publication_is_passed_over_and_named_in_the_log_once() {
    let (shelf, store) = (shelf(), Memory::default());
    put(&store, b"good", NOW);
    let from = put(&store, b"damaged", later(100));
    store.set("playbook:2:0", b"dama").now_or_never().unwrap().unwrap();
    let log = RefCell::new(Vec::new());
    for _ in 0..3 {
        let say = |line: &str| log.borrow_mut().push(line.to_owned());
        let playbook = shelf.holding_at(from, &store, from, &say).now_or_never().unwrap().unwrap();
        assert_eq!(*playbook, b"good");
    }
    let log = log.into_inner();
    assert!(log.len() == 1 && log[0].starts_with("publication 2: "), "{log:?}");
}
