//! `cargo demo`: serves `spin.toml` in this process, and lets simulated fans follow, ask and
//! mistype. Ends by itself with what they saw.
//!
//! A second act plays 30 days with eight channels: scans, follows, purchases and what the reports make of them. With `--stay` it
//! goes on being served, from the evening of its last day on. A third one plays 30 days of reminders: who got one, over a bad
//! network and killed jobs, and what they brought.
//!
//! The components' clock and the fans' are set to a certain morning, so the same seed gives the same answers.

mod brand;
mod caller;
mod chat;
mod days;
mod reminders;
mod report;
mod sheets;
mod stay;

use anyhow::{Context, ensure};
use caller::Caller;
use clap::{Parser, ValueEnum};
use guanxi::{
    time::{Moment, Timestamp, UtcOffset},
    wechat::{endpoint::Mode, fields::Format, sender::Sender},
};
use guanxi_host::{BuildWhen, Clock, Host, Options, StateDir};
use guanxi_simulator::{Conditions, Delivery, Network, Scenario, Target, Trace, delivery::DEADLINE};
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::signal::unix::{SignalKind, signal};

/// Monday, 2 March 2026, 10:00 in Beijing: the shop is open.
const MORNING: Timestamp = Timestamp(1_772_416_800);

/// All that the fans do falls into this many seconds. WeChat's clock stands at [`MORNING`] meanwhile.
const SPAN: u32 = 240;

/// One answer in twelve comes after WeChat's 5 seconds, some connections break; every message has one good try.
const NETWORK: Network = Network { late: 0.08, reset_before: 0.01, reset_after: 0.01, tries_max: 2 };

/// Messages on the way at a time.
const AT_ONCE: usize = 32;

/// The sample account. Its secrets are in the source, so they are nobody's.
pub(crate) const TOKEN: &str = "guanxidemo";
pub(crate) const ENCODING_AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(crate) const APP_ID: &str = "wx6d656f77656f7721";
pub(crate) const ACCOUNT: &str = "gh_meowfood";

/// Plays a brand's morning: simulated fans against the real components.
#[derive(Parser)]
#[command(name = "cargo demo", bin_name = "cargo demo --")]
struct Arguments {
    /// How many fans.
    #[arg(long, default_value_t = 300)]
    fans: usize,
    /// How many fans the second act's 30 days have; 0 leaves it out.
    #[arg(long, default_value_t = 2_000)]
    days_fans: usize,
    /// How many fans the third act's 30 days of reminders have; 0 leaves it out.
    #[arg(long, default_value_t = 1_200)]
    reminded_fans: usize,
    /// Another seed, other fans.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The account's mode.
    #[arg(long, value_enum, default_value_t = ModeName::Safe)]
    mode: ModeName,
    /// When the first act plays, such as 2026-03-02T20:00+08:00; without an offset by the sample playbook. [default: that morning
    /// at 10:00]
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    /// Publish this playbook and play the chat beside it, FILE with the ending `chat`, in the place of the acts.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stay", "keep", "at"])]
    playbook: Option<PathBuf>,
    /// Print every message and what became of it.
    #[arg(long)]
    trace: bool,
    /// Go on serving the 30 days afterwards, until Ctrl-C; where they are left out, the first act.
    #[arg(long)]
    stay: bool,
    /// Keep the stores of the 30 days, as `days` and `reminders` in this folder, which must be new: `guanxi up --state-dir` serves them.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// The components are as fresh as their sources: `cargo demo` has built them.
    #[arg(long, hide = true)]
    built: bool,
    /// Where to listen with --stay; otherwise a free port.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

impl Arguments {
    /// When the first act plays. The sample playbook's clock is Beijing's.
    fn morning(&self) -> anyhow::Result<Timestamp> {
        Ok(self.at.map_or(Ok(MORNING), |at| at.by(UtcOffset::BEIJING))?)
    }

