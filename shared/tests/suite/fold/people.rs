//! Fans who are handed over to agents: each hand-over and each session counts once, and the first session is the answer.

use super::{
    brand::{Brand, START, erase, placed, push, settings, text},
    oracle::{When, received},
};
use guanxi::{
    facts::{
        Entry, Placed,
        dialog::Left,
        request::{Kind as Wish, Request, number},
    },
    fold::{
        counts::{PeopleDay, PeopleMetric, people_key},
        fan::Fan,
    },
    report::{self, Ask, Cell, DAYS_MAX, Days, Moment, Sheet},
    store::key::Stored as _,
    time::{Day, Timestamp, UtcOffset},
    wechat::{Event, Kind},
};
use std::collections::BTreeMap;

/// Day, hour of the day and metric.
pub(crate) type Counted = BTreeMap<(u64, u8, usize), i64>;

const METRICS: [PeopleMetric; 11] = [
    PeopleMetric::Asked,
    PeopleMetric::Within1,
    PeopleMetric::Within5,
    PeopleMetric::Within15,
    PeopleMetric::Within60,
    PeopleMetric::Later,
    PeopleMetric::Waited,
    PeopleMetric::Outside,
    PeopleMetric::Sessions,
    PeopleMetric::Closed,
    PeopleMetric::Switched,
];

/// A message whose answer hands the fan over.
pub(crate) fn handed_over(fan: &str, at: u64) -> Entry {
    left(text(fan, at, "人工", Some("agent")), Left { handed_over: true, ..Left::default() })
}

/// A message whose answer notes that the fan wants a person.
pub(crate) fn wants_person(fan: &str, at: u64) -> Entry {
    let request = Request {
        number: number(&format!("{fan} {at}"), "closed"),
        kind: Wish::Person,
        source: "closed".into(),
        at: Timestamp(START + at),
        answers: Vec::new(),
        lines: Vec::new(),
        text: "有人吗".into(),
        forget_days: None,
    };
    left(text(fan, at, "有人吗", Some("closed")), Left { requests: vec![request], ..Left::default() })
}

fn left(entry: Entry, left: Left) -> Entry {
    let Entry::Received(mut received) = entry else { panic!("a text is received") };
    received.left = left.encode();
    // One fan's message of a second has another number than another's.
    received.message.msg_id = Some(format!("5{}", received.message.create_time.0));
    Entry::Received(received)
}

pub(crate) fn begun(fan: &str, at: u64) -> Entry {
    Entry::Received(push(fan, at, Kind::Event(Event::KfCreateSession { kf_account: "a@gh_1".into() })))
}

pub(crate) fn closed(fan: &str, at: u64) -> Entry {
    let event = Event::KfCloseSession { kf_account: "a@gh_1".into(), close_type: None };
    Entry::Received(push(fan, at, Kind::Event(event)))
}

fn switched(fan: &str, at: u64) -> Entry {
    let event = Event::KfSwitchSession { from_kf_account: "a@gh_1".into(), to_kf_account: "b@gh_1".into() };
    Entry::Received(push(fan, at, Kind::Event(event)))
}

/// What was counted.
pub(crate) fn counted(brand: &Brand) -> Counted {
    let mut counted = Counted::new();
    for (key, bytes) in brand.records.iter().filter(|(key, _)| key.starts_with("count:people:")) {
        let day = key["count:people:".len()..].parse().unwrap();
        for (hour, numbers) in PeopleDay::decode(bytes).unwrap().0 {
            counted.extend(METRICS.map(|metric| ((day, hour, metric as usize), numbers.get(metric))));
        }
    }
    counted.retain(|_, count| *count != 0);
    counted
}

