//! A push that is killed with SIGKILL is continued by the next runs, and no fan sees two copies. On the local host with the real
//! `.wasm`, in processes of its own; WeChat's API is the simulator's, and outlives them.

use e2e::{
    API_APP_SECRET, APP_ID, event, run,
    stores::{Kind as StoreKind, Outliving},
    templates,
};
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::{Entry, Orders, Place, Received},
    journal::{SEQUENCE, orders},
    playbook::{compile, publish},
    push::ledger::{Ledger, State},
    time::Timestamp,
    wechat::Message,
};
use guanxi_simulator::api::{Account, Api, ApiServer, Latency, Rules};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// 10:00 in Beijing on the day that the fans bought.
pub(crate) const BOUGHT: u64 = 1_772_416_800;
/// 20:30 in Beijing on the day that the reminder is due: 30 days of supply, 5 days of lead. Half of the hour's pushes may go.
const DUE: u64 = BOUGHT + 25 * 86_400 + (10 * 60 + 30) * 60;
const MINUTE: u64 = 60;
pub(crate) const FANS: u64 = 300;
const KILLS: usize = 50;
/// On the further kinds of store.
const KILLS_SAMPLE: usize = 6;

/// The one way that may be repeated after a kill.
pub(crate) const PLAYBOOK: &str = r#"
version = 1
account = "service"
name = "喵主粮"

[[products]]
id = "adult-2kg"
name = "成猫全价粮 2kg"
supply_days = 30

[products.reminder]
lead_days = 5
way = "template"
template_id = "template_id_run_out"
fields = { thing1 = "{product}", date2 = "{run_out}" }
"#;

pub(crate) fn openid(fan: u64) -> String {
    format!("oKilled-{fan:03}")
}

fn entry(body: &str) -> Entry {
    let (_, message) = Message::parse(body.as_bytes()).unwrap();
    Entry::Received(Received { message, touch: None, rule: None, milliseconds: 2, pushes: None, left: Vec::new() })
}

