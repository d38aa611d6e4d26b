//! Which push a delivery event is about that names none: a match that was told stays, and kinds do not mix.

use super::brand::{Brand, START, finished, news, noticed, placed, told};
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::{
        Entry, Place, Placed,
        push::{self, Echo, Group, Outcome, PushId, Series, What},
    },
    fold::fan::{Fan, Fate},
    time::{Timestamp, UtcOffset},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn template(id: &str, what: What) -> Entry {
    told([news("o1", id, 1_000, what)])
}

fn by_template() -> What {
    What::Queued(vec![Echo::Template])
}

fn by_notice(template_id: &str) -> What {
    What::Queued(vec![Echo::Notice(template_id.into())])
}

fn fate(brand: &Brand, id: &str) -> Fate {
    brand.state("o1").pushes.get(PushId::of(id)).unwrap().fate()
}

/// Those that push was told of.
fn closed(brand: &Brand) -> BTreeSet<PushId> {
    let outcomes = brand.list(&push::outcomes()).into_iter().flatten();
    let closed = outcomes.filter_map(|outcome| match outcome {
        Outcome::Closed { id, .. } => Some(id),
        Outcome::Forgotten(_) => None,
    });
    closed.collect()
}

#[test]
fn a_reminder_that_arrived_stays_delivered_when_a_campaign_of_the_same_minute_turns_up() {
    // The reminder's send took effect, its answer was lost with the run; WeChat's event came all the same.
    let mut brand = Brand::of([template("reminder", by_template()), finished("o1", 1_010, "1", "success")]);
    assert_eq!(fate(&brand, "reminder"), Fate::Delivered);
    let campaign = |what| {
        let mut news = news("o1", "campaign", 1_020, what);
        news.series = Series::Campaign("party".into());
        told([news])
    };
    // The campaign begins, its answer is lost too, and the time in which it could be repeated goes by.
    for entry in [campaign(by_template()), campaign(What::Unknown)] {
        brand.fold(&placed([entry]));
        assert_eq!(fate(&brand, "reminder"), Fate::Delivered);
    }
    assert_eq!(fate(&brand, "campaign"), Fate::Unknown);
    assert_eq!(brand.list(&push::outcomes()).len(), 1);
    // The campaign's own event is no longer ambiguous.
    brand.fold(&placed([finished("o1", 1_030, "2", "success")]));
    assert_eq!((fate(&brand, "reminder"), fate(&brand, "campaign")), (Fate::Delivered, Fate::Delivered));
}

#[test]
fn of_two_that_are_open_neither_is_guessed() {
    let two = [template("a", by_template()), template("b", by_template())];
    let brand = Brand::of(two.into_iter().chain([finished("o1", 1_010, "1", "success")]));
    assert_eq!((fate(&brand, "a"), fate(&brand, "b")), (Fate::Waiting, Fate::Waiting));
    assert!(closed(&brand).is_empty());
}

#[test]
fn an_event_is_only_about_a_push_of_its_kind() {
    let of_template = finished("o1", 1_010, "1", "success");
    let of_notice = |template_id: &str| noticed("o1", 1_010, "1", template_id, "0");
    for (plan, event, arrives) in [
        (by_template(), of_template.clone(), true),
        (by_template(), of_notice("T"), false),
        (by_notice("T"), of_notice("T"), true),
        (by_notice("T"), of_notice("U"), false),
        (by_notice("T"), of_template.clone(), false),
        (What::Queued(Vec::new()), of_template.clone(), false),
        (What::Queued(Vec::new()), of_notice("T"), false),
        (What::Queued(vec![Echo::Template, Echo::Notice("T".into())]), of_notice("T"), true),
        (What::Planned, of_template, true),
        (What::Planned, of_notice("T"), true),
    ] {
        // The number of another kind is another number.
        for more in [What::Unknown, What::Sent(Some("1".into()))] {
            let history = [template("a", plan.clone()), template("a", more.clone()), event.clone()];
            let mut orders = vec![history.to_vec()];
            if more == What::Unknown {
                orders.push(history.into_iter().rev().collect());
            }
            for history in orders {
                let brand = Brand::of(history);
                let delivered = fate(&brand, "a") == Fate::Delivered;
                assert_eq!(
                    (delivered, closed(&brand).len()),
                    (arrives, usize::from(arrives)),
                    "{plan:?} {more:?} {event:?}"
                );
            }
        }
    }
}

