//! What dialogs leave: fields, tags, and counts of runs.

use super::brand::{Brand, START, answer, answers, erase, follow, placed, settings, text, unfollow};
use futures::FutureExt;
use guanxi::{
    facts::{
        Entry, Placed,
        dialog::{Left, Step, What},
    },
    fold::{
        counts::{Counted, DialogDay, OTHER, TICKS_A_DAY_MAX, Tick, dialogs_key},
        fan::{FIELDS_MAX, Fan},
        fold, forget,
    },
    store::{format::RecordError, key::Stored as _, record::FoldError},
    time::{Day, Timestamp, UtcOffset},
    wechat::Message,
};
use std::collections::{BTreeMap, BTreeSet};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DAY: u64 = 86_400;

fn tick(what: Counted) -> Tick {
    Tick { dialog: "profile".into(), what }
}

fn value(brand: &Brand, field: &str, at: u64) -> Option<String> {
    brand.state("o1").dialogs.value(field, Timestamp(START + at)).map(str::to_owned)
}

fn tags(brand: &Brand) -> BTreeSet<String> {
    Fan::decode(&brand.records["fan:o1"]).unwrap().tags
}

/// Lets all days up to one go by.
fn forget_until(brand: &mut Brand, at: u64) {
    loop {
        let writes = forget(&settings(), Timestamp(START + at), &brand.records).now_or_never().unwrap().unwrap();
        if writes.is_empty() {
            return;
        }
        let keys: BTreeSet<&String> = writes.iter().map(|write| &write.key).collect();
        assert_eq!(keys.len(), writes.len(), "each key once");
        for write in writes {
            match write.value {
                Some(value) => drop(brand.records.insert(write.key, value)),
                None => drop(brand.records.remove(&write.key)),
            }
        }
    }
}

