//! The reading end of the journal: finds what is new, without a listing and without waiting for anything.
//!
//! The [`Cursor`] is all that is remembered between runs: the streams that are open and which of their entries were
//! read. A stream is *over* [`STREAM_OVER`] after its number was first seen: its writer stopped long before. A stream is
//! closed when it is full, or when it is over and a last look found nothing. A quiet stream costs at most
//! `2 * LOOK_AHEAD` reads a run; a closed one nothing.

use super::{LOOK_AHEAD, SEQUENCE, STREAM_ENTRIES};
use crate::{
    facts::{Entry, Place, Placed},
    store::{
        Store, Timer,
        format::RecordError,
        key::Stored,
        keys,
        lease::{READS_AT_ONCE, Run, Stop},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Key of the [`Cursor`].
pub const CURSOR: &str = keys::JOURNAL_CURSOR.pattern;
/// Both keys of it: it is stored twice, because nothing else tells what was folded already.
pub const CURSORS: [&str; 2] = [CURSOR, keys::JOURNAL_CURSOR_COPY.pattern];
/// A stream takes entries for 60 s, an append 4 s, and clocks may differ by 60 s.
pub const STREAM_OVER: Duration = Duration::from_secs(300);
/// Streams open at once; further ones are opened when one closes.
pub const OPEN_MAX: usize = 2_048;
/// Looks of one [`Reader::read`] at most, [`READS_AT_ONCE`] places each: so a slow store and many quiet streams cannot use up a run
/// before it has stored anything.
const LOOKS_MAX: usize = 256;
/// Streams deleted per run at most: more than a day's in a day.
pub const DELETE_MAX: u64 = 1_024;
/// Streams deleted by one call.
const DELETE_GROUP: u64 = 8;
/// Days remembered for deletion, one mark each. When there are more, the last mark stands for several and is as late as
/// the last of them.
const DAYS_MAX: usize = 500;
/// Moments remembered at which new streams were seen; runs are a minute apart and look back five.
const SIGHTINGS_MAX: usize = 32;
const SECONDS_A_DAY: u64 = 86_400;
// A stream's entries are the bits of a `u128`.
const _: () = assert!(STREAM_ENTRIES == u128::BITS);

/// Streams up to a number, and when that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Seconds in a sighting, days in a day's mark.
    at: u64,
    number: u64,
}

/// Where the reader stands. Does not depend on how many runs it took to get there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Streams up to this number are open, or closed.
    opened: u64,
    /// The open ones, by number: which entries were read, as bits.
    open: BTreeMap<u64, u128>,
    /// When the numbers of streams that are not all closed were first seen.
    sightings: Vec<Mark>,
    /// By day: the last stream opened.
    days: Vec<Mark>,
    /// Entries of streams up to this number are deleted.
    deleted: u64,
    /// Entries read since the beginning.
    pub entries: u64,
    /// Those of them that could not be read. They stay as long as the others.
    pub damaged: u64,
}

impl Stored for Cursor {}

