//! 总览: how things stand, beside as many days earlier.

use super::{named, nothing, section, whole};
use crate::{
    console::{
        Against, Page, Period, Table, View,
        address::METRICS,
        chart,
        show::{grouped, money, plain, short_date, signed},
        words::{self, column},
    },
    report::{Ask, Cell, Days, Sheet, Step},
    time::Day,
};
use maud::{Markup, html};

/// Columns of the trend that are added up, and whether they can be had as a line.
const SUMS: [&str; 9] =
    ["new", "returning", "lost", "net", "messages", "answered_share", "orders", "revenue", "refunds"];
/// What the shop sends; the same in both languages.
const ORDER: &str = r#"curl https://your.host/orders -H 'webhook-id: msg_1' -H 'webhook-timestamp: …' -H 'webhook-signature: v1,…' \
  -d '{"orders": [{"id": "A-1", "openid": "oFan…", "time": "2026-03-02T10:00:00+08:00",
                   "lines": [{"product": "cat-2kg", "quantity": 1, "amount": 12900}]}]}'"#;

pub(super) fn asks(days: Days, earlier: u64) -> Vec<Ask> {
    let before = days.earlier(earlier);
    vec![
        Ask::Trend(days, Step::Day),
        Ask::Trend(before, Step::Day),
        Ask::Pushes(days),
        Ask::Pushes(before),
        Ask::Overview,
        Ask::Account,
        Ask::Publications,
    ]
}

pub(super) fn tables(sheets: &[Sheet]) -> Vec<Table> {
    let [now, before, pushes, pushes_before, standing, account, publications] = sheets else { return Vec::new() };
    let (mut now, mut before) = (now.clone(), before.clone());
    // What could not be read of the earlier days is said once, below these.
    let missing = before.rows.extract_if(.., |row| Sheet::missing(row).is_some());
    now.rows.extend(missing);
    let mut compared = Sheet {
        columns: ["metric", "value", "before", "change"].map(str::to_owned).to_vec(),
        rows: SUMS.iter().map(|name| row(name, Cell::sum(now.cells(name)), Cell::sum(before.cells(name)))).collect(),
        offset: now.offset,
    };
    for (metric, name) in [("pushes_sent", "sent"), ("pushes_delivered", "delivered")] {
        compared.rows.push(row(metric, of_all(pushes, name), of_all(pushes_before, name)));
    }
    let alarm = |row: &&Vec<Cell>| matches!(row.first(), Some(Cell::Text(about)) if about.starts_with("alarm: "));
    let alarms = Sheet { rows: account.rows.iter().filter(alarm).cloned().collect(), ..account.clone() };
    named([
        ("overview", Some(&compared)),
        ("trend", Some(&now)),
        ("trend-before", Some(&before)),
        ("standing", Some(standing)),
        ("alarms", Some(&alarms)),
        ("publications", Some(publications)),
    ])
}

/// A metric in both periods. A share changes by points, everything else by a part of what it was.
fn row(metric: &str, now: Cell, before: Cell) -> Vec<Cell> {
    let change = match (&now, &before) {
        (Cell::Count(now) | Cell::Cents(now), Cell::Count(before) | Cell::Cents(before)) => {
            Cell::Share(now.saturating_sub(*before), before.saturating_abs())
        }
        (Cell::Share(part, whole), Cell::Share(before, of)) => Cell::Share(
            part.saturating_mul(*of).saturating_sub(before.saturating_mul(*whole)),
            whole.saturating_mul(*of),
        ),
        _ => Cell::Empty,
    };
    vec![Cell::text(metric), now, before, change]
}

/// What stands in the row of all pushes.
fn of_all(pushes: &Sheet, name: &str) -> Cell {
    let rows: Vec<_> = pushes.cells("series").zip(pushes.cells(name)).collect();
    let all = rows.into_iter().rfind(|(series, _)| **series == Cell::text(super::super::table::ALL));
    all.map_or(Cell::Empty, |(_, cell)| cell.clone())
}

pub(super) fn body(view: &View<'_>, looked_at: (Period, &'static str, Against), tables: &[Table]) -> Markup {
    let (_, metric, _) = looked_at;
    let [compared, trend, before, standing, alarms, publications] = tables else { return html! {} };
    let row = standing.sheet.rows.iter().rfind(|row| row.first() == Some(&Cell::text("all time")));
    let all_time = |name| row.and_then(|row| row.get(standing.sheet.column(name)?)).cloned().unwrap_or(Cell::Empty);
    let is_none = |name| all_time(name).number().unwrap_or(0.0) == 0.0;
    let charts = html! {
        (comparisons(view, looked_at))
        (line(view, metric, (trend, before), publications))
        @if !publications.sheet.rows.is_empty() { (whole(view, publications, words::playbook::VERSIONS)) }
        (whole(view, compared, words::OVERVIEW))
        details {
            summary { (words::BY_DAY.of(view.language)) }
            (whole(view, trend, words::BY_DAY))
        }
    };
    html! {
        @if is_none("messages") && is_none("followers") { (nothing(view, words::NOTHING_YET)) }
        (cards(view, looked_at, compared, &all_time("followers")))
        @if !alarms.sheet.rows.is_empty() { (whole(view, alarms, words::ALARMS)) }
        (section(view, words::OVERVIEW, words::COMPARED, &charts))
        @if is_none("orders") {
            (nothing(view, words::NO_ORDERS))
            pre { code { (ORDER) } }
        }
    }
}

