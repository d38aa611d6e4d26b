//! What is known of the pushes to a fan: what push told through the journal and what WeChat said of their arrival.
//!
//! Everything here is joined, not counted: news told twice, or in another order, give the same marks. What a mark says is
//! found anew from all that is known, and the counts get the difference.
//!
//! **Which push a delivery event is about.** The one that went out under the event's number. If none is known by that
//! number, the fan's only push that the event may be about: its plan says that WeChat tells of it by events of this kind
//! ([`Echo`]), it is still open (planned, unknown, or taken by WeChat without a number; not of the holdout), known by no
//! number, and was due at most [`MATCHED_WITHIN_SECONDS`] seconds before the event, or [`CLOCKS_SECONDS`] after it. If there are none or
//! several, the event is counted as unmatched, until news name its number: WeChat posts an event before the answer to the
//! request that it is about, now and then.
//!
//! **A match that was told stays**, though another push turns up that the event may be about: push has closed the first,
//! and nothing more would be told of it. So of several pushes that one event may be about it is the order of arrival that
//! decides. Only what is told of the push itself (that it was refused or skipped, that its number is another) takes a match
//! back; if it is the number of another push that does so, nobody knows what became of the first.

use super::orders::Order;
use crate::{
    facts::push::{Echo, Group, News, PushId, Series, Skip, What},
    fold::counts::{Deltas, PushMetric, PushMetrics},
    store::digest::{Digest, digest},
    time::Timestamp,
    wechat::{Event as Happening, Kind, Message, message::NoticeSent},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Pushes kept of a fan; the earliest due go first, and stay in the counts as they were.
pub const MARKS_MAX: usize = 16;
/// Delivery events kept of a fan; the oldest go first.
const ARRIVALS_MAX: usize = 16;
/// How long before a delivery event the push was due that it may belong to, in seconds.
pub const MATCHED_WITHIN_SECONDS: u64 = 3_600;
/// How far the clocks of WeChat and of push may differ, in seconds.
pub const CLOCKS_SECONDS: u64 = 60;

/// One push to a fan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The push; one mark for each.
    pub id: PushId,
    /// What it belongs to.
    pub series: Series,
    /// When it was due; outcomes count from here.
    pub due: Timestamp,
    /// For so many days an order is credited to it.
    pub outcome_days: u32,
    /// Which part of a comparison the fan is in with it.
    pub group: Option<Group>,
    plan: Plan,
    unknown: bool,
    /// The last that was told.
    skipped: Option<(Timestamp, Skip)>,
    /// With the digest of its number where there is one.
    sent: Option<Option<Digest>>,
    refused: Option<i64>,
    arrival: Option<Arrival>,
    /// Orders credited to it, and what they are worth in cents.
    orders: i64,
    revenue: i64,
}

/// What was told of a push's plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Plan {
    #[default]
    Untold,
    /// By a Guanxi that did not say how: any event may be about it. In format 2 these two were a `bool`.
    Planned,
    /// WeChat tells of it by events of these kinds.
    By(Vec<By>),
}

/// The kind of an event; of a notice's, with the digest of its TemplateId.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum By {
    Template,
    Notice(Digest),
}

/// What WeChat said of the arrival of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arrival {
    /// When, by WeChat's clock.
    pub at: Timestamp,
    /// The digest of the push's number.
    pub(crate) number: Digest,
    word: Word,
}

/// Whether a push arrived, and which kind of event says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Word {
    /// Of an event of which the kind was not kept. In format 2 these two were a `bool`.
    Failed,
    /// As [`Self::Failed`].
    Delivered,
    Said {
        by: By,
        delivered: bool,
    },
}

impl Arrival {
    /// Whether the push arrived.
    pub fn delivered(&self) -> bool {
        matches!(self.word, Word::Delivered | Word::Said { delivered: true, .. })
    }

    fn by(&self) -> Option<By> {
        match self.word {
            Word::Failed | Word::Delivered => None,
            Word::Said { by, .. } => Some(by),
        }
    }

    /// Takes in another event of the same number: the first moment, and the better word.
    fn join(&mut self, other: Self) {
        self.at = self.at.min(other.at);
        let delivered = self.delivered() || other.delivered();
        self.word = match (self.by().or(other.by()), delivered) {
            (Some(by), delivered) => Word::Said { by, delivered },
            (None, true) => Word::Delivered,
            (None, false) => Word::Failed,
        };
    }
}

