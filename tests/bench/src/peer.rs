//! The rules of another system's benchmark, as a playbook that holds from the first second on.

use anyhow::{Context, Result, anyhow};
use guanxi::{
    playbook::{compile, publish},
    time::Timestamp,
};
use guanxi_host::store::{Location, Store};
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

/// Publishes a playbook for messages of every time.
pub(crate) async fn publish(store: &Store, source: &str) -> Result<()> {
    let compiled = compile(source)
        .map_err(|problems| anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    let (_, writes) = publish::publish(None, &compiled, Timestamp(0))?;
    for (key, value) in writes {
        store.set(&key, value).await?;
    }
    Ok(())
}

/// Reads `{"exact": {…}, "contains": {…}, "default": "…"}` and publishes it, or prints it as a playbook.
#[expect(clippy::print_stdout, reason = "a command for people")]
pub(crate) fn publish_rules(rules: &Path, database: Option<&Path>) -> Result<()> {
    let rules: Value = serde_json::from_str(&fs::read_to_string(rules).with_context(|| rules.display().to_string())?)?;
    let source = playbook(&rules).context("not {\"exact\": {…}, \"contains\": {…}, \"default\": \"…\"}")?;
    let Some(database) = database else {
        print!("{source}");
        return Ok(());
    };
    let store = Store::open(&Location::File(database.into()))?;
    e2e::run(async {
        publish(&store, &source).await?;
        store.close().await;
        Ok(())
    })
}

fn playbook(rules: &Value) -> Option<String> {
    // A JSON string is a TOML string too.
    let mut source = format!(
        "version = 1\naccount = \"service\"\nname = \"peer\"\nutc_offset = \"+08:00\"\ndefault = \"default\"\n\n\
         [replies.default]\ntype = \"text\"\ncontent = {}\n",
        rules.get("default")?
    );
    for how in ["exact", "contains"] {
        let words: &Map<String, Value> = rules.get(how)?.as_object()?;
        for (number, (word, text)) in words.iter().enumerate() {
            let word = json!(word);
            source += &format!(
                "\n[[rules]]\nid = \"{how}-{number}\"\non = \"text\"\nmatch = {{ {how} = {word} }}\ntext = {text}\n"
            );
        }
    }
    Some(source)
}
