//! The pages, one module each: what it asks for, the tables that it makes of it, and how it shows them.

mod account;
mod campaign;
mod campaigns;
mod channel;
mod channels;
mod fan;
mod overview;
pub(super) mod playbook;
mod pushes;
mod questions;

use super::{
    Draft, Filter, Note, Page, Period, Step, View,
    address::Versions,
    chart,
    show::weekday,
    table::{Look, Table, table},
    words::{self, Language, Text},
};
use crate::{
    push::requests::Listed,
    report::{Ask, Brand, Cell, Days, Moment, Sheet},
    time::{Timestamp, UtcOffset},
};
use maud::{Markup, html};

/// The pages of the menu.
pub(super) fn menu() -> [Page; 8] {
    [
        Page::home(),
        Page::Channels(Period::default(), Filter::default()),
        Page::Pushes(Period::default(), None),
        Page::Campaigns(Note::Nothing, false),
        Page::Questions,
        Page::Playbook(Versions::default()),
        Page::Fan(String::new(), Step::Show),
        Page::Account,
    ]
}

/// What it is called.
pub(super) fn title(page: &Page) -> Text {
    match page {
        Page::Overview(..) => words::OVERVIEW,
        Page::Channels(..) | Page::Channel(..) => words::CHANNELS,
        Page::Pushes(..) => words::PUSHES,
        Page::Campaigns(..) | Page::Campaign => words::CAMPAIGNS,
        Page::Questions => words::QUESTIONS,
        Page::Playbook(_) => words::PLAYBOOK,
        Page::Fan(..) => words::FAN,
        Page::Account => words::ACCOUNT,
    }
}

/// As [`Page::asks`].
pub(super) fn asks(page: &Page, brand: &Brand, moment: Moment) -> Vec<Ask> {
    let days = |period: Period| Days::until(moment.now, &brand.settings, period.days());
    match page {
        Page::Overview(period, _, against) => overview::asks(days(*period), against.days(*period)),
        Page::Channels(period, _) => {
            vec![Ask::Channels(days(*period)), Ask::ChannelDays(days(*period)), Ask::Paths(days(*period))]
        }
        Page::Channel(period, id) => channel::asks(days(*period), id, brand, moment),
        Page::Pushes(period, _) => vec![Ask::Pushes(days(*period))],
        Page::Questions => questions::asks(brand, moment),
        Page::Fan(openid, _) => openid.parse().map(Ask::Fan).into_iter().collect(),
        Page::Account => vec![Ask::Account],
        // Of what push says, and of what its desk says, not of a report.
        Page::Campaigns(..) | Page::Campaign | Page::Playbook(_) => Vec::new(),
    }
}

/// The tables of a page, of the sheets of what it asks for.
pub(super) fn tables(page: &Page, sheets: &[Sheet]) -> Vec<Table> {
    match page {
        Page::Overview(..) => overview::tables(sheets),
        Page::Channels(_, filter) => channels::tables(filter, sheets),
        Page::Channel(_, id) => channel::tables(id, sheets),
        Page::Pushes(_, sort) => pushes::tables(*sort, sheets),
        Page::Questions => questions::tables(sheets),
        Page::Fan(..) => named([("fan", sheets.first())]),
        Page::Account => named([("account", sheets.first())]),
        Page::Campaigns(..) => named([("campaigns", sheets.first())]),
        Page::Campaign | Page::Playbook(_) => Vec::new(),
    }
}

/// What a page shows.
pub(super) fn body(view: &View<'_>, tables: &[Table]) -> Markup {
    let page = match view.page {
        Page::Overview(period, metric, against) => overview::body(view, (*period, metric, *against), tables),
        Page::Channels(_, filter) => channels::body(view, filter, tables),
        Page::Channel(_, id) => channel::body(view, id, tables),
        Page::Pushes(..) => pushes::body(view, tables),
        Page::Questions => questions::body(view, tables),
        Page::Fan(openid, step) => fan::body(view, openid, *step, tables),
        Page::Account => account::body(view, tables),
        Page::Campaigns(note, still) => campaigns::body(view, note, *still, tables),
        // Made of what is written: [`draft`], and the desk's.
        Page::Campaign | Page::Playbook(_) => html! {},
    };
    html! {
        (periods(view))
        (page)
    }
}

