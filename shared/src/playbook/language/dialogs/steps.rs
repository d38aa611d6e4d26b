//! Reads the steps of a dialog: what each takes. Its texts wait until all steps are known, because they may name others.

use super::{CHOICES_MAX, DialogReader, RETRY_MAX, SCORE_MAX, STEPS_MAX, plain, span};
use crate::playbook::{
    language::reader::{Fields, Value, Word, tables},
    normal::normalise,
    problem::did_you_mean,
    talk::form::{Choice, NUMBER_MAX, TEXT_CHARS, TEXT_CHARS_MAX, Take},
};
use std::collections::BTreeMap;

/// What a step may take.
pub(in crate::playbook::language) const TAKES: [&str; 8] =
    ["text", "number", "date", "month_day", "phone", "choice", "place", "photo"];
/// The longest choice in characters.
pub(in crate::playbook::language) const CHOICE_MAX: usize = 20;
const HELP: &str = "write steps = [{ id = \"…\", ask = \"…\", take = \"text\" }]";
const CHOICES_HELP: &str = "write choices = [{ say = \"…\" }, { say = \"…\" }]";
/// Words that `go` and `give_up` have of their own.
const WAYS: [&str; 4] = ["done", "leave", "skip", "human"];
/// What would end the address that a tap sends.
const UNFIT: &str = "\"'<>&#%?=·";
const A_DAY: u32 = 86_400;

/// A step whose texts and ways are not read yet.
pub(super) struct StepDraft<'d> {
    pub(super) at: usize,
    pub(super) id: Word<'d>,
    pub(super) ask: Option<Word<'d>>,
    pub(super) take: Option<Take>,
    /// Where the choices say that they go.
    pub(super) goes: Vec<Option<Word<'d>>>,
    /// Where each choice stands.
    pub(super) choices: Vec<usize>,
    pub(super) save: Option<Word<'d>>,
    pub(super) known: Option<Word<'d>>,
    pub(super) retry: Vec<Word<'d>>,
    pub(super) give_up: Option<Word<'d>>,
    pub(super) go: Option<Word<'d>>,
    pub(super) histogram: bool,
}

pub(super) fn read<'d>(fields: &mut Fields<'d, '_>, reader: &DialogReader<'_, 'd>) -> Vec<StepDraft<'d>> {
    let findings = reader.findings;
    let Some(value) = fields.require("steps", HELP) else { return Vec::new() };
    let list = tables(Some(value), "a step", HELP, findings);
    if list.is_empty() || list.len() > STEPS_MAX {
        let message = format!("a dialog has 1 to {STEPS_MAX} steps, not {}", list.len());
        findings.add(value.span().start, message, "ask less, or make it two dialogs");
    }
    let mut ids = BTreeMap::new();
    list.into_iter().filter_map(|fields| reader.step(fields, &mut ids)).collect()
}

