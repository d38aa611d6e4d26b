//! How the account stands with WeChat: the token's age, what is left of the quotas, what a person must look at, and the last runs of the jobs.

use super::{Brand, Cell, Moment, ReportError, Sheet, status::Status};
use crate::{
    fold::rollup,
    push::{End, Report, pace::Pace},
    store::record::Records,
    time::Timestamp,
};

const COLUMNS: [&str; 7] = ["about", "since", "until", "seconds", "left", "of", "says"];

/// One row each for the token, every quota that was asked for, every pause, every alarm, and the last runs.
pub(super) fn sheet(brand: &Brand, moment: Moment, records: &Records) -> Result<Sheet, ReportError> {
    let status = Status::read(brand, moment, records)?;
    let mut sheet = Sheet::new(&COLUMNS, brand.settings.utc_offset);
    let token = match status.token {
        None => row("token", "none was needed yet"),
        Some((since, until)) => {
            let says = if until <= moment.now { "over: the next call fetches another" } else { "in use" };
            let age = moment.now.0.saturating_sub(since.0);
            Row { since: Some(since), until: Some(until), seconds: Some(age), ..row("token", says) }
        }
    };
    sheet.rows.push(token.cells());
    let names = ["template messages", "notices", "customer messages"];
    for (name, pace) in names.into_iter().zip(&status.paces) {
        sheet.rows.extend(quota(name, pace, moment.now).map(Row::cells));
        sheet.rows.extend(pause(name, pace, moment.now).map(Row::cells));
    }
    for alarm in &status.alarms {
        let about = format!("alarm: {}", alarm.about);
        let says = Row { since: Some(alarm.since), until: Some(alarm.last), ..row(&about, &alarm.says) };
        sheet.rows.push(Row { left: Some(alarm.times), ..says }.cells());
    }
    for damaged in &status.set_aside {
        let about = format!("damaged: {}", damaged.key);
        let says = "set aside; /damaged shows, repairs and drops it";
        sheet.rows.push(Row { since: Some(damaged.at), left: Some(damaged.bytes), ..row(&about, says) }.cells());
    }
    sheet.rows.extend(status.rollup.as_ref().map(last_rollup).map(Row::cells));
    sheet.rows.extend(status.push.as_ref().map(last_push).map(Row::cells));
    Ok(sheet)
}

fn quota(name: &str, pace: &Pace, now: Timestamp) -> Option<Row> {
    let (asked, quota) = pace.quota()?;
    let speed = match pace.rate(now.0.saturating_mul(1_000)) {
        None => "WeChat sets no pace".to_owned(),
        Some(rate) => format!("at most {} in {} s", rate.calls, rate.seconds),
    };
    let about = format!("quota: {name}");
    Some(Row { since: Some(asked), left: Some(quota.remain), of: Some(quota.daily_limit), ..row(&about, &speed) })
}

fn pause(name: &str, pace: &Pace, now: Timestamp) -> Option<Row> {
    let pause = pace.paused().filter(|pause| pause.until > now.0.saturating_mul(1_000))?;
    let until = Some(Timestamp(pause.until / 1_000));
    Some(Row { until, ..row(&format!("pause: {name}"), &pause.why) })
}

fn last_push(report: &Report) -> Row {
    let says = match (&report.end, &report.halted) {
        (End::Failed(why), _) => format!("failed: {why}"),
        (_, Some(why)) => format!("stopped sending: {why}"),
        _ => format!("sent {}, refused {}, unknown {}", report.sent, report.refused, report.unknown),
    };
    let (seconds, left) = (Some(report.milliseconds / 1_000), Some(report.waiting));
    Row { since: Some(report.began), seconds, left, ..row("last run of push", &says) }
}

fn last_rollup(report: &rollup::Report) -> Row {
    let says = match &report.end {
        rollup::End::Failed(why) => format!("failed: {why}"),
        _ => format!("entries {}, damaged {}", report.entries, report.damaged),
    };
    let (seconds, left) = (Some(report.milliseconds / 1_000), Some(report.backlog.unopened_streams));
    Row { since: Some(report.began), seconds, left, ..row("last run of rollup", &says) }
}

#[derive(Default)]
struct Row {
    about: String,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    seconds: Option<u64>,
    left: Option<u64>,
    of: Option<u64>,
    says: String,
}

fn row(about: &str, says: &str) -> Row {
    Row { about: about.to_owned(), says: says.to_owned(), ..Row::default() }
}

impl Row {
    fn cells(self) -> Vec<Cell> {
        let time = |at: Option<Timestamp>| at.map_or(Cell::Empty, Cell::Time);
        let count = |count: Option<u64>| count.map_or(Cell::Empty, |count| Cell::Count(count.cast_signed()));
        vec![
            Cell::Text(self.about),
            time(self.since),
            time(self.until),
            count(self.seconds),
            count(self.left),
            count(self.of),
            Cell::Text(self.says),
        ]
    }
}
