//! Components from file to handler: composed, compiled, linked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicUsize},
};

use wasmtime::{
    Engine,
    component::{Component, InstancePre, Linker},
};
use wasmtime_wasi_http::{handler::ProxyPre, p3::bindings::ServicePre};

use crate::{
    clock::Clock,
    compose::{ComposeError, compose},
    instance::{Handler, InstanceState, Reuse, Shared},
    interfaces,
    logs::Logs,
    manifest::{self, Manifest},
    outbound::{AllowedHost, Client, Components},
    schedule::{CronPre, Ticker},
    store::Store,
    variables::Resolved,
};

/// The label that exists without configuration.
const DEFAULT_STORE: &str = "default";

/// Why an application does not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A store that Spin would not find either.
    #[error("component `{component}` uses the key-value store `{label}`: only `default` exists without configuration")]
    UnknownStore {
        /// The component.
        component: String,
        /// The label.
        label: String,
    },
    /// A store in what Spin would run in a process beside the one that has it.
    #[error("component `{0}` is on a schedule and uses a key-value store, which the local host does not support")]
    ScheduledStore(String),
    /// A dependency does not fit.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// Not a component, or not one that the host runs.
    #[error("cannot load component `{component}`: {message}")]
    Component {
        /// The component.
        component: String,
        /// Why.
        message: String,
    },
    /// The engine itself.
    #[error("cannot start wasmtime: {0}")]
    Engine(String),
}

/// What all components of one host share.
pub(crate) struct Surroundings {
    pub(crate) engine: Engine,
    pub(crate) variables: Resolved,
    /// By component.
    pub(crate) allowed_hosts: BTreeMap<String, Vec<AllowedHost>>,
    pub(crate) components: Components,
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) logs: Logs,
}

/// Loads every component that answers HTTP.
pub(crate) fn load_http(manifest: &Manifest, with: &Surroundings) -> Result<BTreeMap<String, Handler>, LoadError> {
    let ids = manifest.http.iter().map(|trigger| &trigger.component).chain(&manifest.private).collect();
    load(manifest, ids, &with.engine, |id, component, linked| {
        // A missing `wasi:http/handler@0.3.0` is an error that names it.
        let engine = linked.engine().clone();
        Ok(Handler::new(Reuse::new(shared(id, component, with), engine, ProxyPre::P3(ServicePre::new(linked)?))))
    })
}

/// Loads every component that runs on a schedule.
pub(crate) fn load_cron(manifest: &Manifest, with: &Surroundings) -> Result<BTreeMap<String, Arc<Ticker>>, LoadError> {
    let mut components = manifest.components.iter();
    if let Some((id, _)) = components.find(|(_, component)| !component.key_value_stores.is_empty()) {
        return Err(LoadError::ScheduledStore(id.clone()));
    }
    let ids = manifest.cron.iter().map(|trigger| &trigger.component).collect();
    load(manifest, ids, &with.engine, |id, component, linked| {
        let engine = linked.engine().clone();
        // A missing `handle-cron-event` is an error that names it.
        Ok(Arc::new(Ticker { shared: shared(id, component, with), engine, component: CronPre::new(linked)? }))
    })
}

/// Loads the components `ids`, and makes of each what its triggers need.
fn load<T>(
    manifest: &Manifest,
    ids: BTreeSet<&String>,
    engine: &Engine,
    make: impl Fn(&str, &manifest::Component, InstancePre<InstanceState>) -> wasmtime::Result<T>,
) -> Result<BTreeMap<String, T>, LoadError> {
    check_stores(manifest)?;
    let linker = linker(engine).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
    let mut handlers = BTreeMap::new();
    for id in ids {
        // The manifest's check made sure that it is there.
        let Some(component) = manifest.components.get(id) else { continue };
        let bytes = compose(manifest, id, component)?;
        // An import that nobody satisfies is an error that names it.
        let linked = Component::new(engine, bytes).and_then(|compiled| linker.instantiate_pre(&compiled));
        let handler = linked.and_then(|linked| make(id, component, linked));
        let failed = |error| LoadError::Component { component: id.clone(), message: format!("{error:#}") };
        handlers.insert(id.clone(), handler.map_err(failed)?);
    }
    Ok(handlers)
}

fn check_stores(manifest: &Manifest) -> Result<(), LoadError> {
    for (id, component) in &manifest.components {
        if let Some(label) = component.key_value_stores.iter().find(|label| *label != DEFAULT_STORE) {
            return Err(LoadError::UnknownStore { component: id.clone(), label: label.clone() });
        }
    }
    Ok(())
}

fn shared(id: &str, component: &manifest::Component, with: &Surroundings) -> Arc<Shared> {
    Arc::new(Shared {
        id: id.to_owned(),
        variables: with.variables.of(id),
        environment: component.environment.clone(),
        key_value_stores: component.key_value_stores.clone(),
        allowed_hosts: with.allowed_hosts.get(id).cloned().unwrap_or_default(),
        components: with.components.clone(),
        client: with.client.clone(),
        store: with.store.clone(),
        clock: with.clock.clone(),
        logs: with.logs.clone(),
        peak_memory: AtomicUsize::new(0),
    })
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    interfaces::add_to_linker(&mut linker)?;
    Ok(linker)
}
