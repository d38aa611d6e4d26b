//! Where a fan stands in dialogs, as callback keeps it between messages: a format byte, then postcard, at most [`BYTES_MAX`].
//!
//! What cannot be read counts as nothing: the fan begins anew, and never sees an error.

use crate::{
    facts::PushChoice,
    playbook::inbound::{Action, Answer},
    store::{digest, format},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Raised whenever the layout changes.
const FORMAT: u8 = 1;
/// The largest state in bytes.
pub(super) const BYTES_MAX: usize = 8 * 1024;
/// The most events that are remembered with their answers.
const RECENT_MAX: usize = 6;
/// So long after an event no try of it comes any more, in seconds: WeChat's three end after 15.
const TRIES_END: u64 = 30;
/// The most fields of a fan.
const FIELDS_MAX: usize = 16;
/// The most results that are kept.
const FINISHED_MAX: usize = 8;
pub(super) const A_DAY: u64 = 86_400;

/// One fan's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct State {
    /// The last events that changed something, oldest first.
    recent: Vec<Recent>,
    /// No event from before or at this moment makes a step: what it was answered may be forgotten.
    floor: Timestamp,
    /// Where the fan is, or was when `idle` ended.
    pub(super) open: Option<Run>,
    /// What another dialog interrupted.
    pub(super) parked: Option<Run>,
    finished: Vec<Finished>,
    fields: Vec<Field>,
}

/// An event and what it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    event: [u8; 8],
    at: Timestamp,
    action: Action,
    rule: Option<String>,
    pushes: Option<PushChoice>,
    left: Vec<u8>,
}

/// A fan's way through a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// The dialog's id.
    pub(super) dialog: String,
    /// A hash of the event that began it.
    pub(super) id: u64,
    /// What a request of this run is called.
    pub(super) number: String,
    /// Since when it is asked, by `CreateTime`: when it began or was resumed. What was written before is no answer.
    pub(super) since: Timestamp,
    /// When the fan last said something in it.
    pub(super) heard: Timestamp,
    /// The open question's step.
    pub(super) step: String,
    pub(super) asking: Asking,
    /// How many questions were closed: tells an old question from the open one where both are of the same step.
    pub(super) turn: u16,
    /// Answers to the open question that were not understood.
    pub(super) misses: u8,
    /// In the order in which they were given; one a step.
    pub(super) answers: Vec<Given>,
}

/// What the open question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Asking {
    /// The step's answer.
    Answer,
    /// Whether the known value still holds.
    Known,
    /// Whether to go on with this run after another.
    GoOn,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    /// The step's id.
    pub(super) step: String,
    /// What it means; empty: skipped.
    pub(super) value: String,
    /// What a person reads, where that is another text; else empty. See [`shown`](Self::shown).
    pub(super) words: String,
    pub(super) score: u32,
    /// The price of a product in cents.
    pub(super) price: Option<u64>,
}

/// The result of a run of a dialog that has `once_days`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Finished {
    dialog: String,
    /// Until when it is given again.
    until: Timestamp,
    says: String,
}

/// What a fan said once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Field {
    name: String,
    value: String,
    /// Empty where it is the value.
    words: String,
    /// Until when it may be used; none: as long as the state.
    until: Option<Timestamp>,
}

/// What stands for an event where it is only compared.
pub(super) fn event(identity: &str) -> [u8; 8] {
    digest::short(identity.as_bytes())
}

impl State {
    pub(in crate::playbook) fn decode(bytes: &[u8]) -> Self {
        let fits = bytes.len() <= BYTES_MAX;
        if fits { format::decode(FORMAT, bytes).unwrap_or_default() } else { Self::default() }
    }

    /// The answer that this event got before.
    pub(super) fn answered(&self, identity: &str) -> Option<Answer> {
        // Of the usual message there is nothing to compare: hashing it would be for nothing.
        let first = self.recent.first()?;
        let event = event(identity);
        let found = std::iter::once(first).chain(self.recent.iter().skip(1)).find(|recent| recent.event == event)?;
        Some(Answer {
            action: found.action.clone(),
            rule: found.rule.clone(),
            pushes: found.pushes,
            conversation: None,
            left: found.left.clone(),
        })
    }