impl<'d> DialogReader<'_, 'd> {
    fn step(&self, mut fields: Fields<'d, '_>, ids: &mut BTreeMap<&'d str, usize>) -> Option<StepDraft<'d>> {
        let at = fields.at;
        let id = fields.require_text("id").inspect(|word| self.step_id(word, ids));
        let ask = fields.require_text("ask");
        let (mut goes, mut choices) = (Vec::new(), Vec::new());
        let take = fields.require_text("take").and_then(|word| {
            let choices = self.choices(&mut fields, &word, (&mut goes, &mut choices));
            self.take(&mut fields, &word, choices)
        });
        let save = fields.text("save").inspect(|word| plain(word, "a field", self.findings));
        let known = fields.text("known");
        if let (Some(word), None) = (&known, &save) {
            self.findings.add(word.at(), "only what a step saves is known", "write `save`, or drop `known`");
        }
        let retry = fields.texts("retry");
        if let Some(word) = retry.get(RETRY_MAX) {
            let message = format!("there are more than {RETRY_MAX} lines");
            self.findings.add(word.at(), message, "write `give_up`: nobody tries so often");
        }
        let (give_up, go) = (fields.text("give_up"), fields.text("go"));
        let histogram = fields.text("report").is_some_and(|word| self.histogram(&word, take.as_ref()));
        fields.finish();
        let id = id?;
        Some(StepDraft { at, id, ask, take, goes, choices, save, known, retry, give_up, go, histogram })
    }

    fn step_id(&self, word: &Word<'d>, ids: &mut BTreeMap<&'d str, usize>) {
        plain(word, "a step", self.findings);
        if WAYS.contains(&word.text) {
            self.findings.add(
                word.at(),
                format!("`{}` already means a way to go", word.text),
                "name this step otherwise",
            );
        }
        let first = *ids.entry(word.text).or_insert(word.at());
        if first != word.at() {
            let message = format!("the id `{}` is taken by the step on line {}", word.text, self.findings.line(first));
            self.findings.add(word.at(), message, "give each step of a dialog an id of its own");
        }
    }

    fn histogram(&self, word: &Word<'_>, take: Option<&Take>) -> bool {
        if word.text != "histogram" || !matches!(take, None | Some(Take::Number { .. })) {
            let message = format!("`{}` is no way to report this answer", word.text);
            self.findings.add(
                word.at(),
                message,
                "write report = \"histogram\" where the step takes a number, or drop it",
            );
        }
        true
    }

    fn take(&self, fields: &mut Fields<'d, '_>, word: &Word<'_>, choices: Option<Vec<Choice>>) -> Option<Take> {
        let number = |fields: &mut Fields<'d, '_>, key| {
            fields.number(key, 0..=i64::from(NUMBER_MAX)).and_then(|number| u32::try_from(number).ok())
        };
        let (min, max) = (number(fields, "min"), number(fields, "max"));
        let (from, until) = (self.days(fields, "from"), self.days(fields, "until"));
        let longest = fields.number("longest", 1..=i64::from(TEXT_CHARS_MAX)).and_then(|most| u32::try_from(most).ok());
        for (key, of) in
            [("min", "number"), ("max", "number"), ("from", "date"), ("until", "date"), ("longest", "text")]
        {
            if let Some(at) = fields.place_of(key).filter(|_| word.text != of) {
                let message = format!("`{key}` says something only where take = \"{of}\"");
                self.findings.add(at, message, "drop it");
            }
        }
        let ordered = |least: u32, most: u32, key| {
            if least > most {
                let at = fields.place_of(key).unwrap_or(fields.at);
                self.findings.add(at, "no answer is between the two", "let the first be the smaller");
            }
        };
        Some(match word.text {
            "text" => Take::Text { max: longest.unwrap_or(TEXT_CHARS) },
            "number" => {
                let (min, max) = (min.unwrap_or(0), max.unwrap_or(NUMBER_MAX));
                ordered(min, max, "max");
                Take::Number { min, max }
            }
            "date" => {
                let (from, until) = (from.unwrap_or(0), until.unwrap_or(365));
                ordered(from, until, "until");
                Take::Date { from, until }
            }
            "month_day" => Take::MonthDay,
            "phone" => Take::Phone,
            "choice" => Take::Choice(choices.unwrap_or_default()),
            "place" => Take::Place,
            "photo" => Take::Photo,
            other => {
                let help = did_you_mean(other, TAKES, &format!("write one of {}", TAKES.join(", ")));
                self.findings.add(word.at(), format!("`{other}` is nothing that a step takes"), help);
                return None;
            }
        })
    }

    fn days(&self, fields: &mut Fields<'d, '_>, key: &'static str) -> Option<u32> {
        let word = fields.text(key)?;
        let span = span(&word, key, self.findings)?;
        if !span.is_multiple_of(A_DAY) {
            self.findings.add(word.at(), format!("`{key}` is in days"), format!("write {key} = \"1d\""));
        }
        Some(span / A_DAY)
    }

    /// The choices of a step, and where each goes and stands.
    fn choices(
        &self,
        fields: &mut Fields<'d, '_>,
        take: &Word<'_>,
        (goes, places): (&mut Vec<Option<Word<'d>>>, &mut Vec<usize>),
    ) -> Option<Vec<Choice>> {
        let (own, from) = (fields.get("choices"), fields.get("choices_from"));
        let is_choice = take.text == "choice";
        let value = own.or(from);
        if let (Some(value), false) = (value, is_choice) {
            self.findings.add(value.span().start, "only take = \"choice\" has choices", "drop them, or take a choice");
        }
        if let (Some(_), Some(from)) = (own, from) {
            self.findings.add(
                from.span().start,
                "a step has `choices` or `choices_from`, not both",
                "keep one of them",
            );
        }
        let Some(value) = value else {
            if is_choice {
                self.findings.add(fields.at, "a step that takes a choice needs `choices`", CHOICES_HELP);
            }
            return None;
        };
        let choices: Vec<_> = match own {
            Some(own) => tables(Some(own), "a dialog's choice", CHOICES_HELP, self.findings)
                .into_iter()
                .filter_map(|fields| self.choice(fields, goes, places))
                .collect(),
            None => self.products(value, goes, places),
        };
        // A list of products without any was reported already.
        if (choices.is_empty() && own.is_some()) || choices.len() > CHOICES_MAX {
            let message = format!("a step has 1 to {CHOICES_MAX} choices, not {}", choices.len());
            self.findings.add(value.span().start, message, "ask in two steps");
        }
        Some(choices)
    }

    fn choice(
        &self,
        mut fields: Fields<'d, '_>,
        goes: &mut Vec<Option<Word<'d>>>,
        places: &mut Vec<usize>,
    ) -> Option<Choice> {
        let at = fields.at;
        let say = fields.require_text("say").inspect(|word| self.say(word, word.text));
        let value = fields.text("value");
        if let Some(word) = &value {
            super::super::brand(word, self.findings);
        }
        let tag = self.tag(&mut fields);
        let go = fields.text("go");
        let score = fields.number("score", 0..=SCORE_MAX).and_then(|score| u32::try_from(score).ok()).unwrap_or(0);
        fields.finish();
        let say = say?.text.to_owned();
        goes.push(go);
        places.push(at);
        let value = value.map_or_else(|| say.clone(), |word| word.text.to_owned());
        let normal = normalise(&say).into_owned();
        Some(Choice { words: say.clone(), say, normal, value, tag, go: None, score, price: None })
    }

    /// Reports what cannot stand on a line to tap.
    fn say(&self, word: &Word<'_>, say: &str) {
        let fits = (1..=CHOICE_MAX).contains(&say.chars().count()) && !normalise(say).is_empty();
        if !fits || say.chars().any(|c| c.is_control() || UNFIT.contains(c)) {
            let message = format!("a choice has 1 to {CHOICE_MAX} characters and none of {UNFIT}: it is a line to tap");
            self.findings.add(word.at(), message, "say it in fewer and plainer words");
        }
    }

    fn products(&self, value: &'d Value<'_>, goes: &mut Vec<Option<Word<'d>>>, places: &mut Vec<usize>) -> Vec<Choice> {
        let help = "write choices_from = { products = [\"…\"] }";
        let Some(mut fields) = Fields::of(value, "`choices_from`", help, self.findings) else { return Vec::new() };
        let ids = fields.texts("products");
        fields.finish();
        let mut choices = Vec::new();
        for word in ids {
            let Some((name, price)) = self.shop.get(word.text) else {
                let known = self.shop.keys().copied();
                let help = did_you_mean(word.text, known, "add it to [[products]] or name another");
                self.findings.add(word.at(), format!("there is no product `{}`", word.text), help);
                continue;
            };
            let Some(price) = price else {
                let message = format!("the product `{}` has no price, so it cannot be chosen", word.text);
                self.findings.add(word.at(), message, "write `price` under its [[products]]");
                continue;
            };
            let cents = if price.is_multiple_of(100) { String::new() } else { format!(".{:02}", price % 100) };
            let say = format!("{name} {}{cents}元", price / 100);
            self.say(&word, &say);
            let normal = normalise(&say).into_owned();
            let (words, value) = ((*name).to_owned(), word.text.to_owned());
            choices.push(Choice { say, words, normal, value, tag: None, go: None, score: 0, price: Some(*price) });
            goes.push(None);
            places.push(word.at());
        }
        choices
    }
}
