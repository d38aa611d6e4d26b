//! What callback keeps of a fan between messages, `conversation:<openid>`: the one record that a request overwrites.
//!
//! It holds at once, where rollup needs up to a minute: push looks here before every send. Of two messages at the same
//! time the later write wins. Rollup takes it away when the fan is forgotten; what the fan decided after that stays. (A choice
//! that is written in the very moment between rollup's look and its deletion stands in the journal, and so in the fan's record
//! at the next rollup.)

use crate::{
    facts::PushChoice,
    store::{
        format::{self, RecordError},
        record::Record,
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};

const FORMAT: u8 = 1;

/// One fan's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// When the fan last stopped or resumed pushes, by `CreateTime`, and which.
    pub pushes: Option<(Timestamp, PushChoice)>,
}

/// The key of a fan's.
pub fn key(openid: &OpenId) -> String {
    format!("conversation:{openid}")
}

impl Conversation {
    /// Takes in a choice; a message that comes late does not undo a later one.
    pub fn choose(&mut self, at: Timestamp, choice: PushChoice) {
        if self.pushes.is_none_or(|(last, _)| last <= at) {
            self.pushes = Some((at, choice));
        }
    }

    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        format::encode(FORMAT, self)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        format::decode(FORMAT, bytes)
    }
}

impl Record for Conversation {
    const FORMAT: u8 = FORMAT;

    fn is_nothing(&self) -> bool {
        self.pushes.is_none()
    }
}
