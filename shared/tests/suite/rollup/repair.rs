//! Fans' records that were damaged come back from the journal as if nothing had been: the record, the lists, the counts.

use super::{
    crash::{Knowledge, unlisted},
    damage::{DAY, FANS, damages, set},
    world::{Still, World, append, at, follow, leaves, news, order, reminding, text},
};
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::store::keys;
use guanxi::{
    conversation::{self, Conversation},
    facts::{
        Entry, Erase, Orders, Placed, PushChoice,
        order::OrderEvent,
        push::{Due, LedgerNews, News, PushId, Skip, What},
    },
    fold::{
        Settings,
        damaged::{self, Failed, List, Progress, Reach, Refused, Wish, list, wish},
        rollup::{End, Folding, Report, rollup},
    },
    journal::Journal,
    store::{
        Timer,
        lease::LIMIT,
        list::Page,
        memory::{Fate, Memory, Verb},
        record::{FoldError, Knowledge as Known, Write},
    },
    time::Timestamp,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::pending,
    rc::Rc,
    time::Duration,
};

/// The fold of the product, with repairs in tiny steps.
#[derive(Clone)]
struct Bounds {
    settings: Settings,
    entries: usize,
    chunks: usize,
}

impl Folding for Bounds {
    async fn fold(&self, entries: &[Placed], known: &dyn Known) -> Result<Vec<Write>, FoldError> {
        Folding::fold(&self.settings, entries, known).await
    }

    async fn forget(&self, now: Timestamp, known: &dyn Known) -> Result<Vec<Write>, FoldError> {
        Folding::forget(&self.settings, now, known).await
    }

    fn keep_days(&self) -> u32 {
        self.settings.keep_days
    }

    fn settings(&self) -> Option<&Settings> {
        Some(&self.settings)
    }

    fn replay_chunks(&self) -> usize {
        self.chunks
    }

    fn chunk_entries(&self) -> usize {
        self.entries
    }
}

fn tiny() -> Bounds {
    Bounds { settings: reminding(), entries: 3, chunks: 3 }
}

fn large() -> Bounds {
    Bounds { settings: reminding(), entries: 1_000, chunks: 256 }
}

/// The first minute after a morning.
const AFTER: u64 = 5;
/// The last minute of the tests' lives.
const LAST: u64 = AFTER + 60;

fn key(fan: u64) -> String {
    format!("fan:fan-{fan}")
}

fn listed(store: &Memory) -> List {
    list(store).now_or_never().unwrap().unwrap()
}

fn wishes(store: &Memory, wished: Wish) -> Result<(), Refused> {
    wish(store, &wished).now_or_never().unwrap()
}

fn repairs(store: &Memory, fan: u64) -> Result<(), Refused> {
    wishes(store, Wish::Repair(key(fan)))
}

/// What came of the last repair.
fn state(store: &Memory) -> Option<Progress> {
    listed(store).repair.map(|repair| repair.state)
}

/// What happens to every fan in the minute after the morning, so that a damaged record is found.
fn touch(store: &Memory, minute: u64) {
    let instance = Journal::default();
    for fan in FANS {
        append(store, &instance, at(minute), &text(fan, 1_000 + fan, at(minute)));
    }
}

/// What happens while a repair is under way.
fn bustle(store: &Memory, minute: u64) {
    if minute >= AFTER + 12 {
        return;
    }
    let (instance, now) = (Journal::default(), at(minute));
    let fan = FANS.start + minute % (FANS.end - FANS.start);
    append(store, &instance, now, &text(fan, 3_000 + minute, now));
    let orders = vec![order(fan, 4_000 + minute, now), order(fan, 2, now), order(fan + 1, 4_000 + minute, now)];
    append(store, &instance, now, &Entry::Orders(Orders { at: now, orders }));
    let told = if minute.is_multiple_of(2) { What::Unknown } else { What::Planned };
    append(store, &instance, now, &Entry::Ledger(LedgerNews(vec![news(fan, minute % 3, now, told)])));
}

/// What is compared: all that rollup knows. Of lists which items there are; what was told to push may be told to it once more,
/// and who is to be forgotten may stand on a page more.
fn compared(world: &World<Bounds>) -> Knowledge {
    let mut known = unlisted(world.knowledge());
    known.retain(|key, _| !["outcome:", "fan:forget:"].iter().any(|prefix| key.starts_with(prefix)));
    known
}

/// Who is to be forgotten, and what push was told: of which nothing may be missing.
fn to_be_forgotten_and_told(world: &World<Bounds>) -> BTreeSet<(String, String)> {
    let told = unlisted(world.knowledge()).remove("outcome:list").unwrap_or_default();
    let told = String::from_utf8(told).unwrap().split_inclusive("}").map(|one| ("told".into(), one.into())).collect();
    let pages = world.store.values().into_iter().filter(|(key, _)| key.starts_with("fan:forget:"));
    let names = pages.flat_map(|(key, page)| {
        let names: BTreeSet<String> = postcard::from_bytes(&page[1..]).unwrap();
        names.into_iter().map(move |name| (key.clone(), name))
    });
    names.chain::<BTreeSet<_>>(told).collect()
}

