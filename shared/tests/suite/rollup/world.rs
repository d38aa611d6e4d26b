//! A brand's morning, minute by minute: instances append to the journal, and a run of the rollup follows.

use futures::FutureExt;
use guanxi::{
    facts::{
        Entry, Erase, FanStatus, Orders, Place, Received, Touch,
        order::{Line, OrderEvent, OrderKind},
        push::{Group, LedgerNews, News, PushId, Series, What},
    },
    fold::{
        Settings,
        rollup::{Folding, Report, rollup},
    },
    journal::{Journal, SEQUENCE},
    playbook::{Content, Product, Pushes, Reminder},
    store::{
        Store, StoreError, Timer,
        lease::Refused,
        memory::{Memory, SleepClock},
    },
    time::Timestamp,
    wechat::{Message, OpenId},
};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::pending,
    rc::Rc,
    time::Duration,
};

/// A morning in 2027.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000 / 86_400 * 86_400 + 8 * 3_600);
/// What is bought.
const PRODUCT: &str = "cat-food";
/// Minutes in which something happens.
pub(crate) const EVENTFUL: u64 = 4;
/// Minutes until every stream is closed, also when a run died in one of the minutes before [`CALM`].
pub(crate) const END: u64 = 18;
/// Minutes until every stream is closed when nothing goes wrong.
pub(crate) const CALM: u64 = 11;

pub(crate) fn at(minute: u64) -> Timestamp {
    Timestamp(START.0 + 60 * minute)
}

/// A clock that stands still: what waits for it waits for ever.
pub(crate) struct Still;

impl Timer for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

/// A store that takes numbers but no entries: they stay under way.
struct Slow<'a>(&'a Memory, RefCell<Vec<(String, Vec<u8>)>>);

impl Store for Slow<'_> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.1.replace(vec![(key.to_owned(), value.to_owned())]);
        Err(StoreError("slow".into()))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key).await
    }

    async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        self.0.set_many(values).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        self.0.delete_many(keys).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.0.increment(key, delta).await
    }
}

/// An instance writes an entry.
pub(crate) fn append(store: &Memory, instance: &Journal, now: Timestamp, entry: &Entry) -> Place {
    let timer = SleepClock::default();
    instance.append(store, &timer, now, entry).now_or_never().unwrap().unwrap()
}

/// An instance takes a place for an entry and does not get to write it: what it would have written.
pub(crate) fn hold(store: &Memory, instance: &Journal, now: Timestamp, entry: &Entry) -> Vec<(String, Vec<u8>)> {
    let (slow, timer) = (Slow(store, RefCell::default()), SleepClock::default());
    instance.append(&slow, &timer, now, entry).now_or_never().unwrap().unwrap_err();
    slow.1.take()
}

/// Text message `id` of a fan.
pub(crate) fn text(fan: u64, id: u64, time: Timestamp) -> Entry {
    let body = format!("<MsgType>text</MsgType><Content>{}</Content><MsgId>{id}</MsgId>", id % 3);
    push(fan, time, &body, None)
}

/// A fan follows, by no code.
pub(crate) fn follow(fan: u64, time: Timestamp) -> Entry {
    push(fan, time, "<MsgType>event</MsgType><Event>subscribe</Event><EventKey></EventKey>", None)
}

/// A fan unfollows.
pub(crate) fn leaves(fan: u64, time: Timestamp) -> Entry {
    push(fan, time, "<MsgType>event</MsgType><Event>unsubscribe</Event><EventKey></EventKey>", None)
}

fn push(fan: u64, time: Timestamp, fields: &str, touch: Option<Touch>) -> Entry {
    let body = format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>fan-{fan}</FromUserName><CreateTime>{time}</CreateTime>{fields}\
         </xml>"
    );
    let (_, message) = Message::parse(body.as_bytes()).unwrap();
    Entry::Received(Received {
        message,
        touch,
        rule: Some("r".into()),
        milliseconds: 3,
        pushes: None,
        left: Vec::new(),
    })
}

