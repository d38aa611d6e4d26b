//! One history at a time.

use super::brand::{
    Brand, START, chooses, click, erase, finished, follow, news, openid, order, placed, push, reported, scan, settings,
    text, told, unfollow, welcomed,
};
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::{
    conversation::Conversation,
    facts::{
        Entry, FanStatus, PushChoice,
        order::OrderKind,
        push::{Group, News, Series, Skip, What},
    },
    fold::{
        counts::{
            CLICKS_MAX, DIRECT, Metric, OTHER, PushDay, PushMetric, Questions, RULES_A_DAY_MAX, SCENES_MAX, SERIES_MAX,
            cohort_key, week_of,
        },
        fan::{Fan, follows},
        fold, forget,
    },
    playbook::{Scan, ScanEvent},
    store::{
        format::RecordError,
        record::{FoldError, Records},
    },
    time::{Timestamp, UtcOffset},
    wechat::{Event, Kind},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DAY: u64 = 86_400;

#[test]
fn a_fan_who_leaves_is_lost_to_the_channel_that_brought_them_last() {
    let brand =
        Brand::of([follow("o1", 0, "bag"), unfollow("o1", 60), follow("o1", DAY, "poster"), unfollow("o1", 2 * DAY)]);
    assert_eq!(brand.day(0, "bag", Metric::New), 1);
    assert_eq!(brand.day(0, "bag", Metric::Lost), 1);
    assert_eq!(brand.day(1, "poster", Metric::Returning), 1);
    assert_eq!(brand.day(2, "poster", Metric::Lost), 1);
    assert_eq!(brand.day(1, "poster", Metric::Left), 1, "booked where the follow began");
    assert_eq!(brand.state("o1").follows().count(), 2);
}

#[test]
fn a_fan_from_before_our_time_is_known_once_they_act_and_lost_without_ever_being_new() {
    let brand = Brand::of([text("o1", 0, "hi", None), unfollow("o1", 60), unfollow("o2", 60)]);
    assert_eq!(brand.count(DIRECT, Metric::New), 0);
    assert_eq!(brand.count(DIRECT, Metric::Lost), 2);
    assert_eq!(brand.state("o1").known_since, Some(Timestamp(START)));
}

#[test]
fn the_thousand_and_first_unknown_scene_counts_as_other() {
    let scans = (0..=SCENES_MAX as u64).map(|n| scan("o1", n * 2_000, &format!("scene_{n}")));
    let brand = Brand::of(scans.chain([scan("o1", 9, "bag"), scan("o1", 10, "(direct)")]));
    assert_eq!(brand.count("scene_0", Metric::Scans), 1);
    assert_eq!(brand.count(&format!("scene_{}", SCENES_MAX - 1), Metric::Scans), 1);
    assert_eq!(brand.count(OTHER, Metric::Scans), 2, "the last one, and one that names itself like ours");
    assert_eq!(brand.count("bag", Metric::Scans), 1, "the playbook's always have room");
    assert_eq!(brand.counts("count:d:").1.total.get(Metric::Scans), SCENES_MAX as i64 + 3);
}

#[test]
fn revenue_belongs_to_the_first_and_to_the_last_touch_within_the_window() {
    let day = |n: u64| n * DAY;
    let brand = Brand::of([
        follow("o1", 0, "bag"),
        scan("o1", day(20), "poster"),
        reported(day(25), [order("a", OrderKind::Order, "o1", day(25), 100)]),
        reported(day(40), [order("b", OrderKind::Order, "o1", day(40), 1_000)]),
        reported(day(90), [order("c", OrderKind::Order, "o1", day(90), 10_000)]),
    ]);
    assert_eq!(brand.count("bag", Metric::RevenueFirst), 100);
    assert_eq!(brand.count("poster", Metric::RevenueFirst), 1_000);
    assert_eq!(brand.count("poster", Metric::RevenueLast), 1_100);
    assert_eq!(brand.count(DIRECT, Metric::RevenueFirst), 10_000);
    assert_eq!(brand.count("bag", Metric::Bought), 1);
    assert_eq!(brand.count("bag", Metric::BoughtAgain), 1);
    assert_eq!(brand.day(0, "bag", Metric::Bought), 1, "booked where the follow was");
    let food = &brand.state("o1").products["food"];
    assert_eq!((food.count, food.amount), (3, 11_100));
    assert_eq!(food.intervals().map(|(_, seconds)| seconds).collect::<Vec<_>>(), [day(15), day(50)]);
}

#[test]
fn who_was_welcomed_and_used_the_menu_is_counted_once_where_the_first_follow_was() {
    let mut brand = Brand::of([
        welcomed("o1", 0, "bag"),
        click("o1", DAY),
        click("o1", 2 * DAY),
        follow("o2", 10, "bag"),
        unfollow("o2", 20),
        welcomed("o2", 30, "poster"),
        click("o3", 5),
        unfollow("o3", 6),
        welcomed("o3", 7, "bag"),
        welcomed("o4", 8, "bag"),
    ]);
    let count = |brand: &Brand, channel: &str| {
        [Metric::New, Metric::Welcomed, Metric::UsedMenu].map(|metric| brand.count(channel, metric))
    };
    assert_eq!((count(&brand, "bag"), count(&brand, "poster")), ([3, 2, 1], [0, 0, 0]), "o3 was no stranger");
    assert_eq!(brand.day(0, "bag", Metric::UsedMenu), 1, "booked where the follow was");
    // Forgotten, and still not counted twice; what is known no more counts no more.
    brand.fold(&placed([erase("o1", 3 * DAY), erase("o4", 3 * DAY)]));
    brand.fold(&placed([click("o1", 4 * DAY), click("o4", 4 * DAY)]));
    brand.fold(&placed([unfollow("o1", 5 * DAY), welcomed("o1", 6 * DAY, "bag"), click("o1", 7 * DAY)]));
    assert_eq!(count(&brand, "bag"), [3, 2, 1]);
}

#[test]
fn a_refund_and_a_cancellation_end_right_before_the_order_and_after_it() {
    let events = [
        reported(0, [order("a", OrderKind::Order, "o1", 0, 500)]),
        reported(DAY, [order("a", OrderKind::Refund, "o1", DAY, 200)]),
        reported(2 * DAY, [order("b", OrderKind::Order, "o1", 2 * DAY, 900)]),
        reported(3 * DAY, [order("b", OrderKind::Cancel, "o1", 3 * DAY, 0)]),
    ];
    let there = Brand::of(events.clone());
    let back = Brand::of(events.into_iter().rev());
    for brand in [&there, &back] {
        assert_eq!(brand.count(DIRECT, Metric::RevenueFirst), 300);
        assert_eq!(brand.count(DIRECT, Metric::Refunded), 200);
        assert_eq!(brand.count(DIRECT, Metric::Orders), 1);
        assert_eq!(brand.count(DIRECT, Metric::Buyers), 1);
        assert_eq!(brand.count(DIRECT, Metric::Repurchases), 0);
        assert_eq!(brand.state("o1").products["food"].count, 1);
    }
}

#[test]
fn an_order_with_a_unionid_only_waits_until_its_fan_is_known() {
    let mut waiting = order("a", OrderKind::Order, "o1", 60, 500);
    (waiting.openid, waiting.unionid) = (None, Some("union".into()));
    let mut linking = order("b", OrderKind::Order, "o1", 2 * DAY, 100);
    linking.unionid = Some("union".into());
    let mut brand =
        Brand::of([follow("o1", 0, "bag"), reported(60, [waiting.clone()]), reported(DAY, [waiting.clone()])]);
    assert_eq!(brand.count("bag", Metric::Orders), 0);
    brand.fold(&placed([reported(2 * DAY, [linking])]));
    assert_eq!(brand.count("bag", Metric::Orders), 2);
    assert_eq!(brand.day(0, "bag", Metric::RevenueFirst), 500, "at the time of the order");
    assert!(!brand.records.keys().any(|key| key.starts_with("order:wait:")));
    let before = brand.clone();
    brand.fold(&placed([reported(3 * DAY, [waiting])]));
    assert_eq!(brand, before);
}

#[test]
fn a_question_shows_no_digits_and_counts_its_fans() {
    let asks = ["电话 13800138000", "电话13900139000", "电话１３８００１３８０００"];
    let asked = asks.iter().zip(["o1", "o2", "o3"]).map(|(asks, fan)| text(fan, 0, asks, None));
    let brand = Brand::of(asked.chain([text("o1", 5, "只问一次", None), text("o1", 6, "答了", Some("rule"))]));
    let Questions(questions) = postcard::from_bytes(&brand.records[&*Questions::key()][1..]).unwrap();
    assert_eq!(questions.keys().collect::<Vec<_>>(), ["只问一次", "电话•••••••••••"]);
    assert!(questions["电话•••••••••••"].is_shown());
    assert!(!questions["只问一次"].is_shown());
    assert_eq!(brand.counts("count:d:").1.unanswered, 4);
}

#[test]
fn a_cohort_knows_who_stayed() {
    let week = 7 * DAY;
    let brand = Brand::of([
        follow("o1", 0, "bag"),
        follow("o2", 60, "bag"),
        unfollow("o1", week),
        reported(week, [order("a", OrderKind::Order, "o2", week, 100)]),
        follow("o1", 3 * week, ""),
    ]);
    let number = week_of(Timestamp(START), UtcOffset::BEIJING);
    let pages = (0..16).filter_map(|page| brand.records.get(&*cohort_key(number, page)));
    let pages: Vec<guanxi::fold::counts::CohortPage> =
        pages.map(|page| postcard::from_bytes(&page[1..]).unwrap()).collect();
    let cohort = &pages[0].0["bag"];
    assert_eq!((0..5).map(|weeks| cohort.follow_after(weeks)).collect::<Vec<_>>(), [2, 1, 1, 2, 2]);
    assert_eq!((cohort.joined, cohort.bought.as_slice()), (2, [0, 1].as_slice()));
}

#[test]
fn an_erasure_leaves_the_counts_and_nothing_of_the_person() {
    let history = [
        follow("o1", 0, "bag"),
        scan("o1", 30, "poster"),
        reported(60, [order("a", OrderKind::Order, "o1", 60, 100)]),
        text("o1", 90, "hi", None),
    ];
    let mut brand = Brand::of(history.clone());
    let before = brand.counts("count:d:");
    brand.fold(&placed([erase("o1", 120)]));
    assert_eq!(brand.counts("count:d:"), before);
    let state = brand.state("o1");
    assert!(state.touches.is_empty() && state.products.is_empty() && state.last_message.is_none());
    assert!(!brand.records["fan:o1"].windows(6).any(|bytes| bytes == b"poster"));
    let erased = brand.clone();
    brand.fold(&placed(history));
    assert_eq!(brand, erased, "copies that come after it are copies still");
    brand.fold(&placed([unfollow("o1", DAY), follow("o1", 2 * DAY, "bag")]));
    assert_eq!(brand.count("bag", Metric::Lost), 1);
    assert_eq!((brand.count("bag", Metric::New), brand.count("bag", Metric::Returning)), (1, 1), "nobody is new twice");
}

/// Works off the lists of those who left, as rollup would, and gives the number of rounds.
pub(crate) fn work_off(brand: &mut Brand, now: u64) -> usize {
    let (settings, now) = (settings(), Timestamp(START + now));
    for round in 0..5_000 {
        let writes = forget(&settings, now, &brand.records).now_or_never().unwrap().unwrap();
        if writes.is_empty() {
            return round;
        }
        for write in writes {
            match write.value {
                Some(value) => drop(brand.records.insert(write.key, value)),
                None => drop(brand.records.remove(&write.key)),
            }
        }
    }
    panic!("never ends");
}

#[test]
fn who_unfollowed_is_forgotten_after_the_playbooks_days_unless_they_came_back() {
    let mut brand = Brand::of([
        follow("o1", 0, "bag"),
        follow("o2", 0, "bag"),
        follow("o3", 0, "bag"),
        unfollow("o1", DAY),
        unfollow("o2", DAY),
        follow("o2", 2 * DAY, "bag"),
    ]);
    let counts = brand.counts("count:d:");
    work_off(&mut brand, 31 * DAY);
    assert!(brand.records.contains_key("fan:o1"), "not before the day is over");
    assert!(work_off(&mut brand, 33 * DAY) > 0);
    assert!(!brand.records.contains_key("fan:o1"));
    assert!(brand.records.contains_key("fan:o2") && brand.records.contains_key("fan:o3"));
    assert_eq!(brand.counts("count:d:"), counts);
    assert_eq!(work_off(&mut brand, 33 * DAY), 0, "done is done");
    assert!(!brand.records.keys().any(|key| key.starts_with("fan:forget:")));
}

/// A fan of whom there is everything that can be, and what callback keeps of the fan.
fn known_to_everybody(fan: &str) -> Brand {
    let linked = |id, union: &str, at| {
        let mut order = order(id, OrderKind::Order, fan, at, 100);
        order.unionid = Some(union.into());
        order
    };
    let mut brand = Brand::of([
        follow(fan, 0, "bag"),
        scan(fan, 30, "poster"),
        text(fan, 40, "what nobody answers", None),
        Entry::Received(push(fan, 50, Kind::Event(Event::Click { event_key: "menu".into() }))),
        reported(60, [linked("a", "u1", 60)]),
        reported(70, [linked("b", "u2", 70)]),
        told([news(fan, "p1", 80, What::Planned)]),
        told([news(fan, "p1", 90, What::Sent(Some("7".into())))]),
        finished(fan, 100, "7", "success"),
        told([news(fan, "p2", 110, What::Skipped(Skip::Capped))]),
        chooses(fan, 120, PushChoice::Stop),
    ]);
    let mut conversation = Conversation::default();
    conversation.choose(Timestamp(START + 120), PushChoice::Stop);
    brand.records.insert(guanxi::conversation::key(&openid(fan)).into(), conversation.encode());
    brand
}

/// The keys of all records that name a fan in key or value.
fn naming<'a>(brand: &'a Brand, fan: &str) -> Vec<&'a str> {
    let names = |bytes: &[u8]| bytes.windows(fan.len()).any(|part| part == fan.as_bytes());
    let records = brand.records.iter().filter(|(key, value)| names(key.as_bytes()) || names(value));
    records.map(|(key, _)| key.as_str()).collect()
}

