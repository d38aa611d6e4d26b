//! What the report says of the reminders, beside what the fans saw and do.

use super::{
    BAD_DAYS, DAYS, STOLEN, Stage,
    fans::{BUYS, BUYS_REMINDED, PRODUCTS},
};
use crate::sheets::{answer, only, place};
use guanxi::{
    fold::counts::UNMATCHED,
    report::{Ask, Brand, Cell, Days, Moment, Sheet},
    time::Timestamp,
};
use guanxi_host::store::Store;
use guanxi_simulator::api::{self, Api, Fault, Sighting};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::Duration,
};

/// What may become of a push that was planned.
const ENDS: [&str; 6] = ["waiting", "sent", "delivered", "refused", "unknown", "skipped_late"];

/// What the names of reasons begin with.
const SKIPPED: &str = "skipped_";

/// What the report says of the comparison.
const COMPARED: [&str; 6] = ["series", "treated", "treated_bought", "holdout", "holdout_bought", "effect"];

/// Prints the tables. Says whether all is as it must be.
pub(super) async fn print(
    stage: &Stage<'_>,
    brand: &Brand,
    store: &Store,
    now: Timestamp,
    took: Duration,
) -> anyhow::Result<bool> {
    let days = Days::until(now, &brand.settings, DAYS + 1);
    let mut report = answer(&Ask::Pushes(days), brand, Moment { now, backlog: None }, store).await?;
    // Reports of notices that came hours later and tell no number: those stay `sent`.
    report.rows.retain(|row| row.first() != Some(&Cell::text(UNMATCHED)));
    let wrong = wrong(stage, &report)?;
    let done = &stage.done;
    let text = format!(
        "\n{DAYS} days of reminders by a playbook with short cycles: {} fans, {} messages and events, {} orders, {:.1} s\n\n\
         {}\n{}\n{}{}",
        stage.fans.len(),
        done.messages,
        done.orders,
        took.as_secs_f64(),
        became(stage, &report)?.text(),
        effects(stage, brand, &report, now)?.text(),
        behind_the_scenes(stage)?,
        wrong.concat(),
    );
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(wrong.is_empty())
}

/// What became of the pushes, and how many fans saw; without the columns that are nothing but zeros.
fn became(stage: &Stage<'_>, report: &Sheet) -> anyhow::Result<Sheet> {
    let reasons = report.columns.iter().filter(|name| name.starts_with(SKIPPED) && *name != "skipped_late");
    let wanted = ["series", "planned"].into_iter().chain(ENDS).chain(reasons.map(String::as_str));
    let zeros = |name: &&str| {
        let column = place(report, name).unwrap_or_default();
        report.rows.iter().all(|row| row.get(column) == Some(&Cell::Count(0)))
    };
    let wanted: Vec<&str> = wanted.filter(|name| !zeros(name)).collect();
    let mut sheet = only(report, &wanted)?;
    for name in &mut sheet.columns {
        *name = name.strip_prefix(SKIPPED).filter(|reason| *reason != "late").unwrap_or(name).to_owned();
    }
    // Beside what the report says of arrivals.
    let place = place(&sheet, "delivered")? + 1;
    sheet.columns.insert(place, "fans_saw".to_owned());
    for row in &mut sheet.rows {
        let saw = seen(stage, row.first(), |_| true);
        row.insert(place, Cell::Count(saw));
    }
    Ok(sheet)
}

/// The estimate of each series beside the truth.
fn effects(stage: &Stage<'_>, brand: &Brand, report: &Sheet, now: Timestamp) -> anyhow::Result<Sheet> {
    let mut sheet = only(report, &COMPARED)?;
    // Only of series one by one.
    sheet.rows.pop();
    sheet.columns.push("true_effect".to_owned());
    let settings = &brand.settings;
    let day = |at| settings.utc_offset.local(at).day.0;
    let closed =
        |copy: &Sighting| day(Timestamp(copy.at / 1_000)) + u64::from(settings.pushes.limits.outcome_days) < day(now);
    for row in &mut sheet.rows {
        let saw = seen(stage, row.first(), closed);
        let truth = match row.get(1) {
            Some(Cell::Count(treated)) if *treated > 0 => {
                let share = saw as f64 / *treated as f64;
                let more = (BUYS_REMINDED - BUYS) * share * 1_000.0;
                format!("{more:.0} more: {:.0} % of the treated saw it", share * 100.0)
            }
            _ => String::new(),
        };
        row.push(Cell::Text(truth));
    }
    Ok(sheet)
}

