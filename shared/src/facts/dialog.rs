//! What a message leaves in a dialog: it stands in the journal with the message, and rollup reads it there.

use super::request::Request;
use crate::store::format::{self, RecordError};
use serde::{Deserialize, Serialize};

/// What [`Left::encode`] writes first.
const FORMAT: u8 = 1;

/// Bytes of a value that is saved; what is longer is cut.
pub const VALUE_MAX: usize = 200;

/// All that one message left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What happened in the dialog, in order.
    pub steps: Vec<Step>,
    /// What the brand is asked for.
    pub requests: Vec<Request>,
    /// The answer handed the fan over to the account's agents.
    pub handed_over: bool,
}

/// One thing that happened in a run of a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The dialog's id.
    pub dialog: String,
    /// Which run of it: the same in every try, another each time that the dialog begins.
    pub run: u64,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It began.
    Begun,
    /// A question was answered.
    Answered {
        /// The step's id.
        step: String,
        /// What to count: a choice's value, or a number; none: only that it was answered.
        counted: Option<String>,
        /// What the fan's record keeps.
        saved: Option<Saved>,
    },
    /// The fan gets a tag.
    Tagged(String),
    /// The last question was answered.
    Finished {
        /// The sum of the choices' scores, where there are any.
        score: Option<u32>,
    },
    /// The fan left it, or it was given up.
    Left {
        /// The question that was open.
        step: String,
    },
    /// The fan wants what was saved deleted.
    Forget,
    /// An answer was not understood.
    Missed {
        /// The question that stays open.
        step: String,
    },
    /// Something else was said while the question was open: a word of the dialog's, a picture, a question of the fan's own.
    Heard {
        /// The question that is open.
        step: String,
    },
}

/// A field of the fan's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its name in the playbook (`save`).
    pub field: String,
    /// Its value, at most [`VALUE_MAX`] bytes of it.
    pub value: String,
    /// Masked wherever it is shown.
    pub personal: bool,
    /// How many days it is kept; none: as long as the fan.
    pub forget_days: Option<u32>,
}

impl Left {
    /// The bytes for an entry; none for nothing.
    pub fn encode(&self) -> Vec<u8> {
        if *self == Self::default() { Vec::new() } else { format::encode(FORMAT, self) }
    }

    /// Reads the bytes of an entry.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.is_empty() { Ok(Self::default()) } else { format::decode(FORMAT, bytes) }
    }
}
