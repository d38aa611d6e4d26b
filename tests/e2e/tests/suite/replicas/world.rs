//! Replicas on one Redis, their fans, a shop, and WeChat.

use super::{
    fans::What,
    replica::{Replica, within_wechats_patience},
};
use crate::killed_push::{BOUGHT, FANS, PLAYBOOK, openid, purchases};
use e2e::{API_APP_SECRET, APP_ID, Answer, Server, templates};
use guanxi::{
    facts::Place,
    journal::SEQUENCE,
    playbook::{compile, publish},
    time::Timestamp,
};
use guanxi_host::store::{Location, Store};
use guanxi_simulator::api::{Account, ApiServer, Latency, Rules};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redis_process::RedisServer;
use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::task::JoinHandle;

pub(super) const MINUTE: u64 = 60;
pub(super) const DAY: u64 = 86_400;
/// 20:00 in Beijing on the day that the reminders are due: 30 days of supply, 5 days of lead.
const EVENING: u64 = BOUGHT + 25 * DAY + 10 * 60 * MINUTE;
/// The replicas' clocks, in seconds that they are ahead.
const AHEAD: [u64; 3] = [0, 60, 25];
/// Messages of a minute.
const MESSAGES: usize = 8;
/// Tries of one message, each at the next replica.
const TRIES: usize = 3;

pub(crate) struct World {
    pub(super) redis: RedisServer,
    pub(super) store: SocketAddr,
    /// Of connections, in seconds, that the store bears.
    pub(super) silence: u32,
    pub(super) replicas: Vec<Replica>,
    pub(super) wechat: ApiServer,
    /// The true time, in seconds since 1970.
    pub(super) clock: Arc<AtomicU64>,
    pub(super) rng: ChaCha8Rng,
    /// The next message's number.
    next: u64,
    /// Messages and orders that were answered.
    pub(super) answered: Arc<Mutex<BTreeSet<String>>>,
    errors: Arc<AtomicU64>,
}

/// Requests under way.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(super) callbacks: Vec<JoinHandle<()>>,
    pub(super) jobs: Vec<JoinHandle<Option<Answer>>>,
}

impl Traffic {
    pub(super) fn is_over(&self) -> bool {
        self.callbacks.iter().all(JoinHandle::is_finished) && self.jobs.iter().all(JoinHandle::is_finished)
    }

    /// The jobs' answers, where there are any.
    pub(super) async fn over(self) -> Vec<Option<Answer>> {
        for callback in self.callbacks {
            callback.await.unwrap();
        }
        let mut answers = Vec::new();
        for job in self.jobs {
            answers.push(job.await.unwrap());
        }
        answers
    }
}

impl World {
    /// So many replicas (three at most) on a store that closes connections after so many seconds of silence (0: never), on the evening on
    /// which the reminders are due.
    pub(crate) async fn open(seed: u64, replicas: usize, silence: u32) -> Self {
        let redis = tokio::task::spawn_blocking(RedisServer::start).await.unwrap();
        let store = redis.url().trim_start_matches("redis://").parse().unwrap();
        limit_silence(store, silence);
        let clock = Arc::new(AtomicU64::new(BOUGHT + MINUTE));
        let wechat = wechat(seed, &clock).await;
        let mut world = Self {
            redis,
            store,
            silence,
            replicas: Vec::new(),
            wechat,
            clock,
            rng: ChaCha8Rng::seed_from_u64(seed),
            next: 0,
            answered: Arc::default(),
            errors: Arc::default(),
        };
        world.prepare().await;
        for ahead in AHEAD.into_iter().take(replicas) {
            world.replicas.push(Replica::start(store, world.wechat.base_url(), ahead).await);
        }
        world.pass(0).await;
        for _ in 0..2 {
            world.minute().await;
        }
        world.pass(EVENING - world.now()).await;
        world
    }

    /// The playbook, and what the fans bought.
    async fn prepare(&self) {
        let store = self.look();
        // The whole journal, for who looks what is to be made of it.
        let playbook = PLAYBOOK.replace("version = 1\n", "version = 1\nkeep_days = 30\n");
        let (_, writes) = publish::publish(None, &compile(&playbook).unwrap(), Timestamp(0)).unwrap();
        store.set_many(writes).await.unwrap();
        for entries in purchases().chunks(128) {
            let stream = store.increment(SEQUENCE, 1).await.unwrap() as u64;
            let writes = (0..).zip(entries).map(|(index, entry)| (Place { stream, index }.to_string(), entry.encode()));
            store.set_many(writes.collect()).await.unwrap();
        }
        store.close().await;
    }

