//! The summary: what fans saw, what went wrong on the way, and whether every try got the same answer.

use guanxi_host::store::Store;
use guanxi_simulator::{Entry, Outcome, Summary, Trace, Verdict};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::Duration,
};

/// How many of the most frequent answers are named.
const TOP: usize = 5;

/// How many fans' talks are shown.
const TALKS: usize = 1;

/// The longest text of one line, in characters.
const WIDTH: usize = 60;

/// Prints the summary, after the whole trace if wanted. Says whether all was as it must be.
pub(crate) async fn print(trace: &Trace, took: Duration, store: &Store, whole: bool) -> anyhow::Result<bool> {
    let summary = Summary::of(trace);
    let entries = store.keys("journal:").await?.len();
    let mut text = if whole { format!("{trace}\n") } else { String::new() };
    talks(&mut text, trace)?;
    answers(&mut text, &summary)?;
    tries(&mut text, &summary)?;
    let rate = summary.messages as f64 / took.as_secs_f64();
    writeln!(text, "\n{entries} journal entries for {} requests that arrived", summary.arrived())?;
    writeln!(text, "{:.1} s, {rate:.0} messages per second, each stored before it was answered", took.as_secs_f64())?;
    // A try that broke off may or may not have been stored; every message was.
    let stored = (summary.messages..=summary.tries.values().sum()).contains(&entries);
    if !stored {
        writeln!(text, "The journal does not hold every message.")?;
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(summary.is_clean() && stored)
}

/// The talks of the fans who had the most to retry: the most telling ones.
fn talks(text: &mut String, trace: &Trace) -> anyhow::Result<()> {
    let mut fans: Vec<(usize, usize)> = Vec::new();
    for Entry { fan, delivered, .. } in &trace.0 {
        let retries = delivered.tries.len() - 1;
        match fans.iter_mut().find(|(known, _)| known == fan) {
            Some((_, sum)) => *sum += retries,
            None => fans.push((*fan, retries)),
        }
    }
    fans.sort_by_key(|(fan, retries)| (std::cmp::Reverse(*retries), *fan));
    for (fan, _) in fans.into_iter().take(TALKS) {
        writeln!(text, "Fan {fan}")?;
        for entry in trace.0.iter().filter(|entry| entry.fan == fan) {
            talk(text, entry)?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn talk(text: &mut String, entry: &Entry) -> anyhow::Result<()> {
    let tries: Vec<_> = entry.delivered.tries.iter().map(ToString::to_string).collect();
    let retried = if tries.len() > 1 { format!("   ({})", tries.join(", ")) } else { String::new() };
    writeln!(text, "  › {}{retried}", entry.act)?;
    match (&entry.delivered.verdict, entry.notice) {
        (Verdict::Shown(seen), _) => writeln!(text, "      {}", one_line(&seen.to_string()))?,
        (_, Some(notice)) => writeln!(text, "      [{notice}]")?,
        _ => {}
    }
    Ok(())
}

fn answers(text: &mut String, summary: &Summary) -> anyhow::Result<()> {
    let kinds: Vec<_> = summary.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    writeln!(text, "{} fans sent {} messages and events: {}", summary.fans, summary.messages, kinds.join(", "))?;
    let verdicts: Vec<_> = summary.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    writeln!(text, "Answers: {}; notices of a fault: {}\n", verdicts.join(", "), summary.notices)?;
    writeln!(text, "What they saw most")?;
    for (seen, count) in summary.seen.iter().take(TOP) {
        writeln!(text, "{count:>6} × {}", one_line(seen))?;
    }
    for (fault, count) in &summary.faults {
        writeln!(text, "{count:>6} × FAULT: {fault}")?;
    }
    Ok(())
}

fn tries(text: &mut String, summary: &Summary) -> anyhow::Result<()> {
    let total: usize = summary.tries.values().sum();
    let tries: Vec<_> = summary.tries.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    let late = summary.tries_that(Outcome::Late);
    let share = 100.0 * late as f64 / total.max(1) as f64;
    writeln!(text, "\n{total} tries: {}", tries.join(", "))?;
    writeln!(text, "{late} answers came late on purpose ({share:.1} %); {} retries in all", summary.retries)?;
    let same = summary.compared - summary.differing;
    writeln!(text, "{same} of {} retries whose earlier answer is known got the identical text", summary.compared)?;
    Ok(())
}

/// The text without line breaks, cut where it is too long.
fn one_line(text: &str) -> String {
    let line = text.replace('\n', " ");
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => line.split_at(end).0.to_owned() + "…",
        None => line,
    }
}
