//! What an entry costs the rollup: with few fans and with many, natively on the store in memory, and end to end through
//! the component on the local host's SQLite.

use anyhow::{Context, Result, ensure};
use e2e::{JOB_TOKEN, Server, at, event, options, text};
use guanxi::{
    facts::{Entry, Place, Received},
    fold::{
        Settings, fan,
        rollup::{CHUNK_ENTRIES, End, Report, rollup},
    },
    journal::{SEQUENCE, STREAM_ENTRIES},
    store::{
        Store as _,
        lease::LIMIT,
        memory::{Memory, SleepClock},
    },
    time::Timestamp,
    wechat::{Message, endpoint::Mode},
};
use guanxi_host::{
    Host, Options, StateDir,
    store::{Location, Store},
};
use hyper::Method;
use std::{path::Path, time::Instant};

const START: Timestamp = Timestamp(1_800_000_000);
const FANS: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Entries that are folded per round, on top of what is there.
const ENTRIES: u64 = 50_000;
const ROUNDS: u64 = 5;
/// Of [`CHUNK_ENTRIES`], whatever the number of fans.
const FANS_PER_CHUNK: u64 = 500;
/// Seconds between a chunk's entries and the next one's: longer than a fan's events count as recent, so that a fan who
/// comes up again in every second chunk has no longer list of them than one who comes up once.
const CHUNK_EVERY: u64 = 1_200;
/// The dearest entry beside the cheapest.
const MOST: f64 = 1.3;
/// Entries per second on the store in memory.
const LEAST_NATIVE: f64 = 20_000.0;

const BACKLOGS: [u64; 3] = [20_000, 100_000, 1_000_000];
/// Entries per second on the local host's SQLite.
const LEAST_HOST: f64 = 8_000.0;
const MIB: f64 = 1_048_576.0;
/// Of the component.
const MOST_MIB: f64 = 64.0;
const CHANNELS: [&str; 8] =
    ["bag_2kg", "bag_5kg", "poster_bj", "poster_sh", "shop_01", "shop_02", "kol_amiao", "article_7"];

pub(crate) fn report() -> Result<()> {
    e2e::run(natively())?;
    e2e::run(end_to_end())
}

async fn natively() -> Result<()> {
    let mut populations = Vec::new();
    for fans in FANS {
        populations.push(Population::new(fans).await?);
    }
    for round in 0..ROUNDS {
        for population in &mut populations {
            population.round(round).await?;
        }
    }
    println!("| natively, store in memory: known fans | µs/entry, median of {ROUNDS} | entries/s |\n|--:|--:|--:|");
    let mut medians = Vec::new();
    for Population { fans, costs, .. } in populations {
        let cost = median(costs);
        println!("| {fans} | {:.2} | {:.0} |", cost * 1e6, 1.0 / cost);
        medians.push(cost);
    }
    let dearest = medians.iter().copied().fold(0.0, f64::max);
    let ratio = dearest / medians.iter().copied().fold(f64::INFINITY, f64::min);
    println!("\ndearest beside cheapest {ratio:.2} (at most {MOST}); at least {LEAST_NATIVE} entries/s\n");
    ensure!(ratio <= MOST, "the cost of an entry grows {ratio:.2} times");
    ensure!(1.0 / dearest >= LEAST_NATIVE, "{:.0} entries/s", 1.0 / dearest);
    Ok(())
}

/// A store that knows so many fans.
struct Population {
    fans: u64,
    store: Memory,
    streams: u64,
    /// Seconds per entry, of each round.
    costs: Vec<f64>,
}

impl Population {
    /// A thousand follow; all others have a copy of the record of one of these.
    async fn new(fans: u64) -> Result<Self> {
        let mut new = Self { fans, store: Memory::default(), streams: 0, costs: Vec::new() };
        let follows: Result<Vec<Entry>> = (0..1_000).map(|number| follow(number, START)).collect();
        new.fold(START, &follows?).await?;
        for number in 1_000..fans {
            let record = new.store.get(&key(number % 1_000)?).await?.context("a follower has a record")?;
            new.store.set(&key(number)?, &record).await?;
        }
        Ok(new)
    }