/// Fans who follow and buy: one stream of the journal each hundred entries.
pub(crate) fn purchases() -> Vec<Entry> {
    let at = Timestamp(BOUGHT);
    let follow = |fan| entry(&event(&openid(fan), at, "subscribe", "<EventKey></EventKey>"));
    let order = |fan| {
        let line = r#"{"product":"adult-2kg","quantity":1,"amount":9900}"#;
        let order = format!(r#"{{"id":"K-{fan}","openid":"{}","time":{at},"lines":[{line}]}}"#, openid(fan));
        Entry::Orders(Orders { at, orders: orders::read(order.as_bytes(), at).unwrap() })
    };
    (0..FANS).flat_map(|fan| [follow(fan), order(fan)]).collect()
}

/// Publishes [`PLAYBOOK`] for every time.
async fn announce(store: &Outliving) {
    let store = store.open();
    let (_, writes) = publish::publish(None, &compile(PLAYBOOK).unwrap(), Timestamp(0)).unwrap();
    store.set_many(writes).await.unwrap();
    store.close().await;
}

/// Adds entries to the journal, in streams of their own.
async fn append(store: &Outliving, entries: Vec<Entry>) {
    let store = store.open();
    for entries in entries.chunks(128) {
        let stream = store.increment(SEQUENCE, 1).await.unwrap() as u64;
        let writes = (0..).zip(entries).map(|(index, entry)| (Place { stream, index }.to_string(), entry.encode()));
        store.set_many(writes.collect()).await.unwrap();
    }
    store.close().await;
}

/// Every entry of every ledger.
async fn ledgers(store: &Outliving) -> BTreeMap<String, Vec<State>> {
    let store = store.open();
    let mut ledgers = BTreeMap::new();
    for key in store.keys("ledger:").await.unwrap() {
        let ledger = Ledger::decode(&store.get(&key).await.unwrap().unwrap()).unwrap();
        ledgers.insert(key, ledger.entries().iter().map(|entry| entry.state.clone()).collect());
    }
    store.close().await;
    ledgers
}

/// WeChat, in one history.
struct Wechat {
    server: ApiServer,
    /// In seconds since 1970; with what has gone by since it was set.
    clock: Arc<AtomicU64>,
}

impl Wechat {
    async fn start(seed: u64) -> Self {
        let mut rules = Rules { seed, app_id: APP_ID.into(), secret: API_APP_SECRET.into(), ..Rules::default() };
        rules.latency = Latency::Fixed(10);
        templates(&mut rules);
        let mut account = Account::new(rules);
        (0..FANS).for_each(|fan| account.audience.fan(&openid(fan)).follow(BOUGHT * 1_000));
        let clock = Arc::new(AtomicU64::new(DUE));
        let shown = clock.clone();
        let server = ApiServer::start(account, move || shown.load(Ordering::SeqCst) * 1_000).await.unwrap();
        Self { server, clock }
    }

    /// Jobs in a process of their own, to be killed at a store operation or not.
    fn jobs(&self, store: &Outliving, now: u64, jobs: &str, kill_at: Option<u64>) -> Child {
        self.clock.store(now, Ordering::SeqCst);
        let mut process = Command::new(env!("CARGO_BIN_EXE_jobs_once"));
        process.args(store.arguments()).args([&now.to_string(), jobs, self.server.base_url()]);
        process.args(kill_at.map(|number| number.to_string()));
        process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Jobs that end well: how many store operations they made.
    fn done(&self, store: &Outliving, now: u64, jobs: &str) -> u64 {
        let output = self.jobs(store, now, jobs, None).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    }

    fn sent(&self) -> u64 {
        self.server.account().books().accepted
    }
}

/// Where a push is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// At this store operation of the process.
    Operation(u64),
    /// When WeChat has taken so many pushes.
    Sent(u64),
}

/// One history: a push that is killed, another after a pause, what WeChat has to say, and the end.
async fn history(
    template: &Outliving,
    wechat: Wechat,
    kill: Kill,
    pause: u64,
) -> (usize, BTreeMap<String, Vec<State>>) {
    let store = &template.copy();
    match kill {
        Kill::Operation(number) => {
            let status = wechat.jobs(store, DUE, "push", Some(number)).wait().unwrap();
            assert!(!status.success(), "{kill:?}: was to be killed");
        }
        Kill::Sent(number) => {
            let mut process = wechat.jobs(store, DUE, "push", None);
            while wechat.sent() < number && process.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
    // After the pause, and when the hour is over, so that all of it may go.
    wechat.done(store, DUE, &format!("push@{pause},push@31,push"));
    let unknown = ledgers(store).await.values().flatten().filter(|state| matches!(state, State::Unknown(_))).count();
    // What WeChat has to say, up to the next day, and what push makes of it.
    let events = wechat.server.due_callbacks((DUE + 86_400) * 1_000);
    let events = events.iter().map(|callback| entry(&callback.message("gh_1").to_xml())).collect();
    append(store, events).await;
    wechat.done(store, DUE + 86_400, "rollup,rollup,push,push");
    let copies = wechat.server.account().books().copies_beyond_one().len();
    assert_eq!(copies, 0, "{kill:?}: somebody saw a second copy");
    let ledgers = ledgers(store).await;
    let saw: BTreeSet<String> = wechat
        .server
        .account()
        .books()
        .sightings
        .iter()
        .map(|sighting| format!("ledger:{}", sighting.openid))
        .collect();
    for (fan, states) in &ledgers {
        assert!(states.iter().all(State::is_settled), "{kill:?}: {fan} {states:?}");
        let told = matches!(states[..], [State::Delivered(_)]);
        assert_eq!(told, saw.contains(fan), "{kill:?}: {fan} {states:?}");
    }
    wechat.server.stop().await;
    (unknown, ledgers)
}

/// A store in which every fan's reminder is due.
async fn template(kind: StoreKind) -> Outliving {
    let store = Outliving::new(kind);
    announce(&store).await;
    append(&store, purchases()).await;
    let wechat = Wechat::start(0).await;
    wechat.done(&store, BOUGHT + MINUTE, "rollup,rollup");
    wechat.server.stop().await;
    store
}

#[test]
fn on_the_local_host_fifty_killed_pushes_reach_each_fan_once_and_lose_nobody_in_wal() {
    killed_pushes(StoreKind::Wal, KILLS);
}

#[test]
fn on_the_local_host_fifty_killed_pushes_reach_each_fan_once_and_lose_nobody_in_delete() {
    killed_pushes(StoreKind::Delete, KILLS);
}

#[test]
fn on_the_local_host_killed_pushes_reach_each_fan_once_and_lose_nobody_with_commits_of_a_group() {
    killed_pushes(StoreKind::Group, KILLS_SAMPLE);
}

#[test]
fn on_the_local_host_killed_pushes_reach_each_fan_once_and_lose_nobody_on_redis() {
    killed_pushes(StoreKind::Redis, KILLS_SAMPLE);
}

fn killed_pushes(kind: StoreKind, kills: usize) {
    e2e::build();
    let (template, kills, expected) = run(async {
        let template = template(kind).await;
        let wechat = Wechat::start(0).await;
        let undisturbed = template.copy();
        let operations = wechat.done(&undisturbed, DUE, "push");
        let expected: BTreeSet<String> = ledgers(&undisturbed).await.into_keys().collect();
        let calls = wechat.server.account().books().calls.get(&Api::Template).copied().unwrap_or_default();
        assert!(expected.len() > 250 && calls > 130, "{} fans, {calls} calls", expected.len());
        wechat.server.stop().await;
        let mut rng = ChaCha8Rng::seed_from_u64(2026);
        let kills: Vec<Kill> = (0..kills)
            .map(|number| match number % 2 {
                0 => Kill::Operation(rng.random_range(0..operations)),
                _ => Kill::Sent(rng.random_range(1..calls)),
            })
            .collect();
        (template, kills, expected)
    });
    // Two at a time: most of it is processes that start.
    thread::scope(|scope| {
        for first in 0..2 {
            let (template, kills, expected) = (&template, &kills, &expected);
            scope.spawn(move || {
                for (number, kill) in kills.iter().enumerate().skip(first).step_by(2) {
                    // Twice in three the next run comes while WeChat still knows the ids, else after it forgot them.
                    let (pause, most) = if number / 2 % 3 == 2 { (20, 64) } else { (4, 0) };
                    let (unknown, ledgers) = run(async {
                        let wechat = Wechat::start(number as u64).await;
                        history(template, wechat, *kill, pause).await
                    });
                    assert!(unknown <= most, "{kill:?}: {unknown} unknown after {pause} minutes");
                    assert_eq!(ledgers.into_keys().collect::<BTreeSet<_>>(), *expected, "{kill:?}: fans");
                }
            });
        }
    });
}
