//! The third act: 30 days of a brand that reminds. Fans buy, each in a cycle of their own, and are reminded before they run
//! out: by a notice where they allowed one, else by a customer message where they wrote within 48 hours. On some evenings WeChat's API breaks connections and says that it is busy; some
//! runs of push are killed, and the next process goes on from the same store. Then: what the report says beside what the
//! fans saw, and the effect that it estimates beside the true one.
//!
//! The brand's playbook is one of its own, with short cycles, so that 30 days show something. It is published to the store,
//! as the console would.

mod fans;
mod tables;

use crate::{
    APP_ID, AT_ONCE, Arguments, MORNING, NETWORK,
    caller::{self, Caller},
    deliver_to, moment, of_account,
};
use anyhow::{Context, bail};
use fans::Fan;
use guanxi::{
    playbook::{Terms, compile, publish},
    push::{End, Report},
    report::Brand,
    time::Timestamp,
};
use guanxi_host::{
    Clock, Host, Options, StateDir,
    store::{Store, Verdict as Allowed},
};
use guanxi_simulator::{
    Conditions, Delivery, Scenario, Verdict,
    api::{Account, Api, ApiServer, Callback, Fault, Kind, Latency, Moment, Outcomes, Quota, Rules, Trouble},
    scenario::Step,
};
use indicatif::ProgressIterator;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime},
};

const DAYS: u64 = 30;
const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

/// What the brand says.
const PLAYBOOK: &str = include_str!("reminders/playbook.toml");
/// Its templates at WeChat's, as the playbook fills them in.
const TEMPLATE: &str = "demo_template_id_run_out";
const NOTICE: &str = "demo_notice_id_run_out";
/// The sample account's, so it is nobody's.
const APP_SECRET: &str = "guanxi0demo0secret0guanxi0demo00";

/// What happens on each day: hour, minute, what.
const TIMETABLE: [(u64, u64, What); 8] = [
    (12, 5, What::Talk { noon: true }),
    (12, 20, What::Books),
    (12, 59, What::Push),
    (19, 5, What::Talk { noon: false }),
    (19, 20, What::Books),
    (19, 59, What::Push),
    (20, 30, What::Push),
    (20, 59, What::Push),
];

#[derive(Clone, Copy)]
enum What {
    /// Fans come, write and go.
    Talk { noon: bool },
    /// The shop's orders come, and the journal is folded.
    Books,
    /// What is due goes out.
    Push,
}

/// Days on which the run of 20:30 is killed, when WeChat took so many of its pushes …
const KILLED: [u64; 3] = [9, 15, 21];
const KILLED_AFTER: u64 = 10;
/// … and the next process goes on so much later, while WeChat still knows what it took.
const RESTART: u64 = 4 * MINUTE;

/// Days on which WeChat's API has a bad evening, …
const BAD_DAYS: [u64; 3] = [8, 14, 20];
/// … and how many of its requests meet with what.
const TROUBLES: [(Fault, f64); 5] = [
    (Fault::Reset(Moment::Before), 0.04),
    (Fault::Reset(Moment::After), 0.04),
    (Fault::Status(502, Moment::Before), 0.02),
    (Fault::Status(504, Moment::After), 0.02),
    (Fault::Busy(Moment::Before), 0.03),
];
/// Days on which somebody else renews the account's token by force.
const STOLEN: [u64; 2] = [12, 24];

/// What becomes of pushes that WeChat took. None is lost without a word, so that the report can be checked.
const OUTCOMES: Outcomes = Outcomes { failed: 0.01, early: 0.1, late: 0.03, twice: 0.05, lost: 0.0 };

/// Rollups in a row, at most.
const ROLLUPS_MAX: u64 = 10;

/// What really happened, besides the API's books.
#[derive(Default)]
struct Done {
    messages: u64,
    orders: u64,
    kills: u64,
    /// Messages and events that brought no answer or a faulty one.
    unanswered: u64,
}

/// One process with the components, and how to reach it.
struct Service {
    host: Host,
    caller: Caller,
    delivery: Delivery,
}

/// All that outlives the processes.
struct Stage<'a> {
    arguments: &'a Arguments,
    root: &'a Path,
    state: PathBuf,
    clock: Clock,
    api: Arc<ApiServer>,
    fans: Vec<Fan>,
    places: HashMap<String, usize>,
    /// How many copies fans looked at.
    looked: usize,
    done: Done,
}

