//! What fans ask the brand for: a list for the outbox, what became of each request, and how many there were.
//!
//! A request is put on the [list](request::list) once by its number; where it stands is kept with the fan, so that it becomes a blank
//! when the fan is forgotten. An order that names the number, reported by the shop, makes both one: whichever comes first.

use super::{Settings, expire::DayCursor, lists::Lists, orders::OrderLog};
use crate::{
    facts::{
        order::{OrderEvent, OrderKind},
        request::{self, Asked, Kind, Request},
    },
    store::{
        digest::{Digest, digest},
        key::{Key, Stored},
        keys,
        record::{FoldError, Knowledge, Record, Table, Write},
    },
    time::{Day, Timestamp},
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requests stay on the list so many whole days after the message that made them: the outbox gives one up after three days, and who
/// looks at what was given up has the rest.
pub const REQUEST_DAYS: u64 = 14;
/// Requests of a fan that are known. More than that within [`REQUEST_DAYS`] are not taken, and counted as refused.
pub const REQUESTS_MAX: usize = 64;
/// Orders that may name one request.
const ORDERS_MAX: usize = 8;

/// The key of what is known of a fan's requests.
pub fn key(openid: &OpenId) -> Key<Requested> {
    keys::REQUESTED.key(&[openid])
}

/// The key of a day's counts.
pub fn day_key(day: Day) -> Key<RequestDay> {
    keys::REQUEST_DAY.key(&[&day.0])
}

/// A fan's requests by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested(BTreeMap<String, Known>);

/// What is known of one number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What was asked for, and when; none: so far only an order names it.
    pub asked: Option<(Kind, Timestamp)>,
    /// Where it stands on the list.
    position: Option<u64>,
    /// The orders that name it, and whether each is cancelled.
    orders: BTreeMap<Digest, bool>,
}

impl Known {
    /// Whether an order names it that was not cancelled.
    pub fn is_bought(&self) -> bool {
        self.orders.values().any(|cancelled| !cancelled)
    }
}

impl Stored for Requested {}

impl Record for Requested {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl Requested {
    /// What is known of a number.
    pub fn get(&self, number: &str) -> Option<&Known> {
        self.0.get(number)
    }

    /// Every number, and what is known of it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.0.iter().map(|(number, known)| (number.as_str(), known))
    }

    /// Makes room for one more at `at`: what is no longer on the list goes, the oldest first. False: there is none.
    fn has_room(&mut self, at: Timestamp) -> bool {
        if self.0.len() < REQUESTS_MAX {
            return true;
        }
        let gone = at.0.saturating_sub((REQUEST_DAYS + 1) * 86_400);
        let since = |known: &Known| known.asked.map_or(0, |(_, asked)| asked.0);
        let oldest = self.0.iter().min_by_key(|(_, known)| since(known)).filter(|(_, known)| since(known) < gone);
        let oldest = oldest.map(|(number, _)| number.clone());
        oldest.and_then(|number| self.0.remove(&number)).is_some()
    }
}

/// How many requests of a kind there were on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Requests.
    pub asked: i64,
    /// Of these, those that an order names which was not cancelled.
    pub bought: i64,
    /// Requests that were not taken: the fan made too many.
    pub refused: i64,
}

impl Numbers {
    /// Adds others.
    pub fn add(&mut self, others: Self) {
        self.asked += others.asked;
        self.bought += others.bought;
        self.refused += others.refused;
    }
}

/// The requests of a day of the playbook's offset, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDay(pub BTreeMap<Kind, Numbers>);

impl Stored for RequestDay {}

impl Record for RequestDay {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a fold touches of requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    list: Lists<Asked>,
    cursor: Table<DayCursor>,
    fans: Table<Requested>,
    days: Table<RequestDay>,
}

