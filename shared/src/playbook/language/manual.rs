//! The [manual](../../../docs/playbook.md) against what the language reads: every key with its bounds, every placeholder,
//! every limit, and every example.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::{
    CAMPAIGNS_MAX, CHANNELS_MAX, FILE_MAX, KEYWORD_BYTES_MAX, KEYWORD_MAX, KEYWORDS_MAX, MARKETING_WORDS_MAX, NAME_MAX,
    PRODUCTS_MAX, REGEX_MAX, REGEXES_MAX, RULES_MAX, SERVICES_MAX, campaign, compile, content, dialogs,
    hours::HOURS_MAX, lint::FieldType, pushes, replies, rules, saved, segment, services, special,
};
use crate::{
    facts::{FanStatus, PushChoice, dialog, order},
    lookup::{self, address::ADDRESS_MAX, allowed::SLOTS, answer::VALUE_MAX, cache::LINES_MAX},
    playbook::{
        AGAIN_SECONDS, MATCHED_MAX, Problem, SCENE_MAX, TEXT_PLACEHOLDER_MAX, Terms,
        inbound::InboundKind,
        pushes::{DAYS_LEFT_SHOWN_MAX, QUANTITY_SHOWN_MAX, render},
        template,
    },
    time::Timestamp,
    wechat::reply::{ARTICLES_MAX, TEXT_MAX},
};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PAGE: &str = include_str!("../../../docs/playbook.md");

/// What a table of the file is called in problems, and under which headings of the page its keys stand.
pub(super) const TABLES: [(&str, &[&str]); 23] = [
    ("the playbook", &["The file"]),
    ("opening hours", &["Opening hours"]),
    ("a channel", &["Channels"]),
    ("a rule", &["Rules"]),
    ("`match`", &["Words"]),
    ("a choice", &["A choice by weight"]),
    ("a reply", &["Replies"]),
    ("an article", &["Articles"]),
    ("a service", &["Services"]),
    ("`pushes`", &["Pushes"]),
    ("a product", &["Products"]),
    ("a reminder", &["Reminders", "What goes out"]),
    ("a campaign", &["Campaigns", "What goes out"]),
    ("`segment`", &["Segments"]),
    ("`miniprogram`", &["Mini programs"]),
    ("`template`", &["A template beside a notice"]),
    ("`dialog_words`", &["Words that every dialog hears"]),
    ("a dialog", &["Dialogs"]),
    ("a step", &["Steps"]),
    ("a dialog's choice", &["Choices"]),
    ("`choices_from`", &["Products to choose from"]),
    ("`done`", &["The end"]),
    ("a band", &["Bands"]),
];

/// Which keys the reader asks for, noted while it reads.
pub(super) mod asked {
    use std::{cell::RefCell, collections::BTreeSet, ops::RangeInclusive};

    #[derive(Default)]
    pub(in crate::playbook::language) struct Asked {
        /// Table and key.
        pub(in crate::playbook::language) keys: BTreeSet<(&'static str, &'static str)>,
        /// Those of them that were there.
        pub(in crate::playbook::language) there: BTreeSet<(&'static str, &'static str)>,
        /// Table, key, the least and the most.
        pub(in crate::playbook::language) bounds: BTreeSet<(&'static str, &'static str, i64, i64)>,
    }

    thread_local! {
        static ASKED: RefCell<Asked> = RefCell::default();
    }

    pub(in crate::playbook::language) fn note(table: &'static str, key: &'static str, there: bool) {
        ASKED.with_borrow_mut(|asked| {
            asked.keys.insert((table, key));
            if there {
                asked.there.insert((table, key));
            }
        });
    }

    pub(in crate::playbook::language) fn note_bounds(
        table: &'static str,
        key: &'static str,
        bounds: &RangeInclusive<i64>,
    ) {
        ASKED.with_borrow_mut(|asked| asked.bounds.insert((table, key, *bounds.start(), *bounds.end())));
    }

    /// What was noted since the last time.
    pub(in crate::playbook::language) fn take() -> Asked {
        ASKED.take()
    }
}

/// The rows of the tables under a heading whose first column has this title.
pub(super) fn rows(heading: &str, first: &str) -> Vec<Vec<&'static str>> {
    let (mut here, mut inside, mut rows) = (false, false, Vec::new());
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()) {
            here = title == heading;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.as_slice() {
            ["", title, ..] if here && *title == first => inside = true,
            ["", rule, ..] if rule.starts_with("---") => {}
            ["", cells @ .., ""] if here && inside => rows.push(cells.to_vec()),
            _ => inside = false,
        }
    }
    assert!(!rows.is_empty(), "nothing under `{heading}`: is this test blind?");
    rows
}

/// What stands in backticks.
pub(super) fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn names(heading: &str, first: &str) -> Vec<&'static str> {
    rows(heading, first).into_iter().flat_map(|row| quoted(row[0]).collect::<Vec<_>>()).collect()
}

/// The page's blocks of a language, by what stands behind the three backticks.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.filter(|(found, _)| *found == language).map(|(_, text)| text).collect()
}

