//! Publications as they were written: beside the compiled parts stands the source, and who published it and why.
//!
//! | key | what |
//! |---|---|
//! | `playbook:note:<number>` | an [`Issued`] |
//! | `playbook:source:<number>:<part>` | the TOML, at most 300 KB a part |
//!
//! Both are written before the head that names the publication, so every publication that is listed has them, but for those of
//! before their time. They go with it.

use super::{PARTS_MAX, PUBLICATIONS_MAX, PublishError, Write, part_key};
use crate::{
    playbook::{
        language::FILE_MAX,
        parted::{PART_MAX, Parted},
    },
    store::{
        Store, StoreError,
        key::{Key, Stored},
        keys,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Characters of who published.
pub const BY_MAX: usize = 64;
/// Characters of why.
pub const WHY_MAX: usize = 200;
/// The most parts of one source.
const SOURCE_PARTS_MAX: usize = FILE_MAX.div_ceil(PART_MAX);
/// Publications that fell out and are tidied away, so that what one run left behind goes with the next.
const TIDIED: u32 = 2;

/// Who publishes and why, in their own words; both may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    by: String,
    why: String,
}

/// The name of what is too long in a [`Note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has more than {1} characters")]
pub struct TooLong(pub &'static str, usize);

impl Note {
    /// Of what was typed.
    ///
    /// # Errors
    /// [`TooLong`]
    pub fn new(by: &str, why: &str) -> Result<Self, TooLong> {
        let (by, why) = (by.trim(), why.trim());
        for (name, text, max) in [("by", by, BY_MAX), ("why", why, WHY_MAX)] {
            if text.chars().count() > max {
                return Err(TooLong(name, max));
            }
        }
        Ok(Self { by: by.to_owned(), why: why.to_owned() })
    }

    /// Of `by` and `why` in a query; what else stands there is passed over.
    ///
    /// # Errors
    /// [`TooLong`]
    pub fn of_query(query: &str) -> Result<Self, TooLong> {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(other, _)| other == name).map_or_else(String::new, |(_, value)| value.into_owned())
        };
        Self::new(&value("by"), &value("why"))
    }
}

/// What is known of a publication besides what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Who published it; empty: nobody said.
    pub by: String,
    /// Why; empty: nobody said.
    pub why: String,
    /// When.
    pub at: Timestamp,
    source: Parted,
}

impl Stored for Issued {}

impl Issued {
    /// Of a publication; none: it is of before there were notes, or its note cannot be read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(store: &impl Store, number: u32) -> Result<Option<Self>, StoreError> {
        Ok(store.get(&note_key(number)).await?.and_then(|record| Self::decode(&record).ok()))
    }

    /// The source of this publication; none: not all of it is there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn source(&self, store: &impl Store, number: u32) -> Result<Option<String>, StoreError> {
        self.source.read(store, SOURCE_PARTS_MAX, |part| source_key(number, part)).await
    }
}

/// What to write of a publication's source, the note last.
pub(super) fn writes(number: u32, source: &str, note: &Note, at: Timestamp) -> Result<Vec<Write>, PublishError> {
    let parted = Parted::of(source, SOURCE_PARTS_MAX).ok_or(PublishError::TooLarge(source.len()))?;
    let issued = Issued { by: note.by.clone(), why: note.why.clone(), at, source: parted };
    let mut writes: Vec<Write> = Parted::parts(source, |part| source_key(number, part)).collect();
    writes.push((note_key(number).into(), issued.encode()));
    Ok(writes)
}

/// Every key that the publications may have that fell out of the head with this one.
pub(super) fn fallen_out(number: u32) -> Vec<String> {
    let last = number.saturating_sub(PUBLICATIONS_MAX as u32);
    let gone = last.saturating_sub(TIDIED) + 1..=last;
    gone.flat_map(|number| {
        let parts = (0..PARTS_MAX).map(move |part| part_key(number, part));
        let source = (0..SOURCE_PARTS_MAX).map(move |part| source_key(number, part));
        parts.chain(source).chain([note_key(number).into()])
    })
    .collect()
}

fn note_key(number: u32) -> Key<Issued> {
    keys::PLAYBOOK_NOTE.key(&[&number])
}

fn source_key(number: u32, part: usize) -> String {
    keys::PLAYBOOK_SOURCE.key::<()>(&[&number, &part]).into()
}
