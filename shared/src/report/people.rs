//! Fans and the account's human agents, by weekday and hour.

use super::{Brand, Cell, Days, ReportError, Sheet, tables::ALL};
use crate::{
    fold::counts::{PeopleDay, PeopleMetric, PeopleMetrics, people_key},
    store::record::{Records, load},
};
use std::collections::BTreeMap;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const COLUMNS: [&str; 12] = [
    "weekday",
    "hour",
    "handed_over",
    "taken_over",
    "within_15",
    "within_15_share",
    "minutes_median",
    "minutes_mean",
    "asked_outside",
    "sessions",
    "sessions_closed",
    "sessions_switched",
];

/// One row per hour of a weekday in which anything happened, and one of all. What became of a hand-over counts for the hour in
/// which it was asked for.
pub(super) fn sheet(brand: &Brand, days: Days, records: &Records) -> Result<Sheet, ReportError> {
    let mut hours = BTreeMap::<(usize, u8), PeopleMetrics>::new();
    let mut all = PeopleMetrics::default();
    for day in days.iter() {
        let PeopleDay(of_day) = load(&people_key(day), records)?;
        for (hour, numbers) in of_day {
            hours.entry((day.weekday(), hour)).or_default().add_all(&numbers);
            all.add_all(&numbers);
        }
    }
    let mut sheet = Sheet::new(&COLUMNS, brand.settings.utc_offset);
    let is_empty = hours.is_empty();
    sheet.rows = hours
        .into_iter()
        .map(|((weekday, hour), numbers)| {
            let weekday = WEEKDAYS.get(weekday).copied().unwrap_or_default();
            row([Cell::text(weekday), Cell::Count(hour.into())], &numbers)
        })
        .collect();
    if !is_empty {
        sheet.rows.push(row([Cell::text(ALL), Cell::Empty], &all));
    }
    Ok(sheet)
}

fn row(first: [Cell; 2], numbers: &PeopleMetrics) -> Vec<Cell> {
    let count = |metric| Cell::Count(numbers.get(metric));
    let asked = numbers.get(PeopleMetric::Asked);
    let rest = [
        Cell::Count(asked),
        Cell::Count(numbers.taken()),
        Cell::Count(numbers.in_time()),
        Cell::Share(numbers.in_time(), asked),
        median(numbers),
        mean(numbers),
        count(PeopleMetric::Outside),
        count(PeopleMetric::Sessions),
        count(PeopleMetric::Closed),
        count(PeopleMetric::Switched),
    ];
    first.into_iter().chain(rest).collect()
}

/// The upper end of the class in which half of all waits are over, in minutes.
fn median(numbers: &PeopleMetrics) -> Cell {
    let (all, mut seen, mut last) = (numbers.taken(), 0, 0);
    for (class, end) in PeopleMetric::WAITS.iter().filter(|_| all > 0) {
        seen += numbers.get(*class);
        let Some(minutes) = end.map(|end| end / 60) else { return Cell::text(format!("> {last}")) };
        if seen * 2 >= all {
            return Cell::Count(i64::try_from(minutes).unwrap_or(i64::MAX));
        }
        last = minutes;
    }
    Cell::Empty
}

/// Whole minutes, half ones upwards.
fn mean(numbers: &PeopleMetrics) -> Cell {
    let (all, waited) = (numbers.taken(), numbers.get(PeopleMetric::Waited));
    if all > 0 { Cell::Count(waited.saturating_add(all * 30) / (all * 60)) } else { Cell::Empty }
}
