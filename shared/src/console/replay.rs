//! Recorded messages, answered by two playbooks: what a draft would change. Reads only.

use crate::{
    facts::Entry,
    journal::latest::latest,
    playbook::{Answer, Inbound, Playbook},
    store::{Store, StoreError, Timer},
    time::Timestamp,
};
use std::{collections::BTreeSet, time::Duration};

/// Messages that are replayed at most, the newest.
pub const MESSAGES_MAX: u64 = 2_000;
/// How long it looks for them at most.
pub const TIME: Duration = Duration::from_secs(3);
/// Entries that are looked at: most are messages.
const ENTRIES_MAX: u64 = 4 * MESSAGES_MAX;
/// Examples of a difference.
const EXAMPLES_MAX: usize = 3;
/// Differences that are told apart.
const GROUPS_MAX: usize = 100;

/// Messages that a rule of the one answers and a rule of the other answers otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The rule of the live playbook; none: the default, or nobody.
    pub live: Option<String>,
    /// The draft's.
    pub draft: Option<String>,
    /// How many messages.
    pub count: u64,
    /// Some of them: what the fan wrote, what the live one says and what the draft says.
    pub examples: Vec<(String, Answer, Answer)>,
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many messages.
    pub messages: u64,
    /// The time of the oldest.
    pub since: Option<Timestamp>,
    /// Whether these are all that are kept.
    pub all: bool,
    /// Messages that are answered otherwise, the most first.
    pub groups: Vec<Group>,
    /// Those of differences that are not told apart any more.
    pub others: u64,
}

impl Replayed {
    /// Messages that are answered otherwise.
    pub fn changed(&self) -> u64 {
        self.groups.iter().map(|group| group.count).sum::<u64>() + self.others
    }

    /// Replays the newest messages. What fans wrote who asked to be forgotten since is passed over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(
        store: &impl Store,
        timer: &impl Timer,
        live: &Playbook,
        draft: &Playbook,
    ) -> Result<Self, StoreError> {
        let (mut found, mut entries, mut erased) = (Self::default(), 0, BTreeSet::new());
        let all = latest(store, timer, TIME, |entry| {
            entries += 1;
            match entry {
                Entry::Erase(erase) => drop(erased.insert(erase.openid)),
                Entry::Received(received) if !erased.contains(&received.message.from_user_name) => {
                    if let Some(message) = Inbound::from_message(&received.message) {
                        let answer = |playbook: &Playbook| playbook.answer(&message, received.touch.as_ref(), None);
                        found.add(&message, answer(live), answer(draft));
                    }
                }
                _ => {}
            }
            found.messages < MESSAGES_MAX && entries < ENTRIES_MAX
        });
        let all = all.await?;
        found.all = all;
        found.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Ok(found)
    }

    fn add(&mut self, message: &Inbound, live: Answer, draft: Answer) {
        self.messages += 1;
        self.since = Some(self.since.map_or(message.create_time, |since| since.min(message.create_time)));
        if live == draft {
            return;
        }
        let place = self.groups.iter().position(|group| group.live == live.rule && group.draft == draft.rule);
        let place = place.unwrap_or(self.groups.len());
        if place == self.groups.len() && place < GROUPS_MAX {
            let (live, draft) = (live.rule.clone(), draft.rule.clone());
            self.groups.push(Group { live, draft, count: 0, examples: Vec::new() });
        }
        let Some(group) = self.groups.get_mut(place) else {
            self.others += 1;
            return;
        };
        group.count += 1;
        if group.examples.len() < EXAMPLES_MAX {
            let said = if message.text.is_empty() { message.kind.name().to_owned() } else { message.text.clone() };
            group.examples.push((said, live, draft));
        }
    }
}
