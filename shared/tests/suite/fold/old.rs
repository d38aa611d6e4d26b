//! Records of earlier formats are read: bytes that earlier versions wrote.

use super::brand::{Brand, START, chooses, finished, order, placed, reported, text};
use guanxi::{
    facts::{
        Entry, FanStatus, PushChoice,
        order::OrderKind,
        push::{FANS, OUTCOMES, Outcome, PushId},
    },
    fold::fan::{Fan, Fate, Purchase, follows},
    playbook::{Channels, Scan, ScanEvent, compile},
    store::format::RecordError,
    time::{Timestamp, UtcOffset},
    wechat::OpenId,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DAY: u64 = 86_400;

/// A fan of the first format: followed twice, bought food on day 2 and three of it with litter on day 20, of which a part
/// was refunded, cancelled an order on day 22, scanned and wrote on day 23.
const FAN: &str = "0101a0de93cd0601a0a49ecd0606706f73746572010101a0de93cd060362616701a0de93cd06a08199cd060362616701a0de93cd060362616702a0de93cd0603626167a0a49ecd0606706f7374657201dcde93cd06000001a0a49ecd06a4a0010106706f737465720204666f6f640204d88e0502a0a49ecd06a09afdcd06066c69747465720102d00f01a09afdcd06020384a516841ba77a5b4648de2cd0dfcb300101a0e087ce060362616706706f737465720104666f6f6401c80101000086f7e437faa5a7fce15d1ddcb9eaeaea0101a0a49ecd060362616706706f737465720104666f6f6401c8c901000000e9d71f5ee7c92d6dc9e92ffdad17b8bd0101a09afdcd060362616706706f737465720204666f6f640390c503066c697474657202d00f0002a09c0100010254310102a0838dce0600010900a75f0025af80534f357eee3403126fda01000503626167a5838dce0685a579010a00efb45c460c564fba1d15417c43f226880100000103636174000167ad5a07a2b999e38f2228365318c334";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn old() -> Brand {
    let mut brand = Brand::default();
    brand.records.insert("fan:o1".into(), bytes(FAN));
    brand
}

#[test]
fn a_fan_of_the_first_format_is_read_and_knows_the_pieces_of_each_purchase() {
    let state = Fan::decode("fan:o1", &bytes(FAN)).unwrap().state(UtcOffset::BEIJING);
    let food = &state.products["food"];
    assert_eq!((food.count, food.quantity, food.amount), (2, 4, 41_900));
    let purchase = |day, quantity| Purchase { at: Timestamp(START + day * DAY), quantity };
    assert_eq!(food.purchases, [purchase(2, 1), purchase(20, 3)]);
    assert_eq!(state.products["litter"].purchases, [purchase(20, 2)]);
    assert_eq!(state.last_message, Some(Timestamp(START + 23 * DAY + 5)));
    assert_eq!((state.busiest_hour(), state.pushes.iter().count()), (None, 0));
    assert_eq!(follows(Some(&bytes(FAN))).0.len(), 2);
}

#[test]
fn a_fan_whose_record_cannot_be_read_is_no_stranger() {
    let scan = Scan { event: ScanEvent::Subscribe, event_key: String::new(), create_time: Timestamp(START + 30 * DAY) };
    let channels = Channels::load(&compile("version = 1\nname = \"n\"\naccount = \"service\"").unwrap()).unwrap();
    let newer = [u8::MAX, 1, 2, 3];
    for (record, error, fan) in [
        (None, None, FanStatus::New),
        (Some(bytes(FAN)), None, FanStatus::Returning),
        (Some(newer.to_vec()), Some(RecordError::Newer(u8::MAX)), FanStatus::Returning),
        (Some(vec![2, 0xFF]), Some(RecordError::Damaged), FanStatus::Returning),
        (Some(Vec::new()), Some(RecordError::Damaged), FanStatus::Returning),
    ] {
        let (follows, unreadable) = follows(record.as_deref());
        assert_eq!(unreadable, error);
        assert_eq!(channels.touch(&scan, &follows).unwrap().fan, fan, "{error:?}");
    }
}

#[test]
fn a_fan_of_the_first_format_is_listed_and_reminded_when_next_heard_of() {
    let mut brand = old();
    brand.fold(&placed([text("o1", 24 * DAY, "hi", None)]));
    assert_eq!(brand.records["fan:o1"][0], 3, "written in the new format");
    assert_eq!(brand.list::<OpenId>(FANS), [Some("o1".parse().unwrap())]);
    brand.fold(&placed([reported(25 * DAY, [order("b", OrderKind::Cancel, "o1", 25 * DAY, 0)])]));
    assert_eq!(
        brand.state("o1").products["food"].last(),
        Some(Timestamp(START + 2 * DAY)),
        "its order was still known"
    );
    assert!(brand.records.keys().any(|key| key.starts_with("due:")));
}

#[test]
fn entries_of_the_first_format_are_read() {
    let (order, erase) = (order("a", OrderKind::Order, "o1", 0, 12_900), super::brand::erase("o1", 60));
    for (hex, entry) in [
        (
            "01000467685f31026f31dcde93cd0601023630000268690000010000010777656c636f6d6503",
            text("o1", 60, "hi", Some("welcome")),
        ),
        ("0101dcde93cd06010161000101026f3100a0de93cd060104666f6f6401c8c901", reported(60, [order])),
        ("0102026f31dcde93cd06", erase),
    ] {
        assert_eq!(Entry::decode(&bytes(hex)), Ok(entry));
    }
    let chosen = chooses("o1", 60, PushChoice::Stop);
    assert_eq!(Entry::decode(&chosen.encode()), Ok(chosen));
}

/// A fan of the second format, with three pushes by template: one delivered by an event of no known number, one refused by an
/// event of its number, one that waits; and an event about none of them.
const FAN_2: &str = "0200000000000000000000000000000000000000000386f7e437faa5a7fce15d1ddcb9eaeaea0004666f6f6488e693cd060e010001000000000192e693cd06356a192b7913b04c54574d18c28d46e6010000e9d71f5ee7c92d6dc9e92ffdad17b8bd0004666f6f64b09d99cd060e01000100000101da4b9237bacccdf19c0760cab7aec4a80001ba9d99cd06da4b9237bacccdf19c0760cab7aec4a800000084a516841ba77a5b4648de2cd0dfcb300004666f6f64e0f89fcd060e010001000000000000000392e693cd06356a192b7913b04c54574d18c28d46e6010186f7e437faa5a7fce15d1ddcb9eaeaeaba9d99cd06da4b9237bacccdf19c0760cab7aec4a80001e9d71f5ee7c92d6dc9e92ffdad17b8bdc0a0b2cd060ade7c2cf97f75d009975f4d720d1fa601000000000000010000";

#[test]
fn a_fan_of_the_second_format_keeps_what_became_of_its_pushes() {
    let mut brand = Brand::default();
    brand.records.insert("fan:o1".into(), bytes(FAN_2));
    let fate = |brand: &Brand, id: &str| brand.state("o1").pushes.get(PushId::of(id)).unwrap().fate();
    let fates = |brand: &Brand| ["a", "b", "c"].map(|id| fate(brand, id));
    assert_eq!(fates(&brand), [Fate::Delivered, Fate::Refused, Fate::Waiting]);
    // Of a plan that did not say how, any event may tell.
    brand.fold(&placed([finished("o1", 200_005, "77", "success")]));
    assert_eq!(fates(&brand), [Fate::Delivered, Fate::Refused, Fate::Delivered]);
    assert_eq!(brand.records["fan:o1"][0], 3, "written in the new format");
    assert_eq!(brand.list::<Outcome>(OUTCOMES).len(), 1, "only of the third is there news");
}
