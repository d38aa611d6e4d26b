//! Publishing, on a store that misbehaves: what was in force stays so until the new one is there whole.

use futures::{FutureExt, join};
use guanxi::{
    playbook::{
        Shelf,
        publish::{
            HEAD_KEY, Head, NOTICE_SECONDS, PART_MAX, PARTS_MAX,
            request::{Issue, Published, Refused, playbook_of, publish_once},
            sources::{Issued, Note, TooLong},
        },
    },
    store::{
        Store, Timer,
        lease::STALE,
        memory::{Fate, Memory},
    },
    time::Timestamp,
};
use std::{
    collections::BTreeSet,
    future::pending,
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::Duration,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn later(seconds: u64) -> Timestamp {
    Timestamp(NOW.0 + seconds)
}

/// Time stands still.
struct Still;

impl Timer for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

/// None: it was stopped.
fn publish(store: &Memory, playbook: &[u8], id: u64, now: Timestamp) -> Option<Result<Published, Refused>> {
    publish_once(store, &Still, issue(playbook), id, now).now_or_never()
}

/// A playbook whose source is its compiled form, too.
fn issue(playbook: &[u8]) -> Issue<'_> {
    static NOTE: LazyLock<Note> = LazyLock::new(|| Note::new(" 小王 ", "换了问候").unwrap());
    Issue { source: std::str::from_utf8(playbook).unwrap(), compiled: playbook, note: &NOTE }
}

/// Polls what only waits for a late store.
pub(super) fn drive<T>(work: impl Future<Output = T>) -> T {
    let (mut work, mut context) = (pin!(work), Context::from_waker(Waker::noop()));
    for _ in 0..1_000 {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
    panic!("it never ends");
}

/// What answers a message of this moment, to a fresh instance.
fn holding(store: &Memory, at: Timestamp) -> Vec<u8> {
    let shelf: Shelf<Vec<u8>> = Shelf::new(|published| Ok(published.unwrap_or(b"built in").to_vec()));
    shelf.holding_at(at, store, at, &|line| panic!("{line}")).now_or_never().unwrap().unwrap().to_vec()
}

#[test]
fn what_is_published_holds_from_its_second_on() {
    let store = Memory::default();
    let first = publish(&store, b"first", 1, NOW).unwrap().unwrap();
    let expected = Published { number: 1, holds_from: later(NOTICE_SECONDS), holds_in_seconds: 30, known: false };
    assert_eq!(first, expected);
    let second = publish(&store, b"second", 2, later(60)).unwrap().unwrap();
    assert_eq!((second.number, second.known), (2, false));
    for (at, playbook) in [(29, &b"built in"[..]), (30, b"first"), (89, b"first"), (90, b"second")] {
        assert_eq!(holding(&store, later(at)), playbook, "{at}");
    }
}

#[test]
fn the_latest_one_again_changes_nothing_and_an_earlier_one_is_published_anew() {
    let store = Memory::default();
    publish(&store, b"first", 1, NOW).unwrap().unwrap();
    let head = store.values()[HEAD_KEY].clone();
    let again = publish(&store, b"first", 2, later(120)).unwrap().unwrap();
    assert_eq!(again, Published { number: 1, holds_from: later(30), holds_in_seconds: 0, known: true });
    assert_eq!(store.values()[HEAD_KEY], head);
    publish(&store, b"second", 3, later(180)).unwrap().unwrap();
    let back = publish(&store, b"first", 4, later(240)).unwrap().unwrap();
    assert_eq!((back.number, back.known), (3, false));
    // Its own parts are gone: it is written again.
    store.delete("playbook:3:0").now_or_never().unwrap().unwrap();
    let mended = publish(&store, b"first", 5, later(300)).unwrap().unwrap();
    assert_eq!((mended.number, mended.known), (4, false));
    assert_eq!(holding(&store, later(330)), b"first");
}

#[test]
fn the_source_stays_with_who_and_why_until_four_came_after_it() {
    let store = Memory::default();
    let source = |number: u32| {
        let issued = Issued::read(&store, number).now_or_never().unwrap().unwrap()?;
        let source = issued.source(&store, number).now_or_never().unwrap().unwrap();
        Some((issued.by, issued.why, issued.at, source))
    };
    let first = "#".repeat(PART_MAX) + "猫";
    publish(&store, first.as_bytes(), 1, NOW).unwrap().unwrap();
    assert_eq!(source(1), Some(("小王".into(), "换了问候".into(), NOW, Some(first))));
    for number in 2..=5_u32 {
        publish(&store, format!("# {number}").as_bytes(), number.into(), later(60 * u64::from(number)))
            .unwrap()
            .unwrap();
    }
    assert_eq!(source(1), None);
    let numbers = store.values().into_keys().filter(|key| key.starts_with("playbook:"));
    let numbers: BTreeSet<_> =
        numbers.filter_map(|key| key.split(':').find_map(|part| part.parse::<u32>().ok())).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), [2, 3, 4, 5], "nothing is left of the first");
    assert_eq!(source(5).unwrap().3.as_deref(), Some("# 5"));
    // Comments are for people: a playbook that says the same in other words is another one.
    let other = Issue { source: "# other", ..issue(b"# 5") };
    let other = publish_once(&store, &Still, other, 9, later(600)).now_or_never().unwrap().unwrap();
    assert_eq!((other.number, other.known), (6, false));
    // Of before sources were kept: the next time it gets its own.
    store.delete("playbook:note:6").now_or_never().unwrap().unwrap();
    assert_eq!((source(6), source(7)), (None, None));
    assert_eq!(publish(&store, b"# 5", 10, later(660)).unwrap().unwrap().number, 7);
    assert_eq!(source(7).unwrap().3.as_deref(), Some("# 5"));
}

