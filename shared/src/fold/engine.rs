//! Entry after entry: who it is about, whether it is news, what it changes.

use super::{Settings, left::Told, lists::Listed};
use crate::{
    conversation::{self, Conversation},
    facts::{
        Entry, Erase, Orders, Place, Placed, Received,
        dialog::Left,
        order::OrderEvent,
        push::{LedgerNews, News, PushId, What as Became},
        request::{Kind as Wish, Request},
    },
    fold::{
        counts::{DIRECT, Deltas, OTHER, PeopleMetric, Scenes, answer_class, cut, question_of},
        damaged,
        fan::{
            self, Arrival, Fan, arrivals,
            event::{Event, Moment, OrderNews, What, menu_key, no_consent},
        },
        forget::{self, ForgetPage},
        orders::{OrderLog, Union, Waiting, log_key, union_key, wait_key},
        requests::Requests,
    },
    store::{
        digest::{Digest, digest},
        format::RecordError,
        record::{FoldError, Knowledge, Record as _, Table, Write},
    },
    time::Timestamp,
    wechat::{Event as Happening, Kind, OpenId},
};
use std::{borrow::Cow, collections::BTreeSet};

/// Characters kept of a menu key, a `MsgType` and a rule's id.
const NAME_MAX: usize = 64;

/// Whom alone a fold is about, when entries are folded again for one fan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Focus<'a> {
    pub(super) openid: &'a OpenId,
    /// Orders of which every event is looked at, whomever it names: what was told of another fan first is not this fan's.
    pub(super) orders: &'a BTreeSet<Digest>,
    /// Unionids likewise.
    pub(super) unions: &'a BTreeSet<Digest>,
}

impl Focus<'_> {
    /// Whether an entry may say something of the fan.
    pub(super) fn concerns(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Received(received) => *self.openid == *subject(received).0,
            Entry::Orders(orders) => orders.orders.iter().any(|order| self.concerns_order(order)),
            Entry::Erase(erase) => *self.openid == erase.openid,
            Entry::Ledger(LedgerNews(news)) => news.iter().any(|news| *self.openid == news.openid),
            Entry::Damaged(_) => false,
        }
    }

    fn concerns_order(&self, order: &OrderEvent) -> bool {
        let is_watched = |unionid: &String| self.unions.contains(&digest(unionid));
        order.openid.as_ref() == Some(self.openid)
            || self.orders.contains(&digest(&order.id))
            || order.unionid.as_ref().is_some_and(is_watched)
    }
}

/// Whom it is about, and whether it says that the fan is to be forgotten.
fn subject(received: &Received) -> (Cow<'_, OpenId>, bool) {
    let sender = &received.message.from_user_name;
    match &received.message.kind {
        Kind::Event(
            Happening::UserAuthorizationRevoke { open_id, .. } | Happening::UserAuthorizationCancellation { open_id },
        ) => (OpenId::try_from(open_id.clone()).map_or(Cow::Borrowed(sender), Cow::Owned), true),
        _ => (Cow::Borrowed(sender), false),
    }
}

/// What a message left. The rest of an entry can be read, and is worth more than nothing, where this is damaged.
fn left(place: Place, received: &Received) -> Result<Left, FoldError> {
    match Left::decode(&received.left) {
        Err(RecordError::Newer(format)) => Err(FoldError::Newer { key: place.to_string(), format }),
        left => Ok(left.unwrap_or_default()),
    }
}

/// A fold in progress.
pub(super) struct Engine<'a> {
    settings: &'a Settings,
    known: &'a dyn Knowledge,
    focus: Option<Focus<'a>>,
    fans: Table<Fan>,
    logs: Table<OrderLog>,
    unions: Table<Union>,
    waiting: Table<Waiting>,
    scenes: Table<Scenes>,
    forget: Table<ForgetPage>,
    cursor: Table<forget::Cursor>,
    conversations: Table<Conversation>,
    damaged: Table<damaged::List>,
    /// Records that go, whatever they say.
    gone: BTreeSet<String>,
    listed: Listed,
    requests: Requests,
    deltas: Deltas,
}

impl<'a> Engine<'a> {
    pub(super) fn new(settings: &'a Settings, known: &'a dyn Knowledge) -> Self {
        Self {
            settings,
            known,
            focus: None,
            fans: Table::default(),
            logs: Table::default(),
            unions: Table::default(),
            waiting: Table::default(),
            scenes: Table::default(),
            forget: Table::default(),
            cursor: Table::default(),
            conversations: Table::default(),
            damaged: Table::default(),
            gone: BTreeSet::new(),
            listed: Listed::default(),
            requests: Requests::default(),
            deltas: Deltas::new(settings.utc_offset),
        }
    }