    async fn round(&mut self, round: u64) -> Result<()> {
        const CHUNK: u64 = CHUNK_ENTRIES as u64;
        let chunks = ENTRIES / CHUNK;
        let entry = |number: u64| {
            let chunk = round * chunks + number / CHUNK;
            // Chunks take turns, and the fans of one are far apart.
            let turn = chunk % (self.fans / FANS_PER_CHUNK);
            let fan = number % FANS_PER_CHUNK * (self.fans / FANS_PER_CHUNK) + turn;
            act(fan, round * ENTRIES + number, Timestamp(START.0 + (1 + chunk) * CHUNK_EVERY))
        };
        let entries = (0..ENTRIES).map(entry).collect::<Result<Vec<_>>>()?;
        let now = Timestamp(START.0 + (1 + round) * chunks * CHUNK_EVERY);
        let cost = self.fold(now, &entries).await?;
        self.costs.push(cost);
        Ok(())
    }

    /// Folds new entries and takes them away again: the journal is no part of what is compared. Gives seconds per entry.
    async fn fold(&mut self, now: Timestamp, entries: &[Entry]) -> Result<f64> {
        let (written, streams) = journal(self.streams + 1, entries);
        let keys: Vec<String> = written.iter().map(|(key, _)| key.clone()).collect();
        self.store.set_many(&written).await?;
        self.store.increment(SEQUENCE, streams as i64).await?;
        self.streams += streams;
        let (timer, settings) = (SleepClock::default(), Settings::default());
        let began = Instant::now();
        let report = rollup(&self.store, &timer, &settings, now, self.streams).await?;
        let took = began.elapsed();
        ensure!(report.entries == entries.len() as u64 && report.end == End::Done, "{}", report.json());
        self.store.delete_many(&keys).await?;
        Ok(took.as_secs_f64() / entries.len() as f64)
    }
}

async fn end_to_end() -> Result<()> {
    println!("| component, SQLite on disk: backlog | runs | entries/s | longest run s | peak memory MiB |");
    println!("|--:|--:|--:|--:|--:|");
    let mut measured = Vec::new();
    for backlog in BACKLOGS {
        let run = Backlog::fold(backlog).await?;
        let Backlog { runs, rate, longest, peak } = &run;
        println!("| {backlog} | {runs} | {rate:.0} | {longest:.2} | {peak:.1} |");
        measured.push(run);
    }
    let limit = LIMIT.as_secs_f64();
    println!("\nat least {LEAST_HOST} entries/s, at most {limit} s, less than {MOST_MIB} MiB");
    for Backlog { rate, longest, peak, .. } in measured {
        ensure!(rate >= LEAST_HOST, "{rate:.0} entries/s");
        ensure!(longest <= limit, "a run took {longest:.1} s");
        ensure!(peak < MOST_MIB, "the component took {peak:.1} MiB");
    }
    Ok(())
}

/// What it took to fold a backlog.
struct Backlog {
    /// That folded something.
    runs: u64,
    /// Entries per second of these runs.
    rate: f64,
    /// Seconds from request to answer.
    longest: f64,
    /// MiB of the component.
    peak: f64,
}

