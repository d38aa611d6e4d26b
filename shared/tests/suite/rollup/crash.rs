//! Runs that die, freeze, meet each other or lose answers, at every single store operation.

use super::{
    tally::Tally,
    world::{CALM, END, Morning, START, Still, World, append, at, leaves, order, reminding},
};
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::{
        Entry, Orders,
        push::{Due, Outcome},
    },
    fold::{
        fan::Fan,
        rollup::{Folding, rollup},
    },
    journal::{Journal, SEQUENCE, reader::CURSORS},
    store::{
        lease::Refused,
        list::Page,
        memory::{Fate, Memory, Operation, Verb},
    },
    wechat::OpenId,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

pub(crate) type Knowledge = BTreeMap<String, Vec<u8>>;

/// What is known in the end when nothing goes wrong, and the verb and key of every operation of the runs until then.
fn undisturbed<F: Folding + 'static>(morning: impl Into<Morning>, folding: F) -> (Knowledge, Vec<(Verb, String)>) {
    let world = World::new(morning, folding);
    let log = Rc::new(RefCell::new(Vec::new()));
    let (seen, judge) = (Rc::clone(&world), Rc::clone(&log));
    world.store.judge_by(move |operation| {
        if seen.running.get() {
            judge.borrow_mut().push((operation.verb, operation.key.to_owned()));
        }
        Fate::Works
    });
    world.live_until(CALM);
    let calm = log.borrow().len();
    let knowledge = world.knowledge();
    world.live_until(END);
    assert_eq!(world.knowledge(), knowledge, "every stream was closed by then");
    assert!(knowledge.keys().all(|key| !key.starts_with("redo:")), "no redo record stays");
    assert!(knowledge.len() > 5 && CURSORS.iter().all(|key| knowledge.contains_key(*key)), "{:?}", knowledge.keys());
    world.store.judge_by(|_| Fate::Works);
    let mut log = log.take();
    log.truncate(calm);
    (knowledge, log)
}

/// The same life with something done at the `target`-th operation of its runs.
fn disturbed<F: Folding + 'static>(
    morning: impl Into<Morning>,
    folding: F,
    target: usize,
    mut disturb: impl FnMut(&World<F>, Operation<'_>) -> Fate + 'static,
) -> Knowledge {
    let world = World::new(morning, folding);
    let (weak, counted) = (Rc::downgrade(&world), Cell::new(0));
    world.store.judge_by(move |operation| {
        let world = weak.upgrade().unwrap();
        if !world.running.get() || counted.replace(counted.get() + 1) != target {
            return Fate::Works;
        }
        disturb(&world, operation)
    });
    world.live_until(END);
    world.knowledge()
}

fn exact(knowledge: Knowledge) -> Knowledge {
    knowledge
}

/// What does not depend on the order of arrival: of lists, which items there are and not where.
pub(crate) fn unlisted(mut knowledge: Knowledge) -> Knowledge {
    let mut items = BTreeMap::<String, Vec<String>>::new();
    for (key, bytes) in &knowledge {
        let Some((list, _)) = key.rsplit_once(':').filter(|(_, page)| page.parse::<u64>().is_ok()) else { continue };
        match list.split(':').next() {
            Some("due") => live::<Due>(bytes, items.entry(list.into()).or_default()),
            Some("outcome") => live::<Outcome>(bytes, items.entry(list.into()).or_default()),
            Some("fan") if list == "fan:list" => live::<OpenId>(bytes, items.entry(list.into()).or_default()),
            _ => {}
        }
    }
    for key in knowledge.keys().cloned().collect::<Vec<_>>() {
        let is_list = ["due:", "outcome:", "fan:list:", "cursor:outcome"].iter().any(|list| key.starts_with(list));
        if is_list {
            knowledge.remove(&key);
        } else if key.starts_with("fan:fan-") {
            let fan = Fan::decode(&knowledge[&key]).unwrap().unlisted();
            knowledge.insert(key, format!("{fan:?}").into_bytes());
        }
    }
    items.retain(|_, items| !items.is_empty());
    knowledge.extend(items.into_iter().map(|(list, mut items)| {
        items.sort();
        (list, items.concat().into_bytes())
    }));
    knowledge
}

fn live<T: Serialize + DeserializeOwned + std::fmt::Debug>(page: &[u8], items: &mut Vec<String>) {
    items.extend(Page::<T>::decode(page).unwrap().0.into_iter().flatten().map(|item| format!("{item:?}")));
}

