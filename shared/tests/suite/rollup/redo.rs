//! Many writes as one.

use super::world::{START, Still};
use futures::FutureExt;
use guanxi::{
    store::{
        Store,
        commit::{self, BYTES_MAX, PART_BYTES, RedoError},
        lease::Run,
        memory::{Fate, Memory, Verb},
        record::Write,
    },
    time::Timestamp,
};
use std::collections::BTreeMap;

/// A run, so many quarters of an hour after the first.
fn run(store: &Memory, turn: u64) -> Run<'_, Memory, Still> {
    let now = Timestamp(START.0 + turn * 900);
    Run::start(store, &Still, "job", turn, now).now_or_never().unwrap().unwrap()
}

fn write(store: &Memory, turn: u64, writes: Vec<Write>) -> Option<Result<(), RedoError>> {
    run(store, turn).commit(writes).now_or_never()
}

fn finish(store: &Memory, turn: u64) -> Result<bool, RedoError> {
    commit::finish(&run(store, turn)).now_or_never().unwrap()
}

/// 3 MB of new records, and 700 that go.
fn writes() -> Vec<Write> {
    let new = (0..1_500).map(|n| Write { key: format!("new:{n}"), value: Some(vec![n as u8; 2_000]) });
    new.chain((0..700).map(|n| Write { key: format!("old:{n}"), value: None })).collect()
}

fn before() -> Memory {
    let store = Memory::default();
    let old: Vec<_> = (0..700).map(|n| (format!("old:{n}"), vec![1])).collect();
    store.set_many(&old).now_or_never().unwrap().unwrap();
    store
}

fn records(store: &Memory) -> BTreeMap<String, Vec<u8>> {
    let mut values = store.values();
    values.retain(|key, _| !key.starts_with("run:"));
    values
}

#[test]
fn all_writes_happen_or_none_wherever_the_run_dies() {
    let (nothing, all) = (records(&before()), writes().into_iter().filter_map(|w| Some((w.key, w.value?))).collect());
    let (mut outcomes, mut died) = ([0, 0], true);
    for target in 0.. {
        for fate in [Fate::StopsBefore, Fate::StopsHalfway, Fate::StopsAfter] {
            let store = before();
            // After the three with which a run begins.
            let from = store.operations() + 3 + target;
            store.judge_by(move |operation| match operation.number == from {
                true => fate,
                false => Fate::Works,
            });
            died = write(&store, 1, writes()).is_none();
            store.judge_by(|_| Fate::Works);
            let finished = finish(&store, 2).unwrap();
            let got = records(&store);
            assert!(got == nothing || got == all, "{fate:?} at {target}: {:?}", got.keys());
            assert!(!finished || got == all);
            outcomes[usize::from(got == all)] += 1;
        }
        if !died {
            break;
        }
    }
    assert!(outcomes[0] > 10 && outcomes[1] > 10, "{outcomes:?}");
}

#[test]
fn no_part_and_no_group_is_too_large_for_a_store() {
    let store = before();
    store.judge_by(move |operation| {
        assert!(operation.rest.len() < 512);
        Fate::Works
    });
    let died = before();
    died.judge_by(|operation| match (operation.verb, operation.key) {
        (Verb::Set, "redo:head") => Fate::StopsAfter,
        _ => Fate::Works,
    });
    write(&store, 1, writes()).unwrap().unwrap();
    assert!(write(&died, 1, writes()).is_none());
    let parts: Vec<usize> =
        died.values().iter().filter(|(key, _)| key.starts_with("redo:")).map(|(_, part)| part.len()).collect();
    assert!(parts.len() > 10 && parts.iter().all(|&part| part <= PART_BYTES), "{parts:?}");
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let store = Memory::default();
    let large = |bytes: usize| vec![Write { key: "a".into(), value: Some(vec![0; bytes]) }];
    assert_eq!(write(&store, 1, large(BYTES_MAX)), Some(Ok(())));
    let before = records(&store);
    let refused = write(&store, 2, large(2 * BYTES_MAX)).unwrap();
    assert!(matches!(refused, Err(RedoError::TooMuch(_))), "{refused:?}");
    assert_eq!(records(&store), before);
}

/// A store in which a run died right after its head was set.
fn promised() -> Memory {
    let store = before();
    store.judge_by(|operation| match (operation.verb, operation.key) {
        (Verb::Set, "redo:head") => Fate::StopsAfter,
        _ => Fate::Works,
    });
    assert!(write(&store, 1, writes()).is_none());
    store.judge_by(|_| Fate::Works);
    store
}

#[test]
fn a_damaged_redo_record_stops_everything_and_stays_as_it_is() {
    for damage in ["missing", "wrong", "unreadable", "newer"] {
        let store = promised();
        let mut part = store.values()["redo:3"].clone();
        *part.last_mut().unwrap() ^= 1;
        match damage {
            "missing" => store.delete("redo:3").now_or_never().unwrap().unwrap(),
            "wrong" => store.set("redo:3", &part).now_or_never().unwrap().unwrap(),
            "unreadable" => store.set("redo:3", &part[..9]).now_or_never().unwrap().unwrap(),
            _ => store.set("redo:head", &[9, 9]).now_or_never().unwrap().unwrap(),
        }
        let before = records(&store);
        assert!(finish(&store, 2).is_err(), "{damage}");
        assert_eq!(records(&store), before, "{damage}");
    }
}

#[test]
fn a_head_over_parts_of_a_later_run_is_no_promise() {
    // The second run found no head, because the first one's was still on its way, and died while it wrote its parts.
    let (store, second) = (promised(), before());
    let own = store.values()["redo:head"].clone();
    second.judge_by(|operation| if operation.key == "redo:head" { Fate::StopsBefore } else { Fate::Works });
    assert!(write(&second, 2, writes()).is_none());
    second.judge_by(|_| Fate::Works);
    second.set("redo:head", &own).now_or_never().unwrap().unwrap();
    assert_eq!(finish(&second, 3), Ok(false));
    assert_eq!(records(&second), records(&before()));
}
