//! One run of a job at a time, on a store whose only atomic operation is `increment`.
//!
//! - A run claims its minute: `increment("slot:<job>:<minute>", 1)` must give 1. So of all replicas whose cron fires, one
//!   goes on.
//! - It goes away when `run:<job>` shows another run that has not ended and began less than [`STALE`] ago; else it sets
//!   that record to itself.
//! - It reads the record again before EVERY write and stops when it is no longer its own, or [`WORK_LIMIT`] after its
//!   start. A run that died is followed up after [`STALE`].
//! - Claims older than [`KEPT_CLAIMS_MINUTES`] minutes are deleted by number.
//!
//! Clocks may differ by [`CLOCKS_DIFFER`]. Two runs that claim different minutes at the same moment (their clocks differ) may both set
//! the record; the earlier of them then stops at its next look, with at most one write under way.
//!
//! **The late write.** A process may be frozen, or cut off, between the look at `run:<job>` and the write that follows it, until another
//! run has taken over: [`STALE`] less [`CLOCKS_DIFFER`] after it began at the earliest. What such a write overwrites would be wrong from
//! then on, and no operation of the store's refuses it. Three things do:
//!
//! - A run asks its clock once more behind the look, right before it hands the write to its host; that clock goes on while the process is
//!   stopped (it does not where a whole machine is suspended). So what was stopped before that writes no more.
//! - A Redis or Valkey whose `timeout` is [`FENCE`] closes a connection that was silent for that long; what arrives on it later is refused,
//!   and no client sends it again. The look was at most [`LIMIT`] after the start, so nothing of a run arrives on its old connection later
//!   than [`LIMIT`] and [`FENCE`] after that, which is before anybody may take over.
//! - A store in a file has one process, which nobody takes over from.
//!
//! What is left is a process that is frozen for minutes in the instant in which its host has a write in hand and has not sent it, and that
//! connects anew for another request, when it wakes, before the write is sent; and a write that Spin's client holds back for minutes because
//! another request found the connection lost between look and write. Such a one arrives, and nothing in Spin's interfaces refuses
//! it. The former was tried with a process that is frozen just there: the write was refused six times of six on an idle machine, three of four on a
//! busy one (`cargo test -p e2e --test suite -- --ignored late`).

use crate::{
    store::{
        Store, StoreError, Timer,
        format::RecordError,
        key::{Key, Stored},
        keys, within,
    },
    time::Timestamp,
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// A run has ended this long after its start, whatever there is left to do.
pub const LIMIT: Duration = Duration::from_secs(45);
/// A run makes no call of its work later than this after its start, so that it can still say that it ended.
pub const WORK_LIMIT: Duration = Duration::from_secs(43);
/// A run that began longer ago counts as dead.
pub const STALE: Duration = Duration::from_secs(180);
/// What the clocks of two replicas may differ by.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
/// What the store's server is to be set to: how long a connection may be silent before it is closed. Redis and Valkey count whole seconds
/// (`timeout`), and never close one where that is 0.
pub const FENCE: Duration = Duration::from_secs(60);
/// What the server may take to notice: it looks at every connection about once a second.
pub const FENCE_SLACK: Duration = Duration::from_secs(10);
const _: () = assert!(
    LIMIT.as_secs() + FENCE.as_secs() + FENCE_SLACK.as_secs() <= STALE.as_secs() - CLOCKS_DIFFER.as_secs(),
    "a write that is as late as it may be arrives before another run may take over"
);
/// Minutes that a claim stays: far more than clocks may differ.
pub const KEPT_CLAIMS_MINUTES: u64 = 10;
/// Old claims are deleted when there may be this many: not a write of its own in every run.
const SWEEP_FROM: u64 = 10;
/// Claims deleted per run at most.
const SWEEP_MAX: u64 = 500;

pub use crate::store::READS_AT_ONCE;

/// `run:<job>`: who runs, or who ran last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The run's random number.
    pub id: u64,
    /// When it began, by its clock.
    pub began: Timestamp,
    /// When it ended; none: it runs, or it died.
    pub ended: Option<Timestamp>,
    /// Claims up to this minute are deleted.
    swept: u64,
    /// What the last run that ended left for reports, in the job's own format.
    pub note: Vec<u8>,
}

/// Why a run does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another run has this minute.
    #[error("another run has claimed this minute")]
    Claimed,
    /// Another run is at work.
    #[error("a run that began at {0} has not ended")]
    Busy(Timestamp),
    /// It stopped before it began.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