    /// What goes on being served has the address that was asked for.
    fn address(&self) -> SocketAddr {
        if self.stay { self.listen } else { SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    /// The folder in which an act's store is kept.
    fn kept(&self, act: &str) -> anyhow::Result<Option<PathBuf>> {
        let Some(folder) = self.keep.as_ref().map(|keep| keep.join(act)) else { return Ok(None) };
        ensure!(!folder.exists(), "there is {} already", folder.display());
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Some(folder))
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeName {
    Plain,
    Compat,
    Safe,
}

impl ModeName {
    /// The value of `wechat_mode`.
    fn variable(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Compat => "compat",
            Self::Safe => "safe",
        }
    }
}

/// Ends with 1 when a fan saw a fault, a retry got another answer, or a report is not what happened; with 130 when it was stopped before its end.
#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let state = tempfile::tempdir().context("cannot make a folder for the store")?;
    if let Some(playbook) = &arguments.playbook {
        let root = root()?;
        let clean = tokio::select! {
            played = chat::play(&arguments, &root, playbook, state.path()) => played?,
            stopped = stop() => return stopped.map(|()| ExitCode::from(130)),
        };
        return Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let (host, clean) = tokio::select! {
        played = demo(&arguments, state.path()) => played?,
        stopped = stop() => return stopped.map(|()| ExitCode::from(130)),
    };
    if arguments.stay {
        // For the console; the clock stood still.
        Caller::new(host.url())?.rollup().await?;
        host.clock().set(host.clock().now());
        stay::print(&host, &sender(&arguments)?, arguments.mode.variable())?;
        stop().await?;
    }
    host.stop().await;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ctrl-C, or SIGTERM.
async fn stop() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

/// Everything up to the summary. Gives what may go on being served, and says whether all was as it must be.
async fn demo(arguments: &Arguments, state: &Path) -> anyhow::Result<(Host, bool)> {
    let root = root()?;
    let host = start(arguments, &root, state).await?;
    host.clock().stop_at(moment(arguments.morning()?));
    let delivery = deliver_to(&host, arguments)?;
    let began = Instant::now();
    let trace = play(arguments, &root, &delivery).await?;
    let morning = report::print(&trace, began.elapsed(), host.store(), arguments.trace).await?;
    let (host, days) = if arguments.days_fans == 0 {
        (host, true)
    } else {
        host.stop().await;
        days::play(arguments, &root).await?
    };
    let reminders = arguments.reminded_fans == 0 || reminders::play(arguments, &root).await?;
    Ok((host, morning && days && reminders))
}

/// The folder of spin.toml.
fn root() -> anyhow::Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?)
}

/// WeChat's servers, whose clock is the host's.
fn deliver_to(host: &Host, arguments: &Arguments) -> anyhow::Result<Delivery> {
    let clock = host.clock().clone();
    let seconds = move || clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(Delivery::new(Target {
        url: format!("{}/wechat", host.url()).parse()?,
        account: ACCOUNT.to_owned(),
        sender: sender(arguments)?,
        format: Format::Xml,
        deadline: DEADLINE,
        clock: Arc::new(move || Timestamp(seconds())),
    })?)
}

/// WeChat's side of the sample account.
fn sender(arguments: &Arguments) -> anyhow::Result<Sender> {
    let mode: Mode = arguments.mode.variable().parse()?;
    Ok(Sender::new(TOKEN, mode, &ENCODING_AES_KEY.parse()?, APP_ID))
}

/// The host, with components as fresh as their sources.
async fn start(arguments: &Arguments, root: &Path, state: &Path) -> anyhow::Result<Host> {
    let options = Options {
        state_dir: StateDir::Path(state.to_owned()),
        build: if arguments.built { BuildWhen::Missing } else { BuildWhen::Always },
        ..Options::for_test(root.join("spin.toml"))
    };
    start_with(options, arguments).await
}

/// A host of the sample account, its clock stopped at [`MORNING`].
async fn start_with(options: Options, arguments: &Arguments) -> anyhow::Result<Host> {
    let clock = Clock::real();
    clock.stop_at(moment(MORNING));
    let options = Options { clock, listen: arguments.address(), ..options };
    let options = options.variable("job_token", caller::JOB_TOKEN).variable("console_token", caller::CONSOLE_TOKEN);
    Ok(Host::start(of_account(options, arguments)).await?)
}

/// With what WeChat and the components have to agree on.
fn of_account(options: Options, arguments: &Arguments) -> Options {
    options
        .variable("wechat_token", TOKEN)
        .variable("wechat_encoding_aes_key", ENCODING_AES_KEY)
        .variable("wechat_app_id", APP_ID)
        .variable("wechat_mode", arguments.mode.variable())
}

/// As the host's clock wants it.
fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(at.0)
}

/// WeChat verifies the URL, then the fans come.
async fn play(arguments: &Arguments, root: &Path, delivery: &Delivery) -> anyhow::Result<Trace> {
    let seed = arguments.seed;
    delivery.verify_url(&mut ChaCha8Rng::seed_from_u64(seed)).await?;
    let playbook = root.join("functions/playbook.toml");
    let brand = brand::read(&playbook).with_context(|| format!("cannot use {}", playbook.display()))?;
    let scenario = Scenario::draw(seed, arguments.fans, SPAN, &brand);
    // Draws nothing where there is no terminal.
    let bar = ProgressBar::new(scenario.steps.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} messages, {per_sec}")?);
    let conditions = Conditions { start: arguments.morning()?, network: NETWORK, seed, at_once: AT_ONCE };
    let trace = guanxi_simulator::run(&scenario, delivery, conditions, || bar.inc(1)).await?;
    bar.finish_and_clear();
    Ok(trace)
}
