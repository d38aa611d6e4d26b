//! Records as the knowledge side loads, changes and writes them.

use super::{
    digest::digest,
    format::RecordError,
    key::{Key, Stored},
    lease::Stop,
    list::{Length, List, PAGE, Page},
};
use futures::future::{LocalBoxFuture, ready};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map},
    ops::Range,
};

/// Records by key; a key that is absent is not in the store.
pub type Records = BTreeMap<String, Vec<u8>>;

/// Where whoever works something out finds the records for it: the store under a run's lease, or [`Records`].
pub trait Knowledge {
    /// The values of keys, in their order; none where there is none.
    fn get<'a>(&'a self, keys: &'a [String]) -> LocalBoxFuture<'a, Result<Vec<Option<Vec<u8>>>, FoldError>>;
}

impl Knowledge for Records {
    fn get<'a>(&'a self, keys: &'a [String]) -> LocalBoxFuture<'a, Result<Vec<Option<Vec<u8>>>, FoldError>> {
        Box::pin(ready(Ok(keys.iter().map(|key| self.get(key).cloned()).collect())))
    }
}

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Of a record that is rollup's to write.
    pub key: String,
    /// The new value, at most 300 KB; none: the record goes.
    pub value: Option<Vec<u8>>,
}

/// Why a fold does not come to its end. A record that cannot be read is not overwritten; see [`crate::fold::damaged`].
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
    /// The run that it is part of had to stop.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// It asked for more than there is memory for.
    #[error("more records than a run may load")]
    TooMuch,
}

/// Which of `pages` a name belongs to: records that would grow too large are split by this.
pub(crate) fn page(name: &str, pages: u8) -> u8 {
    digest(name).first().map_or(0, |byte| byte % pages)
}

/// A kind of record that rollup keeps.
pub(crate) trait Record: Stored + Default {
    /// Whether it says nothing: such a record is not stored, so that the same history gives the same bytes.
    fn is_nothing(&self) -> bool;
}

impl Record for Length {
    fn is_nothing(&self) -> bool {
        self.0 == 0
    }
}

impl<T: Serialize + DeserializeOwned> Record for Page<T> {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads the bytes that stand at a key.
fn decode<T: Stored>(key: &str, bytes: &[u8]) -> Result<T, FoldError> {
    T::decode(bytes).map_err(|error| match error {
        RecordError::Newer(format) => FoldError::Newer { key: key.to_owned(), format },
        RecordError::Damaged => FoldError::Damaged { key: key.to_owned() },
    })
}

/// As [`decode`]; where nothing stands, the record says nothing.
fn found<T: Record>(key: &str, stored: Option<&[u8]>) -> Result<T, FoldError> {
    stored.map_or_else(|| Ok(T::default()), |bytes| decode(key, bytes))
}

impl<T: Stored> Key<T> {
    /// Reads the bytes that stand here.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    pub fn decode(&self, bytes: &[u8]) -> Result<T, FoldError> {
        decode(self, bytes)
    }

    /// The write that puts a record here.
    pub fn put(self, record: &T) -> Write {
        Write { key: self.into(), value: Some(record.encode()) }
    }
}

impl<T> Key<T> {
    /// The write that takes away what stands here.
    pub fn take(self) -> Write {
        Write { key: self.into(), value: None }
    }
}

/// A record as it stands among the loaded ones; one that is absent says nothing.
pub(crate) fn load<T: Record>(key: &Key<T>, loaded: &Records) -> Result<T, FoldError> {
    found(key, loaded.get(&**key).map(Vec::as_slice))
}

/// A record as it stands among what is known; one that is absent says nothing.
pub(crate) async fn find<T: Record>(key: &Key<T>, known: &dyn Knowledge) -> Result<T, FoldError> {
    let stored = known.get(&[key.to_string()]).await?.pop().flatten();
    found(key, stored.as_deref())
}

/// The items on pages of a list, each with its position, and its blanks. A page that is gone has none.
pub(crate) async fn items<T: Serialize + DeserializeOwned>(
    list: &List<T>,
    pages: Range<u64>,
    known: &dyn Knowledge,
) -> Result<Vec<(u64, Option<T>)>, FoldError> {
    let keys: Vec<_> = pages.clone().map(|page| list.page(page * PAGE)).collect();
    let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let mut items = Vec::new();
    for ((page, key), bytes) in pages.zip(keys).zip(known.get(&names).await?) {
        items.extend(found::<Page<T>>(&key, bytes.as_deref())?.items_from(page * PAGE));
    }
    Ok(items)
}

/// The records of one kind that a fold touches, each looked up and decoded once.
#[derive(Debug)]
pub(crate) struct Table<T>(BTreeMap<String, Slot<T>>);

/// A record as it stands now, and its bytes as they were found.
#[derive(Debug)]
struct Slot<T> {
    record: T,
    stored: Option<Vec<u8>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Record> Table<T> {
    /// Looks records up together, so that [`Self::get`] finds them here.
    pub(crate) async fn find(
        &mut self,
        keys: impl IntoIterator<Item = Key<T>>,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let keys = keys.into_iter().map(String::from).filter(|key| !self.0.contains_key(key));
        let keys = Vec::from_iter(BTreeSet::from_iter(keys));
        let values = known.get(&keys).await?;
        for (key, stored) in keys.into_iter().zip(values) {
            let record = found(&key, stored.as_deref())?;
            self.0.insert(key, Slot { record, stored });
        }
        Ok(())
    }

    /// The record as it stands now in this fold.
    pub(crate) async fn get(&mut self, key: Key<T>, known: &dyn Knowledge) -> Result<&mut T, FoldError> {
        let slot = match self.0.entry(key.into()) {
            btree_map::Entry::Occupied(slot) => slot.into_mut(),
            btree_map::Entry::Vacant(slot) => {
                let stored = known.get(std::slice::from_ref(slot.key())).await?.pop().flatten();
                let record = found(slot.key(), stored.as_deref())?;
                slot.insert(Slot { record, stored })
            }
        };
        Ok(&mut slot.record)
    }

    /// The records touched so far, with their keys: as they were found, and as they stand now.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Result<(&String, T, &T), FoldError>> {
        self.0.iter().map(|(key, Slot { record, stored })| Ok((key, found(key, stored.as_deref())?, record)))
    }

    /// The records that are not as they were found.
    pub(crate) fn writes(self) -> impl Iterator<Item = Write> {
        self.0.into_iter().filter_map(|(key, Slot { record, stored })| {
            let value = (!record.is_nothing()).then(|| record.encode());
            (value != stored).then_some(Write { key, value })
        })
    }
}
