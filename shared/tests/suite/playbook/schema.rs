//! The schema of the playbook: it takes every playbook of these tests that compiles (see [`crate::compile`]), and refuses what
//! a schema can tell.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use std::sync::OnceLock;

const SAMPLE: &str = include_str!("../../../../functions/playbook.toml");
const DEMO: &str = include_str!("../../../../tests/demo/src/reminders/playbook.toml");

fn validator() -> &'static (Schemas, SchemaIndex) {
    static VALIDATOR: OnceLock<(Schemas, SchemaIndex)> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let schema = serde_json::from_str(guanxi::playbook::schema()).unwrap();
        compiler.add_resource("playbook.json", schema).unwrap();
        let index = compiler.compile("playbook.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        (schemas, index)
    })
}

/// Why the schema refuses a playbook; none: it takes it.
pub(crate) fn refusal(source: &str) -> Option<String> {
    let (schemas, index) = validator();
    let playbook: Value = toml::from_str(source).unwrap();
    schemas.validate(&playbook, *index).err().map(|error| format!("{error:#}"))
}

fn wrong(from: &str, to: &str) {
    assert!(SAMPLE.contains(from), "the sample has no {from}");
    let source = SAMPLE.replacen(from, to, 1);
    assert!(guanxi::playbook::compile(&source).is_err(), "{to} compiles");
    assert!(refusal(&source).is_some(), "the schema takes {to}");
}

#[test]
fn the_sample_and_the_demos_playbook_are_valid() {
    for source in [SAMPLE, DEMO] {
        assert_eq!(refusal(source), None);
    }
}

#[test]
fn the_manuals_example_is_valid() {
    let page = include_str!("../../../docs/playbook.md");
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("toml\n"));
    let example: Vec<&str> = blocks.collect();
    assert!(example.len() > 5, "is this test blind?");
    assert_eq!(refusal(&example.join("\n")), None);
}

#[test]
fn what_a_schema_can_tell_is_refused() {
    for (from, to) in [
        ("version = 1", "version = 2"),
        ("account = \"service\"", "account = \"shop\""),
        ("\nname = ", "\nnam = "),
        ("on = \"text\"", "on = \"txt\""),
        ("on = \"text\"", "on = []"),
        ("[[channels]]\nid = ", "[[channels]]\nidd = "),
        ("type = \"text\"\ncontent = ", "type = \"text\"\nmedia_id = "),
        ("type = \"text\"\ncontent = ", "type = \"txt\"\ncontent = "),
        ("supply_days = ", "supply_days = 0\nx = "),
        ("supply_days = ", "supply_days = -"),
        ("way = [\"notice\"", "way = [\"letter\""),
        ("[[rules]]", "[[rules]]\ntext = \"a\""),
        ("[pushes]", "[pushes]\nquiet_hours = \"21:30-09:00\""),
    ] {
        wrong(from, to);
    }
}

#[test]
fn it_is_a_schema_of_2020_12() {
    let schema: Value = serde_json::from_str(guanxi::playbook::schema()).unwrap();
    assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let meta = compiler.compile("https://json-schema.org/draft/2020-12/schema", &mut schemas).unwrap();
    assert!(schemas.validate(&schema, meta).is_ok());
    assert!(schemas.validate(&json!({ "type": "txt" }), meta).is_err(), "is this test blind?");
}
