//! One request, and what can be wrong with it before anybody asks what it wants.

use super::answer::Refusal;
use serde_json::Value;
use std::borrow::Cow;

/// One HTTP request, as far as WeChat looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// From `/cgi-bin/` to before the `?`.
    pub path: &'a str,
    /// After the `?`.
    pub query: &'a str,
    /// JSON, or nothing.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A POST with its token.
    pub fn post(path: &'a str, query: &'a str, body: &'a [u8]) -> Self {
        Self { method: "POST", path, query, body }
    }

    /// A GET.
    pub fn get(path: &'a str, query: &'a str) -> Self {
        Self { method: "GET", path, query, body: b"" }
    }

    /// A parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The body, as WeChat reads it: UTF-8 without escapes for what needs none
    /// ([protocol 4.2](../../../../shared/docs/wechat-protocol.md#4.2)).
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        if self.body.is_empty() {
            Err(Refusal::EmptyBody)
        } else if escapes_text(self.body) {
            Err(Refusal::Charset)
        } else {
            serde_json::from_slice(self.body).map_err(|_| Refusal::NotJson)
        }
    }
}

/// Whether a `\uXXXX` stands for anything but ASCII.
fn escapes_text(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = rest.get(at + 1..).unwrap_or_default();
        let digits = escape.strip_prefix(b"u").and_then(|digits| std::str::from_utf8(digits.get(..4)?).ok());
        if digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).is_some_and(|char| char >= 0x80) {
            return true;
        }
        // Past the escaped character, which may be a backslash itself.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_escape_for_other_than_ascii_is_refused() {
        for body in [r#""\u732b""#, r#""a\\\u732B""#, r#""\n\u00e9""#] {
            assert!(escapes_text(body.as_bytes()), "{body}");
        }
        for body in [r#""猫""#, r#""\u001f""#, r#""\\u732b""#, r#""\n""#, r#""\u73"#, "\\"] {
            assert!(!escapes_text(body.as_bytes()), "{body}");
        }
    }
}
