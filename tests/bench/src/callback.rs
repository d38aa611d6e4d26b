//! Server CPU of a whole encrypted callback with its append, beside that of a component which reads the body, makes one
//! typed call and does one `set` of the same size. Same host, same disk, in turns.

use crate::rules;
use anyhow::{Context, Result, bail, ensure};
use e2e::{Server, now, text};
use guanxi::wechat::endpoint::Mode;
use hyper::Method;
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
const WARM_UP: Duration = Duration::from_secs(1);
/// Bytes of the journal entry that a callback of this run writes.
const ENTRY: usize = 175;
const MOST: f64 = 1.5;

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Callback,
    Baseline,
}

/// One run: requests a second, and server CPU of each.
struct Run {
    rate: f64,
    microseconds: f64,
}

pub(crate) fn report(seconds: u64, rounds: usize) -> Result<()> {
    e2e::build();
    let (mut callbacks, mut baselines) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        callbacks.push(e2e::run(run(Side::Callback, Duration::from_secs(seconds)))?);
        baselines.push(e2e::run(run(Side::Baseline, Duration::from_secs(seconds)))?);
    }
    let [callback, baseline] = [callbacks, baselines].map(medians);
    let ratio = callback.microseconds / baseline.microseconds;
    println!(
        "| {CONNECTIONS} connections, medians of {rounds} runs | requests/s | server CPU µs/request |\n|---|--:|--:|"
    );
    println!("| encrypted callback with append | {:.0} | {:.0} |", callback.rate, callback.microseconds);
    println!("| body, one typed call, one `set` | {:.0} | {:.0} |", baseline.rate, baseline.microseconds);
    println!("\nratio of CPU {ratio:.2} (at most {MOST})");
    ensure!(ratio <= MOST, "a callback costs {ratio:.2} times the baseline");
    Ok(())
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

async fn run(side: Side, time: Duration) -> Result<Run> {
    let folder = tempfile::tempdir()?;
    let process = Process::start(side, folder.path())?;
    let server = Arc::new(Server::new(&format!("http://{}", process.address), Mode::Safe));
    load(&server, side, WARM_UP).await?;
    let (began, cpu) = (Instant::now(), process.cpu()?);
    let requests = load(&server, side, time).await?;
    let (took, cpu) = (began.elapsed(), process.cpu()? - cpu);
    Ok(Run { rate: requests as f64 / took.as_secs_f64(), microseconds: cpu.as_secs_f64() * 1e6 / requests as f64 })
}

/// Keeps all connections busy; gives the number of answers.
async fn load(server: &Arc<Server>, side: Side, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let next = Arc::new(AtomicU64::new(u64::from(rand_start())));
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (server, next) = (server.clone(), next.clone());
            tokio::spawn(async move {
                let mut answers = 0;
                while Instant::now() < end {
                    one(&server, side, next.fetch_add(1, Ordering::Relaxed)).await?;
                    answers += 1;
                }
                anyhow::Ok(answers)
            })
        })
        .collect();
    let mut answers = 0;
    for connection in connections {
        answers += connection.await??;
    }
    Ok(answers)
}

/// So that no two runs send the same message.
fn rand_start() -> u32 {
    now().0 as u32 % 1_000_000 * 1_000
}

async fn one(server: &Server, side: Side, number: u64) -> Result<()> {
    let message = text("oBench-0123456789abcdefghijk", now(), number, &rules::keyword(number as usize % 200));
    let status = match side {
        Side::Callback => server.push(&message).await.status,
        Side::Baseline => {
            let (_, body) = server.sealed(&message, now());
            server.request(Method::POST, &format!("/baseline?journal:{number}={ENTRY}"), body).await.status
        }
    };
    ensure!(status == 200, "status {status}");
    Ok(())
}

/// The host in a process of its own, so that its CPU time is the server's.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(side: Side, state: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let host = env::current_exe()?.with_file_name("guanxi-host");
        ensure!(host.exists(), "{} is missing: cargo build --profile native -p guanxi-host", host.display());
        let manifest = match side {
            Side::Callback => "spin.toml",
            Side::Baseline => "tests/bench/baseline/spin.toml",
        };
        let mut command = Command::new(host);
        command.args(["up", "--quiet", "--listen", &address.to_string()]).arg("--state-dir").arg(state);
        command.arg("-f").arg(e2e::root().join(manifest));
        if side == Side::Callback {
            publish_rules(state)?;
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

/// Into the file that the host will open.
fn publish_rules(state: &Path) -> Result<()> {
    use guanxi_host::store::{Location, Store};
    let store = Store::open(&Location::File(state.join("sqlite_key_value.db")))?;
    tokio::task::block_in_place(|| {
        e2e::runtime().block_on(async {
            crate::peer::publish(&store, &rules::playbook(200)).await?;
            store.close().await;
            Ok(())
        })
    })
}