/// What happens in a minute after the morning, before its run.
type During = fn(&Memory, u64);

fn nothing(_: &Memory, _: u64) {}

/// A life in which a fan's record is damaged at the beginning of a minute and repaired after the morning; or in which it is not.
fn life(seed: u64, bounds: Bounds, damage: Option<(u64, u64, usize)>, during: During) -> Option<Rc<World<Bounds>>> {
    let world = World::new(seed, bounds);
    for minute in 0..=AFTER {
        if let Some((fan, when, how)) = damage
            && when == minute
        {
            let good = world.store.values().get(&key(fan))?.clone();
            set(&world.store, &key(fan), &damages(&good)[how]);
        }
        if minute == AFTER {
            touch(&world.store, minute);
        }
        world.live(minute, |world| drop(world.run(minute, minute + 1)));
    }
    if let Some((fan, ..)) = damage {
        if !listed(&world.store).has(&key(fan)) {
            // An erasure has taken it.
            return None;
        }
        assert_eq!(repairs(&world.store, fan), Ok(()));
    }
    for minute in AFTER + 1..LAST {
        during(&world.store, minute);
        world.live(minute, |world| {
            let report = world.run(minute, minute + 1).unwrap().unwrap();
            assert_eq!(report.end, End::Done, "seed {seed} {damage:?} minute {minute}");
        });
    }
    Some(world)
}

fn differences(got: &Knowledge, expected: &Knowledge) -> Vec<String> {
    let keys: BTreeSet<&String> = got.keys().chain(expected.keys()).collect();
    let differs = keys.into_iter().filter(|key| got.get(*key) != expected.get(*key));
    let show = |value: Option<&Vec<u8>>| value.map(|value| String::from_utf8_lossy(value).into_owned());
    differs.map(|key| format!("{key}\n  got {:?}\n  not {:?}", show(got.get(key)), show(expected.get(key)))).collect()
}

fn a_repaired_fan_is_as_if_nothing_had_been(seeds: std::ops::Range<u64>, bounds: fn() -> Bounds, during: During) {
    let mut repaired = 0;
    for seed in seeds {
        let twin = life(seed, bounds(), None, during).unwrap();
        let (twin, names) = (compared(&twin), to_be_forgotten_and_told(&twin));
        for fan in FANS {
            for when in 1..=AFTER {
                let how = (seed + fan + when) as usize % 4;
                let Some(world) = life(seed, bounds(), Some((fan, when, how)), during) else { continue };
                let case = format!("seed {seed}, fan {fan}, minute {when}");
                let got = compared(&world);
                assert!(got == twin, "{case}: {:?} {:#?}", state(&world.store), differences(&got, &twin));
                let missing: Vec<_> = names.difference(&to_be_forgotten_and_told(&world)).cloned().collect();
                assert!(missing.is_empty(), "{case}: {missing:?}");
                match state(&world.store) {
                    Some(Progress::Repaired { before: Reach::Nothing, unreadable: 1, counts: true, .. }) => {}
                    state => panic!("{case}: {state:?}"),
                }
                let left: Vec<String> =
                    world.store.values().into_keys().filter(|key| key.contains("damaged:")).collect();
                assert!(left.iter().all(|key| key == damaged::LIST || key.starts_with("damaged:journal:")), "{left:?}");
                repaired += 1;
            }
        }
    }
    assert!(repaired > 50, "{repaired}: is this blind?");
}

#[test]
fn a_repaired_fan_is_to_the_last_digit_as_if_nothing_had_been() {
    a_repaired_fan_is_as_if_nothing_had_been(0..8, large, nothing);
}

#[test]
fn so_it_is_in_many_small_steps_while_more_happens() {
    a_repaired_fan_is_as_if_nothing_had_been(0..8, tiny, bustle);
}

/// Entries that come in while a run is at work.
fn surprise(store: &Memory) {
    let (instance, now) = (Journal::default(), at(AFTER + 3));
    append(store, &instance, now, &text(1, 6_000, now));
    append(store, &instance, now, &Entry::Orders(Orders { at: now, orders: vec![order(1, 6_000, now)] }));
}

#[test]
fn a_repairing_run_that_dies_or_fails_anywhere_changes_nothing() {
    let bounds = || Bounds { entries: 12, chunks: 4, ..tiny() };
    let twin = compared(&life(1, bounds(), None, bustle).unwrap());
    let fates = [Fate::StopsBefore, Fate::StopsHalfway, Fate::StopsAfter, Fate::LosesAnswer];
    let operations = (0..).find(|target| {
        let seen = |fate| disturbed(bounds(), *target, format!("{fate:?}"), (&twin, |known| known), move |_| fate);
        let cases = fates.map(seen);
        !cases.contains(&true)
    });
    assert!(operations.unwrap() > 40, "{operations:?}: is this blind?");
}

