//! Whether a request comes from the shop system, by the Standard Webhooks convention (standardwebhooks.com):
//! `webhook-signature` holds `v1,` and the Base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`; several are
//! parted by blanks, so that a secret can be changed without a gap.
//!
//! The registry crate `standardwebhooks` 1.0.1 does not serve: it looks at a clock of its own, so that nothing here would
//! be pure, and it brings a second base64, `http` and `time` for the thirty lines below.

use crate::time::Timestamp;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a request's time may be from our clock, in seconds, in either direction.
pub const TOLERANCE_SECONDS: u64 = 300;
/// The longest `webhook-id`, in bytes.
const ID_MAX: usize = 256;
/// Signatures looked at.
const SIGNATURES_MAX: usize = 8;
/// Bytes of a signature, an HMAC-SHA256.
const SIGNATURE_LENGTH: usize = 32;
const SECRET_PREFIX: &str = "whsec_";

/// The secret that the shop system signs with.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is whsec_ and 24 to 64 bytes in base64")]
pub struct NotASecret;

impl std::str::FromStr for Secret {
    type Err = NotASecret;

    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let key = text.strip_prefix(SECRET_PREFIX).and_then(|key| STANDARD.decode(key).ok());
        key.filter(|key| (24..=64).contains(&key.len())).map(Self).ok_or(NotASecret)
    }
}

/// The three headers, as far as they are there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `webhook-id`
    pub id: Option<&'a str>,
    /// `webhook-timestamp`
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`
    pub signature: Option<&'a str>,
}

/// Why a request is not taken: 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// A header is absent.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header cannot be right.
    #[error("the header {0} is not what the convention says")]
    Malformed(&'static str),
    /// Too old, or from the future.
    #[error("webhook-timestamp is {0} s off our clock, and {TOLERANCE_SECONDS} s are the most")]
    Stale(u64),
    /// None of the signatures is right.
    #[error("no signature fits the body")]
    Signature,
}

impl<'a> Headers<'a> {
    /// Whether a request may be from the shop system, by all that its headers tell: to be asked before its body is read.
    ///
    /// # Errors
    /// [`Unverified`], as [`Secret::verify`] would say.
    pub fn check(self, now: Timestamp) -> Result<(), Unverified> {
        self.signed(now).map(drop)
    }

    /// The id, the timestamp as it was signed, and the signatures that could be right.
    fn signed(self, now: Timestamp) -> Result<(&'a str, &'a str, Vec<Vec<u8>>), Unverified> {
        let id = self.id.ok_or(Unverified::Missing("webhook-id"))?;
        if id.is_empty() || id.len() > ID_MAX {
            return Err(Unverified::Malformed("webhook-id"));
        }
        let timestamp = self.timestamp.ok_or(Unverified::Missing("webhook-timestamp"))?;
        let at = timestamp.parse().map(Timestamp).map_err(|_| Unverified::Malformed("webhook-timestamp"))?;
        if now.distance(at) > TOLERANCE_SECONDS {
            return Err(Unverified::Stale(now.distance(at)));
        }
        let signatures = self.signature.ok_or(Unverified::Missing("webhook-signature"))?;
        let given = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).take(SIGNATURES_MAX);
        let decoded = given.filter_map(|signature| STANDARD.decode(signature).ok());
        let signatures: Vec<_> = decoded.filter(|signature| signature.len() == SIGNATURE_LENGTH).collect();
        if signatures.is_empty() { Err(Unverified::Signature) } else { Ok((id, timestamp, signatures)) }
    }
}

impl Secret {
    /// Checks a request, in a time that does not depend on how wrong its signatures are.
    ///
    /// # Errors
    /// [`Unverified`]
    pub fn verify(&self, headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<(), Unverified> {
        let (id, timestamp, signatures) = headers.signed(now)?;
        let mac = self.mac(id, timestamp, body);
        let right = signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok());
        if right { Ok(()) } else { Err(Unverified::Signature) }
    }

    /// The `webhook-signature` of a request: for tests, and for shop systems written in Rust.
    pub fn sign(&self, id: &str, timestamp: Timestamp, body: &[u8]) -> String {
        let mac = self.mac(id, &timestamp.to_string(), body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(mac))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length, but its trait does not know that; an empty one would never be right.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| Hmac::new(&Default::default()));
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}
