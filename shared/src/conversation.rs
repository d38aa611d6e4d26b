//! What callback keeps of a fan between messages, the two records that a request overwrites: in `conversation:<openid>` what the
//! fan decided about pushes, in `dialog:<openid>` where the fan stands in dialogs. They are two so that of two messages at the
//! same time a step of a dialog does not undo a decision.
//!
//! It holds at once, where rollup needs up to a minute: push looks here before every send. Of two messages at the same
//! time the later write wins. Rollup takes it away when the fan is forgotten; what the fan decided after that stays. (A choice
//! that is written in the very moment between rollup's look and its deletion stands in the journal, and so in the fan's record
//! at the next rollup.)

use crate::{
    facts::PushChoice,
    store::{
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};

/// One fan's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// When the fan last stopped or resumed pushes, by `CreateTime`, and which.
    pub pushes: Option<(Timestamp, PushChoice)>,
}

/// The key of a fan's.
pub fn key(openid: &OpenId) -> Key<Conversation> {
    keys::CONVERSATION.key(&[openid])
}

/// The key under which stands where a fan stands in dialogs: [`crate::playbook::Answer::conversation`], as it came.
pub fn dialog(openid: &OpenId) -> Key<Vec<u8>> {
    keys::DIALOG.key(&[openid])
}

impl Conversation {
    /// Takes in a choice; a message that comes late does not undo a later one.
    pub fn choose(&mut self, at: Timestamp, choice: PushChoice) {
        if self.pushes.is_none_or(|(last, _)| last <= at) {
            self.pushes = Some((at, choice));
        }
    }
}

impl Stored for Conversation {}

impl Record for Conversation {
    fn is_nothing(&self) -> bool {
        self.pushes.is_none()
    }
}
