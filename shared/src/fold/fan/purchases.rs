//! What a fan bought, order by order and product by product.

use super::{
    event::OrderNews,
    state::{Origin, State, Tally, TouchMark},
};
use crate::{
    facts::order::{Line, OrderKind},
    fold::counts::{DIRECT, Metric, Stage},
    journal::orders::LINES_MAX,
    store::digest::{Digest, digest},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Orders kept per fan, so that a refund or a cancellation finds its order.
const ORDERS_MAX: usize = 16;
/// Products kept per fan.
const PRODUCTS_MAX: usize = 64;
/// Purchases kept per product: eight intervals.
const PURCHASES_MAX: usize = 9;

/// What a fan bought of one product and kept: neither cancelled orders are in it nor pieces that were given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Orders with it.
    pub count: u32,
    /// Pieces that were kept.
    pub quantity: u64,
    /// What they cost together, in cents, less refunds.
    pub amount: i64,
    /// In order of time; the last nine.
    pub purchases: Vec<Purchase>,
}

/// One purchase of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Purchase {
    /// When, by the shop's clock.
    pub at: Timestamp,
    /// Pieces kept.
    pub quantity: u32,
}

impl Product {
    /// The last purchase.
    pub fn last(&self) -> Option<Timestamp> {
        self.purchases.last().map(|purchase| purchase.at)
    }

    /// Pieces of the last purchase that were kept.
    pub fn last_quantity(&self) -> u64 {
        self.purchases.last().map_or(0, |purchase| u64::from(purchase.quantity))
    }

    /// Each purchase that was followed by another, and the seconds until then; at most eight, the newest last.
    pub fn intervals(&self) -> impl Iterator<Item = (Purchase, u64)> {
        self.purchases.iter().zip(self.purchases.iter().skip(1)).map(|(one, next)| (*one, one.at.distance(next.at)))
    }
}

/// What is known of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    id: Digest,
    /// None: only a refund or cancellation came so far.
    placed: Option<Placed>,
    cancelled: bool,
    refunds: i64,
    refunded: i64,
    /// By product: what was given back.
    returned: Vec<Returned>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) version: u32,
    pub(super) at: Timestamp,
    /// The channels of the first and of the last touch in the window before it.
    pub(super) first: String,
    pub(super) last: String,
    pub(super) lines: Vec<Line>,
}

/// What was given back of one product of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Returned {
    product: ProductDigest,
    quantity: u32,
    amount: i64,
}

/// The first bytes of a product's digest: they only have to tell the products of one order apart.
type ProductDigest = [u8; 4];

fn product_digest(product: &str) -> ProductDigest {
    digest(product).first_chunk().copied().unwrap_or_default()
}

impl Order {
    /// The order, if it counts.
    fn live(&self) -> Option<&Placed> {
        self.placed.as_ref().filter(|_| !self.cancelled)
    }

    /// An order as records of the first format knew it.
    pub(super) fn known(id: Digest, placed: Option<Placed>, cancelled: bool, refunds: i64, refunded: i64) -> Self {
        Self { id, placed, cancelled, refunds, refunded, returned: Vec::new() }
    }

    /// That there was an order, and not of what; without lines it has no revenue to book.
    pub(super) fn without_lines(&self) -> Self {
        let placed = self.placed.clone().map(|placed| Placed { last: String::new(), lines: Vec::new(), ..placed });
        Self { placed, refunds: 0, refunded: 0, returned: Vec::new(), ..self.clone() }
    }

    /// When it was and what it brought, if it counts and has a line of the product; any will do where none is named.
    pub(super) fn worth(&self, product: Option<&str>) -> Option<(Timestamp, i64)> {
        let placed = self.live()?;
        placed.lines.iter().find(|line| product.is_none_or(|product| product == line.product))?;
        Some((placed.at, placed.amount() - self.refunded.min(placed.amount())))
    }

