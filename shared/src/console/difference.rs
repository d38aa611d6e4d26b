//! What differs between two playbooks, line by line.

use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Instant;

/// Lines that are shown; how many more there are is said.
pub const LINES_SHOWN: usize = 1_000;
/// Lines that are the same, around those that are not.
const AROUND: usize = 3;

/// Whose line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Of both.
    Both,
    /// Of the old one alone.
    Old,
    /// Of the new one alone.
    New,
}

/// A line that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub side: Side,
    /// In the new one, or of a line of the old one in that, counted from 1.
    pub number: usize,
    /// Whether lines are left out before it.
    pub leaps: bool,
    /// As it is written, without its end.
    pub text: String,
}

/// The lines that differ, and those around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// At most [`LINES_SHOWN`].
    pub lines: Vec<Line>,
    /// How many more there are.
    pub more: usize,
}

impl Difference {
    /// From one text to another. When `until` is over, what is left is shown as wholly different, which it may not be; none: however
    /// long it takes.
    pub fn between(old: &str, new: &str, until: Option<Instant>) -> Self {
        let mut config = TextDiff::configure();
        config.algorithm(Algorithm::Myers);
        if let Some(until) = until {
            config.deadline(until);
        }
        let diff = config.diff_lines(old, new);
        let mut found = Self::default();
        for group in diff.grouped_ops(AROUND) {
            let mut leaps = true;
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                if found.lines.len() == LINES_SHOWN {
                    found.more += 1;
                    continue;
                }
                let (side, index) = match change.tag() {
                    ChangeTag::Equal => (Side::Both, change.new_index()),
                    ChangeTag::Delete => (Side::Old, change.old_index()),
                    ChangeTag::Insert => (Side::New, change.new_index()),
                };
                let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
                found.lines.push(Line { side, number: index.map_or(0, |index| index + 1), leaps, text });
                leaps = false;
            }
        }
        found
    }

    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let sign = |side| match side {
            Side::Both => ' ',
            Side::Old => '-',
            Side::New => '+',
        };
        let lines = Difference::between(old, new, None).lines;
        lines.iter().map(|line| format!("{}{}{}", sign(line.side), line.number, line.text)).collect()
    }

    #[test]
    fn lines_that_differ_stand_among_three_that_do_not() {
        let old: Vec<String> = (1..=20).map(|line| format!("l{line}\n")).collect();
        let new: Vec<String> =
            old.iter().map(|line| if line == "l10\n" { "<b>\n".to_owned() } else { line.clone() }).collect();
        let lines = [" 7l7", " 8l8", " 9l9", "-10l10", "+10<b>", " 11l11", " 12l12", " 13l13"];
        assert_eq!(shown(&old.concat(), &new.concat()), lines);
        assert!(Difference::between("a\n", "a\n", None).is_none());
        assert_eq!(shown("", "a"), ["+1a"]);
    }

    #[test]
    fn so_many_lines_are_shown_and_the_others_counted() {
        let new: String = (0..LINES_SHOWN + 5).map(|line| format!("{line}\n")).collect();
        let found = Difference::between("", &new, None);
        assert_eq!((found.lines.len(), found.more), (LINES_SHOWN, 5));
    }
}