/// What the page shows on which a campaign is written.
pub(super) fn draft(draft: &Draft<'_>) -> Markup {
    campaign::body(draft)
}

/// Campaigns as a sheet.
pub(super) fn listed(listed: &[Listed], now: Timestamp, offset: UtcOffset) -> Sheet {
    campaigns::sheet(listed, now, offset)
}

/// After how many seconds a page is loaded again: while a campaign moves, unless somebody wants it to stand still.
pub(super) fn refresh(page: &Page, tables: &[Table]) -> Option<u32> {
    let watches = matches!(page, Page::Campaigns(note, false) if !matches!(note, Note::Sure(_)));
    (watches && campaigns::moves(tables)).then_some(campaigns::REFRESH_SECONDS)
}

fn periods(view: &View<'_>) -> Markup {
    let Some(now) = view.page.period() else { return html! {} };
    html! {
        nav class="choice" aria-label=(words::PERIOD.of(view.language)) {
            @for period in Period::ALL {
                a href=(view.page.over(period).address()) aria-current=[(period == now).then_some("true")] {
                    (match period {
                        Period::Week => words::LAST_7,
                        Period::Month => words::LAST_30,
                        Period::Quarter => words::LAST_90,
                    }.of(view.language))
                }
            }
        }
    }
}

/// Sheets under their names; what there is none of is left out.
fn named<const N: usize>(sheets: [(&'static str, Option<&Sheet>); N]) -> Vec<Table> {
    sheets.into_iter().filter_map(|(name, sheet)| Some(Table { name, sheet: sheet?.clone() })).collect()
}

fn find<'t>(tables: &'t [Table], name: &str) -> Option<&'t Table> {
    tables.iter().find(|table| table.name == name)
}

/// A table as it is, under a caption.
fn whole(view: &View<'_>, of: &Table, caption: Text) -> Markup {
    table(view, of, &Look { caption: caption.of(view.language), columns: &[], sorts: false, link: None })
}

/// A chapter: its heading, what it is about in one line, and it.
fn section(view: &View<'_>, heading: Text, about: Text, body: &Markup) -> Markup {
    html! {
        section {
            h2 { (heading.of(view.language)) }
            p { (about.of(view.language)) }
            (body)
        }
    }
}

/// What to do where there is nothing.
fn nothing(view: &View<'_>, what: Text) -> Markup {
    html! { p class="nothing" { (what.of(view.language)) } }
}

/// A column of hours, by weekday and hour of the playbook's clock.
fn by_weekday(hours: &Sheet, column: &str) -> Sheet {
    let mut counts = [[0_i64; 24]; 7];
    for (from, count) in hours.cells("from").zip(hours.cells(column)) {
        let (Cell::Time(from), Cell::Count(news)) = (from, count) else { continue };
        let local = hours.offset.local(*from);
        let day = counts.get_mut(local.day.weekday());
        if let Some(count) = day.and_then(|day| day.get_mut(usize::from(local.minute / 60))) {
            *count = count.saturating_add(*news);
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

/// These as fields, the darker the more.
fn heat(view: &View<'_>, hours: &Sheet, title: Text) -> Markup {
    let rows = hours.rows.iter().filter(|row| Sheet::missing(row).is_none()).enumerate();
    let rows: Vec<(String, Vec<f64>)> = rows
        .map(|(day, row)| {
            let counts = row.iter().skip(1).map(|cell| cell.number().unwrap_or(0.0)).collect();
            (weekday(day, view.language).to_owned(), counts)
        })
        .collect();
    chart::heat(title.of(view.language), &rows)
}
