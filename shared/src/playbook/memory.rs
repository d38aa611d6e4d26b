//! What rules remember of a fan between messages: the follow, which rules answered since, and what nobody answered.
//!
//! **The same answer to every try.** A message is answered by what happened in an earlier second, by `CreateTime`; what itself or a
//! later one left does not count. So a try that comes when the first one was already worked off meets what that one met.

use crate::{
    store::{digest, format},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What [`Memory::encode`] writes first.
const FORMAT: u8 = 1;
/// The last messages that are remembered for the sake of [`Memory::asked_before`].
const ASKED_MAX: usize = 4;
/// Rules that are remembered; as many as `not_yet` may name in a playbook.
pub(super) const HAD_MAX: usize = 64;
/// So long after it was asked a question counts as asked again, in seconds.
pub const AGAIN_SECONDS: u64 = 600;

/// A rule or a question, by a hash.
pub(super) type Name = [u8; 8];

/// The name of a rule or a question.
pub(super) fn name(text: &str) -> Name {
    digest::short(text.as_bytes())
}

/// What is remembered of one fan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The last follow; none: it was before our time.
    followed: Option<Timestamp>,
    /// When a rule answered first since the follow; of those rules that others name, sorted.
    had: Vec<(Name, Timestamp)>,
    /// The last messages, the oldest first: what was asked and found no answer, or none for what was answered.
    asked: Vec<(Timestamp, Option<Name>)>,
}

impl Memory {
    /// What cannot be read is nothing.
    pub(super) fn decode(bytes: Option<&[u8]>) -> Self {
        bytes.and_then(|bytes| format::decode(FORMAT, bytes).ok()).unwrap_or_default()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        format::encode(FORMAT, self)
    }

    /// Seconds since the follow; none: it was before our time.
    pub(super) fn since_follow(&self, now: Timestamp) -> Option<u64> {
        self.followed.and_then(|followed| now.0.checked_sub(followed.0))
    }

    /// Whether a rule answered since the follow.
    pub(super) fn has_had(&self, rule: Name, now: Timestamp) -> bool {
        self.had.iter().any(|(had, at)| *had == rule && *at < now)
    }

    /// Whether the last message before this asked the same, lately and without an answer.
    pub(super) fn asked_before(&self, question: Name, now: Timestamp) -> bool {
        let last = self.asked.iter().rev().find(|(at, _)| *at < now);
        last.is_some_and(|(at, asked)| *asked == Some(question) && now.0 - at.0 <= AGAIN_SECONDS)
    }

    /// The fan follows: what was before is another story.
    pub(super) fn follow(&mut self, at: Timestamp) {
        if self.followed.is_none_or(|followed| followed < at) {
            self.followed = Some(at);
            self.had.retain(|(_, had)| *had >= at);
        }
    }

    /// A rule answers.
    pub(super) fn have(&mut self, rule: Name, at: Timestamp) {
        if self.followed.is_some_and(|followed| at < followed) {
            return;
        }
        let has_room = self.had.len() < HAD_MAX;
        match self.had.iter_mut().find(|(had, _)| *had == rule) {
            Some((_, first)) => *first = at.min(*first),
            None if has_room => {
                self.had.push((rule, at));
                self.had.sort();
            }
            None => {}
        }
    }

    /// The fan wrote; with the question if nothing answered it. Of answers it is enough to remember that one came after a question.
    pub(super) fn wrote(&mut self, at: Timestamp, unanswered: Option<Name>) {
        let place = self.asked.partition_point(|(asked, _)| *asked <= at);
        let before = place.checked_sub(1).and_then(|before| self.asked.get(before));
        if before == Some(&(at, unanswered)) || unanswered.is_none() && before.is_none_or(|(_, asked)| asked.is_none())
        {
            return;
        }
        self.asked.insert(place, (at, unanswered));
        if self.asked.len() > ASKED_MAX {
            self.asked.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(1_000_000 + seconds)
    }

    #[test]
    fn a_question_is_asked_again_if_the_message_before_it_was_the_same_and_found_no_answer() {
        let (food, litter) = (name("猫粮"), name("猫砂"));
        for (before, asked_again) in [
            (vec![(0, Some(food))], true),
            (vec![(0, Some(litter))], false),
            (vec![(0, Some(food)), (5, Some(litter))], false),
            (vec![(0, Some(food)), (5, None)], false),
            (vec![(0, None)], false),
            (vec![(5, Some(food)), (0, Some(litter))], true),
        ] {
            let mut memory = Memory::default();
            before.iter().for_each(|(seconds, unanswered)| memory.wrote(at(*seconds), *unanswered));
            assert_eq!(memory.asked_before(food, at(10)), asked_again, "{before:?}");
            assert!(!memory.asked_before(food, at(5 + AGAIN_SECONDS + 1)), "too late: {before:?}");
        }
    }

    #[test]
    fn a_message_meets_neither_itself_nor_what_came_later() {
        let (food, rule) = (name("猫粮"), name("welcome"));
        let mut memory = Memory::default();
        memory.wrote(at(10), Some(food));
        memory.have(rule, at(10));
        let seen = |memory: &Memory| (memory.asked_before(food, at(10)), memory.has_had(rule, at(10)));
        assert_eq!(seen(&memory), (false, false), "another try");
        memory.wrote(at(11), Some(food));
        memory.have(rule, at(12));
        assert_eq!(seen(&memory), (false, false));
        assert!(memory.asked_before(food, at(11)) && memory.has_had(rule, at(11)));
        let before = memory.clone();
        memory.wrote(at(11), Some(food));
        memory.have(rule, at(12));
        assert_eq!(memory, before, "a try changes nothing");
    }

    #[test]
    fn with_a_follow_another_story_begins() {
        let rule = name("tips");
        let mut memory = Memory::default();
        memory.have(rule, at(5));
        assert_eq!(memory.since_follow(at(6)), None);
        memory.follow(at(100));
        assert!(!memory.has_had(rule, at(200)));
        assert_eq!(memory.since_follow(at(160)), Some(60));
        // What comes late is of the story before.
        memory.have(rule, at(50));
        memory.follow(at(60));
        assert!(!memory.has_had(rule, at(200)) && memory.since_follow(at(160)) == Some(60));
        assert_eq!(Memory::decode(Some(&memory.encode())), memory);
        assert_eq!(Memory::decode(Some(b"?")), Memory::default());
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut memory = Memory::default();
        for n in 0..10_000_u64 {
            memory.have(name(&n.to_string()), at(n));
            memory.wrote(at(n), Some(name(&n.to_string())));
        }
        assert!(memory.encode().len() < 1_024, "{}", memory.encode().len());
    }
}
