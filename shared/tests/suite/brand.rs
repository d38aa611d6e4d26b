//! A small brand: entries in one line each, and a store that a fold runs against.

use futures::{FutureExt, future::LocalBoxFuture};
use guanxi::{
    facts::{
        Entry, Erase, FanStatus, Orders, Place, Placed, PushChoice, Received, Touch,
        dialog::{Left, Saved, Step, What as Dialog},
        order::{Line, OrderEvent, OrderKind},
        push::{Group, LedgerNews, News, PushId, Series, What},
    },
    fold::{
        Settings,
        counts::{Along, ChannelPage, DialogDay, General, Metric, Metrics, Path, PathDay, Span, Tick},
        fan::{Fan, State},
        fold,
    },
    playbook::{Content, Product, Pushes, Reminder},
    store::{
        key::Stored as _,
        list::{List, PAGE},
        record::{FoldError, Knowledge, Records},
    },
    time::{Timestamp, UtcOffset},
    wechat::{
        Event, Kind, Message, OpenId,
        message::{NoticeChoice, NoticeSent},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// 2026-03-02 10:00 in Beijing, a Monday.
pub(crate) const START: u64 = 1_772_416_800;

pub(crate) fn settings() -> Settings {
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<BTreeSet<_>>();
    let channels = BTreeMap::from([("bag".to_owned(), tags(&["cat"])), ("poster".to_owned(), tags(&[]))]);
    let content = Content::Message { text: "soon".into() };
    let reminder = Reminder { lead_days: 3, gap_days: 1, preferred_hour: None, holdout: 0, ways: content.into() };
    let product = |reminder| Product { name: "x".into(), supply_days: SUPPLY_DAYS, reminder };
    let products = BTreeMap::from([("food".into(), product(Some(reminder))), ("litter".into(), product(None))]);
    Settings { channels, pushes: Pushes { products, ..Pushes::default() }, ..Settings::default() }
}

/// Days that a piece of food lasts.
pub(crate) const SUPPLY_DAYS: u32 = 20;

/// Days from 1970 on at `START` + `at` seconds.
pub(crate) fn day_of(at: u64) -> u64 {
    UtcOffset::BEIJING.local(Timestamp(START + at)).day.0
}

/// News of a push that was due at `START` + `due` seconds.
pub(crate) fn news(fan: &str, id: &str, due: u64, what: What) -> News {
    News {
        openid: openid(fan),
        id: PushId::of(id),
        series: Series::Reminder("food".into()),
        due: Timestamp(START + due),
        outcome_days: 14,
        group: Some(Group::Treated),
        at: Timestamp(START + due),
        what,
    }
}

pub(crate) fn told(news: impl Into<Vec<News>>) -> Entry {
    Entry::Ledger(LedgerNews(news.into()))
}

/// What WeChat says of a template message.
pub(crate) fn finished(fan: &str, at: u64, number: &str, status: &str) -> Entry {
    let event = Event::TemplateSendJobFinish { msg_id: number.into(), status: status.into() };
    Entry::Received(push(fan, at, Kind::Event(event)))
}

/// What WeChat says of a notice.
pub(crate) fn noticed(fan: &str, at: u64, number: &str, template_id: &str, error_code: &str) -> Entry {
    let sent = NoticeSent {
        template_id: template_id.into(),
        msg_id: number.into(),
        error_code: error_code.into(),
        error_status: String::new(),
    };
    Entry::Received(push(fan, at, Kind::Event(Event::SubscribeMsgSent(vec![sent]))))
}

/// A message with which a fan stops or resumes pushes.
pub(crate) fn chooses(fan: &str, at: u64, choice: PushChoice) -> Entry {
    let Entry::Received(mut push) = text(fan, at, "TD", Some("stop")) else { panic!("a text is a push") };
    push.message.msg_id = Some(format!("9{at}"));
    push.pushes = Some(choice);
    Entry::Received(push)
}

pub(crate) fn openid(name: &str) -> OpenId {
    name.parse().unwrap()
}

/// A push at `START` + `at` seconds.
pub(crate) fn push(fan: &str, at: u64, kind: Kind) -> Received {
    let channel = match &kind {
        Kind::Event(Event::Subscribe { event_key, .. }) => event_key.strip_prefix("qrscene_").map(str::to_owned),
        Kind::Event(Event::Scan { event_key, .. }) => Some(event_key.clone()),
        _ => None,
    };
    let message = Message {
        to_user_name: "gh_1".into(),
        from_user_name: openid(fan),
        create_time: Timestamp(START + at),
        msg_id: None,
        kind,
        other: Default::default(),
    };
    Received {
        message,
        touch: Some(Touch { channel, fan: FanStatus::New }),
        rule: None,
        milliseconds: 3,
        pushes: None,
        left: Vec::new(),
    }
}

pub(crate) fn follow(fan: &str, at: u64, channel: &str) -> Entry {
    let event_key = if channel.is_empty() { String::new() } else { format!("qrscene_{channel}") };
    Entry::Received(push(fan, at, Kind::Event(Event::Subscribe { event_key, ticket: None })))
}

/// A follow that a rule answered.
pub(crate) fn welcomed(fan: &str, at: u64, channel: &str) -> Entry {
    let Entry::Received(follow) = follow(fan, at, channel) else { panic!("a follow is received") };
    Entry::Received(Received { rule: Some("welcome".into()), ..follow })
}

pub(crate) fn click(fan: &str, at: u64) -> Entry {
    Entry::Received(push(fan, at, Kind::Event(Event::Click { event_key: "MENU".into() })))
}

pub(crate) fn unfollow(fan: &str, at: u64) -> Entry {
    Entry::Received(push(fan, at, Kind::Event(Event::Unsubscribe { event_key: String::new() })))
}

pub(crate) fn scan(fan: &str, at: u64, channel: &str) -> Entry {
    Entry::Received(push(fan, at, Kind::Event(Event::Scan { event_key: channel.into(), ticket: None })))
}

/// Allows one notice of a template.
pub(crate) fn allows(fan: &str, at: u64, template: &str) -> Entry {
    let choice = NoticeChoice { template_id: template.into(), accepted: true, popup_scene: None };
    Entry::Received(push(fan, at, Kind::Event(Event::SubscribeMsgPopup(vec![choice]))))
}

/// WeChat says that a notice arrived.
pub(crate) fn notice_sent(fan: &str, at: u64, template: &str, number: &str) -> Entry {
    let (error_code, error_status) = ("0".into(), String::new());
    let sent = NoticeSent { template_id: template.into(), msg_id: number.into(), error_code, error_status };
    Entry::Received(push(fan, at, Kind::Event(Event::SubscribeMsgSent(vec![sent]))))
}

pub(crate) fn text(fan: &str, at: u64, content: &str, rule: Option<&str>) -> Entry {
    let mut push = push(fan, at, Kind::Text { content: content.into(), bizmsgmenuid: None });
    push.message.msg_id = Some(format!("{at}"));
    push.rule = rule.map(str::to_owned);
    Entry::Received(push)
}

/// A text that went on in the dialog `profile`.
pub(crate) fn answers(fan: &str, at: u64, number: &str, run: u64, steps: impl IntoIterator<Item = Dialog>) -> Entry {
    let Entry::Received(mut received) = text(fan, at, "?", Some("profile")) else { panic!("a text is received") };
    received.message.msg_id = Some(number.into());
    let steps = steps.into_iter().map(|what| Step { dialog: "profile".into(), run, what });
    received.left = Left { steps: steps.collect(), ..Left::default() }.encode();
    Entry::Received(received)
}

/// An answer to a step; what it saves stands in a field of the step's name.
pub(crate) fn answer(step: &str, value: &str, personal: bool, forget_days: Option<u32>) -> Dialog {
    let saved = Saved { field: step.into(), value: value.into(), personal, forget_days };
    Dialog::Answered { step: step.into(), counted: Some(value.into()), saved: Some(saved) }
}

/// One order event, placed by the shop and reported at the same second.
pub(crate) fn order(id: &str, kind: OrderKind, fan: &str, at: u64, amount: i64) -> OrderEvent {
    OrderEvent {
        id: id.into(),
        kind,
        version: 1,
        openid: Some(openid(fan)),
        unionid: None,
        at: Timestamp(START + at),
        lines: vec![Line { product: "food".into(), quantity: 1, amount }],
        request: None,
    }
}

pub(crate) fn reported(at: u64, orders: impl Into<Vec<OrderEvent>>) -> Entry {
    Entry::Orders(Orders { at: Timestamp(START + at), orders: orders.into() })
}

pub(crate) fn erase(fan: &str, at: u64) -> Entry {
    Entry::Erase(Erase { openid: openid(fan), at: Timestamp(START + at) })
}

/// The entries at places of the journal, in their order.
pub(crate) fn placed(entries: impl IntoIterator<Item = Entry>) -> Vec<Placed> {
    let place = |n: u32| Place { stream: u64::from(1 + n / 128), index: n % 128 };
    (0..).zip(entries).map(|(n, entry)| Placed { place: place(n), entry }).collect()
}

/// Records that a fold loads from and writes to, as rollup would.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Brand {
    pub(crate) records: Records,
}

/// Records, and which of them were asked for: none twice.
struct Looked<'a> {
    records: &'a Records,
    at: RefCell<BTreeSet<String>>,
}