    /// The store, past all proxies.
    pub(crate) fn look(&self) -> Store {
        Store::open(&Location::Redis(format!("redis://{}", self.store).parse().unwrap())).unwrap()
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Moves all clocks, but of whoever is frozen.
    pub(super) async fn pass(&mut self, seconds: u64) {
        let now = self.clock.fetch_add(seconds, Ordering::SeqCst) + seconds;
        for replica in self.replicas.iter_mut().filter(|replica| !replica.is_frozen()) {
            replica.set_clock(now).await;
        }
    }

    /// A minute of traffic at all replicas, to its end.
    pub(super) async fn minute(&mut self) -> Vec<Option<Answer>> {
        self.pass(MINUTE).await;
        let everywhere = Vec::from_iter(0..self.replicas.len());
        self.traffic(&everywhere).over().await
    }

    /// Callbacks and orders at these replicas, and every job at each of them in the same second, the first one's first.
    pub(super) fn traffic(&mut self, at: &[usize]) -> Traffic {
        let jobs = at.iter().flat_map(|at| ["rollup", "push"].map(|job| self.replicas[*at].fire(job))).collect();
        let callbacks = (0..MESSAGES).map(|_| self.callback(at)).collect();
        Traffic { callbacks, jobs }
    }

    /// One message or order, tried at one replica after the other, as WeChat and a shop would.
    fn callback(&mut self, at: &[usize]) -> JoinHandle<()> {
        let (what, first) = self.draw(at.len());
        let tries: Vec<_> = (first..first + TRIES).map(|n| self.way(at[n % at.len()])).collect();
        let (answered, clock) = (Arc::clone(&self.answered), Arc::clone(&self.clock));
        tokio::spawn(async move {
            for (server, ahead) in tries {
                // Signed anew for each try.
                let now = Timestamp(clock.load(Ordering::SeqCst) + ahead);
                if was_taken(within_wechats_patience(what.send(&server, now)).await) {
                    answered.lock().unwrap().insert(what.identity());
                    return;
                }
            }
        })
    }

    /// One at any replica, tried once; `slowest` is what the slowest took, in milliseconds.
    pub(super) fn timed_callback(&mut self, slowest: &Arc<AtomicU64>) -> JoinHandle<()> {
        let (what, at) = self.draw(self.replicas.len());
        let ((server, ahead), now) = (self.way(at), self.now());
        let (answered, errors, slowest) = (Arc::clone(&self.answered), Arc::clone(&self.errors), Arc::clone(slowest));
        tokio::spawn(async move {
            let began = Instant::now();
            if was_taken(within_wechats_patience(what.send(&server, Timestamp(now + ahead))).await) {
                answered.lock().unwrap().insert(what.identity());
            } else {
                errors.fetch_add(1, Ordering::SeqCst);
            }
            slowest.fetch_max(began.elapsed().as_millis() as u64, Ordering::SeqCst);
        })
    }

    /// What is sent next, and to which of so many.
    fn draw(&mut self, replicas: usize) -> (What, usize) {
        let (number, now) = (self.next, Timestamp(self.now()));
        self.next += 1;
        (What::draw(&mut self.rng, number, now), self.rng.random_range(0..replicas))
    }

    /// A replica, and how many seconds its clock is ahead.
    fn way(&self, replica: usize) -> (Arc<Server>, u64) {
        let replica = &self.replicas[replica];
        (Arc::clone(&replica.server), replica.ahead)
    }

    /// How many different ones were answered, and how many were sent.
    pub(super) fn shares(&self) -> (usize, u64) {
        (self.answered.lock().unwrap().len(), self.next)
    }

    /// [Timed](Self::timed_callback) ones that were not answered.
    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::SeqCst)
    }

    pub(crate) async fn close(self) {
        drop(self.replicas);
        self.wechat.stop().await;
        tokio::task::spawn_blocking(|| drop(self.redis)).await.unwrap();
    }
}

/// Sets the server's `timeout`, which is in seconds.
pub(super) fn limit_silence(store: SocketAddr, seconds: u32) {
    let mut stream = TcpStream::connect(store).unwrap();
    stream.write_all(format!("CONFIG SET timeout {seconds}\r\n").as_bytes()).unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
}

fn was_taken(answer: Option<Answer>) -> bool {
    answer.is_some_and(|answer| [200, 204].contains(&answer.status))
}

async fn wechat(seed: u64, clock: &Arc<AtomicU64>) -> ApiServer {
    let mut rules = Rules { seed, app_id: APP_ID.into(), secret: API_APP_SECRET.into(), ..Rules::default() };
    rules.latency = Latency::Fixed(4);
    templates(&mut rules);
    let mut account = Account::new(rules);
    (0..FANS).for_each(|fan| account.audience.fan(&openid(fan)).follow(BOUGHT * 1_000));
    let shown = Arc::clone(clock);
    ApiServer::start(account, move || shown.load(Ordering::SeqCst) * 1_000).await.unwrap()
}
