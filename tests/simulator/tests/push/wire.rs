//! The way to the simulated WeChat: takes as long as WeChat says, and a run may die on it.

use crate::{clock::Clock, disk::Others};
use guanxi::wechat::api::{CallError, Calls, HttpAnswer, Method};
use guanxi_simulator::api::{Account, Api, End, Request};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::pending,
    rc::Rc,
};

/// Where the API is.
pub(crate) const URL: &str = "https://api.weixin.qq.com";

/// Where in a call the run dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It never leaves.
    Before,
    /// On its way there: it has its effect when the run is dead.
    Going,
    /// Its effect has happened.
    Coming,
    /// The answer has come, and nobody has looked at it.
    Back,
}

impl Phase {
    pub(crate) const ALL: [Self; 4] = [Self::Before, Self::Going, Self::Coming, Self::Back];
}

/// What somebody else answers in WeChat's place: HTTP status and body; none: WeChat answers.
type Instead = Box<dyn Fn(&Request<'_>) -> Option<(u16, String)>>;

pub(crate) struct Wire {
    pub(crate) account: RefCell<Account>,
    clock: Rc<Clock>,
    /// One call at which the run dies, by number.
    pub(crate) planned: Cell<Option<(u64, Phase)>>,
    calls: Cell<u64>,
    /// Sends that left, by second.
    pub(crate) sends: RefCell<BTreeMap<u64, u64>>,
    /// Every send: when it left, by which call, and to whom.
    pub(crate) left: RefCell<Vec<(u64, Api, String)>>,
    /// A token takes so many milliseconds longer.
    pub(crate) slow_token: Cell<u64>,
    others: Rc<Others>,
    instead: RefCell<Option<Instead>>,
    /// Nobody answers any request for a token.
    pub(crate) silent: Cell<bool>,
}

impl Wire {
    pub(crate) fn new(clock: &Rc<Clock>, others: Rc<Others>, account: Account) -> Self {
        Self {
            account: RefCell::new(account),
            clock: clock.clone(),
            planned: Cell::default(),
            calls: Cell::default(),
            sends: RefCell::default(),
            left: RefCell::default(),
            slow_token: Cell::default(),
            others,
            instead: RefCell::default(),
            silent: Cell::default(),
        }
    }

    /// How many calls were made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// From now on `instead` answers in WeChat's place, where it has an answer.
    pub(crate) fn answer_instead(&self, instead: impl Fn(&Request<'_>) -> Option<(u16, String)> + 'static) {
        self.instead.replace(Some(Box::new(instead)));
    }

    pub(crate) fn sends_by_minute(&self) -> Vec<u64> {
        let mut minutes: BTreeMap<u64, u64> = BTreeMap::new();
        for (second, sends) in &*self.sends.borrow() {
            *minutes.entry(second / 60).or_default() += sends;
        }
        minutes.into_values().collect()
    }

    async fn die(&self) -> ! {
        self.clock.cut();
        pending::<()>().await;
        unreachable!("a dead run goes on")
    }
}

impl Calls for Wire {
    async fn call(&self, url: &str, method: Method, body: &str) -> Result<HttpAnswer, CallError> {
        let number = self.calls.replace(self.calls.get() + 1);
        let dies = self.planned.get().filter(|(planned, _)| *planned == number).map(|(_, phase)| phase);
        if dies == Some(Phase::Before) {
            self.die().await;
        }
        let rest = url.strip_prefix(URL).expect("another host is called");
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let request = Request { method: method.as_str(), path, query, body: body.as_bytes() };
        if let Some(api @ (Api::Template | Api::Notice | Api::Message)) = Api::at(path) {
            *self.sends.borrow_mut().entry(self.clock.now() / 1_000).or_default() += 1;
            let body: serde_json::Value = serde_json::from_str(body).expect("a send is JSON");
            let to = body["touser"].as_str().expect("a send has a fan").to_owned();
            self.left.borrow_mut().push((self.clock.now(), api, to));
        }
        self.others.step(self.clock.now());
        if self.silent.get() && path == Api::StableToken.path() {
            pending::<()>().await;
        }
        let instead = self.instead.borrow().as_ref().and_then(|instead| instead(&request));
        if let Some((status, body)) = instead {
            self.clock.sleep(20).await;
            return Ok(HttpAnswer { status, body: body.into_bytes() });
        }
        let fate = self.account.borrow_mut().receive(self.clock.now(), &request);
        if dies == Some(Phase::Going) {
            self.die().await;
        }
        self.clock.sleep(fate.before).await;
        self.others.step(self.clock.now());
        if dies == Some(Phase::Coming) {
            self.die().await;
        }
        self.clock.sleep(fate.after).await;
        if path == Api::StableToken.path() {
            self.clock.sleep(self.slow_token.get()).await;
        }
        self.others.step(self.clock.now());
        if dies == Some(Phase::Back) {
            self.die().await;
        }
        match &fate.end {
            End::Answer { status, body } => Ok(HttpAnswer { status: *status, body: body.clone().into_bytes() }),
            End::Reset => Err(CallError::Lost("the connection broke".into())),
        }
    }
}
