//! A store as the port [`Store`], and the time.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use guanxi::store::{Store, StoreError, Timer};
use guanxi_host::store::{self, Location};

/// The host's store, as the functions see theirs.
pub(crate) struct Port(pub(crate) store::Store);

/// Opens a file, and makes it where it is missing. Functions at work would meet two who count.
pub(crate) fn open(path: &Path) -> anyhow::Result<Port> {
    store::ensure_free(path).context("where functions are served, publish with --url")?;
    Ok(Port(store::Store::open(&Location::File(path.to_owned()))?))
}

/// For the number of a run.
pub(crate) fn random() -> anyhow::Result<u64> {
    getrandom::u64().context("no random number")
}

impl Port {
    pub(crate) async fn close(self) {
        self.0.close().await;
    }
}

fn failed(error: store::StoreError) -> StoreError {
    StoreError(error.to_string())
}

impl Store for Port {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.set(key, value.to_vec()).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key).await.map_err(failed)
    }

    async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        self.0.set_many(values.to_vec()).await.map_err(failed)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        self.0.delete_many(keys.to_vec()).await.map_err(failed)
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.0.increment(key, delta).await.map_err(failed)
    }
}

/// Counts from its start.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Timer for Stopwatch {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
