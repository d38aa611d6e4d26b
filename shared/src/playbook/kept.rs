//! The conversation as callback keeps it: what rules remember of the fan, and where the fan stands in dialogs.

use crate::store::format;
use serde::{Deserialize, Serialize};

/// What [`Kept::then`] writes first.
const FORMAT: u8 = 1;

/// Both, each in a form of its own; what is not there says nothing.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) memory: Option<Vec<u8>>,
    pub(super) talk: Option<Vec<u8>>,
}

impl Kept {
    /// What cannot be read is nothing: the fan begins anew, and never sees an error.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        format::decode(FORMAT, bytes).unwrap_or_default()
    }

    /// What is to be kept from now on, where one of the two changes; none: as it was.
    pub(super) fn then(self, memory: Option<Vec<u8>>, talk: Option<Vec<u8>>) -> Option<Vec<u8>> {
        if memory.is_none() && talk.is_none() {
            return None;
        }
        Some(format::encode(FORMAT, &Self { memory: memory.or(self.memory), talk: talk.or(self.talk) }))
    }
}
