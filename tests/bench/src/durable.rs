//! Callbacks a second, each on disk before its answer, by the way in which the store writes: in turns, in one run, because only
//! figures of one run compare. *One commit each* is Spin's way; what waits committed together is the local host's alone.

use crate::up::Up;
use anyhow::{Result, bail, ensure};
use e2e::{Server, now, text};
use redis_process::RedisServer;
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const CONNECTIONS: [usize; 2] = [32, 128];
const WARM_UP: Duration = Duration::from_secs(1);
/// WAL beside DELETE, one commit each.
const WAL_LEAST: f64 = 2.0;
/// What waits committed together, beside the same in RAM.
const GROUP_LEAST: f64 = 0.8;
/// Redis beside SQLite in DELETE.
const REDIS_LEAST: f64 = 3.0;
/// Of tmpfs, in `statfs(2)`: a store there syncs nothing.
const TMPFS: u32 = 0x0102_1994;
const RAM: &str = "/dev/shm";

/// How the store writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Delete,
    Wal,
    Group,
    GroupInRam,
    Redis,
}

impl Way {
    const ALL: [Self; WAYS] = [Self::Delete, Self::Wal, Self::Group, Self::GroupInRam, Self::Redis];

    fn name(self) -> &'static str {
        match self {
            Self::Delete => "SQLite in DELETE, one commit each (as Spin keeps it)",
            Self::Wal => "SQLite in WAL, one commit each",
            Self::Group => "SQLite in WAL, what waits in one commit",
            Self::GroupInRam => "the same with the store in RAM",
            Self::Redis => "Redis, `appendfsync always`",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Delete => &["--journal", "delete", "--no-group-commit"],
            Self::Wal => &["--no-group-commit"],
            Self::Group | Self::GroupInRam | Self::Redis => &[],
        }
    }
}

const WAYS: usize = 5;

/// Medians of one way, by number of connections.
type Rates = [f64; CONNECTIONS.len()];

pub(crate) fn report(folder: &Path, seconds: u64, rounds: usize) -> Result<()> {
    let kind = rustix::fs::statfs(folder)?.f_type as u32;
    ensure!(kind != TMPFS, "{} is in RAM; name a folder on a disk with --folder", folder.display());
    e2e::build();
    let (rates, refused) = measure(folder, Duration::from_secs(seconds), rounds)?;
    let [few, many] = CONNECTIONS;
    println!(
        "| callbacks a second, medians of {rounds} runs of {seconds} s | {few} connections | {many} connections |"
    );
    println!("|---|--:|--:|");
    for (way, [few, many]) in Way::ALL.iter().zip(&rates) {
        println!("| {} | {few:.0} | {many:.0} |", way.name());
    }
    for (way, refused) in Way::ALL.iter().zip(refused).filter(|(_, refused)| *refused > 0) {
        println!("\n{}: {refused} more waited 4 s for the store and were answered with 503", way.name());
    }
    let [delete, wal, group, ram, redis] = rates;
    println!();
    let targets = [
        ("WAL to DELETE", wal, delete, WAL_LEAST),
        ("one commit for what waits, on disk to in RAM", group, ram, GROUP_LEAST),
        ("Redis to DELETE", redis, delete, REDIS_LEAST),
    ];
    let mut missed = Vec::new();
    for (name, above, below, least) in targets {
        let ratios = [above[0] / below[0], above[1] / below[1]];
        println!("{name}: {:.2} and {:.2} (at least {least})", ratios[0], ratios[1]);
        if ratios.iter().any(|&ratio| ratio < least) {
            missed.push(name);
        }
    }
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(())
}

/// The rates, and how many callbacks were refused, by way.
fn measure(folder: &Path, time: Duration, rounds: usize) -> Result<([Rates; WAYS], [u64; WAYS])> {
    let mut rates = Way::ALL.map(|_| CONNECTIONS.map(|_| Vec::new()));
    let mut refused = [0; WAYS];
    for _ in 0..rounds {
        for ((way, rates), refused) in Way::ALL.into_iter().zip(&mut rates).zip(&mut refused) {
            for (connections, rates) in CONNECTIONS.into_iter().zip(rates) {
                let (rate, count) = e2e::run(run(folder, way, connections, time))?;
                rates.push(rate);
                *refused += count;
            }
        }
    }
    Ok((rates.map(|rates| rates.map(median)), refused))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn run(folder: &Path, way: Way, connections: usize, time: Duration) -> Result<(f64, u64)> {
    let state = tempfile::tempdir_in(if way == Way::GroupInRam { Path::new(RAM) } else { folder })?;
    let redis = (way == Way::Redis).then(|| RedisServer::start_under(folder));
    let config = state.path().join("runtime.toml");
    let config_text = config.to_string_lossy();
    let mut flags = way.flags().to_vec();
    if let Some(redis) = &redis {
        fs::write(&config, format!("[key_value_store.default]\ntype = 'redis'\nurl = '{}'\n", redis.url()))?;
        flags.extend(["--runtime-config-file", &config_text]);
    }
    let up = Up::start(state.path(), &flags)?;
    let server = Arc::new(up.server());
    let next = Arc::new(AtomicU64::new(1));
    load(&server, &next, connections, WARM_UP).await?;
    let began = Instant::now();
    let (answers, refused) = load(&server, &next, connections, time).await?;
    Ok((answers as f64 / began.elapsed().as_secs_f64(), refused))
}

/// Keeps all connections busy; gives the numbers of callbacks that were stored and answered, and of those that were refused.
async fn load(server: &Arc<Server>, next: &Arc<AtomicU64>, connections: usize, time: Duration) -> Result<(u64, u64)> {
    let end = Instant::now() + time;
    let connections = (0..connections).map(|_| {
        let (server, next) = (server.clone(), next.clone());
        tokio::spawn(async move {
            let (mut answers, mut refused) = (0, 0);
            while Instant::now() < end {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let message = text("oBench-0123456789abcdefghijk", now(), number, "换粮");
                match server.push(&message).await.status {
                    200 => answers += 1,
                    503 => refused += 1,
                    status => bail!("status {status}"),
                }
            }
            Ok((answers, refused))
        })
    });
    let (mut answers, mut refused) = (0, 0);
    for connection in connections.collect::<Vec<_>>() {
        let (stored, more) = connection.await??;
        answers += stored;
        refused += more;
    }
    Ok((answers, refused))
}
