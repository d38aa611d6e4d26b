//! `user/info`: one fan's profile ([protocol 6.1](../../../docs/wechat-protocol.md#6.1)). Name and picture are no
//! longer given.

use super::{Answer, Api, Request, Unreadable};
use crate::{time::Timestamp, wechat::OpenId};

/// What WeChat says of a fan. Only `subscribe` is always there; an empty field counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `subscribe`: follows. Of others nothing else is given.
    pub subscribe: bool,
    /// `unionid`: only where the account belongs to an Open Platform account.
    pub unionid: Option<String>,
    /// `subscribe_time`: the last follow.
    pub subscribe_time: Option<Timestamp>,
    /// `subscribe_scene`, such as `ADD_SCENE_QR_CODE`.
    pub subscribe_scene: Option<String>,
    /// `qr_scene_str`: the channel of the last follow.
    pub qr_scene_str: Option<String>,
    /// `language`, said to be no longer provided.
    pub language: Option<String>,
}

/// Asks for a fan's profile.
pub fn request(openid: &OpenId) -> Request {
    let query = vec![("openid", openid.to_string()), ("lang", "zh_CN".to_owned())];
    Request { api: Api::User, query, body: String::new() }
}

/// Reads the answer.
///
/// # Errors
/// [`Unreadable::Field`] when it does not say whether the fan follows: a guess could make us forget one who does.
pub fn read(answer: &Answer) -> Result<Profile, Unreadable> {
    let text = |name| answer.text(name).map(str::to_owned);
    let subscribe: u8 = answer.number("subscribe").ok_or(Unreadable::Field("subscribe"))?;
    Ok(Profile {
        subscribe: subscribe != 0,
        unionid: text("unionid"),
        subscribe_time: answer.number("subscribe_time").map(Timestamp),
        subscribe_scene: text("subscribe_scene"),
        qr_scene_str: text("qr_scene_str"),
        language: text("language"),
    })
}
