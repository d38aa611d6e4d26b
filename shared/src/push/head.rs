//! How far push has come, and how the account stands: one thing in memory, and four records in the store.

mod stored;

use super::{
    campaign::{Asked, Found, Looked},
    pace::Pace,
    queue::{Progress, Queue},
};
use crate::{
    playbook::{Campaign, Content, Pushes},
    store::{digest, format, key},
    time::Timestamp,
    wechat::{OpenId, api::Api},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use stored::{ACCOUNT, CAMPAIGNS, HEAD, KEYS, PACES, account, paces, progress, standing};
pub(super) use stored::{Changed, Plan, Texts, Written};

/// Alarms kept.
const ALARMS_MAX: usize = 32;
/// Templates kept that were stopped.
const STOPPED_MAX: usize = 64;

/// How far push has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// A campaign that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// What it says: as it stood when it began.
    pub campaign: Campaign,
    /// The position in the list of fans up to which they were looked at.
    pub fans: u64,
    /// Every fan was looked at, or it was stopped.
    pub planned: bool,
    /// Nothing more of it goes out.
    pub stopped: bool,
}

impl Running {
    /// One that begins.
    pub(super) fn new(campaign: Campaign) -> Self {
        Self { campaign, fans: 0, planned: false, stopped: false }
    }

    /// Plans and sends no more of it.
    pub(super) fn stop(&mut self) {
        (self.planned, self.stopped) = (true, true);
    }
}

impl Head {
    /// Whether a campaign was stopped.
    pub(super) fn is_stopped(&self, id: &str) -> bool {
        self.campaigns.get(id).is_some_and(|running| running.stopped)
    }

    /// Takes requests up: campaigns begin when their time comes, and what is to stop stops. Twice it changes nothing.
    pub(super) fn take_up(&mut self, found: Found, pushes: &Pushes) {
        for Asked { id, campaign } in found.asked {
            self.campaigns.entry(id).or_insert(Running::new(campaign));
        }
        for id in found.stops {
            // One of the playbook may be stopped before its time.
            if let Some(campaign) = pushes.campaigns.get(&id).filter(|_| !self.campaigns.contains_key(&id)) {
                self.campaigns.insert(id.clone(), Running::new(campaign.clone()));
            }
            if let Some(running) = self.campaigns.get_mut(&id) {
                running.stop();
            }
        }
        self.asked = found.looked;
    }
}

/// How the account stands: for reports, and for the next run. `plan:account`, but for the paces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// When the token came that is in use, and when it ends.
    pub token: Option<(Timestamp, Timestamp)>,
    /// Of template messages, notices and customer messages: `plan:paces`.
    #[serde(skip)]
    pub paces: [Pace; 3],
    /// What a person must look at.
    pub alarms: Vec<Alarm>,
    /// Contents that WeChat does not take, by their digest: they are not sent until the playbook says something else.
    pub stopped: Vec<[u8; 8]>,
}

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is about: a code, a template, records; alarms about the same are one.
    pub about: String,
    /// What WeChat said the last time, or which record cannot be read. No secret in it, and no word of a fan's.
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

    /// Raises the alarm that a record is set aside.
    pub(super) fn damaged(&mut self, says: String, now: Timestamp) {
        self.alarm("damaged records", says, now);
    }

    /// Says nothing more that names a fan who is forgotten.
    pub(super) fn forget(&mut self, openid: &OpenId) {
        self.alarms.retain(|alarm| !alarm.says.contains(openid.as_str()));
    }

    /// Raises the alarm that what is stored of a fan cannot be read.
    pub(super) fn unreadable(&mut self, says: String, now: Timestamp) {
        self.alarm("unreadable records", says, now);
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

/// What tells one content from another, by its bytes as they are stored.
fn digest(content: &Content) -> [u8; 8] {
    digest::short(&format::encode(<Standing as key::Stored>::FORMAT, content))
}