impl Cursor {
    /// The cursor that holds, of the bytes at both [`CURSORS`]: the second only where the first is damaged or gone.
    ///
    /// # Errors
    /// When a newer Guanxi wrote it, or neither can be read.
    pub fn of([first, copy]: [Option<&[u8]>; 2]) -> Result<Self, RecordError> {
        let read = |bytes: Option<&[u8]>| bytes.map(Self::decode).transpose();
        match (read(first), read(copy)) {
            (Ok(Some(cursor)), _) => Ok(cursor),
            (Err(RecordError::Newer(format)), _) => Err(RecordError::Newer(format)),
            (_, Ok(Some(cursor))) => Ok(cursor),
            (Ok(None), Ok(None)) => Ok(Self::default()),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// Where a replay begins: before the oldest entry that this cursor says is kept.
    pub(crate) fn oldest(&self) -> Self {
        Self { opened: self.deleted, deleted: self.deleted, ..Self::default() }
    }

    /// The first stream whose entries are kept.
    pub(crate) fn first_kept(&self) -> u64 {
        self.deleted + 1
    }

    /// Whether nothing was ever deleted: the entries that are kept are all there were.
    pub(crate) fn keeps_all(&self) -> bool {
        self.deleted == 0
    }

    /// Whether entries that this cursor has not read, or perhaps not, are deleted by what `now` says.
    pub(crate) fn is_overtaken(&self, now: &Self) -> bool {
        self.first_open() <= now.deleted
    }

    /// How many of the kept streams a replay has opened that stands here and goes until `until`, and how many there are.
    pub(crate) fn share(&self, until: &Self) -> (u64, u64) {
        (self.opened.saturating_sub(until.deleted), until.opened.saturating_sub(until.deleted))
    }

    /// Of the streams up to `top`, those that were never opened.
    pub fn unopened(&self, top: u64) -> u64 {
        top.saturating_sub(self.opened)
    }

    /// Streams that may get more entries.
    pub fn open_streams(&self) -> u64 {
        self.open.len() as u64
    }

    /// All streams before this one are closed.
    fn first_open(&self) -> u64 {
        self.open.keys().next().copied().unwrap_or(self.opened + 1)
    }

    fn sight(&mut self, top: u64, now: Timestamp) {
        let known = self.sightings.last().map_or(self.opened, |mark| mark.number.max(self.opened));
        if top > known && self.sightings.len() < SIGHTINGS_MAX {
            let at = self.sightings.last().map_or(now.0, |mark| mark.at.max(now.0));
            self.sightings.push(Mark { at, number: top });
        }
    }

    /// Streams up to the result are over at `now`.
    fn over(&self, now: Timestamp) -> u64 {
        let over = self.sightings.iter().rev().find(|mark| mark.at + STREAM_OVER.as_secs() <= now.0);
        over.map_or(0, |mark| mark.number)
    }

    fn open_next(&mut self, now: Timestamp) {
        self.opened += 1;
        self.open.insert(self.opened, 0);
        let (day, full) = (now.0 / SECONDS_A_DAY, self.days.len() == DAYS_MAX);
        match self.days.last_mut() {
            Some(mark) if mark.at >= day || full => *mark = Mark { at: mark.at.max(day), number: self.opened },
            _ => self.days.push(Mark { at: day, number: self.opened }),
        }
    }

    /// Forgets what only open streams need.
    fn tidy(&mut self, now: Timestamp) {
        let (first_open, over, deleted) = (self.first_open(), self.over(now), self.deleted);
        // Of several sightings that are over, the last says it all.
        self.sightings.retain(|mark| mark.number >= first_open && mark.number >= over);
        self.days.retain(|mark| mark.number > deleted);
    }

    /// Streams whose entries have stayed long enough: from the first of the result up to before its end.
    fn expired(&self, keep_days: u32, now: Timestamp) -> std::ops::Range<u64> {
        let today = now.0 / SECONDS_A_DAY;
        let old = self.days.iter().rev().find(|mark| mark.at + u64::from(keep_days) < today);
        let until = old.map_or(0, |mark| mark.number.min(self.first_open() - 1)).min(self.deleted + DELETE_MAX);
        self.deleted + 1..until.max(self.deleted) + 1
    }
}

/// What a look at the journal found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The entries, in no particular order.
    pub entries: Vec<Placed>,
    /// Bytes of all of them.
    pub bytes: usize,
    /// How many more could not be read.
    pub damaged: usize,
    /// Where these stand, and their bytes.
    pub unread: Vec<(Place, Vec<u8>)>,
    /// There is nothing more to look at.
    pub all: bool,
}

impl Found {
    fn is_below(&self, entries: usize, bytes: usize) -> bool {
        self.entries.len() + self.damaged < entries && self.bytes < bytes
    }
}

/// The reading cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The run had to stop.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// An entry needs a newer program than this; it must not be passed over.
    #[error("{0} was written by a newer Guanxi")]
    Newer(Place),
    /// The counter of streams has gone back: the store was restored or mixed up.
    #[error("{SEQUENCE} is {top}, but streams up to {opened} were read")]
    WentBack {
        /// The counter.
        top: u64,
        /// The cursor's.
        opened: u64,
    },
}

/// Reads on from a [`Cursor`], for one run.
#[derive(Debug)]
pub struct Reader {
    cursor: Cursor,
    /// Of the open streams: the places that this run has looked at already.
    looked: BTreeMap<u64, u128>,
    top: u64,
    over: u64,
    now: Timestamp,
    /// Of a replay: what was read before, and nothing else is read again.
    until: Option<Cursor>,
}

