//! The key-value store: Spin's table in SQLite, behind one thread, or Spin's keys in Redis or Valkey.
//!
//! Stricter than Spin on purpose: what works on SQLite but not on Redis is an error that says so, and the other way round, so
//! that a function that runs here runs on both. Counters (keys written by `increment`) are kept apart from values for the
//! same reason.
//!
//! [`Store`] is also the handle by which tests read the store, watch who does what, and break it ([`Store::watch`]).

mod file;
pub mod moving;
mod redis;
mod sqlite;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

pub use file::{Contents, FileError, JournalMode, back_up, ensure_free, prepare, restore};
pub use redis::{CALL_TIME, RedisUrl, RedisUrlError};
use sqlite::Worker;

const EMPTY_BATCH: StoreError = StoreError::Refused("an empty batch is unreliable: on Redis it is an error");

/// Azure, AWS and others take no longer keys.
pub const MAX_KEY_BYTES: usize = 255;
/// DynamoDB and Cosmos DB take no larger values.
pub const MAX_VALUE_BYTES: usize = 400 * 1024;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Gone when the host stops.
    Memory,
    /// A file; it and its folder are made where they are missing.
    File(PathBuf),
    /// A server.
    Redis(RedisUrl),
}

/// How writes to SQLite get to the disk. Either way none is answered before it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commits {
    /// Each by itself, as Spin does.
    #[default]
    Each,
    /// What waits while one is under way is committed together by the next.
    Together,
}

/// Why an operation did not happen, or is said not to have happened.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    /// SQLite's own, or Redis's.
    #[error("{0}")]
    Database(String),
    /// Redis; the operation may happen all the same.
    #[error("Redis has not answered within {} s", CALL_TIME.as_secs())]
    Late,
    /// Not portable; see the variant's text.
    #[error("{0}")]
    Refused(&'static str),
    /// A key that some backends do not take.
    #[error("the key {0:?} is unreliable: some backends take only 1 to 255 bytes of [A-Za-z0-9:._-]")]
    Key(String),
    /// A value that some backends do not take.
    #[error("a value of {0} bytes is unreliable: DynamoDB and Cosmos DB take at most 400 KB")]
    ValueSize(usize),
    /// `increment` on a value.
    #[error(
        "increment on {0:?}, which was set: Spin panics on SQLite and Redis refuses; counters need keys of their own"
    )]
    IncrementOfValue(String),
    /// `set` on a counter.
    #[error("set on {0:?}, which is a counter: the next increment would fail; counters need keys of their own")]
    SetOfCounter(String),
    /// `get` of a counter.
    #[error("get of {0:?}, which is a counter: backends store it differently; read it with increment(key, 0)")]
    GetOfCounter(String),
    /// A value that Redis would take for a counter.
    #[error("set of {0:?} to a whole number in digits: on Redis that is a counter; put another byte before it")]
    NumberAsValue(String),
    /// A counter that would pass 64 bits.
    #[error("increment on {0:?} overflows")]
    Overflow(String),
    /// After an `increment` on a value.
    #[error("the store is out of use until the host is started again: {0:?}, which was set, was incremented")]
    Poisoned(String),
    /// Broken by a test.
    #[error("the store is broken on purpose")]
    Broken,
    /// The host has stopped.
    #[error("the store is closed")]
    Closed,
}

/// What a component asks of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Opens it; the key is the label.
    Open,
    /// `get`.
    Get,
    /// `set`, also as part of `set-many`.
    Set,
    /// `delete`, also as part of `delete-many`.
    Delete,
    /// `exists`.
    Exists,
    /// `increment`.
    Increment,
}

impl Action {
    /// Whether it changes the store.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Set | Self::Delete | Self::Increment)
    }
}

/// One operation of a component, as a watcher sees it before it happens. A batch is one for each of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The id of the component.
    pub component: String,
    /// What it does.
    pub action: Action,
    /// To which key.
    pub key: String,
}

/// What a watcher lets happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Verdict {
    /// As if nobody watched.
    #[default]
    Proceed,
    /// An error, and nothing happens.
    Fail,
    /// It happens, and yet an error comes back: the answer was lost on its way.
    LoseAnswer,
    /// It happens, later.
    Delay(Duration),
}

