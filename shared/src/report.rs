//! Reports: from records to tables, as JSON and as CSV that Excel opens.
//!
//! A report names the records it needs ([`Ask::keys`]; all of them by number, none by a listing), the caller loads them,
//! and [`Ask::answer`] makes a [`Sheet`] of them. Days are days of the playbook's offset.
//!
//! | report | rows |
//! |---|---|
//! | overview | one each for today, yesterday, the last 7 and 30 days and all time |
//! | channels | one per channel with anything to say in the days asked for: scan → follow → welcomed → used the menu → still here → bought → bought again |
//! | channel | one per hour or day, of one channel |
//! | channel-days | one per channel, a column a day: new fans |
//! | dialogs | of each dialog how many runs began, finished and were left at which step, and what was answered |
//! | paths | one per pair of first and last touch before an order |
//! | trend | one per hour or day |
//! | cohorts | one per week of first follow and channel: how many still follow after so many weeks |
//! | questions | the texts that nobody answered and three different fans asked, most asked first |
//! | pushes | one per reminder and campaign: what became of its pushes, and what they brought beside the holdout |
//! | people | one per hour of a weekday: who was handed over to agents, how many of them within 15 minutes, who could not be |
//! | requests | one per day and kind: what fans asked the brand for, what of it was bought and never bought, delivered, given up |
//! | given-up | one per request that the outbox gave up and that can be sent again |
//! | account | how the account stands with WeChat: token, quotas, pauses, alarms, the last run of push |
//! | publications | one per playbook that was published lately |
//! | rules | one per rule: how often it answered |
//! | stale rules | the playbook's rules without a hit in [`STALE_DAYS`] days |
//! | fan | one fan's timeline |
//!
//! [`Status`] says how the installation runs, for programs: as JSON and for Prometheus.
//!
//! Fans from before the installation are unknown until they act: "followers" are known followers.

mod account;
mod dialogs;
mod fan;
mod metrics;
mod people;
mod pushes;
mod request;
mod requests;
mod sheet;
mod status;
mod tables;
pub mod uplift;

pub use metrics::CONTENT_TYPE as METRICS;
pub use request::{Form, RequestError};
pub use sheet::{Cell, Sheet};
pub use status::Status;

use crate::{
    fold::{
        self, Settings,
        counts::{
            PAGES, Questions, Span, cohort_key, dialogs_key, page_of, paths_key, people_key, pushes_key, rules_key,
            week_of,
        },
        fan::key,
    },
    outbox,
    playbook::{Channel, Terms, publish::HEAD_KEY},
    store::record::{FoldError, Records},
    time::{Day, Timestamp},
    wechat::OpenId,
};
use std::{borrow::Cow, collections::BTreeMap};

/// The most days of one report.
pub const DAYS_MAX: u64 = 366;
/// The most days of a trend by hour.
pub const HOURLY_DAYS_MAX: u64 = 31;
/// The most weeks of a report on cohorts.
pub const WEEKS_MAX: u64 = 26;
/// A rule is stale after so many days without a hit.
pub const STALE_DAYS: u64 = 30;
/// The most paths shown.
pub const PATHS_SHOWN: usize = 200;
/// The most questions shown.
pub const QUESTIONS_SHOWN: usize = 200;

/// What the playbook says that reports need.
#[derive(Clone, Debug, Default)]
pub struct Brand {
    /// As the fold knows it.
    pub settings: Settings,
    /// By id.
    pub channels: BTreeMap<String, Look>,
    /// The ids of all rules.
    pub rules: Vec<String>,
}

/// What a channel looks like in a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// For people.
    pub name: String,
    /// Package, poster, shop, …
    pub group: String,
    /// In cents.
    pub cost: Option<i64>,
    /// The first and the last day that it is out.
    pub valid: (Option<Day>, Option<Day>),
}

impl From<&Terms> for Brand {
    fn from(terms: &Terms) -> Self {
        let look = |channel: &Channel| Look {
            name: channel.name.clone(),
            group: channel.group.clone().unwrap_or_default(),
            cost: channel.cost.map(|yuan| i64::from(yuan) * 100),
            valid: (channel.valid_from, channel.valid_until),
        };
        let channels = terms.channels.iter().map(|channel| (channel.id.clone(), look(channel))).collect();
        Self { settings: Settings::from(terms), channels, rules: terms.rules.clone() }
    }
}

/// What is true when the report is made.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time as of which it is made.
    pub now: Timestamp,
    /// Streams of the journal that no rollup has opened yet, if known.
    pub backlog: Option<u64>,
}

/// Days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    first: Day,
    last: Day,
}