fn a_crash_anywhere_changes_nothing<F: Folding + 'static>(
    morning: impl Into<Morning> + Copy,
    folding: impl Fn() -> F,
    view: fn(Knowledge) -> Knowledge,
) {
    let (expected, operations) = undisturbed(morning, folding());
    let expected = view(expected);
    for (target, (verb, key)) in operations.iter().enumerate() {
        let fates = match verb {
            // A read leaves nothing behind, so before and after are one.
            Verb::Get => &[Fate::StopsAfter, Fate::Fails][..],
            Verb::SetMany | Verb::DeleteMany => {
                &[Fate::StopsBefore, Fate::StopsHalfway, Fate::StopsAfter, Fate::Fails, Fate::LosesAnswer]
            }
            _ => &[Fate::StopsBefore, Fate::StopsAfter, Fate::Fails, Fate::LosesAnswer],
        };
        for &fate in fates {
            let got = disturbed(morning, folding(), target, move |_, _| fate);
            assert_eq!(view(got), expected, "{fate:?} at operation {target}, {verb:?} {key}");
        }
    }
}

#[test]
fn a_run_dropped_before_or_after_any_operation_changes_nothing() {
    for (seed, chunk) in [(1, 5), (2, 1_000)] {
        a_crash_anywhere_changes_nothing(seed, || Tally(chunk), exact);
    }
}

#[test]
fn runs_that_die_one_after_the_other_change_nothing() {
    let (expected, operations) = undisturbed(1, Tally(5));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..500 {
        let world = World::new(1, Tally(5));
        let (weak, first) = (Rc::downgrade(&world), rng.random_range(0..operations.len()));
        let (second, third) = (first + rng.random_range(1..100), first + rng.random_range(100..200));
        let counted = Cell::new(0);
        world.store.judge_by(move |_| match weak.upgrade().unwrap().running.get() {
            true if [first, second, third].contains(&counted.replace(counted.get() + 1)) => Fate::StopsHalfway,
            _ => Fate::Works,
        });
        world.live_until(END + 9);
        assert_eq!(world.knowledge(), expected, "{first}, {second}, {third}");
    }
}

#[test]
fn every_lost_answer_to_an_instance_that_takes_a_number_is_harmless() {
    let (mut expected, _) = undisturbed(1, Tally(5));
    // One number more is taken, so the cursor differs by that.
    expected.retain(|key, _| !CURSORS.contains(&key.as_str()));
    let mut numbers = 0;
    for target in 0.. {
        let world = World::new(1, Tally(5));
        let (weak, counted, lost) = (Rc::downgrade(&world), Cell::new(0), Rc::new(Cell::new(false)));
        let says = Rc::clone(&lost);
        world.store.judge_by(move |operation| {
            let append = !weak.upgrade().unwrap().running.get() && operation.key == SEQUENCE;
            if append && counted.replace(counted.get() + 1) == target {
                says.set(true);
                return Fate::LosesAnswer;
            }
            Fate::Works
        });
        world.live_until(END);
        if !lost.get() {
            break;
        }
        numbers += 1;
        let mut got = world.knowledge();
        got.retain(|key, _| !CURSORS.contains(&key.as_str()));
        assert_eq!(got, expected, "number {target}");
    }
    assert!(numbers > 5, "{numbers}");
}

fn a_freeze_changes_nothing<F: Folding + 'static>(
    morning: impl Into<Morning> + Copy,
    folding: impl Fn() -> F,
    view: fn(Knowledge) -> Knowledge,
) {
    let (expected, operations) = undisturbed(morning, folding());
    let expected = view(expected);
    let looks = operations.iter().enumerate().filter(|(_, (verb, key))| *verb == Verb::Get && key == "run:rollup");
    let targets: Vec<usize> = looks.map(|(target, _)| target).collect();
    assert!(targets.len() > 50);
    for target in targets {
        let got = disturbed(morning, folding(), target, |world, _| {
            // Five minutes go by: appends, runs that find it at work, and one that takes over.
            world.live_until(world.minute() + 5);
            world.running.set(true);
            Fate::Works
        });
        assert_eq!(view(got), expected, "frozen at operation {target}");
    }
}

#[test]
fn a_run_frozen_before_a_look_at_its_record_until_its_successor_has_ended_changes_nothing() {
    for seed in [1, 2, 3] {
        a_freeze_changes_nothing(seed, || Tally(5), exact);
    }
}

