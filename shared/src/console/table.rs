//! Tables: a sheet's rows as the reader sees them, and sorted and filtered as the address says.

use super::{
    View,
    address::{Sort, TABLES},
    show::{foreign, plain, signed},
    words::{self, column, phrase},
};
use crate::report::{Cell, Sheet};
use maud::{Markup, html};
use std::cmp::Ordering;

/// Rows that a page shows; a CSV has all.
pub const ROWS_SHOWN: usize = 500;
/// The report's row of all together.
pub(super) const ALL: &str = "(all)";

/// A sheet under its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// As in the address of its CSV; others are not to be had alone.
    pub name: &'static str,
    /// What it says.
    pub sheet: Sheet,
}

/// What a table looks like.
pub(super) struct Look<'a> {
    /// Above it.
    pub(super) caption: &'a str,
    /// The columns shown, in this order; empty: all.
    pub(super) columns: &'a [&'a str],
    /// Whether the columns sort it.
    pub(super) sorts: bool,
    /// Where the first cell of a row leads.
    pub(super) link: Option<&'a dyn Fn(&str) -> String>,
}

/// The table and where its CSV is.
pub(super) fn table(view: &View<'_>, table: &Table, look: &Look<'_>) -> Markup {
    let Table { name, sheet } = table;
    let shown: Vec<usize> = match look.columns {
        [] => (0..sheet.columns.len()).collect(),
        columns => columns.iter().filter_map(|name| sheet.column(name)).collect(),
    };
    let (missing, rows): (Vec<_>, Vec<_>) = sheet.rows.iter().partition(|row| Sheet::missing(row).is_some());
    html! {
        div class="scroll" role="region" tabindex="0" aria-label=(look.caption) {
            table id=(name) {
                caption { (look.caption) }
                thead { tr { @for at in &shown { (heading(view, sheet, *at, look)) } } }
                tbody {
                    @for row in rows.iter().take(ROWS_SHOWN) {
                        tr class=[is_all(row).then_some("all")] {
                            @for (place, at) in shown.iter().enumerate() { (cell(view, sheet, row, *at, (place == 0).then_some(look))) }
                        }
                    }
                }
            }
        }
        @for key in missing.iter().filter_map(|row| Sheet::missing(row)) {
            p class="warning" { (words::WITHOUT.of(view.language)) (foreign(key)) }
        }
        p class="csv" {
            @if rows.len() > ROWS_SHOWN { (ROWS_SHOWN) " / " (rows.len()) " · " }
            @if TABLES.iter().any(|(table, _)| table == name) {
                a href=(view.page.csv_address(name)) download { (words::AS_CSV.of(view.language)) }
            }
        }
    }
}

fn heading(view: &View<'_>, sheet: &Sheet, at: usize, look: &Look<'_>) -> Markup {
    let name = sheet.columns.get(at).map_or("", String::as_str);
    let words = column(name, view.language);
    let cells = || sheet.rows.iter().filter_map(|row| row.get(at));
    let class = cells().find(|cell| !matches!(cell, Cell::Empty)).or_else(|| cells().next()).and_then(class);
    let Some(known) = words::column_named(name).filter(|_| look.sorts) else {
        return html! { th scope="col" class=[class] { (words) } };
    };
    let now = view.page.sort().filter(|sort| sort.column == known);
    let next = Sort { column: known, descending: now.is_none_or(|sort| !sort.descending) };
    let order = now.map(|sort| if sort.descending { "descending" } else { "ascending" });
    html! {
        th scope="col" class=[class] aria-sort=[order] {
            a href=(view.page.sorted(next).address()) title={ (words::SORT_BY.of(view.language)) (words) } { (words) }
        }
    }
}

fn cell(view: &View<'_>, sheet: &Sheet, row: &[Cell], at: usize, first: Option<&Look<'_>>) -> Markup {
    let (Some(name), Some(cell)) = (sheet.columns.get(at), row.get(at)) else { return html! {} };
    let said = html! {
        @match cell {
            Cell::Text(text) => (foreign(&words_of(view, name, row, text))),
            cell if name == "change" => (signed(cell, view.language, sheet.offset)),
            cell => (plain(cell, view.language, sheet.offset)),
        }
    };
    let link = match (cell, first) {
        (Cell::Text(text), Some(look)) if !is_all(row) => look.link.map(|link| link(text)),
        _ => None,
    };
    let class = class(cell);
    let said = match link {
        Some(link) => html! { a href=(link) { (said) } },
        None => said,
    };
    match first {
        Some(_) => html! { th scope="row" class=[class] { (said) } },
        None => html! { td class=[class] { (said) } },
    }
}

/// Numbers stand below each other, and a date on one line.
fn class(cell: &Cell) -> Option<&'static str> {
    match cell {
        Cell::Text(_) => None,
        Cell::Day(_) | Cell::Time(_) => Some("moment"),
        Cell::Empty | Cell::Count(_) | Cell::Cents(_) | Cell::Share(..) => Some("number"),
    }
}

/// A text cell in the reader's language, where its words are ours.
fn words_of<'c>(view: &View<'_>, name: &str, row: &'c [Cell], text: &'c str) -> std::borrow::Cow<'c, str> {
    let about = || row.iter().find_map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None });
    match name {
        "about" | "says" | "what" | "effect" | "weekday" | "state" => phrase(text, view.language),
        "metric" => column(text, view.language),
        "detail" => match about() {
            Some("push") => words::fate(text, view.language),
            Some("last bought") => phrase(text, view.language),
            _ => text.into(),
        },
        "channel" | "series" | "first_touch" | "last_touch" if text.starts_with('(') => phrase(text, view.language),
        _ => text.into(),
    }
}

fn is_all(row: &[Cell]) -> bool {
    row.iter().take(2).any(|cell| matches!(cell, Cell::Text(text) if text == ALL))
}

/// Keeps the rows that are wanted, in the order that is wished. What is said of all, or of damaged records, stays at the end, and
/// so do rows without a value in the column.
pub(super) fn arranged(sheet: &Sheet, wanted: impl Fn(&[Cell]) -> bool, sort: Option<Sort>) -> Sheet {
    let (last, mut rows): (Vec<_>, Vec<_>) =
        sheet.rows.iter().cloned().partition(|row| is_all(row) || Sheet::missing(row).is_some());
    rows.retain(|row| wanted(row));
    if let Some((sort, at)) = sort.and_then(|sort| Some((sort, sheet.column(sort.column)?))) {
        rows.sort_by(|a, b| by(a.get(at), b.get(at), sort.descending));
    }
    rows.extend(last);
    Sheet { rows, ..sheet.clone() }
}

fn by(a: Option<&Cell>, b: Option<&Cell>, descending: bool) -> Ordering {
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    match (a, b) {
        (Some(Cell::Text(a)), Some(Cell::Text(b))) => turned(a.cmp(b)),
        (a, b) => match (a.and_then(Cell::number), b.and_then(Cell::number)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    }
}
