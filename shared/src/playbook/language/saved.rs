//! The fields that dialogs save, where segments and texts of pushes name them.

use super::reader::Word;
use crate::{
    facts::dialog::VALUE_MAX,
    playbook::{
        problem::{Findings, did_you_mean},
        pushes::render::FIELD,
    },
};
use std::collections::BTreeSet;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The longest name of a field, in characters.
pub(super) const FIELD_NAME_MAX: usize = 32;

/// Which fields there are.
#[derive(Clone)]
pub(super) struct SavedFields<'d>(Option<BTreeSet<&'d str>>);

impl<'d> SavedFields<'d> {
    /// Whatever is named: what dialogs save is not known.
    pub(super) fn any() -> Self {
        Self(None)
    }

    /// What the dialogs of a file save. Of a file without dialogs whatever is named: an earlier one may have had some.
    pub(super) fn of(file: &'d DeTable<'_>) -> Self {
        let tables = |value: Option<&'d Spanned<DeValue<'_>>>| {
            let list = value.and_then(|value| value.get_ref().as_array());
            list.into_iter().flatten().filter_map(|value| value.get_ref().as_table())
        };
        if !file.contains_key("dialogs") {
            return Self::any();
        }
        let steps = tables(file.get("dialogs")).flat_map(|dialog| tables(dialog.get("steps")));
        Self(Some(steps.filter_map(|step| step.get("save")?.get_ref().as_str()).collect()))
    }

    /// Reports a name that no dialog saves; `at` is its place.
    pub(super) fn check(&self, name: &str, at: usize, findings: &Findings<'_>) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=FIELD_NAME_MAX).contains(&name.len()) || !name.bytes().all(plain) {
            let message = format!("a field's name has 1 to {FIELD_NAME_MAX} characters of a-z 0-9 _");
            findings.add(at, message, "write it as the dialog's `save` does");
        } else if let Some(known) = self.0.as_ref().filter(|known| !known.contains(name)) {
            let help = did_you_mean(name, known.iter().copied(), "let a step of a dialog save it");
            findings.add(at, format!("no dialog saves `{name}`"), help);
        }
    }

    /// Reports what is wrong with `{field.pet|…}`, of which `place` is what stands in the braces, `offset` bytes into the text. False:
    /// something is.
    pub(super) fn placeholder(&self, place: &str, word: &Word<'_>, offset: usize, findings: &Findings<'_>) -> bool {
        let (name, otherwise) = place.trim_start_matches(FIELD).split_once('|').unwrap_or((place, ""));
        let at = word.within(findings, offset);
        let name = name.trim_start_matches(FIELD);
        self.check(name, at, findings);
        let has_default = !otherwise.trim().is_empty();
        if !has_default {
            let help = format!("write {{{FIELD}{name}|…}}, with what such a fan shall read behind the |");
            findings.add(at, format!("`{{{place}}}` says nothing to a fan of whom it is not known"), help);
        }
        let fits = otherwise.len() <= VALUE_MAX;
        if !fits {
            let message =
                format!("what stands behind the | has {} bytes, and a field at most {VALUE_MAX}", otherwise.len());
            findings.add(at, message, "shorten it");
        }
        has_default && fits
    }
}
