//! The draft of the next playbook: one of the account, whoever writes at it.
//!
//! | key | what |
//! |---|---|
//! | `seq:draft` | the counter from which every save takes a number |
//! | `playbook:draft` | who saved which number, and when |
//! | `playbook:draft:<save>:<part>` | its text |
//!
//! **Two editors.** A form remembers its [`Base`]: the save that it was made from and where the counter stood. A save goes on only
//! when that is still the draft, and when the number that it draws is the next one: so of all that were made from one base one is
//! stored, and the others are told and have changed nothing. The parts are written first and the head last, so there is always one
//! whole draft. What this does not cover, because no store we support compares before it writes: a save that is held up between its
//! number and its last write for so long that somebody is refused, looks, and saves once more.

use super::parted::Parted;
use crate::{
    store::{
        Store, StoreError, TRY_LIMIT, Timer,
        format::RecordError,
        key::{Key, Stored},
        keys, persist, within,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The most bytes of a draft: what a form may post.
pub const DRAFT_MAX: usize = 1024 * 1024;
const PARTS_MAX: usize = DRAFT_MAX.div_ceil(super::parted::PART_MAX);
/// Numbers before a save whose parts it takes away: the draft that it follows, and saves that were broken off.
const TIDIED: u64 = 8;
/// Looks at a draft that is being replaced.
const LOOKS: usize = 3;

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who saved it; empty: nobody said.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The playbook.
    pub text: String,
}

/// What a form was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The number of the draft; 0: there was none.
    save: u64,
    /// The last number that was drawn.
    drawn: u64,
}

impl Base {
    /// Whether both are of one draft, whatever numbers were drawn since.
    pub fn is_of_one_draft(self, other: Self) -> bool {
        self.save == other.save
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.save, self.drawn)
    }
}

/// The text is no [`Base`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not what a form was made from")]
pub struct NotABase;

impl FromStr for Base {
    type Err = NotABase;

    fn from_str(text: &str) -> Result<Self, NotABase> {
        let (save, drawn) = text.split_once('.').ok_or(NotABase)?;
        let number = |text: &str| text.parse().map_err(|_| NotABase);
        Ok(Self { save: number(save)?, drawn: number(drawn)? })
    }
}

/// Why a draft is not saved; what was there still is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsaved {
    /// Over [`DRAFT_MAX`].
    #[error("the draft has more than {DRAFT_MAX} bytes")]
    TooLong,
    /// Somebody else saved meanwhile, or is at it.
    #[error("somebody else saved meanwhile")]
    Meanwhile,
    /// What is there was written by a newer Guanxi.
    #[error("playbook:draft: {0}")]
    Record(#[from] RecordError),
    /// The store; it may have been saved all the same.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    save: u64,
    by: String,
    at: Timestamp,
    text: Parted,
}

impl Stored for Head {}

impl Head {
    fn key() -> Key<Self> {
        keys::DRAFT.key(&[])
    }

    /// None: there is none, or it is damaged; then the next save replaces it.
    async fn read(store: &impl Store) -> Result<Option<Self>, Unsaved> {
        match store.get(&Self::key()).await?.map(|record| Self::decode(&record)).transpose() {
            Err(RecordError::Damaged) => Ok(None),
            head => Ok(head?),
        }
    }
}

fn part_key(save: u64, part: usize) -> String {
    keys::DRAFT_PART.key::<()>(&[&save, &part]).into()
}

/// The draft, if there is one, and what a form with it is made from.
///
/// # Errors
/// [`Unsaved::Record`], [`Unsaved::Store`]
pub async fn load(store: &impl Store) -> Result<(Option<Draft>, Base), Unsaved> {
    let drawn = u64::try_from(store.increment(keys::SEQ_DRAFT.pattern, 0).await?).unwrap_or_default();
    let mut base = Base { save: 0, drawn };
    for _ in 0..LOOKS {
        let Some(Head { save, by, at, text }) = Head::read(store).await? else { return Ok((None, base)) };
        base = Base { save, drawn: drawn.max(save) };
        // Where it is not whole, the next save has taken it away, or it is damaged.
        if let Some(text) = text.read(store, PARTS_MAX, |part| part_key(save, part)).await? {
            return Ok((Some(Draft { by, at, text }), base));
        }
    }
    Ok((None, base))
}

/// Saves a draft over the one that it was made from.
///
/// # Errors
/// [`Unsaved`]
pub async fn save(store: &impl Store, timer: &impl Timer, base: Base, draft: &Draft) -> Result<(), Unsaved> {
    let text = Parted::of(&draft.text, PARTS_MAX).filter(|_| draft.text.len() <= DRAFT_MAX).ok_or(Unsaved::TooLong)?;
    let still = async || Ok::<_, Unsaved>(Head::read(store).await?.map_or(0, |head| head.save) == base.save);
    if !still().await? {
        return Err(Unsaved::Meanwhile);
    }
    // Not repeated: where the answer is lost, so is the number.
    let save = within(timer, TRY_LIMIT, store.increment(keys::SEQ_DRAFT.pattern, 1)).await?;
    let save = u64::try_from(save).unwrap_or_default();
    if base.drawn.checked_add(1) != Some(save) {
        return Err(Unsaved::Meanwhile);
    }
    for (key, part) in Parted::parts(&draft.text, |part| part_key(save, part)) {
        persist(timer, async || store.set(&key, &part).await).await?;
    }
    if !still().await? {
        return Err(Unsaved::Meanwhile);
    }
    let head = Head { save, by: draft.by.clone(), at: draft.at, text }.encode();
    persist(timer, async || store.set(&Head::key(), &head).await).await?;
    // It is saved; what is left behind goes with a later save.
    let before = save.saturating_sub(TIDIED).max(1)..save;
    let old = before.chain([base.save]).flat_map(|save| (0..PARTS_MAX).map(move |part| part_key(save, part)));
    let _ = within(timer, TRY_LIMIT, store.delete_many(&old.collect::<Vec<_>>())).await;
    Ok(())
}
