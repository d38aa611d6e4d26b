//! Digests: what keys, ids and checksums are made of. Not for secrets.

use sha1::{Digest as _, Sha1};

/// 128 bits of a SHA-1: what identities, order numbers and unionids are kept as.
pub(crate) type Digest = [u8; 16];

/// The digest of a text.
pub(crate) fn digest(text: &str) -> Digest {
    short(text.as_bytes())
}

/// The first bytes of the SHA-1 of some bytes, at most 20.
pub(crate) fn short<const N: usize>(bytes: &[u8]) -> [u8; N] {
    const { assert!(N <= 20, "a SHA-1 has 20 bytes") };
    Sha1::digest(bytes).first_chunk().copied().unwrap_or([0; N])
}

/// Bytes as lower-case hex digits, as they stand in keys.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
