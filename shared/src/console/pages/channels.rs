//! 渠道: what each code brought.

use super::{find, nothing, section, whole};
use crate::{
    console::{
        Filter, Page, Table, View, chart,
        show::{cut, foreign, grouped},
        table::{ALL, Look, arranged, table},
        words,
    },
    report::{Cell, Sheet},
};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Channels whose trends are drawn.
const TRENDS_MAX: usize = 12;
/// Paths that are drawn.
const BANDS_MAX: usize = 12;

pub(super) fn tables(filter: &Filter, sheets: &[Sheet]) -> Vec<Table> {
    let [sheet, days, paths] = sheets else { return Vec::new() };
    let find = filter.find.to_lowercase();
    let text = |row: &[Cell], name: &str| match sheet.column(name).and_then(|at| row.get(at)) {
        Some(Cell::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let wanted = |row: &[Cell]| {
        let named = ["channel", "name"].iter().any(|name| text(row, name).to_lowercase().contains(&find));
        named && (filter.group.is_empty() || text(row, "group") == filter.group)
    };
    let channels = arranged(sheet, wanted, filter.sort);
    let trends = in_order_of(&channels, days);
    vec![
        Table { name: "channels", sheet: channels },
        Table { name: "trends", sheet: trends },
        Table { name: "paths", sheet: paths.clone() },
    ]
}

/// The days of the channels that another sheet shows, in its order; rows on damaged records at the end.
fn in_order_of(channels: &Sheet, days: &Sheet) -> Sheet {
    let place = |row: &Vec<Cell>| match row.first() {
        _ if Sheet::missing(row).is_some() => Some(usize::MAX),
        first => channels.cells("channel").position(|channel| Some(channel) == first),
    };
    let mut rows: Vec<(usize, Vec<Cell>)> =
        days.rows.iter().filter_map(|row| Some((place(row)?, row.clone()))).collect();
    rows.sort_by_key(|(place, _)| *place);
    Sheet { rows: rows.into_iter().map(|(_, row)| row).collect(), ..days.clone() }
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
    let filled = |name| find(tables, name).filter(|table| !table.sheet.rows.is_empty());
    let (trends, paths) = (filled("trends"), filled("paths"));
    html! {
        (section(view, words::CHANNELS, words::CHANNELS_ARE, &shown))
        @if let Some(trends) = trends {
            (section(view, words::TRENDS, words::TRENDS_ARE, &html! {
                (sparks(view, &trends.sheet, &link))
                (whole(view, trends, words::TRENDS))
            }))
        }
        @if let Some(paths) = paths {
            (section(view, words::PATHS, words::PATHS_ARE, &html! {
                figure { (sankey(view, &paths.sheet)) }
                (whole(view, paths, words::PATHS))
            }))
        }
    }
}

/// A small line for each of the first channels.
fn sparks(view: &View<'_>, trends: &Sheet, link: &dyn Fn(&str) -> String) -> Markup {
    let known = trends.rows.iter().filter(|row| Sheet::missing(row).is_none());
    let rows: Vec<(&str, Vec<f64>)> = known
        .filter_map(|row| match row.split_first()? {
            (Cell::Text(id), days) => {
                Some((id.as_str(), days.iter().map(|cell| cell.number().unwrap_or(0.0)).collect()))
            }
            _ => None,
        })
        .take(TRENDS_MAX)
        .collect();
    let most = rows.iter().flat_map(|(_, days)| days).copied().fold(1.0, f64::max);
    html! {
        ul class="sparks" {
            @for (id, days) in &rows {
                @let (name, all) = (name(view, id), grouped(days.iter().sum::<f64>() as i64));
                li {
                    a href=(link(id)) { (foreign(&name)) }
                    " " strong { (all) }
                    (chart::spark(&format!("{name} {all}"), days, most))
                }
            }
        }
    }
}

/// What a channel is called where there is little room.
fn name(view: &View<'_>, id: &str) -> String {
    let look = view.brand.channels.get(id).map(|look| look.name.as_str()).filter(|name| !name.is_empty());
    match look {
        Some(name) => cut(name),
        None if id.starts_with('(') => cut(&words::phrase(id, view.language)),
        None => cut(id),
    }
}

/// The most common paths; the table below has the others.
fn sankey(view: &View<'_>, paths: &Sheet) -> Markup {
    let named = |cell: &Cell| if let Cell::Text(id) = cell { name(view, id) } else { String::new() };
    let ends = paths.cells("first_touch").map(named).zip(paths.cells("last_touch").map(named));
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