#[test]
fn an_erasure_leaves_a_name_only_where_it_is_needed_and_only_so_long() {
    let mut brand = known_to_everybody("oErased");
    assert!(naming(&brand, "oErased").len() > 5, "is this blind? {:?}", naming(&brand, "oErased"));
    brand.fold(&placed([erase("oErased", 200)]));
    let left = naming(&brand, "oErased");
    // That the fan follows and wants no pushes; that the fan's ledger must go; the day on which the rest is forgotten.
    let expected = ["fan:forget:", "fan:oErased", "outcome:list:0"];
    assert!(left.len() == 3 && left.iter().zip(expected).all(|(key, start)| key.starts_with(start)), "{left:?}");
    assert!(brand.state("oErased").opted_out.is_some());
    work_off(&mut brand, 9 * DAY);
    assert_eq!(naming(&brand, "oErased").len(), 2, "{:?}", naming(&brand, "oErased"));
    brand.fold(&placed([unfollow("oErased", 10 * DAY)]));
    work_off(&mut brand, 42 * DAY);
    work_off(&mut brand, 51 * DAY);
    assert_eq!(naming(&brand, "oErased"), [""; 0]);
}

#[test]
fn a_fan_who_unfollowed_is_named_nowhere_when_the_time_is_over() {
    let mut brand = known_to_everybody("oGone");
    brand.fold(&placed([unfollow("oGone", DAY)]));
    work_off(&mut brand, 31 * DAY);
    assert!(brand.records.contains_key("conversation:oGone"), "not before the day is over");
    work_off(&mut brand, 33 * DAY);
    assert_eq!(naming(&brand, "oGone"), ["outcome:list:0"], "so that push forgets the fan's ledger");
    work_off(&mut brand, 42 * DAY);
    assert_eq!(naming(&brand, "oGone"), [""; 0]);
}

