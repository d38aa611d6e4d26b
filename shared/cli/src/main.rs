//! The command line: `up` and `build` as in Spin, `prepare`, `backup` and `restore` for the store's file, `move` between file and
//! Redis, `check`, `say`, `replay`, `publish` and `schema` for playbooks, `export` for the journal.

mod asking;
mod check;
mod clock;
mod export;
mod moving;
mod playbook;
mod publish;
mod recorded;
mod replay;
mod say;
mod store;
mod up;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use guanxi_host::{BuildWhen, Manifest};

/// Runs the application on this machine, and looks after its playbook and its store.
#[derive(Parser)]
#[command(name = "guanxi", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds what is missing and serves the application.
    Up(up::Up),
    /// Builds every component.
    Build(Build),
    /// Makes the store's file fast before `spin up` opens it; `up` does so by itself.
    Prepare(store::Prepare),
    /// Copies the store, also while it is in use.
    Backup(store::Backup),
    /// Puts a backup in the place of the store.
    Restore(store::Restore),
    /// Copies the store from SQLite to Redis or Valkey, or back.
    Move(moving::Move),
    /// Prints the problems and warnings of a playbook.
    Check(check::Check),
    /// Prints what a playbook answers, and the rule that said so.
    Say(say::Say),
    /// Prints what another playbook would have answered to the recorded messages, where that differs.
    Replay(replay::Replay),
    /// Writes the journal as lines of JSON, also while it is in use.
    Export(export::Export),
    /// Publishes a playbook: functions that are served answer by it 30 s later.
    Publish(publish::Publish),
    /// Prints the JSON Schema of a playbook, by which an editor completes it.
    Schema,
}

#[derive(clap::Args)]
struct Build {
    /// The manifest, or the folder of a spin.toml.
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    from: PathBuf,
}

fn main() -> ExitCode {
    Cli::parse().run()
}

impl Cli {
    fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Up(up) => block_on(up.run()),
            Command::Build(build) => block_on(build.run()),
            Command::Prepare(prepare) => prepare.run(),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Move(moving) => block_on(moving.run()),
            Command::Check(check) => check.run(),
            Command::Say(say) => block_on(say.run()),
            Command::Replay(replay) => block_on(replay.run()),
            Command::Export(export) => block_on(export.run()),
            Command::Publish(publish) => block_on(publish.run()),
            Command::Schema => schema(),
        };
        match result {
            Ok(code) => code,
            // Whoever read the output has seen enough.
            Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
            Err(error) => {
                // Without a stderr there is nowhere to say it.
                _ = writeln!(io::stderr(), "Error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

fn schema() -> anyhow::Result<ExitCode> {
    io::stdout().write_all(guanxi::playbook::schema().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

impl Build {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let manifest = Manifest::read(&self.from)?;
        guanxi_host::build(&manifest, BuildWhen::Always, false).await?;
        Ok(ExitCode::SUCCESS)
    }
}
