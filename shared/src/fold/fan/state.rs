//! What a fan is to the brand at a moment.

use super::{
    desk::Desk,
    dialogs::Dialogs,
    hours::Hours,
    marks::Marks,
    orders::{Order, Product},
};
use crate::{facts::PushChoice, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a fan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When we first heard of the fan.
    pub known_since: Option<Timestamp>,
    /// The follow that lasts.
    pub follow: Option<Follow>,
    /// Whether the fan ever followed, as far as we know.
    pub followed_before: bool,
    /// The first follow, if we saw it.
    pub origin: Option<Origin>,
    /// Follows that ended, the newest last; at most 16.
    pub past: Vec<PastFollow>,
    /// The first contact through a channel.
    pub first_touch: Option<TouchMark>,
    /// The last contacts through channels, the newest last; at most 32.
    pub touches: Vec<TouchMark>,
    /// The last message.
    pub last_message: Option<Timestamp>,
    /// The last use of the menu.
    pub last_click: Option<Timestamp>,
    /// The last scan.
    pub last_scan: Option<Timestamp>,
    /// The last follow.
    pub last_follow: Option<Timestamp>,
    /// The channels scanned on the last day with a scan.
    pub(crate) scanned: (u64, BTreeSet<String>),
    /// Purchases by product; at most 64.
    pub products: BTreeMap<String, Product>,
    /// Orders that were not cancelled.
    pub orders_live: u32,
    /// The last orders.
    pub(crate) orders: Vec<Order>,
    /// When the fan asked for no more pushes, if that still holds.
    pub opted_out: Option<Timestamp>,
    /// When the fan last said that pushes are welcome.
    pub(crate) resumed: Option<Timestamp>,
    /// Notices that may be sent, by template, at most 32: allowed, less those that WeChat says were sent.
    pub notices: BTreeMap<String, u32>,
    /// When in the day the fan is there.
    pub(crate) hours: Hours,
    /// The last pushes to the fan.
    pub pushes: Marks,
    /// What dialogs left.
    pub dialogs: Dialogs,
    /// Where the fan stands with the agents.
    pub(crate) desk: Desk,
}

/// A follow that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Since when; of a follow that we did not see, when the fan first acted.
    pub since: Timestamp,
    /// The channel that it counts for.
    pub channel: String,
    /// Whether we saw it begin.
    pub seen: bool,
}

/// A follow that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFollow {
    /// From …
    pub since: Timestamp,
    /// … until.
    pub until: Timestamp,
    /// The channel that it counted for.
    pub channel: String,
}

/// The follow that made a fan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// When it happened, by WeChat's clock.
    pub at: Timestamp,
    /// Through which channel.
    pub channel: String,
}

/// A contact through a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchMark {
    /// When it happened, by WeChat's clock.
    pub at: Timestamp,
    /// Through which channel, as it stands in counts.
    pub channel: String,
}

impl State {
    /// When the fan followed, earlier follows first.
    pub fn follows(&self) -> impl Iterator<Item = Timestamp> {
        self.past.iter().map(|past| past.since).chain(self.follow.iter().map(|follow| follow.since))
    }

    /// The hour of the playbook's day in which the fan is there most often; of equals the first. None before five contacts:
    /// messages, clicks, scans and follows.
    pub fn busiest_hour(&self) -> Option<u8> {
        self.hours.busiest()
    }

    /// Stops or resumes pushes; what comes late does not undo what was chosen later.
    pub(super) fn choose(&mut self, at: Timestamp, choice: PushChoice) {
        match choice {
            PushChoice::Stop if self.resumed.is_none_or(|resumed| resumed <= at) => {
                self.opted_out = self.opted_out.max(Some(at));
            }
            PushChoice::Resume if self.opted_out.is_none_or(|stopped| stopped <= at) => {
                self.resumed = self.resumed.max(Some(at));
                self.opted_out = None;
            }
            PushChoice::Stop | PushChoice::Resume => {}
        }
    }

    /// The first order that counts.
    pub(super) fn first_order(&self) -> Option<&Order> {
        let live = self.orders.iter().filter_map(|order| Some((order.live()?.at, order)));
        live.min_by_key(|(at, order)| (*at, order.id)).map(|(_, order)| order)
    }

    /// What an erasure leaves: what keeps the person from being counted twice, and from being pushed to against their wish.
    pub(crate) fn remains(&self) -> Self {
        Self {
            follow: self.follow.clone(),
            followed_before: self.followed_before,
            origin: self.origin.clone().filter(|_| self.follow.is_some()),
            orders_live: self.orders_live,
            orders: self.first_order().map(Order::without_lines).into_iter().collect(),
            opted_out: self.opted_out,
            pushes: self.pushes.remains(),
            ..Self::default()
        }
    }
}
