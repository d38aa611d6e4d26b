//! Campaigns that are asked for, and that are to stop: a request stands in the store, and the next run of push takes it up; a run
//! that is at work takes up a stop within [`FRESH`](super::FRESH).
//!
//! Requests are numbered by the counter [`SEQUENCE`]; each is a record of its own, `campaign:<number>`, so two that come at
//! once do not meet. Push only reads them, and keeps in its head how far it looked; who asks takes old ones away.

use crate::{
    playbook::{Campaign, WithoutFields},
    store::{
        self, Store, StoreError, Timer,
        format::{self, RecordError},
        key::{Key, Stored},
        keys,
        lease::{Run, Stop},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

/// What is asked of push: `campaign:<number>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// A campaign is to go out.
    Ask(Asked),
    /// The campaign of this id is to stop.
    Stop(String),
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
    /// Ids of campaigns that are to stop.
    pub(super) stops: Vec<String>,
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

impl Stored for Request {
    const FORMAT: u8 = 3;

    /// Segments of formats 1 and 2 knew no fields. Format 1 knew nothing but campaigns, and did not say so.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.first() {
            Some(1) => format::decode(1, bytes).map(|asked: OldAsked| Self::Ask(asked.into())),
            Some(2) => format::decode(2, bytes).map(|request| match request {
                OldRequest::Ask(asked) => Self::Ask(asked.into()),
                OldRequest::Stop(id) => Self::Stop(id),
            }),
            _ => format::decode(Self::FORMAT, bytes),
        }
    }
}

#[derive(Deserialize)]
struct OldAsked {
    id: String,
    campaign: WithoutFields,
}

#[derive(Deserialize)]
enum OldRequest {
    Ask(OldAsked),
    Stop(String),
}

impl From<OldAsked> for Asked {
    fn from(OldAsked { id, campaign }: OldAsked) -> Self {
        Self { id, campaign: campaign.into() }
    }
}

/// What waits to be taken up.
#[derive(Default)]
pub(super) struct Waiting {
    /// The oldest first.
    pub(super) asked: Vec<Asked>,
    /// Ids of campaigns that are to stop.
    pub(super) stops: BTreeSet<String>,
}

/// The requests that are new.
pub(super) async fn look<S: Store, T: Timer>(run: &Run<'_, S, T>, looked: &Looked) -> Result<Found, Stop> {
    let (now, count) = (run.now(), run.counter(SEQUENCE).await?);
    let new = (looked.until + 1..=count).take(REQUESTS_AT_ONCE).map(|number| (number, now));
    let numbers: Vec<(u64, Timestamp)> = looked.missing.iter().copied().chain(new).collect();
    let keys: Vec<String> = numbers.iter().map(|(number, _)| key(*number).into()).collect();
    let until = numbers.iter().map(|(number, _)| *number).max().unwrap_or_default().max(looked.until);
    let looked = Looked { until, missing: Vec::new() };
    let mut found = Found { asked: Vec::new(), stops: Vec::new(), looked, damaged: Vec::new() };
    for ((number, since), (key, bytes)) in numbers.iter().zip(keys.iter().zip(run.get_all(&keys).await?)) {
        match bytes.map(|bytes| (Request::decode(&bytes), bytes)) {
            Some((Ok(Request::Ask(asked)), _)) => found.asked.push(asked),
            Some((Ok(Request::Stop(id)), _)) => found.stops.push(id),
            None if now.distance(*since) < VAIN_SECONDS => found.looked.missing.push((*number, *since)),
            None => {}
            Some((Err(RecordError::Damaged), bytes)) => found.damaged.push((key.clone(), bytes)),
            Some((Err(error), _)) => return Err(Stop::Record { key: key.clone(), error }),
        }
    }
    Ok(found)
}

/// The requests that push has not taken up yet.
pub(super) async fn waiting(store: &impl Store, looked: &Looked) -> Result<Waiting, ReadError> {
    let count = number(store.increment(SEQUENCE, 0).await?)?;
    let new = looked.until.max(count.saturating_sub(REQUESTS_KEPT)) + 1..=count;
    let numbers = looked.missing.iter().map(|(number, _)| *number).chain(new);
    let keys: Vec<String> = numbers.map(|number| key(number).into()).collect();
    let mut records = store::load(store, keys.clone()).await?;
    let found = keys.into_iter().filter_map(|key| records.remove(&key).map(|bytes| (key, bytes)));
    let mut waiting = Waiting::default();
    for (key, bytes) in found {
        match Request::decode(&bytes).map_err(|error| ReadError::Record(key, error))? {
            Request::Ask(asked) => waiting.asked.push(asked),
            Request::Stop(id) => drop(waiting.stops.insert(id)),
        }
    }
    Ok(waiting)
}

/// The key of a request.
fn key(number: u64) -> Key<Request> {
    keys::CAMPAIGN.key(&[&number])
}

fn number(count: i64) -> Result<u64, StoreError> {
    u64::try_from(count).map_err(|_| StoreError(format!("{SEQUENCE} is {count}")))
}

/// Leaves a request for the next run.
///
/// # Errors
/// When the store fails; then it may have been left, and leaving it again does no harm.
pub async fn ask(store: &impl Store, request: &Request) -> Result<(), StoreError> {
    let number = number(store.increment(SEQUENCE, 1).await?)?;
    store.set(&key(number), &request.encode()).await?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        playbook::{Content, Pushes, Segment},
        push::head::Head,
    };
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn asked() -> Asked {
        let ways = Content::Message { text: "x".into() }.into();
        Asked {
            id: "a".into(),
            campaign: Campaign { at: Timestamp(77), segment: Segment::default(), holdout: 10, ways },
        }
    }

    #[test]
    fn requests_of_earlier_versions_are_read() {
        let first = [1, 1, b'a', 77, 0, 0, 0, 0, 0, 0, 10, 1, 2, 1, b'x'];
        assert_eq!(Request::decode(&first), Ok(Request::Ask(asked())));
        let second = [2, 0, 1, b'a', 77, 0, 0, 0, 0, 0, 0, 10, 1, 2, 1, b'x'];
        assert_eq!(Request::decode(&second), Ok(Request::Ask(asked())));
        assert_eq!(Request::decode(&[2, 1, 1, b'a']), Ok(Request::Stop("a".into())));
        for request in [Request::Ask(asked()), Request::Stop("a".into())] {
            assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
        assert_eq!(Request::decode(&[1, 1]), Err(RecordError::Damaged));
        assert_eq!(Request::decode(&[4, 1]), Err(RecordError::Newer(4)));
    }

    #[test]
    fn what_is_taken_up_twice_changes_nothing() {
        let pushes = Pushes { campaigns: [("listed".to_owned(), asked().campaign)].into(), ..Pushes::default() };
        let found = || Found {
            asked: vec![asked()],
            stops: vec!["a".into(), "listed".into(), "nobody".into()],
            looked: Looked { until: 4, missing: Vec::new() },
            damaged: Vec::new(),
        };
        let mut head = Head::default();
        head.take_up(found(), &pushes);
        let once = head.clone();
        assert_eq!(once.campaigns.keys().collect::<Vec<_>>(), ["a", "listed"]);
        assert!(once.campaigns.values().all(|running| running.stopped && running.planned));
        head.take_up(found(), &pushes);
        assert_eq!(head, once);
    }
}
