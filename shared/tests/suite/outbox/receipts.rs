//! What a shop's printer gets.

use super::world::request;
use crate::brand::openid;
use guanxi::{
    facts::request::{Asked, Kind, Line, Said},
    outbox::{
        body::body,
        receipt::{COLUMNS, LINES_MAX, Paid, escpos, lines, text},
    },
    time::{Timestamp, UtcOffset},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn asked(kind: Kind) -> Asked {
    Asked::new(openid("o1"), request("o1", 0, kind))
}

#[test]
fn an_order_has_what_a_till_needs() {
    let asked = asked(Kind::Order);
    let lines = lines(&asked, Paid::NotYet, UtcOffset::BEIJING);
    let number = &asked.request.number;
    let expected = format!(
        "订单\n单号 {number}\n2026-03-02 10:00\n{rule}\n巧克力蛋糕 x2             336.00\n合计                      336.00\n{rule}\n\
         地址: 长乐路 1 号\n付款方式: cash\n{rule}\n未付款\n",
        rule = "-".repeat(32)
    );
    assert_eq!(text(&lines), expected);
    let paid = guanxi::outbox::receipt::lines(&asked, Paid::Yes, UtcOffset::BEIJING);
    assert_eq!(paid.last().map(String::as_str), Some("已付款"));
}

#[test]
fn a_printer_gets_gb18030_between_its_start_and_its_cut() {
    let bytes = escpos(&["订A😺".to_owned()]);
    let expected =
        [&[0x1b, b'@', 0x1c, b'&'][..], &[0xb6, 0xa9, b'A', b'?', b'\n'], &[0x1b, b'd', 4, 0x1d, b'V', 66, 0]];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn no_word_of_a_fan_is_a_command_and_no_line_is_too_long() {
    let mut asked = asked(Kind::Feedback);
    asked.request.text = format!("\u{1b}@\u{1d}V\u{0}\r\n\u{202e}{}😺", "很长的话 and words ".repeat(60));
    asked.request.answers = vec![Said {
        step: "\u{1b}\u{7f}".into(),
        value: "\u{9b}1m\u{85}".into(),
        words: String::new(),
        personal: false,
    }];
    asked.request.lines =
        vec![Line { product: "p".into(), name: "名\u{1c}".repeat(50), quantity: u32::MAX, price: u64::MAX }];
    let lines = lines(&asked, Paid::Yes, UtcOffset::BEIJING);
    for line in &lines {
        let columns: usize = line.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
        assert!(columns <= COLUMNS && !line.contains(char::is_control), "{line:?}");
    }
    let bytes = escpos(&lines);
    let inside = &bytes[4..bytes.len() - 7];
    assert!(inside.iter().all(|byte| *byte >= 0x20 || *byte == b'\n'), "{inside:?}");
    asked.request.text = "字".repeat(30_000);
    let long = guanxi::outbox::receipt::lines(&asked, Paid::Yes, UtcOffset::BEIJING);
    assert_eq!((long.len(), long.last().map(String::as_str)), (LINES_MAX, Some("...")));
}

#[test]
fn a_body_says_what_the_convention_wants_and_what_a_shop_needs() {
    let asked = asked(Kind::Order);
    let bytes = body(&asked, Paid::NotYet, UtcOffset::BEIJING, Timestamp(2_000_000_000));
    let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&body["type"], &body["timestamp"]), (&"request.order".into(), &"2026-03-02T02:00:00Z".into()));
    let data = &body["data"];
    assert_eq!((&data["total"], &data["kind"], &data["paid"]), (&33_600.into(), &"order".into(), &false.into()));
    assert_eq!(
        data["lines"][0],
        serde_json::json!({"product": "choc6", "name": "巧克力蛋糕", "quantity": 2, "price": 16_800})
    );
    let printed = lines(&asked, Paid::NotYet, UtcOffset::BEIJING);
    assert_eq!(data["receipt"]["text"], text(&printed).as_str());
}
