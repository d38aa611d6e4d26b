//! Campaigns that are asked for: `POST /campaigns` leaves a request in the store, and the next run of push takes it up.
//!
//! Requests are numbered by the counter [`SEQUENCE`]; each is a record of its own, `campaign:<number>`, so two that come at
//! once do not meet. Push only reads them, and keeps in its head how far it looked; who asks takes old ones away.

use crate::{
    playbook::Campaign,
    store::{
        self, Store, StoreError, Timer,
        format::RecordError,
        key::{Key, Stored},
        keys,
        lease::{Run, Stop},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The counter of requests.
pub const SEQUENCE: &str = keys::SEQ_CAMPAIGN.pattern;
/// Requests looked at per run.
const REQUESTS_AT_ONCE: usize = 64;
/// A number whose request is not there after so long, in seconds, was taken in vain.
const VAIN_SECONDS: u64 = 300;
/// A request goes when so many came after it. Far more than may wait: see [`OPEN_MAX`](super::requests::OPEN_MAX).
const REQUESTS_KEPT: u64 = 1_000;

/// A campaign that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// What it says.
    pub campaign: Campaign,
}

/// How far the requests were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// All up to this number, …
    until: u64,
    /// … except these, which were not there yet, and when that was seen first.
    missing: Vec<(u64, Timestamp)>,
}

/// What a look found.
pub(super) struct Found {
    pub(super) asked: Vec<Asked>,
    pub(super) looked: Looked,
    /// Requests that are damaged, and count as looked at: key and bytes.
    pub(super) damaged: Vec<(String, Vec<u8>)>,
}

impl Looked {
    /// As if all were looked at but those that are still kept.
    pub(super) async fn at_the_last<S: Store, T: Timer>(run: &Run<'_, S, T>) -> Result<Self, Stop> {
        let count = run.counter(SEQUENCE).await?;
        Ok(Self { until: count.saturating_sub(REQUESTS_KEPT), missing: Vec::new() })
    }
}

/// Why what is known of campaigns cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record cannot be read.
    #[error("cannot read {0}: {1}")]
    Record(String, RecordError),
}

impl Stored for Asked {}

/// The requests that are new.
pub(super) async fn look<S: Store, T: Timer>(run: &Run<'_, S, T>, looked: &Looked) -> Result<Found, Stop> {
    let (now, count) = (run.now(), run.counter(SEQUENCE).await?);
    let new = (looked.until + 1..=count).take(REQUESTS_AT_ONCE).map(|number| (number, now));
    let numbers: Vec<(u64, Timestamp)> = looked.missing.iter().copied().chain(new).collect();
    let keys: Vec<String> = numbers.iter().map(|(number, _)| key(*number).into()).collect();
    let until = numbers.iter().map(|(number, _)| *number).max().unwrap_or_default().max(looked.until);
    let looked = Looked { until, missing: Vec::new() };
    let mut found = Found { asked: Vec::new(), looked, damaged: Vec::new() };
    for ((number, since), (key, bytes)) in numbers.iter().zip(keys.iter().zip(run.get_all(&keys).await?)) {
        match bytes.map(|bytes| (Asked::decode(&bytes), bytes)) {
            Some((Ok(asked), _)) => found.asked.push(asked),
            None if now.distance(*since) < VAIN_SECONDS => found.looked.missing.push((*number, *since)),
            None => {}
            Some((Err(RecordError::Damaged), bytes)) => found.damaged.push((key.clone(), bytes)),
            Some((Err(error), _)) => return Err(Stop::Record { key: key.clone(), error }),
        }
    }
    Ok(found)
}

/// The requests that push has not taken up yet, the oldest first.
pub(super) async fn waiting(store: &impl Store, looked: &Looked) -> Result<Vec<Asked>, ReadError> {
    let count = number(store.increment(SEQUENCE, 0).await?)?;
    let new = looked.until.max(count.saturating_sub(REQUESTS_KEPT)) + 1..=count;
    let numbers = looked.missing.iter().map(|(number, _)| *number).chain(new);
    let keys: Vec<String> = numbers.map(|number| key(number).into()).collect();
    let mut records = store::load(store, keys.clone()).await?;
    let found = keys.into_iter().filter_map(|key| records.remove(&key).map(|bytes| (key, bytes)));
    let read = |(key, bytes): (String, Vec<u8>)| Asked::decode(&bytes).map_err(|error| ReadError::Record(key, error));
    found.map(read).collect()
}

/// The key of a request.
fn key(number: u64) -> Key<Asked> {
    keys::CAMPAIGN.key(&[&number])
}

fn number(count: i64) -> Result<u64, StoreError> {
    u64::try_from(count).map_err(|_| StoreError(format!("{SEQUENCE} is {count}")))
}

/// Leaves a request for the next run.
///
/// # Errors
/// When the store fails; then it may have been left, and leaving it again does no harm.
pub async fn ask(store: &impl Store, asked: &Asked) -> Result<(), StoreError> {
    let number = number(store.increment(SEQUENCE, 1).await?)?;
    store.set(&key(number), &asked.encode()).await?;
    match number.checked_sub(REQUESTS_KEPT) {
        Some(old) if old > 0 => store.delete(&key(old)).await,
        _ => Ok(()),
    }
}

/// A record, or what it is when there is none.
pub(super) async fn read<R: Stored + Default>(store: &impl Store, key: &Key<R>) -> Result<R, ReadError> {
    let record = store.get(key).await?.map(|bytes| R::decode(&bytes)).transpose();
    record.map(Option::unwrap_or_default).map_err(|error| ReadError::Record(key.to_string(), error))
}
