//! The two secrets of the API. Neither shows in `Debug`, and neither has a `Display`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest token in characters. WeChat asks to reserve at least 512
/// ([protocol 4.1](../../../docs/wechat-protocol.md#4.1)).
pub const TOKEN_MAX: usize = 1024;

/// `access_token`: 1 to [`TOKEN_MAX`] visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessToken(String);

/// The text is no token. Does not say which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an access token has 1 to {TOKEN_MAX} visible ASCII characters")]
pub struct NotAToken;

impl AccessToken {
    /// The token as WeChat wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccessToken {
    type Error = NotAToken;

    fn try_from(text: String) -> Result<Self, NotAToken> {
        let fits = (1..=TOKEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(NotAToken) }
    }
}

impl From<AccessToken> for String {
    fn from(token: AccessToken) -> Self {
        token.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// `AppSecret`: 1 to 128 visible ASCII characters; WeChat's have 32.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSecret(String);

/// The text is no secret. Does not say which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an AppSecret has 1 to 128 visible ASCII characters; the console shows 32")]
pub struct NotAnAppSecret;

impl AppSecret {
    /// The secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for AppSecret {
    type Err = NotAnAppSecret;

    fn from_str(text: &str) -> Result<Self, NotAnAppSecret> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAnAppSecret) }
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(…)")
    }
}
