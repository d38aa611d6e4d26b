//! `wasi:keyvalue@0.2.0-draft2`: buckets, counters and batches. What is not the same on every backend is refused.

use wasmtime::component::Resource;

use super::{
    Access, NO_LISTING, NoCas, OpenError, OpenStore,
    generated::wasi::keyvalue::{atomics, batch, store},
};
use crate::{instance::InstanceState, store::StoreError};

const NO_CAS: StoreError = StoreError::Refused(
    "compare-and-swap is unreliable: on Redis it always answers \"failed\" though it wrote, and on SQLite two racing swaps \
     of an absent key both succeed; use increment",
);

const NO_GET_MANY: StoreError =
    StoreError::Refused("get-many is unreliable: on Redis it is always an error; use concurrent gets");

impl From<StoreError> for store::Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<OpenError> for store::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TableFull => Self::Other("store table full".to_owned()),
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::Failed(error) => error.into(),
        }
    }
}

type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

impl store::Host for InstanceState {
    async fn open(&mut self, label: String) -> Answer<Resource<OpenStore>> {
        Ok(match self.open_store(&label).await? {
            Ok(store) => Ok(store),
            Err(error) => Err(error.into()),
        })
    }
}

impl store::HostBucket for InstanceState {
    async fn get(&mut self, _bucket: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(Access::of(self).get(&key).await.map_err(Into::into))
    }

    async fn set(&mut self, _bucket: Resource<OpenStore>, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(Access::of(self).set(&key, value).await.map_err(Into::into))
    }

    async fn delete(&mut self, _bucket: Resource<OpenStore>, key: String) -> Answer<()> {
        Ok(Access::of(self).delete(&key).await.map_err(Into::into))
    }

    async fn exists(&mut self, _bucket: Resource<OpenStore>, key: String) -> Answer<bool> {
        Ok(Access::of(self).exists(&key).await.map_err(Into::into))
    }

    async fn list_keys(&mut self, _bucket: Resource<OpenStore>, _cursor: Option<String>) -> Answer<store::KeyResponse> {
        Ok(Err(NO_LISTING.into()))
    }

    async fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.drop_store(bucket)
    }
}

impl batch::Host for InstanceState {
    async fn get_many(
        &mut self,
        _bucket: Resource<OpenStore>,
        _keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        Ok(Err(NO_GET_MANY.into()))
    }

    async fn set_many(&mut self, _bucket: Resource<OpenStore>, entries: Vec<(String, Vec<u8>)>) -> Answer<()> {
        Ok(Access::of(self).set_many(entries).await.map_err(Into::into))
    }

    async fn delete_many(&mut self, _bucket: Resource<OpenStore>, keys: Vec<String>) -> Answer<()> {
        Ok(Access::of(self).delete_many(keys).await.map_err(Into::into))
    }
}

impl atomics::Host for InstanceState {
    async fn increment(&mut self, _bucket: Resource<OpenStore>, key: String, delta: i64) -> Answer<i64> {
        let access = Access::of(self);
        match access.increment(&key, delta).await {
            Err(error @ StoreError::IncrementOfValue(_)) => {
                access.poison(&key);
                Err(error.into())
            }
            sum => Ok(sum.map_err(Into::into)),
        }
    }

    async fn swap(
        &mut self,
        _cas: Resource<NoCas>,
        _value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        Ok(Err(atomics::CasError::StoreError(NO_CAS.into())))
    }
}

impl atomics::HostCas for InstanceState {
    async fn new(&mut self, _bucket: Resource<OpenStore>, _key: String) -> Answer<Resource<NoCas>> {
        Ok(Err(NO_CAS.into()))
    }

    async fn current(&mut self, _cas: Resource<NoCas>) -> Answer<Option<Vec<u8>>> {
        Ok(Err(NO_CAS.into()))
    }

    async fn drop(&mut self, cas: Resource<NoCas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
