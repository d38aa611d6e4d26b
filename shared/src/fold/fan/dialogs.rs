//! What dialogs leave with a fan: the fields that they saved, and where the last run of each dialog stands.
//!
//! **Fields.** Of a field the value that was saved last holds, by the message's own time. 「删除资料」 takes all that was saved before
//! it; `forget_days` take a field when they are over.
//!
//! **Counts.** A run of a dialog counts once that it began and how it ended, and of each step one answer: the last. So a fan who
//! goes back and answers anew, or answers the same question from two devices, is counted as one who answered once. That holds
//! for the last run of each of a fan's last [`RUNS_MAX`] dialogs; what turns up of an older run counts as if it were a run of its own.

use super::tally::Tally;
use crate::{
    facts::dialog::{Saved, Step, What},
    fold::counts::{Counted, Tick},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Fields kept of a fan; of more the oldest go.
pub const FIELDS_MAX: usize = 32;
/// Dialogs whose last run is kept of a fan.
pub const RUNS_MAX: usize = 16;
/// Steps of a run whose answers are kept; those of more count each time.
const ANSWERS_MAX: usize = 32;
/// The longest that a field with `forget_days` is kept, about ten years.
const FORGET_DAYS_MAX: u32 = 3_650;

/// A field that a dialog saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// As the dialog understood it.
    pub value: String,
    /// Masked wherever it is shown.
    pub personal: bool,
    /// When it was said, by WeChat's clock.
    pub at: Timestamp,
    /// From when on it is no longer there; none: as long as the fan.
    pub until: Option<Timestamp>,
}

impl Field {
    /// Whether it is still there.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogs {
    fields: BTreeMap<String, Field>,
    runs: BTreeMap<String, Run>,
    /// When the fan last wanted what was saved deleted.
    cleared: Option<Timestamp>,
}

/// The last run of a dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    run: u64,
    /// The last that was heard of it.
    last: Timestamp,
    begun: Option<Timestamp>,
    ended: Option<(Timestamp, End)>,
    /// By step: when, and what to count.
    answers: BTreeMap<String, (Timestamp, Option<String>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    Finished(Option<u32>),
    Left(String),
}

/// When a field goes that is saved at `at`.
pub(crate) fn until(at: Timestamp, saved: &Saved) -> Option<Timestamp> {
    let days = u64::from(saved.forget_days?.min(FORGET_DAYS_MAX));
    Some(Timestamp(at.0.saturating_add(days * 86_400)))
}

impl Dialogs {
    /// The fields that are there at a moment, by name.
    pub fn fields(&self, now: Timestamp) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().filter(move |(_, field)| field.holds(now)).map(|(name, field)| (name.as_str(), field))
    }

    /// The value of a field at a moment.
    pub fn value(&self, name: &str, now: Timestamp) -> Option<&str> {
        self.fields.get(name).filter(|field| field.holds(now)).map(|field| field.value.as_str())
    }

    pub(super) fn cleared(&self) -> Option<Timestamp> {
        self.cleared
    }

    /// The names of fields whose time is over.
    pub(super) fn expired(&self, now: Timestamp) -> Vec<String> {
        self.fields.iter().filter(|(_, field)| !field.holds(now)).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn drop_before(&mut self, cleared: Timestamp) {
        self.fields.retain(|_, field| field.at >= cleared);
    }

    pub(super) fn drop_field(&mut self, name: &str) {
        self.fields.remove(name);
    }

    /// When fields go whose days are counted.
    pub(crate) fn ends(&self) -> impl Iterator<Item = Timestamp> {
        self.fields.values().filter_map(|field| field.until)
    }

    /// Takes in what happened in a dialog.
    pub(super) fn step(&mut self, at: Timestamp, step: &Step, tally: &mut Tally<'_>) {
        match &step.what {
            What::Tagged(_) => return,
            What::Forget => return self.forget(at),
            What::Answered { saved: Some(saved), .. } => self.save(at, saved),
            _ => {}
        }
        let run = self.run(at, step);
        run.tally(&step.dialog, -1, tally);
        run.take(at, &step.what, &step.dialog, tally);
        run.tally(&step.dialog, 1, tally);
        while self.runs.len() > RUNS_MAX {
            let oldest = self.runs.iter().min_by_key(|(name, run)| (run.last, *name)).map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { break };
            self.runs.remove(&oldest);
        }
    }

    /// The run that a step belongs to: the one that is kept of the dialog, or a new one in its place.
    fn run(&mut self, at: Timestamp, step: &Step) -> &mut Run {
        let run = self.runs.entry(step.dialog.clone()).or_default();
        if run.run != step.run {
            *run = Run { run: step.run, ..Run::default() };
        }
        run.last = run.last.max(at);
        run
    }

    fn forget(&mut self, at: Timestamp) {
        self.cleared = self.cleared.max(Some(at));
        self.fields.retain(|_, field| field.at > at);
        // What was answered says as much as what was saved.
        self.runs.retain(|_, run| run.last > at);
    }

    fn save(&mut self, at: Timestamp, saved: &Saved) {
        let is_late = self.fields.get(&saved.field).is_some_and(|field| field.at > at);
        if is_late || self.cleared.is_some_and(|cleared| at < cleared) {
            return;
        }
        let (value, until) = (saved.value.clone(), until(at, saved));
        self.fields.insert(saved.field.clone(), Field { value, personal: saved.personal, at, until });
        while self.fields.len() > FIELDS_MAX {
            let oldest = self.fields.iter().min_by_key(|(name, field)| (field.at, *name)).map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { break };
            self.fields.remove(&oldest);
        }
    }
}

