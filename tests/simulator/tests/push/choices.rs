//! Who gets what and when, and who does not.

use crate::{
    brand::*,
    world::{Plan, World, openid},
};
use futures::{FutureExt, future::join};
use guanxi::{
    facts::{PushChoice, push::Skip},
    playbook::Segment,
    push::campaign::{Asked, Request, ask},
};
use guanxi_simulator::scenario::Act;
use std::collections::BTreeMap;

/// Begins before the hour in which reminders go out: they are planned and wait.
fn before_the_hour() -> Plan {
    Plan { from: 9 * HOUR, ..Plan::new(5) }
}

/// Sightings by the minute of the day.
fn seen(world: &World) -> BTreeMap<u64, usize> {
    let mut seen = BTreeMap::new();
    for copy in &world.wire.account.borrow().books().sightings {
        *seen.entry((copy.at / 1_000 - MIDNIGHT) / 60).or_default() += 1;
    }
    seen
}

/// How many copies this fan saw.
fn copies(world: &World, number: usize) -> usize {
    world.wire.account.borrow().books().seen_by(openid(number).as_str()).count()
}

fn run_at(world: &World, moment: u64) {
    world.clock.pass_until((MIDNIGHT + moment) * 1_000);
    world.take_callbacks();
    world.run(0).unwrap().unwrap();
}

#[test]
fn reminders_wait_for_their_hour_and_spread_over_its_minutes() {
    let world = World::with_reminders(before_the_hour(), 600, &[CAT]);
    world.run(0).unwrap().unwrap();
    assert_eq!((world.ends().open, seen(&world).len()), (600, 0));
    while world.now() < MIDNIGHT + 11 * HOUR + 120 {
        world.wait(0);
        world.run(0);
    }
    let seen = seen(&world);
    assert!(seen.keys().all(|minute| (600..660).contains(minute)) && seen.len() == 60, "{seen:?}");
    assert!(seen.values().all(|copies| (5..=15).contains(copies)), "{seen:?}");
    assert_eq!(world.judge(600).delivered, 600);
}

#[test]
fn a_products_own_hour_goes_before_the_playbooks() {
    let mut world = World::with_reminders(before_the_hour(), 20, &[CAT, DOG]);
    world.pushes.products.get_mut(DOG).unwrap().reminder.as_mut().unwrap().preferred_hour = Some(14);
    world.run(0).unwrap().unwrap();
    run_at(&world, 10 * HOUR + 59 * 60);
    assert_eq!(
        (0..20).filter(|number| copies(&world, *number) == 1).collect::<Vec<_>>(),
        (0..20).step_by(2).collect::<Vec<_>>()
    );
    run_at(&world, 14 * HOUR + 59 * 60);
    world.run_until_quiet(3);
    assert_eq!(world.judge(20).delivered, 20);
}

#[test]
fn nothing_goes_out_in_the_quiet_hours() {
    let mut world = World::with_reminders(Plan { from: 20 * HOUR, ..Plan::new(5) }, 120, &[CAT]);
    let limits = &mut world.pushes.limits;
    (limits.quiet_from, limits.quiet_until, limits.preferred_hour) = (21 * 60 + 30, 9 * 60, 20);
    run_at(&world, 20 * HOUR + 10 * 60);
    let early: usize = seen(&world).values().sum();
    assert!((20..30).contains(&early), "{early}");
    for number in 120..150 {
        world.customer(number, CAT);
        world.due(number, CAT);
    }
    for minute in (21 * 60 + 30..33 * 60).step_by(5) {
        run_at(&world, minute * 60);
    }
    assert!(seen(&world).keys().all(|minute| *minute < 21 * 60 + 30), "{:?}", seen(&world));
    // What waited goes out when they are over, what was listed too late for its hour a day later.
    run_at(&world, 33 * HOUR + 60);
    assert_eq!(seen(&world).values().sum::<usize>(), 120);
    run_at(&world, 44 * HOUR + 59 * 60);
    world.wait(0);
    world.run_until_quiet(3);
    let ends = world.judge(150);
    assert_eq!(ends.delivered, 150, "{ends:?}");
}

#[test]
fn who_says_stop_after_the_plan_gets_nothing_and_who_resumes_does_again() {
    let world = World::with_reminders(before_the_hour(), 30, &[CAT]);
    world.run(0).unwrap().unwrap();
    (0..10).for_each(|number| world.choose(number, PushChoice::Stop));
    world.choose(3, PushChoice::Resume);
    run_at(&world, 10 * HOUR + 59 * 60);
    world.wait(0);
    world.run_until_quiet(3);
    let ends = world.judge(30);
    assert_eq!((ends.delivered, ends.skipped[&Skip::OptedOut]), (21, 9));
    assert_eq!((copies(&world, 2), copies(&world, 3)), (0, 1));
}

