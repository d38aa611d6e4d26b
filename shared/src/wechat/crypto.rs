//! WeChat's encryption: AES-256-CBC, with WeChat's own frame and padding.
//!
//! The plain text is `random (16) ‖ length of msg (4, big-endian) ‖ msg ‖ app id`, padded as PKCS#7 to blocks of **32**
//! bytes, twice the cipher's own; so the padding is done here by hand. The IV is the first half of the key.
//! Source: [protocol 1.5](../../docs/wechat-protocol.md#1.5).

use aes::{Aes256Dec, Aes256Enc};
use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use cbc::{
    Decryptor, Encryptor,
    cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit},
};

/// WeChat pads to this many bytes; the padding is 1 to 32 bytes long.
const PAD_BLOCK: usize = 32;
/// Random bytes in front of every message.
pub const RANDOM_LEN: usize = 16;
/// Random bytes and length.
const HEADER_LEN: usize = RANDOM_LEN + 4;
/// The shortest cipher text: 20 bytes of header and an app id need two AES blocks at least.
const CIPHERTEXT_MIN: usize = 32;

/// A key of 43 characters has two bits too many, and WeChat's own keys have them set.
const KEY_ENGINE: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// `EncodingAESKey`, decoded: 32 bytes that never show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodingAesKey([u8; 32]);

/// The text is not an `EncodingAESKey`. (WeChat's own samples call this -40004.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an EncodingAESKey has exactly 43 characters of A-Z a-z 0-9")]
pub struct NotAKey;

impl std::str::FromStr for EncodingAesKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        if text.len() != 43 || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(NotAKey);
        }
        let bytes = KEY_ENGINE.decode(text).map_err(|_| NotAKey)?;
        bytes.try_into().map(Self).map_err(|_| NotAKey)
    }
}

impl EncodingAesKey {
    /// The AES key. Its first half is also the IV.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for EncodingAesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncodingAesKey(…)")
    }
}

/// Why a cipher text did not open. For the log only: outside, all of these are one and the same refusal, or an attacker
/// could ask his way to the plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// Not standard base64 with padding.
    #[error("not base64")]
    Base64,
    /// Not whole AES blocks, or too few.
    #[error("{0} bytes are not a whole number of AES blocks, at least {CIPHERTEXT_MIN}")]
    Length(usize),
    /// The last bytes are not 1 to 32 equal bytes that state their number; nearly always a wrong key.
    #[error("wrong padding")]
    Padding,
    /// The length in the frame is longer than the frame.
    #[error("the stated length does not fit")]
    Frame,
    /// Encrypted for another account.
    #[error("the app id is another")]
    AppId,
}

/// One account's cipher, its key schedule computed once.
#[derive(Clone)]
pub struct Cipher {
    enc: Aes256Enc,
    dec: Aes256Dec,
    iv: aes::Block,
    app_id: String,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Cipher {
    /// A cipher for the account `app_id`.
    pub fn new(key: &EncodingAesKey, app_id: impl Into<String>) -> Self {
        let key = Array::from(key.0);
        let enc = Aes256Enc::new(&key);
        let dec = Aes256Dec::from(enc.clone());
        let (iv, _) = key.split();
        Self { enc, dec, iv, app_id: app_id.into() }
    }

    /// The account's app id.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The message inside `encrypt` (base64): any bytes, for whoever reads it to understand. Check its signature first.
    ///
    /// Padding of any length from 1 to 32 is taken, also where the whole is then a multiple of 16 only: nothing but the
    /// signature makes a cipher text trustworthy, and WeChat's samples take it too.
    ///
    /// # Errors
    /// [`DecryptError`], which must not leave the log.
    pub fn decrypt(&self, encrypt: &str) -> Result<Vec<u8>, DecryptError> {
        let mut buffer = STANDARD.decode(encrypt.trim_ascii()).map_err(|_| DecryptError::Base64)?;
        let len = buffer.len();
        let (blocks, rest) = Array::slice_as_chunks_mut(&mut buffer);
        if !rest.is_empty() || len < CIPHERTEXT_MIN {
            return Err(DecryptError::Length(len));
        }
        Decryptor::inner_iv_init(&self.dec, &self.iv).decrypt_blocks(blocks);
        let end = self.message_end(unpad(&buffer)?)?;
        buffer.truncate(end);
        buffer.drain(..HEADER_LEN);
        Ok(buffer)
    }

    /// `msg` encrypted, as base64. `random` should be fresh for every call and may be any bytes.
    pub fn encrypt(&self, random: [u8; RANDOM_LEN], msg: &[u8]) -> String {
        let len = HEADER_LEN + msg.len() + self.app_id.len();
        let pad = PAD_BLOCK - len % PAD_BLOCK;
        let mut buffer = Vec::with_capacity(len + pad);
        buffer.extend_from_slice(&random);
        // No message of ours comes near 4 GiB; one that did would be refused by whoever opens it.
        buffer.extend_from_slice(&u32::try_from(msg.len()).unwrap_or(u32::MAX).to_be_bytes());
        buffer.extend_from_slice(msg);
        buffer.extend_from_slice(self.app_id.as_bytes());
        buffer.resize(len + pad, u8::try_from(pad).unwrap_or_default());
        let (blocks, _) = Array::slice_as_chunks_mut(&mut buffer);
        Encryptor::inner_iv_init(&self.enc, &self.iv).encrypt_blocks(blocks);
        STANDARD.encode(&buffer)
    }

    /// Where the message ends in an unpadded frame, once length and app id are right.
    fn message_end(&self, frame: &[u8]) -> Result<usize, DecryptError> {
        let (_, rest) = frame.split_at_checked(RANDOM_LEN).ok_or(DecryptError::Frame)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(DecryptError::Frame)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| DecryptError::Frame)?;
        let (_, app_id) = rest.split_at_checked(length).ok_or(DecryptError::Frame)?;
        if app_id == self.app_id.as_bytes() { Ok(HEADER_LEN + length) } else { Err(DecryptError::AppId) }
    }
}

/// The bytes without their padding; every byte of the padding is looked at.
fn unpad(buffer: &[u8]) -> Result<&[u8], DecryptError> {
    let pad = buffer.last().copied().ok_or(DecryptError::Padding)?;
    let start = buffer.len().checked_sub(pad.into()).ok_or(DecryptError::Padding)?;
    let (frame, padding) = buffer.split_at(start);
    let right = (1..=PAD_BLOCK).contains(&padding.len()) && padding.iter().all(|b| *b == pad);
    if right { Ok(frame) } else { Err(DecryptError::Padding) }
}
