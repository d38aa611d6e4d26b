//! Who gets a push, when, and why not: pure decisions, the same for the planner, the sender and a dry run.

use super::{
    head::Standing,
    ledger::{Entry, Ledger, State, Subject},
};
use crate::{
    conversation::Conversation,
    facts::{
        PushChoice,
        push::{Due, Group, PushId, Skip},
    },
    fold::fan,
    playbook::{Campaign, Content, Limits, Pushes, Segment, Ways},
    time::{Day, Timestamp},
    wechat::OpenId,
};
use std::collections::BTreeSet;

/// How long after a fan's message customer messages may go out, in seconds
/// ([protocol 8.4](../../docs/wechat-protocol.md#8.4)); a little less, for the way there.
const WINDOW_SECONDS: u64 = 48 * 3_600 - 300;
/// Customer messages that one message of the fan's allows, …
const MESSAGES_A_WINDOW: usize = 5;
/// … and that a fan gets in a minute.
const MESSAGES_A_MINUTE: usize = 3;
/// So long after a notice it still counts against the fan's consents if no event has said that it was sent, in seconds: nearly
/// all come within a minute. A consent that was used up all the same costs a call that WeChat refuses.
const TOLD_WITHIN_SECONDS: u64 = 3_600;
const HOUR: u64 = 3_600;
/// Days back that reminders are still planned for: whoever comes later waits for the next purchase.
pub(super) const DAYS_BACK: u64 = 3;

/// What is known of a fan.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The fan that is decided about.
    pub openid: &'a OpenId,
    /// What rollup knows; none: nothing.
    pub fan: Option<&'a fan::State>,
    /// Tags of the channels that the fan came through.
    pub tags: &'a BTreeSet<String>,
    /// What callback knows.
    pub conversation: Conversation,
    /// What push knows.
    pub ledger: &'a Ledger,
    /// Some of it cannot be read, so it may say that the fan wants nothing, or has had it.
    pub unreadable: bool,
}

/// What becomes of something that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is for nobody: another purchase took its place, or the fan is outside of the segment.
    Void,
    /// It was decided before, and this is how it stands.
    Known(Entry),
    /// It goes out.
    Plan(Entry),
    /// It does not, and why.
    Skip(Entry, Skip),
}

