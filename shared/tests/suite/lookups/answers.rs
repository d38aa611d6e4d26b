//! From a response to the line, and which lines are kept.

use super::world::lookup;
use guanxi::{
    lookup::{
        Lookup,
        answer::{Unusable, VALUE_MAX},
        cache::{Cache, LINES_MAX},
    },
    time::Timestamp,
    wechat::reply::TEXT_MAX,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn the_value_stands_where_the_pointer_looks() {
    let lookup = lookup("pointer = \"/now/0/te~1xt\"\ntext = \"{text}：{value}，{value}\"");
    for (body, line) in [
        (r#"{"now":[{"te/xt":"晴"}]}"#, Ok("杭州：晴，晴")),
        (r#"{"now":[{"te/xt":12.5}]}"#, Ok("杭州：12.5，12.5")),
        (r#"{"now":[{"te/xt":false}]}"#, Ok("杭州：false，false")),
        (r#"{"now":[{"te/xt":" \n\t "}]}"#, Err(Unusable::NoText)),
        (r#"{"now":[{"te/xt":null}]}"#, Err(Unusable::NoValue)),
        (r#"{"now":[{"te/xt":{"a":1}}]}"#, Err(Unusable::NoValue)),
        (r#"{"now":[]}"#, Err(Unusable::NoValue)),
        (r#"[]"#, Err(Unusable::NoValue)),
        ("", Err(Unusable::NotJson)),
        ("<html>502</html>", Err(Unusable::NotJson)),
        (r#"{"now":[{"te/xt":"晴"}]"#, Err(Unusable::NotJson)),
    ] {
        assert_eq!(lookup.line(200, body.as_bytes()).as_deref(), line.as_ref().copied(), "{body}");
    }
    // Deeper than any stack.
    assert_eq!(lookup.line(200, "[".repeat(60_000).as_bytes()), Err(Unusable::NotJson));
    assert_eq!(lookup.line(200, b"\xff\xfe"), Err(Unusable::NotJson));
}

#[test]
fn only_a_200_is_an_answer() {
    for status in [0, 100, 201, 204, 301, 302, 307, 404, 429, 500, 503] {
        assert_eq!(lookup("").line(status, "晴".as_bytes()), Err(Unusable::Status(status)));
    }
    assert_eq!(lookup("").line(200, "晴".as_bytes()).as_deref(), Ok("晴"));
}

#[test]
fn a_value_without_a_word_is_no_answer() {
    let lookup = lookup("words = { \"0\" = \"畅通\", \"true\" = \"开着\" }\npointer = \"\"");
    for (body, line) in [
        ("0", Ok("畅通")),
        ("\"0\"", Ok("畅通")),
        ("true", Ok("开着")),
        ("7", Err(Unusable::NoWord)),
        ("0.0", Err(Unusable::NoWord)),
    ] {
        assert_eq!(lookup.line(200, body.as_bytes()).as_deref(), line.as_ref().copied(), "{body}");
    }
}

#[test]
fn a_line_is_plain_text_of_bounded_length() {
    let hostile =
        "<a href=\"https://evil.example.com\">点</a>\r\n\u{0}\u{202e}第二行".to_owned() + &"喵".repeat(60_000);
    let line = lookup("").line(200, hostile.as_bytes()).unwrap();
    assert!(line.starts_with("＜a href=\"https://evil.example.com\"＞点＜/a＞ 第二行喵"), "{line}");
    assert!(line.chars().count() == VALUE_MAX && !line.chars().any(|c| c.is_control() || "<>\u{202e}".contains(c)));
    assert_eq!(lookup("").line(200, "\u{feff} \u{2028}\u{200b}".as_bytes()), Err(Unusable::NoText));
    assert_eq!(lookup("").line(200, b"\xe7\x8c"), Err(Unusable::NoText));
    // What a playbook cannot say, bytes can.
    let mut forged = lookup("");
    forged.service.text = vec![guanxi::lookup::Gaps(vec!["喵".repeat(5_000)]); 3];
    assert!(forged.line(200, b"a").unwrap().len() <= TEXT_MAX);
    forged.service.text = Vec::new();
    assert_eq!(forged.line(200, b"a"), Err(Unusable::NoText));
}

fn asking(question: &str) -> Lookup {
    let mut lookup = lookup("cache_seconds = 60");
    lookup.question = question.into();
    lookup
}

#[test]
fn a_line_is_kept_for_its_question_and_its_time() {
    let (mut cache, at) = (Cache::default(), Timestamp(1_000));
    cache.put(&asking("杭州"), "晴", at);
    assert_eq!(cache.get(&asking("杭州"), Timestamp(1_059)), Some("晴"));
    assert_eq!(cache.get(&asking("杭州"), Timestamp(1_060)), None);
    assert_eq!(cache.get(&asking("上海"), at), None);
    // Another publication may mean something else by the same name.
    let mut changed = asking("杭州");
    changed.service.pointer = Some("/tomorrow".into());
    assert_eq!(cache.get(&changed, at), None);
    let never = lookup("");
    cache.put(&never, "晴", at);
    assert_eq!(cache.get(&never, at), None);
}

#[test]
fn a_flood_of_questions_fills_no_memory() {
    let (mut cache, at) = (Cache::default(), Timestamp(1_000));
    for n in 0..2 * LINES_MAX as u64 {
        cache.put(&asking(&n.to_string()), "晴", Timestamp(1_000 + n / 100));
    }
    let kept = (0..2 * LINES_MAX).filter(|n| cache.get(&asking(&n.to_string()), at).is_some()).count();
    assert_eq!(kept, LINES_MAX);
    let newest = (2 * LINES_MAX - 1).to_string();
    assert!(cache.get(&asking(&newest), at).is_some());
    assert!(cache.get(&asking("0"), at).is_none());
}
