//! What a fresh instance costs its first message: components load, configuration and store open, the playbook loads.

use crate::rules;
use anyhow::Result;
use e2e::{now, text};
use guanxi_host::{Host, Options, StateDir};
use std::time::{Duration, Instant};

/// As Spin has it.
const REQUESTS_PER_INSTANCE: usize = 128;
const INSTANCES: usize = 40;
/// Milliseconds.
const MOST: f64 = 5.0;

pub(crate) fn report() -> Result<()> {
    let (first, later) = e2e::run(measure())?;
    let (first, later) = (median(first), median(later));
    println!("| a message with 200 rules | milliseconds |\n|---|--:|");
    println!("| later messages, median | {later:.2} |\n| first of an instance, median of {INSTANCES} | {first:.2} |");
    println!("| difference (at most {MOST}) | {:.2} |", first - later);
    anyhow::ensure!(first - later <= MOST, "a fresh instance costs {:.2} ms", first - later);
    Ok(())
}

/// One message after the other, so every 128th is the first of an instance.
async fn measure() -> Result<(Vec<f64>, Vec<f64>)> {
    e2e::build();
    let folder = tempfile::tempdir()?;
    let options = e2e::options("safe");
    let options = Options { state_dir: StateDir::Path(folder.path().into()), ..options };
    let host = Host::start(options).await?;
    crate::peer::publish(host.store(), &rules::playbook(200)).await?;
    let server = e2e::Server::new(&host.url(), guanxi::wechat::endpoint::Mode::Safe);
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for number in 0..REQUESTS_PER_INSTANCE * INSTANCES {
        let message = text("oBench", now(), number as u64 + 1, &rules::keyword(number % 200));
        let began = Instant::now();
        let answer = server.push(&message).await;
        let took = milliseconds(began.elapsed());
        anyhow::ensure!(answer.status == 200, "status {}", answer.status);
        if number % REQUESTS_PER_INSTANCE == 0 { first.push(took) } else { later.push(took) }
    }
    host.stop().await;
    Ok((first, later))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