#[test]
fn what_a_fan_decided_after_the_wish_to_be_forgotten_stays() {
    let mut brand = known_to_everybody("o1");
    brand.fold(&placed([erase("o1", 119)]));
    let kept = Conversation::decode(&brand.records["conversation:o1"]).unwrap();
    assert_eq!(kept.pushes, Some((Timestamp(START + 120), PushChoice::Stop)));
}

#[test]
fn orders_that_nobody_comes_for_are_forgotten_too() {
    let waits = |id: &str, union: &str, at| {
        let mut order = order(id, OrderKind::Order, "o1", at, 500);
        (order.openid, order.unionid) = (None, Some(union.into()));
        reported(at, [order])
    };
    let waiting = |brand: &Brand| brand.records.keys().filter(|key| key.starts_with("order:wait:")).count();
    let mut brand = Brand::of([waits("a", "u1", 0), waits("b", "u2", 0), waits("c", "u2", 20 * DAY)]);
    assert_eq!(waiting(&brand), 2);
    work_off(&mut brand, 30 * DAY);
    assert_eq!(waiting(&brand), 2, "not before the day is over");
    work_off(&mut brand, 33 * DAY);
    assert_eq!(waiting(&brand), 1, "one of them has a newer order");
    let mut linking = order("d", OrderKind::Order, "o1", 34 * DAY, 100);
    linking.unionid = Some("u2".into());
    let mut linked = brand.clone();
    linked.fold(&placed([reported(34 * DAY, [linking])]));
    assert_eq!(linked.state("o1").products["food"].count, 2, "the newer one and this");
    work_off(&mut brand, 53 * DAY);
    assert_eq!(waiting(&brand), 0);
    assert!(!brand.records.keys().any(|key| key.starts_with("fan:forget:")));
}

