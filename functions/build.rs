//! The build script of every function that needs the playbook: compiles `functions/playbook.toml` into it. A playbook that does
//! not check does not build; what the check only warns of is a warning of the build.

#![allow(clippy::print_stderr, reason = "what a build script says goes to whoever builds")]

use std::{env, fs, path::PathBuf, process::exit};

fn main() {
    let file = PathBuf::from("../playbook.toml");
    println!("cargo::rerun-if-changed={}", file.display());
    let source = fs::read_to_string(&file).unwrap_or_else(|error| fail(&format!("functions/playbook.toml: {error}")));
    let compiled = guanxi::playbook::compile(&source).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("functions/playbook.toml:{problem}")).collect();
        fail(&lines.join("\n"))
    });
    for warning in guanxi::playbook::warnings(&source) {
        println!("cargo::warning=functions/playbook.toml:{warning}");
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("playbook.bin");
    if let Err(error) = fs::write(&target, compiled) {
        fail(&format!("{}: {error}", target.display()));
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    exit(1);
}
