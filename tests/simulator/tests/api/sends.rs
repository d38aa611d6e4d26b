//! The three ways to a fan's screen ([protocol 8.1, 8.2, 8.4](../../../../shared/docs/wechat-protocol.md#8.1)).

use crate::world::*;
use guanxi_simulator::{
    Act,
    api::{Account, Api, CLIENT_MSG_ID_LASTS, Outcomes},
};
use serde_json::{Value, json};

/// The value of `errcode`, and how many copies the books have since the last time.
fn send(account: &mut Account, now: u64, api: Api, body: &Value) -> (i64, usize) {
    let before = account.books().sightings.len();
    let code = code_of(&ask(account, now, api, body));
    (code, account.books().sightings.len() - before)
}

#[test]
fn a_template_message_reaches_whom_it_may_and_the_rest_get_their_error() {
    let mut account = account(rules());
    let with = |field: &str, value: Value| {
        let mut body = reminder("oFan", field);
        body[field] = value;
        body
    };
    let cases = [
        (reminder("oFan", "1"), 0),
        (reminder("oNobody", "1"), 40_003),
        (reminder("oGone", "1"), 43_004),
        (reminder("oBlack", "1"), 43_019),
        (reminder("oLimited", "1"), 50_002),
        (with("touser", json!(null)), 40_003),
        (with("template_id", json!("other")), 40_037),
        (with("template_id", json!("ntc")), 40_037),
        (with("data", json!({})), 47_003),
    ];
    for (body, code) in cases {
        assert_eq!(send(&mut account, NOW, Api::Template, &body), (code, usize::from(code == 0)), "{body}");
    }
}

#[test]
fn a_field_that_is_missing_empty_or_of_another_type_is_named() {
    let mut account = account(rules());
    let cases = [
        ("thing1", json!({})),
        ("thing1", json!({ "value": "" })),
        ("thing1", json!({ "value": "二十一个字二十一个字二十一个字二十一个字多" })),
        ("time2", json!({ "value": "明天" })),
    ];
    for (field, value) in cases {
        let mut body = reminder("oFan", "1");
        body["data"][field] = value;
        let answer = ask(&mut account, NOW, Api::Template, &body);
        assert_eq!(code_of(&answer), 47_003, "{body}");
        let expected = format!("argument invalid! data.{field}.value invalid rid: ");
        assert!(answer["errmsg"].as_str().unwrap().starts_with(&expected), "{answer}");
    }
}

#[test]
fn a_client_msg_id_holds_for_one_fan_and_ten_minutes_from_the_first_send_and_not_a_moment_longer() {
    let mut account = account(rules());
    let first = ask(&mut account, NOW, Api::Template, &reminder("oFan", "1"));
    assert!(first["msgid"].as_u64().unwrap() > 1 << 53, "{first}");
    let end = NOW + CLIENT_MSG_ID_LASTS;
    for now in [NOW, NOW + 8 * MINUTE, end - 1] {
        assert_eq!(ask(&mut account, now, Api::Template, &reminder("oFan", "1")), first);
    }
    assert_eq!(send(&mut account, NOW, Api::Template, &reminder("oFan", "2")), (0, 1));
    assert_eq!(send(&mut account, NOW, Api::Template, &reminder("oOther", "1")), (0, 1));
    assert_eq!((account.books().repeats, account.books().copies_beyond_one().len()), (3, 0));

    let again = ask(&mut account, end, Api::Template, &reminder("oFan", "1"));
    assert_ne!(again["msgid"], first["msgid"]);
    let beyond = account.books().copies_beyond_one();
    assert_eq!(beyond.len(), 1);
    assert_eq!((&*beyond[0].openid, beyond[0].at), ("oFan", end));
}

#[test]
fn a_send_that_was_refused_does_not_use_its_client_msg_id_up() {
    let mut account = account(rules());
    assert_eq!(send(&mut account, NOW, Api::Template, &reminder("oGone", "1")), (43_004, 0));
    account.audience.fan("oGone").follow(NOW);
    assert_eq!(send(&mut account, NOW, Api::Template, &reminder("oGone", "1")), (0, 1));
}

#[test]
fn a_repeat_may_be_answered_without_its_msgid() {
    let mut rules = rules();
    rules.repeats_without_msgid = 1.0;
    let mut account = account(rules);
    ask(&mut account, NOW, Api::Template, &reminder("oFan", "1"));
    let repeated = ask(&mut account, NOW, Api::Template, &reminder("oFan", "1"));
    assert_eq!(repeated, json!({ "errcode": 0, "errmsg": "ok" }));
}