    /// Whether the event's answer may have been forgotten.
    pub(super) fn is_late(&self, at: Timestamp) -> bool {
        at <= self.floor
    }

    /// The answer, remembered, and with it what callback shall keep.
    pub(super) fn keep(mut self, identity: &str, at: Timestamp, mut answer: Answer) -> Answer {
        let Answer { action, rule, pushes, left, .. } = answer.clone();
        self.recent.push(Recent { event: event(identity), at, action, rule, pushes, left });
        let newest = self.recent.iter().map(|recent| recent.at).max().unwrap_or_default();
        while self.recent.first().is_some_and(|first| newest.0.saturating_sub(first.at.0) > TRIES_END)
            || self.recent.len() > RECENT_MAX
        {
            self.drop_oldest();
        }
        self.fields.retain(|field| field.until.is_none_or(|until| at < until));
        self.finished.retain(|finished| at < finished.until);
        let mut bytes = format::encode(FORMAT, &self);
        while bytes.len() > BYTES_MAX && self.recent.len() > 1 {
            self.drop_oldest();
            bytes = format::encode(FORMAT, &self);
        }
        while bytes.len() > BYTES_MAX && self.shrink() {
            bytes = format::encode(FORMAT, &self);
        }
        answer.conversation = Some(bytes);
        answer
    }

    fn drop_oldest(&mut self) {
        if !self.recent.is_empty() {
            self.floor = self.floor.max(self.recent.remove(0).at);
        }
    }

    /// Gives up what is least missed; false: there is nothing left to give up.
    fn shrink(&mut self) -> bool {
        if !self.finished.is_empty() {
            self.finished.remove(0);
        } else if !self.fields.is_empty() {
            self.fields.remove(0);
        } else {
            return self.parked.take().is_some();
        }
        true
    }

    /// Value and words of a field that may still be used.
    pub(super) fn known(&self, name: &str, at: Timestamp) -> Option<(&str, &str)> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        let words = if field.words.is_empty() { &field.value } else { &field.words };
        field.until.is_none_or(|until| at < until).then_some((field.value.as_str(), words.as_str()))
    }

    pub(super) fn learn(&mut self, name: &str, given: &Given, until: Option<Timestamp>) {
        self.fields.retain(|field| field.name != name);
        if self.fields.len() == FIELDS_MAX {
            self.fields.remove(0);
        }
        let words = if given.words == given.value { String::new() } else { given.words.clone() };
        let (name, value) = (name.to_owned(), given.value.clone());
        self.fields.push(Field { name, value, words, until });
    }

    /// What the last run of a dialog ended with, where that is still to be given again.
    pub(super) fn result(&self, dialog: &str, at: Timestamp) -> Option<&str> {
        let found = self.finished.iter().find(|finished| finished.dialog == dialog && at < finished.until);
        found.map(|finished| finished.says.as_str())
    }

    pub(super) fn finish(&mut self, dialog: &str, until: Timestamp, says: &str) {
        self.finished.retain(|finished| finished.dialog != dialog);
        if self.finished.len() == FINISHED_MAX {
            self.finished.remove(0);
        }
        self.finished.push(Finished { dialog: dialog.to_owned(), until, says: says.to_owned() });
    }

    /// Forgets all that the fan ever said; which events were answered stays, without a word.
    pub(super) fn forget(&mut self) {
        while !self.recent.is_empty() {
            self.drop_oldest();
        }
        *self = Self { floor: self.floor, ..Self::default() };
    }
}

impl Given {
    /// What a person reads.
    pub(super) fn shown(&self) -> &str {
        if self.words.is_empty() { &self.value } else { &self.words }
    }
}

impl Run {
    pub(super) fn answer(&self, step: &str) -> Option<&Given> {
        self.answers.iter().find(|given| given.step == step)
    }

    pub(super) fn store(&mut self, mut given: Given) {
        if given.words == given.value {
            given.words.clear();
        }
        self.answers.retain(|other| other.step != given.step);
        self.answers.push(given);
    }
}
