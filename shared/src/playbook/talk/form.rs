//! Dialogs as they stand in a compiled playbook. Every text is whole: `{why}` and `{name}` were filled when it was compiled.

use super::state::{Given, Run};
use crate::facts::request::Kind;
use serde::{Deserialize, Serialize};

/// All that a playbook says about dialogs. By default none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Dialogs {
    pub(in crate::playbook) words: DialogWords,
    /// In the file's order.
    pub(in crate::playbook) dialogs: Vec<Dialog>,
    /// Normalised words that begin a dialog, and its place; sorted.
    pub(in crate::playbook) starts: Vec<(String, u32)>,
    /// Ranks of the rules that begin a dialog, and its place; sorted.
    pub(in crate::playbook) rules: Vec<(u32, u32)>,
    /// Ranks of the rules that are heard within a dialog; sorted.
    pub(in crate::playbook) within: Vec<u32>,
}

/// `[dialog_words]`: what is heard in every dialog before the open question; normalised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct DialogWords {
    pub(in crate::playbook) leave: Vec<String>,
    pub(in crate::playbook) back: Vec<String>,
    pub(in crate::playbook) restart: Vec<String>,
    pub(in crate::playbook) human: Vec<String>,
}

/// One `[[dialogs]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Dialog {
    pub(in crate::playbook) id: String,
    /// What the fan writes to begin it or to go on: the first start word; empty where only rules begin it.
    pub(in crate::playbook) start: String,
    /// Seconds without a word after which it is parked.
    pub(in crate::playbook) idle: u32,
    /// Days for which it can be resumed.
    pub(in crate::playbook) resume_days: u32,
    /// Days for which the last result is given again, in the place of another run.
    pub(in crate::playbook) once_days: Option<u32>,
    /// Days after which its personal answers are forgotten.
    pub(in crate::playbook) forget_days: Option<u32>,
    /// At least one.
    pub(in crate::playbook) steps: Vec<Step>,
    pub(in crate::playbook) done: Done,
    /// By score, lowest first; empty where `done` alone closes.
    pub(in crate::playbook) bands: Vec<Band>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Step {
    pub(in crate::playbook) id: String,
    pub(in crate::playbook) ask: Phrase,
    pub(in crate::playbook) take: Take,
    /// The field of the fan's record that keeps the answer.
    pub(in crate::playbook) save: Option<String>,
    /// Asks whether the kept value still holds.
    pub(in crate::playbook) known: Option<Phrase>,
    /// A line per answer that is not understood; empty: a built-in one.
    pub(in crate::playbook) retry: Vec<Phrase>,
    /// What comes when the lines are used up; none: the last line again.
    pub(in crate::playbook) give_up: Option<GiveUp>,
    /// Where to go from here, where the choice says nothing; none: the next step, after the last to the end.
    pub(in crate::playbook) go: Option<Go>,
    /// A number is counted by its value.
    pub(in crate::playbook) histogram: bool,
}

/// What a step takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) enum Take {
    /// At most so many characters.
    Text {
        max: u32,
    },
    /// A whole number within bounds.
    Number {
        min: u32,
        max: u32,
    },
    /// A day, so many days from the message's own on.
    Date {
        from: u32,
        until: u32,
    },
    MonthDay,
    Phone,
    Choice(Vec<Choice>),
    Place,
    Photo,
}

/// One of the choices of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Choice {
    /// What the fan reads.
    pub(in crate::playbook) say: String,
    /// What a person reads of it later: a product without its price.
    pub(in crate::playbook) words: String,
    /// [`say`](Self::say), normalised.
    pub(in crate::playbook) normal: String,
    pub(in crate::playbook) value: String,
    pub(in crate::playbook) tag: Option<String>,
    pub(in crate::playbook) go: Option<Go>,
    pub(in crate::playbook) score: u32,
    /// The price of a product in cents; its id is the value.
    pub(in crate::playbook) price: Option<u64>,
}

/// Where a dialog goes; a step by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) enum Go {
    Step(u32),
    Done,
    Leave,
}

/// What comes of a question that the fan cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) enum GiveUp {
    /// On without an answer.
    Skip,
    Human,
    Go(Go),
}

/// How a dialog ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Done {
    pub(in crate::playbook) text: Phrase,
    pub(in crate::playbook) tag: Option<String>,
    pub(in crate::playbook) request: Option<Kind>,
}

/// How it ends up to a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Band {
    pub(in crate::playbook) up_to: u32,
    pub(in crate::playbook) text: Phrase,
    pub(in crate::playbook) tag: Option<String>,
}

