//! From one store to another, key by key: SQLite and Redis keep values alike and counters not, so that a file cannot just be read
//! in elsewhere. Which keys are counters only the application knows; on Redis nothing tells them from values.
//!
//! Everything here can be repeated: what is there already and the same is no change, so a move that was interrupted goes on.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest as _, Sha256};

use super::{Backend, Store, StoreError, redis, sqlite};

/// Keys that are read, compared and written at a time: at most 50 MB, with the largest values there are.
const PAGE_KEYS: usize = 128;

/// Keys that are named, of however many there are.
pub const FIRST_KEYS: usize = 5;

/// What stands at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// What `set` wrote.
    Value,
    /// What `increment` wrote.
    Counter,
}

/// Why two stores are not compared, or one not copied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// One of them.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was written by `set`.
    #[error("{0:?} is to be a counter, and what stands there is none")]
    NoCounter(String),
    /// Somebody wrote it while the stores were compared and copied.
    #[error("{0:?} has changed meanwhile: nobody may use the two stores")]
    Changed(String),
}

/// How a store differs from another, in keys. Those that are not the application's do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The same in both.
    pub same: u64,
    /// Only in the first.
    pub missing: Keys,
    /// In both, with other values.
    pub differing: Keys,
    /// Only in the second.
    pub more: Keys,
}

/// How many keys, and some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// All of them.
    pub count: u64,
    /// [`FIRST_KEYS`] of them at most.
    pub first: Vec<String>,
}

impl Keys {
    fn add(&mut self, key: String) {
        self.count += 1;
        if self.first.len() < FIRST_KEYS {
            self.first.push(key);
        }
    }
}

/// What is in a store, by which two of them are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Values and counters.
    pub keys: u64,
    /// Counters among them.
    pub counters: u64,
    /// Of all keys with what stands there, in whatever order.
    pub digest: u128,
    /// Keys that are not the application's, and do not count.
    pub foreign: u64,
}

impl Summary {
    /// Whether two stores are the same, whatever else is in them.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.keys, self.counters, self.digest) == (other.keys, other.counters, other.digest)
    }
}

/// The same on every backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Value(Vec<u8>),
    Counter(i64),
}

/// What `nature` says of a key; none: it is not the application's.
type NatureOf<'a> = &'a (dyn Fn(&str) -> Option<Nature> + Sync);

/// How `to` differs from `from`.
///
/// # Errors
/// When one of them fails, or has a counter that is none.
pub async fn compare(from: &Store, to: &Store, nature: NatureOf<'_>) -> Result<Difference, MoveError> {
    let mut difference = Difference::default();
    let mut pages = Pages::of(from);
    while let Some(page) = pages.next(nature).await? {
        let others = items(to, &page, nature).await?;
        for ((key, item), other) in page.into_iter().zip(others) {
            match other {
                Some(other) if other == item => difference.same += 1,
                Some(_) => difference.differing.add(key),
                None => difference.missing.add(key),
            }
        }
    }
    let mut pages = Pages::of(to);
    while let Some(page) = pages.next(nature).await? {
        for key in without(from, page, nature).await? {
            difference.more.add(key);
        }
    }
    Ok(difference)
}

/// Makes `to` what `from` is, as far as they differ: writes what is missing, and, where `replace` says so, overwrites what differs
/// and takes away what is more.
///
/// # Errors
/// [`MoveError::Changed`] for what differs by now and may not be overwritten; else as [`compare`]. It can be called again.
pub async fn copy(from: &Store, to: &Store, nature: NatureOf<'_>, replace: bool) -> Result<(), MoveError> {
    let mut pages = Pages::of(from);
    while let Some(page) = pages.next(nature).await? {
        let others = items(to, &page, nature).await?;
        let mut writes = Vec::new();
        for (entry, other) in page.into_iter().zip(others) {
            match other {
                Some(other) if other == entry.1 => {}
                Some(_) if !replace => return Err(MoveError::Changed(entry.0)),
                _ => writes.push(entry),
            }
        }
        write(to, writes).await?;
    }
    if replace {
        let mut pages = Pages::of(to);
        while let Some(page) = pages.next(nature).await? {
            let keys = without(from, page, nature).await?;
            if !keys.is_empty() {
                to.delete_many(keys).await?;
            }
        }
    }
    Ok(())
}

/// What is in a store, read anew.
///
/// # Errors
/// As [`compare`].
pub async fn summary(store: &Store, nature: NatureOf<'_>) -> Result<Summary, MoveError> {
    let mut summary = Summary::default();
    let mut pages = Pages::of(store);
    while let Some(page) = pages.next(nature).await? {
        for (key, item) in page {
            summary.keys += 1;
            summary.counters += u64::from(matches!(item, Item::Counter(_)));
            // A sum, because a server lists its keys in an order of its own.
            summary.digest = summary.digest.wrapping_add(digest(&key, &item));
        }
    }
    summary.foreign = pages.foreign;
    Ok(summary)
}

fn digest(key: &str, item: &Item) -> u128 {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    match item {
        Item::Value(value) => {
            hash.update([0]);
            hash.update(value);
        }
        Item::Counter(count) => {
            hash.update([1]);
            hash.update(count.to_be_bytes());
        }
    }
    short(&hash.finalize())
}

