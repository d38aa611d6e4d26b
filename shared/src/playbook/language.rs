//! From the file to the compiled form: reading, the check, compiling.
//!
//! Everything is read once, in the order in which things name each other: opening hours, channels, replies and services, then the
//! rules that use them; products, then the campaigns and the dialogs. Readers report what is wrong and go on, so that every problem is named at once; nothing is
//! compiled unless there is none.

mod channels;
mod content;
mod dialogs;
mod hours;
mod lint;
#[cfg(test)]
mod manual;
mod pushes;
mod reader;
mod replies;
mod rules;
mod saved;
#[cfg(test)]
mod schema;
mod segment;
mod services;
mod shadows;
mod special;

use super::{
    compiled::{self, Body, Channel, Choice, Keyword, Lengths, Line, Pattern, PushRules, Special},
    hours::Hours,
    inbound::Kinds,
    problem::{Findings, Problem, Severity, did_you_mean},
    pushes::{Campaign, Pushes},
    talk::form::Dialogs,
    terms::Terms,
};
use crate::time::{Timestamp, UtcOffset};
use reader::{Fields, Word};
use replies::Replies;
use std::collections::BTreeMap;
use toml::de::DeTable;

use rules::RuleDraft;
use saved::SavedFields;

pub use pushes::{CAMPAIGNS_MAX, MARKETING_WORDS_MAX, PRODUCTS_MAX};
pub use rules::{KEYWORD_BYTES_MAX, KEYWORD_MAX, KEYWORDS_MAX, REGEX_MAX, REGEXES_MAX, RULES_MAX};
pub use services::SERVICES_MAX;

/// The largest file in bytes.
pub const FILE_MAX: usize = 2_000_000;

/// The most channels of a playbook.
pub const CHANNELS_MAX: usize = 10_000;

/// The file format's version.
const VERSION: &str = "1";
const NAME_MAX: usize = 64;

/// `account`: what kind of Official Account it is, which decides what is allowed
/// ([protocol 0](../../docs/wechat-protocol.md#0)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    Service,
    Subscription,
}

/// What rules may name.
struct Known<'d> {
    account: Option<Account>,
    hours: Vec<(&'d str, Hours)>,
    channels: BTreeMap<&'d str, Channel>,
    services: BTreeMap<&'d str, Option<Line>>,
    saved: SavedFields<'d>,
}

/// Checks a playbook file and compiles it to the bytes that [`Playbook::load`](super::Playbook::load) takes.
///
/// # Errors
/// Every problem of the file, in its order. A file that is not TOML is told its errors of spelling only: what it means
/// cannot be said before.
pub fn compile(source: &str) -> Result<Vec<u8>, Vec<Problem>> {
    let findings = Findings::new(source);
    match bytes_of(source, &findings) {
        Some(bytes) if findings.has_no_errors() => Ok(bytes),
        _ => Err(findings.into_problems(Severity::Error)),
    }
}

/// What in a playbook file may go wrong although [`compile`] takes it, in the file's order: WeChat decides, not the check.
/// It reads the file once more; only a check and a build ask.
pub fn warnings(source: &str) -> Vec<Problem> {
    let findings = Findings::new(source);
    bytes_of(source, &findings);
    findings.into_problems(Severity::Warning)
}

/// The JSON Schema (2020-12) of a playbook file, for editors. It knows every key, and what values may be by themselves; how they
/// must fit together, only [`compile`] knows.
pub const fn schema() -> &'static str {
    include_str!("../../docs/playbook.schema.json")
}

fn bytes_of(source: &str, findings: &Findings<'_>) -> Option<Vec<u8>> {
    if source.len() > FILE_MAX {
        let message = format!("the file has {} bytes, and {FILE_MAX} are the most", source.len());
        findings.add(0, message, "drop what is not used");
        return None;
    }
    parse(source, findings).and_then(|table| read(&table, findings))
}

/// A campaign that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRequest {
    /// Its id.
    pub id: String,
    /// What it says.
    pub campaign: Campaign,
    /// It is to begin at once: `at` is when that was asked.
    pub at_once: bool,
}

/// Checks a campaign that does not stand in the file: `source` has the keys of one `[[campaigns]]`, and `at` may also be
/// `"now"`. The check is the file's, by what a compiled playbook says; besides, `at` must not be so long ago that the campaign
/// would not begin.
///
/// # Errors
/// Every [`Problem`] with its place in `source`.
pub fn campaign(source: &str, terms: &Terms, now: Timestamp) -> Result<CampaignRequest, Vec<Problem>> {
    let findings = Findings::new(source);
    match parse(source, &findings).and_then(|table| pushes::campaign(&table, terms, now, &findings)) {
        Some(request) if findings.has_no_errors() => Ok(request),
        _ => Err(findings.into_problems(Severity::Error)),
    }
}

fn parse<'s>(source: &'s str, findings: &Findings<'_>) -> Option<DeTable<'s>> {
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        let help = match error.message() {
            "duplicate key" => "keep one of the two",
            _ => "texts stand in quotes, tables in [brackets], lists in [\"a\", \"b\"]",
        };
        findings.add(at, error.message(), help);
    }
    errors.is_empty().then(|| table.into_inner())
}

