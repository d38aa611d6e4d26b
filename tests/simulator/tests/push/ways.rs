//! A list of ways: the first that can reach the fan, and the next where WeChat says that it cannot.

use crate::{
    brand::*,
    world::{Plan, World, openid},
};
use guanxi::fold::fan::{self, Fan};
use guanxi::store::key::Stored as _;
use guanxi_simulator::{api::Api, scenario::Act};
use std::collections::BTreeMap;

const FANS: usize = 40;

/// By which way each fan saw the reminder.
fn seen(world: &World) -> BTreeMap<String, Api> {
    let account = world.wire.account.borrow();
    account.books().sightings.iter().map(|copy| (copy.openid.to_string(), copy.api)).collect()
}

/// By which way each fan is to see it, by what the fan did: allowed a notice, wrote.
fn expected(way: impl Fn(bool, bool) -> Api) -> BTreeMap<String, Api> {
    let of = |number: usize| way(number.is_multiple_of(2), (number / 2).is_multiple_of(2));
    (0..FANS).map(|number| (openid(number).to_string(), of(number))).collect()
}

fn calls(world: &World) -> [u64; 3] {
    let account = world.wire.account.borrow();
    [Api::Notice, Api::Message, Api::Template].map(|api| account.books().calls.get(&api).copied().unwrap_or_default())
}

fn world() -> World {
    World::with_reminders(Plan::new(11), FANS, &[ANY])
}

#[test]
fn each_fan_is_reached_by_the_first_way_that_can() {
    let world = world();
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.sent, report.refused), (FANS as u64, 0));
    let ways = expected(|allowed, wrote| match (allowed, wrote) {
        (true, _) => Api::Notice,
        (false, true) => Api::Message,
        (false, false) => Api::Template,
    });
    assert_eq!(seen(&world), ways);
    assert_eq!(calls(&world), [20, 10, 10], "each counts for the quota of its own call");
    world.run_until_quiet(3);
    world.judge(FANS);
}

#[test]
fn a_way_that_wechat_calls_closed_gives_way_to_the_next_in_the_same_run() {
    for (closed, code, ways) in [
        (Api::Notice, 43_101, expected(|_, wrote| if wrote { Api::Message } else { Api::Template })),
        // The notice's template is broken for everybody.
        (Api::Notice, 40_037, expected(|_, wrote| if wrote { Api::Message } else { Api::Template })),
        (Api::Message, 45_015, expected(|allowed, _| if allowed { Api::Notice } else { Api::Template })),
        (Api::Message, 45_047, expected(|allowed, _| if allowed { Api::Notice } else { Api::Template })),
    ] {
        let world = world();
        let refused = format!(r#"{{"errcode":{code},"errmsg":"no"}}"#);
        world.wire.answer_instead(move |request| (request.path == closed.path()).then(|| (200, refused.clone())));
        let report = world.run(0).unwrap().unwrap();
        assert_eq!((report.sent, report.refused), (FANS as u64, 0), "{closed:?} {code}");
        assert_eq!(seen(&world), ways, "{closed:?} {code}");
        world.run_until_quiet(3);
        world.judge(FANS);
    }
}

#[test]
fn the_last_way_that_is_closed_refuses_the_push() {
    let world = world();
    world.wire.answer_instead(|request| {
        let code = match Api::at(request.path) {
            Some(Api::Notice) => 43_101,
            Some(Api::Message) => 45_015,
            Some(Api::Template) => 43_004,
            _ => return None,
        };
        Some((200, format!(r#"{{"errcode":{code},"errmsg":"no"}}"#)))
    });
    let report = world.run(0).unwrap().unwrap();
    assert_eq!((report.sent, report.refused), (0, FANS as u64));
    let wrote = FANS / 2;
    let asked = world.wire.sends.borrow().values().sum::<u64>();
    assert_eq!(asked as usize, FANS / 2 + wrote + FANS, "each way once, those that cannot reach not at all");
    world.run_until_quiet(3);
    assert_eq!(world.judge(FANS).refused, FANS);
}

#[test]
fn a_consent_that_wechat_does_not_know_of_is_none_from_then_on() {
    for (product, template, skipped) in [(NOTICE, NOTICE, 4), (ANY, ANY_NOTICE, 0)] {
        let mut world = World::with_reminders(Plan::new(12), 4, &[product]);
        world.wire.answer_instead(|request| {
            (request.path == Api::Notice.path()).then(|| (200, r#"{"errcode":43101,"errmsg":"no"}"#.into()))
        });
        let consents = |world: &World| {
            let stock = |number| {
                let fan = Fan::decode(&world.disk.peek(&fan::key(&openid(number))).unwrap()).unwrap();
                fan.state(world.pushes.limits.utc_offset).notices.get(template).copied()
            };
            (0..4).filter_map(stock).sum::<u32>()
        };
        let notices = |world: &World| world.wire.left.borrow().iter().filter(|(_, api, _)| *api == Api::Notice).count();
        let allowed = consents(&world);
        assert!(allowed > 0);
        world.run(0).unwrap().unwrap();
        assert_eq!(notices(&world), allowed as usize);
        (0..4).for_each(|number| world.take_news(number));
        assert_eq!(consents(&world), 0);
        // So the next reminder does not try.
        for number in 0..4 {
            world.buy(number, product, world.now() - 24 * DAY);
            world.due(number, product);
        }
        world.clock.pass_until((MIDNIGHT + 11 * HOUR + 59 * 60) * 1_000);
        let report = world.run(0).unwrap().unwrap();
        assert_eq!((notices(&world), report.sent), (allowed as usize, 4 - skipped), "{report:?}");
        assert_eq!(report.skipped.get("no_window").copied().unwrap_or_default(), skipped, "{report:?}");
        // Until the fan allows one again.
        let accept = Act::Popup { template_id: template.into(), accept: true };
        world.act(0, world.now(), accept);
        assert_eq!(consents(&world), 1);
    }
}
