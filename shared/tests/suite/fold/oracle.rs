//! The counts again, the slow and simple way: all entries at once, sorted, each fan's story told from its beginning.

use guanxi::{
    facts::{
        Entry, Place, Placed,
        order::{OrderEvent, OrderKind},
    },
    fold::counts::{Along, Metric, Path},
    time::{Timestamp, UtcOffset},
    wechat::{Event, Kind},
};
use std::collections::{BTreeMap, BTreeSet};

type Counts = BTreeMap<(String, Metric), i64>;
pub(crate) type Paths = BTreeMap<Path, Along>;
/// Time, `MsgId`, place, part.
pub(crate) type When = (Timestamp, u64, Place, usize);

pub(crate) enum Deed {
    /// Through which channel, and whether a rule answered.
    Follow(Option<String>, bool),
    Click,
    Unfollow,
    Scan(String),
    Order(OrderEvent),
    Other,
}

/// What the counts must be over all time, and the paths of orders; zeros are left out.
pub(crate) fn counts(entries: &[Placed]) -> (Counts, Paths) {
    let mut deeds: BTreeMap<String, BTreeMap<When, Deed>> = BTreeMap::new();
    for (fan, when, deed) in originals(entries) {
        deeds.entry(fan).or_default().insert(when, deed);
    }
    let (mut counts, mut paths) = (Counts::new(), Paths::new());
    for story in deeds.values() {
        follows(story, &mut counts);
        scans(story, &mut counts);
        purchases(story, &mut counts, &mut paths);
    }
    counts.retain(|_, count| *count != 0);
    (counts, paths)
}

/// Of all copies of an event the one that comes first, with the fan it belongs to.
pub(crate) fn originals(entries: &[Placed]) -> Vec<(String, When, Deed)> {
    let mut unions = BTreeMap::new();
    for order in entries.iter().filter_map(|placed| orders(&placed.entry)).flatten() {
        if let (Some(openid), Some(unionid)) = (&order.openid, &order.unionid) {
            unions.insert(unionid.clone(), openid.to_string());
        }
    }
    let mut first: BTreeMap<String, (String, When, Deed)> = BTreeMap::new();
    let mut put = |identity: String, fan: String, when: When, deed: Deed| {
        if first.get(&identity).is_none_or(|(_, earlier, _)| when < *earlier) {
            first.insert(identity, (fan, when, deed));
        }
    };
    for Placed { place, entry } in entries {
        match entry {
            Entry::Received(received) => {
                let message = &received.message;
                let number = message.msg_id.as_ref().map_or(0, |id| id.parse().unwrap());
                let channel = received.touch.as_ref().and_then(|touch| touch.channel.clone());
                let deed = match &message.kind {
                    Kind::Event(Event::TemplateSendJobFinish { .. } | Event::SubscribeMsgSent(_)) => continue,
                    Kind::Event(Event::Subscribe { .. }) => Deed::Follow(channel, received.rule.is_some()),
                    Kind::Event(Event::Click { .. }) => Deed::Click,
                    Kind::Event(Event::Unsubscribe { .. }) => Deed::Unfollow,
                    Kind::Event(Event::Scan { .. }) => Deed::Scan(channel.unwrap()),
                    _ => Deed::Other,
                };
                let fan = message.from_user_name.to_string();
                put(message.identity(), fan, (message.create_time, number, *place, 0), deed);
            }
            Entry::Orders(batch) => {
                for (part, order) in batch.orders.iter().enumerate() {
                    let linked = order.unionid.as_ref().and_then(|unionid| unions.get(unionid).cloned());
                    let Some(fan) = order.openid.as_ref().map(ToString::to_string).or(linked) else { continue };
                    let identity = format!("order {} {:?} {}", order.id, order.kind, order.version);
                    put(identity, fan, (batch.at, 0, *place, part), Deed::Order(order.clone()));
                }
            }
            Entry::Erase(_) => panic!("the oracle forgets nobody"),
            Entry::Ledger(_) | Entry::Damaged(_) => {}
        }
    }
    first.into_values().collect()
}

/// Of all messages and events the copy that comes first, with its fan.
pub(crate) fn received(entries: &[Placed]) -> Vec<(String, When, &Entry)> {
    let mut first: BTreeMap<String, (String, When, &Entry)> = BTreeMap::new();
    for Placed { place, entry } in entries {
        let Entry::Received(received) = entry else { continue };
        let message = &received.message;
        let number = message.msg_id.as_ref().map_or(0, |id| id.parse().unwrap());
        let when = (message.create_time, number, *place, 0);
        let found = first.entry(message.identity()).or_insert((message.from_user_name.to_string(), when, entry));
        if when < found.1 {
            (found.1, found.2) = (when, entry);
        }
    }
    first.into_values().collect()
}

fn orders(entry: &Entry) -> Option<&Vec<OrderEvent>> {
    match entry {
        Entry::Orders(batch) => Some(&batch.orders),
        _ => None,
    }
}

