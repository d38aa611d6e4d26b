//! What was answered is on disk: the host is killed with SIGKILL while it answers callbacks, and every message that got its
//! answer is in the journal. On the local host with the real `.wasm`, in processes of its own, on one store.

use e2e::{
    Server, now, run,
    stores::{Kind, Outliving},
    text,
};
use guanxi::{facts::Entry, wechat::endpoint::Mode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

const KILLS: usize = 50;
/// On the further kinds of store.
const KILLS_SAMPLE: usize = 16;
/// Messages on the way at a time.
const AT_ONCE: usize = 8;
/// It is killed before it has given so many answers, or made so many store operations.
const ANSWERS_MAX: u64 = 60;
const OPERATIONS_MAX: u64 = 120;

/// When the host is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// By itself, at this store operation.
    Operation(u64),
    /// From outside, when so many messages are answered.
    Answered(u64),
}

/// A host in a process of its own, and its URL.
fn serve(store: &Outliving, kill: Kill) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_callbacks_until_killed"));
    process.args(store.arguments()).stdout(Stdio::piped());
    if let Kill::Operation(number) = kill {
        process.arg(number.to_string());
    }
    let mut process = process.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("http://"), "it does not serve: {:?}", process.wait());
    (process, url.trim_end().to_owned())
}

/// Sends messages until the host is dead, and gives the numbers of those that were answered. `next` counts all of them.
async fn until_killed(process: Child, server: Server, kill: Kill, next: &Arc<AtomicU64>) -> Vec<u64> {
    let (process, server) = (Arc::new(Mutex::new(process)), Arc::new(server));
    let answered = Arc::new(Mutex::new(Vec::new()));
    let senders = (0..AT_ONCE).map(|_| {
        let (process, server, next, answered) = (process.clone(), server.clone(), next.clone(), answered.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                let message = text(&format!("oFan-{}", number % 16), now(), number, "换粮");
                let Some(answer) = server.try_push(&message).await else { return };
                assert_eq!(answer.status, 200, "message {number}");
                let count = {
                    let mut answered = answered.lock().unwrap();
                    answered.push(number);
                    answered.len() as u64
                };
                if matches!(kill, Kill::Answered(most) if count >= most) {
                    process.lock().unwrap().kill().unwrap();
                }
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    assert!(!process.lock().unwrap().wait().unwrap().success(), "{kill:?}: it ended by itself");
    Arc::into_inner(answered).unwrap().into_inner().unwrap()
}

/// The numbers of all messages in the journal, and how many entries there are.
async fn journal(store: &Outliving) -> (BTreeSet<u64>, usize) {
    let store = store.open();
    let keys = store.keys("journal:").await.unwrap();
    let mut numbers = BTreeSet::new();
    for key in &keys {
        let Entry::Received(received) = Entry::decode(&store.get(key).await.unwrap().unwrap()).unwrap() else {
            panic!("callback writes pushes only")
        };
        numbers.insert(received.message.msg_id.unwrap().parse().unwrap());
    }
    store.close().await;
    (numbers, keys.len())
}

#[test]
fn on_the_local_host_nothing_answered_is_lost_in_fifty_kills_in_wal() {
    kills(Kind::Wal, KILLS);
}

#[test]
fn on_the_local_host_nothing_answered_is_lost_in_fifty_kills_in_delete() {
    kills(Kind::Delete, KILLS);
}

#[test]
fn on_the_local_host_nothing_answered_is_lost_in_kills_amid_commits_of_a_group() {
    kills(Kind::Group, KILLS_SAMPLE);
}

#[test]
fn on_the_local_host_nothing_answered_is_lost_in_kills_of_it_and_of_its_redis() {
    kills(Kind::Redis, KILLS_SAMPLE);
}

fn kills(kind: Kind, kills: usize) {
    e2e::build();
    let mut store = Outliving::new(kind);
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let next = Arc::new(AtomicU64::new(1));
    let mut answered = BTreeSet::new();
    run(async {
        for number in 0..kills {
            let kill = match number % 2 {
                0 => Kill::Operation(rng.random_range(0..OPERATIONS_MAX)),
                _ => Kill::Answered(rng.random_range(1..ANSWERS_MAX)),
            };
            let (process, url) = serve(&store, kill);
            answered.extend(until_killed(process, Server::new(&url, Mode::Safe), kill, &next).await);
            store.kill_server();
            let (stored, entries) = journal(&store).await;
            let lost: Vec<u64> = answered.difference(&stored).copied().collect();
            assert!(lost.is_empty(), "{kill:?}: answered and not in the journal: {lost:?}");
            assert_eq!(entries, stored.len(), "{kill:?}: a message is there twice");
        }
    });
    let sent = next.load(Ordering::SeqCst) as usize - 1;
    assert!(answered.len() > kills * 10 && sent - answered.len() >= kills, "{} of {sent}", answered.len());
}
