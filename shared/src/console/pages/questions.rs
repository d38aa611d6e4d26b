//! 问答: what nobody answered, who wants a person, rules that nobody needs, and when people write.

use super::{by_weekday, heat, named, nothing, section, whole};
use crate::{
    console::{Table, View, words},
    report::{Ask, Brand, Days, Moment, Sheet, Step},
};
use maud::{Markup, html};

/// Days whose hours are shown.
const DAYS: u64 = 14;
/// Days whose hits of rules are counted.
const RULE_DAYS: u64 = 30;

pub(super) fn asks(brand: &Brand, moment: Moment) -> Vec<Ask> {
    let days = Days::until(moment.now, &brand.settings, DAYS);
    let month = Days::until(moment.now, &brand.settings, RULE_DAYS);
    vec![Ask::Questions, Ask::Rules(month), Ask::StaleRules, Ask::Trend(days, Step::Hour), Ask::People(month)]
}

pub(super) fn tables(sheets: &[Sheet]) -> Vec<Table> {
    let [questions, rules, stale, hours, people] = sheets else { return Vec::new() };
    named([
        ("questions", Some(questions)),
        ("rules", Some(rules)),
        ("stale-rules", Some(stale)),
        ("hours", Some(&by_weekday(hours, "messages"))),
        ("people", Some(people)),
    ])
}

pub(super) fn body(view: &View<'_>, tables: &[Table]) -> Markup {
    let [questions, rules, stale, hours, people] = tables else { return html! {} };
    let or = |table: &Table, caption, empty| match table.sheet.rows.is_empty() {
        true => nothing(view, empty),
        false => whole(view, table, caption),
    };
    html! {
        (section(view, words::UNANSWERED, words::UNANSWERED_IS, &or(questions, words::UNANSWERED, words::NO_QUESTIONS)))
        (section(view, words::PEOPLE, words::PEOPLE_ARE, &or(people, words::PEOPLE, words::NO_PEOPLE)))
        (section(view, words::RULES, words::RULES_ARE, &or(rules, words::RULES, words::NO_RULES)))
        (section(view, words::STALE, words::STALE_IS, &or(stale, words::STALE, words::NO_STALE)))
        (section(view, words::HOURS, words::HOURS_IS, &html! {
            figure { (heat(view, &hours.sheet, words::HOURS)) }
            (whole(view, hours, words::HOURS))
        }))
    }
}
