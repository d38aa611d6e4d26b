//! The job that folds the journal: one writer, and every entry exactly once.
//!
//! A run finishes what an earlier one left behind, then takes chunk after chunk of at most [`CHUNK_ENTRIES`] entries and
//! about [`CHUNK_BYTES`]: reads, loads the records they touch, folds, and makes all writes together with the new cursor
//! through a [redo record](crate::store::commit). It ends when there is nothing new or its time is up; then the next run goes on.
//! A record that is damaged is [set aside](crate::fold::damaged). Then entries that have stayed long enough are deleted, and last a
//! record is repaired where that is wished. Memory is bounded by the chunk, work by the number of new entries: neither the
//! number of fans nor the age of the account matters, but to a repair. No key is listed anywhere.

mod aside;
mod repair;

use crate::{
    facts::{Entry, Placed},
    fold::{self, Settings},
    http::log::masked,
    journal::{
        SEQUENCE,
        reader::{CURSORS, Cursor, ReadError, Reader},
    },
    store::{
        Store, Timer,
        commit::{self, RedoError},
        format::{self, RecordError},
        key::Stored as _,
        lease::{self, Refused, Run, Stop},
        record::{FoldError, Knowledge, Write},
    },
    time::Timestamp,
};
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use std::{cell::Cell, collections::BTreeMap, time::Duration};

/// The job's name: `run:rollup`, `slot:rollup:<minute>`.
pub const JOB: &str = "rollup";
/// Entries of a chunk at most.
pub const CHUNK_ENTRIES: usize = 1_000;
/// Bytes of entries of a chunk at most, give or take one entry.
pub const CHUNK_BYTES: usize = 2_000_000;
/// Bytes of records loaded for a chunk at most; a chunk that needs more is read again in half the size.
pub const LOADED_BYTES: usize = 6_000_000;
/// No chunk begins later than this after the start.
const LAST_CHUNK: Duration = Duration::from_secs(35);
/// Chunks of a repair per run at most.
const REPLAY_CHUNKS: usize = 256;
/// Steps of forgetting per run at most.
const FORGET_STEPS: usize = 64;
/// No further step after so many writes.
const FORGET_WRITES: usize = 1_000;
const REPORT_FORMAT: u8 = 1;

/// What rollup needs of the fold: the functions of [`crate::fold`], so that a test can bring its own.
#[expect(async_fn_in_trait, reason = "as for `Store`")]
pub trait Folding {
    /// The changes that the entries make; the same entries and knowledge give the same.
    async fn fold(&self, entries: &[Placed], known: &dyn Knowledge) -> Result<Vec<Write>, FoldError>;
    /// A step of what time alone changes: fans who left are forgotten. Empty: nothing is due.
    async fn forget(&self, _now: Timestamp, _known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        Ok(Vec::new())
    }
    /// Days that folded entries stay.
    fn keep_days(&self) -> u32;
    /// What a repair by replay folds by; none: nothing is repaired.
    fn settings(&self) -> Option<&Settings> {
        None
    }
    /// Chunks of a repair in one run at most; the result is the same whatever it is.
    fn replay_chunks(&self) -> usize {
        REPLAY_CHUNKS
    }
    /// Entries of a chunk at most; the result is the same whatever it is.
    fn chunk_entries(&self) -> usize {
        CHUNK_ENTRIES
    }
}

impl Folding for Settings {
    async fn fold(&self, entries: &[Placed], known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        fold::fold(self, entries, known).await
    }

    async fn forget(&self, now: Timestamp, known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        fold::forget(self, now, known).await
    }

    fn keep_days(&self) -> u32 {
        self.keep_days
    }

    fn settings(&self) -> Option<&Settings> {
        Some(self)
    }
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Entries folded.
    pub entries: u64,
    /// Entries that could not be read; they were passed over.
    pub damaged: u64,
    /// Keys of records that were damaged and are set aside now.
    pub set_aside: Vec<String>,
    /// In how many chunks.
    pub chunks: u64,
    /// It finished the writes of an earlier run.
    pub finished_earlier: bool,
    /// Streams whose entries were deleted, because they had stayed long enough.
    pub deleted_streams: u64,
    /// What is left to do.
    pub backlog: Backlog,
    /// How it ended.
    pub end: End,
}

