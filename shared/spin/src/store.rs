//! Spin's key-value store as the port [`Store`].
//!
//! `get`, `set` and `delete` are async. Counting and batches are sync imports, the only ones there are: while one runs, its
//! whole instance stands still. So a request counts once per instance, and batches are for jobs.

use guanxi::store::{Store, StoreError};
use spin_sdk::{
    experimental::wasi::keyvalue::{atomics, batch, store as wasi},
    key_value::{self, Store as SpinStore},
};

/// The label that exists without configuration.
const LABEL: &str = "default";

/// The app's store; open it once per instance, because on some backends opening costs a round trip.
pub struct KeyValue {
    store: SpinStore,
    bucket: wasi::Bucket,
}

impl KeyValue {
    /// Opens the store `default`.
    pub async fn open() -> Result<Self, StoreError> {
        let store = SpinStore::open(LABEL).await.map_err(failed)?;
        let bucket = wasi::open(LABEL).map_err(failed_wasi)?;
        Ok(Self { store, bucket })
    }
}

impl Store for KeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.store.set(key, value).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(key).await.map_err(failed)
    }

    async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        batch::set_many(&self.bucket, values).map_err(failed_wasi)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        batch::delete_many(&self.bucket, keys).map_err(failed_wasi)
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        atomics::increment(&self.bucket, key, delta).map_err(failed_wasi)
    }
}

fn failed(error: key_value::Error) -> StoreError {
    StoreError(error.to_string())
}

fn failed_wasi(error: wasi::Error) -> StoreError {
    StoreError(error.to_string())
}