#[test]
fn what_comes_in_at_any_moment_of_a_repairing_run_is_counted_once() {
    let bounds = || Bounds { entries: 12, chunks: 4, ..tiny() };
    let during = |store: &Memory, minute: u64| {
        bustle(store, minute);
        if minute == AFTER + 3 {
            surprise(store);
        }
    };
    let twin = placeless(compared(&life(1, bounds(), None, during).unwrap()));
    let operations = (0..).find(|target| {
        !disturbed(bounds(), *target, "a surprise".into(), (&twin, placeless), |store| {
            surprise(store);
            Fate::Works
        })
    });
    assert!(operations.unwrap() > 40, "{operations:?}: is this blind?");
}

/// What does not depend on the numbers of streams.
fn placeless(known: Knowledge) -> Knowledge {
    let fans = known.into_iter().filter(|(key, _)| !key.starts_with("cursor:")).map(|(key, value)| {
        let text = String::from_utf8_lossy(&value);
        let mut parts = text.split("stream: ");
        let first = parts.next().unwrap_or_default().to_owned();
        let rest: String = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit())).collect();
        (key.clone(), if key.starts_with("fan:fan-") { (first + &rest).into_bytes() } else { value })
    });
    fans.collect()
}

/// A bustling life in which the record of fan 1 is repaired, with something done at the `target`-th operation from the wish until
/// the record is back, of those that change the store and every fortieth of the others. False: there were not so many.
fn disturbed(
    bounds: Bounds,
    target: usize,
    case: String,
    (twin, view): (&Knowledge, fn(Knowledge) -> Knowledge),
    disturb: impl Fn(&Memory) -> Fate + 'static,
) -> bool {
    let (world, fan) = (World::new(1, bounds), 1);
    for minute in 0..=AFTER {
        if minute == AFTER {
            set(&world.store, &key(fan), b"");
            touch(&world.store, minute);
        }
        world.live(minute, |world| drop(world.run(minute, minute + 1)));
    }
    assert_eq!(repairs(&world.store, fan), Ok(()));
    let (weak, counted, reads, hit) = (Rc::downgrade(&world), Cell::new(0), Cell::new(0), Rc::new(Cell::new(false)));
    let says = Rc::clone(&hit);
    world.store.judge_by(move |operation| {
        let Some(world) = weak.upgrade().filter(|world| world.running.get()) else { return Fate::Works };
        if operation.verb == Verb::Get && reads.replace(reads.get() + 1) % 40 != 0 {
            return Fate::Works;
        }
        let number = counted.replace(counted.get() + 1);
        let is_over = || !world.store.values().contains_key(&damaged::key(&key(fan)));
        if number != target || is_over() {
            return Fate::Works;
        }
        says.set(true);
        disturb(&world.store)
    });
    for minute in AFTER + 1..LAST {
        bustle(&world.store, minute);
        world.live(minute, |world| drop(world.run(minute, minute + 1)));
    }
    if hit.get() {
        let (got, state) = (view(compared(&world)), state(&world.store));
        assert!(got == *twin, "{case} at {target}: {state:?} {:#?}", differences(&got, twin));
        assert!(matches!(state, Some(Progress::Repaired { counts: true, .. })), "{case} at {target}: {state:?}");
    }
    hit.get()
}

/// A brand's store without a script.
struct Brand {
    store: Memory,
    bounds: Bounds,
}

impl Brand {
    fn new(bounds: Bounds) -> Self {
        Self { store: Memory::default(), bounds }
    }

    fn say(&self, minute: u64, entry: Entry) {
        append(&self.store, &Journal::default(), at(minute), &entry);
    }

    fn run(&self, minute: u64) -> Report {
        rollup(&self.store, &Still, &self.bounds, at(minute), minute).now_or_never().unwrap().unwrap()
    }

    /// The fan's record is damaged, which a message shows.
    fn damage(&self, fan: u64, minute: u64) {
        set(&self.store, &key(fan), b"\x01?");
        self.say(minute, text(fan, 10_000 + minute, at(minute)));
        assert_eq!(self.run(minute).set_aside, [key(fan)]);
    }

    /// Runs until the repair is over: what came of it.
    fn repair(&self, fan: u64, minute: u64) -> Progress {
        assert_eq!(repairs(&self.store, fan), Ok(()));
        for minute in minute..minute + 200 {
            let report = self.run(minute);
            assert_eq!(report.end, End::Done);
            match state(&self.store) {
                Some(Progress::Replays { .. }) => {}
                Some(over) => return over,
                None => panic!("nobody repairs"),
            }
        }
        panic!("it takes too long: {:?}", state(&self.store))
    }

    /// What is said of the fan, without places on lists.
    fn fan(&self, fan: u64) -> String {
        let bytes = self.store.values().get(&key(fan)).cloned();
        bytes.map_or("nobody".into(), |bytes| {
            format!("{:?}", guanxi::fold::fan::Fan::decode(&bytes).unwrap().unlisted())
        })
    }

    fn counts(&self) -> Knowledge {
        let mut values = self.store.values();
        values.retain(|key, _| key.starts_with("count:"));
        values
    }

