//! WeChat's API, simulated: what `api.weixin.qq.com` does with a request
//! ([protocol 4, 6.1, 8](../../../shared/docs/wechat-protocol.md#4)).
//!
//! [`Account`] is pure: the time comes with each request, chance from the seed, and nothing waits. [`Account::receive`]
//! decides everything at once and applies the effect; the [`Fate`] that it returns says how long the request takes and
//! how it ends, and whoever carries it (a model with a clock of its own, or [`ApiServer`] over HTTP) waits and answers or
//! cuts the connection. A sender that goes away meanwhile changes nothing: the request was on the wire.
//!
//! Chance belongs to the request and not to the order of arrivals: the same request, by fan, `client_msg_id` (or body)
//! and number of the try, meets with the same latency, faults and outcome however many others are on the way. Only what
//! the account itself counts, its quotas and tokens, depends on the order.
//!
//! | | |
//! |---|---|
//! | [`Rules`] | latency, faults, quotas, templates, what becomes of messages; may change at any time |
//! | [`Audience`] | the fans: who follows, who is blocked, whose window is open |
//! | [`Books`] | what really happened: every copy that a fan saw, and counts |
//! | [`Callback`] | what WeChat posts back, when it is due |
//!
//! All times are milliseconds since 1970-01-01 UTC. They must not go back.

mod account;
mod answer;
mod audience;
mod books;
mod chance;
mod endpoint;
mod events;
mod fields;
mod quota;
mod request;
mod rules;
mod send;
mod server;
mod tokens;

pub use account::Account;
pub use answer::{End, Fate, Refusal};
pub use audience::{Audience, Fan};
pub use books::{Books, Logged, Push, Sighting};
pub use endpoint::Api;
pub use events::Callback;
pub use quota::Quota;
pub use request::Request;
pub use rules::{Fault, Kind, Latency, Moment, Outcomes, Rules, Template, Trouble};
pub use send::CLIENT_MSG_ID_LASTS;
pub use server::{ApiServer, Poster};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Which Beijing day it is, counted from 1970: quotas begin anew with each
/// ([protocol 4.3](../../../shared/docs/wechat-protocol.md#4.3)).
fn beijing_day(now: u64) -> u64 {
    (now + 8 * HOUR) / DAY
}
