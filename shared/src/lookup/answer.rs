//! From a service's response to the line that the fan reads.

use super::Lookup;
use crate::wechat::reply::TEXT_MAX;
use serde_json::Value;

/// How many characters of a service's value the fan reads.
pub const VALUE_MAX: usize = 200;

/// Why a response is no answer. None of these repeats the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Redirects among them: none is followed.
    #[error("the service answered with status {0}")]
    Status(u16),
    /// Where a pointer looks into it.
    #[error("the service's answer is no JSON")]
    NotJson,
    /// Nothing there, or an object or a list.
    #[error("the service's answer has no value where the pointer looks")]
    NoValue,
    /// No text, or nothing but blanks.
    #[error("the service's answer is empty, or no text")]
    NoText,
    /// One that `words` does not name.
    #[error("the service's value is none of the words")]
    NoWord,
}

impl Lookup {
    /// What the fan reads, at most [`TEXT_MAX`] bytes of plain text: what would be a link, a control or a second page is not in it.
    ///
    /// # Errors
    /// [`Unusable`]; then the fan gets the fallback.
    pub fn line(&self, status: u16, body: &[u8]) -> Result<String, Unusable> {
        if status != 200 {
            return Err(Unusable::Status(status));
        }
        let value = self.value(body)?;
        let words = &self.service.words;
        let said = match words.iter().find(|(named, _)| *named == value) {
            Some((_, word)) => word,
            None if words.is_empty() => &value,
            None => return Err(Unusable::NoWord),
        };
        let question = plain(&self.question);
        let around: Vec<String> = self.service.text.iter().map(|gaps| gaps.fill(&question)).collect();
        let mut line = around.join(said);
        line.truncate(line.floor_char_boundary(TEXT_MAX));
        if line.trim().is_empty() { Err(Unusable::NoText) } else { Ok(line) }
    }

    /// The value, cut to [`VALUE_MAX`].
    fn value(&self, body: &[u8]) -> Result<String, Unusable> {
        let value = match &self.service.pointer {
            None => plain(std::str::from_utf8(body).map_err(|_| Unusable::NoText)?),
            Some(pointer) => {
                let document: Value = serde_json::from_slice(body).map_err(|_| Unusable::NotJson)?;
                match document.pointer(pointer) {
                    Some(Value::String(text)) => plain(text),
                    Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                    _ => return Err(Unusable::NoValue),
                }
            }
        };
        if value.is_empty() { Err(Unusable::NoText) } else { Ok(value) }
    }
}

/// Text as WeChat shows it and no more: runs of blanks, line breaks and controls are one blank, and `<` and `>` are full-width, so that nobody's
/// service puts a link before the brand's fans.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut length = 0;
    for c in text.chars() {
        let c = match c {
            '<' => '＜',
            '>' => '＞',
            c if c.is_control() || c.is_whitespace() || is_unseen(c) => ' ',
            c => c,
        };
        if c == ' ' && (plain.is_empty() || plain.ends_with(' ')) {
            continue;
        }
        if length == VALUE_MAX {
            break;
        }
        plain.push(c);
        length += 1;
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Marks that change the direction of what stands behind them, and what takes no room.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