impl Knowledge for Looked<'_> {
    fn get<'a>(&'a self, keys: &'a [String]) -> LocalBoxFuture<'a, Result<Vec<Option<Vec<u8>>>, FoldError>> {
        for key in keys {
            assert!(self.at.borrow_mut().insert(key.clone()), "{key} is looked up again");
        }
        Knowledge::get(self.records, keys)
    }
}

impl Brand {
    pub(crate) fn fold(&mut self, entries: &[Placed]) -> &mut Self {
        let settings = settings();
        let looked = Looked { records: &self.records, at: RefCell::default() };
        let writes = fold(&settings, entries, &looked).now_or_never().unwrap().unwrap();
        let tried = looked.at.into_inner();
        assert!(writes.windows(2).all(|pair| pair[0].key < pair[1].key), "sorted, each key once");
        for write in writes {
            assert!(
                ["fan:", "count:", "order:", "due:", "outcome:", "cursor:", "conversation:", "request:"]
                    .iter()
                    .any(|prefix| write.key.starts_with(prefix)),
                "{}",
                write.key
            );
            assert!(tried.contains(&write.key), "{} was never looked at", write.key);
            assert_ne!(write.value.as_ref(), self.records.get(&write.key), "{} is as it was", write.key);
            match write.value {
                Some(value) => drop(self.records.insert(write.key, value)),
                None => drop(self.records.remove(&write.key)),
            }
        }
        self
    }

