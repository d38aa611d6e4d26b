//! What the reader finds, what it costs, and what it forgets.

use super::{
    tally::Tally,
    world::{EVENTFUL, START, Still, World, append, at, hold, text},
};
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::Placed,
    fold::rollup::{End, Folding, Report, rollup},
    journal::{
        Journal, LOOK_AHEAD, SEQUENCE,
        reader::{CURSOR, Cursor, DELETE_MAX, OPEN_MAX},
    },
    store::{
        Store, format,
        memory::Memory,
        record::{FoldError, Knowledge, Write},
    },
    time::Timestamp,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn run(store: &Memory, now: Timestamp) -> Report {
    rollup(store, &Still, &Tally(1_000), now, now.0).now_or_never().unwrap().unwrap()
}

fn set(store: &Memory, key: &str, value: &[u8]) {
    store.set(key, value).now_or_never().unwrap().unwrap();
}

fn journal(store: &Memory) -> usize {
    store.values().keys().filter(|key| key.starts_with("journal:")).count()
}

fn cursor(store: &Memory) -> Cursor {
    Cursor::decode(&store.values()[CURSOR]).unwrap()
}

#[test]
fn every_entry_is_found_however_many_others_are_under_way_or_lost() {
    for seed in 0..50 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (store, instance) = (Memory::default(), Journal::default());
        let (mut under_way, mut folded) = (Vec::<(String, Vec<u8>)>::new(), 0);
        let trouble = rng.random_range(0.0..0.9);
        for minute in 0..10 {
            // What an instance of the last minute still had under way is written, or lost for good.
            for (key, value) in std::mem::take(&mut under_way) {
                if rng.random_bool(0.5) {
                    set(&store, &key, &value);
                }
            }
            for id in 0..rng.random_range(0..150) * u64::from(minute < 4) {
                let entry = text(id % 7, minute * 1_000 + id, at(minute));
                match rng.random_bool(trouble) {
                    true => under_way.extend(hold(&store, &instance, at(minute), &entry)),
                    false => drop(append(&store, &instance, at(minute), &entry)),
                }
            }
            folded += run(&store, at(minute)).entries;
        }
        assert_eq!(folded as usize, journal(&store), "seed {seed}");
        assert_eq!(cursor(&store).entries, folded, "seed {seed}");
    }
}

#[test]
fn an_entry_behind_as_many_unwritten_ones_as_there_may_be_is_found() {
    let (store, instance) = (Memory::default(), Journal::default());
    for written in 1..=7 {
        for id in 1..LOOK_AHEAD {
            hold(&store, &instance, START, &text(1, id.into(), START));
        }
        append(&store, &instance, START, &text(1, 100, START));
        // What was unwritten counts against the stream, so this one has had its share.
        assert_eq!(append(&store, &instance, START, &text(1, 101, START)).stream, written);
        hold(&store, &instance, START, &text(1, 102, START));
    }
    assert_eq!(run(&store, START).entries, 14);
}

#[test]
fn a_run_without_news_writes_only_that_it_was_there() {
    let world = World::new(1, Tally(1_000));
    let mut costs = Vec::new();
    for minute in 0..20 {
        let before = world.store.operations();
        world.live_until(minute + 1);
        costs.push(world.store.operations() - before);
    }
    // Claim, look, set; redo: two; cursor and its copy, top; what is set aside: two; look, end.
    assert_eq!(costs[16], 12, "{costs:?}");
    let quiet = costs[EVENTFUL as usize + 1];
    let streams = world.store.counters()[SEQUENCE] as u64;
    assert!(quiet <= 12 + 32 * streams, "{costs:?}, {streams} streams");
}

#[test]
fn a_backlog_of_many_streams_is_worked_off_with_a_bounded_cursor() {
    let store = Memory::default();
    let streams = 5_000;
    for id in 0..streams {
        append(&store, &Journal::default(), START, &text(id % 100, id, START));
    }
    let (mut minute, mut folded) = (0, 0);
    while folded < streams {
        let report = run(&store, at(minute));
        assert_eq!(report.end, End::Done);
        assert!(report.backlog.open_streams <= OPEN_MAX as u64);
        assert!(store.values()[CURSOR].len() < 50_000, "{} bytes", store.values()[CURSOR].len());
        assert!(report.backlog.unopened_streams + report.backlog.open_streams >= streams - folded - report.entries);
        (minute, folded) = (minute + 1, folded + report.entries);
    }
    assert_eq!((minute, folded), (6, streams), "all as soon as their five minutes are over");
    assert_eq!(store.values()["count:all"], format::encode(1, &streams));
}

