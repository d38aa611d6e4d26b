//! Which way a push goes: the first that can reach the fan.

use super::{
    brand::{Brand, START, allows, answer, answers, follow, news, notice_sent, openid, text, told},
    world::{MESSAGE, TEMPLATE, World, body, noon, request},
};
use guanxi::{
    conversation::Conversation,
    facts::{
        Entry,
        push::{PushId, Skip, What},
    },
    fold::fan::State,
    playbook::{Segment, Ways},
    push::{
        head::Standing,
        ledger::{self, Ledger, Subject, Went},
        plan::Known,
    },
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

#[test]
fn a_segment_by_fields_takes_who_has_one_of_the_values_as_long_as_it_holds() {
    let saved = [answer("pet", "cat", false, None), answer("size", "s", false, Some(2))];
    let fan = Brand::of([follow("o", 0, ""), answers("o", 10, "1", 1, saved)]).state("o");
    let fits = |fields: &[(&str, &[&str])], at: u64| {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let fields = fields.iter().map(|(name, wanted)| ((*name).to_owned(), values(wanted))).collect();
        let segment = Segment { fields, ..Segment::default() };
        segment.fits(&fan, &BTreeSet::new(), Timestamp(START + at))
    };
    assert!(fits(&[], 20) && fits(&[("pet", &["dog", "cat"])], 20));
    assert!(fits(&[("pet", &["cat"]), ("size", &["s"])], 20), "all of them");
    assert!(!fits(&[("pet", &["cat"]), ("size", &["m"])], 20), "not only one");
    assert!(!fits(&[("kg", &["4"])], 20), "who never said is in no segment");
    assert!(fits(&[("size", &["s"])], 2 * DAY + 9) && !fits(&[("size", &["s"])], 2 * DAY + 10));
}

/// A list of ways, with what each needs; notices and template messages have templates of their own.
pub(crate) fn listed(ways: &[&str]) -> String {
    let has = |way: &str| ways.contains(&way);
    let form = |id: &str| format!("template_id = \"{id}\"\nfields = {{ thing1 = \"年度体检\" }}\n");
    let mut keys = format!("way = {ways:?}\n");
    if has("message") {
        keys += "text = \"{name}\"\n";
    }
    keys += &match (has("notice"), has("template")) {
        (true, true) => form("n") + "template = { template_id = \"t\", fields = { thing1 = \"年度体检\" } }\n",
        (true, false) => form("n"),
        (false, true) => form("t"),
        (false, false) => String::new(),
    };
    keys
}

fn ways(ways: &[&str]) -> Ways {
    request(&body("a", "now", "", &listed(ways)), noon(30)).campaign.ways
}

/// One fan, as the fold made it of this history, at a moment.
struct Case {
    fan: State,
    ledger: Ledger,
    account: Standing,
}

impl Case {
    fn of(history: impl IntoIterator<Item = Entry>) -> Self {
        let fan = Brand::of([follow("o", 0, "")].into_iter().chain(history)).state("o");
        Self { fan, ledger: Ledger::default(), account: Standing::default() }
    }

    /// A push that left at a moment, and what became of it.
    fn left(mut self, id: &str, at: u64, went: Went, state: fn(Timestamp) -> ledger::State) -> Self {
        let (at, subject) = (Timestamp(START + at), Subject::Campaign(id.to_owned()));
        let state = state(at);
        self.ledger.add(
            ledger::Entry { id: PushId::of(id), subject, due: at, outcome_days: 1, planned: at, state, went: None },
            20,
        );
        self.ledger.leaves(PushId::of(id), went);
        self
    }

    fn way(&self, ways: &Ways, at: u64) -> Result<&'static str, Skip> {
        let (openid, tags) = (openid("o"), BTreeSet::new());
        let conversation = Conversation::default();
        let (ledger, unreadable) = (&self.ledger, false);
        let known = Known { openid: &openid, fan: Some(&self.fan), tags: &tags, conversation, ledger, unreadable };
        let at = Timestamp(START + at);
        let (id, subject) = (PushId::of("this"), Subject::Campaign("this".to_owned()));
        let state = ledger::State::Planned;
        let push = ledger::Entry { id, subject, due: at, outcome_days: 1, planned: at, state, went: None };
        known.way(&push, ways, &self.account, at).map(|content| content.way())
    }
}

fn sent(at: Timestamp) -> ledger::State {
    ledger::State::Sent(at, None)
}

