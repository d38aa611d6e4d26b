//! What becomes of pushes, and what they are credited with.

use super::{
    brand::{Brand, START, chooses, erase, finished, follow, news, noticed, order, placed, reported, text, told},
    pushes::counted,
};
use guanxi::{
    facts::{
        Entry, PushChoice,
        order::OrderKind,
        push::{self, Echo, Group, Outcome, PushId, Series, Skip, What},
    },
    fold::fan::{CLOCKS_SECONDS, MARKS_MAX, MATCHED_WITHIN_SECONDS},
    time::Timestamp,
};

const DAY: u64 = 86_400;

fn says(what: What) -> Entry {
    told([news("o1", "p", 1_000, what)])
}

fn sent(number: &str) -> Entry {
    says(What::Sent(Some(number.into())))
}

/// All numbers that are not zero, over all days and series.
fn numbers(brand: &Brand) -> Vec<(String, i64)> {
    let mut sums = std::collections::BTreeMap::<String, i64>::new();
    for ((.., name), count) in counted(brand) {
        *sums.entry(name).or_default() += count;
    }
    sums.into_iter().collect()
}

fn expect(brand: &Brand, expected: &[(&str, i64)], why: &str) {
    let mut expected: Vec<(String, i64)> = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    expected.sort();
    assert_eq!(numbers(brand), expected, "{why}");
}

#[test]
fn what_is_told_last_in_the_life_of_a_push_counts_whatever_the_order() {
    let plan = || says(What::Planned);
    let skip = || says(What::Skipped(Skip::QuietHours));
    let treated = [("planned", 1), ("treated", 1)];
    for (entries, fate, why) in [
        (vec![plan()], &[("waiting", 1)][..], "planned"),
        (vec![plan(), skip()], &[("skipped_late", 1), ("skipped_quiet_hours", 1)], "skipped after all"),
        (vec![plan(), says(What::Unknown)], &[("unknown", 1)], "unknown"),
        (vec![plan(), skip(), sent("1")], &[("sent", 1)], "a send beats the skip of a planner that died"),
        (vec![plan(), says(What::Unknown), sent("1")], &[("sent", 1)], "known after all"),
        (vec![plan(), says(What::Refused(43_004))], &[("refused", 1)], "refused"),
        (vec![plan(), sent("1"), finished("o1", 1_010, "1", "success")], &[("delivered", 1)], "delivered"),
        (vec![plan(), sent("1"), finished("o1", 1_010, "1", " Success")], &[("delivered", 1)], "in any case"),
        (vec![plan(), sent("1"), finished("o1", 1_010, "1", "failed:user block")], &[("refused", 1)], "blocked"),
        (
            vec![plan(), sent("1"), finished("o1", 9_000, "1", "failed: system failed")],
            &[("refused", 1)],
            "hours later",
        ),
    ] {
        let expected = [&treated, fate].concat();
        expect(&Brand::of(entries.clone()), &expected, why);
        expect(&Brand::of(entries.iter().rev().cloned()), &expected, &format!("{why}, backwards"));
        expect(
            &Brand::of(entries.iter().cycle().take(3 * entries.len()).cloned()),
            &expected,
            &format!("{why}, thrice"),
        );
    }
    expect(&Brand::of([skip()]), &[("skipped_quiet_hours", 1), ("treated", 1)], "never planned");
}

