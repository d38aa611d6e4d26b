//! The port that carries a post to the webhook, and what an answer means.

use serde::{Deserialize, Serialize};

/// One request to the webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Post<'a> {
    /// Where it goes.
    pub url: &'a str,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    pub headers: [(&'static str, String); 3],
    /// JSON.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Post<'_> {
    /// Without what fans say.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Post({}, {} bytes)", self.url, self.body.len())
    }
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, where it is a number of seconds.
    pub retry_after: Option<u64>,
}

/// Nothing came back; the texts hold neither address nor body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhook gave no answer: {0}")]
pub struct PostError(pub String);

/// The brand's webhook.
#[expect(async_fn_in_trait, reason = "components have one thread, so nobody needs these futures to be Send")]
pub trait Posts {
    /// One POST of `content-type: application/json`, made once. Follows no redirect: the secret is good for one receiver.
    async fn post(&self, post: Post<'_>) -> Result<Answer, PostError>;
}

/// Why a try came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The receiver said so.
    Status(u16),
    /// There was no answer, or none in time.
    NoAnswer,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::NoAnswer => f.write_str("no answer"),
        }
    }
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx: it arrived.
    Delivered,
    /// It is tried again; the receiver may have said not before when, in seconds.
    Failed(Why, Option<u64>),
    /// 410: by the convention nobody is there any more, so it is given up at once.
    GivenUp(Why),
}

/// What an answer means.
pub fn judge(answer: &Result<Answer, PostError>) -> Outcome {
    match answer {
        Ok(Answer { status: 200..=299, .. }) => Outcome::Delivered,
        Ok(Answer { status: 410, .. }) => Outcome::GivenUp(Why::Status(410)),
        Ok(Answer { status, retry_after }) => Outcome::Failed(Why::Status(*status), *retry_after),
        Err(PostError(_)) => Outcome::Failed(Why::NoAnswer, None),
    }
}
