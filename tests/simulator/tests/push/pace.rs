//! How fast, in virtual time.

use crate::{
    brand::*,
    wire::Phase,
    world::{Plan, World},
};
use guanxi::push::IN_FLIGHT;
use guanxi_simulator::api::{Api, Fault, Latency, Moment, Quota, Trouble};

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

/// The most calls of the template in any 60 seconds.
fn most_in_a_minute(world: &World) -> u64 {
    let mut left: Vec<u64> =
        world.wire.left.borrow().iter().filter(|(_, api, _)| *api == Api::Template).map(|(at, ..)| *at).collect();
    left.sort_unstable();
    let within = |first: usize| left[first..].iter().take_while(|at| **at < left[first] + 60_000).count() as u64;
    (0..left.len()).map(within).max().unwrap_or_default()
}

#[test]
fn with_36_percent_of_calls_failing_no_rolling_minute_has_more_calls_than_its_quota() {
    const A_MINUTE: u64 = 600;
    for seed in 0..6 {
        let mut plan = Plan { from: 12 * HOUR, disk: 2, ..Plan::new(seed) };
        plan.rules.latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
        plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(A_MINUTE) });
        // 36 percent, of every kind; repeats make them many more than one in three pushes.
        for fault in [Fault::Busy(Moment::Before), Fault::Status(502, Moment::After), Fault::Reset(Moment::After)] {
            plan.rules.troubles.push(Trouble { api: Some(Api::Template), ..Trouble::always(0.138, fault) });
        }
        plan.rules.outcomes.lost = 1.0;
        let mut world = World::new(plan);
        for number in 0..4_000 {
            world.customer(number, CAT);
            world.list(number);
        }
        world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
        // A run that died keeps the next ones away for three minutes.
        for run in 0..10 {
            if seed % 2 == 1 && run == 3 {
                world.wire.planned.set(Some((world.wire.calls() + 300, Phase::Coming)));
            }
            let ran = world.run(0);
            let halted = ran.and_then(Result::ok).and_then(|ran| ran.halted);
            assert!(halted.as_deref().is_none_or(|why| why == "the pace that WeChat allows"), "{halted:?}");
            world.wait(0);
        }
        let (most, calls) = (most_in_a_minute(&world), world.wire.left.borrow().len() as u64);
        assert!(most <= A_MINUTE, "seed {seed}: {most} calls in a minute of {A_MINUTE}");
        assert!(most * 100 >= A_MINUTE * 95 && calls > 5 * A_MINUTE, "seed {seed}: {most} of {calls}");
        let account = world.wire.account.borrow();
        assert_eq!(account.books().code(45_011), 0, "seed {seed}");
        assert_eq!(account.books().copies_beyond_one(), Vec::<&_>::new(), "seed {seed}");
    }
}