    /// What was kept of a line, in pieces and in cents. Shops that refund a part name the money, not always the pieces: so
    /// pieces follow the money, and their own number where they cost nothing.
    fn kept(&self, line: &Line) -> (u32, i64) {
        let product = product_digest(&line.product);
        let Some(returned) = self.returned.iter().find(|returned| returned.product == product) else {
            return (line.quantity, line.amount);
        };
        if line.amount <= 0 {
            return (line.quantity.saturating_sub(returned.quantity), line.amount);
        }
        let amount = line.amount - returned.amount.clamp(0, line.amount);
        let (whole, all) = (u128::from(line.quantity) * u128::from(amount.unsigned_abs()), line.amount.unsigned_abs());
        (u32::try_from(whole.div_ceil(u128::from(all))).unwrap_or(line.quantity), amount)
    }

    fn give_back(&mut self, line: &Line) {
        let product = product_digest(&line.product);
        let place = self.returned.partition_point(|returned| returned.product < product);
        if let Some(returned) = self.returned.get_mut(place).filter(|returned| returned.product == product) {
            returned.quantity = returned.quantity.saturating_add(line.quantity);
            returned.amount = returned.amount.saturating_add(line.amount);
        } else if self.returned.len() < LINES_MAX {
            self.returned.insert(place, Returned { product, quantity: line.quantity, amount: line.amount });
        }
    }

    /// Adds what the order is worth to the counts, `sign` times.
    fn tally(&self, sign: i64, tally: &mut Tally<'_>) {
        let Some(placed @ Placed { at, first, last, .. }) = self.live() else {
            return;
        };
        let amount = placed.amount();
        let refunded = self.refunded.min(amount);
        tally.add(*at, first, Metric::Orders, sign);
        tally.add(*at, first, Metric::RevenueFirst, sign * (amount - refunded));
        tally.add(*at, last, Metric::RevenueLast, sign * (amount - refunded));
        tally.add(*at, first, Metric::Refunds, sign * self.refunds);
        tally.add(*at, first, Metric::Refunded, sign * refunded);
    }
}

impl Placed {
    fn amount(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).fold(0, i64::saturating_add)
    }
}

impl State {
    /// Takes in what happened to an order, reported at `at`: what the order was worth goes, what it is worth now comes.
    ///
    /// What is booked in the end follows from the set of orders alone and not from the order in which they came, because
    /// one that waited for its fan comes late.
    pub(super) fn order(&mut self, at: Timestamp, news: &OrderNews, tally: &mut Tally<'_>) {
        self.tally_standing(-1, tally);
        let old = self.take_order(news.order);
        old.tally(-1, tally);
        self.pushes.credit(&old, -1);
        if let Some(placed) = old.live() {
            self.orders_live = self.orders_live.saturating_sub(1);
            tally.add(placed.at, &placed.first, Metric::Repurchases, -1);
            unbuy(&mut self.products, &old, placed);
        }
        let new = self.after(old, at, news);
        new.tally(1, tally);
        if let Some(placed) = new.live() {
            self.orders_live += 1;
            tally.add(placed.at, &placed.first, Metric::Repurchases, 1);
            buy(&mut self.products, &new, placed);
        }
        self.pushes.credit(&new, 1);
        self.keep(new);
        self.tally_standing(1, tally);
    }

    /// Books what is said of a fan who has bought once, or more often. The first order that counts made the fan a buyer;
    /// it stands among the repurchases until this moves it.
    pub(super) fn tally_standing(&self, sign: i64, tally: &mut Tally<'_>) {
        let Some(first) = self.first_order().and_then(Order::live) else {
            return;
        };
        tally.add(first.at, &first.first, Metric::Buyers, sign);
        tally.add(first.at, &first.first, Metric::Repurchases, -sign);
        let Some(Origin { at, channel }) = &self.origin else {
            return;
        };
        tally.add(*at, channel, Metric::Bought, sign);
        tally.cohort((*at, channel), Stage::Bought, first.at, sign);
        if self.orders_live > 1 {
            tally.add(*at, channel, Metric::BoughtAgain, sign);
        }
    }

    /// The first order that counts.
    pub(super) fn first_order(&self) -> Option<&Order> {
        let live = self.orders.iter().filter_map(|order| Some((order.live()?.at, order)));
        live.min_by_key(|(at, order)| (*at, order.id)).map(|(_, order)| order)
    }

