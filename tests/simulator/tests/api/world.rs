//! An account with one fan of each kind and one template of each kind, and how to ask it.

use guanxi_simulator::api::{Account, Api, End, Fate, Kind, Request, Rules};
use serde_json::{Value, json};

/// 2026-03-01 10:00 in Beijing.
pub(crate) const NOW: u64 = 1_772_330_400_000;
pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;

pub(crate) fn rules() -> Rules {
    let mut rules = Rules { seed: 5, ..Rules::default() };
    rules.template("tpl", Kind::Template, &["thing1", "time2"]);
    rules.template("ntc", Kind::Notice, &["thing1"]);
    rules
}

pub(crate) fn account(rules: Rules) -> Account {
    let mut account = Account::new(rules);
    for openid in ["oFan", "oOther", "oBlack", "oLimited", "oRefuses", "oGone"] {
        account.audience.fan(openid).follow(NOW - HOUR);
    }
    account.audience.fan("oBlack").blacklisted = true;
    account.audience.fan("oLimited").limited = true;
    account.audience.fan("oRefuses").refuses = true;
    account.audience.fan("oGone").unfollow();
    account
}

pub(crate) fn body_of(fate: &Fate) -> Value {
    match &fate.end {
        End::Answer { status: 200, body } => serde_json::from_str(body).unwrap(),
        end => panic!("{end:?}"),
    }
}

/// 0 where there is none, as for all of WeChat's answers.
pub(crate) fn code_of(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or_default()
}

pub(crate) fn token_request(rules: &Rules, force: bool) -> Value {
    json!({
        "grant_type": "client_credential", "appid": rules.app_id, "secret": rules.secret, "force_refresh": force,
    })
}

/// A stable token and its `expires_in`.
pub(crate) fn token(account: &mut Account, now: u64, force: bool) -> (String, u64) {
    let body = token_request(&account.rules, force).to_string();
    let fate = account.receive(now, &Request::post(Api::StableToken.path(), "", body.as_bytes()));
    let answer = body_of(&fate);
    (answer["access_token"].as_str().unwrap().to_owned(), answer["expires_in"].as_u64().unwrap())
}

pub(crate) fn post(account: &mut Account, now: u64, token: &str, api: Api, body: &Value) -> Fate {
    let query = format!("access_token={token}");
    account.receive(now, &Request::post(api.path(), &query, body.to_string().as_bytes()))
}

/// A good POST with a fresh token.
pub(crate) fn ask(account: &mut Account, now: u64, api: Api, body: &Value) -> Value {
    let (token, _) = token(account, now, false);
    body_of(&post(account, now, &token, api, body))
}

pub(crate) fn reminder(openid: &str, client_msg_id: &str) -> Value {
    json!({
        "touser": openid, "template_id": "tpl", "client_msg_id": client_msg_id,
        "data": { "thing1": { "value": "成猫全价粮 2kg" }, "time2": { "value": "2026年3月3日 09:00" } },
    })
}

pub(crate) fn notice(openid: &str) -> Value {
    json!({ "touser": openid, "template_id": "ntc", "data": { "thing1": { "value": "快吃完了" } } })
}

pub(crate) fn message(openid: &str) -> Value {
    json!({ "touser": openid, "msgtype": "text", "text": { "content": "快吃完了" } })
}
