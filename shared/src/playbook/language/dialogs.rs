//! Reads `[dialog_words]` and `[[dialogs]]`.

mod check;
mod phrase;
mod steps;

use super::{
    pushes::Shop,
    reader::{Fields, Word, tables},
    rules::{ID_MAX, RuleDraft},
};
use crate::{
    facts::request::Kind,
    playbook::{
        compiled::Place,
        normal::normalise,
        problem::{Findings, did_you_mean},
        talk::form::{Band, Dialog, DialogWords, Dialogs, Done, Phrase, Step},
    },
};
#[cfg(test)]
pub(super) use check::ANSWERS_BYTES_MAX;
#[cfg(test)]
pub(super) use phrase::PLACEHOLDERS;
use phrase::Phrases;
use std::collections::BTreeMap;
#[cfg(test)]
pub(super) use steps::{CHOICE_MAX, TAKES};

/// The most dialogs of a playbook.
pub(super) const DIALOGS_MAX: usize = 50;
/// The most steps of a dialog.
pub(super) const STEPS_MAX: usize = 30;
/// The most choices of a step: more are not read on a telephone.
pub(super) const CHOICES_MAX: usize = 9;
/// The most bands of a dialog.
pub(super) const BANDS_MAX: usize = 10;
/// The most lines of `retry`.
pub(super) const RETRY_MAX: usize = 5;
/// The most days of `resume_days`, `once_days` and `forget_days`.
const DAYS_MAX: i64 = 365;
const IDLE: u32 = 30 * 60;
const RESUME_DAYS: i64 = 7;
const SCORE_MAX: i64 = 1_000;
const HELP: &str = "write [[dialogs]] and below it id, start, steps and done";

/// The dialogs. `name` is the brand's.
pub(super) fn read<'d>(file: &mut Fields<'d, '_>, name: &str, rules: &[RuleDraft<'d>], shop: &Shop<'d>) -> Dialogs {
    let findings = file.findings;
    let words = words(file);
    let list = tables(file.get("dialogs"), "a dialog", HELP, findings);
    if let Some(fields) = list.get(DIALOGS_MAX) {
        findings.add(fields.at, format!("there are more than {DIALOGS_MAX} dialogs"), "join those that ask the same");
    }
    let mut ids = BTreeMap::new();
    let mut reader = DialogReader { findings, brand: name, shop, words: &words, starts: Vec::new() };
    let dialogs: Vec<_> = list.into_iter().map(|fields| reader.dialog(fields, &mut ids)).collect();
    let starts = check::starts(reader.starts, &words, rules, findings);
    let places: BTreeMap<&str, u32> = ids.keys().copied().zip(ids.values().map(|(_, place)| *place)).collect();
    let (begins, within) = of_rules(rules, &places, findings);
    Dialogs { words, dialogs: dialogs.into_iter().flatten().collect(), starts, rules: begins, within }
}

