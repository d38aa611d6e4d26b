//! 提醒与活动: what became of each series, why not, and what it brought.

use super::{find, nothing, section};
use crate::{
    console::{
        Sort, Table, View, chart,
        show::cut,
        table::{ALL, Look, arranged, table},
        words,
    },
    facts::push::Skip,
    report::{
        Cell, Sheet,
        uplift::{Arm, Effect},
    },
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
        (section(view, words::BROUGHT, words::BROUGHT_IS, &html! {
            (uplift(view, &pushes.sheet))
            (part(words::BROUGHT, &BROUGHT))
        }))
    }
}

/// What each series that has enough data brought.
fn uplift(view: &View<'_>, pushes: &Sheet) -> Markup {
    let arm = |cell: &Cell| match cell {
        Cell::Share(bought, fans) => Some(Arm { fans: fans.unsigned_abs(), bought: bought.unsigned_abs() }),
        _ => None,
    };
    let arms = pushes.cells("treated_bought").zip(pushes.cells("holdout_bought"));
    let rows: Vec<chart::Interval> = pushes
        .cells("series")
        .zip(arms)
        .filter_map(|(series, (treated, holdout))| {
            let effect = Effect::of(arm(treated)?, arm(holdout)?).ok()?;
            let Cell::Text(series) = series else { return None };
            let [low, value, high] = [effect.low, effect.difference, effect.high].map(|part| part * 1_000.0);
            Some(chart::Interval { name: cut(series), low, value, high })
        })
        .collect();
    if rows.is_empty() {
        return html! {};
    }
    let title = words::UPLIFT.of(view.language);
    html! {
        figure {
            figcaption { (title) }
            (chart::intervals(title, &rows, |value| format!("{value:+.0}")))
        }
    }
}
