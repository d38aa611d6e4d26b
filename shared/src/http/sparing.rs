//! Lines of the log that anybody can cause, held to a few a minute.
//!
//! Of the lines of one kind in one minute the 1st, 2nd, 4th, 8th, … are written, up to [`LINES_MAX`] of them; each says how
//! many like it there were since the last. Lines are of one kind when they differ in digits only.

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
    /// What to write of a line that came up at `now`; none: nothing.
    pub fn line(&self, now: Timestamp, line: &str) -> Option<String> {
        let mut kinds = self.0.borrow_mut();
        let kind: String = line.chars().filter(|c| !c.is_ascii_digit()).take(KIND_LENGTH).collect();
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
        match std::mem::take(&mut seen.held_back) {
            0 => Some(line.to_owned()),
            held_back => Some(format!("{line} (and {held_back} like it)")),
        }
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
        let written: Vec<String> = (0..100_000).filter_map(|n| sparing.line(at, &format!("401: {n} s off"))).collect();
        assert_eq!(written.len(), LINES_MAX as usize);
        assert_eq!(
            written.iter().take(3).collect::<Vec<_>>(),
            ["401: 0 s off", "401: 1 s off", "401: 3 s off (and 1 like it)"]
        );
        assert_eq!(written.last().unwrap(), "401: 127 s off (and 63 like it)");
        let next = sparing.line(Timestamp(120), "401: 5 s off").unwrap();
        assert_eq!(next, "401: 5 s off (and 99872 like it)", "none is lost");
        assert_eq!(sparing.line(Timestamp(120), "401: 6 s off").unwrap(), "401: 6 s off");
    }

    #[test]
    fn one_kind_does_not_hide_another() {
        let sparing = Sparing::default();
        (0..1_000).for_each(|_| drop(sparing.line(Timestamp(0), "401: wrong signature")));
        assert_eq!(sparing.line(Timestamp(0), "503: no store").unwrap(), "503: no store");
    }

    #[test]
    fn no_number_of_kinds_makes_it_grow_or_write_more() {
        let sparing = Sparing::default();
        let word = |n: u32| n.to_string().bytes().map(|digit| char::from(digit + b'A')).collect::<String>();
        let written = (0..10_000).filter_map(|n| sparing.line(Timestamp(0), &word(n))).count();
        assert_eq!(sparing.0.borrow().len(), KINDS_MAX + 1);
        assert!(written <= (KINDS_MAX + 1) * LINES_MAX as usize, "{written}");
    }

    #[test]
    fn a_clock_that_goes_back_stops_nothing() {
        let sparing = Sparing::default();
        assert!(sparing.line(Timestamp(600), "a").is_some());
        assert!(sparing.line(Timestamp(0), "a").is_some());
    }
}
