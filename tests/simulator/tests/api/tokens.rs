//! The lives of tokens ([protocol 4.1](../../../../shared/docs/wechat-protocol.md#4.1)).

use crate::world::*;
use guanxi_simulator::api::{Account, Api, Request};
use serde_json::json;

/// What a send with this token is answered.
fn accepted_with(account: &mut Account, now: u64, token: &str) -> i64 {
    let body = json!({ "cgi_path": Api::Template.path() });
    code_of(&body_of(&post(account, now, token, Api::Quota, &body)))
}

#[test]
fn only_the_account_itself_gets_a_token() {
    let mut account = account(rules());
    let good = token_request(&account.rules, false);
    let cases = [("grant_type", 40_002), ("appid", 40_013), ("secret", 40_125)];
    for (field, code) in cases {
        let mut body = good.clone();
        body[field] = json!("other");
        let stable = account.receive(NOW, &Request::post(Api::StableToken.path(), "", body.to_string().as_bytes()));
        assert_eq!(code_of(&body_of(&stable)), code, "{field}");
        let pairs = body.as_object().unwrap().iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let query = pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let legacy = account.receive(NOW, &Request::get(Api::Token.path(), &query));
        assert_eq!(code_of(&body_of(&legacy)), code, "{field}");
    }
    let got = account.receive(NOW, &Request::get(Api::StableToken.path(), ""));
    assert_eq!(code_of(&body_of(&got)), 43_002);
    assert_eq!(account.books().tokens, 0);
}

#[test]
fn a_stable_token_is_the_same_until_its_last_five_minutes_and_says_what_is_left() {
    let mut account = account(rules());
    let (first, expires_in) = token(&mut account, NOW, false);
    assert_eq!((first.len(), expires_in), (512, 7_200));
    assert_eq!(token(&mut account, NOW + 100 * MINUTE, false), (first.clone(), 1_200));
    let renewal = NOW + 115 * MINUTE;
    assert_eq!(token(&mut account, renewal, false), (first.clone(), 300));
    let (second, expires_in) = token(&mut account, renewal + 1, false);
    assert_ne!(second, first);
    assert_eq!(expires_in, 7_200);
    for (after, code) in [(1, 0), (5 * MINUTE, 0), (5 * MINUTE + 1, 42_001)] {
        assert_eq!(accepted_with(&mut account, renewal + after, &first), code, "{after}");
        assert_eq!(accepted_with(&mut account, renewal + after, &second), 0);
    }
}

#[test]
fn a_token_that_nobody_renewed_ends_after_two_hours() {
    let mut account = account(rules());
    let (first, _) = token(&mut account, NOW, false);
    assert_eq!(accepted_with(&mut account, NOW + 2 * HOUR - 1, &first), 0);
    assert_eq!(accepted_with(&mut account, NOW + 2 * HOUR, &first), 42_001);
    assert_ne!(token(&mut account, NOW + 2 * HOUR, false).0, first);
}

#[test]
fn a_refresh_by_force_kills_the_token_but_not_within_thirty_seconds_of_another() {
    let mut account = account(rules());
    let (first, _) = token(&mut account, NOW, false);
    let (second, _) = token(&mut account, NOW, true);
    assert_ne!(second, first);
    assert_eq!(accepted_with(&mut account, NOW, &first), 40_001);
    assert_eq!(token(&mut account, NOW + 30 * SECOND - 1, true).0, second);
    assert_ne!(token(&mut account, NOW + 30 * SECOND, true).0, second);
    assert_eq!(account.books().tokens, 3);
}

#[test]
fn there_are_twenty_refreshes_by_force_in_a_beijing_day() {
    let mut account = account(rules());
    for number in 0..20 {
        token(&mut account, NOW + number * MINUTE, true);
    }
    let body = token_request(&account.rules, true).to_string();
    let mut ask = |now| body_of(&account.receive(now, &Request::post(Api::StableToken.path(), "", body.as_bytes())));
    assert_eq!(code_of(&ask(NOW + 20 * MINUTE)), 45_009);
    assert_eq!(ask(NOW + 14 * HOUR)["expires_in"], 7_200);
}

#[test]
fn a_scripted_kill_makes_the_token_bad_and_the_next_one_good() {
    let mut rules = rules();
    rules.token_kills = vec![NOW + MINUTE];
    let mut account = account(rules);
    let (first, _) = token(&mut account, NOW, false);
    assert_eq!(accepted_with(&mut account, NOW + MINUTE - 1, &first), 0);
    assert_eq!(accepted_with(&mut account, NOW + MINUTE, &first), 40_001);
    let (second, _) = token(&mut account, NOW + MINUTE, false);
    assert_eq!(accepted_with(&mut account, NOW + MINUTE, &second), 0);
    account.kill_token();
    assert_eq!(accepted_with(&mut account, NOW + MINUTE, &second), 40_001);
}

#[test]
fn the_older_kind_of_token_is_new_each_time_and_leaves_the_stable_one_alone() {
    let mut account = account(rules());
    let (stable, _) = token(&mut account, NOW, false);
    let query = format!("grant_type=client_credential&appid={}&secret={}", account.rules.app_id, account.rules.secret);
    let legacy = |account: &mut Account, now| {
        let answer = body_of(&account.receive(now, &Request::get(Api::Token.path(), &query)));
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let first = legacy(&mut account, NOW);
    let second = legacy(&mut account, NOW + HOUR);
    assert_ne!(first, second);
    let overlap_ends = NOW + HOUR + 5 * MINUTE;
    assert_eq!(accepted_with(&mut account, overlap_ends - 1, &first), 0);
    assert_eq!(accepted_with(&mut account, overlap_ends, &first), 42_001);
    token(&mut account, overlap_ends, true);
    assert_eq!(accepted_with(&mut account, overlap_ends, &second), 0);
    assert_eq!(accepted_with(&mut account, overlap_ends, &stable), 40_001);
}
