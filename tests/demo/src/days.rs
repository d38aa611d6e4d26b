//! The second act: 30 days of a brand with eight channels. The simulated clock drives the components, the fans, the shop
//! system's orders and the rollup job; then the reports.

mod plan;
mod tables;

use crate::{
    AT_ONCE, Arguments, MORNING, NETWORK, brand,
    caller::{self, Caller},
    deliver_to, moment, start_with,
};
use anyhow::{Context, bail};
use guanxi::{
    playbook::{Terms, compile},
    report::Brand,
    time::Timestamp,
};
use guanxi_host::{Host, Options, StateDir};
use guanxi_simulator::{Act, Conditions, Delivery, Scenario, Verdict, scenario::Step};
use indicatif::ProgressIterator;
use plan::{Deed, Plan, What};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};

const DAYS: u64 = 30;

/// Hours after [`MORNING`] at which fans come, each day.
const HOURS: [u64; 3] = [0, 4, 9];

/// Moments at which something happens.
const SLOTS: usize = DAYS as usize * HOURS.len();

/// Rollups of one slot, at most.
const RUNS_MAX: u64 = 10;

/// What really happened.
#[derive(Default)]
struct Done {
    /// Who ever followed.
    known: BTreeSet<usize>,
    messages: u64,
    scans: u64,
    new: u64,
    returning: u64,
    lost: u64,
    orders: u64,
    cents: u64,
    /// Messages that brought no answer or a faulty one.
    unanswered: u64,
    /// Parts of the journal that no rollup has opened.
    backlog: u64,
}

struct Stage<'a> {
    host: &'a Host,
    caller: Caller,
    delivery: Delivery,
    seed: u64,
    done: Done,
}

/// Plays the days and prints the tables. Gives what served them, an hour after the last fan came, and says whether all was as it must
/// be.
pub(crate) async fn play(arguments: &Arguments, root: &Path) -> anyhow::Result<(Host, bool)> {
    let file = root.join("functions/playbook.toml");
    let words = brand::read(&file)?.keywords;
    let brand = load(&file)?;
    let options = Options::for_test(root.join("spin.toml")).variable("orders_secret", caller::ORDERS_SECRET);
    let state_dir = arguments.kept("days")?.map_or(StateDir::None, StateDir::Path);
    let host = start_with(Options { state_dir, ..options }, arguments).await?;
    let plan = Plan::draw(arguments.seed, arguments.days_fans, &brand, &words);
    let mut stage = Stage {
        host: &host,
        caller: Caller::new(host.url())?,
        delivery: deliver_to(&host, arguments)?,
        seed: arguments.seed,
        done: Done::default(),
    };
    for slot in (0..SLOTS).progress() {
        stage.slot(slot, &plan).await?;
    }
    let now = Timestamp(time_of(SLOTS - 1).0 + 3_600);
    let clean = tables::print(&brand, host.store(), now, &stage.done).await?;
    host.clock().stop_at(moment(now));
    Ok((host, clean))
}

/// What reports need of the playbook.
fn load(file: &Path) -> anyhow::Result<Brand> {
    match compile(&fs::read_to_string(file)?) {
        Ok(compiled) => Ok((&Terms::load(&compiled)?).into()),
        Err(problems) => bail!("{} has {} problems", file.display(), problems.len()),
    }
}

/// When a slot begins.
fn time_of(slot: usize) -> Timestamp {
    let (day, part) = (slot / HOURS.len(), slot % HOURS.len());
    let hours = HOURS.get(part).copied().unwrap_or_default();
    Timestamp(MORNING.0 + day as u64 * 86_400 + hours * 3_600)
}

impl Stage<'_> {
    /// Fans come, in the evening the day's orders do, and the journal is folded.
    async fn slot(&mut self, slot: usize, plan: &Plan) -> anyhow::Result<()> {
        let start = time_of(slot);
        self.set(start);
        self.fans(start, &deeds(plan, slot, slot), plan).await?;
        // The callback's clock stood still; fans wrote up to so many seconds later.
        let later = Timestamp(start.0 + 1_800);
        if slot % HOURS.len() == HOURS.len() - 1 {
            self.set(later);
            self.orders(later, &deeds(plan, slot + 1 - HOURS.len(), slot), plan).await?;
        }
        self.fold(later).await
    }

    fn set(&self, now: Timestamp) {
        self.host.clock().stop_at(moment(now));
    }

    async fn fans(&mut self, start: Timestamp, deeds: &[&Deed], plan: &Plan) -> anyhow::Result<()> {
        let acts = deeds.iter().filter_map(|deed| match &deed.what {
            What::Act(act) => Some((deed.fan, act.clone())),
            What::Buy(..) => None,
        });
        // A fan does one thing in a slot, so the seconds need not be in anybody's order.
        let steps = acts.enumerate().map(|(index, (fan, act))| Step { fan, at: index as u32 % 240, act });
        let scenario = Scenario { fans: plan.openids.clone(), steps: steps.collect() };
        let conditions = Conditions { start, network: NETWORK, seed: self.seed ^ start.0, at_once: AT_ONCE };
        let trace = guanxi_simulator::run(&scenario, &self.delivery, conditions, || ()).await?;
        for entry in trace.0 {
            self.done.count(entry.fan, &entry.act);
            self.done.unanswered += u64::from(matches!(entry.delivered.verdict, Verdict::Fault(_) | Verdict::NoAnswer));
        }
        Ok(())
    }

    async fn orders(&mut self, now: Timestamp, deeds: &[&Deed], plan: &Plan) -> anyhow::Result<()> {
        let mut orders: Vec<Value> = Vec::new();
        for deed in deeds {
            if let (What::Buy(product, cents), Some(openid)) = (&deed.what, plan.openids.get(deed.fan)) {
                let id = format!("{}-{}", deed.slot, deed.fan);
                let line = json!({ "product": product, "quantity": 1, "amount": cents });
                let time = time_of(deed.slot).0;
                orders.push(json!({ "id": id, "openid": openid, "time": time, "lines": [line] }));
                self.done.orders += 1;
                self.done.cents += cents;
            }
        }
        self.caller.orders(&orders, now).await
    }

    /// Has the journal folded, a minute apart, until nothing is left.
    async fn fold(&mut self, from: Timestamp) -> anyhow::Result<()> {
        for run in 1..=RUNS_MAX {
            self.set(Timestamp(from.0 + run * 60));
            let report = self.caller.rollup().await?;
            let number = |pointer| report.pointer(pointer).and_then(Value::as_u64);
            self.done.backlog = number("/backlog/unopened_streams").context("the rollup tells no backlog")?;
            if number("/entries") == Some(0) {
                return Ok(());
            }
        }
        bail!("after {RUNS_MAX} rollups there is still something to fold")
    }
}

/// What happens in these slots.
fn deeds(plan: &Plan, first: usize, last: usize) -> Vec<&Deed> {
    plan.deeds.iter().filter(|deed| (first..=last).contains(&deed.slot)).collect()
}

impl Done {
    fn count(&mut self, fan: usize, act: &Act) {
        self.messages += 1;
        match act {
            Act::Follow { scene } => {
                let new = self.known.insert(fan);
                *(if new { &mut self.new } else { &mut self.returning }) += 1;
                self.scans += u64::from(scene.is_some());
            }
            Act::Scan { .. } => self.scans += 1,
            Act::Unfollow => self.lost += 1,
            _ => {}
        }
    }
}
