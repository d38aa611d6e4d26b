//! Lookups: what a rule may ask one of the brand's own services, and what becomes of the answer.
//!
//! | module | what |
//! |---|---|
//! | [`address`] | which addresses may be called at all |
//! | [`allowed`] | the hosts and keys that the operator allows, and the request that comes of a question |
//! | [`answer`] | from the service's response to the line that the fan reads |
//! | [`cache`] | lines that are good for a while |
//!
//! A question travels whole, as bytes that only this module reads: `auto-reply` makes them of the playbook, `callback` hands them on,
//! and the private component `ask`, the only one that reaches such hosts, needs no playbook and no store. Nothing in them says who
//! asked. A lookup is not pure: each try of a message may ask again, and what the cache does not keep may be answered otherwise.

pub mod address;
pub mod allowed;
pub mod answer;
pub mod cache;

use crate::http::percent;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The component that asks, as others of its application reach it.
pub const COMPONENT: &str = "ask.spin.internal";

/// A fan has an answer by so long after the request began, whatever the service does: WeChat hangs up at 5 s.
pub const ANSWER_BY: Duration = Duration::from_millis(4_300);
/// The longest that a service may take, from connecting to the last byte.
pub const TIME_MAX: Duration = Duration::from_millis(3_000);
/// The longest body of a service's response in bytes; what is longer is not read to its end.
pub const BODY_MAX: usize = 64 * 1024;
/// The longest encoded [`Lookup`] in bytes: more than the largest service that the check takes.
pub const LOOKUP_MAX: usize = 64 * 1024;
/// How many characters of what the fan wrote are asked.
pub const QUESTION_MAX: usize = 60;

/// Raised whenever what is encoded changes its layout.
const FORMAT: u8 = 1;

/// A text with places that one value goes into: what stands between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps(pub Vec<String>);

impl Gaps {
    /// With `value` in every place.
    pub fn fill(&self, value: &str) -> String {
        self.0.join(value)
    }

    /// Whether there is such a place.
    pub fn any(&self) -> bool {
        self.0.len() > 1
    }
}

/// How a service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The question stands in the address.
    Get,
    /// And in the body: `{"text":"…"}`.
    Post,
}

impl Method {
    /// Each with its name in a playbook.
    pub const ALL: [(&'static str, Self); 2] = [("get", Self::Get), ("post", Self::Post)];
}

/// One `[[services]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// Its address; the question goes into the places, percent-encoded.
    pub url: Gaps,
    /// How it is asked.
    pub method: Method,
    /// Headers, and the number (from 1) of the key that each holds.
    pub headers: Vec<(String, u8)>,
    /// How long it may take, in milliseconds, at most [`TIME_MAX`].
    pub timeout_ms: u16,
    /// Where in its JSON the value stands (RFC 6901); none: the body is the value, as text.
    pub pointer: Option<String>,
    /// What to say for a value; empty: the value itself. A value that is not named is no answer.
    pub words: Vec<(String, String)>,
    /// What the fan reads: what stands around the value, in which the question may have its places.
    pub text: Vec<Gaps>,
    /// How long an answer is good for others who ask the same, in seconds; 0: not at all.
    pub cache_seconds: u32,
}

impl Service {
    /// Whether there is nothing to ask without words of the fan.
    pub fn needs_words(&self) -> bool {
        self.method == Method::Post || self.url.any()
    }
}

/// A question to a service, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// Whom.
    pub service: Service,
    /// What: normalised words of the fan, at most [`QUESTION_MAX`] characters.
    pub question: String,
}

/// These bytes are no question: damaged, too long, or of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no question to a service")]
pub struct NoLookup;

impl Lookup {
    /// One with the words behind a keyword, or all words where it has none: without what stands around them that is neither letter
    /// nor digit, so that `天气：杭州` asks `杭州` and dots alone ask nothing.
    pub fn new(service: &Service, words: &str) -> Self {
        let words = words.trim_matches(|c: char| !c.is_alphanumeric());
        Self { service: service.clone(), question: words.chars().take(QUESTION_MAX).collect() }
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Only a sequence of unknown length or a broken allocator fails; the empty list is then no question.
        postcard::to_extend(self, vec![FORMAT]).unwrap_or_default()
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`NoLookup`]. Never panics, whatever the bytes are.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoLookup> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) if bytes.len() <= LOOKUP_MAX => postcard::from_bytes(rest).map_err(|_| NoLookup),
            _ => Err(NoLookup),
        }
    }

    /// How long the service may take.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.service.timeout_ms.into()).min(TIME_MAX)
    }

    /// The address with the question in it.
    pub fn url(&self) -> String {
        self.service.url.fill(&percent::encoded(&self.question))
    }
}
