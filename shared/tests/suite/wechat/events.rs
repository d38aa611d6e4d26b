//! Every kind of event, from samples of the reference.

use guanxi::{
    playbook::Inbound,
    wechat::{
        Event, Kind, Message,
        fields::Value,
        message::{NoticeChoice, NoticeSent, PictureSource},
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FAN: &str = "oia2TjuEGTNoeX76QEjQNrcURxG8";
const T1: &str = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc";
const T2: &str = "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI";

fn s(text: &str) -> String {
    text.to_owned()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn parse(body: &str) -> Message {
    Message::parse(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}")).1
}

fn pictures(source: PictureSource, md5_sums: &[&str]) -> Event {
    Event::Pictures {
        source,
        event_key: s("rselfmenu_1_0"),
        count: s("1"),
        md5_sums: md5_sums.iter().copied().map(s).collect(),
    }
}

fn choice(template_id: &str, accepted: bool, popup_scene: Option<&str>) -> NoticeChoice {
    NoticeChoice { template_id: s(template_id), accepted, popup_scene: popup_scene.map(s) }
}

fn sent(msg_id: &str) -> Event {
    let sent = NoticeSent { template_id: s(T1), msg_id: s(msg_id), error_code: s("0"), error_status: s("success") };
    Event::SubscribeMsgSent(vec![sent])
}

/// A body, what it means, `EventKey|MsgID` of its identity, and whether it may be answered.
fn table() -> Vec<(&'static str, Event, &'static str, bool)> {
    vec![
        (
            include_str!("../../../fixtures/wechat/messages/subscribe.xml"),
            Event::Subscribe { event_key: s(""), ticket: None },
            "|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe-empty-key.xml"),
            Event::Subscribe { event_key: s(""), ticket: None },
            "|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe-scan.xml"),
            Event::Subscribe { event_key: s("qrscene_shop_42_a"), ticket: some("TICKET") },
            "qrscene_shop_42_a|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe-trade.xml"),
            Event::Subscribe { event_key: s("last_trade_no_4003202001201412"), ticket: None },
            "last_trade_no_4003202001201412|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/unsubscribe.xml"),
            Event::Unsubscribe { event_key: s("") },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/scan.xml"),
            Event::Scan { event_key: s("qrscene_kept"), ticket: some("TICKET") },
            "qrscene_kept|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/scan-lower-case.xml"),
            Event::Scan { event_key: s("4294967295"), ticket: some("TICKET") },
            "4294967295|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/location-report.xml"),
            Event::Location { latitude: s("23.137466"), longitude: s("113.352425"), precision: s("119.385040") },
            "|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/location-report.json"),
            Event::Location { latitude: s("23.137466"), longitude: s("113.0"), precision: s("1e300") },
            "|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/click.xml"),
            Event::Click { event_key: s("V1001_TODAY_MUSIC") },
            "V1001_TODAY_MUSIC|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/view.xml"),
            Event::View { event_key: s("http://www.qq.com/?a=1&b=2"), menu_id: some("433747234") },
            "http://www.qq.com/?a=1&b=2|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/view_miniprogram.xml"),
            Event::ViewMiniProgram { event_key: s("pages/index/index"), menu_id: some("433747234") },
            "pages/index/index|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/scancode_push.xml"),
            Event::ScancodePush {
                event_key: s("rselfmenu_0_1"),
                scan_type: s("qrcode"),
                scan_result: s("http://weixin.qq.com/r/1"),
            },
            "rselfmenu_0_1|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/scancode_waitmsg.xml"),
            Event::ScancodeWaitmsg {
                event_key: s("rselfmenu_0_0"),
                scan_type: s("barcode"),
                scan_result: s("CODE_39,123"),
            },
            "rselfmenu_0_0|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/pic_sysphoto.xml"),
            pictures(PictureSource::SysPhoto, &["1b5f7c23b5bf75682a53e7b6d163e185"]),
            "rselfmenu_1_0|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/pic_photo_or_album.xml"),
            pictures(
                PictureSource::PhotoOrAlbum,
                &["5a75aaca956d97be686719218f275c6b", "1b5f7c23b5bf75682a53e7b6d163e185"],
            ),
            "rselfmenu_1_0|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/pic_weixin.xml"),
            pictures(PictureSource::Weixin, &["5a75aaca956d97be686719218f275c6b"]),
            "rselfmenu_1_0|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/location_select.xml"),
            Event::LocationSelect {
                event_key: s("rselfmenu_2_0"),
                latitude: s("23"),
                longitude: s("113"),
                scale: s("15"),
                label: s(" 广州市海珠区客村艺苑路 106号"),
                poiname: s(""),
            },
            "rselfmenu_2_0|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/templatesendjobfinish.xml"),
            Event::TemplateSendJobFinish { msg_id: s("200163836"), status: s("success") },
            "|200163836",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/templatesendjobfinish-failed.xml"),
            Event::TemplateSendJobFinish { msg_id: s("3487542469355618313"), status: s("failed: system failed") },
            "|3487542469355618313",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_popup_event.xml"),
            Event::SubscribeMsgPopup(vec![choice(T1, true, Some("2")), choice(T2, false, Some("2"))]),
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_popup_event-one.json"),
            Event::SubscribeMsgPopup(vec![choice(T1, true, Some("0"))]),
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_popup_event-two.json"),
            Event::SubscribeMsgPopup(vec![choice(T1, true, Some("0")), choice(T2, false, Some("0"))]),
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_change_event.xml"),
            Event::SubscribeMsgChange(vec![choice(T1, false, None)]),
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_change_event-old.xml"),
            Event::SubscribeMsgChange(vec![choice(T1, false, None)]),
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_change_event.json"),
            Event::SubscribeMsgChange(vec![choice(T1, false, None)]),
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_sent_event.xml"),
            sent("1700827132819554304"),
            "|1700827132819554304",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/subscribe_msg_sent_event.json"),
            sent("3487542469355618313"),
            "|3487542469355618313",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/kf_create_session.xml"),
            Event::KfCreateSession { kf_account: s("test1@test") },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/kf_close_session.xml"),
            Event::KfCloseSession { kf_account: s("test1@test"), close_type: some("KF") },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/kf_switch_session.xml"),
            Event::KfSwitchSession { from_kf_account: s("test1@test"), to_kf_account: s("test2@test") },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/user_authorization_cancellation.xml"),
            Event::UserAuthorizationCancellation { open_id: s(FAN) },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/qualification_verify_success.xml"),
            Event::Verified { event: s("qualification_verify_success"), expired_time: Some(1_442_401_156) },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/naming_verify_success.xml"),
            Event::Verified { event: s("naming_verify_success"), expired_time: Some(1_442_401_156) },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/annual_renew.xml"),
            Event::Verified { event: s("annual_renew"), expired_time: Some(1_442_401_156) },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/verify_expired.xml"),
            Event::Verified { event: s("verify_expired"), expired_time: Some(1_442_401_156) },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/qualification_verify_fail.xml"),
            Event::VerifyFailed {
                event: s("qualification_verify_fail"),
                fail_time: Some(1_442_401_122),
                fail_reason: s("by time"),
            },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/naming_verify_fail.xml"),
            Event::VerifyFailed {
                event: s("naming_verify_fail"),
                fail_time: Some(1_442_401_122),
                fail_reason: s("by time"),
            },
            "|",
            false,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/user_enter_tempsession.xml"),
            Event::UserEnterTempsession { session_from: s("sessionFrom") },
            "|",
            true,
        ),
        (
            include_str!("../../../fixtures/wechat/messages/user_enter_tempsession.json"),
            Event::UserEnterTempsession { session_from: s("sessionFrom") },
            "|",
            true,
        ),
    ]
}