    /// Keeps an order, and lets the oldest go when there are too many; never the first that counts.
    fn keep(&mut self, order: Order) {
        let place = self.orders.partition_point(|other| other.id < order.id);
        self.orders.insert(place, order);
        if self.orders.len() <= ORDERS_MAX {
            return;
        }
        let first = self.first_order().map(|order| order.id);
        let others = self.orders.iter().filter(|order| Some(order.id) != first);
        let oldest = others.min_by_key(|order| (order.placed.as_ref().map(|placed| placed.at), order.id));
        if let Some(oldest) = oldest.map(|order| order.id) {
            self.orders.retain(|order| order.id != oldest);
        }
    }

    fn take_order(&mut self, id: Digest) -> Order {
        match self.orders.iter().position(|order| order.id == id) {
            Some(index) => self.orders.remove(index),
            None => Order::known(id, None, false, 0, 0),
        }
    }

    fn after(&self, mut order: Order, at: Timestamp, news: &OrderNews) -> Order {
        match news.kind {
            OrderKind::Cancel => order.cancelled = true,
            OrderKind::Refund => {
                order.refunds += 1;
                let amount = news.lines.iter().map(|line| line.amount).fold(0, i64::saturating_add);
                order.refunded = order.refunded.saturating_add(amount);
                news.lines.iter().for_each(|line| order.give_back(line));
            }
            OrderKind::Order if order.placed.as_ref().is_some_and(|placed| placed.version >= news.version) => {}
            OrderKind::Order => {
                let (first, last) = self.attribute(news, at);
                let lines = news.lines.clone();
                order.placed = Some(Placed { version: news.version, at: news.at, first, last, lines });
            }
        }
        order
    }

    /// The channels of the first and the last touch in the window before a purchase that was reported at `reported`.
    /// Only touches from before the report count, whatever the shop's clock says.
    fn attribute(&self, news: &OrderNews, reported: Timestamp) -> (String, String) {
        let from = news.at.0.saturating_sub(u64::from(news.window) * 86_400);
        let within = |touch: &&TouchMark| touch.at <= news.at && touch.at < reported && touch.at.0 >= from;
        let channel = |touch: &TouchMark| touch.channel.clone();
        let first = self.first_touch.iter().chain(&self.touches).find(within).map(channel);
        let last = self.touches.iter().rev().find(within).map(channel);
        // The first touch of all may be the only one in the window when the list of touches has dropped it.
        let last = last.or_else(|| first.clone());
        (first.unwrap_or_else(|| DIRECT.to_owned()), last.unwrap_or_else(|| DIRECT.to_owned()))
    }
}

fn buy(products: &mut BTreeMap<String, Product>, order: &Order, placed: &Placed) {
    for (line, quantity, amount) in kept(order, placed) {
        let product = products.entry(line.product.clone()).or_default();
        product.count += 1;
        product.quantity += u64::from(quantity);
        product.amount = product.amount.saturating_add(amount);
        let purchase = Purchase { at: placed.at, quantity };
        let place = product.purchases.partition_point(|other| *other <= purchase);
        product.purchases.insert(place, purchase);
        if product.purchases.len() > PURCHASES_MAX {
            product.purchases.remove(0);
        }
    }
    while products.len() > PRODUCTS_MAX {
        let oldest = products.iter().min_by_key(|(name, product)| (product.last(), *name));
        let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
            break;
        };
        products.remove(&oldest);
    }
}

fn unbuy(products: &mut BTreeMap<String, Product>, order: &Order, placed: &Placed) {
    for (line, quantity, amount) in kept(order, placed) {
        let Some(product) = products.get_mut(&line.product) else {
            continue;
        };
        product.count = product.count.saturating_sub(1);
        product.quantity = product.quantity.saturating_sub(u64::from(quantity));
        product.amount = product.amount.saturating_sub(amount);
        let purchase = Purchase { at: placed.at, quantity };
        if let Some(index) = product.purchases.iter().position(|other| *other == purchase) {
            product.purchases.remove(index);
        }
        if product.count == 0 {
            products.remove(&line.product);
        }
    }
}

/// The lines of which pieces were kept, with how many and for how much.
fn kept<'a>(order: &'a Order, placed: &'a Placed) -> impl Iterator<Item = (&'a Line, u32, i64)> {
    let lines = placed.lines.iter().map(|line| (line, order.kept(line)));
    lines.filter(|(_, (quantity, _))| *quantity > 0).map(|(line, (quantity, amount))| (line, quantity, amount))
}