impl Backlog {
    async fn fold(entries: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        prefill(folder.path(), entries).await?;
        let host = Host::start(Options { state_dir: StateDir::Path(folder.path().into()), ..options("safe") }).await?;
        let server = Server::new(&host.url(), Mode::Safe);
        let (mut runs, mut folded, mut milliseconds, mut longest) = (0, 0, 0, 0.0_f64);
        for minute in 1.. {
            host.clock().stop_at(at(Timestamp(START.0 + minute * 60)));
            let began = Instant::now();
            let answer = server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await;
            longest = longest.max(began.elapsed().as_secs_f64());
            ensure!(answer.status == 200, "status {}: {}", answer.status, answer.body);
            let report: Report = serde_json::from_str(&answer.body)?;
            ensure!(!matches!(report.end, End::Failed(_)), "{}", answer.body);
            if report.entries > 0 {
                (runs, folded, milliseconds) = (runs + 1, folded + report.entries, milliseconds + report.milliseconds);
            } else if report.backlog.unopened_streams == 0 {
                break;
            }
        }
        let peak = host.peak_memory("stats") as f64 / MIB;
        host.stop().await;
        ensure!(folded == entries, "{folded} of {entries} entries");
        Ok(Self { runs, rate: folded as f64 * 1e3 / milliseconds as f64, longest, peak })
    }
}

/// A journal in which every fan follows and then does three things, in the half hour before the start.
async fn prefill(folder: &Path, count: u64) -> Result<()> {
    let (fans, began) = (count / 4, START.0 - 1_800);
    let entry = |number: u64| {
        let time = Timestamp(began + number * 1_800 / count);
        if number < fans { follow(number, time) } else { act(number % fans, number, time) }
    };
    let entries = (0..count).map(entry).collect::<Result<Vec<_>>>()?;
    store_journal(folder, &entries).await
}

/// A store in this folder, with these entries in its journal and nothing else.
pub(crate) async fn store_journal(folder: &Path, entries: &[Entry]) -> Result<()> {
    let (writes, streams) = journal(1, entries);
    let store = Store::open(&Location::File(folder.join("sqlite_key_value.db")))?;
    store.set_many(writes).await?;
    store.increment(SEQUENCE, streams as i64).await?;
    store.close().await;
    Ok(())
}

/// Full streams from `first` on, and how many.
fn journal(first: u64, entries: &[Entry]) -> (Vec<(String, Vec<u8>)>, u64) {
    let streams = entries.chunks(STREAM_ENTRIES as usize);
    let count = streams.len() as u64;
    let write = |(stream, entries): (u64, &[Entry])| {
        let place = move |(index, entry): (u32, &Entry)| (Place { stream, index }.to_string(), entry.encode());
        (0..).zip(entries).map(place).collect::<Vec<_>>()
    };
    ((first..).zip(streams).flat_map(write).collect(), count)
}

fn openid(fan: u64) -> String {
    format!("oBench-{fan:021}")
}

fn key(fan: u64) -> Result<String> {
    Ok(fan::key(&openid(fan).parse()?).into())
}

fn channel(number: u64) -> &'static str {
    CHANNELS.get((number % 8) as usize).copied().unwrap_or("bag_2kg")
}

pub(crate) fn follow(fan: u64, time: Timestamp) -> Result<Entry> {
    let scene = format!("<EventKey><![CDATA[qrscene_{}]]></EventKey>", channel(fan));
    push(&event(&openid(fan), time, "subscribe", &scene), None)
}

/// Mostly texts that a rule answers; some that none does, menu clicks, scans.
pub(crate) fn act(fan: u64, number: u64, time: Timestamp) -> Result<Entry> {
    let openid = openid(fan);
    let key = |key: &str| format!("<EventKey><![CDATA[{key}]]></EventKey>");
    match number / 7 % 10 {
        0 => push(&event(&openid, time, "SCAN", &key(channel(number))), None),
        1 => push(&event(&openid, time, "CLICK", &key("menu_recipes")), Some("menu")),
        2 => push(&text(&openid, time, number, &format!("问题{}怎么办", number % 50)), None),
        _ => push(&text(&openid, time, number, "请问营业时间"), Some("opening_hours")),
    }
}

fn push(document: &str, rule: Option<&str>) -> Result<Entry> {
    let (_, message) = Message::parse(document.as_bytes())?;
    Ok(Entry::Received(Received {
        message,
        touch: None,
        rule: rule.map(str::to_owned),
        milliseconds: 3,
        pushes: None,
        left: Vec::new(),
    }))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