#[test]
fn every_kind_of_event_is_understood() {
    for (body, event, key, answerable) in table() {
        let message = parse(body);
        let identity = format!("gh_7f083739789a|{FAN}|1395658920|event|{}|{key}", event.name());
        assert_eq!(message.identity(), identity, "{body}");
        assert_eq!(message.kind, Kind::Event(event), "{body}");
        assert!(message.other.is_empty(), "{body}");
        assert_eq!(message.msg_id, None, "{body}");
        let inbound = Inbound::from_message(&message);
        assert_eq!(inbound.as_ref().map(|inbound| inbound.kind.is_message()), answerable.then_some(false), "{body}");
    }
}

#[test]
fn a_mass_job_keeps_its_details() {
    let message = parse(include_str!("../../../fixtures/wechat/messages/masssendjobfinish.xml"));
    let event = Event::MassSendJobFinish {
        msg_id: s("1000001625"),
        status: s("err(30003)"),
        total_count: Some(100),
        filter_count: Some(80),
        sent_count: Some(75),
        error_count: None,
    };
    assert_eq!(message.kind, Kind::Event(event));
    assert_eq!(message.other.text("ErrorCount"), Some("unknown"), "what is no number is not lost");
    let check = message.other.groups("CopyrightCheckResult").next().unwrap();
    let item = check.groups("ResultList").next().unwrap().groups("item").next().unwrap();
    assert_eq!(item.text("OriginalArticleUrl"), Some("Url_1"));
    assert!(message.identity().ends_with("|event|MASSSENDJOBFINISH||1000001625"));
}

