//! What a fan asks the brand for: an order by dialog, feedback, a person outside hours. The outbox posts it to the brand.

use crate::{store::digest, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The longest text of a request in bytes.
pub const TEXT_MAX: usize = 2_048;
/// The most answers of a request.
pub const ANSWERS_MAX: usize = 40;

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
    use super::*;

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
