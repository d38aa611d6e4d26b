//! A message that somebody only thinks of: what `guanxi say` and the console try a playbook with.

use super::{Answer, Inbound, InboundKind, Playbook};
use crate::{
    facts::{FanStatus, Touch},
    time::Timestamp,
};

/// Between two lines of a chat.
const SECONDS_A_LINE: u64 = 5;

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
        self.answer_after(playbook, None)
    }

    /// What a playbook answers where the fan stands in a dialog: `conversation` is what the last answer gave.
    pub fn answer_after(&self, playbook: &Playbook, conversation: Option<&[u8]>) -> Answer {
        let touch = || Touch { channel: self.channel.clone(), fan: self.fan };
        playbook.answer(&self.message(), self.kind.has_channel().then(touch).as_ref(), conversation)
    }

    /// What a playbook answers to several lines, one after another, a few seconds apart.
    pub fn chat(mut self, playbook: &Playbook, lines: &[String]) -> Vec<Answer> {
        let mut conversation: Option<Vec<u8>> = None;
        let mut answers = Vec::new();
        for line in lines {
            self.text.clone_from(line);
            let answer = self.answer_after(playbook, conversation.as_deref());
            conversation = answer.conversation.clone().or(conversation);
            answers.push(answer);
            self.at.0 = self.at.0.saturating_add(SECONDS_A_LINE);
        }
        answers
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
