//! What fans ask the brand for, and what became of it.

use super::{Brand, Cell, Days, ReportError, Sheet};
use crate::{
    facts::request::Kind,
    fold::requests::day_key,
    outbox::Head,
    store::record::{Records, load},
};

/// The records of these days.
pub(super) fn keys(days: Days) -> Vec<String> {
    days.iter().map(|day| day_key(day).into()).chain([Head::key().into()]).collect()
}

fn head(records: &Records) -> Result<Head, ReportError> {
    let key = Head::key();
    Ok(records.get(&*key).map(|bytes| key.decode(bytes)).transpose()?.unwrap_or_default())
}

/// By the day on which they were made, and kind. Of orders, `not_bought` are those that no order of the shop names so far, or none that
/// was not cancelled; `given_up` are those that can still be sent again.
pub(super) fn sheet(brand: &Brand, days: Days, records: &Records) -> Result<Sheet, ReportError> {
    let offset = brand.settings.utc_offset;
    let columns = ["day", "kind", "asked", "bought", "not_bought", "delivered", "given_up", "not_taken"];
    let (mut sheet, head) = (Sheet::new(&columns, offset), head(records)?);
    for day in days.iter() {
        let counted = load(&day_key(day), records)?.0;
        for (name, kind) in Kind::ALL {
            let numbers = counted.get(&kind).copied().unwrap_or_default();
            let delivered = head.delivered.get(&day).and_then(|kinds| kinds.get(&kind)).copied().unwrap_or_default();
            let is_here = |dead: &&crate::outbox::head::Dead| dead.kind == kind && offset.local(dead.at).day == day;
            let given_up = head.dead.values().filter(is_here).count() as u64;
            if numbers == Default::default() && delivered == 0 && given_up == 0 {
                continue;
            }
            let sold = |number: i64| if kind == Kind::Order { Cell::Count(number) } else { Cell::Empty };
            sheet.rows.push(vec![
                Cell::Day(day),
                Cell::text(name),
                Cell::Count(numbers.asked),
                sold(numbers.bought),
                sold(numbers.asked - numbers.bought),
                count(delivered),
                count(given_up),
                Cell::Count(numbers.refused),
            ]);
        }
    }
    Ok(sheet)
}

/// The latest first.
pub(super) fn given_up(brand: &Brand, records: &Records) -> Result<Sheet, ReportError> {
    let columns = ["number", "kind", "made", "given_up", "tries", "last_answer"];
    let mut sheet = Sheet::new(&columns, brand.settings.utc_offset);
    let mut dead: Vec<_> = head(records)?.dead.into_values().collect();
    dead.sort_by(|one, other| (other.since, &other.number).cmp(&(one.since, &one.number)));
    let row = |dead: crate::outbox::head::Dead| {
        vec![
            Cell::Text(dead.number),
            Cell::text(dead.kind.name()),
            Cell::Time(dead.at),
            Cell::Time(dead.since),
            count(dead.tries.into()),
            Cell::Text(dead.why.to_string()),
        ]
    };
    sheet.rows = dead.into_iter().map(row).collect();
    Ok(sheet)
}

fn count(number: u64) -> Cell {
    Cell::Count(i64::try_from(number).unwrap_or(i64::MAX))
}
