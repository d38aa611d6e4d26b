//! What fans of the sample brand write, scan and tap: read from its playbook, so they know what it knows.

use anyhow::Context;
use guanxi_simulator::Brand;
use std::{fs, path::Path};
use toml::{Table, Value};

/// Questions that no playbook foresees.
const QUESTIONS: [&str; 8] = [
    "你们几点关门",
    "有没有狗粮",
    "可以开发票吗",
    "包裹到哪了？？",
    "保质期多久",
    "在吗",
    "猫不爱喝水怎么办 <急>",
    "100% 鸡肉 & 无谷吗",
];

/// The keywords, channels and menu buttons of the playbook at `path`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Brand> {
    let playbook: Table = fs::read_to_string(path)?.parse()?;
    let rules = playbook.get("rules").and_then(Value::as_array).context("it has no rules")?;
    let scenes = playbook.get("channels").and_then(Value::as_array).into_iter().flatten();
    Ok(Brand {
        keywords: matched_on("text", rules),
        questions: QUESTIONS.map(str::to_owned).to_vec(),
        scenes: scenes.filter_map(|channel| channel.get("id")?.as_str()).map(str::to_owned).collect(),
        menu_keys: matched_on("click", rules),
        pages: vec!["https://www.example.com/orders".to_owned()],
    })
}

/// What rules for `kind` wait for, apart from expressions.
fn matched_on(kind: &str, rules: &[Value]) -> Vec<String> {
    let of_kind = rules.iter().filter(|rule| texts(rule.get("on")).any(|on| on == kind));
    let matches = of_kind.filter_map(|rule| rule.get("match"));
    let words = matches.flat_map(|wanted| ["exact", "contains", "prefix"].map(|how| texts(wanted.get(how))));
    words.flatten().map(str::to_owned).collect()
}

/// One text, or each of an array of texts.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let one = value.and_then(Value::as_str);
    let many = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many)
}