#[test]
fn who_left_or_bought_after_the_plan_gets_nothing() {
    let mut world = World::with_reminders(before_the_hour(), 30, &[CAT]);
    world.run(0).unwrap().unwrap();
    let now = world.now();
    (0..5).for_each(|number| world.act(number, now, Act::Unfollow));
    (5..9).for_each(|number| world.buy(number, CAT, now));
    (9..12).for_each(|number| world.buy(number, DOG, now));
    run_at(&world, 10 * HOUR + 59 * 60);
    world.wait(0);
    world.run_until_quiet(3);
    let ends = world.judge(30);
    assert_eq!((ends.skipped[&Skip::Unsubscribed], ends.skipped[&Skip::BoughtSince], ends.delivered), (5, 4, 21));
}

#[test]
fn a_cap_counts_all_products_together() {
    let mut world = World::new(Plan::new(5));
    world.pushes.limits.cap = 2;
    for number in 0..100 {
        for product in [CAT, DOG, BIRD] {
            world.customer(number, product);
        }
        [CAT, DOG, BIRD].iter().for_each(|product| world.due(number, product));
    }
    world.run_until_quiet(4);
    let ends = world.judge(300);
    assert_eq!((ends.delivered, ends.skipped[&Skip::Capped]), (200, 100));
    assert!((0..100).all(|number| copies(&world, number) == 2));
}

#[test]
fn a_fan_of_two_products_gets_both() {
    let mut world = World::new(Plan::new(5));
    for number in 0..200 {
        for product in [CAT, DOG] {
            world.customer(number, product);
        }
    }
    for product in [CAT, DOG] {
        (0..200).for_each(|number| world.due(number, product));
    }
    world.run_until_quiet(4);
    assert_eq!(world.judge(400).delivered, 400);
}

#[test]
fn the_holdout_never_gets_it_and_is_as_large_as_asked() {
    let mut world = World::with_reminders(Plan::new(5), 2_000, &[CAT]);
    world.pushes.products.get_mut(CAT).unwrap().reminder.as_mut().unwrap().holdout = 20;
    world.run_until_quiet(5);
    let ends = world.judge(2_000);
    let held = ends.skipped[&Skip::Holdout];
    // Four standard deviations.
    assert!((328..=472).contains(&held), "{held}");
    assert_eq!(world.wire.account.borrow().books().sightings.len(), 2_000 - held);
}

#[test]
fn a_campaign_reaches_its_segment_at_its_time() {
    let mut world = World::new(before_the_hour());
    for number in 0..300 {
        world.customer(number, if number % 3 == 0 { CAT } else { DOG });
        world.list(number);
    }
    let segment = Segment { products: vec![CAT.into()], ..Segment::default() };
    let party = guanxi::playbook::Campaign { segment, ..campaign(MIDNIGHT + 12 * HOUR, "party") };
    world.pushes.campaigns.insert("party".into(), party);
    run_at(&world, 12 * HOUR - 60);
    assert_eq!(world.ends().total(), 0);
    run_at(&world, 12 * HOUR);
    world.wait(0);
    world.run_until_quiet(3);
    assert_eq!(world.judge(100).delivered, 100);
    assert!((0..300).all(|number| copies(&world, number) == usize::from(number % 3 == 0)));
}

#[test]
fn a_campaign_that_is_asked_for_twice_goes_out_once() {
    let mut world = World::new(Plan::new(5));
    for number in 0..150 {
        world.customer(number, CAT);
        world.list(number);
    }
    let asked = Asked { id: "party".into(), campaign: campaign(world.now(), "party") };
    for _ in 0..2 {
        ask(world.disk.aside(), &Request::Ask(asked.clone())).now_or_never().unwrap().unwrap();
    }
    world.run_until_quiet(4);
    assert_eq!(world.judge(150).delivered, 150);
    ask(world.disk.aside(), &Request::Ask(asked.clone())).now_or_never().unwrap().unwrap();
    world.run_until_quiet(4);
    assert_eq!(world.judge(150).delivered, 150);
}

#[test]
fn of_two_runs_at_once_one_sends() {
    for wrong in [0, 1, 59, 60, -60] {
        let world = World::with_reminders(Plan::new(5), 200, &[CAT, NOTICE]);
        let (one, other) = world.clock.run(join(world.job(0), world.job(wrong))).unwrap();
        let sent: Vec<u64> = [&one, &other].iter().map(|ran| ran.as_ref().map_or(0, |report| report.sent)).collect();
        assert!(sent.iter().sum::<u64>() == 200 && sent.contains(&0), "{wrong}: {one:?} {other:?}");
        world.wait(0);
        world.run_until_quiet(4);
        assert_eq!(world.judge(200).delivered, 200);
    }
}
