//! Every kind of message, from samples of the reference.

use guanxi::{
    playbook::Inbound,
    time::Timestamp,
    wechat::{
        Kind, Message,
        fields::{Fields, FieldsError, Format, Value},
        message::ParseError,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn s(text: &str) -> String {
    text.to_owned()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn parse(body: &str) -> Message {
    Message::parse(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}")).1
}

fn other(fields: &[(&str, &str)]) -> Fields {
    Fields(fields.iter().map(|(name, text)| (s(name), Value::Text(s(text)))).collect())
}

fn table() -> Vec<(&'static str, Kind)> {
    vec![
        (
            include_str!("../../../fixtures/wechat/messages/text.xml"),
            Kind::Text { content: s("你好, 猫粮 & <b>"), bizmsgmenuid: None },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/text.json"),
            Kind::Text { content: s("你好, 猫粮 & <b>"), bizmsgmenuid: None },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/text-menu.xml"),
            Kind::Text { content: s("满意"), bizmsgmenuid: some("101") },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/image.xml"),
            Kind::Image { pic_url: s("http://mmbiz.qpic.cn/mmbiz_jpg/abc/0"), media_id: s("media_id") },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/image.json"),
            Kind::Image { pic_url: s("http://mmbiz.qpic.cn/mmbiz_jpg/abc/0"), media_id: s("media_id") },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/voice.xml"),
            Kind::Voice {
                media_id: s("media_id"),
                format: s("amr"),
                media_id_16k: some("media_id_16k"),
                recognition: some("腾讯微信团队"),
            },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/voice-unrecognised.xml"),
            Kind::Voice { media_id: s("media_id"), format: s("speex"), media_id_16k: None, recognition: None },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/video.xml"),
            Kind::Video { media_id: s("media_id"), thumb_media_id: s("thumb_media_id") },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/shortvideo.xml"),
            Kind::ShortVideo { media_id: s("media_id"), thumb_media_id: s("thumb_media_id") },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/location.xml"),
            Kind::Location {
                latitude: s("23.134521"),
                longitude: s("113.358803"),
                scale: s("20"),
                label: s("广州市 天河区"),
            },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/link.xml"),
            Kind::Link {
                title: s("公众平台官网链接"),
                description: s("公众平台官网链接"),
                url: s("https://mp.weixin.qq.com/"),
            },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/miniprogrampage.xml"),
            Kind::MiniProgramPage {
                title: s("标题"),
                app_id: s("wx4ffb369b6881ee5e"),
                page_path: s("pages/index?id=1"),
                thumb_url: s("http://mmbiz.qpic.cn/thumb"),
                thumb_media_id: s("thumb_media_id"),
            },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/miniprogrampage.json"),
            Kind::MiniProgramPage {
                title: s("标题"),
                app_id: s("wx4ffb369b6881ee5e"),
                page_path: s("pages/index?id=1"),
                thumb_url: s("http://mmbiz.qpic.cn/thumb"),
                thumb_media_id: s("thumb_media_id"),
            },
        ),
        (
            include_str!("../../../fixtures/wechat/messages/file.xml"),
            Kind::File {
                title: s("price list.pdf"),
                description: s(""),
                file_key: s("@cdn_key"),
                file_md5: s("d41d8cd98f00b204e9800998ecf8427e"),
                file_total_len: s("41372"),
            },
        ),
    ]
}

#[test]
fn every_kind_of_message_is_understood() {
    for (body, kind) in table() {
        let message = parse(body);
        assert_eq!(message.to_user_name, "gh_7f083739789a", "{body}");
        assert_eq!(message.from_user_name.as_str(), "oia2TjuEGTNoeX76QEjQNrcURxG8", "{body}");
        assert_eq!(message.create_time, Timestamp(1_395_658_920), "{body}");
        assert_eq!(message.msg_id.as_deref(), Some("1234567890123456"), "{body}");
        assert_eq!(message.kind, kind, "{body}");
        assert_eq!(message.other, Fields::default(), "{body}");
        let inbound = Inbound::from_message(&message).unwrap_or_else(|| panic!("not answered: {body}"));
        assert!(inbound.kind.is_message(), "{body}");
        let msg_type = kind.msg_type();
        let identity = format!("gh_7f083739789a|oia2TjuEGTNoeX76QEjQNrcURxG8|1395658920|{msg_type}|1234567890123456");
        assert_eq!(message.identity(), identity, "{body}");
    }
}

#[test]
fn fields_that_a_kind_does_not_name_are_kept() {
    let message = parse(include_str!("../../../fixtures/wechat/messages/text-article.xml"));
    assert_eq!(message.kind, Kind::Text { content: s("this is a test"), bizmsgmenuid: None });
    assert_eq!(message.other, other(&[("MsgDataId", "2247483650"), ("Idx", "2")]));
}

#[test]
fn the_official_debug_tool_is_understood() {
    let message = parse(include_str!("../../../fixtures/wechat/messages/text-debug-tool.xml"));
    assert_eq!(message.kind, Kind::Text { content: s("cat & dog 猫"), bizmsgmenuid: None });
    assert_eq!(message.other, other(&[("URL", "https://example.com/wechat")]));
}

#[test]
fn a_message_id_need_not_be_a_number() {
    let body = include_str!("../../../fixtures/wechat/messages/text-cloud.json");
    let (format, message) = Message::parse(body.as_bytes()).unwrap();
    assert_eq!(format, Format::Json);
    assert_eq!(message.msg_id.as_deref(), Some("49d72d_1555684067"));
    assert_eq!(message.create_time, Timestamp(1_395_658_920));
}

#[test]
fn an_unknown_kind_keeps_its_fields_and_is_not_answered() {
    let message = parse(include_str!("../../../fixtures/wechat/messages/unknown.xml"));
    assert_eq!(message.kind, Kind::Other { msg_type: s("device_text") });
    assert_eq!(message.other, other(&[("DeviceType", "devicetype"), ("Content", "aGVsbG8=")]));
    assert_eq!(message.msg_id.as_deref(), Some("1234567890123456"));
    assert_eq!(Inbound::from_message(&message), None);
}

#[test]
fn what_every_message_has_must_be_there() {
    let body = |to: &str, from: &str, time: &str, kind: &str| {
        format!(
            "<xml><ToUserName>{to}</ToUserName><FromUserName>{from}</FromUserName><CreateTime>{time}</CreateTime>\
             <MsgType>{kind}</MsgType></xml>"
        )
    };
    let refusal = |body: String| Message::parse(body.as_bytes()).map(|_| ()).unwrap_err();
    assert!(Message::parse(body("gh", "o", " 1 ", "text").as_bytes()).is_ok());
    assert_eq!(refusal(body("", "o", "1", "text")), ParseError::Missing("ToUserName"));
    assert_eq!(refusal(body("gh", "", "1", "text")), ParseError::Missing("FromUserName"));
    assert_eq!(refusal(body("gh", "o:o", "1", "text")), ParseError::FromUserName);
    assert_eq!(refusal(body("gh", "o", "", "text")), ParseError::Missing("CreateTime"));
    assert_eq!(refusal(body("gh", "o", "-1", "text")), ParseError::CreateTime);
    assert_eq!(refusal(body("gh", "o", "1", "")), ParseError::Missing("MsgType"));
    assert_eq!(refusal(body("gh", "o", "1", "event")), ParseError::Missing("Event"));
    assert_eq!(refusal(body("<A>gh</A>", "o", "1", "text")), ParseError::Missing("ToUserName"));
    assert_eq!(refusal(s(r#"{"action":"CheckContainerPath"}"#)), ParseError::Missing("ToUserName"));
    assert_eq!(refusal(s("<xml><action>CheckContainerPath</action></xml>")), ParseError::Missing("ToUserName"));
    assert_eq!(refusal(s("success")), ParseError::Fields(FieldsError::NeitherXmlNorJson));
}
