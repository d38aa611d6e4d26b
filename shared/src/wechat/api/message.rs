//! `message/custom/send`: a customer message, which needs an action of the fan's within 48 hours, or within a minute
//! ([protocol 8.4](../../../docs/wechat-protocol.md#8.4)). There is no `client_msg_id`, so it is never sent again by
//! itself.

use super::{Api, Request};
use crate::wechat::OpenId;
use serde::Serialize;

/// A message of plain text.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The fan.
    pub touser: &'a OpenId,
    /// About 2,048 bytes at most; [`cut_text`](crate::wechat::reply::cut_text) keeps to it.
    pub content: &'a str,
}

impl Text<'_> {
    /// Sends it.
    pub fn request(&self) -> Request {
        #[derive(Serialize)]
        struct Body<'a> {
            touser: &'a OpenId,
            msgtype: &'static str,
            text: Content<'a>,
        }
        #[derive(Serialize)]
        struct Content<'a> {
            content: &'a str,
        }
        let text = Content { content: self.content };
        Request::json(Api::Message, &Body { touser: self.touser, msgtype: "text", text })
    }
}