fn short(hash: &[u8]) -> u128 {
    hash.iter().take(size_of::<u128>()).fold(0, |short, &byte| short << 8 | u128::from(byte))
}

/// A store's keys with what stands there, each once.
struct Pages<'a> {
    store: &'a Store,
    position: Position,
    /// Keys that a server has listed and that are not read yet.
    listed: VecDeque<String>,
    /// Hashes of the keys that a server has listed: it may list one twice. 16 bytes for each.
    seen: HashSet<u128>,
    foreign: u64,
}

/// How far a listing is.
enum Position {
    Begin,
    /// Behind this key, in their order.
    Behind(String),
    /// A server's own.
    Cursor(u64),
    End,
}

impl<'a> Pages<'a> {
    fn of(store: &'a Store) -> Self {
        Self { store, position: Position::Begin, listed: VecDeque::new(), seen: HashSet::new(), foreign: 0 }
    }

    /// The next ones, at least one; none: these were all.
    async fn next(&mut self, nature: NatureOf<'_>) -> Result<Option<Vec<(String, Item)>>, MoveError> {
        loop {
            let Some(raw) = self.raw().await? else { return Ok(None) };
            let mut page = Vec::with_capacity(raw.len());
            for (key, bytes) in raw {
                match nature(&key) {
                    Some(nature) => {
                        let item = item(self.store, &key, bytes, nature)?;
                        page.push((key, item));
                    }
                    None => self.foreign += 1,
                }
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }

    /// Some of them as they stand, or none of them, without being at the end.
    async fn raw(&mut self) -> Result<Option<Vec<(String, Vec<u8>)>>, StoreError> {
        match &self.store.backend {
            Backend::Sqlite(worker) => {
                let after = match std::mem::replace(&mut self.position, Position::End) {
                    Position::Begin => String::new(),
                    Position::Behind(key) => key,
                    Position::Cursor(_) | Position::End => return Ok(None),
                };
                let page = worker.read(move |database| database.page(&after, PAGE_KEYS)).await?;
                if let Some((last, _)) = page.last() {
                    self.position = Position::Behind(last.clone());
                }
                Ok((!page.is_empty()).then_some(page))
            }
            Backend::Redis(server) => {
                if self.listed.is_empty() {
                    let cursor = match self.position {
                        Position::Begin => 0,
                        Position::Cursor(cursor) => cursor,
                        Position::Behind(_) | Position::End => return Ok(None),
                    };
                    let (next, keys) = server.scan(cursor, "").await?;
                    self.position = if next == 0 { Position::End } else { Position::Cursor(next) };
                    let seen = &mut self.seen;
                    self.listed.extend(keys.into_iter().filter(|key| seen.insert(short(&Sha256::digest(key)))));
                }
                let keys: Vec<String> = self.listed.drain(..self.listed.len().min(PAGE_KEYS)).collect();
                let values = server.raw(&keys).await?;
                // What was deleted meanwhile, or is no string, has none.
                Ok(Some(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()))
            }
        }
    }
}

/// The keys of a page that another store does not have.
async fn without(store: &Store, page: Vec<(String, Item)>, nature: NatureOf<'_>) -> Result<Vec<String>, MoveError> {
    let others = items(store, &page, nature).await?;
    let alone = page.into_iter().zip(others).filter(|(_, other)| other.is_none());
    Ok(alone.map(|((key, _), _)| key).collect())
}

/// What stands at the keys of a page in another store.
async fn items(store: &Store, page: &[(String, Item)], nature: NatureOf<'_>) -> Result<Vec<Option<Item>>, MoveError> {
    let keys: Vec<String> = page.iter().map(|(key, _)| key.clone()).collect();
    let asked = keys.clone();
    let raw = match &store.backend {
        Backend::Sqlite(worker) => worker.read(move |database| database.raw(&asked)).await?,
        Backend::Redis(server) => server.raw(&asked).await?,
    };
    let read = |(key, bytes): (&String, Option<Vec<u8>>)| match (bytes, nature(key)) {
        (Some(bytes), Some(nature)) => item(store, key, bytes, nature).map(Some),
        _ => Ok(None),
    };
    keys.iter().zip(raw).map(read).collect()
}

fn item(store: &Store, key: &str, bytes: Vec<u8>, nature: Nature) -> Result<Item, MoveError> {
    if nature == Nature::Value {
        return Ok(Item::Value(bytes));
    }
    let count = match store.backend {
        Backend::Sqlite(_) => sqlite::counter(&bytes),
        Backend::Redis(_) => redis::number(&bytes),
    };
    count.map(Item::Counter).ok_or_else(|| MoveError::NoCounter(key.to_owned()))
}

/// All of it or nothing.
async fn write(store: &Store, entries: Vec<(String, Item)>) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    match &store.backend {
        Backend::Sqlite(worker) => worker.write(0, move |database| database.put(&entries)).await,
        Backend::Redis(server) => {
            let bytes = |item| match item {
                Item::Value(value) => value,
                Item::Counter(count) => count.to_string().into_bytes(),
            };
            let entries: Vec<_> = entries.into_iter().map(|(key, item)| (key, bytes(item))).collect();
            server.set_many(&entries).await
        }
    }
}

#[cfg(test)]
mod tests;
