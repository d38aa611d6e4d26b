//! What became of the fans who first followed in one week.

use super::metrics::add_at;
use crate::{
    store::{key::Stored, record::Record},
    time::{Day, Timestamp, UtcOffset},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Weeks after the follow that are told apart; what is later counts in the last.
pub const COHORT_WEEKS: u64 = 26;

/// The week of a moment: weeks begin on Monday and are counted from that of 1970-01-01.
pub fn week_of(at: Timestamp, offset: UtcOffset) -> u64 {
    // 1970-01-01 was a Thursday.
    (offset.local(at).day.0 + 3) / 7
}

/// A week's first day, Monday; the first week begins on the first day there is.
pub fn weeks_monday(week: u64) -> Day {
    Day((week.saturating_mul(7)).saturating_sub(3))
}

/// The fans of one channel who first followed in one week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// How many there are.
    pub joined: i64,
    /// By weeks since: unfollows. Zeros at the end are not kept.
    pub left: Vec<i64>,
    /// By weeks since: follows anew.
    pub returned: Vec<i64>,
    /// By weeks since: first purchases.
    pub bought: Vec<i64>,
}

/// What a fan of a cohort did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Joined,
    Left,
    Returned,
    Bought,
}

impl Cohort {
    /// How many of them follow at the end of the week that is `weeks` after theirs.
    pub fn follow_after(&self, weeks: usize) -> i64 {
        let until = |numbers: &[i64]| numbers.iter().take(weeks.saturating_add(1)).sum::<i64>();
        self.joined - until(&self.left) + until(&self.returned)
    }

    pub(crate) fn add(&mut self, stage: Stage, weeks: u64, count: i64) {
        let weeks = weeks.min(COHORT_WEEKS) as usize;
        match stage {
            Stage::Joined => self.joined += count,
            Stage::Left => add_at(&mut self.left, weeks, count),
            Stage::Returned => add_at(&mut self.returned, weeks, count),
            Stage::Bought => add_at(&mut self.bought, weeks, count),
        }
    }

    /// Adds all numbers of another.
    pub fn add_all(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    pub(crate) fn add_times(&mut self, other: &Self, times: i64) {
        self.joined += other.joined * times;
        for (mine, other) in
            [(&mut self.left, &other.left), (&mut self.returned, &other.returned), (&mut self.bought, &other.bought)]
        {
            for (weeks, count) in other.iter().enumerate() {
                add_at(mine, weeks, count.saturating_mul(times));
            }
        }
    }
}

/// The cohorts of some channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortPage(pub BTreeMap<String, Cohort>);

impl CohortPage {
    pub(crate) fn add(&mut self, channel: &str, cohort: &Cohort) {
        let mine = self.0.entry(channel.to_owned()).or_default();
        mine.add_all(cohort);
        if *mine == Cohort::default() {
            self.0.remove(channel);
        }
    }
}

impl Stored for CohortPage {}

impl Record for CohortPage {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}