#[test]
fn a_record_that_cannot_be_read_stops_the_fold_and_is_not_overwritten() {
    let brand = Brand::of([follow("o1", 0, "bag")]);
    let entries = placed([unfollow("o1", 60)]);
    let good = &brand.records["fan:o1"];
    let newer: Vec<u8> = [&[99], &good[1..]].concat();
    let cut = good[..good.len() - 1].to_vec();
    let long: Vec<u8> = [good.as_slice(), &[0]].concat();
    let damaged = || FoldError::Damaged { key: "fan:o1".into() };
    for (bytes, error) in [
        (newer, FoldError::Newer { key: "fan:o1".into(), format: 99 }),
        (cut, damaged()),
        (long, damaged()),
        (vec![], damaged()),
    ] {
        let loaded = Records::from([("fan:o1".to_owned(), bytes)]);
        assert_eq!(fold(&settings(), &entries, &loaded).now_or_never().unwrap(), Err(error));
    }
}

#[test]
fn a_fan_with_everything_at_its_limit_stays_below_300_kilobytes() {
    let lines = |n: u64| {
        let line = |l: u64| guanxi::facts::order::Line {
            product: format!("{:064}", n * 40 + l),
            quantity: u32::MAX,
            amount: i64::MAX / 200,
        };
        (0..40).map(line).collect::<Vec<_>>()
    };
    let orders = (0..90).map(|n| {
        let both = [OrderKind::Order, OrderKind::Refund].map(|kind| {
            let mut order = order(&format!("{n}"), kind, "o1", n, 0);
            order.lines = lines(n);
            if kind == OrderKind::Refund {
                order.lines.iter_mut().for_each(|line| line.amount /= 2);
            }
            order
        });
        reported(n, both)
    });
    let pushes = (0..20).map(|n| {
        let mut push = news("o1", &format!("{n}"), n, What::Sent(Some(format!("{n}"))));
        push.series = Series::Reminder(format!("{n:064}"));
        told([push])
    });
    let events = (0..40).map(|n| finished("o1", n, &format!("{n}"), "success"));
    let scans = (0..200).map(|n| scan("o1", 100 + n % 3, &format!("{n}{}", "猫".repeat(60))));
    let late = (0..70).map(|n| order(&format!("late {n}"), OrderKind::Order, "o1", 200 + n, 0)).map(|mut order| {
        order.lines = lines(7);
        reported(200, [order])
    });
    let brand = Brand::of(orders.chain(scans).chain(pushes).chain(events).chain(late));
    // Places on the lists of 64 products' reminders: a name and four numbers each.
    let size = brand.records["fan:o1"].len() + 64 * 85;
    assert!((200_000..300_000).contains(&size), "{size}");
    assert_eq!(openid("o1").as_str(), "o1");
}