/// Plays the days and prints the tables. Says whether all was as it must be.
pub(crate) async fn play(arguments: &Arguments, root: &Path) -> anyhow::Result<bool> {
    let compiled = compile(PLAYBOOK).map_err(|problems| anyhow::anyhow!("the playbook: {problems:?}"))?;
    let brand = Brand::from(&Terms::load(&compiled)?);
    let began = Instant::now();
    let state = tempfile::tempdir().context("cannot make a folder for the store")?;
    let folder = arguments.kept("reminders")?.unwrap_or_else(|| state.path().to_owned());
    let mut stage = Stage::new(arguments, root, folder).await?;
    let mut service = stage.start().await?;
    announce(service.host.store(), &compiled).await?;
    for day in (0..DAYS).progress_count(DAYS) {
        for (hour, minute, what) in TIMETABLE {
            let now = Timestamp(midnight(day).0 + (hour * 60 + minute) * MINUTE);
            let kill = KILLED.contains(&day) && (hour, minute) == (20, 30);
            service = match what {
                What::Push if kill => stage.killed(service, now).await?,
                what => stage.at(&service, now, what).await.map(|()| service)?,
            };
        }
    }
    // What WeChat says late, and what it makes the ledger say.
    let morning = Timestamp(midnight(DAYS).0 + 10 * 60 * MINUTE);
    stage.at(&service, morning, What::Books).await?;
    let now = Timestamp(morning.0 + 3_600);
    let clean = tables::print(&stage, &brand, service.host.store(), now, began.elapsed()).await?;
    service.host.stop().await;
    Ok(clean)
}

/// When a day begins, in Beijing.
fn midnight(day: u64) -> Timestamp {
    Timestamp(MORNING.0 - 10 * 60 * MINUTE + day * DAY)
}

/// Publishes the playbook for messages of every time.
async fn announce(store: &Store, compiled: &[u8]) -> anyhow::Result<()> {
    let (_, writes) = publish::publish(None, compiled, Timestamp(0))?;
    Ok(store.set_many(writes).await?)
}

/// WeChat, as the account meets it in these days.
fn rules(seed: u64) -> Rules {
    let mut rules = Rules {
        seed,
        app_id: APP_ID.to_owned(),
        secret: APP_SECRET.to_owned(),
        // Slept in real time.
        latency: Latency::Fixed(2),
        outcomes: OUTCOMES,
        token_kills: STOLEN.map(|day| (midnight(day).0 + 20 * 60 * MINUTE) * 1_000).to_vec(),
        ..Rules::default()
    };
    rules.template(TEMPLATE, Kind::Template, &["thing1", "date2", "date3", "thing4"]);
    rules.template(NOTICE, Kind::Notice, &["thing1", "date2", "phrase3"]);
    rules.quotas.insert(Api::Notice, Quota::per_day(100_000));
    for day in BAD_DAYS {
        let [from, until] = [19, 24].map(|hour| (midnight(day).0 + hour * 60 * MINUTE) * 1_000);
        let trouble = |(fault, share)| Trouble { from, until, ..Trouble::always(share, fault) };
        rules.troubles.extend(TROUBLES.map(trouble));
    }
    rules
}

impl<'a> Stage<'a> {
    async fn new(arguments: &'a Arguments, root: &'a Path, state: PathBuf) -> anyhow::Result<Self> {
        let fans: Vec<Fan> = (0..arguments.reminded_fans).map(|number| Fan::draw(arguments.seed, number)).collect();
        let clock = Clock::real();
        clock.stop_at(moment(MORNING));
        let shown = clock.clone();
        let api = ApiServer::start(Account::new(rules(arguments.seed)), move || milliseconds(&shown)).await?;
        Ok(Self {
            arguments,
            root,
            state,
            clock,
            api: Arc::new(api),
            places: (0..).zip(&fans).map(|(place, fan)| (fan.openid.clone(), place)).collect(),
            fans,
            looked: 0,
            done: Done::default(),
        })
    }

    /// A process on the store that there is.
    async fn start(&self) -> anyhow::Result<Service> {
        let options = Options {
            state_dir: StateDir::Path(self.state.clone()),
            clock: self.clock.clone(),
            ..Options::for_test(self.root.join("spin.toml"))
        };
        let options = of_account(options, self.arguments)
            .variable("wechat_app_secret", APP_SECRET)
            .variable("wechat_api_url", self.api.base_url())
            .variable("job_token", caller::JOB_TOKEN)
            .variable("orders_secret", caller::ORDERS_SECRET);
        let host = Host::start(options).await?;
        let (caller, delivery) = (Caller::new(host.url())?, deliver_to(&host, self.arguments)?);
        Ok(Service { host, caller, delivery })
    }

    /// WeChat reports what is due, and then what the timetable says happens.
    async fn at(&mut self, service: &Service, now: Timestamp, what: What) -> anyhow::Result<()> {
        self.clock.stop_at(moment(now));
        self.report(service).await?;
        match what {
            What::Talk { noon } => self.talk(service, now, noon).await,
            What::Books => self.books(service, now).await,
            What::Push => match self.push(service).await?.end {
                End::Failed(why) => bail!("push failed: {why}"),
                _ => Ok(()),
            },
        }
    }

