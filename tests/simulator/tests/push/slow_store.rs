//! A store that takes its time, as one across a network does: while one part of a run waits for it, the others go on.

use crate::{
    brand::*,
    disk::Fate,
    world::{Plan, World},
};
use guanxi::push::End;
use guanxi_simulator::api::Latency;

/// Four pages and a half: the next one is taken while calls of the ones before it are on their way.
const FANS: usize = 4 * 64 + 32;

/// A campaign that is sent for longer than what was looked at stays fresh.
fn world(disk: u64) -> World {
    let mut plan = Plan { disk, ..Plan::new(11) };
    plan.rules.latency = Latency::LogNormal { median: 600.0, p99: 1_500.0 };
    let mut world = World::new(plan);
    for number in 0..FANS {
        world.customer(number, CAT);
        world.list(number);
    }
    world.pushes.campaigns.insert("party".into(), campaign(world.now(), "party"));
    world
}

#[test]
fn wherever_a_run_dies_while_a_page_is_taken_up_none_of_the_page_is_lost() {
    let calm = world(400);
    let from = calm.disk.operations();
    calm.run(0).unwrap().unwrap();
    let fates = calm.disk.fates(from).into_iter().filter(|(_, fate)| *fate == Fate::DiesAfter);
    let deaths: Vec<u64> = fates.map(|(number, _)| number).collect();
    assert!(deaths.len() > 40, "{}", deaths.len());
    for number in deaths {
        let world = world(400);
        world.disk.planned.set(Some((number, Fate::DiesAfter)));
        assert!(world.run(0).is_none(), "it dies at operation {number}");
        world.wait(4);
        world.run_until_quiet(20);
        let ends = world.judge(FANS);
        assert_eq!((ends.total(), ends.open), (FANS, 0), "died after operation {number}: {ends:?}");
    }
}

/// What finds the damage tells it, while results wait to be written: each has its turn, or nothing goes on any more.
#[test]
fn a_page_that_is_damaged_holds_nobody_up() {
    let mut found = 0;
    for (page, after) in (1..=4).flat_map(|page| [300, 600, 900, 1_300, 1_800, 2_400].map(|after| (page, after))) {
        let world = world(20);
        let key = format!("plan:c:party:{page}");
        world.disk.others.write_at(world.clock.now() + after, key.clone(), b"\x01?".to_vec());
        let report = world.run(0).unwrap().unwrap();
        assert_eq!(report.end, End::Done, "page {page} after {after} ms: {report:?}");
        found += usize::from(report.set_aside == [key]);
    }
    assert!(found >= 6, "is this blind? {found}");
}
