//! Reads a campaign's `segment`: which fans it is for.

use super::{
    reader::{Fields, Value, Word, texts},
    saved::SavedFields,
};
use crate::{
    facts::dialog::VALUE_MAX,
    playbook::{
        compiled::Channel,
        problem::{Findings, did_you_mean},
        pushes::{DaysAgo, Segment},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// The longest that days may be, about ten years.
pub(super) const DAYS_MAX: i64 = 3_650;

/// The most channels, tags or products that a segment names.
pub(super) const NAMES_MAX: usize = 100;
/// The most fields that a segment names.
pub(super) const FIELDS_MAX: usize = 10;
const FIELDS_HELP: &str = "write fields = { pet = \"cat\" }: what a dialog saved";
const HELP: &str = "write segment = {} for all fans, or segment = { tags = [\"…\"], bought = \"30-90\" }";

/// What a segment may name: what the playbook has.
pub(super) struct Names<'n> {
    channels: BTreeSet<&'n str>,
    tags: BTreeSet<&'n str>,
    products: BTreeSet<&'n str>,
    saved: SavedFields<'n>,
}

impl<'n> Names<'n> {
    pub(super) fn new(
        channels: impl Iterator<Item = &'n Channel>,
        products: BTreeSet<&'n str>,
        saved: SavedFields<'n>,
    ) -> Self {
        let (mut ids, mut tags) = (BTreeSet::new(), BTreeSet::new());
        for channel in channels {
            ids.insert(channel.id.as_str());
            tags.extend(channel.tags.iter().map(String::as_str));
        }
        Self { channels: ids, tags, products, saved }
    }
}

pub(super) fn read(fields: &mut Fields<'_, '_>, known: &Names<'_>) -> Option<Segment> {
    let findings = fields.findings;
    let mut fields = Fields::of(fields.require("segment", HELP)?, "`segment`", HELP, findings)?;
    let segment = Segment {
        channels: names(
            &mut fields,
            "channels",
            &known.channels,
            ("channel", "add it to [[channels]] or name another"),
        ),
        tags: names(&mut fields, "tags", &known.tags, ("tag", "give it to a channel or name another")),
        products: names(
            &mut fields,
            "products",
            &known.products,
            ("product", "add it to [[products]] or name another"),
        ),
        followed: days_ago(fields.text("followed"), findings),
        bought: days_ago(fields.text("bought"), findings),
        contact: days_ago(fields.text("contact"), findings),
        fields: fields.get("fields").map(|value| saved(value, &known.saved, findings)).unwrap_or_default(),
    };
    fields.finish();
    Some(segment)
}

/// By field the values of which a fan has one.
fn saved(value: &Value<'_>, known: &SavedFields<'_>, findings: &Findings<'_>) -> BTreeMap<String, Vec<String>> {
    let Some(fields) = Fields::of(value, "`fields`", FIELDS_HELP, findings) else { return BTreeMap::new() };
    let mut fields: Vec<_> = fields.others().collect();
    fields.sort_by_key(|(name, _)| name.at());
    if fields.is_empty() || fields.len() > FIELDS_MAX {
        let message = format!("a segment names 1 to {FIELDS_MAX} fields, not {}", fields.len());
        findings.add(value.span().start, message, FIELDS_HELP);
    }
    let mut read = BTreeMap::new();
    for (name, value) in fields {
        known.check(name.text, name.at(), findings);
        let words = texts(value, name.text, findings);
        if let Some(word) = words.get(NAMES_MAX) {
            let message = format!("`{}` has more than {NAMES_MAX} values", name.text);
            findings.add(word.at(), message, "make it two campaigns");
        }
        for word in words.iter().filter(|word| !(1..=VALUE_MAX).contains(&word.text.len())) {
            let message = format!("a field's value has 1 to {VALUE_MAX} bytes");
            findings.add(word.at(), message, "write it as the dialog saves it");
        }
        read.insert(name.text.to_owned(), words.into_iter().map(|word| word.text.to_owned()).collect());
    }
    read
}

/// Names that must be among `known`; `what` they are, and what to write instead.
fn names(
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    known: &BTreeSet<&str>,
    (what, help): (&str, &str),
) -> Vec<String> {
    let words = fields.texts(key);
    if let Some(word) = words.get(NAMES_MAX) {
        let message = format!("`{key}` has more than {NAMES_MAX} entries");
        fields.findings.add(word.at(), message, "make it two campaigns");
    }
    for word in words.iter().filter(|word| !known.contains(word.text)) {
        let help = did_you_mean(word.text, known.iter().copied(), help);
        fields.findings.add(word.at(), format!("there is no {what} `{}`", word.text), help);
    }
    words.into_iter().map(|word| word.text.to_owned()).collect()
}

/// `30-90`, `30-` or `-7`: so many days ago, both ends included.
pub(super) fn days_ago(word: Option<Word<'_>>, findings: &Findings<'_>) -> Option<DaysAgo> {
    let word = word?;
    let days = word.text.split_once('-').and_then(|(min, max)| match (days(min)?, days(max)?) {
        (None, None) => None,
        (min, max) => Some(DaysAgo { min: min.unwrap_or(0), max }).filter(|d| d.max.is_none_or(|max| d.min <= max)),
    });
    if days.is_none() {
        let message = format!("`{}` is no span of days", word.text);
        let help = format!("write \"30-90\", \"30-\" or \"-7\": days ago, at most {DAYS_MAX}");
        findings.add(word.at(), message, help);
    }
    days
}

/// None: no number of days. None within: nothing.
fn days(text: &str) -> Option<Option<u32>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let days = text.parse().ok().filter(|days| digits && i64::from(*days) <= DAYS_MAX);
    days.map(Some)
}
