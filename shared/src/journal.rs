//! The journal: the append-only record of everything that happened.
//!
//! An instance takes a stream number at its first append and a new one after [`STREAM_ENTRIES`] entries or
//! [`STREAM_LIFE`]. Its entries are `journal:<stream>:<i>`, i = 0, 1, …, each one `set`, each key once. So instances
//! never meet on a key, an append is one write, and whoever reads knows which keys to look for without a listing. An
//! append that failed for good leaves a gap in its stream; a lost answer to `increment` leaves a gap in the numbers.
//! Gaps are harmless.

pub mod export;
pub mod latest;
pub mod orders;
pub mod reader;
pub mod replay;

use crate::{
    facts::{Entry, Place},
    store::{
        BUDGET, Store, StoreError, Timer, keys,
        lease::{Run, Stop},
        persist,
    },
    time::Timestamp,
};
use std::{cell::RefCell, time::Duration};

/// The counter of stream numbers.
pub const SEQUENCE: &str = keys::SEQ_JOURNAL.pattern;
/// Entries of a stream at most.
pub const STREAM_ENTRIES: u32 = 128;
/// A stream takes no entries later than this after its first.
pub const STREAM_LIFE: Duration = Duration::from_secs(60);
/// Places of a stream that may be unwritten behind a written one: a stream takes no further entry while it is not known of so
/// many that they were written. So whoever looks this far past the last entry found has seen them all.
pub const LOOK_AHEAD: u32 = 16;

/// The run of entries that one instance writes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stream {
    number: u64,
    next: u32,
    opened: Timestamp,
    /// Places given out that are not known to be written: under way, or failed for good.
    unwritten: u32,
}

impl Stream {
    fn is_open(&self, now: Timestamp) -> bool {
        self.next < STREAM_ENTRIES && self.unwritten < LOOK_AHEAD && self.opened.distance(now) < STREAM_LIFE.as_secs()
    }
}

/// The writing end of the journal; an instance keeps one for all its requests.
#[derive(Debug, Default)]
pub struct Journal {
    stream: RefCell<Option<Stream>>,
}

/// The entry is not in the journal, as far as we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no entry written in {} s: {last}", BUDGET.as_secs())]
pub struct NotAppended {
    /// What the last try came to.
    pub last: StoreError,
}

impl Journal {
    /// Writes one entry: one `set`, tried again at the same place until [`BUDGET`] is used up.
    pub async fn append(
        &self,
        store: &impl Store,
        timer: &impl Timer,
        now: Timestamp,
        entry: &Entry,
    ) -> Result<Place, NotAppended> {
        let value = entry.encode();
        let mut place = None;
        let appended = persist(timer, async || {
            let at = match place {
                Some(at) => at,
                None => *place.insert(self.place(store, now).await?),
            };
            store.set(&at.to_string(), &value).await.map(|()| at)
        });
        let at = appended.await.map_err(|last| NotAppended { last })?;
        self.written(at);
        Ok(at)
    }

    /// The next free place, in a new stream if need be.
    async fn place(&self, store: &impl Store, now: Timestamp) -> Result<Place, StoreError> {
        if let Some(place) = self.next(now) {
            return Ok(place);
        }
        let number = store.increment(SEQUENCE, 1).await?;
        let number = u64::try_from(number).map_err(|_| StoreError(format!("{SEQUENCE} is {number}")))?;
        Ok(self.open(number, now))
    }

    /// The next free place for a run, which writes the entry together with other records and then says that it is
    /// [written](Self::written). Left unwritten it is a harmless gap.
    pub(crate) async fn place_for(&self, run: &Run<'_, impl Store, impl Timer>) -> Result<Place, Stop> {
        match self.next(run.now()) {
            Some(place) => Ok(place),
            None => Ok(self.open(run.number(SEQUENCE).await?, run.now())),
        }
    }

    /// The first place of a stream of this number; or, when another request of this instance has opened one meanwhile, the next
    /// of that: then the number stays unused.
    fn open(&self, number: u64, now: Timestamp) -> Place {
        self.next(now).unwrap_or_else(|| {
            self.stream.replace(Some(Stream { number, next: 1, opened: now, unwritten: 1 }));
            Place { stream: number, index: 0 }
        })
    }

    fn next(&self, now: Timestamp) -> Option<Place> {
        let mut stream = self.stream.borrow_mut();
        let stream = stream.as_mut().filter(|stream| stream.is_open(now))?;
        stream.next += 1;
        stream.unwritten += 1;
        Some(Place { stream: stream.number, index: stream.next - 1 })
    }

    /// Says that the entry at a place is in the store.
    pub(crate) fn written(&self, place: Place) {
        if let Some(stream) = self.stream.borrow_mut().as_mut().filter(|stream| stream.number == place.stream) {
            stream.unwritten -= 1;
        }
    }
}
