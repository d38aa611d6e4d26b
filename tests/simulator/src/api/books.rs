//! What really happened, for whoever judges a sender.

use super::{
    answer::{End, Fate},
    endpoint::Api,
    request::Request,
    rules::Fault,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The account's books. With all that the account itself remembers, under 200 bytes for each message.
#[derive(Debug, Default)]
pub struct Books {
    /// Every copy that a fan really saw, in the order of requests.
    pub sightings: Vec<Sighting>,
    /// Requests by call, whatever became of them.
    pub calls: BTreeMap<Api, u64>,
    /// How many milliseconds these took together, faults included: divided by their number, the mean latency.
    pub milliseconds: BTreeMap<Api, u64>,
    /// Answers that had a JSON body, by `errcode`; 0 where there is none.
    pub codes: BTreeMap<i64, u64>,
    /// What requests met with on the way.
    pub faults: BTreeMap<Fault, u64>,
    /// Sends that took effect, seen by the fan or not.
    pub accepted: u64,
    /// Sends that `client_msg_id` kept from taking effect again.
    pub repeats: u64,
    /// Tokens that were made, of both kinds.
    pub tokens: u64,
    /// The most requests in flight at a time: received, and their [`Fate`] not dropped.
    pub in_flight_max: usize,
    /// Every request, once [`super::Account::keep_log`] was called.
    pub log: Option<Vec<Logged>>,
    in_flight: Arc<AtomicUsize>,
}

/// One copy of a message, on a fan's screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Whose screen.
    pub openid: Arc<str>,
    /// The call that brought it.
    pub api: Api,
    /// The `template_id`, or the text of a customer message (its JSON, if it is no text).
    pub what: Arc<str>,
    /// Which push of the sender's it is.
    pub push: Push,
    /// WeChat's number; 0 for customer messages, which have none.
    pub msgid: u64,
    /// When.
    pub at: u64,
}

/// What makes two copies copies of the same push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Push {
    /// The sender's `client_msg_id`.
    Id(Box<str>),
    /// Where there is none: a hash of the call and of the body, so that the same words to the same fan are the same push.
    Content(u64),
}

/// One request of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When it was received.
    pub at: u64,
    /// As in [`Request`], and so the others.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query, with the token.
    pub query: String,
    /// Body, with U+FFFD for what is no UTF-8.
    pub body: String,
    /// How it ended.
    pub end: End,
}

/// Counts a request as in flight until it is dropped.
#[derive(Debug)]
pub(super) struct Passage(Arc<AtomicUsize>);

impl Drop for Passage {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Books {
    /// The copies that came after the first of the same push to the same fan: what should never be.
    pub fn copies_beyond_one(&self) -> Vec<&Sighting> {
        let mut first = HashSet::with_capacity(self.sightings.len());
        self.sightings.iter().filter(|copy| !first.insert((&copy.openid, &copy.push))).collect()
    }

    /// All copies that this fan saw.
    pub fn seen_by<'a>(&'a self, openid: &'a str) -> impl Iterator<Item = &'a Sighting> {
        self.sightings.iter().filter(move |copy| &*copy.openid == openid)
    }

    /// Answers with this `errcode`.
    pub fn code(&self, code: i64) -> u64 {
        self.codes.get(&code).copied().unwrap_or_default()
    }

    /// Requests in flight now.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&mut self) -> Passage {
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.in_flight_max = self.in_flight_max.max(in_flight);
        Passage(self.in_flight.clone())
    }

    pub(super) fn enter(&mut self, now: u64, request: &Request<'_>, answer: Option<&Value>, fate: &Fate) {
        if let Some(api) = Api::at(request.path) {
            *self.calls.entry(api).or_default() += 1;
            *self.milliseconds.entry(api).or_default() += fate.before + fate.after;
        }
        if let Some(answer) = answer {
            let code = answer.get("errcode").and_then(Value::as_i64).unwrap_or_default();
            *self.codes.entry(code).or_default() += 1;
        }
        if let Some(fault) = fate.fault {
            *self.faults.entry(fault).or_default() += 1;
        }
        if let Some(log) = &mut self.log {
            log.push(Logged {
                at: now,
                method: request.method.to_owned(),
                path: request.path.to_owned(),
                query: request.query.to_owned(),
                body: String::from_utf8_lossy(request.body).into_owned(),
                end: fate.end.clone(),
            });
        }
    }
}
