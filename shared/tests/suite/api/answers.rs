//! What comes back, from answers as WeChat writes them.

use guanxi::{
    time::Timestamp,
    wechat::api::{
        Answer, HttpAnswer, Unreadable,
        answer::{ANSWER_MAX, MESSAGE_MAX},
        quota::{self, Quota, RateLimit},
        token,
        user::{self, Profile},
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

macro_rules! fixture {
    ($name:literal) => {
        Answer::read(include_bytes!(concat!("../../../fixtures/wechat/api/", $name, ".json"))).unwrap()
    };
}

fn read(body: &str) -> Answer {
    Answer::read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn an_answer_has_a_code_a_message_and_a_rid() {
    for (answer, code, errmsg, rid) in [
        (fixture!("template-ok"), 0, "ok", None),
        (fixture!("template-ok-text"), 0, "ok", None),
        (fixture!("user"), 0, "", None),
        (fixture!("template-busy"), -1, "system error", Some("65c9d0e3-2233aabb-44ccddee")),
        (
            fixture!("template-47003"),
            47003,
            "argument invalid! data.thing1.value invalid",
            Some("65f2b8aa-3e1c7d90-5b6a4f21"),
        ),
        (
            fixture!("token-40164"),
            40164,
            "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist",
            Some("65a1f3d2-0c5b8e77-3fa94b1e"),
        ),
        (fixture!("template-43004"), 43004, "require subscribe", Some("Oe8ZZa0345e294")),
        (read(r#"{"errcode":" 40003 ","errmsg":"x rid: "}"#), 40003, "x rid:", None),
        (read(r#"{"errmsg":null}"#), 0, "", None),
    ] {
        assert_eq!((answer.code(), answer.errmsg.as_str(), answer.rid.as_deref()), (code, errmsg, rid), "{answer:?}");
    }
}

#[test]
fn a_message_for_reports_is_short_and_on_one_line() {
    let answer = read(&format!(r#"{{"errcode":1,"errmsg":"一\n二\u0000{}"}}"#, "猫".repeat(1_000)));
    assert_eq!(answer.errmsg.chars().count(), MESSAGE_MAX);
    assert!(answer.errmsg.starts_with("一 二 猫"));
    let long = "a".repeat(100);
    assert_eq!(read(&format!(r#"{{"errcode":1,"errmsg":"x rid: {long}"}}"#)).rid, None);
}

#[test]
fn a_msgid_keeps_all_its_digits() {
    for (answer, msgid) in [
        (fixture!("template-ok"), Some("3487542469355618313")),
        (fixture!("template-ok-text"), Some("3487542469355618313")),
        (fixture!("template-duplicate"), Some("3487542469355618313")),
        (fixture!("notice-ok"), None),
        (read(r#"{"msgid":18446744073709551615}"#), Some("18446744073709551615")),
        (read(r#"{"msgid":200228332}"#), Some("200228332")),
        (read(r#"{"msgid":0}"#), None),
        (read(r#"{"msgid":-1}"#), None),
        (read(r#"{"msgid":"+1"}"#), None),
        (read(r#"{"msgid":3.4e18}"#), None),
        (read(r#"{"msgid":"x"}"#), None),
    ] {
        assert_eq!(answer.msgid(), msgid, "{answer:?}");
    }
}

#[test]
fn what_is_no_answer_says_why() {
    let nested = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    for body in [
        "",
        "ok",
        "[]",
        "null",
        "<html>502 Bad Gateway</html>",
        "<xml><errcode>0</errcode></xml>",
        r#"{"errcode":0"#,
        r#"{"errcode":0}{}"#,
        &nested,
    ] {
        assert_eq!(Answer::read(body.as_bytes()), Err(Unreadable::NotJson), "{body:.40}");
    }
    assert_eq!(Answer::read(b"{\"errmsg\":\"\xFF\"}"), Err(Unreadable::NotJson));
    for code in ["null", "\"\"", "\"x\"", "1.5", "true", "{}", "1e30", "99999999999999999999"] {
        let body = format!(r#"{{"errcode":{code}}}"#);
        assert_eq!(Answer::read(body.as_bytes()), Err(Unreadable::Field("errcode")), "{code}");
    }
    let padded = |len: usize| format!("{{{}}}", " ".repeat(len - 2));
    assert!(Answer::read(padded(ANSWER_MAX).as_bytes()).is_ok());
    assert_eq!(Answer::read(padded(ANSWER_MAX + 1).as_bytes()), Err(Unreadable::TooLarge));
}

#[test]
fn a_token_has_a_bounded_life() {
    for (answer, life) in [
        (fixture!("token"), 7200),
        (fixture!("token-reused"), 345),
        (read(r#"{"access_token":"a","expires_in":1}"#), 1),
        (read(r#"{"access_token":"a","expires_in":86400}"#), 7200),
    ] {
        assert_eq!(token::read(&answer).unwrap().expires_in, life, "{answer:?}");
    }
    let granted = token::read(&fixture!("token")).unwrap();
    assert!(granted.token.as_str().starts_with("68_Zk3mXb0QyT-7_"));
    for (body, field) in [
        (r#"{"expires_in":7200}"#, "access_token"),
        (r#"{"access_token":"","expires_in":7200}"#, "access_token"),
        (r#"{"access_token":"a b","expires_in":7200}"#, "access_token"),
        (r#"{"access_token":"a"}"#, "expires_in"),
        (r#"{"access_token":"a","expires_in":0}"#, "expires_in"),
        (r#"{"access_token":"a","expires_in":-7}"#, "expires_in"),
        (r#"{"access_token":"a","expires_in":"soon"}"#, "expires_in"),
    ] {
        assert_eq!(token::read(&read(body)), Err(Unreadable::Field(field)), "{body}");
    }
}

#[test]
fn no_debug_shows_a_token() {
    let body = include_bytes!("../../../fixtures/wechat/api/token.json");
    let answer = fixture!("token");
    let granted = token::read(&answer).unwrap();
    let http = HttpAnswer { status: 200, body: body.to_vec() };
    for shown in [format!("{answer:?}"), format!("{granted:?}"), format!("{http:?}")] {
        // Neither as text nor as the numbers of its bytes.
        assert!(!shown.contains("68_") && !shown.contains("54, 56, 95"), "{shown}");
    }
}

#[test]
fn a_quota_is_read_from_numbers_and_from_text() {
    let rate_limit = Some(RateLimit { call_count: 10_000, refresh_second: 60 });
    let expected = Quota { daily_limit: 100_000, used: 1_234, remain: 98_766, rate_limit };
    assert_eq!(quota::read(&fixture!("quota")), Ok(expected));
    assert_eq!(quota::read(&fixture!("quota-text")), Ok(expected));
    assert_eq!(quota::read(&fixture!("quota-unlimited")).unwrap().rate_limit, None);
    for (body, field) in [
        ("{}", "quota"),
        (r#"{"quota":1}"#, "quota"),
        (r#"{"quota":{"daily_limit":1,"used":0}}"#, "remain"),
        (r#"{"quota":{"daily_limit":1,"used":-1,"remain":1}}"#, "used"),
    ] {
        assert_eq!(quota::read(&read(body)), Err(Unreadable::Field(field)), "{body}");
    }
}

#[test]
fn a_profile_is_read_whatever_is_missing() {
    let bare = Profile {
        subscribe: true,
        unionid: None,
        subscribe_time: Some(Timestamp(1_704_067_200)),
        subscribe_scene: None,
        qr_scene_str: None,
        language: None,
    };
    let full = Profile {
        unionid: Some("o6_bmasdasdsad6_2sgVt7hMZOPfL".into()),
        subscribe_scene: Some("ADD_SCENE_QR_CODE".into()),
        qr_scene_str: Some("bag_2kg".into()),
        language: Some("zh_CN".into()),
        ..bare.clone()
    };
    let gone = Profile { subscribe: false, subscribe_time: None, ..bare.clone() };
    assert_eq!(user::read(&fixture!("user")), Ok(full));
    assert_eq!(user::read(&fixture!("user-bare")), Ok(bare));
    assert_eq!(user::read(&fixture!("user-gone")), Ok(gone));
    assert_eq!(user::read(&read("{}")), Err(Unreadable::Field("subscribe")), "nobody is forgotten by a guess");
}
