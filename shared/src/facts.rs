//! What can happen, in words that all layers above share; no logic.
//!
//! | module | what |
//! |---|---|
//! | [`dialog`] | what a message leaves in a dialog |
//! | [`order`] | what the shop system says of an order |
//! | [`push`] | what push tells rollup through the journal, and rollup tells push through lists |
//! | [`request`] | what a fan asks the brand for |

pub mod dialog;
pub mod order;
pub mod push;
pub mod request;

use crate::{
    store::{
        format::{self, RecordError},
        keys,
    },
    time::Timestamp,
    wechat::{Message, OpenId},
};
use order::OrderEvent;
use push::LedgerNews;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What [`Entry::encode`] writes first; a newer one is refused.
const FORMAT: u8 = 2;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "nearly every entry is a received message; smaller where pointers are")]
pub enum Entry {
    /// WeChat posted a message or an event and got an answer.
    Received(Received),
    /// The shop system reported purchases: one request, all or nothing.
    Orders(Orders),
    /// Somebody wants to be forgotten.
    Erase(Erase),
    /// What became of pushes of ours.
    Ledger(LedgerNews),
    /// Push found a record damaged.
    Damaged(Found),
}

/// A message or an event from WeChat, and what we made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// What WeChat posted.
    pub message: Message,
    /// The contact through a channel that it was, if any.
    pub touch: Option<Touch>,
    /// The rule that answered; none: the default did, or nobody.
    pub rule: Option<String>,
    /// From the request to this entry, in milliseconds.
    pub milliseconds: u32,
    /// What the fan decided about pushes with it.
    pub pushes: Option<PushChoice>,
    /// What it left in its dialog: an encoded [`dialog::Left`]; empty: nothing.
    pub left: Vec<u8>,
}

/// A request of the shop system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// When it came in, by our clock.
    pub at: Timestamp,
    /// What it said.
    pub orders: Vec<OrderEvent>,
}

/// The wish to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    /// The fan, who need not be known.
    pub openid: OpenId,
    /// When it came in, by our clock.
    pub at: Timestamp,
}

impl Entry {
    /// When it happened, by WeChat's clock or by ours; none: it says nothing of anybody.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Received(received) => Some(received.message.create_time),
            Self::Orders(orders) => Some(orders.at),
            Self::Erase(erase) => Some(erase.at),
            Self::Ledger(LedgerNews(news)) => news.first().map(|news| news.at),
            Self::Damaged(_) => None,
        }
    }

    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        format::encode(FORMAT, self)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes {
            // Format 1 had no `left`, which stands at the end of the first variant, and is otherwise the same.
            [1, 0, ..] => format::decode(1, &[bytes, &[0]].concat()),
            [1, ..] => format::decode(1, bytes),
            _ => format::decode(FORMAT, bytes),
        }
    }
}

/// Bytes kept of a record that push found damaged; none of its own is as long.
pub const FOUND_BYTES_MAX: usize = 256 * 1024;

/// A record that push found damaged, as it tells rollup, which sets it aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its key.
    pub key: String,
    /// What stands there, but no more than [`FOUND_BYTES_MAX`] of it.
    pub bytes: Vec<u8>,
}

impl Found {
    /// What was found at a key.
    pub fn new(key: &str, mut bytes: Vec<u8>) -> Self {
        bytes.truncate(FOUND_BYTES_MAX);
        Self { key: key.to_owned(), bytes }
    }
}

/// One contact of a fan: a scan, or a follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// The channel's id: the QR code's scene string; none for a follow by no code of ours.
    pub channel: Option<String>,
    /// What the fan is to the brand.
    pub fan: FanStatus,
}

/// What a fan is to the brand at a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FanStatus {
    /// Follows for the first time.
    New,
    /// Followed before and comes back.
    Returning,
    /// Is a follower, and scanned.
    Follower,
}

impl FanStatus {
    /// Every status with the name it has in a playbook.
    pub const ALL: [(&'static str, Self); 3] =
        [("new", Self::New), ("returning", Self::Returning), ("follower", Self::Follower)];
}

/// What a fan decides about pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PushChoice {
    /// No more of them.
    Stop,
    /// They are welcome again.
    Resume,
}

impl PushChoice {
    /// Both with the name they have in a playbook.
    pub const ALL: [(&'static str, Self); 2] = [("stop", Self::Stop), ("resume", Self::Resume)];
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The stream's number, from 1.
    pub stream: u64,
    /// Within the stream, from 0.
    pub index: u32,
}

impl fmt::Display for Place {
    /// The store key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&keys::JOURNAL.key::<Entry>(&[&self.stream, &self.index]))
    }
}

/// An entry and where it stood in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Its place: no two entries have the same.
    pub place: Place,
    /// What it says.
    pub entry: Entry,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn entries_of_format_1_are_read() {
        let erase = Entry::Erase(Erase { openid: "o1".parse().unwrap(), at: Timestamp(7) });
        let message = crate::wechat::Message::parse(
            b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>7</CreateTime>\
              <MsgType>text</MsgType><Content>hi</Content><MsgId>1</MsgId></xml>",
        );
        let message = message.unwrap().1;
        let received = Received { message, touch: None, rule: None, milliseconds: 1, pushes: None, left: Vec::new() };
        for entry in [erase, Entry::Received(received)] {
            let mut old = entry.encode();
            old[0] = 1;
            if matches!(entry, Entry::Received(_)) {
                assert_eq!(old.pop(), Some(0), "format 1 ended before what was left");
            }
            assert_eq!(Entry::decode(&old), Ok(entry));
        }
    }
}
