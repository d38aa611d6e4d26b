//! `prepare`, `backup` and `restore`: the store's file, found as `up` finds it.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::bail;
use guanxi_host::{
    Options, StateDir,
    store::{Contents, JournalMode, Location, back_up, prepare, restore},
};

/// How SQLite commits.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Journal {
    /// One sync for each commit, and a backup while the functions write. Two files more, `-wal` and `-shm`; not on a network's file system.
    #[default]
    Wal,
    /// What a new file has when Spin makes it: three to four syncs for each commit.
    Delete,
}

impl From<Journal> for JournalMode {
    fn from(journal: Journal) -> Self {
        match journal {
            Journal::Wal => Self::Wal,
            Journal::Delete => Self::Delete,
        }
    }
}

/// Where the store is.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// The manifest, or the folder of a spin.toml.
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    from: PathBuf,
    /// Runtime configuration: the place of the store.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Where the store is kept. [default: .spin beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
}

impl Place {
    pub(crate) fn location(self) -> anyhow::Result<Location> {
        let options = Options {
            runtime_config: self.runtime_config_file,
            state_dir: self.state_dir.map_or(StateDir::Default, |text| StateDir::from_text(&text)),
            ..Options::new(self.from)
        };
        Ok(options.store()?)
    }

    pub(crate) fn file(self) -> anyhow::Result<PathBuf> {
        match self.location()? {
            Location::File(path) => Ok(path),
            Location::Memory => bail!("the store is kept in memory, so there is no file"),
            Location::Redis(url) => bail!("the store is at {url}, so there is no file"),
        }
    }
}

/// `prepare`.
#[derive(clap::Args)]
pub(crate) struct Prepare {
    #[command(flatten)]
    place: Place,
    /// How SQLite commits.
    #[arg(long, value_enum, default_value_t)]
    journal: Journal,
}

impl Prepare {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let path = self.place.file()?;
        prepare(&path, self.journal.into())?;
        writeln!(std::io::stdout(), "{}: ready for `spin up`", path.display())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `backup FILE`.
#[derive(clap::Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    place: Place,
    /// Where the backup goes; nothing is overwritten.
    file: PathBuf,
}

impl Backup {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let contents = back_up(&self.place.file()?, &self.file)?;
        say(&self.file, contents)
    }
}

/// `restore FILE`.
#[derive(clap::Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    place: Place,
    /// The backup.
    file: PathBuf,
    /// Overwrite the store that is there.
    #[arg(long)]
    replace: bool,
    /// How SQLite commits from now on.
    #[arg(long, value_enum, default_value_t)]
    journal: Journal,
}

impl Restore {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let path = self.place.file()?;
        let contents = restore(&self.file, &path, self.journal.into(), self.replace)?;
        say(&path, contents)
    }
}

fn say(path: &std::path::Path, contents: Contents) -> anyhow::Result<ExitCode> {
    let Contents { keys, bytes } = contents;
    writeln!(std::io::stdout(), "{}: {keys} keys, {bytes} bytes, no faults", path.display())?;
    Ok(ExitCode::SUCCESS)
}
