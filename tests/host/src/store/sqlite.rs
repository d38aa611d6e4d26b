//! The database and its thread. SQL is Spin's where Spin has any, so that a file moves between the two.

use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Location, StoreError, file};

/// The only label there is.
const LABEL: &str = "default";

/// The bytes of a counter: a little-endian `i64`, as in Spin.
const COUNTER_BYTES: usize = size_of::<i64>();

pub(super) type Job = Box<dyn FnOnce(&mut Database) + Send>;

/// The thread that owns the database. Blocking happens here and nowhere else.
pub(super) struct Worker {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    pub(super) fn start(location: &Location) -> Result<Self, StoreError> {
        let mut database = Database::open(location)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new().name("key-value".to_owned());
        let thread = thread
            .spawn(move || queue.into_iter().for_each(|job| job(&mut database)))
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn submit(&self, job: Job) -> Result<(), StoreError> {
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
const NOTE: &str = "INSERT OR REPLACE INTO guanxi_host_counter (key, counter) VALUES (?1, ?2)";
const NOTE_OF: &str = "SELECT counter FROM guanxi_host_counter WHERE key = ?1";
const FORGET: &str = "DELETE FROM guanxi_host_counter WHERE key = ?1";

impl Database {
    fn open(location: &Location) -> Result<Self, StoreError> {
        let connection = match location {
            Location::Memory => Connection::open_in_memory()?,
            Location::File(path) => {
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
            // The hot path: one statement is its own transaction, as in Spin.
            [(key, value)] if value.len() != COUNTER_BYTES => write_value(&self.connection, key, value),
            _ => self.in_one_commit(|transaction| {
                entries.iter().try_for_each(|(key, value)| write_value(transaction, key, value))
            }),
        }
    }

    pub(super) fn delete_many(&mut self, keys: &[String]) -> Result<(), StoreError> {
        self.in_one_commit(|transaction| {
            for key in keys {
                transaction.prepare_cached(DELETE)?.execute(params![LABEL, key])?;
                transaction.prepare_cached(FORGET)?.execute([key])?;
            }
            Ok(())
        })
    }

    pub(super) fn increment(&mut self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.in_one_commit(|transaction| {
            let value = read(transaction, key)?;
            let note = if value.is_some() { note_of(transaction, key)? } else { None };
            if note == Some(false) {
                return Err(StoreError::IncrementOfValue(key.to_owned()));
            }
            let count = match value {
                None => 0,
                Some(bytes) => {
                    let bytes = bytes.try_into().map_err(|_| StoreError::IncrementOfValue(key.to_owned()))?;
                    i64::from_le_bytes(bytes)
                }
            };
            let sum = count.checked_add(delta).ok_or_else(|| StoreError::Overflow(key.to_owned()))?;
            transaction.prepare_cached(UPSERT)?.execute(params![LABEL, key, sum.to_le_bytes()])?;
            if note.is_none() {
                transaction.prepare_cached(NOTE)?.execute(params![key, true])?;
            }
            Ok(sum)
        })
    }

    fn in_one_commit<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.connection.transaction()?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }
}

fn read(connection: &Connection, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(connection.prepare_cached(GET)?.query_row(params![LABEL, key], |row| row.get(0)).optional()?)
}

fn note_of(connection: &Connection, key: &str) -> Result<Option<bool>, StoreError> {
    Ok(connection.prepare_cached(NOTE_OF)?.query_row([key], |row| row.get(0)).optional()?)
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
