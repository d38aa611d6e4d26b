//! `cargo ci`: every check, from a fresh clone, on a machine with Rust and Node.
//!
//! Installs what a registry has: the wasm targets, the `wasm-bindgen-test-runner` that fits `Cargo.lock`, and on Debian, where it is root,
//! a browser and Redis. Says what is missing otherwise. Nothing is compiled in a configuration that no check needs: native code in the profile `dev` (once to lint, once to run),
//! the components in `release`, `shared` for `wasm32-unknown-unknown`.

use std::fs;

use crate::{Result, browser, build_components, cargo, run, steps::Steps, tools};

/// What is the same on every store, or chooses its own.
const NOT_ON_REDIS: [&str; 8] =
    ["--skip", "killed_", "--skip", "permissions::", "--skip", "replicas::", "--skip", "slow::"];

/// Where the sample playbooks are, from the workspace's root.
const SAMPLES: &str = "tests/playbooks";

pub(crate) fn all() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("tools", tools::install)?;
    steps.run("format", || run(&mut cargo(&["fmt", "--all", "--check"])))?;
    steps.run("clippy", || run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])))?;
    steps.run("links of comments", || {
        let mut doc = cargo(&["doc", "-p", "guanxi", "--no-deps", "--document-private-items"]);
        run(doc.env("RUSTDOCFLAGS", "--deny warnings"))
    })?;
    steps.run("components", || run(&mut build_components()?))?;
    steps.run("build, native", || run(&mut cargo(&["test", "--no-run"])))?;
    steps.run("tests, native and end to end", || run(&mut cargo(&["test"])))?;
    steps.run("tests end to end, on Redis", || {
        let mut test = cargo(&["test", "-p", "e2e", "--test", "suite", "--"]);
        run(test.args(NOT_ON_REDIS).env("GUANXI_STORE", "redis"))
    })?;
    steps.run("tests of shared, WebAssembly", || {
        let mut test = cargo(&["test", "-p", "guanxi", "--target", "wasm32-unknown-unknown"]);
        run(tools::with_wasm_runner(&mut test)?)
    })?;
    // As one types it.
    steps.run("demo", || {
        let stores = browser::forget_stores()?;
        run(cargo(&["demo", "--", "--mode", "safe", "--keep"]).arg(stores))
    })?;
    steps.run("chats of the sample playbooks", || {
        for entry in fs::read_dir(SAMPLES).map_err(|error| format!("{SAMPLES}: {error}"))? {
            let file = entry.map_err(|error| format!("{SAMPLES}: {error}"))?.path();
            if file.extension().is_some_and(|ending| ending == "toml") {
                run(cargo(&["demo", "--", "--playbook"]).arg(file))?;
            }
        }
        Ok(())
    })?;
    steps.run("tests in a browser", browser::test)?;
    steps.report();
    Ok(())
}
