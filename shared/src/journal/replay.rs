//! Recorded messages, answered once more: what another playbook would change. Reads only.

use super::latest::latest;
use crate::{
    facts::{Entry, Received, Touch},
    playbook::{Answer, Inbound, Playbook},
    store::{Store, StoreError, Timer},
    time::Timestamp,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Messages that [`Replayed::of`] replays at most, the newest.
pub const MESSAGES_MAX: u64 = 2_000;
/// How long it looks for them at most.
pub const TIME: Duration = Duration::from_secs(3);
/// Entries that are looked at: most are messages.
const ENTRIES_MAX: u64 = 4 * MESSAGES_MAX;
/// Examples of a difference.
const EXAMPLES_MAX: usize = 3;
/// Differences that are told apart.
const GROUPS_MAX: usize = 100;

/// A message as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What came in.
    pub message: Inbound,
    /// What `qr-scan` said of it then.
    pub touch: Option<Touch>,
    /// The rule that answered then.
    pub rule: Option<String>,
}

impl Recorded {
    /// None for what is not answered.
    pub fn of(received: Received) -> Option<Self> {
        let message = Inbound::from_message(&received.message)?;
        Some(Self { message, touch: received.touch, rule: received.rule })
    }
}

/// What a draft is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Live<'a> {
    /// Another playbook, answer by answer.
    Playbook(&'a Playbook),
    /// Whatever answered then, rule by rule: what it said is not recorded.
    Recorded,
}

/// Messages that a rule of the one answers and a rule of the other answers otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The rule of the live playbook; none: the default, or nobody.
    pub live: Option<String>,
    /// The draft's.
    pub draft: Option<String>,
    /// How many messages.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// A message that is answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What the fan wrote, or the kind of what came in.
    pub said: String,
    /// What the live playbook says; none: it was not asked.
    pub live: Option<Answer>,
    /// What the draft says.
    pub draft: Answer,
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many messages; tries of one are one.
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
        let (mut messages, mut entries, mut erased) = (Vec::new(), 0, BTreeSet::new());
        let all = latest(store, timer, TIME, |entry| {
            entries += 1;
            match entry {
                Entry::Erase(erase) => drop(erased.insert(erase.openid)),
                Entry::Received(received) if !erased.contains(&received.message.from_user_name) => {
                    messages.extend(Recorded::of(received));
                }
                _ => {}
            }
            (messages.len() as u64) < MESSAGES_MAX && entries < ENTRIES_MAX
        });
        let all = all.await?;
        Ok(Self { all, ..Self::of_messages(messages, Live::Playbook(live), draft) })
    }

    /// Replays messages in the order in which fans wrote them: each fan's dialogs go on from message to message, on either
    /// side, and begin anew with the first of them.
    pub fn of_messages(mut messages: Vec<Recorded>, live: Live<'_>, draft: &Playbook) -> Self {
        messages.sort_by(|a, b| {
            let order = |recorded: &Recorded| (recorded.message.create_time, recorded.message.identity.clone());
            order(a).cmp(&order(b))
        });
        messages.dedup_by(|a, b| a.message.identity == b.message.identity);
        let (mut drafted, mut lived) = (Conversations::default(), Conversations::default());
        let mut found = Self { all: true, ..Self::default() };
        for recorded in &messages {
            let live = match live {
                Live::Playbook(live) => Ok(lived.answer(live, recorded)),
                Live::Recorded => Err(&recorded.rule),
            };
            found.add(&recorded.message, live, drafted.answer(draft, recorded));
        }
        found.groups.sort_by_key(|group| Reverse(group.count));
        found
    }

    /// `live` is the answer, or only the rule.
    fn add(&mut self, message: &Inbound, live: Result<Answer, &Option<String>>, draft: Answer) {
        self.messages += 1;
        self.since = Some(self.since.map_or(message.create_time, |since| since.min(message.create_time)));
        let (rule, live) = match live {
            Ok(live) if shown(&live) == shown(&draft) => return,
            Err(rule) if *rule == draft.rule => return,
            Ok(live) => (live.rule.clone(), Some(live)),
            Err(rule) => (rule.clone(), None),
        };
        let place = self.groups.iter().position(|group| group.live == rule && group.draft == draft.rule);
        let place = place.unwrap_or(self.groups.len());
        if place == self.groups.len() && place < GROUPS_MAX {
            self.groups.push(Group { live: rule, draft: draft.rule.clone(), count: 0, examples: Vec::new() });
        }
        let Some(group) = self.groups.get_mut(place) else {
            self.others += 1;
            return;
        };
        group.count += 1;
        if group.examples.len() < EXAMPLES_MAX {
            let said = if message.text.is_empty() { message.kind.name().to_owned() } else { message.text.clone() };
            group.examples.push(Example { said, live, draft });
        }
    }
}

/// What the fan sees of an answer and what it decides; not how the conversation is kept.
fn shown(answer: &Answer) -> impl PartialEq + '_ {
    (&answer.action, &answer.rule, answer.pushes)
}

/// Where each fan stands in dialogs.
#[derive(Default)]
struct Conversations(BTreeMap<String, Vec<u8>>);

impl Conversations {
    fn answer(&mut self, playbook: &Playbook, recorded: &Recorded) -> Answer {
        let Recorded { message, touch, .. } = recorded;
        let kept = self.0.get(&message.fan).map(Vec::as_slice);
        let answer = playbook.answer(message, touch.as_ref(), kept);
        if let Some(conversation) = &answer.conversation {
            self.0.insert(message.fan.clone(), conversation.clone());
        }
        answer
    }
}