/// Why a run stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// It has used up its time; the next run goes on.
    #[error("the run's time is up")]
    TimeUp,
    /// Another run took over.
    #[error("another run took over")]
    TakenOver,
    /// The store failed; the next run goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored record cannot be read.
    #[error("cannot read {key}: {error}")]
    Record {
        /// The record's key.
        key: String,
        /// What is wrong with it.
        error: RecordError,
    },
}

/// A run that holds its job: the only way a job writes.
pub struct Run<'a, S, T> {
    store: &'a S,
    timer: &'a T,
    job: &'a str,
    started: Timestamp,
    record: Record,
}

impl<'a, S: Store, T: Timer> Run<'a, S, T> {
    /// Begins a run of `job` (lower-case letters: it becomes part of keys). `timer` has counted since `now`; `id` is
    /// random.
    ///
    /// # Errors
    /// [`Refused`], mostly because another run is at work, which is nothing to worry about.
    pub async fn start(store: &'a S, timer: &'a T, job: &'a str, id: u64, now: Timestamp) -> Result<Self, Refused> {
        let record = Record { id, began: now, ended: None, swept: 0, note: Vec::new() };
        let mut run = Self { store, timer, job, started: now, record };
        // The one call that must not be repeated: a lost answer costs this minute, and the next one goes on.
        if run.limited(WORK_LIMIT, store.increment(&claim(job, minute(now)), 1)).await? != 1 {
            return Err(Refused::Claimed);
        }
        let last = match run.look(WORK_LIMIT).await {
            // It says nothing any more; and whoever wrote it stops at the next look, because it is no longer its own.
            Err(Stop::Record { error: RecordError::Damaged, .. }) => None,
            last => last?,
        };
        run.record.began = run.now();
        run.record.swept = minute(now).saturating_sub(KEPT_CLAIMS_MINUTES + SWEEP_FROM);
        if let Some(last) = last {
            // Further in the future than clocks may differ is as dead as the past.
            if last.ended.is_none() && last.began.distance(run.record.began) < STALE.as_secs() {
                return Err(Refused::Busy(last.began));
            }
            (run.record.swept, run.record.note) = (last.swept, last.note);
        }
        run.limited(WORK_LIMIT, store.set(&run.key(), &run.record.encode())).await?;
        Ok(run)
    }

    /// The run's number.
    pub fn id(&self) -> u64 {
        self.record.id
    }

