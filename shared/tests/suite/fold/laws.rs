//! Laws of the fold, over random histories.

use super::{
    brand::{
        Brand, answer, answers, chooses, click, erase, finished, follow, news, noticed, openid, order, placed,
        reported, scan, text, told, unfollow, welcomed,
    },
    oracle, people, pushes,
};
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::{
        Entry, Placed, PushChoice,
        dialog::What as Dialog,
        order::{OrderEvent, OrderKind},
        push::{self, Echo, Group, LedgerNews, Outcome, Series, Skip, What},
    },
    fold::{counts::Metric, fan::Fan},
    store::record::Records,
    time::Timestamp,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const FANS: [&str; 3] = ["oA", "oB", "oC"];
const CHANNELS: [&str; 4] = ["bag", "poster", "unknown_1", "(direct)x"];

/// An entry of some second; of the same fan and second there may be many.
fn entry() -> impl Strategy<Value = Entry> {
    // Half an hour around a midnight of the brand, so that days, hours and the 15 minutes all matter.
    let at = 13 * 3_600 + 2_700..13 * 3_600 + 4_500_u64;
    let fan = prop::sample::select(&FANS[..]);
    let channel = prop::sample::select(&CHANNELS[..]);
    (0..26, fan, at, channel, any::<prop::sample::Index>()).prop_map(|(kind, fan, at, channel, pick)| match kind {
        0 => follow(fan, at, channel),
        1 => welcomed(fan, at, channel),
        2 => follow(fan, at, ""),
        3 | 4 => unfollow(fan, at),
        5 | 6 => scan(fan, at, channel),
        7 => text(fan, at, ["猫粮", "电话 13800138000", "?"][at as usize % 3], (at % 2 == 0).then_some("food")),
        8 => chooses(fan, at, [PushChoice::Stop, PushChoice::Resume][at as usize % 2]),
        9 => arrived(fan, at, pick.index(6)),
        10..13 => told([some_news(pick, at)]),
        13 => click(fan, at),
        18 => people::handed_over(fan, at),
        19 => people::begun(fan, at),
        20 => people::closed(fan, at),
        21 => people::wants_person(fan, at),
        22..26 => dialog(fan, at, pick),
        _ => reported(at, [some_order(pick)]),
    })
}

/// Steps of one of two runs of a dialog; what is said in them follows from the fan, the second and the run, as with copies.
fn dialog(fan: &str, at: u64, pick: prop::sample::Index) -> Entry {
    let n = pick.index(2 * 7);
    let (run, what) = (n as u64 % 2, n / 2);
    let value = ["cat", "dog", "none"][at as usize % 3];
    let steps = match what {
        0 => vec![Dialog::Begun],
        1 => vec![answer("pet", value, false, None)],
        2 => vec![answer("phone", value, true, Some(1))],
        3 => vec![answer("pet", value, false, Some(2)), Dialog::Tagged(value.into())],
        4 => vec![Dialog::Finished { score: Some(at as u32 % 3) }],
        5 => vec![Dialog::Left { step: "pet".into() }],
        _ => vec![Dialog::Forget],
    };
    answers(fan, at, &format!("7{at}{n:02}"), run, steps)
}

/// WeChat's word on a push to a fan, or on one that is not ours. Each push has a kind of its own: which of several an event is
/// about that names none of them is decided by the order of arrival, and laws are about what is not.
fn arrived(fan: &str, at: u64, nth: usize) -> Entry {
    let (number, failed) = (format!("{fan} {nth}"), at % 2 == 1);
    match nth {
        0 => finished(fan, at, &number, ["success", "failed:user block"][usize::from(failed)]),
        _ => noticed(fan, at, &number, &format!("T{nth}"), ["0", "43101"][usize::from(failed)]),
    }
}

/// The kind of event that tells of a push.
fn echo(nth: usize) -> Echo {
    if nth == 0 { Echo::Template } else { Echo::Notice(format!("T{nth}")) }
}

