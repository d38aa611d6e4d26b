//! Push does what the dry run said: the same fans, the same reasons.

use super::{
    brand::{allows, chooses, follow, openid, order, reported, text, unfollow},
    ways::listed,
    world::{World, body, noon, rows},
};
use guanxi::store::key::Stored as _;
use guanxi::{
    conversation::{self, Conversation},
    facts::{
        Entry, PushChoice,
        order::OrderKind,
        push::{News, Series, What},
    },
    push::End,
    time::Timestamp,
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy},
    prop_oneof, proptest,
    sample::select,
};
use std::collections::BTreeMap;

const DAY: u64 = 86_400;

/// What is random about one fan; moments are hours since the first.
#[derive(Clone, Debug)]
struct Life {
    channel: &'static str,
    follows: u64,
    leaves: Option<u64>,
    buys: Option<(u64, &'static str)>,
    writes: Option<u64>,
    allows: Vec<u64>,
    chooses: Option<(u64, PushChoice)>,
    /// What rollup has not heard of yet.
    chose: Option<PushChoice>,
}

fn choice() -> impl Strategy<Value = PushChoice> {
    prop_oneof![Just(PushChoice::Stop), Just(PushChoice::Resume)]
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let rare = |strategy| option::weighted(0.2, strategy);
    let life = (
        select(&["", "bag", "poster"][..]),
        0..600_u64,
        rare(1..700_u64),
        option::of((0..700_u64, select(&["food", "litter"][..]))),
        option::of(600..720_u64),
        vec(0..700_u64, 0..3),
        option::weighted(0.2, (0..700_u64, choice())),
        option::weighted(0.2, choice()),
    );
    let life = life.prop_map(|(channel, follows, leaves, buys, writes, allows, chooses, chose)| Life {
        channel,
        follows,
        leaves: leaves.map(|after| follows + after),
        buys,
        writes,
        allows,
        chooses,
        chose,
    });
    vec(life, 1..40)
}

fn entries(number: usize, life: &Life) -> Vec<Entry> {
    let fan = format!("o{number}");
    let mut entries = vec![follow(&fan, life.follows * 3_600, life.channel)];
    entries.extend(life.leaves.map(|at| unfollow(&fan, at * 3_600)));
    entries.extend(life.writes.map(|at| text(&fan, at * 3_600, "喵", None)));
    entries.extend(life.allows.iter().map(|at| allows(&fan, at * 3_600 + 2, "n")));
    entries.extend(life.chooses.map(|(at, choice)| chooses(&fan, at * 3_600 + 1, choice)));
    entries.extend(life.buys.map(|(at, product)| {
        let mut order = order(&format!("O{number}"), OrderKind::Order, &fan, at * 3_600, 900);
        order.lines[0].product = product.into();
        reported(at * 3_600, [order])
    }));
    entries
}

const WAYS: [&[&str]; 7] = [
    &["template"],
    &["message"],
    &["notice"],
    &["notice", "message"],
    &["message", "notice"],
    &["notice", "message", "template"],
    &["message", "template"],
];

/// A campaign's segment, moment, holdout and ways.
fn campaigns() -> impl Strategy<Value = Vec<(&'static str, &'static str, u8, String)>> {
    let segment = select(
        &[
            "",
            "channels = \"bag\"",
            "tags = [\"cat\"]",
            "followed = \"10-\"",
            "bought = \"-20\"",
            "products = \"litter\"",
            "contact = \"-2\"",
            "tags = \"cat\", followed = \"-25\"",
        ][..],
    );
    // Noon of the day, an hour before it, an hour of the quiet ones, and as soon as a run comes.
    let at = select(&["2026-04-01T12:00", "2026-04-01T11:00", "2026-04-01T22:00", "now"][..]);
    vec((segment, at, select(&[0_u8, 10, 50][..]), select(&WAYS[..]).prop_map(listed)), 1..5)
}

/// What push told last of each push of a campaign, by fan: none where it went out, else why it did not.
fn told(world: &World, campaign: &str) -> BTreeMap<String, Option<&'static str>> {
    let values = world.store.values();
    let mut told: Vec<News> = Vec::new();
    for (_, bytes) in values.range("journal:".to_owned()..).take_while(|(key, _)| key.starts_with("journal:")) {
        let Entry::Ledger(news) = Entry::decode(bytes).unwrap() else { panic!("push tells nothing else") };
        told.extend(news.0.into_iter().filter(|news| news.series == Series::Campaign(campaign.to_owned())));
    }
    // Of one push, what ends it was told after its planning.
    told.sort_by_key(|news| !matches!(news.what, What::Queued(_)));
    let how = |what| match what {
        What::Sent(_) => None,
        What::Skipped(skip) => Some(skip.name()),
        other => panic!("{other:?}"),
    };
    let last: BTreeMap<String, What> = told.into_iter().map(|news| (news.openid.to_string(), news.what)).collect();
    last.into_iter().map(|(fan, what)| (fan, how(what))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn push_does_what_the_dry_run_said(lives in lives(), campaigns in campaigns()) {
        let world = World::of(lives.iter().enumerate().flat_map(|(number, life)| entries(number, life)));
        for (number, life) in lives.iter().enumerate() {
            if let Some(choice) = life.chose {
                let mut conversation = Conversation::default();
                conversation.choose(noon(29), choice);
                world.set(&conversation::key(&openid(&format!("o{number}"))), &conversation.encode());
            }
        }
        // One a day, so that those before count for the cap.
        for (number, (segment, at, holdout, rest)) in campaigns.iter().enumerate() {
            let asked = Timestamp(noon(30).0 + number as u64 * DAY);
            let at = at.replace("04-01", &format!("04-{:02}", number + 1));
            let body = body(&format!("c{number}"), &at, segment, &format!("holdout = {holdout}\n{rest}"));
            let dry = world.dry_run(&body, asked);
            let accepted = world.ask(&body, asked).unwrap();
            let (report, reached) = world.push(accepted.at.max(asked));
            assert_eq!(report.end, End::Done);
            let done = told(&world, &accepted.id);
            assert_eq!(rows(&dry), done.iter().map(|(fan, why)| (fan.as_str(), *why)).collect(), "{body}");
            assert_eq!(dry.gets, reached.len() as u64);
            assert!(reached.keys().all(|fan| done[fan].is_none()));
            let ways = dry.rows.iter().filter_map(|row| Some((row.openid.to_string(), row.way?)));
            assert_eq!(ways.collect::<BTreeMap<_, _>>(), reached, "{body}");
            assert_eq!(dry.ways.iter().map(|way| way.gets).sum::<u64>(), dry.gets);
            // And whoever had it would not get it again. At the same moment, because days ago go by.
            let again = world.dry_run(&body, accepted.at.max(asked));
            assert_eq!((again.gets, again.skipped.get("had_it_already").copied().unwrap_or_default()), (0, dry.gets));
        }
    }
}
