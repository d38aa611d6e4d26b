//! Lists that only grow, on pages: how one job leaves work to another without either listing keys.
//!
//! A list has a name, `<name>:<page>` are its pages of at most [`PAGE`] items and `<name>:head` says how many items there
//! are. An item's position never changes; one that became void stays as a blank. Whoever reads keeps a position and goes on
//! from it: a page that is not there, or not full, is where the list ends for now.

use super::key::{Key, Stored};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData};

/// Items of a page.
pub const PAGE: u64 = 64;

/// A list of `T`s; made from a row of [the table](super::keys).
pub struct List<T> {
    name: String,
    of: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    pub(super) fn named(name: String) -> Self {
        Self { name, of: PhantomData }
    }

    /// The page that an item stands on.
    pub fn page(&self, position: u64) -> Key<Page<T>> {
        Key::named(format!("{}:{}", self.name, position / PAGE))
    }

    /// The record that says how many items there are.
    pub fn head(&self) -> Key<Length> {
        Key::named(format!("{}:head", self.name))
    }

    /// The record that says how many items at the beginning are gone, where there are such: whoever reads begins behind them.
    pub fn gone(&self) -> Key<Length> {
        Key::named(format!("{}:gone", self.name))
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, f)
    }
}

/// How many items a list has, or had that are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Length(pub u64);

impl Stored for Length {}

/// Items of one page; a blank is one that became void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T>(pub Vec<Option<T>>);

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize + DeserializeOwned> Stored for Page<T> {}

impl<T> Page<T> {
    /// The items from a position of the list on, each with its position.
    pub fn items_from(self, position: u64) -> impl Iterator<Item = (u64, Option<T>)> {
        let first = position / PAGE * PAGE;
        (first..).zip(self.0).skip(usize::try_from(position - first).unwrap_or(usize::MAX))
    }
}
