//! Server CPU of a whole encrypted callback with its append, beside that of a component which reads the body, makes one
//! typed call and does one `set` of the same size. Same host, same build, in turns.
//!
//! With the store in RAM (`/dev/shm`) it shows what our own code costs, in SQLite's journal mode of Spin and in that of the local
//! host. On disk most of both sums is the disk's, so there the ratio says little and is only shown. On Redis what Redis itself
//! needs is no part of either.

use crate::rules;
use anyhow::{Context, Result, bail, ensure};
use e2e::{Server, now, text};
use guanxi::{
    facts::{Entry, Received},
    wechat::{Message, endpoint::Mode},
};
use guanxi_host::store::{Location, Store};
use hyper::Method;
use redis_process::RedisServer;
use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const CONNECTIONS: usize = 32;
/// Requests before each run: enough instances that the memory of those to come has been used before, as it has in a server that
/// has run for a minute. What a fresh one costs its first message, `fresh` says.
const WARM_UP: u64 = 64 * 128;
/// Linux has a file system in RAM here.
const RAM: &str = "/dev/shm";
/// With the store in RAM.
const MOST: f64 = 1.4;
/// On Redis, `appendfsync always`.
const MOST_ON_REDIS: f64 = 1.3;

/// Where the store is, and how it is kept.
#[derive(Clone, Copy)]
struct Setting<'a> {
    name: &'static str,
    place: &'a Path,
    kept: Kept,
    /// The ratio that is wanted.
    most: Option<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kept {
    /// In this journal mode.
    Sqlite(&'static str),
    Redis,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Callback,
    Baseline {
        /// Bytes of the journal entry that a callback writes.
        entry: usize,
    },
}

/// One run: requests a second, and server CPU of each.
struct Run {
    rate: f64,
    microseconds: f64,
}

pub(crate) fn report(seconds: u64, rounds: usize) -> Result<()> {
    build()?;
    let time = Duration::from_secs(seconds);
    let sides = [Side::Callback, Side::Baseline { entry: entry()? }];
    let (ram, disk) = (Path::new(RAM), env::temp_dir());
    let settings = [
        Setting { name: "in RAM, as Spin keeps it", place: ram, kept: Kept::Sqlite("delete"), most: Some(MOST) },
        Setting { name: "in RAM, in WAL", place: ram, kept: Kept::Sqlite("wal"), most: Some(MOST) },
        Setting { name: "on disk, in WAL", place: &disk, kept: Kept::Sqlite("wal"), most: None },
        Setting { name: "on Redis, on disk", place: &disk, kept: Kept::Redis, most: Some(MOST_ON_REDIS) },
    ];
    let mut missed = Vec::new();
    println!(
        "| {CONNECTIONS} connections, medians of {rounds} runs, the store | callback: requests/s | CPU µs/request \
         | body, one typed call, one `set`: requests/s | CPU µs/request | ratio of CPU |\n|---|--:|--:|--:|--:|--:|"
    );
    for setting in settings {
        let ratio = compare(setting, sides, time, rounds)?;
        if let Some(most) = setting.most.filter(|most| ratio > *most) {
            missed.push(format!("{}: {ratio:.2} times the baseline, at most {most}", setting.name));
        }
    }
    ensure!(missed.is_empty(), "a callback costs, with the store {}", missed.join("; "));
    Ok(())
}

/// Both sides in turns; gives the ratio of their CPU.
fn compare(setting: Setting<'_>, sides: [Side; 2], time: Duration, rounds: usize) -> Result<f64> {
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (runs, side) in runs.iter_mut().zip(sides) {
            runs.push(e2e::run(run(side, setting, time))?);
        }
    }
    let [callback, baseline] = runs.map(medians);
    let ratio = callback.microseconds / baseline.microseconds;
    let row = |Run { rate, microseconds }: &Run| format!("{rate:.0} | {microseconds:.0}");
    println!("| {} | {} | {} | {ratio:.2} |", setting.name, row(&callback), row(&baseline));
    Ok(ratio)
}

/// The baseline's components with the others, so that all are built alike and none is yesterday's.
fn build() -> Result<()> {
    e2e::build();
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--quiet",
        "--release",
        "--target",
        "wasm32-wasip2",
        "-p",
        "baseline-caller",
        "-p",
        "baseline-callee",
    ]);
    let built = cargo.current_dir(e2e::root()).env_remove("CARGO_TARGET_DIR").status()?;
    ensure!(built.success(), "the baseline does not build");
    Ok(())
}

/// Bytes of the journal entry that a callback of this run writes.
fn entry() -> Result<usize> {
    let (_, message) = Message::parse(message(1).as_bytes())?;
    let push =
        Received { message, touch: None, rule: Some("rule-1".into()), milliseconds: 1, pushes: None, left: Vec::new() };
    Ok(Entry::Received(push).encode().len())
}

