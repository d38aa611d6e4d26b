//! Who would get a campaign, who not and why, and that nothing happens meanwhile.

use super::{
    brand::{follow, openid, order, reported, text, unfollow},
    world::{MESSAGE, Still, TEMPLATE, World, body, noon, request, rows},
};
use guanxi::store::key::Stored as _;
use guanxi::{
    conversation::{self, Conversation},
    facts::{
        Entry, PushChoice,
        order::OrderKind,
        push::{Group, PushId},
    },
    push::{
        head::{self, Standing},
        ledger::{self, Ledger, State, Subject},
        plan::group,
    },
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DAY: u64 = 86_400;

fn litter(fan: &str, at: u64) -> Entry {
    let mut order = order(&format!("L{fan}"), OrderKind::Order, fan, at, 900);
    order.lines[0].product = "litter".into();
    reported(at, [order])
}

/// One fan for each thing that a segment looks at.
fn kinds_of_fans() -> Vec<Entry> {
    vec![
        follow("bag", 0, "bag"),
        follow("poster", 20 * DAY, "poster"),
        follow("buyer", 0, ""),
        reported(5 * DAY, [order("A", OrderKind::Order, "buyer", 5 * DAY, 900)]),
        follow("litter", 0, ""),
        litter("litter", 25 * DAY),
        follow("talks", 0, ""),
        text("talks", 29 * DAY, "喵", None),
        follow("gone", 0, "bag"),
        unfollow("gone", DAY),
    ]
}

#[test]
fn a_segment_is_told_by_channel_tag_age_purchase_product_and_contact() {
    let world = World::of(kinds_of_fans());
    for (segment, expected) in [
        ("", &["bag", "buyer", "gone", "litter", "poster", "talks"][..]),
        ("channels = \"bag\"", &["bag"]),
        ("channels = [\"bag\", \"poster\"]", &["bag", "poster"]),
        ("tags = \"cat\"", &["bag", "gone"]),
        ("followed = \"-15\"", &["poster"]),
        ("followed = \"30-\"", &["bag", "buyer", "litter", "talks"]),
        ("bought = \"20-30\"", &["buyer"]),
        ("bought = \"-7\"", &["litter"]),
        ("products = \"litter\"", &["litter"]),
        ("products = [\"food\", \"litter\"]", &["buyer", "litter"]),
        ("products = \"food\", bought = \"-7\"", &[]),
        ("contact = \"-3\"", &["talks"]),
        ("channels = \"bag\", contact = \"-3\"", &[]),
    ] {
        let found = world.dry_run(&body("a", "now", segment, TEMPLATE), noon(30));
        assert_eq!(rows(&found).into_keys().collect::<Vec<_>>(), expected, "{segment}");
        assert_eq!((found.fans, found.outside), (6, 6 - expected.len() as u64), "{segment}");
    }
}

/// Followers of the first day, by number.
fn followers(count: u64) -> Vec<Entry> {
    (0..count).map(|number| follow(&format!("o{number:04}"), number, "bag")).collect()
}

/// A fan who gets a campaign, or one who is kept from it by the draw.
fn drawn(campaign: &str, wanted: Group) -> String {
    let group_of = |fan: &String| group(Subject::Campaign(campaign.into()).id(&openid(fan)), 10);
    (0..1_000).map(|number| format!("o{number:04}")).find(|fan| group_of(fan) == wanted).unwrap()
}

#[test]
fn everybody_who_does_not_get_it_has_a_reason() {
    let held_out = drawn("a", Group::Holdout);
    let others: Vec<String> = followers(1_000).iter().enumerate().map(|(number, _)| format!("o{number:04}")).collect();
    let mut treated = others.into_iter().filter(|fan| {
        let id = Subject::Campaign("a".into()).id(&openid(fan));
        group(id, 10) == Group::Treated
    });
    let mut next = || treated.next().unwrap();
    let (gone, stopped, capped, resumed, had_it, plain) = (next(), next(), next(), next(), next(), next());
    let world = World::of([
        follow(&gone, 0, ""),
        unfollow(&gone, DAY),
        follow(&stopped, 0, ""),
        follow(&capped, 0, ""),
        follow(&resumed, 0, ""),
        follow(&had_it, 0, ""),
        follow(&held_out, 0, ""),
        follow(&plain, 0, ""),
    ]);
    for (fan, choices) in [(&stopped, &[PushChoice::Stop][..]), (&resumed, &[PushChoice::Stop, PushChoice::Resume])] {
        let mut conversation = Conversation::default();
        choices.iter().for_each(|choice| conversation.choose(noon(10), *choice));
        world.set(&conversation::key(&openid(fan)), &conversation.encode());
    }
    let entry = |subject: Subject, fan: &str, state| ledger::Entry {
        id: subject.id(&openid(fan)),
        subject,
        due: noon(20),
        outcome_days: 14,
        planned: noon(20),
        state,
        went: None,
    };
    let mut ledger = Ledger::default();
    for campaign in ["x", "y"] {
        ledger.add(entry(Subject::Campaign(campaign.into()), &capped, State::Sent(noon(20), None)), 2);
    }
    world.set(&ledger::key(&openid(&capped)), &ledger.encode());
    let mut ledger = Ledger::default();
    ledger.add(entry(Subject::Campaign("a".into()), &had_it, State::Unknown(noon(20))), 2);
    world.set(&ledger::key(&openid(&had_it)), &ledger.encode());

    let expected = BTreeMap::from([
        (&*gone, Some("unsubscribed")),
        (&stopped, Some("opted_out")),
        (&capped, Some("capped")),
        (&resumed, None),
        (&had_it, Some("had_it_already")),
        (&held_out, Some("holdout")),
        (&plain, None),
    ]);
    let found = world.dry_run(&body("a", "now", "", TEMPLATE), noon(30));
    assert_eq!(rows(&found), expected);
    assert_eq!((found.fans, found.gets, found.outside), (7, 2, 0));
    assert!(found.skipped.values().all(|count| *count == 1) && found.skipped.len() == 5);
    assert!(found.rows.iter().all(|row| row.gets_at.is_some() == row.skipped.is_none()));
}

#[test]
fn what_stands_against_all_is_told_of_each() {
    let world = World::of([follow("talks", 0, "bag"), text("talks", 29 * DAY, "喵", None), follow("silent", 0, "bag")]);
    let rows_of = |rest: &str, at: &str| {
        let found = world.dry_run(&body("a", at, "", &format!("holdout = 0\n{rest}")), noon(30));
        rows(&found).into_iter().map(|(fan, why)| (fan.to_owned(), why)).collect::<Vec<_>>()
    };
    let both = |silent, talks| vec![("silent".to_owned(), silent), ("talks".to_owned(), talks)];
    assert_eq!(rows_of(TEMPLATE, "now"), both(None, None));
    // 48 hours are over two days later.
    assert_eq!(rows_of(MESSAGE, "now"), both(Some("no_window"), None));
    assert_eq!(rows_of(MESSAGE, "2026-04-02T12:00"), both(Some("no_window"), Some("no_window")));
    let notice = TEMPLATE.replace("template\"\n", "notice\"\n");
    assert_eq!(rows_of(&notice, "now"), both(Some("no_window"), Some("no_window")));
    assert_eq!(rows_of(TEMPLATE, "2026-04-01T22:00"), both(Some("quiet_hours"), Some("quiet_hours")));
    // WeChat said that it does not take this content.
    let mut account = Standing::default();
    let refused = request(&body("b", "now", "", TEMPLATE), noon(30)).campaign.ways;
    refused.iter().for_each(|content| account.stop(content));
    world.set(head::ACCOUNT, &account.encode());
    assert_eq!(rows_of(TEMPLATE, "now"), both(Some("invalid_template"), Some("invalid_template")));
    assert_eq!(rows_of(&TEMPLATE.replace("年度", "季度"), "now"), both(None, None));
}

#[test]
fn a_dry_run_writes_nothing() {
    let world = World::of(kinds_of_fans());
    world.ask(&body("first", "now", "", TEMPLATE), noon(29)).unwrap();
    world.push(noon(29));
    let (values, counters, writes) = (world.store.values(), world.store.counters(), world.writes());
    for segment in ["", "tags = \"cat\"", "channels = \"poster\""] {
        for id in ["a", "first"] {
            world.dry_run(&body(id, "now", segment, TEMPLATE), noon(30));
        }
    }
    assert_eq!(world.writes(), writes);
    assert_eq!((world.store.values(), world.store.counters()), (values, counters));
}

#[test]
fn the_quota_is_what_wechat_said_today() {
    let world = World::of(followers(40));
    let dry = |now| world.dry_run(&body("a", "now", "", TEMPLATE), now);
    let left = |now| dry(now).ways[0].quota_left;
    assert_eq!(left(noon(30)), None);
    world.ask(&body("first", "now", "", &format!("holdout = 0\n{TEMPLATE}")), noon(30)).unwrap();
    assert_eq!(world.push(noon(30)).1.len(), 40);
    let an_hour_later = left(Timestamp(noon(30).0 + 3_600)).unwrap();
    assert!((100_000 - 40..100_000).contains(&an_hour_later), "{an_hour_later}");
    assert_eq!(left(noon(31)), None);
}

#[test]
fn a_dry_run_that_takes_long_says_where_to_go_on() {
    let world = World::of(followers(600));
    let source = body("a", "now", "", TEMPLATE);
    let whole = world.dry_run(&source, noon(30));
    assert_eq!((whole.fans, whole.next, whole.rows.len()), (600, None, 600));
    let slow = Still(20);
    // Also from the middle of a page.
    for first in [0, 10, 64, 599, 600, 10_000] {
        let (mut from, mut seen, mut fans) = (first, BTreeMap::new(), 0);
        loop {
            let part = world.dry_run_from(&source, noon(30), from, &slow);
            fans += part.fans;
            seen.extend(part.rows.into_iter().map(|row| (row.openid.to_string(), row.skipped)));
            match part.next {
                Some(next) => assert!(std::mem::replace(&mut from, next) < next),
                None => break,
            }
        }
        let expected = whole.rows.iter().skip(first as usize).map(|row| (row.openid.to_string(), row.skipped));
        assert_eq!((fans, seen), (600_u64.saturating_sub(first), expected.collect()), "from {first}");
    }
}

#[test]
fn a_large_audience_is_counted_and_only_its_first_fans_are_named() {
    let world = World::of(followers(1_100));
    let found = world.dry_run(&body("a", "now", "", TEMPLATE), noon(30));
    assert_eq!((found.fans, found.rows.len()), (1_100, 1_000));
    assert_eq!(found.gets + found.skipped["holdout"], 1_100);
    let drawn: BTreeSet<PushId> = followers(1_100)
        .iter()
        .enumerate()
        .map(|(number, _)| Subject::Campaign("a".into()).id(&openid(&format!("o{number:04}"))))
        .collect();
    let held_out = drawn.into_iter().filter(|id| group(*id, 10) == Group::Holdout).count();
    assert_eq!(found.skipped["holdout"], held_out as u64);
}
