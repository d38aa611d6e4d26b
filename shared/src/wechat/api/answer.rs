//! What every answer has. `content-type` is never looked at: WeChat sends JSON as `text/plain` too
//! ([protocol 4.2](../../../docs/wechat-protocol.md#4.2)).

use crate::wechat::fields::{Fields, Format};

/// The largest answer in bytes; ours have a few hundred.
pub const ANSWER_MAX: usize = 64 * 1024;
/// How much of an `errmsg` is kept, in characters: it goes into logs and reports.
pub const MESSAGE_MAX: usize = 200;
/// The longest `rid` taken, in characters.
const RID_MAX: usize = 64;

/// An answer of WeChat's, good or bad. Numbers may come as text and text as numbers.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// `errcode`; none where there is no such field, which is success for calls that read.
    pub errcode: Option<i64>,
    /// `errmsg` without its rid: at most [`MESSAGE_MAX`] characters, none of them a control character.
    pub errmsg: String,
    /// What WeChat's support and `openapi/rid/get` ask for, valid 7 days.
    pub rid: Option<String>,
    fields: Fields,
}

impl std::fmt::Debug for Answer {
    /// Without the other fields: that of `stable_token` has the token, that of `user/info` the fan.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut answer = f.debug_struct("Answer");
        answer.field("errcode", &self.errcode).field("errmsg", &self.errmsg).field("rid", &self.rid);
        answer.finish_non_exhaustive()
    }
}

/// Why a body is no answer of WeChat's. Never holds text of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than [`ANSWER_MAX`].
    #[error("the answer is larger than {ANSWER_MAX} bytes")]
    TooLarge,
    /// Not a JSON object, cut off, or beyond the bounds of [`Fields`].
    #[error("the answer is not a JSON object")]
    NotJson,
    /// A field that this answer needs is absent, or is not what it should be.
    #[error("the answer has no usable {0}")]
    Field(&'static str),
}

impl Answer {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Unreadable`], whatever the bytes are; never a panic.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        if body.len() > ANSWER_MAX {
            return Err(Unreadable::TooLarge);
        }
        let Ok((Format::Json, fields)) = Fields::parse(body) else {
            return Err(Unreadable::NotJson);
        };
        let errcode = match fields.iter().any(|(name, _)| name == "errcode") {
            true => Some(number(&fields, "errcode").ok_or(Unreadable::Field("errcode"))?),
            false => None,
        };
        let (errmsg, rid) = split_rid(fields.text("errmsg").unwrap_or_default());
        Ok(Self { errcode, errmsg, rid, fields })
    }

    /// `errcode`, 0 when absent.
    pub fn code(&self) -> i64 {
        self.errcode.unwrap_or(0)
    }

    /// `msgid` of a send: a 64-bit number, not 0, as text, because nobody calculates with it. A duplicate by id may have none,
    /// or name it `msg_id`.
    pub fn msgid(&self) -> Option<&str> {
        let msgid = self.text("msgid").or_else(|| self.text("msg_id"))?;
        let digits = msgid.bytes().all(|byte| byte.is_ascii_digit());
        (digits && msgid.parse::<u64>().is_ok_and(|number| number > 0)).then_some(msgid)
    }

    /// A field that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.text(name).filter(|text| !text.is_empty())
    }

    /// A whole number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        number(&self.fields, name)
    }

    /// An object.
    pub(super) fn group<'a>(&'a self, name: &'a str) -> Option<&'a Fields> {
        self.fields.groups(name).next()
    }
}

/// A whole number, written as a number or as text.
pub(super) fn number<T: std::str::FromStr>(fields: &Fields, name: &str) -> Option<T> {
    fields.text(name)?.trim().parse().ok()
}

/// The message for people, and the id for WeChat's support: ` rid: 6530a6c7-…` or, older, ` hint: [Oe8ZZa01]`.
fn split_rid(errmsg: &str) -> (String, Option<String>) {
    let found = errmsg.rfind("rid: ").map(|at| (at, "rid: ".len()));
    let found = found.or_else(|| errmsg.rfind("hint: [").map(|at| (at, "hint: [".len())));
    let Some((message, rest)) = found.and_then(|(at, skip)| Some((errmsg.get(..at)?, errmsg.get(at + skip..)?))) else {
        return (printable(errmsg), None);
    };
    let id: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    if (1..=RID_MAX).contains(&id.len()) { (printable(message), Some(id)) } else { (printable(errmsg), None) }
}

fn printable(text: &str) -> String {
    let text: String = text.trim().chars().take(MESSAGE_MAX).collect();
    text.replace(char::is_control, " ").trim_end().to_owned()
}
