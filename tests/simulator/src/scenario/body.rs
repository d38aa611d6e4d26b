//! What WeChat makes of an act: the message's text, in XML or JSON.
//!
//! Written by hand and on purpose apart from `guanxi`'s own writer of XML: one side's mistake must not agree with the
//! other's.

use super::{Act, act::popup_status};
use std::fmt::Write as _;

/// One message or event, the same in every try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `ToUserName`, the account's `gh_…`.
    pub account: String,
    /// `FromUserName`
    pub openid: String,
    /// `CreateTime`, seconds since 1970.
    pub create_time: u64,
    /// `MsgId`; events go without.
    pub msg_id: u64,
    /// What the fan did.
    pub act: Act,
}

/// How a value stands in the XML: text in CDATA, numbers bare.
enum Value {
    Text(String),
    Number(String),
    /// A wrapper with one `List` in it. JSON has no wrapper, and with a single entry no array either
    /// ([protocol 1.7](../../../../shared/docs/wechat-protocol.md#1.7)).
    List(Vec<(&'static str, Value)>),
}

impl Message {
    /// As WeChat sends it to Official Accounts.
    pub fn to_xml(&self) -> String {
        let mut xml = String::from("<xml>");
        for (name, value) in self.fields() {
            write_element(&mut xml, name, &value);
            xml.push('\n');
        }
        xml + "</xml>"
    }

    /// As WeChat sends it to accounts that chose JSON ([protocol 1.7](../../../../shared/docs/wechat-protocol.md#1.7)).
    /// Coordinates are strings there too.
    pub fn to_json(&self) -> String {
        to_object(self.fields()).to_string()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("ToUserName", text(&self.account)),
            ("FromUserName", text(&self.openid)),
            ("CreateTime", Value::Number(self.create_time.to_string())),
        ];
        if self.act.is_message() {
            fields.push(("MsgType", text(self.act.kind())));
            fields.extend(self.of_message());
            fields.push(("MsgId", Value::Number(self.msg_id.to_string())));
        } else {
            fields.push(("MsgType", text("event")));
            fields.extend(self.of_event());
        }
        fields
    }

    fn of_message(&self) -> Vec<(&'static str, Value)> {
        let media_id = || ("MediaId", text(&format!("media-{}", self.msg_id)));
        match &self.act {
            Act::Text(content) => vec![("Content", text(content))],
            Act::Image => vec![("PicUrl", text("http://mmbiz.qpic.cn/mmbiz_jpg/a/0")), media_id()],
            Act::Voice { recognition } => {
                let heard = recognition.iter().map(|heard| ("Recognition", text(heard)));
                [media_id(), ("Format", text("amr"))].into_iter().chain(heard).collect()
            }
            Act::Location => vec![
                ("Location_X", Value::Number("31.240018".to_owned())),
                ("Location_Y", Value::Number("121.490317".to_owned())),
                ("Scale", Value::Number("16".to_owned())),
                ("Label", text("上海市黄浦区中山东一路")),
            ],
            Act::Link => vec![
                ("Title", text("猫咪怎么换粮")),
                ("Description", text("七天换粮法 & 常见问题 <图>")),
                ("Url", text("https://example.com/read?id=7&from=share")),
            ],
            _ => Vec::new(),
        }
    }

    fn of_event(&self) -> Vec<(&'static str, Value)> {
        let event = |name, key: &str| vec![("Event", text(name)), ("EventKey", text(key))];
        let ticket = |scene: &str| ("Ticket", text(&format!("gQ-ticket-of-{scene}")));
        match &self.act {
            Act::Follow { scene: Some(scene) } => {
                let mut fields = event("subscribe", &format!("qrscene_{scene}"));
                fields.push(ticket(scene));
                fields
            }
            Act::Scan { scene } => {
                let mut fields = event("SCAN", scene);
                fields.push(ticket(scene));
                fields
            }
            Act::Click { key } => event("CLICK", key),
            Act::View { url } => event("VIEW", url),
            Act::Popup { template_id, accept } => listed(
                "subscribe_msg_popup_event",
                "SubscribeMsgPopupEvent",
                vec![
                    ("TemplateId", text(template_id)),
                    ("SubscribeStatusString", text(popup_status(*accept))),
                    ("PopupScene", number(1)),
                ],
            ),
            Act::TemplateFinished { msgid, status } => {
                vec![("Event", text("TEMPLATESENDJOBFINISH")), ("MsgID", number(*msgid)), ("Status", text(status))]
            }
            Act::NoticeSent { template_id, msgid, failed } => listed(
                "subscribe_msg_sent_event",
                "SubscribeMsgSentEvent",
                vec![
                    ("TemplateId", text(template_id)),
                    ("MsgID", number(*msgid)),
                    // 0 is success; which other codes there are, no page says.
                    ("ErrorCode", number(u64::from(*failed))),
                    ("ErrorStatus", text(if *failed { "system failed" } else { "success" })),
                ],
            ),
            Act::Unknown => vec![("Event", text("user_waved_back")), ("WaveCount", Value::Number("3".to_owned()))],
            act => event(act.kind(), ""),
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(number: u64) -> Value {
    Value::Number(number.to_string())
}

/// An event whose fields are an entry of a list.
fn listed(event: &str, wrapper: &'static str, entry: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    vec![("Event", text(event)), (wrapper, Value::List(entry))]
}

fn write_element(xml: &mut String, name: &str, value: &Value) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Text(text) => write!(xml, "<{name}><![CDATA[{}]]></{name}>", split_cdata(text)),
        Value::Number(digits) => write!(xml, "<{name}>{digits}</{name}>"),
        Value::List(entry) => {
            let mut inner = String::new();
            entry.iter().for_each(|(name, value)| write_element(&mut inner, name, value));
            write!(xml, "<{name}><List>{inner}</List></{name}>")
        }
    };
}

fn to_object(fields: Vec<(&'static str, Value)>) -> serde_json::Value {
    let members = fields.into_iter().map(|(name, value)| match value {
        Value::Text(text) => (name.to_owned(), text.into()),
        Value::Number(digits) => (name.to_owned(), digits.parse::<u64>().map_or_else(|_| digits.into(), Into::into)),
        Value::List(entry) => ("List".to_owned(), to_object(entry)),
    });
    serde_json::Value::Object(members.collect())
}

/// A text may hold the mark that ends CDATA; it then goes on in a second section
/// ([protocol 3.3](../../../../shared/docs/wechat-protocol.md#3.3)).
fn split_cdata(text: &str) -> String {
    text.replace("]]>", "]]]]><![CDATA[>")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn message(act: Act) -> Message {
        Message { account: "gh_1".into(), openid: "oFan".into(), create_time: 1_700_000_000, msg_id: 7, act }
    }

    #[test]
    fn a_text_looks_as_wechat_writes_it() {
        let expected = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n\
            <FromUserName><![CDATA[oFan]]></FromUserName>\n<CreateTime>1700000000</CreateTime>\n\
            <MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[a]]]]><![CDATA[>b]]></Content>\n\
            <MsgId>7</MsgId>\n</xml>";
        assert_eq!(message(Act::Text("a]]>b".into())).to_xml(), expected);
    }

