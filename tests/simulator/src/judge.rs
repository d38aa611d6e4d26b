//! What WeChat's client makes of an answer: show it, show nothing, or a notice
//! ([protocol 1.8, 3](../../../shared/docs/wechat-protocol.md#1.8)).

mod reply;

use crate::scenario::Message;
use guanxi::wechat::fields::Format;
use std::fmt;

/// The notice when nothing came after all tries.
pub const UNAVAILABLE: &str = "该公众号暂时无法提供服务，请稍后再试";

/// The notice when what came is not an answer.
pub const OUT_OF_ORDER: &str = "该公众号提供的服务出现故障，请稍后再试";

/// The longest text in bytes that arrives, by field reports
/// ([protocol 3.2](../../../shared/docs/wechat-protocol.md#3.2)).
pub const TEXT_MAX: usize = 2_048;

/// How far a reply's `CreateTime` may be from our clock, in seconds.
const CREATE_TIME_SLACK: u64 = 600;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The fan sees this.
    Shown(Seen),
    /// `success` or nothing: the fan sees nothing, and that is fine.
    Silent,
    /// An answer came that is none.
    Fault(Fault),
    /// No answer in any try.
    NoAnswer,
}

/// What a fan sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A bubble with text.
    Text(String),
    /// A picture, by its media id.
    Image(String),
    /// Something to hear, by its media id.
    Voice(String),
    /// A film, by its media id.
    Video(String),
    /// A piece of music, by its title.
    Music(String),
    /// Cards, by their titles.
    Cards(Vec<String>),
    /// A human takes over.
    Agent,
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that are no text.
    #[error("the answer is not UTF-8")]
    NotUtf8,
    /// Not encrypted in safe mode, or not as the account's key, token and app id have it.
    #[error("the envelope does not open: {0}")]
    Envelope(String),
    /// HTML, two documents, a character that XML forbids, JSON where the account has XML.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// Any other root element.
    #[error("the root element is {0} and not xml")]
    Root(String),
    /// The addresses were not swapped.
    #[error("{field} is {found:?} and should be {expected:?}")]
    Address {
        /// `ToUserName` or `FromUserName`.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// Not a plain number, or far from now.
    #[error("CreateTime is {0:?}, which is not now")]
    CreateTime(String),
    /// None that [protocol 3.1](../../../shared/docs/wechat-protocol.md#3.1) knows.
    #[error("MsgType is {0:?}")]
    MsgType(String),
    /// A field that the type needs.
    #[error("{0} is missing or empty")]
    Missing(&'static str),
    /// Over [`TEXT_MAX`].
    #[error("the text has {0} bytes")]
    TextTooLong(usize),
    /// `ArticleCount` does not agree with the items.
    #[error("ArticleCount is {stated:?} and there are {found} articles")]
    ArticleCount {
        /// What it says.
        stated: String,
        /// How many there are.
        found: usize,
    },
    /// One where the fan sent a message, eight elsewhere.
    #[error("{0} articles are more than WeChat shows here")]
    TooManyArticles(usize),
    /// `transfer_customer_service` for an event.
    #[error("an event was handed over to the agents")]
    HandOverOfEvent,
    /// A reply to a push that takes none.
    #[error("{0} takes no reply")]
    TakesNoReply(&'static str),
}

/// Judges the text of a 200, decrypted, as the answer to `message` at `now` (seconds since 1970).
pub fn judge(answer: &str, format: Format, message: &Message, now: u64) -> Verdict {
    // Exactly these, and never encrypted.
    if matches!(answer, "" | "success") {
        return Verdict::Silent;
    }
    match reply::read(answer, format, message, now) {
        Ok(seen) => Verdict::Shown(seen),
        Err(fault) => Verdict::Fault(fault),
    }
}

/// The answer without the digits of its `CreateTime`: what must be equal in every try of one message.
pub fn without_create_time(answer: &str) -> String {
    const NAME: &str = "CreateTime";
    match answer.split_once(NAME) {
        Some((before, after)) => {
            let value = after.trim_start_matches(['>', '"', ':', ' ']);
            format!("{before}{NAME} {}", value.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => answer.to_owned(),
    }
}

impl Verdict {
    /// The notice that the fan sees in place of an answer, where the fan waits for one.
    pub fn notice(&self, message: &Message) -> Option<&'static str> {
        let notice = match self {
            Self::Shown(_) | Self::Silent => return None,
            Self::Fault(_) => OUT_OF_ORDER,
            Self::NoAnswer => UNAVAILABLE,
        };
        message.act.is_waited_for().then_some(notice)
    }

    /// One word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shown(_) => "shown",
            Self::Silent => "silent",
            Self::Fault(_) => "fault",
            Self::NoAnswer => "no answer",
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Image(media_id) => write!(f, "[image {media_id}]"),
            Self::Voice(media_id) => write!(f, "[voice {media_id}]"),
            Self::Video(media_id) => write!(f, "[video {media_id}]"),
            Self::Music(title) => write!(f, "[music {title}]"),
            Self::Cards(titles) => write!(f, "[{}]", titles.join(" | ")),
            Self::Agent => f.write_str("[an agent takes over]"),
        }
    }
}

#[cfg(test)]
mod tests;
