//! What the fan reads: phrases filled, choices to tap, and the lines that no playbook needs to write.

use super::{
    form::{Dialog, Part, Phrase, Step, Take},
    state::{Asking, Given, Run},
};
use crate::{
    facts::request::{self, Line},
    wechat::reply::TEXT_MAX,
};
use std::fmt::Write as _;

pub(super) const LEFT: &str = "好的，先到这里。";
pub(super) const FORGOTTEN: &str = "好的，记下的资料都删掉了。";
pub(super) const ANSWERED: &str = "这个问题已经答过啦。";
pub(super) const CHANGED: &str = "这里刚刚更新过，请从头来一遍。";
pub(super) const FIRST: &str = "这已经是第一个问题啦。";
pub(super) const GOES_ON: &str = "接着上次的来。";
pub(super) const WORDS_PLEASE: &str = "这一步要用文字回答哦。";
pub(super) const NOT_UNDERSTOOD: &str = "没看明白，换个说法好吗？";
const GO_ON: &str = "刚才的还没说完，接着来吗？";
const YES: &str = "是的";
const CHANGE: &str = "换一个";
const ON: &str = "接着来";
const NO: &str = "不用了";
/// Between a choice and the sign of its question in what a tap sends.
const SIGN: char = '·';
/// Characters of a question's sign: 20 bits.
const SIGN_LENGTH: usize = 4;
/// The longest line that a choice is shown on, besides twice its words, in bytes.
const TAPPED: usize = "<a href=\"weixin://bizmsgmenu?msgmenucontent=·0000&msgmenuid=0000\">1. </a>\n".len();

/// A line before the question, where there is room for it.
pub(super) fn before(line: &str, question: String) -> String {
    if line.len() + question.len() < TEXT_MAX { format!("{line}\n{question}") } else { question }
}

/// The sign of the open question: another for each run, step and turn.
pub(super) fn sign(run: &Run) -> String {
    let drawn = request::number(&format!("{}|{}|{}", run.id, run.step, run.turn), &run.dialog);
    drawn.chars().take(SIGN_LENGTH).collect::<String>().to_ascii_lowercase()
}

/// The choice and the sign that a tap sends; none: it is no tap. WeChat may leave out the menu's id, so all stands in the text.
pub(super) fn tapped(normal: &str) -> Option<(&str, &str)> {
    let (say, sign) = normal.rsplit_once(SIGN)?;
    let fits = sign.len() == SIGN_LENGTH && sign.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (fits && !say.is_empty()).then_some((say, sign))
}

/// Numbered lines that can be tapped.
fn menu<'s>(says: impl Iterator<Item = &'s str>, sign: &str) -> String {
    let mut lines = String::new();
    for (place, say) in (1..).zip(says) {
        let _ = write!(
            lines,
            "\n<a href=\"weixin://bizmsgmenu?msgmenucontent={say}{SIGN}{sign}&msgmenuid={sign}\">{place}. {say}</a>"
        );
    }
    lines
}

/// The open question.
pub(super) fn question(dialog: &Dialog, step: &Step, run: &Run, known: Option<&str>) -> String {
    let sign = sign(run);
    match (run.asking, &step.known) {
        (Asking::GoOn, _) => format!("{GO_ON}{}", menu([ON, NO].into_iter(), &sign)),
        (Asking::Known, Some(phrase)) => {
            format!("{}{}", fill(phrase, dialog, run, known), menu([YES, CHANGE].into_iter(), &sign))
        }
        _ => fill(&step.ask, dialog, run, known),
    }
}

/// Whether a tap on the open question said yes; none: it is no such question.
pub(super) fn tapped_yes(say: &str) -> Option<bool> {
    match say {
        YES | ON => Some(true),
        CHANGE | NO => Some(false),
        _ => None,
    }
}

/// A phrase with all that the run knows.
pub(super) fn fill(phrase: &Phrase, dialog: &Dialog, run: &Run, known: Option<&str>) -> String {
    let mut out = String::new();
    for part in &phrase.0 {
        match part {
            Part::Words(words) => out.push_str(words),
            Part::Choices => {
                let open = dialog.steps.iter().find(|step| step.id == run.step);
                let says = open.into_iter().flat_map(|step| step.take.choices()).map(|choice| choice.say.as_str());
                out.push_str(&menu(says, &sign(run)));
            }
            Part::Score => {
                let _ = write!(out, "{}", score(dialog, run));
            }
            Part::Number => out.push_str(&run.number),
            Part::Total => yuan(total(&lines(dialog, run)), &mut out),
            Part::Answer(step) => {
                let step = dialog.steps.get(*step as usize);
                let given = step.and_then(|step| run.answer(&step.id));
                out.push_str(given.map_or("", Given::shown));
            }
            Part::Known => out.push_str(known.unwrap_or_default()),
        }
    }
    out
}

/// The most bytes that a phrase becomes at a step of a dialog.
pub(in crate::playbook) fn longest(phrase: &Phrase, steps: &[Step], own: Option<&Step>) -> usize {
    let part = |part: &Part| match part {
        Part::Words(words) => words.len(),
        Part::Choices => {
            let choices = own.map_or(&[][..], |step| step.take.choices());
            choices.iter().map(|choice| TAPPED + 2 * choice.say.len()).sum()
        }
        Part::Score => 5,
        Part::Number => request::NUMBER_LENGTH,
        Part::Total => u64::MAX.to_string().len(),
        Part::Answer(step) => steps.get(*step as usize).map_or(0, |step| step.take.longest()),
        Part::Known => own.map_or(0, |step| step.take.longest()),
    };
    let known = own.is_some_and(|step| step.known.as_ref() == Some(phrase));
    let asked = if known { 2 * TAPPED + 2 * (YES.len() + CHANGE.len()) } else { 0 };
    phrase.0.iter().map(part).sum::<usize>() + asked
}

/// The answers on the way that the run went, in the steps' order; those of a branch that was left again are not on it.
pub(super) fn way<'d>(dialog: &'d Dialog, run: &'d Run) -> Vec<(&'d Step, &'d Given)> {
    let (mut way, mut place) = (Vec::new(), 0);
    while let Some(step) = dialog.steps.get(place) {
        let Some(given) = run.answer(&step.id) else { break };
        way.push((step, given));
        match dialog.after(place, given) {
            super::form::Go::Step(next) if next as usize > place => place = next as usize,
            _ => break,
        }
    }
    way
}

pub(super) fn score(dialog: &Dialog, run: &Run) -> u32 {
    way(dialog, run).iter().map(|(_, given)| given.score).fold(0, u32::saturating_add)
}

/// What is bought. The number that is asked next after a product, before another product, says how many.
pub(super) fn lines(dialog: &Dialog, run: &Run) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut counted = true;
    for (step, given) in way(dialog, run) {
        if let Some(price) = given.price {
            let (product, name) = (given.value.clone(), given.shown().to_owned());
            lines.push(Line { product, name, quantity: 1, price });
            counted = false;
        } else if let (Take::Number { .. }, false, Some(line), Ok(quantity)) =
            (&step.take, counted, lines.last_mut(), given.value.parse())
        {
            line.quantity = quantity;
            counted = true;
        }
    }
    lines
}

fn total(lines: &[Line]) -> u64 {
    lines.iter().map(|line| line.price.saturating_mul(u64::from(line.quantity))).fold(0, u64::saturating_add)
}

/// 168, or 168.50.
fn yuan(cents: u64, out: &mut String) {
    let _ = write!(out, "{}", cents / 100);
    if !cents.is_multiple_of(100) {
        let _ = write!(out, ".{:02}", cents % 100);
    }
}