    #[test]
    fn an_event_has_no_msg_id_and_a_follow_by_code_has_the_prefix() {
        let xml = message(Act::Follow { scene: Some("poster_7".into()) }).to_xml();
        assert!(xml.contains("<EventKey><![CDATA[qrscene_poster_7]]></EventKey>"), "{xml}");
        assert!(!xml.contains("MsgId"), "{xml}");
        let xml = message(Act::Scan { scene: "poster_7".into() }).to_xml();
        assert!(xml.contains("<EventKey><![CDATA[poster_7]]></EventKey>"), "{xml}");
    }

    #[test]
    fn what_became_of_a_notice_is_an_entry_of_a_list_and_in_json_an_object_without_wrapper() {
        let notice =
            message(Act::NoticeSent { template_id: "ntc".into(), msgid: 1_864_323_726_461_255_680, failed: false });
        let expected = "<Event><![CDATA[subscribe_msg_sent_event]]></Event>\n<SubscribeMsgSentEvent><List>\
            <TemplateId><![CDATA[ntc]]></TemplateId><MsgID>1864323726461255680</MsgID><ErrorCode>0</ErrorCode>\
            <ErrorStatus><![CDATA[success]]></ErrorStatus></List></SubscribeMsgSentEvent>\n</xml>";
        assert!(notice.to_xml().ends_with(expected), "{}", notice.to_xml());
        let popup = message(Act::Popup { template_id: "ntc".into(), accept: true });
        let json: serde_json::Value = serde_json::from_str(&popup.to_json()).unwrap();
        let list = serde_json::json!({ "TemplateId": "ntc", "SubscribeStatusString": "accept", "PopupScene": 1 });
        assert_eq!((&json["Event"], &json["List"]), (&"subscribe_msg_popup_event".into(), &list));
    }

    #[test]
    fn json_has_the_same_fields_with_numbers_as_numbers() {
        let json: serde_json::Value = serde_json::from_str(&message(Act::Text("猫粮".into())).to_json()).unwrap();
        let expected = serde_json::json!({
            "ToUserName": "gh_1", "FromUserName": "oFan", "CreateTime": 1_700_000_000,
            "MsgType": "text", "Content": "猫粮", "MsgId": 7,
        });
        assert_eq!(json, expected);
    }
}
