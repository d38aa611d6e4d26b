//! A fan's record, `fan:<openid>`: what is known of one fan, built so that the order of arrival does not matter.
//!
//! The record keeps the fan's last events, sorted by time, and the state as it was before them. **The state now is that
//! state after a replay of these events.** A new event is put where it belongs; from there on the old events are taken
//! back from the counts and the new ones booked. So a late event corrects what it changes, a copy (by identity) changes
//! nothing, and neither batch sizes nor the order of arrival leave a trace.
//!
//! Kept are the events of the [`RECENT`] seconds before the newest push and all later ones, at most [`RECENT_MAX`], by the events' own time.
//! Older ones become part of the state. An event that is later than that still counts, as if it had happened just before
//! the events kept; a copy of it would count again. WeChat's copies come within 15 seconds, and orders are known for ever
//! by `order:<hash>`.
//!
//! An erasure takes everything that says something of the person, and at once; events from before it that are folded
//! after it meet a fan who is a stranger. What it leaves ([`State`]: whether and through which channel the person
//! follows, how many orders there were, identities of events) keeps the person from being counted twice.

pub(crate) mod event;
pub(crate) mod forget;
mod purchases;
mod state;

pub use purchases::Product;
pub(crate) use state::Tally;
pub use state::{Follow, Origin, PastFollow, State, TouchMark};

use crate::{
    counts::Deltas,
    fold::{
        FoldError,
        record::{self, Digest, Record},
    },
    time::{Timestamp, UtcOffset},
    wechat::OpenId,
};
use event::{Event, What};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long before the newest event others stay correctable, in seconds.
pub const RECENT: u64 = 900;
/// Events that stay correctable.
pub const RECENT_MAX: usize = 64;
/// Tags of a fan.
const TAGS_MAX: usize = 64;

/// The key of a fan's record.
pub fn key(openid: &OpenId) -> String {
    format!("fan:{openid}")
}

/// When a fan followed, by the stored record; nothing where that cannot be read. Follows know no days, so any clock does.
pub fn follows(record: &[u8]) -> Vec<Timestamp> {
    Fan::decode("", record).map(|fan| fan.state(UtcOffset::BEIJING).follows().collect()).unwrap_or_default()
}

/// One fan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fan {
    /// Before the recent events.
    frozen: State,
    recent: Vec<Event>,
    /// Tags of the channels that the fan came through.
    pub tags: BTreeSet<String>,
    /// Everything before this is erased.
    erased: Option<Timestamp>,
    /// The digest of the fan's unionid, if a purchase named it.
    pub(crate) union: Option<Digest>,
    /// The state now; kept while a fold works on the fan.
    #[serde(skip)]
    current: Option<State>,
}

impl Record for Fan {
    fn is_nothing(&self) -> bool {
        self.recent.is_empty() && self.erased.is_none() && self.frozen == State::default()
    }
}

impl Fan {
    /// Reads the record that stands at `key`.
    ///
    /// # Errors
    /// [`FoldError`], when it was written by a newer Guanxi or is damaged.
    pub fn decode(key: &str, bytes: &[u8]) -> Result<Self, FoldError> {
        record::decode(key, bytes)
    }

    /// The fan as known now. `offset` is the playbook's.
    pub fn state(&self, offset: UtcOffset) -> State {
        self.current.clone().unwrap_or_else(|| self.replay(self.recent.len(), offset))
    }

    /// When the fan was forgotten on request, if ever.
    pub fn erased(&self) -> Option<Timestamp> {
        self.erased
    }

    /// Takes in an event, unless it is a copy; then the copy that stands first in the journal stays. `copy` says that
    /// it surely is one, even if the original is no longer among the recent events. True when it was not known.
    pub(crate) fn insert(&mut self, event: Event, copy: bool, offset: UtcOffset, deltas: &mut Deltas) -> bool {
        let known = self.recent.iter().position(|recent| recent.identity == event.identity);
        match known.and_then(|index| self.recent.get(index)) {
            Some(original) if original.moment <= event.moment || original.what == What::Erased => return false,
            None if copy => return false,
            _ => {}
        }
        let erased = self.erased.filter(|erased| event.moment.at <= *erased);
        let answered = (event.moment.at, event.answer);
        let original = known.map(|index| self.take(index, offset, deltas));
        if let Some(class) = original.as_ref().and_then(|original| original.answer) {
            deltas.general(answered.0).took(class, -1);
        }
        if let Some(class) = answered.1 {
            deltas.general(answered.0).took(class, 1);
        }
        self.put(event, offset, deltas);
        if let Some(erased) = erased {
            self.strip(erased, offset, deltas);
        }
        self.trim(offset);
        original.is_none()
    }

