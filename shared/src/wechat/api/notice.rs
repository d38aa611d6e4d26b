//! `message/subscribe/bizsend`: a subscription notice ([protocol 8.2](../../../docs/wechat-protocol.md#8.2)). It uses
//! up one permission that the fan gave. There is no `client_msg_id`, so it is never sent again by itself.

use super::{
    Api, Request,
    template::{Data, MiniProgram},
};
use crate::wechat::OpenId;
use serde::Serialize;

/// WeChat's code, of a call and in the event that follows one, where the fan has refused notices of the template or has allowed
/// none that is left.
pub const NO_CONSENT: i64 = 43101;

/// One notice.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Notice<'a> {
    /// The fan.
    pub touser: &'a OpenId,
    /// Which template.
    pub template_id: &'a str,
    /// What a tap opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<&'a str>,
    /// What a tap opens instead, where the client can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub miniprogram: Option<MiniProgram<'a>>,
    /// The values.
    pub data: Data<'a>,
}

impl Notice<'_> {
    /// Sends it.
    pub fn request(&self) -> Request {
        Request::json(Api::Notice, self)
    }
}
