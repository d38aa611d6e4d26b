//! Every request at least once, under one id, in the order in which its fan made it, whatever the receiver does.

use super::world::{Mood, World, asks, leaves, request};
use crate::brand::{START, erase, openid};
use guanxi::{
    facts::request::Kind,
    outbox::{End, Head, pauses::GIVEN_UP_AFTER, post::Why},
    store::key::Stored as _,
    time::Timestamp,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DAY: u64 = 86_400;

fn fans(count: u64) -> Vec<String> {
    (0..count).map(|fan| format!("o{fan}")).collect()
}

/// Each of the fans asks so often, in turn.
fn all(fans: &[String], times: u64) -> Vec<guanxi::facts::Entry> {
    (0..times).flat_map(|time| fans.iter().zip(0..).map(move |(fan, nth)| asks(fan, 100 * time + nth))).collect()
}

#[test]
fn what_is_asked_for_arrives_once_sixteen_at_a_time_and_one_of_a_fan() {
    let fans = fans(40);
    let world = World::new(all(&fans, 5), |_, _| Mood::Takes(50));
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.delivered, report.failed, report.waiting, report.end), (200, 0, 0, End::Done));
    assert_eq!((world.receiver.most.get(), world.receiver.took.borrow().len()), (16, 200));
    assert!(report.milliseconds >= 200 / 16 * 50 && report.milliseconds < 1_000, "{}", report.milliseconds);
    for fan in &fans {
        assert_eq!((world.took(fan), world.took(fan).len()), (world.listed(fan), 5));
    }
    let again = world.run(60).unwrap().unwrap();
    assert_eq!((again.delivered, world.receiver.took.borrow().len()), (0, 200));
}

#[test]
fn a_thousand_take_a_receiver_of_50_milliseconds_less_than_ten_seconds_of_its_time() {
    let fans = fans(1_000);
    let world = World::new(all(&fans, 1), |_, _| Mood::Takes(50));
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.delivered, report.end), (1_000, End::Done));
    assert!(report.milliseconds < 10_000, "{}", report.milliseconds);
}

#[test]
fn whatever_the_receiver_does_all_arrives_in_the_order_of_each_fan() {
    for seed in 0..60 {
        let fans = fans(7);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let world = World::new(all(&fans, 4), move |_, nth| match rng.random_range(0..8 + 2 * nth) {
            0 => Mood::Down,
            1 => Mood::Says([500, 503, 404, 302, 100][rng.random_range(0..5)]),
            2 => Mood::Silent,
            3 => Mood::TakesAndDies,
            4 => Mood::Kills,
            5 => Mood::Later(rng.random_range(0..100)),
            6 => Mood::Takes(9_999),
            _ => Mood::Takes(50),
        });
        world.live(0..3 * 24 * 60 * 4 + 600);
        for fan in &fans {
            assert_eq!(world.took(fan), world.listed(fan), "seed {seed}, {fan}");
        }
        let head = world.head();
        assert!(head.waiting.is_empty() && head.dead.is_empty(), "seed {seed}: {head:?}");
        assert_eq!(world.delivered(), 28, "seed {seed}");
    }
}

#[test]
fn what_is_never_taken_is_given_up_after_three_days_and_holds_back_its_fan_alone() {
    let entries = [asks("o1", 0), asks("o1", 1), asks("o2", 2)];
    let bad = request("o1", 0, Kind::Order).number;
    let refused = bad.clone();
    let world = World::new(entries, move |id, _| if id == refused { Mood::Says(500) } else { Mood::Takes(1) });
    world.live(0..10);
    assert_eq!((world.took("o1").len(), world.took("o2").len()), (0, 1));
    world.live(10..GIVEN_UP_AFTER / 60 - 1);
    assert_eq!(world.took("o1").len(), 0, "a later one waits");
    assert!(world.wish(&bad).is_err(), "it waits still");
    world.live(GIVEN_UP_AFTER / 60 - 1..GIVEN_UP_AFTER / 60 + 3);
    assert_eq!(world.took("o1").len(), 1, "then it comes");
    let head = world.head();
    let dead = head.dead.values().next().unwrap();
    assert_eq!((&dead.number, dead.kind, dead.why), (&bad, Kind::Order, Why::Status(500)));
    assert!((10..=12).contains(&dead.tries) && dead.since >= Timestamp(START + GIVEN_UP_AFTER), "{dead:?}");
    // Sent again on request, and only what was given up.
    assert_eq!(world.wish("0000000000").unwrap_err().status(), 404);
    assert_eq!(world.wish("../../token").unwrap_err().status(), 404);
    world.wish(&bad).unwrap();
    assert_eq!(world.wish("all").unwrap_err().status(), 409, "one wish at a time");
    world.moods(|_, _| Mood::Takes(1));
    world.live(4_400..4_402);
    assert_eq!(world.took("o1").len(), 2);
    assert!(world.head().dead.is_empty() && world.wish("all").is_err());
}