/// Whether any record has these bytes.
fn stands_somewhere(brand: &Brand, word: &str) -> bool {
    brand.records.values().any(|bytes| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
}

/// The steps in the order in which they happened, each event once.
fn history(entries: &[Placed]) -> Vec<(&Message, Step)> {
    let (mut seen, mut history) = (BTreeSet::new(), Vec::new());
    for Placed { entry, .. } in entries {
        if let Entry::Received(received) = entry
            && seen.insert(received.message.identity())
        {
            let steps = Left::decode(&received.left).unwrap().steps;
            history.extend(steps.into_iter().map(|step| (&received.message, step)));
        }
    }
    let number = |message: &Message| message.msg_id.as_ref().and_then(|id| id.parse::<u64>().ok());
    history.sort_by_key(|(message, _)| (message.create_time, number(message)));
    history
}

/// The fields of a fan, the slow and simple way.
pub(super) fn fields(entries: &[Placed], fan: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for (message, step) in history(entries) {
        match step.what {
            _ if message.from_user_name.as_str() != fan => {}
            What::Forget => fields.clear(),
            What::Answered { saved: Some(saved), .. } => drop(fields.insert(saved.field, saved.value)),
            _ => {}
        }
    }
    fields
}

/// What is counted of dialogs, the slow and simple way: run after run, where the steps of a fan are cut wherever the run
/// changes or the fan wants to be forgotten.
pub(super) fn counts(entries: &[Placed]) -> BTreeMap<Tick, i64> {
    let mut runs: BTreeMap<String, Vec<(u64, Vec<What>)>> = BTreeMap::new();
    for (message, step) in history(entries) {
        let of_fan = runs.entry(message.from_user_name.to_string()).or_default();
        match step.what {
            What::Tagged(_) => {}
            What::Forget => of_fan.push((u64::MAX, Vec::new())),
            what => match of_fan.last_mut().filter(|(run, _)| *run == step.run) {
                Some((_, run)) => run.push(what),
                None => of_fan.push((step.run, vec![what])),
            },
        }
    }
    let mut counts = BTreeMap::new();
    let mut add = |what| *counts.entry(tick(what)).or_insert(0) += 1;
    for run in runs.into_values().flatten().map(|(_, run)| run) {
        if run.contains(&What::Begun) {
            add(Counted::Begun);
        }
        let ends = |what: &&What| matches!(what, What::Finished { .. } | What::Left { .. });
        let last = run.iter().rposition(|what| ends(&what));
        match last.map(|at| (&run[at], run[at..].iter().any(|what| matches!(what, What::Answered { .. })))) {
            Some((What::Finished { score }, _)) => {
                add(Counted::Finished);
                score.iter().for_each(|score| add(Counted::Scored(*score)));
            }
            Some((What::Left { step }, false)) => add(Counted::Left(step.clone())),
            _ => {}
        }
        let mut last = BTreeMap::new();
        for what in &run {
            if let What::Answered { step, counted, saved } = what {
                last.insert(step, counted.as_ref().filter(|_| !saved.as_ref().is_some_and(|saved| saved.personal)));
            }
        }
        for (step, counted) in last {
            add(Counted::Answered(step.clone()));
            counted.iter().for_each(|value| add(Counted::Chosen(step.clone(), (*value).clone())));
        }
    }
    counts
}

#[test]
fn the_field_that_was_said_last_holds_whatever_came_last() {
    let cat = answers("o1", 10, "1", 1, [answer("pet", "cat", false, None)]);
    let dog = answers("o1", 20, "2", 1, [answer("pet", "dog", false, None)]);
    for entries in [[cat.clone(), dog.clone()], [dog, cat]] {
        let brand = Brand::of(entries);
        assert_eq!(value(&brand, "pet", 30).as_deref(), Some("dog"));
        let once = [(tick(Counted::Answered("pet".into())), 1), (tick(Counted::Chosen("pet".into(), "dog".into())), 1)];
        assert_eq!(brand.dialogs(), BTreeMap::from(once), "one run, one answer: the last");
    }
}

#[test]
fn an_answer_that_comes_a_day_late_does_not_undo_what_was_said_since() {
    let late = answers("o1", 10, "1", 1, [answer("pet", "cat", false, None), answer("kg", "4", false, None)]);
    let dog = answers("o1", DAY, "2", 2, [answer("pet", "dog", false, None)]);
    let brand = Brand::of([dog, text("o1", DAY + 3_600, "hi", None), late]);
    assert_eq!(value(&brand, "pet", 2 * DAY).as_deref(), Some("dog"));
    assert_eq!(value(&brand, "kg", 2 * DAY).as_deref(), Some("4"));
}

#[test]
fn the_same_question_answered_from_two_devices_counts_once() {
    let begun = answers("o1", 0, "1", 7, [What::Begun]);
    let one = answers("o1", 5, "2", 7, [answer("pet", "cat", false, None), What::Tagged("有猫".into())]);
    let other = answers("o1", 5, "3", 7, [answer("pet", "dog", false, None), What::Tagged("有狗".into())]);
    let end = answers("o1", 6, "4", 7, [What::Finished { score: Some(3) }]);
    let brand = Brand::of([begun, one, other, end.clone(), end]);
    let counts = [
        (Counted::Begun, 1),
        (Counted::Finished, 1),
        (Counted::Scored(3), 1),
        (Counted::Answered("pet".into()), 1),
        (Counted::Chosen("pet".into(), "dog".into()), 1),
    ];
    assert_eq!(brand.dialogs(), counts.map(|(what, count)| (tick(what), count)).into());
    assert_eq!(tags(&brand), ["有猫", "有狗"].map(str::to_owned).into());
}

#[test]
fn another_run_counts_anew_and_who_comes_back_has_not_left() {
    let run =
        |run: u64, at| answers("o1", at, &format!("{run}{at}"), run, [What::Begun, answer("pet", "cat", false, None)]);
    let left = answers("o1", 30, "9", 2, [What::Left { step: "kg".into() }]);
    let back = answers("o1", 40, "10", 2, [answer("kg", "4", false, None)]);
    let mut brand = Brand::of([run(1, 0), run(2, 20), left]);
    assert_eq!(brand.dialogs()[&tick(Counted::Begun)], 2);
    assert_eq!(brand.dialogs()[&tick(Counted::Left("kg".into()))], 1);
    brand.fold(&[Placed { place: guanxi::facts::Place { stream: 99, index: 0 }, entry: back }]);
    assert_eq!(brand.dialogs().get(&tick(Counted::Left("kg".into()))), None);
}

#[test]
fn who_wants_what_was_saved_deleted_leaves_no_byte_of_it() {
    let phone = || answers("o1", 10, "1", 1, [answer("phone", "13800138000", true, None)]);
    let wish = || answers("o1", 20, "2", 1, [What::Forget]);
    for entries in [vec![follow("o1", 0, "bag"), phone(), wish()], vec![wish(), phone()]] {
        let brand = Brand::of(entries);
        assert_eq!(value(&brand, "phone", 30), None);
        assert!(!stands_somewhere(&brand, "13800138000"));
    }
    let long_ago = answers("o1", 10, "1", 1, [answer("phone", "13800138000", true, None)]);
    let brand = Brand::of([long_ago, text("o1", DAY, "hi", None), answers("o1", DAY + 9, "2", 2, [What::Forget])]);
    assert!(!stands_somewhere(&brand, "13800138000"), "nor of what was said long before");
    let mut brand = Brand::of([wish(), answers("o1", 30, "3", 2, [answer("phone", "13900139000", true, None)])]);
    assert_eq!(value(&brand, "phone", 40).as_deref(), Some("13900139000"), "what is said after that holds");
    brand.fold(&placed([erase("o1", 50)]));
    assert!(!stands_somewhere(&brand, "13900139000"));
}

#[test]
fn forget_days_take_a_field_from_the_store_though_the_fan_stays_silent() {
    let days = |days| answer("phone", "13800138000", true, Some(days));
    let pet = answer("pet", "cat", false, None);
    let mut brand = Brand::of([follow("o1", 0, "bag"), answers("o1", 10, "1", 1, [pet, days(30)])]);
    assert!(value(&brand, "phone", 30 * DAY + 9).is_some(), "up to the last second");
    assert_eq!(value(&brand, "phone", 30 * DAY + 10), None, "and not a second longer, whatever runs when");
    forget_until(&mut brand, 30 * DAY);
    assert!(stands_somewhere(&brand, "13800138000"));
    forget_until(&mut brand, 31 * DAY);
    assert!(!stands_somewhere(&brand, "13800138000"));
    assert_eq!(value(&brand, "pet", 31 * DAY).as_deref(), Some("cat"));

    let again = answers("o1", 20 * DAY, "2", 2, [days(30)]);
    let mut brand = Brand::of([follow("o1", 0, "bag"), answers("o1", 10, "1", 1, [days(30)]), again]);
    forget_until(&mut brand, 35 * DAY);
    assert!(value(&brand, "phone", 35 * DAY).is_some(), "said again, its days count anew");
    forget_until(&mut brand, 52 * DAY);
    assert!(!stands_somewhere(&brand, "13800138000"));
}

#[test]
fn a_fan_who_left_is_forgotten_with_the_fields_as_soon_as_ever() {
    let entries = [
        follow("o1", 0, "bag"),
        answers("o1", 10, "1", 1, [answer("phone", "13800138000", true, Some(10))]),
        unfollow("o1", 20),
    ];
    let mut brand = Brand::of(entries);
    forget_until(&mut brand, 12 * DAY);
    assert!(brand.records.contains_key("fan:o1") && !stands_somewhere(&brand, "13800138000"));
    forget_until(&mut brand, 32 * DAY);
    assert!(!brand.records.contains_key("fan:o1"));
}

#[test]
fn fields_values_and_names_are_bounded() {
    let long = "猫".repeat(10_000);
    let saves =
        (0..100).map(|n| answers("o1", n, &format!("{n}"), 1, [answer(&format!("f{n:02}"), &long, false, None)]));
    let state = Brand::of(saves).state("o1");
    let fields: Vec<_> = state.dialogs.fields(Timestamp(0)).collect();
    assert_eq!(fields.len(), FIELDS_MAX);
    assert_eq!(fields[0].0, "f68", "the oldest made room");
    assert!(fields.iter().all(|(_, field)| field.value.len() == 198), "200 bytes, no character cut");

    let begun = |n: usize| Step { dialog: format!("{n}{}", "d".repeat(99)), run: 1, what: What::Begun };
    let Entry::Received(mut received) = text("o1", 0, "?", None) else { panic!("a text is received") };
    received.left = Left { steps: (0..1_000).map(begun).collect(), ..Left::default() }.encode();
    let counted = Brand::of([Entry::Received(received)]).dialogs();
    assert!(counted.len() <= 32 && counted.keys().all(|tick| tick.dialog.len() == 64));
}

#[test]
fn what_finds_no_room_in_a_day_counts_under_a_common_name() {
    let per_fan = |n: u64| {
        let fan = format!("o{n}");
        let steps = (0..25).map(|step| answer(&format!("s{n}-{step}"), "v", false, None));
        answers(&fan, 10, "1", 1, steps)
    };
    let fans = TICKS_A_DAY_MAX as u64 / 25;
    let brand = Brand::of((0..fans).map(per_fan));
    let day: Day = UtcOffset::BEIJING.local(Timestamp(START)).day;
    let DialogDay(ticks) = DialogDay::decode(&brand.records[&*dialogs_key(day)]).unwrap();
    assert!(ticks.len() <= TICKS_A_DAY_MAX + 5, "{}", ticks.len());
    let sum = |is: fn(&Counted) -> bool| ticks.iter().filter(|(tick, _)| is(&tick.what)).map(|(_, n)| n).sum::<i64>();
    let all = fans as i64 * 25;
    assert_eq!(sum(|what| matches!(what, Counted::Answered(_))), all);
    assert_eq!(sum(|what| matches!(what, Counted::Chosen(..))), all);
    assert!(ticks.keys().any(|tick| tick.dialog == OTHER));
}

#[test]
fn what_a_newer_version_left_stops_the_fold_and_damage_says_nothing() {
    let Entry::Received(mut received) = text("o1", 0, "?", None) else { panic!("a text is received") };
    received.left = vec![9, 1, 2];
    let newer = placed([Entry::Received(received.clone())]);
    let refused = fold(&settings(), &newer, &BTreeMap::new()).now_or_never().unwrap();
    assert!(matches!(refused, Err(FoldError::Newer { format: 9, .. })));
    received.left = vec![1, 200, 200];
    assert_eq!(Left::decode(&received.left), Err(RecordError::Damaged));
    assert_eq!(Brand::of([Entry::Received(received)]).dialogs(), BTreeMap::new());
}
