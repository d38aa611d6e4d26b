//! Reads a campaign's `segment`: which fans it is for.

use super::reader::{Fields, Word};
use crate::playbook::{
    compiled::Channel,
    problem::{Findings, did_you_mean},
    pushes::{DaysAgo, Segment},
};
use std::collections::BTreeSet;

/// The longest that days may be, about ten years.
pub(super) const DAYS_MAX: i64 = 3_650;

/// The most channels, tags or products that a segment names.
pub(super) const NAMES_MAX: usize = 100;
const HELP: &str = "write segment = {} for all fans, or segment = { tags = [\"…\"], bought = \"30-90\" }";

/// What a segment may name: what the playbook has.
pub(super) struct Names<'n> {
    channels: BTreeSet<&'n str>,
    tags: BTreeSet<&'n str>,
    products: BTreeSet<&'n str>,
}

impl<'n> Names<'n> {
    pub(super) fn new(channels: impl Iterator<Item = &'n Channel>, products: BTreeSet<&'n str>) -> Self {
        let (mut ids, mut tags) = (BTreeSet::new(), BTreeSet::new());
        for channel in channels {
            ids.insert(channel.id.as_str());
            tags.extend(channel.tags.iter().map(String::as_str));
        }
        Self { channels: ids, tags, products }
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
    };
    fields.finish();
    Some(segment)
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