/// Which rules begin a dialog, and which are heard within one.
fn of_rules(
    rules: &[RuleDraft<'_>],
    places: &BTreeMap<&str, u32>,
    findings: &Findings<'_>,
) -> (Vec<(u32, u32)>, Vec<u32>) {
    let (mut begins, mut within) = (Vec::new(), Vec::new());
    for (rank, rule) in (0..).zip(rules) {
        if let Some(word) = &rule.dialog {
            match places.get(word.text) {
                Some(place) => begins.push((rank, *place)),
                None => {
                    let known = places.keys().copied();
                    let help = did_you_mean(word.text, known, "write [[dialogs]] with this id, or name another");
                    findings.add(word.at(), format!("there is no dialog `{}`", word.text), help);
                }
            }
        }
        if let Some(at) = rule.in_dialogs {
            let exact = rule.regexes.is_empty() && rule.keywords.iter().all(|keyword| keyword.place == Place::Exact);
            if rule.keywords.is_empty() || !exact {
                let message = "a rule with `in_dialogs` would take what is meant as an answer";
                findings.add(at, message, "write match = { exact = [\"…\"] } and nothing else in it");
            }
            within.push(rank);
        }
    }
    (begins, within)
}

fn words(file: &mut Fields<'_, '_>) -> DialogWords {
    let findings = file.findings;
    let help = "write [dialog_words] and below it leave = [\"退出\"]";
    let table = file.get("dialog_words").and_then(|value| Fields::of(value, "`dialog_words`", help, findings));
    let own = |word: &str| vec![word.to_owned()];
    let absent =
        DialogWords { leave: own("退出"), back: own("返回"), restart: own("重来"), human: own("人工") };
    let Some(mut fields) = table else { return absent };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut read = |key, absent| {
        let words = fields.texts(key);
        let normal = words.iter().map(|word| {
            let normal = normalise(word.text).into_owned();
            check::dialog_word(word, &normal, &mut seen, findings);
            normal
        });
        let normal: Vec<_> = normal.collect();
        if normal.is_empty() { absent } else { normal }
    };
    let words = DialogWords {
        leave: read("leave", absent.leave),
        back: read("back", absent.back),
        restart: read("restart", absent.restart),
        human: read("human", absent.human),
    };
    fields.finish();
    words
}

struct DialogReader<'r, 'd> {
    findings: &'d Findings<'d>,
    brand: &'r str,
    shop: &'r Shop<'d>,
    words: &'r DialogWords,
    /// Every start word, normalised, where it stands, and its dialog's place.
    starts: Vec<(Word<'d>, String, u32)>,
}

impl<'d> DialogReader<'_, 'd> {
    fn dialog(&mut self, mut fields: Fields<'d, '_>, ids: &mut BTreeMap<&'d str, (usize, u32)>) -> Option<Dialog> {
        let place = ids.len() as u32;
        let at = fields.at;
        let id = fields.require_text("id").inspect(|word| self.id(word, place, ids));
        let start = self.start(&mut fields, place);
        let why = fields.text("why");
        let idle = fields.text("idle").and_then(|word| span(&word, "idle", self.findings)).unwrap_or(IDLE);
        let mut days = |key| fields.number(key, 1..=DAYS_MAX).and_then(|days| u32::try_from(days).ok());
        let (resume_days, once_days, forget_days) = (days("resume_days"), days("once_days"), days("forget_days"));
        let why_text = why.as_ref().map_or("", |word| word.text);
        let drafts = steps::read(&mut fields, self);
        let phrases = Phrases { findings: self.findings, brand: self.brand, why: why_text, steps: &drafts };
        let steps = phrases.steps(self.words);
        let bands = self.bands(&mut fields, &phrases);
        let done = self.done(&mut fields, &phrases, !bands.is_empty());
        fields.finish();
        let steps: Vec<Step> = steps.into_iter().collect::<Option<_>>()?;
        if why.is_none() && steps.iter().any(|step| step.take.is_personal()) {
            let message = "a dialog that asks for a birthday, a phone, a place or a photo says why";
            self.findings.add(at, message, "write why = \"…\": what it is for and when it is deleted; {why} shows it");
        }
        check::ways(&steps, &drafts, self.findings);
        check::bands(&bands, &steps, self.findings);
        check::lengths(&drafts, &steps, &done, &bands, self.findings);
        let bands = bands.into_iter().map(|(_, band)| band).collect();
        let (id, resume_days) = (id?.text.to_owned(), resume_days.unwrap_or(RESUME_DAYS as u32));
        let done = done.map(|(_, done)| done).unwrap_or_default();
        Some(Dialog { id, start, idle, resume_days, once_days, forget_days, steps, done, bands })
    }

    fn id(&self, word: &Word<'d>, place: u32, ids: &mut BTreeMap<&'d str, (usize, u32)>) {
        plain(word, "a dialog", self.findings);
        let (first, _) = *ids.entry(word.text).or_insert((word.at(), place));
        if first != word.at() {
            let line = self.findings.line(first);
            let message = format!("the id `{}` is taken by the dialog on line {line}", word.text);
            self.findings.add(word.at(), message, "give each dialog an id of its own");
        }
    }

    /// Takes in the start words, and gives the first.
    fn start(&mut self, fields: &mut Fields<'d, '_>, place: u32) -> String {
        let words = fields.texts("start");
        let first = words.first().map_or_else(String::new, |word| word.text.to_owned());
        self.starts.extend(words.into_iter().map(|word| {
            let normal = normalise(word.text).into_owned();
            (word, normal, place)
        }));
        first
    }

    /// Where it stands, and how the dialog ends.
    fn done(&self, fields: &mut Fields<'d, '_>, phrases: &Phrases<'_, 'd>, banded: bool) -> Option<(usize, Done)> {
        let help = "write done = { text = \"…\" }";
        let value = if banded { fields.get("done") } else { fields.require("done", help) };
        let mut fields = Fields::of(value?, "`done`", help, self.findings)?;
        let at = fields.at;
        let text = if banded { fields.text("text") } else { fields.require_text("text") };
        let text = text.and_then(|word| phrases.phrase(&word, None)).unwrap_or_default();
        let tag = self.tag(&mut fields);
        let request = fields.text("request").and_then(|word| self.request(&word));
        fields.finish();
        Some((at, Done { text, tag, request }))
    }

    fn request(&self, word: &Word<'_>) -> Option<Kind> {
        let kind = Kind::ALL.into_iter().find(|(name, _)| *name == word.text);
        if kind.is_none() {
            let names = Kind::ALL.map(|(name, _)| name);
            let help = did_you_mean(word.text, names, &format!("write one of {}", names.join(", ")));
            self.findings.add(word.at(), format!("`{}` is no kind of request", word.text), help);
        }
        kind.map(|(_, kind)| kind)
    }

    /// The bands, each with where it stands.
    fn bands(&self, fields: &mut Fields<'d, '_>, phrases: &Phrases<'_, 'd>) -> Vec<(usize, Band)> {
        let help = "write bands = [{ up_to = 4, text = \"…\" }]";
        let list = tables(fields.get("bands"), "a band", help, self.findings);
        if let Some(fields) = list.get(BANDS_MAX) {
            self.findings.add(
                fields.at,
                format!("there are more than {BANDS_MAX} bands"),
                "join those that say the same",
            );
        }
        let band = |mut fields: Fields<'d, '_>| {
            let at = fields.at;
            fields.require("up_to", "write the highest score that it is for");
            let up_to = fields.number("up_to", 0..=SCORE_MAX * STEPS_MAX as i64);
            let text = fields.require_text("text").and_then(|word| phrases.phrase(&word, None));
            let tag = self.tag(&mut fields);
            fields.finish();
            Some((at, Band { up_to: u32::try_from(up_to?).ok()?, text: text?, tag }))
        };
        list.into_iter().filter_map(band).collect()
    }

    fn tag(&self, fields: &mut Fields<'d, '_>) -> Option<String> {
        fields.text("tag").map(|word| super::brand(&word, self.findings).to_owned())
    }
}

/// Reports what is no id of a dialog, a step or a field.
fn plain(word: &Word<'_>, what: &str, findings: &Findings<'_>) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if !(1..=ID_MAX).contains(&word.text.len()) || !word.text.bytes().all(plain) {
        let message = format!("the id of {what} has 1 to {ID_MAX} characters of a-z 0-9 _ -");
        findings.add(word.at(), message, "write a short name that reports can show");
    }
}

/// 30m, 2h or 1d in seconds.
fn span(word: &Word<'_>, key: &str, findings: &Findings<'_>) -> Option<u32> {
    let units = [('m', 60), ('h', 3_600), ('d', 86_400_u32)];
    let found = units.into_iter().find_map(|(unit, seconds)| Some((word.text.strip_suffix(unit)?, seconds)));
    let span = found.and_then(|(digits, seconds)| {
        let digits =
            Some(digits).filter(|digits| digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u32>().ok()?.checked_mul(seconds)
    });
    if span.is_none() {
        let help = format!("write {key} = \"30m\", \"2h\" or \"1d\"");
        findings.add(word.at(), format!("`{}` is no span of time", word.text), help);
    }
    span
}

/// Whether the phrase says nothing.
fn is_blank(phrase: &Phrase) -> bool {
    use crate::playbook::talk::form::Part;
    phrase.0.iter().all(|part| matches!(part, Part::Words(words) if words.trim().is_empty()))
}
