//! The fields of a callback body, XML or JSON, before anybody knows what they mean.
//!
//! Both formats become the same [`Fields`]: the children of the root element, or the members of the object. A nested
//! element or object is a [`Value::Group`]; a repeated element and an array are the same name again. Numbers stay text,
//! so a 64-bit id keeps all its digits. Attributes, comments and the declaration are skipped.
//!
//! Bounds: groups nest at most [`DEPTH_MAX`] deep, a body has at most [`FIELDS_MAX`] fields. A DTD is refused, and so
//! is every entity but XML's own five and character references. Source:
//! [protocol 1.7 and 2.1](../../docs/wechat-protocol.md#1.7).

mod json;
mod xml;

use serde::{Deserialize, Serialize};

/// How deep groups may nest; the deepest known body (`MASSSENDJOBFINISH`) has 4.
pub const DEPTH_MAX: usize = 8;

/// How many fields a body may have in all, groups included.
pub const FIELDS_MAX: usize = 512;

/// Fields in the order they came; a name may repeat (`List` of the subscription-notice events does).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields(pub Vec<(String, Value)>);

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Text, a number as it was written, or nothing (`""`).
    Text(String),
    /// Fields of its own, such as `ScanCodeInfo`.
    Group(Fields),
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// What the console of official accounts offers.
    Xml,
    /// The same names as members of an object.
    Json,
}

impl Format {
    /// For the `content-type` of a reply.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// Why a body has no fields. Never holds text of the body, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The first character is neither `<` nor `{`.
    #[error("the body is neither XML nor JSON")]
    NeitherXmlNorJson,
    /// Not well-formed, cut off, or more than one root.
    #[error("the XML is not well-formed at byte {at}")]
    Xml {
        /// Bytes from the start of the document.
        at: u64,
    },
    /// A DTD or an entity that only a DTD could define.
    #[error("the XML has a DTD or an unknown entity")]
    Dtd,
    /// Not well-formed, cut off, or no object.
    #[error("the JSON is not an object at line {line}, column {column}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// More than [`DEPTH_MAX`].
    #[error("the fields nest deeper than {DEPTH_MAX}")]
    TooDeep,
    /// More than [`FIELDS_MAX`].
    #[error("there are more than {FIELDS_MAX} fields")]
    TooMany,
}

impl Format {
    /// The format of `body`, by its first character after a byte-order mark and white space.
    ///
    /// # Errors
    /// [`FieldsError::NeitherXmlNorJson`]
    pub fn of(body: &[u8]) -> Result<Self, FieldsError> {
        match body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start().first() {
            Some(b'<') => Ok(Self::Xml),
            Some(b'{') => Ok(Self::Json),
            _ => Err(FieldsError::NeitherXmlNorJson),
        }
    }
}

impl Fields {
    /// The fields of `body` and how they were written.
    ///
    /// # Errors
    /// [`FieldsError`]
    pub fn parse(body: &[u8]) -> Result<(Format, Self), FieldsError> {
        let body = std::str::from_utf8(body).map_err(|_| FieldsError::NotUtf8)?;
        let format = Format::of(body.as_bytes())?;
        let text = without_mark(body);
        let fields = match format {
            Format::Xml => xml::parse(text),
            Format::Json => json::parse(text),
        };
        Ok((format, fields?))
    }

    /// The first text of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| match value {
            Value::Text(text) if known == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// Every group of that name.
    pub fn groups<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.iter().filter_map(move |(known, value)| match value {
            Value::Group(group) if known == name => Some(group),
            _ => None,
        })
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the first text of that name.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, value)| known == name && matches!(value, Value::Text(_)))?;
        match self.0.remove(at).1 {
            Value::Text(text) => Some(text),
            Value::Group(_) => None,
        }
    }

    /// Takes out every text of that name.
    pub(super) fn take_all(&mut self, name: &str) -> Vec<String> {
        std::iter::from_fn(|| self.take(name)).collect()
    }

    /// Takes out the first text of that name if it is a number; leaves anything else.
    pub(super) fn take_number(&mut self, name: &str) -> Option<u64> {
        let number = self.text(name)?.trim().parse().ok()?;
        self.take(name).map(|_| number)
    }

    /// Lets `read` take what it knows out of every group of that name. A group with nothing left goes; one with fields
    /// that nobody knows stays.
    pub(super) fn read_groups<T>(&mut self, name: &str, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut found = Vec::new();
        self.0.retain_mut(|(known, value)| match value {
            Value::Group(group) if known == name => {
                found.push(read(group));
                !group.is_empty()
            }
            _ => true,
        });
        found
    }
}

/// The text of the top-level field `Encrypt`, if `body` has one that is not empty. Nothing else is kept, because nothing
/// else of an encrypted body is authentic; what follows the field is not even read.
///
/// # Errors
/// [`FieldsError`]
pub(super) fn encrypt(body: &str) -> Result<(Format, Option<std::borrow::Cow<'_, str>>), FieldsError> {
    let format = Format::of(body.as_bytes())?;
    let text = without_mark(body);
    let found = match format {
        Format::Xml => xml::child(text, "Encrypt"),
        Format::Json => json::member(text, "Encrypt"),
    }?;
    Ok((format, found.filter(|encrypt| !encrypt.trim_ascii().is_empty())))
}

fn without_mark(body: &str) -> &str {
    body.strip_prefix('\u{FEFF}').unwrap_or(body)
}

/// How much a body may still hold.
#[derive(Clone, Copy)]
struct Budget {
    fields: usize,
}

impl Budget {
    const fn new() -> Self {
        Self { fields: FIELDS_MAX }
    }

    fn spend(&mut self) -> Result<(), FieldsError> {
        self.fields = self.fields.checked_sub(1).ok_or(FieldsError::TooMany)?;
        Ok(())
    }
}
