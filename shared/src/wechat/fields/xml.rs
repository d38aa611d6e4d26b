//! Fields from XML, by `quick-xml`'s pull reader.

use super::{Budget, DEPTH_MAX, Fields, FieldsError, Value};
use quick_xml::{
    Reader,
    escape::resolve_xml_entity,
    events::{BytesRef, Event},
};
use std::borrow::Cow;

/// The children of the root, whatever its name.
pub(super) fn parse(text: &str) -> Result<Fields, FieldsError> {
    let mut document = Document::new(text);
    let fields = match document.root()? {
        true => document.children(1)?,
        false => Fields::default(),
    };
    document.end()?;
    Ok(fields)
}

/// The text of the first child of the root that is called `name`. Reads no further.
pub(super) fn child<'a>(text: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, FieldsError> {
    let mut document = Document::new(text);
    if !document.root()? {
        return Ok(None);
    }
    loop {
        match document.event()? {
            Event::Start(start) if start.name().as_ref() == name => return document.only_text(),
            Event::Start(start) => {
                let end = start.name();
                document.reader.read_to_end(end).map_err(|_| document.malformed())?;
            }
            Event::End(_) => return Ok(None),
            Event::Eof => return Err(document.malformed()),
            _ => {}
        }
    }
}

struct Document<'a> {
    reader: Reader<&'a [u8]>,
    budget: Budget,
}

impl<'a> Document<'a> {
    fn new(text: &'a str) -> Self {
        Self { reader: Reader::from_str(text), budget: Budget::new() }
    }

    /// The next event; a DTD ends the reading.
    fn event(&mut self) -> Result<Event<'a>, FieldsError> {
        match self.reader.read_event() {
            Ok(Event::DocType(_)) => Err(FieldsError::Dtd),
            Ok(event) => Ok(event),
            Err(_) => Err(self.malformed()),
        }
    }

    fn malformed(&self) -> FieldsError {
        FieldsError::Xml { at: self.reader.error_position().max(self.reader.buffer_position()) }
    }

    /// Goes into the root element; false when it is an empty tag.
    fn root(&mut self) -> Result<bool, FieldsError> {
        loop {
            match self.event()? {
                Event::Start(_) => return Ok(true),
                Event::Empty(_) => return Ok(false),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.malformed()),
            }
        }
    }

    /// After the root nothing may come that means anything.
    fn end(&mut self) -> Result<(), FieldsError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::PI(_) | Event::Comment(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.malformed()),
            }
        }
    }

    /// The elements up to the end of the root, which has been opened.
    fn children(&mut self, depth: usize) -> Result<Fields, FieldsError> {
        let mut fields = Fields(Vec::with_capacity(8));
        loop {
            match self.event()? {
                Event::Start(start) => fields.0.push(self.element(start.name().into_inner(), depth)?),
                Event::Empty(start) => {
                    self.budget.spend()?;
                    fields.0.push((start.name().into_inner().to_owned(), Value::Text(String::new())));
                }
                Event::End(_) => return Ok(fields),
                Event::Eof => return Err(self.malformed()),
                // Text of the root itself is no field, but an entity that nobody defined is refused everywhere.
                Event::GeneralRef(reference) => {
                    self.resolve(&reference)?;
                }
                _ => {}
            }
        }
    }

    /// An element that has been opened: text, or a group as soon as it has an element of its own.
    fn element(&mut self, name: &str, depth: usize) -> Result<(String, Value), FieldsError> {
        self.budget.spend()?;
        if depth > DEPTH_MAX {
            return Err(FieldsError::TooDeep);
        }
        let mut text = Text::default();
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let first = self.element(start.name().into_inner(), depth + 1)?;
                    return self.group(name, first, depth + 1);
                }
                Event::Empty(start) => {
                    self.budget.spend()?;
                    let first = (start.name().into_inner().to_owned(), Value::Text(String::new()));
                    return self.group(name, first, depth + 1);
                }
                Event::End(_) => return Ok((name.to_owned(), Value::Text(text.finish()))),
                other => self.add(&mut text, other)?,
            }
        }
    }

    fn group(&mut self, name: &str, first: (String, Value), depth: usize) -> Result<(String, Value), FieldsError> {
        let mut fields = self.children(depth)?;
        fields.0.insert(0, first);
        Ok((name.to_owned(), Value::Group(fields)))
    }

    /// The text of an element that has been opened; none when it has elements. One section of CDATA is not copied.
    fn only_text(&mut self) -> Result<Option<Cow<'a, str>>, FieldsError> {
        let mut whole: Option<Cow<'a, str>> = None;
        let mut text = Text::default();
        loop {
            match self.event()? {
                Event::Start(_) | Event::Empty(_) => return Ok(None),
                Event::End(_) => return Ok(Some(whole.unwrap_or_else(|| Cow::Owned(text.finish())))),
                Event::CData(section) if whole.is_none() && text.is_blank() => whole = Some(section.xml10_content()),
                Event::Text(blank) if whole.is_some() && blank.trim_ascii().is_empty() => {}
                other => {
                    if let Some(section) = whole.take() {
                        text.section(&section);
                    }
                    self.add(&mut text, other)?;
                }
            }
        }
    }

    /// One event of an element's text.
    fn add(&mut self, text: &mut Text, event: Event<'a>) -> Result<(), FieldsError> {
        match event {
            Event::Text(run) => text.run(&run.xml10_content(), false),
            Event::GeneralRef(reference) => {
                let resolved = self.resolve(&reference)?;
                text.run(&resolved, true);
            }
            Event::CData(section) => text.section(&section.xml10_content()),
            Event::Eof => return Err(self.malformed()),
            _ => {}
        }
        Ok(())
    }

    fn resolve(&self, reference: &BytesRef<'a>) -> Result<Cow<'static, str>, FieldsError> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) => Ok(Cow::Owned(character.to_string())),
            Ok(None) => resolve_xml_entity(reference).map(Cow::Borrowed).ok_or(FieldsError::Dtd),
            Err(_) => Err(self.malformed()),
        }
    }
}

/// An element's text, piece by piece. White space beside a CDATA section is layout, and dropped; anything else is kept
/// as it came.
#[derive(Default)]
struct Text {
    text: String,
    /// Where the plain text since the last section begins.
    run: usize,
    /// That plain text has a character reference, so it was meant, even if it is blank.
    meant: bool,
    /// There was a section.
    sections: bool,
}

impl Text {
    fn run(&mut self, run: &str, meant: bool) {
        self.text.push_str(run);
        self.meant |= meant;
    }

    fn section(&mut self, section: &str) {
        self.drop_layout();
        self.text.push_str(section);
        self.run = self.text.len();
        self.meant = false;
        self.sections = true;
    }

    fn drop_layout(&mut self) {
        if !self.meant && self.text.get(self.run..).is_some_and(|run| run.trim_ascii().is_empty()) {
            self.text.truncate(self.run);
        }
    }

    fn is_blank(&self) -> bool {
        !self.meant && !self.sections && self.text.trim_ascii().is_empty()
    }

    fn finish(mut self) -> String {
        if self.sections {
            self.drop_layout();
        }
        self.text
    }
}
