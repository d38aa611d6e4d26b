//! The account: receives requests and decides.

use super::{
    SECOND,
    answer::{End, Fate, Refusal},
    audience::Audience,
    books::Books,
    chance::{Chance, Tries, identity},
    endpoint::Api,
    events::{Callback, Moments, Outbox},
    quota::Meter,
    request::Request,
    rules::{Fault, Moment, Rules},
    send::{Recent, text},
    tokens::Tokens,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One account at WeChat, with its fans.
#[derive(Debug, Default)]
pub struct Account {
    /// How WeChat behaves.
    pub rules: Rules,
    /// Whom it knows.
    pub audience: Audience,
    pub(super) books: Books,
    pub(super) outbox: Outbox,
    pub(super) recent: Recent,
    tokens: Tokens,
    meters: BTreeMap<Api, Meter>,
    tries: Tries,
}

impl Account {
    /// An account without fans.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Everything that happens because of one request. Whatever effect it has is there when this returns; only the books
    /// and the callbacks date it to when it arrives, [`Fate::before`] later.
    pub fn receive(&mut self, now: u64, request: &Request<'_>) -> Fate {
        let api = Api::at(request.path);
        let body = if api.is_some_and(Api::needs_post) { request.json() } else { Ok(Value::Null) };
        let mut chance = self.tries.next(self.rules.seed, identity_of(request, &body));
        let (before, after) = chance.latency(self.rules.latency);
        let fault = self.rules.fault(now, api, &mut chance);
        let rid = chance.rid(now);
        let arrives = fault.is_none_or(|fault| fault.moment() == Moment::After);
        let after = if arrives { after } else { 0 };

        let at = Moments { now, effect: now + before, answer: now + before + after };
        let decided = api.filter(|_| arrives).map(|api| self.decide(api, request, body, at, &mut chance));
        let answer = match fault {
            None => decided,
            Some(Fault::Busy(_)) => Some(Err(Refusal::Busy)),
            Some(Fault::Status(..) | Fault::Reset(_)) => None,
        };
        let answer = answer.map(|answer| answer.unwrap_or_else(|refusal| refusal.answer(&rid)));
        let end = match (&answer, fault) {
            (Some(answer), _) => End::Answer { status: 200, body: answer.to_string() },
            (None, Some(Fault::Reset(_))) => End::Reset,
            (None, Some(Fault::Status(status, _))) => End::Answer { status, body: String::new() },
            (None, _) => End::Answer { status: 404, body: String::new() },
        };
        let fate = Fate { before, after, end, fault, _passage: self.books.begin() };
        self.books.enter(now, request, answer.as_ref(), &fate);
        fate
    }

    /// What has happened so far.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// From now on the books have every request, word for word.
    pub fn keep_log(&mut self) {
        self.books.log.get_or_insert_default();
    }

    /// Takes out the callbacks that are due.
    pub fn due_callbacks(&mut self, now: u64) -> Vec<Callback> {
        self.outbox.take(now)
    }

    /// When the next callback is due, if any is waiting.
    pub fn next_callback(&self) -> Option<u64> {
        self.outbox.next()
    }

    /// Somebody else refreshes the stable token by force, now: those issued so far are dead (40001).
    pub fn kill_token(&mut self) {
        self.tokens.kill();
    }

    /// Calls of `api` that counted against today's quota.
    pub fn used_today(&mut self, api: Api, now: u64) -> u64 {
        self.meters.entry(api).or_default().used(now)
    }

    /// The gate that all calls pass, in WeChat's order, and then the call itself.
    fn decide(
        &mut self,
        api: Api,
        request: &Request<'_>,
        body: Result<Value, Refusal>,
        at: Moments,
        chance: &mut Chance,
    ) -> Result<Value, Refusal> {
        self.tokens.kill_at(&self.rules.token_kills, at.now);
        if api.needs_post() && request.method != "POST" {
            return Err(Refusal::NeedsPost);
        }
        if api.needs_token() {
            let token = request.parameter("access_token").filter(|token| !token.is_empty());
            self.tokens.check(&token.ok_or(Refusal::TokenMissing)?, at.now)?;
        }
        if let Some(quota) = self.rules.quotas.get(&api) {
            self.meters.entry(api).or_default().take(*quota, at.now)?;
        }
        let body = body?;
        match api {
            Api::StableToken => self.stable_token(&body, at.now),
            Api::Token => self.token(request, at.now),
            Api::Template => self.send_template(at, &body, chance),
            Api::Notice => self.send_notice(at, &body, chance),
            Api::Message => self.send_message(at, &body),
            Api::Quota => self.quota(&body, at.now),
            Api::UserInfo => self.user_info(request),
        }
    }

    fn stable_token(&mut self, body: &Value, now: u64) -> Result<Value, Refusal> {
        self.rules.admit(text(body, "grant_type"), text(body, "appid"), text(body, "secret"))?;
        let force = body.get("force_refresh").and_then(Value::as_bool).unwrap_or_default();
        let (token, expires_in) = self.tokens.stable(self.rules.seed, now, force)?;
        let answer = json!({ "access_token": token, "expires_in": expires_in });
        self.books.tokens = self.tokens.count();
        Ok(answer)
    }

    fn token(&mut self, request: &Request<'_>, now: u64) -> Result<Value, Refusal> {
        let [grant_type, app_id, secret] = ["grant_type", "appid", "secret"].map(|name| request.parameter(name));
        self.rules.admit(grant_type.as_deref(), app_id.as_deref(), secret.as_deref())?;
        let (token, expires_in) = self.tokens.legacy(self.rules.seed, now);
        let answer = json!({ "access_token": token, "expires_in": expires_in });
        self.books.tokens = self.tokens.count();
        Ok(answer)
    }

    fn quota(&mut self, body: &Value, now: u64) -> Result<Value, Refusal> {
        let known = text(body, "cgi_path").and_then(Api::at);
        let (api, quota) = known.and_then(|api| Some((api, *self.rules.quotas.get(&api)?))).ok_or(Refusal::CgiPath)?;
        let used = self.used_today(api, now);
        let remain = quota.per_day.saturating_sub(used);
        let mut answer = json!({
            "errcode": 0,
            "errmsg": "ok",
            "quota": { "daily_limit": quota.per_day, "used": used, "remain": remain },
        });
        if let (Some(calls), Some(answer)) = (quota.per_minute, answer.as_object_mut()) {
            answer.insert("rate_limit".to_owned(), json!({ "call_count": calls, "refresh_second": 60 }));
        }
        Ok(answer)
    }

    fn user_info(&self, request: &Request<'_>) -> Result<Value, Refusal> {
        let openid = request.parameter("openid").ok_or(Refusal::OpenId)?;
        let fan = self.audience.get(&openid).ok_or(Refusal::OpenId)?;
        if !fan.following {
            return Ok(json!({ "subscribe": 0, "openid": openid }));
        }
        Ok(json!({
            "subscribe": 1,
            "openid": openid,
            "language": "zh_CN",
            "subscribe_time": fan.followed_at / SECOND,
            "remark": "",
            "groupid": 0,
            "tagid_list": [],
            "subscribe_scene": if fan.scene.is_some() { "ADD_SCENE_QR_CODE" } else { "ADD_SCENE_SEARCH" },
            "qr_scene": 0,
            "qr_scene_str": fan.scene.as_deref().unwrap_or_default(),
        }))
    }
}

/// The same for every try of a request: the fan, and the `client_msg_id` or, where there is none, the whole body. Not the
/// token, which may be another in the next try.
fn identity_of(request: &Request<'_>, body: &Result<Value, Refusal>) -> u64 {
    let field = |name| body.as_ref().ok().and_then(|body| text(body, name));
    let openid = request.parameter("openid");
    let fan = field("touser").or(openid.as_deref()).unwrap_or_default();
    let what = field("client_msg_id").map_or(request.body, str::as_bytes);
    identity(&[request.path.as_bytes(), fan.as_bytes(), what])
}
