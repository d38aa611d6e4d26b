//! Slow clients by the thousand, who come back when they are closed, and a callback every few milliseconds meanwhile.

use crate::up::Up;
use anyhow::{Context, Result, ensure};
use e2e::{
    now,
    slow::{self, HALF_BODY, HALF_HEAD, IDLE},
    text,
};
use std::{
    env,
    io::{Read, stdin},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How many of each kind.
const SLOW: [(&str, usize); 3] = [(HALF_BODY, 5_000), (HALF_HEAD, 5_000), (IDLE, 10_000)];
/// They are so many processes, because one may not open so many files everywhere.
const PROCESSES: usize = 2;
/// A client that was closed comes again so much later.
const AGAIN: Duration = Duration::from_secs(30);
/// Between two callbacks, each on a connection of its own.
const PAUSE: Duration = Duration::from_millis(20);
/// Files of a process besides the connections.
const OTHER_FILES: u64 = 500;

/// Milliseconds from the connection's opening to the answer.
const SLOWEST: f64 = 1_000.0;
/// MiB.
const MEMORY: f64 = 200.0;

pub(crate) fn report(seconds: u64) -> Result<()> {
    e2e::build();
    e2e::run(run(Duration::from_secs(seconds)))
}

async fn run(time: Duration) -> Result<()> {
    let state = tempfile::tempdir()?;
    let up = Up::start(state.path(), &[])?;
    let quiet = callbacks(&up, Duration::from_secs(5)).await?;
    let before = up.peak_memory()?;
    let attack: Vec<Child> = (0..PROCESSES).map(|_| attack(&up.address)).collect::<Result<_>>()?;
    let attacked = callbacks(&up, time).await?;
    let memory = up.peak_memory()?;
    let [open, silent, late, errors] = sum(attack)?;
    let clients: usize = SLOW.iter().map(|(_, count)| count).sum();
    println!("| {clients} slow clients, {} s | alone | with them |\n|---|--:|--:|", time.as_secs());
    println!("| callbacks answered | {} | {} |", quiet.len(), attacked.len());
    println!("| median, ms | {:.1} | {:.1} |", median(&quiet), median(&attacked));
    println!("| slowest, ms (at most {SLOWEST}) | {:.1} | {:.1} |", slowest(&quiet), slowest(&attacked));
    println!("| peak memory, MiB (at most {MEMORY}) | {before:.0} | {memory:.0} |");
    println!("| connections of theirs open at a time | | {open} |");
    println!("| closed without a word; with 408; with 5xx (0) | | {silent}; {late}; {errors} |");
    ensure!(slowest(&attacked) <= SLOWEST, "a callback took {:.0} ms", slowest(&attacked));
    ensure!(memory <= MEMORY, "{memory:.0} MiB");
    ensure!(errors == 0, "{errors} answers were 5xx");
    Ok(())
}

/// Slow clients in a process of their own.
fn attack(address: &str) -> Result<Child> {
    let mut process = Command::new(env::current_exe()?);
    process.args(["slow-clients", address]).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(process.spawn()?)
}

/// Ends them, and adds up what they have met with.
fn sum(attack: Vec<Child>) -> Result<[usize; 4]> {
    let mut sums = [0; 4];
    for process in attack {
        // Its input is closed first.
        let output = process.wait_with_output()?;
        ensure!(output.status.success(), "the slow clients failed");
        let printed = String::from_utf8(output.stdout)?;
        let numbers: Vec<usize> = printed.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        ensure!(numbers.len() == sums.len(), "the slow clients printed {printed:?}");
        sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    Ok(sums)
}

/// Their part of the clients, until their input ends. Prints the most connections that were open at a time, and how many were
/// closed without a word, with 408 and with 5xx.
pub(crate) fn clients(server: SocketAddr) -> Result<()> {
    let kinds = SLOW.map(|(text, count)| (text, count / PROCESSES));
    slow::allow_files(kinds.iter().map(|(_, count)| *count as u64).sum::<u64>() + OTHER_FILES);
    e2e::run(async {
        let (attack, seen) = slow::start(server, &kinds, AGAIN);
        tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new())).await??;
        drop(attack);
        let (late, errors) = (seen.ended_with("408"), seen.ended_with("5"));
        let silent = seen.ended_with("") - seen.ended_with("4") - errors;
        println!("{} {silent} {late} {errors}", seen.most_open.load(Ordering::SeqCst));
        Ok(())
    })
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
