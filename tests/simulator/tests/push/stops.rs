//! Nothing leaves later than two seconds after a fan asked for no more, or after rollup knew of an unfollow or a purchase;
//! and a call that repeats another is a leaving like any other.

use crate::{
    brand::*,
    wire::Phase,
    world::{Change, Plan, World, openid},
};
use guanxi::{facts::push::Skip, push::FRESH};
use guanxi_simulator::api::{Api, Fault, Latency, Moment, Outcomes, Quota, Trouble};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{cell::RefCell, collections::BTreeMap, ops::Range};

/// Fans of a small world.
const FANS: usize = 6;
/// The fan who changes, the last of them: so that others go first.
const CHANGING: usize = FANS - 1;
const CHANGES: [(Change, Skip); 3] =
    [(Change::Stops, Skip::OptedOut), (Change::Leaves, Skip::Unsubscribed), (Change::Buys, Skip::BoughtSince)];

/// The last calls to a fan that left after a moment, by how long.
fn latest(world: &World, number: usize, since: u64) -> Option<u64> {
    let to = openid(number).to_string();
    let left = world.wire.left.borrow();
    left.iter().filter(|(at, _, touser)| *touser == to && *at >= since).map(|(at, ..)| at - since).max()
}

/// What may hold a push up between the look at its fan and a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delay {
    /// Nothing.
    None,
    /// The minute's quota, as the quota query says it.
    Pace,
    /// The minute's quota, as 45011 says it.
    SlowDown,
    /// WeChat is busy for some seconds, then answers.
    Busy,
    /// Answers are lost, and the same id is sent again.
    Lost,
    /// The token is void when it is used, and a new one takes three seconds.
    Token,
    /// The first token takes three seconds.
    FirstToken,
    /// The store takes up to 1.5 seconds for anything.
    Disk,
    /// A run died with everything on its way.
    Killed,
}

const DELAYS: [Delay; 9] = [
    Delay::None,
    Delay::Pace,
    Delay::SlowDown,
    Delay::Busy,
    Delay::Lost,
    Delay::Token,
    Delay::FirstToken,
    Delay::Disk,
    Delay::Killed,
];

