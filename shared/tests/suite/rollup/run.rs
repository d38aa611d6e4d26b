//! One run at a time, and never too long.

use super::{
    tally::Tally,
    world::{CALM, END, START, Still, World, append, at, text},
};
use futures::{FutureExt, future::LocalBoxFuture};
use guanxi::{
    fold::rollup::{End, Report, rollup},
    journal::Journal,
    store::{
        Store, Timer,
        lease::{self, LIMIT, Refused, Run, STALE, Stop},
        memory::{Fate, Memory, SleepClock, Verb},
    },
    time::Timestamp,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    cell::Cell,
    future::pending,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

fn start(store: &Memory, now: u64, id: u64) -> Result<Run<'_, Memory, Still>, Refused> {
    Run::start(store, &Still, "job", id, Timestamp(now)).now_or_never().unwrap()
}

#[test]
fn a_run_keeps_others_away_until_it_ends_or_is_stale() {
    let (store, now) = (Memory::default(), START.0);
    let first = start(&store, now, 1).unwrap();
    assert_eq!(start(&store, now + 1, 2).unwrap_err(), Refused::Claimed);
    assert_eq!(start(&store, now + 60, 3).unwrap_err(), Refused::Busy(START));
    first.end(b"note".to_vec()).now_or_never().unwrap().unwrap();
    let second = start(&store, now + 120, 4).unwrap();
    let record = lease::last(&store, "job").now_or_never().unwrap().unwrap().unwrap();
    assert_eq!((record.id, record.ended, record.note), (4, None, b"note".to_vec()), "the last note stays for reports");
    // It dies.
    assert_eq!(start(&store, now + 180, 5).unwrap_err(), Refused::Busy(Timestamp(now + 120)));
    let third = start(&store, now + 120 + STALE.as_secs(), 6).unwrap();
    assert_eq!(second.set("x", b"y").now_or_never().unwrap(), Err(Stop::TakenOver), "it was only asleep");
    assert_eq!(third.set("x", b"z").now_or_never().unwrap(), Ok(()));
    assert_eq!(second.end(Vec::new()).now_or_never().unwrap(), Err(Stop::TakenOver));
    assert_eq!(store.values()["x"], b"z");
}

/// Shows what it is told.
struct Told<'a>(&'a Cell<Duration>);

impl Timer for Told<'_> {
    fn elapsed(&self) -> Duration {
        self.0.get()
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

#[test]
fn a_run_that_is_frozen_between_its_look_and_its_write_writes_no_more() {
    type Write = for<'a> fn(&'a Run<'a, Memory, Told<'a>>) -> LocalBoxFuture<'a, Result<(), Stop>>;
    let writes: [Write; 4] = [
        |run| run.set("x", b"late").boxed_local(),
        |run| async { run.set_many(&[("x".into(), b"late".into())]).await }.boxed_local(),
        |run| run.delete("x").boxed_local(),
        |run| async { run.delete_many(&["x".into()]).await }.boxed_local(),
    ];
    for write in writes {
        let (store, time) = (Memory::default(), Rc::new(Cell::new(Duration::ZERO)));
        let timer = Told(&time);
        let run = Run::start(&store, &timer, "job", 1, START).now_or_never().unwrap().unwrap();
        run.set("x", b"in time").now_or_never().unwrap().unwrap();
        let looked = time.clone();
        store.judge_by(move |operation| {
            assert_eq!((operation.verb, operation.key), (Verb::Get, "run:job"), "nothing but the look");
            looked.set(STALE);
            Fate::Works
        });
        assert_eq!(write(&run).now_or_never().unwrap(), Err(Stop::TimeUp));
        assert_eq!(store.values()["x"], b"in time");
    }
}

#[test]
fn a_clock_that_is_ahead_holds_nobody_up_for_longer_than_a_dead_run() {
    let (store, now) = (Memory::default(), START.0);
    start(&store, now + 60, 1).unwrap();
    assert_eq!(start(&store, now, 2).unwrap_err(), Refused::Busy(Timestamp(now + 60)), "as clocks may differ");
    let store = Memory::default();
    start(&store, now + 3_600, 1).unwrap();
    assert!(start(&store, now, 2).is_ok(), "wrong by an hour");
}

