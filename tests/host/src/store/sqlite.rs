//! The database and its thread. SQL is Spin's where Spin has any, so that a file moves between the two.
//!
//! With [`Commits::Together`] the thread takes all that waits into one transaction, runs each operation in it by itself, so that
//! one that fails fails alone, commits, and only then answers. While that commit is on its way to the disk the next group
//! gathers. A commit that fails fails all of its group, reads too, because they saw what is not there.

use std::{
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use rusqlite::{Connection, OptionalExtension, Savepoint, params};
use tokio::sync::oneshot;

use super::{Commits, StoreError, file, moving::Item};

/// The only label there is.
const LABEL: &str = "default";

/// The bytes of a counter: a little-endian `i64`, as in Spin.
const COUNTER_BYTES: usize = size_of::<i64>();

/// What one commit takes at most: who was first must not wait long for who came last.
const GROUP_OPERATIONS: usize = 256;
/// After so many bytes of keys and values a group takes nothing more.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Runs with the database, or with the reason why it cannot; what it gives is called when the outcome is on disk.
type Work = Box<dyn FnOnce(Result<&mut Database, StoreError>) -> Answer + Send>;
/// Tells who asked, once it is known whether the work was committed.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

struct Job {
    work: Work,
    /// What it writes; none: it only reads.
    bytes: Option<usize>,
}

/// The thread that owns the database. Blocking happens here and nowhere else.
pub(super) struct Worker {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// On the file, or in memory.
    pub(super) fn start(path: Option<&Path>, commits: Commits) -> Result<Self, StoreError> {
        let mut database = Database::open(path)?;
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new().name("key-value".to_owned());
        let thread = thread
            .spawn(move || {
                while let Ok(job) = queue.recv() {
                    match commits {
                        Commits::Each => database.run_alone(job),
                        Commits::Together => database.run(waiting(job, &queue)),
                    }
                }
            })
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Does what writes nothing.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(None, work).await
    }

    /// Does what writes so many bytes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Some(bytes), work).await
    }

    async fn submit<T: Send + 'static>(
        &self,
        bytes: Option<usize>,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |database| {
            let answer = database.and_then(work);
            // Who asked may have gone away; the work is done all the same.
            Box::new(move |committed| _ = sender.send(answer.and_then(|answer| committed.map(|()| answer))))
        });
        self.send(Job { work, bytes })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or(StoreError::Closed)?.send(job).map_err(|_| StoreError::Closed)
    }

    /// Blocks until the queue is done and the file is closed.
    pub(super) fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread ends with the queue; it panics only where a job did, and that job's asker has been told.
            _ = thread.join();
        }
    }
}

/// A job and those that wait behind it.
fn waiting(first: Job, queue: &mpsc::Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.bytes.unwrap_or_default();
    let mut group = vec![first];
    while group.len() < GROUP_OPERATIONS
        && bytes < GROUP_BYTES
        && let Ok(job) = queue.try_recv()
    {
        bytes += job.bytes.unwrap_or_default();
        group.push(job);
    }
    group
}

/// The connection.
pub(super) struct Database {
    connection: Connection,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Spin's table.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS spin_key_value (
        store TEXT NOT NULL,
        key   TEXT NOT NULL,
        value BLOB NOT NULL,

        PRIMARY KEY (store, key)
    );";

/// Beside it: who wrote each value that looks like a counter. Only values of eight bytes can be taken
/// for counters, so only those are noted, and an ordinary `set` touches Spin's table alone. A row that Spin wrote has no
/// note, and the first `set` or `increment` decides what it is.
const NOTES: &str = "
    CREATE TABLE IF NOT EXISTS guanxi_host_counter (
        key     TEXT NOT NULL PRIMARY KEY,
        counter INTEGER NOT NULL
    );";

/// At once with the right to write, so that what a group has read stays true until it writes.
const BEGIN: &str = "BEGIN IMMEDIATE";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2 LIMIT 1";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const UPSERT: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = ?3";
/// Changes no row where the key is a counter.
const UPSERT_VALUE: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = ?3
    WHERE NOT EXISTS (SELECT 1 FROM guanxi_host_counter AS note WHERE note.key = ?2 AND note.counter = 1)";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key";
const PAGE: &str = "SELECT key, value FROM spin_key_value WHERE store = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
const NOTE: &str = "INSERT OR REPLACE INTO guanxi_host_counter (key, counter) VALUES (?1, ?2)";
const NOTE_OF: &str = "SELECT counter FROM guanxi_host_counter WHERE key = ?1";
const FORGET: &str = "DELETE FROM guanxi_host_counter WHERE key = ?1";