#[test]
fn an_event_of_an_unknown_number_belongs_to_the_only_open_push_that_was_due_in_the_hour_before() {
    let plan = || says(What::Planned);
    let other = |due, what| told([news("o1", "other", due, What::Planned), news("o1", "other", due, what)]);
    let at = |at| finished("o1", at, "77", "success");
    let due = 1_000;
    for (entries, delivered, why) in [
        (vec![says(What::Planned), at(due)], true, "in the second when it is due"),
        (vec![says(What::Planned), at(due - CLOCKS_SECONDS)], true, "by a clock that is slow"),
        (vec![says(What::Planned), at(due - CLOCKS_SECONDS - 1)], false, "before it was due"),
        (vec![says(What::Planned), at(due + MATCHED_WITHIN_SECONDS)], true, "an hour later"),
        (vec![says(What::Planned), at(due + MATCHED_WITHIN_SECONDS + 1)], false, "later than that"),
        (vec![plan(), says(What::Sent(None)), at(due)], true, "sent without a number"),
        (vec![plan(), says(What::Unknown), at(due)], true, "unknown until now"),
        (vec![says(What::Unknown), at(due)], false, "its plan was not told yet"),
        (vec![plan(), sent("78"), at(due)], false, "it has another number"),
        (vec![plan(), says(What::Refused(1)), at(due)], false, "it is closed"),
        (vec![plan(), says(What::Skipped(Skip::Capped)), at(due)], false, "it never went out"),
        (vec![plan(), other(due, What::Sent(Some("78".into()))), at(due)], true, "the other is numbered"),
        (vec![plan(), other(due + 7_200, What::Planned), at(due)], true, "the other is of another hour"),
    ] {
        let (mine, unmatched) = (PushId::of("p"), i64::from(!delivered));
        for entries in [entries.clone(), entries.into_iter().rev().collect()] {
            let brand = Brand::of(entries);
            let arrived = brand.state("o1").pushes.get(mine).unwrap().arrival().is_some();
            assert_eq!(arrived, delivered, "{why}");
            let counted =
                numbers(&brand).into_iter().find(|(name, _)| name == "unmatched").map_or(0, |(_, count)| count);
            assert_eq!(counted, unmatched, "{why}");
        }
    }
}

#[test]
fn push_is_told_once_what_wechat_said() {
    let history = [says(What::Planned), finished("o1", 1_001, "1", "success"), sent("1"), sent("1")];
    let mut brand = Brand::of(history);
    let (openid, id) = ("o1".parse().unwrap(), PushId::of("p"));
    let closed = Outcome::Closed { openid, id, at: Timestamp(START + 1_001), delivered: true };
    assert_eq!(brand.list(&push::outcomes()), [Some(closed.clone())]);
    brand.fold(&placed([finished("o1", 1_001, "1", "success"), finished("o1", 1_003, "1", "success")]));
    assert_eq!(brand.list(&push::outcomes()), [Some(closed)]);
    expect(&brand, &[("planned", 1), ("delivered", 1), ("treated", 1)], "and counted once");
}

#[test]
fn a_notice_closes_by_its_own_event_and_takes_the_permission() {
    let plan = || says(What::Queued(vec![Echo::Notice("T".into())]));
    let of = |code| Brand::of([plan(), says(What::Sent(None)), noticed("o1", 1_005, "9", "T", code)]);
    expect(&of("0"), &[("planned", 1), ("delivered", 1), ("treated", 1)], "arrived");
    expect(&of("43101"), &[("planned", 1), ("refused", 1), ("treated", 1)], "refused");
}

#[test]
fn an_order_in_the_days_after_is_credited_to_both_groups_alike() {
    let bought = |id: &str, at, amount| reported(at, [order(id, OrderKind::Order, "o1", at, amount)]);
    let due = 1_000;
    for (entries, fans, revenue, why) in [
        (vec![bought("a", due + 1, 500)], 1, 500, "right after"),
        (vec![bought("a", due, 500)], 0, 0, "not before"),
        (vec![bought("a", due + 14 * DAY, 500)], 1, 500, "on the last day"),
        (vec![bought("a", due + 14 * DAY + 1, 500)], 0, 0, "not later"),
        (vec![bought("a", due + 1, 500), bought("b", DAY, 70)], 1, 570, "twice is one fan"),
        (
            vec![bought("a", due + 1, 500), reported(DAY, [order("a", OrderKind::Refund, "o1", DAY, 200)])],
            1,
            300,
            "refunded",
        ),
        (
            vec![bought("a", due + 1, 500), reported(DAY, [order("a", OrderKind::Cancel, "o1", DAY, 0)])],
            0,
            0,
            "cancelled",
        ),
    ] {
        for (group, names) in [
            (Group::Treated, ["treated", "treated_bought", "treated_revenue"]),
            (Group::Holdout, ["holdout", "holdout_bought", "holdout_revenue"]),
        ] {
            let mut about = news("o1", "p", due, What::Skipped(Skip::Holdout));
            about.group = Some(group);
            let about = vec![told([about])];
            for entries in [[about.clone(), entries.clone()], [entries.clone(), about.clone()]] {
                let mut expected = vec![("skipped_holdout", 1), (names[0], 1), (names[1], fans), (names[2], revenue)];
                expected.retain(|(_, count)| *count != 0);
                expect(&Brand::of(entries.concat()), &expected, why);
            }
        }
    }
}