#[test]
fn two_runs_that_claim_the_same_minute_are_one() {
    let (expected, operations) = undisturbed(1, Tally(5));
    for (target, (_, key)) in operations.iter().enumerate() {
        let key = key.clone();
        let got = disturbed(1, Tally(5), target, move |world, operation| {
            let claimed = operation.verb != Verb::Increment || operation.key == "seq:journal";
            let second = world.run(world.minute() - 1, 1_000);
            if claimed {
                assert_eq!(second, Some(Err(Refused::Claimed)), "at {key}");
            }
            Fate::Works
        });
        assert_eq!(got, expected, "at operation {target}");
    }
}

#[test]
fn a_run_of_the_next_minute_that_comes_too_early_changes_nothing() {
    let (expected, operations) = undisturbed(1, Tally(5));
    for target in 0..operations.len() {
        let got = disturbed(1, Tally(5), target, move |world, _| {
            world.run(world.minute(), 1_000).unwrap().ok();
            Fate::Works
        });
        assert_eq!(got, expected, "at operation {target}");
    }
}

#[test]
fn the_fold_of_the_product_survives_it_too() {
    let known = undisturbed(Morning::steady(1), reminding()).0;
    for prefix in ["due:", "fan:list:", "outcome:list:", "count:push:"] {
        assert!(known.keys().any(|key| key.starts_with(prefix)), "nothing of {prefix}");
    }
    a_crash_anywhere_changes_nothing(Morning::steady(1), reminding, exact);
    a_freeze_changes_nothing(Morning::steady(2), reminding, exact);
    // A run that comes late finds the entries of several instances in another order.
    a_crash_anywhere_changes_nothing(1, reminding, unlisted);
}

#[test]
fn fans_who_left_are_forgotten_by_and_by_wherever_a_run_dies() {
    let play = |target: Option<u64>| {
        let (store, instance) = (Memory::default(), Journal::default());
        for fan in 1..=3 {
            append(&store, &instance, START, &leaves(fan, START));
            append(
                &store,
                &instance,
                START,
                &Entry::Orders(Orders { at: START, orders: vec![order(fan, fan, START)] }),
            );
        }
        let run =
            |minute: u64| rollup(&store, &Still, &reminding(), at(minute), minute).now_or_never().and_then(Result::ok);
        for minute in 0..20 {
            run(minute).unwrap();
        }
        let known = store.values().keys().filter(|key| key.starts_with("fan:fan-")).count();
        assert_eq!(known, 3);
        // Every run works off a day, so it takes some to come to the day on which they are due.
        let later = 60 * 24 * 32;
        (0..28).for_each(|minute| drop(run(later + minute)));
        let from = store.operations() + target.unwrap_or(u64::MAX / 2);
        store.judge_by(move |operation| if operation.number == from { Fate::StopsHalfway } else { Fate::Works });
        (28..60).for_each(|minute| drop(run(later + minute)));
        let mut values = store.values();
        values.retain(|key, _| !key.starts_with("run:"));
        values
    };
    let expected = play(None);
    assert!(expected.keys().all(|key| !key.starts_with("fan:fan-")), "{:?}", expected.keys());
    let lists = expected.iter().filter(|(key, _)| key.starts_with("fan:list:") || key.starts_with("due:"));
    assert!(lists.clone().count() > 2, "{:?}", expected.keys());
    assert!(lists.clone().all(|(_, bytes)| !bytes.windows(4).any(|part| part == b"fan-")), "no openid stays behind");
    for target in 0..300 {
        assert_eq!(play(Some(target)), expected, "at operation {target}");
    }
}

#[test]
fn the_size_of_chunks_changes_nothing() {
    for seed in 0..20 {
        let (expected, _) = undisturbed(seed, Tally(1_000));
        for chunk in [1, 2, 3, 7, 20] {
            assert_eq!(undisturbed(seed, Tally(chunk)).0, expected, "chunks of {chunk}");
        }
    }
}

#[test]
fn rollup_writes_no_other_prefix_than_its_own() {
    let allowed = ["fan", "due", "count", "order", "outcome", "redo", "cursor", "run", "slot", "seq", "damaged"];
    let world = World::new(1, Tally(5));
    let weak = Rc::downgrade(&world);
    let written = Rc::new(RefCell::new(BTreeSet::new()));
    let log = Rc::clone(&written);
    world.store.judge_by(move |operation| {
        if weak.upgrade().unwrap().running.get() && operation.verb != Verb::Get {
            let keys = operation.rest.iter().chain([&operation.key]);
            log.borrow_mut().extend(keys.map(|key| key.split(':').next().unwrap().to_owned()));
        }
        Fate::Works
    });
    world.live_until(END);
    let written = written.take();
    assert!(written.iter().all(|prefix| allowed.contains(&prefix.as_str())), "{written:?}");
    assert!(written.contains("fan") && written.contains("redo"), "{written:?}");
}
