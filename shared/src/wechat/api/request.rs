//! The calls there are, where they go, and one request to be made.

use super::AccessToken;
use form_urlencoded::Serializer;
use serde::Serialize;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The calls that Guanxi makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// `stable_token`: the access token.
    StableToken,
    /// `message/template/send`: a template message.
    Template,
    /// `message/subscribe/bizsend`: a subscription notice.
    Notice,
    /// `message/custom/send`: a customer message.
    Message,
    /// `openapi/quota/get`: what is left to send.
    Quota,
    /// `user/info`: one fan's profile.
    User,
}

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Get,
    /// With a JSON body.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Api {
    /// Every call.
    pub const ALL: [Self; 6] =
        [Self::StableToken, Self::Template, Self::Notice, Self::Message, Self::Quota, Self::User];

    /// Where it is; also its `cgi_path` in the quota query.
    pub const fn path(self) -> &'static str {
        match self {
            Self::StableToken => "/cgi-bin/stable_token",
            Self::Template => "/cgi-bin/message/template/send",
            Self::Notice => "/cgi-bin/message/subscribe/bizsend",
            Self::Message => "/cgi-bin/message/custom/send",
            Self::Quota => "/cgi-bin/openapi/quota/get",
            Self::User => "/cgi-bin/user/info",
        }
    }

    /// How it is called.
    pub const fn method(self) -> Method {
        match self {
            Self::User => Method::Get,
            _ => Method::Post,
        }
    }

    /// Whether a fan hears of it.
    pub const fn reaches_a_fan(self) -> bool {
        matches!(self, Self::Template | Self::Notice | Self::Message)
    }

    /// Whether the same request may be made again when nobody knows what became of it. A template message has its
    /// `client_msg_id`, within [`template::REPEAT_SECONDS`](super::template::REPEAT_SECONDS); notices and customer messages
    /// have no such thing, so a second call could be a second copy.
    pub const fn may_repeat(self) -> bool {
        !matches!(self, Self::Notice | Self::Message)
    }
}

/// One request to WeChat.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is called.
    pub api: Api,
    /// The query's names and values, without the token.
    pub query: Vec<(&'static str, String)>,
    /// UTF-8 JSON without `\u` escapes for Chinese (WeChat's 40033), or empty for [`Method::Get`].
    pub body: String,
}

impl std::fmt::Debug for Request {
    /// Without query and body: they hold fans, and that of `stable_token` the app secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("api", &self.api).finish_non_exhaustive()
    }
}

impl Request {
    /// A POST with a JSON body.
    pub(super) fn json(api: Api, body: &impl Serialize) -> Self {
        // `serde_json` fails on maps whose keys are no text, and on values that refuse; there are none here. An empty body
        // would be WeChat's 44002.
        Self { api, query: Vec::new(), body: serde_json::to_string(body).unwrap_or_default() }
    }

    /// The whole address, values percent-encoded. It carries the token: not for logs. Every call but
    /// [`Api::StableToken`] needs one.
    pub fn url(&self, base: &ApiUrl, token: Option<&AccessToken>) -> String {
        let mut url = format!("{}{}", base.0, self.api.path());
        if token.is_none() && self.query.is_empty() {
            return url;
        }
        url.push('?');
        let start = url.len();
        let mut query = Serializer::for_suffix(url, start);
        query.extend_pairs(token.map(|token| ("access_token", token.as_str())));
        query.extend_pairs(&self.query);
        query.finish()
    }
}

/// WeChat's API host, or a stand-in for it: scheme, host and perhaps a port, nothing behind.
///
/// `https` everywhere; `http` on this machine only (a simulator), because the app secret travels there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl(String);

/// Why a text is no [`ApiUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnApiUrl {
    /// Neither `https://` nor `http://`.
    #[error("it begins with https:// (or http:// for a simulator on this machine)")]
    Scheme,
    /// `http` to another machine.
    #[error("http:// is for localhost only: the app secret would travel in the clear")]
    Clear,
    /// No host, or characters that no host has: also a user name, a path, a query.
    #[error("after the scheme comes a host and perhaps a port, and nothing else")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
}

impl ApiUrl {
    /// `scheme://host[:port]`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ApiUrl {
    type Err = NotAnApiUrl;

    /// One `/` at the end is taken off.
    fn from_str(text: &str) -> Result<Self, NotAnApiUrl> {
        let (scheme, authority) = text.trim().split_once("://").ok_or(NotAnApiUrl::Scheme)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            // The colons inside `[::1]` are no port's.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if !is_host(host) || authority.contains(['/', '?', '#', '@']) {
            return Err(NotAnApiUrl::Host);
        }
        if port.is_some_and(|port| !is_port(port)) {
            return Err(NotAnApiUrl::Port);
        }
        match scheme {
            "http" if !is_local(host) => Err(NotAnApiUrl::Clear),
            "http" | "https" => Ok(Self(format!("{scheme}://{authority}"))),
            _ => Err(NotAnApiUrl::Scheme),
        }
    }
}

/// `[::1]`
fn ipv6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_host(host: &str) -> bool {
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    (plain && host.bytes().any(|byte| byte.is_ascii_alphanumeric())) || ipv6(host).is_some()
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || ipv6(host).is_some_and(|address| address.is_loopback())
}
