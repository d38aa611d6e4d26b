//! How far the outbox is: `outbox:head`.

use super::{
    pauses,
    post::{Outcome, Why},
};
use crate::{
    facts::request::{Asked, Kind},
    store::{
        digest,
        key::{Key, Stored},
        keys,
    },
    time::{Day, Timestamp, UtcOffset},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Requests that wait at most; further ones stay on the list until one of these is delivered or given up.
pub const WAITING_MAX: usize = 1_024;
/// Requests that were given up and can be sent again; of more the oldest go.
pub const DEAD_MAX: usize = 500;
/// Days whose deliveries are known.
pub const DAYS_MAX: usize = 366;

/// How far the outbox is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The first position of the list that was not looked at; what is before it waits, was given up, or is done.
    pub next: u64,
    /// What waits, by position.
    pub waiting: BTreeMap<u64, Wait>,
    /// What was given up, by position.
    pub dead: BTreeMap<u64, Dead>,
    /// Requests delivered, by the day on which they were made, and kind.
    pub delivered: BTreeMap<Day, BTreeMap<Kind, u64>>,
    /// Places of the list that could not be read.
    pub unreadable: u64,
}

/// A request that waits for its first or another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Whose it is: of a fan one at a time is on its way.
    fan: [u8; 8],
    /// When it was tried first.
    first: Option<Timestamp>,
    /// How often it was tried.
    tries: u32,
    /// When it may be tried.
    pub due: Timestamp,
}

/// A request that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Its number.
    pub number: String,
    /// What it is about.
    pub kind: Kind,
    /// When the fan made it.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it was given up.
    pub since: Timestamp,
    /// What the last try came to.
    pub why: Why,
    fan: [u8; 8],
}

impl Stored for Head {}

impl Head {
    /// Its key.
    pub fn key() -> Key<Self> {
        keys::OUTBOX_HEAD.key(&[])
    }

    /// Takes the next item of the list.
    pub(super) fn take(&mut self, item: Option<&Asked>, now: Timestamp) {
        if let Some(asked) = item {
            let fan = digest::short(asked.openid.as_str().as_bytes());
            self.waiting.insert(self.next, Wait { fan, first: None, tries: 0, due: now });
        }
        self.next += 1;
    }

    /// Begins behind what is gone from the list.
    pub(super) fn begin_at(&mut self, gone: u64) {
        self.next = self.next.max(gone);
        self.waiting.retain(|position, _| *position >= gone);
        self.dead.retain(|position, _| *position >= gone);
    }

    /// The first request that may leave now: of no fan of whom an earlier one waits.
    pub(super) fn ready(&self, on_their_way: &BTreeSet<u64>, now: Timestamp) -> Option<u64> {
        let mut fans = BTreeSet::new();
        let is_ready = |(position, wait): &(&u64, &Wait)| {
            fans.insert(wait.fan) && wait.due <= now && !on_their_way.contains(position)
        };
        self.waiting.iter().find(is_ready).map(|(position, _)| *position)
    }

    /// When the next request may leave of those that are not on their way.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let mut fans = BTreeSet::new();
        self.waiting.values().filter(|wait| fans.insert(wait.fan)).map(|wait| wait.due).min()
    }

    /// Notes what a try came to that began at `began` and is over now; none: there is nothing there any more.
    pub(super) fn settle(
        &mut self,
        position: u64,
        tried: Option<(&Asked, Outcome)>,
        (began, now): (Timestamp, Timestamp),
        offset: UtcOffset,
    ) {
        let (Some(mut wait), Some((asked, outcome))) = (self.waiting.remove(&position), tried) else { return };
        let request = &asked.request;
        wait.tries = wait.tries.saturating_add(1);
        let first = *wait.first.get_or_insert(began);
        let (why, again) = match outcome {
            Outcome::Delivered => return self.count(offset.local(request.at).day, request.kind),
            Outcome::Failed(why, after) => (why, pauses::next(&request.number, first, wait.tries, now, after)),
            Outcome::GivenUp(why) => (why, None),
        };
        if let Some(due) = again {
            self.waiting.insert(position, Wait { due, ..wait });
            return;
        }
        let (number, kind, at) = (request.number.clone(), request.kind, request.at);
        self.dead.insert(position, Dead { number, kind, at, tries: wait.tries, since: now, why, fan: wait.fan });
        while self.dead.len() > DEAD_MAX {
            self.dead.pop_first();
        }
    }

    fn count(&mut self, day: Day, kind: Kind) {
        *self.delivered.entry(day).or_default().entry(kind).or_default() += 1;
        while self.delivered.len() > DAYS_MAX {
            self.delivered.pop_first();
        }
    }

    /// Lets what was given up and has this number, or all of it, be tried again from now on.
    pub(super) fn resend(&mut self, number: Option<&str>, now: Timestamp) {
        let is_meant = |dead: &Dead| number.is_none_or(|number| dead.number == number);
        for (position, dead) in self.dead.extract_if(.., |_, dead| is_meant(dead)) {
            self.waiting.insert(position, Wait { fan: dead.fan, first: None, tries: 0, due: now });
        }
    }
}