    /// The reminders on the lists of all days: the day, the fan, and the purchase.
    fn due(&self) -> Vec<(u64, String, Timestamp)> {
        let values = self.store.values().into_iter();
        let pages = values.filter(|(key, _)| key.starts_with("due:") && !key.ends_with(":head"));
        let mut due: Vec<_> = pages
            .flat_map(|(key, page)| {
                let day = key.split(':').nth(1).unwrap().parse().unwrap();
                let items = Page::<Due>::decode(&page).unwrap().0.into_iter().flatten();
                items.map(move |due| (day, due.openid.to_string(), due.basis)).collect::<Vec<_>>()
            })
            .collect();
        due.sort();
        due
    }

    /// Where a fan is named, in whatever key and value.
    fn names(&self, fan: u64) -> Vec<String> {
        let name = format!("fan-{fan}");
        let names = |bytes: &[u8]| bytes.windows(name.len()).any(|part| part == name.as_bytes());
        let values = self.store.values().into_iter();
        values.filter(|(key, value)| key.contains(&name) || names(value)).map(|(key, _)| key).collect()
    }
}

fn orders(orders: Vec<OrderEvent>, at: Timestamp) -> Entry {
    Entry::Orders(Orders { at, orders })
}

fn erase(fan: u64, minute: u64) -> Entry {
    Entry::Erase(Erase { openid: format!("fan-{fan}").parse().unwrap(), at: at(minute) })
}

/// Something that fan 1 and fan 2 did.
fn beginning(brand: &Brand) {
    for fan in 1..3 {
        brand.say(0, text(fan, fan, at(0)));
        brand.say(0, orders(vec![order(fan, 100 + fan, at(0)), order(fan, 110 + fan, at(0))], at(0)));
    }
    brand.run(0);
}

#[test]
fn one_wish_and_one_repair_at_a_time_and_only_of_a_fan() {
    let brand = Brand::new(Bounds { entries: 1, chunks: 1, ..tiny() });
    beginning(&brand);
    assert_eq!(repairs(&brand.store, 1), Err(Refused::Unknown));
    brand.damage(1, 1);
    brand.damage(2, 2);
    set(&brand.store, "count:all", b"");
    brand.say(3, text(3, 3, at(3)));
    assert_eq!(brand.run(3).set_aside, ["count:all"]);
    let refused = wishes(&brand.store, Wish::Repair("count:all".into())).unwrap_err();
    assert_eq!(refused.status(), 422);
    assert!(
        refused.to_string().contains("count:all") && refused.to_string().contains("numbers of that hour"),
        "{refused}"
    );
    assert_eq!((repairs(&brand.store, 1), repairs(&brand.store, 1)), (Ok(()), Ok(())));
    assert_eq!(repairs(&brand.store, 2), Err(Refused::Waits(key(1))));
    assert_eq!(wishes(&brand.store, Wish::Drop(key(1))), Err(Refused::Waits(key(1))), "another wish for the same");
    brand.run(4);
    assert!(matches!(state(&brand.store), Some(Progress::Replays { pass: 1, .. })), "{:?}", state(&brand.store));
    assert_eq!(repairs(&brand.store, 1), Ok(()), "it is under way");
    assert_eq!(repairs(&brand.store, 2), Err(Refused::Repairs(key(1))));
    // Written in the moment in which the other was taken up.
    set(&brand.store, damaged::WISH, format!("repair {}", key(2)).as_bytes());
    let mut minute = 5;
    while listed(&brand.store).set_aside.len() > 1 {
        brand.run(minute);
        minute += 1;
        assert!(minute < 200, "{:?}", listed(&brand.store));
    }
    assert!(matches!(state(&brand.store), Some(Progress::Repaired { .. })), "{:?}", listed(&brand.store));
    let twin = Brand::new(large());
    beginning(&twin);
    for (fan, minute) in [(1, 1), (2, 2)] {
        twin.say(minute, text(fan, 10_000 + minute, at(minute)));
        twin.run(minute);
    }
    assert_eq!([1, 2].map(|fan| brand.fan(fan)), [1, 2].map(|fan| twin.fan(fan)));
    // A drop ends a repair.
    brand.damage(2, minute);
    assert_eq!(repairs(&brand.store, 2), Ok(()));
    brand.run(minute + 1);
    assert_eq!(wishes(&brand.store, Wish::Drop(key(2))), Ok(()));
    brand.run(minute + 2);
    assert!(matches!(state(&brand.store), Some(Progress::Failed { why: Failed::Dropped, .. })));
    assert!(!brand.store.values().contains_key(keys::DAMAGED_REPAIR.pattern));
    // What came of it goes too.
    brand.run(minute + 31 * DAY);
    brand.run(minute + 31 * DAY + 1);
    assert!(!brand.store.values().keys().any(|key| key.starts_with("damaged:")), "{:?}", listed(&brand.store));
}

