//! Records as the knowledge side loads, changes and writes them.

use super::{
    digest::digest,
    format::{self, RecordError},
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, btree_map};

/// Loaded records by key; a key that is absent is not in the store.
pub type Records = BTreeMap<String, Vec<u8>>;

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Of a record that is rollup's to write.
    pub key: String,
    /// The new value, at most 300 KB; none: the record goes.
    pub value: Option<Vec<u8>>,
}

/// A stored record that the fold cannot read. It does not overwrite it; see [`crate::fold::damaged`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Written by a newer Guanxi.
    #[error("record {key} has format {format}, newer than this program")]
    Newer {
        /// Whose record.
        key: String,
        /// Its format.
        format: u8,
    },
    /// Not what we wrote.
    #[error("record {key} is damaged")]
    Damaged {
        /// Whose record.
        key: String,
    },
}

/// Which of `pages` a name belongs to: records that would grow too large are split by this.
pub(crate) fn page(name: &str, pages: u8) -> u8 {
    digest(name).first().map_or(0, |byte| byte % pages)
}

/// A kind of record that rollup keeps.
pub(crate) trait Record: Default + Serialize + DeserializeOwned {
    /// What the stored bytes begin with; another is refused.
    const FORMAT: u8 = 1;

    /// Whether it says nothing: such a record is not stored, so that the same history gives the same bytes.
    fn is_nothing(&self) -> bool;
}

/// The stored bytes.
pub(crate) fn encode<T: Record>(record: &T) -> Vec<u8> {
    format::encode(T::FORMAT, record)
}

/// Reads stored bytes.
pub(crate) fn read<T: Record>(bytes: &[u8]) -> Result<T, RecordError> {
    format::decode(T::FORMAT, bytes)
}

/// Reads the bytes stored at a key.
pub(crate) fn decode<T: Record>(key: &str, bytes: &[u8]) -> Result<T, FoldError> {
    read(bytes).map_err(|error| match error {
        RecordError::Newer(format) => FoldError::Newer { key: key.to_owned(), format },
        RecordError::Damaged => FoldError::Damaged { key: key.to_owned() },
    })
}

/// A record as it stands among the loaded ones; one that is absent says nothing.
pub(crate) fn load<T: Record>(key: &str, loaded: &Records) -> Result<T, FoldError> {
    loaded.get(key).map_or_else(|| Ok(T::default()), |bytes| decode(key, bytes))
}

/// The records of one kind that a fold touches, each decoded once.
#[derive(Debug)]
pub(crate) struct Table<T>(BTreeMap<String, T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Record> Table<T> {
    /// The record as it stands now in this fold.
    pub(crate) fn get(&mut self, key: String, loaded: &Records) -> Result<&mut T, FoldError> {
        match self.0.entry(key) {
            btree_map::Entry::Occupied(slot) => Ok(slot.into_mut()),
            btree_map::Entry::Vacant(slot) => {
                let record = load(slot.key(), loaded)?;
                Ok(slot.insert(record))
            }
        }
    }

    /// The keys touched so far.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// The records touched so far, with their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.0.iter()
    }

    /// The records that are not as they were loaded.
    pub(crate) fn writes(self, loaded: &Records) -> impl Iterator<Item = Write> {
        self.0.into_iter().filter_map(|(key, record)| {
            let value = (!record.is_nothing()).then(|| encode(&record));
            (value.as_ref() != loaded.get(&key)).then_some(Write { key, value })
        })
    }
}
