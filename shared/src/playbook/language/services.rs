//! Reads `[[services]]`.

use super::{
    reader::{Fields, Value, Word, tables, text},
    replies::{Replies, report_wrong},
    rules::ID_MAX,
};
use crate::{
    lookup::{
        Gaps, LOOKUP_MAX, Lookup, Method, QUESTION_MAX, Service,
        address::{ADDRESS_MAX, Address},
        allowed::SLOTS,
        answer::VALUE_MAX,
        cache::SECONDS_MAX,
    },
    playbook::{
        compiled::Line,
        problem::{Findings, did_you_mean},
        template::{Token, Wrong, tokens},
    },
    wechat::reply::TEXT_MAX,
};
use std::collections::BTreeMap;

/// The most services of a playbook.
pub const SERVICES_MAX: usize = 50;
/// The most headers of a service.
pub(super) const HEADERS_MAX: usize = 4;
/// The most words of a service.
pub(super) const WORDS_MAX: usize = 100;
/// The longest name of a header, and JSON pointer, in bytes.
const NAME_MAX: usize = 64;
pub(super) const POINTER_MAX: usize = 200;
/// The longest value that `words` names, and word, in characters.
pub(super) const WORD_MAX: usize = 64;
/// The longest UTF-8 character, and what it becomes in an address: `%F0%9F%98%BA`.
const BYTES_A_CHARACTER: usize = 4;
const ENCODED: usize = 3 * BYTES_A_CHARACTER;
/// When there is no `timeout_ms`, in milliseconds.
const TIMEOUT: i64 = 2_000;
const TIMEOUT_LEAST: i64 = 100;
const TIMEOUT_MOST: i64 = 3_000;
const KEY: &str = "lookup_key";

const HELP: &str = "write [[services]] and below it id, url and fallback";
const URL_HELP: &str = "write url = \"https://api.example.com/v1?q={text}\"";
const HEADERS_HELP: &str = "write headers = { authorization = \"lookup_key1\" }";
const WORDS_HELP: &str = "write words = { \"0\" = \"畅通\", \"1\" = \"拥堵\" }";
/// What belongs to the connection or is written by us.
const NOT_OURS: [&str; 12] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The services of a playbook by id; none: it could not be read, and that was reported.
pub(super) fn read<'d>(file: &mut Fields<'d, '_>, replies: &Replies<'d>) -> BTreeMap<&'d str, Option<Line>> {
    let findings = file.findings;
    let mut services = BTreeMap::new();
    for (count, fields) in tables(file.get("services"), "a service", HELP, findings).into_iter().enumerate() {
        if count == SERVICES_MAX {
            findings.add(fields.at, format!("there are more than {SERVICES_MAX} services"), "drop what no rule asks");
        }
        service(fields, replies, &mut services);
    }
    services
}

fn service<'d>(mut fields: Fields<'d, '_>, replies: &Replies<'d>, services: &mut BTreeMap<&'d str, Option<Line>>) {
    let findings = fields.findings;
    let id = fields.require_text("id");
    let url = fields.require("url", URL_HELP).and_then(|_| fields.text("url")).and_then(|word| url(&word, findings));
    let method = fields.text("method").map_or(Some(Method::Get), |word| method(&word, findings));
    let headers = fields.get("headers").map(|value| headers(value, findings)).unwrap_or_default();
    let timeout_ms = fields.number("timeout_ms", TIMEOUT_LEAST..=TIMEOUT_MOST).unwrap_or(TIMEOUT);
    let pointer = fields.text("pointer");
    if let Some(word) = &pointer {
        check_pointer(word, findings);
    }
    let words = fields.get("words").map(|value| words(value, findings)).unwrap_or_default();
    let text = fields.text("text").map_or_else(|| Some(bare()), |word| around(&word, findings));
    let cache_seconds = fields.number("cache_seconds", 0..=SECONDS_MAX.into()).unwrap_or(0);
    let fallback = fields.require_text("fallback").and_then(|word| replies.words(&word));
    let at = fields.at;
    fields.finish();
    let Some(id) = id else { return };
    if !(1..=ID_MAX).contains(&id.text.chars().count()) || id.text.chars().any(char::is_control) {
        let message = format!("an id has 1 to {ID_MAX} characters and no line breaks");
        findings.add(id.at(), message, "write a short name that rules can ask");
    }
    if services.contains_key(id.text) {
        findings.add(id.at(), format!("the service `{}` is there already", id.text), "give each an id of its own");
    }
    let complete = || {
        Some(Service {
            id: id.text.to_owned(),
            url: url?,
            method: method?,
            headers,
            timeout_ms: u16::try_from(timeout_ms).ok()?,
            pointer: pointer.map(|word| word.text.to_owned()),
            words,
            text: text?,
            cache_seconds: u32::try_from(cache_seconds).ok()?,
        })
    };
    let service = complete();
    if let Some(service) = &service
        && Lookup::new(service, &"\u{2f800}".repeat(QUESTION_MAX)).encode().len() > LOOKUP_MAX
    {
        findings.add(at, format!("the service has more than {LOOKUP_MAX} bytes"), "drop words that are not needed");
    }
    let line = service.zip(fallback).map(|(service, fallback)| Line::Ask { service, fallback });
    services.insert(id.text, line);
}

