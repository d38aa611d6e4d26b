//! Every kind of record that push owns or reads, damaged in turn: push goes on for everybody else, says what it set aside, and
//! nobody gets a second copy.

use crate::{
    brand::*,
    wire::Phase,
    world::{Plan, World, openid},
};
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::push as lists,
    fold::{
        Settings,
        damaged::{self, List},
        rollup::{self, rollup},
    },
    push::{
        End, Report,
        campaign::{Asked, Request, ask},
        head,
        ledger::{self, State},
    },
    store::{
        Timer,
        list::{PAGE, Page},
        memory::Memory,
    },
    time::Timestamp,
    wechat::OpenId,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    time::Duration,
};

/// Of each way, so that there are queues of each.
const EACH: usize = 75;
const ALL: usize = 4 * EACH;

struct Still;

impl Timer for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

/// Bytes that cannot be read: nothing, too little, too much, something else.
fn damages(good: &[u8]) -> [Vec<u8>; 4] {
    let something: Vec<u8> = good.iter().take(1).copied().chain([0xFF; 40]).collect();
    [Vec::new(), good[..good.len() - 1].to_vec(), [good, &[0]].concat(), something]
}

fn store(world: &World) -> &Memory {
    world.disk.aside()
}

/// A real rollup.
fn fold(world: &World) -> rollup::Report {
    let (now, id) = (Timestamp(world.now()), world.now());
    let report = rollup(store(world), &Still, &Settings::default(), now, id).now_or_never().unwrap().unwrap();
    assert_eq!(report.end, rollup::End::Done);
    report
}

fn set_aside(world: &World) -> BTreeMap<String, Vec<u8>> {
    let List { set_aside: list, .. } = damaged::list(store(world)).now_or_never().unwrap().unwrap();
    let bytes = |key: &str| damaged::show(store(world), key).now_or_never().unwrap().unwrap();
    list.into_iter().map(|damaged| (damaged.key.clone(), bytes(&damaged.key))).collect()
}

/// A run that did what it could.
fn run(world: &World) -> Report {
    let report = world.run(0).unwrap().unwrap();
    assert_eq!(report.end, End::Done, "{report:?}");
    world.wait(0);
    report
}

/// The day's reminders: planned in the morning, and a third of them sent by twenty past ten.
fn morning() -> World {
    let products = [CAT, CAT, NOTICE, MESSAGE];
    let world = World::with_reminders(Plan { from: 9 * HOUR, ..Plan::new(31) }, ALL, &products);
    run(&world);
    world.clock.pass_until((MIDNIGHT + 10 * HOUR + 20 * 60) * 1_000);
    run(&world);
    world
}

/// The rest of the hour. Everything that push set aside.
fn go_on(world: &World) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for minute in [40, 55, 59] {
        world.clock.pass_until((MIDNIGHT + 10 * HOUR + minute * 60) * 1_000);
        named.extend(run(world).set_aside);
    }
    for _ in 0..3 {
        named.extend(run(world).set_aside);
    }
    named
}

/// Who saw the reminder. Nobody sees two: each fan is to get one.
fn seen(world: &World) -> BTreeSet<OpenId> {
    let account = world.wire.account.borrow();
    let copies: Vec<OpenId> = account.books().sightings.iter().map(|copy| copy.openid.parse().unwrap()).collect();
    let fans: BTreeSet<OpenId> = copies.iter().cloned().collect();
    assert_eq!(fans.len(), copies.len(), "somebody saw a second copy");
    fans
}

fn everybody() -> BTreeSet<OpenId> {
    (0..ALL).map(openid).collect()
}

