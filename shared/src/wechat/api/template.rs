//! `message/template/send`: a template message ([protocol 8.1](../../../docs/wechat-protocol.md#8.1)). Its answer only
//! says that WeChat took it; what became of it is the event `TEMPLATESENDJOBFINISH` with the same
//! [`msgid`](super::Answer::msgid).

use super::{Api, Request};
use crate::wechat::OpenId;
use serde::{Serialize, Serializer};

/// How long after the first try the same `client_msg_id` may be sent again, in seconds. WeChat knows it for 10 minutes; a run that
/// begins within 8 minutes after another died, half a minute after its last first try at most, still repeats; the rest is for
/// clocks and queues.
pub const REPEAT_SECONDS: u64 = 8 * 60 + 30;
/// The longest `client_msg_id` in bytes: of the lengths that are reported, the shorter.
pub const CLIENT_MSG_ID_MAX: usize = 32;

/// One template message.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Message<'a> {
    /// The fan.
    pub touser: &'a OpenId,
    /// Which template.
    pub template_id: &'a str,
    /// What a tap opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    /// What a tap opens instead, where the client can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub miniprogram: Option<MiniProgram<'a>>,
    /// The values.
    pub data: Data<'a>,
    /// For the same fan and the same id WeChat sends one message, whatever the number of calls; at most
    /// [`CLIENT_MSG_ID_MAX`] bytes, for [`REPEAT_SECONDS`].
    pub client_msg_id: &'a str,
}

/// A page of a mini program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MiniProgram<'a> {
    /// Its AppID.
    pub appid: &'a str,
    /// The page.
    pub pagepath: &'a str,
}

/// Name and value of each field, in the order of the template; a name without its `.DATA`.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a>(pub &'a [(String, String)]);

impl Serialize for Data<'_> {
    /// `{"thing1":{"value":"…"}}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'a> {
            value: &'a str,
        }
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Entry { value })))
    }
}

impl Message<'_> {
    /// Sends it.
    pub fn request(&self) -> Request {
        Request::json(Api::Template, self)
    }
}
