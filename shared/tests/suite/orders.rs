//! `POST /orders`: who may, and what it may say.

use guanxi::{
    facts::order::OrderKind,
    journal::orders::{
        BODY_MAX, LINES_MAX, ORDERS_MAX, Refused, read,
        webhook::{Headers, NotASecret, Secret, TOLERANCE_SECONDS, Unverified},
    },
    time::Timestamp,
};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_649_367_553);
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
/// The published vector of the convention's own libraries.
const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

fn secret() -> Secret {
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap()
}

fn verify(signature: &str, now: Timestamp) -> Result<(), Unverified> {
    let headers = Headers { id: Some(ID), timestamp: Some("1649367553"), signature: Some(signature) };
    secret().verify(headers, BODY, now)
}

#[test]
fn the_published_signature_is_right_and_any_other_is_not() {
    assert_eq!(secret().sign(ID, NOW, BODY), SIGNATURE);
    assert_eq!(verify(SIGNATURE, NOW), Ok(()));
    assert_eq!(verify(&format!("v1,AAAA v1a,x {SIGNATURE}"), NOW), Ok(()));
    for wrong in
        ["", "v1,", "v1,tZ1I", "v1", &SIGNATURE.replace("v1", "v2"), &SIGNATURE[3..], &SIGNATURE.replace('t', "u")]
    {
        assert_eq!(verify(wrong, NOW), Err(Unverified::Signature), "{wrong}");
    }
    let headers = Headers { id: Some("msg_2"), timestamp: Some("1649367553"), signature: Some(SIGNATURE) };
    assert_eq!(secret().verify(headers, BODY, NOW), Err(Unverified::Signature), "another id");
    let headers = Headers { id: Some(ID), ..headers };
    assert_eq!(secret().verify(headers, b"{}", NOW), Err(Unverified::Signature), "another body");
    let headers = Headers { timestamp: Some("1649367554"), ..headers };
    assert_eq!(secret().verify(headers, BODY, NOW), Err(Unverified::Signature), "another time");
}

#[test]
fn a_request_is_taken_for_five_minutes_only() {
    for seconds in [TOLERANCE_SECONDS, 0] {
        assert_eq!(verify(SIGNATURE, Timestamp(NOW.0 + seconds)), Ok(()));
        assert_eq!(verify(SIGNATURE, Timestamp(NOW.0 - seconds)), Ok(()));
    }
    for now in [NOW.0 + TOLERANCE_SECONDS + 1, NOW.0 - TOLERANCE_SECONDS - 1] {
        assert_eq!(verify(SIGNATURE, Timestamp(now)), Err(Unverified::Stale(TOLERANCE_SECONDS + 1)));
    }
}

#[test]
fn every_header_must_be_there_and_sane() {
    let all = Headers { id: Some(ID), timestamp: Some("1649367553"), signature: Some(SIGNATURE) };
    for (headers, error) in [
        (Headers { id: None, ..all }, Unverified::Missing("webhook-id")),
        (Headers { id: Some(""), ..all }, Unverified::Malformed("webhook-id")),
        (Headers { timestamp: None, ..all }, Unverified::Missing("webhook-timestamp")),
        (Headers { timestamp: Some("-1"), ..all }, Unverified::Malformed("webhook-timestamp")),
        (Headers { signature: None, ..all }, Unverified::Missing("webhook-signature")),
    ] {
        assert_eq!(secret().verify(headers, BODY, NOW), Err(error));
        assert_eq!(headers.check(NOW), Err(error), "without the body");
    }
    assert_eq!(all.check(NOW), Ok(()));
    assert_eq!(all.check(Timestamp(NOW.0 + TOLERANCE_SECONDS + 1)), Err(Unverified::Stale(TOLERANCE_SECONDS + 1)));
    for none in ["", "v1,", "v1,AAAA", "v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="] {
        let headers = Headers { signature: Some(none), ..all };
        assert_eq!(headers.check(NOW), Err(Unverified::Signature), "{none}");
    }
    for wrong in ["", "whsec_", "whsec_AAAA", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_???"] {
        assert_eq!(wrong.parse::<Secret>().unwrap_err(), NotASecret, "{wrong}");
    }
    assert_eq!(format!("{:?}", secret()), "Secret");
}