impl From<&Echo> for By {
    fn from(echo: &Echo) -> Self {
        match echo {
            Echo::Template => Self::Template,
            Echo::Notice(template_id) => Self::Notice(digest(template_id)),
        }
    }
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was planned, and nothing happened yet.
    Waiting,
    /// It does not go out.
    Skipped(Skip),
    /// Whether it went out is not known.
    Unknown,
    /// WeChat took it, and has not said more.
    Sent,
    /// WeChat refused it or did not bring it to the fan.
    Refused,
    /// It arrived.
    Delivered,
}

impl Mark {
    fn new(news: &News) -> Self {
        let News { id, series, due, outcome_days, group, .. } = news.clone();
        let (plan, unknown, skipped, sent, refused) = (Plan::Untold, false, None, None, None);
        Self {
            id,
            series,
            due,
            outcome_days,
            group,
            plan,
            unknown,
            skipped,
            sent,
            refused,
            arrival: None,
            orders: 0,
            revenue: 0,
        }
    }

    /// What is known now. WeChat's word counts more than ours, and a send more than a skip: one that was told by a planner
    /// that died before its ledger knew of it may be sent by the next.
    pub fn fate(&self) -> Fate {
        match self.arrival {
            Some(arrival) if arrival.delivered() => Fate::Delivered,
            Some(_) => Fate::Refused,
            None => self.told(),
        }
    }

    /// What push says of it.
    fn told(&self) -> Fate {
        match self.skipped {
            _ if self.refused.is_some() => Fate::Refused,
            _ if self.sent.is_some() => Fate::Sent,
            _ if self.unknown => Fate::Unknown,
            Some((_, skip)) => Fate::Skipped(skip),
            None => Fate::Waiting,
        }
    }

    /// What WeChat said of its arrival, if it did.
    pub fn arrival(&self) -> Option<Arrival> {
        self.arrival
    }

    /// Whether an order since is credited to it.
    pub fn has_bought(&self) -> bool {
        self.orders > 0
    }

    fn join(&mut self, news: &News) {
        self.group = self.group.max(news.group);
        match &news.what {
            What::Planned => self.plan = std::mem::take(&mut self.plan).max(Plan::Planned),
            What::Queued(echoes) => {
                let by = Plan::By(echoes.iter().map(By::from).collect());
                self.plan = std::mem::take(&mut self.plan).max(by);
            }
            What::Skipped(skip) => self.skipped = self.skipped.max(Some((news.at, *skip))),
            What::Sent(number) => {
                self.sent = self.sent.max(Some(number.as_ref().map(|number| digest(number))));
            }
            What::Refused(code) => self.refused = self.refused.max(Some(*code)),
            What::Unknown => self.unknown = true,
            What::NoConsent(_) => {}
        }
    }

    /// Whether it was ever to go out.
    fn was_planned(&self) -> bool {
        let told = self.plan != Plan::Untold || !matches!(self.fate(), Fate::Skipped(_));
        told && self.group != Some(Group::Holdout)
    }

    /// Whether it went out under the event's number.
    fn is_named_by(&self, arrival: &Arrival) -> bool {
        self.sent == Some(Some(arrival.number)) && self.is_told_of_by(arrival)
    }

    /// Whether an event may be about it, as far as all that was told of this push goes.
    fn may_be_meant_by(&self, arrival: &Arrival) -> bool {
        let open = matches!(self.told(), Fate::Waiting | Fate::Unknown | Fate::Sent);
        let goes_out = self.plan != Plan::Untold && self.group != Some(Group::Holdout);
        let numbered = self.sent.flatten().is_some();
        let earliest = self.due.0.saturating_sub(CLOCKS_SECONDS);
        let in_time = (earliest..=self.due.0.saturating_add(MATCHED_WITHIN_SECONDS)).contains(&arrival.at.0);
        open && goes_out && !numbered && in_time && self.is_told_of_by(arrival)
    }

    fn is_told_of_by(&self, arrival: &Arrival) -> bool {
        match (&self.plan, arrival.by()) {
            (Plan::By(kinds), Some(by)) => kinds.contains(&by),
            _ => true,
        }
    }

