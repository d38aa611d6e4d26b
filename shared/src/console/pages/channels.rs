//! 渠道: what each code brought.

use super::{find, nothing, section};
use crate::{
    console::{
        Filter, Page, Table, View,
        table::{ALL, Look, arranged, table},
        words,
    },
    report::{Cell, Sheet},
};
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(super) fn tables(filter: &Filter, sheets: &[Sheet]) -> Vec<Table> {
    let Some(sheet) = sheets.first() else { return Vec::new() };
    let find = filter.find.to_lowercase();
    let text = |row: &[Cell], name: &str| match sheet.column(name).and_then(|at| row.get(at)) {
        Some(Cell::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let wanted = |row: &[Cell]| {
        let named = ["channel", "name"].iter().any(|name| text(row, name).to_lowercase().contains(&find));
        named && (filter.group.is_empty() || text(row, "group") == filter.group)
    };
    vec![Table { name: "channels", sheet: arranged(sheet, wanted, filter.sort) }]
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
    section(view, words::CHANNELS, words::CHANNELS_ARE, &shown)
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
