//! `plan:head`: how far push has come, and how the account stands. One record, written with every change.

use super::{campaign::Looked, pace::Pace};
use crate::{
    playbook::{Campaign, Content},
    record,
    time::Timestamp,
    wechat::api::Api,
};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Its key.
pub const KEY: &str = "plan:head";
/// Its format.
pub const FORMAT: u8 = 1;
/// Alarms kept.
const ALARMS_MAX: usize = 32;
/// Templates kept that were stopped.
const STOPPED_MAX: usize = 64;

/// How far push has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// By day, the position in its due list up to which reminders are planned.
    pub due: BTreeMap<u64, u64>,
    /// What waits to be sent.
    pub queues: BTreeMap<Queue, Progress>,
    /// Where those wait that the ledgers call `sending`: what a run that died leaves in doubt, and the next one looks at first.
    pub sending: BTreeSet<(Queue, u64)>,
    /// Campaigns that began, or were asked for.
    pub campaigns: BTreeMap<String, Running>,
    /// How far requests for campaigns were looked at.
    pub asked: Looked,
    /// The position in the list of outcomes up to which they are taken in.
    pub outcomes: u64,
    /// How the account stands.
    pub account: Standing,
}

/// A list of pushes that wait: `plan:<queue>:<page>`, see [`crate::pages`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Queue {
    /// Reminders of an hour, counted from 1970.
    Hour(u64),
    /// A campaign, by id.
    Campaign(String),
}

impl fmt::Display for Queue {
    /// The list's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hour(hour) => write!(f, "plan:h{hour}"),
            Self::Campaign(id) => write!(f, "plan:c:{id}"),
        }
    }
}

/// How far a queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// From when on it may go out.
    pub due: Timestamp,
    /// Pushes in it.
    pub queued: u64,
    /// All before this position are settled.
    pub done: u64,
    /// Pages deleted.
    pub deleted: u64,
}

/// A campaign that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// What it says: as it stood when it began.
    pub campaign: Campaign,
    /// The position in the list of fans up to which they were looked at.
    pub fans: u64,
    /// Every fan was looked at.
    pub planned: bool,
}

/// How the account stands: for reports, and for the next run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// When the token came that is in use, and when it ends.
    pub token: Option<(Timestamp, Timestamp)>,
    /// Of template messages, notices and customer messages.
    pub paces: [Pace; 3],
    /// What a person must look at.
    pub alarms: Vec<Alarm>,
    /// Contents that WeChat does not take, by [`digest`]: they are not sent until the playbook says something else.
    pub stopped: Vec<[u8; 8]>,
}

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is about: a code or a template; alarms about the same are one.
    pub about: String,
    /// What WeChat said the last time. No fan and no secret in it.
    pub says: String,
    /// The first time.
    pub since: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
}

impl Standing {
    /// The pace of a call that reaches a fan.
    pub fn pace(&mut self, api: Api) -> &mut Pace {
        let [template, notice, message] = &mut self.paces;
        match api {
            Api::Notice => notice,
            Api::Message => message,
            _ => template,
        }
    }

    /// As [`Self::pace`], to look at.
    pub fn pace_of(&self, api: Api) -> &Pace {
        let [template, notice, message] = &self.paces;
        match api {
            Api::Notice => notice,
            Api::Message => message,
            _ => template,
        }
    }

    /// Raises an alarm, or counts it if it stands already. The one that is quiet the longest goes when there are too many.
    pub fn alarm(&mut self, about: &str, says: String, now: Timestamp) {
        if let Some(alarm) = self.alarms.iter_mut().find(|alarm| alarm.about == about) {
            (alarm.last, alarm.says) = (now, says);
            alarm.times += 1;
            return;
        }
        if self.alarms.len() >= ALARMS_MAX
            && let Some(quietest) = (0..self.alarms.len()).min_by_key(|at| self.alarms.get(*at).map(|alarm| alarm.last))
        {
            self.alarms.remove(quietest);
        }
        self.alarms.push(Alarm { about: about.to_owned(), says, since: now, last: now, times: 1 });
    }

    /// Sends this content no more.
    pub fn stop(&mut self, content: &Content) {
        let digest = digest(content);
        if !self.stopped.contains(&digest) {
            self.stopped.push(digest);
            if self.stopped.len() > STOPPED_MAX {
                self.stopped.remove(0);
            }
        }
    }

    /// Whether WeChat does not take this content.
    pub fn is_stopped(&self, content: &Content) -> bool {
        !self.stopped.is_empty() && self.stopped.contains(&digest(content))
    }
}

/// What tells one content from another.
fn digest(content: &Content) -> [u8; 8] {
    Sha1::digest(record::encode(FORMAT, content)).first_chunk().copied().unwrap_or_default()
}