#[test]
fn an_erasure_ends_a_repair_at_any_point_and_leaves_nothing_of_it() {
    for repaired_for in 0..40 {
        let brand = Brand::new(Bounds { entries: 1, chunks: 1, ..tiny() });
        beginning(&brand);
        brand.damage(1, 1);
        assert_eq!(repairs(&brand.store, 1), Ok(()));
        (0..repaired_for).for_each(|n| drop(brand.run(2 + n)));
        let minute = 2 + repaired_for;
        let was_under_way = matches!(state(&brand.store), Some(Progress::Replays { .. }));
        brand.say(minute, erase(1, minute));
        brand.run(minute);
        let left = brand.names(1).into_iter().filter(|key| !key.starts_with("journal:")).collect::<Vec<_>>();
        assert!(!left.iter().any(|key| key.starts_with("damaged:")), "after {repaired_for} runs: {left:?}");
        assert!(!brand.fan(1).contains("products: {\"cat-food\""), "{}", brand.fan(1));
        let after = brand.fan(1);
        (1..40).for_each(|n| drop(brand.run(minute + n)));
        assert_eq!((brand.fan(1), state(&brand.store)), (after, None), "after {repaired_for} runs");
        assert!(was_under_way || repaired_for == 0 || repaired_for > 5, "{repaired_for}: is this blind?");
    }
}

#[test]
fn a_fan_who_left_comes_back_as_one_who_left_and_is_forgotten_in_time() {
    let settings = Settings { forget_after_days: 2, ..reminding() };
    let brand = Brand::new(Bounds { settings, ..tiny() });
    beginning(&brand);
    brand.say(1, leaves(1, at(1)));
    brand.run(1);
    set(&brand.store, &key(1), b"");
    brand.say(2, orders(vec![order(1, 120, at(2))], at(2)));
    assert_eq!(brand.run(2).set_aside, [key(1)]);
    // The day has come and gone on which the fan should have been forgotten.
    (0..4).for_each(|n| drop(brand.run(4 * DAY + n)));
    assert!(matches!(brand.repair(1, 4 * DAY + 10), Progress::Repaired { before: Reach::Nothing, counts: true, .. }));
    assert!(brand.fan(1).contains("what: Unfollow"), "{}", brand.fan(1));
    for minute in 0..40 {
        brand.run(6 * DAY + minute);
    }
    let left: Vec<String> = brand.names(1).into_iter().filter(|key| !key.starts_with("journal:")).collect();
    assert!(left.iter().all(|key| key.starts_with("outcome:") || key == damaged::LIST), "{left:?}");
}

#[test]
fn what_the_journal_no_longer_reaches_is_lost_and_it_is_said_from_which_minute_on_the_record_is_right() {
    let settings = Settings { keep_days: 2, ..reminding() };
    for follows in [true, false] {
        let brand = Brand::new(Bounds { settings: settings.clone(), ..tiny() });
        beginning(&brand);
        // Days in which others write, and the entries from the beginning go.
        for day in 1..5 {
            brand.say(day * DAY, text(2, 500 + day, at(day * DAY)));
            (0..12).for_each(|n| drop(brand.run(day * DAY + n)));
        }
        assert!(!brand.store.values().contains_key("journal:1:0"), "{:?}", brand.store.values().keys());
        let now = 5 * DAY;
        if follows {
            brand.say(now, follow(1, at(now)));
        }
        brand.say(now + 1, orders(vec![order(1, 120, at(now))], at(now + 1)));
        brand.say(now + 2, orders(vec![order(1, 101, at(0))], at(now + 2)));
        brand.run(now + 2);
        brand.damage(1, now + 3);
        let Progress::Repaired { from, before, unreadable: 0, counts: true, .. } = brand.repair(1, now + 4) else {
            panic!("{:?}", state(&brand.store))
        };
        assert_eq!(before, if follows { Reach::BeforeTheFollow } else { Reach::Lost });
        let kept = brand.store.values().into_keys().filter(|key| key.starts_with("journal:"));
        let oldest = kept.min_by_key(|key| key.split(':').nth(1).unwrap().parse::<u64>().unwrap()).unwrap();
        let days = (0..5).map(|day| at(day * DAY));
        assert!(days.clone().any(|day| day == from) && from > at(0), "{from} of {oldest}");
        // An order that is told to this fan in what is left counts, though it was told before that too.
        assert!(brand.fan(1).matches("what: Order").count() == 2, "{}", brand.fan(1));
    }
}

#[test]
fn a_record_that_was_set_aside_before_all_that_is_kept_is_not_made_worse() {
    let settings = Settings { keep_days: 1, ..reminding() };
    let brand = Brand::new(Bounds { settings, ..tiny() });
    beginning(&brand);
    brand.damage(1, 1);
    brand.say(2, orders(vec![order(1, 130, at(2))], at(2)));
    for day in 0..6 {
        brand.say(day * DAY + 3, text(1, 500 + day, at(day * DAY + 3)));
        (3..15).for_each(|n| drop(brand.run(day * DAY + n)));
    }
    let (fan, counts) = (brand.fan(1), brand.counts());
    let over = brand.repair(1, 6 * DAY);
    assert!(matches!(over, Progress::Failed { why: Failed::TooLate, .. }), "{over:?}");
    assert_eq!((brand.fan(1), brand.counts()), (fan, counts));
    assert!(listed(&brand.store).has(&key(1)) && !brand.store.values().contains_key(keys::DAMAGED_REPAIR.pattern));
}

