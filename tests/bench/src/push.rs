//! How fast a campaign goes out through the component on the local host's SQLite, against the simulated API in real time; and what a
//! send costs with few fans and with many.

use anyhow::{Context, Result, ensure};
use e2e::{API_APP_SECRET, APP_ID, JOB_TOKEN, Server, event, options, templates};
use guanxi::{
    facts::{Entry, Place, Placed, Received, push},
    fold::{Settings, fan, fold},
    playbook::{Campaign, Content, Form, Segment},
    push::{
        End, IN_FLIGHT, Report,
        campaign::{Asked, Request, SEQUENCE, ask},
    },
    store::{
        key::Stored as _,
        list::{PAGE, Page},
        memory::Memory,
        record::Records,
    },
    time::Timestamp,
    wechat::{Message, OpenId, endpoint::Mode},
};
use guanxi_host::{
    Host, Options, StateDir,
    store::{Location, Store},
};
use guanxi_simulator::api::{Account, Api, ApiServer, Latency, Quota, Rules};
use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// 12:00 in Beijing, far from the quiet hours.
const START: Timestamp = Timestamp(1_800_000_000 / 86_400 * 86_400 + 4 * 3_600);
const AUDIENCES: [u64; 3] = [1_000, 100_000, 1_000_000];
const ROUNDS: usize = 3;
/// Runs that the largest audience may take.
const RUNS_MAX: u64 = 12;
/// The dearest send beside that of the smallest audience.
const MOST: f64 = 1.3;

/// Fans of the runs in real time.
const AUDIENCE: u64 = 100_000;
/// Sends a minute that WeChat allows there.
const ALLOWED: u64 = 10_000;
/// Of what is allowed, from the second minute on.
const LEAST_OF_ALLOWED: f64 = 0.95;
/// Of 64 sends at a time.
const LEAST_OF_POSSIBLE: f64 = 0.85;
/// Sends per second with a latency of 10 ms.
const LEAST_AT_10_MS: f64 = 2_000.0;
const MIB: f64 = 1_048_576.0;
/// Of the component.
const MOST_MIB: f64 = 64.0;

pub(crate) fn report() -> Result<()> {
    e2e::run(end_to_end())?;
    e2e::run(costs())
}

/// What a send costs when WeChat answers at once, with few fans and with many.
async fn costs() -> Result<()> {
    println!("| component, SQLite on disk, no latency: fans | µs/send |\n|--:|--:|");
    let mut costs = Vec::new();
    for fans in AUDIENCES {
        // The smallest audience is done in a blink, so the median of several.
        let mut rounds = Vec::new();
        for _ in 0..if fans == 1_000 { ROUNDS } else { 1 } {
            let run = Campaigning::run(fans, Latency::Fixed(0), None, RUNS_MAX).await?;
            ensure!(run.arrived.len() as u64 == fans && run.copies == 0, "{} of {fans} arrived", run.arrived.len());
            rounds.push(run.cost());
        }
        rounds.sort_by(f64::total_cmp);
        let cost = rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN);
        println!("| {fans} | {cost:.0} |");
        costs.push(cost);
    }
    let dearest = costs.iter().copied().fold(0.0, f64::max);
    let growth = dearest / costs.first().copied().unwrap_or(f64::NAN);
    println!("\nthe dearest beside that of the smallest audience {growth:.2} (at most {MOST})");
    ensure!(growth <= MOST, "the cost of a send grows {growth:.2} times");
    Ok(())
}

