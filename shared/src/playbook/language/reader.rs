//! Small readers over TOML values that know where they stand and report what they cannot read.

use crate::playbook::problem::{Findings, did_you_mean};
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

#[cfg(test)]
use super::manual::asked;

/// A value and where it stands in the file.
pub(super) type Value<'s> = Spanned<DeValue<'s>>;

/// A piece of text and where it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Word<'d> {
    pub(super) text: &'d str,
    pub(super) span: Range<usize>,
}

impl Word<'_> {
    pub(super) fn at(&self) -> usize {
        self.span.start
    }

    /// Where its byte `offset` stands.
    pub(super) fn within(&self, findings: &Findings<'_>, offset: usize) -> usize {
        findings.within(self.span.clone(), self.text, offset)
    }
}

/// The keys of one table. Keys that nobody asked for are reported by [`finish`](Self::finish).
pub(super) struct Fields<'d, 's> {
    table: &'d DeTable<'s>,
    /// What it is, for messages: `a rule`.
    what: &'static str,
    /// Where it begins.
    pub(super) at: usize,
    pub(super) findings: &'d Findings<'d>,
    known: Vec<&'static str>,
}

impl<'d, 's> Fields<'d, 's> {
    /// The fields of a whole text.
    pub(super) fn of_text(table: &'d DeTable<'s>, what: &'static str, findings: &'d Findings<'d>) -> Self {
        Self { table, what, at: 0, findings, known: Vec::new() }
    }

    /// The fields of a table; reports a value that is none.
    pub(super) fn of(value: &'d Value<'s>, what: &'static str, help: &str, findings: &'d Findings<'d>) -> Option<Self> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::Table(table) => Some(Self { table, what, at, findings, known: Vec::new() }),
            other => {
                findings.add(at, format!("{what} is a table, not {}", kind(other)), help);
                None
            }
        }
    }

    /// The value of a key that may be absent.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'d Value<'s>> {
        self.known.push(key);
        #[cfg(test)]
        asked::note(self.what, key, self.table.contains_key(key));
        self.table.get(key)
    }

    /// Where the value of a key stands.
    pub(super) fn place_of(&self, key: &str) -> Option<usize> {
        self.table.get(key).map(|value| value.span().start)
    }

    /// The value of a key that must be there; `help` is what to write.
    pub(super) fn require(&mut self, key: &'static str, help: &str) -> Option<&'d Value<'s>> {
        let value = self.get(key);
        if value.is_none() {
            self.findings.add(self.at, format!("{} needs `{key}`", self.what), help);
        }
        value
    }

    /// The text at a key that may be absent.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Word<'d>> {
        let value = self.get(key)?;
        text(value, key, self.findings)
    }

    /// The text at a key that must be there.
    pub(super) fn require_text(&mut self, key: &'static str) -> Option<Word<'d>> {
        let value = self.require(key, &format!("write {key} = \"…\""))?;
        text(value, key, self.findings)
    }

    /// The text or texts at a key that may be absent.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Word<'d>> {
        self.get(key).map(|value| texts(value, key, self.findings)).unwrap_or_default()
    }

    /// The whole number at a key that may be absent, within bounds.
    pub(super) fn number(&mut self, key: &'static str, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.get(key)?;
        #[cfg(test)]
        asked::note_bounds(self.what, key, &bounds);
        number(value, key, bounds, self.findings)
    }

    /// Every key that nobody asked for, with its value and place.
    pub(super) fn others(&self) -> impl Iterator<Item = (Word<'d>, &'d Value<'s>)> {
        let entries = self.table.iter().filter(|(key, _)| !self.known.contains(&key.get_ref().as_ref()));
        entries.map(|(key, value)| (Word { text: key.get_ref(), span: key.span() }, value))
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        let list = self.known.join(", ");
        for (key, _) in self.others() {
            let help = did_you_mean(key.text, self.known.iter().copied(), &format!("known are: {list}"));
            self.findings.add(key.at(), format!("unknown key `{}` in {}", key.text, self.what), help);
        }
    }
}

/// The tables of `[[name]]`, or of `[name.<id>]` as an array; reports anything else.
pub(super) fn tables<'d, 's>(
    value: Option<&'d Value<'s>>,
    what: &'static str,
    help: &str,
    findings: &'d Findings<'d>,
) -> Vec<Fields<'d, 's>> {
    match value.map(|value| (value, value.get_ref())) {
        None => Vec::new(),
        Some((_, DeValue::Array(list))) => {
            list.iter().filter_map(|item| Fields::of(item, what, help, findings)).collect()
        }
        Some((value, other)) => {
            findings.add(value.span().start, format!("{what} is one of a list, not {}", kind(other)), help);
            Vec::new()
        }
    }
}

pub(super) fn text<'d>(value: &'d Value<'_>, key: &str, findings: &Findings<'_>) -> Option<Word<'d>> {
    match value.get_ref() {
        DeValue::String(text) => Some(Word { text, span: value.span() }),
        other => {
            let help = format!("write {key} = \"…\", in quotes");
            findings.add(value.span().start, format!("`{key}` is a text, not {}", kind(other)), help);
            None
        }
    }
}

pub(super) fn texts<'d>(value: &'d Value<'_>, key: &str, findings: &Findings<'_>) -> Vec<Word<'d>> {
    match value.get_ref() {
        DeValue::Array(list) => {
            if list.is_empty() {
                findings.add(value.span().start, format!("`{key}` is an empty list"), "write what is in it, or no key");
            }
            list.iter().filter_map(|item| text(item, key, findings)).collect()
        }
        DeValue::String(_) => text(value, key, findings).into_iter().collect(),
        other => {
            let help = format!("write {key} = \"…\" or {key} = [\"…\", \"…\"]");
            findings.add(value.span().start, format!("`{key}` is a text or a list, not {}", kind(other)), help);
            Vec::new()
        }
    }
}

pub(super) fn number(
    value: &Value<'_>,
    key: &str,
    bounds: std::ops::RangeInclusive<i64>,
    findings: &Findings<'_>,
) -> Option<i64> {
    let (low, high) = (bounds.start(), bounds.end());
    let help = || format!("write a whole number from {low} to {high}");
    let at = value.span().start;
    match value.get_ref() {
        DeValue::Integer(digits) => {
            let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|n| bounds.contains(n));
            if number.is_none() {
                findings.add(at, format!("`{key}` is out of bounds"), help());
            }
            number
        }
        other => {
            findings.add(at, format!("`{key}` is a whole number, not {}", kind(other)), help());
            None
        }
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a bare date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