impl Requests {
    /// Takes in a request of a fan's, unless its number is known.
    pub(super) async fn ask(
        &mut self,
        openid: &OpenId,
        request: &Request,
        settings: &Settings,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let (kind, at, number) = (request.kind, request.at, &request.number);
        let day = settings.utc_offset.local(at).day;
        let fan = self.fans.get(key(openid), known).await?;
        let is_new = fan.0.get(number).is_none_or(|known| known.asked.is_none());
        if !is_new || !request::is_number(number) {
            return Ok(());
        }
        if !fan.0.contains_key(number) && !fan.has_room(at) {
            self.count(day, kind, Numbers { refused: 1, ..Numbers::default() }, known).await?;
            return Ok(());
        }
        let asked = Asked::new(openid.clone(), request.clone());
        let position = self.list.append(&request::list(), asked, known).await?;
        self.cursor.get(DayCursor::of_requests(), known).await?.note(day, position);
        let fan = self.fans.get(key(openid), known).await?.0.entry(number.clone()).or_default();
        (fan.asked, fan.position) = (Some((kind, at)), Some(position));
        let bought = i64::from(fan.is_bought());
        self.count(day, kind, Numbers { asked: 1, bought, refused: 0 }, known).await
    }

    /// Takes in what the shop says of an order of a fan's, of whose events `log` tells.
    pub(super) async fn order(
        &mut self,
        openid: &OpenId,
        order: &OrderEvent,
        log: &OrderLog,
        settings: &Settings,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let (id, is_cancelled) = (digest(&order.id), log.is_cancelled());
        if order.request.is_none() && order.kind != OrderKind::Cancel {
            return Ok(());
        }
        let fan = self.fans.get(key(openid), known).await?;
        let mut changes = Vec::new();
        if let Some(number) = order.request.as_ref().filter(|_| order.kind == OrderKind::Order)
            && (fan.0.contains_key(number) || fan.has_room(order.at))
        {
            let named = fan.0.entry(number.clone()).or_default();
            let before = named.is_bought();
            if named.orders.len() < ORDERS_MAX {
                named.orders.entry(id).or_default();
            }
            changes.push((number.clone(), before));
        }
        let others = fan.0.iter().filter(|(number, named)| {
            named.orders.contains_key(&id) && changes.iter().all(|(changed, _)| changed != *number)
        });
        let others: Vec<_> = others.map(|(number, named)| (number.clone(), named.is_bought())).collect();
        changes.extend(others);
        let mut counts = Vec::new();
        for (number, before) in changes {
            let Some(named) = fan.0.get_mut(&number) else { continue };
            if let Some(cancelled) = named.orders.get_mut(&id) {
                *cancelled = is_cancelled;
            }
            let bought = i64::from(named.is_bought()) - i64::from(before);
            counts.extend(named.asked.filter(|_| bought != 0).map(|asked| (asked, bought)));
        }
        for ((kind, at), bought) in counts {
            let day = settings.utc_offset.local(at).day;
            self.count(day, kind, Numbers { bought, ..Numbers::default() }, known).await?;
        }
        Ok(())
    }

    /// Forgets a fan's requests; the counts stay.
    pub(super) async fn forget(&mut self, openid: &OpenId, known: &dyn Knowledge) -> Result<(), FoldError> {
        let fan = std::mem::take(self.fans.get(key(openid), known).await?);
        for position in fan.0.into_values().filter_map(|known| known.position) {
            self.list.blank(&request::list(), position, known).await?;
        }
        Ok(())
    }

    async fn count(&mut self, day: Day, kind: Kind, numbers: Numbers, known: &dyn Knowledge) -> Result<(), FoldError> {
        self.days.get(day_key(day), known).await?.0.entry(kind).or_default().add(numbers);
        Ok(())
    }

    /// The records that are not as they were loaded.
    pub(super) fn writes(self) -> impl Iterator<Item = Write> {
        self.list.writes().chain(self.cursor.writes()).chain(self.fans.writes()).chain(self.days.writes())
    }
}