/// So many fans, each with a copy of one record, and a campaign to all of them.
async fn audience(store: &impl guanxi::store::Store, fans: u64) -> Result<()> {
    let record = follower().await?;
    let mut page = Page::<OpenId>::default();
    for number in 0..fans {
        let openid = openid(number)?;
        store.set(&fan::key(&openid), &record).await?;
        page.0.push(Some(openid));
        if page.0.len() as u64 == PAGE || number + 1 == fans {
            store.set(&push::fans().page(number), &std::mem::take(&mut page).encode()).await?;
        }
    }
    let form = Form {
        template_id: "sample_template_id_service".to_owned(),
        fields: vec![
            ("thing1".to_owned(), "年度体检日历".to_owned()),
            ("time2".to_owned(), "2027年03月01日 10:00".to_owned()),
            ("thing3".to_owned(), "回复「体检」查看步骤".to_owned()),
        ],
        url: None,
        miniprogram: None,
    };
    let campaign =
        Campaign { at: START, segment: Segment::default(), holdout: 0, ways: Content::Template(form).into() };
    ask(store, &Request::Ask(Asked { id: "bench".to_owned(), campaign })).await?;
    Ok(())
}

/// The record of a fan who follows, as rollup makes it.
async fn follower() -> Result<Vec<u8>> {
    let openid = openid(0)?;
    let (_, message) = Message::parse(event(openid.as_str(), Timestamp(START.0 - 86_400), "subscribe", "").as_bytes())?;
    let push = Received { message, touch: None, rule: None, milliseconds: 3, pushes: None, left: Vec::new() };
    let placed = Placed { place: Place { stream: 1, index: 0 }, entry: Entry::Received(push) };
    let writes = fold(&Settings::default(), &[placed], &Records::new()).await?;
    let record = writes.into_iter().find(|write| write.key == *fan::key(&openid));
    record.and_then(|write| write.value).context("a follower has a record")
}

fn openid(fan: u64) -> Result<OpenId> {
    Ok(format!("oBench-{fan:021}").parse()?)
}

async fn end_to_end() -> Result<()> {
    println!(
        "| component, SQLite on disk, {AUDIENCE} fans | sends/s | mean latency ms | of what is possible | peak MiB |"
    );
    println!("|---|--:|--:|--:|--:|");
    let around_50_ms = Latency::LogNormal { median: 50.0, p99: 300.0 };
    let free = Campaigning::run(AUDIENCE, around_50_ms, None, 1).await?;
    let possible = IN_FLIGHT as f64 * 1_000.0 / free.latency;
    let share = free.rate() / possible;
    println!(
        "| no quota, 50 ms (p99 300) | {:.0} | {:.1} | {share:.2} of 64 at a time | {:.1} |",
        free.rate(),
        free.latency,
        free.peak
    );
    let quick = Campaigning::run(AUDIENCE, Latency::Fixed(10), None, 1).await?;
    println!("| no quota, 10 ms | {:.0} | {:.1} | | {:.1} |", quick.rate(), quick.latency, quick.peak);
    let paced = Campaigning::run(AUDIENCE, around_50_ms, Some(ALLOWED), 4).await?;
    let minutes = paced.minutes();
    let least = minutes.iter().skip(1).copied().min().unwrap_or_default() as f64 / ALLOWED as f64;
    println!(
        "| 10,000 a minute, 50 ms (p99 300) | {minutes:?} a minute | {:.1} | {least:.3} of what is allowed | {:.1} |",
        paced.latency, paced.peak
    );
    println!(
        "\nat least {LEAST_OF_POSSIBLE} of 64 at a time, {LEAST_AT_10_MS} sends/s at 10 ms, {LEAST_OF_ALLOWED} of what is allowed from \
         the second minute on, less than {MOST_MIB} MiB"
    );
    ensure!(share >= LEAST_OF_POSSIBLE, "{share:.2} of 64 at a time");
    ensure!(quick.rate() >= LEAST_AT_10_MS, "{:.0} sends/s", quick.rate());
    ensure!(least >= LEAST_OF_ALLOWED, "{least:.3} of what is allowed");
    for run in [free, quick, paced] {
        ensure!(run.peak < MOST_MIB, "the component took {:.1} MiB", run.peak);
        ensure!(run.copies == 0, "{} copies beyond one", run.copies);
    }
    Ok(())
}

/// A campaign in real time.
struct Campaigning {
    /// When each arrived, in milliseconds.
    arrived: Vec<u64>,
    /// Mean, in milliseconds, as the fates had it.
    latency: f64,
    peak: f64,
    copies: usize,
    /// How long the runs took together, in milliseconds.
    took: u64,
}

