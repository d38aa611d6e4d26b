//! The reports, beside what really happened.

use super::Done;
use crate::sheets::{answer, only, place};
use anyhow::Context;
use guanxi::{
    report::{Ask, Brand, Cell, Days, Moment, Sheet},
    time::Timestamp,
};
use guanxi_host::store::Store;
use std::io::{self, Write as _};

/// What the funnel shows of the report on channels.
const FUNNEL: [&str; 11] = [
    "channel",
    "name",
    "scans",
    "new",
    "still_here",
    "still_here_share",
    "bought",
    "bought_share",
    "bought_again",
    "bought_again_share",
    "revenue_first_touch",
];

/// How many questions are shown.
const QUESTIONS: usize = 8;

/// Prints the tables. Says whether the totals are those of what the fans did.
pub(super) async fn print(brand: &Brand, store: &Store, now: Timestamp, done: &Done) -> anyhow::Result<bool> {
    let moment = Moment { now, backlog: Some(done.backlog) };
    let channels = answer(&Ask::Channels(Days::until(now, &brand.settings, super::DAYS)), brand, moment, store).await?;
    let mut questions = answer(&Ask::Questions, brand, moment, store).await?;
    questions.rows.truncate(QUESTIONS);
    let wrong = wrong_totals(&channels, done)?;
    let text = format!(
        "\n{} days, {} fans, {} messages and events, {} orders\n\n{}\nWhat nobody answered\n\n{}\nBacklog: {}\n{}",
        super::DAYS,
        done.new,
        done.messages,
        done.orders,
        only(&channels, &FUNNEL)?.text(),
        only(&questions, &["question", "count"])?.text(),
        done.backlog,
        wrong.concat(),
    );
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(wrong.is_empty() && done.backlog == 0 && done.unanswered == 0)
}

/// A line for each total over all channels that is not what the simulator did.
fn wrong_totals(channels: &Sheet, done: &Done) -> anyhow::Result<Vec<String>> {
    let all = channels.rows.last().context("the report has no last row")?;
    let mut wrong = Vec::new();
    for (column, known) in [
        ("scans", done.scans),
        ("new", done.new),
        ("returning", done.returning),
        ("lost", done.lost),
        ("orders", done.orders),
        ("revenue_first_touch", done.cents),
    ] {
        let counted = match all.get(place(channels, column)?) {
            Some(Cell::Count(number) | Cell::Cents(number)) => *number,
            other => anyhow::bail!("{column} is {other:?}"),
        };
        if u64::try_from(counted) != Ok(known) {
            wrong.push(format!("WRONG: {column} is {counted}, and {known} happened.\n"));
        }
    }
    Ok(wrong)
}
