//! A fan's record, `fan:<openid>`: what is known of one fan, built so that the order of arrival does not matter.
//!
//! The record keeps the fan's last events, sorted by time, and the state as it was before them. **The state now is that
//! state after a replay of these events.** A new event is put where it belongs; from there on the old events are taken
//! back from the counts and the new ones booked. So a late event corrects what it changes, a copy (by identity) changes
//! nothing, and neither batch sizes nor the order of arrival leave a trace.
//!
//! Kept are the events of the [`RECENT_SECONDS`] seconds before the newest message and all later ones, at most [`RECENT_MAX`], by the events' own time.
//! Older ones become part of the state. An event that is later than that still counts, as if it had happened just before
//! the events kept; a copy of it would count again. WeChat's copies come within 15 seconds, and orders are known for ever
//! by `order:<hash>`.
//!
//! Pushes are kept another way ([`Marks`]): what is told of them says the same told twice or in another order, so it is
//! joined to the state before the recent events, and no copy needs to be known.
//!
//! An erasure takes everything that says something of the person, and at once; events from before it that are folded
//! after it meet a fan who is a stranger. What it leaves ([`State`]: whether and through which channel the person
//! follows, how many orders there were, whether pushes are unwelcome, identities of events and of pushes) keeps the person
//! from being counted twice and from being pushed to.
//!
//! One thing does depend on the order of arrival: where the fan stands on lists. Who is listed, and with what, does not.

mod desk;
mod dialogs;
pub mod due;
pub(crate) mod event;
mod hours;
mod marks;
mod old;
mod orders;
mod places;
mod purchases;
mod state;
mod step;
mod tally;

pub(crate) use dialogs::until;
pub use dialogs::{Dialogs, FIELDS_MAX, Field, RUNS_MAX};
pub(crate) use marks::arrivals;
pub use marks::{Arrival, CLOCKS_SECONDS, Fate, MARKS_MAX, MATCHED_WITHIN_SECONDS, Mark, Marks};
pub use orders::{Product, Purchase};
pub(crate) use places::{Listed, Places};
pub use state::{Follow, Origin, PastFollow, State, TouchMark};

use crate::{
    facts::{
        PushChoice,
        dialog::Saved,
        push::{News, PushId},
    },
    fold::counts::Deltas,
    store::{
        digest::Digest,
        format::{self, RecordError},
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::{Timestamp, UtcOffset},
    wechat::OpenId,
};
use event::{Event, What};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tally::Tally;

/// How long before the newest event others stay correctable, in seconds.
pub const RECENT_SECONDS: u64 = 900;
/// Events that stay correctable.
pub const RECENT_MAX: usize = 64;
/// Tags of a fan.
const TAGS_MAX: usize = 64;

/// The key of a fan's record.
pub fn key(openid: &OpenId) -> Key<Fan> {
    keys::FAN.key(&[openid])
}

/// When a fan followed, by the stored record, if there is one; and what is wrong with a record that cannot be read.
///
/// Of a fan with such a record this much is known: the fan is no stranger. So there is one follow then, long ago: better one
/// in many a new follower is greeted as somebody who comes back than everybody who comes back as a stranger, while two
/// versions of Guanxi run side by side. Refusing the message would lose the follow and show the fan WeChat's notice of a fault.
pub fn follows(record: Option<&[u8]>) -> (Vec<Timestamp>, Option<RecordError>) {
    match record.map(Fan::decode) {
        None => (Vec::new(), None),
        // Follows know no days, so any clock does.
        Some(Ok(fan)) => (fan.state(UtcOffset::BEIJING).follows().collect(), None),
        Some(Err(error)) => (vec![Timestamp(0)], Some(error)),
    }
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
    /// Where the fan stands on lists.
    pub(crate) places: Places,
    /// The state now; kept while a fold works on the fan.
    #[serde(skip)]
    current: Option<State>,
}

impl Stored for Fan {
    const FORMAT: u8 = 3;

    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.first() {
            Some(format @ 1..=2) => old::decode(*format, bytes),
            _ => format::decode(Self::FORMAT, bytes),
        }
    }
}

impl Record for Fan {
    fn is_nothing(&self) -> bool {
        self.recent.is_empty() && self.erased.is_none() && self.frozen == State::default()
    }
}

impl Fan {
    /// The fan as known now. `offset` is the playbook's.
    pub fn state(&self, offset: UtcOffset) -> State {
        self.current.clone().unwrap_or_else(|| self.replay(self.recent.len(), offset))
    }

    /// As [`Self::state`], kept for the next look.
    pub(crate) fn now(&mut self, offset: UtcOffset) -> &State {
        if self.current.is_none() {
            self.current = Some(self.replay(self.recent.len(), offset));
        }
        self.current.as_ref().unwrap_or(&self.frozen)
    }

