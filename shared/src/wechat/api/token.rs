//! `stable_token`: the access token ([protocol 4.1](../../../docs/wechat-protocol.md#4.1)).
//!
//! The same token comes back while it is valid, and around its renewal the old and the new one are valid for 5 minutes. When
//! WeChat calls a token invalid that `stable_token` still hands out, only `force_refresh` helps; how often that is allowed is
//! [`Forced`](super::vault::Forced)'s to know.

use super::{AccessToken, Answer, Api, AppSecret, Request, Unreadable};
use serde::Serialize;

/// The longest life of a token, in seconds.
pub const LIFE_MAX: u64 = 7200;

/// A token that WeChat gave us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The token itself; never logged.
    pub token: AccessToken,
    /// How long it still lives, in seconds: 1 to [`LIFE_MAX`].
    pub expires_in: u64,
}

/// Asks for the token; with `force_refresh`, for a new one, which ends the old.
pub fn request(app_id: &str, secret: &AppSecret, force_refresh: bool) -> Request {
    #[derive(Serialize)]
    struct Body<'a> {
        grant_type: &'static str,
        appid: &'a str,
        secret: &'a str,
        force_refresh: bool,
    }
    let body = Body { grant_type: "client_credential", appid: app_id, secret: secret.as_str(), force_refresh };
    Request::json(Api::StableToken, &body)
}

/// Reads the answer. A life over [`LIFE_MAX`] is cut to it.
///
/// # Errors
/// [`Unreadable::Field`]
pub fn read(answer: &Answer) -> Result<Granted, Unreadable> {
    let token = answer.text("access_token").and_then(|token| AccessToken::try_from(token.to_owned()).ok());
    let expires_in = answer.number("expires_in").filter(|seconds: &u64| *seconds > 0);
    Ok(Granted {
        token: token.ok_or(Unreadable::Field("access_token"))?,
        expires_in: expires_in.ok_or(Unreadable::Field("expires_in"))?.min(LIFE_MAX),
    })
}