#[test]
fn the_first_way_that_can_reach_the_fan_is_taken() {
    let wrote = || text("o", DAY, "喵", None);
    let allowed = || allows("o", DAY, "n");
    let both = Case::of([wrote(), allowed()]);
    let (only_wrote, only_allowed, neither) = (Case::of([wrote()]), Case::of([allowed()]), Case::of([]));
    let soon = DAY + HOUR;
    for (list, expected) in [
        (&["notice", "message"][..], [Ok("notice"), Ok("message"), Ok("notice"), Err(Skip::NoWindow)]),
        (&["message", "notice"], [Ok("message"), Ok("message"), Ok("notice"), Err(Skip::NoWindow)]),
        (&["notice", "message", "template"], [Ok("notice"), Ok("message"), Ok("notice"), Ok("template")]),
        (&["message", "template"], [Ok("message"), Ok("message"), Ok("template"), Ok("template")]),
        (&["notice"], [Ok("notice"), Err(Skip::NoWindow), Ok("notice"), Err(Skip::NoWindow)]),
    ] {
        let found = [&both, &only_wrote, &only_allowed, &neither].map(|case| case.way(&ways(list), soon));
        assert_eq!(found, expected, "{list:?}");
    }
    // What the fan allowed has no end; what the fan wrote has.
    let list = ways(&["message", "notice"]);
    assert_eq!(both.way(&list, DAY + 47 * HOUR), Ok("message"));
    assert_eq!(both.way(&list, DAY + 48 * HOUR), Ok("notice"));
    assert_eq!(only_wrote.way(&list, DAY + 48 * HOUR), Err(Skip::NoWindow));
    // A consent is one to a template.
    assert_eq!(Case::of([allows("o", DAY, "m")]).way(&list, 5 * DAY), Err(Skip::NoWindow));
}

#[test]
fn what_wechat_does_not_take_is_no_way() {
    let mut case = Case::of([text("o", DAY, "喵", None), allows("o", DAY, "n")]);
    let list = ways(&["notice", "message"]);
    let stop = |case: &mut Case, nth| case.account.stop(list.iter().nth(nth).unwrap());
    stop(&mut case, 0);
    assert_eq!(case.way(&list, DAY + HOUR), Ok("message"));
    assert_eq!(case.way(&list, 9 * DAY), Err(Skip::NoWindow), "the one that is left does not reach");
    stop(&mut case, 1);
    assert_eq!(case.way(&list, DAY + HOUR), Err(Skip::InvalidTemplate));
}

#[test]
fn one_consent_is_one_notice_until_an_event_says_that_it_was_sent_and_after() {
    let by = || Went::ByNotice("n".to_owned());
    let list = ways(&["notice"]);
    let once = || Case::of([allows("o", 0, "n")]);
    for state in [sent, ledger::State::Sending, ledger::State::Unknown] {
        assert_eq!(once().left("p", DAY, by(), state).way(&list, DAY + MINUTE), Err(Skip::NoWindow));
    }
    let other = Went::ByNotice("m".to_owned());
    assert_eq!(once().left("p", DAY, other, sent).way(&list, DAY + MINUTE), Ok("notice"), "of another template");
    assert_eq!(once().left("p", DAY, Went::ByMessage, sent).way(&list, DAY + MINUTE), Ok("notice"));
    let refused = |at| ledger::State::Refused(at, 43_101);
    assert_eq!(once().left("p", DAY, by(), refused).way(&list, DAY + MINUTE), Ok("notice"), "it used nothing up");
    assert_eq!(once().left("this", DAY, by(), ledger::State::Sending).way(&list, DAY + MINUTE), Ok("notice"), "itself");
    // No event says anything: after a while it is WeChat that says whether there is one left.
    assert_eq!(once().left("p", DAY, by(), sent).way(&list, DAY + 2 * HOUR), Ok("notice"));
    let twice = || [allows("o", 0, "n"), allows("o", 1, "n")];
    assert_eq!(Case::of(twice()).left("p", DAY, by(), sent).way(&list, DAY + MINUTE), Ok("notice"));
    // The event takes the consent, so the ledger's entry must not take another.
    let event = [told([news("o", "p", DAY, What::Sent(Some("9".into())))]), notice_sent("o", DAY + 5, "n", "9")];
    let reported = Case::of(twice().into_iter().chain(event.clone())).left("p", DAY, by(), sent);
    assert_eq!(reported.way(&list, DAY + MINUTE), Ok("notice"));
    let reported = Case::of([allows("o", 0, "n")].into_iter().chain(event)).left("p", DAY, by(), sent);
    assert_eq!(reported.way(&list, DAY + 9 * HOUR), Err(Skip::NoWindow));
}

