//! What is counted of pushes, per day on which they were due and per series.

use super::{OTHER, cut, metrics::add_at};
use crate::{
    facts::push::{Series, Skip},
    store::{
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::Day,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Series counted by name in one day: so many that the record stays below 300 KB.
pub const SERIES_MAX: usize = 1_500;
/// Where delivery events are counted that belong to no push of ours.
pub const UNMATCHED: &str = "(unmatched)";
/// Characters of a series' own name.
const NAME_MAX: usize = 64;

/// The key of the record of a day.
pub fn pushes_key(day: Day) -> Key<PushDay> {
    keys::PUSHES.key(&[&day.0])
}

/// One number of a series. Counts store the numbers by these places: a place never changes, and a new metric goes to the end.
///
/// Of every day and series `Planned` = `Waiting` + `Sent` + `Delivered` + `Refused` + `Unknown` + `SkippedLate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PushMetric {
    /// Pushes that were ever to go out; none of the holdout.
    Planned = 0,
    /// Of these: nothing happened yet.
    Waiting = 1,
    /// Of these: WeChat took them, and has not said more.
    Sent = 2,
    /// Of these: they arrived.
    Delivered = 3,
    /// Of these: WeChat refused them or did not bring them to the fan.
    Refused = 4,
    /// Of these: whether they went out is not known.
    Unknown = 5,
    /// Of these: skipped after they had been planned. [`PushMetrics::skipped`] has these by reason, with all that were never
    /// planned.
    SkippedLate = 6,
    /// Fans who were to get it in a comparison, …
    Treated = 7,
    /// … of these, who bought in the days after, …
    TreatedBought = 8,
    /// … and for how much, in cents less refunds.
    TreatedRevenue = 9,
    /// Fans who were not, by a draw, …
    Holdout = 10,
    /// … of these, who bought all the same, …
    HoldoutBought = 11,
    /// … and for how much.
    HoldoutRevenue = 12,
    /// Delivery events that belong to no push of ours.
    Unmatched = 13,
}

impl PushMetric {
    /// Every metric, with the name it has in reports.
    pub const ALL: [(&'static str, Self); 14] = [
        ("planned", Self::Planned),
        ("waiting", Self::Waiting),
        ("sent", Self::Sent),
        ("delivered", Self::Delivered),
        ("refused", Self::Refused),
        ("unknown", Self::Unknown),
        ("skipped_late", Self::SkippedLate),
        ("treated", Self::Treated),
        ("treated_bought", Self::TreatedBought),
        ("treated_revenue", Self::TreatedRevenue),
        ("holdout", Self::Holdout),
        ("holdout_bought", Self::HoldoutBought),
        ("holdout_revenue", Self::HoldoutRevenue),
        ("unmatched", Self::Unmatched),
    ];
}

/// The numbers of a series. Equal numbers have equal bytes: zeros at the end are not kept, so a later Guanxi may add some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushMetrics {
    numbers: Vec<i64>,
    skipped: Vec<i64>,
}

impl PushMetrics {
    pub(crate) fn one(metric: PushMetric) -> Self {
        let mut one = Self::default();
        one.add(metric, 1);
        one
    }

    /// One number.
    pub fn get(&self, metric: PushMetric) -> i64 {
        self.numbers.get(metric as usize).copied().unwrap_or_default()
    }

    /// How many were skipped for this reason, before or after they were planned.
    pub fn skipped(&self, skip: Skip) -> i64 {
        self.skipped.get(skip as usize).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, metric: PushMetric, count: i64) {
        add_at(&mut self.numbers, metric as usize, count);
    }

    pub(crate) fn skip(&mut self, skip: Skip, count: i64) {
        add_at(&mut self.skipped, skip as usize, count);
    }

    /// Adds all numbers of another.
    pub fn add_all(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    pub(crate) fn add_times(&mut self, other: &Self, times: i64) {
        for (mine, other) in [(&mut self.numbers, &other.numbers), (&mut self.skipped, &other.skipped)] {
            for (index, count) in other.iter().enumerate() {
                add_at(mine, index, count.saturating_mul(times));
            }
        }
    }
}

/// The pushes due on one day, by [the name](series_name) of their series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushDay(pub BTreeMap<String, PushMetrics>);

impl PushDay {
    /// Adds numbers; a series that finds no room counts as [`OTHER`].
    pub(crate) fn add(&mut self, series: &str, numbers: &PushMetrics) {
        let has_room = self.0.len() < SERIES_MAX || self.0.contains_key(series);
        let series = if has_room { series } else { OTHER };
        let mine = self.0.entry(series.to_owned()).or_default();
        mine.add_all(numbers);
        if *mine == PushMetrics::default() {
            self.0.remove(series);
        }
    }
}

impl Stored for PushDay {}

impl Record for PushDay {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a series is called in counts and reports: `reminder:<product>`, `campaign:<id>`.
pub fn series_name(series: &Series) -> String {
    match series {
        Series::Reminder(product) => format!("reminder:{}", cut(product, NAME_MAX)),
        Series::Campaign(id) => format!("campaign:{}", cut(id, NAME_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_place_of_a_metric_of_pushes_never_changes() {
        let stored = PushMetric::ALL.map(|(name, metric)| (name, metric as usize));
        let expected = [
            ("planned", 0),
            ("waiting", 1),
            ("sent", 2),
            ("delivered", 3),
            ("refused", 4),
            ("unknown", 5),
            ("skipped_late", 6),
            ("treated", 7),
            ("treated_bought", 8),
            ("treated_revenue", 9),
            ("holdout", 10),
            ("holdout_bought", 11),
            ("holdout_revenue", 12),
            ("unmatched", 13),
        ];
        assert_eq!(stored, expected);
    }
}
