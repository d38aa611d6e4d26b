//! What became of each push, fan by fan: `ledger:<openid>`.
//!
//! | state | means |
//! |---|---|
//! | planned | will go out, and has surely not yet |
//! | sending | on its way since the moment stored: it may have gone out or not |
//! | sent | WeChat took it |
//! | delivered, refused | how it ended |
//! | unknown | whether it went out cannot be known; only an event will tell, and it is never sent again |
//! | skipped | does not go out, for a reason |
//!
//! `sending` is stored before the request leaves. So whoever finds a push planned may send it, and whoever finds it
//! sending may only repeat it under the same `client_msg_id`, and only for
//! [`REPEAT_SECONDS`](crate::wechat::api::template::REPEAT_SECONDS).
//!
//! The way that a push goes is stored with its first `sending`: whether it may be repeated, and what it used up of what the
//! fan allows.

use crate::{
    facts::push::{Group, News, PushId, Series, Skip, What},
    playbook::{Content, Ways},
    store::{
        key::{Key, Stored},
        keys,
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};

/// Entries kept of a fan; more where the playbook's cap is larger, so that every push that the cap counts is known.
const ENTRIES_MAX: usize = 32;
/// Entries that ended are kept so long, in seconds: longer than any cap looks back.
const KEPT_SECONDS: u64 = 400 * 86_400;

/// One fan's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    entries: Vec<Entry>,
}

/// Of a fan who never got one.
pub(super) static NO_PUSHES: Ledger = Ledger { entries: Vec::new() };

/// One push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The push; no two entries have the same.
    pub id: PushId,
    /// What it is about.
    pub subject: Subject,
    /// When it is due to go out.
    pub due: Timestamp,
    /// For so many days from then on an order is credited to it.
    pub outcome_days: u32,
    /// When it was planned.
    pub planned: Timestamp,
    /// What became of it.
    pub state: State,
    /// How it left the last time; none: it has not, or a Guanxi sent it that did not say.
    pub went: Option<Went>,
}

/// How a push left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Went {
    /// As a template message.
    ByTemplate,
    /// As a notice of this template.
    ByNotice(String),
    /// As a customer message.
    ByMessage,
}

impl Ways {
    /// The way that a push went, alone: in doubt it goes no other. None: the playbook no longer has it.
    pub fn as_it_went(&self, push: &Entry) -> Option<Self> {
        let mut ways = self.iter();
        let went = match &push.went {
            Some(went) => ways.find(|content| Went::from(*content) == *went),
            None => ways.next().filter(|_| ways.next().is_none()),
        };
        went.cloned().map(Self::from)
    }
}

impl From<&Content> for Went {
    fn from(content: &Content) -> Self {
        match content {
            Content::Template(_) => Self::ByTemplate,
            Content::Notice(form) => Self::ByNotice(form.template_id.clone()),
            Content::Message { .. } => Self::ByMessage,
        }
    }
}

/// What a push is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// A product runs out.
    Reminder {
        /// The product, by its id in the playbook.
        product: String,
        /// The purchase.
        basis: Timestamp,
        /// When it will have run out.
        run_out: Timestamp,
    },
    /// A campaign, by id.
    Campaign(String),
}

/// What became of a push, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Will go out.
    Planned,
    /// On its way since the first try.
    Sending(Timestamp),
    /// WeChat took it, under this number where it gave one.
    Sent(Timestamp, Option<String>),
    /// It arrived.
    Delivered(Timestamp),
    /// It did not: WeChat's code, or 0 where an event said so.
    Refused(Timestamp, i64),
    /// Nobody knows.
    Unknown(Timestamp),
    /// It does not go out.
    Skipped(Timestamp, Skip),
}

impl State {
    /// Whether nothing more is to be done, though an event may still tell more.
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Planned | Self::Sending(_))
    }

    /// When it last left, or reached WeChat or the fan; none: it surely did not.
    pub fn went_at(&self) -> Option<Timestamp> {
        match self {
            Self::Sending(at) | Self::Sent(at, _) | Self::Delivered(at) | Self::Unknown(at) => Some(*at),
            Self::Planned | Self::Refused(..) | Self::Skipped(..) => None,
        }
    }

    /// Whether the fan got it, or may yet, as far as anybody knows: what a cap counts.
    pub fn counts(&self) -> bool {
        !matches!(self, Self::Refused(..) | Self::Skipped(..))
    }
}

impl Subject {
    /// The push about this to this fan.
    pub fn id(&self, openid: &OpenId) -> PushId {
        match self {
            Self::Reminder { product, basis, .. } => PushId::of_reminder(openid, product, *basis),
            Self::Campaign(id) => PushId::of(&format!("campaign|{openid}|{id}")),
        }
    }

    /// The campaign that it is of; none: it is no campaign's.
    pub fn campaign(&self) -> Option<&str> {
        match self {
            Self::Reminder { .. } => None,
            Self::Campaign(id) => Some(id),
        }
    }

    /// What it belongs to.
    pub fn series(&self) -> Series {
        match self {
            Self::Reminder { product, .. } => Series::Reminder(product.clone()),
            Self::Campaign(id) => Series::Campaign(id.clone()),
        }
    }
}

impl Entry {
    /// News of it.
    pub fn news(&self, openid: &OpenId, group: Option<Group>, at: Timestamp, what: What) -> News {
        News {
            openid: openid.clone(),
            id: self.id,
            series: self.subject.series(),
            due: self.due,
            outcome_days: self.outcome_days,
            group,
            at,
            what,
        }
    }
}

/// Where the ledger of a fan stands.
pub fn key(openid: &OpenId) -> Key<Ledger> {
    keys::LEDGER.key(&[openid])
}

