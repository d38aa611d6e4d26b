//! `build`: runs each component's own build command, as `spin build` does.

use std::{io::Write, path::PathBuf, process::ExitStatus};

use tokio::process::Command;

use crate::manifest::{Component, Manifest};

/// What `up` builds first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuildWhen {
    /// The components whose `.wasm` is not there.
    #[default]
    Missing,
    /// All of them.
    Always,
}

/// Why there is no component to run.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The command does not start.
    #[error("cannot run the build of component `{component}`: {source}")]
    Start {
        /// The component.
        component: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The command fails.
    #[error("the build of component `{component}` failed ({status}): {command}")]
    Failed {
        /// The component.
        component: String,
        /// The command.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// Nothing to run after all.
    #[error("component `{component}`: there is no {path}, and {why}", path = path.display())]
    NoSource {
        /// The component.
        component: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
}

/// Builds the components of `manifest`.
///
/// # Errors
/// When a command fails, or a component's file is missing afterwards.
pub async fn build(manifest: &Manifest, when: BuildWhen, quiet: bool) -> Result<(), BuildError> {
    for (id, component) in &manifest.components {
        let there = component.source.exists();
        if component.build.is_some() && (when == BuildWhen::Always || !there) {
            build_one(id, component, quiet).await?;
        }
        if !component.source.exists() {
            let why = if component.build.is_some() { "its build did not make it" } else { "it has no build command" };
            return Err(BuildError::NoSource { component: id.clone(), path: component.source.clone(), why });
        }
    }
    Ok(())
}

async fn build_one(id: &str, component: &Component, quiet: bool) -> Result<(), BuildError> {
    let Some(build) = &component.build else { return Ok(()) };
    for command in &build.commands {
        if !quiet {
            // A terminal that has gone away must not stop the build.
            _ = writeln!(std::io::stderr(), "Building component {id} with `{command}`");
        }
        let failed = |source| BuildError::Start { component: id.to_owned(), source };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).current_dir(&build.folder).kill_on_drop(true);
        // The manifest says where the build leaves its `.wasm`; whoever calls the host may build elsewhere.
        let status = shell.env_remove("CARGO_TARGET_DIR").status().await.map_err(failed)?;
        if !status.success() {
            return Err(BuildError::Failed { component: id.to_owned(), command: command.clone(), status });
        }
    }
    Ok(())
}