impl Known<'_> {
    /// Why nothing may go to this fan: the reasons that any push has.
    fn closed(&self) -> Option<Skip> {
        match self.fan {
            _ if self.unreadable => Some(Skip::Unreadable),
            None => Some(Skip::Unsubscribed),
            Some(fan) if fan.follow.is_none() => Some(Skip::Unsubscribed),
            Some(fan) if self.stopped(fan) => Some(Skip::OptedOut),
            Some(_) => None,
        }
    }

    /// The later word holds; rollup's may be a minute behind callback's.
    fn stopped(&self, fan: &fan::State) -> bool {
        match self.conversation.pushes {
            Some((_, PushChoice::Stop)) => true,
            Some((at, PushChoice::Resume)) => fan.opted_out.is_some_and(|stopped| stopped > at),
            None => fan.opted_out.is_some(),
        }
    }

    /// Why this push may not go out, by whatever way.
    fn obstacle(&self, subject: &Subject) -> Option<Skip> {
        if let Some(closed) = self.closed() {
            return Some(closed);
        }
        let bought_since = |product, basis| self.fan.and_then(|fan| last_purchase(fan, product)) != Some(basis);
        match subject {
            Subject::Reminder { product, basis, .. } if bought_since(product, *basis) => Some(Skip::BoughtSince),
            _ => None,
        }
    }

    /// How a push may go out now: those of its ways that WeChat takes and that reach the fan, the first choice first; at least
    /// one.
    ///
    /// # Errors
    /// Why it may not.
    pub fn ways<'w>(
        &self,
        push: &Entry,
        ways: &'w Ways,
        account: &Standing,
        now: Timestamp,
    ) -> Result<Vec<&'w Content>, Skip> {
        if let Some(obstacle) = self.obstacle(&push.subject) {
            return Err(obstacle);
        }
        let taken: Vec<&Content> = ways.iter().filter(|content| !account.is_stopped(content)).collect();
        let closed = if taken.is_empty() { Skip::InvalidTemplate } else { Skip::NoWindow };
        let open: Vec<&Content> =
            taken.into_iter().filter(|content| self.is_reached_by(content, push.id, now)).collect();
        if open.is_empty() { Err(closed) } else { Ok(open) }
    }

    /// The first of [`Self::ways`]: as far as we know, how it goes out.
    ///
    /// # Errors
    /// As [`Self::ways`].
    pub fn way<'w>(
        &self,
        push: &Entry,
        ways: &'w Ways,
        account: &Standing,
        now: Timestamp,
    ) -> Result<&'w Content, Skip> {
        self.ways(push, ways, account, now).and_then(|open| open.into_iter().next().ok_or(Skip::NoWindow))
    }

    /// Whether WeChat lets this push through to the fan now, as far as we know
    /// ([protocol 8.1, 8.2, 8.4](../../docs/wechat-protocol.md#8.1)): others may send too.
    fn is_reached_by(&self, content: &Content, push: PushId, now: Timestamp) -> bool {
        let Some(fan) = self.fan else { return false };
        match content {
            Content::Template(_) => true,
            Content::Notice(form) => {
                let allowed = fan.notices.get(&form.template_id).copied().unwrap_or_default();
                let recently = Timestamp(now.0.saturating_sub(TOLD_WITHIN_SECONDS));
                let used = self.ledger.since(recently, content.into(), push).filter(|other| !is_told_of(fan, other));
                used.count() < allowed as usize
            }
            Content::Message { .. } => fan.last_message.is_some_and(|wrote| {
                let since = |from| self.ledger.since(from, content.into(), push).count();
                let minute = Timestamp(now.0.saturating_sub(60));
                now.0 < wrote.0 + WINDOW_SECONDS
                    && since(wrote) < MESSAGES_A_WINDOW
                    && since(minute) < MESSAGES_A_MINUTE
            }),
        }
    }

    /// What becomes of a reminder that is due on `day`.
    pub fn remind(&self, pushes: &Pushes, due: &Due, day: Day, now: Timestamp) -> Decision {
        let subject = Subject::Reminder { product: due.product.clone(), basis: due.basis, run_out: due.run_out };
        let Some(reminder) = pushes.products.get(&due.product).and_then(|product| product.reminder.as_ref()) else {
            let entry = self.entry(subject, now, &pushes.limits, now);
            return Decision::Skip(entry, Skip::InvalidTemplate);
        };
        let hour = hour_for(&pushes.limits, self.fan.and_then(fan::State::busiest_hour), reminder.preferred_hour);
        let at = moment_of(&pushes.limits, day, hour, now);
        self.decide(self.entry(subject, at, &pushes.limits, now), reminder.holdout, pushes)
    }

    /// What becomes of a campaign.
    pub fn campaign(&self, pushes: &Pushes, id: &str, campaign: &Campaign, now: Timestamp) -> Decision {
        if !self.fan.is_some_and(|fan| campaign.segment.fits(fan, self.tags, campaign.at)) {
            return Decision::Void;
        }
        let entry = self.entry(Subject::Campaign(id.to_owned()), campaign.at, &pushes.limits, now);
        self.decide(entry, campaign.holdout, pushes)
    }

    fn entry(&self, subject: Subject, due: Timestamp, limits: &Limits, now: Timestamp) -> Entry {
        Entry {
            id: subject.id(self.openid),
            subject,
            due,
            outcome_days: limits.outcome_days,
            planned: now,
            state: State::Planned,
            went: None,
        }
    }

    /// Ways are not looked at: they open and close until it leaves.
    fn decide(&self, entry: Entry, holdout: u8, pushes: &Pushes) -> Decision {
        if let Some(known) = self.ledger.get(entry.id) {
            return Decision::Known(known.clone());
        }
        if let Some(obstacle) = self.obstacle(&entry.subject) {
            return Decision::Skip(entry, obstacle);
        }
        let cap = pushes.limits.cap;
        if self.ledger.count(entry.due, pushes.limits.cap_days) >= cap as usize || !self.ledger.has_room(cap) {
            return Decision::Skip(entry, Skip::Capped);
        }
        // Drawn last, so that the two groups differ in nothing else.
        match group(entry.id, holdout) {
            Group::Holdout => Decision::Skip(entry, Skip::Holdout),
            Group::Treated => Decision::Plan(entry),
        }
    }
}

