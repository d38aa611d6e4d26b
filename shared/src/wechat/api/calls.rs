//! The port that carries a request to WeChat.

use super::Method;

/// What came back, whatever it is.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Of the response.
    pub status: u16,
    /// Of the response. More than [`ANSWER_MAX`](super::answer::ANSWER_MAX) bytes need not be read: one more tells.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for HttpAnswer {
    /// Without the body: that of `stable_token` is the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Nothing came back. The texts go into logs and reports, so they must not hold the URL, which carries the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It surely never reached WeChat: the host refused it, no name, no connection.
    #[error("the call was not made: {0}")]
    NotSent(String),
    /// It may have reached WeChat: the connection broke, or the time was over.
    #[error("the answer was lost: {0}")]
    Lost(String),
}

/// WeChat, as the rest of this crate reaches it.
#[expect(async_fn_in_trait, reason = "components have one thread, so nobody needs these futures to be Send")]
pub trait Calls {
    /// One HTTP request, made once, with `content-type: application/json` where there is a body. Follows no redirect: the URL
    /// carries the token.
    async fn call(&self, url: &str, method: Method, body: &str) -> Result<HttpAnswer, CallError>;
}