#[test]
fn a_reminder_is_credited_with_its_product_and_a_campaign_with_any() {
    let mut litter = order("a", OrderKind::Order, "o1", 2_000, 500);
    litter.lines[0].product = "litter".into();
    let mut campaign = news("o1", "c", 1_000, What::Planned);
    campaign.series = Series::Campaign("spring".into());
    let brand = Brand::of([says(What::Planned), told([campaign]), reported(2_000, [litter])]);
    let day = |series: &str| {
        counted(&brand)
            .into_iter()
            .filter(|((_, name, _), _)| name == series)
            .map(|((.., name), count)| (name, count))
            .collect::<Vec<_>>()
    };
    assert!(!day("reminder:food").iter().any(|(name, _)| name == "treated_bought"));
    assert!(day("campaign:spring").contains(&("treated_revenue".into(), 500)));
}

#[test]
fn only_the_last_pushes_are_kept_and_the_counts_know_all() {
    let many = (0..40).map(|n| told([news("o1", &format!("p{n}"), n * DAY, What::Sent(Some(format!("{n}"))))]));
    let brand = Brand::of(many);
    let state = brand.state("o1");
    assert_eq!(state.pushes.iter().count(), MARKS_MAX);
    assert_eq!(state.pushes.iter().next().unwrap().due, Timestamp(START + 24 * DAY));
    expect(&brand, &[("planned", 40), ("sent", 40), ("treated", 40)], "counted for ever");
    let events = (0..100).map(|n| finished("o1", 50 * DAY + n, &format!("x{n}"), "success"));
    expect(&Brand::of(events), &[("unmatched", 100)], "events too");
}

#[test]
fn an_erasure_keeps_the_counts_and_no_news_count_again() {
    let mut brand = Brand::of([follow("o1", 0, "bag"), says(What::Planned), erase("o1", 1_100)]);
    expect(&brand, &[("planned", 1), ("waiting", 1), ("treated", 1)], "kept");
    assert_eq!(brand.state("o1").pushes.iter().count(), 0);
    brand.fold(&placed([sent("1"), says(What::Planned)]));
    expect(&brand, &[("planned", 1), ("waiting", 1), ("treated", 1)], "told again of a push that is forgotten");
}

#[test]
fn the_last_word_on_pushes_holds_by_the_time_it_was_said() {
    let (stop, resume) = (|at| chooses("o1", at, PushChoice::Stop), |at| chooses("o1", at, PushChoice::Resume));
    for (entries, opted_out) in [
        (vec![stop(10)], Some(10)),
        (vec![stop(10), resume(20)], None),
        (vec![stop(10), resume(20), stop(30)], Some(30)),
        (vec![resume(10), stop(20)], Some(20)),
        (vec![stop(10), text("o1", 5_000, "hi", None), erase("o1", 6_000)], Some(10)),
    ] {
        let opted_out = opted_out.map(|at| Timestamp(START + at));
        assert_eq!(Brand::of(entries.clone()).state("o1").opted_out, opted_out);
        if entries.len() < 3 {
            // Even when so late that the events between are no longer kept one by one.
            let late = [entries[entries.len() - 1].clone(), text("o1", 9_000, "hi", None), entries[0].clone()];
            assert_eq!(Brand::of(late).state("o1").opted_out, opted_out);
        }
    }
    assert_eq!(
        Brand::of([stop(10)]).state("o1").last_message,
        Some(Timestamp(START + 10)),
        "it is a message like any other"
    );
}

#[test]
fn a_fans_hour_is_that_of_most_contacts() {
    // START is ten in the morning.
    let texts = |hours: &[u64]| {
        Brand::of(hours.iter().enumerate().map(|(n, hour)| text("o1", n as u64 * DAY + hour * 3_600, "hi", None)))
    };
    assert_eq!(texts(&[0, 0, 0, 0]).state("o1").busiest_hour(), None);
    assert_eq!(texts(&[0, 0, 11, 11, 11]).state("o1").busiest_hour(), Some(21));
    assert_eq!(texts(&[11, 11, 0, 0, 5]).state("o1").busiest_hour(), Some(10));
}
