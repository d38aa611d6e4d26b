//! The callback endpoint: requests verified and opened, replies sealed.
//!
//! What is authentic is decided here, by our own configuration and never by what a request says of itself:
//!
//! | mode | verified by | business fields come from |
//! |---|---|---|
//! | plain | `signature`, which does not cover the body | the body |
//! | compat, safe | `msg_signature` over `Encrypt`, then the app id inside | the decrypted text only |
//!
//! In compat mode the plain fields beside `Encrypt` are covered by no signature, so they are not read, and a body without
//! `Encrypt` is refused as in safe mode. `signature` alone opens nothing there.
//!
//! What the query alone tells is checked first ([`Endpoint::check`]), so that whoever did not sign is not waited for. In compat
//! and safe mode `signature` does not cover the body either, and WeChat says not to rely on it; but it sends it with every
//! POST (its worked example has the right one beside `msg_signature`), so a wrong one is refused there too. It may be absent.
//!
//! A request is refused when its `timestamp` is more than [`TIME_WINDOW_SECONDS`] seconds from our clock, in either direction; the
//! protocol has no such rule, but without it a captured request is good for ever. Verifying the URL has no time window.
//! Source: [protocol 1.2 to 1.6 and 1.10](../../docs/wechat-protocol.md#1.2).
//!
//! While an account's Token or EncodingAESKey is changed there are two of each ([`Endpoint::with_next`]): WeChat signs and encrypts
//! with what its console says at that moment, and both are taken. A reply goes back with what its request came with.

mod pair;
mod query;
mod refusal;

pub use query::Query;
pub use refusal::Refusal;

use super::{
    crypto::{Cipher, EncodingAesKey, RANDOM_LEN},
    document::Document,
    fields::{self, Format},
    message::{Message, ParseError},
    signature,
};
use crate::time::Timestamp;
use pair::{Pair, Which};

/// How far a request's `timestamp` may be from our clock, in seconds.
pub const TIME_WINDOW_SECONDS: u64 = 5 * 60;

/// The longest query string, in bytes; WeChat's have about 200.
pub const QUERY_MAX: usize = 4096;

/// The longest body of a request, in bytes.
pub const BODY_MAX: usize = 64 * 1024;

/// The longest `echostr` that is given back, in bytes; WeChat's are 16 to 19 digits.
pub const ECHOSTR_MAX: usize = 1024;

/// The mode chosen in the account's console; variable `wechat_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `plain`: nothing is encrypted.
    Plain,
    /// `compat`: plain and encrypted side by side; for moving an account from plain to safe.
    Compat,
    /// `safe`: everything is encrypted.
    #[default]
    Safe,
}

impl std::str::FromStr for Mode {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "plain" => Ok(Self::Plain),
            "compat" => Ok(Self::Compat),
            "safe" => Ok(Self::Safe),
            _ => Err(ConfigError::Mode),
        }
    }
}

/// A variable that must be corrected before anything can be received. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `wechat_token` is empty, and anybody could sign.
    #[error("wechat_token is empty: set it to the Token of the account's console")]
    Token,
    /// `wechat_mode` is none of the three.
    #[error("wechat_mode must be plain, compat or safe")]
    Mode,
    /// Compat and safe mode need a key.
    #[error("wechat_encoding_aes_key is empty, but wechat_mode is not plain")]
    NoKey,
    /// What is given is no key.
    #[error("wechat_encoding_aes_key must be the 43 letters and digits of the account's console")]
    Key,
    /// What is given as the key to come is no key.
    #[error(
        "wechat_encoding_aes_key_next must be the 43 letters and digits that the account's console will have, or empty"
    )]
    NextKey,
    /// Compat and safe mode compare the app id.
    #[error("wechat_app_id is empty, but wechat_mode is not plain")]
    AppId,
}

/// One account's endpoint. Make it once and keep it: it holds the cipher's key schedule.
#[derive(Clone)]
pub struct Endpoint {
    token: Pair<String>,
    lock: Lock,
}

