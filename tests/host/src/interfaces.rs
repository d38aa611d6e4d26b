//! What the host offers components beside WASI: stores and variables, in Spin's interfaces and in wasi-keyvalue's.

mod key_value;
mod variables;
mod wasi_keyvalue;

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, Resource};

use crate::{
    instance::{InstanceState, Shared},
    store::{Action, StoreError},
};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "imports",
        // What WIT calls synchronous is asynchronous for the host: the instance stands still meanwhile, as in Spin, but
        // the thread does not.
        imports: { default: async | trappable },
        with: {
            "spin:key-value/key-value.store": super::OpenStore,
            "wasi:keyvalue/store.bucket": super::OpenStore,
            "fermyon:spin/key-value.store": super::OpenStore,
            "wasi:keyvalue/atomics.cas": super::NoCas,
        },
    });
}

/// The store is shared by all labels' owners, so an open one is only the permission to use it.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct OpenStore;

/// No component ever gets one.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct NoCas;

/// As many open stores as Spin allows an instance.
const MAX_OPEN_STORES: usize = 256;

/// Adds everything here to `linker`.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    generated::Imports::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)
}

/// Why a store was not opened.
enum OpenError {
    TableFull,
    AccessDenied,
    Failed(StoreError),
}

const NO_LISTING: StoreError = StoreError::Refused(
    "listing keys is unreliable: on Redis it scans the whole database, and no function may depend on it",
);

/// The store for one component, taken out of the instance so that the instance need not be held across the wait.
struct Access(Arc<Shared>);

impl Access {
    fn of(state: &InstanceState) -> Self {
        Self(Arc::clone(&state.shared))
    }

    /// Does `work` if nobody objects.
    async fn guarded<T>(
        &self,
        action: Action,
        keys: &[&str],
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.0.store.guarded(&self.0.id, action, keys, work).await
    }

    async fn open(&self, label: &str) -> Result<(), StoreError> {
        let opened = async {
            self.0.store.opened().await;
            Ok(())
        };
        self.guarded(Action::Open, &[label], opened).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.guarded(Action::Get, &[key], self.0.store.get(key)).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.guarded(Action::Set, &[key], self.0.store.set(key, value)).await
    }

    async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let keys: Vec<String> = entries.iter().map(|(key, _)| key.clone()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.guarded(Action::Set, &keys, self.0.store.set_many(entries)).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.guarded(Action::Delete, &names, self.0.store.delete_many(keys.clone())).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.guarded(Action::Delete, &[key], self.0.store.delete(key)).await
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.guarded(Action::Exists, &[key], self.0.store.exists(key)).await
    }

    fn poison(&self, key: &str) {
        self.0.store.poison(key);
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.guarded(Action::Increment, &[key], self.0.store.increment(key, delta)).await
    }
}

impl InstanceState {
    /// What must hold before a component may open the store `label`.
    fn may_open(&self, label: &str) -> Result<Access, OpenError> {
        if !self.shared.key_value_stores.iter().any(|allowed| allowed == label) {
            return Err(OpenError::AccessDenied);
        }
        if self.open_stores >= MAX_OPEN_STORES {
            return Err(OpenError::TableFull);
        }
        Ok(Access::of(self))
    }

    /// Opens the store `label` while the instance stands still.
    async fn open_store(&mut self, label: &str) -> wasmtime::Result<Result<Resource<OpenStore>, OpenError>> {
        let access = match self.may_open(label) {
            Ok(access) => access,
            Err(error) => return Ok(Err(error)),
        };
        match access.open(label).await {
            Ok(()) => Ok(Ok(self.push_store()?)),
            Err(error) => Ok(Err(OpenError::Failed(error))),
        }
    }

    fn push_store(&mut self) -> wasmtime::Result<Resource<OpenStore>> {
        self.open_stores += 1;
        Ok(self.table.push(OpenStore)?)
    }

    fn drop_store(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.open_stores = self.open_stores.saturating_sub(1);
        self.table.delete(store)?;
        Ok(())
    }
}
