//! Counts the instructions of the pure code with callgrind: the same every time, however busy the machine.

use crate::work::Work;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::{env, process::Command};

/// Two runs of one loop, so that what happens before the loop falls out of the difference.
const FEW: u64 = 200;
const MANY: u64 = 1_200;

pub(crate) fn report() -> Result<()> {
    let [whole, cryptography] = [per_turn(Work::Whole)?, per_turn(Work::Cryptography)?];
    let [ten, many] = [per_turn(Work::Keywords10)?, per_turn(Work::Keywords10000)?];
    println!("| instructions | this | beside | ratio | at most |");
    println!("|---|--:|--:|--:|--:|");
    row("decrypt + parse + match among 200 rules + encrypt, beside its AES and SHA-1", whole, cryptography, 3.0)?;
    row("the answer by 10,000 keywords, beside 10", many, ten, 1.2)?;
    let [hit, beside, step] = [per_turn(Work::Hit)?, per_turn(Work::HitBesideDialogs)?, per_turn(Work::Step)?];
    row(
        "a rule's answer where the playbook has a dialog and none is open, beside one without, both with their envelopes",
        beside,
        hit,
        1.25,
    )?;
    row("a step of a dialog, beside a rule's answer, both with their envelopes", step, hit, 1.6)
}

fn row(what: &str, this: u64, beside: u64, most: f64) -> Result<()> {
    let ratio = this as f64 / beside as f64;
    println!("| {what} | {this} | {beside} | {ratio:.2} | {most} |");
    if ratio > most {
        bail!("{what}: {ratio:.2}, more than {most}");
    }
    Ok(())
}

fn per_turn(work: Work) -> Result<u64> {
    Ok((count(work, MANY)? - count(work, FEW)?) / (MANY - FEW))
}

fn count(work: Work, times: u64) -> Result<u64> {
    let name = work.to_possible_value().context("every loop has a name")?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(env::current_exe()?);
    valgrind.args(["work", name.get_name(), &times.to_string()]);
    let output = valgrind.output().context("valgrind is missing; it is a package of every distribution")?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed: {log}");
    }
    let collected =
        log.lines().find_map(|line| line.split("Collected :").nth(1)).context("valgrind counted nothing")?;
    Ok(collected.trim().parse()?)
}
