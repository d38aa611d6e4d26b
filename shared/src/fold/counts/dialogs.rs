//! How dialogs go: who begins, who gets how far, and what is answered.

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

/// Numbers of one day kept by name; those of more stand under [`OTHER`].
pub const TICKS_A_DAY_MAX: usize = 4_000;

/// Something that is counted of a dialog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tick {
    /// The dialog's id.
    pub dialog: String,
    /// What it counts.
    pub what: Counted,
}

/// What is counted, of runs and not of messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Counted {
    /// Runs that began.
    Begun,
    /// Runs in which the last question was answered.
    Finished,
    /// Those of them that ended with this score.
    Scored(u32),
    /// Runs that were left at this step.
    Left(String),
    /// Runs in which this step was answered.
    Answered(String),
    /// Those of them in which its last answer was this.
    Chosen(String, String),
}

impl Tick {
    /// What it counts as where there is no room for it: of a choice first the step stays known, then nothing but the kind.
    fn coarser(&self) -> Option<Self> {
        let other = || OTHER.to_owned();
        let what = match &self.what {
            Counted::Chosen(step, value) if value != OTHER => {
                return Some(Self { dialog: self.dialog.clone(), what: Counted::Chosen(step.clone(), other()) });
            }
            Counted::Chosen(..) => Counted::Chosen(other(), other()),
            Counted::Left(_) => Counted::Left(other()),
            Counted::Answered(_) => Counted::Answered(other()),
            // A score that is not told apart is none.
            Counted::Scored(_) => return None,
            Counted::Begun | Counted::Finished => self.what.clone(),
        };
        Some(Self { dialog: other(), what }).filter(|coarser| coarser != self)
    }
}

/// The numbers of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogDay(pub BTreeMap<Tick, i64>);

impl DialogDay {
    /// Adds a number.
    pub(crate) fn add(&mut self, tick: &Tick, count: i64) {
        let mut tick = tick.clone();
        while self.0.len() >= TICKS_A_DAY_MAX && !self.0.contains_key(&tick) {
            match tick.coarser() {
                Some(coarser) => tick = coarser,
                // There are five kinds of these, so no bound is needed for them.
                None if tick.dialog == OTHER => break,
                None => return,
            }
        }
        add(&mut self.0, tick, count);
    }
}

/// Adds to one of some numbers; one that nothing is counted of goes.
pub(super) fn add(ticks: &mut BTreeMap<Tick, i64>, tick: Tick, count: i64) {
    let sum = ticks.get(&tick).copied().unwrap_or_default().saturating_add(count);
    match sum {
        0 => drop(ticks.remove(&tick)),
        sum => drop(ticks.insert(tick, sum)),
    }
}

impl Stored for DialogDay {}

impl Record for DialogDay {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// The key of a day's dialogs.
pub fn dialogs_key(day: Day) -> Key<DialogDay> {
    keys::DIALOGS.key(&[&day.0])
}