fn read(table: &DeTable<'_>, findings: &Findings<'_>) -> Option<Vec<u8>> {
    let mut file = Fields::of_text(table, "the playbook", findings);
    version(&mut file);
    let name = file.require_text("name").map(|word| brand(&word, findings)).unwrap_or_default();
    let account = account(&mut file);
    let offset = offset(&mut file);
    let lengths = lengths(&mut file);
    let hours = hours::read(&mut file);
    let channels = channels::read(&mut file, account);
    let mut replies = Replies::read(&mut file, name);
    let default = file.get("default").map(|value| {
        let choice = replies.choice(value, Kinds::messages());
        special::opening(replies.tells_opening(&choice), false, value.span().start, findings);
        choice
    });
    let services = services::read(&mut file, &replies);
    let known = Known { account, hours, channels, services, saved: SavedFields::of(table) };
    let rules = rules::read(&mut file, &known, &mut replies);
    let (pushes, shop) = pushes::read(&mut file, &known, name, offset);
    let dialogs = dialogs::read(&mut file, name, &rules, &shop);
    file.finish();
    shadows::report(&rules, findings);
    let said: Vec<_> = rules.iter().map(|draft| (draft.rule.id.as_str(), &draft.special)).collect();
    let special = special::all(&said, findings);
    let push_rules = (0..).zip(&rules).filter_map(|(rank, draft)| Some((rank, draft.pushes?))).collect();
    let said = (&push_rules, &special, &dialogs);
    if findings.has_no_errors() {
        encode((offset, lengths), known, replies, default, (rules, said), &pushes)
    } else {
        None
    }
}

/// The compiled form of a file without problems.
fn encode(
    (offset, lengths): (UtcOffset, Lengths),
    known: Known<'_>,
    replies: Replies<'_>,
    default: Option<Choice>,
    (rules, said): (Vec<RuleDraft<'_>>, (&PushRules, &Special, &Dialogs)),
    pushes: &Pushes,
) -> Option<Vec<u8>> {
    let (rules, words): (Vec<_>, Vec<_>) = rules.into_iter().map(|d| (d.rule, (d.keywords, d.regexes))).unzip();
    let (mut keywords, mut regexes) = (Vec::new(), Vec::new());
    for (rule, (own, patterns)) in (0..).zip(&words) {
        keywords.extend(own.iter().map(|k| Keyword { text: &k.normal, place: k.place, rule }));
        regexes.extend(patterns.iter().map(|regex| Pattern { regex: (*regex).to_owned(), rule }));
    }
    let hours = known.hours.into_iter().map(|(_, hours)| hours).collect();
    let channels: Vec<Channel> = known.channels.into_values().collect();
    let body = Body { offset, lengths, hours, replies: replies.into_lines(), rules, default, keywords, regexes };
    compiled::encode(&channels, &body, said, pushes).ok()
}

fn version(file: &mut Fields<'_, '_>) {
    let help = "write version = 1";
    let Some(value) = file.require("version", help) else { return };
    if value.get_ref().as_integer().is_none_or(|digits| digits.as_str() != VERSION) {
        file.findings.add(value.span().start, format!("this program reads version {VERSION} of the file format"), help);
    }
}

fn brand<'d>(word: &Word<'d>, findings: &Findings<'_>) -> &'d str {
    if !(1..=NAME_MAX).contains(&word.text.chars().count()) {
        let message = format!("a name has 1 to {NAME_MAX} characters");
        findings.add(word.at(), message, "write the name that fans know");
    }
    word.text
}

fn account(file: &mut Fields<'_, '_>) -> Option<Account> {
    let help = "write account = \"service\" or account = \"subscription\"";
    file.require("account", help)?;
    let word = file.text("account")?;
    match word.text {
        "service" => Some(Account::Service),
        "subscription" => Some(Account::Subscription),
        other => {
            let help = did_you_mean(other, ["service", "subscription"], help);
            file.findings.add(word.at(), format!("`{other}` is no kind of account"), help);
            None
        }
    }
}

fn offset(file: &mut Fields<'_, '_>) -> UtcOffset {
    let Some(word) = file.text("utc_offset") else { return UtcOffset::BEIJING };
    word.text.parse().unwrap_or_else(|error| {
        file.findings.add(word.at(), format!("`{}`: {error}", word.text), "write utc_offset = \"+08:00\"");
        UtcOffset::BEIJING
    })
}

/// How long things are kept and hold.
fn lengths(file: &mut Fields<'_, '_>) -> Lengths {
    let mut days =
        |key, default: u32, most| file.number(key, 1..=most).and_then(|days| days.try_into().ok()).unwrap_or(default);
    Lengths {
        keep: days("keep_days", 7, 30),
        forget_after: days("forget_after_days", 30, 3_650),
        attribution: days("attribution_days", 30, 365),
    }
}
