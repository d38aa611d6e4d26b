//! What push tells rollup through the journal, and rollup tells push through `outcome:`.
//!
//! News are idempotent: told twice, or in another order, they say the same. So push writes them together with its ledger,
//! before anything that depends on them, and tells them again after a crash.

#[cfg(doc)]
use crate::wechat::api::notice::NO_CONSENT;
use crate::{
    store::{
        digest::{Digest, digest, hex},
        keys,
        list::List,
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of pushes, for push.
pub fn outcomes() -> List<Outcome> {
    keys::OUTCOMES.list(&[])
}

/// All fans that rollup ever met, for campaigns.
pub fn fans() -> List<OpenId> {
    keys::FANS.list(&[])
}

/// The reminders that are due on a day, counted from 1970 in the playbook's offset.
pub fn due(day: u64) -> List<Due> {
    keys::DUE.list(&[&day])
}

/// One push to one fan; what keeps it from going out twice. Of a reminder: the fan, the product and the purchase that it is
/// about. Of a campaign: the fan and the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PushId(Digest);

impl PushId {
    /// The id of what these words say.
    pub fn of(words: &str) -> Self {
        Self(digest(words))
    }

    /// That of the reminder of a product, about the purchase at `basis`.
    pub fn of_reminder(openid: &OpenId, product: &str, basis: Timestamp) -> Self {
        Self::of(&format!("reminder|{openid}|{basis}|{product}"))
    }

    /// A number from 0 to 99 that is the push's own: what decides about holdout.
    pub fn percentile(self) -> u8 {
        let [a, b, c, d, ..] = self.0;
        (u32::from_le_bytes([a, b, c, d]) % 100) as u8
    }
}

impl fmt::Display for PushId {
    /// 32 hex digits: the `client_msg_id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Several news at once: one journal entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNews(pub Vec<News>);

/// What became of one push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Whom it is for.
    pub openid: OpenId,
    /// Which push.
    pub id: PushId,
    /// What it belongs to.
    pub series: Series,
    /// When it is due to go out; the same in all news of it. Outcomes count from here, in both groups.
    pub due: Timestamp,
    /// For so many days from then on an order is credited to it.
    pub outcome_days: u32,
    /// Who got it and who not, to tell its effect; none of a push that was skipped for another reason.
    pub group: Option<Group>,
    /// When this happened, by our clock.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What a push belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Series {
    /// The reminder for this product.
    Reminder(String),
    /// The campaign of this id.
    Campaign(String),
}

/// Which part of a comparison a fan is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Group {
    /// Gets it.
    Treated,
    /// Does not, by a draw.
    Holdout,
}

/// What happened to a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// As [`Self::Queued`], by a Guanxi that did not say more.
    Planned,
    /// It does not go out.
    Skipped(Skip),
    /// WeChat took it, under this number where it gave one.
    Sent(Option<String>),
    /// WeChat refused it, with this code.
    Refused(i64),
    /// Whether it went out cannot be known; only an event will tell.
    Unknown,
    /// It will go out when it is due; and by an event of one of these kinds WeChat will tell what became of it.
    Queued(Vec<Echo>),
    /// WeChat took no notice of this template, because the fan has allowed none that is left: [`NO_CONSENT`]. What became of the
    /// push is told apart; it may go another way.
    NoConsent(String),
}

/// A kind of event by which WeChat tells what became of a push
/// ([protocol 2.6, 2.7](../../docs/wechat-protocol.md#2.6)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Echo {
    /// `TEMPLATESENDJOBFINISH`
    Template,
    /// `subscribe_msg_sent_event` with this TemplateId.
    Notice(String),
}

/// Why a push does not go out. Counts and ledgers store the number: it never changes, and a new reason goes to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Skip {
    /// The fan does not follow.
    Unsubscribed = 0,
    /// The fan asked for no more.
    OptedOut = 1,
    /// The fan has bought since, or a purchase was given back.
    BoughtSince = 2,
    /// The fan has had as many as the playbook allows.
    Capped = 3,
    /// It would have gone out in the quiet hours.
    QuietHours = 4,
    /// The fan is in the group that does not get it.
    Holdout = 5,
    /// The account's quota did not last for it in time.
    OverQuota = 6,
    /// The template is not one that WeChat takes, or the playbook no longer has it.
    InvalidTemplate = 7,
    /// WeChat allows no message to this fan now: no permission, or no message in 48 hours.
    NoWindow = 8,
    /// What is stored of the fan cannot be read: it may say that the fan wants none, or has had it.
    Unreadable = 9,
    /// The campaign was stopped.
    Stopped = 10,
}

impl Skip {
    /// Every reason with its name in reports.
    pub const ALL: [(&'static str, Self); 11] = [
        ("unsubscribed", Self::Unsubscribed),
        ("opted_out", Self::OptedOut),
        ("bought_since", Self::BoughtSince),
        ("capped", Self::Capped),
        ("quiet_hours", Self::QuietHours),
        ("holdout", Self::Holdout),
        ("over_quota", Self::OverQuota),
        ("invalid_template", Self::InvalidTemplate),
        ("no_window", Self::NoWindow),
        ("unreadable", Self::Unreadable),
        ("stopped", Self::Stopped),
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, skip)| *skip == self).map_or("", |(name, _)| name)
    }
}

/// A reminder that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Whom to remind.
    pub openid: OpenId,
    /// Of what.
    pub product: String,
    /// The purchase that it is about: the last one of the product. With another one the item is void.
    pub basis: Timestamp,
    /// When it will have run out.
    pub run_out: Timestamp,
}

/// What rollup learned that push must know: an item of [`outcomes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// WeChat said what became of a push.
    Closed {
        /// The fan it went to.
        openid: OpenId,
        /// The push.
        id: PushId,
        /// When, by WeChat's clock.
        at: Timestamp,
        /// Whether it arrived.
        delivered: bool,
    },
    /// The fan is forgotten; so must the ledger.
    Forgotten(OpenId),
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_stored_number_of_a_reason_never_changes() {
        let stored = Skip::ALL.map(|(name, skip)| (name, skip as usize, crate::store::format::encode(0, &skip)));
        let expected = [
            "unsubscribed",
            "opted_out",
            "bought_since",
            "capped",
            "quiet_hours",
            "holdout",
            "over_quota",
            "invalid_template",
            "no_window",
            "unreadable",
            "stopped",
        ];
        for (number, (stored, name)) in stored.into_iter().zip(expected).enumerate() {
            assert_eq!(stored, (name, number, vec![0, u8::try_from(number).unwrap_or_default()]));
        }
    }
}
