//! A reply read as strictly as a client might: by readers that share nothing with the writer of replies.

use super::{CREATE_TIME_SLACK, Fault, Seen, TEXT_MAX};
use crate::scenario::Message;
use guanxi::wechat::fields::Format;
use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// The fields of one element. Where XML repeats an element, an array.
type Fields = Map<String, Value>;

/// What the fan sees of this reply.
pub(super) fn read(answer: &str, format: Format, message: &Message, now: u64) -> Result<Seen, Fault> {
    let reply = match format {
        Format::Xml => from_xml(answer)?,
        Format::Json => serde_json::from_str(answer).map_err(|error| Fault::Unreadable(error.to_string()))?,
    };
    address(&reply, "ToUserName", &message.openid)?;
    address(&reply, "FromUserName", &message.account)?;
    create_time(&reply, now)?;
    let seen = content(&reply, message)?;
    if message.act.may_be_answered() { Ok(seen) } else { Err(Fault::TakesNoReply(message.act.kind())) }
}

fn from_xml(answer: &str) -> Result<Fields, Fault> {
    let document = Document::parse(answer).map_err(|error| Fault::Unreadable(error.to_string()))?;
    let root = document.root_element();
    if root.has_tag_name("xml") { Ok(fields(root)) } else { Err(Fault::Root(root.tag_name().name().to_owned())) }
}

fn fields(node: Node<'_, '_>) -> Fields {
    let mut fields = Fields::new();
    for child in node.children().filter(Node::is_element) {
        let value = if child.children().any(|inner| inner.is_element()) {
            Value::Object(self::fields(child))
        } else {
            // A value may stand in several CDATA sections.
            Value::String(child.children().filter_map(|text| text.text()).collect())
        };
        match fields.get_mut(child.tag_name().name()) {
            None => drop(fields.insert(child.tag_name().name().to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    fields
}

fn content(reply: &Fields, message: &Message) -> Result<Seen, Fault> {
    match value(reply, "MsgType").as_str() {
        "text" => text(reply),
        "image" => media(reply, "Image").map(Seen::Image),
        "voice" => media(reply, "Voice").map(Seen::Voice),
        "video" => media(reply, "Video").map(Seen::Video),
        "music" => {
            let music = group(reply, "Music")?;
            required(music, "ThumbMediaId")?;
            Ok(Seen::Music(value(music, "Title")))
        }
        "news" => articles(reply, message.act.articles_max()),
        "transfer_customer_service" if message.act.is_message() => match reply.get("TransInfo") {
            Some(_) => required(group(reply, "TransInfo")?, "KfAccount").map(|_| Seen::Agent),
            None => Ok(Seen::Agent),
        },
        "transfer_customer_service" => Err(Fault::HandOverOfEvent),
        other => Err(Fault::MsgType(other.to_owned())),
    }
}

fn text(reply: &Fields) -> Result<Seen, Fault> {
    let content = required(reply, "Content")?;
    if content.len() > TEXT_MAX { Err(Fault::TextTooLong(content.len())) } else { Ok(Seen::Text(content)) }
}

fn media(reply: &Fields, name: &'static str) -> Result<String, Fault> {
    required(group(reply, name)?, "MediaId")
}

fn articles(reply: &Fields, most: usize) -> Result<Seen, Fault> {
    let items: Vec<&Value> = match reply.get("Articles").and_then(|list| list.get("item")) {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) => vec![item],
    };
    let stated = value(reply, "ArticleCount");
    if items.is_empty() || stated != items.len().to_string() {
        return Err(Fault::ArticleCount { stated, found: items.len() });
    }
    if items.len() > most {
        return Err(Fault::TooManyArticles(items.len()));
    }
    items.into_iter().map(title).collect::<Result<_, _>>().map(Seen::Cards)
}

/// The title of an article that has all four fields; description and picture may be empty.
fn title(item: &Value) -> Result<String, Fault> {
    let item = item.as_object().ok_or(Fault::Missing("item"))?;
    for field in ["Description", "PicUrl"] {
        item.get(field).ok_or(Fault::Missing(field))?;
    }
    required(item, "Url")?;
    required(item, "Title")
}

fn address(reply: &Fields, field: &'static str, expected: &str) -> Result<(), Fault> {
    let found = value(reply, field);
    if found == expected { Ok(()) } else { Err(Fault::Address { field, found, expected: expected.to_owned() }) }
}

fn create_time(reply: &Fields, now: u64) -> Result<(), Fault> {
    let found = value(reply, "CreateTime");
    let plain = found.bytes().all(|byte| byte.is_ascii_digit());
    match found.parse::<u64>() {
        Ok(seconds) if plain && seconds.abs_diff(now) <= CREATE_TIME_SLACK => Ok(()),
        _ => Err(Fault::CreateTime(found)),
    }
}

fn group<'a>(reply: &'a Fields, name: &'static str) -> Result<&'a Fields, Fault> {
    reply.get(name).and_then(Value::as_object).ok_or(Fault::Missing(name))
}

/// Empty when there is no such field, or more than one.
fn value(fields: &Fields, name: &str) -> String {
    match fields.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn required(fields: &Fields, field: &'static str) -> Result<String, Fault> {
    Some(value(fields, field)).filter(|found| !found.trim().is_empty()).ok_or(Fault::Missing(field))
}
