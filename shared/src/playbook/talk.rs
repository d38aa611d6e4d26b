//! Dialogs: questions one after another, and what a fan answers.
//!
//! An answer is a function of the playbook, the message, its touch and the [`State`], and gives the next state. What an open
//! dialog hears, in this order:
//!
//! 1. 删除资料, which is built in, and the words of `[dialog_words]`; a number that the step takes is an answer all the same;
//! 2. what the step takes. Where that may be any words, 3 comes first;
//! 3. the start word of another dialog, which parks this one, and rules with `in_dialogs`: they are answered, and the open
//!    question is asked again;
//! 4. `retry`, a line per miss, then `give_up`.
//!
//! Clicks, scans and places are answered as usual, but for a place where one is asked for; a new follow closes what is open. No
//! timer speaks: after `idle` only the start word or a tap on the open question goes on, within `resume_days`.
//!
//! # What holds whatever WeChat and the store do
//!
//! callback reads the state, asks, writes the new state, writes the entry, answers. Every try of an event can be cut off between
//! any two of these, come twice at once, or late. A state is therefore the result of a series of events, those that were
//! written one onto another, and:
//!
//! - **no event is in a series twice**: the state remembers its last events, and drops one only together with every event that
//!   is as old (`floor`), which makes no step any more;
//! - **an event that is in the series gets the answer that it got there**, and leaves the same in the journal, so an entry that was
//!   not written is written by the next try;
//! - every answer that goes out is the one that its event gets at the end of some such series.
//!
//! Of two events that read the same state, the later write is in the series and the other is not: its question is asked again. What
//! a dialog asks the brand for has a number that is the run's own, so both may have left it, and it is one order.
//!
//! Runs name dialogs and steps by their ids. Of another playbook, a dialog that is gone is closed, and instead of a step that is
//! gone the first unanswered one is asked.

pub(super) mod form;
pub(super) mod say;
pub(super) mod state;
mod turn;
mod understand;

use super::{
    inbound::{Answer, Inbound},
    normal::{MATCHED_MAX, cut, normalise},
};
use crate::time::Local;
use form::Dialogs;
use state::State;
use turn::{Outcome, Turn};

/// What the playbook's rules say to the message.
pub(super) trait Rules {
    /// The answer without any dialog, and the dialog that the rule begins.
    fn usual(&self) -> (Answer, Option<usize>);
    /// The same, of the rules alone that are heard within a dialog.
    fn within(&self) -> Option<(Answer, Option<usize>)>;
    /// When it was written, on the playbook's clock.
    fn now(&self) -> Local;
}

/// The answer to a message of a fan who stands where `kept` says.
pub(super) fn answer(dialogs: &Dialogs, message: &Inbound, kept: Option<&[u8]>, rules: &impl Rules) -> Answer {
    let state = kept.map(State::decode).unwrap_or_default();
    if let Some(answer) = state.answered(&message.identity) {
        return answer;
    }
    let (late, text) = (state.is_late(message.create_time), normalise(cut(&message.text, MATCHED_MAX)));
    let mut turn = Turn::new(dialogs, message, &text, state, rules);
    if late {
        return turn.late();
    }
    match turn.hear() {
        Outcome::Usual(answer) => answer,
        Outcome::Step(answer) => turn.state.keep(&message.identity, message.create_time, answer),
    }
}
