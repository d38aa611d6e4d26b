//! `[[trigger.cron]]`: a component that runs on a schedule, as Spin's cron trigger plugin runs it.
//!
//! Each tick has a fresh instance. As there, a tick that was missed (the machine slept, nothing was running) is not caught
//! up, none waits for the one before it to end, and every process with the same manifest has ticks of its own. A tick that
//! fails is a line in the log and no more.
//!
//! Stricter than Spin: an application has triggers of one kind, and a component on a schedule has no key-value store.
//! There it would run in a process beside that of `[[trigger.http]]`, and only one process may have a SQLite file.

mod expression;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::task::JoinSet;
use wasmtime::Engine;

use crate::{
    application::{self, LoadError},
    clock::Clock,
    host::{HostError, Options, surroundings},
    instance::{InstanceState, Shared, new_store},
    logs::Logs,
    manifest::{CronTrigger, Manifest},
};

pub use expression::{CronExpression, CronExpressionError};
pub(crate) use generated::CronPre;
use generated::{Error, fermyon::spin_cron::cron_types::Metadata};

mod generated {
    wasmtime::component::bindgen!({ path: "wit", world: "cron" });
}

/// How often the time of day is looked at, which may be set in the meantime.
const LOOK: Duration = Duration::from_secs(1);

/// Why a tick did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TickError {
    /// Nobody of that name.
    #[error("no [[trigger.cron]] names the component `{0}`")]
    Unknown(String),
    /// The component says so.
    #[error("component `{component}` failed: {message}")]
    Failed {
        /// The component.
        component: String,
        /// What it says.
        message: String,
    },
    /// The component does not get as far as that.
    #[error("component `{component}` trapped: {message}")]
    Trapped {
        /// The component.
        component: String,
        /// Why.
        message: String,
    },
}

/// An application whose triggers are all `[[trigger.cron]]`. Its components run while [`Schedule::run`] is awaited, or
/// when a test lets one tick.
pub struct Schedule {
    triggers: Vec<CronTrigger>,
    handlers: BTreeMap<String, Arc<Ticker>>,
    logs: Logs,
    clock: Clock,
}

impl Schedule {
    /// Builds what is missing and loads the application. Nothing runs yet; of the options, `listen` has no meaning here.
    ///
    /// # Errors
    /// When anything is not as `spin up` needs it, or as only the local host refuses it.
    pub async fn load(options: Options) -> Result<Self, HostError> {
        let manifest = Manifest::read(&options.manifest)?;
        if manifest.cron.is_empty() {
            return Err(HostError::NoTrigger("cron"));
        }
        if !manifest.http.is_empty() || !manifest.private.is_empty() {
            return Err(HostError::MixedTriggers);
        }
        let surroundings = surroundings(&manifest, &options).await?;
        let triggers = manifest.cron.clone();
        let (logs, clock) = (surroundings.logs.clone(), surroundings.clock.clone());
        let load = tokio::task::spawn_blocking(move || application::load_cron(&manifest, &surroundings));
        let handlers = load.await.map_err(|panic| LoadError::Engine(panic.to_string()))??;
        Ok(Self { triggers, handlers, logs, clock })
    }

    /// In the order of the manifest.
    #[must_use]
    pub fn triggers(&self) -> &[CronTrigger] {
        &self.triggers
    }

    /// What the components print.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Lets `component` tick now, whatever its expression says, and waits for the end of it.
    ///
    /// # Errors
    /// When it fails, which is also in the log.
    pub async fn tick(&self, component: &str) -> Result<(), TickError> {
        let handler = self.handlers.get(component).ok_or_else(|| TickError::Unknown(component.to_owned()))?;
        handler.tick().await
    }

    /// Lets every component tick at its times, by the clock that it sees itself, for as long as this is awaited; ticks under
    /// way end with it.
    pub async fn run(&self) {
        let mut ticks = JoinSet::new();
        loop {
            let now = self.clock.now();
            let next = |trigger: &CronTrigger| trigger.expression.next_after(now);
            let Some(time) = self.triggers.iter().filter_map(next).min() else {
                return std::future::pending().await;
            };
            self.until(time).await;
            for trigger in self.triggers.iter().filter(|trigger| next(trigger) == Some(time)) {
                if let Some(handler) = self.handlers.get(&trigger.component).cloned() {
                    // Its failure has been logged.
                    ticks.spawn(async move { _ = handler.tick().await });
                }
            }
            while ticks.try_join_next().is_some() {}
        }
    }

    /// Waits until the time of day is `time` or later.
    async fn until(&self, time: SystemTime) {
        while let Ok(left) = time.duration_since(self.clock.now())
            && !left.is_zero()
        {
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Schedule").field("triggers", &self.triggers).finish_non_exhaustive()
    }
}

/// Makes the instances of one component.
pub(crate) struct Ticker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) engine: Engine,
    pub(crate) component: CronPre<InstanceState>,
}

impl Ticker {
    async fn tick(&self) -> Result<(), TickError> {
        let component = || self.shared.id.clone();
        let result = match self.handle().await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Error::Other(message))) => TickError::Failed { component: component(), message },
            Err(error) => TickError::Trapped { component: component(), message: format!("{error:#}") },
        };
        self.shared.logs.host(&self.shared.id, &result.to_string());
        Err(result)
    }

    async fn handle(&self) -> wasmtime::Result<Result<(), Error>> {
        let timestamp = self.shared.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut store = new_store(&self.engine, &self.shared);
        let instance = self.component.instantiate_async(&mut store).await?;
        let handle = async |accessor: &_| instance.call_handle_cron_event(accessor, Metadata { timestamp }).await;
        store.run_concurrent(handle).await?
    }
}
