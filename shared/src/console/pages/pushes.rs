//! 提醒与活动: what became of each series, why not, and what it brought.

use super::{find, nothing, section};
use crate::{
    console::{
        Sort, Table, View,
        table::{ALL, Look, arranged, table},
        words,
    },
    facts::push::Skip,
    report::{Cell, Sheet},
};
use maud::{Markup, html};

const BECAME: [&str; 8] = ["series", "planned", "waiting", "sent", "delivered", "refused", "unknown", "unmatched"];
const BROUGHT: [&str; 7] =
    ["series", "treated", "treated_bought", "holdout", "holdout_bought", "revenue_per_1000_fans", "effect"];

pub(super) fn tables(sort: Option<Sort>, sheets: &[Sheet]) -> Vec<Table> {
    let Some(sheet) = sheets.first() else { return Vec::new() };
    vec![Table { name: "pushes", sheet: arranged(sheet, |_| true, sort) }]
}

pub(super) fn body(view: &View<'_>, tables: &[Table]) -> Markup {
    let Some(pushes) = find(tables, "pushes") else { return html! {} };
    if pushes.sheet.cells("series").all(|series| *series == Cell::text(ALL)) {
        return nothing(view, words::NO_PUSHES);
    }
    let skipped: Vec<String> = Skip::ALL.iter().map(|(reason, _)| format!("skipped_{reason}")).collect();
    let why_not: Vec<&str> = ["series", "skipped_late"].into_iter().chain(skipped.iter().map(String::as_str)).collect();
    let part = |caption: words::Text, columns: &[&str]| {
        table(view, pushes, &Look { caption: caption.of(view.language), columns, sorts: true, link: None })
    };
    html! {
        (part(words::BECAME, &BECAME))
        (part(words::WHY_NOT, &why_not))
        (section(view, words::BROUGHT, words::BROUGHT_IS, &part(words::BROUGHT, &BROUGHT)))
    }
}
