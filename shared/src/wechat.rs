//! WeChat's protocol, without input or output.
//!
//! The road of one callback: [`endpoint`] verifies and decrypts a request, [`message`] says what it means, a
//! [`reply`] is rendered and goes back through [`endpoint`].

pub mod api;
pub mod crypto;
mod document;
pub mod endpoint;
pub mod fields;
pub mod message;
pub mod openid;
pub mod reply;
pub mod sender;
pub mod signature;

pub use message::{Event, Kind, Message};
pub use openid::OpenId;
pub use reply::Reply;