/// Why a report cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The days are not in order, or too many.
    #[error("a report is about 1 to {0} days, the first before the last")]
    Days(u64),
    /// There is no such fan.
    #[error("no fan of that openid is known")]
    NoSuchFan,
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] FoldError),
}

impl Days {
    /// From one day to another, at most `max`.
    ///
    /// # Errors
    /// [`ReportError::Days`]
    pub fn new(first: Day, last: Day, max: u64) -> Result<Self, ReportError> {
        let count = last.0.checked_sub(first.0).filter(|days| *days < max);
        count.map(|_| Self { first, last }).ok_or(ReportError::Days(max))
    }

    /// As many days, so many days earlier.
    #[must_use]
    pub fn earlier(self, days: u64) -> Self {
        let earlier = |day: Day| Day(day.0.saturating_sub(days));
        Self { first: earlier(self.first), last: earlier(self.last) }
    }

    /// The `count` days that end with the day of `now`.
    pub fn until(now: Timestamp, settings: &Settings, count: u64) -> Self {
        let last = settings.utc_offset.local(now).day;
        Self { first: Day(last.0.saturating_sub(count.saturating_sub(1))), last }
    }

    fn iter(self) -> impl Iterator<Item = Day> {
        (self.first.0..=self.last.0).map(Day)
    }
}

/// The step from row to row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Row by row an hour, at most [`HOURLY_DAYS_MAX`] days.
    Hour,
    /// Row by row a day.
    Day,
}

/// What one wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// How things stand.
    Overview,
    /// What each channel brought in these days.
    Channels(Days),
    /// What one channel brought, row by row.
    Channel(String, Days, Step),
    /// Whom each channel brought for the first time, a column a day.
    ChannelDays(Days),
    /// How it went.
    Trend(Days, Step),
    /// Who stayed, of those who followed in the last so many weeks; at most [`WEEKS_MAX`].
    Cohorts(u64),
    /// From which channel to which the fans went who ordered in these days.
    Paths(Days),
    /// How dialogs went in these days.
    Dialogs(Days),
    /// What nobody answers.
    Questions,
    /// What became of the pushes that were due in these days.
    Pushes(Days),
    /// How fans fared in these days who want a person.
    People(Days),
    /// What fans asked the brand for in these days.
    Requests(Days),
    /// What the outbox gave up.
    GivenUp,
    /// How the account stands with WeChat.
    Account,
    /// The latest publications, and from when each holds.
    Publications,
    /// How often each rule answered in these days.
    Rules(Days),
    /// Which rules nobody needs.
    StaleRules,
    /// What is known of one fan.
    Fan(OpenId),
}

