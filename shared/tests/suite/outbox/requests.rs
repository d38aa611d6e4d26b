//! What the fold makes of requests: each once by its number, one with the order that names it, and nothing of a fan who is forgotten.

use super::world::{asks, request};
use crate::brand::{Brand, START, erase, openid, order, placed, reported, settings, text, unfollow};
use futures::FutureExt;
use guanxi::{
    facts::{
        Entry,
        dialog::Left,
        order::{OrderEvent, OrderKind},
        request::{Asked, Kind, list},
    },
    fold::{
        forget,
        requests::{self, Numbers, RequestDay, Requested},
    },
    report::{Ask, Cell, Days, Moment},
    store::{key::Stored as _, record::Records},
    time::{Timestamp, UtcOffset},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

const DAY: u64 = 86_400;

fn names(id: &str, kind: OrderKind, fan: &str, at: u64, number: Option<&str>) -> OrderEvent {
    OrderEvent { request: number.map(str::to_owned), ..order(id, kind, fan, at, 33_600) }
}

fn orders(brand: &Brand) -> Numbers {
    let days = brand.records.iter().filter(|(key, _)| key.starts_with("count:request:"));
    let mut sum = Numbers::default();
    for (_, bytes) in days {
        RequestDay::decode(bytes).unwrap().0.values().for_each(|numbers| sum.add(*numbers));
    }
    sum
}

fn listed(brand: &Brand) -> Vec<Option<String>> {
    brand.list::<Asked>(&list()).into_iter().map(|item| Some(item?.request.number)).collect()
}

#[test]
fn a_request_is_listed_once_however_often_its_message_comes_or_is_sent_again() {
    let first = request("o1", 0, Kind::Order);
    let Entry::Received(mut later) = text("o1", 2_000, "下单", Some("shop")) else { panic!("a text is received") };
    later.left = Left { requests: vec![first.clone()], ..Left::default() }.encode();
    let brand = Brand::of([asks("o1", 0), asks("o1", 0), Entry::Received(later), asks("o2", 5)]);
    assert_eq!(listed(&brand), [Some(first.number), Some(request("o2", 5, Kind::Order).number)]);
    assert_eq!(orders(&brand), Numbers { asked: 2, bought: 0, refused: 0 });
}

#[test]
fn a_request_and_the_order_that_names_it_are_one_whichever_comes_first() {
    let number = request("o1", 0, Kind::Order).number;
    let (one, other) = (Some(number.as_str()), Some("0000000000"));
    let story = [
        asks("o1", 0),
        asks("o1", 100),
        asks("o2", 10),
        reported(200, [names("A", OrderKind::Order, "o1", 200, one)]),
        reported(210, [names("A", OrderKind::Order, "o1", 200, one)]),
        reported(220, [names("B", OrderKind::Order, "o1", 210, one)]),
        reported(230, [names("B", OrderKind::Cancel, "o1", 230, None)]),
        reported(240, [names("C", OrderKind::Order, "o2", 230, other)]),
        reported(250, [names("D", OrderKind::Order, "o2", 230, None)]),
    ];
    let expected = Brand::of(story.clone());
    assert_eq!(orders(&expected), Numbers { asked: 3, bought: 1, refused: 0 });
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let counts = |brand: &Brand| -> Records {
        brand.records.iter().filter(|(key, _)| key.starts_with("count:")).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    for _ in 0..300 {
        let mut entries = placed(story.clone());
        entries.shuffle(&mut rng);
        let mut brand = Brand::default();
        for chunk in entries.chunks(2) {
            brand.fold(chunk);
        }
        assert_eq!(counts(&brand), counts(&expected));
        let known = Requested::decode(&brand.records[&*requests::key(&openid("o1"))]).unwrap();
        assert!(known.get(&number).unwrap().is_bought());
    }
    let mut cancelled = expected;
    cancelled.fold(&placed([reported(300, [names("A", OrderKind::Cancel, "o1", 300, None)])]));
    assert_eq!(orders(&cancelled).bought, 0, "no order is left that answers it");
}

#[test]
fn reports_and_the_timeline_show_what_was_bought_and_what_never_was() {
    let (bought, open) = (request("o1", 0, Kind::Order).number, request("o1", 100, Kind::Order).number);
    let brand = Brand::of([
        asks("o1", 0),
        asks("o1", 100),
        reported(200, [names("A", OrderKind::Order, "o1", 200, Some(&bought))]),
    ]);
    let made = guanxi::report::Brand { settings: settings(), ..Default::default() };
    let moment = Moment { now: Timestamp(START + 500), backlog: None };
    let ask = |ask: &Ask| {
        let keys = ask.keys(&made, moment);
        let found = keys.into_iter().filter_map(|key| Some((key.clone(), brand.records.get(&key)?.clone())));
        ask.answer(&made, moment, &found.collect()).unwrap()
    };
    let sheet = ask(&Ask::Requests(Days::until(moment.now, &made.settings, 7)));
    let day = UtcOffset::BEIJING.local(moment.now).day;
    let row = [Cell::Day(day), Cell::text("order"), Cell::Count(2), Cell::Count(1), Cell::Count(1)];
    assert_eq!((sheet.rows.len(), &sheet.rows[0][..5]), (1, &row[..]));
    let timeline = ask(&Ask::Fan(openid("o1")));
    let asked: Vec<_> =
        timeline.rows.iter().filter(|row| row[1] == Cell::text("asked for")).map(|row| row[2].clone()).collect();
    assert_eq!(asked, [Cell::Text(format!("order {bought}, bought")), Cell::Text(format!("order {open}"))]);
}

#[test]
fn nothing_of_a_fan_stays_who_is_forgotten_and_the_counts_do() {
    let number = request("o1", 0, Kind::Order).number;
    let mut brand = Brand::of([asks("o1", 0), asks("o2", 1), asks("o1", 2), erase("o1", 10)]);
    assert_eq!(listed(&brand), [None, Some(request("o2", 1, Kind::Order).number), None]);
    assert!(!brand.records.contains_key(&*requests::key(&openid("o1"))));
    brand.fold(&placed([reported(5, [names("A", OrderKind::Order, "o1", 5, Some(&number))])]));
    assert!(!brand.records.contains_key(&*requests::key(&openid("o1"))), "nor of what was before and comes late");
    assert_eq!(orders(&brand), Numbers { asked: 3, bought: 0, refused: 0 });
    // By time, as who has left.
    brand.fold(&placed([unfollow("o2", 20)]));
    for day in 20..40 {
        loop {
            let now = Timestamp(START + day * DAY);
            let writes = forget(&settings(), now, &brand.records).now_or_never().unwrap().unwrap();
            if writes.is_empty() {
                break;
            }
            for write in writes {
                match write.value {
                    Some(value) => drop(brand.records.insert(write.key, value)),
                    None => drop(brand.records.remove(&write.key)),
                }
            }
        }
        let stays = brand.records.contains_key(&*requests::key(&openid("o2")));
        assert!(stays || day > 30, "gone on day {day}");
    }
    assert!(!brand.records.contains_key(&*requests::key(&openid("o2"))));
    assert!(listed(&brand).iter().all(Option::is_none), "{:?}", listed(&brand));
}

#[test]
fn who_asks_too_often_is_counted_and_not_listed_until_time_has_passed() {
    let many = (0..70).map(|nth| asks("o1", nth));
    let mut brand = Brand::of(many);
    assert_eq!(orders(&brand), Numbers { asked: 64, bought: 0, refused: 6 });
    assert_eq!(listed(&brand).len(), 64);
    brand.fold(&placed([asks("o1", 16 * DAY)]));
    assert_eq!(orders(&brand), Numbers { asked: 65, bought: 0, refused: 6 });
}

#[test]
fn what_a_newer_program_left_is_not_passed_over() {
    let Entry::Received(mut received) = text("o1", 0, "下单", None) else { panic!("a text is received") };
    received.left = vec![99, 1, 2];
    let entries = placed([Entry::Received(received)]);
    let folded = guanxi::fold::fold(&settings(), &entries, &Records::new()).now_or_never().unwrap();
    assert!(folded.unwrap_err().to_string().contains("format 99"));
}