    /// Credits an order to the push, `sign` times, if it is one that the push may have brought.
    fn credit(&mut self, order: &Order, sign: i64) {
        let product = match &self.series {
            Series::Reminder(product) => Some(product.as_str()),
            Series::Campaign(_) => None,
        };
        let until = self.due.0.saturating_add(u64::from(self.outcome_days) * 86_400);
        if let Some((at, revenue)) = order.worth(product)
            && (self.due.0 + 1..=until).contains(&at.0)
        {
            self.orders += sign;
            self.revenue = self.revenue.saturating_add(sign * revenue);
        }
    }

    /// The numbers that it counts for.
    fn numbers(&self) -> PushMetrics {
        let mut numbers = PushMetrics::default();
        if self.was_planned() {
            numbers.add(PushMetric::Planned, 1);
            let fate = match self.fate() {
                Fate::Waiting => PushMetric::Waiting,
                Fate::Skipped(_) => PushMetric::SkippedLate,
                Fate::Unknown => PushMetric::Unknown,
                Fate::Sent => PushMetric::Sent,
                Fate::Refused => PushMetric::Refused,
                Fate::Delivered => PushMetric::Delivered,
            };
            numbers.add(fate, 1);
        }
        if let Fate::Skipped(skip) = self.fate() {
            numbers.skip(skip, 1);
        }
        let arm = match self.group {
            Some(Group::Treated) => [PushMetric::Treated, PushMetric::TreatedBought, PushMetric::TreatedRevenue],
            Some(Group::Holdout) => [PushMetric::Holdout, PushMetric::HoldoutBought, PushMetric::HoldoutRevenue],
            None => return numbers,
        };
        let [fans, bought, revenue] = arm;
        numbers.add(fans, 1);
        numbers.add(bought, i64::from(self.has_bought()));
        numbers.add(revenue, self.revenue);
        numbers
    }
}

/// The pushes to a fan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// By time of being due.
    marks: Vec<Mark>,
    /// What WeChat said, by time, and which push it is about.
    arrivals: Vec<(Arrival, Option<PushId>)>,
    /// Pushes from before an erasure: no more is kept of them, and nothing told of them is taken in.
    erased: Vec<PushId>,
}

