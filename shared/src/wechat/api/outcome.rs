//! What one call came to.
//!
//! A call that did not plainly succeed or fail is the hard part: WeChat busy (-1), an HTTP 5xx, a lost connection, an answer
//! that nobody can read. The message may have gone out. Where WeChat knows the request again ([`Api::may_repeat`]) that is
//! [`Meaning::BackOff`], else [`Meaning::Unknown`].

use super::{AccessToken, Answer, Api, ApiUrl, CallError, Calls, HttpAnswer, Meaning, Request, Unreadable};

/// A call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What the sender does. Never [`Meaning::Done`].
    pub meaning: Meaning,
    /// Whether the call may have had its effect all the same.
    pub uncertain: bool,
    /// What happened, for logs and reports: holds no secret and no fan.
    pub cause: Cause,
}

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// WeChat said so.
    #[error("{code}, {text}: {errmsg}{}{}", if rid.is_some() { ", rid " } else { "" }, rid.as_deref().unwrap_or_default())]
    Code {
        /// `errcode`
        code: i64,
        /// What it says, in our words.
        text: &'static str,
        /// `errmsg`; for 47003 it names the field.
        errmsg: String,
        /// For WeChat's support.
        rid: Option<String>,
    },
    /// HTTP said so, and no `errcode` with it.
    #[error("HTTP status {0}")]
    Status(u16),
    /// What came back is not WeChat's.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Nothing came back.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a call came to. An `errcode` other than 0 counts under any HTTP status, because only WeChat writes one; without it
/// a status that is not 2xx is the answer.
///
/// # Errors
/// [`Failure`]
pub fn judge(api: Api, result: Result<HttpAnswer, CallError>) -> Result<Answer, Failure> {
    let http = match result {
        Ok(http) => http,
        Err(error @ CallError::NotSent(_)) => {
            return Err(Failure { meaning: Meaning::BackOff, uncertain: false, cause: error.into() });
        }
        Err(error @ CallError::Lost(_)) => return Err(Failure::perhaps(api, error.into())),
    };
    let answer = match Answer::read(&http.body) {
        Ok(answer) if answer.code() != 0 => return judge_code(api, answer),
        _ if !(200..=299).contains(&http.status) => return Err(judge_status(api, http.status)),
        answer => answer.map_err(|unreadable| Failure::perhaps(api, unreadable.into()))?,
    };
    if api.reaches_a_fan() && answer.errcode.is_none() {
        // A send always answers `errcode`; the object is somebody else's.
        return Err(Failure::perhaps(api, Unreadable::Field("errcode").into()));
    }
    Ok(answer)
}

fn judge_code(api: Api, answer: Answer) -> Result<Answer, Failure> {
    let code = answer.code();
    let (meaning, text) = api.meaning(code);
    if meaning == Meaning::Done {
        return Ok(answer);
    }
    let uncertain = matches!(meaning, Meaning::BackOff | Meaning::Unknown);
    Err(Failure { meaning, uncertain, cause: Cause::Code { code, text, errmsg: answer.errmsg, rid: answer.rid } })
}

fn judge_status(api: Api, status: u16) -> Failure {
    let cause = Cause::Status(status);
    match status {
        408 | 500..=599 => Failure::perhaps(api, cause),
        429 => Failure { meaning: Meaning::SlowDown, uncertain: false, cause },
        // A redirect, 403, 404 …: `wechat_api_url` is not WeChat's API.
        _ => Failure { meaning: Meaning::Alarm, uncertain: false, cause },
    }
}

impl Failure {
    /// WeChat's code, where it gave one.
    pub fn code(&self) -> Option<i64> {
        match &self.cause {
            Cause::Code { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// It may have had its effect.
    fn perhaps(api: Api, cause: Cause) -> Self {
        let meaning = if api.may_repeat() { Meaning::BackOff } else { Meaning::Unknown };
        Self { meaning, uncertain: true, cause }
    }
}

impl From<Unreadable> for Failure {
    /// Of an answer that was to be read: the call may be made again.
    fn from(unreadable: Unreadable) -> Self {
        Self { meaning: Meaning::BackOff, uncertain: true, cause: unreadable.into() }
    }
}

impl Request {
    /// Makes the request once and says what came of it.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn send(
        &self,
        calls: &impl Calls,
        base: &ApiUrl,
        token: Option<&AccessToken>,
    ) -> Result<Answer, Failure> {
        judge(self.api, calls.call(&self.url(base, token), self.api.method(), &self.body).await)
    }
}