#[test]
fn without_a_client_msg_id_everything_is_sent_again_and_the_books_know_it_by_its_words() {
    let mut account = account(rules());
    let mut body = reminder("oFan", "");
    assert_eq!(send(&mut account, NOW, Api::Template, &body), (0, 1));
    assert_eq!(send(&mut account, NOW, Api::Template, &body), (0, 1));
    assert_eq!(account.books().copies_beyond_one().len(), 1);
    body["data"]["thing1"]["value"] = json!("幼猫粮");
    assert_eq!(send(&mut account, NOW, Api::Template, &body), (0, 1));
    assert_eq!(account.books().copies_beyond_one().len(), 1);
}

#[test]
fn what_became_of_a_template_message_is_reported_with_its_msgid() {
    let cases = [
        ("oFan", 0.0, "success", 1),
        ("oRefuses", 0.0, "failed:user block", 0),
        ("oFan", 1.0, "failed: system failed", 0),
    ];
    for (openid, failed, status, copies) in cases {
        let mut rules = rules();
        rules.outcomes.failed = failed;
        let mut account = account(rules);
        let answer = ask(&mut account, NOW, Api::Template, &reminder(openid, "1"));
        let msgid = answer["msgid"].as_u64().unwrap();
        assert_eq!(account.books().sightings.len(), copies, "{status}");
        let due = account.next_callback().unwrap();
        assert!(account.due_callbacks(due - 1).is_empty());
        let callbacks = account.due_callbacks(due);
        assert_eq!(callbacks.len(), 1);
        assert_eq!((&*callbacks[0].openid, &callbacks[0].act), (openid, &Act::TemplateFinished { msgid, status }));
        assert_eq!(account.next_callback(), None);
    }
}

#[test]
fn reports_come_soon_early_hours_later_twice_or_never_as_the_rules_say() {
    type Due = fn(u64) -> bool;
    let soon: Due = |wait| (200..=5_000).contains(&wait);
    let hours: Due = |wait| (HOUR..=12 * HOUR).contains(&wait);
    let none = Outcomes::default();
    let cases = [
        (none, 1, soon),
        (Outcomes { early: 1.0, ..none }, 1, |wait| wait == 0),
        (Outcomes { late: 1.0, ..none }, 1, hours),
        (Outcomes { twice: 1.0, ..none }, 2, soon),
        (Outcomes { lost: 1.0, ..none }, 0, soon),
    ];
    for (outcomes, count, first) in cases {
        let mut rules = rules();
        rules.outcomes = outcomes;
        let mut account = account(rules);
        ask(&mut account, NOW, Api::Template, &reminder("oFan", "1"));
        let callbacks = account.due_callbacks(NOW + 13 * HOUR);
        assert_eq!(callbacks.len(), count, "{outcomes:?}");
        assert!(callbacks.first().is_none_or(|callback| first(callback.due - NOW)), "{callbacks:?}");
        if let [one, two] = &*callbacks {
            assert_eq!((&one.act, one.create_time), (&two.act, two.create_time));
            assert!((SECOND..=MINUTE).contains(&(two.due - one.due)), "{callbacks:?}");
        }
    }
}

#[test]
fn a_notice_uses_one_permission_up_and_needs_no_follower() {
    let mut account = account(rules());
    assert_eq!(send(&mut account, NOW, Api::Notice, &notice("oGone")), (43_101, 0));
    let popup = |accept| Act::Popup { template_id: "ntc".to_owned(), accept };
    account.audience.act("oGone", &popup(true), NOW);
    account.audience.act("oGone", &popup(false), NOW);
    assert_eq!(account.audience.get("oGone").unwrap().permissions("ntc"), 1);
    for (template_id, code) in [("tpl", 40_037), ("other", 40_037)] {
        let mut body = notice("oGone");
        body["template_id"] = json!(template_id);
        assert_eq!(send(&mut account, NOW, Api::Notice, &body), (code, 0));
    }
    let mut body = notice("oGone");
    body["data"]["thing1"]["value"] = json!("");
    assert_eq!(send(&mut account, NOW, Api::Notice, &body), (47_003, 0));
    assert_eq!(send(&mut account, NOW, Api::Notice, &notice("oGone")), (0, 1));
    assert_eq!(send(&mut account, NOW, Api::Notice, &notice("oGone")), (43_101, 0));
    assert_eq!(send(&mut account, NOW, Api::Notice, &notice("oBlack")), (43_019, 0));
    assert_eq!(send(&mut account, NOW, Api::Notice, &notice("oNobody")), (40_003, 0));
}

