//! Lines of the log that anybody can cause, held to a few a minute.
//!
//! Of the lines of one kind in one minute the 1st, 2nd, 4th, 8th, … are written, up to [`LINES_MAX`] of them; each says how
//! many like it there were since the last. Lines are of one kind when what they say differs in digits only.

use crate::time::Timestamp;
use std::{cell::RefCell, collections::BTreeMap};

/// Lines of one kind in a minute at most.
pub const LINES_MAX: u32 = 8;
/// Kinds told apart; what comes beyond is one kind more.
pub const KINDS_MAX: usize = 32;
/// Characters of a line that decide its kind.
const KIND_LENGTH: usize = 80;

/// What an instance remembers of its lines.
#[derive(Debug, Default)]
pub struct Sparing(RefCell<BTreeMap<String, Seen>>);

/// One kind's lines.
#[derive(Debug, Default)]
struct Seen {
    minute: u64,
    /// In that minute.
    count: u64,
    /// Not written since the last one that was.
    held_back: u64,
}

impl Sparing {
    /// Of a line that came up at `now` and says this: how many like it were held back since one was written; none: it is held
    /// back too.
    pub fn pass(&self, now: Timestamp, says: &str) -> Option<u64> {
        let mut kinds = self.0.borrow_mut();
        let kind: String = says.chars().filter(|c| !c.is_ascii_digit()).take(KIND_LENGTH).collect();
        let is_known = kinds.contains_key(&kind) || kinds.len() < KINDS_MAX;
        let seen = kinds.entry(if is_known { kind } else { String::new() }).or_default();
        let minute = now.0 / 60;
        if seen.minute != minute {
            (seen.minute, seen.count) = (minute, 0);
        }
        seen.count += 1;
        if !seen.count.is_power_of_two() || seen.count >= 1 << LINES_MAX {
            seen.held_back += 1;
            return None;
        }
        Some(std::mem::take(&mut seen.held_back))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_flood_of_one_kind_is_a_few_lines_that_count_it() {
        let sparing = Sparing::default();
        let at = Timestamp(60);
        let written = (0..100_000_u64).filter_map(|n| Some((n, sparing.pass(at, &format!("{n} s off"))?)));
        let written: Vec<(u64, u64)> = written.collect();
        assert_eq!(written.len(), LINES_MAX as usize);
        assert_eq!(written.iter().take(3).collect::<Vec<_>>(), [&(0, 0), &(1, 0), &(3, 1)]);
        assert_eq!(written.last().unwrap(), &(127, 63));
        assert_eq!(sparing.pass(Timestamp(120), "5 s off"), Some(99_872), "none is lost");
        assert_eq!(sparing.pass(Timestamp(120), "6 s off"), Some(0));
    }

    #[test]
    fn one_kind_does_not_hide_another() {
        let sparing = Sparing::default();
        assert_eq!(
            (0..1_000).filter_map(|_| sparing.pass(Timestamp(0), "wrong signature")).count(),
            LINES_MAX as usize
        );
        assert_eq!(sparing.pass(Timestamp(0), "no store"), Some(0));
    }

    #[test]
    fn no_number_of_kinds_makes_it_grow_or_write_more() {
        let sparing = Sparing::default();
        let word = |n: u32| n.to_string().bytes().map(|digit| char::from(digit + b'A')).collect::<String>();
        let written = (0..10_000).filter_map(|n| sparing.pass(Timestamp(0), &word(n))).count();
        assert_eq!(sparing.0.borrow().len(), KINDS_MAX + 1);
        assert!(written <= (KINDS_MAX + 1) * LINES_MAX as usize, "{written}");
    }

    #[test]
    fn a_clock_that_goes_back_stops_nothing() {
        let sparing = Sparing::default();
        assert!(sparing.pass(Timestamp(600), "a").is_some());
        assert!(sparing.pass(Timestamp(0), "a").is_some());
    }
}
