//! The head as it is stored: four records, each written only when it says something else than before.
//!
//! | record | what | changes |
//! |---|---|---|
//! | `plan:head` | how far push has come | with nearly every change |
//! | `plan:paces` | what was called lately, and what WeChat allows | with nearly every call |
//! | `plan:account` | alarms, contents that are stopped, the token's times | seldom |
//! | `plan:campaigns` | what the campaigns say that `plan:head` names, each as it stood when it began | when one begins or goes |
//!
//! Head and campaigns are stored twice, because nothing else tells what was planned already, nor what was asked for.
//!
//! **No stored head names a campaign without contents**, wherever a change is cut off: contents are stored before the head that
//! names them is, and go only once no stored head does. Contents that no head names say nothing. What else a head takes for
//! granted is stored before it too: an alarm about a fan has gone when the head says that the fan is forgotten.

use super::{Head, Running, Standing};
use crate::{
    playbook::{Campaign, WithoutFields},
    push::{
        campaign::{Looked, ReadError, read},
        pace::Pace,
        queue::{Progress, Queue},
    },
    store::{
        Store,
        format::{self, RecordError},
        key::{Key, Stored},
        keys,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// How far push has come.
pub const HEAD: [&str; 2] = [keys::PLAN_HEAD.pattern, keys::PLAN_HEAD_COPY.pattern];
/// What its campaigns say.
pub const CAMPAIGNS: [&str; 2] = [keys::PLAN_TEXTS.pattern, keys::PLAN_TEXTS_COPY.pattern];
/// A [`Standing`] without the paces.
pub const ACCOUNT: &str = keys::PLAN_ACCOUNT.pattern;
/// The paces of a [`Standing`].
pub const PACES: &str = keys::PLAN_PACES.pattern;
/// All keys.
pub const KEYS: [&str; 6] = [HEAD[0], HEAD[1], CAMPAIGNS[0], CAMPAIGNS[1], ACCOUNT, PACES];

/// The record at [`HEAD`].
#[derive(Default, Serialize, Deserialize)]
pub(in crate::push) struct Plan<'a> {
    due: Cow<'a, BTreeMap<u64, u64>>,
    queues: Cow<'a, BTreeMap<Queue, Progress>>,
    sending: Cow<'a, BTreeSet<(Queue, u64)>>,
    /// By id: fans looked at, and whether that was all.
    campaigns: BTreeMap<Cow<'a, str>, (u64, bool)>,
    asked: Cow<'a, Looked>,
    outcomes: u64,
    /// Campaigns that were stopped.
    stopped: BTreeSet<Cow<'a, str>>,
}

/// The record at [`CAMPAIGNS`], by id.
pub(in crate::push) type Texts<'a> = BTreeMap<Cow<'a, str>, Cow<'a, Campaign>>;

impl<'a> From<&'a Head> for Plan<'a> {
    fn from(head: &'a Head) -> Self {
        let campaigns = head.campaigns.iter();
        let stopped = campaigns.clone().filter(|(_, on)| on.stopped);
        Self {
            due: Cow::Borrowed(&head.due),
            queues: Cow::Borrowed(&head.queues),
            sending: Cow::Borrowed(&head.sending),
            campaigns: campaigns.map(|(id, on)| (Cow::Borrowed(id.as_str()), (on.fans, on.planned))).collect(),
            asked: Cow::Borrowed(&head.asked),
            outcomes: head.outcomes,
            stopped: stopped.map(|(id, _)| Cow::Borrowed(id.as_str())).collect(),
        }
    }
}

impl Stored for Plan<'_> {
    const FORMAT: u8 = 2;

    /// Format 1 ended before the campaigns that were stopped: there were none.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.split_first() {
            Some((1, rest)) => format::decode(2, &[&[2], rest, &[0]].concat()),
            _ => format::decode(Self::FORMAT, bytes),
        }
    }
}

