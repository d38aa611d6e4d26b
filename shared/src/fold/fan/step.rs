//! How one event changes what a fan is to the brand.

use super::{
    event::{Notice, What},
    state::{Follow, Origin, PastFollow, State, TouchMark},
    tally::Tally,
};
use crate::{
    fold::counts::{DIRECT, Metric, Stage},
    time::Timestamp,
};
use std::collections::BTreeSet;

/// Follows kept.
const FOLLOWS_MAX: usize = 16;
/// Touches kept, besides the first.
const TOUCHES_MAX: usize = 32;
/// Channels that a fan scanned on one day, told apart.
const SCANNED_MAX: usize = 64;
/// Templates whose permissions are kept.
const TEMPLATES_MAX: usize = 32;

impl State {
    /// What one event makes of it.
    pub(crate) fn step(&mut self, at: Timestamp, what: &What, tally: &mut Tally<'_>) {
        match what {
            What::Erased => return,
            What::Chose(choice, what) => {
                self.choose(at, *choice);
                return self.step(at, what, tally);
            }
            What::HandedOver(what) => {
                self.desk.hand_over(at, tally);
                return self.step(at, what, tally);
            }
            What::Told(steps, what) => {
                steps.iter().for_each(|step| self.dialogs.step(at, step, tally));
                return self.step(at, what, tally);
            }
            What::Message | What::Click | What::Scan(_) | What::Follow(_) | What::Welcomed(_) => {
                self.hours.add(tally.local(at).minute)
            }
            What::Seen | What::Unfollow | What::Notices(_) | What::Order(_) | What::Session(_) => {}
        }
        let used_menu = self.used_menu().is_some();
        self.known_since = Some(self.known_since.map_or(at, |since| since.min(at)));
        let latest = |time: &mut Option<Timestamp>| *time = Some(time.map_or(at, |time| time.max(at)));
        match what {
            What::Message => latest(&mut self.last_message),
            What::Click => latest(&mut self.last_click),
            What::Scan(_) => latest(&mut self.last_scan),
            What::Follow(_) | What::Welcomed(_) => latest(&mut self.last_follow),
            What::Seen | What::Unfollow | What::Notices(_) | What::Order(_) | What::Session(_) => {}
            What::Erased | What::Chose(..) | What::HandedOver(_) | What::Told(..) => {}
        }
        match what {
            What::Follow(channel) => self.follow(at, channel.as_deref(), false, tally),
            What::Welcomed(channel) => self.follow(at, channel.as_deref(), true, tally),
            What::Unfollow => self.unfollow(at, tally),
            What::Order(news) => self.order(at, news, tally),
            What::Scan(channel) => {
                self.presume_follower(at, tally);
                self.touch(at, channel, tally);
            }
            What::Notices(list) => list.iter().for_each(|(template, notice)| self.notice(template, *notice)),
            What::Message | What::Click | What::Seen => self.presume_follower(at, tally),
            What::Session(session) => {
                self.presume_follower(at, tally);
                self.desk.session(at, *session, tally);
            }
            What::Erased | What::Chose(..) | What::HandedOver(_) | What::Told(..) => {}
        }
        if let Some(Origin { at, channel }) = self.used_menu().filter(|_| !used_menu) {
            tally.add(*at, channel, Metric::UsedMenu, 1);
        }
    }

    /// The first follow of a fan who used the menu since. Of one who was forgotten meanwhile it is not known any more.
    fn used_menu(&self) -> Option<&Origin> {
        let (click, known) = (self.last_click?, self.known_since?);
        self.origin.as_ref().filter(|origin| origin.at <= click && known <= origin.at)
    }

    fn follow(&mut self, at: Timestamp, channel: Option<&str>, welcomed: bool, tally: &mut Tally<'_>) {
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
            tally.add(at, channel, Metric::Welcomed, i64::from(welcomed));
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
}