    async fn talk(&mut self, service: &Service, now: Timestamp, noon: bool) -> anyhow::Result<()> {
        let day = (now.0 - midnight(0).0) / DAY;
        let mut steps = Vec::new();
        for (place, fan) in self.fans.iter_mut().enumerate() {
            for act in fan.acts(day, noon) {
                // A fan's acts follow each other, so they have different seconds.
                let at = steps.len() as u32 % 240;
                self.api.account().audience.act(&fan.openid, &act, now.0 * 1_000);
                steps.push(Step { fan: place, at, act });
            }
        }
        self.deliver(service, now, steps).await
    }

    /// Posts what WeChat has to say of pushes by now.
    async fn report(&mut self, service: &Service) -> anyhow::Result<()> {
        let due = self.api.due_callbacks(milliseconds(&self.clock));
        let Some(start) = due.iter().map(|callback| callback.create_time).min() else { return Ok(()) };
        let step = |(place, callback): (usize, &Callback)| Step {
            fan: place,
            at: (callback.create_time - start) as u32,
            act: callback.act.clone(),
        };
        let known = due.iter().filter_map(|callback| Some((*self.places.get(&*callback.openid)?, callback)));
        let steps = known.map(step).collect();
        self.deliver(service, Timestamp(start), steps).await
    }

    async fn deliver(&mut self, service: &Service, start: Timestamp, steps: Vec<Step>) -> anyhow::Result<()> {
        let fans = self.fans.iter().map(|fan| fan.openid.clone()).collect();
        let conditions = Conditions { start, network: NETWORK, seed: self.arguments.seed ^ start.0, at_once: AT_ONCE };
        let trace = guanxi_simulator::run(&Scenario { fans, steps }, &service.delivery, conditions, || ()).await?;
        for entry in trace.0 {
            self.done.messages += 1;
            let unanswered = matches!(entry.delivered.verdict, Verdict::Fault(_) | Verdict::NoAnswer);
            self.done.unanswered += u64::from(unanswered);
        }
        Ok(())
    }

    /// What fans bought since the last time, and rollups a minute apart until nothing is left to fold.
    async fn books(&mut self, service: &Service, now: Timestamp) -> anyhow::Result<()> {
        let mut orders: Vec<Value> = Vec::new();
        for fan in &mut self.fans {
            if let Some(at) = fan.buys(now) {
                let line = json!({ "product": fan.product.id, "quantity": 1, "amount": fan.product.cents });
                let id = format!("{}-{at}", fan.openid);
                orders.push(json!({ "id": id, "openid": fan.openid, "time": at.0, "lines": [line] }));
            }
        }
        self.done.orders += orders.len() as u64;
        service.caller.orders(&orders, now).await?;
        for run in 1..=ROLLUPS_MAX {
            self.clock.stop_at(moment(Timestamp(now.0 + run * MINUTE)));
            if service.caller.rollup().await?.pointer("/entries").and_then(Value::as_u64) == Some(0) {
                return Ok(());
            }
        }
        bail!("after {ROLLUPS_MAX} rollups there is still something to fold")
    }

    /// One run, and what fans make of what they got.
    async fn push(&mut self, service: &Service) -> anyhow::Result<Report> {
        let report = service.caller.push().await?;
        let now = Timestamp(milliseconds(&self.clock) / 1_000);
        let mut account = self.api.account();
        for copy in account.books().sightings.iter().skip(self.looked) {
            if let Some(fan) = self.places.get(&*copy.openid).and_then(|place| self.fans.get_mut(*place)) {
                fan.sees(now);
            }
            self.looked += 1;
        }
        for fan in self.fans.iter().filter(|fan| fan.blocks) {
            account.audience.fan(&fan.openid).refuses = true;
        }
        Ok(report)
    }

    /// A run that is killed in the middle: from one moment on nothing of it reaches the store. Another process goes on.
    async fn killed(&mut self, service: Service, now: Timestamp) -> anyhow::Result<Service> {
        self.clock.stop_at(moment(now));
        self.report(&service).await?;
        let api = self.api.clone();
        let last = api.account().books().accepted + KILLED_AFTER;
        service.host.store().watch(move |operation| {
            let dead = operation.component == "push" && api.account().books().accepted >= last;
            if dead { Allowed::Fail } else { Allowed::Proceed }
        });
        // With few fans it may be done before.
        let killed = matches!(self.push(&service).await?.end, End::Failed(_));
        service.host.stop().await;
        self.done.kills += u64::from(killed);
        let service = self.start().await?;
        self.at(&service, Timestamp(now.0 + RESTART), What::Push).await?;
        Ok(service)
    }
}

/// What a clock shows, since 1970.
fn milliseconds(clock: &Clock) -> u64 {
    let since = clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
