//! Where a fan stands on lists. Unlike all else in the record this depends on the order of arrival.

use crate::fold::fan::due::Expected;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a fan stands on lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Places {
    /// On the list of all fans.
    pub(crate) fans: Option<u64>,
    /// By product: on the list of a day.
    pub(crate) due: BTreeMap<String, Listed>,
}

/// An item of the list of a day, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) day: u64,
    pub(crate) position: u64,
    pub(crate) expected: Expected,
}