fn medians(runs: Vec<Run>) -> Run {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Run {
        rate: median(runs.iter().map(|run| run.rate).collect()),
        microseconds: median(runs.iter().map(|run| run.microseconds).collect()),
    }
}

async fn run(side: Side, setting: Setting<'_>, time: Duration) -> Result<Run> {
    let folder = tempfile::tempdir_in(setting.place)?;
    let redis = (setting.kept == Kept::Redis).then(|| RedisServer::start_under(setting.place));
    let location = match &redis {
        Some(redis) => Location::Redis(redis.url().parse()?),
        None => Location::File(folder.path().join("sqlite_key_value.db")),
    };
    let process = Process::start(side, setting, folder.path(), &location)?;
    let server = Arc::new(Server::new(&format!("http://{}", process.address), Mode::Safe));
    // So that no two runs send the same message.
    let next = Arc::new(AtomicU64::new(now().0 % 1_000_000 * 1_000_000));
    let warm = next.load(Ordering::Relaxed) + WARM_UP;
    load(&server, side, &next, move |number| number < warm).await?;
    let (began, cpu) = (Instant::now(), process.cpu()?);
    let requests = load(&server, side, &next, move |_| began.elapsed() < time).await?;
    let (took, cpu) = (began.elapsed(), process.cpu()? - cpu);
    Ok(Run { rate: requests as f64 / took.as_secs_f64(), microseconds: cpu.as_secs_f64() * 1e6 / requests as f64 })
}

/// Keeps all connections busy while messages are wanted; gives the number of answers.
async fn load(
    server: &Arc<Server>,
    side: Side,
    next: &Arc<AtomicU64>,
    wanted: impl Fn(u64) -> bool + Copy + Send + 'static,
) -> Result<u64> {
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (server, next) = (server.clone(), next.clone());
            tokio::spawn(async move {
                let mut answers = 0;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !wanted(number) {
                        return anyhow::Ok(answers);
                    }
                    one(&server, side, number).await?;
                    answers += 1;
                }
            })
        })
        .collect();
    let mut answers = 0;
    for connection in connections {
        answers += connection.await??;
    }
    Ok(answers)
}

async fn one(server: &Server, side: Side, number: u64) -> Result<()> {
    let message = message(number);
    let status = match side {
        Side::Callback => server.push(&message).await.status,
        Side::Baseline { entry } => {
            let (_, body) = server.sealed(&message, now());
            server.request(Method::POST, &format!("/baseline?journal:{number}={entry}"), body).await.status
        }
    };
    ensure!(status == 200, "status {status}");
    Ok(())
}

fn message(number: u64) -> String {
    text("oBench-0123456789abcdefghijk", now(), number, &rules::keyword(number as usize % 200))
}

/// The host in a process of its own, so that its CPU time is the server's.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(side: Side, setting: Setting<'_>, state: &Path, location: &Location) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let host = env::current_exe()?.with_file_name("guanxi");
        ensure!(host.exists(), "{} is missing: cargo build --profile native -p guanxi-cli", host.display());
        let manifest = match side {
            Side::Callback => "spin.toml",
            Side::Baseline { .. } => "tests/bench/baseline/spin.toml",
        };
        let mut command = Command::new(host);
        command
            .args(["up", "--quiet", "--listen", &address.to_string(), "--state-dir"])
            .arg(state)
            // Spin's way.
            .arg("--no-group-commit");
        if let Kept::Sqlite(journal) = setting.kept {
            command.args(["--journal", journal]);
        }
        if let Location::Redis(url) = location {
            let config = state.join("runtime.toml");
            fs::write(&config, format!("[key_value_store.default]\ntype = 'redis'\nurl = '{url}'\n"))?;
            command.arg("--runtime-config-file").arg(config);
        }
        command.arg("-f").arg(e2e::root().join(manifest));
        if side == Side::Callback {
            publish_rules(location)?;
            for (name, value) in e2e::variables("safe") {
                command.args(["--variable", &format!("{name}={value}")]);
            }
        }
        let child = command.stdout(Stdio::null()).spawn()?;
        let process = Self { child, address };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            if Instant::now() > end {
                bail!("the host does not start");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(process)
    }

    /// User and system time so far (`proc_pid_stat(5)`).
    fn cpu(&self) -> Result<Duration> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit(')').next().context("a process has a name")?;
        let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        Ok(Duration::from_secs_f64(ticks.iter().sum::<f64>() / TICKS_PER_SECOND))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Into the store that the host will open.
fn publish_rules(location: &Location) -> Result<()> {
    let store = Store::open(location)?;
    tokio::task::block_in_place(|| {
        e2e::runtime().block_on(async {
            crate::peer::publish(&store, &rules::playbook(200)).await?;
            store.close().await;
            Ok(())
        })
    })
}