fn method(word: &Word<'_>, findings: &Findings<'_>) -> Option<Method> {
    let method = Method::ALL.into_iter().find(|(name, _)| *name == word.text);
    if method.is_none() {
        let help = did_you_mean(word.text, Method::ALL.map(|(name, _)| name), "write get or post");
        findings.add(word.at(), format!("`{}` is no way to ask a service", word.text), help);
    }
    method.map(|(_, method)| method)
}

fn url(word: &Word<'_>, findings: &Findings<'_>) -> Option<Gaps> {
    let url = gaps(word, "text", findings)?;
    let address = url.fill("");
    // By what stands before the first place, because that must already be the whole of the host.
    let first = url.0.first().map_or("", String::as_str);
    let checked = Address::parse(&address).and_then(|whole| {
        let part = Address::parse(first)?;
        Ok((part.host == whole.host, part.rest.is_empty() && url.any()))
    });
    match checked {
        Err(error) => findings.add(word.at(), format!("`{}`: {error}", word.text), URL_HELP),
        Ok((true, false)) => {}
        Ok(_) => {
            let help = "write it into the path or behind the ?";
            findings.add(word.at(), "`{text}` stands in the host", help);
        }
    }
    let longest = address.len() + (url.0.len() - 1) * QUESTION_MAX * ENCODED;
    if longest > ADDRESS_MAX {
        let message = format!("the address may grow to {longest} bytes, and {ADDRESS_MAX} are the most");
        findings.add(word.at(), message, "shorten it, or write {text} once");
    }
    Some(url)
}

/// A text around the places of one placeholder.
fn gaps(word: &Word<'_>, placeholder: &str, findings: &Findings<'_>) -> Option<Gaps> {
    let (mut parts, mut wrong) = (vec![String::new()], Vec::new());
    for token in tokens(word.text) {
        match token {
            Token::Words(some) => parts.last_mut()?.push_str(some),
            Token::Place(name, _) if name == placeholder => parts.push(String::new()),
            Token::Place(name, at) => wrong.push(Wrong::Unknown(at, name.to_owned())),
            Token::Brace(brace, at) => wrong.push(Wrong::Brace(at, brace)),
        }
    }
    wrong.iter().for_each(|wrong| report_wrong(word, wrong, &[placeholder], findings));
    wrong.is_empty().then_some(Gaps(parts))
}

/// The value alone.
fn bare() -> Vec<Gaps> {
    let nothing = || Gaps(vec![String::new()]);
    vec![nothing(), nothing()]
}

