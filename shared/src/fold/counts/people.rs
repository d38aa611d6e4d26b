//! What is counted of fans and the account's human agents, per day and hour of the day.

use super::metrics::add_at;
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

/// The key of the record of a day.
pub fn people_key(day: Day) -> Key<PeopleDay> {
    keys::PEOPLE.key(&[&day.0])
}

/// One number of an hour. Counts store the numbers by these places: a place never changes, and a new metric goes to the end.
///
/// What becomes of a hand-over counts for the hour in which it was asked for: so of every hour `Asked` is at least the sum of
/// the five that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeopleMetric {
    /// Fans handed over to agents; not those who ask again while they wait.
    Asked = 0,
    /// Of these: an agent took over within a minute, …
    Within1 = 1,
    /// … within 5 minutes, but not within one, …
    Within5 = 2,
    /// … within 15, …
    Within15 = 3,
    /// … within an hour, …
    Within60 = 4,
    /// … or later.
    Later = 5,
    /// How long all of these waited, in seconds.
    Waited = 6,
    /// Fans whose rule asks the brand for a person, who could not have one at once.
    Outside = 7,
    /// Sessions that began, whoever began them.
    Sessions = 8,
    /// Sessions that were closed.
    Closed = 9,
    /// Sessions that went on to another agent.
    Switched = 10,
}

impl PeopleMetric {
    /// The classes of the time until an agent took over: its upper end in seconds, none for the last.
    pub const WAITS: [(Self, Option<u64>); 5] = [
        (Self::Within1, Some(60)),
        (Self::Within5, Some(300)),
        (Self::Within15, Some(900)),
        (Self::Within60, Some(3_600)),
        (Self::Later, None),
    ];

    /// The class of a time in seconds.
    pub(crate) fn of_wait(seconds: u64) -> Self {
        let fits = |(_, end): &&(Self, Option<u64>)| end.is_none_or(|end| seconds <= end);
        Self::WAITS.iter().find(fits).map_or(Self::Later, |(class, _)| *class)
    }
}

/// The numbers of an hour. Equal numbers have equal bytes: zeros at the end are not kept, so a later Guanxi may add some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleMetrics(Vec<i64>);

impl PeopleMetrics {
    /// One number.
    pub fn get(&self, metric: PeopleMetric) -> i64 {
        self.0.get(metric as usize).copied().unwrap_or_default()
    }

    /// Fans whom an agent took over.
    pub fn taken(&self) -> i64 {
        PeopleMetric::WAITS.iter().map(|(class, _)| self.get(*class)).sum()
    }

    /// Of these, within 15 minutes.
    pub fn in_time(&self) -> i64 {
        PeopleMetric::WAITS.iter().take(3).map(|(class, _)| self.get(*class)).sum()
    }

    pub(crate) fn add(&mut self, metric: PeopleMetric, count: i64) {
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
}

/// One day by the hours of the playbook's clock, 0 to 23.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleDay(pub BTreeMap<u8, PeopleMetrics>);

impl PeopleDay {
    pub(crate) fn add_times(&mut self, other: &Self, times: i64) {
        for (hour, numbers) in &other.0 {
            let mine = self.0.entry(*hour).or_default();
            mine.add_times(numbers, times);
            if *mine == PeopleMetrics::default() {
                self.0.remove(hour);
            }
        }
    }

    pub(crate) fn add(&mut self, hour: u8, metric: PeopleMetric, count: i64) {
        let mut one = PeopleMetrics::default();
        one.add(metric, count);
        self.add_times(&Self([(hour, one)].into()), 1);
    }
}

impl Stored for PeopleDay {}

impl Record for PeopleDay {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_wait_is_in_the_class_whose_end_it_does_not_pass() {
        for (seconds, class) in [
            (0, PeopleMetric::Within1),
            (60, PeopleMetric::Within1),
            (61, PeopleMetric::Within5),
            (900, PeopleMetric::Within15),
            (901, PeopleMetric::Within60),
            (3_600, PeopleMetric::Within60),
            (3_601, PeopleMetric::Later),
            (u64::MAX, PeopleMetric::Later),
        ] {
            assert_eq!(PeopleMetric::of_wait(seconds), class, "{seconds}");
        }
    }

    #[test]
    fn what_is_taken_back_leaves_no_hour() {
        let mut day = PeopleDay::default();
        day.add(9, PeopleMetric::Asked, 1);
        day.add(9, PeopleMetric::Waited, 77);
        day.add(23, PeopleMetric::Switched, 1);
        let before = day.clone();
        assert_eq!((before.0[&9].get(PeopleMetric::Waited), before.0[&23].get(PeopleMetric::Switched)), (77, 1));
        day.add_times(&before, -1);
        assert!(day.is_nothing());
    }
}
