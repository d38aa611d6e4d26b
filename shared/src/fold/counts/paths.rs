//! From which channel to which: the first and the last touch before each order.

use super::OTHER;
use crate::{
    store::{
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::Day,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Pairs of channels kept by name in one day.
pub const PATHS_A_DAY_MAX: usize = 500;

/// The channels of the first and of the last touch within the window before an order.
pub type Path = (String, String);

/// What came along a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Along {
    /// Orders.
    pub orders: i64,
    /// Cents less refunds.
    pub revenue: i64,
}

impl Along {
    /// Adds another's numbers, `times` times.
    pub fn add_times(&mut self, other: Self, times: i64) {
        self.orders = self.orders.saturating_add(other.orders.saturating_mul(times));
        self.revenue = self.revenue.saturating_add(other.revenue.saturating_mul(times));
    }
}

/// The orders of one day by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathDay(pub BTreeMap<Path, Along>);

impl PathDay {
    /// Adds numbers; a path that finds no room counts as one from and to [`OTHER`].
    pub(crate) fn add(&mut self, path: &Path, along: Along) {
        let has_room = self.0.len() < PATHS_A_DAY_MAX || self.0.contains_key(path);
        let path = if has_room { path.clone() } else { (OTHER.to_owned(), OTHER.to_owned()) };
        add(&mut self.0, path, along, 1);
    }
}

/// Adds to one of some paths; one along which nothing comes goes.
pub(super) fn add(paths: &mut BTreeMap<Path, Along>, path: Path, along: Along, times: i64) {
    let mine = paths.entry(path.clone()).or_default();
    mine.add_times(along, times);
    if *mine == Along::default() {
        paths.remove(&path);
    }
}

impl Stored for PathDay {}

impl Record for PathDay {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// The key of a day's paths.
pub fn paths_key(day: Day) -> Key<PathDay> {
    keys::PATHS.key(&[&day.0])
}