#[test]
fn entries_that_go_while_a_repair_is_under_way_are_no_hole_in_the_record() {
    let settings = Settings { keep_days: 1, ..reminding() };
    let play = |repaired: bool| {
        let brand = Brand::new(Bounds { settings: settings.clone(), entries: 1, chunks: 1 });
        beginning(&brand);
        (1..20).for_each(|minute| drop(brand.run(minute)));
        let now = 2 * DAY - 20;
        brand.say(now, orders(vec![order(1, 140, at(now))], at(now)));
        brand.run(now);
        if repaired {
            brand.damage(1, now + 1);
            assert_eq!(repairs(&brand.store, 1), Ok(()));
            brand.run(now + 2);
        }
        (now + 3..now + 400).for_each(|minute| drop(brand.run(minute)));
        brand
    };
    let brand = play(true);
    let Some(Progress::Repaired { from, before: Reach::Lost, .. }) = state(&brand.store) else {
        panic!("{:?}", state(&brand.store))
    };
    assert_eq!(from, Timestamp(at(2 * DAY - 20).0 / 60 * 60));
    assert_eq!(brand.fan(1).matches("what: Order").count(), 1, "{}", brand.fan(1));
}

#[test]
fn who_was_forgotten_is_not_brought_back() {
    // Forgotten sooner than the journal.
    let settings = Settings { keep_days: 20, forget_after_days: 2, ..reminding() };
    let play = |repaired: bool| {
        let brand = Brand::new(Bounds { settings: settings.clone(), ..tiny() });
        beginning(&brand);
        brand.say(1, leaves(1, at(1)));
        for day in 0..6 {
            (2..16).for_each(|n| drop(brand.run(day * DAY + n)));
        }
        assert_eq!(brand.fan(1), "nobody");
        brand.say(6 * DAY, text(1, 7, at(6 * DAY)));
        brand.run(6 * DAY);
        let touched = 6 * DAY + 1;
        if repaired {
            brand.damage(1, touched);
            let over = brand.repair(1, touched + 1);
            assert!(matches!(over, Progress::Repaired { counts: true, .. }), "{over:?}");
        } else {
            brand.say(touched, text(1, 10_000 + touched, at(touched)));
            brand.run(touched);
        }
        (brand.fan(1), brand.counts())
    };
    assert_eq!(play(true), play(false));
}

#[test]
fn an_order_by_a_unionid_alone_is_the_fans_whoever_was_told_first() {
    let alone = |id: u64, minute: u64| {
        orders(vec![OrderEvent { openid: None, unionid: Some("u1".into()), ..order(1, id, at(minute)) }], at(minute))
    };
    for linked_when in ["never", "before the journal", "first", "later"] {
        let play = |repaired: bool| {
            let settings = Settings { keep_days: 2, ..reminding() };
            let brand = Brand::new(Bounds { settings, ..tiny() });
            let mut now = 0;
            if linked_when == "before the journal" {
                brand.say(0, orders(vec![order(1, 100, at(0))], at(0)));
                (0..12).for_each(|minute| drop(brand.run(minute)));
                for day in 1..5 {
                    brand.say(day * DAY, text(2, day, at(day * DAY)));
                    (0..12).for_each(|n| drop(brand.run(day * DAY + n)));
                }
                now = 5 * DAY;
            }
            if linked_when == "first" {
                brand.say(now, orders(vec![order(1, 100, at(now))], at(now)));
            }
            brand.say(now, text(1, 1, at(now)));
            // Another fan was told of it before.
            brand.say(now + 1, orders(vec![order(2, 150, at(now + 1))], at(now + 1)));
            brand.run(now + 1);
            brand.say(now + 2, alone(110, now + 2));
            brand.say(now + 2, alone(150, now + 2));
            brand.run(now + 2);
            if linked_when == "later" {
                brand.say(now + 3, orders(vec![order(1, 100, at(now + 3))], at(now + 3)));
            }
            let touched = now + 4;
            if repaired {
                brand.damage(1, touched);
                brand.say(touched + 1, alone(120, touched + 1));
                let over = brand.repair(1, touched + 1);
                assert!(matches!(over, Progress::Repaired { counts: true, .. }), "{linked_when}: {over:?}");
            } else {
                brand.say(touched, text(1, 10_000 + touched, at(touched)));
                brand.run(touched);
                brand.say(touched + 1, alone(120, touched + 1));
                brand.run(touched + 1);
            }
            (brand.fan(1), brand.fan(2), brand.counts())
        };
        let (got, twin) = (play(true), play(false));
        match linked_when {
            // What was bought before the journal is lost, and what is kept of it says so.
            "before the journal" => {
                assert_eq!(got.0.matches("what: Order").count(), 2, "{}", got.0);
                assert_eq!(got.1, twin.1);
            }
            _ => assert!(got == twin, "{linked_when}: {got:#?} {twin:#?}"),
        }
    }
}