impl Stored for Texts<'_> {
    const FORMAT: u8 = 2;

    /// Segments of format 1 knew no fields.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.first() {
            Some(1) => {
                let texts: BTreeMap<String, WithoutFields> = format::decode(1, bytes)?;
                let now = |(id, campaign): (String, WithoutFields)| (Cow::Owned(id), Cow::Owned(campaign.into()));
                Ok(texts.into_iter().map(now).collect())
            }
            _ => format::decode(Self::FORMAT, bytes),
        }
    }
}

impl Stored for Standing {}

impl Stored for [Pace; 3] {}

/// Where the account stands without its paces.
pub fn account() -> Key<Standing> {
    keys::PLAN_ACCOUNT.key(&[])
}

/// Where the paces stand.
pub fn paces() -> Key<[Pace; 3]> {
    keys::PLAN_PACES.key(&[])
}

impl Plan<'_> {
    /// The head without the account. Campaigns of which `contents` gives nothing are not in it, but told.
    pub(in crate::push) fn with(self, mut contents: impl FnMut(&str) -> Option<Campaign>) -> (Head, Vec<String>) {
        let (mut campaigns, mut without) = (BTreeMap::new(), Vec::new());
        for (id, (fans, planned)) in self.campaigns {
            match contents(&id) {
                Some(campaign) => {
                    let stopped = self.stopped.contains(&id);
                    campaigns.insert(id.into_owned(), Running { campaign, fans, planned, stopped });
                }
                None => without.push(id.into_owned()),
            }
        }
        let head = Head {
            due: self.due.into_owned(),
            queues: self.queues.into_owned(),
            sending: self.sending.into_owned(),
            campaigns,
            asked: self.asked.into_owned(),
            outcomes: self.outcomes,
            account: Standing::default(),
        };
        (head, without)
    }
}

/// Keys and values, as a store takes them.
type Values = Vec<(String, Vec<u8>)>;