/// The examples, one after another.
fn example() -> String {
    blocks("toml").join("\n")
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Reads all that the page shows: its examples are one playbook, besides the campaigns that are asked for. What was asked
/// for meanwhile.
pub(super) fn read() -> asked::Asked {
    asked::take();
    let compiled = compile(&example()).unwrap_or_else(|problems| panic!("{}", told(&problems)));
    let (terms, requests) = (Terms::load(&compiled).unwrap(), blocks("toml request"));
    assert!(!requests.is_empty(), "is this test blind?");
    for request in requests {
        campaign(request, &terms, Timestamp(1_800_000_000)).unwrap_or_else(|problems| panic!("{}", told(&problems)));
    }
    asked::take()
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[test]
fn every_key_that_is_read_stands_on_the_page_and_no_other() {
    let asked = read();
    for (table, headings) in &TABLES {
        let read: BTreeSet<&str> = asked.keys.iter().filter(|(of, _)| of == table).map(|(_, key)| *key).collect();
        let named: BTreeSet<&str> = headings.iter().flat_map(|heading| names(heading, "key")).collect();
        assert_eq!(named, read, "{table}");
    }
    let known: BTreeSet<&str> = TABLES.iter().map(|(table, _)| *table).collect();
    let others: Vec<_> = asked.keys.iter().filter(|(table, _)| !known.contains(table)).collect();
    assert!(others.is_empty(), "the page has no heading for these: {others:?}");
}

/// Else a key might open a table whose own keys were never asked for here.
#[test]
fn the_examples_use_every_key_every_type_and_every_way() {
    let asked = read();
    let unused: Vec<_> = asked.keys.difference(&asked.there).collect();
    assert!(unused.is_empty(), "no example has {unused:?}");
    let example = example();
    for (key, values) in [("type", &replies::TYPES[..]), ("way", &content::WAYS)] {
        let key = format!("{key} = ");
        for value in values {
            let used = |line: &str| line.starts_with(&key) && line.contains(&format!("\"{value}\""));
            assert!(example.lines().any(used), "no example has {key}{value}");
        }
    }
}

#[test]
fn numbers_have_the_bounds_that_the_page_tells() {
    let asked = read();
    let mut compared = 0;
    for (table, key, least, most) in asked.bounds {
        // These depend on `supply_days`, which the page says in words.
        if ["lead_days", "gap_days"].contains(&key) {
            continue;
        }
        let (_, headings) = TABLES.iter().find(|(known, _)| *known == table).unwrap();
        let row = headings.iter().flat_map(|heading| rows(heading, "key"));
        let row = row.into_iter().find(|row| quoted(row[0]).any(|name| name == key)).unwrap();
        let sign = if least < 0 { "−" } else { "" };
        let bounds = format!("{sign}{} to {}", thousands(least.unsigned_abs()), thousands(most.unsigned_abs()));
        assert!(row[1].contains(&bounds), "{table}: `{key}` is {bounds}: {row:?}");
        compared += 1;
    }
    assert!(compared > 10, "is this test blind?");
}

#[test]
fn the_limits_are_the_languages() {
    let limits: [(&str, usize); 46] = [
        ("bytes of the file", FILE_MAX),
        ("opening hours", HOURS_MAX),
        ("channels", CHANNELS_MAX),
        ("rules", RULES_MAX),
        ("products", PRODUCTS_MAX),
        ("campaigns", CAMPAIGNS_MAX),
        ("dialogs", dialogs::DIALOGS_MAX),
        ("steps of a dialog", dialogs::STEPS_MAX),
        ("bytes of a dialog's answers", dialogs::ANSWERS_BYTES_MAX),
        ("choices of a step", dialogs::CHOICES_MAX),
        ("characters of a choice", dialogs::CHOICE_MAX),
        ("bands of a dialog", dialogs::BANDS_MAX),
        ("lines of `retry`", dialogs::RETRY_MAX),
        ("characters of a name, group or tag", NAME_MAX),
        ("characters of a channel's id", SCENE_MAX),
        ("characters of a rule's id", rules::ID_MAX),
        ("bytes of a product's id", order::TEXT_MAX),
        ("characters of a campaign's id", pushes::CAMPAIGN_ID_MAX),
        ("rules that a `not_yet` names", special::NOT_YET_MAX),
        ("rules that all `not_yet` name", special::NOT_YET_ALL_MAX),
        ("keywords: `exact`, `prefix`, `contains` of all rules", KEYWORDS_MAX),
        ("bytes of a keyword", KEYWORD_MAX),
        ("bytes of all keywords", KEYWORD_BYTES_MAX),
        ("regexes", REGEXES_MAX),
        ("bytes of a regex", REGEX_MAX),
        ("bytes of a text that are looked at", MATCHED_MAX),
        ("replies to draw from", replies::CHOICES_MAX),
        ("bytes of a reply or customer message", TEXT_MAX),
        ("articles of a reply", ARTICLES_MAX),
        ("bytes of a media id", replies::MEDIA_ID_MAX),
        ("characters that `{text}` becomes", TEXT_PLACEHOLDER_MAX),
        ("services", SERVICES_MAX),
        ("headers of a service", services::HEADERS_MAX),
        ("words of a service", services::WORDS_MAX),
        ("characters of a service's value or word in `words`", services::WORD_MAX),
        ("bytes of a `pointer`", services::POINTER_MAX),
        ("bytes of a service's address, the question in it", ADDRESS_MAX),
        ("marketing words of the brand's own", MARKETING_WORDS_MAX),
        ("names in each key of a segment", segment::NAMES_MAX),
        ("days in a segment", segment::DAYS_MAX as usize),
        ("fields in a segment", segment::FIELDS_MAX),
        ("characters of a field's name", saved::FIELD_NAME_MAX),
        ("bytes of a field's value", dialog::VALUE_MAX),
        ("fields of a template", content::FIELDS_MAX),
        ("bytes of a `template_id` or `appid`", content::TEMPLATE_ID_MAX),
        ("bytes of a `url` or `pagepath`", content::ADDRESS_MAX),
    ];
    let shown = [
        ("pieces that `{quantity}` tells", QUANTITY_SHOWN_MAX),
        ("days that `{days_left}` tells", DAYS_LEFT_SHOWN_MAX),
    ];
    let limits = limits.into_iter().map(|(what, most)| (what, most as u64)).chain(shown);
    let limits: Vec<_> = limits.map(|(what, most)| vec![what.to_owned(), thousands(most)]).collect();
    assert_eq!(rows("Limits", "limit"), limits);
    assert!(PAGE.contains(&format!("its first {TEXT_PLACEHOLDER_MAX} characters")));
    for told in [
        format!("its first {} characters", lookup::QUESTION_MAX),
        format!("cut at {VALUE_MAX} characters"),
        format!("Up to {SLOTS} hosts"),
        format!("{LINES_MAX} answers in the memory"),
        format!("over {} KiB", lookup::BODY_MAX / 1_024),
        format!("at most {} s", lookup::TIME_MAX.as_secs()),
    ] {
        assert!(PAGE.contains(&told), "{told}");
    }
    assert!(PAGE.contains(&format!("Only the first {} bytes", thousands(MATCHED_MAX as u64))));
}

#[test]
fn the_placeholders_are_the_languages() {
    let braces = ['{', '}'];
    let named = |heading| names(heading, "placeholder").into_iter().map(|name| name.trim_matches(braces)).collect();
    let in_replies: BTreeSet<&str> = named("Placeholders in replies");
    let known = template::Placeholder::ALL.iter().map(|(name, ..)| *name);
    assert_eq!(in_replies, known.chain(["name"]).collect());
    let in_pushes: BTreeSet<&str> = named("Placeholders in pushes");
    assert_eq!(in_pushes, render::Placeholder::ALL.iter().map(|(name, _)| *name).collect());
    let in_dialogs: BTreeSet<&str> = named("Placeholders in dialogs");
    assert_eq!(in_dialogs, dialogs::PLACEHOLDERS.into_iter().collect());
}

#[test]
fn the_words_that_a_key_takes_are_the_languages() {
    let kinds = |title| rows("Kinds of messages and events", title).into_iter().map(move |row| (title, row));
    let told = kinds("message").chain(kinds("event")).flat_map(|(title, row)| {
        quoted(row[0]).map(move |kind| (kind, title == "message", !row[2].is_empty())).collect::<Vec<_>>()
    });
    let known = InboundKind::ALL.map(|(name, kind)| (name, kind.is_message(), kind.has_text()));
    assert_eq!(told.collect::<Vec<_>>(), known);
    assert_eq!(names("Replies", "type"), replies::TYPES);
    let fields: Vec<Vec<&str>> = rows("Fields", "field");
    let known: Vec<[String; 2]> =
        FieldType::names().map(|name| [format!("`{name}`"), FieldType::of(name).unwrap().rule.to_owned()]).collect();
    assert_eq!(fields, known);
    let row = |heading, key| rows(heading, "key").into_iter().find(|row| row[0].contains(key)).unwrap()[1];
    let told = |cell: &'static str| quoted(cell).map(|word| word.trim_matches('"')).collect::<Vec<_>>();
    let fans = told(row("Rules", "`fan`"));
    assert!(FanStatus::ALL.iter().all(|(name, _)| fans.contains(name)), "{fans:?}");
    let choices = told(row("Rules", "`pushes`"));
    assert!(PushChoice::ALL.iter().all(|(name, _)| choices.contains(name)), "{choices:?}");
    assert_eq!(told(row("Rules", "`request`")), special::REQUESTS);
    assert!(PAGE.contains(&format!("at most {} minutes ago", AGAIN_SECONDS / 60)));
    let ways: Vec<&str> = names("What goes out", "way").into_iter().map(|way| way.trim_matches('"')).collect();
    assert_eq!(ways, content::WAYS);
    assert_eq!(names("What a step takes", "take"), dialogs::TAKES);
}
#[test]
fn the_check_says_what_the_page_shows() {
    let (wrong, says) = (blocks("toml wrong"), blocks("text"));
    assert_eq!((wrong.len(), says.len()), (1, 1));
    assert_eq!(told(&compile(wrong[0]).unwrap_err()), says[0]);
}
