//! Chance belongs to the request.

use crate::world::*;
use guanxi_simulator::api::{Account, Api, Callback, Fault, Latency, Moment, Outcomes, Rules, Trouble};

/// Every kind of bad luck.
fn rough(seed: u64) -> Rules {
    let faults = [Fault::Reset(Moment::Before), Fault::Reset(Moment::After), Fault::Status(503, Moment::After)];
    Rules {
        seed,
        latency: Latency::LogNormal { median: 50.0, p99: 300.0 },
        troubles: faults.map(|fault| Trouble { api: Some(Api::Template), ..Trouble::always(0.1, fault) }).into(),
        outcomes: Outcomes { failed: 0.1, early: 0.2, late: 0.2, twice: 0.2, lost: 0.1 },
        ..rules()
    }
}

const SENDS: usize = 200;

/// Sends to so many fans in this order, each twice at once, and tells each fan's fate, by fan.
fn play(seed: u64, order: impl Iterator<Item = usize>) -> (Vec<String>, Vec<Callback>, Account) {
    let mut account = account(rough(seed));
    let (token, _) = token(&mut account, NOW, false);
    let mut fates = vec![String::new(); SENDS];
    for fan in order {
        let openid = format!("oFan{fan}");
        account.audience.fan(&openid).follow(NOW);
        for _ in 0..2 {
            let fate = post(&mut account, NOW, &token, Api::Template, &reminder(&openid, "1"));
            fates[fan] += &format!("{} {} {:?} {:?}\n", fate.before, fate.after, fate.fault, fate.end);
        }
    }
    let mut callbacks = account.due_callbacks(u64::MAX - 1);
    callbacks.sort_by_key(|callback| (callback.due, callback.openid.clone()));
    (fates, callbacks, account)
}

#[test]
fn the_same_requests_meet_the_same_fate_in_any_order_and_another_in_another_world() {
    let (fates, callbacks, account) = play(1, 0..SENDS);
    let (other_fates, other_callbacks, other_account) = play(1, (0..SENDS).rev());
    assert_eq!(fates, other_fates);
    assert_eq!(callbacks, other_callbacks);
    let sorted = |account: &Account| {
        let mut copies = account.books().sightings.clone();
        copies.sort_by(|a, b| a.openid.cmp(&b.openid));
        copies
    };
    assert_eq!(sorted(&account), sorted(&other_account));
    assert_ne!(fates, play(2, 0..SENDS).0);
}

#[test]
fn shares_are_met_and_whatever_goes_wrong_nobody_sees_two() {
    let (_, callbacks, account) = play(3, 0..SENDS);
    let books = account.books();
    let faults: u64 = books.faults.values().sum();
    // 27.1 % of 400.
    assert!((80..=140).contains(&faults), "{faults}");
    let copies = books.sightings.len();
    assert!((160..200).contains(&copies), "{copies}");
    assert!(books.repeats > 100 && callbacks.len() > 150, "{} {}", books.repeats, callbacks.len());
    assert_eq!(books.copies_beyond_one(), Vec::<&_>::new());
}

#[test]
fn a_second_try_may_fare_better_than_the_first() {
    let mut rules = rules();
    rules.troubles = vec![Trouble::always(0.5, Fault::Busy(Moment::Before))];
    let mut account = Account::new(rules);
    let mut tries = |openid: &str| {
        let tries = (0..50).map(|_| post(&mut account, NOW, "", Api::Template, &reminder(openid, "1")));
        tries.take_while(|fate| fate.fault.is_some()).count()
    };
    let waits: Vec<_> = (0..50).map(|fan| tries(&format!("oFan{fan}"))).collect();
    assert!(waits.iter().all(|wait| *wait < 20), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait > 1), "{waits:?}");
}