/// What the counts must be: each fan's story from its beginning.
pub(crate) fn counts(entries: &[Placed]) -> Counted {
    let mut stories: BTreeMap<String, BTreeMap<When, &Entry>> = BTreeMap::new();
    for (fan, when, entry) in received(entries) {
        stories.entry(fan).or_default().insert(when, entry);
    }
    let mut counted = Counted::new();
    let mut add = |at: Timestamp, metric: PeopleMetric, count: u64| {
        let local = UtcOffset::BEIJING.local(at);
        let place = (local.day.0, (local.minute / 60) as u8, metric as usize);
        *counted.entry(place).or_default() += count as i64;
    };
    for story in stories.values() {
        // When somebody was handed over whom nobody took up, and when somebody came whom nobody waited for.
        let (mut open, mut idle) = (Vec::new(), None);
        for ((at, ..), entry) in story {
            let Entry::Received(received) = entry else { continue };
            let said = Left::decode(&received.left).unwrap();
            if !said.requests.is_empty() {
                add(*at, PeopleMetric::Outside, 1);
            }
            let waits = |open: &Vec<Timestamp>| open.last().copied().filter(|since| at.0 - since.0 <= 172_800);
            match &received.message.kind {
                _ if said.handed_over && waits(&open).is_none() => {
                    add(*at, PeopleMetric::Asked, 1);
                    if idle == Some(*at) {
                        add(*at, PeopleMetric::Within1, 1);
                        (open, idle) = (Vec::new(), None);
                    } else {
                        open.push(*at);
                    }
                }
                Kind::Event(Event::KfCreateSession { .. }) => {
                    add(*at, PeopleMetric::Sessions, 1);
                    match waits(&open) {
                        None => idle = Some(*at),
                        Some(since) => {
                            let class = match at.0 - since.0 {
                                0..=60 => PeopleMetric::Within1,
                                61..=300 => PeopleMetric::Within5,
                                301..=900 => PeopleMetric::Within15,
                                901..=3_600 => PeopleMetric::Within60,
                                _ => PeopleMetric::Later,
                            };
                            add(since, class, 1);
                            add(since, PeopleMetric::Waited, at.0 - since.0);
                        }
                    }
                    open.clear();
                }
                Kind::Event(Event::KfCloseSession { .. }) => add(*at, PeopleMetric::Closed, 1),
                Kind::Event(Event::KfSwitchSession { .. }) => add(*at, PeopleMetric::Switched, 1),
                _ => {}
            }
        }
    }
    counted.retain(|_, count| *count != 0);
    counted
}

/// One number over all hours.
fn sum(brand: &Brand, metric: PeopleMetric) -> i64 {
    counted(brand).iter().filter(|((.., place), _)| *place == metric as usize).map(|(_, count)| count).sum()
}

#[test]
fn the_first_session_after_a_hand_over_is_the_answer_to_it_and_no_other_is() {
    let hour = 3_600;
    for (story, asked, taken, in_time) in [
        (vec![handed_over("o1", 0), begun("o1", 60), closed("o1", 90)], 1, 1, 1),
        (vec![handed_over("o1", 0), begun("o1", 901)], 1, 1, 0),
        // Who asks again while waiting asks for the same.
        (vec![handed_over("o1", 0), handed_over("o1", 600), begun("o1", 1_000)], 1, 1, 0),
        // Once somebody came, another question is another one.
        (
            vec![handed_over("o1", 0), begun("o1", 10), closed("o1", 20), handed_over("o1", 30), begun("o1", 40)],
            2,
            2,
            2,
        ),
        // A second session without a second question.
        (vec![handed_over("o1", 0), begun("o1", 10), begun("o1", 20)], 1, 1, 1),
        // Nobody asked.
        (vec![begun("o1", 10), switched("o1", 20)], 0, 0, 0),
        // Somebody else did.
        (vec![handed_over("o1", 0), begun("o2", 10)], 1, 0, 0),
        // Told in the wrong order of one second.
        (vec![begun("o1", 10), handed_over("o1", 10)], 1, 1, 1),
        (vec![begun("o1", 9), handed_over("o1", 10)], 1, 0, 0),
        // Too late to be an answer, and a new question.
        (vec![handed_over("o1", 0), begun("o1", 48 * hour + 1)], 1, 0, 0),
        (vec![handed_over("o1", 0), begun("o1", 48 * hour)], 1, 1, 0),
        (vec![handed_over("o1", 0), handed_over("o1", 48 * hour + 1)], 2, 0, 0),
    ] {
        let brand = Brand::of(story.clone());
        let taken_of = |metrics: &[PeopleMetric]| metrics.iter().map(|metric| sum(&brand, *metric)).sum::<i64>();
        let found = (sum(&brand, PeopleMetric::Asked), taken_of(&METRICS[1..6]), taken_of(&METRICS[1..4]));
        assert_eq!(found, (asked, taken, in_time), "{story:?}");
        assert_eq!(counted(&brand), counts(&placed(story.clone())), "{story:?}");
    }
}

#[test]
fn what_is_told_twice_counts_once() {
    let story = || [handed_over("o1", 0), begun("o1", 60), closed("o1", 90), wants_person("o2", 5)];
    let twice = Brand::of(story().into_iter().chain(story()));
    assert_eq!(counted(&twice), counted(&Brand::of(story())));
    assert_eq!((sum(&twice, PeopleMetric::Sessions), sum(&twice, PeopleMetric::Outside)), (1, 1));
}