/// The day of a minute, by the playbook's offset.
fn day(minute: u64) -> u64 {
    reminding().utc_offset.local(at(minute)).day.0
}

#[test]
fn a_reminder_stands_once_on_the_list_of_its_day_and_comes_today_when_it_was_passed_over_meanwhile() {
    let kept = Bounds { settings: Settings { keep_days: 30, ..reminding() }, ..large() };
    let begin = || {
        let brand = Brand::new(kept.clone());
        beginning(&brand);
        (1..12).for_each(|minute| drop(brand.run(minute)));
        brand
    };
    let due = |brand: &Brand| brand.due().into_iter().filter(|(_, fan, _)| fan == "fan-1").collect::<Vec<_>>();
    let brand = begin();
    let expected = due(&brand);
    assert_eq!(expected.len(), 1);
    let (on, left) = (expected[0].0, expected[0].0 - day(0));
    assert!((10..30).contains(&left), "{left} days");
    // Long before: it stays where it is, whatever the stranger bought meanwhile; and then moves with a purchase, once.
    brand.damage(1, 20);
    brand.repair(1, 21);
    assert_eq!(due(&brand), expected);
    brand.damage(1, 60);
    brand.say(61, orders(vec![order(1, 160, at(61))], at(61)));
    brand.run(61);
    assert_eq!(due(&brand).len(), 2, "the stranger's and the fan's");
    brand.repair(1, 62);
    assert_eq!(due(&brand).len(), 1, "{:?}", due(&brand));
    assert_eq!(due(&brand)[0].2, at(61));
    brand.say(100, orders(vec![order(1, 170, at(100))], at(100)));
    brand.run(100);
    assert_eq!(due(&brand).iter().map(|due| due.2).collect::<Vec<_>>(), [at(100)]);
    // It was due while the record was away: told a stranger's, or not told at all, it is due today; planned, it is not again.
    for (told, again) in [
        (None, true),
        (Some(What::Skipped(Skip::Unsubscribed)), true),
        (Some(What::Skipped(Skip::BoughtSince)), true),
        (Some(What::Skipped(Skip::OptedOut)), false),
        (Some(What::Skipped(Skip::Holdout)), false),
        (Some(What::Sent(None)), false),
        (Some(What::Unknown), false),
        (Some(What::Queued(Vec::new())), false),
    ] {
        let brand = begin();
        brand.damage(1, (left - 1) * DAY);
        let case = format!("{told:?}");
        if let Some(what) = told {
            let openid = "fan-1".parse().unwrap();
            let told = News { id: PushId::of_reminder(&openid, "cat-food", at(0)), ..news(1, 0, at(left * DAY), what) };
            brand.say(left * DAY, Entry::Ledger(LedgerNews(vec![told])));
            brand.run(left * DAY);
        }
        brand.repair(1, (left + 1) * DAY);
        let days: Vec<u64> = due(&brand).iter().map(|due| due.0).collect();
        assert_eq!(days, [if again { on + 1 } else { on }], "{case}");
    }
    // Due before the record was away: push had its turn.
    let brand = begin();
    brand.say((left + 1) * DAY, text(2, 77, at((left + 1) * DAY)));
    brand.run((left + 1) * DAY);
    brand.damage(1, (left + 2) * DAY);
    brand.repair(1, (left + 2) * DAY + 1);
    assert_eq!(due(&brand), expected);
}

#[test]
fn a_fan_stands_once_on_the_list_of_all_also_behind_many_others() {
    let brand = Brand::new(Bounds { settings: reminding(), entries: 1_000, chunks: 2 });
    for fan in 1..9_000 {
        if fan % 600 == 1 {
            brand.run(fan / 600);
        }
        let instance = Journal::default();
        append(&brand.store, &instance, at(fan / 600), &text(fan, fan, at(fan / 600)));
    }
    (16..40).for_each(|minute| drop(brand.run(minute)));
    let places = |fan: u64| {
        let values = brand.store.values().into_iter();
        let pages = values.filter(|(key, _)| key.starts_with("fan:list:") && !key.ends_with(":head"));
        let openid: guanxi::wechat::OpenId = format!("fan-{fan}").parse().unwrap();
        let items = pages.map(|(key, page)| (key, Page::<guanxi::wechat::OpenId>::decode(&page).unwrap()));
        let mut places: Vec<_> = items
            .flat_map(|(key, page)| {
                let own = page.0.iter().enumerate().filter(|(_, item)| item.as_ref() == Some(&openid));
                own.map(|(n, _)| (key.clone(), n)).collect::<Vec<_>>()
            })
            .collect();
        places.sort();
        places
    };
    let before = places(8_500);
    assert_eq!(before.len(), 1);
    brand.damage(8_500, 41);
    assert_eq!(places(8_500).len(), 2);
    assert!(matches!(brand.repair(8_500, 42), Progress::Repaired { counts: true, .. }));
    assert_eq!(places(8_500), before);
    // Erased, nothing is left of it.
    brand.say(300, erase(8_500, 300));
    brand.run(300);
    assert_eq!(places(8_500), []);
}

