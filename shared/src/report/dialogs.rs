//! How dialogs went: how many began, how far they came, and what was answered.

use super::{Brand, Cell, Days, ReportError, Sheet};
use crate::{
    fold::counts::{Counted, DialogDay, Tick, dialogs_key},
    store::record::{Records, load},
};
use std::collections::BTreeMap;

/// Numbers by what they count.
type Numbers = BTreeMap<Tick, i64>;

/// Dialog by dialog one row each for what is counted, in the order of [`Counted`]. `share` is that of a finished or left run in those
/// that began, of an answer in all to its step, of a score in all scores. Runs are counted on the day on which it happened, so in
/// few days a share may be over 100 %.
pub(super) fn sheet(brand: &Brand, days: Days, records: &Records) -> Result<Sheet, ReportError> {
    let mut sums = Numbers::new();
    for day in days.iter() {
        let record: DialogDay = load(&dialogs_key(day), records)?;
        for (tick, count) in record.0 {
            *sums.entry(tick).or_default() += count;
        }
    }
    sums.retain(|_, count| *count != 0);
    let columns = ["dialog", "what", "step", "value", "count", "share"];
    let mut sheet = Sheet::new(&columns, brand.settings.utc_offset);
    sheet.rows = sums.iter().map(|(tick, count)| row(tick, *count, &sums)).collect();
    Ok(sheet)
}

fn row(tick: &Tick, count: i64, sums: &Numbers) -> Vec<Cell> {
    let of = |what| sums.get(&Tick { dialog: tick.dialog.clone(), what }).copied().unwrap_or_default();
    let (what, step, value, whole) = match &tick.what {
        Counted::Begun => ("begun", Cell::Empty, Cell::Empty, 0),
        Counted::Finished => ("finished", Cell::Empty, Cell::Empty, of(Counted::Begun)),
        Counted::Left(step) => ("left", Cell::text(step), Cell::Empty, of(Counted::Begun)),
        Counted::Answered(step) => ("answered", Cell::text(step), Cell::Empty, of(Counted::Begun)),
        Counted::Chosen(step, value) => {
            ("answer", Cell::text(step), Cell::text(value), of(Counted::Answered(step.clone())))
        }
        Counted::Scored(score) => {
            let same = sums.iter().filter(|(other, _)| other.dialog == tick.dialog);
            let all = same.filter(|(other, _)| matches!(other.what, Counted::Scored(_))).map(|(_, count)| *count).sum();
            ("score", Cell::Empty, Cell::Count(i64::from(*score)), all)
        }
    };
    vec![Cell::text(&tick.dialog), Cell::text(what), step, value, Cell::Count(count), Cell::Share(count, whole)]
}
