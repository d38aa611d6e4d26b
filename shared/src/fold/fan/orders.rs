//! What is known of an order, and of what was bought of a product.

use super::tally::Tally;
use crate::{
    facts::order::Line,
    fold::counts::{Along, Metric},
    journal::orders::LINES_MAX,
    store::digest::{Digest, digest},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

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
    pub(super) id: Digest,
    /// None: only a refund or cancellation came so far.
    pub(super) placed: Option<Placed>,
    pub(super) cancelled: bool,
    pub(super) refunds: i64,
    pub(super) refunded: i64,
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
    pub(super) fn live(&self) -> Option<&Placed> {
        self.placed.as_ref().filter(|_| !self.cancelled)
    }

    /// An order of which nothing came yet.
    pub(super) fn new(id: Digest) -> Self {
        Self { id, placed: None, cancelled: false, refunds: 0, refunded: 0, returned: Vec::new() }
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

    pub(super) fn give_back(&mut self, line: &Line) {
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
    pub(super) fn tally(&self, sign: i64, tally: &mut Tally<'_>) {
        let Some(placed @ Placed { at, first, last, .. }) = self.live() else {
            return;
        };
        let amount = placed.amount();
        let refunded = self.refunded.min(amount);
        tally.add(*at, first, Metric::Orders, sign);
        tally.add(*at, first, Metric::RevenueFirst, sign * (amount - refunded));
        tally.add(*at, last, Metric::RevenueLast, sign * (amount - refunded));
        // Of an order of an erased fan no path is kept: what was booked stays.
        if !last.is_empty() {
            tally.path(*at, (first.clone(), last.clone()), Along { orders: 1, revenue: amount - refunded }, sign);
        }
        tally.add(*at, first, Metric::Refunds, sign * self.refunds);
        tally.add(*at, first, Metric::Refunded, sign * refunded);
    }
}

impl Placed {
    fn amount(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).fold(0, i64::saturating_add)
    }
}

/// The lines of which pieces were kept, with how many and for how much.
pub(super) fn kept<'a>(order: &'a Order, placed: &'a Placed) -> impl Iterator<Item = (&'a Line, u32, i64)> {
    let lines = placed.lines.iter().map(|line| (line, order.kept(line)));
    lines.filter(|(_, (quantity, _))| *quantity > 0).map(|(line, (quantity, amount))| (line, quantity, amount))
}