#[test]
fn an_entry_of_a_newer_program_is_not_passed_over() {
    let (store, instance) = (Memory::default(), Journal::default());
    append(&store, &instance, START, &text(1, 1, START));
    let newer = append(&store, &instance, START, &text(1, 2, START)).to_string();
    let readable = store.values()[&newer].clone();
    set(&store, &newer, &[200, 1, 2]);
    for minute in 0..10 {
        let end = run(&store, at(minute)).end;
        assert_eq!(end, End::Failed(format!("{newer} was written by a newer Guanxi")));
    }
    assert!(!store.values().contains_key("count:all"));
    set(&store, &newer, &readable);
    assert_eq!(run(&store, at(10)).entries, 2);
}

#[test]
fn a_damaged_entry_is_counted_and_passed_over() {
    let (store, instance) = (Memory::default(), Journal::default());
    let damaged = append(&store, &instance, START, &text(1, 1, START)).to_string();
    append(&store, &instance, START, &text(1, 2, START));
    set(&store, &damaged, &[1, 2]);
    let report = run(&store, START);
    assert_eq!((report.entries, report.damaged, report.end), (1, 1, End::Done));
    assert_eq!((cursor(&store).entries, cursor(&store).damaged), (2, 1));
}

#[test]
fn a_counter_that_went_back_stops_the_run() {
    let store = Memory::default();
    append(&store, &Journal::default(), START, &text(1, 1, START));
    run(&store, START);
    store.delete(SEQUENCE).now_or_never().unwrap().unwrap();
    let before = store.values()[CURSOR].clone();
    assert_eq!(run(&store, at(1)).end, End::Failed("seq:journal is 0, but streams up to 1 were read".into()));
    assert_eq!(store.values()[CURSOR], before);
}

#[test]
fn entries_stay_their_days_and_then_go_a_bounded_number_at_a_time() {
    let store = Memory::default();
    let day = |day: u64| Timestamp(START.0 + day * 86_400);
    let streams = DELETE_MAX + 10;
    for id in 0..streams {
        append(&store, &Journal::default(), START, &text(id % 5, id, START));
    }
    run(&store, day(0));
    assert_eq!(run(&store, Timestamp(day(0).0 + 600)).deleted_streams, 0);
    append(&store, &Journal::default(), day(1), &text(1, 9_999, day(1)));
    assert_eq!(run(&store, day(1)).deleted_streams, 0);
    assert_eq!(run(&store, day(7)).deleted_streams, 0, "seven whole days");
    assert_eq!(run(&store, day(8)).deleted_streams, DELETE_MAX);
    assert_eq!(journal(&store), 11);
    let later = |minutes: u64| Timestamp(day(8).0 + minutes * 60);
    assert_eq!(run(&store, later(1)).deleted_streams, 10);
    assert_eq!(run(&store, later(2)).deleted_streams, 0);
    assert_eq!(journal(&store), 1, "that of the day after");
    assert_eq!(run(&store, day(9)).deleted_streams, 1);
    assert_eq!(journal(&store), 0);
}

#[test]
fn entries_nobody_has_read_are_not_deleted() {
    let store = Memory::default();
    append(&store, &Journal::default(), START, &text(1, 1, START));
    // Nobody folds for a month.
    let late = Timestamp(START.0 + 30 * 86_400);
    let report = run(&store, late);
    assert_eq!((report.entries, report.deleted_streams, journal(&store)), (1, 0, 1));
}

/// Keeps entries for no day at all.
struct KeepsNothing(Tally);

impl Folding for KeepsNothing {
    async fn fold(&self, entries: &[Placed], known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        self.0.fold(entries, known).await
    }

    fn keep_days(&self) -> u32 {
        0
    }
}

#[test]
fn a_stream_that_may_get_more_entries_is_not_deleted() {
    let (store, instance) = (Memory::default(), Journal::default());
    let midnight = (START.0 / 86_400 + 1) * 86_400;
    let run =
        |now| rollup(&store, &Still, &KeepsNothing(Tally(9)), Timestamp(now), now).now_or_never().unwrap().unwrap();
    append(&store, &instance, Timestamp(midnight - 60), &text(1, 1, START));
    run(midnight - 60);
    assert_eq!((run(midnight).deleted_streams, journal(&store)), (0, 1));
    assert_eq!((run(midnight + 240).deleted_streams, journal(&store)), (1, 0));
}
