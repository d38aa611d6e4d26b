//! The counts of pushes and what is due again, the slow and simple way: from all entries at once.

use super::{
    brand::{Brand, SUPPLY_DAYS},
    oracle::{Deed, originals},
};
use guanxi::{
    facts::{
        Entry, Placed,
        order::{OrderEvent, OrderKind},
        push::{Echo, Group, News, PushId, Series, Skip, What},
    },
    fold::counts::{PushDay, PushMetric},
    time::{Timestamp, UtcOffset},
    wechat::{Event, Kind, message::NoticeSent},
};
use std::collections::BTreeMap;

/// Key of the day's record, series, name of the number.
pub(crate) type Counts = BTreeMap<(String, String, String), i64>;

/// What is counted.
pub(crate) fn counted(brand: &Brand) -> Counts {
    let mut counts = Counts::new();
    for (key, bytes) in brand.records.iter().filter(|(key, _)| key.starts_with("count:push:")) {
        for (series, numbers) in postcard::from_bytes::<PushDay>(&bytes[1..]).unwrap().0 {
            let plain = PushMetric::ALL.into_iter().map(|(name, metric)| (name.to_owned(), numbers.get(metric)));
            let skipped = Skip::ALL.into_iter().map(|(name, skip)| (format!("skipped_{name}"), numbers.skipped(skip)));
            for (name, count) in plain.chain(skipped).filter(|(_, count)| *count != 0) {
                counts.insert((key.clone(), series.clone(), name), count);
            }
        }
    }
    counts
}

/// A fan's orders as they are in the end.
struct Order {
    at: Timestamp,
    product: String,
    quantity: u32,
    amount: i64,
    refunded: i64,
}

fn orders(entries: &[Placed]) -> BTreeMap<String, Vec<Order>> {
    let mut events: BTreeMap<(String, String), Vec<OrderEvent>> = BTreeMap::new();
    for (fan, _, deed) in originals(entries) {
        if let Deed::Order(order) = deed {
            events.entry((fan, order.id.clone())).or_default().push(order);
        }
    }
    let mut orders: BTreeMap<String, Vec<Order>> = BTreeMap::new();
    for ((fan, _), events) in events {
        let of = |kind| events.iter().filter(move |event| event.kind == kind);
        let placed = of(OrderKind::Order).max_by_key(|event| event.version);
        if let (Some(placed), None) = (placed, of(OrderKind::Cancel).next()) {
            let line = &placed.lines[0];
            let refunded: i64 = of(OrderKind::Refund).map(|event| event.lines[0].amount).sum();
            orders.entry(fan).or_default().push(Order {
                at: placed.at,
                product: line.product.clone(),
                quantity: line.quantity,
                amount: line.amount,
                refunded: refunded.min(line.amount),
            });
        }
    }
    orders
}

/// A push and all that was said of it.
struct Push {
    fan: String,
    first: News,
    whats: Vec<(Timestamp, What)>,
    arrived: Option<bool>,
}

impl Push {
    fn said(&self, is: impl Fn(&What) -> bool) -> bool {
        self.whats.iter().any(|(_, what)| is(what))
    }

    fn number(&self) -> Option<&String> {
        self.whats.iter().find_map(|(_, what)| match what {
            What::Sent(number) => number.as_ref(),
            _ => None,
        })
    }

    fn fate(&self) -> &'static str {
        match self.arrived {
            Some(true) => "delivered",
            Some(false) => "refused",
            None if self.said(|what| matches!(what, What::Refused(_))) => "refused",
            None if self.said(|what| matches!(what, What::Sent(_))) => "sent",
            None if self.said(|what| *what == What::Unknown) => "unknown",
            None if self.said(|what| matches!(what, What::Skipped(_))) => "skipped_late",
            None => "waiting",
        }
    }

    fn planned(&self) -> bool {
        let more = self.said(|what| !matches!(what, What::Skipped(_))) || self.arrived.is_some();
        more && self.first.group != Some(Group::Holdout)
    }

    /// Whether an event of `at` and of this kind that no number explains may be its.
    fn is_open(&self, at: Timestamp, echo: &Echo) -> bool {
        let open = ["waiting", "sent", "unknown"].contains(&self.fate()) && self.planned() && self.number().is_none();
        let queued = self.said(|what| matches!(what, What::Queued(echoes) if echoes.contains(echo)));
        open && queued && at.0 + 60 >= self.first.due.0 && at.0 <= self.first.due.0 + 3_600
    }
}

