//! What was recorded: the journal in a store.

use std::path::PathBuf;

use anyhow::Context;
use guanxi::{facts::Placed, journal::export};
use guanxi_host::store::{Location, Store, back_up};
use tempfile::TempDir;

use crate::{publish::store::Port, store::Place};

/// Which store.
#[derive(clap::Args)]
pub(crate) struct Recording {
    #[command(flatten)]
    place: Place,
}

impl Recording {
    /// Shows every entry that is kept, stream by stream, and gives how many cannot be read. A file is copied first: functions may
    /// be at work on it.
    pub(crate) async fn entries(self, take: impl FnMut(Placed)) -> anyhow::Result<u64> {
        let folder = TempDir::new().context("no folder for a copy of the store")?;
        let location = match self.place.location()? {
            Location::File(path) => Location::File(copy(path, &folder)?),
            other => other,
        };
        let store = Store::open(&location)?;
        if let Location::Redis(url) = &location {
            store.reach().await.with_context(|| format!("no store at {url}"))?;
        }
        let store = Port(store);
        let damaged = export::entries(&store, take).await;
        store.close().await;
        Ok(damaged?)
    }
}

fn copy(path: PathBuf, folder: &TempDir) -> anyhow::Result<PathBuf> {
    let to = folder.path().join("copy.db");
    back_up(&path, &to)?;
    Ok(to)
}
