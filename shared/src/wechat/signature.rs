//! WeChat's signatures: SHA-1 over a sorted list, 40 lower-case hex characters.
//!
//! Everything that goes in is text as it came: a `timestamp` is never parsed and printed again, because the hash covers
//! its characters. Source: [protocol 1.2, 1.4 and 10.2](../../docs/wechat-protocol.md#1.2).

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// `signature` of every request: over the token, `timestamp` and `nonce`. It does not cover the body.
pub fn url_signature(token: &str, timestamp: &str, nonce: &str) -> String {
    sorted([token, timestamp, nonce])
}

/// `msg_signature` of an encrypted POST, and `MsgSignature` of an encrypted reply: covers `encrypt`, the base64 text.
pub fn msg_signature(token: &str, timestamp: &str, nonce: &str, encrypt: &str) -> String {
    sorted([token, timestamp, nonce, encrypt])
}

/// The signature that a page needs for `wx.config`. `url` is the page's address up to, and without, its `#`.
pub fn jsapi_signature(ticket: &str, noncestr: &str, timestamp: &str, url: &str) -> String {
    hash(&["jsapi_ticket=", ticket, "&noncestr=", noncestr, "&timestamp=", timestamp, "&url=", url])
}

/// Whether a request's signature is the expected one. The time it takes does not tell how much of it was right.
pub fn matches(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether a text could be a signature at all.
pub fn is_one(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `str` sorts by bytes, as WeChat does; equal parts both stay.
fn sorted<const N: usize>(mut parts: [&str; N]) -> String {
    parts.sort_unstable();
    hash(&parts)
}

fn hash(parts: &[&str]) -> String {
    let mut sha1 = Sha1::new();
    for part in parts {
        sha1.update(part);
    }
    let mut hex = String::with_capacity(40);
    for byte in sha1.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
    }
    hex
}