/// A card for each number; those that are a line lead to it.
fn cards(view: &View<'_>, looked_at: (Period, &'static str, Against), compared: &Table, followers: &Cell) -> Markup {
    let (period, shown, against) = looked_at;
    let offset = compared.sheet.offset;
    let card = |name: &str, row: &[Cell]| {
        let [_, now, _, change] = row else { return html! {} };
        let points = if matches!(now, Cell::Share(..)) { words::POINTS.of(view.language) } else { "" };
        let change = match change.number() {
            None => String::new(),
            Some(_) if points.is_empty() => signed(change, view.language, offset),
            Some(_) => signed(change, view.language, offset).replace('%', points),
        };
        html! {
            dt { (column(name, view.language)) }
            dd { strong { (plain(now, view.language, offset)) } " " span { (change) } }
        }
    };
    html! {
        div class="cards" {
            dl { dt { (words::FOLLOWERS_NOW.of(view.language)) } dd { strong { (plain(followers, view.language, offset)) } } }
            @for row in &compared.sheet.rows {
                @if let Some(Cell::Text(name)) = row.first() {
                    @match METRICS.into_iter().find(|metric| metric == name) {
                        Some(metric) => {
                            a href=(Page::Overview(period, metric, against).address()) aria-current=[(shown == metric).then_some("true")] {
                                dl { (card(name, row)) }
                            }
                        }
                        None => dl { (card(name, row)) }
                    }
                }
            }
            @if let Some(backlog) = view.moment.backlog.filter(|backlog| *backlog > 0) {
                dl { dt { (words::BACKLOG_NOW.of(view.language)) } dd { strong { (grouped(i64::try_from(backlog).unwrap_or(i64::MAX))) } } }
            }
        }
    }
}

/// With which days it is compared.
fn comparisons(view: &View<'_>, (period, metric, against): (Period, &'static str, Against)) -> Markup {
    html! {
        nav class="choice" aria-label=(words::COMPARISON.of(view.language)) {
            @for other in Against::ALL {
                a href=(Page::Overview(period, metric, other).address()) aria-current=[(other == against).then_some("true")] {
                    (match other {
                        Against::Before => words::DAYS_BEFORE,
                        Against::Weekdays => words::SAME_WEEKDAYS,
                        Against::Year => words::LAST_YEAR,
                    }.of(view.language))
                }
            }
        }
    }
}

fn line(view: &View<'_>, metric: &str, (now, before): (&Table, &Table), publications: &Table) -> Markup {
    let values = |table: &Table| table.sheet.cells(metric).map(Cell::number).collect::<Vec<_>>();
    let days = now.sheet.cells("from").filter_map(|cell| if let Cell::Day(day) = cell { Some(*day) } else { None });
    let days: Vec<Day> = days.collect();
    let labels: Vec<String> = days.iter().map(|day| short_date(*day, view.language)).collect();
    let mark = |row: &Vec<Cell>| {
        let [Cell::Count(number), Cell::Time(since)] = row.as_slice() else { return None };
        let since = publications.sheet.offset.local(*since).day;
        let said = format!("{} {number}", words::PUBLICATION.of(view.language));
        Some((days.iter().position(|day| *day == since)?, said))
    };
    let marks: Vec<(usize, String)> = publications.sheet.rows.iter().filter_map(mark).collect();
    let title = format!("{} ({})", column(metric, view.language), words::DASHED.of(view.language));
    let values = (values(now), values(before));
    let line = chart::Line {
        title: &title,
        labels: &labels,
        values: values.0.get(..labels.len()).unwrap_or_default(),
        before: &values.1,
        marks: &marks,
    };
    let say = |value: f64| match metric {
        // An axis has whole yuan.
        "revenue" if value % 100.0 == 0.0 => money(value as i64).trim_end_matches(".00").to_owned(),
        "revenue" => money(value.round() as i64),
        "answered_share" => format!("{:.0}%", value * 100.0),
        _ => plain_number(value),
    };
    html! {
        figure {
            figcaption { (title) }
            (chart::line(&line, say))
        }
    }
}

/// A number on an axis, which may be a half where all numbers are small.
fn plain_number(value: f64) -> String {
    if value.fract() == 0.0 { grouped(value as i64) } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_change_is_a_part_of_what_it_was_and_of_a_share_the_difference() {
        for (now, before, change) in [
            (Cell::Count(15), Cell::Count(10), Cell::Share(5, 10)),
            (Cell::Count(-5), Cell::Count(-10), Cell::Share(5, 10)),
            (Cell::Cents(5), Cell::Cents(0), Cell::Share(5, 0)),
            (Cell::Share(1, 2), Cell::Share(1, 4), Cell::Share(2, 8)),
            (Cell::Empty, Cell::Count(1), Cell::Empty),
        ] {
            assert_eq!(row("x", now.clone(), before)[3], change, "{now:?}");
        }
    }
}
