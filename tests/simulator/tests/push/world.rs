//! Everything around the job: the store with what callback and rollup write there, WeChat with its fans, and a cron.

use crate::{
    brand::{self, ANY, ANY_NOTICE, DAY, HOUR, MESSAGE, MIDNIGHT, NOTICE},
    clock::{Clock, Stopwatch},
    disk::Disk,
    wire::{URL, Wire},
};
use futures::{
    FutureExt,
    future::{Either, select},
};
use guanxi::{
    conversation::{self, Conversation},
    facts::{
        Entry, Orders, Place, Placed, PushChoice, Received,
        order::{Line, OrderEvent, OrderKind},
        push::{self as lists, Due, LedgerNews, Outcome},
    },
    fold::{self, Settings},
    journal::Journal,
    playbook::Pushes,
    push::{
        Credentials, Report, Tools,
        head::{self, Head},
        ledger::{self, Ledger, State},
        push,
    },
    store::{
        key::Stored as _,
        lease::Refused,
        list::{List, PAGE},
        record::Records,
    },
    time::Timestamp,
    wechat::{Message, OpenId},
};
use guanxi_simulator::{
    api::{Account, Api, Callback, Rules},
    scenario::{self, Act},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::pin,
    rc::Rc,
};

/// How a run ended, or that it was killed.
pub(crate) type Ran = Option<Result<Report, Refused>>;

pub(crate) struct World {
    pub(crate) clock: Rc<Clock>,
    pub(crate) disk: Disk,
    pub(crate) wire: Wire,
    pub(crate) pushes: Pushes,
    credentials: Credentials,
    journal: RefCell<Rc<Journal>>,
    /// What each fan did, as the journal would have it.
    pub(crate) fans: BTreeMap<OpenId, Vec<Placed>>,
    /// Items of each list.
    lists: RefCell<BTreeMap<String, u64>>,
    runs: Cell<u64>,
    /// Callbacks that belong to no push that is known.
    pub(crate) unmatched: Cell<u64>,
}

/// How a world differs from the one in which nothing goes wrong.
pub(crate) struct Plan {
    pub(crate) rules: Rules,
    /// Seconds after midnight at which it begins.
    pub(crate) from: u64,
    /// The longest that a store operation takes, in milliseconds.
    pub(crate) disk: u64,
}

impl Plan {
    /// At the end of the hour in which reminders go out, so that all of them may.
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: brand::rules(seed), from: 10 * HOUR + 59 * 60, disk: 3 }
    }
}

pub(crate) fn openid(number: usize) -> OpenId {
    format!("oFan{number}").parse().unwrap()
}

/// After which a fan gets no push any more, or none of what was bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Stops,
    Leaves,
    Buys,
}

fn place(number: usize, index: usize) -> Place {
    Place { stream: 1_000_000 + number as u64, index: index as u32 }
}

fn acted(number: usize, at: u64, act: Act) -> Entry {
    let (account, openid) = ("gh_1".into(), openid(number).to_string());
    let said = scenario::Message { account, openid, create_time: at, msg_id: at, act };
    let (_, message) = Message::parse(said.to_xml().as_bytes()).unwrap();
    Entry::Received(Received { message, touch: None, rule: None, milliseconds: 1, pushes: None, left: Vec::new() })
}

