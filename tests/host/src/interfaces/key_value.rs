//! `spin:key-value@3.0.0`, which SDK 7 uses, and its synchronous forerunner `fermyon:spin/key-value@2.0.0`.

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::{
    Access, NO_LISTING, OpenError, OpenStore,
    generated::{fermyon::spin::key_value as v2, spin::key_value::key_value as v3},
};
use crate::{instance::InstanceState, store::StoreError};

impl From<StoreError> for v3::Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<OpenError> for v3::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TableFull => Self::StoreTableFull,
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::Failed(error) => error.into(),
        }
    }
}

impl v3::Host for InstanceState {}

impl v3::HostStore for InstanceState {
    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.drop_store(store)
    }
}

/// What the wait needs, without the instance.
fn access<T: Send>(accessor: &Accessor<T, HasSelf<InstanceState>>) -> Access {
    accessor.with(|mut instance| Access::of(instance.get()))
}

type KeyStream = (StreamReader<String>, FutureReader<Result<(), v3::Error>>);

impl<T: Send> v3::HostStoreWithStore<T> for HasSelf<InstanceState> {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<OpenStore>, v3::Error>> {
        let access = match accessor.with(|mut instance| instance.get().may_open(&label)) {
            Ok(access) => access,
            Err(error) => return Ok(Err(error.into())),
        };
        match access.open(&label).await {
            Ok(()) => Ok(Ok(accessor.with(|mut instance| instance.get().push_store())?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        _store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, v3::Error>> {
        Ok(access(accessor).get(&key).await.map_err(Into::into))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        _store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), v3::Error>> {
        Ok(access(accessor).set(&key, value).await.map_err(Into::into))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        _store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), v3::Error>> {
        Ok(access(accessor).delete(&key).await.map_err(Into::into))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        _store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, v3::Error>> {
        Ok(access(accessor).exists(&key).await.map_err(Into::into))
    }

    async fn get_keys(accessor: &Accessor<T, Self>, _store: Resource<OpenStore>) -> wasmtime::Result<KeyStream> {
        accessor.with(|mut instance| {
            let keys = StreamReader::new(&mut instance, Vec::new())?;
            let end = FutureReader::new(&mut instance, async { wasmtime::error::Ok(Err(NO_LISTING.into())) })?;
            Ok((keys, end))
        })
    }
}

impl From<StoreError> for v2::Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<OpenError> for v2::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TableFull => Self::StoreTableFull,
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::Failed(error) => error.into(),
        }
    }
}

impl v2::Host for InstanceState {}

impl v2::HostStore for InstanceState {
    async fn open(&mut self, label: String) -> wasmtime::Result<Result<Resource<OpenStore>, v2::Error>> {
        Ok(match self.open_store(&label).await? {
            Ok(store) => Ok(store),
            Err(error) => Err(error.into()),
        })
    }

    async fn get(
        &mut self,
        _store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, v2::Error>> {
        Ok(Access::of(self).get(&key).await.map_err(Into::into))
    }

    async fn set(
        &mut self,
        _store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), v2::Error>> {
        Ok(Access::of(self).set(&key, value).await.map_err(Into::into))
    }

    async fn delete(&mut self, _store: Resource<OpenStore>, key: String) -> wasmtime::Result<Result<(), v2::Error>> {
        Ok(Access::of(self).delete(&key).await.map_err(Into::into))
    }

    async fn exists(&mut self, _store: Resource<OpenStore>, key: String) -> wasmtime::Result<Result<bool, v2::Error>> {
        Ok(Access::of(self).exists(&key).await.map_err(Into::into))
    }

    async fn get_keys(&mut self, _store: Resource<OpenStore>) -> wasmtime::Result<Result<Vec<String>, v2::Error>> {
        Ok(Err(NO_LISTING.into()))
    }

    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.drop_store(store)
    }
}