    /// As [`Self::new`], about one fan alone.
    pub(super) fn about(settings: &'a Settings, known: &'a dyn Knowledge, focus: Focus<'a>) -> Self {
        Self { focus: Some(focus), ..Self::new(settings, known) }
    }

    fn is_about(&self, openid: &OpenId) -> bool {
        self.focus.is_none_or(|focus| focus.openid == openid)
    }

    pub(super) async fn run(&mut self, entries: &[Placed]) -> Result<(), FoldError> {
        self.find(entries).await?;
        for Placed { place, entry } in entries {
            match entry {
                Entry::Received(received) => self.received(*place, received).await?,
                Entry::Orders(orders) => self.orders(*place, orders).await?,
                Entry::Erase(Erase { openid, at }) => self.erase(openid, *at).await?,
                Entry::Ledger(LedgerNews(news)) => {
                    for (part, news) in (0..).zip(news) {
                        match &news.what {
                            Became::NoConsent(template) => self.no_consent(*place, part, news, template).await?,
                            _ => self.news(news).await?,
                        }
                    }
                }
                // Rollup sets it aside before it folds.
                Entry::Damaged(_) => {}
            }
        }
        self.forget_waiting().await
    }

    /// Looks up together what entries name; what only the records name comes up one by one.
    async fn find(&mut self, entries: &[Placed]) -> Result<(), FoldError> {
        let (mut fans, mut logs, mut unions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for Placed { entry, .. } in entries {
            match entry {
                Entry::Received(received) => drop(fans.insert(fan::key(&received.message.from_user_name))),
                Entry::Erase(erase) => drop(fans.insert(fan::key(&erase.openid))),
                Entry::Ledger(LedgerNews(news)) => fans.extend(news.iter().map(|news| fan::key(&news.openid))),
                Entry::Damaged(_) => {}
                Entry::Orders(Orders { orders, .. }) => {
                    for order in
                        orders.iter().filter(|order| self.focus.is_none_or(|focus| focus.concerns_order(order)))
                    {
                        logs.insert(log_key(&digest(&order.id)));
                        fans.extend(order.openid.iter().map(fan::key));
                        unions.extend(order.unionid.iter().map(|unionid| digest(unionid)));
                    }
                }
            }
        }
        self.logs.find(logs, self.known).await?;
        self.unions.find(unions.iter().map(union_key), self.known).await?;
        let mut waiting = BTreeSet::new();
        for union in &unions {
            match &self.unions.get(union_key(union), self.known).await?.0 {
                Some(openid) => fans.insert(fan::key(openid)),
                None => waiting.insert(wait_key(union)),
            };
        }
        self.waiting.find(waiting, self.known).await?;
        if let Some(focus) = self.focus {
            let own = fan::key(focus.openid);
            fans.retain(|key| *key == own);
        }
        self.fans.find(fans, self.known).await
    }

    /// Lets orders that wait be forgotten when the time of the first of them has come: whichever is the first by now.
    async fn forget_waiting(&mut self) -> Result<(), FoldError> {
        let mut moves = Vec::new();
        for change in self.waiting.changes() {
            let (key, before, after) = change?;
            moves.push((key.clone(), before.since(), after.since()));
        }
        for (key, before, after) in moves {
            if before == after {
                continue;
            }
            if let Some(before) = before {
                self.forget_page(&key, before).await?.take(&key);
            }
            if let Some(after) = after {
                self.forget_later(&key, after).await?;
            }
        }
        Ok(())
    }

    /// The writes, sorted by key; only of records that become others than they were.
    pub(super) async fn writes(self) -> Result<Vec<Write>, FoldError> {
        let mut writes = self.deltas.apply(self.known).await?;
        writes.extend(self.fans.writes());
        writes.extend(self.logs.writes());
        writes.extend(self.unions.writes());
        writes.extend(self.waiting.writes());
        writes.extend(self.scenes.writes());
        writes.extend(self.forget.writes());
        writes.extend(self.conversations.writes());
        writes.extend(self.damaged.writes());
        writes.extend(self.listed.writes());
        writes.extend(self.requests.writes());
        // What goes was there.
        let gone: Vec<String> = self.gone.into_iter().collect();
        let stored = self.known.get(&gone).await?;
        writes.extend(
            gone.into_iter().zip(stored).filter_map(|(key, stored)| stored.map(|_| Write { key, value: None })),
        );
        writes.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(writes)
    }

    /// The counts that changed, and the writes but for those; for who folds again.
    pub(super) fn apart(self) -> (Deltas, Vec<Write>) {
        let orders = self.logs.writes().chain(self.unions.writes()).chain(self.waiting.writes());
        (self.deltas, self.fans.writes().chain(orders).chain(self.listed.writes()).collect())
    }

    async fn received(&mut self, place: Place, received: &Received) -> Result<(), FoldError> {
        let message = &received.message;
        let (about, is_erasure) = subject(received);
        if is_erasure {
            return self.erase(&about, message.create_time).await;
        }
        if !self.is_about(&about) {
            return Ok(());
        }
        for arrival in arrivals(message) {
            self.arrival(&message.from_user_name, arrival).await?;
        }
        let channel = received.touch.as_ref().and_then(|touch| touch.channel.as_deref());
        let Some(what) = What::of_message(message, channel, received.rule.is_some()) else {
            return Ok(());
        };
        let (what, tags) = self.name_channel(what).await?;
        let unfollowed = what == What::Unfollow;
        let mut left = left(place, received)?;
        let what = if left.handed_over { What::HandedOver(Box::new(what)) } else { what };
        let what = match received.pushes {
            Some(choice) => What::Chose(choice, Box::new(what)),
            None => what,
        };
        let told = Told::of(std::mem::take(&mut left.steps));
        let ends: Vec<Timestamp> = told.ends(message.create_time).collect();
        let what = if told.steps.is_empty() { what } else { What::Told(told.steps, Box::new(what)) };
        let number = message.msg_id.as_ref().and_then(|id| id.parse().ok()).unwrap_or_default();
        let event = Event {
            moment: Moment { at: message.create_time, number, place, part: 0 },
            identity: digest(&message.identity()),
            answer: Some(answer_class(received.milliseconds)),
            what,
        };
        let fan = self.fans.get(fan::key(&message.from_user_name), self.known).await?;
        if !fan.insert(event, false, self.settings.utc_offset, &mut self.deltas) {
            return Ok(());
        }
        if fan.is_listed_by(message.create_time) {
            self.listed.fan(&message.from_user_name, &mut fan.places, self.known).await?;
        }
        fan.tag(tags.unwrap_or(&BTreeSet::new()));
        if fan.is_listed_by(message.create_time) {
            fan.tag(&told.tags);
            self.forget_fields(&message.from_user_name, &ends).await?;
        }
        if unfollowed {
            self.forget_later(message.from_user_name.as_str(), message.create_time).await?;
        }
        self.count(received);
        let asks = |request: &Request| request.kind == Wish::Person;
        if left.requests.iter().any(asks) {
            self.deltas.people(message.create_time, PeopleMetric::Outside, 1);
        }
        self.requests(&message.from_user_name, &left.requests).await
    }

    /// Takes in what the fan asks the brand for with a message that is news. What is folded again was taken in already.
    async fn requests(&mut self, openid: &OpenId, requests: &[Request]) -> Result<(), FoldError> {
        if requests.is_empty() || self.focus.is_some() {
            return Ok(());
        }
        let erased = self.fans.get(fan::key(openid), self.known).await?.erased();
        for request in requests.iter().filter(|request| erased.is_none_or(|erased| erased < request.at)) {
            self.requests.ask(openid, request, self.settings, self.known).await?;
        }
        Ok(())
    }

    /// Puts the name that a channel has in counts in the place of its scene, and finds the channel's tags.
    async fn name_channel(&mut self, mut what: What) -> Result<(What, Option<&'a BTreeSet<String>>), FoldError> {
        let (What::Follow(Some(scene)) | What::Welcomed(Some(scene)) | What::Scan(scene)) = &mut what else {
            return Ok((what, None));
        };
        let tags = self.settings.channels.get(scene);
        if tags.is_none() {
            // A code may say anything; these two names are ours.
            *scene = match scene.as_str() {
                DIRECT | OTHER => OTHER.to_owned(),
                _ => self.scenes.get(Scenes::key(), self.known).await?.name(scene),
            };
        }
        Ok((what, tags))
    }

    /// Counts what does not depend on the fan's history.
    fn count(&mut self, received: &Received) {
        let (message, at) = (&received.message, received.message.create_time);
        if let Some(rule) = &received.rule {
            self.deltas.rule(&cut(rule, NAME_MAX), at);
        }
        let asked = match &message.kind {
            Kind::Text { content, .. } => Some(content.as_str()),
            Kind::Voice { recognition, .. } => recognition.as_deref(),
            _ => None,
        };
        match &message.kind {
            Kind::Event(event) => {
                if let Some(key) = menu_key(event) {
                    *self.deltas.general(at).clicks.entry(cut(key, NAME_MAX)).or_default() += 1;
                }
            }
            kind => {
                let name = cut(kind.msg_type(), NAME_MAX);
                *self.deltas.general(at).kinds.entry(name).or_default() += 1;
            }
        }
        // What is said in a dialog is an answer to the brand, and may be an address: no question of the fan's.
        let in_dialog = !received.left.is_empty();
        if let Some(question) = asked.filter(|_| received.rule.is_none() && !in_dialog).and_then(question_of) {
            self.deltas.general(at).unanswered += 1;
            self.deltas.unanswered(question, message.from_user_name.as_str(), at);
        }
    }

    async fn orders(&mut self, place: Place, Orders { at, orders }: &Orders) -> Result<(), FoldError> {
        for (part, order) in (0..).zip(orders) {
            if self.focus.is_some_and(|focus| !focus.concerns_order(order)) {
                continue;
            }
            let id = digest(&order.id);
            let event = Event {
                moment: Moment { at: *at, number: 0, place, part },
                identity: digest(&format!("order|{}|{:?}|{}", order.id, order.kind, order.version)),
                answer: None,
                what: What::Order(OrderNews {
                    order: id,
                    kind: order.kind,
                    version: order.version,
                    at: order.at,
                    window: self.settings.attribution_days,
                    lines: order.lines.clone(),
                }),
            };
            let log = self.logs.get(log_key(&id), self.known).await?;
            let Some(copy) = log.is_copy(order) else {
                continue;
            };
            self.order(order, event, copy, *at).await?;
        }
        Ok(())
    }

    /// Brings an order that was reported at `at` to its fan, or lets it wait for one.
    async fn order(&mut self, order: &OrderEvent, event: Event, copy: bool, at: Timestamp) -> Result<(), FoldError> {
        let union = order.unionid.as_ref().map(|unionid| digest(unionid));
        let openid = match (&order.openid, union) {
            (Some(openid), Some(union)) => {
                self.link(openid, union).await?;
                Some(openid.clone())
            }
            (Some(openid), None) => Some(openid.clone()),
            (None, Some(union)) => self.unions.get(union_key(&union), self.known).await?.0.clone(),
            (None, None) => return Ok(()),
        };
        match (openid, union) {
            (Some(openid), _) if !self.is_about(&openid) => {}
            (Some(openid), _) => {
                let fan = self.fans.get(fan::key(&openid), self.known).await?;
                fan.insert(event, copy, self.settings.utc_offset, &mut self.deltas);
                let erased = fan.erased();
                self.bought(&openid, at).await?;
                // What is folded again was taken in already.
                if self.focus.is_none() && erased.is_none_or(|erased| erased < at) {
                    let log = self.logs.get(log_key(&digest(&order.id)), self.known).await?;
                    self.requests.order(&openid, order, log, self.settings, self.known).await?;
                }
            }
            (None, Some(union)) => self.waiting.get(wait_key(&union), self.known).await?.add(event, copy),
            (None, None) => {}
        }
        Ok(())
    }

    /// Learns which fan a unionid is; the orders that waited for that come to the fan.
    async fn link(&mut self, openid: &OpenId, union: Digest) -> Result<(), FoldError> {
        let linked = self.unions.get(union_key(&union), self.known).await?;
        if linked.0.is_some() {
            return Ok(());
        }
        linked.0 = Some(openid.clone());
        let waiting = std::mem::take(self.waiting.get(wait_key(&union), self.known).await?);
        if !self.is_about(openid) {
            return Ok(());
        }
        let fan = self.fans.get(fan::key(openid), self.known).await?;
        // The record of another unionid would still name the fan when the fan is forgotten.
        if let Some(other) = fan.union.replace(union) {
            self.unions.get(union_key(&other), self.known).await?.0.take_if(|linked| linked == openid);
        }
        for event in waiting.0 {
            fan.insert(event, false, self.settings.utc_offset, &mut self.deltas);
        }
        Ok(())
    }

    /// Brings the lists in line with the purchases of a fan, of which news came at `at`.
    async fn bought(&mut self, openid: &OpenId, at: Timestamp) -> Result<(), FoldError> {
        let fan = self.fans.get(fan::key(openid), self.known).await?;
        if fan.is_listed_by(at) {
            self.listed.fan(openid, &mut fan.places, self.known).await?;
        }
        self.listed.remind(openid, fan, self.settings, at, self.known).await
    }

    async fn news(&mut self, news: &News) -> Result<(), FoldError> {
        if !self.is_about(&news.openid) {
            return Ok(());
        }
        let fan = self.fans.get(fan::key(&news.openid), self.known).await?;
        let is_stranger = fan.is_nothing();
        let closed = fan.tell(news, self.settings.utc_offset, &mut self.deltas);
        if is_stranger {
            // Pushes go to fans we know, so this one was forgotten while push was at work.
            self.forget_later(news.openid.as_str(), news.at).await?;
        }
        self.marked(&news.openid, closed).await
    }

    /// WeChat took no notice of a template: from then on there is no consent to it, until the fan gives one.
    async fn no_consent(&mut self, place: Place, part: u32, news: &News, template: &String) -> Result<(), FoldError> {
        let fan = self.fans.get(fan::key(&news.openid), self.known).await?;
        // Of a stranger there is nothing to correct, and nothing is to be kept.
        if fan.now(self.settings.utc_offset).known_since.is_some() {
            let event = Event {
                moment: Moment { at: news.at, number: 0, place, part },
                identity: digest(&format!("no consent|{}|{}|{template}", news.id, news.at)),
                answer: None,
                what: no_consent(template),
            };
            fan.insert(event, false, self.settings.utc_offset, &mut self.deltas);
        }
        Ok(())
    }

    async fn arrival(&mut self, openid: &OpenId, arrival: Arrival) -> Result<(), FoldError> {
        let fan = self.fans.get(fan::key(openid), self.known).await?;
        let closed = fan.hear(arrival, self.settings.utc_offset, &mut self.deltas);
        self.marked(openid, closed).await
    }

    /// Lists the fan of a push, and tells push what became of it.
    async fn marked(&mut self, openid: &OpenId, closed: Vec<(PushId, Arrival)>) -> Result<(), FoldError> {
        let fan = self.fans.get(fan::key(openid), self.known).await?;
        if fan.erased().is_none() {
            self.listed.fan(openid, &mut fan.places, self.known).await?;
        }
        self.listed.closed(openid, closed, self.settings, self.known).await
    }

    async fn erase(&mut self, openid: &OpenId, at: Timestamp) -> Result<(), FoldError> {
        if !self.is_about(openid) {
            return Ok(());
        }
        let fan = self.fans.get(fan::key(openid), self.known).await?;
        if let Some(union) = fan.union {
            self.unions.get(union_key(&union), self.known).await?.0 = None;
        }
        fan.erase(at, self.settings.utc_offset, &mut self.deltas);
        self.listed.remove(openid, &mut fan.places, self.settings.utc_offset.local(at).day, self.known).await?;
        self.requests.forget(openid, self.known).await?;
        // What the fan decided stands in the record now, unless it was decided after this.
        let conversation = self.conversations.get(conversation::key(openid), self.known).await?;
        conversation.pushes.take_if(|(decided, _)| *decided <= at);
        let set_aside = self.damaged.get(damaged::List::key(), self.known).await?;
        self.gone.extend(set_aside.take_of(openid));
        self.gone.insert(conversation::dialog(openid).into());
        self.forget_later(openid.as_str(), at).await
    }

    /// Lets what is known under a name be forgotten when its time has come: of a fan, or of orders that wait for one.
    async fn forget_later(&mut self, name: &str, gone: Timestamp) -> Result<(), FoldError> {
        self.forget_page(name, gone).await?.add(name);
        Ok(())
    }

    /// Lets fields of a fan go when their days are over.
    async fn forget_fields(&mut self, openid: &OpenId, ends: &[Timestamp]) -> Result<(), FoldError> {
        let done = *self.cursor.get(forget::Cursor::key(), self.known).await?;
        for end in ends {
            let key = forget::page_of_end(self.settings, openid.as_str(), *end, done);
            self.forget.get(key, self.known).await?.add(openid.as_str());
        }
        Ok(())
    }

    async fn forget_page(&mut self, name: &str, gone: Timestamp) -> Result<&mut ForgetPage, FoldError> {
        let done = *self.cursor.get(forget::Cursor::key(), self.known).await?;
        self.forget.get(forget::page_key(self.settings, name, gone, done), self.known).await
    }
}
