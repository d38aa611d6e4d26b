//! Replies as WeChat wants them written.

use guanxi::{
    time::Timestamp,
    wechat::{
        OpenId, Reply,
        fields::{Fields, Format},
        reply::{ARTICLES_MAX, Article, ReplyError, TEXT_MAX, cut_text},
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn render(reply: &Reply, format: Format) -> String {
    let fan: OpenId = "oia2TjuEGTNoeX76QEjQNrcURxG8".parse().unwrap();
    reply.render(format, &fan, "gh_7f083739789a", Timestamp(1_460_537_339))
}

fn article(n: usize) -> Article {
    Article {
        title: format!("title{n}"),
        description: format!("description{n}"),
        pic_url: format!("https://example.com/{n}.jpg"),
        url: format!("https://example.com/?a={n}&b"),
    }
}

/// Every type with what stands after `MsgType`, in XML and in JSON.
fn table() -> Vec<(Reply, &'static str, &'static str, &'static str)> {
    let some = |text: &str| Some(text.to_owned());
    vec![
        (
            Reply::Text { content: "你好\n<a href=\"https://example.com\">x</a>".into() },
            "text",
            "<Content><![CDATA[你好\n<a href=\"https://example.com\">x</a>]]></Content>",
            r#""Content":"你好\n<a href=\"https://example.com\">x</a>""#,
        ),
        (
            Reply::Image { media_id: "m".into() },
            "image",
            "<Image><MediaId><![CDATA[m]]></MediaId></Image>",
            r#""Image":{"MediaId":"m"}"#,
        ),
        (
            Reply::Voice { media_id: "m".into() },
            "voice",
            "<Voice><MediaId><![CDATA[m]]></MediaId></Voice>",
            r#""Voice":{"MediaId":"m"}"#,
        ),
        (
            Reply::Video { media_id: "m".into(), title: some("t"), description: None },
            "video",
            "<Video><MediaId><![CDATA[m]]></MediaId><Title><![CDATA[t]]></Title></Video>",
            r#""Video":{"MediaId":"m","Title":"t"}"#,
        ),
        (
            Reply::Music {
                title: some("t"),
                description: some("d"),
                music_url: some("u"),
                hq_music_url: some("h"),
                thumb_media_id: "m".into(),
            },
            "music",
            "<Music><Title><![CDATA[t]]></Title><Description><![CDATA[d]]></Description><MusicUrl><![CDATA[u]]></MusicUrl>\
             <HQMusicUrl><![CDATA[h]]></HQMusicUrl><ThumbMediaId><![CDATA[m]]></ThumbMediaId></Music>",
            r#""Music":{"Title":"t","Description":"d","MusicUrl":"u","HQMusicUrl":"h","ThumbMediaId":"m"}"#,
        ),
        (
            Reply::News { articles: vec![article(1), article(2)] },
            "news",
            "<ArticleCount>2</ArticleCount><Articles><item><Title><![CDATA[title1]]></Title>\
             <Description><![CDATA[description1]]></Description><PicUrl><![CDATA[https://example.com/1.jpg]]></PicUrl>\
             <Url><![CDATA[https://example.com/?a=1&b]]></Url></item><item><Title><![CDATA[title2]]></Title>\
             <Description><![CDATA[description2]]></Description><PicUrl><![CDATA[https://example.com/2.jpg]]></PicUrl>\
             <Url><![CDATA[https://example.com/?a=2&b]]></Url></item></Articles>",
            r#""ArticleCount":2,"Articles":{"item":[{"Title":"title1","Description":"description1","PicUrl":"https://example.com/1.jpg","Url":"https://example.com/?a=1&b"},{"Title":"title2","Description":"description2","PicUrl":"https://example.com/2.jpg","Url":"https://example.com/?a=2&b"}]}"#,
        ),
        (
            Reply::TransferCustomerService { kf_account: some("a@gh_1") },
            "transfer_customer_service",
            "<TransInfo><KfAccount><![CDATA[a@gh_1]]></KfAccount></TransInfo>",
            r#""TransInfo":{"KfAccount":"a@gh_1"}"#,
        ),
    ]
}

#[test]
fn every_type_is_written_as_the_reference_says() {
    for (reply, msg_type, xml, json) in table() {
        assert_eq!(
            render(&reply, Format::Xml),
            format!(
                "<xml><ToUserName><![CDATA[oia2TjuEGTNoeX76QEjQNrcURxG8]]></ToUserName>\
                 <FromUserName><![CDATA[gh_7f083739789a]]></FromUserName><CreateTime>1460537339</CreateTime>\
                 <MsgType><![CDATA[{msg_type}]]></MsgType>{xml}</xml>"
            )
        );
        assert_eq!(
            render(&reply, Format::Json),
            format!(
                r#"{{"ToUserName":"oia2TjuEGTNoeX76QEjQNrcURxG8","FromUserName":"gh_7f083739789a","CreateTime":1460537339,"MsgType":"{msg_type}",{json}}}"#
            )
        );
        assert_eq!(reply.check(), Ok(()));
    }
}

#[test]
fn a_transfer_to_any_agent_has_no_body() {
    let reply = Reply::TransferCustomerService { kf_account: None };
    assert!(render(&reply, Format::Xml).ends_with("<MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>"));
    assert!(render(&reply, Format::Json).ends_with(r#""MsgType":"transfer_customer_service"}"#));
}

#[test]
fn no_text_breaks_out_of_its_element() {
    for (content, expected) in [
        ("]]>", "]]>"),
        ("]]>]]>", "]]>]]>"),
        ("a]]]>b", "a]]]>b"),
        ("]]><Content>x", "]]><Content>x"),
        ("]]\u{1}>", "]]>"),
        ("a\0b\u{8}c\u{B}d\u{C}e\u{1F}f\u{FFFE}g\u{FFFF}h", "abcdefgh"),
        ("tab\tline\n中😀", "tab\tline\n中😀"),
    ] {
        let xml = render(&Reply::Text { content: content.into() }, Format::Xml);
        let (_, fields) = Fields::parse(xml.as_bytes()).unwrap_or_else(|e| panic!("{xml}: {e}"));
        assert_eq!(fields.text("Content"), Some(expected), "{xml}");
        assert_eq!(fields.0.len(), 5, "{xml}");
    }
}

#[test]
fn a_reply_over_the_limits_is_told() {
    let text = |content: String| Reply::Text { content }.check();
    assert_eq!(text("猫".repeat(TEXT_MAX / 3)), Ok(()));
    assert_eq!(text("猫".repeat(TEXT_MAX / 3 + 1)), Err(ReplyError::TooLong(2001)));
    assert_eq!(text(" \n".into()), Err(ReplyError::Empty("Content")));
    let news = |n| Reply::News { articles: (0..n).map(article).collect() }.check();
    assert_eq!(news(ARTICLES_MAX), Ok(()));
    assert_eq!(news(0), Err(ReplyError::Articles(0)));
    assert_eq!(news(ARTICLES_MAX + 1), Err(ReplyError::Articles(9)));
    assert_eq!(Reply::Image { media_id: String::new() }.check(), Err(ReplyError::Empty("MediaId")));
}

#[test]
fn text_is_cut_between_characters() {
    let long = "猫".repeat(1_000);
    assert_eq!(cut_text(&long), "猫".repeat(666));
    assert_eq!(cut_text("短"), "短");
    assert_eq!(cut_text(&"a".repeat(3_000)).len(), TEXT_MAX);
}
