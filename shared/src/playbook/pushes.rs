//! What the playbook says about pushes: products and when they run out, reminders, campaigns, and what holds for all.

mod old;
pub(super) mod render;

use crate::time::{Timestamp, UtcOffset};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) use old::WithoutFields;
pub use render::{DAYS_LEFT_SHOWN_MAX, Filled, QUANTITY_SHOWN_MAX, Saved, Values};

/// [`Content::Template`]'s name in the playbook, and in answers.
pub(super) const TEMPLATE: &str = "template";
/// [`Content::Notice`]'s.
pub(super) const NOTICE: &str = "notice";
/// [`Content::Message`]'s.
pub(super) const MESSAGE: &str = "message";

/// Everything the playbook says about pushes. By default no products, no campaigns, and the limits of a playbook that names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushes {
    /// The brand's name; what `{name}` becomes.
    pub name: String,
    /// What holds for every push.
    pub limits: Limits,
    /// What a campaign that is asked for goes by.
    pub usual: Usual,
    /// By id: the shop's id of the product, as it stands in orders.
    pub products: BTreeMap<String, Product>,
    /// By id.
    pub campaigns: BTreeMap<String, Campaign>,
}

/// What holds for every push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Whose hours these are.
    pub utc_offset: UtcOffset,
    /// Nothing goes out from this minute of the day …
    pub quiet_from: u16,
    /// … until this one; an end before the beginning is the next day's; equal: there are no quiet hours.
    pub quiet_until: u16,
    /// The hour of the day that a fan gets pushes at whose own most active hour is not known, 0 to 23.
    pub preferred_hour: u8,
    /// A fan gets at most so many pushes, all together, …
    pub cap: u32,
    /// … in so many days.
    pub cap_days: u32,
    /// An order is credited to a push for so many days after it.
    pub outcome_days: u32,
}

/// What a campaign goes by that does not stand in the file: as those do that do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usual {
    /// It is a service account: it may send template messages.
    pub service: bool,
    /// Percent of the fans who do not get it, where nothing else is said.
    pub holdout: u8,
    /// Words that no template or notice may have, besides the known ones.
    pub marketing_words: Vec<String>,
}

/// One `[[products]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// For people; what `{product}` becomes.
    pub name: String,
    /// Days that one piece lasts on average.
    pub supply_days: u32,
    /// What goes out before it runs out.
    pub reminder: Option<Reminder>,
}

/// "Buy again before it runs out."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// So many days before the expected end.
    pub lead_days: u32,
    /// Not sooner than so many days after the last purchase.
    pub gap_days: u32,
    /// Instead of that of [`Limits`].
    pub preferred_hour: Option<u8>,
    /// Percent of the fans who do not get it, so that its effect can be told.
    pub holdout: u8,
    /// What goes out.
    pub ways: Ways,
}

/// A one-off push to a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// When it begins.
    pub at: Timestamp,
    /// To whom.
    pub segment: Segment,
    /// Percent of the fans who do not get it, so that its effect can be told.
    pub holdout: u8,
    /// What goes out.
    pub ways: Ways,
}

/// The ways that a push may go, the first that can reach the fan when it leaves; the check wants at least one, and none twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways(Vec<Content>);

impl Ways {
    /// All of them, the first choice first.
    pub fn iter(&self) -> impl Iterator<Item = &Content> {
        self.0.iter()
    }
}

impl From<Content> for Ways {
    fn from(only: Content) -> Self {
        Self(vec![only])
    }
}

impl FromIterator<Content> for Ways {
    fn from_iter<I: IntoIterator<Item = Content>>(ways: I) -> Self {
        Self(ways.into_iter().collect())
    }
}

/// What goes out, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A template message: service accounts only. The one way that WeChat itself keeps from arriving twice.
    Template(Form),
    /// A subscription notice: takes one of the fan's permissions for the template.
    Notice(Form),
    /// A customer message, within 48 hours of the fan's last.
    Message {
        /// With placeholders.
        text: String,
    },
}

/// A filled-in template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// WeChat's.
    pub template_id: String,
    /// Name (`thing1`) and value with placeholders, in the order of the file.
    pub fields: Vec<(String, String)>,
    /// What a tap opens.
    pub url: Option<String>,
    /// What a tap opens instead: `appid`, `pagepath`.
    pub miniprogram: Option<(String, String)>,
}

/// Which fans: all that fit every condition; conditions that are absent fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Followed through one of these channels.
    pub channels: Vec<String>,
    /// Have one of these tags.
    pub tags: Vec<String>,
    /// Days since the follow.
    pub followed: Option<DaysAgo>,
    /// Days since the last purchase: of one of `products`, where there are any. None who never bought.
    pub bought: Option<DaysAgo>,
    /// Bought one of these products.
    pub products: Vec<String>,
    /// Days since the last message, click or scan.
    pub contact: Option<DaysAgo>,
    /// By field that a dialog saved: have one of these values.
    pub fields: BTreeMap<String, Vec<String>>,
}

/// Whole days before now, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysAgo {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            utc_offset: UtcOffset::BEIJING,
            quiet_from: 21 * 60 + 30,
            quiet_until: 9 * 60,
            preferred_hour: 20,
            cap: 2,
            cap_days: 30,
            outcome_days: 14,
        }
    }
}

impl Default for Usual {
    fn default() -> Self {
        Self { service: true, holdout: 10, marketing_words: Vec::new() }
    }
}

impl Content {
    /// The name of its way in the playbook, and in answers.
    pub fn way(&self) -> &'static str {
        match self {
            Self::Template(_) => TEMPLATE,
            Self::Notice(_) => NOTICE,
            Self::Message { .. } => MESSAGE,
        }
    }
}

impl Campaign {
    /// A campaign that could not begin for so long after its time does not begin, in seconds.
    pub const LATE: u64 = 86_400;

    /// Whether it may begin now.
    pub fn is_on_time(&self, now: Timestamp) -> bool {
        self.at <= now && now.0 - self.at.0 < Self::LATE
    }
}

impl Limits {
    /// Whether nothing may go out at this minute of the day.
    pub fn is_quiet(&self, minute: u16) -> bool {
        if self.quiet_from <= self.quiet_until {
            (self.quiet_from..self.quiet_until).contains(&minute)
        } else {
            minute >= self.quiet_from || minute < self.quiet_until
        }
    }
}

impl DaysAgo {
    /// Whether a moment is so long ago.
    pub fn fits(&self, then: Timestamp, now: Timestamp) -> bool {
        let days = now.0.saturating_sub(then.0) / 86_400;
        days >= u64::from(self.min) && self.max.is_none_or(|max| days <= u64::from(max))
    }
}
