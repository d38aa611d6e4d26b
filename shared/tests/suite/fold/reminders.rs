//! Who is listed, and for which day.

use super::{
    brand::{Brand, START, day_of, erase, follow, news, order, placed, reported, text, told, unfollow},
    histories::work_off,
};
use guanxi::{
    facts::{
        Entry,
        order::{Line, OrderEvent, OrderKind},
        push::{self, Outcome, What},
    },
    fold::DUE_DAYS,
    store::{key::Key, list::Length},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DAY: u64 = 86_400;

fn bought(id: &str, at: u64, quantity: u32) -> Entry {
    reported(at, [food(id, OrderKind::Order, at, quantity, 1_000)])
}

fn food(id: &str, kind: OrderKind, at: u64, quantity: u32, amount: i64) -> OrderEvent {
    let lines = vec![Line { product: "food".into(), quantity, amount }];
    OrderEvent { lines, ..order(id, kind, "o1", at, 0) }
}

/// Every item that is not void: its day, counted from that of `START`, and the day of the purchase that it is about.
fn due(brand: &Brand) -> Vec<(u64, u64)> {
    let lists = brand.records.keys().filter_map(|key| key.strip_prefix("due:")?.strip_suffix(":head")?.parse().ok());
    let items = lists.flat_map(|day: u64| brand.list(&push::due(day)).into_iter().flatten().map(move |due| (day, due)));
    let mut due: Vec<_> = items.map(|(day, due)| (day - day_of(0), (due.basis.0 - START) / DAY)).collect();
    due.sort_unstable();
    due
}

#[test]
fn a_purchase_is_due_before_it_runs_out_and_a_new_one_moves_the_day() {
    let mut brand = Brand::of([follow("o1", 0, "bag"), bought("a", 0, 2)]);
    assert_eq!(due(&brand), [(37, 0)], "two pieces of 20 days, three days before");
    brand.fold(&placed([bought("b", 20 * DAY, 1)]));
    // The first two lasted 10 days each: the mean of 20 and 10.
    assert_eq!(due(&brand), [(20 + 15 - 3, 20)]);
    let blanks = brand.list(&push::due(day_of(37 * DAY)));
    assert_eq!(blanks, [None], "the old item is void, and its position is kept");
}

#[test]
fn money_and_pieces_that_go_back_move_the_day_back() {
    let refund = |at, quantity, amount| reported(at, [food("b", OrderKind::Refund, at, quantity, amount)]);
    let cancel = reported(11 * DAY, [food("b", OrderKind::Cancel, 11 * DAY, 1, 0)]);
    for (news, expected, why) in [
        (refund(11 * DAY, 1, 500), (10 + 30 - 3, 10), "half of the money is two of four pieces"),
        (refund(11 * DAY, 1, 501), (10 + 30 - 3, 10), "a piece that is paid for in part was kept"),
        (refund(11 * DAY, 4, 1), (10 + 60 - 3, 10), "the money decides"),
        (refund(11 * DAY, 1, 1_000), (20 - 3, 0), "all is given back: as if not bought"),
        (cancel, (20 - 3, 0), "cancelled"),
    ] {
        let history = [bought("a", 0, 1), bought("b", 10 * DAY, 4), news.clone()];
        assert_eq!(due(&Brand::of(history)), [expected], "{why}");
        let history = [news, bought("b", 10 * DAY, 4), bought("a", 0, 1)];
        assert_eq!(due(&Brand::of(history)), [expected], "{why}, in any order");
    }
}

#[test]
fn pieces_that_cost_nothing_go_back_by_their_number() {
    let free = |kind, quantity| reported(0, [food("a", kind, 0, quantity, 0)]);
    for (back, expected) in [(1, &[(37, 0)][..]), (3, &[])] {
        let brand = Brand::of([free(OrderKind::Order, 3), free(OrderKind::Refund, back)]);
        assert_eq!(due(&brand), expected, "{back} of three");
    }
}

#[test]
fn a_day_is_never_before_the_news_and_never_right_after_the_purchase() {
    let late = reported(60 * DAY, [food("a", OrderKind::Order, 0, 1, 1_000)]);
    assert_eq!(due(&Brand::of([late])), [(60, 0)], "told of long after it ran out");
    let soon: Vec<Entry> = (0..9).map(|n| bought(&n.to_string(), n, 1)).collect();
    let (day, _) = due(&Brand::of(soon))[0];
    assert!(day >= 1, "a day after the purchase at least");
}

#[test]
fn what_has_no_reminder_is_on_no_list() {
    let mut litter = food("a", OrderKind::Order, 0, 1, 1_000);
    litter.lines[0].product = "litter".into();
    let mut unknown = food("b", OrderKind::Order, 0, 1, 1_000);
    unknown.lines[0].product = "toy".into();
    assert_eq!(due(&Brand::of([reported(0, [litter, unknown])])), []);
}

/// What stands in any list of a fan.
fn traces(brand: &Brand, fan: &str) -> Vec<String> {
    let is_list = |key: &str| ["fan:list:", "due:", "outcome:"].iter().any(|list| key.starts_with(list));
    let holds = |bytes: &[u8]| bytes.windows(fan.len()).any(|part| part == fan.as_bytes());
    let lists = brand.records.iter().filter(|(key, bytes)| is_list(key) && holds(bytes));
    lists.map(|(key, _)| key.clone()).collect()
}

#[test]
fn every_fan_is_listed_once_and_an_erasure_blanks_every_item() {
    let history = [follow("o1", 0, "bag"), follow("o2", 1, "bag"), bought("a", 2, 1), text("o1", 3, "hi", None)];
    let mut brand = Brand::of(history);
    assert_eq!(brand.list(&push::fans()), ["o1", "o2"].map(|fan| Some(fan.parse().unwrap())));
    assert_eq!(traces(&brand, "o1").len(), 2);
    brand.fold(&placed([erase("o1", 60)]));
    assert_eq!(brand.list(&push::fans()), [None, Some("o2".parse().unwrap())]);
    assert_eq!(traces(&brand, "o1"), ["outcome:list:0"], "push must know");
    assert_eq!(brand.list(&push::outcomes()), [Some(Outcome::Forgotten("o1".parse().unwrap()))]);
    brand.fold(&placed([text("o1", 30, "from before", None)]));
    assert_eq!(traces(&brand, "o1"), ["outcome:list:0"]);
    brand.fold(&placed([text("o1", 90, "here again", None)]));
    assert_eq!(brand.list(&push::fans()).last(), Some(&Some("o1".parse().unwrap())));
}

#[test]
fn who_is_forgotten_is_on_no_list_and_news_do_not_bring_them_back_for_ever() {
    let mut brand = Brand::of([follow("o1", 0, "bag"), bought("a", 60, 9), unfollow("o1", DAY)]);
    work_off(&mut brand, 33 * DAY);
    assert!(!brand.records.contains_key("fan:o1"));
    assert_eq!(traces(&brand, "o1"), ["outcome:list:0"]);
    brand.fold(&placed([told([news("o1", "late", 33 * DAY, What::Unknown)])]));
    assert!(brand.records.contains_key("fan:o1"));
    work_off(&mut brand, 66 * DAY);
    assert!(!brand.records.contains_key("fan:o1"));
    work_off(&mut brand, 80 * DAY);
    assert_eq!(traces(&brand, "o1"), Vec::<String>::new(), "what push was told goes too");
    let number = |key: Key<Length>| key.decode(&brand.records[&*key]).unwrap().0;
    assert_eq!((number(push::outcomes().gone()), number(push::outcomes().head())), (2, 2), "and push begins behind it");
}

#[test]
fn lists_of_days_that_are_over_go_and_nothing_is_listed_there_again() {
    let orders = (0..600).map(|n| {
        let mut order = food(&n.to_string(), OrderKind::Order, 0, 1, 1_000);
        order.openid = Some(format!("o{n}").parse().unwrap());
        reported(0, [order])
    });
    let mut brand = Brand::of(orders);
    let list = push::due(day_of(17 * DAY));
    assert_eq!(brand.list(&list).len(), 600);
    work_off(&mut brand, (17 + DUE_DAYS) * DAY);
    assert_eq!(brand.list(&list).len(), 600, "not before the day is over");
    work_off(&mut brand, (18 + DUE_DAYS) * DAY);
    assert!(brand.records.keys().all(|key| !key.starts_with("due:")));
    brand.fold(&placed([bought("late", DAY, 1)]));
    assert_eq!(
        due(&brand),
        [(18, 1)],
        "on the first day that is left; the item on the page that is gone is no trouble"
    );
    brand.fold(&placed([reported(DAY, [food("late", OrderKind::Cancel, DAY, 1, 0)])]));
    assert_eq!(due(&brand), [(18, 0)]);
}
