//! The log: one line for each event, and each line one JSON object.
//!
//! ```json
//! {"at":1772445600,"level":"warn","component":"callback","event":"refused","status":401,"says":"wrong signature: …"}
//! ```
//!
//! `at` (seconds since 1970), `level` (`info`, `warn`, `error`), `component` and `event` are always there and never change their
//! names; numbers by name and `says`, a sentence for people, where there are any. A line has at most [`LINE_MAX`] bytes, no
//! control character, and no openid: [`Event::line`] masks those that stand in a key of the store. That a secret or a fan's words
//! are not in it is up to whoever logs.

use crate::time::Timestamp;
use std::fmt::Write;

/// Bytes of a line at most, its end included.
pub const LINE_MAX: usize = 1_024;
/// Kept free behind what is said: three bytes for "…", the quote, the brace and the line's end.
const END: usize = 6;
/// The beginnings of the keys in which an openid stands, …
const NAMING: [&str; 5] = ["fan:", "conversation:", "dialog:", "ledger:", "request:fan:"];
/// … but not where one of these does.
const NAMELESS: [&str; 2] = ["list", "forget"];

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All is as it should be.
    Info,
    /// Somebody was turned away, or something was passed over; the rest goes on.
    Warn,
    /// Something does not work.
    Error,
}

impl Level {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// That of a refusal.
    pub fn of_status(status: u16) -> Self {
        if status >= 500 { Self::Error } else { Self::Warn }
    }
}

/// Something that the operator is told.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// How much it matters.
    pub level: Level,
    /// What happened, in lower case with underscores.
    pub name: &'static str,
    /// Numbers about it, by name.
    pub numbers: &'a [(&'static str, u64)],
    /// What it is in words; empty: nothing. No secret, and no fan's words.
    pub says: &'a str,
}

impl Event<'_> {
    /// Its line, with its end. `like_it`: so many of its kind were held back before it.
    pub fn line(&self, at: Timestamp, component: &str, like_it: u64) -> String {
        let mut line = String::with_capacity(256);
        let Self { level, name, .. } = self;
        // Writing to a `String` does not fail.
        let _ = write!(line, r#"{{"at":{at},"level":"{}","component":"{component}","event":"{name}""#, level.name());
        let like_it = [("like_it", like_it)];
        for (name, number) in self.numbers.iter().chain(like_it.iter().filter(|(_, count)| *count > 0)) {
            let _ = write!(line, r#","{name}":{number}"#);
        }
        if !self.says.is_empty() {
            line.push_str(r#","says":""#);
            put(&mut line, &masked(self.says));
            line.push('"');
        }
        line.push_str("}\n");
        line
    }
}

/// Puts a text between quotes of JSON, as much of it as there is room for.
fn put(line: &mut String, text: &str) {
    for letter in text.chars() {
        let mut escaped = [0; 4];
        let before = line.len();
        match letter {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            // The last two end a line for some who read it.
            _ if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {
                let _ = write!(line, "\\u{:04x}", u32::from(letter));
            }
            _ => line.push_str(letter.encode_utf8(&mut escaped)),
        }
        if line.len() + END > LINE_MAX {
            line.truncate(before);
            line.push('…');
            return;
        }
    }
}

/// The text with `<openid>` in the place of every openid that stands in a key of the store.
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = NAMING.iter().filter_map(|key| rest.find(key).map(|at| at + key.len())).min() {
        let (before, after) = rest.split_at(at);
        let is_of_openid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        let (openid, after) = after.split_at(after.find(|letter| !is_of_openid(letter)).unwrap_or(after.len()));
        shown.push_str(before);
        shown.push_str(if openid.is_empty() || NAMELESS.contains(&openid) { openid } else { "<openid>" });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::store::keys::{self, Person};
    use serde_json::Value;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn line(says: &str) -> String {
        let numbers = [("status", 401), ("bytes", u64::MAX)];
        Event { level: Level::Warn, name: "refused", numbers: &numbers, says }.line(Timestamp(9), "callback", 63)
    }

    #[test]
    fn a_line_is_one_json_object_with_its_fields_in_order() {
        let head = r#"{"at":9,"level":"warn","component":"callback","event":"refused","status":401"#;
        assert_eq!(line(""), format!("{head},\"bytes\":18446744073709551615,\"like_it\":63}}\n"));
        let event = Event { level: Level::Info, name: "ran", numbers: &[], says: "all" };
        let plain = r#"{"at":0,"level":"info","component":"stats","event":"ran","says":"all"}"#;
        assert_eq!(event.line(Timestamp(0), "stats", 0), format!("{plain}\n"));
        let levels = [401, 499, 500, 503].map(|status| Level::of_status(status).name());
        assert_eq!(levels, ["warn", "warn", "error", "error"]);
    }

    #[test]
    fn any_text_comes_back_and_none_breaks_the_line() {
        let odd = "\"quoted\\\" \n\r\t\0\u{7f}\u{85}\u{2028}\u{2029}{}[]:, 喵😺 \u{feff}";
        let line = line(odd);
        let line = line.strip_suffix('\n').unwrap();
        assert!(!line.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line}");
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["says"], odd);
        assert_eq!((&read["event"], &read["bytes"]), (&"refused".into(), &u64::MAX.into()));
    }

    #[test]
    fn no_text_makes_a_line_longer_than_it_may_be() {
        for letter in ["a", "喵", "😺", "\"", "\n", "\u{2028}", "a\u{0}喵"] {
            for count in [0, 1, 150, 400, 1_000, 100_000] {
                let says = letter.repeat(count);
                let line = line(&says);
                assert!(line.len() <= LINE_MAX, "{} bytes of {letter:?}", line.len());
                let read: Value = serde_json::from_str(&line).unwrap();
                let Some(said) = read["says"].as_str() else { continue };
                assert!(said == says || says.starts_with(said.strip_suffix('…').unwrap()), "{said}");
                assert!(said == says || line.len() + 8 >= LINE_MAX, "cut though there is room: {}", line.len());
            }
        }
    }

    #[test]
    fn an_openid_in_a_key_is_masked_and_other_keys_stay() {
        for (says, shown) in [
            ("cannot read ledger:oFan-1: damaged", "cannot read ledger:<openid>: damaged"),
            ("record fan:o_x is damaged, fan:oY too", "record fan:<openid> is damaged, fan:<openid> too"),
            ("damaged:cursor:fan:oFan", "damaged:cursor:fan:<openid>"),
            ("conversation:o1", "conversation:<openid>"),
            ("dialog:o1", "dialog:<openid>"),
            ("fan:list:3, fan:forget:9:1, fan: and fan:", "fan:list:3, fan:forget:9:1, fan: and fan:"),
            ("count:all is damaged", "count:all is damaged"),
        ] {
            assert_eq!(masked(says), shown);
        }
    }

    #[test]
    fn every_kind_of_key_that_has_an_openid_in_it_is_masked() {
        let naming = keys::ALL.iter().filter(|kind| kind.pattern.contains("<openid>"));
        let naming: Vec<_> = naming.inspect(|kind| assert_eq!(kind.person, Person::Named)).collect();
        assert_eq!(naming.len(), NAMING.len());
        for kind in naming {
            let shown = masked(&kind.pattern.replace("<openid>", "oFan-1"));
            assert!(!shown.contains("oFan-1"), "{shown}");
        }
    }
}
