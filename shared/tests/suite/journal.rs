//! The writing end of the journal, against a store that misbehaves.

use futures::FutureExt;
use guanxi::{
    facts::{Entry, Place, Received},
    journal::{Journal, LOOK_AHEAD, SEQUENCE, STREAM_ENTRIES, STREAM_LIFE},
    store::{
        BUDGET, Timer,
        format::RecordError,
        memory::{Fate, Memory, SleepClock, Verb},
    },
    time::Timestamp,
    wechat::Message,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn entry() -> Entry {
    let body = "<xml><ToUserName>gh_1</ToUserName><FromUserName>fan</FromUserName><CreateTime>1800000000</CreateTime>\
                <MsgType>text</MsgType><Content>猫粮</Content><MsgId>1</MsgId></xml>";
    let (_, message) = Message::parse(body.as_bytes()).unwrap();
    Entry::Received(Received {
        message,
        touch: None,
        rule: Some("cat-food".into()),
        milliseconds: 3,
        pushes: None,
        left: Vec::new(),
    })
}

/// Appends; the store and the clock never wait, so one poll must do.
fn append(journal: &Journal, store: &Memory, now: Timestamp) -> Result<Place, String> {
    let timer = SleepClock::default();
    let done = journal.append(store, &timer, now, &entry()).now_or_never().expect("an append always ends");
    assert!(timer.elapsed() <= BUDGET + BUDGET / 10, "took {:?}", timer.elapsed());
    done.map_err(|error| error.to_string())
}

#[test]
fn an_entry_reads_back_as_it_was_written() {
    let bytes = entry().encode();
    assert_eq!(Entry::decode(&bytes), Ok(entry()));
    assert_eq!(Entry::decode(&[&[9], &bytes[1..]].concat()), Err(RecordError::Newer(9)));
    assert_eq!(Entry::decode(&bytes[..bytes.len() - 1]), Err(RecordError::Damaged));
    assert_eq!(Entry::decode(&[]), Err(RecordError::Damaged));
}

#[test]
fn an_append_is_one_write_and_a_stream_ends_after_its_entries() {
    let (journal, store) = (Journal::default(), Memory::default());
    for index in 0..STREAM_ENTRIES {
        assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 1, index }));
    }
    assert_eq!(store.operations(), u64::from(STREAM_ENTRIES) + 1, "one more for the stream's number");
    assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 2, index: 0 }));
    assert_eq!(store.values()["journal:2:0"], entry().encode());
}

#[test]
fn a_stream_ends_after_its_time() {
    let (journal, store) = (Journal::default(), Memory::default());
    let last = Timestamp(NOW.0 + STREAM_LIFE.as_secs() - 1);
    assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 1, index: 0 }));
    assert_eq!(append(&journal, &store, last), Ok(Place { stream: 1, index: 1 }));
    assert_eq!(append(&journal, &store, Timestamp(last.0 + 1)), Ok(Place { stream: 2, index: 0 }));
}

#[test]
fn a_write_that_fails_or_loses_its_answer_is_repeated_at_the_same_place() {
    for fate in [Fate::Fails, Fate::LosesAnswer, Fate::StopsBefore, Fate::StopsAfter] {
        let (journal, store) = (Journal::default(), Memory::default());
        let mut troubles = 2;
        store.judge_by(move |operation| {
            if operation.verb == Verb::Set && troubles > 0 {
                troubles -= 1;
                return fate;
            }
            Fate::Works
        });
        assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 1, index: 0 }), "{fate:?}");
        assert_eq!(store.values().len(), 1, "{fate:?}");
    }
}

#[test]
fn a_lost_stream_number_leaves_a_gap_and_no_entry_twice() {
    let (journal, store) = (Journal::default(), Memory::default());
    let mut first = true;
    store.judge_by(move |operation| match operation.key {
        SEQUENCE if std::mem::take(&mut first) => Fate::LosesAnswer,
        _ => Fate::Works,
    });
    assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 2, index: 0 }));
    assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 2, index: 1 }));
}

#[test]
fn a_store_that_stays_away_costs_the_budget_and_says_so() {
    for fate in [Fate::Fails, Fate::StopsBefore] {
        let (journal, store) = (Journal::default(), Memory::default());
        store.judge_by(move |_| fate);
        let error = append(&journal, &store, NOW).unwrap_err();
        assert!(error.starts_with("no entry written in 4 s: the store failed: "), "{error}");
        assert!(store.operations() > 1, "tried more than once");
        assert!(store.values().is_empty());
    }
}

#[test]
fn a_stream_takes_no_entry_while_as_many_are_unwritten_as_a_reader_looks_past() {
    let (journal, store) = (Journal::default(), Memory::default());
    store.judge_by(|operation| if operation.verb == Verb::Set { Fate::Fails } else { Fate::Works });
    for _ in 0..LOOK_AHEAD {
        append(&journal, &store, NOW).unwrap_err();
    }
    store.judge_by(|_| Fate::Works);
    assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 2, index: 0 }));
    for index in 1..STREAM_ENTRIES {
        assert_eq!(append(&journal, &store, NOW), Ok(Place { stream: 2, index }));
    }
}

#[test]
fn two_instances_never_meet_on_a_key() {
    let store = Memory::default();
    let instances = [Journal::default(), Journal::default()];
    for _ in 0..200 {
        for journal in &instances {
            append(journal, &store, NOW).unwrap();
        }
    }
    assert_eq!(store.values().len(), 400);
}
