//! How people mistype.

use rand::{Rng, seq::IndexedRandom};

/// One slip of the finger or the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// Two neighbours change places.
    Swap,
    /// A character twice.
    Double,
    /// A character is missing.
    Drop,
    /// ＡＢＣ１２３: the keyboard stood on full-width.
    FullWidth,
    /// The shift key stuck.
    UpperCase,
    /// Blanks before, behind and within, one of them ideographic.
    Blanks,
}

impl Slip {
    const ALL: [Self; 6] = [Self::Swap, Self::Double, Self::Drop, Self::FullWidth, Self::UpperCase, Self::Blanks];

    /// Any of them, equally often.
    pub fn draw(rng: &mut impl Rng) -> Self {
        Self::ALL.choose(rng).copied().unwrap_or(Self::Double)
    }

    /// The word with this slip. Never empty when the word is not; where the slip would change nothing (upper case of
    /// Chinese), a character doubles instead.
    pub fn apply(self, word: &str, rng: &mut impl Rng) -> String {
        let slipped = self.try_apply(word, rng);
        if slipped == word || slipped.is_empty() { Self::Double.try_apply(word, rng) } else { slipped }
    }

    fn try_apply(self, word: &str, rng: &mut impl Rng) -> String {
        let mut chars: Vec<char> = word.chars().collect();
        let place = rng.random_range(0..chars.len().max(1));
        match self {
            Self::Swap if place + 1 < chars.len() => chars.swap(place, place + 1),
            Self::Swap => chars.reverse(),
            Self::Double => chars.extend_from_within(chars.len().saturating_sub(1)..),
            Self::Drop if chars.len() > 1 => drop(chars.remove(place)),
            Self::Drop => {}
            Self::FullWidth => chars.iter_mut().for_each(|c| *c = full_width(*c)),
            Self::UpperCase => return word.to_uppercase(),
            Self::Blanks => {
                chars.insert(place, ' ');
                chars.insert(0, ' ');
                chars.push('\u{3000}');
            }
        }
        chars.into_iter().collect()
    }
}

/// Printable ASCII has its full-width twin 0xFEE0 further up; the blank's is U+3000.
fn full_width(c: char) -> char {
    match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn every_slip_changes_every_word_and_empties_none() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for word in ["猫粮", "wifi", "7", "a b", "退货 退款"] {
            for slip in Slip::ALL {
                let slipped = slip.apply(word, &mut rng);
                assert!(slipped != word && !slipped.is_empty(), "{slip:?} of {word:?} gave {slipped:?}");
            }
        }
    }

    #[test]
    fn slips_look_as_people_make_them() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let cases = [
            (Slip::Swap, "ab", "ba"),
            (Slip::Double, "猫粮", "猫粮粮"),
            (Slip::FullWidth, "WiFi 5!", "ＷｉＦｉ　５！"),
            (Slip::UpperCase, "wifi", "WIFI"),
        ];
        for (slip, word, expected) in cases {
            assert_eq!(slip.apply(word, &mut rng), expected, "{slip:?}");
        }
    }
}
