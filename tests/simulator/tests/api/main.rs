//! The simulated API against [WeChat's protocol](../../../../shared/docs/wechat-protocol.md): each rule, each error,
//! chance by seed, and the same over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod books;
mod chance;
mod gate;
mod sends;
mod server;
mod tokens;
mod world;
