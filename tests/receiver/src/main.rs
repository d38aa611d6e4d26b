//! Listens for what the outbox posts, prints the receipts, and fails on purpose.
#![allow(clippy::print_stdout, reason = "it is for people")]

use clap::Parser;
use receiver::{Faults, Receiver, Taken};
use std::net::SocketAddr;

/// A brand's webhook for tests.
#[derive(Parser)]
struct Options {
    /// What the posts are signed with: whsec_…, as `webhook_secret`.
    #[arg(long, env = "SPIN_VARIABLE_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    faults: Faults,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Options { secret, listen, faults } = Options::parse();
    let receiver = Receiver::listen(listen, secret.parse()?, faults, print).await?;
    println!("{} waits for posts; end it with Ctrl-C", receiver.url());
    tokio::signal::ctrl_c().await?;
    println!("{} taken, {} refused", receiver.taken().len(), receiver.refused().len());
    Ok(())
}

fn print(taken: &Taken) {
    let text = |pointer| taken.body.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default();
    println!("{} {}", text("/type"), taken.id);
    println!("{}", text("/data/receipt/text"));
}
