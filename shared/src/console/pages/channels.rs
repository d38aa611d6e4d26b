//! 渠道: what each code brought.

use super::{find, nothing, section, whole};
use crate::{
    console::{
        Filter, Page, Table, View, chart,
        show::{cut, grouped},
        table::{ALL, Look, arranged, table},
        words,
    },
    report::{Cell, Sheet},
};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Paths that are drawn.
const BANDS_MAX: usize = 12;

pub(super) fn tables(filter: &Filter, sheets: &[Sheet]) -> Vec<Table> {
    let [sheet, paths] = sheets else { return Vec::new() };
    let find = filter.find.to_lowercase();
    let text = |row: &[Cell], name: &str| match sheet.column(name).and_then(|at| row.get(at)) {
        Some(Cell::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let wanted = |row: &[Cell]| {
        let named = ["channel", "name"].iter().any(|name| text(row, name).to_lowercase().contains(&find));
        named && (filter.group.is_empty() || text(row, "group") == filter.group)
    };
    vec![
        Table { name: "channels", sheet: arranged(sheet, wanted, filter.sort) },
        Table { name: "paths", sheet: paths.clone() },
    ]
}

pub(super) fn body(view: &View<'_>, filter: &Filter, tables: &[Table]) -> Markup {
    let Some(channels) = find(tables, "channels") else { return html! {} };
    let said = |text: words::Text| text.of(view.language);
    let period = view.page.period().unwrap_or_default();
    let link = |id: &str| Page::Channel(period, id.to_owned()).address();
    let look = Look { caption: said(words::CHANNELS), columns: &[], sorts: true, link: Some(&link) };
    let rows = channels.sheet.cells("channel").filter(|cell| **cell != Cell::text(ALL)).count();
    let is_filtered = !filter.find.is_empty() || !filter.group.is_empty();
    let shown = html! {
        (form(view, filter))
        @if rows == 0 { (nothing(view, if is_filtered { words::NO_MATCH } else { words::NO_CHANNELS })) }
        (table(view, channels, &look))
    };
    let paths = find(tables, "paths").filter(|paths| !paths.sheet.rows.is_empty());
    html! {
        (section(view, words::CHANNELS, words::CHANNELS_ARE, &shown))
        @if let Some(paths) = paths {
            (section(view, words::PATHS, words::PATHS_ARE, &html! {
                figure { (sankey(view, &paths.sheet)) }
                (whole(view, paths, words::PATHS))
            }))
        }
    }
}

/// The most common paths; the table below has the others.
fn sankey(view: &View<'_>, paths: &Sheet) -> Markup {
    let name = |cell: &Cell| {
        let Cell::Text(id) = cell else { return String::new() };
        let look = view.brand.channels.get(id).map(|look| look.name.as_str()).filter(|name| !name.is_empty());
        match look {
            Some(name) => cut(name),
            None if id.starts_with('(') => cut(&words::phrase(id, view.language)),
            None => cut(id),
        }
    };
    let ends = paths.cells("first_touch").map(name).zip(paths.cells("last_touch").map(name));
    let rows: Vec<((String, String), f64)> = ends
        .zip(paths.cells("orders").map(|cell| cell.number().unwrap_or(0.0)))
        .filter(|(_, orders)| *orders > 0.0)
        .take(BANDS_MAX)
        .collect();
    let flows: Vec<chart::Flow<'_>> =
        rows.iter().map(|((from, to), value)| chart::Flow { from, to, value: *value }).collect();
    chart::sankey(words::PATHS_ARE.of(view.language), &flows, |value| grouped(value as i64))
}

/// What is looked for; a form that asks for an address.
fn form(view: &View<'_>, filter: &Filter) -> Markup {
    let said = |text: words::Text| text.of(view.language);
    let groups: BTreeSet<&str> =
        view.brand.channels.values().map(|look| look.group.as_str()).filter(|group| !group.is_empty()).collect();
    html! {
        form method="get" action="/console/channels" class="filter" {
            input type="hidden" name="days" value=(view.page.period().unwrap_or_default().days());
            @if let Some(sort) = filter.sort {
                input type="hidden" name="sort" value=(sort.column);
                input type="hidden" name="order" value=(if sort.descending { "down" } else { "up" });
            }
            label for="find" { (said(words::FIND)) }
            input id="find" name="find" type="search" maxlength="100" value=(filter.find);
            label for="group" { (said(words::GROUP)) }
            select id="group" name="group" {
                option value="" { (said(words::ALL_GROUPS)) }
                @for group in groups { option value=(group) selected[group == filter.group] { (group) } }
            }
            button { (said(words::SHOW)) }
        }
    }
}
