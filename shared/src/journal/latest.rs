//! The newest entries of the journal, for a look back that folds nothing and changes nothing.

use super::{LOOK_AHEAD, SEQUENCE, STREAM_ENTRIES};
use crate::{
    facts::{Entry, Place},
    store::{Store, StoreError, Timer},
};
use futures::future::try_join_all;
use std::time::Duration;

/// Streams in a row without any entry, behind which nothing is looked for: entries that old are deleted.
const EMPTY_MAX: u32 = 64;

/// Goes back through the journal, the newest stream first, and shows every entry that can be read to `take`, until that wants no
/// more, `time` has passed, or there is nothing more. Says whether it came to the end.
///
/// # Errors
/// When the store fails.
pub async fn latest(
    store: &impl Store,
    timer: &impl Timer,
    time: Duration,
    mut take: impl FnMut(Entry) -> bool,
) -> Result<bool, StoreError> {
    let began = timer.elapsed();
    let mut stream = u64::try_from(store.increment(SEQUENCE, 0).await?).unwrap_or_default();
    let mut empty = 0;
    while stream > 0 && empty < EMPTY_MAX {
        if timer.elapsed().saturating_sub(began) >= time {
            return Ok(false);
        }
        let mut entries = Vec::new();
        for from in (0..STREAM_ENTRIES).step_by(LOOK_AHEAD as usize) {
            let keys = (from..from + LOOK_AHEAD).map(|index| Place { stream, index }.to_string());
            let keys: Vec<String> = keys.collect();
            let found = try_join_all(keys.iter().map(|key| store.get(key))).await?;
            let before = entries.len();
            entries.extend(found.into_iter().flatten());
            if entries.len() == before {
                break;
            }
        }
        empty = if entries.is_empty() { empty + 1 } else { 0 };
        for entry in entries.iter().rev().filter_map(|bytes| Entry::decode(bytes).ok()) {
            if !take(entry) {
                return Ok(false);
            }
        }
        stream -= 1;
    }
    Ok(true)
}