fn order() -> Value {
    json!({
        "id": "2026-1", "openid": "oFan", "time": NOW.0 - 60,
        "lines": [{ "product": "food_2kg", "quantity": 2, "amount": 12_900 }],
    })
}

fn problems(body: &Value) -> Vec<String> {
    match read(body.to_string().as_bytes(), NOW) {
        Err(Refused::Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_order_and_a_batch_are_read_alike() {
    let one = read(order().to_string().as_bytes(), NOW).unwrap();
    let mut cancel = json!({ "id": "2026-1", "unionid": "u", "kind": "cancel", "version": 3 });
    cancel["time"] = json!("2022-04-07T23:00:00+02:00");
    let batch = read(json!({ "orders": [order(), cancel] }).to_string().as_bytes(), NOW).unwrap();
    assert_eq!(batch[0], one[0]);
    assert_eq!((one[0].kind, one[0].version, one[0].lines[0].amount), (OrderKind::Order, 1, 12_900));
    assert_eq!((batch[1].kind, batch[1].version, batch[1].at), (OrderKind::Cancel, 3, Timestamp(1_649_365_200)));
    assert!(batch[1].lines.is_empty());
}

#[test]
fn lines_of_one_product_become_one() {
    let mut body = order();
    let line = body["lines"][0].clone();
    body["lines"].as_array_mut().unwrap().extend([line.clone(), line]);
    let order = &read(body.to_string().as_bytes(), NOW).unwrap()[0];
    assert_eq!((order.lines.len(), order.lines[0].quantity, order.lines[0].amount), (1, 6, 38_700));
}

#[test]
fn every_problem_is_named_with_its_place_at_once() {
    let body = json!({ "orders": [
        order(),
        { "id": "", "time": "yesterday", "lines": [], "kind": "gift", "colour": "red" },
        { "id": "x", "openid": "o/1", "time": NOW.0 * 1_000, "version": -1,
          "lines": [{ "product": "a", "quantity": 0, "amount": 1.5 }, 7, { "amount": 1 }] },
        "order",
    ] });
    assert_eq!(
        problems(&body),
        [
            "orders[1].colour: is unknown; known are id, kind, version, openid, unionid, request, time, lines",
            "orders[1].id: is a text of 1 to 64 bytes",
            "orders[1].kind: is order, refund or cancel",
            "orders[1].openid: is missing, and so is unionid; one must say who it is",
            "orders[1].time: is RFC 3339, such as 2026-02-16T09:30:00+08:00, or whole seconds since 1970",
            "orders[1].lines: is a list of 1 to 40 lines",
            "orders[2].version: is a whole number from 0 to 1000000",
            "orders[2].openid: is none: an openid has 1 to 64 characters of A-Z a-z 0-9 _ -",
            "orders[2].time: is more than a day from now; seconds, not milliseconds",
            "orders[2].lines[0].quantity: is a whole number from 1 to 1000000",
            "orders[2].lines[0].amount: is a whole number from 0 to 1000000000",
            "orders[2].lines[1]: is an object",
            "orders[2].lines[2].product: is missing",
            "orders[3]: is an object",
        ]
    );
}

#[test]
fn what_is_too_much_is_refused() {
    let many = |n: usize| json!({ "orders": vec![json!(1); n] });
    assert_eq!(problems(&many(ORDERS_MAX + 1)), ["orders: is a list of 1 to 500 orders"]);
    assert_eq!(problems(&many(0)), ["orders: is a list of 1 to 500 orders"]);
    assert_eq!(problems(&many(ORDERS_MAX)).len(), 100);
    let mut body = order();
    body["lines"] = json!(vec![body["lines"][0].clone(); LINES_MAX + 1]);
    assert_eq!(problems(&body), ["lines: is a list of 1 to 40 lines"]);
    assert_eq!(read(&vec![b' '; BODY_MAX + 1], NOW), Err(Refused::TooLarge));
    assert_eq!(read(b"{", NOW).unwrap_err().status(), 400);
    assert_eq!(problems(&json!([])), ["body: is an object: an order, or {\"orders\": [\u{2026}]}"]);
    let mut body = order();
    body["time"] = json!(NOW.0 - 3 * 365 * 86_400);
    assert_eq!(problems(&body), ["time: is more than two years ago"]);
}
