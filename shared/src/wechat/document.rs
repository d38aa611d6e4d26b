//! Writes what goes to WeChat (and, in the simulator, from it): one document, XML or JSON, under the same names.

use super::fields::Format;
use std::fmt::Write;

/// A document that is being written, field by field.
pub(super) struct Document {
    out: String,
    format: Format,
}

impl Document {
    /// A whole document; `capacity` is a guess at its length in bytes.
    pub(super) fn write(format: Format, capacity: usize, fill: impl FnOnce(&mut Self)) -> String {
        let mut document = Self { out: String::with_capacity(capacity), format };
        match format {
            Format::Xml => document.element("xml", fill),
            Format::Json => document.object(fill),
        }
        document.out
    }

    /// A text field.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        match self.format {
            Format::Xml => self.element(name, |document| cdata(&mut document.out, text)),
            Format::Json => {
                self.member(name);
                self.string(text);
            }
        }
    }

    /// A text field of letters and digits that mean nothing to either format, such as base64: nobody needs to look at each of
    /// them.
    pub(super) fn plain(&mut self, name: &str, text: &str) {
        match self.format {
            Format::Xml => self.element(name, |document| document.enclosed(OPEN, text, CLOSE)),
            Format::Json => {
                self.member(name);
                self.enclosed("\"", text, "\"");
            }
        }
    }

    /// A text field, if there is text.
    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A number, bare in both formats.
    pub(super) fn number(&mut self, name: &str, number: u64) {
        let write = |document: &mut Self| {
            // Writing to a `String` does not fail.
            let _ = write!(document.out, "{number}");
        };
        match self.format {
            Format::Xml => self.element(name, write),
            Format::Json => {
                self.member(name);
                write(self);
            }
        }
    }

    /// A field with fields of its own.
    pub(super) fn group(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        match self.format {
            Format::Xml => self.element(name, fill),
            Format::Json => {
                self.member(name);
                self.object(fill);
            }
        }
    }

    /// The same group several times: elements of one name, or an array.
    pub(super) fn groups<T>(&mut self, name: &str, items: &[T], mut fill: impl FnMut(&mut Self, &T)) {
        match self.format {
            Format::Xml => items.iter().for_each(|item| self.element(name, |document| fill(document, item))),
            Format::Json => {
                self.member(name);
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.object(|document| fill(document, item));
                }
                self.out.push(']');
            }
        }
    }

    fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.enclosed("<", name, ">");
        fill(self);
        self.enclosed("</", name, ">");
    }

    fn enclosed(&mut self, open: &str, text: &str, close: &str) {
        for part in [open, text, close] {
            self.out.push_str(part);
        }
    }

    fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.out.push('{');
        fill(self);
        self.out.push('}');
    }

    fn member(&mut self, name: &str) {
        if !self.out.ends_with(['{', '[']) {
            self.out.push(',');
        }
        self.string(name);
        self.out.push(':');
    }

    fn string(&mut self, text: &str) {
        // A string always has a JSON form.
        self.out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

const OPEN: &str = "<![CDATA[";
const CLOSE: &str = "]]>";

/// `text` in CDATA, without the characters that XML forbids: one of them makes a reply "abnormal", and the fan sees a
/// fault notice. Source: [protocol 3.3](../../docs/wechat-protocol.md#3.3).
fn cdata(out: &mut String, text: &str) {
    out.push_str(OPEN);
    if is_harmless(text) {
        out.push_str(text);
    } else {
        // First the characters, then the end mark, because dropping a character may put the three of it together.
        out.push_str(&text.replace(is_forbidden, "").replace(CLOSE, "]]]]><![CDATA[>"));
    }
    out.push_str(CLOSE);
}

/// Characters that XML 1.0 does not have, escaped or not.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Whether `text` has surely nothing to change: no `]`, no control character, no bytes like those that end U+FFFE and
/// U+FFFF. Without a branch, so that it is done many bytes at once where the processor can.
fn is_harmless(text: &str) -> bool {
    let bytes = text.as_bytes();
    let special = |b: u8| (b == b']') | ((b < b' ') & !matches!(b, b'\t' | b'\n' | b'\r'));
    let special = bytes.iter().fold(false, |any, b| any | special(*b));
    let nonchars =
        bytes.iter().zip(bytes.iter().skip(1)).fold(false, |any, (a, b)| any | ((*a == 0xBF) & (*b >= 0xBE)));
    !special && !nonchars
}