#[test]
fn an_entry_of_a_newer_program_stops_a_repair_and_too_much_of_one_fan_ends_it() {
    let brand = Brand::new(large());
    beginning(&brand);
    brand.damage(1, 1);
    let good = brand.store.values()["journal:1:0"].clone();
    set(&brand.store, "journal:1:0", &[99, 1]);
    assert_eq!(repairs(&brand.store, 1), Ok(()));
    let End::Failed(why) = brand.run(2).end else { panic!("it goes on") };
    assert!(why.contains("journal:1:0") && why.contains("newer"), "{why}");
    set(&brand.store, "journal:1:0", &good);
    assert!(matches!(brand.repair(1, 3), Progress::Repaired { .. }));
    for n in 0..20 {
        let many = (0..500).map(|m| order(1, 10_000 + n * 500 + m, at(4))).collect();
        brand.say(4, orders(many, at(4)));
    }
    brand.run(4);
    brand.damage(1, 5);
    let fan = brand.fan(1);
    let over = brand.repair(1, 6);
    assert!(matches!(over, Progress::Failed { why: Failed::TooMuch, .. }), "{over:?}");
    assert_eq!(brand.fan(1), fan);
}

#[test]
fn a_request_writes_the_wish_and_nothing_else() {
    let brand = Brand::new(large());
    beginning(&brand);
    brand.damage(1, 1);
    let written = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&written);
    brand.store.judge_by(move |operation| {
        if operation.verb != Verb::Get {
            log.borrow_mut().push((operation.verb, operation.key.to_owned()));
        }
        Fate::Works
    });
    assert_eq!(repairs(&brand.store, 1), Ok(()));
    assert_eq!(written.take(), [(Verb::Set, damaged::WISH.to_owned())]);
}

/// A clock that every look moves on.
struct Ticking(Cell<Duration>);

impl Timer for Ticking {
    fn elapsed(&self) -> Duration {
        self.0.set(self.0.get() + Duration::from_millis(20));
        self.0.get()
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

#[test]
fn a_repair_takes_what_time_the_fold_leaves_and_no_more_than_its_share() {
    let brand = Brand::new(Bounds { entries: 50, ..large() });
    beginning(&brand);
    let fill = |minute: u64, count: u64| {
        let instance = Journal::default();
        (0..count).for_each(|n| {
            let id = minute * 100_000 + n;
            append(&brand.store, &instance, at(minute), &text(id % 700 + 10, id, at(minute)));
        });
    };
    fill(1, 20_000);
    while brand.store.values().contains_key("redo:head") || brand.run(1).backlog.entries_so_far < 20_000 {}
    brand.damage(1, 2);
    assert_eq!(repairs(&brand.store, 1), Ok(()));
    fill(3, 20_000);
    let (mut folded, mut shares) = (0, Vec::new());
    for minute in 3..200 {
        let timer = Ticking(Cell::default());
        let report = rollup(&brand.store, &timer, &brand.bounds, at(minute), minute).now_or_never().unwrap().unwrap();
        assert!(timer.0.get() < LIMIT, "{:?}", timer.0);
        folded += report.entries;
        match state(&brand.store) {
            Some(Progress::Replays { streams: 0, .. }) | None => {
                assert_eq!(report.end, End::TimeUp, "there was a backlog");
            }
            Some(Progress::Replays { streams, .. }) => {
                assert_eq!((folded, report.end), (20_000, End::Done));
                // What the fold itself takes of a run that finds nothing new is little.
                let share = Duration::from_secs(if report.entries == 0 { 16 } else { 36 });
                assert!(timer.0.get() < share, "{:?}", timer.0);
                shares.push(streams);
            }
            over => {
                assert!(matches!(over, Some(Progress::Repaired { .. })), "{over:?}");
                assert!(shares.len() > 3, "{shares:?}");
                return;
            }
        }
    }
    panic!("{:?}", state(&brand.store));
}

#[test]
fn who_wants_no_pushes_wants_none_after_a_repair_that_does_not_reach_so_far() {
    let settings = Settings { keep_days: 1, ..reminding() };
    let brand = Brand::new(Bounds { settings, ..tiny() });
    beginning(&brand);
    let mut conversation = Conversation::default();
    conversation.choose(at(0), PushChoice::Stop);
    set(&brand.store, &conversation::key(&"fan-1".parse().unwrap()), &conversation.encode());
    for day in 0..4 {
        (1..13).for_each(|n| drop(brand.run(day * DAY + n)));
    }
    brand.damage(1, 4 * DAY);
    assert!(matches!(brand.repair(1, 4 * DAY + 1), Progress::Repaired { before: Reach::Lost, .. }));
    assert!(brand.fan(1).contains(&format!("opted_out: Some(Timestamp({}))", at(0))), "{}", brand.fan(1));
}
