//! `[[channels]]`.

use super::{
    Account, CHANNELS_MAX, brand,
    reader::{Fields, Word, tables},
};
use crate::{
    playbook::{compiled::Channel, problem::Findings, template::SCENE_MAX},
    time::Day,
};
use std::collections::BTreeMap;

/// The channels by id.
pub(super) fn read<'d>(file: &mut Fields<'d, '_>, account: Option<Account>) -> BTreeMap<&'d str, Channel> {
    let findings = file.findings;
    let list = tables(file.get("channels"), "a channel", "write [[channels]] and below it id and name", findings);
    if let Some(fields) = list.get(CHANNELS_MAX) {
        findings.add(fields.at, format!("there are more than {CHANNELS_MAX} channels"), "drop those no longer printed");
    }
    let mut channels = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for mut fields in list {
        if account == Some(Account::Subscription) {
            let help = "drop the channels, or write account = \"service\" if it is one";
            findings.add(fields.at, "a subscription account has no QR codes, so no channels", help);
        }
        let at = fields.at;
        let id = fields.require_text("id");
        let name = fields.require_text("name").map(|word| brand(&word, findings)).unwrap_or_default();
        let group = fields.text("group").map(|word| brand(&word, findings).to_owned());
        let tags = fields.texts("tags").iter().map(|word| brand(word, findings).to_owned()).collect();
        let cost = fields.number("cost", 0..=100_000_000).and_then(|yuan| yuan.try_into().ok());
        let (valid_from, valid_until) = validity(&mut fields);
        fields.finish();
        let Some(id) = id else { continue };
        scene(&id, findings);
        if let Some(first) = lines.insert(id.text, at) {
            let message = format!("the id `{}` is taken by the channel on line {}", id.text, findings.line(first));
            findings.add(id.at(), message, "give each channel the scene of its own QR code");
        }
        let (id, name) = (id.text, name.to_owned());
        let channel = Channel { id: id.to_owned(), name, group, tags, cost, valid_from, valid_until };
        channels.insert(id, channel);
    }
    channels
}

/// The first and the last day that a channel is out.
fn validity(fields: &mut Fields<'_, '_>) -> (Option<Day>, Option<Day>) {
    let findings = fields.findings;
    let mut date = |key| {
        let word = fields.text(key)?;
        let day = word.text.parse::<Day>();
        if let Err(error) = day {
            findings.add(word.at(), format!("`{}`: {error}", word.text), "write 2026-02-16");
        }
        day.ok().map(|day| (day, word))
    };
    let (from, until) = (date("valid_from"), date("valid_until"));
    if let (Some((first, _)), Some((last, word))) = (&from, &until)
        && last < first
    {
        findings.add(word.at(), "`valid_until` is before `valid_from`", "write the last day that the code is out");
    }
    (from.map(|(day, _)| day), until.map(|(day, _)| day))
}

fn scene(id: &Word<'_>, findings: &Findings<'_>) {
    let length = id.text.chars().count();
    let sane = id.text.trim() == id.text && !id.text.chars().any(char::is_control);
    if !(1..=SCENE_MAX).contains(&length) || !sane {
        let message = format!("a channel's id is a scene string: 1 to {SCENE_MAX} characters, no blanks at its ends");
        findings.add(id.at(), message, "write the scene_str the QR code was made with");
    }
}