impl Database {
    fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let connection = match path {
            None => Connection::open_in_memory()?,
            Some(path) => {
                file::make_folder(path).map_err(|error| StoreError::Database(error.to_string()))?;
                Connection::open(path)?
            }
        };
        // SQLite's own default, which Spin runs with; written down because durability depends on it. How the file commits
        // is the file's own matter: see `file::prepare`.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(TABLE)?;
        connection.execute_batch(NOTES)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { connection })
    }

    /// Each in one transaction with the others.
    fn run(&mut self, group: Vec<Job>) {
        if group.len() == 1 || group.iter().all(|job| job.bytes.is_none()) {
            return group.into_iter().for_each(|job| self.run_alone(job));
        }
        let mut together = self.no_transaction().and_then(|()| Ok(self.connection.execute_batch(BEGIN)?));
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push((job.work)(together.clone().map(|()| &mut *self)));
            if together.is_ok() && self.connection.is_autocommit() {
                together = Err(StoreError::Database("SQLite rolled the group back".to_owned()));
            }
        }
        let committed = together.and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        answers.into_iter().for_each(|answer| answer(committed.clone()));
    }

    /// In a transaction of its own.
    fn run_alone(&mut self, job: Job) {
        let ready = self.no_transaction();
        (job.work)(ready.map(|()| self))(Ok(()));
    }

    /// Ends what a commit that failed has left open, in which nothing would reach the disk.
    fn no_transaction(&self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    pub(super) fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = read(&self.connection, key)?;
        let like_a_counter = value.as_ref().is_some_and(|value| value.len() == COUNTER_BYTES);
        if like_a_counter && note_of(&self.connection, key)? == Some(true) {
            return Err(StoreError::GetOfCounter(key.to_owned()));
        }
        Ok(value)
    }

    pub(super) fn exists(&mut self, key: &str) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached(EXISTS)?.exists(params![LABEL, key])?)
    }

    pub(super) fn keys(&mut self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(KEYS)?;
        let keys = statement.query_map(params![LABEL, prefix], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    pub(super) fn set_many(&mut self, entries: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        match entries {
            // The hot path: one statement is all or nothing by itself, as in Spin.
            [(key, value)] if value.len() != COUNTER_BYTES => write_value(&self.connection, key, value),
            _ => self.in_one_commit(|savepoint| {
                entries.iter().try_for_each(|(key, value)| write_value(savepoint, key, value))
            }),
        }
    }

    /// The first keys behind `after`, in their order, each with what stands there.
    pub(super) fn page(&mut self, after: &str, count: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut statement = self.connection.prepare_cached(PAGE)?;
        let rows = statement.query_map(params![LABEL, after, count as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What stands at each of the keys, values and counters alike.
    pub(super) fn raw(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| read(&self.connection, key)).collect()
    }

    /// Overwrites values and counters, whatever stood there.
    pub(super) fn put(&mut self, entries: &[(String, Item)]) -> Result<(), StoreError> {
        self.in_one_commit(|savepoint| {
            for (key, item) in entries {
                savepoint.prepare_cached(FORGET)?.execute([key])?;
                match item {
                    Item::Value(value) => write_value(savepoint, key, value)?,
                    Item::Counter(count) => write_counter(savepoint, key, *count)?,
                }
            }
            Ok(())
        })
    }

    pub(super) fn delete_many(&mut self, keys: &[String]) -> Result<(), StoreError> {
        self.in_one_commit(|savepoint| {
            for key in keys {
                savepoint.prepare_cached(DELETE)?.execute(params![LABEL, key])?;
                savepoint.prepare_cached(FORGET)?.execute([key])?;
            }
            Ok(())
        })
    }

    pub(super) fn increment(&mut self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.in_one_commit(|savepoint| {
            let value = read(savepoint, key)?;
            let note = if value.is_some() { note_of(savepoint, key)? } else { None };
            if note == Some(false) {
                return Err(StoreError::IncrementOfValue(key.to_owned()));
            }
            let count = match value {
                None => 0,
                Some(bytes) => counter(&bytes).ok_or_else(|| StoreError::IncrementOfValue(key.to_owned()))?,
            };
            let sum = count.checked_add(delta).ok_or_else(|| StoreError::Overflow(key.to_owned()))?;
            match note {
                Some(_) => _ = savepoint.prepare_cached(UPSERT)?.execute(params![LABEL, key, sum.to_le_bytes()])?,
                None => write_counter(savepoint, key, sum)?,
            }
            Ok(sum)
        })
    }

    /// All or nothing: in a transaction of its own, or, where one is open, as a part of it.
    fn in_one_commit<T>(
        &mut self,
        work: impl FnOnce(&Savepoint<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let savepoint = self.connection.savepoint()?;
        let answer = work(&savepoint)?;
        savepoint.commit()?;
        Ok(answer)
    }
}

/// The count that these bytes are.
pub(super) fn counter(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_le_bytes)
}

fn read(connection: &Connection, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(connection.prepare_cached(GET)?.query_row(params![LABEL, key], |row| row.get(0)).optional()?)
}

fn note_of(connection: &Connection, key: &str) -> Result<Option<bool>, StoreError> {
    Ok(connection.prepare_cached(NOTE_OF)?.query_row([key], |row| row.get(0)).optional()?)
}

fn write_counter(connection: &Connection, key: &str, count: i64) -> Result<(), StoreError> {
    connection.prepare_cached(UPSERT)?.execute(params![LABEL, key, count.to_le_bytes()])?;
    connection.prepare_cached(NOTE)?.execute(params![key, true])?;
    Ok(())
}

fn write_value(connection: &Connection, key: &str, value: &[u8]) -> Result<(), StoreError> {
    let changed = connection.prepare_cached(UPSERT_VALUE)?.execute(params![LABEL, key, value])?;
    if changed == 0 {
        return Err(StoreError::SetOfCounter(key.to_owned()));
    }
    if value.len() == COUNTER_BYTES {
        connection.prepare_cached(NOTE)?.execute(params![key, false])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