#[test]
fn five_messages_go_out_on_one_of_the_fans_and_three_in_a_minute() {
    let list = ways(&["message"]);
    let wrote = |at: &[u64]| Case::of(at.iter().map(|at| text("o", *at, "喵", None)));
    let after = |case: Case, sends: &[u64]| {
        sends.iter().fold(case, |case, at| case.left(&format!("p{at}"), *at, Went::ByMessage, sent))
    };
    let hours = [1, 2, 3, 4, 5].map(|hour| DAY + hour * HOUR);
    assert_eq!(after(wrote(&[DAY]), &hours[..4]).way(&list, DAY + 6 * HOUR), Ok("message"));
    assert_eq!(after(wrote(&[DAY]), &hours).way(&list, DAY + 6 * HOUR), Err(Skip::NoWindow));
    assert_eq!(
        after(wrote(&[DAY, DAY + 5 * HOUR + 1]), &hours).way(&list, DAY + 6 * HOUR),
        Ok("message"),
        "begins anew"
    );
    let at_once = [1, 2, 3].map(|second| DAY + second);
    assert_eq!(after(wrote(&[DAY]), &at_once).way(&list, DAY + 61), Err(Skip::NoWindow));
    assert_eq!(after(wrote(&[DAY]), &at_once).way(&list, DAY + 62), Ok("message"));
}

#[test]
fn push_sends_each_fan_by_the_way_that_reaches_them() {
    let world = World::of([
        follow("both", 0, ""),
        allows("both", 1, "n"),
        text("both", 29 * DAY, "喵", None),
        follow("consent", 0, ""),
        allows("consent", 1, "n"),
        follow("neither", 0, ""),
        follow("talks", 0, ""),
        text("talks", 29 * DAY, "喵", None),
    ]);
    let body = body("a", "now", "", &format!("holdout = 0\n{}", listed(&["notice", "message", "template"])));
    let dry = world.dry_run(&body, noon(30));
    world.ask(&body, noon(30)).unwrap();
    let (_, reached) = world.push(noon(30));
    let expected = [("both", "notice"), ("consent", "notice"), ("neither", "template"), ("talks", "message")];
    assert_eq!(reached, expected.map(|(fan, way)| (fan.to_owned(), way)).into());
    let said: BTreeMap<&str, &str> = dry.rows.iter().map(|row| (row.openid.as_str(), row.way.unwrap())).collect();
    assert_eq!(said, expected.into());
    assert_eq!(
        dry.ways.iter().map(|way| (way.way, way.gets)).collect::<Vec<_>>(),
        [("notice", 2), ("message", 1), ("template", 1)]
    );
}

#[test]
fn a_push_in_doubt_goes_as_it_went() {
    let list = ways(&["notice", "message", "template"]);
    let entry = |went| ledger::Entry {
        id: PushId::of("p"),
        subject: Subject::Campaign("c".to_owned()),
        due: noon(1),
        outcome_days: 1,
        planned: noon(1),
        state: ledger::State::Sending(noon(1)),
        went,
    };
    let as_it_went = |list: &Ways, went| {
        let found = list.as_it_went(&entry(went))?;
        let all: Vec<&str> = found.iter().map(|content| content.way()).collect();
        assert_eq!(all.len(), 1);
        Some(all[0])
    };
    assert_eq!(as_it_went(&list, Some(Went::ByTemplate)), Some("template"));
    assert_eq!(as_it_went(&list, Some(Went::ByNotice("n".to_owned()))), Some("notice"));
    assert_eq!(as_it_went(&list, Some(Went::ByNotice("another".to_owned()))), None, "the playbook is another by now");
    assert_eq!(as_it_went(&list, None), None);
    assert_eq!(as_it_went(&request(&body("a", "now", "", TEMPLATE), noon(30)).campaign.ways, None), Some("template"));
    let message = request(&body("a", "now", "", MESSAGE), noon(30)).campaign.ways;
    assert_eq!(as_it_went(&message, Some(Went::ByTemplate)), None);
}