/// What must be counted.
pub(crate) fn counts(entries: &[Placed]) -> Counts {
    let mut pushes: BTreeMap<PushId, Push> = BTreeMap::new();
    let mut events: BTreeMap<(Timestamp, String), (String, Echo, bool)> = BTreeMap::new();
    let mut said: BTreeMap<String, (Timestamp, String, Echo, bool)> = BTreeMap::new();
    for Placed { entry, .. } in entries {
        match entry {
            Entry::Ledger(told) => {
                // A lacking consent says nothing of what became of the push.
                for news in told.0.iter().filter(|news| !matches!(news.what, What::NoConsent(_))) {
                    let (fan, first) = (news.openid.to_string(), news.clone());
                    let push = Push { fan, first, whats: Vec::new(), arrived: None };
                    pushes.entry(news.id).or_insert(push).whats.push((news.at, news.what.clone()));
                }
            }
            Entry::Received(received) => {
                let (number, echo, delivered) = match &received.message.kind {
                    Kind::Event(Event::TemplateSendJobFinish { msg_id, status }) => {
                        (msg_id, Echo::Template, status == "success")
                    }
                    Kind::Event(Event::SubscribeMsgSent(list)) => {
                        let NoticeSent { template_id, msg_id, error_code, .. } = &list[0];
                        (msg_id, Echo::Notice(template_id.clone()), error_code == "0")
                    }
                    _ => continue,
                };
                let (at, fan) = (received.message.create_time, received.message.from_user_name.to_string());
                let known = said.entry(number.clone()).or_insert((at, fan, echo, false));
                known.0 = known.0.min(at);
                known.3 |= delivered;
            }
            _ => {}
        }
    }
    for (number, (at, fan, echo, delivered)) in said {
        match pushes.values_mut().find(|push| push.number() == Some(&number)) {
            Some(push) => push.arrived = Some(delivered),
            None => drop(events.insert((at, number), (fan, echo, delivered))),
        }
    }
    let mut counts = Counts::new();
    let mut add = |due: Timestamp, series: &str, name: &str, count: i64| {
        let day = format!("count:push:{}", UtcOffset::BEIJING.local(due).day.0);
        *counts.entry((day, series.to_owned(), name.to_owned())).or_default() += count;
    };
    // Those of one second in the order of their digests; here the numbers' digests do not matter, as the next test says.
    for ((at, _), (fan, echo, delivered)) in events {
        let mut open: Vec<_> = pushes.values_mut().filter(|push| push.fan == fan && push.is_open(at, &echo)).collect();
        match open.as_mut_slice() {
            [push] => push.arrived = Some(delivered),
            _ => add(at, "(unmatched)", "unmatched", 1),
        }
    }
    let orders = orders(entries);
    for push in pushes.values() {
        let News { series, due, group, outcome_days, .. } = &push.first;
        let (name, product) = match series {
            Series::Reminder(product) => (format!("reminder:{product}"), Some(product)),
            Series::Campaign(id) => (format!("campaign:{id}"), None),
        };
        let credited: Vec<_> = orders
            .get(&push.fan)
            .into_iter()
            .flatten()
            .filter(|order| {
                let late = u64::from(*outcome_days) * 86_400;
                order.at > *due && order.at.0 <= due.0 + late && product.is_none_or(|product| *product == order.product)
            })
            .collect();
        if push.planned() {
            add(*due, &name, "planned", 1);
            add(*due, &name, push.fate(), 1);
        }
        if push.fate() == "skipped_late" {
            let last = push.whats.iter().filter_map(|(at, what)| match what {
                What::Skipped(skip) => Some((*at, *skip)),
                _ => None,
            });
            let (_, last) = last.max().unwrap();
            let (reason, _) = Skip::ALL.into_iter().find(|(_, skip)| *skip == last).unwrap();
            add(*due, &name, &format!("skipped_{reason}"), 1);
        }
        let arm = match group {
            Some(Group::Treated) => "treated",
            Some(Group::Holdout) => "holdout",
            None => continue,
        };
        add(*due, &name, arm, 1);
        add(*due, &name, &format!("{arm}_bought"), i64::from(!credited.is_empty()));
        let revenue = credited.iter().map(|order| order.amount - order.refunded).sum();
        add(*due, &name, &format!("{arm}_revenue"), revenue);
    }
    counts.retain(|_, count| *count != 0);
    counts
}

/// What must be due: day, fan, product, last purchase, run-out.
pub(crate) fn due(entries: &[Placed]) -> Vec<(u64, String, String, Timestamp, Timestamp)> {
    let supply = u64::from(SUPPLY_DAYS) * 86_400;
    let mut due = Vec::new();
    for (fan, orders) in orders(entries) {
        let food = orders.iter().filter(|order| order.product == "food");
        let kept = food.map(|order| {
            let left = order.amount - order.refunded;
            (order.at, (i64::from(order.quantity) * left + order.amount - 1) / order.amount)
        });
        let mut bought: Vec<(Timestamp, i64)> = kept.filter(|(_, pieces)| *pieces > 0).collect();
        bought.sort();
        let Some((basis, pieces)) = bought.last().copied() else { continue };
        let lasted = bought.windows(2).map(|pair| {
            let a_piece = (pair[1].0.0 - pair[0].0.0) / pair[0].1 as u64;
            a_piece.max(supply / 4).min(supply * 4)
        });
        let mean = (supply + lasted.sum::<u64>()) / bought.len() as u64;
        let run_out = Timestamp(basis.0 + pieces as u64 * mean);
        let day = UtcOffset::BEIJING.local(run_out).day.0 - 3;
        due.push((day.max(UtcOffset::BEIJING.local(basis).day.0 + 1), fan, "food".to_owned(), basis, run_out));
    }
    due.sort();
    due
}
