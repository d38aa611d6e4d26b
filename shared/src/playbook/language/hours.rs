//! Reads `[hours.<name>]`.

use super::reader::{Fields, Value, Word, texts};
use crate::{
    playbook::{
        hours::{Exception, Hours, Opening},
        problem::{Findings, did_you_mean},
    },
    time::Day,
};

/// As many as the bits of the set in which an answer remembers which are open.
pub(super) const HOURS_MAX: usize = 64;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const TIMES_HELP: &str = "write \"09:30-21:00\", or a list of such";
const DATES_HELP: &str = "write \"2026-02-16\" or \"2026-02-16..2026-02-22\", in quotes";

/// The hours of a playbook with their names, in the order of their indexes.
pub(super) fn read<'d>(file: &mut Fields<'d, '_>) -> Vec<(&'d str, Hours)> {
    let findings = file.findings;
    let help = "write [hours.shop] and below it mon-fri = \"09:30-21:00\"";
    let Some(table) = file.get("hours").and_then(|v| Fields::of(v, "`hours`", help, findings)) else {
        return Vec::new();
    };
    let named: Vec<_> = table.others().collect();
    if let Some((name, _)) = named.get(HOURS_MAX) {
        findings.add(name.at(), format!("there are more than {HOURS_MAX} opening hours"), "share some between rules");
    }
    let read_one = |(name, value): (Word<'d>, &'d Value<'_>)| {
        let hours = Fields::of(value, "opening hours", help, findings).map(one).unwrap_or_default();
        (name.text, hours)
    };
    named.into_iter().map(read_one).collect()
}

fn one(mut fields: Fields<'_, '_>) -> Hours {
    let findings = fields.findings;
    let mut hours = Hours::default();
    let closed = fields.texts("closed");
    let dates = fields.get("dates");
    let mut stated: [bool; 7] = [false; 7];
    for (key, value) in fields.others() {
        let Some(days) = weekdays(key.text) else {
            let help = did_you_mean(key.text, WEEKDAYS, "write mon, sat-sun, closed or dates");
            findings.add(key.at(), format!("`{}` is no weekday", key.text), help);
            continue;
        };
        let openings = openings(value, key.text, findings);
        for day in days {
            if let (Some(stated), Some(of_day)) = (stated.get_mut(day), hours.week.get_mut(day)) {
                if std::mem::replace(stated, true) {
                    let name = WEEKDAYS.get(day).copied().unwrap_or_default();
                    findings.add(key.at(), format!("`{name}` is stated twice"), "state each weekday once");
                }
                *of_day = openings.clone();
            }
        }
    }
    hours.exceptions = exceptions(closed, dates, findings);
    hours
}

/// `mon`, or `sat-tue` with both ends.
fn weekdays(text: &str) -> Option<Vec<usize>> {
    let index = |name: &str| WEEKDAYS.iter().position(|day| *day == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (index(first)?, index(last)?);
    let count = (last + 7 - first) % 7;
    Some((first..=first + count).map(|day| day % 7).collect())
}

fn openings(value: &Value<'_>, key: &str, findings: &Findings<'_>) -> Vec<Opening> {
    let mut openings: Vec<Opening> = Vec::new();
    for word in texts(value, key, findings) {
        match word.text.parse() {
            Ok(opening) => openings.push(opening),
            Err(()) => findings.add(word.at(), format!("`{}` is no span of time", word.text), TIMES_HELP),
        }
    }
    openings.sort();
    if openings.windows(2).any(|pair| matches!(pair, [a, b] if b.from < a.to)) {
        findings.add(value.span().start, "these times overlap", "join them to one");
    }
    openings
}

/// `closed` and `dates` together, by date.
fn exceptions(closed: Vec<Word<'_>>, dates: Option<&Value<'_>>, findings: &Findings<'_>) -> Vec<Exception> {
    let mut found: Vec<(Exception, usize)> = Vec::new();
    let mut add = |word: Word<'_>, openings| match days(word.text) {
        Some((first, last)) => found.push((Exception { first, last, openings }, word.at())),
        None => findings.add(word.at(), format!("`{}` is no date", word.text), DATES_HELP),
    };
    for word in closed {
        add(word, Vec::new());
    }
    let help = "write dates = { \"2026-02-14\" = \"09:30-23:00\" }";
    if let Some(dates) = dates.and_then(|v| Fields::of(v, "`dates`", help, findings)) {
        for (key, value) in dates.others() {
            let openings = openings(value, key.text, findings);
            add(key, openings);
        }
    }
    found.sort_by_key(|(exception, at)| (exception.first, *at));
    for pair in found.windows(2) {
        if let [(before, _), (after, at)] = pair
            && after.first <= before.last
        {
            findings.add(*at, "this date is stated twice", "state each date once, in `closed` or in `dates`");
        }
    }
    found.into_iter().map(|(exception, _)| exception).collect()
}

fn days(text: &str) -> Option<(Day, Day)> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last): (Day, Day) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}
