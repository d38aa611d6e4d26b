//! What must be true in the end.

use super::{
    faults::TAKE_OVER,
    world::{DAY, MINUTE, World, limit_silence},
};
use crate::killed_push::FANS;
use e2e::{CONSOLE_TOKEN, JOB_TOKEN, Server, at};
use guanxi::{
    facts::Entry,
    journal::SEQUENCE,
    push::ledger::{Ledger, State},
    store::key::Stored as _,
    time::Timestamp,
    wechat::endpoint::Mode,
};
use guanxi_host::{Host, store::Store};
use hyper::Method;
use std::collections::{BTreeMap, BTreeSet};

/// Minutes after which streams are closed, and everything is folded and told.
const SETTLING: u64 = 14;
/// What does not depend on when and by whom an entry was folded.
const KNOWLEDGE: [&str; 2] = ["count:", "order:"];

impl World {
    /// Lets everything be folded, sent and told; a day later WeChat has said what became of each push.
    pub(crate) async fn settle(&mut self) -> u64 {
        self.recover().await;
        self.pass(TAKE_OVER).await;
        for _ in 0..SETTLING {
            self.quiet_minute().await;
        }
        self.pass(DAY).await;
        for callback in self.wechat.due_callbacks(self.now() * 1_000) {
            let message = callback.message("gh_1").to_xml();
            let now = Timestamp(self.now() + self.replicas[0].ahead);
            assert_eq!(self.replicas[0].server.push_at(&message, now).await.status, 200);
        }
        let mut folded = 0;
        for _ in 0..SETTLING {
            folded = self.quiet_minute().await.unwrap_or(folded);
        }
        folded
    }

    /// Jobs alone; the entries that rollup has folded so far.
    async fn quiet_minute(&mut self) -> Option<u64> {
        self.pass(MINUTE).await;
        let mut folded = None;
        for job in ["rollup", "push"] {
            for replica in &self.replicas {
                let answer = replica.fire(job).await.unwrap().unwrap();
                match answer.status {
                    200 => {
                        assert!(answer.body.contains("\"end\":\"Done\""), "{job}: {}", answer.body);
                        let report: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
                        folded = folded.max(report["backlog"]["entries_so_far"].as_u64());
                    }
                    status => assert_eq!(status, 409, "{job}: {}", answer.body),
                }
            }
        }
        folded
    }

    /// What must be true in the end: nothing answered is lost, every entry is folded once, the counts are what one undisturbed run makes of
    /// the journal, and nobody saw two pushes.
    pub(crate) async fn check(&mut self, folded: u64) {
        // What follows may be silent for as long as it likes.
        limit_silence(self.store, 0);
        let store = self.look();
        let journal = values(&store, "journal:").await;
        let stored: BTreeSet<String> = journal.values().flat_map(|bytes| identities(bytes)).collect();
        let lost: Vec<_> = self.answered.lock().unwrap().difference(&stored).cloned().collect();
        assert!(lost.is_empty(), "answered and not in the journal: {lost:?}");
        assert_eq!(folded, journal.len() as u64, "entries folded, and entries there");
        for prefix in ["damaged:", "redo:"] {
            assert_eq!(store.keys(prefix).await.unwrap(), Vec::<String>::new(), "is left behind");
        }
        assert_eq!(self.differing(&store).await, Vec::<String>::new(), "other than one undisturbed run makes it");
        let books = self.wechat.account().books().copies_beyond_one().len();
        assert_eq!(books, 0, "somebody saw a second copy");
        self.check_ledgers(&store).await;
        store.close().await;
    }

    /// Counts and orders that are not what a single host makes of the same journal.
    async fn differing(&self, store: &Store) -> Vec<String> {
        let expected = self.undisturbed(store).await;
        assert!(expected.len() > 20, "{:?}", expected.keys());
        let mut found = BTreeMap::new();
        for prefix in KNOWLEDGE {
            found.extend(values(store, prefix).await);
        }
        let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
        keys.into_iter().filter(|key| expected.get(*key) != found.get(*key)).cloned().collect()
    }

    async fn undisturbed(&self, store: &Store) -> BTreeMap<String, Vec<u8>> {
        let host = Host::start(e2e::options("safe")).await.unwrap();
        for prefix in ["journal:", "playbook:"] {
            host.store().set_many(values(store, prefix).await.into_iter().collect()).await.unwrap();
        }
        let streams = store.increment(SEQUENCE, 0).await.unwrap();
        host.store().increment(SEQUENCE, streams).await.unwrap();
        let server = Server::new(&host.url(), Mode::Safe);
        for minute in 0..2 * SETTLING {
            host.clock().stop_at(at(Timestamp(self.now() + minute * MINUTE)));
            let answer = server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let overview = server.authorized(Method::GET, "/reports/overview", CONSOLE_TOKEN).await;
        assert_eq!(overview.status, 200, "{}", overview.body);
        let mut knowledge = BTreeMap::new();
        for prefix in KNOWLEDGE {
            knowledge.extend(values(host.store(), prefix).await);
        }
        host.stop().await;
        knowledge
    }

    async fn check_ledgers(&self, store: &Store) {
        let saw: BTreeSet<String> = {
            let account = self.wechat.account();
            account.books().sightings.iter().map(|sighting| format!("ledger:{}", sighting.openid)).collect()
        };
        let ledgers = values(store, "ledger:").await;
        assert!(saw.len() as u64 > FANS / 2, "{} saw something", saw.len());
        for (fan, bytes) in &ledgers {
            let states: Vec<State> =
                Ledger::decode(bytes).unwrap().entries().iter().map(|entry| entry.state.clone()).collect();
            assert!(states.iter().all(State::is_settled), "{fan} {states:?}");
            assert_eq!(matches!(states[..], [State::Delivered(_)]), saw.contains(fan), "{fan} {states:?}");
        }
        assert!(saw.iter().all(|fan| ledgers.contains_key(fan)), "a push that nobody knows of");
    }
}

async fn values(store: &Store, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let mut values = BTreeMap::new();
    for key in store.keys(prefix).await.unwrap() {
        let value = store.get(&key).await.unwrap().unwrap();
        values.insert(key, value);
    }
    values
}

/// What a message or an order is known by, in an entry of the journal.
fn identities(entry: &[u8]) -> Vec<String> {
    match Entry::decode(entry).unwrap() {
        Entry::Received(received) => {
            let message = received.message;
            vec![match message.msg_id {
                Some(id) => format!("message {id}"),
                None => format!("event {} {}", message.from_user_name, message.create_time),
            }]
        }
        Entry::Orders(orders) => orders.orders.iter().map(|order| format!("order {}", order.id)).collect(),
        _ => Vec::new(),
    }
}
