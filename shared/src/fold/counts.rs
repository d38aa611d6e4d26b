//! Counts: what happened per hour, per day, per channel and per week of follow.
//!
//! | record | what |
//! |---|---|
//! | `count:h:<hour>`, `count:d:<day>`, `count:all` | [`General`]: totals, messages by kind, rule hits, menu clicks, answer times |
//! | `count:h:<hour>:<page>`, `count:d:<day>:<page>`, `count:all:<page>` | [`ChannelPage`]: the [`Metrics`] of each channel |
//! | `count:cohort:<week>:<page>` | [`CohortPage`]: what became of the fans who first followed in that week |
//! | `count:rules:<page>` | [`RulesPage`]: the last hit of each rule |
//! | `count:questions` | [`Questions`]: texts that nobody answered |
//! | `count:push:<day>` | [`PushDay`]: the [`PushMetrics`] of each series of pushes due on that day |
//! | `count:paths:<day>` | [`PathDay`]: orders by the channels of their first and last touch |
//! | `count:people:<day>` | [`PeopleDay`]: who was handed over to agents, and how long they waited, by hour |
//! | `count:dialog:<day>` | [`DialogDay`]: how dialogs went, step by step |
//! | `count:scenes` | [`Scenes`]: channels by name that the playbook does not list |
//!
//! An hour is counted from 1970 in UTC; a day is one of the playbook's offset; a week begins on Monday and is counted by
//! [`week_of`]. Channels stand on [`PAGES`] pages by the hash of their name, so that no record grows over 300 KB: with
//! 10,000 channels of the playbook and [`SCENES_MAX`] others of 64 Chinese characters each, a page has about 200 KB.
//!
//! Everything is a sum of differences, so the order of arrival does not matter, except which names still find room in a
//! list that is full.

mod cohorts;
mod deltas;
mod dialogs;
mod general;
mod metrics;
mod paths;
mod people;
mod pushes;
mod questions;
mod scenes;

pub(crate) use cohorts::Stage;
pub use cohorts::{COHORT_WEEKS, Cohort, CohortPage, week_of, weeks_monday};
pub(crate) use deltas::Deltas;
pub use dialogs::{Counted, DialogDay, TICKS_A_DAY_MAX, Tick, dialogs_key};
pub(crate) use general::answer_class;
pub use general::{ANSWER_MS, CLICKS_MAX, General, KINDS_MAX, RULES_A_DAY_MAX};
pub use metrics::{ChannelPage, Metric, Metrics};
pub use paths::{Along, PATHS_A_DAY_MAX, Path, PathDay, paths_key};
pub use people::{PeopleDay, PeopleMetric, PeopleMetrics, people_key};
pub use pushes::{PushDay, PushMetric, PushMetrics, SERIES_MAX, UNMATCHED, pushes_key, series_name};
pub use questions::{ASKERS_SHOWN, CANDIDATES_MAX, QUESTION_MAX, Question, Questions, question_of};
pub use scenes::{SCENES_MAX, Scenes};

use crate::{
    store::{
        key::{Key, Stored},
        keys,
        record::{Record, page},
    },
    time::{Day, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The channel of a fan who came by no code.
pub const DIRECT: &str = "(direct)";
/// What does not find room in a list of names.
pub const OTHER: &str = "(other)";
/// Pages of records with a line per channel or rule.
pub const PAGES: u8 = 16;

/// The time that a record of counts is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// An hour, counted from 1970.
    Hour(u64),
    /// A day of the playbook's offset.
    Day(Day),
    /// All time.
    All,
}

impl Span {
    /// The hour of a moment.
    pub fn hour_of(at: Timestamp) -> Self {
        Self::Hour(at.0 / 3_600)
    }

    /// The key of its totals.
    pub fn key(self) -> Key<General> {
        match self {
            Self::Hour(hour) => keys::HOUR.key(&[&hour]),
            Self::Day(day) => keys::DAY.key(&[&day.0]),
            Self::All => keys::ALL_TIME.key(&[]),
        }
    }

    /// The key of its page of channels with this number.
    pub fn page_key(self, page: u8) -> Key<ChannelPage> {
        match self {
            Self::Hour(hour) => keys::HOUR_CHANNELS.key(&[&hour, &page]),
            Self::Day(day) => keys::DAY_CHANNELS.key(&[&day.0, &page]),
            Self::All => keys::ALL_TIME_CHANNELS.key(&[&page]),
        }
    }

    /// The keys of all of its records.
    pub fn keys(self) -> impl Iterator<Item = String> {
        std::iter::once(self.key().into()).chain((0..PAGES).map(move |page| self.page_key(page).into()))
    }
}

/// The key of a page of a cohort.
pub fn cohort_key(week: u64, page: u8) -> Key<CohortPage> {
    keys::COHORT.key(&[&week, &page])
}

/// The key of a page of rules.
pub fn rules_key(page: u8) -> Key<RulesPage> {
    keys::RULES.key(&[&page])
}

/// The page that a channel or rule stands on.
pub(crate) fn page_of(name: &str) -> u8 {
    page(name, PAGES)
}

/// The most rules on one page of [`RulesPage`]: over all pages, three times as many as a playbook may have.
const RULES_A_PAGE_MAX: usize = 1_000;

/// The last hit of each rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesPage(pub BTreeMap<String, Timestamp>);

impl Stored for RulesPage {}

impl Record for RulesPage {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl RulesPage {
    pub(crate) fn hit(&mut self, rule: &str, at: Timestamp) {
        match self.0.get_mut(rule) {
            Some(last) => *last = at.max(*last),
            None => {
                self.0.insert(rule.to_owned(), at);
            }
        }
        if self.0.len() > RULES_A_PAGE_MAX {
            let oldest = self.0.iter().min_by_key(|(rule, at)| (**at, *rule)).map(|(rule, _)| rule.clone());
            oldest.map(|rule| self.0.remove(&rule));
        }
    }
}

/// At most `max` characters of a text from outside.
pub(crate) fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
