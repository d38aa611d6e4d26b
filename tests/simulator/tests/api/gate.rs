//! What every call passes first: path, method, token, quota, body.

use crate::world::*;
use guanxi_simulator::api::{Api, End, Quota, Request};
use serde_json::json;

#[test]
fn a_request_that_is_wrong_before_it_says_anything_is_told_what_is_wrong() {
    let mut account = account(rules());
    let (token, _) = token(&mut account, NOW, false);
    let with_token = format!("access_token={token}");
    let send = Api::Template.path();
    let good = reminder("oFan", "1").to_string();
    let escaped = good.replace("猫", "\\u732b");
    let unknown = format!("access_token={}", "x".repeat(token.len()));
    let cases = [
        (Request::get(send, &with_token), 43_002),
        (Request::post(send, "", good.as_bytes()), 41_001),
        (Request::post(send, "access_token=", good.as_bytes()), 41_001),
        (Request::post(send, "access_token=short", good.as_bytes()), 40_014),
        (Request::post(send, &unknown, good.as_bytes()), 40_001),
        (Request::post(send, &with_token, b""), 44_002),
        (Request::post(send, &with_token, b"touser=oFan"), 47_001),
        (Request::post(send, &with_token, b"\"\xff\""), 47_001),
        (Request::post(send, &with_token, escaped.as_bytes()), 40_033),
        (Request::post(send, &with_token, good.as_bytes()), 0),
    ];
    for (request, code) in cases {
        let answer = body_of(&account.receive(NOW, &request));
        assert_eq!(code_of(&answer), code, "{request:?}: {answer}");
    }
    let lost = account.receive(NOW, &Request::post("/cgi-bin/menu/create", &with_token, b"{}"));
    assert_eq!(lost.end, End::Answer { status: 404, body: String::new() });
    assert_eq!(account.books().sightings.len(), 1);
}

#[test]
fn an_error_says_its_meaning_and_the_number_of_the_request() {
    let mut account = account(rules());
    let answer = ask(&mut account, NOW, Api::Template, &reminder("oNobody", "1"));
    let (meaning, rid) = answer["errmsg"].as_str().unwrap().split_once(" rid: ").unwrap();
    assert_eq!(meaning, "invalid openid");
    assert_eq!(rid.split('-').map(str::len).collect::<Vec<_>>(), [8, 8, 8]);
}

#[test]
fn the_days_quota_ends_at_midnight_in_beijing() {
    let mut rules = rules();
    rules.quotas.insert(Api::Template, Quota::per_day(2));
    let mut account = account(rules);
    let midnight = NOW + 14 * HOUR;
    let cases = [(NOW, 0), (NOW + 1, 0), (NOW + 2, 45_009), (midnight - 1, 45_009), (midnight, 0)];
    for (number, (now, code)) in cases.into_iter().enumerate() {
        let answer = ask(&mut account, now, Api::Template, &reminder("oFan", &number.to_string()));
        assert_eq!(code_of(&answer), code, "{now}: {answer}");
    }
}

#[test]
fn the_minutes_quota_rolls_and_refused_calls_use_nothing_up() {
    let mut rules = rules();
    rules.quotas.insert(Api::Template, Quota { per_day: 100, per_minute: Some(2) });
    let mut account = account(rules);
    let cases = [
        (NOW, 0),
        (NOW + 30 * SECOND, 0),
        (NOW + 31 * SECOND, 45_011),
        (NOW + MINUTE - 1, 45_011),
        (NOW + MINUTE, 0),
        (NOW + MINUTE + 1, 45_011),
        (NOW + 90 * SECOND - 1, 45_011),
        (NOW + 90 * SECOND, 0),
    ];
    for (number, (now, code)) in cases.into_iter().enumerate() {
        let answer = ask(&mut account, now, Api::Template, &reminder("oFan", &number.to_string()));
        assert_eq!(code_of(&answer), code, "{}: {answer}", now - NOW);
    }
    assert_eq!(account.used_today(Api::Template, NOW), 4);
}

#[test]
fn the_quota_can_be_asked_for_and_a_call_that_was_refused_by_its_own_rules_counts() {
    let mut rules = rules();
    rules.quotas.insert(Api::Template, Quota { per_day: 50, per_minute: Some(7) });
    rules.quotas.insert(Api::Message, Quota::per_day(60));
    let mut account = account(rules);
    for openid in ["oFan", "oGone", "oNobody"] {
        ask(&mut account, NOW, Api::Template, &reminder(openid, "1"));
    }
    let cases = [
        (
            "/cgi-bin/message/template/send",
            json!({ "errcode": 0, "errmsg": "ok", "quota": { "daily_limit": 50, "used": 3, "remain": 47 },
                "rate_limit": { "call_count": 7, "refresh_second": 60 } }),
        ),
        (
            "/cgi-bin/message/custom/send",
            json!({ "errcode": 0, "errmsg": "ok", "quota": { "daily_limit": 60, "used": 0, "remain": 60 } }),
        ),
    ];
    for (path, expected) in cases {
        assert_eq!(ask(&mut account, NOW, Api::Quota, &json!({ "cgi_path": path })), expected);
    }
    for body in [json!({ "cgi_path": "/cgi-bin/none" }), json!({})] {
        assert_eq!(code_of(&ask(&mut account, NOW, Api::Quota, &body)), 76_021, "{body}");
    }
}

#[test]
fn user_info_tells_a_follower_and_hides_one_who_left() {
    let mut account = account(rules());
    let (token, _) = token(&mut account, NOW, false);
    let mut info = |openid: &str| {
        let query = format!("access_token={token}&openid={openid}&lang=zh_CN");
        body_of(&account.receive(NOW, &Request::get(Api::UserInfo.path(), &query)))
    };
    let fan = info("oFan");
    assert_eq!((&fan["subscribe"], &fan["openid"]), (&json!(1), &json!("oFan")));
    assert_eq!(fan["subscribe_time"], json!((NOW - HOUR) / SECOND));
    assert_eq!(info("oGone"), json!({ "subscribe": 0, "openid": "oGone" }));
    assert_eq!(code_of(&info("oNobody")), 40_003);
    assert_eq!(code_of(&info("")), 40_003);
}