type Watcher = Arc<dyn Fn(&Operation) -> Verdict + Send + Sync>;

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<Worker>),
    Redis(Arc<redis::Server>),
}

/// The store of one host. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    watcher: Arc<Mutex<Option<Watcher>>>,
    /// The key that a component incremented though it was set.
    poisoned: Arc<OnceLock<String>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database as Spin does, in the journal mode that the file has, and starts its thread. A server is connected to
    /// by the first operation, as in Spin.
    ///
    /// # Errors
    /// When the file cannot be made or is not such a database.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        Self::open_with(location, Commits::Each)
    }

    /// As [`Store::open`], with writes to SQLite committed so.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(location: &Location, commits: Commits) -> Result<Self, StoreError> {
        let backend = match location {
            Location::Memory => Backend::Sqlite(Arc::new(Worker::start(None, commits)?)),
            Location::File(path) => Backend::Sqlite(Arc::new(Worker::start(Some(path), commits)?)),
            Location::Redis(url) => Backend::Redis(Arc::new(redis::Server::new(url)?)),
        };
        Ok(Self { backend, watcher: Arc::default(), poisoned: Arc::default() })
    }

    /// That a server is there and answers, by a connection of its own.
    ///
    /// # Errors
    /// When it does not.
    pub async fn reach(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::Redis(server) => server.reach().await,
        }
    }

    /// Settings of a server by which it may lose what it has answered, such as `appendfsync is everysec, not always`; empty too
    /// where it does not tell.
    pub async fn risks(&self) -> Vec<String> {
        match &self.backend {
            Backend::Sqlite(_) => Vec::new(),
            Backend::Redis(server) => server.risks().await.unwrap_or_default(),
        }
    }

    /// What Spin does when a component opens the store: a server is asked for a sign of life, whatever comes of it, so that a connection
    /// that it closed meanwhile is another one before anything depends on it.
    pub(crate) async fn opened(&self) {
        if let Backend::Redis(server) = &self.backend {
            server.ping().await;
        }
    }

    /// Lets `watcher` see every operation of the components from now on and decide over it; it replaces an earlier one.
    /// The methods of this handle are not watched.
    pub fn watch(&self, watcher: impl Fn(&Operation) -> Verdict + Send + Sync + 'static) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(watcher));
    }

    /// Lets everything happen again.
    pub fn unwatch(&self) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Records every operation from now on, as [`Store::watch`] would.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let trace = Trace::default();
        let operations = Arc::clone(&trace.operations);
        self.watch(move |operation| {
            operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation.clone());
            Verdict::Proceed
        });
        trace
    }

    /// The value of `key`; none where there is no such key.
    ///
    /// # Errors
    /// As [`StoreError`] says; so of every method here.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        match &self.backend {
            Backend::Sqlite(worker) => {
                let key = key.to_owned();
                worker.read(move |database| database.get(&key)).await
            }
            Backend::Redis(server) => server.get(key).await,
        }
    }

    /// Writes one value: one commit.
    ///
    /// # Errors
    /// On a key or value that not every backend takes, and, on SQLite, on a counter's key.
    pub async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.set_many(vec![(key.to_owned(), value)]).await
    }

    /// Writes all or none of them: one commit.
    ///
    /// # Errors
    /// As [`Store::set`], and where there are none.
    pub async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Err(EMPTY_BATCH);
        }
        for (key, value) in &entries {
            check_key(key)?;
            if value.len() > MAX_VALUE_BYTES {
                return Err(StoreError::ValueSize(value.len()));
            }
            if redis::is_number(value) {
                return Err(StoreError::NumberAsValue(key.clone()));
            }
        }
        match &self.backend {
            Backend::Sqlite(worker) => {
                let bytes = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
                worker.write(bytes, move |database| database.set_many(&entries)).await
            }
            Backend::Redis(server) => server.set_many(&entries).await,
        }
    }

    /// Deletes `key`, value or counter; no error where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.delete_many(vec![key.to_owned()]).await
    }

    /// Deletes all of them: one commit.
    ///
    /// # Errors
    /// When the database fails, and where there are none.
    pub async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Err(EMPTY_BATCH);
        }
        keys.iter().try_for_each(|key| check_key(key))?;
        match &self.backend {
            Backend::Sqlite(worker) => {
                let bytes = keys.iter().map(String::len).sum();
                worker.write(bytes, move |database| database.delete_many(&keys)).await
            }
            Backend::Redis(server) => server.delete_many(&keys).await,
        }
    }

    /// Whether there is such a key, value or counter.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        check_key(key)?;
        match &self.backend {
            Backend::Sqlite(worker) => {
                let key = key.to_owned();
                worker.read(move |database| database.exists(&key)).await
            }
            Backend::Redis(server) => server.exists(key).await,
        }
    }

    /// Adds `delta` to a counter, which starts at 0, and gives the sum.
    ///
    /// # Errors
    /// On a key that was `set`.
    pub async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        check_key(key)?;
        match &self.backend {
            Backend::Sqlite(worker) => {
                let key = key.to_owned();
                worker.write(key.len(), move |database| database.increment(&key, delta)).await
            }
            Backend::Redis(server) => server.increment(key, delta).await,
        }
    }

    /// All keys with this prefix, in order. For tests and tools: components cannot list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        match &self.backend {
            Backend::Sqlite(worker) => {
                let prefix = prefix.to_owned();
                worker.read(move |database| database.keys(&prefix)).await
            }
            Backend::Redis(server) => server.keys(prefix).await,
        }
    }

    /// Every later operation fails. What is under way in SQLite is finished, and its file closed; what a server has been sent is its own.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(worker) => {
                let worker = Arc::clone(worker);
                // A join error would mean that the closing itself panicked, and then there is nothing left to close.
                _ = tokio::task::spawn_blocking(move || worker.close()).await;
            }
            Backend::Redis(server) => server.close(),
        }
    }

    /// Out of use for components from now on: in Spin such a call panics, and the panic leaves its store locked.
    pub(crate) fn poison(&self, key: &str) {
        // The first one is what broke it.
        _ = self.poisoned.set(key.to_owned());
    }

    /// Does `work` for `component` if the watcher lets it.
    pub(crate) async fn guarded<T>(
        &self,
        component: &str,
        action: Action,
        keys: &[&str],
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if let Some(key) = self.poisoned.get() {
            return Err(StoreError::Poisoned(key.clone()));
        }
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(watcher) = watcher else { return work.await };
        let mut lose_answer = false;
        for key in keys {
            match watcher(&Operation { component: component.to_owned(), action, key: (*key).to_owned() }) {
                Verdict::Proceed => {}
                Verdict::Fail => return Err(StoreError::Broken),
                Verdict::LoseAnswer => lose_answer = true,
                Verdict::Delay(time) => tokio::time::sleep(time).await,
            }
        }
        let answer = work.await;
        if lose_answer { Err(StoreError::Broken) } else { answer }
    }
}

/// What [`Store::trace`] records.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    operations: Arc<Mutex<Vec<Operation>>>,
}

impl Trace {
    /// Takes what was recorded since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.operations.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A watcher that fails the next `count` operations.
pub fn fail_next(count: usize) -> impl Fn(&Operation) -> Verdict + Send + Sync + 'static {
    let left = Mutex::new(count);
    move |_| {
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                Verdict::Fail
            }
            None => Verdict::Proceed,
        }
    }
}

/// A watcher that fails every operation on a key with this prefix; `""` fails all of them.
pub fn fail_prefix(prefix: &str) -> impl Fn(&Operation) -> Verdict + Send + Sync + 'static {
    let prefix = prefix.to_owned();
    move |operation| if operation.key.starts_with(&prefix) { Verdict::Fail } else { Verdict::Proceed }
}

/// A watcher that delays every operation.
pub fn delay(time: Duration) -> impl Fn(&Operation) -> Verdict + Send + Sync + 'static {
    move |_| Verdict::Delay(time)
}

fn check_key(key: &str) -> Result<(), StoreError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":._-".contains(&byte);
    if (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(());
    }
    Err(StoreError::Key(key.chars().take(MAX_KEY_BYTES).collect()))
}

#[cfg(test)]
mod tests;
