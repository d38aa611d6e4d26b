//! Runs `spin.toml` on wasmtime as `spin up` would, so that nobody needs the Spin CLI to try or test an application.
//!
//! It may be stricter than Spin and is never laxer: what it does not run, and what works on one of Spin's backends and
//! not on another, is an error that says so; item by item below. Components reach the store, their variables and, over
//! HTTP, the hosts that the manifest allows them; nothing else. It is a library too: a test starts a [`Host`] in its own
//! process, on a free port, sets its [`Clock`], looks into its [`store::Store`] and breaks it. It loads a [`Schedule`] and
//! lets it tick.
#![doc = include_str!("../SPIN.md")]

mod application;
mod building;
mod clock;
mod compose;
mod engine;
mod host;
mod instance;
mod interfaces;
mod limits;
mod logs;
mod manifest;
mod outbound;
mod routes;
mod runtime_config;
mod schedule;
mod server;
pub mod store;
mod variables;

pub use application::LoadError;
pub use building::{BuildError, BuildWhen, build};
pub use clock::Clock;
pub use compose::{ComposeError, DependencyProblem, compose, imports_of};
pub use host::{Host, HostError, Options};
pub use limits::Limits;
pub use logs::{Line, Logs, Source};
pub use manifest::{
    Build, Component, CronTrigger, Dependency, DependencyName, DependencySource, HttpTrigger, Manifest, ManifestError,
    Variable,
};
pub use outbound::{AllowedHost, AllowedHostError, AllowedHostsError};
pub use routes::RouteError;
pub use runtime_config::{RuntimeConfigError, StateDir};
pub use schedule::{CronExpression, CronExpressionError, Schedule, TickError};
pub use variables::{Template, TemplateError, VariablesError};