impl Stored for Ledger {}

impl Ledger {
    /// All of it, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The push of this id.
    pub fn get(&self, id: PushId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Changes what became of a push. False when there is no such push.
    pub fn set(&mut self, id: PushId, state: State) -> bool {
        let entry = self.entries.iter_mut().find(|entry| entry.id == id);
        entry.map(|entry| entry.state = state).is_some()
    }

    /// Says how a push leaves now.
    pub fn leaves(&mut self, id: PushId, went: Went) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.went = Some(went);
        }
    }

    /// The pushes that left so, and may have reached WeChat, from a moment on; but for one.
    pub fn since(&self, from: Timestamp, went: Went, but: PushId) -> impl Iterator<Item = &Entry> {
        let left = move |entry: &&Entry| entry.state.went_at().is_some_and(|at| at >= from);
        self.entries.iter().filter(left).filter(move |entry| entry.went.as_ref() == Some(&went) && entry.id != but)
    }

    /// Adds a push; `cap` is the playbook's. What ended long ago goes. So does, while there are too many, the earliest due of
    /// those that ended: those that the cap does not count first, and never one that has not ended.
    pub fn add(&mut self, entry: Entry, cap: u32) {
        let now = entry.planned;
        self.entries.retain(|old| !old.state.is_settled() || now.0.saturating_sub(old.planned.0) <= KEPT_SECONDS);
        self.entries.push(entry);
        while self.entries.len() > entries_max(cap) {
            let ended = self.entries.iter().enumerate().filter(|(_, entry)| entry.state.is_settled());
            let least = ended.min_by_key(|(_, entry)| (entry.state.counts(), entry.due));
            let Some((at, _)) = least else { break };
            self.entries.remove(at);
        }
    }

    /// Whether there is room for one more that has not ended.
    pub fn has_room(&self, cap: u32) -> bool {
        self.entries.iter().filter(|entry| !entry.state.is_settled()).count() < entries_max(cap)
    }

    /// How many pushes the fan got or will get that are due in the `days` up to `until`.
    pub fn count(&self, until: Timestamp, days: u32) -> usize {
        let from = until.0.saturating_sub(u64::from(days) * 86_400);
        self.entries.iter().filter(|entry| entry.due.0 > from && entry.state.counts()).count()
    }
}

fn entries_max(cap: u32) -> usize {
    ENTRIES_MAX.max(cap as usize)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const DAY: u64 = 86_400;

    /// A push that is planned and due at noon of a day.
    fn entry(number: u64, day: u64, state: State) -> Entry {
        let at = Timestamp(day * DAY);
        let subject = Subject::Campaign(number.to_string());
        Entry {
            id: PushId::of(&number.to_string()),
            subject,
            due: at,
            outcome_days: 14,
            planned: at,
            state,
            went: None,
        }
    }

    #[test]
    fn every_cap_that_a_playbook_may_have_binds() {
        for cap in 1..=100 {
            let mut ledger = Ledger::default();
            // Between any two that count three that do not.
            for number in 0..4 * u64::from(cap) {
                let at = Timestamp((1_000 + number / 4) * DAY);
                let state = match number % 4 {
                    0 => State::Delivered(at),
                    1 => State::Skipped(at, Skip::QuietHours),
                    _ => State::Refused(at, 43_004),
                };
                ledger.add(entry(number, 1_000 + number / 4, state), cap);
            }
            let today = Timestamp((1_000 + u64::from(cap)) * DAY);
            assert_eq!(ledger.count(today, 365), cap as usize, "a cap of {cap}");
            assert!(ledger.entries().len() <= 100.max(ENTRIES_MAX));
        }
    }

    #[test]
    fn a_full_ledger_forgets_nothing_that_has_not_ended() {
        for state in [State::Planned, State::Sending(Timestamp(5))] {
            let mut ledger = Ledger::default();
            for number in 0..ENTRIES_MAX as u64 {
                assert!(ledger.has_room(3));
                ledger.add(entry(number, 10, state.clone()), 3);
            }
            assert!(!ledger.has_room(3) && ledger.has_room(33));
            // Another component may not have asked.
            for number in 100..110 {
                ledger.add(entry(number, 10, state.clone()), 3);
                ledger.add(entry(number + 100, 10, State::Skipped(Timestamp(5), Skip::Capped)), 3);
            }
            let open = ledger.entries().iter().filter(|entry| !entry.state.is_settled()).count();
            assert_eq!((open, ledger.entries().len()), (ENTRIES_MAX + 10, ENTRIES_MAX + 10), "{state:?}");
        }
    }

    #[test]
    fn what_goes_first_is_what_no_cap_counts_and_then_the_earliest_due() {
        let mut ledger = Ledger::default();
        ledger.add(entry(1, 12, State::Delivered(Timestamp(1))), 1);
        ledger.add(entry(2, 11, State::Unknown(Timestamp(1))), 1);
        ledger.add(entry(3, 13, State::Skipped(Timestamp(1), Skip::NoWindow)), 1);
        let fill = |ledger: &mut Ledger, numbers: std::ops::Range<u64>| {
            numbers.for_each(|number| ledger.add(entry(number, 14, State::Planned), 1));
        };
        let has = |ledger: &Ledger| [1, 2, 3].map(|number: u64| ledger.get(PushId::of(&number.to_string())).is_some());
        fill(&mut ledger, 10..39);
        assert_eq!(has(&ledger), [true, true, true]);
        fill(&mut ledger, 39..40);
        assert_eq!(has(&ledger), [true, true, false]);
        fill(&mut ledger, 40..41);
        assert_eq!(has(&ledger), [true, false, false]);
    }
}
