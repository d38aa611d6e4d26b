//! A key that knows what stands there: nothing is read as what it is not.

use super::format::{self, RecordError};
use serde::{Serialize, de::DeserializeOwned};
use std::{cmp::Ordering, fmt, marker::PhantomData, ops::Deref};

/// What stands at keys: a record in a format of its own.
pub trait Stored: Serialize + DeserializeOwned {
    /// What the stored bytes begin with; another is refused.
    const FORMAT: u8 = 1;

    /// The stored bytes.
    fn encode(&self) -> Vec<u8> {
        format::encode(Self::FORMAT, self)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        format::decode(Self::FORMAT, bytes)
    }
}

/// The key of a `T`; made from a row of [the table](super::keys).
pub struct Key<T> {
    name: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    pub(super) fn named(name: String) -> Self {
        Self { name, of: PhantomData }
    }
}

impl<T> Deref for Key<T> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl<T> From<Key<T>> for String {
    fn from(key: Key<T>) -> Self {
        key.name
    }
}

impl<T> fmt::Display for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, f)
    }
}

// By hand, because a derive asks the same of what stands there.
impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self::named(self.name.clone())
    }
}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}
