//! What is wrong with a playbook, or unwise, and where.

use std::{cell::RefCell, fmt, ops::Range};

/// One thing to mend in a playbook file, or to think over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is taken, and this may go wrong all the same.
    Warning,
}

impl fmt::Display for Problem {
    /// `LINE:COLUMN: message; help`, a warning as `LINE:COLUMN: warning: message; help`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, "{}:{}: {severity}{}; {}", self.line, self.column, self.message, self.help)
    }
}

/// Collects problems while a file is read, so that all of them are named at once. A place is a byte offset into the
/// file, as `toml`'s spans are; lines and columns are counted once, at the end.
pub(super) struct Findings<'s> {
    source: &'s str,
    /// Where each line begins.
    lines: Vec<usize>,
    found: RefCell<Vec<(usize, Severity, String, String)>>,
}

impl<'s> Findings<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let lines = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, lines, found: RefCell::default() }
    }

    /// An error.
    pub(super) fn add(&self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.found.borrow_mut().push((at, Severity::Error, message.into(), help.into()));
    }

    /// Nothing for which the file is refused.
    pub(super) fn warn(&self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.found.borrow_mut().push((at, Severity::Warning, message.into(), help.into()));
    }

    /// Whether the file may be compiled.
    pub(super) fn has_no_errors(&self) -> bool {
        self.found.borrow().iter().all(|(_, severity, ..)| *severity == Severity::Warning)
    }

    /// The place `offset` bytes into `text`, the value at `span`; the value's start when an escape hides it.
    pub(super) fn within(&self, span: Range<usize>, text: &str, offset: usize) -> usize {
        let verbatim = self.source.get(span.clone()).and_then(|raw| raw.find(text));
        span.start + verbatim.map_or(0, |start| start + offset)
    }

    /// Which line, counted from 1, a place is on.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// The problems of this severity, in the file's order.
    pub(super) fn into_problems(self, severity: Severity) -> Vec<Problem> {
        let mut found = self.found.take();
        found.retain(|(_, found, ..)| *found == severity);
        found.sort();
        found.dedup();
        // Columns are counted on from the problem before on the same line: a line may be long and have many.
        let (mut last, mut column) = (0, 1);
        let mut locate = |(at, severity, message, help): (usize, Severity, String, String)| {
            let line = self.line(at);
            let start = line.checked_sub(1).and_then(|i| self.lines.get(i)).copied().unwrap_or(0);
            if start > last {
                (last, column) = (start, 1);
            }
            column += self.source.get(last..at).unwrap_or_default().chars().count();
            last = at;
            Problem { line, column, severity, message, help }
        };
        found.into_iter().map(&mut locate).collect()
    }
}

/// `did you mean …?` when one of `known` is at most a third of the letters away, else `otherwise`.
pub(super) fn did_you_mean<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>, otherwise: &str) -> String {
    let near = |name: &&str| edits(wrong, name) <= wrong.chars().count().max(3) / 3;
    match known.into_iter().filter(near).min_by_key(|name| edits(wrong, name)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => otherwise.to_owned(),
    }
}

/// Single-letter insertions, deletions and replacements between two words (Levenshtein). Long words are never near.
fn edits(a: &str, b: &str) -> usize {
    const LONG: usize = 64;
    let b: Vec<char> = b.chars().collect();
    if a.chars().count() > LONG || b.len() > LONG {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((j, cb), pair) in b.iter().enumerate().zip(row.windows(2)) {
            let (corner, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let left = next.last().copied().unwrap_or(j);
            next.push((corner + usize::from(ca != *cb)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_place_is_told_as_line_and_column_in_characters() {
        let source = "a\n猫粮 = x\n";
        let findings = Findings::new(source);
        findings.add(source.find('x').unwrap(), "later", "mend");
        findings.add(0, "earlier", "mend");
        findings.add(source.len(), "end", "mend");
        findings.add(source.find('猫').unwrap(), "twice", "mend");
        findings.add(source.find('猫').unwrap(), "twice", "mend");
        findings.warn(0, "unwise", "mend");
        let told: Vec<String> = findings.into_problems(Severity::Error).iter().map(Problem::to_string).collect();
        assert_eq!(told, ["1:1: earlier; mend", "2:1: twice; mend", "2:6: later; mend", "3:1: end; mend"]);
    }

    #[test]
    fn a_warning_is_no_error() {
        let findings = Findings::new("a\nb");
        findings.warn(2, "unwise", "think");
        assert!(findings.has_no_errors());
        findings.add(0, "wrong", "mend");
        assert!(!findings.has_no_errors());
        let told: Vec<String> = findings.into_problems(Severity::Warning).iter().map(Problem::to_string).collect();
        assert_eq!(told, ["2:1: warning: unwise; think"]);
    }

    #[test]
    fn the_nearest_known_word_is_suggested() {
        let known = ["reply", "replies", "rules"];
        assert_eq!(did_you_mean("repyl", known, "-"), "-");
        assert_eq!(did_you_mean("replys", known, "-"), "did you mean `reply`?");
        assert_eq!(did_you_mean("rule", known, "-"), "did you mean `rules`?");
        assert_eq!(did_you_mean("channel", known, "-"), "-");
    }
}