/// What a mode needs.
#[derive(Clone)]
enum Lock {
    Plain,
    /// Compat and safe. Boxed, because a key schedule is half a kilobyte.
    Encrypted(Box<Pair<Cipher>>),
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lock = match &self.lock {
            Lock::Plain => "plain",
            Lock::Encrypted(_) => "encrypted",
        };
        f.debug_struct("Endpoint").field("lock", &lock).finish_non_exhaustive()
    }
}

/// What a request was signed and encrypted with, for its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    token: Which,
    key: Which,
}

/// An authentic request of WeChat, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How it was written, and so how a reply is to be written.
    pub format: Format,
    /// The request's nonce, for [`Endpoint::seal`].
    pub nonce: String,
    /// What it was signed and encrypted with, for [`Endpoint::seal`].
    pub secrets: Secrets,
    /// What it says. An error is to be answered with `success`: it is authentic, and a retry would not help.
    pub message: Result<Message, ParseError>,
}

impl Endpoint {
    /// An endpoint from the configuration. `encoding_aes_key` may be absent or empty in plain mode, and must be right
    /// wherever it is given.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable.
    pub fn new(token: &str, mode: Mode, encoding_aes_key: Option<&str>, app_id: &str) -> Result<Self, ConfigError> {
        if token.is_empty() {
            return Err(ConfigError::Token);
        }
        let key = encoding_aes_key.filter(|key| !key.is_empty());
        let key = key.map(|key| key.parse::<EncodingAesKey>().map_err(|_| ConfigError::Key)).transpose()?;
        let lock = match (mode, key) {
            (Mode::Plain, _) => Lock::Plain,
            (_, None) => return Err(ConfigError::NoKey),
            (_, Some(_)) if app_id.is_empty() => return Err(ConfigError::AppId),
            (_, Some(key)) => Lock::Encrypted(Box::new(Pair::new(Cipher::new(&key, app_id)))),
        };
        Ok(Self { token: Pair::new(token.to_owned()), lock })
    }

    /// The same, which also takes what is signed with another token and encrypted with another key: those that the account's
    /// console is about to get, or had until now. Empty: there is none.
    ///
    /// # Errors
    /// [`ConfigError::NextKey`]
    pub fn with_next(mut self, token: &str, encoding_aes_key: &str) -> Result<Self, ConfigError> {
        self.token.next = Some(token).filter(|token| !token.is_empty()).map(str::to_owned);
        let key = Some(encoding_aes_key).filter(|key| !key.is_empty());
        let key = key.map(|key| key.parse::<EncodingAesKey>().map_err(|_| ConfigError::NextKey)).transpose()?;
        if let Lock::Encrypted(ciphers) = &mut self.lock {
            ciphers.next = key.map(|key| Cipher::new(&key, ciphers.current.app_id()));
        }
        Ok(self)
    }

