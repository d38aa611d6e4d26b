//! A brand whose fans ask for things, an outbox, and a receiver that fails as a test wants; time passes only where something waits for it.

use crate::brand::{self, Brand, START, openid, placed};
use guanxi::{
    facts::{
        Entry,
        dialog::Left,
        request::{Asked, Kind, Line, Request, Said, list, number},
    },
    journal::orders::webhook::{Headers, Secret},
    outbox::{Address, Answer, Head, Post, PostError, Posts, Report, Tools, deliver, resend},
    store::{
        Store, Timer,
        key::Stored as _,
        lease::Refused,
        memory::{Fate, Memory, Operation},
    },
    time::{Timestamp, UtcOffset},
};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::{pending, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The request that a fan makes at `START` + `at` seconds.
pub(crate) fn request(fan: &str, at: u64, kind: Kind) -> Request {
    let said = |step: &str, value: &str| Said {
        step: step.into(),
        value: value.into(),
        words: String::new(),
        personal: step != "pay",
    };
    let order = kind == Kind::Order;
    Request {
        number: number(&format!("{fan}|{at}"), "shop"),
        kind,
        source: "shop".into(),
        at: Timestamp(START + at),
        answers: if order { vec![said("address", "长乐路 1 号"), said("pay", "cash")] } else { Vec::new() },
        lines: if order {
            vec![Line { product: "choc6".into(), name: "巧克力蛋糕".into(), quantity: 2, price: 16_800 }]
        } else {
            Vec::new()
        },
        text: if order { String::new() } else { "很好吃".into() },
        forget_days: None,
    }
}

/// A message that leaves a request.
pub(crate) fn leaves(fan: &str, at: u64, request: Request) -> Entry {
    let Entry::Received(mut received) = brand::text(fan, at, "下单", Some("shop")) else {
        panic!("a text is received")
    };
    received.left = Left { requests: vec![request], ..Left::default() }.encode();
    Entry::Received(received)
}

pub(crate) fn asks(fan: &str, at: u64) -> Entry {
    leaves(fan, at, request(fan, at, Kind::Order))
}

/// A clock that goes on when all wait.
#[derive(Default)]
pub(crate) struct Clock {
    now: Cell<Duration>,
    waiting: RefCell<Vec<(Duration, Waker)>>,
}

impl Timer for Clock {
    fn elapsed(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        let end = self.now.get().saturating_add(duration);
        poll_fn(|context| {
            if self.now.get() >= end {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push((end, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

impl Clock {
    /// What some work comes to; none: it was killed, or waits for nothing that comes.
    fn run<T>(&self, killed: &Cell<bool>, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Some(done);
            }
            if killed.get() {
                return None;
            }
            let next = self.waiting.borrow().iter().map(|(end, _)| *end).filter(|end| *end > self.now.get()).min()?;
            self.now.set(next);
            let due = self.waiting.borrow_mut().extract_if(.., |(end, _)| *end <= next).collect::<Vec<_>>();
            due.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }
}

/// What the receiver does with a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes it, after so many milliseconds.
    Takes(u64),
    /// Takes it and dies before it has answered.
    TakesAndDies,
    /// Answers something else.
    Says(u16),
    /// Asks for time.
    Later(u64),
    /// Is not there.
    Down,
    /// Says nothing.
    Silent,
    /// The outbox is killed while the post is on its way; the receiver takes it.
    Kills,
}

/// How the receiver decides, by a request's number and how often it came.
type Moods = Box<dyn FnMut(&str, u32) -> Mood>;

/// The brand's side.
pub(crate) struct Receiver {
    clock: RefCell<Rc<Clock>>,
    moods: RefCell<Moods>,
    times: RefCell<BTreeMap<String, u32>>,
    /// What it took, in order: number and fan.
    pub(crate) took: RefCell<Vec<(String, String)>>,
    pub(crate) bodies: RefCell<Vec<serde_json::Value>>,
    here: RefCell<BTreeSet<String>>,
    pub(crate) most: Cell<usize>,
    now: Cell<Timestamp>,
    killed: Rc<Cell<bool>>,
}

impl Posts for &Receiver {
    async fn post(&self, post: Post<'_>) -> Result<Answer, PostError> {
        assert_eq!(post.url, "https://shop.example.com/hook");
        let header =
            |name: &str| post.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let id = header("webhook-id").unwrap().to_owned();
        let signed = Headers {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let clock = Rc::clone(&self.clock.borrow());
        let now = Timestamp(self.now.get().0 + clock.elapsed().as_secs());
        SECRET.parse::<Secret>().unwrap().verify(signed, &post.body, now).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(body["data"]["number"], id.as_str());
        let fan = body["data"]["openid"].as_str().unwrap().to_owned();
        assert!(self.here.borrow_mut().insert(fan.clone()), "two of one fan at once");
        self.most.set(self.most.get().max(self.here.borrow().len()));
        let nth = { *self.times.borrow_mut().entry(id.clone()).and_modify(|times| *times += 1).or_insert(1) };
        let mood = (self.moods.borrow_mut())(&id, nth);
        let _gone = Gone(&self.here, fan.clone());
        self.bodies.borrow_mut().push(body);
        let take = || self.took.borrow_mut().push((id.clone(), fan.clone()));
        let says = |status| Ok(Answer { status, retry_after: None });
        match mood {
            Mood::Takes(milliseconds) => {
                clock.sleep(Duration::from_millis(milliseconds)).await;
                take();
                says(200)
            }
            Mood::TakesAndDies => {
                take();
                Err(PostError("connection reset".into()))
            }
            Mood::Says(status) => says(status),
            Mood::Later(seconds) => Ok(Answer { status: 429, retry_after: Some(seconds) }),
            Mood::Down => Err(PostError("connection refused".into())),
            Mood::Silent => pending().await,
            Mood::Kills => {
                take();
                self.killed.set(true);
                pending().await
            }
        }
    }
}

/// A post that is over, also where nobody waits for it any more.
struct Gone<'a>(&'a RefCell<BTreeSet<String>>, String);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().remove(&self.1);
    }
}

pub(crate) struct World {
    pub(crate) store: Memory,
    pub(crate) brand: RefCell<Brand>,
    pub(crate) receiver: Receiver,
    killed: Rc<Cell<bool>>,
    running: Rc<Cell<bool>>,
    runs: Cell<u64>,
}

impl World {
    /// Entries that rollup has folded, and a receiver.
    pub(crate) fn new(
        entries: impl IntoIterator<Item = Entry>,
        moods: impl FnMut(&str, u32) -> Mood + 'static,
    ) -> Self {
        let killed = Rc::new(Cell::new(false));
        let receiver = Receiver {
            clock: RefCell::default(),
            moods: RefCell::new(Box::new(moods)),
            times: RefCell::default(),
            took: RefCell::default(),
            bodies: RefCell::default(),
            here: RefCell::default(),
            most: Cell::default(),
            now: Cell::default(),
            killed: Rc::clone(&killed),
        };
        let (store, brand) = (Memory::default(), RefCell::default());
        let world = Self { store, brand, receiver, killed, running: Rc::default(), runs: Cell::default() };
        world.fold(entries);
        world
    }

    /// Rollup folds more.
    pub(crate) fn fold(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut brand = self.brand.borrow_mut();
        let before = brand.records.clone();
        brand.fold(&placed(entries));
        for key in before.keys().filter(|key| !brand.records.contains_key(*key)) {
            self.now(self.store.delete(key)).unwrap();
        }
        for (key, value) in &brand.records {
            self.now(self.store.set(key, value)).unwrap();
        }
    }

    fn now<T>(&self, call: impl Future<Output = T>) -> T {
        futures::FutureExt::now_or_never(call).unwrap()
    }

    pub(crate) fn moods(&self, moods: impl FnMut(&str, u32) -> Mood + 'static) {
        *self.receiver.moods.borrow_mut() = Box::new(moods);
    }

    /// A run that begins `at` seconds after `START`; none: it was killed.
    pub(crate) fn run(&self, at: u64) -> Option<Result<Report, Refused>> {
        let (now, clock) = (Timestamp(START + at), Rc::new(Clock::default()));
        self.killed.set(false);
        self.receiver.now.set(now);
        self.receiver.clock.replace(Rc::clone(&clock));
        self.runs.set(self.runs.get() + 1);
        let (address, secret) = (Address::new("https://shop.example.com", "/hook").unwrap(), SECRET.parse().unwrap());
        let tools = Tools {
            store: &self.store,
            timer: &*clock,
            posts: &&self.receiver,
            address: &address,
            secret: &secret,
            offset: UtcOffset::BEIJING,
        };
        self.running.set(true);
        let report = clock.run(&self.killed, deliver(&tools, now, self.runs.get()));
        self.running.set(false);
        report
    }

    /// A run each minute.
    pub(crate) fn live(&self, minutes: std::ops::Range<u64>) {
        minutes.for_each(|minute| drop(self.run(60 * minute)));
    }

    /// Lets a judge decide over operations of runs; with true, the run is dead after that.
    pub(crate) fn judge(&self, mut judge: impl FnMut(Operation<'_>) -> (Fate, bool) + 'static) {
        let (killed, running) = (Rc::clone(&self.killed), Rc::clone(&self.running));
        self.store.judge_by(move |operation| {
            if !running.get() {
                return Fate::Works;
            }
            let (fate, kills) = judge(operation);
            killed.set(killed.get() || kills);
            fate
        });
    }

    pub(crate) fn wish(&self, number: &str) -> Result<(), resend::Refused> {
        self.now(resend::wish(&self.store, number))
    }

    pub(crate) fn head(&self) -> Head {
        self.store.values().get(&*Head::key()).map(|bytes| Head::decode(bytes).unwrap()).unwrap_or_default()
    }

    /// The numbers of a fan's requests as they stand on the list.
    pub(crate) fn listed(&self, fan: &str) -> Vec<String> {
        let items = self.brand.borrow().list::<Asked>(&list());
        let of = items.into_iter().flatten().filter(|asked| asked.openid == openid(fan));
        of.map(|asked| asked.request.number).collect()
    }

    /// What the receiver took of a fan, each once, in the order in which it came first.
    pub(crate) fn took(&self, fan: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let took = self.receiver.took.borrow();
        took.iter().filter(|(id, of)| of == fan && seen.insert(id)).map(|(id, _)| id.clone()).collect()
    }

    /// How often each request was delivered, as the head counts.
    pub(crate) fn delivered(&self) -> u64 {
        self.head().delivered.values().flat_map(BTreeMap::values).sum()
    }
}
