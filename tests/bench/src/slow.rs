//! Slow clients by the thousand, who come back when they are closed, and a callback every few milliseconds meanwhile.

use crate::up::Up;
use anyhow::{Context, Result, ensure};
use e2e::{
    now,
    slow::{self, HALF_BODY, HALF_HEAD, IDLE},
    text,
};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How many of each kind.
const SLOW: [(&str, usize); 3] = [(HALF_BODY, 5_000), (HALF_HEAD, 5_000), (IDLE, 10_000)];
/// A client that was closed comes again so much later.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two callbacks, each on a connection of its own.
const PAUSE: Duration = Duration::from_millis(20);
/// Files of this process besides the connections.
const OTHER_FILES: u64 = 500;

/// Milliseconds from the connection's opening to the answer.
const SLOWEST: f64 = 1_000.0;
/// MiB.
const MEMORY: f64 = 200.0;

pub(crate) fn report(seconds: u64) -> Result<()> {
    let clients: usize = SLOW.iter().map(|(_, count)| count).sum();
    slow::allow_files(clients as u64 + OTHER_FILES);
    e2e::build();
    e2e::run(run(clients, Duration::from_secs(seconds)))
}

async fn run(clients: usize, time: Duration) -> Result<()> {
    let state = tempfile::tempdir()?;
    let up = Up::start(state.path(), &[])?;
    let quiet = callbacks(&up, Duration::from_secs(5)).await?;
    let before = up.peak_memory()?;
    let (attack, seen) = slow::start(up.address.parse().context("an address")?, &SLOW, AGAIN);
    let attacked = callbacks(&up, time).await?;
    drop(attack);
    let memory = up.peak_memory()?;
    let errors = seen.ended_with("5");
    println!("| {clients} slow clients, {} s | alone | with them |\n|---|--:|--:|", time.as_secs());
    println!("| callbacks answered | {} | {} |", quiet.len(), attacked.len());
    println!("| median, ms | {:.1} | {:.1} |", median(&quiet), median(&attacked));
    println!("| slowest, ms (at most {SLOWEST}) | {:.1} | {:.1} |", slowest(&quiet), slowest(&attacked));
    println!("| peak memory, MiB (at most {MEMORY}) | {before:.0} | {memory:.0} |");
    println!("| connections of theirs open at a time | | {} |", seen.most_open.load(Ordering::SeqCst));
    println!(
        "| closed without a word, with 408, with 5xx (0) | | {}, {}, {errors} |",
        seen.ended_with("") - seen.ended_with("4") - errors,
        seen.ended_with("408")
    );
    ensure!(slowest(&attacked) <= SLOWEST, "a callback took {:.0} ms", slowest(&attacked));
    ensure!(memory <= MEMORY, "{memory:.0} MiB");
    ensure!(errors == 0, "{errors} answers were 5xx");
    Ok(())
}

/// How long each of the callbacks took, in milliseconds. One that is not answered with 200 ends it.
async fn callbacks(up: &Up, time: Duration) -> Result<Vec<f64>> {
    let end = Instant::now() + time;
    let mut took = Vec::new();
    while Instant::now() < end {
        let number = took.len() as u64;
        // A client of its own has a connection of its own.
        let (server, message) = (up.server(), text("oBench-0123456789abcdefghijk", now(), number, "换粮"));
        let began = Instant::now();
        let answer = server.try_push(&message).await.context("a callback got no answer")?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.status == 200, "status {}", answer.status);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(took)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn slowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
