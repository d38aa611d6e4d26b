//! What became of pushes, and what they brought.

use super::{Brand, Cell, Days, Moment, ReportError, Sheet};
use crate::{
    facts::push::Skip,
    fold::counts::{PushDay, PushMetric, PushMetrics, pushes_key},
    report::uplift::{Arm, Effect},
    store::record::{Records, load},
};
use std::collections::BTreeMap;

/// The row of all series together. It compares nothing: series differ in who is in their holdouts.
const ALL: &str = "(all)";

/// Columns of plain numbers.
const NUMBERS: [&str; 7] = ["planned", "waiting", "sent", "delivered", "refused", "unknown", "skipped_late"];

/// The numbers of a series.
#[derive(Default)]
struct Series {
    all: PushMetrics,
    /// Of the days whose orders are all in: what may be compared.
    closed: PushMetrics,
}

/// One row per series. All days count in what became of its pushes. The comparison of treated and holdout knows only days
/// whose outcome window is over by the playbook's `outcome_days`: before that the groups have not bought what they will.
pub(super) fn sheet(brand: &Brand, days: Days, moment: Moment, records: &Records) -> Result<Sheet, ReportError> {
    let settings = &brand.settings;
    let today = settings.utc_offset.local(moment.now).day.0;
    let window = u64::from(settings.pushes.limits.outcome_days);
    let (mut sum, mut rows) = (PushMetrics::default(), BTreeMap::<String, Series>::new());
    for day in days.iter() {
        let record: PushDay = load(&pushes_key(day), records)?;
        for (name, numbers) in record.0 {
            let series = rows.entry(name).or_default();
            series.all.add_all(&numbers);
            sum.add_all(&numbers);
            if day.0.saturating_add(window) < today {
                series.closed.add_all(&numbers);
            }
        }
    }
    let skipped: Vec<String> = Skip::ALL.iter().map(|(reason, _)| format!("skipped_{reason}")).collect();
    let compared =
        ["unmatched", "treated", "treated_bought", "holdout", "holdout_bought", "revenue_per_1000_fans", "effect"];
    let names = ["series"].into_iter().chain(NUMBERS).chain(skipped.iter().map(String::as_str)).chain(compared);
    let mut sheet = Sheet::new(&names.collect::<Vec<_>>(), settings.utc_offset);
    sheet.rows = rows.iter().map(|(name, series)| row(name, &series.all, Some(&series.closed))).collect();
    sheet.rows.push(row(ALL, &sum, None));
    Ok(sheet)
}

fn row(name: &str, numbers: &PushMetrics, compared: Option<&PushMetrics>) -> Vec<Cell> {
    let named = PushMetric::ALL.into_iter().filter(|(name, _)| NUMBERS.contains(name));
    let mut row = vec![Cell::text(name)];
    row.extend(named.map(|(_, metric)| Cell::Count(numbers.get(metric))));
    row.extend(Skip::ALL.into_iter().map(|(_, skip)| Cell::Count(numbers.skipped(skip))));
    row.push(Cell::Count(numbers.get(PushMetric::Unmatched)));
    match compared {
        Some(compared) => row.extend(comparison(compared)),
        None => row.extend(std::iter::repeat_n(Cell::Empty, 6)),
    }
    row
}

/// Fans and buyers of both groups, what the treated brought more per 1,000 fans, and the effect in words.
fn comparison(numbers: &PushMetrics) -> [Cell; 6] {
    let number = |metric| numbers.get(metric);
    let (treated, holdout) = (number(PushMetric::Treated), number(PushMetric::Holdout));
    if treated == 0 && holdout == 0 {
        return std::array::from_fn(|_| Cell::Empty);
    }
    let (treated_bought, holdout_bought) = (number(PushMetric::TreatedBought), number(PushMetric::HoldoutBought));
    let arm = |fans: i64, bought: i64| Arm { fans: fans.unsigned_abs(), bought: bought.unsigned_abs() };
    let effect = Effect::of(arm(treated, treated_bought), arm(holdout, holdout_bought));
    let per_mille = |cents: i64, fans: i64| cents.saturating_mul(1_000) / fans.max(1);
    let revenue = per_mille(number(PushMetric::TreatedRevenue), treated)
        .saturating_sub(per_mille(number(PushMetric::HoldoutRevenue), holdout));
    [
        Cell::Count(treated),
        Cell::Share(treated_bought, treated),
        Cell::Count(holdout),
        Cell::Share(holdout_bought, holdout),
        effect.map_or(Cell::Empty, |_| Cell::Cents(revenue)),
        Cell::Text(effect.map_or_else(|why| why.to_string(), |effect| effect.to_string())),
    ]
}
