//! The calls that the simulated WeChat knows.

/// One call of the API. Any other path is a 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// `POST /cgi-bin/stable_token`
    StableToken,
    /// `GET /cgi-bin/token`, the older kind; the two know nothing of each other.
    Token,
    /// `POST /cgi-bin/message/template/send`
    Template,
    /// `POST /cgi-bin/message/subscribe/bizsend`
    Notice,
    /// `POST /cgi-bin/message/custom/send`
    Message,
    /// `POST /cgi-bin/openapi/quota/get`
    Quota,
    /// `GET /cgi-bin/user/info`
    UserInfo,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::StableToken, Self::Token, Self::Template, Self::Notice, Self::Message, Self::Quota, Self::UserInfo];

    /// As it stands in the URL and in `cgi_path`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::StableToken => "/cgi-bin/stable_token",
            Self::Token => "/cgi-bin/token",
            Self::Template => "/cgi-bin/message/template/send",
            Self::Notice => "/cgi-bin/message/subscribe/bizsend",
            Self::Message => "/cgi-bin/message/custom/send",
            Self::Quota => "/cgi-bin/openapi/quota/get",
            Self::UserInfo => "/cgi-bin/user/info",
        }
    }

    /// The call at this path, if there is one.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.path() == path)
    }

    /// Takes its arguments as JSON; the others from the query.
    pub(super) const fn needs_post(self) -> bool {
        !matches!(self, Self::Token | Self::UserInfo)
    }

    /// All but the calls that give one.
    pub(super) const fn needs_token(self) -> bool {
        !matches!(self, Self::Token | Self::StableToken)
    }
}
