//! `openapi/quota/get`: what is left to send, and the only official word on how fast
//! ([protocol 4.3](../../../docs/wechat-protocol.md#4.3)).

use super::{Answer, Api, Request, Unreadable, answer::number};
use crate::wechat::fields::Fields;
use serde::Serialize;

/// The quota of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// `daily_limit`: calls in a Beijing day.
    pub daily_limit: u64,
    /// `used` today.
    pub used: u64,
    /// `remain` today.
    pub remain: u64,
    /// How fast; none where WeChat does not say.
    pub rate_limit: Option<RateLimit>,
}

/// `rate_limit`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls in each period, at least 1.
    pub call_count: u64,
    /// The period in seconds, at least 1.
    pub refresh_second: u64,
}

/// Asks for the quota of a call.
pub fn request(of: Api) -> Request {
    #[derive(Serialize)]
    struct Body {
        cgi_path: &'static str,
    }
    Request::json(Api::Quota, &Body { cgi_path: of.path() })
}

/// Reads the answer. A rate with a 0 in it limits nothing.
///
/// # Errors
/// [`Unreadable::Field`]
pub fn read(answer: &Answer) -> Result<Quota, Unreadable> {
    let quota = answer.group("quota").ok_or(Unreadable::Field("quota"))?;
    let daily = |name| number(quota, name).ok_or(Unreadable::Field(name));
    Ok(Quota {
        daily_limit: daily("daily_limit")?,
        used: daily("used")?,
        remain: daily("remain")?,
        rate_limit: answer.group("rate_limit").and_then(rate_limit),
    })
}

fn rate_limit(fields: &Fields) -> Option<RateLimit> {
    let positive = |name| number(fields, name).filter(|number: &u64| *number > 0);
    Some(RateLimit { call_count: positive("call_count")?, refresh_second: positive("refresh_second")? })
}
