//! What the checks need beyond Rust and Node.

use super::run;
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];

/// Installs the wasm targets and the test runner; says what else is missing.
pub(crate) fn install() -> Result<()> {
    if Command::new("node").arg("--version").output().is_err() {
        bail!("Node.js is missing: it runs the tests of `shared` in WebAssembly");
    }
    targets()?;
    let version = locked_version("wasm-bindgen")?;
    let root = tool_root(&version)?;
    if !runner(&root).exists() {
        // With the versions its authors tested, or, where the registry no longer has one of those, with what it has.
        run(install_runner(&version, &root, &["--locked"])).or_else(|_| run(install_runner(&version, &root, &[])))?;
    }
    Ok(())
}

fn install_runner(version: &str, root: &Path, more: &[&str]) -> Command {
    let mut install = Command::new("cargo");
    install.args(["install", "wasm-bindgen-cli", "--bin", "wasm-bindgen-test-runner", "--version", version]);
    install.args(more).arg("--root").arg(root);
    install
}

/// Without `rustup` the toolchain's own packages must hold the targets; then the first build says so.
fn targets() -> Result<()> {
    let Ok(listed) = Command::new("rustup").args(["target", "list", "--installed"]).output() else { return Ok(()) };
    let installed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for target in TARGETS.iter().filter(|target| !installed.lines().any(|line| line == **target)) {
        let mut add = Command::new("rustup");
        add.args(["target", "add", target]);
        run(add)?;
    }
    Ok(())
}

/// Lets `cargo test --target wasm32-unknown-unknown` run in Node.
pub(crate) fn with_wasm_runner(mut command: Command) -> Result<Command> {
    let root = tool_root(&locked_version("wasm-bindgen")?)?;
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner(&root));
    Ok(command)
}

fn runner(root: &Path) -> PathBuf {
    root.join("bin").join(format!("wasm-bindgen-test-runner{}", env::consts::EXE_SUFFIX))
}

/// Beside the builds, so that nothing outside the checkout changes.
fn tool_root(version: &str) -> Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(env::current_dir()?.join(target).join(format!("tools/wasm-bindgen-{version}")))
}

/// Runner and library must be of one version.
fn locked_version(package: &str) -> Result<String> {
    let lock: toml::Table =
        fs::read_to_string("Cargo.lock").context("cargo ci runs in the workspace's root")?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock names no package")?;
    let version = packages.iter().find(|found| found.get("name").and_then(toml::Value::as_str) == Some(package));
    let version = version.and_then(|found| found.get("version")).and_then(toml::Value::as_str);
    Ok(version.with_context(|| format!("Cargo.lock has no {package}"))?.to_owned())
}