/// Who may go without when this record is lost.
fn on(key: &str, good: &[u8]) -> BTreeSet<OpenId> {
    match key.split(':').next() {
        Some("ledger") => BTreeSet::from([key["ledger:".len()..].parse().unwrap()]),
        Some("plan") if !head::KEYS.contains(&key) => Page::<guanxi::push::queue::Waiting>::decode(good)
            .unwrap()
            .0
            .into_iter()
            .flatten()
            .map(|waiting| waiting.openid)
            .collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn whatever_record_of_pushs_own_is_damaged_everybody_else_gets_theirs_and_nobody_two() {
    let whole = morning();
    let some = seen(&whole).len();
    assert!(some > ALL / 4 && some < ALL / 2, "{some}");
    go_on(&whole);
    assert_eq!(seen(&whole), everybody());
    let own = |key: &str| ["plan:", "token", "run:push", "ledger:"].iter().any(|prefix| key.starts_with(prefix));
    // Some that got theirs, and some that wait.
    let is_picked = |key: &str| {
        !key.starts_with("ledger:") || [0, 1, 200, 298, 299].iter().any(|n| *ledger::key(&openid(*n)) == *key)
    };
    let keys: BTreeMap<String, Vec<u8>> =
        morning().disk.values().into_iter().filter(|(key, _)| own(key) && is_picked(key)).collect();
    assert_eq!(keys.keys().filter(|key| key.starts_with("plan:")).count(), 3 + 2 + 2 + 6, "{:?}", keys.keys());
    assert_eq!(keys.len(), 13 + 5 + 2, "{:?}", keys.keys());
    for (key, good) in keys {
        let lost = on(&key, &good);
        for bad in damages(&good) {
            let world = morning();
            let before = seen(&world);
            world.disk.put(&key, &bad);
            let named = go_on(&world);
            let seen = seen(&world);
            let expected: BTreeSet<OpenId> = everybody().difference(&lost).chain(&before).cloned().collect();
            assert_eq!(seen, expected, "{key} {bad:?}");
            // None of them keeps a place on the way.
            assert!(
                world.head().sending.is_empty() && world.head().queues.values().all(|queue| queue.done == queue.queued)
            );
            let quiet = lost.is_subset(&before) && !head::KEYS.contains(&key.as_str());
            let expected: BTreeSet<String> = if quiet { named.clone() } else { BTreeSet::from([key.clone()]) };
            assert_eq!(named, expected, "{key} {bad:?}");
            let says = |alarm: &head::Alarm| alarm.says.contains(&key);
            assert!(named.is_empty() || world.head().account.alarms.iter().any(says), "{:?}", world.head().account);
            // The console shows it, with its bytes.
            let report = fold(&world);
            assert_eq!(report.set_aside, named.iter().cloned().collect::<Vec<_>>());
            assert_eq!(set_aside(&world), named.into_iter().map(|key| (key, bad.clone())).collect());
        }
    }
}

#[test]
fn a_page_with_pushes_in_doubt_is_set_aside_and_they_are_not_sent_again_and_keep_no_place() {
    for phase in Phase::ALL {
        let die = || {
            let world = morning();
            world.clock.pass_until((MIDNIGHT + 10 * HOUR + 40 * 60) * 1_000);
            world.wire.planned.set(Some((world.wire.calls() + 30, phase)));
            assert!(world.run(0).is_none(), "it dies");
            world.wait(4);
            world
        };
        let doubtful = die().head().sending;
        assert!(doubtful.len() > 8, "{doubtful:?}");
        let keys: BTreeSet<String> = doubtful.iter().map(|(queue, at)| queue.list().page(*at).into()).collect();
        for key in keys {
            let world = die();
            let good = world.disk.peek(&key).unwrap();
            world.disk.put(&key, b"\x01?");
            assert!(go_on(&world).contains(&key));
            let missing: BTreeSet<OpenId> = everybody().difference(&seen(&world)).cloned().collect();
            assert!(missing.is_subset(&on(&key, &good)), "{key}: {missing:?}");
            assert!(world.head().sending.is_empty());
        }
    }
}

#[test]
fn a_head_that_is_damaged_twice_begins_anew_and_nothing_is_sent_that_may_have_been() {
    for bad in damages(&morning().disk.peek(head::HEAD[0]).unwrap()) {
        let mut world = morning();
        let at = world.now() - 600;
        world.pushes.campaigns.insert("before".into(), campaign(at, "party"));
        (0..ALL).for_each(|number| world.list(number));
        world.wait(0);
        run(&world);
        let (campaign_at, tomorrow) = (world.now() + 1_800, MIDNIGHT + DAY);
        let later = Asked { id: "later".into(), campaign: campaign(campaign_at, "party") };
        ask(store(&world), &Request::Ask(later)).now_or_never().unwrap().unwrap();
        run(&world);
        let parties = |world: &World| {
            let account = world.wire.account.borrow();
            account.books().sightings.iter().filter(|copy| &*copy.what == "party").count()
        };
        assert_eq!(parties(&world), ALL);
        let sightings = |world: &World| world.wire.account.borrow().books().sightings.len();
        let before = sightings(&world);
        head::HEAD.iter().for_each(|key| world.disk.put(key, &bad));
        assert_eq!(run(&world).set_aside, head::HEAD, "{bad:?}");
        assert!(world.head().account.alarms.iter().any(|alarm| alarm.about == "a new plan"));
        go_on(&world);
        // What waited is lost; what was to begin later does.
        assert_eq!((parties(&world), sightings(&world)), (2 * ALL, before + ALL), "{bad:?}");
        assert!(world.wire.account.borrow().books().copies_beyond_one().is_empty());
        // So is nothing that becomes due later.
        world.clock.pass_until((tomorrow + 10 * HOUR + 59 * 60) * 1_000);
        world.customer(ALL, DOG);
        world.due(ALL, DOG);
        (0..3).for_each(|_| drop(run(&world)));
        assert_eq!(sightings(&world), before + ALL + 1);
        assert_eq!(set_aside_after_rollup(&world), head::HEAD.into_iter().map(String::from).collect());
    }
}

fn set_aside_after_rollup(world: &World) -> BTreeSet<String> {
    fold(world);
    set_aside(world).into_keys().collect()
}

#[test]
fn a_page_of_rollups_is_waited_for_until_rollup_has_set_it_aside() {
    let lost: BTreeSet<OpenId> = (64..128).map(openid).collect();
    let expected: BTreeSet<OpenId> = everybody().difference(&lost).cloned().collect();
    for party in [false, true] {
        for n in 0..4 {
            let mut world = match party {
                false => World::with_reminders(Plan::new(32), ALL, &[CAT]),
                true => World::new(Plan::new(32)),
            };
            if party {
                (0..ALL).for_each(|number| world.customer(number, CAT));
                (0..ALL).for_each(|number| world.list(number));
                world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
            }
            let day = world.pushes.limits.utc_offset.local(Timestamp(world.now())).day.0;
            let key = if party { lists::fans().page(PAGE).to_string() } else { lists::due(day).page(PAGE).to_string() };
            let bad = &damages(&world.disk.peek(&key).unwrap())[n];
            world.disk.put(&key, bad);
            assert_eq!(run(&world).set_aside, [key.as_str()]);
            assert_eq!(seen(&world), (0..64).map(openid).collect(), "{key}: what is before it goes out");
            run(&world);
            assert_eq!(world.disk.peek(&key).unwrap(), *bad, "it is not push's to overwrite");
            assert_eq!(fold(&world).set_aside, [key.as_str()]);
            assert_eq!(set_aside(&world), BTreeMap::from([(key, bad.clone())]));
            run(&world);
            // Reminders that are planned later go out in the hour that began meanwhile.
            world.clock.pass_until((MIDNIGHT + 11 * HOUR + 59 * 60) * 1_000);
            for _ in 0..3 {
                assert_eq!(run(&world).set_aside, [""; 0]);
            }
            assert_eq!(seen(&world), expected);
        }
    }
}

#[test]
fn a_request_for_a_campaign_that_is_damaged_is_passed_over() {
    for n in 0..4 {
        let mut world = World::new(Plan::new(33));
        world.customer(0, CAT);
        world.list(0);
        for id in ["one", "two"] {
            let asked = Asked { id: id.into(), campaign: campaign(world.now(), "party") };
            ask(store(&world), &Request::Ask(asked)).now_or_never().unwrap().unwrap();
        }
        let bad = &damages(&world.disk.peek("campaign:1").unwrap())[n];
        world.disk.put("campaign:1", bad);
        assert_eq!(run(&world).set_aside, ["campaign:1"]);
        assert_eq!(run(&world).set_aside, [""; 0]);
        assert_eq!(world.head().campaigns.keys().collect::<Vec<_>>(), ["two"]);
        assert_eq!(seen(&world).len(), 1);
        assert_eq!(set_aside_after_rollup(&world), BTreeSet::from(["campaign:1".to_owned()]));
    }
}

#[test]
fn what_a_newer_guanxi_wrote_is_not_damaged_and_stops_the_run() {
    for key in head::KEYS.into_iter().chain(["plan:h492307:0"]) {
        let world = morning();
        let key = match key.starts_with("plan:h4") {
            true => world.disk.values().into_keys().find(|key| key.starts_with("plan:h4")).unwrap(),
            false => key.to_owned(),
        };
        world.disk.put(&key, &[9, 1, 2]);
        world.clock.pass_until((MIDNIGHT + 10 * HOUR + 59 * 60) * 1_000);
        let report = world.run(0).unwrap().unwrap();
        assert!(matches!(&report.end, End::Failed(why) if why.contains(&key) && why.contains("newer")), "{report:?}");
        assert_eq!(world.disk.peek(&key).unwrap(), [9, 1, 2]);
        assert!(
            world.ledgers().values().flat_map(|ledger| ledger.entries()).any(|entry| entry.state == State::Planned)
        );
    }
}
