//! One running instance of a component, and how instances are reused: by wasmtime's own handler with Spin's numbers.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::time::Sleep;
use wasmtime::{
    ResourceLimiter, StoreContextMut,
    component::{GuestTaskId, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    WasiHttpCtx, WasiHttpCtxView, WasiHttpView,
    handler::{
        HandlerState, Instance, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
    },
};

use crate::{
    clock::Clock,
    engine::NO_DEADLINE,
    logs::{Logs, Source},
    outbound::{AllowedHost, Client, Components, Outbound},
    store::Store,
};

/// Requests of one instance before it is dropped.
const MAX_REQUESTS: usize = 128;
/// Requests in one instance at a time.
const MAX_CONCURRENT: usize = 16;
/// An instance without requests goes after this.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// Handles the requests of one component.
pub(crate) type Handler = ProxyHandler<Reuse>;

/// What all instances of one component have in common.
pub(crate) struct Shared {
    pub(crate) id: String,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) key_value_stores: Vec<String>,
    pub(crate) allowed_hosts: Vec<AllowedHost>,
    pub(crate) components: Components,
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) logs: Logs,
    /// The most linear memory that one instance had, in bytes.
    pub(crate) peak_memory: AtomicUsize,
}

/// What one instance has for itself.
pub(crate) struct InstanceState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) table: ResourceTable,
    pub(crate) open_stores: usize,
    memory: usize,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl InstanceState {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(shared.logs.output(&shared.id, Source::Stdout))
            .stderr(shared.logs.output(&shared.id, Source::Stderr))
            .wall_clock(shared.clock.clone());
        for (name, value) in &shared.environment {
            wasi.env(name, value);
        }
        Self {
            shared: Arc::clone(shared),
            table: ResourceTable::new(),
            open_stores: 0,
            memory: 0,
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(shared),
        }
    }
}

/// What an instance of a component runs in.
pub(crate) fn new_store(engine: &wasmtime::Engine, shared: &Arc<Shared>) -> wasmtime::Store<InstanceState> {
    let mut store = wasmtime::Store::new(engine, InstanceState::new(shared));
    store.limiter(|state| state);
    store.set_epoch_deadline(NO_DEADLINE);
    store
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

impl ResourceLimiter for InstanceState {
    /// Only measures; a composed component has several memories, which count together.
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.memory += desired.saturating_sub(current);
        self.shared.peak_memory.fetch_max(self.memory, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// Makes the instances of one component.
pub(crate) struct Reuse {
    shared: Arc<Shared>,
    engine: wasmtime::Engine,
    component: ProxyPre<InstanceState>,
}

impl Reuse {
    pub(crate) fn new(shared: Arc<Shared>, engine: wasmtime::Engine, component: ProxyPre<InstanceState>) -> Self {
        Self { shared, engine, component }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl HandlerState for Reuse {
    type StoreData = InstanceState;
    type WorkerExpiration = Idle;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Idle, Worker>> {
        let mut store = new_store(&self.engine, &self.shared);
        let proxy = self.component.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: InstanceState::http,
            expiration: Idle { sleep: Box::pin(tokio::time::sleep(IDLE_TIME)) },
            state: Worker { shared: Arc::clone(&self.shared) },
        })
    }
}

/// Drops an instance that nobody needs. A request may take as long as it likes, as in Spin.
pub(crate) struct Idle {
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Idle {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        if status != WorkerStatus::Idle {
            return Poll::Pending;
        }
        let deadline = (start + IDLE_TIME).into();
        if deadline != self.sleep.deadline() {
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(context)
    }
}

/// Decides what one instance takes on, and reports its end.
pub(crate) struct Worker {
    shared: Arc<Shared>,
}

impl WorkerState for Worker {
    type StoreData = InstanceState;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= MAX_REQUESTS {
            ShouldAccept::Never
        } else if concurrent >= MAX_CONCURRENT {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, InstanceState>,
        _data: (),
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: wasmtime::Store<InstanceState>, result: Result<(), wasmtime::Error>) {
        // First the instance, so that its last words come before the trap.
        drop(store);
        if let Err(error) = result {
            self.shared.logs.host(&self.shared.id, &format!("{error:#}"));
        }
    }
}