#[test]
fn of_two_kinds_each_event_finds_its_own() {
    let plans = [template("a", by_template()), template("b", by_notice("T"))];
    let events = [finished("o1", 1_010, "1", "success"), noticed("o1", 1_011, "2", "T", "43101")];
    for order in [[0, 1], [1, 0]] {
        let events = order.map(|at| events[at].clone());
        for history in [[&plans[..], &events].concat(), [&events[..], &plans].concat()] {
            let brand = Brand::of(history);
            assert_eq!((fate(&brand, "a"), fate(&brand, "b")), (Fate::Delivered, Fate::Refused));
        }
    }
}

#[test]
fn a_number_takes_an_event_to_its_push_and_the_one_it_was_matched_to_is_unknown() {
    let mut brand = Brand::of([
        template("a", by_template()),
        finished("o1", 1_010, "1", "success"),
        template("b", by_template()),
        template("b", What::Sent(Some("1".into()))),
    ]);
    // Push has closed the first and will say no more of it: it does not wait for ever.
    assert_eq!((fate(&brand, "a"), fate(&brand, "b")), (Fate::Unknown, Fate::Delivered));
    brand.fold(&placed([finished("o1", 1_012, "2", "success")]));
    assert_eq!((fate(&brand, "a"), fate(&brand, "b")), (Fate::Delivered, Fate::Delivered));
}

/// News and events of four pushes of one kind to one fan, of which any event may be about any.
fn entry() -> impl Strategy<Value = Entry> {
    (0..12, 0..4_usize, 0..6_u64).prop_map(|(kind, nth, number)| {
        let what = match kind {
            0..4 => by_template(),
            4 => What::Unknown,
            5 => What::Sent(None),
            6 => What::Sent(Some(format!("{nth}"))),
            _ => {
                return finished(
                    "o1",
                    1_010 + number,
                    &format!("{number}"),
                    ["success", "failed:user block"][number as usize % 2],
                );
            }
        };
        let mut news = news("o1", &format!("{nth}"), 1_000, what);
        news.at = Timestamp(START + 1_000);
        news.group = Some(Group::Treated);
        told([news])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_a_push_that_was_closed_never_waits_again_and_no_event_is_about_two(
        entries in prop::collection::vec(entry(), 1..24),
    ) {
        let mut brand = Brand::default();
        let mut numbered = BTreeSet::new();
        for (index, entry) in (0..).zip(entries) {
            if let Entry::Ledger(told) = &entry && let What::Sent(Some(_)) = told.0[0].what {
                numbered.insert(told.0[0].id);
            }
            brand.fold(&[Placed { place: Place { stream: 1, index }, entry }]);
            let fan = Fan::decode(brand.records.get("fan:o1").unwrap()).unwrap().state(UtcOffset::BEIJING);
            let mut arrivals = BTreeSet::new();
            for mark in fan.pushes.iter() {
                prop_assert!(mark.arrival().is_none_or(|arrival| arrivals.insert(arrival)), "{:?}", fan.pushes);
            }
            for id in closed(&brand) {
                let fate = fan.pushes.get(id).unwrap().fate();
                prop_assert!(fate != Fate::Waiting, "{:?}", fan.pushes);
                // As long as no number says otherwise, what was told stays.
                prop_assert!(!numbered.is_empty() || matches!(fate, Fate::Delivered | Fate::Refused), "{:?}", fan.pushes);
            }
        }
    }
}
