//! What WeChat posts back about messages that it accepted
//! ([protocol 2.6, 2.7](../../../../shared/docs/wechat-protocol.md#2.6)).

use super::{HOUR, MINUTE, SECOND, chance::Chance, rules::Outcomes};
use crate::scenario::{Act, Message};
use std::{collections::BTreeMap, sync::Arc};

/// One event, when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// When WeChat posts it.
    pub due: u64,
    /// When it says that it happened, in seconds; the same when it is posted twice.
    pub create_time: u64,
    /// The receiver of the message that it is about.
    pub openid: Arc<str>,
    /// What it says: [`Act::TemplateFinished`] or [`Act::NoticeSent`].
    pub act: Act,
}

impl Callback {
    /// As [`crate::Delivery`] takes it, from this account (`gh_…`).
    pub fn message(&self, account: &str) -> Message {
        Message {
            account: account.to_owned(),
            openid: self.openid.to_string(),
            create_time: self.create_time,
            msg_id: 0,
            act: self.act.clone(),
        }
    }
}

/// When a request takes effect, and when it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) now: u64,
    pub(super) effect: u64,
    pub(super) answer: u64,
}

/// Events that are not due yet, by when they are.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: BTreeMap<(u64, u64), Callback>,
    /// Keeps those of one millisecond in order.
    serial: u64,
}

impl Outbox {
    /// Takes out what is due.
    pub(super) fn take(&mut self, now: u64) -> Vec<Callback> {
        let later = self.waiting.split_off(&(now + 1, 0));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Draws when the report of a message comes, and how often.
    pub(super) fn report(&mut self, at: Moments, outcomes: &Outcomes, chance: &mut Chance, openid: Arc<str>, act: Act) {
        let [lost, early, late, twice] =
            [outcomes.lost, outcomes.early, outcomes.late, outcomes.twice].map(|share| chance.hits(share));
        let [soon, hours, again] =
            [SECOND / 5..=5 * SECOND, HOUR..=12 * HOUR, SECOND..=MINUTE].map(|range| chance.within(range));
        if lost {
            return;
        }
        let due = match (early, late) {
            (true, _) => at.effect,
            (false, true) => at.answer + hours,
            (false, false) => at.answer + soon,
        };
        let callback = Callback { due, create_time: due / SECOND, openid, act };
        if twice {
            self.push(Callback { due: due + again, ..callback.clone() });
        }
        self.push(callback);
    }

    fn push(&mut self, callback: Callback) {
        self.serial += 1;
        self.waiting.insert((callback.due, self.serial), callback);
    }
}
