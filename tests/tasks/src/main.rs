//! `cargo demo`, `cargo ci`, `cargo faults` and `cargo soak`: what has to be built first, in as few calls of cargo as possible, and then the
//! demo, every check, every fault of the replicas, or their ten minutes of load.
//!
//! This crate has no dependency, so that it speaks within seconds of the command, also in a fresh clone.
#![allow(clippy::print_stdout, reason = "commands for people")]

mod browser;
mod checks;
mod steps;
mod tools;

use std::{
    env, fs, io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, ExitCode},
};

/// What went wrong, as a sentence.
type Result<T> = std::result::Result<T, String>;

/// Where the components are, and what they are compiled for.
const FUNCTIONS: &str = "functions";
const COMPONENT_TARGET: &str = "wasm32-wasip2";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("ci") => checks::all(),
        Some("faults") => faults(arguments),
        Some("soak") => soak(arguments),
        Some("demo") => demo(arguments),
        _ => Err("cargo demo, cargo ci, cargo faults and cargo soak call this".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("\n{why}");
            ExitCode::FAILURE
        }
    }
}

/// Builds what the demo runs, then becomes the demo. In `cargo demo -- --stay` the alias leaves the `--` to us.
fn demo(arguments: impl Iterator<Item = String>) -> Result<()> {
    if !Path::new(&tools::target_folder()).join("debug/demo").exists() {
        println!(
            "Building eleven WebAssembly components, the local host that runs them (wasmtime) and a simulated WeChat.\n\
             From nothing that takes two cores about 10 minutes, later a few seconds."
        );
    }
    tools::target(COMPONENT_TARGET)?;
    run(&mut build_components()?)?;
    run(&mut cargo(&["build", "--bin", "demo"]))?;
    let program = Path::new(&tools::target_folder()).join("debug/demo");
    let error = Command::new(&program).arg("--built").args(arguments.skip_while(|argument| argument == "--")).exec();
    Err(format!("{} does not start: {error}", program.display()))
}

/// The tests of the replicas with many faults of each kind, 200 unless a number says how many; `cargo ci` runs a sample.
fn faults(arguments: impl Iterator<Item = String>) -> Result<()> {
    replicas("GUANXI_FAULTS", arguments, 200, &["replicas::"])
}

/// Ten minutes of load on two replicas, or so many seconds as a number says.
fn soak(arguments: impl Iterator<Item = String>) -> Result<()> {
    replicas("GUANXI_SOAK_SECONDS", arguments, 600, &["replicas::soak::", "--ignored"])
}

/// Those tests of the replicas, with a number in a variable.
fn replicas(variable: &str, mut arguments: impl Iterator<Item = String>, usual: u32, tests: &[&str]) -> Result<()> {
    let number = arguments.find(|argument| argument != "--").unwrap_or_else(|| usual.to_string());
    let number: u32 = number.parse().map_err(|_| format!("{number} is no number"))?;
    tools::target(COMPONENT_TARGET)?;
    run(&mut build_components()?)?;
    let mut test = cargo(&["test", "--package", "e2e", "--test", "suite", "--", "--nocapture"]);
    run(test.args(tests).env(variable, number.to_string()))
}

/// All components in one call, so that cargo can use every core until the last one is linked.
fn build_components() -> Result<Command> {
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--target", COMPONENT_TARGET]);
    build.args(components()?.iter().flat_map(|name| ["-p", name]));
    // The manifests name the default target folder.
    build.env_remove("CARGO_TARGET_DIR");
    Ok(build)
}

/// Every crate of `functions/`.
fn components() -> Result<Vec<String>> {
    let failed = |error: io::Error| format!("cannot list {FUNCTIONS}: {error}; this runs in the workspace's root");
    let mut names = Vec::new();
    for entry in fs::read_dir(FUNCTIONS).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{command:?} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed ({status})")) }
}
