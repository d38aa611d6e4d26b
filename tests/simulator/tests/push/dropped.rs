//! A run dies at every place where it can, once in each history.

use crate::{
    brand::*,
    disk::Fate,
    judge::Ends,
    wire::Phase,
    world::{Plan, World},
};
use guanxi::push::IN_FLIGHT;
use guanxi_simulator::api::{Api, Latency, Quota};

/// More than can be in flight at once.
const FANS: usize = 80;
/// Of these, reminded before: their queue has begun.
const EARLIER: usize = 8;

fn world() -> World {
    let mut plan = Plan::new(1);
    plan.from -= 120;
    plan.rules.latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
    let mut world = World::with_reminders(plan, EARLIER, &[CAT]);
    world.run_until_quiet(2);
    for (number, product) in (EARLIER..FANS).zip([CAT, DOG].iter().cycle()) {
        world.customer(number, product);
        world.due(number, product);
    }
    world
}

/// A run with a misfortune, then none for so many minutes, and then one every minute.
fn history(misfortune: &str, pause: u64, prepare: impl Fn(&World)) -> Ends {
    let world = world();
    prepare(&world);
    world.run(0);
    world.wait(pause);
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.run_until_quiet(75);
        world.judge(FANS)
    }));
    told.unwrap_or_else(|_| panic!("{misfortune}, then a pause of {pause} minutes"))
}

fn operations() -> Vec<(u64, Fate)> {
    let world = world();
    let from = world.disk.operations();
    world.run(0).unwrap().unwrap();
    world.disk.fates(from)
}

fn calls() -> impl Iterator<Item = (u64, Phase)> {
    let world = world();
    let from = world.wire.calls();
    world.run(0).unwrap().unwrap();
    (from..world.wire.calls()).flat_map(|number| Phase::ALL.map(|phase| (number, phase)))
}

#[test]
fn on_a_good_day_every_fan_gets_one_in_one_run() {
    let world = world();
    let report = world.run(0).unwrap().unwrap();
    let due = (FANS - EARLIER) as u64;
    assert_eq!((report.planned, report.sent), (due, due), "{report:?}");
    world.wait(0);
    world.run_until_quiet(3);
    assert_eq!(world.judge(FANS).delivered, FANS);
}

#[test]
fn killed_at_any_store_operation_nobody_gets_two_and_none_is_lost() {
    for (number, fate) in operations() {
        let ends =
            history(&format!("operation {number} {fate:?}"), 0, |world| world.disk.planned.set(Some((number, fate))));
        assert_eq!(ends.delivered, FANS, "operation {number} {fate:?}: {ends:?}");
    }
}

#[test]
fn killed_at_any_call_nobody_gets_two_and_none_is_lost() {
    for (number, phase) in calls() {
        for pause in [0, 6] {
            let ends = history(&format!("call {number} {phase:?}"), pause, |world| {
                world.wire.planned.set(Some((number, phase)))
            });
            assert_eq!(ends.delivered, FANS, "call {number} {phase:?}: {ends:?}");
        }
    }
}

#[test]
fn twenty_minutes_after_a_kill_at_most_one_batch_is_unknown_and_nobody_gets_two() {
    let operations = operations().into_iter().filter(|(_, fate)| !matches!(fate, Fate::Fails | Fate::LosesAnswer));
    for (number, fate) in operations {
        let ends =
            history(&format!("operation {number} {fate:?}"), 20, |world| world.disk.planned.set(Some((number, fate))));
        assert!(
            ends.delivered + ends.unknown == FANS && ends.unknown <= IN_FLIGHT,
            "operation {number} {fate:?}: {ends:?}"
        );
    }
    for (number, phase) in calls() {
        let ends =
            history(&format!("call {number} {phase:?}"), 20, |world| world.wire.planned.set(Some((number, phase))));
        assert!(
            ends.delivered + ends.unknown == FANS && ends.unknown <= IN_FLIGHT,
            "call {number} {phase:?}: {ends:?}"
        );
    }
}

#[test]
fn what_is_in_doubt_goes_before_all_that_waits() {
    let mut plan = Plan { from: 10 * HOUR + 30 * 60, ..Plan::new(2) };
    plan.rules.latency = Latency::Fixed(80);
    plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(100) });
    let mut world = World::new(plan);
    for number in 0..FANS {
        world.customer(number, CAT);
        world.list(number);
    }
    world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
    world.wire.planned.set(Some((40, Phase::Coming)));
    assert!(world.run(0).is_none());
    // Reminders come before campaigns, and these would take more than ten minutes.
    for number in FANS..FANS + 1_500 {
        world.customer(number, CAT);
        world.due(number, CAT);
    }
    world.wait(0);
    world.run_until_quiet(60);
    assert_eq!(world.judge(FANS + 1_500).delivered, FANS + 1_500);
}

#[test]
fn clocks_that_differ_by_a_minute_bring_nobody_two() {
    for seconds in (450..=660).step_by(10) {
        for (one, other) in [(0, -60), (0, 60), (30, -30)] {
            let world = world();
            world.wire.planned.set(Some((FANS as u64, Phase::Coming)));
            assert!(world.run(one).is_none());
            world.clock.pass_until(world.clock.now() + seconds * 1_000);
            world.run(other);
            world.wait(0);
            world.run_until_quiet(75);
            world.judge(FANS);
        }
    }
}
