//! What a dialog as a whole must be.

use super::steps::StepDraft;
use crate::{
    playbook::{
        compiled::Place,
        inbound::InboundKind,
        language::{reader::Word, rules::RuleDraft},
        problem::Findings,
        talk::{
            form::{Band, Choice, DialogWords, Done, GiveUp, Go, Phrase, Step},
            say,
        },
    },
    wechat::reply::TEXT_MAX,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes of a dialog's answers: two runs and the last answers fit into what is kept of a fan.
pub(in crate::playbook::language) const ANSWERS_BYTES_MAX: usize = 2_400;

/// Reports a word that is nothing, stands twice, or is the number of a choice.
pub(super) fn dialog_word(word: &Word<'_>, normal: &str, seen: &mut BTreeMap<String, usize>, findings: &Findings<'_>) {
    if normal.is_empty() {
        findings.add(word.at(), "the word has nothing but blanks", "write a word");
    }
    if ("1"..="9").contains(&normal) && normal.len() == 1 {
        findings.add(word.at(), format!("`{normal}` is the number of a choice"), "write a word, or \"0\"");
    }
    let first = *seen.entry(normal.to_owned()).or_insert(word.at());
    if first != word.at() {
        findings.add(word.at(), format!("`{normal}` stands here twice"), "let each word mean one thing");
    }
}

/// Whether every dialog hears it.
fn is_heard(words: &DialogWords, normal: &str) -> bool {
    let lists = [&words.leave, &words.back, &words.restart, &words.human];
    lists.into_iter().flatten().any(|word| word == normal)
}

/// Start words, sorted; reports those that mean something else already.
pub(super) fn starts(
    mut starts: Vec<(Word<'_>, String, u32)>,
    words: &DialogWords,
    rules: &[RuleDraft<'_>],
    findings: &Findings<'_>,
) -> Vec<(String, u32)> {
    let mut exact = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.rule.kinds.contains(InboundKind::Text)) {
        for keyword in rule.keywords.iter().filter(|keyword| keyword.place == Place::Exact) {
            exact.entry(keyword.normal.as_str()).or_insert(rule);
        }
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (word, normal, _) in &starts {
        if normal.is_empty() {
            findings.add(word.at(), "the start word has nothing but blanks", "write a word");
        }
        if is_heard(words, normal) {
            findings.add(word.at(), format!("`{normal}` is one of the dialog words"), "begin with another word");
        }
        if let Some(rule) = exact.get(normal.as_str()) {
            let line = findings.line(rule.at);
            let message = format!("`{normal}` is taken by the rule `{}` on line {line}", rule.rule.id);
            findings.add(word.at(), message, "drop it here, or there and write dialog = \"…\" in the rule");
        }
        let first = *seen.entry(normal).or_insert(word.at());
        if first != word.at() {
            let message = format!("`{normal}` already begins the dialog on line {}", findings.line(first));
            findings.add(word.at(), message, "begin each dialog with words of its own");
        }
    }
    starts.sort_by(|a, b| a.1.cmp(&b.1));
    starts.into_iter().map(|(_, normal, dialog)| (normal, dialog)).collect()
}

/// Reports choices that cannot be told apart, or that mean something else.
pub(super) fn choices(choices: &[Choice], places: &[usize], words: &DialogWords, findings: &Findings<'_>) {
    for (index, (choice, at)) in choices.iter().zip(places).enumerate() {
        if is_heard(words, &choice.normal) {
            let message = format!("`{}` is one of the dialog words, so it is never chosen", choice.say);
            findings.add(*at, message, "say it otherwise, or use another word in [dialog_words]");
        }
        for other in choices.iter().take(index) {
            let (a, b) = (&choice.normal, &other.normal);
            if a.starts_with(b.as_str()) || b.starts_with(a.as_str()) {
                let message = format!("`{}` and `{}` begin alike, so a part of it means both", other.say, choice.say);
                findings.add(*at, message, "let their first words differ");
            }
            if choice.value == other.value {
                findings.add(
                    *at,
                    format!("two choices have the value `{}`", choice.value),
                    "give each a value of its own",
                );
            }
        }
    }
}

/// Reports steps that nothing leads to, and such that lead nowhere.
pub(super) fn ways(steps: &[Step], drafts: &[StepDraft<'_>], findings: &Findings<'_>) {
    let ways: Vec<Vec<Go>> = (0..).zip(steps).map(|(place, step)| ways_from(place, step, steps.len())).collect();
    let mut reached = BTreeSet::from([0_u32]);
    let mut open = vec![0_u32];
    while let Some(place) = open.pop() {
        for go in ways.get(place as usize).into_iter().flatten() {
            if let Go::Step(next) = go
                && reached.insert(*next)
            {
                open.push(*next);
            }
        }
    }
    let mut ends: BTreeSet<u32> = BTreeSet::new();
    loop {
        let before = ends.len();
        for (place, ways) in (0..).zip(&ways) {
            let ends_here = |go: &Go| match go {
                Go::Step(next) => ends.contains(next),
                Go::Done | Go::Leave => true,
            };
            if ways.iter().any(ends_here) {
                ends.insert(place);
            }
        }
        if ends.len() == before {
            break;
        }
    }
    for (place, draft) in (0..).zip(drafts).take(steps.len()) {
        if !reached.contains(&place) {
            let message = format!("nothing leads to the step `{}`", draft.id.text);
            findings.add(draft.at, message, "let a `go` name it, or drop it");
        } else if !ends.contains(&place) {
            let message = format!("from the step `{}` there is no way out of the dialog", draft.id.text);
            findings.add(draft.at, message, "let a choice go to a later step, to \"done\" or to \"leave\"");
        }
    }
}

fn ways_from(place: u32, step: &Step, steps: usize) -> Vec<Go> {
    let after = if (place as usize) + 1 < steps { Go::Step(place + 1) } else { Go::Done };
    let usual = step.go.unwrap_or(after);
    let mut ways: Vec<Go> = step.take.choices().iter().map(|choice| choice.go.unwrap_or(usual)).collect();
    if ways.is_empty() {
        ways.push(usual);
    }
    match step.give_up {
        Some(GiveUp::Go(go)) => ways.push(go),
        Some(GiveUp::Skip) => ways.push(usual),
        Some(GiveUp::Human) | None => {}
    }
    ways
}

/// Reports bands out of order, and scores that no band is for.
pub(super) fn bands(bands: &[(usize, Band)], steps: &[Step], findings: &Findings<'_>) {
    let best = |step: &Step| step.take.choices().iter().map(|choice| choice.score).max().unwrap_or(0);
    let most: u32 = steps.iter().map(best).sum();
    for ((_, band), (at, next)) in bands.iter().zip(bands.iter().skip(1)) {
        if next.up_to <= band.up_to {
            findings.add(
                *at,
                format!("no score is left for it: the band before goes up to {}", band.up_to),
                "order bands by `up_to`",
            );
        }
    }
    if let Some((at, band)) = bands.last()
        && band.up_to < most
    {
        let message = format!("a score from {} to {most} has no band", band.up_to + 1);
        findings.add(*at, message, format!("write up_to = {most} in the last band"));
    }
}

/// Reports texts that may grow longer than WeChat shows, and answers that are more than is kept of a fan.
pub(super) fn lengths(
    drafts: &[StepDraft<'_>],
    steps: &[Step],
    done: &Option<(usize, Done)>,
    bands: &[(usize, Band)],
    findings: &Findings<'_>,
) {
    let report = |at: usize, phrase: &Phrase, own: Option<&Step>| {
        let longest = say::longest(phrase, steps, own);
        if longest > TEXT_MAX {
            let message = format!("the text may grow to {longest} bytes, and WeChat shows {TEXT_MAX}");
            let help = format!("shorten it by {} bytes; a Chinese character has 3", longest - TEXT_MAX);
            findings.add(at, message, help);
        }
    };
    let answers: usize = steps.iter().map(|step| step.take.longest()).sum();
    if let Some(last) = drafts.last().filter(|_| answers > ANSWERS_BYTES_MAX) {
        let message = format!("the answers may grow to {answers} bytes, and {ANSWERS_BYTES_MAX} are kept");
        findings.add(last.at, message, "write `longest` where a step takes a text, or ask less");
    }
    for (step, draft) in steps.iter().zip(drafts) {
        let known = step.known.iter().zip(&draft.known);
        let retry = step.retry.iter().zip(&draft.retry);
        for (phrase, word) in std::iter::once(&step.ask).zip(&draft.ask).chain(known).chain(retry) {
            report(word.at(), phrase, Some(step));
        }
    }
    if let Some((at, done)) = done {
        report(*at, &done.text, None);
    }
    for (at, band) in bands {
        report(*at, &band.text, None);
    }
}
