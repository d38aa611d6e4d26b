//! How fast, in virtual time.

use crate::{
    brand::*,
    world::{Plan, World},
};
use guanxi::push::IN_FLIGHT;
use guanxi_simulator::api::{Api, Latency, Quota};

/// A campaign to so many fans, which begins at once; a store operation takes up to two milliseconds.
fn party(fans: usize, quota: Quota) -> World {
    let mut plan = Plan { from: 12 * HOUR, disk: 2, ..Plan::new(9) };
    plan.rules.latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
    plan.rules.quotas.insert(Api::Template, quota);
    plan.rules.outcomes.lost = 1.0;
    let mut world = World::new(plan);
    for number in 0..fans {
        world.customer(number, CAT);
        world.list(number);
    }
    world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
    world
}

#[test]
fn a_minutes_quota_is_used_almost_to_the_full_and_hardly_ever_refused() {
    const A_MINUTE: u64 = 10_000;
    let world = party(60_000, Quota { per_day: 1_000_000, per_minute: Some(A_MINUTE) });
    for _ in 0..6 {
        world.run(0).unwrap().unwrap();
        world.wait(0);
    }
    let sends = world.wire.sends_by_minute();
    assert!(sends[1..].iter().all(|sends| *sends * 100 >= A_MINUTE * 95), "{sends:?}");
    let account = world.wire.account.borrow();
    assert!(account.books().code(45_011) <= 10, "{} refusals", account.books().code(45_011));
    assert_eq!(account.books().copies_beyond_one(), Vec::<&_>::new());
}

#[test]
fn without_a_quota_64_are_nearly_always_in_flight() {
    let world = party(40_000, Quota::per_day(1_000_000));
    let report = world.run(0).unwrap().unwrap();
    let sends = world.wire.sends.borrow();
    let (first, last) = (sends.keys().next().unwrap(), sends.keys().last().unwrap());
    // The first second has the token and the first chunk in it, and the last one is not whole.
    let rate = sends.range(first + 1..*last).map(|(_, sends)| *sends).sum::<u64>() as f64 / (last - first - 1) as f64;
    let account = world.wire.account.borrow();
    let books = account.books();
    let mean = books.milliseconds[&Api::Template] as f64 / books.calls[&Api::Template] as f64;
    let possible = IN_FLIGHT as f64 * 1_000.0 / mean;
    assert!(rate >= 0.85 * possible, "{rate} of {possible} sends a second: {report:?}");
    assert!(books.in_flight_max <= IN_FLIGHT, "{} in flight", books.in_flight_max);
}
