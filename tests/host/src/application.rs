//! Components from file to handler: composed, compiled, linked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, Config, Engine, InstanceAllocationStrategy};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::clock::Clock;
use crate::compose::{ComposeError, compose};
use crate::instance::{Handler, InstanceState, Reuse, Shared};
use crate::interfaces;
use crate::logs::Logs;
use crate::manifest::{self, Manifest};
use crate::store::Store;
use crate::variables::Resolved;

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
    pub(crate) variables: Resolved,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) logs: Logs,
}

/// Loads every component that a trigger names.
pub(crate) fn load(manifest: &Manifest, with: &Surroundings) -> Result<BTreeMap<String, Handler>, LoadError> {
    check_stores(manifest)?;
    let engine = engine().map_err(|error| LoadError::Engine(format!("{error:#}")))?;
    let linker = linker(&engine).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
    let mut handlers = BTreeMap::new();
    for trigger in &manifest.http {
        let id = &trigger.component;
        if handlers.contains_key(id) {
            continue;
        }
        // The manifest's check made sure that it is there.
        let Some(component) = manifest.components.get(id) else { continue };
        let bytes = compose(manifest, id, component)?;
        let failed = |error| LoadError::Component { component: id.clone(), message: format!("{error:#}") };
        let pre = link(&engine, &linker, &bytes).map_err(failed)?;
        let shared = Arc::new(shared(id, component, with));
        handlers.insert(id.clone(), Handler::new(Reuse::new(shared, engine.clone(), pre)));
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

fn shared(id: &str, component: &manifest::Component, with: &Surroundings) -> Shared {
    Shared {
        id: id.to_owned(),
        variables: with.variables.of(id),
        environment: component.environment.clone(),
        key_value_stores: component.key_value_stores.clone(),
        store: with.store.clone(),
        clock: with.clock.clone(),
        logs: with.logs.clone(),
        peak_memory: AtomicUsize::new(0),
    }
}

fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.allocation_strategy(InstanceAllocationStrategy::pooling());
    // Compiled code is kept where the wasmtime command line keeps its own. Without a place for it, starts are slower.
    config.cache(Cache::from_file(None).ok());
    Engine::new(&config)
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    interfaces::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// An import that nobody satisfies, or a missing `wasi:http/handler@0.3.0`, is an error that names it.
fn link(engine: &Engine, linker: &Linker<InstanceState>, bytes: &[u8]) -> wasmtime::Result<ProxyPre<InstanceState>> {
    let component = Component::new(engine, bytes)?;
    Ok(ProxyPre::P3(ServicePre::new(linker.instantiate_pre(&component)?)?))
}
