//! How a request ends.

use super::{books::Passage, rules::Fault};
use serde_json::{Value, json};

/// What becomes of one request: decided, and its effect applied, when it was received.
#[derive(Debug)]
pub struct Fate {
    /// Milliseconds until the request takes effect. A fan sees the message then.
    pub before: u64,
    /// Milliseconds from there until it ends; 0 when a fault stopped it before its effect.
    pub after: u64,
    /// How it ends, `before + after` milliseconds after it was received.
    pub end: End,
    /// What it met with on the way, if anything.
    pub fault: Option<Fault>,
    /// The request counts as in flight until its fate is dropped.
    pub(super) _passage: Passage,
}

/// The end of a request, as its sender sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// An HTTP answer.
    Answer {
        /// 200 for all that WeChat decides, `errcode` or not.
        status: u16,
        /// JSON with a 200, empty otherwise.
        body: String,
    },
    /// The connection breaks.
    Reset,
}

/// An answer with an `errcode`; the text is WeChat's `errmsg`
/// ([protocol 4.4](../../../../shared/docs/wechat-protocol.md#4.4)).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// -1
    #[error("system error")]
    Busy,
    /// 40001
    #[error("invalid credential, access_token is invalid or not latest")]
    TokenNotLatest,
    /// 40002
    #[error("invalid grant_type")]
    GrantType,
    /// 40003
    #[error("invalid openid")]
    OpenId,
    /// 40008
    #[error("invalid message type")]
    MessageType,
    /// 40013
    #[error("invalid appid")]
    AppId,
    /// 40014
    #[error("invalid access_token")]
    TokenMalformed,
    /// 40033
    #[error("invalid charset. please check your request, if include \\uxxxx will create fail!")]
    Charset,
    /// 40037
    #[error("invalid template_id")]
    TemplateId,
    /// 40125
    #[error("invalid appsecret")]
    Secret,
    /// 41001
    #[error("access_token missing")]
    TokenMissing,
    /// 42001
    #[error("access_token expired")]
    TokenExpired,
    /// 43002
    #[error("require POST method")]
    NeedsPost,
    /// 43004
    #[error("require subscribe")]
    NotFollowing,
    /// 43019
    #[error("require remove blacklist")]
    Blacklisted,
    /// 43101
    #[error("user refuse to accept the msg")]
    NotPermitted,
    /// 44002
    #[error("empty post data")]
    EmptyBody,
    /// 45009
    #[error("reach max api daily quota limit")]
    DailyQuota,
    /// 45011
    #[error("api minute-quota reach limit, must slower, retry next minute")]
    MinuteQuota,
    /// 45015
    #[error("response out of time limit or subscription is canceled")]
    WindowClosed,
    /// 45047
    #[error("out of response count limit")]
    WindowUsedUp,
    /// 47001
    #[error("data format error")]
    NotJson,
    /// 47003: the template's field of this name is missing, empty, or not what its type allows.
    #[error("argument invalid! data.{0}.value invalid")]
    Field(String),
    /// 50002
    #[error("user limited")]
    UserLimited,
    /// 76021
    #[error("cgi_path not found, please check")]
    CgiPath,
}

impl Refusal {
    /// `errcode`
    pub const fn code(&self) -> i64 {
        match self {
            Self::Busy => -1,
            Self::TokenNotLatest => 40_001,
            Self::GrantType => 40_002,
            Self::OpenId => 40_003,
            Self::MessageType => 40_008,
            Self::AppId => 40_013,
            Self::TokenMalformed => 40_014,
            Self::Charset => 40_033,
            Self::TemplateId => 40_037,
            Self::Secret => 40_125,
            Self::TokenMissing => 41_001,
            Self::TokenExpired => 42_001,
            Self::NeedsPost => 43_002,
            Self::NotFollowing => 43_004,
            Self::Blacklisted => 43_019,
            Self::NotPermitted => 43_101,
            Self::EmptyBody => 44_002,
            Self::DailyQuota => 45_009,
            Self::MinuteQuota => 45_011,
            Self::WindowClosed => 45_015,
            Self::WindowUsedUp => 45_047,
            Self::NotJson => 47_001,
            Self::Field(_) => 47_003,
            Self::UserLimited => 50_002,
            Self::CgiPath => 76_021,
        }
    }

    /// As WeChat says it, with the number of the request that its staff ask for.
    pub(super) fn answer(&self, rid: &str) -> Value {
        json!({ "errcode": self.code(), "errmsg": format!("{self} rid: {rid}") })
    }
}
