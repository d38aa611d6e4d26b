//! What a run of push did.

use crate::{
    facts::push::Skip,
    http::log::masked,
    store::{
        format::{self, RecordError},
        key::Stored as _,
        lease,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The job's name: `run:push`, `slot:push:<minute>`.
pub const JOB: &str = "push";
pub(super) const FORMAT: u8 = 1;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Pushes planned.
    pub planned: u64,
    /// Pushes that do not go out, by reason: before they were planned or after.
    pub skipped: BTreeMap<String, u64>,
    /// Pushes that WeChat took.
    pub sent: u64,
    /// Of these, sent again under the same `client_msg_id`, because nobody knew.
    pub repeated: u64,
    /// Pushes that WeChat refused.
    pub refused: u64,
    /// Pushes of which nobody knows.
    pub unknown: u64,
    /// Pushes of which WeChat said what became of them.
    pub closed: u64,
    /// Why it sent no more, although there was more to send.
    pub halted: Option<String>,
    /// Pushes that wait and could have gone out.
    pub waiting: u64,
    /// Records that were damaged and are set aside, by key: see [`crate::fold::damaged`].
    pub set_aside: Vec<String>,
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
    pub(super) fn skip(&mut self, skip: Skip) {
        *self.skipped.entry(skip.name().to_owned()).or_default() += 1;
    }

    /// As JSON, for whoever called the job, who need not learn whose record it is that is damaged.
    pub fn json(&self) -> String {
        // Numbers and texts always have a JSON form.
        masked(&serde_json::to_string(self).unwrap_or_default())
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
