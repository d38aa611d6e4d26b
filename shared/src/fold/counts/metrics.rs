//! What is counted per channel.

use crate::store::{key::Stored, record::Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One number of a channel. Counts store the numbers by these places: a place never changes, and a new metric goes to the end.
///
/// A metric is booked at the moment it is about, so corrections change the past: `Left`, `Bought` and `BoughtAgain` at the
/// follow that brought the fan, all others when they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Scans of the code, with or without a follow.
    Scans = 0,
    /// Different fans who scanned it that day; exact up to 64 channels per fan and day.
    ScanningPeople = 1,
    /// Follows for the first time.
    New = 2,
    /// Follows of somebody who followed before.
    Returning = 3,
    /// Unfollows, of fans whose last follow came through this channel.
    Lost = 4,
    /// Of the follows of this moment: those that ended since.
    Left = 5,
    /// Of the first follows of this moment: fans who bought since.
    Bought = 6,
    /// Of the first follows of this moment: fans who bought twice since.
    BoughtAgain = 7,
    /// Fans who bought for the first time, by the first touch within the window.
    Buyers = 8,
    /// Orders, by the first touch within the window.
    Orders = 9,
    /// Orders of fans who had bought before.
    Repurchases = 10,
    /// Cents less refunds, by the first touch within the window before the order.
    RevenueFirst = 11,
    /// Cents less refunds, by the last touch within the window before the order.
    RevenueLast = 12,
    /// Refunds that were reported.
    Refunds = 13,
    /// Cents that went back.
    Refunded = 14,
    /// Fans who followed before our time, when we first heard of them.
    Met = 15,
    /// Of the first follows of this moment: those that a rule answered.
    Welcomed = 16,
    /// Of the first follows of this moment: fans who used the menu since.
    UsedMenu = 17,
}

impl Metric {
    /// Every metric, with the name it has in reports.
    pub const ALL: [(&'static str, Self); 18] = [
        ("scans", Self::Scans),
        ("scanning_people", Self::ScanningPeople),
        ("new", Self::New),
        ("returning", Self::Returning),
        ("lost", Self::Lost),
        ("left", Self::Left),
        ("bought", Self::Bought),
        ("bought_again", Self::BoughtAgain),
        ("buyers", Self::Buyers),
        ("orders", Self::Orders),
        ("repurchases", Self::Repurchases),
        ("revenue_first", Self::RevenueFirst),
        ("revenue_last", Self::RevenueLast),
        ("refunds", Self::Refunds),
        ("refunded", Self::Refunded),
        ("met", Self::Met),
        ("welcomed", Self::Welcomed),
        ("used_menu", Self::UsedMenu),
    ];
}

/// The numbers of a channel, or of all together. Equal numbers have equal bytes: zeros at the end are not kept, so a
/// later Guanxi may add metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics(Vec<i64>);

impl Metrics {
    /// One number.
    pub fn get(&self, metric: Metric) -> i64 {
        self.0.get(metric as usize).copied().unwrap_or_default()
    }

    /// New and returning fans less lost ones.
    pub fn net(&self) -> i64 {
        self.get(Metric::New) + self.get(Metric::Returning) - self.get(Metric::Lost)
    }

    /// How the number of known followers changed; over all time, how many there are.
    pub fn followers(&self) -> i64 {
        self.net() + self.get(Metric::Met)
    }

    pub(crate) fn add(&mut self, metric: Metric, count: i64) {
        add_at(&mut self.0, metric as usize, count);
    }

    /// Adds all numbers of another.
    pub fn add_all(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    pub(crate) fn add_times(&mut self, other: &Self, times: i64) {
        for (index, count) in other.0.iter().enumerate() {
            add_at(&mut self.0, index, count.saturating_mul(times));
        }
    }

    /// Whether every number is zero.
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

/// Adds to one of many numbers, of which zeros at the end are not kept.
pub(super) fn add_at(numbers: &mut Vec<i64>, index: usize, count: i64) {
    if numbers.len() <= index {
        numbers.resize(index + 1, 0);
    }
    if let Some(number) = numbers.get_mut(index) {
        *number = number.saturating_add(count);
    }
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
}

/// The numbers of some channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPage(pub BTreeMap<String, Metrics>);

impl ChannelPage {
    pub(crate) fn add(&mut self, channel: &str, metrics: &Metrics) {
        let mine = self.0.entry(channel.to_owned()).or_default();
        mine.add_all(metrics);
        if mine.is_zero() {
            self.0.remove(channel);
        }
    }
}

impl Stored for ChannelPage {}

impl Record for ChannelPage {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_place_of_a_metric_never_changes() {
        let stored = Metric::ALL.map(|(name, metric)| (name, metric as usize));
        let expected = [
            ("scans", 0),
            ("scanning_people", 1),
            ("new", 2),
            ("returning", 3),
            ("lost", 4),
            ("left", 5),
            ("bought", 6),
            ("bought_again", 7),
            ("buyers", 8),
            ("orders", 9),
            ("repurchases", 10),
            ("revenue_first", 11),
            ("revenue_last", 12),
            ("refunds", 13),
            ("refunded", 14),
            ("met", 15),
            ("welcomed", 16),
            ("used_menu", 17),
        ];
        assert_eq!(stored, expected);
    }
}
