//! A campaign that is stopped: nothing of it leaves two seconds later, whatever the run is at, and every push that was planned is
//! accounted for, whatever becomes of the store meanwhile.

use crate::{
    brand::*,
    disk::Fate,
    wire::Phase,
    world::{Plan, World},
};
use futures::FutureExt;
use guanxi::{
    facts::push::Skip,
    push::{
        FRESH,
        campaign::{Asked, Request, ask},
        requests::{Listed, list},
    },
    store::key::Stored as _,
};
use guanxi_simulator::api::{Api, Fault, Latency, Moment, Quota, Trouble};
use std::collections::{BTreeMap, BTreeSet};

const ID: &str = "party";

/// A playbook's campaign for so many fans, of whom so many get it in a minute.
fn world(plan: Plan, fans: usize) -> World {
    let mut world = World::new(plan);
    for number in 0..fans {
        world.customer(number, CAT);
        world.list(number);
    }
    world.pushes.campaigns.insert(ID.into(), campaign(world.now(), ID));
    world
}

fn quota(plan: &mut Plan, per_minute: u64) {
    plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(per_minute) });
}

fn leave(world: &World, request: &Request) {
    ask(world.disk.aside(), request).now_or_never().unwrap().unwrap();
}

fn stop(world: &World) {
    leave(world, &Request::Stop(ID.into()));
}

