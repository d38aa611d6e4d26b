//! Fields from JSON, by `serde_json` with visitors of our own: no tree in between, and numbers become text at once.

use super::{Budget, DEPTH_MAX, Fields, FieldsError, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};

/// The members of the object.
pub(super) fn parse(text: &str) -> Result<Fields, FieldsError> {
    let mut state = State { budget: Budget::new(), refused: None };
    let mut fields = Fields::default();
    read(text, Members { state: &mut state, depth: 1, into: &mut fields })
        .map_err(|malformed| state.refused.unwrap_or(malformed))?;
    Ok(fields)
}

/// The first member called `name`, if it is a string.
pub(super) fn member<'a>(text: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, FieldsError> {
    let mut found = None;
    read(text, Member { name, found: &mut found })?;
    Ok(found)
}

fn read<'a>(text: &'a str, seed: impl DeserializeSeed<'a, Value = ()>) -> Result<(), FieldsError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let malformed = |error: serde_json::Error| FieldsError::Json { line: error.line(), column: error.column() };
    seed.deserialize(&mut json).map_err(malformed)?;
    json.end().map_err(malformed)
}

/// What one reading shares: the bounds, and which of them stopped it (serde's error could only say it in words).
struct State {
    budget: Budget,
    refused: Option<FieldsError>,
}

impl State {
    fn check<T, E: Error>(&mut self, result: Result<T, FieldsError>) -> Result<T, E> {
        result.map_err(|refused| {
            self.refused = Some(refused);
            E::custom(refused)
        })
    }
}

/// The members of an object, added to `into`.
struct Members<'s> {
    state: &'s mut State,
    depth: usize,
    into: &'s mut Fields,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            members.next_value_seed(Field { state: self.state, depth: self.depth, name: &name, into: self.into })?;
        }
        Ok(())
    }
}

/// One value under `name`, added to `into`; an array adds each of its values under that name.
struct Field<'s> {
    state: &'s mut State,
    depth: usize,
    name: &'s str,
    into: &'s mut Fields,
}

impl Field<'_> {
    fn add<E: Error>(self, value: Value) -> Result<(), E> {
        let spent = self.state.budget.spend();
        self.state.check(spent)?;
        self.into.0.push((self.name.to_owned(), value));
        Ok(())
    }

    fn text<E: Error>(self, text: impl Into<String>) -> Result<(), E> {
        self.add(Value::Text(text.into()))
    }

    /// The depth inside this value.
    fn deeper<E: Error>(&mut self) -> Result<usize, E> {
        let fits = if self.depth < DEPTH_MAX { Ok(self.depth + 1) } else { Err(FieldsError::TooDeep) };
        self.state.check(fits)
    }
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_string<E: Error>(self, text: String) -> Result<(), E> {
        self.text(text)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.text(number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.text(number.to_string())
    }

    /// `Debug`, because it keeps `23.0` and writes `1e300` short.
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.text(format!("{number:?}"))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.text(truth.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.text("")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let Self { state, name, into, .. } = self;
        while values.next_element_seed(Field { state: &mut *state, depth, name, into: &mut *into })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, members: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let mut group = Fields::default();
        Members { state: self.state, depth, into: &mut group }.visit_map(members)?;
        self.add(Value::Group(group))
    }
}

/// One string member of an object; everything else is skipped.
struct Member<'s, 'de> {
    name: &'s str,
    found: &'s mut Option<Cow<'de, str>>,
}

impl<'de> DeserializeSeed<'de> for Member<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = members.next_key()? {
            if name == self.name && self.found.is_none() {
                *self.found = Some(members.next_value::<Text<'de>>()?.0);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A string, borrowed where it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}
