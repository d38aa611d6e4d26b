//! What building and checking need beyond Rust and Node.

use crate::{COMPONENT_TARGET, Result, browser, run};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Installs the wasm targets and the test runner; says what else is missing.
pub(crate) fn install() -> Result<()> {
    if Command::new("node").arg("--version").output().is_err() {
        return Err(
            "Node.js is missing: it runs the tests of `shared` in WebAssembly, and those in a browser".to_owned()
        );
    }
    browser::install()?;
    debian(&["redis-server"], &["/usr/bin/redis-server"], "for the tests on Redis")?;
    target(COMPONENT_TARGET)?;
    target("wasm32-unknown-unknown")?;
    let version = locked_version("wasm-bindgen")?;
    let root = tool_root(&version)?;
    if runner(&root).exists() {
        return Ok(());
    }
    // With the versions its authors tested, or, where the registry no longer has one of those, with what it has.
    run(&mut install_runner(&version, &root, &["--locked"])).or_else(|_| run(&mut install_runner(&version, &root, &[])))
}

/// Installs what `files` are of, where this is Debian and root's; else says what is missing.
pub(crate) fn debian(packages: &[&str], files: &[&str], what_for: &str) -> Result<()> {
    if files.iter().all(|file| Path::new(file).exists()) {
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").args(arguments).args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let install = ["install", "--yes", "--no-install-recommends"];
    // A list that is old, or none yet, names packages that are no longer there.
    apt(&install).or_else(|_| run(Command::new("apt-get").arg("update")).and_then(|()| apt(&install))).map_err(|why| {
        format!("{} is missing, {what_for} (Debian: {}): {why}", files.join(" or "), packages.join(", "))
    })
}

/// It runs a few seconds, so it is compiled for a short build.
fn install_runner(version: &str, root: &Path, more: &[&str]) -> Command {
    let mut install = Command::new("cargo");
    install.args(["install", "wasm-bindgen-cli", "--bin", "wasm-bindgen-test-runner", "--version", version]);
    install.args(more).arg("--root").arg(root);
    install.envs([("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")]);
    install
}

/// Installs a compilation target where rustup can; else says what is missing.
pub(crate) fn target(name: &str) -> Result<()> {
    let rustc = Command::new("rustc").args(["--print", "target-libdir", "--target", name]).output();
    let libraries = rustc.map_err(|error| format!("cannot run rustc: {error}"))?.stdout;
    if Path::new(String::from_utf8_lossy(&libraries).trim()).exists() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", name]))
        .map_err(|why| format!("Rust's target {name} is missing: {why}"))
}

/// Lets `cargo test --target wasm32-unknown-unknown` run in Node.
pub(crate) fn with_wasm_runner(command: &mut Command) -> Result<&mut Command> {
    let root = tool_root(&locked_version("wasm-bindgen")?)?;
    Ok(command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner(&root)))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

fn runner(root: &Path) -> PathBuf {
    root.join("bin").join(format!("wasm-bindgen-test-runner{}", env::consts::EXE_SUFFIX))
}

/// Beside the builds, so that nothing outside the checkout changes.
fn tool_root(version: &str) -> Result<PathBuf> {
    let here = env::current_dir().map_err(|error| format!("there is no current folder: {error}"))?;
    Ok(here.join(target_folder()).join(format!("tools/wasm-bindgen-{version}")))
}

/// Runner and library must be of one version. Each package of Cargo.lock is a `name` line, then a `version` line.
fn locked_version(package: &str) -> Result<String> {
    let lock = fs::read_to_string("Cargo.lock")
        .map_err(|error| format!("cannot read Cargo.lock: {error}; this runs in the workspace's root"))?;
    let name = format!("name = \"{package}\"");
    let version = lock.lines().skip_while(|line| *line != name).nth(1);
    let version = version.and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.ok_or_else(|| format!("Cargo.lock has no {package}"))?.to_owned())
}