#[test]
fn no_count_grows_over_300_kilobytes_and_totals_stay_right() {
    let name = |n: u64| format!("{n:04}{}", "猫".repeat(70));
    let mut entries = Vec::new();
    for n in 0..1_100 {
        entries.push(text("o1", n, &name(n), Some(&name(n))));
        entries.push(text("o2", n, &name(n), None));
        entries.push(scan("o1", n, &name(n)));
        let click = Event::Click { event_key: name(n) };
        entries.push(Entry::Received(push("o3", n, Kind::Event(click))));
    }
    let brand = Brand::of(entries);
    let (key, size) =
        brand.records.iter().map(|(key, bytes)| (key, bytes.len())).max_by_key(|(_, size)| *size).unwrap();
    assert!(size < 300_000, "{key} has {size}");
    let series = |n: u64| {
        let mut push = news("o4", &name(n), n, What::Skipped(Skip::Capped));
        push.series = Series::Reminder(format!("{n:064}"));
        (push.outcome_days, push.group) = (0, Some(Group::Treated));
        [push.clone(), News { what: What::Refused(1), ..push }]
    };
    let pushes = Brand::of((0..2_000).map(|n| told(series(n))));
    let (key, bytes) = pushes.records.iter().find(|(key, _)| key.starts_with("count:push:")).unwrap();
    let PushDay(day) = postcard::from_bytes(&bytes[1..]).unwrap();
    // Counts of a million in each of the 23 numbers: three bytes more each.
    let size = bytes.len() + day.len() * 23 * 3;
    assert!(size < 300_000 && day.len() == SERIES_MAX + 1, "{key} has {size}");
    assert_eq!(day.values().map(|numbers| numbers.get(PushMetric::Refused)).sum::<i64>(), 2_000);
    let general = brand.counts("count:d:").1;
    assert!(general.rules.len() <= RULES_A_DAY_MAX + 1 && general.clicks.len() <= CLICKS_MAX + 1);
    assert!(general.rules.contains_key(OTHER) && general.clicks.contains_key(OTHER));
    assert_eq!((general.rules.values().sum::<i64>(), general.clicks.values().sum::<i64>()), (1_100, 1_100));
    assert_eq!((general.unanswered, general.total.get(Metric::Scans)), (1_100, 1_100));
}