    /// The fan as on no list: what does not depend on the order of arrival.
    pub fn unlisted(self) -> Self {
        Self { places: Places::default(), ..self }
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
            Some(original) if original.moment <= event.moment || original.what == What::Erased => {
                return false;
            }
            None if copy => return false,
            _ => {}
        }
        let erased = self.erased.filter(|erased| event.moment.at <= *erased);
        let answered = (event.moment.at, event.answer);
        // Orders are credited to pushes; what else a fan does says nothing of them.
        let is_credited = matches!(event.what, What::Order(_)) && self.frozen.pushes.iter().next().is_some();
        let marks = is_credited.then(|| self.now(offset).pushes.clone());
        let original = known.map(|index| self.take(index, offset, deltas));
        if let Some(class) = original.as_ref().and_then(|original| original.answer) {
            deltas.general(answered.0).took(class, -1);
        }
        if let Some(class) = answered.1 {
            deltas.general(answered.0).took(class, 1);
        }
        self.put(event, offset, deltas);
        self.scrub(offset);
        if let Some(before) = marks {
            before.book(&self.now(offset).pushes, deltas);
        }
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

    /// Takes in what push tells of a push to the fan. Gives those of which WeChat is now known to have said something new.
    pub(crate) fn tell(&mut self, news: &News, offset: UtcOffset, deltas: &mut Deltas) -> Vec<(PushId, Arrival)> {
        self.mark(news.at, offset, deltas, |state| state.pushes.tell(news, &state.orders))
    }

    /// Takes in what WeChat says of the arrival of a push, as [`Self::tell`].
    pub(crate) fn hear(&mut self, arrival: Arrival, offset: UtcOffset, deltas: &mut Deltas) -> Vec<(PushId, Arrival)> {
        self.mark(arrival.at, offset, deltas, |state| state.pushes.hear(arrival))
    }

    fn mark(
        &mut self,
        at: Timestamp,
        offset: UtcOffset,
        deltas: &mut Deltas,
        change: impl FnOnce(&mut State),
    ) -> Vec<(PushId, Arrival)> {
        let before = self.now(offset).pushes.clone();
        change(&mut self.frozen);
        self.current = None;
        let after = &self.now(offset).pushes;
        before.book(after, deltas);
        let closed = after.closed_since(&before);
        if let Some(erased) = self.erased.filter(|erased| at <= *erased) {
            self.strip(erased, offset, deltas);
        }
        closed
    }

    /// Takes in what the fan chose about pushes, as callback knows it, where the record does not.
    pub(crate) fn recall(&mut self, at: Timestamp, choice: PushChoice, offset: UtcOffset) {
        let mut told = self.state(offset);
        told.choose(at, choice);
        if told != *self.now(offset) {
            self.frozen.choose(at, choice);
            self.current = None;
        }
    }

    /// Takes what dialogs saved and the fan wanted deleted later out of the state before the recent events and out of these,
    /// which would keep it while the fan is silent. What these lead to stays the same.
    fn scrub(&mut self, offset: UtcOffset) {
        let Some(cleared) = self.now(offset).dialogs.cleared() else { return };
        self.frozen.dialogs.drop_before(cleared);
        let wish = self.recent.iter().rposition(|event| event.what.wants_deletion()).unwrap_or(0);
        for (index, event) in self.recent.iter_mut().enumerate() {
            if index < wish || event.moment.at < cleared {
                event.what.drop_saved(|_| true);
            }
        }
    }

    /// Takes away the fields whose `forget_days` are over. True if there were any.
    pub(crate) fn expire(&mut self, now: Timestamp, offset: UtcOffset) -> bool {
        let before = (self.frozen.dialogs.clone(), self.recent.clone());
        let expired = self.now(offset).dialogs.expired(now);
        for name in &expired {
            self.frozen.dialogs.drop_field(name);
        }
        for event in &mut self.recent {
            let at = event.moment.at;
            let is_over = |saved: &Saved| dialogs::until(at, saved).is_some_and(|until| until <= now);
            event.what.drop_saved(|saved| expired.contains(&saved.field) || is_over(saved));
        }
        self.current = None;
        before != (self.frozen.dialogs.clone(), self.recent.clone())
    }

    /// Whether something that the fan did at `at` puts the fan on the list of all: not, if it is forgotten.
    pub(crate) fn is_listed_by(&self, at: Timestamp) -> bool {
        self.erased.is_none_or(|erased| erased < at) && !self.is_nothing()
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
        // Only a message has the time that all its copies have; an order's may still turn out to be earlier.
        let newest = self.recent.iter().rev().find(|event| event.answer.is_some());
        let newest = newest.map_or(0, |event| event.moment.at.0);
        let old = self.recent.partition_point(|event| event.moment.at.0.saturating_add(RECENT_SECONDS) < newest);
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

    /// Since when the fan is no follower any more; none: a follower, or nobody who ever was one, as far as we know.
    pub(crate) fn gone_since(&self, offset: UtcOffset) -> Option<Timestamp> {
        let state = self.state(offset);
        let ended = state.past.last().map(|past| past.until).max(self.erased);
        // Of whom we know nothing but a push: what is told of one can come after all else was forgotten.
        let told = state.pushes.last().filter(|_| state.known_since.is_none());
        ended.max(told).filter(|_| state.follow.is_none())
    }
}