/// An order event whose number, kind and version say the rest of it, as copies do.
fn some_order(pick: prop::sample::Index) -> OrderEvent {
    let n = pick.index(72);
    let (owner, nth, kind, version) = (FANS[n % 3], n / 3 % 4, n / 12 % 3, n / 36);
    let kind = [OrderKind::Order, OrderKind::Refund, OrderKind::Cancel][kind];
    let mut event = order(&format!("{owner}-{nth}"), kind, owner, 13 * 3_600 + 2_000 + 30 * n as u64, 100 + n as i64);
    event.version = version as u32;
    event.lines[0].quantity = 1 + n as u32 % 3;
    if nth == 3 {
        event.lines[0].product = "litter".into();
    }
    event.unionid = n.is_multiple_of(2).then(|| format!("u{owner}"));
    event.openid = (!n.is_multiple_of(4)).then(|| openid(owner));
    event
}

/// News of one of four pushes to a fan; what does not change in the news of a push follows from which it is.
fn some_news(pick: prop::sample::Index, at: u64) -> guanxi::facts::push::News {
    let n = pick.index(3 * 4 * 9);
    let (fan, nth, what) = (FANS[n % 3], n / 3 % 4, n / 12);
    let what = match what {
        0 | 1 => What::Queued(vec![echo(nth)]),
        2 => What::Skipped(Skip::QuietHours),
        3 => What::Skipped(Skip::Holdout),
        4 => What::Sent(Some(format!("{fan} {nth}"))),
        5 => What::Sent(None),
        6 => What::Refused(43_004),
        7 => What::NoConsent(format!("T{nth}")),
        _ => What::Unknown,
    };
    let due = 13 * 3_600 + [2_000, 3_000, 3_500, 4_000][nth];
    let mut news = news(fan, &format!("{fan} {nth}"), due, what);
    news.at = Timestamp(super::brand::START + at);
    news.outcome_days = 1;
    news.group = [Some(Group::Treated), Some(Group::Holdout), None, Some(Group::Treated)][nth];
    if nth == 3 {
        news.series = Series::Campaign("spring".into());
    }
    news
}

fn entries() -> impl Strategy<Value = Vec<Placed>> {
    let history = prop::collection::vec(entry(), 1..50);
    let copies = prop::collection::vec((any::<prop::sample::Index>(), 1..5_u32), 0..8);
    (history, copies).prop_map(|(mut history, copies)| {
        for (index, milliseconds) in copies {
            let mut copy = history[index.index(history.len())].clone();
            if let Entry::Received(received) = &mut copy {
                received.milliseconds *= milliseconds * 10;
            }
            history.push(copy);
        }
        history.sort_by_key(time_of);
        let told: BTreeSet<String> = history.iter().filter_map(pushed_to).collect();
        history.splice(0..0, told.iter().map(|fan| text(fan, 13 * 3_600 + 2_000, "hi", None)));
        placed(history)
    })
}

/// Pushes go to fans who are known.
fn pushed_to(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Ledger(LedgerNews(news)) => news.first().map(|news| news.openid.to_string()),
        _ => None,
    }
}

fn time_of(entry: &Entry) -> Timestamp {
    match entry {
        Entry::Received(received) => received.message.create_time,
        Entry::Orders(orders) => orders.at,
        Entry::Erase(erase) => erase.at,
        Entry::Ledger(LedgerNews(news)) => news.iter().map(|news| news.at).min().unwrap_or_default(),
        Entry::Damaged(_) => panic!("nothing is damaged"),
    }
}

/// The same entries, each up to ten minutes late.
fn late(entries: &[Placed], delays: &[u64]) -> Vec<Placed> {
    let mut late: Vec<(u64, &Placed)> = entries
        .iter()
        .zip(delays.iter().cycle())
        .map(|(placed, delay)| (time_of(&placed.entry).0 + delay, placed))
        .collect();
    late.sort_by_key(|(arrival, _)| *arrival);
    late.into_iter().map(|(_, placed)| placed.clone()).collect()
}

