use super::*;
use crate::scenario::Act;
use guanxi::wechat::fields::Format::{Json, Xml};

const NOW: u64 = 1_700_000_000;

fn message(act: Act) -> Message {
    Message { account: "gh_brand".into(), openid: "oFan".into(), create_time: NOW - 3, msg_id: 1, act }
}

fn asked() -> Message {
    message(Act::Text("猫粮".into()))
}

fn tapped() -> Message {
    message(Act::Click { key: "K".into() })
}

/// A reply with everything right around `rest`.
fn reply(rest: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[oFan]]></ToUserName><FromUserName><![CDATA[gh_brand]]></FromUserName>\
         <CreateTime>{NOW}</CreateTime>{rest}</xml>"
    )
}

fn text(content: &str) -> String {
    reply(&format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>"))
}

fn news(count: usize, stated: &str) -> String {
    let item = "<item><Title>t</Title><Description></Description><PicUrl/><Url>https://e.com</Url></item>";
    let items = item.repeat(count);
    reply(&format!("<MsgType>news</MsgType><ArticleCount>{stated}</ArticleCount><Articles>{items}</Articles>"))
}

#[test]
fn every_kind_of_good_answer_is_shown() {
    let cards = |count| Seen::Cards(vec!["t".to_owned(); count]);
    let transfer = "<MsgType>transfer_customer_service</MsgType>";
    let cases = [
        (asked(), text("有货"), Seen::Text("有货".into())),
        (asked(), text("a]]]]><![CDATA[>b"), Seen::Text("a]]>b".into())),
        (asked(), text(&"x".repeat(TEXT_MAX)), Seen::Text("x".repeat(TEXT_MAX))),
        (asked(), reply("<MsgType>text</MsgType><Content>&lt;&amp;</Content>"), Seen::Text("<&".into())),
        (asked(), reply("<MsgType>image</MsgType><Image><MediaId>m</MediaId></Image>"), Seen::Image("m".into())),
        (asked(), reply("<MsgType>voice</MsgType><Voice><MediaId>m</MediaId></Voice>"), Seen::Voice("m".into())),
        (asked(), reply("<MsgType>video</MsgType><Video><MediaId>m</MediaId></Video>"), Seen::Video("m".into())),
        (
            asked(),
            reply("<MsgType>music</MsgType><Music><Title>s</Title><ThumbMediaId>m</ThumbMediaId></Music>"),
            Seen::Music("s".into()),
        ),
        (asked(), news(1, "1"), cards(1)),
        (tapped(), news(8, "8"), cards(8)),
        (message(Act::Follow { scene: None }), text("欢迎"), Seen::Text("欢迎".into())),
        (asked(), reply(transfer), Seen::Agent),
        (asked(), reply(&format!("{transfer}<TransInfo><KfAccount>a@gh</KfAccount></TransInfo>")), Seen::Agent),
    ];
    for (message, answer, seen) in cases {
        assert_eq!(judge(&answer, Xml, &message, NOW), Verdict::Shown(seen), "{answer}");
    }
}

#[test]
fn success_and_nothing_are_silence_and_only_these() {
    for (answer, silent) in [("success", true), ("", true), ("success\n", false), ("Success", false), (" ", false)] {
        assert_eq!(judge(answer, Xml, &asked(), NOW) == Verdict::Silent, silent, "{answer:?}");
    }
}

#[test]
fn every_kind_of_bad_answer_is_a_fault_of_its_name() {
    let fault = |answer: &str| match judge(answer, Xml, &asked(), NOW) {
        Verdict::Fault(fault) => fault,
        other => panic!("{answer} gave {other:?}"),
    };
    let address = |field, found: &str, expected: &str| Fault::Address {
        field,
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    let good = text("a");
    let count = |stated: &str, found| Fault::ArticleCount { stated: stated.to_owned(), found };
    let cases = [
        (good.replace("[oFan]", "[oOther]"), address("ToUserName", "oOther", "oFan")),
        (good.replace("[gh_brand]", "[]"), address("FromUserName", "", "gh_brand")),
        (good.replace("<CreateTime>1", "<CreateTime>[1"), Fault::CreateTime(format!("[{NOW}"))),
        (good.replace("<CreateTime>1", "<CreateTime>+1"), Fault::CreateTime(format!("+{NOW}"))),
        (good.replace("<CreateTime>17", "<CreateTime>16"), Fault::CreateTime((NOW - 100_000_000).to_string())),
        (good.replace("xml>", "reply>"), Fault::Root("reply".to_owned())),
        (good.replace("[text]", "[Text]"), Fault::MsgType("Text".to_owned())),
        (reply(""), Fault::MsgType(String::new())),
        (text("a").replace("<xml>", "<xml><CreateTime>1</CreateTime>"), Fault::CreateTime(String::new())),
        (text(""), Fault::Missing("Content")),
        (text(" \n"), Fault::Missing("Content")),
        (text(&"猫".repeat(683)), Fault::TextTooLong(2_049)),
        (reply("<MsgType>image</MsgType>"), Fault::Missing("Image")),
        (reply("<MsgType>image</MsgType><MediaId>m</MediaId>"), Fault::Missing("Image")),
        (reply("<MsgType>voice</MsgType><Voice><MediaId/></Voice>"), Fault::Missing("MediaId")),
        (reply("<MsgType>video</MsgType><Video><Title>t</Title></Video>"), Fault::Missing("MediaId")),
        (reply("<MsgType>music</MsgType><Music><Title>t</Title></Music>"), Fault::Missing("ThumbMediaId")),
        (news(0, "0"), count("0", 0)),
        (news(1, "2"), count("2", 1)),
        (news(1, " 1"), count(" 1", 1)),
        (news(2, "2"), Fault::TooManyArticles(2)),
        (news(1, "1").replace("<PicUrl/>", ""), Fault::Missing("PicUrl")),
        (news(1, "1").replace("<Title>t</Title>", ""), Fault::Missing("Title")),
    ];
    for (answer, expected) in cases {
        assert_eq!(fault(&answer), expected, "{answer}");
    }
    let unreadable = ["{\"Content\":\"a\"}", "busy", &text("a\u{1}b"), &text("a\u{ffff}b"), &format!("{good}{good}")];
    for answer in unreadable {
        assert!(matches!(fault(answer), Fault::Unreadable(_)), "{answer}");
    }
}

#[test]
fn json_is_an_answer_for_an_account_that_has_json_and_for_no_other() {
    let head = format!("\"ToUserName\":\"oFan\",\"FromUserName\":\"gh_brand\",\"CreateTime\":{NOW}");
    let text = format!("{{{head},\"MsgType\":\"text\",\"Content\":\"有货\"}}");
    assert_eq!(judge(&text, Json, &asked(), NOW), Verdict::Shown(Seen::Text("有货".into())));
    let item = "{\"Title\":\"t\",\"Description\":\"\",\"PicUrl\":\"\",\"Url\":\"u\"}";
    let news = |items: &str| {
        let articles = format!("\"ArticleCount\":1,\"Articles\":{{\"item\":{items}}}");
        format!("{{{head},\"MsgType\":\"news\",{articles}}}")
    };
    for items in [item, &format!("[{item}]")] {
        assert_eq!(judge(&news(items), Json, &asked(), NOW), Verdict::Shown(Seen::Cards(vec!["t".into()])));
    }
    assert!(matches!(judge(&text, Xml, &asked(), NOW), Verdict::Fault(Fault::Unreadable(_))));
    assert!(matches!(judge(&self::text("a"), Json, &asked(), NOW), Verdict::Fault(Fault::Unreadable(_))));
}

#[test]
fn what_depends_on_the_push_is_judged_by_the_push() {
    let transfer = reply("<MsgType>transfer_customer_service</MsgType>");
    assert_eq!(judge(&transfer, Xml, &tapped(), NOW), Verdict::Fault(Fault::HandOverOfEvent));
    assert_eq!(judge(&news(9, "9"), Xml, &tapped(), NOW), Verdict::Fault(Fault::TooManyArticles(9)));
    for act in [Act::Unfollow, Act::Unknown, Act::View { url: "https://e.com".into() }] {
        let expected = Verdict::Fault(Fault::TakesNoReply(act.kind()));
        assert_eq!(judge(&text("a"), Xml, &message(act), NOW), expected);
    }
}

#[test]
fn a_notice_is_shown_where_the_fan_waits_and_nowhere_else() {
    let fault = Verdict::Fault(Fault::NotUtf8);
    assert_eq!(fault.notice(&asked()), Some(OUT_OF_ORDER));
    assert_eq!(Verdict::NoAnswer.notice(&tapped()), Some(UNAVAILABLE));
    assert_eq!(Verdict::NoAnswer.notice(&message(Act::Unfollow)), None);
    assert_eq!(Verdict::Silent.notice(&asked()), None);
}

#[test]
fn answers_are_compared_in_everything_but_create_time() {
    let now = text("a");
    let later = now.replace("1700000000", "1700000005");
    assert_ne!(now, later);
    assert_eq!(without_create_time(&now), without_create_time(&later));
    assert_ne!(without_create_time(&now), without_create_time(&text("b")));
    assert_ne!(without_create_time(&text("1")), without_create_time(&text("2")));
}
