//! A fan who is forgotten is named by nothing of push's any more, after one run.

use crate::{
    brand::*,
    world::{Plan, World, openid},
};
use guanxi::{
    facts::push::{Outcome, outcomes},
    push::{End, head, ledger},
    store::key::Stored as _,
    time::Timestamp,
};

/// More than a page of each way. The last is the one who is forgotten, and has a number that begins no other.
const FANS: usize = 99;

/// What names the fan, but for the records of others and the journal.
fn naming(world: &World, number: usize) -> Vec<String> {
    let name = openid(number).to_string();
    let names = |bytes: &[u8]| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    let own = |key: &str| ["plan:", "ledger:", "run:", "token"].iter().any(|prefix| key.starts_with(prefix));
    let values = world.disk.values().into_iter();
    values.filter(|(key, value)| own(key) && (names(key.as_bytes()) || names(value))).map(|(key, _)| key).collect()
}

fn forget(world: &World, number: usize) {
    world.append(&outcomes(), Outcome::Forgotten(openid(number)));
}

/// Fans who are to get a reminder each, and all of them a campaign, at a time.
fn world(product: &str, from: u64) -> World {
    let mut world = World::with_reminders(Plan { from, ..Plan::new(41) }, FANS, &[product]);
    (0..FANS).for_each(|number| world.list(number));
    world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
    world
}

#[test]
fn after_one_run_neither_a_queue_nor_a_ledger_names_who_is_forgotten() {
    for product in [CAT, NOTICE, MESSAGE] {
        // Before the reminder goes out, and when all was sent.
        for (from, kept) in [(9 * HOUR, false), (10 * HOUR + 59 * 60, true)] {
            let world = world(product, from);
            (0..3).for_each(|_| drop((world.run(0), world.wait(0))));
            assert_eq!(naming(&world, FANS - 1).len(), 3, "is this blind? {:?}", naming(&world, FANS - 1));
            forget(&world, FANS - 1);
            assert_eq!(world.run(0).unwrap().unwrap().end, End::Done);
            assert_eq!(naming(&world, FANS - 1), [""; 0], "{product}");
            assert_eq!(naming(&world, FANS - 2).len(), 3, "others stay");
            world.clock.pass_until((MIDNIGHT + 10 * HOUR + 59 * 60) * 1_000);
            world.wait(0);
            (0..3).for_each(|_| drop((world.run(0), world.wait(0))));
            let account = world.wire.account.borrow();
            let saw = account.books().seen_by(openid(FANS - 1).as_str()).count();
            assert_eq!(saw, if kept { 2 } else { 1 }, "the party was before, the reminder would be after");
            assert_eq!(account.books().sightings.len(), 2 * FANS - usize::from(!kept));
            assert!(world.head().queues.values().all(|queue| queue.done == queue.queued), "{:?}", world.head());
        }
    }
}

#[test]
fn who_is_forgotten_while_the_sender_has_the_push_in_hand_is_named_no_more_after_that_run() {
    for number in [0, 40, FANS - 1] {
        let world = world(CAT, 10 * HOUR + 59 * 60);
        // It is planned, and nothing may be sent yet: WeChat is busy.
        world.wire.silent.set(true);
        world.run(0);
        world.wire.silent.set(false);
        world.wait(12);
        assert!(!naming(&world, number).is_empty());
        forget(&world, number);
        assert_eq!(world.run(0).unwrap().unwrap().end, End::Done);
        let name = openid(number).to_string();
        // These numbers begin others' too, so it is the whole key or item that counts.
        let left: Vec<String> =
            naming(&world, number).into_iter().filter(|key| *key == format!("ledger:{name}")).collect();
        assert_eq!(left, [""; 0]);
        if number == FANS - 1 {
            assert_eq!(naming(&world, number), [""; 0]);
        }
    }
}

#[test]
fn a_run_that_dies_while_it_forgets_is_finished_by_the_next() {
    let prepare = || {
        let world = world(CAT, 9 * HOUR);
        (0..2).for_each(|_| drop((world.run(0), world.wait(0))));
        // An alarm names the fan too.
        let mut account = world.head().account;
        account.alarm("unreadable records", ledger::key(&openid(FANS - 1)).into(), Timestamp(world.now()));
        world.disk.put(head::ACCOUNT, &account.encode());
        forget(&world, FANS - 1);
        world
    };
    let fates = {
        let world = prepare();
        let from = world.disk.operations();
        world.run(0).unwrap().unwrap();
        world.disk.fates(from)
    };
    assert!(fates.len() > 30, "{fates:?}");
    for (number, fate) in fates {
        let world = prepare();
        world.disk.planned.set(Some((number, fate)));
        world.run(0);
        world.disk.planned.set(None);
        world.wait(4);
        assert_eq!(world.run(0).unwrap().unwrap().end, End::Done, "{number} {fate:?}");
        assert_eq!(naming(&world, FANS - 1), [""; 0], "operation {number} {fate:?}");
        world.clock.pass_until((MIDNIGHT + 10 * HOUR + 59 * 60) * 1_000);
        (0..3).for_each(|_| drop((world.wait(0), world.run(0))));
        let account = world.wire.account.borrow();
        assert!(account.books().copies_beyond_one().is_empty());
        assert_eq!(account.books().sightings.len(), 2 * FANS - 1, "operation {number} {fate:?}");
    }
}

#[test]
fn an_alarm_about_a_fan_goes_with_the_fan() {
    let world = world(CAT, 9 * HOUR);
    world.disk.put(&ledger::key(&openid(FANS - 1)), b"\x01?");
    world.run(0);
    world.wait(0);
    assert!(naming(&world, FANS - 1).contains(&head::ACCOUNT.to_owned()));
    forget(&world, FANS - 1);
    world.run(0);
    assert_eq!(naming(&world, FANS - 1), [""; 0]);
}
