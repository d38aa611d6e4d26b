//! Placeholders: what may stand in braces in a reply, and what it becomes.

use super::{hours::Hours, inbound::Inbound, normal::cut};
use crate::{
    facts::Touch,
    http::percent,
    time::{Local, UtcOffset},
};
use serde::{Deserialize, Serialize};
use std::{
    cell::{Cell, OnceCell},
    fmt::Write,
};

/// How many characters of a fan's own words `{text}` repeats.
pub const TEXT_PLACEHOLDER_MAX: usize = 60;

/// The longest scene string in characters, and so the longest channel id
/// ([protocol 5.1](../../docs/wechat-protocol.md#5.1)).
pub const SCENE_MAX: usize = 64;

/// The longest UTF-8 character.
const BYTES_A_CHARACTER: usize = 4;

/// What may stand in braces; the closed list. (`{name}` is not here: it is the playbook's own name, known when the
/// playbook is compiled.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Placeholder {
    OpenId,
    Account,
    Text,
    Channel,
    ChannelName,
    Date,
    Time,
    Weekday,
    Greeting,
    Opening,
}

impl Placeholder {
    /// Each with its name and the most bytes it becomes.
    pub(super) const ALL: [(&'static str, Self, usize); 10] = [
        ("openid", Self::OpenId, SCENE_MAX),
        ("account", Self::Account, SCENE_MAX),
        ("text", Self::Text, TEXT_PLACEHOLDER_MAX * BYTES_A_CHARACTER),
        ("channel", Self::Channel, SCENE_MAX * BYTES_A_CHARACTER),
        ("channel_name", Self::ChannelName, SCENE_MAX * BYTES_A_CHARACTER),
        ("date", Self::Date, 10),
        ("time", Self::Time, 5),
        ("weekday", Self::Weekday, 9),
        ("greeting", Self::Greeting, 9),
        ("opening", Self::Opening, 16),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, placeholder, _)| *placeholder)
    }

    /// The most bytes it becomes in a text.
    pub(super) fn longest(self) -> usize {
        Self::ALL.iter().find(|(_, placeholder, _)| *placeholder == self).map_or(0, |(.., bytes)| *bytes)
    }
}

/// A text with placeholders, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Template(pub(super) Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Piece {
    Words(String),
    Place(Placeholder),
}

/// What placeholders stand for while one message is answered.
pub(super) struct Values<'a> {
    pub(super) message: &'a Inbound,
    pub(super) touch: Option<&'a Touch>,
    /// The name of the touch's channel, or its id where the playbook does not know it.
    pub(super) channel_name: &'a str,
    /// The hours outside of which the rule holds that answers.
    pub(super) closed: Cell<Option<&'a Hours>>,
    offset: UtcOffset,
    now: OnceCell<Local>,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        message: &'a Inbound,
        touch: Option<&'a Touch>,
        channel_name: &'a str,
        offset: UtcOffset,
    ) -> Self {
        Self { message, touch, channel_name, closed: Cell::new(None), offset, now: OnceCell::new() }
    }

    /// The message's own time on the playbook's clock.
    pub(super) fn now(&self) -> Local {
        *self.now.get_or_init(|| self.offset.local(self.message.create_time))
    }

    fn write(&self, placeholder: Placeholder, out: &mut String) {
        let channel = || self.touch.and_then(|touch| touch.channel.as_deref()).unwrap_or_default();
        match placeholder {
            Placeholder::OpenId => out.push_str(cut(&self.message.fan, SCENE_MAX)),
            Placeholder::Account => out.push_str(cut(&self.message.account, SCENE_MAX)),
            Placeholder::Text => out.extend(self.message.text.chars().take(TEXT_PLACEHOLDER_MAX)),
            Placeholder::Channel => out.extend(channel().chars().take(SCENE_MAX)),
            Placeholder::ChannelName => out.extend(self.channel_name.chars().take(SCENE_MAX)),
            Placeholder::Date => {
                if let Some(date) = self.now().day.date() {
                    let _ = write!(out, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
                }
            }
            Placeholder::Time => {
                let minute = self.now().minute;
                let _ = write!(out, "{:02}:{:02}", minute / 60, minute % 60);
            }
            Placeholder::Weekday => out.push_str(weekday(self.now())),
            Placeholder::Greeting => out.push_str(greeting(self.now())),
            Placeholder::Opening => opening(self.closed.get(), self.now(), out),
        }
    }
}

fn weekday(now: Local) -> &'static str {
    const NAMES: [&str; 7] = ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"];
    NAMES.get(now.day.weekday()).copied().unwrap_or_default()
}

