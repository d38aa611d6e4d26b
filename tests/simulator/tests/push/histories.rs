//! Many things go wrong at once, at random: each seed is a history.

use crate::{
    brand::*,
    disk::Fate,
    wire::Phase,
    world::{Plan, World},
};
use guanxi_simulator::api::{Api, Fault, Latency, Moment, Outcomes, Quota, Trouble};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEEDS: u64 = 300;

/// A day at WeChat's that is as bad as the seed wants it.
fn bad_day(rng: &mut ChaCha8Rng, plan: &mut Plan) {
    let faults = [
        Fault::Busy(Moment::Before),
        Fault::Busy(Moment::After),
        Fault::Status(502, Moment::Before),
        Fault::Status(504, Moment::After),
        Fault::Reset(Moment::Before),
        Fault::Reset(Moment::After),
    ];
    let ends = plan.from + 40 * 60;
    for fault in faults {
        let trouble = Trouble::always(rng.random_range(0.0..0.08), fault);
        plan.rules.troubles.push(Trouble { until: (MIDNIGHT + ends) * 1_000, ..trouble });
    }
    let median = *[20.0, 50.0, 400.0, 1_500.0].get(rng.random_range(0..4)).unwrap();
    plan.rules.latency = Latency::LogNormal { median, p99: median * 6.0 };
    if rng.random_bool(0.3) {
        let per_minute = Some(rng.random_range(20..200));
        plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute });
    }
    let mut share = || rng.random_range(0.0..0.2);
    plan.rules.outcomes = Outcomes { failed: share(), early: share(), late: share(), twice: share(), lost: share() };
    plan.rules.repeats_without_msgid = share();
}

fn history(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut plan = Plan::new(seed);
    bad_day(&mut rng, &mut plan);
    let fans = rng.random_range(1..180);
    let products: &[&str] =
        [&[CAT, DOG][..], &[NOTICE, MESSAGE], &[CAT, NOTICE, MESSAGE], &[ANY]][rng.random_range(0..4)];
    let world = World::with_reminders(plan, fans, products);
    if rng.random_bool(0.5) {
        world.hide_quota();
    }
    for _ in 0..rng.random_range(2..25) {
        world.disk.shares.set((rng.random_range(0.0..0.002), rng.random_range(0.0..0.002)));
        match rng.random_range(0..6) {
            0 => {
                let fates = [Fate::DiesBefore, Fate::DiesAfter];
                let number = world.disk.operations() + rng.random_range(0..400);
                world.disk.planned.set(Some((number, fates[rng.random_range(0..2)])));
            }
            1 => {
                let number = world.wire.calls() + rng.random_range(0..150);
                world.wire.planned.set(Some((number, Phase::ALL[rng.random_range(0..4)])));
            }
            _ => {}
        }
        // Two clocks differ by 60 seconds at most.
        world.run(rng.random_range(-30..=30));
        let pause = if rng.random_bool(0.1) { rng.random_range(5..30) } else { 0 };
        world.wait(pause);
    }
    world.disk.shares.set((0.0, 0.0));
    world.disk.planned.set(None);
    world.wire.planned.set(None);
    world.clock.pass_until((MIDNIGHT + 12 * HOUR) * 1_000);
    // Reports come up to twelve hours later.
    world.run_until_quiet(60 * 14);
    world.judge(fans);
}

fn histories(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let done = std::panic::catch_unwind(|| history(seed));
        done.unwrap_or_else(|_| panic!("history {seed}"));
    }
}

#[test]
fn whatever_goes_wrong_nobody_gets_two_and_none_is_lost() {
    histories((0..SEEDS).step_by(2));
}

#[test]
fn whatever_else_goes_wrong_nobody_gets_two_and_none_is_lost() {
    histories((1..SEEDS).step_by(2));
}
