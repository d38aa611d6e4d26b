//! Why a request is turned away.

use super::{BODY_MAX, ECHOSTR_MAX, QUERY_MAX, TIME_WINDOW_SECONDS};
use crate::wechat::{crypto::DecryptError, fields::FieldsError};

/// Why a request is turned away. The sentence is for the log and holds neither a secret nor a fan's words; outside goes
/// only [`Refusal::status`], so that nobody learns which check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A parameter that is needed is not in the query.
    #[error("the query has no {0}")]
    Missing(&'static str),
    /// A parameter is in the query twice.
    #[error("the query has {0} more than once")]
    Repeated(&'static str),
    /// Longer than [`QUERY_MAX`].
    #[error("the query is longer than {QUERY_MAX} bytes")]
    QueryTooLong,
    /// Signed with another token, or not by WeChat at all.
    #[error("wrong signature: is wechat_token the same as in the account's console?")]
    Signature,
    /// `timestamp` is not a number.
    #[error("the timestamp is not a number of seconds")]
    NoTime,
    /// `timestamp` lies in the past.
    #[error("the timestamp is {seconds} s behind our clock, more than {TIME_WINDOW_SECONDS}")]
    TooOld {
        /// How far.
        seconds: u64,
    },
    /// `timestamp` lies in the future.
    #[error("the timestamp is {seconds} s ahead of our clock, more than {TIME_WINDOW_SECONDS}")]
    TooNew {
        /// How far.
        seconds: u64,
    },
    /// Longer than [`BODY_MAX`].
    #[error("the body is longer than {BODY_MAX} bytes")]
    TooLarge,
    /// The body is plain, but `wechat_mode` is not.
    #[error("the body is not encrypted, but wechat_mode is not plain")]
    NotEncrypted,
    /// The body cannot be searched for `Encrypt`.
    #[error("the body holds nothing encrypted: {0}")]
    Envelope(#[from] FieldsError),
    /// `Encrypt` does not open.
    #[error("Encrypt does not open: {0}; are wechat_encoding_aes_key and wechat_app_id right?")]
    Decrypt(#[from] DecryptError),
    /// The URL is to be verified, but there is nothing to give back.
    #[error("the query has no echostr")]
    NoEchostr,
    /// Longer than [`ECHOSTR_MAX`].
    #[error("echostr is longer than {ECHOSTR_MAX} bytes")]
    EchostrTooLong,
}

impl Refusal {
    /// The HTTP status, all that the outside gets to know.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::QueryTooLong | Self::NoEchostr | Self::EchostrTooLong => 400,
            _ => 401,
        }
    }
}
