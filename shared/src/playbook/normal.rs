//! Normalised text: what keywords and messages have in common however a fan types.
//!
//! - Full-width letters, digits and signs become half-width (`ＡＢ１！` → `ab1!`), the ideographic space a blank.
//! - Letters become small.
//! - A run of blanks and line breaks becomes one blank. It goes altogether at both ends and beside a Chinese or Japanese
//!   character, where blanks part no words: `猫 粮` is `猫粮`, `cat  food` is `cat food`.
//! - Characters that cannot be seen go: zero-width, direction marks, variation selectors, controls.

use std::borrow::Cow;

/// The longest normalised text a rule looks at, in bytes; the rest of a message is not matched. WeChat's own input box
/// takes about as much.
pub const MATCHED_MAX: usize = 2_048;

/// The normal form of `text`; borrowed when it is normal already. Normalising twice changes nothing more.
pub fn normalise(text: &str) -> Cow<'_, str> {
    match text.char_indices().find(|(_, c)| !is_surely_normal(*c)) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(rewrite(text, at)),
    }
}

/// Whether the character stays as it is whatever stands beside it. False is no promise.
fn is_surely_normal(c: char) -> bool {
    matches!(c, '!'..='@' | '['..='~' | '\u{4e00}'..='\u{9fff}')
}

fn rewrite(text: &str, at: usize) -> String {
    let (normal, rest) = text.split_at_checked(at).unwrap_or(("", text));
    let mut out = String::with_capacity(text.len());
    out.push_str(normal);
    let mut last = normal.chars().next_back();
    let mut blank = false;
    for c in rest.chars().map(half_width).filter(|c| !is_invisible(*c)) {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        for small in c.to_lowercase() {
            let parts_words = last.is_some_and(|last| !is_cjk(last)) && !is_cjk(small);
            if std::mem::take(&mut blank) && parts_words {
                out.push(' ');
            }
            out.push(small);
            last = Some(small);
        }
    }
    out
}

fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Characters between which a blank says nothing: ideographs, kana, Chinese punctuation. Not Hangul, whose words are
/// parted by blanks.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_invisible(c: char) -> bool {
    let format = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    format || (c.is_control() && !c.is_whitespace())
}

/// At most `max` bytes from the front of `text`, ending between two characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn one_question_typed_in_many_ways_is_one_text() {
        for (typed, normal) in [
            ("猫粮", "猫粮"),
            (" 猫 粮\n", "猫粮"),
            ("猫\u{3000}粮", "猫粮"),
            ("猫\u{200b}粮\u{feff}", "猫粮"),
            ("ＶＩＰ　１２", "vip 12"),
            ("Cat \t FOOD", "cat food"),
            ("买 iPhone 壳", "买iphone壳"),
            ("你好 ！", "你好!"),
            ("  ", ""),
            ("a\u{0}b", "ab"),
            ("İ", "i\u{307}"),
            ("❤\u{fe0f}", "❤"),
            ("고양이 사료", "고양이 사료"),
        ] {
            assert_eq!(normalise(typed), normal, "{typed:?}");
        }
    }

    #[test]
    fn what_is_normal_already_is_not_copied() {
        assert!(matches!(normalise("猫粮多少钱?"), Cow::Borrowed(_)));
        assert!(matches!(normalise("猫粮A"), Cow::Owned(_)));
    }

    #[test]
    fn every_character_is_normal_after_one_pass() {
        for c in '\0'..=char::MAX {
            let around = format!("a {c} b猫 {c} 粮{c}{c}");
            let once = normalise(&around).into_owned();
            assert_eq!(normalise(&once), once, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("猫粮", 5), "猫");
        assert_eq!(cut("猫粮", 6), "猫粮");
        assert_eq!(cut("猫粮", 0), "");
    }
}