fn event(rng: &mut ChaCha8Rng, id: u64, time: Timestamp) -> Entry {
    let fan = rng.random_range(1..6);
    let channel = format!("shop_{}", rng.random_range(1..4));
    match rng.random_range(0..12) {
        0 => {
            let fields = format!(
                "<MsgType>event</MsgType><Event>subscribe</Event><EventKey>qrscene_{channel}</EventKey>\
                 <Ticket>t{id}</Ticket>"
            );
            push(fan, time, &fields, Some(Touch { channel: Some(channel), fan: FanStatus::New }))
        }
        1 => leaves(fan, time),
        2 => {
            let fields = "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>menu</EventKey>";
            push(fan, time, fields, None)
        }
        3 => Entry::Orders(Orders { at: time, orders: vec![order(fan, id, time), order(fan, id % 4, time)] }),
        4 => Entry::Erase(Erase { openid: openid(fan), at: time }),
        5 | 6 => Entry::Ledger(LedgerNews(vec![
            news(fan, id % 3, time, What::Planned),
            news(id % 6, 1, time, What::Unknown),
        ])),
        7 => {
            let fields = format!(
                "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>{id}</MsgID><Status>success</Status>"
            );
            push(fan, time, &fields, None)
        }
        _ => text(fan, id, time),
    }
}

/// News of a fan's `n`th push.
pub(crate) fn news(fan: u64, n: u64, at: Timestamp, what: What) -> News {
    News {
        openid: openid(fan),
        id: PushId::of(&format!("{fan} {n}")),
        series: Series::Reminder(PRODUCT.into()),
        due: START,
        outcome_days: 14,
        group: Some(Group::Treated),
        at,
        what,
    }
}

/// A playbook that reminds of what is bought here.
pub(crate) fn reminding() -> Settings {
    let content = Content::Message { text: "soon".into() };
    let reminder = Reminder { lead_days: 3, gap_days: 1, preferred_hour: None, holdout: 0, ways: content.into() };
    let product = Product { name: "cat food".into(), supply_days: 30, reminder: Some(reminder) };
    let pushes = Pushes { products: BTreeMap::from([(PRODUCT.into(), product)]), ..Pushes::default() };
    Settings { pushes, ..Settings::default() }
}

fn openid(fan: u64) -> OpenId {
    OpenId::try_from(format!("fan-{fan}")).unwrap()
}

pub(crate) fn order(fan: u64, id: u64, at: Timestamp) -> OrderEvent {
    let line = Line { product: PRODUCT.into(), quantity: 1, amount: 1_990 };
    let kind = if id % 5 == 4 { OrderKind::Refund } else { OrderKind::Order };
    let (openid, unionid) = (Some(openid(fan)), Some(format!("u{fan}")));
    OrderEvent { id: id.to_string(), kind, version: 1, openid, unionid, at, lines: vec![line], request: None }
}

/// What an instance does in a minute.
#[derive(Clone)]
enum Step {
    /// Writes an entry.
    Append(usize, Entry),
    /// Takes a place for an entry that is not written yet, perhaps never.
    Hold(usize, Entry),
    /// What was held is written, some minutes late.
    Release,
    /// The instance goes; its next entry is in a new stream.
    Restart(usize),
    /// A stream number is taken and its answer lost.
    LoseNumber,
    /// Something else is in an entry's place.
    Damage,
}

/// Store, instances and script.
pub(crate) struct World<F> {
    pub(crate) store: Memory,
    /// True while a run is at work, so that a judge can tell its operations from the appends.
    pub(crate) running: Cell<bool>,
    folding: F,
    script: Vec<Vec<Step>>,
    instances: RefCell<Vec<Journal>>,
    held: RefCell<Vec<(String, Vec<u8>)>>,
    minute: Cell<u64>,
}

