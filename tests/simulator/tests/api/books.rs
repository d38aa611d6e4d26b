//! What the judge of a sender can read.

use crate::world::*;
use guanxi_simulator::api::{Api, End, Fault, Latency, Moment, Push, Trouble};
use std::collections::BTreeMap;

#[test]
fn a_copy_is_dated_to_when_it_arrives_and_named_by_its_client_msg_id() {
    let mut rules = rules();
    rules.latency = Latency::Fixed(100);
    let mut account = account(rules);
    let (token, _) = token(&mut account, NOW, false);
    let fate = post(&mut account, NOW, &token, Api::Template, &reminder("oFan", "push-7"));
    assert_eq!((fate.before, fate.after), (50, 50));
    let copy = &account.books().sightings[0];
    assert_eq!((&*copy.openid, copy.api, &*copy.what, copy.at), ("oFan", Api::Template, "tpl", NOW + 50));
    assert_eq!(copy.push, Push::Id("push-7".into()));
    assert_eq!(body_of(&fate)["msgid"].as_u64(), Some(copy.msgid));
    assert_eq!(account.books().milliseconds[&Api::Template], 100);
    assert_eq!(account.books().seen_by("oFan").count(), 1);
    assert_eq!(account.books().seen_by("oOther").count(), 0);
}

#[test]
fn what_broke_before_the_effect_had_none_and_what_broke_after_it_had_one() {
    let faults = [Fault::Reset, |moment| Fault::Status(502, moment), Fault::Busy];
    for fault in faults {
        for (moment, happened) in [(Moment::Before, 0), (Moment::After, 1)] {
            let mut rules = rules();
            rules.latency = Latency::Fixed(100);
            let fault = fault(moment);
            rules.troubles = vec![Trouble { api: Some(Api::Template), ..Trouble::always(1.0, fault) }];
            let mut account = account(rules);
            let (token, _) = token(&mut account, NOW, false);
            let fate = post(&mut account, NOW, &token, Api::Template, &reminder("oFan", "1"));
            match fault {
                Fault::Busy(_) => assert_eq!(code_of(&body_of(&fate)), -1),
                Fault::Status(status, _) => assert_eq!(fate.end, End::Answer { status, body: String::new() }),
                Fault::Reset(_) => assert_eq!(fate.end, End::Reset),
            }
            assert_eq!(fate.fault, Some(fault));
            assert_eq!((fate.before, fate.after), (50, 50 * happened), "{fault:?}");
            assert_eq!(account.books().sightings.len() as u64, happened, "{fault:?}");
            assert_eq!(account.books().faults, BTreeMap::from([(fault, 1)]));
            assert_eq!(account.used_today(Api::Template, NOW), happened, "{fault:?}");
            assert_eq!(account.next_callback().is_some(), happened == 1, "{fault:?}");
        }
    }
}

#[test]
fn a_trouble_lasts_from_its_first_moment_to_before_its_last() {
    let mut rules = rules();
    let fault = Fault::Busy(Moment::Before);
    rules.troubles = vec![Trouble { from: NOW + 10, until: NOW + 20, api: Some(Api::Quota), share: 1.0, fault }];
    let mut account = account(rules);
    let (token, _) = token(&mut account, NOW, false);
    for (after, code) in [(9, 76_021), (10, -1), (19, -1), (20, 76_021)] {
        let fate = post(&mut account, NOW + after, &token, Api::Quota, &serde_json::json!({}));
        assert_eq!(code_of(&body_of(&fate)), code, "{after}");
    }
}

#[test]
fn requests_are_in_flight_until_their_fate_is_dropped() {
    let mut account = account(rules());
    let (token, _) = token(&mut account, NOW, false);
    let fates = ["1", "2", "3"].map(|id| post(&mut account, NOW, &token, Api::Template, &reminder("oFan", id)));
    assert_eq!((account.books().in_flight(), account.books().in_flight_max), (3, 3));
    drop(fates);
    post(&mut account, NOW, &token, Api::Template, &reminder("oFan", "4"));
    assert_eq!((account.books().in_flight(), account.books().in_flight_max), (0, 3));
}

#[test]
fn calls_and_codes_are_counted_and_the_log_has_every_word_when_it_is_wanted() {
    let mut account = account(rules());
    let (token, _) = token(&mut account, NOW, false);
    post(&mut account, NOW, &token, Api::Template, &reminder("oGone", "1"));
    assert_eq!(account.books().log, None);
    account.keep_log();
    post(&mut account, NOW + 1, &token, Api::Template, &reminder("oFan", "1"));
    let books = account.books();
    assert_eq!(books.calls, BTreeMap::from([(Api::StableToken, 1), (Api::Template, 2)]));
    assert_eq!((books.code(0), books.code(43_004), books.accepted), (2, 1, 1));
    let log = books.log.as_deref().unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].at, &*log[0].path, &*log[0].body),
        (NOW + 1, Api::Template.path(), &*reminder("oFan", "1").to_string())
    );
}
