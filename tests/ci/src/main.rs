//! `cargo ci`: every check, from a fresh clone, on a machine with Rust and Node alone.
//!
//! Installs what a registry has: the wasm targets and the `wasm-bindgen-test-runner` that fits `Cargo.lock`. Says what is
//! missing otherwise.
#![allow(clippy::print_stdout, reason = "a command for people")]

mod tools;

use anyhow::{Context, Result, bail};
use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// Crates that link only for `wasm32-wasip2`.
const COMPONENTS: [&str; 8] = ["auto-reply", "callback", "campaigns", "clock", "orders", "push", "qr-scan", "stats"];
/// With Spin's SDK in it, not for a native target either.
const SHELLS: &str = "guanxi-spin";
const NATIVE: [&str; 5] = ["bench", "demo", "e2e", "guanxi-host", "guanxi-simulator"];

fn main() -> ExitCode {
    match checks() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn checks() -> Result<()> {
    let mut steps = Vec::new();
    let mut step = |name: &'static str, run: &dyn Fn() -> Result<()>| -> Result<()> {
        println!("\n── {name} ──");
        let began = Instant::now();
        run().with_context(|| format!("cargo ci stopped at: {name}"))?;
        steps.push((name, began.elapsed()));
        Ok(())
    };
    step("tools", &tools::install)?;
    step("format", &|| cargo(&["fmt", "--all", "--check"]))?;
    step("components", &|| cargo(&with(&["build", "--release", "--target", "wasm32-wasip2"], &COMPONENTS)))?;
    step("clippy, components", &|| {
        let crates = with(&["clippy", "--release", "--target", "wasm32-wasip2", "-p", SHELLS], &COMPONENTS);
        cargo(&[&crates[..], &["--", "-D", "warnings"]].concat())
    })?;
    step("clippy, native", &|| {
        let crates = with(&["clippy", "--all-targets", "-p", "ci", "-p", "guanxi"], &NATIVE);
        cargo(&[&crates[..], &["--", "-D", "warnings"]].concat())
    })?;
    step("shared, native", &|| cargo(&["test", "-p", "guanxi"]))?;
    step("shared, WebAssembly", &|| {
        run(tools::with_wasm_runner(cargo_command(&["test", "-p", "guanxi", "--target", "wasm32-unknown-unknown"]))?)
    })?;
    step("host, simulator, end to end", &|| cargo(&with(&["test"], &NATIVE)))?;
    step("demo", &|| cargo(&["run", "-p", "demo"]))?;
    report(&steps);
    Ok(())
}

fn with<'a>(arguments: &[&'a str], crates: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(crates.iter().flat_map(|name| ["-p", name])).collect()
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run(cargo_command(arguments))
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}

fn report(steps: &[(&str, Duration)]) {
    println!("\ncargo ci: all green");
    for (name, took) in steps {
        println!("{:>6.1} s  {name}", took.as_secs_f64());
    }
}