fn world(delay: Delay) -> World {
    let mut plan = Plan { from: 10 * HOUR + 59 * 60 + 35, ..Plan::new(7) };
    plan.rules.latency = Latency::Fixed(80);
    plan.rules.outcomes = Outcomes { lost: 1.0, ..Outcomes::default() };
    let until = (MIDNIGHT + plan.from) * 1_000 + 2_500;
    let trouble = |fault| Trouble { until, api: Some(Api::Template), ..Trouble::always(1.0, fault) };
    match delay {
        Delay::Pace | Delay::SlowDown => {
            plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(4) });
        }
        Delay::Busy => plan.rules.troubles.push(trouble(Fault::Busy(Moment::Before))),
        Delay::Lost => plan.rules.troubles.push(trouble(Fault::Reset(Moment::Before))),
        Delay::Disk => plan.disk = 1_500,
        _ => {}
    }
    let world = World::with_reminders(plan, FANS, &[CAT]);
    match delay {
        Delay::SlowDown => world.hide_quota(),
        Delay::Token => {
            let old = RefCell::new(None::<String>);
            world.wire.slow_token.set(3_000);
            world.wire.answer_instead(move |request| {
                let is_old = request.path == Api::Template.path()
                    && old.borrow_mut().get_or_insert_with(|| request.query.to_owned()) == request.query;
                is_old.then(|| (200, r#"{"errcode":42001}"#.into()))
            });
            world.wire.account.borrow_mut().rules.token_kills = vec![until - 2_000];
        }
        Delay::FirstToken => world.wire.slow_token.set(3_000),
        Delay::Killed => world.wire.planned.set(Some((4, Phase::Coming))),
        _ => {}
    }
    world
}

/// Everything there is to do. Gives when each run was at work.
fn history(world: &World) -> Vec<Range<u64>> {
    let mut runs = Vec::new();
    for _ in 0..12 {
        let began = world.clock.now();
        world.run(0);
        runs.push(began..world.clock.now());
        world.wait(0);
        if world.is_quiet() {
            return runs;
        }
    }
    panic!("not quiet: {:#?}", world.head());
}

#[test]
fn wherever_a_fan_stops_leaves_or_buys_between_the_senders_steps_nothing_leaves_two_seconds_later() {
    let limit = u64::try_from(FRESH.as_millis()).unwrap();
    assert_eq!(limit, 2_000);
    for delay in DELAYS {
        let calm = world(delay);
        let runs = history(&calm);
        let steps = calm.disk.others.steps();
        let ticks: Vec<u64> = runs.into_iter().flat_map(|run| run.step_by(250)).collect();
        for (change, reason) in CHANGES {
            let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
            let mut judge = |world: &World, since: u64, place: &str| {
                let late = latest(world, CHANGING, since).unwrap_or_default();
                assert!(late <= limit, "{delay:?} {change:?} {place}: a call left {late} ms later");
                let ends = world.judge(FANS);
                assert_eq!(ends.skipped.keys().filter(|skip| **skip != reason).count(), 0, "{delay:?} {ends:?}");
                *outcomes.entry(if ends.skipped.is_empty() { "left" } else { "held" }).or_default() += 1;
            };
            for step in 0..steps {
                let world = world(delay);
                let (key, value) = world.change(CHANGING, CAT, change);
                world.disk.others.write_at_step(step, key, value);
                history(&world);
                judge(&world, world.disk.others.stepped().unwrap(), &format!("step {step}"));
            }
            for tick in ticks.iter().copied() {
                let world = world(delay);
                let (key, value) = world.change(CHANGING, CAT, change);
                world.disk.others.write_at(tick, key, value);
                history(&world);
                judge(&world, tick, &format!("at {} ms", tick - MIDNIGHT * 1_000));
            }
            assert!(outcomes.len() == 2, "{delay:?} {change:?}: {outcomes:?}");
        }
    }
}

#[test]
fn of_2_000_fans_under_a_quota_that_pauses_nobody_gets_one_two_seconds_after_asking_for_no_more() {
    for seed in 0..3 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Each later run begins 25 seconds before there is room again, and what it looks at then waits so long.
        let mut plan = Plan { from: 12 * HOUR + 25, ..Plan::new(seed) };
        plan.rules.latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
        plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(400) });
        let trouble = Trouble::always(0.1, Fault::Busy(Moment::Before));
        plan.rules.troubles = vec![Trouble { api: Some(Api::Template), ..trouble }];
        let mut world = World::new(plan);
        if seed == 2 {
            world.hide_quota();
        }
        for number in 0..2_000 {
            world.customer(number, CAT);
            world.list(number);
        }
        world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
        let began = world.clock.now();
        let mut changed: BTreeMap<usize, u64> = BTreeMap::new();
        for number in 0..2_000 {
            if rng.random_bool(0.4) {
                let at = began + rng.random_range(0..300_000);
                let change = [Change::Stops, Change::Leaves][usize::from(rng.random_bool(0.3))];
                let (key, value) = world.change(number, CAT, change);
                world.disk.others.write_at(at, key, value);
                changed.insert(number, at);
            }
        }
        world.run_until_quiet(40);
        let ends = world.judge(2_000);
        let late: Vec<_> = changed.iter().filter_map(|(number, at)| latest(&world, *number, *at)).collect();
        let worst = late.iter().max().copied().unwrap_or_default();
        assert!(worst <= 2_000, "seed {seed}: {worst} ms after it was answered");
        let held: usize = ends.skipped.values().sum();
        assert!(held > 100 && changed.len() > 700, "seed {seed}: {ends:?}");
    }
}