/// The group that a push falls into by its own number: the same however often it is drawn.
pub fn group(id: PushId, holdout: u8) -> Group {
    if id.percentile() < holdout { Group::Holdout } else { Group::Treated }
}

fn last_purchase(fan: &fan::State, product: &str) -> Option<Timestamp> {
    fan.products.get(product)?.last()
}

/// Whether an event said what became of a push: then the fan's consents are less by it already.
fn is_told_of(fan: &fan::State, push: &Entry) -> bool {
    matches!(push.state, State::Delivered(_)) || fan.pushes.get(push.id).is_some_and(|mark| mark.arrival().is_some())
}

/// The hour of the day: the fan's own where it is known, else the reminder's, else the playbook's; never one that the quiet
/// hours reach into, as long as there is another.
fn hour_for(limits: &Limits, own: Option<u8>, reminders: Option<u8>) -> u8 {
    let loud = |hour: &u8| !limits.is_quiet(u16::from(*hour) * 60) && !limits.is_quiet(u16::from(*hour) * 60 + 59);
    let wanted = [own, reminders, Some(limits.preferred_hour)].into_iter().flatten().find(loud);
    wanted.or_else(|| (0..24).find(loud)).unwrap_or(limits.preferred_hour)
}

/// When that hour begins on that day; where it has gone by: this hour, or in the quiet hours the next day's.
fn moment_of(limits: &Limits, day: Day, hour: u8, now: Timestamp) -> Timestamp {
    let at = start_of(limits, day, hour);
    if at.0 + HOUR > now.0 {
        return at;
    }
    let this_hour = now.0 / HOUR * HOUR;
    let today = limits.utc_offset.local(now);
    if limits.is_quiet(today.minute) || limits.is_quiet(today.minute / 60 * 60 + 59) {
        let next = start_of(limits, today.day, hour);
        return if next.0 + HOUR > now.0 { next } else { Timestamp(next.0 + 24 * HOUR) };
    }
    Timestamp(this_hour)
}

fn start_of(limits: &Limits, day: Day, hour: u8) -> Timestamp {
    let hours = (day.0 * 24 + u64::from(hour)).saturating_add_signed(-i64::from(i8::from(limits.utc_offset)));
    Timestamp(hours * HOUR)
}

impl Segment {
    /// Whether a fan is in it at a moment.
    pub fn fits(&self, fan: &fan::State, tags: &BTreeSet<String>, now: Timestamp) -> bool {
        let any = |wanted: &[String], has: &dyn Fn(&String) -> bool| wanted.is_empty() || wanted.iter().any(has);
        let products = || fan.products.iter().filter(|(id, _)| self.products.is_empty() || self.products.contains(id));
        let bought = products().filter_map(|(_, product)| product.last()).max();
        let contact = [fan.last_message, fan.last_click, fan.last_scan].into_iter().flatten().max();
        let ago = |days: Option<crate::playbook::DaysAgo>, then: Option<Timestamp>| {
            days.is_none_or(|days| then.is_some_and(|then| days.fits(then, now)))
        };
        let follow = fan.follow.as_ref();
        any(&self.channels, &|channel| follow.is_some_and(|follow| follow.channel == *channel))
            && any(&self.tags, &|tag| tags.contains(tag))
            && (self.products.is_empty() || bought.is_some())
            && ago(self.followed, follow.map(|follow| follow.since))
            && ago(self.bought, bought)
            && ago(self.contact, contact)
            && self.fields.iter().all(|(name, values)| {
                fan.dialogs.value(name, now).is_some_and(|value| values.iter().any(|wanted| wanted == value))
            })
    }
}
