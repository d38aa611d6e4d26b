//! The access token at rest. Every component with the store could read a record, so this one is sealed: encrypted and
//! authenticated (ChaCha20-Poly1305) under a key that only the app secret gives, for one AppID.
//!
//! A record that does not open is no disaster: whoever has the secret asks WeChat for the token again.

use super::{AccessToken, AppSecret, token::Granted};
use crate::{
    store::format::{self, RecordError},
    time::{Timestamp, UtcOffset},
};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Bytes of a nonce. Drawn at random, which is safe for many more tokens than an account ever gets (2^32 under one key).
pub const NONCE_LEN: usize = 12;
/// `force_refresh` works this often in a Beijing day …
pub const FORCED_A_DAY: u32 = 20;
/// … and not sooner than this many seconds after the last time ([protocol 4.1](../../../docs/wechat-protocol.md#4.1)).
pub const FORCED_GAP_SECONDS: u64 = 30;
/// Of the stored record.
const FORMAT: u8 = 1;
/// What the key is for. Another purpose takes another label.
const LABEL: &[u8] = b"guanxi: access token at rest, 1";

/// A token and its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptToken {
    /// The token itself; never logged.
    pub token: AccessToken,
    /// When WeChat gave it to us.
    pub fetched_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The last `force_refresh`, if there was one.
    pub forced: Option<Forced>,
}

impl KeptToken {
    /// A token that has just come.
    pub fn new(granted: Granted, now: Timestamp, forced: Option<Forced>) -> Self {
        let expires_at = Timestamp(now.0.saturating_add(granted.expires_in));
        Self { token: granted.token, fetched_at: now, expires_at, forced }
    }

    /// Seconds that it still lives.
    pub fn left(&self, now: Timestamp) -> u64 {
        self.expires_at.0.saturating_sub(now.0)
    }
}

/// How often a new token was forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forced {
    /// The last time.
    pub at: Timestamp,
    /// Times in that Beijing day.
    pub times: u32,
}

impl Forced {
    /// One more `force_refresh` after `last`, or none when WeChat would not do it now.
    pub fn again(last: Option<Self>, now: Timestamp) -> Option<Self> {
        let day = |moment| UtcOffset::BEIJING.local(moment).day;
        let Some(last) = last else {
            return Some(Self { at: now, times: 1 });
        };
        let times = if day(last.at) == day(now) { last.times.saturating_add(1) } else { 1 };
        (times <= FORCED_A_DAY && now.distance(last.at) >= FORCED_GAP_SECONDS).then_some(Self { at: now, times })
    }
}

/// Why a stored token does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a record of ours, or of a newer Guanxi.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The app secret or the AppID is another than when it was sealed, or somebody changed it.
    #[error("it was sealed under another app secret or AppID, or was changed")]
    Sealed,
}

/// What is stored.
#[derive(Serialize, Deserialize)]
struct Sealed {
    nonce: [u8; NONCE_LEN],
    text: Vec<u8>,
}

/// Seals and opens one account's token.
#[derive(Clone)]
pub struct Vault {
    cipher: ChaCha20Poly1305,
    app_id: String,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Vault {
    /// The vault of one account.
    pub fn new(secret: &AppSecret, app_id: impl Into<String>) -> Self {
        // HMAC takes a key of any length, but its trait does not know that.
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_str().as_bytes());
        let mut mac = mac.unwrap_or_else(|_| Hmac::new(&Default::default()));
        mac.update(LABEL);
        Self { cipher: ChaCha20Poly1305::new(&mac.finalize().into_bytes()), app_id: app_id.into() }
    }

    /// The bytes to store. `nonce` is drawn at random, for this one record.
    pub fn seal(&self, kept: &KeptToken, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let plain = format::encode(FORMAT, kept);
        // The cipher refuses only texts of 256 GB.
        let text = self.cipher.encrypt(&nonce.into(), self.payload(&plain)).unwrap_or_default();
        format::encode(FORMAT, &Sealed { nonce, text })
    }

    /// Opens stored bytes.
    ///
    /// # Errors
    /// [`OpenError`], whatever the bytes are; never a panic.
    pub fn open(&self, bytes: &[u8]) -> Result<KeptToken, OpenError> {
        let Sealed { nonce, text } = format::decode(FORMAT, bytes)?;
        let plain = self.cipher.decrypt(&nonce.into(), self.payload(&text)).map_err(|_| OpenError::Sealed)?;
        Ok(format::decode(FORMAT, &plain)?)
    }

    fn payload<'a>(&'a self, msg: &'a [u8]) -> Payload<'a, 'a> {
        Payload { msg, aad: self.app_id.as_bytes() }
    }
}
