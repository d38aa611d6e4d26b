//! When a post is tried again, and when it is given up: the schedule that the Standard Webhooks convention proposes, in three days.

use crate::{store::digest, time::Timestamp};

/// Seconds after the first try at which a request is given up: three days.
pub const GIVEN_UP_AFTER: u64 = 259_200;
/// Seconds from a failed try to the next.
pub const PAUSES: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 73_495];
/// The most that a receiver may ask for by `Retry-After`, in seconds.
pub const RETRY_AFTER_MAX: u64 = 21_600;
/// Of a pause, how much it may be longer or shorter, in percent: so that not all come back at once.
const JITTER_PERCENT: u64 = 10;

/// When a request is tried again whose first try was at `first` and whose `tries`-th failed now; none: it is given up. `after` is
/// what the receiver asked for. The last try is at the end of [`GIVEN_UP_AFTER`].
pub fn next(number: &str, first: Timestamp, tries: u32, now: Timestamp, after: Option<u64>) -> Option<Timestamp> {
    let end = first.0.saturating_add(GIVEN_UP_AFTER);
    if now.0 >= end {
        return None;
    }
    let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = PAUSES.get(place).or(PAUSES.last()).copied().unwrap_or(GIVEN_UP_AFTER);
    let drawn = u64::from_be_bytes(digest::short(format!("{number}\n{tries}").as_bytes())) % (2 * JITTER_PERCENT + 1);
    let pause = pause * (100 - JITTER_PERCENT + drawn) / 100;
    let pause = pause.max(after.unwrap_or_default().min(RETRY_AFTER_MAX)).max(1);
    Some(Timestamp(now.0.saturating_add(pause).min(end)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The tries of a request that always fails, in seconds from the first.
    fn tries(number: &str, after: Option<u64>) -> Vec<u64> {
        let (first, mut tries) = (Timestamp(1_000_000), vec![0]);
        let mut now = first;
        while let Some(at) = next(number, first, tries.len() as u32, now, after) {
            assert!(at > now);
            now = at;
            tries.push(now.0 - first.0);
        }
        tries
    }

    #[test]
    fn what_never_arrives_is_tried_for_three_days_with_growing_pauses() {
        assert_eq!(PAUSES.iter().sum::<u64>(), GIVEN_UP_AFTER);
        for number in 0..500 {
            let tries = tries(&number.to_string(), None);
            assert_eq!(tries.last(), Some(&GIVEN_UP_AFTER));
            assert!((9..=12).contains(&tries.len()), "{tries:?}");
            let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
            for (pause, planned) in pauses.iter().zip(PAUSES).take(7) {
                // Whole seconds, rounded down.
                assert!(pause.abs_diff(planned).saturating_sub(1) * 10 <= planned, "{pause} {planned}");
            }
        }
        assert_ne!(tries("a", None), tries("b", None), "they do not come back together");
    }

    #[test]
    fn a_receiver_may_ask_for_time_but_not_for_all_of_it() {
        assert!(tries("a", Some(600)).get(1).is_some_and(|second| *second == 600));
        assert!(tries("a", Some(u64::MAX)).get(1).is_some_and(|second| *second == RETRY_AFTER_MAX));
        assert_eq!(tries("a", Some(u64::MAX)).last(), Some(&GIVEN_UP_AFTER));
    }
}
