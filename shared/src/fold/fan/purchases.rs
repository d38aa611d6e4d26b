//! What a fan bought, order by order and product by product.

use super::{
    event::OrderNews,
    orders::{Order, Placed, Product, Purchase, kept},
    state::{Origin, State, TouchMark},
    tally::Tally,
};
use crate::{
    facts::order::OrderKind,
    fold::counts::{DIRECT, Metric, Stage},
    store::digest::Digest,
    time::Timestamp,
};
use std::collections::BTreeMap;

/// Orders kept per fan, so that a refund or a cancellation finds its order.
const ORDERS_MAX: usize = 16;
/// Products kept per fan.
const PRODUCTS_MAX: usize = 64;
/// Purchases kept per product: eight intervals.
const PURCHASES_MAX: usize = 9;

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
            None => Order::new(id),
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