/// What a run left to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Streams of which nothing was read yet.
    pub unopened_streams: u64,
    /// Streams that may get more entries. Those of the last five minutes are always among them.
    pub open_streams: u64,
    /// Entries folded since the beginning.
    pub entries_so_far: u64,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Nothing new was left.
    #[default]
    Done,
    /// Its time was up; the next run goes on.
    TimeUp,
    /// Something failed: why. The next run tries again.
    Failed(String),
}

/// Streams of the journal that no run has opened yet: what piles up when rollup stands still. A few are always there.
///
/// # Errors
/// When the store fails or the cursor cannot be read.
pub async fn backlog_now(store: &impl Store) -> Result<u64, Stop> {
    let [first, copy] = CURSORS;
    let cursors = (store.get(first).await?, store.get(copy).await?);
    // Last, because nothing ends it in Spin, where it stops its instance: who waits for the others in vain does not come here.
    let top = store.increment(SEQUENCE, 0).await?;
    Ok(cursor([cursors.0.as_deref(), cursors.1.as_deref()])?.unopened(u64::try_from(top).unwrap_or_default()))
}

fn cursor(stored: [Option<&[u8]>; 2]) -> Result<Cursor, Stop> {
    Cursor::of(stored).map_err(|error| Stop::Record { key: CURSORS.join(" and "), error })
}

impl Report {
    /// As JSON, for whoever called the job, who need not learn whose record it is that is damaged.
    pub fn json(&self) -> String {
        // Numbers and texts always have a JSON form.
        masked(&serde_json::to_string(self).unwrap_or_default())
    }

    /// The report of the run that ended last, by the record of the job's runs; none: there was none.
    ///
    /// # Errors
    /// When a newer Guanxi wrote it, or it is damaged.
    pub fn of_record(bytes: &[u8]) -> Result<Option<Self>, RecordError> {
        let note = lease::Record::decode(bytes)?.note;
        if note.is_empty() { Ok(None) } else { format::decode(REPORT_FORMAT, &note).map(Some) }
    }