/// What stands around `{value}`, with places for `{text}`.
fn around(word: &Word<'_>, findings: &Findings<'_>) -> Option<Vec<Gaps>> {
    let (mut around, mut wrong) = (vec![Gaps(vec![String::new()])], Vec::new());
    for token in tokens(word.text) {
        match token {
            Token::Words(some) => around.last_mut()?.0.last_mut()?.push_str(some),
            Token::Place("value", _) => around.push(Gaps(vec![String::new()])),
            Token::Place("text", _) => around.last_mut()?.0.push(String::new()),
            Token::Place(name, at) => wrong.push(Wrong::Unknown(at, name.to_owned())),
            Token::Brace(brace, at) => wrong.push(Wrong::Brace(at, brace)),
        }
    }
    wrong.iter().for_each(|wrong| report_wrong(word, wrong, &["value", "text"], findings));
    if !wrong.is_empty() {
        return None;
    }
    if around.len() == 1 {
        let help = "write {value} where the service's answer goes";
        findings.add(word.at(), "the text has no place for the answer", help);
    }
    let words: usize = around.iter().flat_map(|gaps| &gaps.0).map(String::len).sum();
    let questions: usize = around.iter().map(|gaps| gaps.0.len() - 1).sum();
    let values = around.len() - 1;
    let longest = words + (questions * QUESTION_MAX + values * VALUE_MAX) * BYTES_A_CHARACTER;
    if longest > TEXT_MAX {
        let message = format!("the text may grow to {longest} bytes, and WeChat shows {TEXT_MAX}");
        let help = format!("shorten it by {} bytes; a Chinese character has 3", longest - TEXT_MAX);
        findings.add(word.at(), message, help);
    }
    Some(around)
}

/// Names of headers and the number of the key in each, in the order of the file.
fn headers(value: &Value<'_>, findings: &Findings<'_>) -> Vec<(String, u8)> {
    let Some(fields) = Fields::of(value, "`headers`", HEADERS_HELP, findings) else { return Vec::new() };
    let mut entries: Vec<_> = fields.others().collect();
    entries.sort_by_key(|(name, _)| name.at());
    if entries.len() > HEADERS_MAX {
        let message = format!("a service gets at most {HEADERS_MAX} headers, not {}", entries.len());
        findings.add(value.span().start, message, "drop what it does not need");
    }
    let mut read = Vec::new();
    for (name, value) in entries {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=NAME_MAX).contains(&name.text.len()) && name.text.bytes().all(letter);
        if !is_name || NOT_OURS.contains(&name.text) {
            let message = format!("`{}` is no header that a service may be given", name.text);
            findings.add(name.at(), message, "write its name in small letters, such as authorization or x-api-key");
        }
        let Some(word) = text(value, name.text, findings) else { continue };
        let slot = word.text.strip_prefix(KEY).and_then(|slot| slot.parse::<u8>().ok());
        match slot.filter(|slot| (1..=SLOTS).contains(&usize::from(*slot))) {
            Some(slot) => read.push((name.text.to_owned(), slot)),
            None => {
                let message = "a header holds a key, and keys stand in variables, never in a playbook";
                findings.add(word.at(), message, format!("write {KEY}1 to {KEY}{SLOTS}"));
            }
        }
    }
    read
}

fn check_pointer(word: &Word<'_>, findings: &Findings<'_>) {
    // RFC 6901: empty, or each name behind a slash; behind ~ a 0 or a 1.
    let escapes = word.text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !(word.text.is_empty() || word.text.starts_with('/')) || !escapes || word.text.len() > POINTER_MAX {
        let message = format!("`{}` is no JSON pointer of at most {POINTER_MAX} bytes", word.text);
        findings.add(word.at(), message, "write it as /data/0/weather; ~1 stands for / and ~0 for ~ in a name");
    }
}

/// Each value with its word, in the order of the file.
fn words(value: &Value<'_>, findings: &Findings<'_>) -> Vec<(String, String)> {
    let Some(fields) = Fields::of(value, "`words`", WORDS_HELP, findings) else { return Vec::new() };
    let mut entries: Vec<_> = fields.others().collect();
    entries.sort_by_key(|(name, _)| name.at());
    if entries.is_empty() || entries.len() > WORDS_MAX {
        let message = format!("`words` has 1 to {WORDS_MAX} values, not {}", entries.len());
        findings.add(value.span().start, message, WORDS_HELP);
    }
    let mut read = Vec::new();
    for (name, value) in entries {
        let Some(word) = text(value, name.text, findings) else { continue };
        let fits = |text: &str| (1..=WORD_MAX).contains(&text.chars().count()) && !text.trim().is_empty();
        if !fits(name.text) || !fits(word.text) {
            let message = format!("a value and its word have 1 to {WORD_MAX} characters");
            findings.add(word.at(), message, "write what the fan shall read");
        }
        read.push((name.text.to_owned(), word.text.to_owned()));
    }
    read
}