impl Reader {
    /// Sees how far the streams go now, and reads on from there.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn start(run: &Run<'_, impl Store, impl Timer>, mut cursor: Cursor) -> Result<Self, ReadError> {
        let (top, now) = (run.counter(SEQUENCE).await?, run.now());
        if top < cursor.opened {
            return Err(ReadError::WentBack { top, opened: cursor.opened });
        }
        cursor.sight(top, now);
        let over = cursor.over(now);
        Ok(Self { cursor, looked: BTreeMap::new(), top, over, now, until: None })
    }

    /// Reads again, from a cursor of a replay ([`Cursor::oldest`]) on, what was read until another cursor, and no entry else.
    pub(crate) fn again(from: Cursor, until: &Cursor, now: Timestamp) -> Self {
        let looked = until.open.iter().map(|(number, read)| (*number, !read)).collect();
        Self { cursor: from, looked, top: until.opened, over: 0, now, until: Some(until.clone()) }
    }

    /// Finds at most so many new entries, and about so many bytes of them, and counts them as read. Ends early after a
    /// number of looks; [`Found::all`] says whether there is more to look at. (What is in streams that cannot be opened
    /// yet waits for a later run.)
    ///
    /// # Errors
    /// [`ReadError`]; the reader is then of no more use.
    pub async fn read(
        &mut self,
        run: &Run<'_, impl Store, impl Timer>,
        entries: usize,
        bytes: usize,
    ) -> Result<Found, ReadError> {
        let mut found = Found::default();
        for _ in 0..LOOKS_MAX {
            self.open_and_close();
            let places = self.places();
            found.all = places.is_empty();
            if found.all || !found.is_below(entries, bytes) {
                break;
            }
            let keys: Vec<String> = places.iter().map(Place::to_string).collect();
            let values = run.get_all(&keys).await?;
            for (place, value) in places.into_iter().zip(values) {
                self.take(place, value, &mut found, entries, bytes)?;
            }
        }
        self.open_and_close();
        Ok(found)
    }

    /// The cursor after what was read. To be stored together with what the entries changed.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.cursor.clone();
        cursor.tidy(self.now);
        cursor
    }

    /// Entries read since the beginning.
    pub fn entries(&self) -> u64 {
        self.cursor.entries
    }

    /// Streams that this run has seen and not opened, because too many were open.
    pub fn unopened(&self) -> u64 {
        self.top - self.cursor.opened
    }

    /// Streams that may get more entries.
    pub fn open(&self) -> usize {
        self.cursor.open.len()
    }

    /// Deletes entries that have stayed `keep_days`, a bounded number of them. Says how many streams that were; then the
    /// cursor has changed.
    ///
    /// # Errors
    /// [`Stop`]; what is deleted already is deleted again by the next run.
    pub async fn delete_old(&mut self, run: &Run<'_, impl Store, impl Timer>, keep_days: u32) -> Result<u64, Stop> {
        let expired = self.cursor.expired(keep_days, self.now);
        let (mut next, end) = (expired.start, expired.end);
        while next < end {
            let streams = next..end.min(next + DELETE_GROUP);
            next = streams.end;
            let places = streams.flat_map(|stream| (0..STREAM_ENTRIES).map(move |index| Place { stream, index }));
            let keys: Vec<String> = places.map(|place| place.to_string()).collect();
            run.delete_many(&keys).await?;
            self.cursor.deleted = next - 1;
        }
        Ok(end - expired.start)
    }

    fn open_and_close(&mut self) {
        let (looked, over, until) = (&mut self.looked, self.over, &self.until);
        // In a replay a stream gets no more entries when it got none any more the first time.
        let may_grow = |number| until.as_ref().map_or(number > over, |until| until.open.contains_key(&number));
        self.cursor.open.retain(|&number, &mut read| {
            let nothing_left = || unread(read, looked.get(&number).copied().unwrap_or_default()) == 0;
            let open = read != u128::MAX && (may_grow(number) || !nothing_left());
            if !open {
                looked.remove(&number);
            }
            open
        });
        while self.cursor.open.len() < OPEN_MAX && self.cursor.opened < self.top {
            self.cursor.open_next(self.now);
        }
    }

    /// The next places to look at: of as many streams as fill a window.
    fn places(&self) -> Vec<Place> {
        let mut places = Vec::with_capacity(READS_AT_ONCE);
        for (&stream, &read) in &self.cursor.open {
            let looked = self.looked.get(&stream).copied().unwrap_or_default();
            let mut unread = unread(read, looked);
            while unread != 0 {
                if places.len() == READS_AT_ONCE {
                    return places;
                }
                places.push(Place { stream, index: unread.trailing_zeros() });
                unread &= unread - 1;
            }
        }
        places
    }

    fn take(
        &mut self,
        place: Place,
        value: Option<Vec<u8>>,
        found: &mut Found,
        entries: usize,
        bytes: usize,
    ) -> Result<(), ReadError> {
        let bit = 1 << place.index;
        if let Some(value) = value {
            if !found.is_below(entries, bytes) {
                // Read again by the next chunk.
                return Ok(());
            }
            let length = value.len();
            match Entry::decode(&value) {
                Ok(entry) => found.entries.push(Placed { place, entry }),
                Err(RecordError::Newer(_)) => return Err(ReadError::Newer(place)),
                Err(RecordError::Damaged) => {
                    found.damaged += 1;
                    found.unread.push((place, value));
                    self.cursor.damaged += 1;
                }
            }
            found.bytes += length;
            self.cursor.entries += 1;
            *self.cursor.open.entry(place.stream).or_default() |= bit;
        }
        *self.looked.entry(place.stream).or_default() |= bit;
        Ok(())
    }
}

/// Places up to [`LOOK_AHEAD`] past the last one read that were neither read nor looked at, as bits.
fn unread(read: u128, looked: u128) -> u128 {
    let end = u128::BITS - read.leading_zeros() + LOOK_AHEAD;
    let within = 1_u128.checked_shl(end).map_or(u128::MAX, |past| past - 1);
    within & !read & !looked
}
