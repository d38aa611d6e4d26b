//! What fans and the shop send.

use e2e::{Answer, Server, event, text};
use guanxi::time::Timestamp;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const WRITERS: u64 = 40;

/// One message or order.
pub(super) enum What {
    Message(String),
    Order(u64, String, Timestamp),
}

impl What {
    /// What one fan does, at a time.
    pub(super) fn draw(rng: &mut ChaCha8Rng, number: u64, now: Timestamp) -> Self {
        let fan = format!("oWriter-{}", rng.random_range(0..WRITERS));
        let scene = ["bag_2kg", "kol_amiao", "unheard_of"][rng.random_range(0..3)];
        match rng.random_range(0..6) {
            0 => Self::Message(event(&fan, now, "subscribe", &format!("<EventKey>qrscene_{scene}</EventKey>"))),
            1 => Self::Message(event(&fan, now, "SCAN", &format!("<EventKey>{scene}</EventKey>"))),
            2 => Self::Order(number, fan, now),
            _ => Self::Message(text(&fan, now, number, "有人吗")),
        }
    }

    /// Signed now.
    pub(super) async fn send(&self, server: &Server, now: Timestamp) -> Option<Answer> {
        match self {
            Self::Message(message) => server.try_push_at(message, now).await,
            Self::Order(number, fan, at) => {
                let line = r#"{"product":"cat-2kg","quantity":1,"amount":990}"#;
                let order = format!(r#"{{"id":"N-{number}","openid":"{fan}","time":{at},"lines":[{line}]}}"#);
                server.try_orders(&order, now).await
            }
        }
    }

    /// What it is known by, as the journal knows it.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Message(message) => {
                let field = |name: &str| message.split(&format!("<{name}>")).nth(1)?.split("</").next();
                let plain = |text: &str| text.trim_start_matches("<![CDATA[").trim_end_matches("]]>").to_owned();
                match field("MsgId") {
                    Some(id) => format!("message {id}"),
                    None => format!("event {} {}", plain(field("FromUserName").unwrap()), field("CreateTime").unwrap()),
                }
            }
            Self::Order(number, ..) => format!("order N-{number}"),
        }
    }
}
