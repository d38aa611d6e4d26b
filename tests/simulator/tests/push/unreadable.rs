//! A record that cannot be read is told as what it is, and only its fan goes without.

use crate::{
    brand::*,
    world::{Plan, World, openid},
};
use guanxi::{conversation, facts::push::Skip, fold::fan, push::ledger, wechat::OpenId};

const FANS: usize = 40;

fn broken(world: &World, keys: &[String]) {
    for (key, bytes) in keys.iter().zip([&[99, 1, 2][..], b"", &[1, 255, 255, 255]].iter().cycle()) {
        world.disk.put(key, bytes);
    }
}

fn alarms(world: &World) -> Vec<(String, u64)> {
    world.head().account.alarms.into_iter().map(|alarm| (alarm.about, alarm.times)).collect()
}

#[test]
fn a_fan_of_whom_something_cannot_be_read_gets_nothing_and_the_report_says_why() {
    let fans = |openid: &OpenId| String::from(fan::key(openid));
    let conversations = |openid: &OpenId| String::from(conversation::key(openid));
    for key in [&fans as &dyn Fn(&OpenId) -> String, &conversations] {
        // Before it is planned, and after.
        for planned in [false, true] {
            let world = World::with_reminders(Plan { from: 9 * HOUR, ..Plan::new(21) }, FANS, &[CAT]);
            if planned {
                world.run(0).unwrap().unwrap();
            }
            broken(&world, &[3, 17, 30].map(|number| key(&openid(number))));
            world.run(0);
            world.clock.pass_until((MIDNIGHT + 10 * HOUR + 59 * 60) * 1_000);
            world.run_until_quiet(5);
            let ends = world.judge(FANS);
            assert_eq!((ends.delivered, ends.skipped[&Skip::Unreadable]), (FANS - 3, 3), "{ends:?}");
            assert_eq!(alarms(&world), [("unreadable records".to_owned(), 3)]);
            let says = &world.head().account.alarms[0].says;
            assert!(says.contains(&key(&openid(30))) && says.contains("damaged"), "{says}");
        }
    }
}

#[test]
fn a_fan_whose_ledger_cannot_be_read_gets_nothing_and_it_is_never_overwritten() {
    for planned in [false, true] {
        let world = World::with_reminders(Plan { from: 9 * HOUR, ..Plan::new(22) }, FANS, &[CAT]);
        if planned {
            world.run(0).unwrap().unwrap();
        }
        let key: String = ledger::key(&openid(17)).into();
        broken(&world, std::slice::from_ref(&key));
        world.run(0);
        world.clock.pass_until((MIDNIGHT + 10 * HOUR + 59 * 60) * 1_000);
        world.run_until_quiet(5);
        assert_eq!(world.disk.peek(&key).unwrap(), [99, 1, 2]);
        assert_eq!(world.wire.left.borrow().len(), FANS - 1);
        assert!(world.wire.left.borrow().iter().all(|(_, _, to)| *to != openid(17).to_string()));
        let alarms = world.head().account.alarms;
        assert!(alarms.len() == 1 && alarms[0].says.contains(&key), "{alarms:?}");
    }
}
