//! What WeChat refuses, and what the job makes of it.

use crate::{
    brand::*,
    world::{Plan, World, openid},
};
use guanxi::{facts::push::Skip, push::IN_FLIGHT};
use guanxi_simulator::api::{Api, End, Fault, Kind, Latency, Logged, Moment, Quota, Trouble};
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

fn plan() -> Plan {
    let mut plan = Plan::new(3);
    plan.rules.latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
    plan
}

fn calls(world: &World, api: Api) -> u64 {
    world.wire.account.borrow().books().calls.get(&api).copied().unwrap_or_default()
}

fn answers(world: &World, code: i64) -> u64 {
    world.wire.account.borrow().books().code(code)
}

fn log(world: &World) -> Vec<Logged> {
    world.wire.account.borrow().books().log.clone().unwrap()
}

/// A run at every full hour until then, in hours from midnight.
fn run_hourly(world: &World, until: u64) {
    while world.now() < MIDNIGHT + until * HOUR {
        world.run(0);
        world.wait(59);
    }
}

#[test]
fn a_day_that_is_used_up_stops_the_account_until_the_next_one() {
    let mut plan = plan();
    plan.rules.quotas.insert(Api::Template, Quota::per_day(70));
    let world = World::with_reminders(plan, 100, &[CAT]);
    world.hide_quota();
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.sent, report.halted.as_deref()), (70, Some("the day's quota is used up")));
    let made = calls(&world, Api::Template);
    assert!(made <= 100, "{made}");
    run_hourly(&world, 24);
    assert_eq!(calls(&world, Api::Template), made, "a call on a day that is used up");
    run_hourly(&world, 26);
    assert_eq!(world.judge(100).delivered, 100);
}

#[test]
fn what_the_quota_does_not_last_for_within_a_day_is_skipped() {
    let mut plan = plan();
    plan.rules.quotas.insert(Api::Template, Quota::per_day(30));
    let world = World::with_reminders(plan, 100, &[CAT]);
    run_hourly(&world, 36);
    let ends = world.judge(100);
    assert_eq!((ends.delivered, ends.skipped[&Skip::OverQuota]), (60, 40), "{ends:?}");
    assert_eq!(answers(&world, 45_009), 0, "the quota query said so");
}

#[test]
fn a_minute_that_is_used_up_slows_the_account_down() {
    let mut plan = plan();
    plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(200) });
    let world = World::with_reminders(plan, 1_500, &[CAT]);
    world.hide_quota();
    let runs = world.run_until_quiet(60);
    assert_eq!(world.judge(1_500).delivered, 1_500);
    let refused = answers(&world, 45_011);
    assert!((1..=2 * IN_FLIGHT as u64).contains(&refused), "{refused} refusals");
    let sends = world.wire.sends_by_minute();
    assert!(sends[1..].iter().all(|later| *later < sends[0]), "{sends:?}");
    assert!(runs.len() <= 14, "{sends:?}");
}

#[test]
fn a_busy_wechat_is_asked_again_after_growing_pauses_and_in_the_end_all_goes_out_once() {
    let mut plan = plan();
    let busy = Trouble::always(1.0, Fault::Busy(Moment::Before));
    let ends = (MIDNIGHT + plan.from + 150) * 1_000;
    plan.rules.troubles = vec![Trouble { until: ends, api: Some(Api::Template), ..busy }];
    let world = World::with_reminders(plan, 200, &[CAT]);
    world.wire.account.borrow_mut().keep_log();
    let first = world.run(0).unwrap().unwrap();
    assert!(first.halted.is_some() && first.sent == 0, "{first:?}");
    let mut tries: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for logged in log(&world).into_iter().filter(|logged| logged.path == Api::Template.path()) {
        tries.entry(logged.body).or_default().push(logged.at);
    }
    for times in tries.values().filter(|times| times.len() > 1) {
        let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.is_sorted() && pauses[0] >= 1_000 && times.len() <= 4, "{pauses:?}");
    }
    assert!(tries.len() <= IN_FLIGHT, "{} pushes were tried", tries.len());
    world.wait(0);
    world.run_until_quiet(15);
    assert_eq!(world.judge(200).delivered, 200);
}

