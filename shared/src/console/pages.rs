//! The pages, one module each: what it asks for, the tables that it makes of it, and how it shows them.

mod account;
mod channel;
mod channels;
mod fan;
mod overview;
pub(super) mod playbook;
mod pushes;
mod questions;

use super::{
    Filter, Page, Period, Step, View,
    address::Versions,
    table::{Look, Table, table},
    words::{self, Text},
};
use crate::report::{Ask, Brand, Days, Moment, Sheet};
use maud::{Markup, html};

/// The pages of the menu.
pub(super) fn menu() -> [Page; 7] {
    [
        Page::home(),
        Page::Channels(Period::default(), Filter::default()),
        Page::Pushes(Period::default(), None),
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
        Page::Overview(period, _) => overview::asks(days(*period)),
        Page::Channels(period, _) => vec![Ask::Channels(days(*period))],
        Page::Channel(period, id) => channel::asks(days(*period), id),
        Page::Pushes(period, _) => vec![Ask::Pushes(days(*period))],
        Page::Questions => questions::asks(brand, moment),
        Page::Fan(openid, _) => openid.parse().map(Ask::Fan).into_iter().collect(),
        Page::Account => vec![Ask::Account],
        // Made of what its desk says.
        Page::Playbook(_) => Vec::new(),
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
        Page::Playbook(_) => Vec::new(),
    }
}

/// What a page shows.
pub(super) fn body(view: &View<'_>, tables: &[Table]) -> Markup {
    let page = match view.page {
        Page::Overview(_, metric) => overview::body(view, metric, tables),
        Page::Channels(_, filter) => channels::body(view, filter, tables),
        Page::Channel(_, id) => channel::body(view, id, tables),
        Page::Pushes(..) => pushes::body(view, tables),
        Page::Questions => questions::body(view, tables),
        Page::Fan(openid, step) => fan::body(view, openid, *step, tables),
        Page::Account => account::body(view, tables),
        Page::Playbook(_) => html! {},
    };
    html! {
        (periods(view))
        (page)
    }
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
