//! Many writes as one: all of them happen, or none, on a store without transactions.
//!
//! The writes go first into the redo record, parts of at most [`PART_BYTES`] as `redo:0`, `redo:1`, …; it exists once
//! `redo:head` is set, which names its run, its parts and their checksum. Then the writes themselves happen, then the head
//! goes, then the parts. Whoever finds a head does all its writes again, which changes nothing that was done already;
//! parts without a head are garbage of a run that died before it had promised anything.
//!
//! `redo:0` is written first and goes last, so one read tells whether there are parts.

use crate::store::{
    Store, Timer, digest,
    format::{self, RecordError},
    key::{Key, Stored},
    keys,
    lease::{Run, Stop},
    record::Write,
};
use serde::{Deserialize, Serialize};

/// Bytes of a part at most; stores take 400 KB.
pub const PART_BYTES: usize = 300_000;
/// Parts of one redo record at most.
pub const PARTS_MAX: usize = 64;
/// Bytes of keys and values, all told, that one redo record surely holds.
pub const BYTES_MAX: usize = PART_BYTES * (PARTS_MAX - 4);
/// Bytes in one `set_many`, unless a single value is larger.
const GROUP_BYTES: usize = 1_000_000;
/// Keys in one `set_many` or `delete_many`.
const GROUP_KEYS: usize = 512;
/// What a part has besides its bytes: format, run, number and length, generously.
const PART_FRAME: usize = 32;
const HEAD: &str = keys::REDO_HEAD.pattern;

#[derive(Serialize, Deserialize)]
struct Head {
    run: u64,
    parts: u32,
    checksum: [u8; 20],
}

#[derive(Serialize, Deserialize)]
struct Part {
    run: u64,
    bytes: Vec<u8>,
}

impl Stored for Head {}

impl Stored for Part {}

/// Why writes did not happen, or not yet all: then the next run finishes them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedoError {
    /// The run had to stop.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// More than one redo record holds; nothing was written.
    #[error("{0} bytes of writes do not fit into one redo record")]
    TooMuch(usize),
    /// What `redo:head` promises is not there, or not what was written.
    #[error("the redo record is damaged: {0}")]
    Damaged(&'static str),
}

impl<S: Store, T: Timer> Run<'_, S, T> {
    /// Makes all the writes, in no particular order, or leaves what [`finish`] needs to make them; nothing at all
    /// where there are none.
    ///
    /// # Errors
    /// [`RedoError`]; unless it is [`RedoError::TooMuch`], the writes may still happen.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), RedoError> {
        if writes.is_empty() {
            return Ok(());
        }
        let plain: Vec<_> = writes.iter().map(|write| (write.key.as_str(), write.value.as_deref())).collect();
        let bytes = format::encode(Head::FORMAT, &plain);
        let pieces: Vec<&[u8]> = bytes.chunks(PART_BYTES - PART_FRAME).collect();
        if pieces.len() > PARTS_MAX {
            return Err(RedoError::TooMuch(bytes.len()));
        }
        let head = Head { run: self.id(), parts: pieces.len() as u32, checksum: digest::short(&bytes) };
        let parts = pieces.iter().map(|piece| Part { run: self.id(), bytes: piece.to_vec() });
        let parts: Vec<_> = (0..).zip(parts).map(|(n, part)| (part_key(n).into(), part.encode())).collect();
        // Alone, because the keys of one call may be written in any order.
        let (first, others) = parts.split_at(parts.len().min(1));
        for group in first.chunks(1).chain(others.chunks(GROUP_BYTES / PART_BYTES)) {
            self.set_many(group).await?;
        }
        self.set(HEAD, &head.encode()).await?;
        drop((bytes, parts));
        apply(self, writes, head.parts as usize).await
    }
}

