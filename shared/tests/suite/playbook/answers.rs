//! What the sample brand answers, and what every playbook keeps to.

use crate::compile;
use guanxi::{
    facts::{FanStatus, Touch},
    playbook::{Action, Answer, Inbound, InboundKind, LoadError, Playbook, Scan, ScanEvent},
    time::Timestamp,
    wechat::{Event, Kind, Message, Reply, fields::Fields},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SAMPLE: &str = include_str!("../../../../functions/playbook.toml");
/// Monday 2026-03-02, 10:00 in Beijing.
const MONDAY_TEN: u64 = 1_772_416_800;
const HOUR: u64 = 3_600;

fn load(source: &str) -> Playbook {
    let compiled = compile(source).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Playbook::load(&compiled).unwrap()
}

fn message(kind: InboundKind, text: &str) -> Inbound {
    Inbound {
        account: "gh_1".into(),
        fan: "oFan".into(),
        create_time: Timestamp(MONDAY_TEN),
        identity: "gh_1|oFan|1|text|1".into(),
        kind,
        text: text.into(),
        attached: String::new(),
    }
}

fn rule(answer: &Answer) -> &str {
    answer.rule.as_deref().unwrap_or("-")
}

fn text(answer: &Answer) -> &str {
    match &answer.action {
        Action::Reply(Reply::Text { content }) => content,
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn the_sample_brand_answers_what_a_reader_of_its_file_expects() {
    use InboundKind::*;
    let playbook = load(SAMPLE);
    for (kind, words, expected) in [
        (Text, "有猫粮吗", "food"),
        (Text, " 猫 粮 ", "food"),
        (Text, "Ｃａｔ　ＦＯＯＤ?", "food"),
        (Text, "猫粮多少钱", "price"),
        (Text, "贵吗", "price"),
        (Text, "换粮后拉稀", "sick"),
        (Text, "3个月的猫吃什么", "kitten"),
        (Text, "领取", "coupon"),
        (Text, "带领", "-"),
        (Text, "谢谢", "thanks"),
        (Text, "谢谢你", "-"),
        (Text, "OK", "thanks"),
        (Text, "单号：123456789012345678", "order_number"),
        (Text, "12345", "-"),
        (Text, "人工", "agent"),
        (Text, "0", "agent"),
        (Text, "10", "-"),
        (Voice, "怎么换呀", "switching"),
        (Voice, "", "voice_unheard"),
        (Image, "", "photo"),
        (ShortVideo, "", "photo"),
        (Location, "杭州市上城区", "nearby"),
        (MiniProgramPage, "猫粮专场", "-"),
        (File, "体检报告.pdf", "-"),
        (Click, "MENU_BESTSELLERS", "menu_bestsellers"),
        (Click, "MENU_UNKNOWN", "-"),
        (ScancodeWaitmsg, "EAN_13,6901234567892", "barcode"),
        (Subscribe, "", "welcome"),
        (Scan, "", "scan"),
        (LocationReport, "", "-"),
        (EnterTempsession, "", "-"),
    ] {
        let answer = playbook.answer(&message(kind, words), None, None);
        assert_eq!(rule(&answer), expected, "{kind:?} {words}");
    }
}

#[test]
fn the_default_answers_messages_and_no_events() {
    let playbook = load(SAMPLE);
    let answer = playbook.answer(&message(InboundKind::Text, "喵喵喵"), None, None);
    assert_eq!(text(&answer), "「喵喵喵」我还不会答，已经记下来啦。回复「人工」可以找客服。");
    assert_eq!(answer.rule, None);
    assert_eq!(playbook.answer(&message(InboundKind::Text, "谢谢"), None, None).action, Action::Nothing);
    let only_default = load(
        "version = 1\nname = \"n\"\naccount = \"service\"\ndefault = \"d\"\n[replies.d]\ntype = \"text\"\ncontent = \"d\"",
    );
    for (name, kind) in InboundKind::ALL {
        let answer = only_default.answer(&message(kind, "X"), None, None);
        assert_eq!(answer.action != Action::Nothing, kind.is_message(), "{name}");
    }
}

#[test]
fn agents_get_the_fan_while_they_are_there() {
    let playbook = load(SAMPLE);
    let at = |hours: u64| {
        let mut message = message(InboundKind::Text, "人工");
        message.create_time = Timestamp(MONDAY_TEN + hours * HOUR);
        playbook.answer(&message, None, None)
    };
    assert_eq!(at(0).action, Action::HandOver { kf_account: None });
    assert_eq!(at(10).action, Action::HandOver { kf_account: None });
    assert_eq!(text(&at(11)), "客服休息啦，明天 9:30就回你。你的话我们都记下了。");
    assert_eq!(rule(&at(24 * 5)), "agent", "Saturday at ten");
    assert_eq!(rule(&at(24 * 5 + 2)), "agent_away", "Saturday at noon");
}

#[test]
fn a_follow_through_a_channel_gets_that_channels_welcome() {
    let playbook = load(SAMPLE);
    for (key, follows, expected) in [
        ("qrscene_bag_kitten", &[][..], "welcome_kitten"),
        ("qrscene_bag_2kg", &[], "welcome_package"),
        ("qrscene_bag_2kg", &[Timestamp(1)], "welcome_back"),
        ("qrscene_shop_hangzhou_01", &[Timestamp(1)], "welcome_shop"),
        ("qrscene_unheard_of", &[], "welcome"),
        ("last_trade_no_1", &[Timestamp(1)], "welcome_back"),
        ("", &[], "welcome"),
    ] {
        let message = message(InboundKind::Subscribe, "");
        let (event, create_time) = (ScanEvent::Subscribe, message.create_time);
        let touch = Scan { event, event_key: key.into(), create_time }.touch(follows);
        assert_eq!(rule(&playbook.answer(&message, touch.as_ref(), None)), expected, "{key}");
    }
    let touch = Touch { channel: Some("poster_metro_sh".into()), fan: FanStatus::Follower };
    let answer = playbook.answer(&message(InboundKind::Scan, ""), Some(&touch), None);
    assert_eq!(text(&answer), "你扫的是「上海地铁海报」，有什么想问的直接打字就行。");
}

#[test]
fn a_news_reply_carries_the_fan_in_its_address() {
    let answer = load(SAMPLE).answer(&message(InboundKind::Click, "menu_bestsellers"), None, None);
    let Action::Reply(Reply::News { articles }) = answer.action else { panic!("no news") };
    assert_eq!(articles.len(), 2);
    assert_eq!(articles[0].url, "https://www.example.com/p/adult?u=oFan");
}

#[test]
fn where_there_are_no_dialogs_no_conversation_is_looked_at_or_written() {
    let playbook = Playbook::load(&compile(SAMPLE).unwrap()).unwrap();
    assert!(!playbook.converses());
    let message = message(InboundKind::Text, "你好");
    let answer = playbook.answer(&message, None, Some(b"anything"));
    assert_eq!(answer, playbook.answer(&message, None, None));
    assert_eq!((answer.conversation, answer.left), (None, Vec::new()));
}

#[test]
fn a_choice_by_weight_is_the_same_for_a_retry_and_as_frequent_as_its_weight() {
    let playbook = load(SAMPLE);
    let mut stickers = 0;
    let mut drawn_together = 0;
    for i in 0..10_000 {
        let draw = |kind, text: &str| {
            let mut message = message(kind, text);
            message.identity = format!("gh_1|oFan|{MONDAY_TEN}|image|{i}");
            let (first, retry) = (playbook.answer(&message, None, None), playbook.answer(&message, None, None));
            assert_eq!(first, retry);
            first.action
        };
        let sticker = matches!(draw(InboundKind::Image, ""), Action::Reply(Reply::Image { .. }));
        let coupon =
            matches!(draw(InboundKind::Text, "券"), Action::Reply(Reply::Text { content }) if content.contains("199"));
        stickers += u32::from(sticker);
        drawn_together += u32::from(sticker && coupon);
    }
    // Weights 9 : 1, and 1 : 1 for the coupons; four standard deviations are 120 and 87.
    assert!((880..=1_120).contains(&stickers), "{stickers}");
    assert!((413..=587).contains(&drawn_together), "two rules draw independently: {drawn_together}");
}

#[test]
fn what_the_fan_wrote_is_repeated_only_so_far() {
    let answer = load(SAMPLE).answer(&message(InboundKind::Text, &"喵".repeat(5_000)), None, None);
    assert!(text(&answer).starts_with(&format!("「{}」", "喵".repeat(60))));
}

#[test]
fn bytes_that_are_no_playbook_of_ours_are_refused() {
    let good = compile(SAMPLE).unwrap();
    let load = |bytes: &[u8]| Playbook::load(bytes).err();
    assert_eq!(load(b""), Some(LoadError::NotAPlaybook));
    assert_eq!(load(SAMPLE.as_bytes()), Some(LoadError::NotAPlaybook));
    assert_eq!(load(&good[..5]), Some(LoadError::Damaged));
    assert_eq!(load(&good[..good.len() - 1]), Some(LoadError::Damaged));
    let mut newer = good.clone();
    newer[4] = 99;
    assert_eq!(load(&newer), Some(LoadError::OtherFormat(99)));
    for at in 6..good.len() {
        let mut damaged = good.clone();
        damaged[at] ^= 1;
        assert_eq!(load(&damaged), Some(LoadError::Damaged), "byte {at}");
    }
}

#[test]
fn the_same_file_compiles_to_the_same_bytes() {
    assert_eq!(compile(SAMPLE), compile(SAMPLE));
}

#[test]
fn only_pushes_that_may_be_answered_come_in() {
    let inbound = |kind: Kind| {
        Inbound::from_message(&Message {
            to_user_name: "gh_1".into(),
            from_user_name: "oFan".parse().unwrap(),
            create_time: Timestamp(7),
            msg_id: Some("42".into()),
            kind,
            other: Fields::default(),
        })
    };
    let key = || String::from("KEY");
    let scanned = Event::ScancodeWaitmsg { event_key: key(), scan_type: "qrcode".into(), scan_result: "R".into() };
    for (kind, expected) in [
        (Kind::Text { content: "喵".into(), bizmsgmenuid: None }, Some(("喵", "gh_1|oFan|7|text|42"))),
        (Kind::Event(Event::Click { event_key: key() }), Some(("KEY", "gh_1|oFan|7|event|CLICK|KEY|"))),
        (Kind::Event(Event::Scan { event_key: key(), ticket: None }), Some(("", "gh_1|oFan|7|event|SCAN|KEY|"))),
        (Kind::Event(scanned), Some(("R", "gh_1|oFan|7|event|scancode_waitmsg|KEY|"))),
        (Kind::Event(Event::View { event_key: key(), menu_id: None }), None),
        (Kind::Event(Event::Unsubscribe { event_key: key() }), None),
        (Kind::Other { msg_type: "x".into() }, None),
    ] {
        let inbound = inbound(kind.clone());
        let seen = inbound.as_ref().map(|inbound| (inbound.text.as_str(), inbound.identity.as_str()));
        assert_eq!(seen, expected, "{kind:?}");
    }
}