    pub(crate) fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut brand = Self::default();
        brand.fold(&placed(entries));
        brand
    }

    pub(crate) fn state(&self, fan: &str) -> State {
        Fan::decode(&self.records[&format!("fan:{fan}")]).unwrap().state(UtcOffset::BEIJING)
    }

    /// A list, with its blanks.
    pub(crate) fn list<T: Serialize + DeserializeOwned>(&self, list: &List<T>) -> Vec<Option<T>> {
        let head = self.records.get(&*list.head()).map_or(0, |bytes| list.head().decode(bytes).unwrap().0);
        let pages = (0..head).step_by(PAGE as usize).map(|position| list.page(position));
        let items = pages.filter_map(|page| self.records.get(&*page).map(|bytes| page.decode(bytes).unwrap().0));
        let items: Vec<_> = items.flatten().collect();
        assert!(items.len() as u64 <= head);
        items
    }

    /// The sums over all hours, or over all days, of each channel and of the account.
    pub(crate) fn counts(&self, prefix: &str) -> (BTreeMap<String, Metrics>, General) {
        let (mut channels, mut general) = (BTreeMap::<String, Metrics>::new(), General::default());
        for (key, bytes) in self.records.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix)) {
            let body = &bytes[1..];
            if key.splitn(4, ':').count() > if prefix == "count:all" { 2 } else { 3 } {
                for (channel, metrics) in postcard::from_bytes::<ChannelPage>(body).unwrap().0 {
                    channels.entry(channel).or_default().add_all(&metrics);
                }
            } else {
                general.add_all(&postcard::from_bytes(body).unwrap());
            }
        }
        channels.retain(|_, metrics| !metrics.is_zero());
        (channels, general)
    }

    /// The paths of orders over all days.
    pub(crate) fn paths(&self) -> BTreeMap<Path, Along> {
        let mut paths = BTreeMap::<Path, Along>::new();
        let days = self.records.iter().filter(|(key, _)| key.starts_with("count:paths:"));
        for (path, along) in days.flat_map(|(_, bytes)| PathDay::decode(bytes).unwrap().0) {
            paths.entry(path).or_default().add_times(along, 1);
        }
        paths.retain(|_, along| *along != Along::default());
        paths
    }

    /// What is counted of dialogs over all days.
    pub(crate) fn dialogs(&self) -> BTreeMap<Tick, i64> {
        let mut ticks = BTreeMap::<Tick, i64>::new();
        let days = self.records.iter().filter(|(key, _)| key.starts_with("count:dialog:"));
        for (tick, count) in days.flat_map(|(_, bytes)| DialogDay::decode(bytes).unwrap().0) {
            *ticks.entry(tick).or_default() += count;
        }
        ticks.retain(|_, count| *count != 0);
        ticks
    }

    /// One number of a channel over all days.
    pub(crate) fn count(&self, channel: &str, metric: Metric) -> i64 {
        self.counts("count:d:").0.get(channel).map_or(0, |metrics| metrics.get(metric))
    }

    /// What one day says of a channel. Day 0 is that of `START`.
    pub(crate) fn day(&self, day: u64, channel: &str, metric: Metric) -> i64 {
        let span = Span::Day(UtcOffset::BEIJING.local(Timestamp(START + day * 86_400)).day);
        let pages = span.keys().skip(1).filter_map(|key| self.records.get(&key));
        let pages = pages.map(|bytes| postcard::from_bytes::<ChannelPage>(&bytes[1..]).unwrap());
        pages.filter_map(|page| page.0.get(channel).map(|metrics| metrics.get(metric))).sum()
    }
}
