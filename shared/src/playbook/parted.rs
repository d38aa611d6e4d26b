//! A text in the store, in parts, because stores take values of 400 KB at least and no more.

use super::compiled::{CHECKSUM, checksum};
use crate::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// The most bytes of one part.
pub const PART_MAX: usize = 300_000;

/// How many parts a text has, and what tells that they are all there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parted {
    parts: u16,
    length: u32,
    checksum: [u8; CHECKSUM],
}

impl Parted {
    /// Of a text of at most so many parts; none: it is longer.
    pub(super) fn of(text: &str, parts_max: usize) -> Option<Self> {
        let parts = text.len().div_ceil(PART_MAX);
        let parts = u16::try_from(parts).ok().filter(|_| parts <= parts_max)?;
        Some(Self { parts, length: u32::try_from(text.len()).ok()?, checksum: checksum(text.as_bytes()) })
    }

    /// The parts of a text, each with its key.
    pub(super) fn parts(text: &str, key: impl Fn(usize) -> String) -> impl Iterator<Item = (String, Vec<u8>)> {
        text.as_bytes().chunks(PART_MAX).enumerate().map(move |(part, bytes)| (key(part), bytes.to_vec()))
    }

    /// The text; none: not all of it is there.
    pub(super) async fn read(
        &self,
        store: &impl Store,
        parts_max: usize,
        key: impl Fn(usize) -> String,
    ) -> Result<Option<String>, StoreError> {
        let mut bytes = Vec::new();
        for part in 0..usize::from(self.parts).min(parts_max) {
            bytes.extend(store.get(&key(part)).await?.unwrap_or_default());
        }
        let whole = u32::try_from(bytes.len()) == Ok(self.length) && checksum(&bytes) == self.checksum;
        Ok(String::from_utf8(bytes).ok().filter(|_| whole))
    }
}