#[test]
fn who_and_why_have_a_limit() {
    let (by, why) = ("猫".repeat(64), "粮".repeat(200));
    assert!(Note::new(&by, &why).is_ok());
    assert_eq!(Note::of_query(&format!("x=1&by={by}x")).map_err(|long: TooLong| long.0), Err("by"));
    assert_eq!(Note::of_query(&format!("why={why}x&by=")).map_err(|long: TooLong| long.0), Err("why"));
    assert_eq!(Note::of_query("why=b+c&by=%E7%8C%AB"), Note::new("猫", "b c"));
    assert_eq!(Note::of_query(""), Ok(Note::default()));
}

#[test]
fn of_two_publishers_at_once_one_goes_on_and_the_other_is_told() {
    for (slow, steps) in [(0, 1), (1, 1), (0, 3), (1, 3), (2, 5)] {
        let store = Memory::default();
        store.judge_by(move |operation| Fate::Late(if operation.number % 3 == slow { steps } else { 0 }));
        let both = async {
            join!(
                publish_once(&store, &Still, issue(b"one"), 1, NOW),
                publish_once(&store, &Still, issue(b"two"), 2, NOW)
            )
        };
        let said = drive(both);
        let (published, playbook) = match said {
            (Ok(published), Err(Refused::Busy)) => (published, &b"one"[..]),
            (Err(Refused::Busy), Ok(published)) => (published, &b"two"[..]),
            other => panic!("{other:?}"),
        };
        store.judge_by(|_| Fate::Works);
        assert_eq!(published.number, 1);
        assert_eq!(holding(&store, published.holds_from), playbook);
        assert_eq!(publish(&store, b"three", 3, later(59)).unwrap(), Err(Refused::Busy), "within the minute");
        assert_eq!(publish(&store, b"three", 3, later(60)).unwrap().unwrap().number, 2);
    }
}

#[test]
fn wherever_it_fails_or_dies_what_was_in_force_stays_and_the_next_try_publishes() {
    let new = vec![7; PART_MAX + 1];
    let whole = {
        let store = Memory::default();
        publish(&store, b"old", 1, NOW).unwrap().unwrap();
        let before = store.operations();
        publish(&store, &new, 2, later(60)).unwrap().unwrap();
        store.operations() - before
    };
    assert!(whole > 8, "is this test blind?");
    for step in 0..whole {
        for fate in [Fate::Fails, Fate::LosesAnswer, Fate::StopsBefore, Fate::StopsAfter] {
            let store = Memory::default();
            publish(&store, b"old", 1, NOW).unwrap().unwrap();
            let bad = store.operations() + step;
            store.judge_by(move |operation| if operation.number == bad { fate } else { Fate::Works });
            let said = publish(&store, &new, 2, later(60));
            store.judge_by(|_| Fate::Works);
            assert_eq!(holding(&store, later(89)), b"old", "{step} {fate:?}");
            let held = holding(&store, later(95));
            assert!(held == b"old" || held == new, "{step} {fate:?}");
            let number = if held == new { 2 } else { 1 };
            let issued = Issued::read(&store, number).now_or_never().unwrap().unwrap().unwrap();
            let source = issued.source(&store, number).now_or_never().unwrap().unwrap();
            assert!(source.unwrap().as_bytes() == held, "{step} {fate:?}");
            if matches!(said, Some(Ok(_))) {
                assert!(held == new, "{step} {fate:?}");
            }
            let next = later(60 + STALE.as_secs());
            publish(&store, &new, 3, next).unwrap().unwrap();
            assert!(holding(&store, Timestamp(next.0 + 30)) == new, "{step} {fate:?}");
        }
    }
}

#[test]
fn what_cannot_be_published_is_told_and_nothing_is_written() {
    let problem = playbook_of(b"version = 1\nnam = \"n\"").unwrap_err();
    assert_eq!(problem.status(), 422);
    assert!(
        problem.to_string().contains("\n2:1: unknown key `nam` in the playbook; did you mean `name`?"),
        "{problem}"
    );
    assert_eq!(playbook_of(b"\xff"), Err(Refused::NotText));
    let store = Memory::default();
    let large = publish(&store, &vec![0; PART_MAX * PARTS_MAX + 1], 1, NOW).unwrap().unwrap_err();
    assert_eq!(large.status(), 422);
    assert!(!store.values().keys().any(|key| key.starts_with("playbook:")));
    // Of a newer Guanxi: nothing of it is lost.
    let newer = [Head::default().encode()[0] + 1, 0];
    store.set(HEAD_KEY, &newer).now_or_never().unwrap().unwrap();
    let refused = publish(&store, b"old", 2, later(60)).unwrap().unwrap_err();
    assert_eq!(refused.status(), 409, "{refused}");
    assert_eq!(store.values()[HEAD_KEY], newer);
}