impl Campaigning {
    /// So many runs, each at the beginning of a minute of the job's clock.
    async fn run(fans: u64, latency: Latency, per_minute: Option<u64>, runs: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fill(folder.path(), fans).await?;
        let mut rules = Rules { app_id: APP_ID.into(), secret: API_APP_SECRET.into(), latency, ..Rules::default() };
        templates(&mut rules);
        rules.quotas.insert(Api::Template, Quota { per_day: 10_000_000, per_minute });
        let mut account = Account::new(rules);
        for fan in 0..fans {
            account.audience.fan(openid(fan)?.as_str()).follow(START.0 * 1_000);
        }
        // Both clocks run from the start of the campaign on.
        let began = SystemTime::now();
        let clock = move || {
            START.0 * 1_000 + u64::try_from(began.elapsed().unwrap_or_default().as_millis()).unwrap_or_default()
        };
        let api = ApiServer::start(account, clock).await?;
        let state_dir = StateDir::Path(folder.path().into());
        let options = Options { state_dir, ..options("safe") }.variable("wechat_api_url", api.base_url());
        let host = Host::start(options).await?;
        host.clock().set(UNIX_EPOCH + Duration::from_millis(clock()));
        let server = Server::new(&host.url(), Mode::Safe);
        let mut took = 0;
        for run in 0..runs {
            let next = Duration::from_secs(run * 60).saturating_sub(began.elapsed().unwrap_or_default());
            tokio::time::sleep(next).await;
            let answer = server.authorized(hyper::Method::POST, "/jobs/push", JOB_TOKEN).await;
            ensure!(answer.status == 200, "status {}: {}", answer.status, answer.body);
            let report: Report = serde_json::from_str(&answer.body)?;
            ensure!(!matches!(report.end, End::Failed(_)), "{}", answer.body);
            took += report.milliseconds;
            if api.account().books().accepted >= fans {
                break;
            }
        }
        let peak = host.peak_memory("push") as f64 / MIB;
        host.stop().await;
        let account = api.account();
        let books = account.books();
        let calls = books.calls.get(&Api::Template).copied().unwrap_or_default();
        let milliseconds = books.milliseconds.get(&Api::Template).copied().unwrap_or_default();
        let mut arrived: Vec<u64> = books.sightings.iter().map(|sighting| sighting.at).collect();
        arrived.sort_unstable();
        Ok(Self {
            arrived,
            latency: milliseconds as f64 / calls as f64,
            peak,
            copies: books.copies_beyond_one().len(),
            took,
        })
    }

    /// Microseconds per send, over all.
    fn cost(&self) -> f64 {
        self.took as f64 * 1_000.0 / self.arrived.len().max(1) as f64
    }

    /// Sends per second, between the first and the last twentieth.
    fn rate(&self) -> f64 {
        let middle = self.arrived.len() / 20..self.arrived.len() * 19 / 20;
        let middle = self.arrived.get(middle).unwrap_or_default();
        let (Some(first), Some(last)) = (middle.first(), middle.last()) else { return 0.0 };
        middle.len() as f64 * 1_000.0 / (last - first) as f64
    }

    /// Sends in each full minute.
    fn minutes(&self) -> Vec<u64> {
        let minute = |at: &u64| ((at - START.0 * 1_000) / 60_000) as usize;
        let mut minutes = vec![0; self.arrived.last().map_or(0, minute) + 1];
        for at in &self.arrived {
            if let Some(count) = minutes.get_mut(minute(at)) {
                *count += 1;
            }
        }
        minutes
    }
}

/// The audience and the campaign, on disk.
async fn fill(folder: &Path, fans: u64) -> Result<()> {
    let memory = Memory::default();
    audience(&memory, fans).await?;
    let store = Store::open(&Location::File(folder.join("sqlite_key_value.db")))?;
    store.set_many(memory.values().clone().into_iter().collect()).await?;
    store.increment(SEQUENCE, 1).await?;
    store.close().await;
    Ok(())
}