/// All that is known, but for what depends on the order of arrival: where something stands on a list, and what was on it
/// before. Of the list of outcomes that is the last that was said of each push.
fn knowledge(brand: &Brand) -> (Records, BTreeMap<String, Fan>, Vec<BTreeSet<String>>) {
    let (mut records, mut fans, mut lists) = (brand.records.clone(), BTreeMap::new(), Vec::new());
    let days: BTreeSet<u64> =
        records.keys().filter_map(|key| key.strip_prefix("due:")?.split(':').next()?.parse().ok()).collect();
    for day in days {
        let items: BTreeSet<String> =
            brand.list(&push::due(day)).iter().flatten().map(|due| format!("{day} {due:?}")).collect();
        lists.push(items);
    }
    lists.retain(|items| !items.is_empty());
    lists.push(brand.list(&push::fans()).iter().flatten().map(ToString::to_string).collect());
    let mut last = BTreeMap::new();
    for outcome in brand.list(&push::outcomes()).into_iter().flatten() {
        if let Outcome::Closed { id, at, delivered, .. } = outcome {
            last.insert(id, (at, delivered));
        }
    }
    records.retain(|key, bytes| {
        let is_list = ["due:", "fan:list:", "outcome:", "cursor:outcome", "request:", "cursor:request"]
            .iter()
            .any(|list| key.starts_with(list));
        if key.starts_with("fan:o") {
            fans.insert(key.clone(), Fan::decode(bytes).unwrap().unlisted());
        }
        !is_list && !key.starts_with("fan:o")
    });
    for name in fans.keys() {
        for mark in brand.state(&name["fan:".len()..]).pushes.iter() {
            let said = mark.arrival().map(|arrival| (arrival.at, arrival.delivered()));
            assert!(said.is_none() || said == last.get(&mark.id).copied(), "push is told what WeChat said last");
        }
    }
    (records, fans, lists)
}