#[test]
fn both_publish_jobs_are_one_event_and_keep_their_details() {
    for body in [
        include_str!("../../../fixtures/wechat/messages/publishjobfinish.xml"),
        include_str!("../../../fixtures/wechat/messages/freepublishjobfinish.xml"),
    ] {
        let message = parse(body);
        let event = Event::PublishJobFinish { publish_id: s("2247503051"), publish_status: s("0") };
        assert_eq!(message.kind, Kind::Event(event));
        let info = message.other.groups("PublishEventInfo").next().unwrap();
        assert_eq!(info.text("article_id"), Some("b5O2OUs25HBxRceL7hfReg"));
        assert_eq!(info.text("publish_id"), None, "taken");
    }
}

#[test]
fn privacy_events_name_the_fan_in_either_spelling() {
    let modified = parse(include_str!("../../../fixtures/wechat/messages/user_info_modified.xml"));
    assert_eq!(modified.kind, Kind::Event(Event::UserInfoModified { open_id: s(FAN), revoke_info: s("1") }));
    assert_eq!(modified.other.text("appid"), Some("wx13974bf780d3dc89"));
    let revoked = parse(include_str!("../../../fixtures/wechat/messages/user_authorization_revoke.xml"));
    assert_eq!(revoked.kind, Kind::Event(Event::UserAuthorizationRevoke { open_id: s(FAN), revoke_info: s("201") }));
    assert_eq!(revoked.other.text("AppID"), Some("wx13974bf780d3dc89"));
}

#[test]
fn unknown_events_keep_their_fields_and_are_not_answered() {
    let card = parse(include_str!("../../../fixtures/wechat/messages/user_get_card.xml"));
    assert_eq!(card.kind, Kind::Event(Event::Other { event: s("user_get_card") }));
    assert_eq!(card.other.text("UserCardCode"), Some("12312312"));
    let guide = parse(include_str!("../../../fixtures/wechat/messages/guide_qrcode_scan_event.xml"));
    let group = guide.other.groups("GuideScanEvent").next().unwrap();
    assert_eq!(group.text("qrcode_guide_account"), Some("![CDATA[guide_1]]"), "the reference's broken sample");
    let debug = parse(include_str!("../../../fixtures/wechat/messages/unknown.json"));
    assert_eq!(debug.kind, Kind::Event(Event::Other { event: s("debug_demo") }));
    assert_eq!(debug.other.0, [(s("debug_str"), Value::Text(s("hello world")))]);
    for message in [card, guide, debug] {
        assert_eq!(Inbound::from_message(&message), None);
    }
}

#[test]
fn an_unknown_event_is_told_apart_by_its_key() {
    let body = |key: &str| {
        format!(
            "<xml><ToUserName>gh</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime>\
             <MsgType>event</MsgType><Event>new</Event><EventKey>{key}</EventKey><MsgID>7</MsgID></xml>"
        )
    };
    assert_eq!(parse(&body("a")).identity(), "gh|o|1|event|new|a|7");
    assert_ne!(parse(&body("a")).identity(), parse(&body("b")).identity());
}

#[test]
fn fields_that_an_entry_does_not_name_are_kept() {
    let body = r#"{"ToUserName":"gh","FromUserName":"o","CreateTime":1,"MsgType":"event",
        "Event":"subscribe_msg_sent_event","List":[{"TemplateId":"t","MsgID":1,"ErrorCode":0,"ErrorStatus":"success","New":2}]}"#;
    let message = parse(body);
    assert_eq!(message.other.groups("List").next().unwrap().text("New"), Some("2"));
}