fn add(counts: &mut Counts, channel: &str, metric: Metric, count: i64) {
    *counts.entry((channel.to_owned(), metric)).or_default() += count;
}

fn follows(story: &BTreeMap<When, Deed>, counts: &mut Counts) {
    // Before the first deed: nobody knows. Then following through a channel, or not.
    let mut now: Option<Option<String>> = None;
    let mut counted = None;
    // The first follow that we saw a stranger do, once.
    let mut origin: Option<(Timestamp, String)> = None;
    for ((at, ..), deed) in story {
        let direct = || "(direct)".to_owned();
        now = match (deed, now) {
            (Deed::Follow(..), Some(Some(lasting))) => Some(Some(lasting)),
            (Deed::Follow(channel, welcomed), before) => {
                let channel = channel.clone().unwrap_or_else(direct);
                if before.is_none() {
                    add(counts, &channel, Metric::Welcomed, i64::from(*welcomed));
                    origin = Some((*at, channel.clone()));
                }
                add(counts, &channel, if before.is_none() { Metric::New } else { Metric::Returning }, 1);
                counted = Some(channel.clone());
                Some(Some(channel))
            }
            (Deed::Unfollow, Some(None)) => Some(None),
            (Deed::Unfollow, before) => {
                if before.is_none() {
                    add(counts, "(direct)", Metric::Met, 1);
                }
                let channel = before.flatten().unwrap_or_else(direct);
                add(counts, &channel, Metric::Lost, 1);
                if counted.take().is_some() {
                    add(counts, &channel, Metric::Left, 1);
                }
                Some(None)
            }
            (Deed::Scan(_) | Deed::Click | Deed::Other, None) => {
                add(counts, "(direct)", Metric::Met, 1);
                Some(Some(direct()))
            }
            (_, before) => before,
        };
    }
    let clicks = || story.iter().filter(|(_, deed)| matches!(deed, Deed::Click)).map(|((at, ..), _)| *at);
    if let Some((_, channel)) = origin.filter(|(at, _)| clicks().any(|click| click >= *at)) {
        add(counts, &channel, Metric::UsedMenu, 1);
    }
}

fn scans(story: &BTreeMap<When, Deed>, counts: &mut Counts) {
    let mut people = BTreeSet::new();
    for ((at, ..), deed) in story {
        if let Deed::Scan(channel) | Deed::Follow(Some(channel), _) = deed {
            add(counts, channel, Metric::Scans, 1);
            if people.insert((UtcOffset::BEIJING.local(*at).day, channel)) {
                add(counts, channel, Metric::ScanningPeople, 1);
            }
        }
    }
}

fn purchases(story: &BTreeMap<When, Deed>, counts: &mut Counts, paths: &mut Paths) {
    let mut orders: BTreeMap<&str, Vec<(&When, &OrderEvent)>> = BTreeMap::new();
    for (when, deed) in story {
        if let Deed::Order(order) = deed {
            orders.entry(&order.id).or_default().push((when, order));
        }
    }
    let mut live = Vec::new();
    for events in orders.values() {
        let of = |kind| events.iter().filter(move |(_, event)| event.kind == kind);
        let Some((when, placed)) = of(OrderKind::Order).max_by_key(|(_, event)| event.version) else { continue };
        if of(OrderKind::Cancel).next().is_some() {
            continue;
        }
        let touches: Vec<&String> = story
            .range(..*when)
            .filter(|((at, ..), _)| *at <= placed.at && *at < when.0 && at.0 + 30 * 86_400 >= placed.at.0)
            .filter_map(|(_, deed)| match deed {
                Deed::Scan(channel) | Deed::Follow(Some(channel), _) => Some(channel),
                _ => None,
            })
            .collect();
        let channel = |touch: Option<&&String>| touch.map_or("(direct)".to_owned(), |channel| (*channel).clone());
        let (first, last) = (channel(touches.first()), channel(touches.last()));
        let sum = |event: &OrderEvent| event.lines.iter().map(|line| line.amount).sum::<i64>();
        let refunded = of(OrderKind::Refund).map(|(_, event)| sum(event)).sum::<i64>().min(sum(placed));
        live.push((placed.at, first.clone()));
        add(counts, &first, Metric::Orders, 1);
        add(counts, &first, Metric::RevenueFirst, sum(placed) - refunded);
        add(counts, &last, Metric::RevenueLast, sum(placed) - refunded);
        let along = Along { orders: 1, revenue: sum(placed) - refunded };
        paths.entry((first.clone(), last)).or_default().add_times(along, 1);
        add(counts, &first, Metric::Refunds, of(OrderKind::Refund).count() as i64);
        add(counts, &first, Metric::Refunded, refunded);
    }
    live.sort();
    for (nth, (_, first)) in live.iter().enumerate() {
        add(counts, first, if nth == 0 { Metric::Buyers } else { Metric::Repurchases }, 1);
    }
}
