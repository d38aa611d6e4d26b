//! What a fan asks the brand for: an order by dialog, feedback, a person outside hours. The outbox posts it to the brand.

use crate::{
    store::{digest, format, keys, list::List},
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};

/// The longest text of a request in bytes.
pub const TEXT_MAX: usize = 2_048;
/// The most answers of a request, and the most lines.
pub const ANSWERS_MAX: usize = 40;
/// The most bytes of an [`Asked`]: a page of them is a record of the store, which holds 300 KB.
pub const ASKED_MAX: usize = 4_500;

/// What fans ask for, in the order in which rollup learned of it.
pub fn list() -> List<Asked> {
    keys::REQUESTS.list(&[])
}

/// A request and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The fan's.
    pub openid: OpenId,
    /// What is asked for.
    pub request: Request,
    /// Its texts were too long, and the longest of them are cut.
    pub cut: bool,
}

impl Asked {
    /// A request of a fan's, of at most [`ASKED_MAX`] bytes.
    pub fn new(openid: OpenId, mut request: Request) -> Self {
        let mut cut = request.answers.len() > ANSWERS_MAX || request.lines.len() > ANSWERS_MAX;
        request.answers.truncate(ANSWERS_MAX);
        request.lines.truncate(ANSWERS_MAX);
        let mut asked = Self { openid, request, cut };
        while format::encode(0, &asked).len() > ASKED_MAX {
            cut = true;
            match asked.request.texts().max_by_key(|text| text.len()).filter(|text| text.len() > 16) {
                Some(text) => text.truncate(text.floor_char_boundary(text.len() / 2)),
                // Ids and names alone: what stands last matters least.
                None => drop(asked.request.answers.pop().is_none().then(|| asked.request.lines.pop())),
            }
        }
        Self { cut, ..asked }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What fan, brand and shop call it: the same in every try of the message that made it, and in a second 下单 of the same
    /// dialog run; no other request has it.
    pub number: String,
    /// What it is about.
    pub kind: Kind,
    /// The dialog or the rule that made it, by its id.
    pub source: String,
    /// When, by `CreateTime`.
    pub at: Timestamp,
    /// What the fan answered, in the steps' order.
    pub answers: Vec<Said>,
    /// What the fan wants to buy.
    pub lines: Vec<Line>,
    /// What the fan wrote, where it was no dialog.
    pub text: String,
    /// How many days after `at` the personal answers go; none: they go with the fan.
    pub forget_days: Option<u32>,
}

impl Request {
    /// The texts that may be cut: all but the number.
    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let Self { source, answers, lines, text, .. } = self;
        let answers = answers.iter_mut().flat_map(|said| [&mut said.step, &mut said.value, &mut said.words]);
        let lines = lines.iter_mut().flat_map(|line| [&mut line.product, &mut line.name]);
        [source, text].into_iter().chain(answers).chain(lines)
    }

    /// What all lines cost together, in cents.
    pub fn total(&self) -> u64 {
        let cost = |line: &Line| u64::from(line.quantity).saturating_mul(line.price);
        self.lines.iter().map(cost).fold(0, u64::saturating_add)
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Something to buy.
    Order,
    /// Praise or complaint.
    Feedback,
    /// Answers to questions of the brand's.
    Survey,
    /// Wants a person, outside hours.
    Person,
}

/// Characters of a [`number`].
pub const NUMBER_LENGTH: usize = 10;

/// The number of the request that a message's event `identity` makes at `source`: a dialog, by the message that began the run,
/// or a rule. Ten of Crockford's base-32 characters, 50 bits of a hash, so that it can be read out on the telephone.
pub fn number(identity: &str, source: &str) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let drawn = u64::from_be_bytes(digest::short(format!("{source}\n{identity}").as_bytes()));
    let digit = |place: usize| DIGITS.get((drawn >> (5 * place) & 31) as usize).map_or('0', |digit| char::from(*digit));
    (0..NUMBER_LENGTH).map(digit).collect()
}

impl Kind {
    /// Each with its name in a playbook and in the outbox.
    pub const ALL: [(&'static str, Self); 4] =
        [("order", Self::Order), ("feedback", Self::Feedback), ("survey", Self::Survey), ("person", Self::Person)];
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// Whether a text may be a [`number`].
pub fn is_number(text: &str) -> bool {
    text.len() == NUMBER_LENGTH && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The step's id.
    pub step: String,
    /// What it means: a choice's value, a number, a date as `2026-05-20` or `05-20`, the text.
    pub value: String,
    /// What a person reads, where that is another text; else empty.
    pub words: String,
    /// It says where or how to find the fan, or when the fan was born: masked wherever it is shown.
    pub personal: bool,
}

/// A product, how often, and for how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product's id in the playbook.
    pub product: String,
    /// Its name.
    pub name: String,
    /// Pieces.
    pub quantity: u32,
    /// Cents a piece.
    pub price: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn whatever_a_request_says_it_fits_onto_a_page_and_keeps_what_is_short() {
        let said =
            |length| Said { step: "wish".into(), value: "愿".repeat(length), words: String::new(), personal: false };
        let line = |name: &str| Line { product: "p".into(), name: name.into(), quantity: u32::MAX, price: u64::MAX };
        let request = |answers: Vec<Said>, lines: Vec<Line>| Request {
            number: number("a", "b"),
            kind: Kind::Order,
            source: "order".into(),
            at: Timestamp(7),
            answers,
            lines,
            text: "字".repeat(600),
            forget_days: None,
        };
        for (answers, lines) in [(0, 0), (40, 0), (0, 40), (100, 100)] {
            let long = request(vec![said(2_000); answers], vec![line(&"x".repeat(300)); lines]);
            let asked = Asked::new("o1".parse().unwrap(), long.clone());
            assert!(format::encode(0, &asked).len() <= ASKED_MAX);
            assert_eq!((asked.cut, &asked.request.number), (answers + lines > 0, &long.number));
        }
        let asked = Asked::new("o1".parse().unwrap(), request(vec![said(3_000), said(5)], vec![line("cake")]));
        assert!(asked.cut && asked.request.answers[1] == said(5) && asked.request.lines == [line("cake")]);
        let page = vec![Some(asked); crate::store::list::PAGE as usize];
        assert!(format::encode(1, &page).len() < 300_000);
    }

    #[test]
    fn a_number_is_of_one_event_and_source_and_has_no_letter_that_looks_like_a_digit() {
        let numbers = (0..1_000).map(|event| number(&event.to_string(), "order"));
        let distinct = numbers.collect::<std::collections::BTreeSet<_>>();
        assert_eq!(distinct.len(), 1_000);
        let shape = |number: &String| {
            number.len() == NUMBER_LENGTH
                && number.chars().all(|c| c.is_ascii_alphanumeric() && !"ILOUilou".contains(c))
        };
        assert!(distinct.iter().all(shape), "{distinct:?}");
        assert_eq!(number("a", "order"), number("a", "order"));
        assert_ne!(number("a", "order"), number("a", "survey"));
    }
}