impl<F: Folding + 'static> World<F> {
    pub(crate) fn new(morning: impl Into<Morning>, folding: F) -> Rc<Self> {
        Rc::new(Self {
            store: Memory::default(),
            running: Cell::new(false),
            folding,
            script: script(morning.into()),
            instances: RefCell::new((0..3).map(|_| Journal::default()).collect()),
            held: RefCell::default(),
            minute: Cell::new(0),
        })
    }

    /// The next minute.
    pub(crate) fn minute(&self) -> u64 {
        self.minute.get()
    }

    /// Lives until `end`: every minute its appends, then a run.
    pub(crate) fn live_until(&self, end: u64) {
        while self.minute.get() < end {
            let minute = self.minute.get();
            self.live(minute, |world| drop(world.run(minute, minute + 1)));
        }
    }

    /// Lives one minute: its appends, then `run`.
    pub(crate) fn live(&self, minute: u64, run: impl FnOnce(&Self)) {
        self.minute.set(minute + 1);
        for step in self.script.get(minute as usize).into_iter().flatten() {
            self.step(step, minute);
        }
        self.running.set(true);
        run(self);
        self.running.set(false);
    }

    /// One run; none: it died.
    pub(crate) fn run(&self, minute: u64, id: u64) -> Option<Result<Report, Refused>> {
        self.begin(minute, id).now_or_never()
    }

    /// One run, not polled yet.
    pub(crate) fn begin(&self, minute: u64, id: u64) -> impl Future<Output = Result<Report, Refused>> {
        rollup(&self.store, &Still, &self.folding, at(minute), id)
    }

    fn step(&self, step: &Step, minute: u64) {
        let mut instances = self.instances.borrow_mut();
        match step {
            Step::Append(instance, entry) => {
                append(&self.store, &instances[*instance], at(minute), entry);
            }
            Step::Hold(instance, entry) => {
                let held = hold(&self.store, &instances[*instance], at(minute), entry);
                self.held.borrow_mut().extend(held);
            }
            Step::Release => {
                for (key, value) in self.held.take() {
                    self.store.set(&key, &value).now_or_never().unwrap().unwrap();
                }
            }
            Step::Restart(instance) => instances[*instance] = Journal::default(),
            Step::LoseNumber => drop(self.store.increment(SEQUENCE, 1).now_or_never()),
            Step::Damage => {
                // Like any other write, but what arrives is not what was sent.
                for (key, _) in hold(&self.store, &Journal::default(), at(minute), &text(1, 99, at(minute))) {
                    self.store.set(&key, &[1, 99, 99]).now_or_never().unwrap().unwrap();
                }
            }
        }
    }

    /// What the rollup knows: all records but those of runs and the journal itself.
    pub(crate) fn knowledge(&self) -> BTreeMap<String, Vec<u8>> {
        let mut values = self.store.values();
        values.retain(|key, _| !["journal:", "run:", "damaged:"].iter().any(|prefix| key.starts_with(prefix)));
        values
    }
}

/// What happens in a morning.
#[derive(Clone, Copy)]
pub(crate) struct Morning {
    seed: u64,
    wild: bool,
}

impl Morning {
    /// One instance writes one entry after the other, so that these are folded in the same order whatever becomes of runs.
    pub(crate) fn steady(seed: u64) -> Self {
        Self { seed, wild: false }
    }
}

impl From<u64> for Morning {
    /// Retries, late and out-of-order entries, gaps, several streams.
    fn from(seed: u64) -> Self {
        Self { seed, wild: true }
    }
}

fn script(Morning { seed, wild }: Morning) -> Vec<Vec<Step>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut script = vec![Vec::new(); EVENTFUL as usize + 1];
    for id in 0..28 {
        let minute = rng.random_range(0..EVENTFUL);
        let time = Timestamp(at(minute).0 - rng.random_range(0..120));
        let entry = event(&mut rng, id, time);
        let mut instance = || rng.random_range(0..3);
        let steps = &mut script[minute as usize];
        match id % 7 {
            _ if !wild => steps.push(Step::Append(0, entry)),
            // WeChat tries again: at another instance, and once after the next run.
            0 => {
                steps.push(Step::Append(instance(), entry.clone()));
                steps.push(Step::Append(instance(), entry.clone()));
                script[minute as usize + 1].push(Step::Append(instance(), entry));
            }
            1 => steps.push(Step::Hold(instance(), entry)),
            _ => steps.push(Step::Append(instance(), entry)),
        }
    }
    for steps in &mut script {
        steps.shuffle(&mut rng);
    }
    if !wild {
        return script;
    }
    script[1].push(Step::LoseNumber);
    script[1].push(Step::Restart(0));
    script[2].push(Step::Damage);
    script[2].push(Step::Release);
    script[3].insert(0, Step::Restart(1));
    script
}
