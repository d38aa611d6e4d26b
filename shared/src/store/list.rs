//! Lists that only grow, on pages: how one job leaves work to another without either listing keys.
//!
//! A list has a name, `<name>:<page>` are its pages of at most [`PAGE`] items and `<name>:head` says how many items there
//! are. An item's position never changes; one that became void stays as a blank. Whoever reads keeps a position and goes on
//! from it: a page that is not there, or not full, is where the list ends for now.

use crate::store::format::{self, RecordError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Items of a page.
pub const PAGE: u64 = 64;
/// What pages, and the records that count items, begin with.
pub const FORMAT: u8 = 1;

/// The key of the page that an item stands on.
pub fn page_key(list: &str, position: u64) -> String {
    format!("{list}:{}", position / PAGE)
}

/// The key of the record that says how many items there are.
pub fn head_key(list: &str) -> String {
    format!("{list}:head")
}

/// The key of the record that says how many items at the beginning of a list are gone, where there are such: whoever reads
/// begins behind them.
pub fn gone_key(list: &str) -> String {
    format!("{list}:gone")
}

/// Items of one page; a blank is one that became void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T>(pub Vec<Option<T>>);

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize + DeserializeOwned> Page<T> {
    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        format::encode(FORMAT, self)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When a newer Guanxi wrote them, or they are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        format::decode(FORMAT, bytes)
    }

    /// The items from a position of the list on, each with its position.
    pub fn items_from(self, position: u64) -> impl Iterator<Item = (u64, Option<T>)> {
        let first = position / PAGE * PAGE;
        (first..).zip(self.0).skip(usize::try_from(position - first).unwrap_or(usize::MAX))
    }
}