    /// Forgets all that was before `at`.
    pub(crate) fn erase(&mut self, at: Timestamp, offset: UtcOffset, deltas: &mut Deltas) {
        let at = self.erased.map_or(at, |erased| erased.max(at));
        self.erased = Some(at);
        self.tags.clear();
        self.union = None;
        self.strip(at, offset, deltas);
    }

    pub(crate) fn tag(&mut self, tags: &BTreeSet<String>) {
        let room = TAGS_MAX.saturating_sub(self.tags.len());
        let new: Vec<String> = tags.difference(&self.tags).take(room).cloned().collect();
        self.tags.extend(new);
    }

    /// Removes an event and takes back what it and those after it counted, then books those after it anew.
    fn take(&mut self, index: usize, offset: UtcOffset, deltas: &mut Deltas) -> Event {
        let before = self.replay(index, offset);
        self.run(before.clone(), index, &mut Tally::new(offset, deltas, -1));
        let event = self.recent.remove(index);
        self.current = Some(self.run(before, index, &mut Tally::new(offset, deltas, 1)));
        event
    }

    fn put(&mut self, event: Event, offset: UtcOffset, deltas: &mut Deltas) {
        let index = self.recent.partition_point(|recent| recent.moment <= event.moment);
        if index == self.recent.len() {
            let mut state = self.current.take().unwrap_or_else(|| self.replay(index, offset));
            state.step(event.moment.at, &event.what, &mut Tally::new(offset, deltas, 1));
            self.current = Some(state);
            self.recent.push(event);
            return;
        }
        let before = self.replay(index, offset);
        self.run(before.clone(), index, &mut Tally::new(offset, deltas, -1));
        self.recent.insert(index, event);
        self.current = Some(self.run(before, index, &mut Tally::new(offset, deltas, 1)));
    }

    /// The state before the event at `index`.
    fn replay(&self, index: usize, offset: UtcOffset) -> State {
        let mut state = self.frozen.clone();
        for event in self.recent.iter().take(index) {
            state.step(event.moment.at, &event.what, &mut Tally::silent(offset));
        }
        state
    }

    /// The state after all events from `index` on.
    fn run(&self, mut state: State, index: usize, tally: &mut Tally<'_>) -> State {
        for event in self.recent.iter().skip(index) {
            state.step(event.moment.at, &event.what, tally);
        }
        state
    }

    /// Lets events that are old become part of the state.
    fn trim(&mut self, offset: UtcOffset) {
        // Only a push has the time that all its copies have; an order's may still turn out to be earlier.
        let newest = self.recent.iter().rev().find(|event| event.answer.is_some());
        let newest = newest.map_or(0, |event| event.moment.at.0);
        let old = self.recent.partition_point(|event| event.moment.at.0.saturating_add(RECENT) < newest);
        let old = old.max(self.recent.len().saturating_sub(RECENT_MAX));
        for event in self.recent.drain(..old) {
            self.frozen.step(event.moment.at, &event.what, &mut Tally::silent(offset));
        }
    }

    /// Leaves of everything until `at` only what [`State::remains`] and the identities.
    fn strip(&mut self, at: Timestamp, offset: UtcOffset, deltas: &mut Deltas) {
        let index = self.recent.partition_point(|event| event.moment.at <= at);
        let before = self.replay(index, offset);
        self.run(before.clone(), index, &mut Tally::new(offset, deltas, -1));
        self.frozen = before.remains();
        for event in self.recent.iter_mut().take(index) {
            event.what = What::Erased;
        }
        self.current = Some(self.run(self.frozen.clone(), index, &mut Tally::new(offset, deltas, 1)));
    }

    /// Since when the fan is no follower any more; none: a follower, or nobody who ever was one.
    pub(crate) fn gone_since(&self, offset: UtcOffset) -> Option<Timestamp> {
        let state = self.state(offset);
        let ended = state.past.last().map(|past| past.until).max(self.erased);
        ended.filter(|_| state.follow.is_none())
    }
}

/// The key of the openid that belongs to a unionid, by the hex of the unionid's digest.
pub(crate) fn union_key(digest: &str) -> String {
    format!("order:union:{digest}")
}
