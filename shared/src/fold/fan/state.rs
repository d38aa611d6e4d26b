//! What a fan is to the brand at a moment, and how one event changes it.

use super::{
    event::{Notice, What},
    hours::Hours,
    marks::Marks,
    purchases::{Order, Product},
};
use crate::{
    facts::PushChoice,
    fold::counts::{DIRECT, Deltas, Metric, Stage},
    time::{Local, Timestamp, UtcOffset},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Follows kept.
const FOLLOWS_MAX: usize = 16;
/// Touches kept, besides the first.
const TOUCHES_MAX: usize = 32;
/// Channels that a fan scanned on one day, told apart.
const SCANNED_MAX: usize = 64;
/// Templates whose permissions are kept.
const TEMPLATES_MAX: usize = 32;

/// What is known of a fan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When we first heard of the fan.
    pub known_since: Option<Timestamp>,
    /// The follow that lasts.
    pub follow: Option<Follow>,
    /// Whether the fan ever followed, as far as we know.
    pub followed_before: bool,
    /// The first follow, if we saw it.
    pub origin: Option<Origin>,
    /// Follows that ended, the newest last; at most 16.
    pub past: Vec<PastFollow>,
    /// The first contact through a channel.
    pub first_touch: Option<TouchMark>,
    /// The last contacts through channels, the newest last; at most 32.
    pub touches: Vec<TouchMark>,
    /// The last message.
    pub last_message: Option<Timestamp>,
    /// The last use of the menu.
    pub last_click: Option<Timestamp>,
    /// The last scan.
    pub last_scan: Option<Timestamp>,
    /// The last follow.
    pub last_follow: Option<Timestamp>,
    /// The channels scanned on the last day with a scan.
    pub(crate) scanned: (u64, BTreeSet<String>),
    /// Purchases by product; at most 64.
    pub products: BTreeMap<String, Product>,
    /// Orders that were not cancelled.
    pub orders_live: u32,
    /// The last orders.
    pub(crate) orders: Vec<Order>,
    /// When the fan asked for no more pushes, if that still holds.
    pub opted_out: Option<Timestamp>,
    /// When the fan last said that pushes are welcome.
    pub(crate) resumed: Option<Timestamp>,
    /// Notices that may be sent, by template, at most 32: allowed, less those that WeChat says were sent.
    pub notices: BTreeMap<String, u32>,
    /// When in the day the fan is there.
    pub(crate) hours: Hours,
    /// The last pushes to the fan.
    pub pushes: Marks,
}

/// A follow that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Since when; of a follow that we did not see, when the fan first acted.
    pub since: Timestamp,
    /// The channel that it counts for.
    pub channel: String,
    /// Whether we saw it begin.
    pub seen: bool,
}

/// A follow that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFollow {
    /// From …
    pub since: Timestamp,
    /// … until.
    pub until: Timestamp,
    /// The channel that it counted for.
    pub channel: String,
}

/// The follow that made a fan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// When it happened, by WeChat's clock.
    pub at: Timestamp,
    /// Through which channel.
    pub channel: String,
}

/// A contact through a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchMark {
    /// When it happened, by WeChat's clock.
    pub at: Timestamp,
    /// Through which channel, as it stands in counts.
    pub channel: String,
}

/// Where a step books what it counts; or nowhere, when it only replays.
pub(crate) struct Tally<'a> {
    /// The counts and what each event counts: 1, or -1 where it is taken back.
    into: Option<(&'a mut Deltas, i64)>,
    offset: UtcOffset,
}

impl<'a> Tally<'a> {
    pub(crate) fn silent(offset: UtcOffset) -> Self {
        Self { into: None, offset }
    }

    pub(crate) fn new(offset: UtcOffset, deltas: &'a mut Deltas, sign: i64) -> Self {
        Self { into: Some((deltas, sign)), offset }
    }

    pub(super) fn add(&mut self, at: Timestamp, channel: &str, metric: Metric, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.add(at, channel, metric, count * *sign);
        }
    }

    pub(super) fn cohort(&mut self, origin: (Timestamp, &str), stage: Stage, at: Timestamp, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.cohort(origin, stage, at, count * *sign);
        }
    }

    fn local(&self, at: Timestamp) -> Local {
        self.offset.local(at)
    }
}

impl State {
    /// When the fan followed, earlier follows first.
    pub fn follows(&self) -> impl Iterator<Item = Timestamp> {
        self.past.iter().map(|past| past.since).chain(self.follow.iter().map(|follow| follow.since))
    }

    /// The hour of the playbook's day in which the fan is there most often; of equals the first. None before five contacts:
    /// messages, clicks, scans and follows.
    pub fn busiest_hour(&self) -> Option<u8> {
        self.hours.busiest()
    }

    /// What one event makes of it.
    pub(crate) fn step(&mut self, at: Timestamp, what: &What, tally: &mut Tally<'_>) {
        match what {
            What::Erased => return,
            What::Chose(choice, what) => {
                self.choose(at, *choice);
                return self.step(at, what, tally);
            }
            What::Message | What::Click | What::Scan(_) | What::Follow(_) => self.hours.add(tally.local(at).minute),
            What::Seen | What::Unfollow | What::Notices(_) | What::Order(_) => {}
        }
        self.known_since = Some(self.known_since.map_or(at, |since| since.min(at)));
        let latest = |time: &mut Option<Timestamp>| *time = Some(time.map_or(at, |time| time.max(at)));
        match what {
            What::Message => latest(&mut self.last_message),
            What::Click => latest(&mut self.last_click),
            What::Scan(_) => latest(&mut self.last_scan),
            What::Follow(_) => latest(&mut self.last_follow),
            What::Seen | What::Unfollow | What::Notices(_) | What::Order(_) | What::Erased | What::Chose(..) => {}
        }
        match what {
            What::Follow(channel) => self.follow(at, channel.as_deref(), tally),
            What::Unfollow => self.unfollow(at, tally),
            What::Order(news) => self.order(at, news, tally),
            What::Scan(channel) => {
                self.presume_follower(at, tally);
                self.touch(at, channel, tally);
            }
            What::Notices(list) => list.iter().for_each(|(template, notice)| self.notice(template, *notice)),
            What::Message | What::Click | What::Seen => self.presume_follower(at, tally),
            What::Erased | What::Chose(..) => {}
        }
    }