impl Ask {
    /// Its name in paths and files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Channels(_) => "channels",
            Self::Channel(..) => "channel",
            Self::ChannelDays(_) => "channel-days",
            Self::Trend(..) => "trend",
            Self::Cohorts(_) => "cohorts",
            Self::Paths(_) => "paths",
            Self::Dialogs(_) => "dialogs",
            Self::Questions => "questions",
            Self::Pushes(_) => "pushes",
            Self::People(_) => "people",
            Self::Requests(_) => "requests",
            Self::GivenUp => "given-up",
            Self::Account => "account",
            Self::Publications => "publications",
            Self::Rules(_) => "rules",
            Self::StaleRules => "stale-rules",
            Self::Fan(_) => "fan",
        }
    }

    /// The records to load.
    pub fn keys(&self, brand: &Brand, moment: Moment) -> Vec<String> {
        let settings = &brand.settings;
        match self {
            Self::Overview => {
                let days = Days::until(moment.now, settings, tables::OVERVIEW_DAYS).iter().map(Span::Day);
                days.chain([Span::All]).map(|span| span.key().into()).collect()
            }
            Self::Channels(days) | Self::ChannelDays(days) => {
                days.iter().flat_map(|day| Span::Day(day).keys()).collect()
            }
            Self::Channel(channel, days, step) => {
                let page = page_of(channel);
                spans(*days, *step, settings).map(|span| span.page_key(page).into()).collect()
            }
            Self::Trend(days, step) => spans(*days, *step, settings).map(|span| span.key().into()).collect(),
            Self::Cohorts(weeks) => {
                let pages = |week| (0..PAGES).map(move |page| cohort_key(week, page).into());
                weeks_until(*weeks, settings, moment).flat_map(pages).collect()
            }
            Self::Paths(days) => days.iter().map(|day| paths_key(day).into()).collect(),
            Self::Dialogs(days) => days.iter().map(|day| dialogs_key(day).into()).collect(),
            Self::Questions => vec![Questions::key().into()],
            Self::Pushes(days) => days.iter().map(|day| pushes_key(day).into()).collect(),
            Self::People(days) => days.iter().map(|day| people_key(day).into()).collect(),
            Self::Requests(days) => requests::keys(*days),
            Self::GivenUp => vec![outbox::Head::key().into()],
            Self::Account => status::account_keys(),
            Self::Publications => vec![HEAD_KEY.to_owned()],
            Self::Rules(days) => {
                let pages = (0..PAGES).map(|page| rules_key(page).into());
                days.iter().map(|day| Span::Day(day).key().into()).chain(pages).collect()
            }
            Self::StaleRules => (0..PAGES).map(|page| rules_key(page).into()).collect(),
            Self::Fan(openid) => vec![key(openid).into(), fold::requests::key(openid).into()],
        }
    }

    /// The report. One that is made of many records is made without those that are damaged, and says so in a last row each.
    ///
    /// # Errors
    /// [`ReportError`], when a record is of a newer format, or the fan is unknown or cannot be read.
    pub fn answer(&self, brand: &Brand, moment: Moment, records: &Records) -> Result<Sheet, ReportError> {
        if matches!(self, Self::Fan(_)) {
            return self.sheet(brand, moment, records);
        }
        let (mut sheet, without) = without_damaged(records, |records| self.sheet(brand, moment, records))?;
        let columns = sheet.columns.len();
        sheet.rows.extend(without.into_iter().map(|key| sheet::without(&key, columns)));
        Ok(sheet)
    }

    fn sheet(&self, brand: &Brand, moment: Moment, records: &Records) -> Result<Sheet, ReportError> {
        match self {
            Self::Overview => tables::overview(brand, moment, records),
            Self::Channels(days) => tables::channels(brand, *days, records),
            Self::Channel(channel, days, step) => {
                tables::channel(channel, spans(*days, *step, &brand.settings), brand, records)
            }
            Self::ChannelDays(days) => tables::channel_days(brand, *days, records),
            Self::Trend(days, step) => tables::trend(spans(*days, *step, &brand.settings), brand, records),
            Self::Cohorts(weeks) => {
                let weeks = weeks_until(*weeks, &brand.settings, moment);
                tables::cohorts(weeks, week_of(moment.now, brand.settings.utc_offset), brand, records)
            }
            Self::Paths(days) => tables::paths(brand, *days, records),
            Self::Dialogs(days) => dialogs::sheet(brand, *days, records),
            Self::Questions => tables::questions(brand, records),
            Self::Pushes(days) => pushes::sheet(brand, *days, moment, records),
            Self::People(days) => people::sheet(brand, *days, records),
            Self::Requests(days) => requests::sheet(brand, *days, records),
            Self::GivenUp => requests::given_up(brand, records),
            Self::Account => account::sheet(brand, moment, records),
            Self::Publications => tables::publications(brand, records),
            Self::Rules(days) => tables::rules(brand, *days, records),
            Self::StaleRules => tables::stale_rules(brand, moment, records),
            Self::Fan(openid) => fan::timeline(openid, brand, moment.now, records),
        }
    }
}

/// What is made of records, without those that are damaged; and their keys.
fn without_damaged<T>(
    records: &Records,
    make: impl Fn(&Records) -> Result<T, ReportError>,
) -> Result<(T, Vec<String>), ReportError> {
    let (mut readable, mut without) = (Cow::Borrowed(records), Vec::new());
    loop {
        match make(&readable) {
            Err(ReportError::Record(FoldError::Damaged { key })) if readable.contains_key(&key) => {
                readable.to_mut().remove(&key);
                without.push(key);
            }
            made => return Ok((made?, without)),
        }
    }
}

/// The hours or days of some days, in order.
fn spans(days: Days, step: Step, settings: &Settings) -> Box<dyn Iterator<Item = Span>> {
    match step {
        Step::Day => Box::new(days.iter().map(Span::Day)),
        Step::Hour => {
            // Midnight of the offset, in hours of UTC.
            let offset = i64::from(i8::from(settings.utc_offset));
            let midnight = move |day: Day| day.0.saturating_mul(24).saturating_add_signed(-offset);
            Box::new(days.iter().flat_map(move |day| (0..24).map(move |hour| Span::Hour(midnight(day) + hour))))
        }
    }
}

/// The last so many weeks, with that of `now`.
fn weeks_until(weeks: u64, settings: &Settings, moment: Moment) -> std::ops::RangeInclusive<u64> {
    let last = week_of(moment.now, settings.utc_offset);
    last.saturating_sub(weeks.clamp(1, WEEKS_MAX) - 1)..=last
}