/// A text with what only the run knows left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) struct Phrase(pub(in crate::playbook) Vec<Part>);

/// A piece of a phrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::playbook) enum Part {
    Words(String),
    /// The question's choices, a line each.
    Choices,
    Score,
    /// The request's number.
    Number,
    /// What the products cost together, in yuan.
    Total,
    /// What was answered to a step.
    Answer(u32),
    /// What the fan's record keeps of this step.
    Known,
}

/// The longest text that a step takes, where it says no other, in characters.
pub(in crate::playbook) const TEXT_CHARS: u32 = 100;
/// The longest text that a step may take, in characters.
pub(in crate::playbook) const TEXT_CHARS_MAX: u32 = 300;
/// The longest place that is kept, in characters.
pub(in crate::playbook) const PLACE_CHARS_MAX: usize = 60;
/// The most that a number may be.
pub(in crate::playbook) const NUMBER_MAX: u32 = 1_000_000;

impl Dialogs {
    /// The dialog that a word begins.
    pub(super) fn started_by(&self, normal: &str) -> Option<usize> {
        let found = self.starts.binary_search_by(|(word, _)| word.as_str().cmp(normal)).ok()?;
        self.starts.get(found).map(|(_, dialog)| *dialog as usize)
    }

    /// The dialog that a rule begins.
    pub(in crate::playbook) fn of_rule(&self, rank: u32) -> Option<usize> {
        let found = self.rules.binary_search_by_key(&rank, |(rule, _)| *rule).ok()?;
        self.rules.get(found).map(|(_, dialog)| *dialog as usize)
    }

    /// Whether one of its questions has this choice.
    pub(super) fn offers(&self, normal: &str) -> bool {
        let choices = self.dialogs.iter().flat_map(|dialog| &dialog.steps).flat_map(|step| step.take.choices());
        choices.into_iter().any(|choice| choice.normal == normal)
    }

    pub(super) fn named(&self, id: &str) -> Option<&Dialog> {
        self.dialogs.iter().find(|dialog| dialog.id == id)
    }
}

impl Dialog {
    /// Where the dialog goes after an answer to a step.
    pub(super) fn after(&self, place: usize, given: &Given) -> Go {
        let step = self.steps.get(place);
        let chosen = step.and_then(|step| step.take.choices().iter().find(|choice| choice.value == given.value));
        let go = chosen.and_then(|choice| choice.go).or(step.and_then(|step| step.go));
        go.unwrap_or(if place + 1 < self.steps.len() { Go::Step(place as u32 + 1) } else { Go::Done })
    }

    /// Where the dialog goes after an answer, past all that is answered already: nothing is asked twice.
    pub(super) fn next(&self, place: usize, run: &Run) -> Go {
        let mut place = place;
        // A way goes on or ends: back leads only an answer that is not stored.
        for _ in &self.steps {
            let Some(given) = self.steps.get(place).and_then(|step| run.answer(&step.id)) else { break };
            match self.after(place, given) {
                Go::Step(next) => place = next as usize,
                end => return end,
            }
        }
        Go::Step(place as u32)
    }

    /// The first step of the way that has no answer; none: all have one.
    pub(super) fn unanswered(&self, run: &Run) -> Option<&Step> {
        match self.next(0, run) {
            Go::Step(place) => self.steps.get(place as usize).filter(|step| run.answer(&step.id).is_none()),
            Go::Done | Go::Leave => None,
        }
    }

    pub(super) fn place(&self, step: &str) -> Option<usize> {
        self.steps.iter().position(|known| known.id == step)
    }
}

impl Take {
    /// The choices; of all else none.
    pub(in crate::playbook) fn choices(&self) -> &[Choice] {
        if let Self::Choice(choices) = self { choices } else { &[] }
    }

    /// Whether any words may be an answer, so that rules are heard first.
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Place)
    }

    /// Whether the answer says where or how to find the fan, or when the fan was born.
    pub(in crate::playbook) fn is_personal(&self) -> bool {
        matches!(self, Self::MonthDay | Self::Phone | Self::Place | Self::Photo)
    }

    /// The most bytes of an answer's words.
    pub(in crate::playbook) fn longest(&self) -> usize {
        match self {
            Self::Text { max } => *max as usize * 4,
            Self::Number { max, .. } => max.to_string().len(),
            Self::Date { .. } | Self::MonthDay => "12月31日".len(),
            Self::Phone => 11,
            Self::Choice(choices) => choices.iter().map(|choice| choice.say.len()).max().unwrap_or(0),
            Self::Place => PLACE_CHARS_MAX * 4,
            Self::Photo => "（照片）".len(),
        }
    }
}