#[test]
fn a_record_of_a_newer_program_is_respected() {
    let store = Memory::default();
    store.set("run:job", &[7, 7]).now_or_never().unwrap().unwrap();
    let error = start(&store, START.0, 1).unwrap_err().to_string();
    assert_eq!(error, "cannot read run:job: its format 7 is newer than this program");
    assert_eq!(store.values()["run:job"], [7, 7]);
}

#[test]
fn old_claims_go() {
    let store = Memory::default();
    for minute in 0..500 {
        start(&store, at(minute).0, minute).unwrap().end(Vec::new()).now_or_never().unwrap().unwrap();
        let claims = store.counters();
        assert!(claims.len() <= 21, "{} claims", claims.len());
        let this = format!("slot:job:{}", at(minute).0 / 60);
        assert_eq!(claims[&this], 1);
    }
}

/// A clock that every look moves on.
struct Ticking(Cell<Duration>, Duration);

impl Timer for Ticking {
    fn elapsed(&self) -> Duration {
        self.0.set(self.0.get() + self.1);
        self.0.get()
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

#[test]
fn a_run_ends_in_time_whatever_the_backlog_and_the_next_goes_on() {
    let (store, instance) = (Memory::default(), Journal::default());
    for id in 0..10_000 {
        append(&store, &instance, START, &text(id % 900, id, START));
    }
    let (mut minute, mut folded) = (0, 0);
    while folded < 10_000 {
        let timer = Ticking(Cell::default(), Duration::from_millis(300));
        let run = rollup(&store, &timer, &Tally(1_000), at(minute), minute);
        let report = run.now_or_never().unwrap().unwrap();
        assert!(timer.0.get() < LIMIT, "{:?}", timer.0);
        assert!(report.entries > 0 || report.finished_earlier, "{report:?}");
        assert_eq!(report.end == End::Done, folded + report.entries == 10_000, "{report:?}");
        assert_eq!(Report::last(&store).now_or_never().unwrap().unwrap(), Some(report.clone()));
        (minute, folded) = (minute + 1, folded + report.entries);
    }
    assert!(minute > 2, "{minute} runs");
}

#[test]
fn a_store_too_slow_to_look_at_all_streams_in_one_run_is_no_dead_end() {
    let store = Memory::default();
    let streams = 2_000;
    for id in 0..streams {
        append(&store, &Journal::default(), START, &text(id % 100, id, START));
    }
    let (mut folded, mut open) = (0, streams);
    for minute in 0..30 {
        let timer = Ticking(Cell::default(), Duration::from_millis(150));
        let run = rollup(&store, &timer, &Tally(1_000), at(minute), minute);
        let report = run.now_or_never().unwrap().unwrap();
        folded += report.entries;
        open = report.backlog.open_streams;
    }
    assert_eq!((folded, open), (streams, 0));
}

#[test]
fn a_store_that_falls_silent_does_not_keep_a_run_from_ending() {
    let silent_from = |target: u64| {
        let (store, instance) = (Memory::default(), Journal::default());
        for id in 0..20 {
            append(&store, &instance, START, &text(id % 3, id, START));
        }
        let from = store.operations() + target;
        store.judge_by(move |operation| if operation.number >= from { Fate::StopsAfter } else { Fate::Works });
        let timer = SleepClock::default();
        let ended = rollup(&store, &timer, &Tally(5), START, 1).now_or_never().expect("it ends");
        assert!(timer.elapsed() <= LIMIT, "{:?} at {target}", timer.elapsed());
        ended.is_ok_and(|report| report.end == End::Done)
    };
    assert!((0..2_000).any(silent_from), "the last targets are past its end");
}

#[test]
fn answers_may_be_late_and_in_any_order() {
    let expected = World::new(1, Tally(5));
    expected.live_until(END);
    let world = World::new(1, Tally(5));
    let (mut rng, seen) = (ChaCha8Rng::seed_from_u64(1), std::rc::Rc::downgrade(&world));
    world.store.judge_by(move |_| match seen.upgrade().unwrap().running.get() {
        true => Fate::Late(rng.random_range(0..20)),
        false => Fate::Works,
    });
    for minute in 0..CALM {
        world.live(minute, |world| drop(patiently(world.begin(minute, minute + 1)).unwrap()));
    }
    assert_eq!(world.knowledge(), expected.knowledge());
}

/// Polls until there is an answer.
fn patiently<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..100_000 {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer;
        }
    }
    panic!("no answer after so many polls");
}