    /// The report of the run that ended last, if there was one.
    ///
    /// # Errors
    /// When the store fails or the record cannot be read.
    pub async fn last(store: &impl Store) -> Result<Option<Self>, Stop> {
        let note = lease::last(store, JOB).await?.map(|record| record.note).filter(|note| !note.is_empty());
        let read = |note: Vec<u8>| format::decode(REPORT_FORMAT, &note);
        note.map(read).transpose().map_err(|error| Stop::Record { key: format!("run:{JOB}"), error })
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Stop(#[from] Stop),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Redo(#[from] RedoError),
    #[error(transparent)]
    Fold(#[from] FoldError),
}

impl Failure {
    fn end(&self) -> End {
        match self {
            Self::Fold(FoldError::Stop(Stop::TimeUp)) => End::TimeUp,
            Self::Stop(Stop::TimeUp)
            | Self::Read(ReadError::Stop(Stop::TimeUp))
            | Self::Redo(RedoError::Stop(Stop::TimeUp)) => End::TimeUp,
            failure => End::Failed(failure.to_string()),
        }
    }
}

/// Runs once. `timer` has counted since `now`; `id` is random.
///
/// # Errors
/// [`Refused`], when another run is at work or has this minute. A run that began always gives its [`Report`].
pub async fn rollup(
    store: &impl Store,
    timer: &impl Timer,
    folding: &impl Folding,
    now: Timestamp,
    id: u64,
) -> Result<Report, Refused> {
    let run = Run::start(store, timer, JOB, id, now).await?;
    let mut report = Report { began: run.now(), ..Report::default() };
    if let Err(failure) = work(&run, folding, &mut report).await {
        report.end = failure.end();
    }
    report.milliseconds = u64::try_from(run.elapsed().as_millis()).unwrap_or(u64::MAX);
    // What is worth knowing is what stopped the run first.
    if let (Err(stop), End::Done) = (run.end(format::encode(REPORT_FORMAT, &report)).await, &report.end) {
        report.end = Failure::Stop(stop).end();
    }
    Ok(report)
}

async fn work<S: Store, T: Timer>(
    run: &Run<'_, S, T>,
    folding: &impl Folding,
    report: &mut Report,
) -> Result<(), Failure> {
    report.finished_earlier = finish(run, report).await?;
    let mut stored = load_cursor(run, report).await?;
    let mut reader = Reader::start(run, stored.clone()).await?;
    let mut limit = folding.chunk_entries();
    loop {
        report.backlog = backlog(&reader);
        if run.elapsed() >= LAST_CHUNK {
            report.end = End::TimeUp;
            break;
        }
        let found = reader.read(run, limit, CHUNK_BYTES).await?;
        let count = found.entries.len() + found.damaged;
        if count == 0 {
            // What changed without entries: streams were opened or closed.
            save(run, &reader, &mut stored).await?;
            match found.all {
                true => break,
                false => continue,
            }
        }
        if !found.unread.is_empty() {
            aside::note_entries(run, found.unread).await?;
        }
        for Placed { entry, .. } in &found.entries {
            if let Entry::Damaged(found) = entry {
                report.set_aside.extend(aside::take_found(run, found).await?.then(|| found.key.clone()));
            }
        }
        let fold = async || fold_chunk(run, folding, &found.entries).await;
        let Some(mut writes) = around_damage(run, &mut report.set_aside, fold).await? else {
            // Too much for one chunk: from the last stored cursor again, with fewer.
            limit = (count / 2).max(1);
            reader = Reader::start(run, stored.clone()).await?;
            continue;
        };
        stored = reader.cursor();
        writes.extend(CURSORS.map(|key| Write { key: key.into(), value: Some(stored.encode()) }));
        run.commit(writes).await?;
        report.entries += found.entries.len() as u64;
        report.damaged += found.damaged as u64;
        report.chunks += 1;
    }
    // Bounded, so that there is time for them behind any backlog.
    around_damage(run, &mut report.set_aside, async || forget(run, folding).await).await?;
    aside::tidy(run).await?;
    report.deleted_streams = reader.delete_old(run, folding.keep_days()).await?;
    save(run, &reader, &mut stored).await?;
    report.backlog = backlog(&reader);
    around_damage(run, &mut report.set_aside, async || repair::go_on(run, folding, &stored).await).await
}

/// Finishes the writes of an earlier run. A promise that cannot be kept is set aside: the cursor that holds says what is folded
/// again, and what of it was written already is known to the fans.
async fn finish<S: Store, T: Timer>(run: &Run<'_, S, T>, report: &mut Report) -> Result<bool, Failure> {
    match commit::finish(run).await {
        Err(RedoError::Damaged(_)) => {
            aside::set_redo_aside(run).await?;
            report.set_aside.extend(commit::keys().next());
            Ok(false)
        }
        finished => Ok(finished?),
    }
}

/// The cursor that holds; the one of its two records that is damaged is set aside.
async fn load_cursor<S: Store, T: Timer>(run: &Run<'_, S, T>, report: &mut Report) -> Result<Cursor, Failure> {
    let records = run.get_all(&CURSORS.map(String::from)).await?;
    let stored = |n: usize| records.get(n).and_then(Option::as_deref);
    let cursor = cursor([stored(0), stored(1)])?;
    for (key, bytes) in CURSORS.into_iter().zip(records).filter_map(|(key, bytes)| Some((key, bytes?))) {
        if matches!(Cursor::decode(&bytes), Err(RecordError::Damaged)) {
            aside::set_aside_for(run, key, bytes, Some(cursor.encode())).await?;
            report.set_aside.push(key.to_owned());
        }
    }
    Ok(cursor)
}

/// What a step comes to when the records that it finds damaged are set aside, one after the other.
async fn around_damage<S: Store, T: Timer, R>(
    run: &Run<'_, S, T>,
    set_aside: &mut Vec<String>,
    mut step: impl AsyncFnMut() -> Result<R, Failure>,
) -> Result<R, Failure> {
    loop {
        match step().await {
            Err(Failure::Fold(FoldError::Damaged { key })) if !set_aside.contains(&key) => {
                aside::set_aside(run, &key).await?;
                set_aside.push(key);
            }
            done => return done,
        }
    }
}

/// Stores the cursor, if it changed.
async fn save<S: Store, T: Timer>(run: &Run<'_, S, T>, reader: &Reader, stored: &mut Cursor) -> Result<(), Failure> {
    let cursor = reader.cursor();
    if cursor != *stored {
        *stored = cursor;
        run.commit(CURSORS.map(|key| Write { key: key.into(), value: Some(stored.encode()) }).into()).await?;
    }
    Ok(())
}

/// The writes of a chunk; none: it needs more memory than a run may use.
async fn fold_chunk<S: Store, T: Timer>(
    run: &Run<'_, S, T>,
    folding: &impl Folding,
    entries: &[Placed],
) -> Result<Option<Vec<Write>>, Failure> {
    let known = if entries.len() > 1 { Known::some(run) } else { Known::all(run) };
    let writes = match folding.fold(entries, &known).await {
        Err(FoldError::TooMuch) => return Ok(None),
        writes => writes?,
    };
    let size: usize = writes.iter().map(|write| write.key.len() + write.value.as_ref().map_or(0, Vec::len)).sum();
    Ok((size <= commit::BYTES_MAX || entries.len() <= 1).then_some(writes))
}

/// Forgets the fans whose time has come, a bounded number of them: several steps, one redo record.
async fn forget<S: Store, T: Timer>(run: &Run<'_, S, T>, folding: &impl Folding) -> Result<(), Failure> {
    // The first step always has room, so that there is progress.
    let mut known = Known::all(run);
    for _ in 0..FORGET_STEPS {
        let step = match folding.forget(run.now(), &known).await {
            Err(FoldError::TooMuch) => break,
            step => step?,
        };
        if step.is_empty() {
            break;
        }
        let mut written = known.written;
        written.extend(step.into_iter().map(|Write { key, value }| (key, value)));
        known = Known { written, ..Known::some(run) };
        if known.written.len() >= FORGET_WRITES {
            break;
        }
    }
    Ok(run.commit(known.written.into_iter().map(|(key, value)| Write { key, value }).collect()).await?)
}

/// The store under the run's lease, below what earlier steps are going to write to it.
struct Known<'a, S, T> {
    run: &'a Run<'a, S, T>,
    written: BTreeMap<String, Option<Vec<u8>>>,
    /// Bytes of records that may still be loaded.
    room: Cell<usize>,
}

impl<'a, S, T> Known<'a, S, T> {
    /// As much of it as is asked for.
    fn all(run: &'a Run<'a, S, T>) -> Self {
        Self { run, written: BTreeMap::new(), room: Cell::new(usize::MAX) }
    }

    /// [`LOADED_BYTES`] of it.
    fn some(run: &'a Run<'a, S, T>) -> Self {
        Self { room: Cell::new(LOADED_BYTES), ..Self::all(run) }
    }
}

impl<S: Store, T: Timer> Knowledge for Known<'_, S, T> {
    fn get<'a>(&'a self, keys: &'a [String]) -> LocalBoxFuture<'a, Result<Vec<Option<Vec<u8>>>, FoldError>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(keys.len());
            for window in keys.chunks(lease::READS_AT_ONCE) {
                let stored = self.run.get_all(window).await?;
                let bytes = stored.iter().flatten().map(Vec::len).sum();
                self.room.set(self.room.get().checked_sub(bytes).ok_or(FoldError::TooMuch)?);
                values.extend(window.iter().zip(stored).map(|(key, stored)| match self.written.get(key) {
                    Some(written) => written.clone(),
                    None => stored,
                }));
            }
            Ok(values)
        })
    }
}

fn backlog(reader: &Reader) -> Backlog {
    Backlog {
        unopened_streams: reader.unopened(),
        open_streams: reader.open() as u64,
        entries_so_far: reader.entries(),
    }
}
