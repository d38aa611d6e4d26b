//! The journal: the append-only record of everything that happened.
//!
//! An instance takes a stream number at its first append and a new one after [`STREAM_ENTRIES`] entries or
//! [`STREAM_LIFE`]. Its entries are `journal:<stream>:<i>`, i = 0, 1, …, each one `set`, each key once. So instances
//! never meet on a key, an append is one write, and whoever reads knows which keys to look for without a listing. An
//! append that failed for good leaves a gap in its stream; a lost answer to `increment` leaves a gap in the numbers.
//! Gaps are harmless.

pub mod reader;

use crate::{
    orders::OrderEvent,
    playbook::{PushChoice, Touch},
    push::news::LedgerNews,
    record::{self, RecordError},
    store::{BUDGET, Store, StoreError, Timer, persist},
    time::Timestamp,
    wechat::{Message, OpenId},
};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, fmt, time::Duration};

/// The counter of stream numbers.
pub const SEQUENCE: &str = "seq:journal";
/// Entries of a stream at most.
pub const STREAM_ENTRIES: u32 = 128;
/// A stream takes no entries later than this after its first.
pub const STREAM_LIFE: Duration = Duration::from_secs(60);
/// Places of a stream that may be unwritten behind a written one: a stream takes no further entry while it is not known of so
/// many that they were written. So whoever looks this far past the last entry found has seen them all.
pub const LOOK_AHEAD: u32 = 16;
/// What [`Entry::encode`] writes first. Older formats are read, newer ones refused.
const FORMAT: u8 = 2;
/// Had no [`Push::pushes`], which is a push's last field.
const FORMAT_WITHOUT_CHOICES: u8 = 1;
/// What postcard begins an [`Entry::Push`] with, and what it writes for `None`.
const PUSH: u8 = 0;
const NONE: u8 = 0;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "nearly every entry is a push; smaller where pointers are")]
pub enum Entry {
    /// WeChat sent something and got an answer.
    Push(Push),
    /// The shop system reported purchases: one request, all or nothing.
    Orders(Orders),
    /// Somebody wants to be forgotten.
    Erase(Erase),
    /// What became of pushes of ours.
    Ledger(LedgerNews),
}

/// A push of WeChat and what we made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// What came in.
    pub message: Message,
    /// The contact through a channel that it was, if any.
    pub touch: Option<Touch>,
    /// The rule that answered; none: the default did, or nobody.
    pub rule: Option<String>,
    /// From the request to this entry, in milliseconds.
    pub milliseconds: u32,
    /// What the fan decided about pushes with it.
    pub pushes: Option<PushChoice>,
}

/// A request of the shop system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// When it came in, by our clock.
    pub at: Timestamp,
    /// What it said.
    pub orders: Vec<OrderEvent>,
}

/// The wish to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    /// Who.
    pub openid: OpenId,
    /// When it came in, by our clock.
    pub at: Timestamp,
}

impl Entry {
    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        record::encode(FORMAT, self)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes {
            [FORMAT_WITHOUT_CHOICES, entry @ ..] => {
                let tail: &[u8] = if entry.first() == Some(&PUSH) { &[NONE] } else { &[] };
                record::decode(FORMAT, &[&[FORMAT], entry, tail].concat())
            }
            _ => record::decode(FORMAT, bytes),
        }
    }
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The stream's number, from 1.
    pub stream: u64,
    /// Within the stream, from 0.
    pub index: u32,
}

impl fmt::Display for Place {
    /// The store key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal:{}:{}", self.stream, self.index)
    }
}

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

    /// The next free place, in a new stream if need be; for who writes an entry together with other records, and then says
    /// that it is [written](Self::written). Left unwritten it is a harmless gap.
    pub(crate) async fn place(&self, store: &impl Store, now: Timestamp) -> Result<Place, StoreError> {
        if let Some(place) = self.next(now) {
            return Ok(place);
        }
        let number = store.increment(SEQUENCE, 1).await?;
        let number = u64::try_from(number).map_err(|_| StoreError(format!("{SEQUENCE} is {number}")))?;
        // Another request of this instance may have opened a stream meanwhile; its number then stays unused.
        if let Some(place) = self.next(now) {
            return Ok(place);
        }
        self.stream.replace(Some(Stream { number, next: 1, opened: now, unwritten: 1 }));
        Ok(Place { stream: number, index: 0 })
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
