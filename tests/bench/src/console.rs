//! What a page of the console costs with few fans and with many, from request to answer: the picture is in the answer, so a browser
//! waits for nothing else.

use crate::rollup::{act, follow, median, store_journal};
use anyhow::{Context, Result, ensure};
use e2e::{CONSOLE_TOKEN, JOB_TOKEN, Server, at, options};
use guanxi::{
    facts::Entry,
    fold::rollup::{End, Report},
    time::Timestamp,
    wechat::endpoint::Mode,
};
use guanxi_host::{Host, Options, StateDir};
use hyper::Method;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

const NOW: Timestamp = Timestamp(1_800_000_000);
const FANS: [u64; 2] = [1_000, 1_000_000];
/// Everything happens in so many days before now.
const DAYS: u64 = 29;
/// Entries of fans who do something after they followed, to all fans.
const ACTIVE: u64 = 4;
const ROUNDS: usize = 21;
const PAGES: [&str; 8] = [
    "/",
    "/?days=90",
    "/console/channels?days=90",
    "/console/channel?id=bag_2kg&days=90",
    "/console/pushes",
    "/console/questions",
    "/console/fan?openid=oBench-000000000000000000007",
    "/console/account",
];
/// From request to the whole answer, with the most fans.
const MOST_MILLISECONDS: f64 = 300.0;

/// `folder`: where the stores are left; none: they go.
pub(crate) fn report(folder: Option<PathBuf>) -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().into());
    e2e::run(pages(&folder))
}

async fn pages(folder: &Path) -> Result<()> {
    let mut sides = Vec::new();
    for fans in FANS {
        sides.push(Side::new(&folder.join(fans.to_string()), fans).await?);
    }
    println!("| page | ms with {} fans | with {} | records read | |\n|---|--:|--:|--:|--:|", FANS[0], FANS[1]);
    let mut slowest = 0.0_f64;
    for page in PAGES {
        let mut measured = Vec::new();
        for side in &sides {
            measured.push(side.page(page).await?);
        }
        let [few, many] = measured.as_slice() else { continue };
        println!("| `{page}` | {:.2} | {:.2} | {} | {} |", few.0, many.0, few.1, many.1);
        ensure!(few.1 == many.1, "{page} reads {} records with few fans and {} with many", few.1, many.1);
        slowest = slowest.max(many.0);
    }
    for side in sides {
        side.host.stop().await;
    }
    println!("\nthe slowest {slowest:.1} ms, at most {MOST_MILLISECONDS}; no page reads more records with more fans");
    ensure!(slowest <= MOST_MILLISECONDS, "a page takes {slowest:.0} ms");
    Ok(())
}

/// The bundle over a store with so many fans, and who is logged in there.
struct Side {
    host: Host,
    server: Server,
    cookie: String,
}

impl Side {
    async fn new(folder: &Path, fans: u64) -> Result<Self> {
        let fresh = !folder.exists();
        fs::create_dir_all(folder)?;
        if fresh {
            fill(folder, fans).await?;
        }
        let host = Host::start(Options { state_dir: StateDir::Path(folder.into()), ..options("safe") }).await?;
        let server = Server::new(&host.url(), Mode::Safe);
        for minute in 0.. {
            host.clock().stop_at(at(Timestamp(NOW.0 + minute * 60)));
            let answer = server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await;
            ensure!(answer.status == 200, "status {}: {}", answer.status, answer.body);
            let report: Report = serde_json::from_str(&answer.body)?;
            ensure!(!matches!(report.end, End::Failed(_)), "{}", answer.body);
            if report.entries == 0 && report.backlog.unopened_streams == 0 {
                break;
            }
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("token={CONSOLE_TOKEN}&to=/");
        let answer = server.request_with(Method::POST, "/console/login", &form, body).await;
        let cookie = answer.headers.get("set-cookie").and_then(|value| value.to_str().ok()?.split(';').next());
        let cookie = cookie.with_context(|| format!("no session: {answer:?}"))?.to_owned();
        Ok(Self { host, server, cookie })
    }

    /// Milliseconds, the median, and how many records of the store it takes.
    async fn page(&self, page: &str) -> Result<(f64, usize)> {
        let trace = self.host.store().trace();
        let (mut milliseconds, mut records) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let answer = self.server.request_with(Method::GET, page, &[("cookie", &self.cookie)], "").await;
            milliseconds.push(began.elapsed().as_secs_f64() * 1e3);
            ensure!(answer.status == 200, "{page}: {}", answer.status);
            // Now and then an instance looks for a newer playbook as well: hence a median here too.
            records.push(trace.take().len());
        }
        records.sort_unstable();
        Ok((median(milliseconds), records.get(ROUNDS / 2).copied().unwrap_or_default()))
    }
}

/// Every fan follows once, spread over the days; one entry in five is of a fan who does something.
async fn fill(folder: &Path, fans: u64) -> Result<()> {
    let count = fans + fans / ACTIVE;
    let began = NOW.0 - DAYS * 86_400;
    let entry = |number: u64| {
        let time = Timestamp(began + number * DAYS * 86_400 / count);
        match number % (ACTIVE + 1) {
            ACTIVE => act(number / (ACTIVE + 1) * ACTIVE, number, time),
            nth => follow(number / (ACTIVE + 1) * ACTIVE + nth, time),
        }
    };
    let entries = (0..count).map(entry).collect::<Result<Vec<Entry>>>()?;
    store_journal(folder, &entries).await
}
