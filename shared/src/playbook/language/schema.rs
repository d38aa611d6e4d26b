//! The [JSON Schema](../../../docs/playbook.schema.json) of the file against what the language reads: every key with its bounds and
//! its words, and what the [manual](../../../docs/playbook.md) says of it. What is valid by it, `tests/suite/playbook/schema.rs` tries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::{
    CAMPAIGNS_MAX, CHANNELS_MAX, MARKETING_WORDS_MAX, NAME_MAX, PRODUCTS_MAX, REGEX_MAX, RULES_MAX, SERVICES_MAX,
    content, dialogs,
    hours::HOURS_MAX,
    manual::{TABLES, quoted, read, rows},
    pushes, replies, rules, segment, services, special,
};
use crate::{
    facts::{FanStatus, PushChoice, request::Kind},
    lookup::Method,
    playbook::{SCENE_MAX, inbound::InboundKind, schema},
    wechat::reply::ARTICLES_MAX,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Where the schema has the tables of the file, in the order of [`TABLES`].
const PLACES: [&str; 23] = [
    "",
    "/$defs/hours",
    "/$defs/channel",
    "/$defs/rule",
    "/$defs/match",
    "/$defs/choice",
    "/$defs/reply",
    "/$defs/article",
    "/$defs/service",
    "/$defs/pushes",
    "/$defs/product",
    "/$defs/reminder",
    "/$defs/campaign",
    "/$defs/segment",
    "/$defs/miniprogram",
    "/$defs/template",
    "/$defs/dialog_words",
    "/$defs/dialog",
    "/$defs/step",
    "/$defs/dialog_choice",
    "/$defs/choices_from",
    "/$defs/done",
    "/$defs/band",
];

fn document() -> Value {
    serde_json::from_str(schema()).unwrap()
}

/// What a table is called in problems, the headings of its keys, and its schema.
fn tables(document: &Value) -> impl Iterator<Item = (&'static str, &'static [&'static str], &Map<String, Value>)> {
    TABLES.into_iter().zip(PLACES).map(|((what, headings), place)| {
        let table = document.pointer(place).and_then(Value::as_object).unwrap_or_else(|| panic!("no {place}"));
        (what, headings, table)
    })
}

fn properties(table: &Map<String, Value>) -> &Map<String, Value> {
    table["properties"].as_object().unwrap()
}

/// The words that are all that a place takes.
fn words(document: &Value, place: &str) -> BTreeSet<String> {
    let words = document.pointer(place).and_then(Value::as_array).unwrap_or_else(|| panic!("no {place}"));
    words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_key_that_is_read_stands_in_the_schema_and_no_other() {
    let (asked, document) = (read(), document());
    assert_eq!(document["$defs"].as_object().unwrap().len() + 1, PLACES.len(), "a table that is not compared");
    for (what, _, table) in tables(&document) {
        let known: BTreeSet<&str> = properties(table).keys().map(String::as_str).collect();
        let read: BTreeSet<&str> = asked.keys.iter().filter(|(of, _)| *of == what).map(|(_, key)| *key).collect();
        assert_eq!(known, read, "{what}");
        assert_eq!(table["additionalProperties"], json!(false), "{what}");
    }
}

#[test]
fn numbers_have_the_languages_bounds() {
    let (asked, document) = (read(), document());
    let mut compared = 0;
    for (table, key, least, most) in asked.bounds {
        let (_, _, schema) = tables(&document).find(|(what, ..)| *what == table).unwrap();
        let number = &properties(schema)[key];
        // These are below `supply_days`, whatever that is.
        let most = if ["lead_days", "gap_days"].contains(&key) { segment::DAYS_MAX - 1 } else { most };
        let found = (&number["type"], &number["minimum"], &number["maximum"]);
        assert_eq!(found, (&json!("integer"), &json!(least), &json!(most)), "{table}: {key}");
        compared += 1;
    }
    assert!(compared > 10, "is this test blind?");
}

#[test]
fn keys_take_the_languages_words() {
    let document = document();
    let some = |place: &str| words(&document, &format!("{place}/anyOf/0/enum"));
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(some("/$defs/rule/properties/on"), owned(&InboundKind::ALL.map(|(name, _)| name)));
    assert_eq!(some("/$defs/reminder/properties/way"), owned(&content::WAYS));
    assert_eq!(some("/$defs/campaign/properties/way"), owned(&content::WAYS));
    for (place, known) in [
        ("/properties/account", &["service", "subscription"][..]),
        ("/$defs/reply/properties/type", &replies::TYPES),
        ("/$defs/service/properties/method", &Method::ALL.map(|(name, _)| name)),
        ("/$defs/rule/properties/fan", &FanStatus::ALL.map(|(name, _)| name)),
        ("/$defs/rule/properties/pushes", &PushChoice::ALL.map(|(name, _)| name)),
        ("/$defs/step/properties/take", &dialogs::TAKES),
        ("/$defs/done/properties/request", &Kind::ALL.map(|(name, _)| name)),
        ("/$defs/rule/properties/request", &special::REQUESTS),
    ] {
        assert_eq!(words(&document, &format!("{place}/enum")), owned(known), "{place}");
    }
}

#[test]
fn lists_and_texts_have_the_languages_limits() {
    let document = document();
    for (place, most) in [
        ("/properties/hours/maxProperties", HOURS_MAX),
        ("/properties/channels/maxItems", CHANNELS_MAX),
        ("/properties/rules/maxItems", RULES_MAX),
        ("/properties/services/maxItems", SERVICES_MAX),
        ("/$defs/service/properties/headers/maxProperties", services::HEADERS_MAX),
        ("/$defs/service/properties/words/maxProperties", services::WORDS_MAX),
        ("/$defs/service/properties/pointer/maxLength", services::POINTER_MAX),
        ("/properties/products/maxItems", PRODUCTS_MAX),
        ("/properties/campaigns/maxItems", CAMPAIGNS_MAX),
        ("/properties/dialogs/maxItems", dialogs::DIALOGS_MAX),
        ("/$defs/dialog/properties/steps/maxItems", dialogs::STEPS_MAX),
        ("/$defs/dialog/properties/bands/maxItems", dialogs::BANDS_MAX),
        ("/$defs/step/properties/choices/maxItems", dialogs::CHOICES_MAX),
        ("/$defs/step/properties/retry/anyOf/1/maxItems", dialogs::RETRY_MAX),
        ("/$defs/dialog_choice/properties/say/maxLength", dialogs::CHOICE_MAX),
        ("/properties/name/maxLength", NAME_MAX),
        ("/$defs/rule/properties/not_yet/anyOf/1/maxItems", special::NOT_YET_MAX),
        ("/$defs/channel/properties/id/maxLength", SCENE_MAX),
        ("/$defs/rule/properties/id/maxLength", rules::ID_MAX),
        ("/$defs/campaign/properties/id/maxLength", pushes::CAMPAIGN_ID_MAX),
        ("/$defs/match/properties/regex/anyOf/0/maxLength", REGEX_MAX),
        ("/$defs/rule/properties/reply/anyOf/1/maxItems", replies::CHOICES_MAX),
        ("/$defs/reply/properties/articles/maxItems", ARTICLES_MAX),
        ("/$defs/reply/properties/media_id/maxLength", replies::MEDIA_ID_MAX),
        ("/$defs/pushes/properties/marketing_words/anyOf/1/maxItems", MARKETING_WORDS_MAX),
        ("/$defs/segment/properties/tags/anyOf/1/maxItems", segment::NAMES_MAX),
        ("/$defs/segment/properties/fields/maxProperties", segment::FIELDS_MAX),
        ("/$defs/reminder/properties/fields/maxProperties", content::FIELDS_MAX),
        ("/$defs/reminder/properties/template_id/maxLength", content::TEMPLATE_ID_MAX),
        ("/$defs/reminder/properties/url/maxLength", content::ADDRESS_MAX),
        ("/$defs/miniprogram/properties/pagepath/maxLength", content::ADDRESS_MAX),
    ] {
        assert_eq!(document.pointer(place), Some(&json!(most)), "{place}");
    }
}

/// An editor shows it beside the key.
#[test]
fn every_key_says_what_the_manual_says() {
    let document = document();
    for (what, headings, table) in tables(&document) {
        for row in headings.iter().flat_map(|heading| rows(heading, "key")) {
            for key in quoted(row[0]) {
                assert_eq!(properties(table)[key]["description"], json!(without_links(row[1])), "{what}: {key}");
            }
        }
    }
}

/// `[text](address)` becomes `text`.
fn without_links(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[')
        && let Some((shown, address)) = link.split_once("](")
        && let Some((_, after)) = address.split_once(')')
    {
        text += before;
        text += shown;
        rest = after;
    }
    text + rest
}