impl Marks {
    /// The last pushes, at most [`MARKS_MAX`], by the time when they were due.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter()
    }

    /// One of them.
    pub fn get(&self, id: PushId) -> Option<&Mark> {
        self.iter().find(|mark| mark.id == id)
    }

    /// The last that was heard of a push of ours.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        let arrivals = self.arrivals.iter().map(|(arrival, _)| arrival.at);
        self.iter().map(|mark| mark.due).chain(arrivals).max()
    }

    /// Takes in what push tells; `orders` are those that are known of the fan.
    pub(super) fn tell(&mut self, news: &News, orders: &[Order]) {
        if self.erased.contains(&news.id) {
            return;
        }
        if self.get(news.id).is_none() {
            let mut mark = Mark::new(news);
            orders.iter().for_each(|order| mark.credit(order, 1));
            let place = self.marks.partition_point(|other| (other.due, other.id) < (mark.due, mark.id));
            self.marks.insert(place, mark);
        }
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.id == news.id) {
            mark.join(news);
        }
        self.match_arrivals();
        if self.marks.len() > MARKS_MAX {
            let old = self.marks.remove(0).id;
            self.arrivals.retain(|(_, of)| *of != Some(old));
        }
    }

    /// Takes in what WeChat says.
    pub(super) fn hear(&mut self, arrival: Arrival) {
        let known = self.arrivals.iter_mut().find(|(known, _)| known.number == arrival.number);
        match known {
            Some((known, _)) => known.join(arrival),
            None => self.arrivals.push((arrival, None)),
        }
        self.arrivals.sort_unstable();
        self.match_arrivals();
        if self.arrivals.len() > ARRIVALS_MAX {
            self.arrivals.remove(0);
        }
    }

    /// Takes in what became of an order: what it was goes, what it is comes.
    pub(super) fn credit(&mut self, order: &Order, sign: i64) {
        self.marks.iter_mut().for_each(|mark| mark.credit(order, sign));
    }

    /// What an erasure leaves.
    pub(super) fn remains(&self) -> Self {
        let mut erased: Vec<PushId> = self.erased.iter().copied().chain(self.iter().map(|mark| mark.id)).collect();
        erased.drain(..erased.len().saturating_sub(MARKS_MAX));
        Self { erased, ..Self::default() }
    }

    /// Finds which push each arrival is about.
    fn match_arrivals(&mut self) {
        self.take_back();
        for (arrival, of) in self.arrivals.iter_mut() {
            if let Some(mark) = self.marks.iter_mut().find(|mark| mark.is_named_by(arrival)) {
                (mark.arrival, *of) = (Some(*arrival), Some(mark.id));
            }
        }
        for (arrival, of) in self.arrivals.iter_mut().filter(|(_, of)| of.is_none()) {
            let may_be_meant = |mark: &&mut Mark| mark.arrival.is_none() && mark.may_be_meant_by(arrival);
            let mut open = self.marks.iter_mut().filter(may_be_meant);
            if let (Some(mark), None) = (open.next(), open.next()) {
                (mark.arrival, *of) = (Some(*arrival), Some(mark.id));
            }
        }
    }

    /// Takes back the matches that cannot be; those that can stay, and say what the arrival says now.
    fn take_back(&mut self) {
        let named: BTreeSet<PushId> = {
            let named = |(arrival, _): &(Arrival, _)| self.iter().find(|mark| mark.is_named_by(arrival));
            self.arrivals.iter().filter_map(named).map(|mark| mark.id).collect()
        };
        for (arrival, of) in &mut self.arrivals {
            let named_here = self.marks.iter().find(|mark| mark.is_named_by(arrival)).map(|mark| mark.id);
            let Some(mark) = self.marks.iter_mut().find(|mark| Some(mark.id) == *of) else { continue };
            mark.arrival = Some(*arrival).filter(|arrival| match named_here {
                Some(id) => id == mark.id,
                None => !named.contains(&mark.id) && mark.may_be_meant_by(arrival),
            });
            if mark.arrival.is_none() {
                // Push has closed it, and says no more of it.
                mark.unknown |= named_here.is_some();
                *of = None;
            }
        }
    }

    /// Books how the counts change when these marks become those. What is no longer kept stays booked.
    pub(super) fn book(&self, after: &Self, deltas: &mut Deltas) {
        for mark in &after.marks {
            let before = self.get(mark.id);
            if before != Some(mark) {
                if let Some(before) = before {
                    deltas.push(before.due, Some(&before.series), &before.numbers(), -1);
                }
                deltas.push(mark.due, Some(&mark.series), &mark.numbers(), 1);
            }
        }
        for (arrival, of) in &after.arrivals {
            let before = self.arrivals.iter().find(|(before, _)| before.number == arrival.number);
            if let Some((before, None)) = before {
                deltas.push(before.at, None, &PushMetrics::one(PushMetric::Unmatched), -1);
            }
            if of.is_none() {
                deltas.push(arrival.at, None, &PushMetrics::one(PushMetric::Unmatched), 1);
            }
        }
    }

    /// The pushes of which WeChat says something else in these marks than in those before.
    pub(super) fn closed_since(&self, before: &Self) -> Vec<(PushId, Arrival)> {
        let said = |mark: &Mark| Some((mark.id, mark.arrival?));
        let new = self.iter().filter_map(said).filter(|(id, arrival)| {
            let known = before.get(*id).and_then(|mark| mark.arrival);
            known.map(|known| (known.at, known.delivered())) != Some((arrival.at, arrival.delivered()))
        });
        new.collect()
    }
}

/// What a push of WeChat's says of the arrival of ours ([protocol 2.6, 2.7](../../../docs/wechat-protocol.md#2.6)).
pub(crate) fn arrivals(message: &Message) -> Vec<Arrival> {
    let arrival = |number: &str, by, delivered| {
        // Without a number an event is only equal to its own copies.
        let number = if number.is_empty() { message.identity() } else { number.to_owned() };
        Arrival { at: message.create_time, number: digest(&number), word: Word::Said { by, delivered } }
    };
    match &message.kind {
        Kind::Event(Happening::TemplateSendJobFinish { msg_id, status }) => {
            vec![arrival(msg_id, By::Template, status.trim().eq_ignore_ascii_case("success"))]
        }
        Kind::Event(Happening::SubscribeMsgSent(list)) => {
            let by = |sent: &NoticeSent| By::Notice(digest(&sent.template_id));
            list.iter().map(|sent| arrival(&sent.msg_id, by(sent), sent.error_code.trim() == "0")).collect()
        }
        _ => Vec::new(),
    }
}
