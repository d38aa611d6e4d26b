//! 渠道 / one: its funnel, its days, and who stayed.

use super::{by_weekday, heat, named, nothing, section, whole};
use crate::{
    console::{
        Table, View, chart,
        show::{cut, foreign, grouped, plain, short_date},
        table::arranged,
        words::{self, column},
    },
    report::{Ask, Brand, Cell, Days, Moment, Sheet, Step},
};
use maud::{Markup, html};

/// Weeks of follows whose staying is shown.
const WEEKS: u64 = 8;
/// Days whose scans are shown by the hour.
const HOUR_DAYS: u64 = 14;
/// From scan to the second purchase, as columns.
const FUNNEL: [&str; 5] = ["scans", "new", "still_here", "bought", "bought_again"];
/// From the welcome to the purchase.
const WELCOME: [&str; 4] = ["new", "welcomed", "used_menu", "bought"];

pub(super) fn asks(days: Days, id: &str, brand: &Brand, moment: Moment) -> Vec<Ask> {
    let fortnight = Days::until(moment.now, &brand.settings, HOUR_DAYS);
    vec![
        Ask::Channel(id.to_owned(), days, Step::Day),
        Ask::Cohorts(WEEKS),
        Ask::Channel(id.to_owned(), fortnight, Step::Hour),
    ]
}

pub(super) fn tables(id: &str, sheets: &[Sheet]) -> Vec<Table> {
    let [days, cohorts, hours] = sheets else { return Vec::new() };
    let at = cohorts.column("channel").unwrap_or(usize::MAX);
    let mut retention =
        arranged(cohorts, |row| matches!(row.get(at), Some(Cell::Text(channel)) if channel == id), None);
    retention.rows.retain(|row| Sheet::missing(row).is_some() || row.get(at) == Some(&Cell::text(id)));
    named([("channel", Some(days)), ("retention", Some(&retention)), ("scan-hours", Some(&by_weekday(hours, "scans")))])
}

pub(super) fn body(view: &View<'_>, id: &str, tables: &[Table]) -> Markup {
    let [days, retention, hours] = tables else { return html! {} };
    let name = view.brand.channels.get(id).map_or("", |look| look.name.as_str());
    let by_day = html! {
        figure { (line(view, &days.sheet)) }
        (whole(view, days, words::BY_DAY))
    };
    let stayed = match retention.sheet.rows.iter().any(|row| Sheet::missing(row).is_none()) {
        true => html! {
            (curve(view, &retention.sheet))
            (whole(view, retention, words::RETENTION))
        },
        false => nothing(view, words::NO_RETENTION),
    };
    html! {
        p class="subject" { (foreign(id)) @if !name.is_empty() { " · " (foreign(name)) } }
        (section(view, words::FUNNEL, words::FUNNEL_IS, &funnel(view, &days.sheet, ("funnel", words::FUNNEL_IS), &FUNNEL)))
        (section(view, words::WELCOME, words::WELCOME_IS, &funnel(view, &days.sheet, ("welcome", words::WELCOME_IS), &WELCOME)))
        (section(view, words::BY_DAY, words::NEW_BY_DAY, &by_day))
        (section(view, words::RETENTION, words::RETENTION_IS, &stayed))
        (section(view, words::SCAN_HOURS, words::SCAN_HOURS_ARE, &html! {
            figure { (heat(view, &hours.sheet, words::SCAN_HOURS)) }
            (whole(view, hours, words::SCAN_HOURS))
        }))
    }
}

/// The sums of columns, below each other and as a table of that id.
fn funnel(view: &View<'_>, days: &Sheet, (id, title): (&str, words::Text), columns: &[&str]) -> Markup {
    let sums: Vec<_> = columns.iter().map(|name| (column(name, view.language), Cell::sum(days.cells(name)))).collect();
    let bars: Vec<(&str, f64, String)> = sums
        .iter()
        .map(|(words, sum)| (words.as_ref(), sum.number().unwrap_or(0.0), plain(sum, view.language, days.offset)))
        .collect();
    html! {
        figure { (chart::bars(title.of(view.language), &bars)) }
        div class="scroll" role="region" tabindex="0" aria-label=(title.of(view.language)) {
            table id=(id) {
                thead { tr { @for (words, _) in &sums { th scope="col" class="number" { (words) } } } }
                tbody { tr { @for (_, sum) in &sums { td class="number" { (plain(sum, view.language, days.offset)) } } } }
            }
        }
    }
}

fn line(view: &View<'_>, days: &Sheet) -> Markup {
    let label = |cell: &Cell| if let Cell::Day(day) = cell { Some(short_date(*day, view.language)) } else { None };
    let labels: Vec<String> = days.cells("from").filter_map(label).collect();
    let values: Vec<Option<f64>> = days.cells("new").take(labels.len()).map(Cell::number).collect();
    let title = words::NEW_BY_DAY.of(view.language);
    chart::line(&chart::Line { title, labels: &labels, values: &values, before: &[], marks: &[] }, |value| {
        grouped(value as i64)
    })
}

/// All weeks together, each as far as it is known.
fn curve(view: &View<'_>, cohorts: &Sheet) -> Markup {
    let weeks: Vec<&String> = cohorts.columns.iter().filter(|name| name.starts_with("after_")).collect();
    let labels: Vec<String> = weeks.iter().map(|name| cut(&column(name, view.language))).collect();
    let values: Vec<Option<f64>> = weeks.iter().map(|name| Cell::sum(cohorts.cells(name)).number()).collect();
    let title = words::RETENTION_IS.of(view.language);
    html! {
        figure { (chart::line(&chart::Line { title, labels: &labels, values: &values, before: &[], marks: &[] }, |value| format!("{:.0}%", value * 100.0))) }
    }
}