    /// What to answer when WeChat verifies the URL (GET): `echostr`, to be sent verbatim as `text/plain`. In every mode
    /// this is signed by the plain `signature`, and its time does not matter.
    ///
    /// # Errors
    /// 401 for a wrong or missing signature; only after that, 400 for a missing or over-long `echostr`.
    pub fn verify_url<'q>(&self, query: &'q Query) -> Result<&'q str, Refusal> {
        self.verify_signature(query)?;
        let echostr = query.echostr().ok_or(Refusal::NoEchostr)?;
        if echostr.len() > ECHOSTR_MAX { Err(Refusal::EchostrTooLong) } else { Ok(echostr) }
    }

    /// Whether a POST may be from WeChat, by all that its query tells: to be asked before its body is read.
    ///
    /// # Errors
    /// [`Refusal`], as [`Self::open`] would say.
    pub fn check(&self, query: &Query, now: Timestamp) -> Result<(), Refusal> {
        match self.lock {
            Lock::Plain => {
                self.verify_signature(query)?;
            }
            Lock::Encrypted(_) => {
                if !signature::is_one(query.msg_signature()?) {
                    return Err(Refusal::Signature);
                }
                match query.signature() {
                    Ok(_) => {
                        self.verify_signature(query)?;
                    }
                    // The two that `msg_signature` covers must be there all the same.
                    Err(_) => drop((query.timestamp()?, query.nonce()?)),
                }
            }
        }
        check_time(query, now)
    }

    /// Opens a POST at our time `now`.
    ///
    /// # Errors
    /// [`Refusal`]: the request is not authentic, or too large. What is authentic but not understood is no refusal, see
    /// [`Opened::message`].
    pub fn open(&self, query: &Query, body: &[u8], now: Timestamp) -> Result<Opened, Refusal> {
        if body.len() > BODY_MAX {
            return Err(Refusal::TooLarge);
        }
        let nonce = query.nonce()?.to_owned();
        match &self.lock {
            Lock::Plain => {
                let secrets = Secrets { token: self.verify_signature(query)?, key: Which::Current };
                check_time(query, now)?;
                let format = Format::of(body).unwrap_or(Format::Xml);
                Ok(Opened { format, nonce, secrets, message: Message::parse(body).map(|(_, message)| message) })
            }
            Lock::Encrypted(ciphers) => {
                // In compat mode the message stands beside `Encrypt`, and it need not be UTF-8; what we take of it is ASCII.
                let body = String::from_utf8_lossy(body);
                let (format, encrypt) = fields::encrypt(&body)?;
                let encrypt = encrypt.ok_or(Refusal::NotEncrypted)?;
                let encrypt = encrypt.trim_ascii();
                let token = self.verify_msg_signature(query, encrypt)?;
                check_time(query, now)?;
                let (key, inner) = ciphers.first(|cipher| cipher.decrypt(encrypt))?;
                let secrets = Secrets { token, key };
                Ok(Opened { format, nonce, secrets, message: Message::parse(&inner).map(|(_, message)| message) })
            }
        }
    }

    /// A reply as this mode wants it: in plain mode as it is, else encrypted, in an envelope signed over `now` and the
    /// `nonce` of the request, with the request's `secrets`. `random` must be fresh. `success` and the empty body are never sealed.
    pub fn seal(
        &self,
        secrets: Secrets,
        format: Format,
        nonce: &str,
        now: Timestamp,
        random: [u8; RANDOM_LEN],
        reply_body: &str,
    ) -> String {
        let Lock::Encrypted(ciphers) = &self.lock else {
            return reply_body.to_owned();
        };
        let encrypt = ciphers.get(secrets.key).encrypt(random, reply_body.as_bytes());
        let signature = signature::msg_signature(self.token.get(secrets.token), &now.to_string(), nonce, &encrypt);
        Document::write(format, encrypt.len() + 256, |document| {
            document.plain("Encrypt", &encrypt);
            document.plain("MsgSignature", &signature);
            document.number("TimeStamp", now.0);
            document.text("Nonce", nonce);
        })
    }

    fn verify_signature(&self, query: &Query) -> Result<Which, Refusal> {
        let (timestamp, nonce, given) = (query.timestamp()?, query.nonce()?, query.signature()?);
        self.signed_by(given, |token| signature::url_signature(token, timestamp, nonce))
    }

    fn verify_msg_signature(&self, query: &Query, encrypt: &str) -> Result<Which, Refusal> {
        let (timestamp, nonce, given) = (query.timestamp()?, query.nonce()?, query.msg_signature()?);
        self.signed_by(given, |token| signature::msg_signature(token, timestamp, nonce, encrypt))
    }

    /// Which token makes the signature that was given. How long it takes tells no more than which.
    fn signed_by(&self, given: &str, signature: impl Fn(&str) -> String) -> Result<Which, Refusal> {
        let verify = |token: &String| match signature::matches(&signature(token), given) {
            true => Ok(()),
            false => Err(Refusal::Signature),
        };
        self.token.first(verify).map(|(which, ())| which)
    }
}

fn check_time(query: &Query, now: Timestamp) -> Result<(), Refusal> {
    let timestamp = query.timestamp()?.parse().map(Timestamp).map_err(|_| Refusal::NoTime)?;
    let seconds = timestamp.distance(now);
    match seconds {
        0..=TIME_WINDOW_SECONDS => Ok(()),
        _ if timestamp < now => Err(Refusal::TooOld { seconds }),
        _ => Err(Refusal::TooNew { seconds }),
    }
}