    /// Stops or resumes pushes; what comes late does not undo what was chosen later.
    pub(super) fn choose(&mut self, at: Timestamp, choice: PushChoice) {
        match choice {
            PushChoice::Stop if self.resumed.is_none_or(|resumed| resumed <= at) => {
                self.opted_out = self.opted_out.max(Some(at));
            }
            PushChoice::Resume if self.opted_out.is_none_or(|stopped| stopped <= at) => {
                self.resumed = self.resumed.max(Some(at));
                self.opted_out = None;
            }
            PushChoice::Stop | PushChoice::Resume => {}
        }
    }

    fn follow(&mut self, at: Timestamp, channel: Option<&str>, tally: &mut Tally<'_>) {
        if let Some(channel) = channel {
            self.touch(at, channel, tally);
        }
        // We missed how the last follow ended: the fan is counted already.
        if self.follow.is_some() {
            return;
        }
        let channel = channel.unwrap_or(DIRECT);
        self.follow = Some(Follow { since: at, channel: channel.to_owned(), seen: true });
        let returning = std::mem::replace(&mut self.followed_before, true);
        if returning {
            tally.add(at, channel, Metric::Returning, 1);
            if let Some(origin) = &self.origin {
                tally.cohort((origin.at, &origin.channel), Stage::Returned, at, 1);
            }
        } else {
            tally.add(at, channel, Metric::New, 1);
            tally.cohort((at, channel), Stage::Joined, at, 1);
            self.tally_standing(-1, tally);
            self.origin = Some(Origin { at, channel: channel.to_owned() });
            self.tally_standing(1, tally);
        }
    }

    fn unfollow(&mut self, at: Timestamp, tally: &mut Tally<'_>) {
        let Some(Follow { since, channel, seen }) = self.follow.take() else {
            // A fan from before our time, of whom this is the first we hear.
            if !std::mem::replace(&mut self.followed_before, true) {
                tally.add(at, DIRECT, Metric::Met, 1);
                tally.add(at, DIRECT, Metric::Lost, 1);
                self.ended(PastFollow { since: at, until: at, channel: DIRECT.to_owned() });
            }
            return;
        };
        tally.add(at, &channel, Metric::Lost, 1);
        if seen {
            tally.add(since, &channel, Metric::Left, 1);
        }
        if let Some(origin) = &self.origin {
            tally.cohort((origin.at, &origin.channel), Stage::Left, at, 1);
        }
        self.ended(PastFollow { since, until: at, channel });
    }

    fn ended(&mut self, past: PastFollow) {
        self.past.push(past);
        if self.past.len() > FOLLOWS_MAX {
            self.past.remove(0);
        }
    }

    /// Only followers can write, click and scan; so one we do not know followed before our time.
    fn presume_follower(&mut self, at: Timestamp, tally: &mut Tally<'_>) {
        if self.follow.is_none() && !self.followed_before {
            self.followed_before = true;
            self.follow = Some(Follow { since: at, channel: DIRECT.to_owned(), seen: false });
            tally.add(at, DIRECT, Metric::Met, 1);
        }
    }

    fn touch(&mut self, at: Timestamp, channel: &str, tally: &mut Tally<'_>) {
        let mark = TouchMark { at, channel: channel.to_owned() };
        if self.first_touch.as_ref().is_none_or(|first| at < first.at) {
            self.first_touch = Some(mark.clone());
        }
        let place = self.touches.partition_point(|touch| touch.at <= at);
        self.touches.insert(place, mark);
        if self.touches.len() > TOUCHES_MAX {
            self.touches.remove(0);
        }
        tally.add(at, channel, Metric::Scans, 1);
        let day = tally.local(at).day.0;
        if self.scanned.0 != day {
            self.scanned = (day, BTreeSet::new());
        }
        if self.scanned.1.len() < SCANNED_MAX && self.scanned.1.insert(channel.to_owned()) {
            tally.add(at, channel, Metric::ScanningPeople, 1);
        }
    }

    fn notice(&mut self, template: &str, notice: Notice) {
        let permissions = self.notices.get(template).copied().unwrap_or_default();
        let permissions = match notice {
            Notice::Accepted => permissions.saturating_add(1),
            Notice::Declined => permissions,
            Notice::Withdrawn => 0,
            Notice::Sent => permissions.saturating_sub(1),
        };
        if permissions == 0 {
            self.notices.remove(template);
        } else if self.notices.len() < TEMPLATES_MAX || self.notices.contains_key(template) {
            self.notices.insert(template.to_owned(), permissions);
        }
    }

    /// What an erasure leaves: what keeps the person from being counted twice, and from being pushed to against their wish.
    pub(crate) fn remains(&self) -> Self {
        Self {
            follow: self.follow.clone(),
            followed_before: self.followed_before,
            origin: self.origin.clone().filter(|_| self.follow.is_some()),
            orders_live: self.orders_live,
            orders: self.first_order().map(Order::without_lines).into_iter().collect(),
            opted_out: self.opted_out,
            pushes: self.pushes.remains(),
            ..Self::default()
        }
    }
}
