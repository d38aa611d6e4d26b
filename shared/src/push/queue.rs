//! What waits to be sent: queues, how far each is, and what stands in them.

use super::ledger::Subject;
use crate::{
    facts::push::PushId,
    playbook::Limits,
    store::{keys, list::List},
    time::Timestamp,
    wechat::{OpenId, api::Api},
};
use serde::{Deserialize, Serialize};

/// A [list](crate::store::list) of pushes that wait for one call. So where one call may be made no more,
/// those that wait for another are not behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Queue {
    /// Reminders of an hour, counted from 1970, by template message.
    Hour(u64),
    /// A campaign, by id, by template message.
    Campaign(String),
    /// As [`Self::Hour`], by another call.
    HourBy(Way, u64),
    /// As [`Self::Campaign`], by another call.
    CampaignBy(Way, String),
}

/// Another way to a fan than a template message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Way {
    /// A notice.
    Notice,
    /// A customer message.
    Message,
}

impl Queue {
    /// Where a push waits that is due at a moment and goes by a call.
    pub(super) fn of(subject: &Subject, due: Timestamp, api: Api) -> Self {
        let way = match api {
            Api::Notice => Some(Way::Notice),
            Api::Message => Some(Way::Message),
            _ => None,
        };
        match (subject, way) {
            (Subject::Reminder { .. }, None) => Self::Hour(due.0 / 3_600),
            (Subject::Reminder { .. }, Some(way)) => Self::HourBy(way, due.0 / 3_600),
            (Subject::Campaign(id), None) => Self::Campaign(id.clone()),
            (Subject::Campaign(id), Some(way)) => Self::CampaignBy(way, id.clone()),
        }
    }

    /// The call that its pushes wait for.
    pub fn api(&self) -> Api {
        match self {
            Self::Hour(_) | Self::Campaign(_) => Api::Template,
            Self::HourBy(Way::Notice, _) | Self::CampaignBy(Way::Notice, _) => Api::Notice,
            Self::HourBy(Way::Message, _) | Self::CampaignBy(Way::Message, _) => Api::Message,
        }
    }

    /// What waits in it.
    pub fn list(&self) -> List<Waiting> {
        match self {
            Self::Hour(hour) => keys::PLAN_HOUR.list(&[hour]),
            Self::Campaign(id) => keys::PLAN_CAMPAIGN.list(&[id]),
            Self::HourBy(Way::Notice, hour) => keys::PLAN_NOTICE_HOUR.list(&[hour]),
            Self::CampaignBy(Way::Notice, id) => keys::PLAN_NOTICE_CAMPAIGN.list(&[id]),
            Self::HourBy(Way::Message, hour) => keys::PLAN_MESSAGE_HOUR.list(&[hour]),
            Self::CampaignBy(Way::Message, id) => keys::PLAN_MESSAGE_CAMPAIGN.list(&[id]),
        }
    }

    /// The campaign that it is of; none: of an hour's reminders.
    pub fn campaign(&self) -> Option<&str> {
        match self {
            Self::Campaign(id) | Self::CampaignBy(_, id) => Some(id),
            Self::Hour(_) | Self::HourBy(..) => None,
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

/// A push that waits: an item of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// To whom.
    pub openid: OpenId,
    /// Which.
    pub id: PushId,
}

/// How many pushes of a queue may go out by now: all of a campaign's; of an hour's, as many as its minutes that have begun,
/// so that they spread over the hour, and none in the quiet hours.
pub(super) fn available(queue: &Queue, progress: &Progress, limits: &Limits, now: Timestamp) -> u64 {
    let Some(elapsed) = now.0.checked_sub(progress.due.0) else { return 0 };
    match queue.campaign() {
        Some(_) => progress.queued,
        None if limits.is_quiet(limits.utc_offset.local(now).minute) => 0,
        None => (progress.queued * (elapsed / 60 + 1).min(60)).div_ceil(60),
    }
}