/// How many copies fans saw of a series; of all where it is none of the products'.
fn seen(stage: &Stage<'_>, series: Option<&Cell>, which: impl Fn(&Sighting) -> bool) -> i64 {
    let product = match series {
        Some(Cell::Text(series)) => PRODUCTS.iter().find(|product| series.ends_with(product.id)),
        _ => None,
    };
    let account = stage.api.account();
    let of_series = |copy: &&Sighting| {
        let fan = stage.places.get(&*copy.openid).and_then(|place| stage.fans.get(*place));
        product.is_none_or(|product| fan.is_some_and(|fan| fan.product == *product))
    };
    let count = account.books().sightings.iter().filter(of_series).filter(|copy| which(copy)).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Copies, calls, faults, kills, tokens.
fn behind_the_scenes(stage: &Stage<'_>) -> anyhow::Result<String> {
    let account = stage.api.account();
    let books = account.books();
    let calls: u64 = books.calls.values().sum();
    let faults: Vec<_> = books.faults.iter().map(|(fault, count)| format!("{count} {}", name(*fault))).collect();
    let [reminded, not] = [BUYS_REMINDED, BUYS].map(|share| share * 100.0);
    let by = |way| books.sightings.iter().filter(|copy| copy.api == way).count();
    let mut text = String::new();
    writeln!(
        text,
        "Seen: {} notices, {} customer messages, {} template messages\n",
        by(Api::Notice),
        by(Api::Message),
        by(Api::Template)
    )?;
    writeln!(
        text,
        "Of the fans who saw a reminder {reminded:.0} % buy again, of the others {not:.0} %: {:.0} more in 1,000\n",
        (BUYS_REMINDED - BUYS) * 1_000.0
    )?;
    writeln!(text, "Copies seen by fans beyond one: {}", books.copies_beyond_one().len())?;
    writeln!(
        text,
        "{calls} API calls, {} of them for a token, which somebody else made void {} times",
        books.calls.get(&Api::StableToken).copied().unwrap_or_default(),
        STOLEN.len()
    )?;
    writeln!(text, "{} bad evenings, before or after the effect: {}", BAD_DAYS.len(), faults.join(", "))?;
    writeln!(
        text,
        "{} runs killed in the middle; {} sends came again, and WeChat knew them by their client_msg_id",
        stage.done.kills, books.repeats
    )?;
    Ok(text)
}

/// What a request met with.
fn name(fault: Fault) -> String {
    let (what, moment) = match fault {
        Fault::Busy(moment) => ("errcode -1".to_owned(), moment),
        Fault::Status(status, moment) => (format!("status {status}"), moment),
        Fault::Reset(moment) => ("reset".to_owned(), moment),
    };
    format!("{what} {}", if moment == api::Moment::Before { "before" } else { "after" })
}

/// A line for everything that must not be.
fn wrong(stage: &Stage<'_>, report: &Sheet) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let copies = stage.api.account().books().copies_beyond_one().len();
    if copies > 0 {
        wrong.push(format!("WRONG: {copies} copies were seen beyond one.\n"));
    }
    if stage.done.unanswered > 0 {
        wrong.push(format!("WRONG: {} messages had no good answer.\n", stage.done.unanswered));
    }
    for row in &report.rows {
        let number = |name: &str| match place(report, name).map(|place| row.get(place)) {
            Ok(Some(Cell::Count(number))) => Ok(*number),
            other => anyhow::bail!("{name} is {other:?}"),
        };
        let Some(Cell::Text(series)) = row.first() else { anyhow::bail!("a row has no name") };
        let ends = ENDS.iter().map(|end| number(end)).sum::<anyhow::Result<i64>>()?;
        if number("planned")? != ends || number("waiting")? > 0 {
            wrong.push(format!("WRONG: of {} planned pushes of {series} {ends} ended.\n", number("planned")?));
        }
        // WeChat reports template messages by number and is silent about customer messages; a notice that it reports hours
        // later stays `sent`, because the report does not say which.
        let (saw, sent) = (seen(stage, row.first(), |_| true), number("sent")?);
        let least = number("delivered")?;
        if !(least..=least + sent + number("unknown")?).contains(&saw) {
            wrong.push(format!("WRONG: {least} of {series} were delivered and {sent} sent, and fans saw {saw}.\n"));
        }
    }
    Ok(wrong)
}