fn bought(number: usize, product: &str, at: u64) -> Entry {
    let lines = vec![Line { product: product.to_owned(), quantity: 1, amount: 12_900 }];
    let (id, at) = (format!("{number}-{product}-{at}"), Timestamp(at));
    let (kind, openid) = (OrderKind::Order, Some(openid(number)));
    let orders = vec![OrderEvent { id, kind, version: 1, openid, unionid: None, at, lines, request: None }];
    Entry::Orders(Orders { at, orders })
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let Plan { rules, from, disk } = plan;
        let clock = Clock::at((MIDNIGHT + from) * 1_000);
        let credentials = Credentials {
            url: URL.parse().unwrap(),
            app_id: rules.app_id.clone(),
            secret: rules.secret.parse().unwrap(),
        };
        let disk = Disk::new(&clock, rules.seed, 0..=disk);
        Self {
            wire: Wire::new(&clock, disk.others.clone(), Account::new(rules)),
            disk,
            clock,
            pushes: brand::pushes(),
            credentials,
            journal: RefCell::default(),
            fans: BTreeMap::new(),
            lists: RefCell::default(),
            runs: Cell::default(),
            unmatched: Cell::default(),
        }
    }

    /// A world in which so many fans are to be reminded today of a product each, in turn.
    pub(crate) fn with_reminders(plan: Plan, fans: usize, products: &[&str]) -> Self {
        let mut world = Self::new(plan);
        for (number, product) in (0..fans).zip(products.iter().cycle()) {
            world.customer(number, product);
            world.due(number, product);
        }
        world
    }

    /// The time in seconds.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now() / 1_000
    }

    /// A follower who bought 25 days ago, and wrote a while ago or allowed a notice where the product needs that. Of those who
    /// bought [`ANY`] a quarter did either, both, or neither.
    pub(crate) fn customer(&mut self, number: usize, product: &str) {
        let ago = |days| self.now() - days * DAY;
        let (then, lately) = (ago(25), ago(1) + 600);
        self.act(number, then - 60, Act::Follow { scene: None });
        self.buy(number, product, then);
        if product == NOTICE || product == ANY && number.is_multiple_of(2) {
            let template_id = if product == ANY { ANY_NOTICE } else { NOTICE }.to_owned();
            self.act(number, lately, Act::Popup { template_id, accept: true });
        }
        if product == MESSAGE || product == ANY && (number / 2).is_multiple_of(2) {
            self.act(number, lately + 1, Act::Text("在吗".into()));
        }
    }

    /// A fan does something, and callback and rollup have seen it.
    pub(crate) fn act(&mut self, number: usize, at: u64, act: Act) {
        self.wire.account.borrow_mut().audience.act(openid(number).as_str(), &act, at * 1_000);
        self.happens(number, acted(number, at, act));
    }

    /// A fan buys, and rollup has seen it.
    pub(crate) fn buy(&mut self, number: usize, product: &str, at: u64) {
        self.happens(number, bought(number, product, at));
    }

    /// Rollup takes in what push told of a fan.
    pub(crate) fn take_news(&mut self, number: usize) {
        let told = self.disk.values().into_iter().filter(|(key, _)| key.starts_with("journal:"));
        for (_, bytes) in told {
            let Entry::Ledger(LedgerNews(mut news)) = Entry::decode(&bytes).unwrap() else { continue };
            news.retain(|news| news.openid == openid(number));
            self.happens(number, Entry::Ledger(LedgerNews(news)));
        }
    }

    fn happens(&mut self, number: usize, entry: Entry) {
        let (key, record) = self.folded(number, entry.clone());
        let known = self.fans.entry(openid(number)).or_default();
        known.push(Placed { place: place(number, known.len()), entry });
        self.disk.put(&key, &record);
    }

    /// What rollup would write of a fan who did this too.
    fn folded(&self, number: usize, entry: Entry) -> (String, Vec<u8>) {
        let openid = openid(number);
        let mut known = self.fans.get(&openid).cloned().unwrap_or_default();
        known.push(Placed { place: place(number, known.len()), entry });
        let key = guanxi::fold::fan::key(&openid);
        let writes = fold::fold(&Settings::default(), &known, &Records::new()).now_or_never().unwrap().unwrap();
        let record = writes.into_iter().find(|write| write.key == *key).and_then(|write| write.value).unwrap();
        (key.into(), record)
    }

    /// What is written where a fan asks for no more, does not follow any more, or buys; WeChat does not know yet.
    pub(crate) fn change(&self, number: usize, product: &str, change: Change) -> (String, Vec<u8>) {
        match change {
            Change::Stops => {
                let mut conversation = Conversation::default();
                conversation.choose(Timestamp(self.now()), PushChoice::Stop);
                (conversation::key(&openid(number)).into(), conversation.encode())
            }
            Change::Leaves => self.folded(number, acted(number, self.now(), Act::Unfollow)),
            Change::Buys => self.folded(number, bought(number, product, self.now())),
        }
    }

    /// A fan chooses about pushes, and only callback has seen it.
    pub(crate) fn choose(&self, number: usize, choice: PushChoice) {
        let mut conversation = Conversation::default();
        conversation.choose(Timestamp(self.now()), choice);
        self.disk.put(&conversation::key(&openid(number)), &conversation.encode());
    }

    /// A fan is to be reminded today of the last purchase of a product.
    pub(crate) fn due(&self, number: usize, product: &str) {
        let openid = openid(number);
        let bytes = self.disk.peek(&guanxi::fold::fan::key(&openid)).unwrap();
        let fan = guanxi::fold::fan::Fan::decode(&bytes).unwrap().state(self.pushes.limits.utc_offset);
        let basis = fan.products.get(product).unwrap().last().unwrap();
        let run_out = Timestamp(basis.0 + 30 * DAY);
        self.append(&lists::due(self.today()), Due { openid, product: product.to_owned(), basis, run_out });
    }

    /// Lists a fan for campaigns.
    pub(crate) fn list(&self, number: usize) {
        self.append(&lists::fans(), openid(number));
    }

    fn today(&self) -> u64 {
        self.pushes.limits.utc_offset.local(Timestamp(self.now())).day.0
    }

    /// Puts an item on a list, as rollup would.
    pub(crate) fn append<I: Serialize + DeserializeOwned>(&self, list: &List<I>, item: I) {
        let mut lists = self.lists.borrow_mut();
        let position = lists.entry(list.head().into()).or_default();
        let key = list.page(*position);
        let mut page = self.disk.peek(&key).map(|bytes| key.decode(&bytes).unwrap()).unwrap_or_default();
        assert_eq!(*position % PAGE, page.0.len() as u64);
        page.0.push(Some(item));
        *position += 1;
        self.disk.put(&key, &page.encode());
    }

    /// WeChat does not say how much is left, nor how fast.
    pub(crate) fn hide_quota(&self) {
        let quota = r#"{"errcode":0,"quota":{"daily_limit":9000000,"used":0,"remain":9000000}}"#;
        self.wire.answer_instead(move |request| (request.path == Api::Quota.path()).then(|| (200, quota.into())));
    }

    /// One run, now; its clock is wrong by so many seconds.
    pub(crate) fn run(&self, wrong: i64) -> Ran {
        let ran = self.clock.run(async {
            let run = pin!(self.job(wrong));
            match select(run, pin!(self.rollup())).await {
                Either::Left((ran, _)) => ran,
                Either::Right(((), _)) => unreachable!("rollup has no end"),
            }
        });
        if ran.is_none() {
            // So is whoever made it.
            self.journal.take();
        }
        ran
    }

    /// The job alone.
    pub(crate) async fn job(&self, wrong: i64) -> Result<Report, Refused> {
        let timer = Stopwatch::start(&self.clock);
        let journal = self.journal.borrow().clone();
        let tools = Tools {
            store: &self.disk,
            timer: &timer,
            calls: &self.wire,
            credentials: &self.credentials,
            journal: &journal,
            nonce: &|| [7; 12],
        };
        let number = self.runs.replace(self.runs.get() + 1);
        let now = Timestamp((self.clock.now() / 1_000).saturating_add_signed(wrong));
        push(&tools, &self.pushes, now, number).await
    }

    /// Brings home what WeChat reports, every few seconds.
    async fn rollup(&self) {
        loop {
            self.clock.sleep(2_500).await;
            self.take_callbacks();
        }
    }

    pub(crate) fn take_callbacks(&self) {
        let due = self.wire.account.borrow_mut().due_callbacks(self.clock.now());
        due.iter().for_each(|callback| self.take_callback(callback));
    }

    /// As rollup does it: by the number where it is known, else the fan's only open entry.
    fn take_callback(&self, callback: &Callback) {
        let openid: OpenId = callback.openid.parse().unwrap();
        let (msgid, delivered) = match &callback.act {
            Act::TemplateFinished { msgid, status } => (*msgid, *status == "success"),
            Act::NoticeSent { msgid, failed, .. } => (*msgid, !failed),
            act => panic!("{act:?} is nothing that WeChat reports"),
        };
        let ledger = self.ledger(&openid);
        let msgid = Some(msgid.to_string());
        let named = ledger.entries().iter().find(|e| matches!(&e.state, State::Sent(_, number) if *number == msgid));
        let open = |state: &State| matches!(state, State::Sending(_) | State::Unknown(_) | State::Sent(_, None));
        let mut open = ledger.entries().iter().filter(|entry| open(&entry.state));
        let only = || open.next().filter(|_| open.next().is_none());
        match named.or_else(only) {
            Some(entry) => {
                let (id, at) = (entry.id, Timestamp(callback.create_time));
                self.append(&lists::outcomes(), Outcome::Closed { openid, id, at, delivered });
            }
            None => self.unmatched.set(self.unmatched.get() + 1),
        }
    }

    pub(crate) fn ledger(&self, openid: &OpenId) -> Ledger {
        let bytes = self.disk.peek(&ledger::key(openid));
        bytes.map(|bytes| Ledger::decode(&bytes).unwrap()).unwrap_or_default()
    }

    pub(crate) fn head(&self) -> Head {
        let store = self.disk.aside();
        let account = head::standing(store).now_or_never().unwrap().unwrap();
        Head { account, ..head::progress(store).now_or_never().unwrap().unwrap() }
    }

    /// Lets time pass to the next full minute, and then so many more.
    pub(crate) fn wait(&self, minutes: u64) {
        self.clock.pass_until((self.clock.now() / 60_000 + 1 + minutes) * 60_000);
        self.take_callbacks();
    }

    /// Whether there is nothing left to do.
    pub(crate) fn is_quiet(&self) -> bool {
        let (head, lengths) = (self.head(), self.lists.borrow());
        let length = |head: &str| lengths.get(head).copied().unwrap_or_default();
        let planned =
            head.due.get(&self.today()).copied().unwrap_or_default() == length(&lists::due(self.today()).head());
        planned
            && head.campaigns.values().all(|running| running.planned)
            && head.queues.values().all(|queue| queue.done == queue.queued)
            && head.outcomes == length(&lists::outcomes().head())
            && self.wire.account.borrow().next_callback().is_none()
    }

    /// Runs every minute until there is nothing left to do, at most so many times.
    pub(crate) fn run_until_quiet(&self, minutes: u64) -> Vec<Ran> {
        let mut runs = Vec::new();
        for _ in 0..minutes {
            runs.push(self.run(0));
            self.wait(0);
            if self.is_quiet() {
                return runs;
            }
        }
        panic!("not quiet after {minutes} minutes: {:#?}\n{:?}", self.head(), runs.last());
    }
}
