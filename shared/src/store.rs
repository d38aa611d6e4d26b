//! The store, as the rest of this crate sees it: the operations that behave alike on every backend we support.
//!
//! Left out on purpose, because backends differ: `cas`, `get-many`, key listing, TTL. A key that is ever
//! [incremented](Store::increment) is a counter: it lives under its own prefix and is never `set`.

pub mod commit;
pub(crate) mod digest;
pub mod format;
pub mod key;
pub mod keys;
pub mod lease;
pub mod list;
pub mod memory;
pub mod record;

use futures::future::{Either, select, try_join_all};
use std::{collections::BTreeMap, pin::pin, time::Duration};

/// How long a request tries to reach its store: WeChat waits 5 s for an answer.
pub const BUDGET: Duration = Duration::from_secs(4);
/// A call on the way of a request that has no answer by then counts as failed: its answer may be lost.
pub const TRY_LIMIT: Duration = Duration::from_millis(1500);
/// Pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A store call failed. It may have happened all the same: a lost answer looks like this too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// One key-value store.
#[expect(async_fn_in_trait, reason = "components have one thread, so nobody needs these futures to be Send")]
pub trait Store {
    /// The value, or `None` where there is none.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a value, whether there was one or not. Safe to repeat.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Takes a value or a counter away. Safe to repeat; nothing there is fine.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Writes several values in one call: the cheap way to write, but all or nothing on some backends only. When it fails,
    /// any of them may have been written. Safe to repeat.
    async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), StoreError>;

    /// Takes several away in one call. When it fails, any of them may have gone. Safe to repeat.
    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError>;

    /// Adds to a counter and gives its new value; a counter that is not there counts from 0. NOT safe to repeat: when an
    /// answer is lost, the count may have moved.
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError>;
}

/// Time that passes: what a deadline is made of.
#[expect(async_fn_in_trait, reason = "as for `Store`")]
pub trait Timer {
    /// Since the request came in.
    fn elapsed(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// What `work` comes to within a time; none: it was not done by then, and is dropped.
pub async fn race<T>(timer: &impl Timer, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(timer.sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// A store call with a limit.
///
/// # Errors
/// The call's own, or that it took too long; then it may still happen.
pub async fn within<T>(
    timer: &impl Timer,
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = || Err(StoreError(format!("no answer in {} ms", limit.as_millis())));
    race(timer, limit, call).await.unwrap_or_else(late)
}

/// Reads of one request under way at once.
pub const READS_AT_ONCE: usize = 64;

/// The values of many keys, without those that are not there.
///
/// # Errors
/// When any read fails.
pub async fn load(store: &impl Store, keys: Vec<String>) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let mut found = BTreeMap::new();
    for window in keys.chunks(READS_AT_ONCE) {
        let values = try_join_all(window.iter().map(|key| store.get(key))).await?;
        found.extend(window.iter().cloned().zip(values).filter_map(|(key, value)| Some((key, value?))));
    }
    Ok(found)
}

/// Calls until it works or [`BUDGET`] is used up. The call must be safe to repeat.
///
/// # Errors
/// What the last try came to.
pub async fn persist<T>(
    timer: &impl Timer,
    mut call: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut last = StoreError("no time is left".into());
    while let Some(left) = BUDGET.checked_sub(timer.elapsed()).filter(|left| !left.is_zero()) {
        match within(timer, left.min(TRY_LIMIT), call()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => last = error,
        }
        timer.sleep(RETRY_PAUSE.min(left)).await;
    }
    Err(last)
}