impl Run {
    fn take(&mut self, at: Timestamp, what: &What, dialog: &str, tally: &mut Tally<'_>) {
        match what {
            What::Begun => self.begun = Some(self.begun.map_or(at, |begun| begun.min(at))),
            What::Answered { step, counted, .. } => {
                // Who answers has come back.
                self.ended.take_if(|(left, end)| *left <= at && matches!(end, End::Left(_)));
                let has_room = self.answers.len() < ANSWERS_MAX;
                match self.answers.get_mut(step) {
                    Some(answer) if answer.0 > at => {}
                    Some(answer) => *answer = (at, counted.clone()),
                    None if has_room => {
                        self.answers.insert(step.clone(), (at, counted.clone()));
                    }
                    None => tally_answer(dialog, step, at, counted.as_ref(), 1, tally),
                }
            }
            What::Finished { score } => self.end(at, End::Finished(*score)),
            What::Left { step } => self.end(at, End::Left(step.clone())),
            What::Tagged(_) | What::Forget | What::Missed { .. } | What::Heard { .. } => {}
        }
    }

    fn end(&mut self, at: Timestamp, end: End) {
        if self.ended.as_ref().is_none_or(|(ended, _)| *ended <= at) {
            self.ended = Some((at, end));
        }
    }

    /// Books what it counts.
    fn tally(&self, dialog: &str, count: i64, tally: &mut Tally<'_>) {
        let mut add = |at, what| tally.dialog(at, Tick { dialog: dialog.to_owned(), what }, count);
        if let Some(at) = self.begun {
            add(at, Counted::Begun);
        }
        match &self.ended {
            Some((at, End::Finished(score))) => {
                add(*at, Counted::Finished);
                if let Some(score) = score {
                    add(*at, Counted::Scored(*score));
                }
            }
            Some((at, End::Left(step))) => add(*at, Counted::Left(step.clone())),
            None => {}
        }
        for (step, (at, counted)) in &self.answers {
            tally_answer(dialog, step, *at, counted.as_ref(), count, tally);
        }
    }
}

fn tally_answer(dialog: &str, step: &str, at: Timestamp, counted: Option<&String>, count: i64, tally: &mut Tally<'_>) {
    let tick = |what| Tick { dialog: dialog.to_owned(), what };
    tally.dialog(at, tick(Counted::Answered(step.to_owned())), count);
    if let Some(value) = counted {
        tally.dialog(at, tick(Counted::Chosen(step.to_owned(), value.clone())), count);
    }
}
