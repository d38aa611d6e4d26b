//! The figures of README's performance section. Each is a ratio to something measured in the same run.
//!
//! ```text
//! cargo bench-guanxi instructions   decrypt + parse + match + encrypt beside its own AES and SHA-1; 10,000 keywords
//!                                   beside 10. Counts instructions with valgrind, so noise does not matter.
//! cargo bench-guanxi fresh          the first message of an instance beside the later ones
//! cargo bench-guanxi callback       server CPU of a callback beside that of a component with one call and one `set`: with
//!                                   the store in RAM, and on disk
//! cargo bench-guanxi rollup         an entry's cost with 1,000, 100,000 and 1,000,000 fans; whole backlogs on SQLite
//! cargo bench-guanxi push           a send's cost with as many fans; campaigns in real time, with and without a quota
//! cargo bench-guanxi console        the pages of the console with 1,000 and 1,000,000 fans
//! cargo bench-guanxi durable        callbacks a second, each on disk before its answer, by how the store writes
//! cargo bench-guanxi slow           callbacks beside 20,000 clients that send half a request or nothing
//! ```
#![allow(clippy::print_stdout, reason = "a command for people")]

mod callback;
mod console;
mod durable;
mod fresh;
mod instructions;
mod peer;
mod push;
mod rollup;
mod rules;
mod slow;
mod up;
mod work;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "Measures Guanxi")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Instructions of the pure code, counted by valgrind.
    Instructions,
    /// One of the loops that `instructions` counts.
    #[command(hide = true)]
    Work {
        /// Which.
        work: work::Work,
        /// How often.
        times: u64,
    },
    /// A fresh instance's first message beside its later ones.
    Fresh,
    /// Server CPU of a whole callback.
    Callback {
        /// Seconds of each run.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Runs of each side, in turns.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Entries that the rollup folds in a second, and what that does not depend on.
    Rollup,
    /// Pushes that go out in a second, and what that does not depend on. Takes about fifteen minutes.
    Push,
    /// The console's pages with few fans and with many.
    Console {
        /// Where the stores are left, to be used again.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Callbacks a second, each on disk before its answer.
    Durable {
        /// Where the store is, on a disk.
        #[arg(long, default_value_os_t = std::env::temp_dir())]
        folder: PathBuf,
        /// Seconds of each run.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Runs of each way, in turns.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Callbacks beside clients that send half a request or nothing.
    Slow {
        /// How long.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// One process of the clients of `slow`.
    #[command(hide = true)]
    SlowClients {
        /// Whom they keep waiting.
        server: std::net::SocketAddr,
    },
    /// Publishes the rules of another system's benchmark into a store, from the first second on.
    PublishRules {
        /// `{"exact": {…}, "contains": {…}, "default": "…"}`
        rules: PathBuf,
        /// The SQLite file; none: prints the playbook.
        database: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Instructions => instructions::report(),
        What::Work { work, times } => work::run(work, times),
        What::Fresh => fresh::report(),
        What::Callback { seconds, rounds } => callback::report(seconds, rounds),
        What::Rollup => rollup::report(),
        What::Push => push::report(),
        What::Console { folder } => console::report(folder),
        What::Durable { folder, seconds, rounds } => durable::report(&folder, seconds, rounds),
        What::SlowClients { server } => slow::clients(server),
        What::Slow { seconds } => slow::report(seconds),
        What::PublishRules { rules, database } => peer::publish_rules(&rules, database.as_deref()),
    }
}
