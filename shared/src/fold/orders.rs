//! What rollup keeps about orders.

use crate::{
    facts::order::{OrderEvent, OrderKind},
    fold::fan::event::Event,
    store::{
        digest::{Digest, hex},
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Events of one order that are told apart.
const EVENTS_MAX: usize = 64;
/// Order events that wait for one unionid.
const WAITING_MAX: usize = 64;

/// Where the events of an order stand, by the digest of its number.
pub(crate) fn log_key(order: &Digest) -> Key<OrderLog> {
    keys::ORDER.key(&[&hex(order)])
}

/// Where the openid stands that belongs to a unionid, by the unionid's digest.
pub(crate) fn union_key(union: &Digest) -> Key<Union> {
    keys::UNION.key(&[&hex(union)])
}

/// What the orders of a unionid wait under.
pub(crate) fn wait_key(union: &Digest) -> Key<Waiting> {
    keys::WAITING.key(&[&hex(union)])
}

/// Which events of one order were folded, for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderLog(BTreeSet<(OrderKind, u32)>);

impl OrderLog {
    /// Whether the event was folded before; notes that it is now. None when the order has too many events to tell.
    pub(crate) fn is_copy(&mut self, event: &OrderEvent) -> Option<bool> {
        let name = (event.kind, event.version);
        if self.0.contains(&name) {
            return Some(true);
        }
        let has_room = self.0.len() < EVENTS_MAX;
        if has_room {
            self.0.insert(name);
        }
        has_room.then_some(false)
    }

    /// Whether the order is void.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.iter().any(|(kind, _)| *kind == OrderKind::Cancel)
    }
}

impl Stored for OrderLog {}

impl Record for OrderLog {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// Which fan a unionid is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Union(pub(crate) Option<OpenId>);

impl Stored for Union {}

impl Record for Union {
    fn is_nothing(&self) -> bool {
        self.0.is_none()
    }
}

/// Events of orders whose fan is not known yet, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting(pub(crate) Vec<Event>);

impl Waiting {
    /// When the first of them was reported.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.0.first().map(|event| event.moment.at)
    }

    /// Drops what was reported until `until`. Says when the first of the others was.
    pub(crate) fn drop_until(&mut self, until: Timestamp) -> Option<Timestamp> {
        self.0.retain(|event| event.moment.at > until);
        self.since()
    }

    /// Takes in an event, unless it is a copy; then the one that stands first in the journal stays.
    pub(crate) fn add(&mut self, event: Event, copy: bool) {
        let known = self.0.iter().position(|waiting| waiting.identity == event.identity);
        match known.and_then(|index| self.0.get(index)) {
            Some(original) if original.moment <= event.moment => return,
            None if copy || self.0.len() >= WAITING_MAX => return,
            _ => {}
        }
        known.map(|index| self.0.remove(index));
        let place = self.0.partition_point(|waiting| waiting.moment <= event.moment);
        self.0.insert(place, event);
    }
}

impl Stored for Waiting {}

impl Record for Waiting {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}
