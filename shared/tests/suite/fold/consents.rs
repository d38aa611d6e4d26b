//! Consents to notices: one consent, one notice. What the fan allowed and what was sent makes the stock that push goes by.

use super::brand::{Brand, allows, erase, news, notice_sent, placed, push, text, told, unfollow};
use guanxi::{
    facts::{Entry, Placed, push::What},
    wechat::{
        Event, Kind,
        message::{NoticeChoice, NoticeSent},
    },
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const TEMPLATES: [&str; 3] = ["A", "B", "C"];

/// What happens to the consents to one template.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Accepts,
    Declines,
    Withdraws,
    /// WeChat tells by an event what became of a notice: this code.
    Gets(&'static str),
    /// WeChat took no notice, and push tells so.
    LacksConsent,
}

const DEEDS: [Deed; 7] = [
    Deed::Accepts,
    Deed::Accepts,
    Deed::Declines,
    Deed::Withdraws,
    Deed::Gets("0"),
    Deed::Gets("43101"),
    Deed::LacksConsent,
];

/// One event about some templates.
fn event(at: u64, deed: Deed, templates: &[&str]) -> Entry {
    let choices = |accepted| {
        let choice = |template: &&str| NoticeChoice { template_id: (*template).into(), accepted, popup_scene: None };
        templates.iter().map(choice).collect::<Vec<_>>()
    };
    let sent = |code: &str| {
        let sent = |template: &&str| NoticeSent {
            template_id: (*template).into(),
            msg_id: format!("{at} {template}"),
            error_code: code.into(),
            error_status: String::new(),
        };
        templates.iter().map(sent).collect::<Vec<_>>()
    };
    let event = match deed {
        Deed::Accepts => Event::SubscribeMsgPopup(choices(true)),
        Deed::Declines => Event::SubscribeMsgPopup(choices(false)),
        Deed::Withdraws => Event::SubscribeMsgChange(choices(false)),
        Deed::Gets(code) => Event::SubscribeMsgSent(sent(code)),
        Deed::LacksConsent => {
            let lacks = |template: &&str| news("o1", "a", at, What::NoConsent((*template).into()));
            return told(templates.iter().map(lacks).collect::<Vec<_>>());
        }
    };
    Entry::Received(push("o1", at, Kind::Event(event)))
}

fn stock(brand: &Brand) -> BTreeMap<String, u32> {
    brand.state("o1").notices
}

#[test]
fn a_consent_is_good_for_one_notice() {
    use Deed::{Accepts, Declines, Gets, LacksConsent, Withdraws};
    for (deeds, left, why) in [
        (&[][..], 0, "nobody asked"),
        (&[Accepts], 1, "one"),
        (&[Accepts, Accepts], 2, "they add up"),
        (&[Accepts, Gets("0")], 0, "used up"),
        (&[Accepts, Accepts, Gets("0")], 1, "one of two"),
        (&[Accepts, Accepts, Gets("47003")], 1, "WeChat took it, though it did not arrive"),
        (&[Accepts, Accepts, Gets("43101")], 0, "WeChat says that there is none left"),
        (&[Accepts, Accepts, Gets("43101"), Accepts], 1, "and then one after all"),
        (&[Accepts, Accepts, LacksConsent], 0, "WeChat said so when push tried"),
        (&[Accepts, LacksConsent, Accepts, Accepts], 2, "only what was before it is gone"),
        (&[LacksConsent, Accepts, Gets("0")], 0, "no debt"),
        (&[Accepts, Declines], 1, "not another one, and the first holds"),
        (&[Accepts, Accepts, Withdraws], 0, "the fan wants none"),
        (&[Withdraws, Accepts], 1, "and then one after all"),
        (&[Gets("0"), Accepts], 1, "a consent from before our time was used up"),
    ] {
        let events = (1..).zip(deeds).map(|(at, deed)| event(at, *deed, &["A"]));
        let brand = Brand::of([allows("o1", 0, "B")].into_iter().chain(events));
        let mut expected = BTreeMap::from([("B".to_owned(), 1)]);
        if left > 0 {
            expected.insert("A".to_owned(), left);
        }
        assert_eq!(stock(&brand), expected, "{why}");
    }
    let both = Brand::of([event(0, Accepts, &["A", "B"]), notice_sent("o1", 1, "B", "9")]);
    assert_eq!(stock(&both), BTreeMap::from([("A".to_owned(), 1)]), "one event may be about several");
    let many: Vec<String> = (0..40).map(|n| format!("T{n}")).collect();
    let brand = Brand::of((0..).zip(&many).map(|(at, template)| event(at, Accepts, &[template])));
    assert_eq!(stock(&brand).len(), 32, "no more templates than that are kept");
}

#[test]
fn that_a_consent_is_lacking_says_nothing_of_a_stranger_and_keeps_nobody() {
    let brand = Brand::of([event(1, Deed::LacksConsent, &["A"])]);
    assert_eq!(brand.records.keys().collect::<Vec<_>>(), [""; 0]);
    let erased = Brand::of([text("o1", 0, "hi", None), erase("o1", 5), event(9, Deed::LacksConsent, &["A"])]);
    let same = Brand::of([text("o1", 0, "hi", None), erase("o1", 5)]);
    assert_eq!(erased, same);
    let gone = Brand::of([text("o1", 0, "hi", None), unfollow("o1", 5), event(9, Deed::LacksConsent, &["A"])]);
    assert_eq!(stock(&gone), BTreeMap::new());
}

/// The slow and simple way: in the order of the seconds.
fn counted(history: &[(u64, Deed, usize)]) -> BTreeMap<String, u32> {
    let mut history = history.to_vec();
    history.sort_by_key(|(at, ..)| *at);
    let mut left = BTreeMap::<String, u32>::new();
    for (_, deed, template) in history {
        let left = left.entry(TEMPLATES[template].to_owned()).or_default();
        *left = match deed {
            Deed::Accepts => *left + 1,
            Deed::Declines => *left,
            Deed::Withdraws | Deed::Gets("43101") | Deed::LacksConsent => 0,
            Deed::Gets(_) => left.saturating_sub(1),
        };
    }
    left.retain(|_, left| *left > 0);
    left
}

/// Deeds within 15 minutes, each in a second of its own, and the order in which they come, some of them twice.
fn histories() -> impl Strategy<Value = (Vec<(u64, Deed, usize)>, Vec<usize>)> {
    let deed = (prop::sample::select(&DEEDS[..]), 0..TEMPLATES.len());
    let history = prop::collection::btree_map(1..900_u64, deed, 1..40);
    history.prop_flat_map(|history| {
        let history: Vec<_> = history.into_iter().map(|(at, (deed, template))| (at, deed, template)).collect();
        let all: Vec<usize> = (0..history.len()).collect();
        let twice = prop::sample::subsequence(all.clone(), 0..=all.len());
        let order = twice.prop_flat_map(move |twice| Just([all.clone(), twice].concat()).prop_shuffle());
        (Just(history), order)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_stock_is_what_a_count_in_the_order_of_time_says((history, order) in histories(), batch in 1..20_usize) {
        let entry = |(at, deed, template): (u64, Deed, usize)| event(at, deed, &[TEMPLATES[template]]);
        let entries: Vec<Placed> = placed(order.iter().map(|index| entry(history[*index])));
        let mut brand = Brand::of([text("o1", 0, "hi", None)]);
        for entries in entries.chunks(batch) {
            brand.fold(entries);
        }
        prop_assert_eq!(stock(&brand), counted(&history));
    }
}
