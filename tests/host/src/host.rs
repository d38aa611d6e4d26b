//! The host as a whole: from a manifest to a served address, and back.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{
    application::{self, LoadError, Surroundings},
    building::{BuildError, BuildWhen, build},
    clock::Clock,
    engine::engine,
    limits::Limits,
    logs::Logs,
    manifest::{Manifest, ManifestError},
    outbound::{self, AllowedHost, AllowedHostsError, Client, Components},
    routes::{RouteError, Routes},
    runtime_config::{Places, RuntimeConfigError, StateDir},
    server::{Server, serve},
    store::{self, Commits, FileError, JournalMode, Location, RedisUrl, Store, StoreError},
    variables::{Resolved, VariablesError},
};

/// How long a thread may take to leave what it is doing when the host stops.
const STOP_TIME: Duration = Duration::from_secs(1);

/// How to run an application: the flags of `spin up`, and what tests need besides.
#[derive(Clone, Debug)]
pub struct Options {
    /// The manifest, or the folder of a `spin.toml`.
    pub manifest: PathBuf,
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `--variable`.
    pub variables: BTreeMap<String, String>,
    /// For variables that no source has a value for, before the manifest's own defaults. It may name what the manifest
    /// does not declare.
    pub defaults: BTreeMap<String, String>,
    /// Whether this process's environment (`SPIN_VARIABLE_…`, the pool's) and the `.env` file count.
    pub inherit_variables: bool,
    /// `--runtime-config-file`.
    pub runtime_config: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: StateDir,
    /// What to build first.
    pub build: BuildWhen,
    /// Whether the components' output stays off the terminal.
    pub quiet: bool,
    /// The time of day that components see.
    pub clock: Clock,
    /// How the store's file commits.
    pub journal_mode: JournalMode,
    /// Whether writes that wait are committed together.
    pub commits: Commits,
    /// What clients are held to before a component sees their requests; none: nothing, as in Spin.
    pub limits: Option<Limits>,
    /// Values for Spin's environment variables of its instance pool, `SPIN_MAX_INSTANCE_COUNT` for instance; what is not
    /// here comes from this process where [`Options::inherit_variables`] says so.
    pub pool: BTreeMap<String, String>,
}

impl Options {
    /// As `spin up` without a flag, behind a proxy.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            variables: BTreeMap::new(),
            defaults: BTreeMap::new(),
            inherit_variables: true,
            runtime_config: None,
            state_dir: StateDir::Default,
            build: BuildWhen::Missing,
            quiet: false,
            clock: Clock::real(),
            journal_mode: JournalMode::default(),
            commits: Commits::default(),
            limits: Some(Limits::default()),
            pool: BTreeMap::new(),
        }
    }

    /// For a test: a free port, a store in memory, nothing on the terminal, nothing from the environment, and no limits.
    #[must_use]
    pub fn for_test(manifest: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            inherit_variables: false,
            state_dir: StateDir::None,
            quiet: true,
            limits: None,
            ..Self::new(manifest)
        }
    }

    /// Where the store is.
    ///
    /// # Errors
    /// When the manifest or the runtime configuration cannot be read.
    pub fn store(&self) -> Result<Location, HostError> {
        Ok(self.places(&Manifest::read(&self.manifest)?)?.store)
    }

    fn places(&self, manifest: &Manifest) -> Result<Places, RuntimeConfigError> {
        Places::new(&manifest.folder, &self.state_dir, self.runtime_config.as_deref())
    }

    /// With a value for one application variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn pool_variable(&self, name: &str) -> Option<String> {
        let inherited = || if self.inherit_variables { std::env::var(name).ok() } else { None };
        self.pool.get(name).cloned().or_else(inherited)
    }
}

