//! WeChat's API, without input or output: what a call says, and what its answer means for us.
//!
//! ```text
//! template::Message ──request()──► Request ──url()──► Calls (the port) ──► HttpAnswer ──judge()──► Answer | Failure
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`request`] | the calls there are, the base URL, one request |
//! | [`calls`] | the port that carries a request to WeChat |
//! | [`answer`] | what every answer has: `errcode`, `errmsg`, `rid` |
//! | [`meaning`] | what each error code means for us: the only place that knows |
//! | [`outcome`] | what one call came to, lost and unreadable answers included |
//! | [`credentials`] | the app secret and the access token, which never show |
//! | [`token`], [`vault`] | `stable_token`; the token at rest |
//! | [`template`], [`notice`], [`message`] | the three ways to reach a fan |
//! | [`quota`], [`user`] | what is left to send; one fan's profile |
//!
//! Source: [protocol 4, 6.1 and 8](../../docs/wechat-protocol.md#4).

pub mod answer;
pub mod calls;
pub mod credentials;
pub mod meaning;
pub mod message;
pub mod notice;
pub mod outcome;
pub mod quota;
pub mod request;
pub mod template;
pub mod token;
pub mod user;
pub mod vault;

pub use answer::{Answer, Unreadable};
pub use calls::{CallError, Calls, HttpAnswer};
pub use credentials::{AccessToken, AppSecret};
pub use meaning::Meaning;
pub use outcome::{Cause, Failure, judge};
pub use request::{Api, ApiUrl, Method, Request};