#[test]
fn a_token_that_dies_with_64_calls_in_flight_is_fetched_once_more() {
    for code in [40_001, 40_014, 42_001] {
        let mut plan = plan();
        plan.rules.latency = Latency::Fixed(50);
        let world = World::with_reminders(plan, 600, &[CAT]);
        world.wire.account.borrow_mut().keep_log();
        let (clock, dies) = (world.clock.clone(), world.clock.now() + 400);
        let (old, refused) = (OnceCell::new(), Rc::new(Cell::new(0)));
        let count = refused.clone();
        world.wire.answer_instead(move |request| {
            if !matches!(Api::at(request.path), Some(Api::Template)) {
                return None;
            }
            let old = old.get_or_init(|| request.query.to_owned());
            (clock.now() >= dies && request.query == old).then(|| {
                count.set(count.get() + 1);
                (200, format!(r#"{{"errcode":{code}}}"#))
            })
        });
        // From then on WeChat gives another.
        world.wire.account.borrow_mut().rules.token_kills = vec![dies];
        world.run_until_quiet(5);
        assert_eq!(world.judge(600).delivered, 600, "{code}");
        assert!((32..=IN_FLIGHT).contains(&refused.get()), "{} refused", refused.get());
        assert_eq!(calls(&world, Api::StableToken), 2, "{code}");
        assert!(log(&world).iter().all(|logged| !logged.body.contains(r#""force_refresh":true"#)), "{code}");
        assert_eq!(world.head().account.alarms, [], "{code}");
    }
}

#[test]
fn a_dead_token_that_is_given_out_all_the_same_is_forced_once() {
    let world = World::with_reminders(plan(), 300, &[CAT]);
    world.wire.account.borrow_mut().keep_log();
    let dead = "d".repeat(512);
    world.wire.answer_instead(move |request| {
        let forced = std::str::from_utf8(request.body).unwrap().contains(r#""force_refresh":true"#);
        let given = format!(r#"{{"access_token":"{dead}","expires_in":7000}}"#);
        (request.path == Api::StableToken.path() && !forced).then_some((200, given))
    });
    world.run_until_quiet(5);
    assert_eq!(world.judge(300).delivered, 300);
    let forced = log(&world).iter().filter(|logged| logged.path == Api::StableToken.path()).count();
    assert_eq!(forced, 1);
}

#[test]
fn a_stable_token_that_does_not_come_delays_everything_and_loses_nothing() {
    let mut plan = plan();
    let lost = Trouble::always(1.0, Fault::Reset(Moment::Before));
    let until = (MIDNIGHT + plan.from + 90) * 1_000;
    plan.rules.troubles = vec![Trouble { until, api: Some(Api::StableToken), ..lost }];
    let world = World::with_reminders(plan, 150, &[CAT, NOTICE]);
    let run = world.run(0).unwrap().unwrap();
    assert!(run.milliseconds < 45_000, "{run:?}");
    world.wait(0);
    world.run_until_quiet(10);
    let ends = world.judge(150);
    assert_eq!((ends.delivered, ends.unknown), (150, 0));
}

#[test]
fn a_token_that_is_silent_does_not_hold_a_run_beyond_its_time() {
    let world = World::with_reminders(plan(), 150, &[CAT, NOTICE]);
    world.wire.silent.set(true);
    let began = world.clock.now();
    let run = world.run(0).unwrap();
    let took = world.clock.now() - began;
    assert!(took <= 60_000, "{took} ms {run:?}");
    world.wire.silent.set(false);
    world.wait(0);
    world.run_until_quiet(10);
    let ends = world.judge(150);
    assert_eq!((ends.delivered, ends.unknown), (150, 0));
}

#[test]
fn a_broken_template_is_stopped_with_one_alarm_and_the_others_go_on() {
    for code in [40_037, 47_003] {
        let mut plan = plan();
        match code {
            40_037 => drop(plan.rules.templates.remove(DOG)),
            _ => plan.rules.template(DOG, Kind::Template, &["thing1", "time2"]),
        }
        let mut world = World::with_reminders(plan, 400, &[CAT, DOG]);
        world.run_until_quiet(5);
        let ends = world.judge(400);
        assert_eq!((ends.delivered, ends.unknown), (200, 0), "{code} {ends:?}");
        let refused = ends.refused as u64;
        assert!((1..=IN_FLIGHT as u64).contains(&refused) && answers(&world, code) == refused, "{code} {ends:?}");
        assert_eq!(ends.skipped[&Skip::InvalidTemplate] as u64, 200 - refused, "{code}");
        let alarms: Vec<String> = world.head().account.alarms.into_iter().map(|alarm| alarm.about).collect();
        assert_eq!(alarms, ["template dog"], "{code}");
        for number in 400..420 {
            world.customer(number, DOG);
            world.due(number, DOG);
        }
        world.run_until_quiet(60);
        assert_eq!(answers(&world, code), refused, "{code}: sent again");
    }
}

#[test]
fn an_alarm_rests_the_account_and_loses_nothing() {
    for code in [48_004, 40_164, 50_002, 40_125, 99_999] {
        let world = World::with_reminders(plan(), 150, &[CAT, NOTICE]);
        let (clock, until) = (world.clock.clone(), world.clock.now() + 60_000);
        world.wire.answer_instead(move |request| {
            let sends = matches!(Api::at(request.path), Some(Api::Template | Api::Notice));
            (sends && clock.now() < until).then(|| (200, format!(r#"{{"errcode":{code},"errmsg":"no"}}"#)))
        });
        world.run(0);
        let made = world.wire.calls();
        assert!(made <= 10 + IN_FLIGHT as u64, "{code}: {made} calls");
        world.wait(3);
        world.run(0);
        assert_eq!(world.wire.calls(), made, "{code}: the account does not rest");
        world.wait(8);
        world.run_until_quiet(75);
        assert_eq!(world.judge(150).delivered, 150, "{code}");
        let alarms: Vec<String> = world.head().account.alarms.into_iter().map(|alarm| alarm.about).collect();
        assert_eq!(alarms, [format!("errcode {code}")]);
    }
}

#[test]
fn a_refusal_after_a_lost_answer_says_nothing_of_the_first_try() {
    let mut plan = plan();
    plan.rules.troubles = vec![Trouble::always(1.0, Fault::Reset(Moment::After))];
    plan.rules.troubles[0].api = Some(Api::Template);
    plan.rules.outcomes.lost = 1.0;
    let world = World::with_reminders(plan, 50, &[CAT]);
    let tried = RefCell::new(BTreeSet::new());
    world.wire.answer_instead(move |request| {
        let again = request.path == Api::Template.path() && !tried.borrow_mut().insert(request.body.to_vec());
        again.then(|| (200, r#"{"errcode":43004}"#.into()))
    });
    world.run_until_quiet(3);
    assert_eq!(world.judge(50).unknown, 50);
}

#[test]
fn an_answer_to_a_notice_that_is_lost_leaves_it_unknown_at_once_and_it_is_never_repeated() {
    for fault in [Fault::Reset(Moment::After), Fault::Reset(Moment::Before), Fault::Status(502, Moment::After)] {
        let mut plan = plan();
        plan.rules.troubles = vec![Trouble::always(0.5, fault)];
        plan.rules.outcomes.lost = 1.0;
        let world = World::with_reminders(plan, 100, &[NOTICE, MESSAGE]);
        world.wire.account.borrow_mut().keep_log();
        world.run_until_quiet(8);
        let ends = world.judge(100);
        let sends = |logged: &Logged| matches!(Api::at(&logged.path), Some(Api::Notice | Api::Message));
        let log = log(&world);
        let bodies: Vec<&Logged> = log.iter().filter(|logged| sends(logged)).collect();
        let lost = bodies.iter().filter(|l| !matches!(l.end, End::Answer { status: 200, .. })).count();
        assert_eq!((bodies.len(), ends.unknown), (100, lost), "{fault:?} {ends:?}");
        assert!(lost > 20);
    }
}

/// WeChat is busy for these fans' sends, as long as the world is told so.
fn busy_for(world: &World, fans: &[usize]) -> Rc<Cell<bool>> {
    let busy = Rc::new(Cell::new(true));
    let (is_busy, fans) = (busy.clone(), fans.iter().map(|fan| format!(r#""{}""#, openid(*fan))).collect::<Vec<_>>());
    world.wire.answer_instead(move |request| {
        let body = std::str::from_utf8(request.body).unwrap();
        let hit = request.path == Api::Template.path() && fans.iter().any(|fan| body.contains(fan));
        (hit && is_busy.get()).then(|| (200, r#"{"errcode":-1,"errmsg":"system error"}"#.into()))
    });
    busy
}

#[test]
fn one_push_that_fails_as_often_as_it_is_tried_holds_nobody_up() {
    let world = World::with_reminders(plan(), 600, &[CAT]);
    let hopeless = [0, 1, 77, 300, 301, 302, 599];
    let busy = busy_for(&world, &hopeless);
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.sent, report.halted), (600 - hopeless.len() as u64, None));
    let tries = |number: usize| {
        let to = openid(number).to_string();
        world.wire.left.borrow().iter().filter(|(_, _, touser)| *touser == to).count()
    };
    assert!(hopeless.iter().all(|number| tries(*number) == 4), "each is tried four times");
    busy.set(false);
    world.wait(0);
    world.run_until_quiet(5);
    assert_eq!(world.judge(600).delivered, 600);
}

#[test]
fn where_everything_fails_wechat_is_not_hammered() {
    for fault in [Fault::Busy(Moment::Before), Fault::Status(503, Moment::Before), Fault::Reset(Moment::Before)] {
        let mut plan = plan();
        plan.rules.troubles = vec![Trouble { api: Some(Api::Template), ..Trouble::always(1.0, fault) }];
        let world = World::with_reminders(plan, 2_000, &[CAT]);
        for _ in 0..5 {
            let made = world.wire.left.borrow().len();
            let report = world.run(0).unwrap().unwrap();
            let made = world.wire.left.borrow().len() - made;
            assert!(made <= 4 * IN_FLIGHT && report.halted.is_some(), "{fault:?}: {made} calls, {report:?}");
            world.wait(0);
        }
    }
}
