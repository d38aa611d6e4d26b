//! `move`: a store from SQLite to Redis or back, whole, while nobody uses it.

use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
};

use anyhow::{Context, bail, ensure};
use guanxi::store::keys;
use guanxi_host::store::{
    self, Location, RedisUrl, Store,
    moving::{self, Difference, Keys, Nature, Summary},
};

use crate::store::Journal;

/// `move --from … --to …`.
#[derive(clap::Args)]
pub(crate) struct Move {
    /// The store to copy: SQLite's file, or a URL such as redis://127.0.0.1:6379. Its keys stay as they are.
    #[arg(long, value_name = "FILE|URL")]
    from: Place,
    /// Where it goes; a file is made where it is missing. What is there already and the same is no change, so a move that was
    /// interrupted goes on.
    #[arg(long, value_name = "FILE|URL")]
    to: Place,
    /// Overwrite what differs there, and delete what is more.
    #[arg(long)]
    replace: bool,
    /// How SQLite commits, where it goes into a file.
    #[arg(long, value_enum, default_value_t)]
    journal: Journal,
}

/// Where a store is.
#[derive(Clone)]
enum Place {
    File(PathBuf),
    Server(RedisUrl),
}

impl FromStr for Place {
    type Err = store::RedisUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") { text.parse().map(Self::Server) } else { Ok(Self::File(text.into())) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Server(url) => url.fmt(formatter),
        }
    }
}

impl Move {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Place::File(path) = &self.from {
            ensure!(path.exists(), "{} is not there", path.display());
            store::ensure_free(path)?;
        }
        let from = self.from.open().await?;
        if let Place::File(path) = &self.to {
            store::ensure_free(path)?;
            store::prepare(path, self.journal.into())?;
        }
        let to = self.to.open().await?;
        let moved = self.move_all(&from, &to).await;
        from.close().await;
        to.close().await;
        moved
    }

    async fn move_all(&self, from: &Store, to: &Store) -> anyhow::Result<ExitCode> {
        let difference = moving::compare(from, to, &nature).await?;
        if !self.replace {
            self.ensure_nothing_is_lost(&difference)?;
        }
        moving::copy(from, to, &nature, self.replace).await?;
        let summaries = (moving::summary(from, &nature).await?, moving::summary(to, &nature).await?);
        let mut out = io::stdout().lock();
        say(&mut out, &self.from, summaries.0)?;
        say(&mut out, &self.to, summaries.1)?;
        let written = difference.missing.count + difference.differing.count;
        writeln!(out, "{written} written, {} were there already", difference.same)?;
        if summaries.0.is_same_as(&summaries.1) {
            return Ok(ExitCode::SUCCESS);
        }
        bail!("the two differ, so somebody has written meanwhile: end all that use them, and move again")
    }

    fn ensure_nothing_is_lost(&self, difference: &Difference) -> anyhow::Result<()> {
        let Difference { differing, more, .. } = difference;
        if differing.count + more.count == 0 {
            return Ok(());
        }
        bail!(
            "{to} has other values for {} keys{}, and {} keys{} that {from} does not have; nothing was written. --replace makes \
             it the same",
            differing.count,
            kinds(differing),
            more.count,
            kinds(more),
            to = self.to,
            from = self.from,
        )
    }
}

impl Place {
    async fn open(&self) -> anyhow::Result<Store> {
        match self {
            Self::File(path) => Ok(Store::open(&Location::File(path.clone()))?),
            Self::Server(url) => {
                let store = Store::open(&Location::Redis(url.clone()))?;
                store.reach().await.with_context(|| format!("no store at {url}"))?;
                Ok(store)
            }
        }
    }
}

/// By the table of keys.
fn nature(key: &str) -> Option<Nature> {
    Some(if keys::kind_of(key)?.is_counter() { Nature::Counter } else { Nature::Value })
}

/// Of which kinds some of the keys are; a key itself may name a fan.
fn kinds(keys: &Keys) -> String {
    let mut kinds: Vec<_> = keys.first.iter().filter_map(|key| keys::kind_of(key)).map(|kind| kind.pattern).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() { String::new() } else { format!(" (such as {})", kinds.join(", ")) }
}

fn say(out: &mut impl Write, place: &Place, summary: Summary) -> io::Result<()> {
    let Summary { keys, counters, digest, foreign } = summary;
    write!(out, "{place}: {keys} keys, {counters} of them counters, digest {digest:032x}")?;
    match foreign {
        0 => writeln!(out),
        foreign => writeln!(out, "; {foreign} keys are not Guanxi's and stay where they are"),
    }
}
