//! What a message left in dialogs, within bounds: as an engine folds it.

use super::counts::cut;
use crate::{
    facts::dialog::{Saved, Step, VALUE_MAX, What},
    time::Timestamp,
};
use std::collections::BTreeSet;

/// Steps of one message.
const STEPS_MAX: usize = 32;
/// Characters of a name, and of a value that is counted.
const NAME_MAX: usize = 64;

/// What a message left for its fan.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What is counted and saved.
    pub(super) steps: Vec<Step>,
    /// Tags that the fan gets.
    pub(super) tags: BTreeSet<String>,
}

impl Told {
    /// What the steps of a message say.
    pub(super) fn of(steps: Vec<Step>) -> Self {
        let mut told = Self::default();
        for Step { dialog, run, what } in steps.into_iter().take(STEPS_MAX) {
            match what {
                What::Tagged(tag) => drop(told.tags.insert(cut(&tag, NAME_MAX))),
                what => told.steps.push(Step { dialog: cut(&dialog, NAME_MAX), run, what: within_bounds(what) }),
            }
        }
        told
    }

    /// When fields go that are saved at `at`.
    pub(super) fn ends(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.steps.iter().filter_map(move |step| match &step.what {
            What::Answered { saved: Some(saved), .. } => super::fan::until(at, saved),
            _ => None,
        })
    }
}

fn within_bounds(what: What) -> What {
    match what {
        What::Answered { step, counted, saved } => {
            let is_personal = saved.as_ref().is_some_and(|saved| saved.personal);
            // What is masked elsewhere is no name in a report.
            let counted = counted.filter(|_| !is_personal).map(|counted| cut(&counted, NAME_MAX));
            What::Answered { step: cut(&step, NAME_MAX), counted, saved: saved.map(shortened) }
        }
        What::Left { step } => What::Left { step: cut(&step, NAME_MAX) },
        what => what,
    }
}

fn shortened(mut saved: Saved) -> Saved {
    saved.field = cut(&saved.field, NAME_MAX);
    saved.value.truncate(saved.value.floor_char_boundary(VALUE_MAX));
    saved
}
