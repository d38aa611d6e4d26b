//! What is counted for the account as a whole.

use super::{Metrics, OTHER, metrics::add_at};
use crate::store::{key::Stored, record::Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kinds of messages counted by name.
pub const KINDS_MAX: usize = 32;
/// Rules counted by name in one hour or day.
pub const RULES_A_DAY_MAX: usize = 500;
/// Menu keys counted by name in one hour or day.
pub const CLICKS_MAX: usize = 200;
/// The upper ends of the classes of answer times, in milliseconds; one more class is above the last.
pub const ANSWER_MS: [u32; 9] = [5, 10, 25, 50, 100, 250, 500, 1_000, 4_000];

/// The numbers of an hour or a day that belong to no channel, and the sums over all channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct General {
    /// The sum over all channels.
    pub total: Metrics,
    /// Messages by `MsgType`.
    pub kinds: BTreeMap<String, i64>,
    /// Answers by rule.
    pub rules: BTreeMap<String, i64>,
    /// Menu clicks by key.
    pub clicks: BTreeMap<String, i64>,
    /// Texts that no rule was for.
    pub unanswered: i64,
    /// Answers by the class of their time: see [`ANSWER_MS`]. Zeros at the end are not kept.
    pub answer_times: Vec<i64>,
}

impl General {
    /// How many messages fans sent.
    pub fn messages(&self) -> i64 {
        self.kinds.values().sum()
    }

    pub(crate) fn took(&mut self, class: u8, count: i64) {
        add_at(&mut self.answer_times, usize::from(class), count);
    }

    /// Adds all numbers of another.
    pub fn add_all(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    pub(crate) fn add_times(&mut self, other: &Self, times: i64) {
        self.total.add_times(&other.total, times);
        add_names(&mut self.kinds, &other.kinds, KINDS_MAX, times);
        add_names(&mut self.rules, &other.rules, RULES_A_DAY_MAX, times);
        add_names(&mut self.clicks, &other.clicks, CLICKS_MAX, times);
        self.unanswered += other.unanswered * times;
        for (class, count) in other.answer_times.iter().enumerate() {
            add_at(&mut self.answer_times, class, count.saturating_mul(times));
        }
    }
}

impl Stored for General {}

impl Record for General {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The class of an answer time.
pub(crate) fn answer_class(milliseconds: u32) -> u8 {
    ANSWER_MS.iter().filter(|end| milliseconds > **end).count() as u8
}

/// Adds counts by name, `times` times; a name that finds no room counts as [`OTHER`], and one that nothing is counted of goes.
fn add_names(mine: &mut BTreeMap<String, i64>, other: &BTreeMap<String, i64>, max: usize, times: i64) {
    for (name, count) in other {
        let has_room = mine.len() < max || mine.contains_key(name);
        let name = if has_room { name } else { OTHER };
        let sum = mine.get(name).copied().unwrap_or_default() + count * times;
        match sum {
            0 => drop(mine.remove(name)),
            sum => drop(mine.insert(name.to_owned(), sum)),
        }
    }
}
