//! What a run of the outbox did.

use crate::{
    store::{
        format::{self, RecordError},
        key::Stored as _,
        lease,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The job's name: `run:outbox`, `slot:outbox:<minute>`.
pub const JOB: &str = "outbox";
pub(super) const FORMAT: u8 = 1;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Requests that arrived.
    pub delivered: u64,
    /// Tries that came to nothing.
    pub failed: u64,
    /// Requests that were given up.
    pub given_up: u64,
    /// Requests that wait now, for their first or another try.
    pub waiting: u64,
    /// Requests that were given up, until now, and can be sent again.
    pub dead: u64,
    /// How it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// It did what it could.
    #[default]
    Done,
    /// Its time was up; the next run goes on.
    TimeUp,
    /// Something failed: why. The next run tries again.
    Failed(String),
}

impl Report {
    /// As JSON, for whoever called the job.
    pub fn json(&self) -> String {
        // Numbers and texts always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The report of the run that ended last, by the record of the job's runs; none: there was none.
    ///
    /// # Errors
    /// When a newer Guanxi wrote it, or it is damaged.
    pub fn of_record(bytes: &[u8]) -> Result<Option<Self>, RecordError> {
        let note = lease::Record::decode(bytes)?.note;
        if note.is_empty() { Ok(None) } else { format::decode(FORMAT, &note).map(Some) }
    }
}
