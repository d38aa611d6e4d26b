//! Fan records of the first format: they knew nothing of pushes, of hours, and of how many pieces each purchase had.

use super::{
    Fan,
    event::Event,
    places::Places,
    purchases::{Order, Placed, Product, Purchase},
    state::{Follow, Origin, PastFollow, State, TouchMark},
};
use crate::{
    store::{
        format::{self, RecordError},
        record::Digest,
    },
    time::Timestamp,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The first format.
pub(super) const FORMAT: u8 = 1;

#[derive(Deserialize)]
struct OldFan {
    frozen: OldState,
    recent: Vec<Event>,
    tags: BTreeSet<String>,
    erased: Option<Timestamp>,
    union: Option<Digest>,
}

#[derive(Deserialize)]
struct OldState {
    known_since: Option<Timestamp>,
    follow: Option<Follow>,
    followed_before: bool,
    origin: Option<Origin>,
    past: Vec<PastFollow>,
    first_touch: Option<TouchMark>,
    touches: Vec<TouchMark>,
    last_message: Option<Timestamp>,
    last_click: Option<Timestamp>,
    last_scan: Option<Timestamp>,
    last_follow: Option<Timestamp>,
    scanned: (u64, BTreeSet<String>),
    products: BTreeMap<String, OldProduct>,
    orders_live: u32,
    orders: Vec<OldOrder>,
    opted_out: Option<Timestamp>,
    notices: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct OldProduct {
    count: u32,
    quantity: u64,
    amount: i64,
    times: Vec<Timestamp>,
}

#[derive(Deserialize)]
struct OldOrder {
    id: Digest,
    placed: Option<Placed>,
    cancelled: bool,
    refunds: i64,
    refunded: i64,
}

/// Reads a record of the first format.
pub(super) fn decode(bytes: &[u8]) -> Result<Fan, RecordError> {
    let OldFan { frozen, recent, tags, erased, union } = format::decode(FORMAT, bytes)?;
    Ok(Fan { frozen: frozen.into(), recent, tags, erased, union, places: Places::default(), current: None })
}

impl From<OldState> for State {
    fn from(old: OldState) -> Self {
        let live: Vec<&Placed> =
            old.orders.iter().filter(|order| !order.cancelled).filter_map(|order| order.placed.as_ref()).collect();
        let products = old.products.into_iter().map(|(name, product)| {
            let product = product.with_pieces(&name, &live);
            (name, product)
        });
        Self {
            products: products.collect(),
            known_since: old.known_since,
            follow: old.follow,
            followed_before: old.followed_before,
            origin: old.origin,
            past: old.past,
            first_touch: old.first_touch,
            touches: old.touches,
            last_message: old.last_message,
            last_click: old.last_click,
            last_scan: old.last_scan,
            last_follow: old.last_follow,
            scanned: old.scanned,
            orders_live: old.orders_live,
            orders: old.orders.into_iter().map(Order::from).collect(),
            opted_out: old.opted_out,
            notices: old.notices,
            ..Self::default()
        }
    }
}

impl OldProduct {
    /// The pieces of each purchase stand in its order where that is still known; for the others the fan's mean will do.
    fn with_pieces(self, name: &str, live: &[&Placed]) -> Product {
        let mean = u32::try_from(self.quantity / u64::from(self.count.max(1))).unwrap_or(u32::MAX).max(1);
        let pieces = |at: Timestamp| {
            let order = live.iter().find(|placed| placed.at == at && placed.quantity(name) > 0);
            order.map_or(mean, |placed| placed.quantity(name))
        };
        let mut purchases: Vec<Purchase> =
            self.times.iter().map(|at| Purchase { at: *at, quantity: pieces(*at) }).collect();
        purchases.sort_unstable();
        Product { count: self.count, quantity: self.quantity, amount: self.amount, purchases }
    }
}

impl From<OldOrder> for Order {
    fn from(old: OldOrder) -> Self {
        Self::known(old.id, old.placed, old.cancelled, old.refunds, old.refunded)
    }
}