fn listed(world: &World) -> Listed {
    let mut all = list(world.disk.aside()).now_or_never().unwrap().unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Everything there is to do, and a run more, which takes up what was asked for last.
fn history(world: &World) {
    for _ in 0..12 {
        world.run(0);
        world.wait(0);
        if world.is_quiet() {
            world.run(0);
            world.wait(0);
            return;
        }
    }
    panic!("not quiet: {:#?}", world.head());
}

/// Holds at the end: it is stopped, each push that was queued has its end, and no other reason than this was needed. Gives how
/// many left and how many did not.
fn accounted(world: &World) -> (usize, usize) {
    let (campaign, ends) = (listed(world), world.ends());
    assert!(campaign.stopped && campaign.planned && campaign.is_settled(), "{campaign:?}");
    assert_eq!((campaign.queued.unwrap_or_default(), ends.open), (ends.total() as u64, 0), "{ends:?}");
    let reasons: BTreeSet<Skip> = ends.skipped.keys().copied().collect();
    assert!(reasons.is_subset(&[Skip::Stopped].into()), "{ends:?}");
    let held = ends.skipped.values().sum::<usize>();
    (ends.total() - held, held)
}

/// The same, and rollup was told of it.
fn judge(world: &World) -> (usize, usize) {
    world.judge(world.ends().total());
    accounted(world)
}

#[derive(Clone, Copy, Debug)]
enum Delay {
    None,
    Pace,
    Busy,
    FirstToken,
    Disk,
    Killed,
}

fn delayed(delay: Delay) -> World {
    const FANS: usize = 8;
    let mut plan = Plan::new(7);
    plan.rules.latency = Latency::Fixed(80);
    match delay {
        Delay::Pace => quota(&mut plan, 4),
        Delay::Busy => {
            let until = (MIDNIGHT + plan.from) * 1_000 + 2_500;
            plan.rules.troubles.push(Trouble { until, ..Trouble::always(1.0, Fault::Busy(Moment::Before)) });
        }
        Delay::Disk => plan.disk = 1_500,
        _ => {}
    }
    let world = world(plan, FANS);
    match delay {
        Delay::FirstToken => world.wire.slow_token.set(3_000),
        Delay::Killed => world.wire.planned.set(Some((4, Phase::Coming))),
        _ => {}
    }
    world
}

#[test]
fn wherever_it_is_stopped_between_the_steps_of_a_run_nothing_leaves_two_seconds_later() {
    let limit = u64::try_from(FRESH.as_millis()).unwrap();
    for delay in [Delay::None, Delay::Pace, Delay::Busy, Delay::FirstToken, Delay::Disk, Delay::Killed] {
        let calm = delayed(delay);
        history(&calm);
        let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
        for step in 0..calm.disk.others.steps() {
            let world = delayed(delay);
            world.disk.others.write_at_step(step, "campaign:1".into(), Request::Stop(ID.into()).encode());
            history(&world);
            let since = world.disk.others.stepped().unwrap();
            let left = world.wire.left.borrow().iter().map(|(at, ..)| *at).max().unwrap_or_default();
            assert!(left <= since + limit, "{delay:?} step {step}: a call left {} ms later", left - since);
            let campaign = listed(&world);
            // After the last step of all nobody is there to take it up.
            if !campaign.stopped {
                world.run(0);
            }
            let outcome = match judge(&world) {
                (0, _) => "none",
                (_, 0) => "all",
                _ => "some",
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
        assert!(outcomes.contains_key("none") && outcomes.contains_key("all"), "{delay:?}: {outcomes:?}");
    }
}

/// 30 fans, 10 a minute: one run has sent some when it is stopped.
fn begun() -> World {
    let mut plan = Plan::new(3);
    quota(&mut plan, 10);
    let world = world(plan, 30);
    world.run(0);
    world.wait(0);
    stop(&world);
    world
}

#[test]
fn wherever_the_run_that_takes_it_up_dies_or_fails_the_rest_is_passed_over_and_accounted_for() {
    let calm = begun();
    let (from, left) = (calm.disk.operations(), calm.wire.left.borrow().len());
    history(&calm);
    let expected = judge(&calm);
    assert!(expected.0 == left && expected.0 > 0 && expected.1 > 10, "{expected:?}");
    let fates: Vec<(u64, Fate)> = calm.disk.fates(from);
    assert!(fates.len() > 50, "{}", fates.len());
    for (number, fate) in fates {
        let world = begun();
        world.disk.planned.set(Some((number, fate)));
        history(&world);
        assert_eq!(world.wire.left.borrow().len(), left, "operation {number} {fate:?}");
        // Of a batch that was torn the news may be what is missing.
        let judged = if fate == Fate::DiesTorn { accounted(&world) } else { judge(&world) };
        assert_eq!(judged, expected, "operation {number} {fate:?}");
    }
}

#[test]
fn one_that_is_stopped_before_it_was_taken_up_or_before_its_time_never_begins() {
    for asked in [true, false] {
        for later in [0, 3_600] {
            let mut world = world(Plan { from: 12 * HOUR, ..Plan::new(5) }, 20);
            let at = world.now() + later;
            let party = campaign(at, ID);
            match asked {
                true => {
                    world.pushes.campaigns.clear();
                    leave(&world, &Request::Ask(Asked { id: ID.into(), campaign: party }));
                }
                false => drop(world.pushes.campaigns.insert(ID.into(), party)),
            }
            (0..2).for_each(|_| stop(&world));
            world.run(0);
            world.clock.pass_until((at + 60) * 1_000);
            history(&world);
            assert!(world.wire.left.borrow().is_empty(), "asked for: {asked}, in {later} s");
            assert_eq!(judge(&world), (0, 0));
            assert_eq!(listed(&world).fans, 0);
        }
    }
}

#[test]
fn one_that_is_stopped_after_its_end_is_as_it_was_and_others_go_on() {
    let mut world = world(Plan::new(5), 20);
    history(&world);
    let seen = world.ends();
    stop(&world);
    leave(&world, &Request::Stop("nobody".into()));
    world.pushes.campaigns.insert("second".into(), campaign(world.now(), ID));
    history(&world);
    assert_eq!((seen.delivered, world.ends().delivered), (20, 40));
    let stopped: Vec<bool> =
        ["party", "second"].iter().map(|id| world.head().campaigns.get(*id).unwrap().stopped).collect();
    assert_eq!((stopped, world.head().campaigns.len()), (vec![true, false], 2));
}

#[test]
fn what_waits_for_a_call_that_is_closed_is_passed_over_all_the_same() {
    let mut plan = Plan::new(6);
    plan.rules.quotas.insert(Api::Template, Quota { per_day: 25, per_minute: None });
    let world = world(plan, 60);
    world.run(0);
    world.wait(0);
    let campaign = listed(&world);
    assert!(campaign.done < campaign.queued, "{campaign:?}");
    stop(&world);
    world.run(0);
    world.wait(0);
    world.run(0);
    assert!(listed(&world).is_settled(), "{:?}", listed(&world));
}
