//! Texts that no rule was for.

use super::cut;
use crate::{
    playbook::normalise,
    store::{
        digest::digest,
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Characters kept of a question.
pub const QUESTION_MAX: usize = 60;
/// Questions kept.
pub const CANDIDATES_MAX: usize = 1_000;
/// A question is shown once so many different fans asked it: what only one asks may say who it is.
pub const ASKERS_SHOWN: usize = 3;

/// What a digit becomes: telephone and order numbers are nobody's question.
const MASK: char = '•';

/// A text as it is counted: [normalised](normalise), digits masked, cut; none when nothing is left.
pub fn question_of(text: &str) -> Option<String> {
    let normal = normalise(text);
    let masked: String = normal.chars().take(QUESTION_MAX).map(|c| if c.is_numeric() { MASK } else { c }).collect();
    Some(cut(masked.trim(), QUESTION_MAX)).filter(|question| !question.is_empty())
}

/// How often a text came, and from how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// How often.
    pub count: u64,
    /// The least [`ASKERS_SHOWN`] hashes of question and fan: enough to tell one fan from three, and no name.
    pub askers: BTreeSet<[u8; 8]>,
    /// The last time.
    pub last: Timestamp,
}

impl Question {
    /// Whether enough different fans asked.
    pub fn is_shown(&self) -> bool {
        self.askers.len() >= ASKERS_SHOWN
    }

    pub(crate) fn asked(&mut self, question: &str, openid: &str, at: Timestamp) {
        let asker = digest(&format!("{question}|{openid}")).first_chunk().copied().unwrap_or_default();
        self.add_all(&Self { count: 1, askers: BTreeSet::from([asker]), last: at });
    }

    fn add_all(&mut self, other: &Self) {
        self.count += other.count;
        self.last = self.last.max(other.last);
        self.askers.extend(&other.askers);
        while self.askers.len() > ASKERS_SHOWN {
            self.askers.pop_last();
        }
    }
}

/// The unanswered questions, at most [`CANDIDATES_MAX`]: the least asked make room for new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questions(pub BTreeMap<String, Question>);

impl Questions {
    /// Its key.
    pub fn key() -> Key<Self> {
        keys::QUESTIONS.key(&[])
    }

    /// Takes back that a question was counted too often, as long as it is known.
    pub(crate) fn take_back(&mut self, question: &str, times: u64) {
        if let Some(question) = self.0.get_mut(question) {
            question.count = question.count.saturating_sub(times);
        }
    }

    pub(crate) fn add_all(&mut self, asked: &BTreeMap<String, Question>) {
        for (question, news) in asked {
            self.0.entry(question.clone()).or_default().add_all(news);
        }
        let surplus = self.0.len().saturating_sub(CANDIDATES_MAX);
        if surplus == 0 {
            return;
        }
        let mut weakest: Vec<_> =
            self.0.iter().map(|(text, q)| (q.askers.len(), q.last, q.count, text.clone())).collect();
        weakest.sort_unstable();
        for (.., question) in weakest.into_iter().take(surplus) {
            self.0.remove(&question);
        }
    }
}

impl Stored for Questions {}

impl Record for Questions {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}
