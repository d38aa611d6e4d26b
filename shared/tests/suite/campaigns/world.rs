//! A brand with fans whom the real fold made, a store, and a push job before a WeChat that takes everything.

use super::brand::{Brand, START};
use crate::compile;
use guanxi::{
    facts::Entry,
    journal::Journal,
    playbook::{CampaignRequest, Terms},
    push::{
        Credentials, Report, Tools,
        dry_run::{DryRun, dry_run},
        push,
        requests::{Accepted, Listed, Refused, Stopped, accept, campaign_of, list, stop},
    },
    store::{
        Store, Timer,
        memory::{Fate, Memory, Verb},
    },
    time::Timestamp,
    wechat::api::{Api, CallError, Calls, HttpAnswer, Method},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// The playbook of the brand of the fold's tests.
const PLAYBOOK: &str = r#"
version = 1
account = "service"
name = "喵"

[[channels]]
id = "bag"
name = "袋"
tags = ["cat"]

[[channels]]
id = "poster"
name = "海报"

[[products]]
id = "food"
name = "粮"
supply_days = 20

[[products]]
id = "litter"
name = "砂"
supply_days = 20

[[campaigns]]
id = "listed"
at = "2031-03-01T12:00"
segment = {}
way = "message"
text = "喵"
"#;

/// What a template says that breaks no rule.
pub(crate) const TEMPLATE: &str = "way = \"template\"\ntemplate_id = \"t\"\nfields = { thing1 = \"年度体检\" }\n";
/// A customer message.
pub(crate) const MESSAGE: &str = "way = \"message\"\ntext = \"{name}\"\n";

/// So many days after the first moment of the brand: at noon in Beijing.
pub(crate) fn noon(day: u64) -> Timestamp {
    Timestamp(START + day * 86_400 + 2 * 3_600)
}

pub(crate) fn terms() -> Terms {
    Terms::load(&compile(PLAYBOOK).unwrap_or_else(|problems| panic!("{problems:#?}"))).unwrap()
}

/// The body of a request.
pub(crate) fn body(id: &str, at: &str, segment: &str, rest: &str) -> String {
    format!("id = \"{id}\"\nat = \"{at}\"\nsegment = {{ {segment} }}\n{rest}")
}

pub(crate) fn request(body: &str, now: Timestamp) -> CampaignRequest {
    campaign_of(body.as_bytes(), &terms(), now).unwrap_or_else(|refused| panic!("{refused}\n{body}"))
}

/// What becomes of a future on a store and a clock that never really wait.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..10_000_000 {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
    panic!("never ends");
}

/// Time that stands still at so many seconds; whoever sleeps lets others go first.
#[derive(Default)]
pub(crate) struct Still(pub(crate) u64);

impl Timer for Still {
    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0)
    }

    async fn sleep(&self, _: Duration) {
        let mut slept = false;
        std::future::poll_fn(|_| if std::mem::replace(&mut slept, true) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }
}

/// A WeChat that takes everything, and remembers whom it went to, and by which way.
#[derive(Default)]
struct Willing(RefCell<Vec<(String, &'static str)>>);

impl Calls for Willing {
    async fn call(&self, url: &str, _: Method, body: &str) -> Result<HttpAnswer, CallError> {
        let answer = match url {
            url if url.contains("stable_token") => r#"{"access_token":"token","expires_in":7200}"#,
            url if url.contains("quota/get") => {
                r#"{"errcode":0,"quota":{"daily_limit":100000,"used":0,"remain":100000}}"#
            }
            _ => {
                let body: serde_json::Value = serde_json::from_str(body).unwrap();
                let ways = [(Api::Template, "template"), (Api::Notice, "notice"), (Api::Message, "message")];
                let (_, way) = ways.into_iter().find(|(api, _)| url.contains(api.path())).unwrap();
                self.0.borrow_mut().push((body["touser"].as_str().unwrap().to_owned(), way));
                r#"{"errcode":0,"errmsg":"ok","msgid":1}"#
            }
        };
        Ok(HttpAnswer { status: 200, body: answer.as_bytes().to_vec() })
    }
}

pub(crate) struct World {
    pub(crate) store: Memory,
    pub(crate) terms: Terms,
    writes: Rc<Cell<u64>>,
    runs: Cell<u64>,
}

impl World {
    /// With the fans whom these entries make.
    pub(crate) fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let store = Memory::default();
        let brand = Brand::of(entries);
        wait(store.set_many(&brand.records.into_iter().collect::<Vec<_>>())).unwrap();
        let writes = Rc::new(Cell::new(0));
        let counted = writes.clone();
        store.judge_by(move |operation| {
            counted.set(counted.get() + u64::from(operation.verb != Verb::Get));
            Fate::Works
        });
        Self { store, terms: terms(), writes, runs: Cell::default() }
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) {
        wait(self.store.set(key, value)).unwrap();
    }

    /// Store calls of any other kind than `get`.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.get()
    }

    /// A dry run from the first fan on.
    pub(crate) fn dry_run(&self, body: &str, now: Timestamp) -> DryRun {
        self.dry_run_from(body, now, 0, &Still(0))
    }

    pub(crate) fn dry_run_from(&self, body: &str, now: Timestamp, from: u64, timer: &impl Timer) -> DryRun {
        let CampaignRequest { id, campaign, .. } = request(body, now);
        wait(dry_run(&self.store, timer, &self.terms.pushes, (&id, &campaign), now, from)).unwrap()
    }

    pub(crate) fn ask(&self, body: &str, now: Timestamp) -> Result<Accepted, Refused> {
        wait(accept(&self.store, &Still(0), &self.terms, request(body, now), now))
    }

    pub(crate) fn stop(&self, id: &str, now: Timestamp) -> Result<Stopped, Refused> {
        wait(stop(&self.store, &Still(0), &self.terms, id.to_owned(), now))
    }

    pub(crate) fn list(&self) -> Vec<Listed> {
        wait(list(&self.store)).unwrap()
    }

    /// A run of the push job: its report, and whom it reached by which way.
    pub(crate) fn push(&self, now: Timestamp) -> (Report, BTreeMap<String, &'static str>) {
        self.runs.set(self.runs.get() + 1);
        let credentials = Credentials {
            url: "https://api.weixin.qq.com".parse().unwrap(),
            app_id: "wx1".into(),
            secret: "0123456789abcdef0123456789abcdef".parse().unwrap(),
        };
        let (calls, journal) = (Willing::default(), Journal::default());
        let tools = Tools {
            store: &self.store,
            timer: &Still(0),
            calls: &calls,
            credentials: &credentials,
            journal: &journal,
            nonce: &|| [7; 12],
        };
        let report = wait(push(&tools, &self.terms.pushes, now, self.runs.get())).unwrap();
        let reached = calls.0.into_inner();
        let fans: BTreeMap<String, &'static str> = reached.iter().cloned().collect();
        assert_eq!(fans.len(), reached.len(), "nobody twice");
        (report, fans)
    }
}

/// Each fan of the segment with the reason for which the campaign would not go out; none: it would.
pub(crate) fn rows(dry: &DryRun) -> BTreeMap<&str, Option<&'static str>> {
    dry.rows.iter().map(|row| (row.openid.as_str(), row.skipped)).collect()
}
