//! Callbacks a second, each on disk before its answer, in both journal modes of the store's file: in turns, in one run, because
//! only figures of one run compare.

use crate::up::Up;
use anyhow::{Result, ensure};
use e2e::{JOURNAL_MODES, Server, now, text};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(1);
/// WAL beside DELETE.
const LEAST: f64 = 2.0;
/// Of tmpfs, in `statfs(2)`: a store there syncs nothing.
const TMPFS: u32 = 0x0102_1994;

pub(crate) fn report(folder: &Path, seconds: u64, rounds: usize) -> Result<()> {
    let kind = rustix::fs::statfs(folder)?.f_type as u32;
    ensure!(kind != TMPFS, "{} is in RAM; name a folder on a disk with --folder", folder.display());
    e2e::build();
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (rates, (journal_mode, _)) in rates.iter_mut().zip(JOURNAL_MODES) {
            rates.push(e2e::run(run(folder, journal_mode, Duration::from_secs(seconds)))?);
        }
    }
    let [wal, delete] = rates.map(median);
    println!("| {CONNECTIONS} connections, medians of {rounds} runs of {seconds} s | callbacks/s |\n|---|--:|");
    println!("| SQLite in WAL | {wal:.0} |\n| SQLite in DELETE | {delete:.0} |");
    println!("\nratio {:.2} (at least {LEAST})", wal / delete);
    ensure!(wal / delete >= LEAST, "WAL is {:.2} times DELETE", wal / delete);
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn run(folder: &Path, journal_mode: &str, time: Duration) -> Result<f64> {
    let state = tempfile::tempdir_in(folder)?;
    let up = Up::start(state.path(), &["--journal", journal_mode])?;
    let server = Arc::new(up.server());
    let next = Arc::new(AtomicU64::new(1));
    load(&server, &next, WARM_UP).await?;
    let began = Instant::now();
    let answers = load(&server, &next, time).await?;
    Ok(answers as f64 / began.elapsed().as_secs_f64())
}

/// Keeps all connections busy; gives the number of answers.
async fn load(server: &Arc<Server>, next: &Arc<AtomicU64>, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let connections = (0..CONNECTIONS).map(|_| {
        let (server, next) = (server.clone(), next.clone());
        tokio::spawn(async move {
            let mut answers = 0;
            while Instant::now() < end {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let status = server.push(&text("oBench-0123456789abcdefghijk", now(), number, "换粮")).await.status;
                ensure!(status == 200, "status {status}");
                answers += 1;
            }
            Ok(answers)
        })
    });
    let mut answers = 0;
    for connection in connections.collect::<Vec<_>>() {
        answers += connection.await??;
    }
    Ok(answers)
}
