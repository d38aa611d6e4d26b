//! Reports as the demo shows them.

use anyhow::Context;
use guanxi::report::{Ask, Brand, Moment, Sheet};
use guanxi_host::store::Store;
use std::collections::BTreeMap;

/// A report, from the store that the components wrote.
pub(crate) async fn answer(ask: &Ask, brand: &Brand, moment: Moment, store: &Store) -> anyhow::Result<Sheet> {
    let mut records = BTreeMap::new();
    for key in ask.keys(brand, moment) {
        if let Some(value) = store.get(&key).await? {
            records.insert(key, value);
        }
    }
    Ok(ask.answer(brand, moment, &records)?)
}

/// Some of the columns.
pub(crate) fn only(sheet: &Sheet, wanted: &[&str]) -> anyhow::Result<Sheet> {
    let places = wanted.iter().map(|name| place(sheet, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let rows = sheet.rows.iter().map(|row| places.iter().filter_map(|place| row.get(*place).cloned()).collect());
    Ok(Sheet { columns: wanted.iter().map(|name| (*name).to_owned()).collect(), rows: rows.collect(), ..*sheet })
}

/// Where a column stands.
pub(crate) fn place(sheet: &Sheet, column: &str) -> anyhow::Result<usize> {
    let place = sheet.columns.iter().position(|name| name == column);
    place.with_context(|| format!("the report has no column {column}"))
}