/// Finishes the redo record that an earlier run left, and removes the garbage of one that it did not finish writing.
/// To be called before anything that those writes change is read. Says whether there was one to finish.
///
/// # Errors
/// [`RedoError`]; then nothing may be read or written that a redo record could hold, unless it is [`RedoError::Damaged`] and
/// what is left of the record has been forgotten.
pub async fn finish(run: &Run<'_, impl Store, impl Timer>) -> Result<bool, RedoError> {
    let Some(head) = readable(run.get_record(&head_key()).await, "its head cannot be read")? else {
        if run.get(&part_key(0)).await?.is_some() {
            discard(run, PARTS_MAX).await?;
        }
        return Ok(false);
    };
    let count = head.parts as usize;
    if count > PARTS_MAX {
        return Err(RedoError::Damaged("it has too many parts"));
    }
    let mut bytes = Vec::new();
    for n in 0..count {
        let part = readable(run.get_record(&part_key(n)).await, "a part cannot be read")?;
        let part = part.ok_or(RedoError::Damaged("a part is missing"))?;
        if part.run != head.run {
            // The head was still on its way when the next run looked for one, found none and began to write its own:
            // so the head's run had been taken over before its first write, and this is no promise.
            run.delete(HEAD).await?;
            discard(run, PARTS_MAX).await?;
            return Ok(false);
        }
        bytes.extend(part.bytes);
    }
    if digest::short(&bytes) != head.checksum {
        return Err(RedoError::Damaged("its checksum is wrong"));
    }
    let writes = format::decode::<Vec<(String, Option<Vec<u8>>)>>(Head::FORMAT, &bytes);
    let writes =
        readable(writes.map_err(|error| Stop::Record { key: HEAD.into(), error }), "what it says cannot be read")?;
    drop(bytes);
    let writes = writes.into_iter().map(|(key, value)| Write { key, value }).collect();
    apply(run, writes, count).await?;
    Ok(true)
}

/// Tells what is damaged from what only a newer program reads, which stops the run as any other reason does.
fn readable<R>(read: Result<R, Stop>, damage: &'static str) -> Result<R, RedoError> {
    read.map_err(|stop| match stop {
        Stop::Record { error: RecordError::Damaged, .. } => RedoError::Damaged(damage),
        stop => stop.into(),
    })
}

/// The keys of all that a redo record may consist of.
pub(crate) fn keys() -> impl Iterator<Item = String> {
    std::iter::once(HEAD.to_owned()).chain((0..PARTS_MAX).map(|n| part_key(n).into()))
}

/// Takes away what is left of a redo record that cannot be finished: its writes do not happen, or not all of them. What was
/// folded is folded again, from the cursor that holds.
pub(crate) async fn forget(run: &Run<'_, impl Store, impl Timer>) -> Result<(), RedoError> {
    run.delete(HEAD).await?;
    discard(run, PARTS_MAX).await
}

async fn apply(run: &Run<'_, impl Store, impl Timer>, writes: Vec<Write>, parts: usize) -> Result<(), RedoError> {
    let (mut group, mut size, mut deletions) = (Vec::new(), 0, Vec::new());
    for Write { key, value } in writes {
        let Some(value) = value else {
            deletions.push(key);
            continue;
        };
        let bytes = key.len() + value.len();
        if !group.is_empty() && (size + bytes > GROUP_BYTES || group.len() == GROUP_KEYS) {
            run.set_many(&group).await?;
            group.clear();
            size = 0;
        }
        size += bytes;
        group.push((key, value));
    }
    if !group.is_empty() {
        run.set_many(&group).await?;
    }
    for keys in deletions.chunks(GROUP_KEYS) {
        run.delete_many(keys).await?;
    }
    run.delete(HEAD).await?;
    discard(run, parts).await
}

async fn discard(run: &Run<'_, impl Store, impl Timer>, parts: usize) -> Result<(), RedoError> {
    let others: Vec<String> = (1..parts).map(|n| part_key(n).into()).collect();
    if !others.is_empty() {
        run.delete_many(&others).await?;
    }
    Ok(run.delete(&part_key(0)).await?)
}

fn head_key() -> Key<Head> {
    keys::REDO_HEAD.key(&[])
}

fn part_key(n: usize) -> Key<Part> {
    keys::REDO_PART.key(&[&n])
}
