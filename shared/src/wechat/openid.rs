//! A fan's name at WeChat.

use serde::{Deserialize, Serialize};

/// The longest openid we take. WeChat's are 28 characters; the rest is room.
pub const OPENID_MAX: usize = 64;

/// `openid`: 1 to [`OPENID_MAX`] characters of `A-Z a-z 0-9 _ -`, so it may stand in a store key.
///
/// Source: `FromUserName` in 接收普通消息.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpenId(String);

/// The text is not an openid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an openid has 1 to {OPENID_MAX} characters of A-Z a-z 0-9 _ -")]
pub struct NotAnOpenId;

impl OpenId {
    /// The openid as WeChat wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OpenId {
    type Error = NotAnOpenId;

    fn try_from(text: String) -> Result<Self, NotAnOpenId> {
        let fits = (1..=OPENID_MAX).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits && plain { Ok(Self(text)) } else { Err(NotAnOpenId) }
    }
}

impl std::str::FromStr for OpenId {
    type Err = NotAnOpenId;

    fn from_str(text: &str) -> Result<Self, NotAnOpenId> {
        text.to_owned().try_into()
    }
}

impl From<OpenId> for String {
    fn from(openid: OpenId) -> Self {
        openid.0
    }
}

impl std::fmt::Display for OpenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
