//! Texts of a dialog, and the ways from step to step: what names other steps.

use super::{check, is_blank, steps::StepDraft};
use crate::playbook::{
    language::{reader::Word, replies::report_wrong},
    problem::{Findings, did_you_mean},
    talk::form::{DialogWords, GiveUp, Go, Part, Phrase, Step, Take},
    template::{Token, Wrong, tokens},
};

/// What may stand in braces, besides the ids of steps and what they save.
pub(in crate::playbook::language) const PLACEHOLDERS: [&str; 6] =
    ["name", "why", "choices", "score", "number", "total"];

/// Reads phrases of one dialog.
pub(super) struct Phrases<'r, 'd> {
    pub(super) findings: &'d Findings<'d>,
    pub(super) brand: &'r str,
    pub(super) why: &'r str,
    pub(super) steps: &'r [StepDraft<'d>],
}

impl Phrases<'_, '_> {
    /// The steps; none: one could not be read, and that was reported.
    pub(super) fn steps(&self, words: &DialogWords) -> Vec<Option<Step>> {
        self.steps.iter().map(|draft| self.step(draft, words)).collect()
    }

    fn step(&self, draft: &StepDraft<'_>, words: &DialogWords) -> Option<Step> {
        let ask = draft.ask.as_ref().and_then(|word| self.phrase(word, Some(draft)));
        let known = draft.known.as_ref().map(|word| self.phrase(word, Some(draft)));
        let retry: Vec<_> = draft.retry.iter().map(|word| self.phrase(word, Some(draft))).collect();
        let give_up = draft.give_up.as_ref().map(|word| self.give_up(word));
        let go = draft.go.as_ref().map(|word| self.go(word));
        let goes: Vec<_> = draft.goes.iter().map(|word| word.as_ref().map(|word| self.go(word))).collect();
        let mut take = draft.take.clone()?;
        if let Take::Choice(choices) = &mut take {
            check::choices(choices, &draft.choices, words, self.findings);
            for (choice, go) in choices.iter_mut().zip(goes) {
                choice.go = go.flatten();
            }
            if let (Some(ask), Some(word)) = (&ask, &draft.ask)
                && !ask.0.contains(&Part::Choices)
            {
                self.findings.add(word.at(), "the question does not show its choices", "write {choices} at its end");
            }
        }
        Some(Step {
            id: draft.id.text.to_owned(),
            ask: ask?,
            take,
            save: draft.save.as_ref().map(|word| word.text.to_owned()),
            known: known.flatten(),
            retry: retry.into_iter().collect::<Option<_>>()?,
            give_up: give_up.flatten(),
            go: go.flatten(),
            histogram: draft.histogram,
        })
    }

    fn named(&self, id: &str) -> Option<u32> {
        let place = self.steps.iter().position(|step| step.id.text == id);
        place.and_then(|place| u32::try_from(place).ok())
    }

    fn go(&self, word: &Word<'_>) -> Option<Go> {
        match word.text {
            "done" => Some(Go::Done),
            "leave" => Some(Go::Leave),
            id => self.named(id).map(Go::Step).or_else(|| {
                let known = self.steps.iter().map(|step| step.id.text).chain(["done", "leave"]);
                let help = did_you_mean(id, known, "write the id of a step, \"done\" or \"leave\"");
                self.findings.add(word.at(), format!("there is no step `{id}`"), help);
                None
            }),
        }
    }

    fn give_up(&self, word: &Word<'_>) -> Option<GiveUp> {
        match word.text {
            "skip" => Some(GiveUp::Skip),
            "human" => Some(GiveUp::Human),
            _ => self.go(word).map(GiveUp::Go),
        }
    }

    /// A text; `own` is the step that it belongs to. None: it could not be read, and that was reported.
    pub(super) fn phrase(&self, word: &Word<'_>, own: Option<&StepDraft<'_>>) -> Option<Phrase> {
        let (mut parts, mut wrong) = (Vec::new(), Vec::new());
        let say = |words: &str, parts: &mut Vec<Part>| match parts.last_mut() {
            Some(Part::Words(last)) => last.push_str(words),
            _ => parts.push(Part::Words(words.to_owned())),
        };
        for token in tokens(word.text) {
            match token {
                Token::Words(words) => say(words, &mut parts),
                Token::Brace(brace, at) => wrong.push(Wrong::Brace(at, brace)),
                Token::Place("name", _) => say(self.brand, &mut parts),
                Token::Place("why", _) => say(self.why, &mut parts),
                Token::Place(name, at) => match self.place(name, word, own) {
                    Some(part) => parts.push(part),
                    None => wrong.push(Wrong::Unknown(at, name.to_owned())),
                },
            }
        }
        let ids = self.steps.iter().map(|step| step.id.text);
        let saved = self.steps.iter().filter_map(|step| step.save.as_ref()).map(|word| word.text);
        let known: Vec<&str> = PLACEHOLDERS.into_iter().chain(ids).chain(saved).collect();
        wrong.iter().for_each(|wrong| report_wrong(word, wrong, &known, self.findings));
        let phrase = Phrase(parts);
        if wrong.is_empty() && is_blank(&phrase) {
            self.findings.add(word.at(), "the text is empty", "write what the fan shall read, or drop the key");
        }
        wrong.is_empty().then_some(phrase)
    }

    fn place(&self, name: &str, word: &Word<'_>, own: Option<&StepDraft<'_>>) -> Option<Part> {
        let of =
            |step: &StepDraft<'_>| step.save.as_ref().is_some_and(|save| save.text == name) || step.id.text == name;
        let in_known =
            own.is_some_and(|own| own.known.as_ref().is_some_and(|known| known.at() == word.at()) && of(own));
        match name {
            _ if in_known => Some(Part::Known),
            "choices" => own.filter(|own| matches!(own.take, None | Some(Take::Choice(_)))).map(|_| Part::Choices),
            "score" => Some(Part::Score),
            "number" => Some(Part::Number),
            "total" => Some(Part::Total),
            _ => {
                let place = self.named(name).or_else(|| {
                    let place = self.steps.iter().position(of);
                    place.and_then(|place| u32::try_from(place).ok())
                });
                place.map(Part::Answer)
            }
        }
    }
}