fn folded(entries: &[Placed], batches: &[usize]) -> Brand {
    let mut brand = Brand::default();
    let mut rest = entries;
    for size in batches.iter().cycle() {
        let (batch, left) = rest.split_at((*size).min(rest.len()));
        brand.fold(batch);
        rest = left;
        if rest.is_empty() {
            return brand;
        }
    }
    brand
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_batch_sizes_give_the_same_bytes(
        entries in entries(), batches in prop::collection::vec(1..20_usize, 1..6), erased in 0..50_usize,
    ) {
        let mut entries: Vec<Entry> = entries.into_iter().map(|placed| placed.entry).collect();
        if erased < entries.len() {
            let at = time_of(&entries[erased]).0 - super::brand::START;
            entries.insert(erased, erase("oA", at));
        }
        let entries = placed(entries);
        prop_assert_eq!(folded(&entries, &batches), folded(&entries, &[entries.len()]));
    }

    #[test]
    fn any_arrival_within_ten_minutes_gives_the_same_knowledge(
        entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50), batches in prop::collection::vec(1..20_usize, 1..6),
    ) {
        let in_order = folded(&entries, &[entries.len()]);
        let late = folded(&late(&entries, &delays), &batches);
        prop_assert_eq!(knowledge(&late), knowledge(&in_order));
    }

    #[test]
    fn a_duplicate_changes_nothing(
        entries in entries(), again in prop::collection::vec(any::<prop::sample::Index>(), 1..10),
    ) {
        let mut once = folded(&entries, &[entries.len()]);
        let before = once.clone();
        let newest = entries.iter().map(|placed| time_of(&placed.entry)).max().unwrap().0;
        for index in again {
            let mut copy = entries[index.index(entries.len())].clone();
            copy.place.stream += 1_000;
            // Orders may be reported again at any time; WeChat tries again for seconds.
            if matches!(copy.entry, Entry::Orders(_)) || newest - time_of(&copy.entry).0 <= 900 {
                once.fold(&[copy]);
                prop_assert_eq!(&once, &before);
            }
        }
    }

    #[test]
    fn totals_over_channels_are_the_total_and_hours_add_up_to_days(entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50)) {
        let brand = folded(&late(&entries, &delays), &[7]);
        let (hours, days, all) = (brand.counts("count:h:"), brand.counts("count:d:"), brand.counts("count:all"));
        for (channels, general) in [&hours, &days, &all] {
            for (name, metric) in Metric::ALL {
                let sum: i64 = channels.values().map(|metrics| metrics.get(metric)).sum();
                prop_assert_eq!(sum, general.total.get(metric), "{}", name);
            }
            prop_assert_eq!(channels.values().map(|metrics| metrics.net()).sum::<i64>(), general.total.net());
        }
        prop_assert_eq!(&hours, &days);
        prop_assert_eq!(&hours, &all);
    }

    #[test]
    fn the_followers_of_a_channel_are_those_it_met_and_its_net(
        entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50),
    ) {
        let brand = folded(&late(&entries, &delays), &[7]);
        let mut followers = BTreeMap::new();
        for fan in FANS.iter().filter(|fan| brand.records.contains_key(&format!("fan:{fan}"))) {
            if let Some(follow) = &brand.state(fan).follow {
                *followers.entry(follow.channel.clone()).or_insert(0_i64) += 1;
            }
        }
        let (mut channels, general) = brand.counts("count:all");
        prop_assert_eq!(general.total.followers(), followers.values().sum::<i64>());
        channels.retain(|_, metrics| metrics.followers() != 0);
        let counted: BTreeMap<_, _> = channels.into_iter().map(|(name, metrics)| (name, metrics.followers())).collect();
        prop_assert_eq!(counted, followers);
    }

    #[test]
    fn the_counts_are_those_of_the_slow_and_simple_way(entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50)) {
        let brand = folded(&late(&entries, &delays), &[5]);
        let (channels, _) = brand.counts("count:d:");
        let mut counts: BTreeMap<(String, Metric), i64> = BTreeMap::new();
        for (channel, metrics) in &channels {
            for (_, metric) in Metric::ALL.into_iter().filter(|(_, metric)| !matches!(metric, Metric::Bought | Metric::BoughtAgain)) {
                counts.insert((channel.clone(), metric), metrics.get(metric));
            }
        }
        counts.retain(|_, count| *count != 0);
        prop_assert_eq!((counts, brand.paths()), oracle::counts(&entries));
    }

    #[test]
    fn the_counts_of_pushes_are_those_of_the_slow_and_simple_way_and_none_is_lost(
        entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50),
    ) {
        let brand = folded(&late(&entries, &delays), &[5]);
        let counted = pushes::counted(&brand);
        prop_assert_eq!(&counted, &pushes::counts(&entries));
        for (day, series, _) in counted.keys() {
            let number = |name: &str| counted.get(&(day.clone(), series.clone(), name.to_owned())).copied().unwrap_or(0);
            let ends = ["waiting", "sent", "delivered", "refused", "unknown", "skipped_late"];
            prop_assert_eq!(number("planned"), ends.into_iter().map(number).sum::<i64>());
        }
    }

    #[test]
    fn hand_overs_and_sessions_are_counted_as_the_slow_and_simple_way_counts_them(
        entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50),
    ) {
        let brand = folded(&late(&entries, &delays), &[5]);
        prop_assert_eq!(people::counted(&brand), people::counts(&entries));
    }

    #[test]
    fn the_counts_of_dialogs_are_those_of_the_slow_and_simple_way(
        entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50),
    ) {
        let brand = folded(&late(&entries, &delays), &[5]);
        prop_assert_eq!(brand.dialogs(), super::dialogs::counts(&entries));
        for fan in FANS.iter().filter(|fan| brand.records.contains_key(&format!("fan:{fan}"))) {
            let state = brand.state(fan);
            let fields = state.dialogs.fields(Timestamp(0)).map(|(name, field)| (name.to_owned(), field.value.clone()));
            prop_assert_eq!(fields.collect::<BTreeMap<_, _>>(), super::dialogs::fields(&entries, fan));
        }
    }

    #[test]
    fn the_due_lists_are_those_of_the_slow_and_simple_way(
        entries in entries(), delays in prop::collection::vec(0..600_u64, 1..50),
    ) {
        let brand = folded(&late(&entries, &delays), &[5]);
        let days = brand.records.keys().filter_map(|key| key.strip_prefix("due:")?.strip_suffix(":head")?.parse().ok());
        let listed = |day: u64| brand.list(&push::due(day)).into_iter().flatten().map(move |due| (day, due.openid.to_string(), due.product, due.basis, due.run_out));
        let mut due: Vec<_> = days.flat_map(listed).collect();
        due.sort();
        prop_assert_eq!(due, pushes::due(&entries));
    }
}