#[test]
fn a_fan_whose_record_cannot_be_read_is_no_stranger() {
    let scan = Scan { event: ScanEvent::Subscribe, event_key: String::new(), create_time: Timestamp(START + 30 * DAY) };
    let newer = [u8::MAX, 1, 2, 3];
    let known = Brand::of([follow("o1", 0, "")]).records["fan:o1"].clone();
    for (record, error, fan) in [
        (None, None, FanStatus::New),
        (Some(known), None, FanStatus::Returning),
        (Some(newer.to_vec()), Some(RecordError::Newer(u8::MAX)), FanStatus::Returning),
        (Some(vec![1, 0xFF]), Some(RecordError::Damaged), FanStatus::Returning),
        (Some(Vec::new()), Some(RecordError::Damaged), FanStatus::Returning),
    ] {
        let (follows, unreadable) = follows(record.as_deref());
        assert_eq!(unreadable, error);
        assert_eq!(scan.touch(&follows).unwrap().fan, fan, "{error:?}");
    }
}

/// A fan's record in format 1, in hex, as Guanxi wrote it of the history below.
const FORMAT_1: &str = concat!(
    "0101a0de93cd0601a0de93cd0603626167010101a0de93cd06036261670001a0de93cd060362616701a0de93cd060362",
    "616701bede93cd06000001a0de93cd06a2a00101036261670000000000000b000000000000000000000201b78f576611",
    "ec06f96af3ca654c22172a0004666f6f649cf093cd060e0100000000010000000000000003f0ed93cd06000102007b5f",
    "e238ab8d606398ed18df1746b56a01000506706f73746572d4ee93cd0600010300fa69b894babb9c2865cea88ef57913",
    "ae0100030106706f73746572b8ef93cd0600010400c46927e6880989fe0a079f7b2828260b000786f7e437faa5a7fce1",
    "5d1ddcb9eaeaea000186ef93cd061e0104666f6f6401c8010103636174000001000104666f6f64b3a0010086ef93cd06",
    "86abfdcd06",
);

#[test]
fn a_fans_record_of_format_1_says_what_it_said() {
    let mut brand = Brand::of([
        follow("o1", 0, "bag"),
        text("o1", 30, "hi", Some("food")),
        scan("o1", 2_000, "poster"),
        follow("o1", 2_100, "poster"),
        reported(2_200, [order("a", OrderKind::Order, "o1", 2_150, 100)]),
    ]);
    brand.fold(&placed([told([news("o1", "p1", 2_300, What::Sent(None))])]));
    let digits = FORMAT_1.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    assert_eq!(bytes[0], 1);
    let fan = Fan::decode(&bytes).unwrap();
    assert_eq!(fan.clone().unlisted(), Fan::decode(&brand.records["fan:o1"]).unwrap().unlisted());
    assert_eq!(fan.encode()[0], 3);
    // It goes on from there.
    brand.records.insert("fan:o1".into(), bytes);
    brand.fold(&placed([click("o1", DAY)]));
    assert_eq!(brand.count("bag", Metric::UsedMenu), 1);
    assert_eq!(Fan::decode(&[4, 0]), Err(RecordError::Newer(4)));
}
