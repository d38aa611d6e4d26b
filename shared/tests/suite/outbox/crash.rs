//! Runs that die at every store operation and at every post.

use super::world::{Mood, World, asks, request};
use guanxi::{
    facts::request::Kind,
    store::memory::{Fate, Verb},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Two fans, five requests: the first fails once, one is gone for good until somebody sends it again.
fn world() -> World {
    let entries = [asks("o1", 0), asks("o2", 1), asks("o1", 2), asks("o2", 3), asks("o1", 4)];
    let (first, gone) = (request("o1", 0, Kind::Order).number, request("o2", 3, Kind::Order).number);
    World::new(entries, move |id, nth| match nth {
        1 if id == first => Mood::Says(500),
        1 if id == gone => Mood::Says(410),
        _ => Mood::Takes(20),
    })
}

/// What happens, whatever happens on the way: one that was given up is sent again when a run that died is long over.
fn live(world: &World) {
    world.live(0..9);
    // Where a run died that was told so, and before it had noted it, the next try is taken.
    if !world.head().dead.is_empty() {
        world.wish("all").unwrap();
    }
    world.live(9..20);
}

fn check(world: &World, what: &str) {
    for fan in ["o1", "o2"] {
        // The one that was given up comes behind those of other fans, and it was its fan's last.
        assert_eq!(world.took(fan), world.listed(fan), "{what}");
    }
    let head = world.head();
    assert!(head.waiting.is_empty() && head.dead.is_empty(), "{what}: {head:?}");
    assert_eq!((head.next, world.delivered()), (5, 5), "{what}");
    assert!(!world.store.values().contains_key("outbox:wish"), "{what}");
}

/// The verb and key of each operation of the outbox's.
fn operations() -> Vec<(Verb, String)> {
    let world = world();
    let log = Rc::new(RefCell::new(Vec::new()));
    let judge = Rc::clone(&log);
    world.judge(move |operation| {
        judge.borrow_mut().push((operation.verb, operation.key.to_owned()));
        (Fate::Works, false)
    });
    live(&world);
    check(&world, "undisturbed");
    assert_eq!(world.receiver.took.borrow().len(), 5, "each once where nothing goes wrong");
    log.take()
}

#[test]
fn a_run_that_dies_at_any_operation_loses_nothing_and_keeps_the_order() {
    let operations = operations();
    assert!(operations.len() > 100 && operations.iter().any(|(_, key)| key == "outbox:wish"), "{operations:?}");
    for (target, (verb, key)) in operations.iter().enumerate() {
        let fates: &[_] = match verb {
            Verb::Get => &[(Fate::StopsBefore, true), (Fate::Fails, false)],
            _ => {
                &[(Fate::StopsBefore, true), (Fate::StopsAfter, true), (Fate::Fails, false), (Fate::LosesAnswer, false)]
            }
        };
        for &(fate, kills) in fates {
            let (world, counted) = (world(), Cell::new(0));
            world.judge(move |_| match counted.replace(counted.get() + 1) == target {
                true => (fate, kills),
                false => (Fate::Works, false),
            });
            live(&world);
            check(&world, &format!("{fate:?} at operation {target}, {verb:?} {key}"));
        }
    }
}

#[test]
fn a_run_that_dies_at_any_post_loses_nothing_and_keeps_the_order() {
    for target in 0..6 {
        let world = world();
        let (first, gone) = (request("o1", 0, Kind::Order).number, request("o2", 3, Kind::Order).number);
        let posts = Cell::new(0);
        world.moods(move |id, nth| match (posts.replace(posts.get() + 1) == target, nth) {
            (true, _) => Mood::Kills,
            (_, 1) if id == first => Mood::Says(500),
            (_, 1) if id == gone => Mood::Says(410),
            _ => Mood::Takes(20),
        });
        live(&world);
        check(&world, &format!("killed at post {target}"));
    }
}