#[test]
fn gone_gives_up_at_once_and_all_can_be_sent_again() {
    let world = World::new(all(&fans(3), 2), |_, _| Mood::Says(410));
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.given_up, report.dead, report.waiting), (6, 6, 0));
    world.moods(|_, _| Mood::Takes(1));
    world.wish("all").unwrap();
    assert_eq!(world.run(60).unwrap().unwrap().delivered, 6);
    for fan in fans(3) {
        assert_eq!(world.took(&fan), world.listed(&fan));
    }
}

#[test]
fn a_receiver_that_says_nothing_does_not_hold_a_run_longer_than_it_may_take() {
    let world = World::new(all(&fans(200), 1), |_, _| Mood::Silent);
    let report = world.run(0).unwrap().unwrap();
    assert!(report.milliseconds <= 43_000 && report.failed >= 48, "{report:?}");
    assert_eq!((report.waiting, report.end), (200, End::Done));
}

#[test]
fn a_receiver_that_asks_for_time_gets_it() {
    let world = World::new([asks("o1", 0)], |_, nth| if nth == 1 { Mood::Later(600) } else { Mood::Takes(1) });
    world.live(0..10);
    assert!(world.took("o1").is_empty());
    world.live(10..12);
    assert_eq!(world.took("o1").len(), 1);
}

#[test]
fn who_is_forgotten_meanwhile_is_not_posted() {
    let world = World::new([asks("o1", 0), asks("o2", 1), asks("o1", 2)], |_, _| Mood::Down);
    world.live(0..3);
    assert_eq!(world.head().waiting.len(), 3);
    world.fold([erase("o1", 300)]);
    let words = "长乐路".as_bytes();
    let holds = |openid: &[u8]| {
        let values = world.store.values();
        values
            .iter()
            .filter(|(key, _)| key.starts_with("request:"))
            .any(|(_, value)| value.windows(openid.len()).any(|part| part == openid))
    };
    assert!(!holds(b"o1") && holds(b"o2") && holds(words), "the list and the fan's record have nothing of the fan");
    let bodies = world.receiver.bodies.borrow().len();
    world.moods(|_, _| Mood::Takes(1));
    world.live(6..60);
    let posted: Vec<_> =
        world.receiver.bodies.borrow()[bodies..].iter().map(|body| body["data"]["openid"].clone()).collect();
    assert_eq!(posted, ["o2"]);
    assert!(world.head().waiting.is_empty());
    // Nor is what was asked for before and comes late.
    world.fold([asks("o1", 200)]);
    world.live(60..62);
    assert!(world.took("o1").is_empty());
    world.fold([asks("o1", 400)]);
    world.live(62..64);
    assert_eq!(world.took("o1").len(), 1, "who comes back is heard");
}

#[test]
fn answers_that_were_to_be_forgotten_are_not_posted_and_others_are() {
    let forgotten = guanxi::facts::request::Request { forget_days: Some(2), ..request("o1", 0, Kind::Order) };
    let world = World::new([leaves("o1", 0, forgotten)], |_, _| Mood::Takes(1));
    world.live(3 * DAY / 60..3 * DAY / 60 + 1);
    let body = world.receiver.bodies.borrow()[0].clone();
    assert_eq!(body["data"]["answers"][0]["step"], "pay");
    assert!(!body.to_string().contains("长乐路"));
}

#[test]
fn without_its_head_the_outbox_posts_what_is_on_the_list_again_under_the_same_numbers() {
    let world = World::new(all(&fans(3), 2), |_, _| Mood::Takes(1));
    world.run(0).unwrap().unwrap();
    futures::FutureExt::now_or_never(guanxi::store::Store::set(&world.store, &Head::key(), &[1, 9, 9]))
        .unwrap()
        .unwrap();
    assert_eq!(world.run(60).unwrap().unwrap().delivered, 6);
    assert_eq!(world.took("o1"), world.listed("o1"));
    let newer = Head::FORMAT + 1;
    futures::FutureExt::now_or_never(guanxi::store::Store::set(&world.store, &Head::key(), &[newer])).unwrap().unwrap();
    assert!(matches!(world.run(120).unwrap().unwrap().end, End::Failed(why) if why.contains("outbox:head")));
    assert_eq!(world.receiver.took.borrow().len(), 12);
}

#[test]
fn a_page_that_cannot_be_read_stops_nobody_behind_it() {
    let world = World::new(all(&fans(70), 1), |_, _| Mood::Takes(1));
    let page = guanxi::facts::request::list().page(0);
    futures::FutureExt::now_or_never(guanxi::store::Store::set(&world.store, &page, &[1, 255])).unwrap().unwrap();
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.delivered, report.waiting, world.head().unreadable), (6, 0, 64));
    assert_eq!(world.took("o64"), world.listed("o64"));
    assert_eq!(openid("o64").as_str(), "o64");
}