#[test]
fn what_came_of_a_hand_over_counts_for_the_hour_in_which_it_was_asked_for() {
    // 10:59:59 and 11:20 in Beijing, a Monday.
    let brand = Brand::of([handed_over("o1", 3_599), begun("o1", 4_800)]);
    let day = UtcOffset::BEIJING.local(Timestamp(START)).day.0;
    let counted = counted(&brand);
    assert_eq!(counted[&(day, 10, PeopleMetric::Within60 as usize)], 1);
    assert_eq!(counted[&(day, 10, PeopleMetric::Waited as usize)], 1_201);
    assert_eq!(counted[&(day, 11, PeopleMetric::Sessions as usize)], 1);
}

#[test]
fn a_fan_who_is_forgotten_waits_for_nobody_and_what_was_counted_stays() {
    let brand = Brand::of([handed_over("o1", 0), erase("o1", 5), begun("o1", 10)]);
    assert_eq!((sum(&brand, PeopleMetric::Asked), sum(&brand, PeopleMetric::Within1)), (1, 0));
    let begun_only = sum(&brand, PeopleMetric::Sessions);
    assert_eq!(begun_only, 1);
}

#[test]
fn a_fan_still_waits_after_the_hand_over_is_no_recent_event_any_more() {
    let mut brand = Brand::of([handed_over("o1", 0), text("o1", 7_200, "?", None)]);
    let fan = Fan::decode(&brand.records["fan:o1"]).unwrap();
    assert_eq!(Fan::decode(&fan.encode()), Ok(fan));
    brand.fold(&placed([begun("o1", 7_300)]));
    assert_eq!((sum(&brand, PeopleMetric::Later), sum(&brand, PeopleMetric::Waited)), (1, 7_300));
}

fn reported(brand: &Brand) -> Sheet {
    let about = report::Brand { settings: settings(), ..report::Brand::default() };
    let first = UtcOffset::BEIJING.local(Timestamp(START)).day;
    let ask = Ask::People(Days::new(first, Day(first.0 + 7), DAYS_MAX).unwrap());
    let moment = Moment { now: Timestamp(START + 8 * 86_400), backlog: None };
    ask.answer(&about, moment, &brand.records).unwrap()
}

#[test]
fn the_report_has_a_row_per_hour_of_a_weekday_and_one_of_all() {
    let day = 86_400;
    let brand = Brand::of([
        // Mondays at 10 of two weeks, and a Tuesday at 11.
        handed_over("o1", 0),
        begun("o1", 40),
        closed("o1", 700),
        handed_over("o2", 100),
        handed_over("o3", 7 * day),
        begun("o3", 7 * day + 1_000),
        switched("o3", 7 * day + 1_100),
        wants_person("o4", day + 3_600),
    ]);
    let sheet = reported(&brand);
    let row = |weekday: &str, hour, rest: [Cell; 10]| [vec![Cell::text(weekday), hour], rest.to_vec()].concat();
    let count = Cell::Count;
    // Two of three came: after 40 s and after 1,000 s, so 520 s on average.
    let monday =
        [count(3), count(2), count(1), Cell::Share(1, 3), count(1), count(9), count(0), count(2), count(1), count(1)];
    let tuesday = [
        count(0),
        count(0),
        count(0),
        Cell::Share(0, 0),
        Cell::Empty,
        Cell::Empty,
        count(1),
        count(0),
        count(0),
        count(0),
    ];
    let all =
        [count(3), count(2), count(1), Cell::Share(1, 3), count(1), count(9), count(1), count(2), count(1), count(1)];
    let expected = [row("Mon", count(10), monday), row("Tue", count(11), tuesday), row("(all)", Cell::Empty, all)];
    assert_eq!(sheet.rows, expected);
    assert!(reported(&Brand::default()).rows.is_empty());
    // A day that cannot be read is left out and named.
    let mut damaged = brand.clone();
    let key = people_key(UtcOffset::BEIJING.local(Timestamp(START)).day);
    damaged.records.insert(key.to_string(), vec![1]);
    let rows = reported(&damaged).rows;
    assert_eq!(rows.last().and_then(|row| Sheet::missing(row)), Some(&*key));
    assert_eq!(rows[0][2], count(1), "the other Monday");
}

#[test]
fn half_of_all_waits_are_over_in_the_class_that_the_median_names() {
    for (waits, median) in [
        (&[60, 61][..], Cell::Count(1)),
        (&[60, 61, 62], Cell::Count(5)),
        (&[901, 3_600, 7_200], Cell::Count(60)),
        (&[1, 3_601, 3_602], Cell::text("> 60")),
    ] {
        let of = |(fan, wait): (usize, &u64)| [handed_over(&format!("o{fan}"), 0), begun(&format!("o{fan}"), *wait)];
        let brand = Brand::of(waits.iter().enumerate().flat_map(of));
        assert_eq!(reported(&brand).rows.last().unwrap()[6], median, "{waits:?}");
    }
}
