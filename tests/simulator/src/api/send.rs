//! The three ways to a fan's screen ([protocol 8.1, 8.2, 8.4](../../../../shared/docs/wechat-protocol.md#8.1)).

use super::{
    MINUTE,
    account::Account,
    answer::Refusal,
    audience::Fan,
    books::{Push, Sighting},
    chance::{Chance, identity},
    endpoint::Api,
    events::Moments,
    rules::Kind,
};
use crate::scenario::Act;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// How long WeChat keeps a second message with the same `client_msg_id` from the same fan, in milliseconds from the
/// first. From then on it sends one.
pub const CLIENT_MSG_ID_LASTS: u64 = 10 * MINUTE;

/// The sends of the last ten minutes that had a `client_msg_id`.
#[derive(Debug, Default)]
pub(super) struct Recent {
    sent: HashMap<u64, u64>,
    /// When each of them was made, to forget it in time.
    order: VecDeque<(u64, u64)>,
}

impl Recent {
    /// The `msgid` of the message that was sent under this key.
    fn find(&mut self, key: u64, now: u64) -> Option<u64> {
        while let Some((_, old)) = self.order.pop_front_if(|(at, _)| *at + CLIENT_MSG_ID_LASTS <= now) {
            self.sent.remove(&old);
        }
        self.sent.get(&key).copied()
    }

    fn remember(&mut self, key: u64, now: u64, msgid: u64) {
        self.sent.insert(key, msgid);
        self.order.push_back((now, key));
    }
}

/// A string of the body.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

impl Account {
    pub(super) fn send_template(&mut self, at: Moments, body: &Value, chance: &mut Chance) -> Result<Value, Refusal> {
        let openid = self.receiver(body)?;
        let client_msg_id = text(body, "client_msg_id");
        let key = client_msg_id.map(|id| identity(&[openid.as_bytes(), id.as_bytes()]));
        if let Some(msgid) = key.and_then(|key| self.recent.find(key, at.now)) {
            self.books.repeats += 1;
            let silent = chance.hits(self.rules.repeats_without_msgid);
            return Ok(accepted(Some(msgid).filter(|_| !silent)));
        }
        let template_id = self.template_for(Kind::Template, body)?;
        let fan = self.audience.known(&openid).ok_or(Refusal::OpenId)?;
        if !fan.following {
            return Err(Refusal::NotFollowing);
        }
        let refuses = may_receive(fan)?.refuses;
        let msgid = chance.msgid();
        if let Some(key) = key {
            self.recent.remember(key, at.now, msgid);
        }
        let failed = chance.hits(self.rules.outcomes.failed);
        let status = match (refuses, failed) {
            (true, _) => "failed:user block",
            (false, true) => "failed: system failed",
            (false, false) => "success",
        };
        let push = client_msg_id.map_or_else(|| content(Api::Template, body), |id| Push::Id(id.into()));
        let copy = Sighting { openid, api: Api::Template, what: template_id, push, msgid, at: at.effect };
        self.finish(at, copy, status == "success", Act::TemplateFinished { msgid, status }, chance);
        Ok(accepted(Some(msgid)))
    }

    pub(super) fn send_notice(&mut self, at: Moments, body: &Value, chance: &mut Chance) -> Result<Value, Refusal> {
        let openid = self.receiver(body)?;
        let template_id = self.template_for(Kind::Notice, body)?;
        let fan = may_receive(self.audience.known(&openid).ok_or(Refusal::OpenId)?)?;
        if !fan.take_permission(&template_id) {
            return Err(Refusal::NotPermitted);
        }
        let msgid = chance.msgid();
        let failed = chance.hits(self.rules.outcomes.failed);
        let act = Act::NoticeSent { template_id: template_id.clone(), msgid, failed };
        let push = content(Api::Notice, body);
        let copy = Sighting { openid, api: Api::Notice, what: template_id, push, msgid, at: at.effect };
        self.finish(at, copy, !failed, act, chance);
        Ok(accepted(Some(msgid).filter(|_| self.rules.notices_tell_msgid)))
    }

    pub(super) fn send_message(&mut self, at: Moments, body: &Value) -> Result<Value, Refusal> {
        let openid = self.receiver(body)?;
        let kind = text(body, "msgtype").ok_or(Refusal::MessageType)?;
        let message = body.get(kind).ok_or(Refusal::MessageType)?;
        let fan = may_receive(self.audience.known(&openid).ok_or(Refusal::OpenId)?)?;
        fan.take_message(at.now).map_err(|open| if open { Refusal::WindowUsedUp } else { Refusal::WindowClosed })?;
        let what = text(message, "content").map_or_else(|| message.to_string().into(), Arc::from);
        let push = content(Api::Message, body);
        self.books.accepted += 1;
        self.books.sightings.push(Sighting { openid, api: Api::Message, what, push, msgid: 0, at: at.effect });
        Ok(accepted(None))
    }

    /// A fan that the account knows.
    fn receiver(&self, body: &Value) -> Result<Arc<str>, Refusal> {
        let fan = text(body, "touser").and_then(|openid| self.audience.get(openid));
        Ok(fan.ok_or(Refusal::OpenId)?.openid.clone())
    }

    /// A template of this kind, filled in as it wants.
    fn template_for(&self, kind: Kind, body: &Value) -> Result<Arc<str>, Refusal> {
        let found = text(body, "template_id").and_then(|id| self.rules.templates.get_key_value(id));
        let (template_id, template) = found.filter(|(_, template)| template.kind == kind).ok_or(Refusal::TemplateId)?;
        template.check(body.get("data"))?;
        Ok(template_id.clone())
    }

    fn finish(&mut self, at: Moments, copy: Sighting, seen: bool, act: Act, chance: &mut Chance) {
        self.books.accepted += 1;
        self.outbox.report(at, &self.rules.outcomes, chance, copy.openid.clone(), act);
        if seen {
            self.books.sightings.push(copy);
        }
    }
}

/// What keeps every way shut.
fn may_receive(fan: &mut Fan) -> Result<&mut Fan, Refusal> {
    match (fan.blacklisted, fan.limited) {
        (true, _) => Err(Refusal::Blacklisted),
        (false, true) => Err(Refusal::UserLimited),
        (false, false) => Ok(fan),
    }
}

fn accepted(msgid: Option<u64>) -> Value {
    match msgid {
        Some(msgid) => json!({ "errcode": 0, "errmsg": "ok", "msgid": msgid }),
        None => json!({ "errcode": 0, "errmsg": "ok" }),
    }
}

fn content(api: Api, body: &Value) -> Push {
    Push::Content(identity(&[api.path().as_bytes(), body.to_string().as_bytes()]))
}
