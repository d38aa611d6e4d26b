//! 问答: what nobody answered, rules that nobody needs, and when people write.

use super::{named, nothing, section, whole};
use crate::{
    console::{
        Table, View, chart,
        show::weekday,
        words::{self, Language},
    },
    report::{Ask, Brand, Cell, Days, Moment, Sheet, Step},
};
use maud::{Markup, html};

/// Days whose hours are shown.
const DAYS: u64 = 14;
/// Days whose hits of rules are counted.
const RULE_DAYS: u64 = 30;

pub(super) fn asks(brand: &Brand, moment: Moment) -> Vec<Ask> {
    let days = Days::until(moment.now, &brand.settings, DAYS);
    let month = Days::until(moment.now, &brand.settings, RULE_DAYS);
    vec![Ask::Questions, Ask::Rules(month), Ask::StaleRules, Ask::Trend(days, Step::Hour)]
}

pub(super) fn tables(sheets: &[Sheet]) -> Vec<Table> {
    let [questions, rules, stale, hours] = sheets else { return Vec::new() };
    named([
        ("questions", Some(questions)),
        ("rules", Some(rules)),
        ("stale-rules", Some(stale)),
        ("hours", Some(&by_weekday(hours))),
    ])
}

/// Messages by weekday and hour of the playbook's clock.
fn by_weekday(hours: &Sheet) -> Sheet {
    let mut counts = [[0_i64; 24]; 7];
    for (from, messages) in hours.cells("from").zip(hours.cells("messages")) {
        let (Cell::Time(from), Cell::Count(messages)) = (from, messages) else { continue };
        let local = hours.offset.local(*from);
        let day = counts.get_mut(local.day.weekday());
        if let Some(count) = day.and_then(|day| day.get_mut(usize::from(local.minute / 60))) {
            *count = count.saturating_add(*messages);
        }
    }
    let row = |(day, counts): (usize, [i64; 24])| {
        [Cell::text(weekday(day, Language::En))].into_iter().chain(counts.map(Cell::Count)).collect()
    };
    let mut rows: Vec<Vec<Cell>> = counts.into_iter().enumerate().map(row).collect();
    let missing = hours.rows.iter().filter(|row| Sheet::missing(row).is_some());
    rows.extend(missing.map(|row| {
        let mut row = row.clone();
        row.resize(25, Cell::Empty);
        row
    }));
    let columns = ["weekday".to_owned()].into_iter().chain((0..24).map(|hour| format!("{hour:02}"))).collect();
    Sheet { columns, rows, offset: hours.offset }
}

pub(super) fn body(view: &View<'_>, tables: &[Table]) -> Markup {
    let [questions, rules, stale, hours] = tables else { return html! {} };
    let or = |table: &Table, caption, empty| match table.sheet.rows.is_empty() {
        true => nothing(view, empty),
        false => whole(view, table, caption),
    };
    html! {
        (section(view, words::UNANSWERED, words::UNANSWERED_IS, &or(questions, words::UNANSWERED, words::NO_QUESTIONS)))
        (section(view, words::RULES, words::RULES_ARE, &or(rules, words::RULES, words::NO_RULES)))
        (section(view, words::STALE, words::STALE_IS, &or(stale, words::STALE, words::NO_STALE)))
        (section(view, words::HOURS, words::HOURS_IS, &html! {
            figure { (heat(view, &hours.sheet)) }
            (whole(view, hours, words::HOURS))
        }))
    }
}

fn heat(view: &View<'_>, hours: &Sheet) -> Markup {
    let rows = hours.rows.iter().filter(|row| Sheet::missing(row).is_none()).enumerate();
    let rows: Vec<(String, Vec<f64>)> = rows
        .map(|(day, row)| {
            let counts = row.iter().skip(1).map(|cell| cell.number().unwrap_or(0.0)).collect();
            (weekday(day, view.language).to_owned(), counts)
        })
        .collect();
    chart::heat(words::HOURS.of(view.language), &rows)
}
