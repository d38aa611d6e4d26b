//! Stored records: a format byte, then postcard. A newer format is refused; from the first deployment on, an older one comes with a reader and a fixture.

use serde::{Serialize, de::DeserializeOwned};

/// Stored bytes that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer Guanxi.
    #[error("its format {0} is newer than this program")]
    Newer(u8),
    /// Not what we wrote.
    #[error("it is damaged")]
    Damaged,
}

/// The bytes to store.
pub fn encode<T: Serialize + ?Sized>(format: u8, record: &T) -> Vec<u8> {
    // `to_extend` fails only when the target is full, and a `Vec` never is.
    postcard::to_extend(record, vec![format]).unwrap_or_default()
}

/// Reads stored bytes of this format.
///
/// # Errors
/// [`RecordError`], whatever the bytes are; never a panic.
pub fn decode<T: DeserializeOwned>(format: u8, bytes: &[u8]) -> Result<T, RecordError> {
    match bytes.split_first() {
        Some((&found, record)) if found == format => match postcard::take_from_bytes(record) {
            Ok((record, [])) => Ok(record),
            _ => Err(RecordError::Damaged),
        },
        Some((&found, _)) if found > format => Err(RecordError::Newer(found)),
        _ => Err(RecordError::Damaged),
    }
}
