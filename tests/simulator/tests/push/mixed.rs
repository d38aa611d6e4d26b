//! One call in trouble does not hold up the others.

use crate::{
    brand::*,
    world::{Plan, World},
};
use guanxi::{facts::push::Skip, playbook::Content};
use guanxi_simulator::api::{Api, Fault, Latency, Moment, Quota, Trouble};

/// So many of each kind, mixed.
const EACH: usize = 120;

fn plan(seed: u64) -> Plan {
    let mut plan = Plan::new(seed);
    plan.rules.latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
    plan
}

fn mixed(plan: Plan) -> World {
    World::with_reminders(plan, 3 * EACH, &[CAT, NOTICE, MESSAGE])
}

/// How many sightings each call has brought.
fn seen(world: &World) -> [usize; 3] {
    let account = world.wire.account.borrow();
    let of = |api| account.books().sightings.iter().filter(|sighting| sighting.api == api).count();
    [of(Api::Template), of(Api::Notice), of(Api::Message)]
}

#[test]
fn a_call_whose_day_is_used_up_stops_alone() {
    for (index, api) in [Api::Template, Api::Notice, Api::Message].into_iter().enumerate() {
        for told in [true, false] {
            let mut plan = plan(11);
            plan.rules.quotas.insert(api, Quota::per_day(10));
            let world = mixed(plan);
            if !told {
                world.hide_quota();
            }
            world.run(0).unwrap().unwrap();
            let mut expected = [EACH; 3];
            expected[index] = 10;
            assert_eq!(seen(&world), expected, "{api:?}, told: {told}");
            // Nor do those behind it that come later.
            world.wait(0);
            let made = world.wire.left.borrow().iter().filter(|(_, by, _)| *by == api).count();
            let report = world.run(0).unwrap().unwrap();
            assert_eq!(report.halted.as_deref(), Some("the day's quota is used up"));
            assert_eq!(world.wire.left.borrow().iter().filter(|(_, by, _)| *by == api).count(), made);
        }
    }
}

#[test]
fn a_call_whose_minute_is_used_up_stops_alone() {
    for told in [true, false] {
        let mut plan = plan(12);
        plan.rules.quotas.insert(Api::Template, Quota { per_day: 1_000_000, per_minute: Some(20) });
        let world = mixed(plan);
        if !told {
            world.hide_quota();
        }
        world.run(0).unwrap().unwrap();
        let [templates, notices, messages] = seen(&world);
        assert!(templates <= 20 && notices == EACH && messages == EACH, "{templates} {notices} {messages}");
        world.run_until_quiet(60);
        assert_eq!(seen(&world), [EACH; 3]);
    }
}

#[test]
fn a_call_that_always_fails_stops_alone() {
    let mut plan = plan(13);
    plan.rules.troubles = vec![Trouble::always(1.0, Fault::Busy(Moment::Before))];
    plan.rules.troubles[0].api = Some(Api::Template);
    let world = mixed(plan);
    let report = world.run(0).unwrap().unwrap();
    let [templates, notices, messages] = seen(&world);
    assert_eq!((templates, notices, messages), (0, EACH, EACH), "{report:?}");
    assert!(report.halted.is_some());
}

#[test]
fn a_campaign_by_notice_is_not_behind_one_by_template_of_which_the_day_is_used_up() {
    let mut plan = plan(14);
    plan.from = 12 * HOUR;
    plan.rules.quotas.insert(Api::Template, Quota::per_day(10));
    let mut world = World::new(plan);
    for number in 0..300 {
        world.customer(number, NOTICE);
        world.list(number);
    }
    world.pushes.campaigns.insert("a".into(), campaign(world.now(), CAT));
    let mut notice = campaign(world.now(), NOTICE);
    let by_notice = |way: &Content| match way {
        Content::Template(form) => Content::Notice(form.clone()),
        other => other.clone(),
    };
    notice.ways = notice.ways.iter().map(by_notice).collect();
    world.pushes.campaigns.insert("b".into(), notice);
    world.run(0).unwrap().unwrap();
    assert_eq!(seen(&world), [10, 300, 0]);
    let listed = guanxi::push::requests::list(world.disk.aside());
    let listed = futures::FutureExt::now_or_never(listed).unwrap().unwrap();
    let queued: Vec<_> = listed.iter().map(|listed| (listed.id.as_str(), listed.queued)).collect();
    assert_eq!(queued, [("a", Some(300)), ("b", Some(300))]);
    assert_eq!(world.ends().skipped.get(&Skip::OverQuota), None);
}
