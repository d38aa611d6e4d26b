//! What was given up is sent again: a wish of the console's, which the next run of the outbox takes up.

use super::head::Head;
use crate::{
    facts::request::is_number,
    store::{Store, StoreError, format::RecordError, key::Stored as _, keys},
};

/// Where the wish stands: a number, or [`ALL`].
pub const WISH: &str = keys::OUTBOX_WISH.pattern;
/// All that was given up.
pub const ALL: &str = "all";

/// Why nothing is sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither a number nor [`ALL`], or not given up.
    #[error("no request of that number was given up; /reports/requests names those that were")]
    Unknown,
    /// One wish at a time.
    #[error("another wish waits for the next run of the outbox: ask again after that")]
    Waits,
    /// What is stored is of a newer Guanxi, or damaged.
    #[error("cannot read outbox:head: {0}")]
    Record(#[from] RecordError),
    /// The store does not do what it should: worth another try.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refused {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::Waits => 409,
            Self::Record(_) | Self::Store(_) => 503,
        }
    }
}

/// Lets the next run of the outbox send a request again that was given up, or all of them.
///
/// # Errors
/// [`Refused`]
pub async fn wish(store: &impl Store, number: &str) -> Result<(), Refused> {
    let head = store.get(&Head::key()).await?.map(|bytes| Head::decode(&bytes)).transpose()?.unwrap_or_default();
    let is_dead = match number {
        ALL => !head.dead.is_empty(),
        number => is_number(number) && head.dead.values().any(|dead| dead.number == number),
    };
    if !is_dead {
        return Err(Refused::Unknown);
    }
    match store.get(WISH).await? {
        Some(other) if other != number.as_bytes() => Err(Refused::Waits),
        _ => Ok(store.set(WISH, number.as_bytes()).await?),
    }
}

/// Takes a stored wish up.
pub(super) fn take_up(wish: &[u8], head: &mut Head, now: crate::time::Timestamp) {
    match std::str::from_utf8(wish) {
        Ok(ALL) => head.resend(None, now),
        Ok(number) => head.resend(Some(number), now),
        // Nothing that we wrote.
        Err(_) => {}
    }
}