    /// The time, by the clock that the run began with.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.started.0 + self.timer.elapsed().as_secs())
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.timer.elapsed()
    }

    /// The clock that the run's time is measured by.
    pub(crate) fn timer(&self) -> &'a T {
        self.timer
    }

    /// Milliseconds since 1970, by the clock that the run began with.
    pub(crate) fn millis(&self) -> u64 {
        self.started.0 * 1_000 + u64::try_from(self.timer.elapsed().as_millis()).unwrap_or_default()
    }

    /// Takes the next number of a counter. When the answer is lost that number stays unused.
    pub(crate) async fn number(&self, counter: &str) -> Result<u64, Stop> {
        let number = self.limited(WORK_LIMIT, self.store.increment(counter, 1)).await?;
        Ok(u64::try_from(number).map_err(|_| StoreError(format!("{counter} is {number}")))?)
    }

    /// The value, or `None` where there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Stop> {
        self.limited(WORK_LIMIT, self.store.get(key)).await
    }

    /// A record in its format, or `None` where there is none.
    pub async fn get_record<R: Stored>(&self, key: &Key<R>) -> Result<Option<R>, Stop> {
        decode(key, self.get(key).await?)
    }

    /// The values of many keys in their order, [`READS_AT_ONCE`] reads under way at once.
    pub async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Stop> {
        let mut values = Vec::with_capacity(keys.len());
        for window in keys.chunks(READS_AT_ONCE) {
            let reads = try_join_all(window.iter().map(|key| self.store.get(key)));
            values.extend(self.limited(WORK_LIMIT, reads).await?);
        }
        Ok(values)
    }

    /// As [`Self::get_all`], by key and without those that are not there.
    pub async fn load(&self, keys: Vec<String>) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
        let values = self.get_all(&keys).await?;
        Ok(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// Reads a counter.
    pub async fn counter(&self, key: &str) -> Result<u64, Stop> {
        let count = self.limited(WORK_LIMIT, self.store.increment(key, 0)).await?;
        Ok(u64::try_from(count).map_err(|_| StoreError(format!("{key} is {count}")))?)
    }

    /// Writes, if the job is still ours.
    pub async fn set(&self, key: &str, value: &[u8]) -> Result<(), Stop> {
        self.still_ours(WORK_LIMIT).await?;
        self.limited(WORK_LIMIT, self.store.set(key, value)).await
    }

    /// Writes several in one call, if the job is still ours.
    pub async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), Stop> {
        self.still_ours(WORK_LIMIT).await?;
        self.limited(WORK_LIMIT, self.store.set_many(values)).await
    }

    /// Takes away, if the job is still ours.
    pub async fn delete(&self, key: &str) -> Result<(), Stop> {
        self.still_ours(WORK_LIMIT).await?;
        self.limited(WORK_LIMIT, self.store.delete(key)).await
    }

    /// Takes several away in one call, if the job is still ours.
    pub async fn delete_many(&self, keys: &[String]) -> Result<(), Stop> {
        self.still_ours(WORK_LIMIT).await?;
        self.limited(WORK_LIMIT, self.store.delete_many(keys)).await
    }

    /// Ends the run: old claims go, and `note` stays for reports.
    ///
    /// # Errors
    /// When the job is no longer ours, or the store fails; then the job rests until this run is [`STALE`].
    pub async fn end(mut self, note: Vec<u8>) -> Result<(), Stop> {
        // Old claims can wait; what stopped their deletion, if it matters, stops the next write too.
        let _ = self.sweep().await;
        self.record.ended = Some(self.now());
        self.record.note = note;
        self.still_ours(LIMIT).await?;
        self.limited(LIMIT, self.store.set(&self.key(), &self.record.encode())).await
    }

    async fn sweep(&mut self) -> Result<(), Stop> {
        let (from, until) = (self.record.swept, minute(self.started).saturating_sub(KEPT_CLAIMS_MINUTES));
        let count = until.saturating_sub(from);
        if count < SWEEP_FROM {
            return Ok(());
        }
        let until = from + count.min(SWEEP_MAX);
        let claims: Vec<String> = (from + 1..=until).map(|minute| claim(self.job, minute)).collect();
        self.delete_many(&claims).await?;
        self.record.swept = until;
        Ok(())
    }

    fn key(&self) -> Key<Record> {
        key(self.job)
    }

    async fn look(&self, limit: Duration) -> Result<Option<Record>, Stop> {
        let key = self.key();
        let bytes = self.limited(limit, self.store.get(&key)).await?;
        decode(&key, bytes)
    }

    async fn still_ours(&self, limit: Duration) -> Result<(), Stop> {
        match self.look(limit).await? {
            Some(record) if record.id == self.record.id && record.ended.is_none() => Ok(()),
            _ => Err(Stop::TakenOver),
        }
    }

    /// A call of the store's that only reads, until `limit` after the run's start.
    pub(crate) async fn limited<R>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, Stop> {
        match limit.checked_sub(self.timer.elapsed()).filter(|left| !left.is_zero()) {
            Some(left) => Ok(within(self.timer, left, call).await?),
            None => Err(Stop::TimeUp),
        }
    }
}

impl<S, T> fmt::Debug for Run<'_, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("job", &self.job).field("record", &self.record).finish_non_exhaustive()
    }
}

impl Stored for Record {}

/// The record of the run of `job` that is at work or was last; for reports.
///
/// # Errors
/// When the store fails or the record cannot be read.
pub async fn last(store: &impl Store, job: &str) -> Result<Option<Record>, Stop> {
    let key = key(job);
    decode(&key, store.get(&key).await?)
}

fn decode<R: Stored>(key: &Key<R>, bytes: Option<Vec<u8>>) -> Result<Option<R>, Stop> {
    let read = |bytes: Vec<u8>| R::decode(&bytes);
    bytes.map(read).transpose().map_err(|error| Stop::Record { key: key.to_string(), error })
}

/// The key of the run record of a job.
pub fn key(job: &str) -> Key<Record> {
    keys::RUN.key(&[&job])
}

fn claim(job: &str, minute: u64) -> String {
    keys::SLOT.key::<i64>(&[&job, &minute]).into()
}

fn minute(moment: Timestamp) -> u64 {
    moment.0 / 60
}
