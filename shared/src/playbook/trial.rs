//! A message that somebody only thinks of: what `guanxi say` and the console try a playbook with.

use super::{Answer, Inbound, InboundKind, Playbook};
use crate::{
    facts::{FanStatus, Touch},
    time::Timestamp,
};

/// What might come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What it is.
    pub kind: InboundKind,
    /// What the fan writes, or the key of the menu button.
    pub text: String,
    /// The channel that the fan came through, where the kind has one.
    pub channel: Option<String>,
    /// What the fan is to the brand, where the kind has a channel.
    pub fan: FanStatus,
    /// When.
    pub at: Timestamp,
}

impl Trial {
    /// What a playbook answers.
    pub fn answer(&self, playbook: &Playbook) -> Answer {
        let touch = || Touch { channel: self.channel.clone(), fan: self.fan };
        playbook.answer(&self.message(), self.kind.has_channel().then(touch).as_ref(), None)
    }

    fn message(&self) -> Inbound {
        let (at, kind) = (self.at, self.kind);
        Inbound {
            account: "gh_say".to_owned(),
            fan: "o_say".to_owned(),
            create_time: at,
            // A choice by weight is a hash of this: another time or text may draw another reply.
            identity: format!("gh_say|o_say|{at}|{}|{}", kind.name(), self.text),
            kind,
            text: self.text.clone(),
            attached: String::new(),
        }
    }
}
