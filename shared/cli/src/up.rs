//! `up`.

use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use guanxi::time::{Moment, Timestamp, UtcOffset};
use guanxi_host::{BuildWhen, Host, Options, Schedule, StateDir, store::Commits};
use tokio::signal::unix::{SignalKind, signal};

use crate::{clock, playbook, store::Journal};

/// Where the playbook is, from the folder of the manifest.
const PLAYBOOK: &str = "functions/playbook.toml";

/// The flags of `spin up` that the host knows.
#[derive(clap::Args)]
pub(crate) struct Up {
    /// The manifest, or the folder of a spin.toml.
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    from: PathBuf,
    /// The address to serve on.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// A value for an application variable: NAME=VALUE, or @FILE with a TOML or JSON table of them.
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// Runtime configuration: the place of the store, a file or a Redis.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Where the store and the logs are kept; "" keeps the store in memory. [default: .spin beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
    /// Build every component first, not only what is missing.
    #[arg(long)]
    build: bool,
    /// Leave out the clock, functions/clock/spin.toml beside the manifest, which calls the jobs.
    #[arg(long)]
    no_clock: bool,
    /// How SQLite commits; `delete` is what Spin's own files have.
    #[arg(long, value_enum, default_value_t)]
    journal: Journal,
    /// Commit each write to SQLite by itself, as Spin does, and not together with those that wait.
    #[arg(long)]
    no_group_commit: bool,
    /// What the functions take for the time at the start, such as 2026-03-02T20:00+08:00; without an offset by the playbook
    /// functions/playbook.toml beside the manifest. It runs on from there. [default: the time]
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    /// Hold clients to no limits of time, size and number, as Spin does: for a run behind a proxy that has its own.
    #[arg(long)]
    no_limits: bool,
    /// Keep the components' output off the terminal.
    #[arg(short, long)]
    quiet: bool,
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        // Before the start, so that a signal during it is not lost.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let with_clock = !self.no_clock;
        let mut options = self.options()?;
        let clock = if with_clock { clock::beside(&mut options) } else { None };
        let host = Host::start(options).await?;
        let schedule = match clock {
            Some(options) => clock::load(options, &host).await?,
            None => None,
        };
        // It serves whether or not anybody reads that it does.
        _ = announce(&host, schedule.as_ref());
        for risk in host.store().risks().await {
            _ = writeln!(std::io::stderr(), "warning: the store can lose what it has answered: {risk}");
        }
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = run(schedule.as_ref()) => {}
        }
        host.stop().await;
        Ok(ExitCode::SUCCESS)
    }

    fn options(self) -> anyhow::Result<Options> {
        let usual = Options::new(self.from);
        if let Some(at) = self.at {
            let at = resolve(at, clock::folder(&usual.manifest))?;
            usual.clock.set(UNIX_EPOCH + Duration::from_secs(at.0));
        }
        Ok(Options {
            listen: self.listen,
            variables: variables(&self.variables)?,
            runtime_config: self.runtime_config_file,
            state_dir: self.state_dir.map_or(StateDir::Default, |text| StateDir::from_text(&text)),
            build: if self.build { BuildWhen::Always } else { BuildWhen::Missing },
            quiet: self.quiet,
            journal_mode: self.journal.into(),
            commits: if self.no_group_commit { Commits::Each } else { Commits::Together },
            limits: if self.no_limits { None } else { usual.limits },
            ..usual
        })
    }
}

/// In the folder of the manifest, which may have a playbook whose clock counts.
fn resolve(at: Moment, folder: &Path) -> anyhow::Result<Timestamp> {
    let offset = if at.has_offset() {
        UtcOffset::BEIJING
    } else {
        playbook::offset(&folder.join(PLAYBOOK)).context("--at without an offset is by the playbook")?
    };
    Ok(at.by(offset)?)
}

async fn run(schedule: Option<&Schedule>) {
    match schedule {
        Some(schedule) => schedule.run().await,
        None => std::future::pending().await,
    }
}

/// What `spin up` prints, and what runs by itself.
fn announce(host: &Host, schedule: Option<&Schedule>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nServing {}", host.url())?;
    writeln!(out, "Available Routes:")?;
    for (component, route) in host.routes() {
        let (route, wildcard) = match route.strip_suffix("/...") {
            Some(prefix) => (prefix, " (wildcard)"),
            None => (route, ""),
        };
        writeln!(out, "  {component}: {}{route}{wildcard}", host.url())?;
    }
    if let Some(schedule) = schedule {
        writeln!(out, "Schedule (UTC):")?;
        for trigger in schedule.triggers() {
            writeln!(out, "  {}: {}", trigger.component, trigger.expression)?;
        }
    }
    out.flush()
}

/// Later flags win over earlier ones.
fn variables(flags: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for flag in flags {
        if let Some(path) = flag.strip_prefix('@') {
            variables.extend(read_variables(Path::new(path))?);
        } else if let Some((name, value)) = flag.split_once('=') {
            variables.insert(name.to_owned(), value.to_owned());
        } else {
            bail!("--variable {flag}: write NAME=VALUE or @FILE");
        }
    }
    Ok(variables)
}

fn read_variables(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => toml::from_str(&text).map_err(anyhow::Error::from),
        Some("json") => serde_json::from_str(&text).map_err(anyhow::Error::from),
        _ => bail!("--variable @{}: the file must end in .toml or .json", path.display()),
    };
    table.with_context(|| format!("{} must be a table of strings", path.display()))
}