#[test]
fn a_notice_is_reported_under_a_msgid_that_its_answer_may_have_told() {
    for tells in [false, true] {
        let mut rules = rules();
        rules.notices_tell_msgid = tells;
        let mut account = account(rules);
        account.audience.fan("oFan").permit("ntc", 1);
        let answer = ask(&mut account, NOW, Api::Notice, &notice("oFan"));
        let callbacks = account.due_callbacks(NOW + MINUTE);
        let Act::NoticeSent { template_id, msgid, failed } = &callbacks[0].act else { panic!("{callbacks:?}") };
        assert_eq!((&**template_id, *failed), ("ntc", false));
        assert_eq!(answer["msgid"].as_u64(), tells.then_some(*msgid));
    }
}

#[test]
fn a_message_opens_a_window_of_48_hours_and_five_messages() {
    let mut account = account(rules());
    assert_eq!(send(&mut account, NOW, Api::Message, &message("oFan")), (45_015, 0));
    account.audience.act("oFan", &Act::Text("在吗".to_owned()), NOW);
    let end = NOW + 48 * HOUR;
    for _ in 0..4 {
        assert_eq!(send(&mut account, NOW, Api::Message, &message("oFan")), (0, 1));
    }
    assert_eq!(send(&mut account, end - 1, Api::Message, &message("oFan")), (0, 1));
    assert_eq!(send(&mut account, end - 1, Api::Message, &message("oFan")), (45_047, 0));
    assert_eq!(send(&mut account, end, Api::Message, &message("oFan")), (45_015, 0));
    account.audience.act("oFan", &Act::Image, end);
    assert_eq!(send(&mut account, end, Api::Message, &message("oFan")), (0, 1));
}

#[test]
fn a_follow_a_scan_and_a_tap_each_open_a_minute_and_three_messages() {
    let acts =
        [Act::Follow { scene: None }, Act::Scan { scene: "poster".to_owned() }, Act::Click { key: "MENU".to_owned() }];
    for act in acts {
        let mut account = account(rules());
        account.audience.act("oFan", &act, NOW);
        for _ in 0..2 {
            assert_eq!(send(&mut account, NOW, Api::Message, &message("oFan")), (0, 1));
        }
        let end = NOW + MINUTE;
        assert_eq!(send(&mut account, end - 1, Api::Message, &message("oFan")), (0, 1));
        assert_eq!(send(&mut account, end - 1, Api::Message, &message("oFan")), (45_047, 0));
        account.audience.act("oFan", &act, end - 1);
        assert_eq!(send(&mut account, end, Api::Message, &message("oFan")), (0, 1), "counts begin anew");
        assert_eq!(send(&mut account, end + MINUTE, Api::Message, &message("oFan")), (45_015, 0));
    }
}

#[test]
fn the_short_window_is_used_before_the_long_one_and_a_fan_who_leaves_closes_both() {
    let mut account = account(rules());
    account.audience.act("oFan", &Act::Text("在吗".to_owned()), NOW);
    account.audience.act("oFan", &Act::Click { key: "MENU".to_owned() }, NOW);
    for _ in 0..3 {
        assert_eq!(send(&mut account, NOW, Api::Message, &message("oFan")), (0, 1));
    }
    for _ in 0..4 {
        assert_eq!(send(&mut account, NOW + HOUR, Api::Message, &message("oFan")), (0, 1));
    }
    account.audience.act("oFan", &Act::Unfollow, NOW + HOUR);
    assert_eq!(send(&mut account, NOW + HOUR, Api::Message, &message("oFan")), (45_015, 0));
}

#[test]
fn a_customer_message_needs_a_fan_and_a_type() {
    let mut account = account(rules());
    account.audience.fan("oBlack").write(NOW);
    let mut untyped = message("oFan");
    untyped["msgtype"] = json!("image");
    let cases = [(message("oNobody"), 40_003), (message("oBlack"), 43_019), (untyped, 40_008)];
    for (body, code) in cases {
        assert_eq!(send(&mut account, NOW, Api::Message, &body), (code, 0), "{body}");
    }
}
