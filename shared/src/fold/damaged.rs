//! Records that cannot be read, set aside so that the rest goes on.
//!
//! Rollup puts the bytes of a damaged record under `damaged:<key>`, notes its key on `damaged:list`, where reports and the
//! console find it, and goes on as if the record were new; all that at once. A record that a newer Guanxi wrote is not damaged:
//! it stays as it is and stops the run.
//!
//! | record | what is lost with it |
//! |---|---|
//! | `fan:<openid>` | what was known of the fan, who is a stranger until the next message; whether pushes are welcome stands in `conversation:` too |
//! | a page of `fan:list`, `due:<day>`, `outcome:list` | its items, at most 64: fans that campaigns reach, reminders of the day, what push was to learn |
//! | `fan:forget:<day>:<page>` | who left on that day: those fans are not forgotten by themselves |
//! | how many items a list has | nothing: its pages are counted |
//! | `count:…` | the numbers of that hour, day or week until then |
//! | `order:<hash>` | that the order was told: told again it counts again |
//! | `cursor:journal` | nothing: there is a copy. Without that a run ends and says so: only a person can tell where to go on |
//! | `redo:…` | a chunk of entries is folded again, so some of its counts may be off |
//! | `journal:…` | that entry |
//!
//! What is set aside goes after [`DAYS`], when it is [dropped](WISH), or when the fan it is about is forgotten.

use crate::{
    conversation,
    fold::fan,
    store::{
        Store, StoreError,
        record::{self, Record},
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};

/// The keys of what is set aside.
pub const LIST: &str = "damaged:list";
/// What the console wishes to be dropped at the next rollup: a key of the list, as text.
pub const WISH: &str = "damaged:wish";
/// Records set aside at most; with more of them damaged the store is broken, and a run ends and says so.
pub const KEPT_MAX: usize = 256;
/// So many days they stay.
pub const DAYS: u64 = 30;

/// The key under which the bytes of a damaged record are kept.
pub fn key(of: &str) -> String {
    format!("damaged:{of}")
}

/// A record that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// Its key.
    pub key: String,
    /// When it was set aside.
    pub at: Timestamp,
    /// How many bytes it has.
    pub bytes: u64,
}

/// All of them, the oldest first, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List(pub Vec<Damaged>);

impl Record for List {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl List {
    /// Reads the record that stands at [`LIST`]; one that is damaged itself begins anew.
    pub fn decode(bytes: Option<&[u8]>) -> Self {
        bytes.and_then(|bytes| record::read(bytes).ok()).unwrap_or_default()
    }

    /// Notes a record. False: there is no room.
    pub(crate) fn note(&mut self, key: &str, at: Timestamp, bytes: usize) -> bool {
        self.take(key);
        let has_room = self.0.len() < KEPT_MAX;
        if has_room {
            self.0.push(Damaged { key: key.to_owned(), at, bytes: bytes as u64 });
        }
        has_room
    }

    /// Takes a record off the list. True if it was there.
    pub(crate) fn take(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|damaged| damaged.key != key);
        self.0.len() < before
    }

    /// Takes off the list what is about one fan. Gives the keys under which the bytes are.
    pub(crate) fn take_of(&mut self, openid: &OpenId) -> Vec<String> {
        let about = [fan::key(openid), conversation::key(openid)];
        about.iter().filter(|about| self.take(about)).map(|about| key(about)).collect()
    }

    /// As JSON, for the console.
    pub fn json(&self) -> String {
        // Numbers and texts always have a JSON form.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// Why the console gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing is set aside under that key.
    #[error("no record of that key is set aside")]
    Unknown,
    /// One wish at a time.
    #[error("`{0}` is dropped at the next rollup: ask again after that")]
    Waits(String),
    /// The store does not do what it should: worth another try.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refused {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::Waits(_) => 409,
            Self::Store(_) => 503,
        }
    }
}

/// What is set aside.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &impl Store) -> Result<List, StoreError> {
    Ok(List::decode(store.get(LIST).await?.as_deref()))
}

/// The bytes of a record that is set aside.
///
/// # Errors
/// [`Refused`]
pub async fn show(store: &impl Store, of: &str) -> Result<Vec<u8>, Refused> {
    if !list(store).await?.0.iter().any(|damaged| damaged.key == of) {
        return Err(Refused::Unknown);
    }
    store.get(&key(of)).await?.ok_or(Refused::Unknown)
}

/// Lets the next rollup drop a record that is set aside.
///
/// # Errors
/// [`Refused`]
pub async fn drop_later(store: &impl Store, of: &str) -> Result<(), Refused> {
    if !list(store).await?.0.iter().any(|damaged| damaged.key == of) {
        return Err(Refused::Unknown);
    }
    match store.get(WISH).await? {
        Some(other) if other != of.as_bytes() => Err(Refused::Waits(String::from_utf8_lossy(&other).into_owned())),
        _ => Ok(store.set(WISH, of.as_bytes()).await?),
    }
}