/// `今天 14:00`, `明天 9:30`, `周一 9:30`, `12月1日 9:30`.
fn opening(hours: Option<&Hours>, now: Local, out: &mut String) {
    const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
    let Some((day, minute)) = hours.and_then(|hours| hours.next_opening(now)) else {
        return out.push_str("营业时间内");
    };
    let date = day.date().map(|date| (date.month(), date.day())).unwrap_or_default();
    let _ = match day.0.saturating_sub(now.day.0) {
        0 => write!(out, "今天"),
        1 => write!(out, "明天"),
        2..=6 => write!(out, "{}", WEEKDAYS.get(day.weekday()).copied().unwrap_or_default()),
        _ => write!(out, "{}月{}日", date.0, date.1),
    };
    let _ = write!(out, " {}:{:02}", minute / 60, minute % 60);
}

fn greeting(now: Local) -> &'static str {
    match now.minute / 60 {
        5..=10 => "早上好",
        11..=12 => "中午好",
        13..=17 => "下午好",
        _ => "晚上好",
    }
}

impl Template {
    /// The text with its placeholders filled.
    pub(super) fn fill(&self, values: &Values<'_>) -> String {
        if let [Piece::Words(words)] = self.0.as_slice() {
            return words.clone();
        }
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => out.push_str(words),
                Piece::Place(placeholder) => values.write(*placeholder, &mut out),
            }
        }
        out
    }

    /// The same for an address: what a placeholder becomes is percent-encoded.
    pub(super) fn fill_url(&self, values: &Values<'_>) -> String {
        let (mut out, mut value) = (String::new(), String::new());
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => out.push_str(words),
                Piece::Place(placeholder) => {
                    value.clear();
                    values.write(*placeholder, &mut value);
                    percent::encode(&value, &mut out);
                }
            }
        }
        out
    }

    /// The most bytes [`fill`](Self::fill) can give.
    pub(super) fn longest(&self) -> usize {
        let longest = |piece: &Piece| match piece {
            Piece::Words(words) => words.len(),
            Piece::Place(placeholder) => placeholder.longest(),
        };
        self.0.iter().map(longest).sum()
    }

    /// Whether it tells something that only a rule knows which holds outside of hours.
    pub(super) fn tells_opening(&self) -> bool {
        self.0.contains(&Piece::Place(Placeholder::Opening))
    }

    pub(super) fn is_blank(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Words(words) if words.trim().is_empty()))
    }
}

/// What is wrong with a template, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// `{word}` with a word that is not on the list.
    Unknown(usize, String),
    /// A brace alone.
    Brace(usize, char),
}

/// A piece of a text in which braces mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// As they stand; a doubled brace is one.
    Words(&'t str),
    /// What stands in braces, and at which byte the first of them is.
    Place(&'t str, usize),
    /// A brace alone, and at which byte.
    Brace(char, usize),
}

/// The pieces of a text, in order.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = text.len() - rest.len();
        let (words, from) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
        if !words.is_empty() {
            rest = from;
            return Some(Token::Words(words));
        }
        let brace = from.chars().next()?;
        let (one, after) = from.split_at(brace.len_utf8());
        if let Some(after) = after.strip_prefix(brace) {
            rest = after;
            return Some(Token::Words(one));
        }
        let inside = after.split_once('}').filter(|(word, _)| brace == '{' && !word.contains(['{', '\n']));
        rest = inside.map_or(after, |(_, after)| after);
        Some(inside.map_or(Token::Brace(brace, at), |(word, _)| Token::Place(word, at)))
    })
}