/// Why the host does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its routes.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// Nothing to do.
    #[error("the manifest has no [[trigger.{0}]]")]
    NoTrigger(&'static str),
    /// What Spin would run as two processes.
    #[error("[[trigger.http]] and [[trigger.cron]] in one manifest are not supported: give each a manifest of its own")]
    MixedTriggers,
    /// The variables.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// A host that a component may reach.
    #[error(transparent)]
    AllowedHosts(#[from] AllowedHostsError),
    /// The runtime configuration.
    #[error(transparent)]
    RuntimeConfig(#[from] RuntimeConfigError),
    /// Building.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The store.
    #[error("cannot open the key-value store: {0}")]
    Store(#[from] StoreError),
    /// The store's file.
    #[error("cannot prepare the key-value store: {0}")]
    StoreFile(#[from] FileError),
    /// The store's server.
    #[error("no key-value store at {url}: {source}")]
    StoreServer {
        /// Without user and password.
        url: RedisUrl,
        /// Why not.
        source: StoreError,
    },
    /// The log files.
    #[error("cannot make the folder for logs: {0}")]
    Logs(std::io::Error),
    /// The components.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A running application. Its connections, instances and their tasks run on threads of their own, as Spin's do in a
/// process of its own, and end with these.
pub struct Host {
    address: SocketAddr,
    surroundings: Arc<Surroundings>,
    server: Arc<Server>,
    /// None once it has ended.
    running: Option<Running>,
}

struct Running {
    runtime: Runtime,
    serving: JoinHandle<()>,
    finish: Option<oneshot::Sender<()>>,
}

impl Host {
    /// Builds what is missing, loads the application and serves it.
    ///
    /// # Errors
    /// When anything is not as `spin up` needs it, or as only the local host refuses it.
    pub async fn start(options: Options) -> Result<Self, HostError> {
        let manifest = Manifest::read(&options.manifest)?;
        if manifest.http.is_empty() && manifest.private.is_empty() {
            return Err(HostError::NoTrigger("http"));
        }
        if !manifest.cron.is_empty() {
            return Err(HostError::MixedTriggers);
        }
        let routes = Routes::new(&manifest.http)?;
        let surroundings = Arc::new(surroundings(&manifest, &options).await?);
        let with = Arc::clone(&surroundings);
        let load = tokio::task::spawn_blocking(move || application::load_http(&manifest, &with));
        let handlers = load.await.map_err(|panic| LoadError::Engine(panic.to_string()))??;

        let handlers = Arc::new(handlers);
        surroundings.components.set(&handlers);

        let failed = |source| HostError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let server = Arc::new(Server::new(routes, handlers, options.limits));
        let running = Running::start(listener, Arc::clone(&server)).map_err(failed)?;
        Ok(Self { address, surroundings, server, running: Some(running) })
    }

    /// `http://127.0.0.1:3000`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The components' store, to look into and to break.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.surroundings.store
    }

    /// The components' time of day.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.surroundings.clock
    }

    /// What the components print.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.surroundings.logs
    }

    /// The values of the application's variables, secrets among them, by name.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        self.surroundings.variables.values()
    }

    /// The hosts that a component of the manifest may reach, its variables filled in; what it says itself is
    /// [`Component::allowed_outbound_hosts`](crate::Component::allowed_outbound_hosts).
    #[must_use]
    pub fn allowed_outbound_hosts(&self, component: &str) -> &[AllowedHost] {
        self.surroundings.allowed_hosts.get(component).map_or(&[], Vec::as_slice)
    }

    /// The most linear memory that one instance of a component (with its dependencies) has had so far, in bytes; 0 where
    /// it was never called.
    #[must_use]
    pub fn peak_memory(&self, component: &str) -> usize {
        let handler = self.server.handlers.get(component);
        handler.map_or(0, |handler| handler.state().shared().peak_memory.load(Ordering::Relaxed))
    }

    /// Component and route of every HTTP trigger, the most specific first.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.server.routes.list().map(|trigger| (trigger.component.as_str(), trigger.route.as_str()))
    }

    /// Ends at once, as Spin does when it is told to: requests and tasks under way are lost, and whoever waits for an
    /// answer gets none. What the store has taken is kept.
    pub async fn stop(mut self) {
        self.surroundings.logs.close();
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        self.surroundings.store.close().await;
    }

    /// What Spin has nothing like: takes no more connections, lets requests in flight end (for at most ten seconds), and
    /// then stops.
    pub async fn finish(mut self) {
        if let Some(running) = &mut self.running {
            running.finish().await;
        }
        self.stop().await;
    }
}

impl Running {
    fn start(listener: TcpListener, server: Arc<Server>) -> std::io::Result<Self> {
        let listener = listener.into_std()?;
        let runtime = runtime::Builder::new_multi_thread().thread_name("guanxi-host").enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)
        };
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                // To drop it would be to wait for it.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let (finish, finished) = oneshot::channel();
        let serving = runtime.spawn(serve(listener, server, finished));
        Ok(Self { runtime, serving, finish: Some(finish) })
    }

    /// Waits for the requests in flight.
    async fn finish(&mut self) {
        if let Some(finish) = self.finish.take() {
            // The server may have ended by itself.
            _ = finish.send(());
        }
        _ = (&mut self.serving).await;
    }

    /// Ends all threads with what runs on them; a component that computes without end keeps its own.
    async fn stop(self) {
        // A join error would mean that the stopping itself panicked, and then there is nothing left to stop.
        _ = tokio::task::spawn_blocking(move || self.runtime.shutdown_timeout(STOP_TIME)).await;
    }
}

/// What the components of `manifest` need to run, whatever triggers them: they themselves are built, where that is asked
/// for.
pub(crate) async fn surroundings(manifest: &Manifest, options: &Options) -> Result<Surroundings, HostError> {
    let variables = Resolved::resolve(manifest, options)?;
    let allowed_hosts = outbound::resolve(manifest, &variables)?;
    let places = options.places(manifest)?;
    build(manifest, options.build, options.quiet).await?;
    // Nobody may open the store of an application in which no component names one.
    let with_store = manifest.components.values().any(|component| !component.key_value_stores.is_empty());
    let location = if with_store { places.store } else { Location::Memory };
    if let Location::File(path) = &location {
        store::prepare(path, options.journal_mode)?;
    }
    let store = Store::open_with(&location, options.commits)?;
    if let Location::Redis(url) = &location {
        store.reach().await.map_err(|source| HostError::StoreServer { url: url.clone(), source })?;
    }
    Ok(Surroundings {
        engine: engine(|name| options.pool_variable(name)).map_err(LoadError::Engine)?,
        variables,
        allowed_hosts,
        components: Components::default(),
        client: Client::new(),
        store,
        clock: options.clock.clone(),
        logs: Logs::new(places.logs, options.quiet).map_err(HostError::Logs)?,
    })
}

impl fmt::Debug for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Host").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.surroundings.logs.close();
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }
}