/// The records as they were stored last, by key.
#[derive(Default)]
pub(in crate::push) struct Written(BTreeMap<&'static str, Vec<u8>>);

/// The records of a head that say something else than those that are stored.
pub(in crate::push) struct Changed {
    /// What the head takes for granted.
    pub(in crate::push) before: Values,
    /// The head, if it differs.
    pub(in crate::push) head: Values,
    /// The head must not be stored without these: it goes after them. The paces may be a write behind: what they do not
    /// count then did not leave.
    pub(in crate::push) apart: bool,
}

impl Written {
    /// What is stored at a key now.
    pub(in crate::push) fn note(&mut self, key: &str, bytes: &[u8]) {
        if let Some(key) = KEYS.into_iter().find(|known| *known == key) {
            self.0.insert(key, bytes.to_vec());
        }
    }

    /// What is to be written so that the store says what `head` says.
    pub(in crate::push) fn changed(&self, head: &Head) -> Changed {
        let paces = self.unless_stored(&[PACES], head.account.paces.encode());
        let account = self.unless_stored(&[ACCOUNT], head.account.encode());
        let campaigns = self.unless_stored(&CAMPAIGNS, self.campaigns(head));
        let apart = !account.is_empty() || !campaigns.is_empty();
        Changed {
            before: [paces, account, campaigns].concat(),
            head: self.unless_stored(&HEAD, Plan::from(head).encode()),
            apart,
        }
    }

    fn is_stored(&self, key: &str, bytes: &[u8]) -> bool {
        self.0.get(key).is_some_and(|stored| stored == bytes)
    }

    fn unless_stored(&self, keys: &[&str], bytes: Vec<u8>) -> Values {
        let new = keys.iter().filter(|key| !self.is_stored(key, &bytes));
        new.map(|key| ((*key).to_owned(), bytes.clone())).collect()
    }

    /// The contents of a head's campaigns, and of those that a stored head still names.
    fn campaigns(&self, head: &Head) -> Vec<u8> {
        let own = head.campaigns.iter();
        let mut contents: Texts<'_> =
            own.map(|(id, running)| (Cow::Borrowed(id.as_str()), Cow::Borrowed(&running.campaign))).collect();
        let bytes = contents.encode();
        if CAMPAIGNS.iter().all(|key| self.is_stored(key, &bytes)) {
            return bytes;
        }
        // One that cannot be read names nothing.
        let heads = HEAD.iter().filter_map(|key| Plan::decode(self.0.get(*key)?).ok());
        let named: BTreeSet<Cow<'_, str>> = heads.flat_map(|plan| plan.campaigns.into_keys()).collect();
        for key in CAMPAIGNS {
            let stored = self.0.get(key).and_then(|bytes| Texts::decode(bytes).ok());
            for (id, campaign) in stored.unwrap_or_default().into_iter().filter(|(id, _)| named.contains(id)) {
                contents.entry(id).or_insert(campaign);
            }
        }
        contents.encode()
    }
}

/// How far push has come, for whoever asks from outside of a run; nothing of the account. A campaign that stands in one of the
/// two records only is not in it: it is about to begin, or over and about to go, or the next run of push sees to it.
///
/// # Errors
/// [`ReadError`]
pub async fn progress(store: &impl Store) -> Result<Head, ReadError> {
    // First: what is stored after it was read may lack contents only of campaigns that are no more.
    let plan: Plan<'_> = read(store, &keys::PLAN_HEAD.key(&[])).await?;
    let mut contents: Texts<'_> = read(store, &keys::PLAN_TEXTS.key(&[])).await?;
    Ok(plan.with(|id| contents.remove(id).map(Cow::into_owned)).0)
}

/// How the account stands, for whoever asks from outside of a run.
///
/// # Errors
/// [`ReadError`]
pub async fn standing(store: &impl Store) -> Result<Standing, ReadError> {
    let account = read(store, &account()).await?;
    let paces = read(store, &paces()).await?;
    Ok(Standing { paces, ..account })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{playbook::Content, time::Timestamp};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_head_of_a_guanxi_that_stopped_no_campaign_is_read() {
        let first = [
            &[1][..],
            &[1, 0xa0, 0x9c, 1, 5],        // due: of day 20,000 five
            &[1, 1, 1, b'a', 77, 3, 1, 0], // queues: of campaign a, due at 77, three, one of them done
            &[1, 1, 1, b'a', 2],           // sending: the third of them
            &[1, 1, b'a', 9, 1],           // campaigns: a, nine fans, planned
            &[4, 1, 3, 77],                // asked: up to four, the third missing since 77
            &[6],                          // outcomes
        ];
        let campaign = Campaign {
            at: Timestamp(77),
            segment: Default::default(),
            holdout: 0,
            ways: Content::Message { text: "x".into() }.into(),
        };
        let (head, without) = Plan::decode(&first.concat()).unwrap().with(|_| Some(campaign.clone()));
        assert!(without.is_empty());
        let queue = Queue::Campaign("a".into());
        assert_eq!(head.due, [(20_000, 5)].into());
        assert_eq!(
            head.queues,
            [(queue.clone(), Progress { due: Timestamp(77), queued: 3, done: 1, deleted: 0 })].into()
        );
        assert_eq!(head.sending, [(queue, 2)].into());
        let running = Running { campaign: campaign.clone(), fans: 9, planned: true, stopped: false };
        assert_eq!(head.campaigns, [("a".to_owned(), running.clone())].into());
        assert_eq!((head.outcomes, head.asked != Looked::default()), (6, true));

        let stopped = Running { stopped: true, ..running };
        let head = Head { campaigns: [("a".to_owned(), stopped)].into(), ..head };
        let again = Plan::decode(&Plan::from(&head).encode()).unwrap().with(|_| Some(campaign.clone())).0;
        assert_eq!(again, head);
        assert!(Plan::decode(&[3, 0]).is_err() && Plan::decode(&[1, 0]).is_err());
    }
}