/// Takes a text apart; `name` is what `{name}` stands for. All that is wrong is told at once.
pub(super) fn parse(text: &str, name: &str) -> Result<Template, Vec<Wrong>> {
    let (mut pieces, mut words, mut wrong) = (Vec::new(), String::new(), Vec::new());
    for token in tokens(text) {
        match token {
            Token::Words(some) => words.push_str(some),
            Token::Brace(brace, at) => wrong.push(Wrong::Brace(at, brace)),
            Token::Place("name", _) => words.push_str(name),
            Token::Place(word, at) => match Placeholder::named(word) {
                None => wrong.push(Wrong::Unknown(at, word.to_owned())),
                Some(placeholder) => {
                    if !words.is_empty() {
                        pieces.push(Piece::Words(std::mem::take(&mut words)));
                    }
                    pieces.push(Piece::Place(placeholder));
                }
            },
        }
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    if wrong.is_empty() { Ok(Template(pieces)) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{
        facts::FanStatus,
        playbook::{hours::Exception, inbound::InboundKind},
        time::Timestamp,
    };
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn message(text: &str) -> Inbound {
        Inbound {
            account: "gh_1".into(),
            fan: "oFan".into(),
            // 2026-02-17 00:30:59 in Beijing, a Tuesday.
            create_time: Timestamp(1_771_259_459),
            identity: "i".into(),
            kind: InboundKind::Text,
            text: text.into(),
            attached: String::new(),
        }
    }

    fn fill(template: &str, text: &str) -> String {
        let (message, touch) = (message(text), Touch { channel: Some("bag_1".into()), fan: FanStatus::New });
        let values = Values::new(&message, Some(&touch), "猫粮袋", UtcOffset::BEIJING);
        parse(template, "喵粮").unwrap().fill(&values)
    }

    #[test]
    fn every_placeholder_becomes_what_it_stands_for() {
        for (template, filled) in [
            ("{openid} {account} {name}", "oFan gh_1 喵粮"),
            ("{channel}/{channel_name}", "bag_1/猫粮袋"),
            ("{date} {time} {weekday} {greeting}", "2026-02-17 00:30 星期二 晚上好"),
            ("「{text}」", "「你好」"),
            ("{{text}}", "{text}"),
            ("}}{{", "}{"),
            ("", ""),
        ] {
            assert_eq!(fill(template, "你好"), filled, "{template}");
        }
    }

    #[test]
    fn the_next_opening_is_told_as_a_person_would() {
        // It is half past midnight on Tuesday, 17 February 2026.
        let message = message("");
        for (open, told) in [
            (Some("2026-02-17"), "今天 9:05"),
            (Some("2026-02-18"), "明天 9:05"),
            (Some("2026-02-19"), "周四 9:05"),
            (Some("2026-02-23"), "周一 9:05"),
            (Some("2026-02-24"), "2月24日 9:05"),
            (Some("2026-04-18"), "4月18日 9:05"),
            (Some("2026-04-19"), "营业时间内"),
            (None, "营业时间内"),
        ] {
            let openings = vec!["09:05-18:00".parse().unwrap()];
            let only = |day: &str| Exception { first: day.parse().unwrap(), last: day.parse().unwrap(), openings };
            let hours = Hours { exceptions: open.map(only).into_iter().collect(), ..Hours::default() };
            let values = Values::new(&message, None, "", UtcOffset::BEIJING);
            values.closed.set(Some(&hours));
            assert_eq!(parse("{opening}", "").unwrap().fill(&values), told, "{open:?}");
        }
    }

    #[test]
    fn no_placeholder_becomes_longer_than_it_says() {
        let mut message = message(&"\u{1f63a}".repeat(1_000));
        message.fan = "o".repeat(1_000);
        message.account = "g".repeat(1_000);
        let channel = "\u{1f63a}".repeat(1_000);
        let touch = Touch { channel: Some(channel.clone()), fan: FanStatus::New };
        let values = Values::new(&message, Some(&touch), &channel, UtcOffset::BEIJING);
        for (name, placeholder, longest) in Placeholder::ALL {
            let filled = Template(vec![Piece::Place(placeholder)]).fill(&values);
            assert!(filled.len() <= longest && !filled.is_empty(), "{name}: {} of {longest}", filled.len());
        }
    }

    #[test]
    fn in_an_address_a_value_is_percent_encoded() {
        let message = message("猫 a&b=c");
        let values = Values::new(&message, None, "", UtcOffset::BEIJING);
        let url = parse("https://x.cn/?q={text}&u={openid}", "").unwrap().fill_url(&values);
        assert_eq!(url, "https://x.cn/?q=%E7%8C%AB%20a%26b%3Dc&u=oFan");
    }

    #[test]
    fn all_that_is_wrong_in_a_text_is_told_at_once() {
        let unknown = |at, word: &str| Wrong::Unknown(at, word.into());
        for (template, wrong) in [
            ("{opendi} {x}", vec![unknown(0, "opendi"), unknown(9, "x")]),
            ("猫} b", vec![Wrong::Brace(3, '}')]),
            ("a { b", vec![Wrong::Brace(2, '{')]),
            ("{a{name}", vec![Wrong::Brace(0, '{')]),
            ("{}", vec![unknown(0, "")]),
            ("{{}", vec![Wrong::Brace(2, '}')]),
        ] {
            assert_eq!(parse(template, "n"), Err(wrong), "{template}");
        }
    }
}
