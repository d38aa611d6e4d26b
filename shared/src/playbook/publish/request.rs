//! What `/playbook` and `guanxi publish` do: check a playbook, and publish it, one publisher at a time.

use super::{
    HEAD_KEY, Head, PublishError, publish,
    sources::{self, Issued, Note, TooLong},
};
use crate::{
    playbook::{Problem, compile},
    store::{
        Store, StoreError, Timer,
        lease::{self, Run, Stop},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The longest playbook in a request, in bytes: what proxies let through. A longer one goes into the store's file.
pub const BODY_MAX: usize = 1024 * 1024;

/// Who publishes holds this job, so that no two write the same parts; and so once a minute.
pub const JOB: &str = "publish";

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The publication's number, counted from 1.
    pub number: u32,
    /// The first second it holds for, since 1970.
    pub holds_from: Timestamp,
    /// So many seconds from now; 0: it holds.
    pub holds_in_seconds: u64,
    /// It was the latest already: nothing was written.
    pub known: bool,
}

/// What is to be published.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// The TOML.
    pub source: &'a str,
    /// Its compiled form.
    pub compiled: &'a [u8],
    /// Who wants it and why.
    pub note: &'a Note,
}

/// Why nothing is published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The playbook is no text.
    #[error("the playbook is not UTF-8")]
    NotText,
    /// Who, or why, is too long.
    #[error(transparent)]
    Note(#[from] TooLong),
    /// It does not check: a line for each problem.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
    /// Somebody else is at it.
    #[error("a playbook is being published, or was within this minute: ask again in a minute")]
    Busy,
    /// What is in the store, or the size of what is to go there.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The store.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl From<lease::Refused> for Refused {
    fn from(refused: lease::Refused) -> Self {
        match refused {
            lease::Refused::Claimed | lease::Refused::Busy(_) => Self::Busy,
            lease::Refused::Stopped(stop) => Self::Stopped(stop),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Stopped(error.into())
    }
}

impl Refused {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Note(_) => 400,
            Self::NotText | Self::Problems(_) | Self::Publish(PublishError::TooLarge(_)) => 422,
            Self::Busy | Self::Publish(_) => 409,
            Self::Stopped(_) => 503,
        }
    }
}

/// The playbook in the body of a request, and its compiled form.
///
/// # Errors
/// [`Refused::NotText`], [`Refused::Problems`]
pub fn playbook_of(body: &[u8]) -> Result<(&str, Vec<u8>), Refused> {
    let source = std::str::from_utf8(body).map_err(|_| Refused::NotText)?;
    Ok((source, compile(source).map_err(Refused::Problems)?))
}

/// Publishes a playbook, unless it is the latest publication already, to the letter. `timer` has counted since `now`; `id` is random.
///
/// # Errors
/// [`Refused::Busy`], [`Refused::Publish`], [`Refused::Stopped`]; after the last it may have been published, and asking again
/// does no harm.
pub async fn publish_once(
    store: &impl Store,
    timer: &impl Timer,
    issue: Issue<'_>,
    id: u64,
    now: Timestamp,
) -> Result<Published, Refused> {
    let run = Run::start(store, timer, JOB, id, now).await?;
    let published = write(&run, store, issue).await;
    // The next publisher has to wait for a run that cannot say that it ended, and no more.
    let _ = run.end(Vec::new()).await;
    published
}

async fn write<S: Store, T: Timer>(run: &Run<'_, S, T>, store: &S, issue: Issue<'_>) -> Result<Published, Refused> {
    let Issue { source, compiled, note } = issue;
    let head = run.get(HEAD_KEY).await?.map(|record| Head::decode(&record)).transpose()?;
    let (new, writes) = publish(head.as_ref(), compiled, run.now())?;
    let said = |head: &Head, known| {
        let latest = head.latest().ok_or(PublishError::DamagedHead)?;
        let (number, holds_from) = (latest.number, latest.holds_from);
        Ok(Published { number, holds_from, holds_in_seconds: holds_from.0.saturating_sub(run.now().0), known })
    };
    if let Some(latest) = head.as_ref().and_then(Head::latest) {
        let parts = run.get_all(&latest.part_keys().collect::<Vec<_>>()).await?;
        let parts: Vec<Vec<u8>> = parts.into_iter().map(Option::unwrap_or_default).collect();
        let is_same = latest.assemble(&parts).is_ok_and(|bytes| bytes == compiled);
        // Another source that says the same, or one of which there is none yet, is worth keeping: people read it.
        if is_same && source_of(run, store, latest.number).await?.is_some_and(|latest| latest == source) {
            return said(head.as_ref().unwrap_or(&new), true);
        }
    }
    let number = new.latest().ok_or(PublishError::DamagedHead)?.number;
    for (key, value) in sources::writes(number, source, note, run.now())?.iter().chain(&writes) {
        run.set(key, value).await?;
    }
    // It is published. What this leaves behind goes with the next one.
    let _ = run.delete_many(&sources::fallen_out(number)).await;
    said(&new, false)
}

async fn source_of<S: Store, T: Timer>(run: &Run<'_, S, T>, store: &S, number: u32) -> Result<Option<String>, Stop> {
    let read = async {
        match Issued::read(store, number).await? {
            Some(issued) => issued.source(store, number).await,
            None => Ok(None),
        }
    };
    run.limited(lease::WORK_LIMIT, read).await
}
