//! From queues to WeChat: at most [`IN_FLIGHT`] pushes on their way at any moment, each stored as `sending` before it leaves.
//!
//! What came back and what leaves next are written together, as soon as enough came back: so at any moment at most
//! [`IN_FLIGHT`] ledger entries say `sending`, and a run that is killed leaves no more than that in doubt. The head knows where
//! these wait: the next run takes them first, goes on from the first position that is not settled, and goes by the ledger:
//!
//! | the ledger says | what happens |
//! |---|---|
//! | planned | it is sent, if nothing stands against it now |
//! | sending | a template message is sent again under its `client_msg_id` for [`REPEAT_SECONDS`] after the first try, else it is unknown; a notice or a customer message is unknown at once, because WeChat does not tell copies of these apart |
//! | anything else | nothing |

use super::{
    PushId,
    account::Account,
    book::{Book, Change},
    head::{Head, Progress, Queue},
    ledger::{Entry, State, Subject, Went},
    news::{Group, Skip, What},
    plan::Known,
    planner::{Waiting, conversation_of},
    report::Report,
};
use crate::{
    conversation::{self, Conversation},
    fan::{self, Fan},
    pages::{PAGE, Page, page_key},
    playbook::{Content, Filled, Limits, Pushes, Values, Ways},
    run::Stop,
    store::{Store, Timer},
    time::Timestamp,
    wechat::{
        OpenId,
        api::{
            Api, Calls, Failure, Meaning, Request, message,
            notice::Notice,
            template::{self, Data, MiniProgram, REPEAT_SECONDS},
        },
    },
};
use futures::{
    FutureExt, StreamExt, future,
    stream::{self, FuturesUnordered, Stream},
};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::RangeInclusive,
    pin::pin,
    time::Duration,
};

/// Pushes on their way at once.
pub const IN_FLIGHT: usize = 64;
/// So many must be free before more are sent, while others are on their way: what one write is worth.
const WORTH_A_WRITE: usize = 8;
/// Results that are written even if nothing more may leave.
const RESULTS: usize = 32;
/// Nothing leaves later than this after the start, so that every call can end within the run.
const LAST_LAUNCH: Duration = Duration::from_secs(36);
/// How often one push is tried in a run where WeChat or the way to it is in trouble, …
const TRIES: u32 = 4;
/// … and the pause before the second try; it doubles.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How long to wait for the planner where it is at work.
const IDLE: Duration = Duration::from_millis(20);
/// A push that could not go out for so long does not go out, in seconds.
const LATE: u64 = 86_400;
/// The account rests so long after an alarm, in seconds.
const ALARM_REST: u64 = 600;

/// Where a push waits.
type Spot = (Queue, u64);

/// A push that may leave.
struct Ready {
    spot: Spot,
    openid: OpenId,
    entry: Entry,
    api: Api,
    request: Request,
    content: Content,
}

/// What one push came to.
enum Came {
    /// This, and nothing more is to be done.
    Settled(State, What),
    /// It surely did not go out, and may still.
    Back,
    /// It may have gone out: the next run tries again.
    Open,
}

impl Came {
    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

/// A push that came back, or that does not leave.
struct Returned {
    spot: Spot,
    openid: OpenId,
    entry: Entry,
    came: Came,
    /// To be sent again in this run.
    again: Option<Ready>,
}

/// What the queues give.
#[allow(clippy::large_enum_variant, reason = "a page of them at a time, and nearly all leave")]
enum Step {
    Leave(Ready),
    Stay(Returned),
    /// There is nothing to do about it.
    Pass(Spot),
}

pub(super) struct Sender<'a, S, T, C> {
    book: &'a Book<'a, S, T>,
    account: &'a Account<'a, S, T, C>,
    pushes: &'a Pushes,
    report: &'a RefCell<Report>,
    signals: &'a Signals,
    /// Taken from the queues and not settled, or not written yet.
    open: RefCell<BTreeMap<Queue, BTreeSet<u64>>>,
    /// Up to where each queue was taken.
    taken: RefCell<BTreeMap<Queue, u64>>,
    /// On their way or ready: a second copy in a queue is passed over.
    active: RefCell<BTreeSet<PushId>>,
    /// Calls whose quota was asked for in this run.
    asked: RefCell<BTreeSet<Api>>,
    /// Those that the ledgers call `sending`, whether they are on their way in this run or were in one that died.
    sending: RefCell<BTreeSet<Spot>>,
    /// Of these, those that this run has not looked at yet.
    doubtful: RefCell<BTreeSet<Spot>>,
    /// Pushes that are ready to leave.
    ready: Cell<usize>,
}

/// What planner and sender tell each other.
pub(super) struct Signals {
    /// The planner may still add to the queues.
    pub(super) planning: Cell<bool>,
    /// The sender has as much to do as it can.
    pub(super) busy: Cell<bool>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { planning: Cell::new(true), busy: Cell::new(false) }
    }
}

impl<'a, S: Store, T: Timer, C: Calls> Sender<'a, S, T, C> {
    pub(super) fn new(
        book: &'a Book<'a, S, T>,
        account: &'a Account<'a, S, T, C>,
        pushes: &'a Pushes,
        report: &'a RefCell<Report>,
        signals: &'a Signals,
    ) -> Self {
        let sending = book.head().sending.clone();
        Self {
            book,
            account,
            pushes,
            report,
            signals,
            open: RefCell::default(),
            taken: RefCell::default(),
            active: RefCell::default(),
            asked: RefCell::default(),
            doubtful: RefCell::new(sending.clone()),
            sending: RefCell::new(sending),
            ready: Cell::new(0),
        }
    }

    /// Sends until nothing is left to send, the account must rest, or the time is up.
    pub(super) async fn run(&self) -> Result<(), Stop> {
        let mut source = pin!(self.source());
        let (mut ready, mut returned) = (VecDeque::new(), Vec::new());
        let mut on_their_way = FuturesUnordered::new();
        let mut exhausted = false;
        loop {
            while let Some(Some(back)) = on_their_way.next().now_or_never() {
                returned.push(back);
            }
            let (leaving, look_again) = self.leaving(&mut ready, &returned, on_their_way.len(), exhausted);
            if !leaving.is_empty() || returned.len() >= RESULTS || (on_their_way.is_empty() && !returned.is_empty()) {
                let again = self.write(&mut returned, &leaving).await?;
                ready.extend(again);
                on_their_way.extend(leaving.into_iter().map(|ready| self.send(ready)));
                self.signals.busy.set(on_their_way.len() >= IN_FLIGHT / 2);
                continue;
            }
            if exhausted && on_their_way.is_empty() && (ready.is_empty() || self.is_over()) {
                break;
            }
            self.ready.set(ready.len());
            let more = async {
                match exhausted {
                    true => future::pending().await,
                    false => source.next().await,
                }
            };
            futures::select_biased! {
                back = on_their_way.select_next_some() => returned.push(back),
                steps = pin!(more.fuse()) => match steps {
                    None => exhausted = true,
                    Some(steps) => steps?.into_iter().for_each(|step| self.take(step, &mut ready, &mut returned)),
                },
                () = pin!(self.book.run.timer().sleep(look_again).fuse()) => {}
            }
        }
        // What the last write settled is behind us only now.
        self.book.write(Change::default(), |head| self.mark(head)).await
    }

    /// Which of the pushes that are ready may leave now, and when to look again if none may.
    fn leaving(
        &self,
        ready: &mut VecDeque<Ready>,
        returned: &[Returned],
        on_their_way: usize,
        exhausted: bool,
    ) -> (Vec<Ready>, Duration) {
        let mut leaving = Vec::new();
        let mut look_again = IDLE;
        let sending = self.sending.borrow();
        let closed = returned.iter().filter(|back| !back.came.is_open() && sending.contains(&back.spot)).count();
        let mut free = IN_FLIGHT.saturating_sub(sending.len() - closed);
        let enough = free >= WORTH_A_WRITE && (ready.len() >= WORTH_A_WRITE || exhausted) || on_their_way == 0;
        while enough && !self.is_over() {
            let Some(Ready { api, spot, .. }) = ready.front() else { break };
            // One that is called `sending` already takes up no more room.
            let (api, takes) = (*api, usize::from(!sending.contains(spot)));
            if free < takes {
                break;
            }
            let now = self.book.run.millis();
            let mut head = self.book.head();
            match head.account.pace(api).room(now) {
                Ok(_) => {
                    head.account.pace(api).count(now, 1);
                    leaving.extend(ready.pop_front());
                    free -= takes;
                }
                Err(until) => {
                    let wait = Duration::from_millis(until.saturating_sub(now));
                    let why = head.account.pace(api).paused().map(|pause| pause.why.clone());
                    drop(head);
                    if self.book.run.elapsed() + wait >= LAST_LAUNCH {
                        self.halt(why.unwrap_or_else(|| "the pace that WeChat allows".to_owned()));
                    }
                    look_again = wait.max(Duration::from_millis(1));
                    break;
                }
            }
        }
        (leaving, look_again)
    }

    /// Whether nothing more may leave in this run.
    fn is_over(&self) -> bool {
        self.report.borrow().halted.is_some() || self.book.run.elapsed() >= LAST_LAUNCH
    }

    fn halt(&self, why: String) {
        self.report.borrow_mut().halted.get_or_insert(why);
    }

    /// Writes what came back, and that these are about to leave. Gives those that came back to leave once more.
    async fn write(&self, returned: &mut Vec<Returned>, leaving: &[Ready]) -> Result<Vec<Ready>, Stop> {
        let now = self.book.run.now();
        let (mut change, mut settled, mut again) = (Change::default(), Vec::new(), Vec::new());
        for Returned { spot, openid, entry, came, again: once_more } in returned.drain(..) {
            if !came.is_open() {
                self.sending.borrow_mut().remove(&spot);
            }
            match came {
                Came::Settled(state, what) => {
                    self.count(&what);
                    change.news.push(entry.news(&openid, Some(Group::Treated), now, what));
                    change.ended.push((openid.clone(), entry.id, state));
                    settled.push((spot, entry.id));
                }
                Came::Back => change.ended.push((openid.clone(), entry.id, State::Planned)),
                Came::Open => {}
            }
            match once_more {
                Some(ready) => again.push(ready),
                None => change.release.push(openid),
            }
        }
        for ready in leaving {
            let tried = match ready.entry.state {
                State::Sending(tried) => tried,
                _ => now,
            };
            self.book.with(&ready.openid, |ledger| ledger.leaves(ready.entry.id, Went::from(&ready.content)));
            change.begins.push((ready.openid.clone(), ready.entry.id, State::Sending(tried)));
            self.sending.borrow_mut().insert(ready.spot.clone());
        }
        self.book.write(change, |head| self.mark(head)).await?;
        for (spot, id) in settled {
            self.active.borrow_mut().remove(&id);
            self.settle(spot);
        }
        Ok(again)
    }

    /// How far the queues are settled for sure: what is being written now counts with the next write.
    fn mark(&self, head: &mut Head) {
        let (open, taken) = (self.open.borrow(), self.taken.borrow());
        for (queue, taken) in &*taken {
            let open = open.get(queue).and_then(|open| open.first().copied());
            if let Some(progress) = head.queues.get_mut(queue) {
                progress.done = open.map_or(*taken, |open| open.min(*taken));
            }
        }
        head.sending = self.sending.borrow().clone();
        head.account.token = self.account.standing().or(head.account.token);
    }

    fn settle(&self, spot: Spot) {
        self.sending.borrow_mut().remove(&spot);
        let (queue, position) = spot;
        if let Some(open) = self.open.borrow_mut().get_mut(&queue) {
            open.remove(&position);
        }
    }

    fn count(&self, what: &What) {
        let mut report = self.report.borrow_mut();
        match what {
            What::Planned | What::Queued(_) => {}
            What::Skipped(skip) => report.skip(*skip),
            What::Sent(_) => report.sent += 1,
            What::Refused(_) => report.refused += 1,
            What::Unknown => report.unknown += 1,
        }
    }

    fn take(&self, step: Step, ready: &mut VecDeque<Ready>, returned: &mut Vec<Returned>) {
        match step {
            Step::Leave(push) => ready.push_back(push),
            Step::Stay(back) => returned.push(back),
            Step::Pass(spot) => self.settle(spot),
        }
    }

    /// Sends one push, again where that is safe.
    async fn send(&self, push: Ready) -> Returned {
        // Since when it may have gone out without our knowing.
        let mut doubt = match push.entry.state {
            State::Sending(tried) => Some(tried),
            _ => None,
        };
        let first = doubt.unwrap_or_else(|| self.book.run.now());
        let mut tries = 1;
        let (came, retry) = loop {
            let failure = match self.account.call(&push.request).await {
                Ok(answer) => {
                    let msgid = answer.msgid().map(str::to_owned);
                    let state = State::Sent(self.book.run.now(), msgid.clone());
                    break (Came::Settled(state, What::Sent(msgid)), false);
                }
                Err(failure) => failure,
            };
            if failure.uncertain {
                doubt = Some(first);
            }
            if failure.meaning != Meaning::BackOff {
                break self.judge(&push, &failure, doubt.is_some());
            }
            let pause = BACK_OFF * 2_u32.pow(tries - 1);
            let now = self.book.run.now();
            if doubt.is_some() && now.0 + pause.as_secs() >= first.0 + REPEAT_SECONDS {
                break (Came::Settled(State::Unknown(now), What::Unknown), false);
            }
            if tries >= TRIES || self.book.run.elapsed() + pause >= LAST_LAUNCH {
                self.halt(failure.to_string());
                break (if doubt.is_some() { Came::Open } else { Came::Back }, false);
            }
            tries += 1;
            self.book.run.timer().sleep(pause).await;
            self.book.head().account.pace(push.api).count(self.book.run.millis(), 1);
        };
        let (spot, openid, entry) = (push.spot.clone(), push.openid.clone(), push.entry.clone());
        Returned { spot, openid, entry, came, again: retry.then_some(push) }
    }

    /// What a plain refusal means for the push and for the account, and whether it may leave again in this run.
    fn judge(&self, push: &Ready, failure: &Failure, doubt: bool) -> (Came, bool) {
        let (now, millis) = (self.book.run.now(), self.book.run.millis());
        let mut head = self.book.head();
        let account = &mut head.account;
        let refused = match failure.meaning {
            Meaning::FanNever | Meaning::FanLater | Meaning::WayClosed => true,
            Meaning::TemplateBroken => {
                account.stop(&push.content);
                account.alarm(&about(push, failure), failure.to_string(), now);
                true
            }
            Meaning::Unknown => return (Came::Settled(State::Unknown(now), What::Unknown), false),
            Meaning::QuotaUsedUp => {
                account.pace(push.api).used_up(millis);
                false
            }
            Meaning::SlowDown => {
                account.pace(push.api).slow_down(millis);
                return if doubt { (Came::Open, false) } else { (Came::Back, true) };
            }
            Meaning::Done | Meaning::BackOff | Meaning::RefreshToken | Meaning::Alarm => {
                account.alarm(&about(push, failure), failure.to_string(), now);
                for api in [Api::Template, Api::Notice, Api::Message] {
                    account.pace(api).pause_until(millis + ALARM_REST * 1_000, failure.to_string());
                }
                false
            }
        };
        let came = match (refused, doubt) {
            // An earlier try may have arrived.
            (true, true) => Came::Settled(State::Unknown(now), What::Unknown),
            (true, false) => {
                let code = failure.code().unwrap_or_default();
                Came::Settled(State::Refused(now, code), What::Refused(code))
            }
            (false, true) => Came::Open,
            (false, false) => Came::Back,
        };
        (came, false)
    }

    /// Everything that may go out, page by page, until there is no more.
    fn source(&self) -> impl Stream<Item = Result<Vec<Step>, Stop>> {
        stream::unfold((), |()| async {
            loop {
                if self.is_over() {
                    return None;
                }
                if self.ready.get() < IN_FLIGHT {
                    match self.next_steps().await {
                        Ok(None) if !self.signals.planning.get() => return None,
                        Ok(None) => {}
                        Ok(Some(steps)) => return Some((Ok(steps), ())),
                        Err(stop) => return Some((Err(stop), ())),
                    }
                }
                self.book.run.timer().sleep(IDLE).await;
            }
        })
    }

    /// The next page of pushes that are in doubt, or else that may go out by now.
    async fn next_steps(&self) -> Result<Option<Vec<Step>>, Stop> {
        if let Some((queue, positions)) = self.next_doubtful() {
            let (looked_at, rest) = std::mem::take(&mut *self.doubtful.borrow_mut())
                .into_iter()
                .partition::<BTreeSet<Spot>, _>(|(other, position)| *other == queue && positions.contains(position));
            self.doubtful.replace(rest);
            let waiting = self.waiting(&queue, *positions.start()).await?;
            let waiting = waiting.filter(|(position, _)| looked_at.contains(&(queue.clone(), *position)));
            return self.steps(&queue, waiting.collect()).await.map(Some);
        }
        let Some((queue, from, until)) = self.next_queue() else { return Ok(None) };
        let waiting: Vec<_> = self.waiting(&queue, from).await?.take_while(|(position, _)| *position < until).collect();
        let Some((last, _)) = waiting.last() else {
            // The planner is about to write it.
            return Ok(None);
        };
        self.taken.borrow_mut().insert(queue.clone(), last + 1);
        self.steps(&queue, waiting).await.map(Some)
    }

    /// What waits on a page, from this position on.
    async fn waiting(&self, queue: &Queue, from: u64) -> Result<impl Iterator<Item = (u64, Waiting)>, Stop> {
        let key = page_key(&queue.to_string(), from);
        let page = self.book.run.get(&key).await?.map(|bytes| Page::<Waiting>::decode(&bytes)).transpose();
        let page = page.map_err(|error| Stop::Record { key, error })?.unwrap_or_default();
        Ok(page.items_from(from).filter_map(|(position, waiting)| Some((position, waiting?))))
    }

    /// A page that a run which died left pushes on in doubt, as its positions from the first such on.
    fn next_doubtful(&self) -> Option<(Queue, RangeInclusive<u64>)> {
        let doubtful = self.doubtful.borrow();
        let (queue, first) = doubtful.first()?;
        Some((queue.clone(), *first..=first / PAGE * PAGE + PAGE - 1))
    }

    /// The first queue with something that may go out by now, and from where to where.
    fn next_queue(&self) -> Option<(Queue, u64, u64)> {
        let now = self.book.run.now();
        let head = self.book.head();
        let taken = self.taken.borrow();
        head.queues.iter().find_map(|(queue, progress)| {
            let from = taken.get(queue).copied().unwrap_or(progress.done);
            let until = available(queue, progress, &self.pushes.limits, now);
            (from < until).then(|| (queue.clone(), from, until))
        })
    }

    /// What to do about each of some pushes.
    async fn steps(&self, queue: &Queue, mut waiting: Vec<(u64, Waiting)>) -> Result<Vec<Step>, Stop> {
        waiting.retain(|(_, waiting)| self.active.borrow_mut().insert(waiting.id));
        self.open.borrow_mut().entry(queue.clone()).or_default().extend(waiting.iter().map(|(position, _)| position));
        let openids: Vec<OpenId> = waiting.iter().map(|(_, waiting)| waiting.openid.clone()).collect();
        let keys = openids.iter().flat_map(|openid| [fan::key(openid), conversation::key(openid)]);
        let keys: Vec<String> = keys.collect();
        let mut values = self.book.run.get_all(&keys).await?.into_iter().zip(keys);
        self.book.acquire(&openids).await?;
        let mut steps = Vec::new();
        for (position, Waiting { openid, id }) in waiting {
            let (fan, said) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
            let fan = fan.0.and_then(|bytes| Fan::decode(&fan.1, &bytes).ok());
            let conversation = conversation_of(said.0);
            let spot = (queue.clone(), position);
            let step = match self.book.with(&openid, |ledger| ledger.get(id).cloned()).flatten() {
                Some(entry) => self.step(spot.clone(), &openid, entry, fan.as_ref(), conversation).await,
                None => None,
            };
            if step.is_none() {
                self.book.release(&openid);
                self.active.borrow_mut().remove(&id);
            }
            steps.push(step.unwrap_or(Step::Pass(spot)));
        }
        Ok(steps)
    }

    /// What to do about one push; none: nothing.
    async fn step(
        &self,
        spot: Spot,
        openid: &OpenId,
        entry: Entry,
        fan: Option<&Fan>,
        conversation: Conversation,
    ) -> Option<Step> {
        let now = self.book.run.now();
        let stay = |state, what| {
            let (spot, openid, entry) = (spot.clone(), openid.clone(), entry.clone());
            Some(Step::Stay(Returned { spot, openid, entry, came: Came::Settled(state, what), again: None }))
        };
        let skip = |skip| stay(State::Skipped(now, skip), What::Skipped(skip));
        let unknown = || stay(State::Unknown(now), What::Unknown);
        if entry.state.is_settled() {
            return None;
        }
        let doubt = matches!(entry.state, State::Sending(_));
        let ways = self.ways(&entry.subject).and_then(|ways| match doubt {
            true => ways.as_it_went(&entry),
            false => Some(ways),
        });
        let Some(ways) = ways else {
            return if doubt { unknown() } else { skip(Skip::InvalidTemplate) };
        };
        let state = fan.map(|fan| fan.state(self.pushes.limits.utc_offset));
        let way = self.book.with(openid, |ledger| {
            let no_tags = BTreeSet::new();
            let tags = fan.map_or(&no_tags, |fan| &fan.tags);
            let known = Known { openid, fan: state.as_ref(), tags, conversation, ledger };
            known.way(&entry, &ways, &self.book.head().account, now).cloned()
        });
        let way = way.unwrap_or(Err(Skip::NoWindow)).and_then(|content| match self.obstacle(&entry, now) {
            Some(skip) => Err(skip),
            None => Ok(content),
        });
        let content = match (&entry.state, way) {
            (State::Sending(tried), Ok(content)) if content.api().may_repeat() && now.0 < tried.0 + REPEAT_SECONDS => {
                self.report.borrow_mut().repeated += 1;
                content
            }
            (State::Sending(_), _) => return unknown(),
            (_, Err(why)) => return skip(why),
            (_, Ok(content)) => content,
        };
        let api = content.api();
        self.learn(api).await;
        let values = self.values(&entry.subject, state.as_ref(), now);
        let filled = content.render(&self.pushes.name, values.as_ref());
        let request = request_of(openid, entry.id, &filled);
        Some(Step::Leave(Ready {
            spot: spot.clone(),
            openid: openid.clone(),
            entry: entry.clone(),
            api,
            request,
            content,
        }))
    }

    /// What stands against a push that is not the fan's doing.
    fn obstacle(&self, entry: &Entry, now: Timestamp) -> Option<Skip> {
        let limits = &self.pushes.limits;
        if now.0 >= entry.due.0 + LATE {
            return Some(Skip::OverQuota);
        }
        limits.is_quiet(limits.utc_offset.local(now).minute).then_some(Skip::QuietHours)
    }

    fn ways(&self, subject: &Subject) -> Option<Ways> {
        match subject {
            Subject::Reminder { product, .. } => {
                Some(self.pushes.products.get(product)?.reminder.as_ref()?.ways.clone())
            }
            Subject::Campaign(id) => Some(self.book.head().campaigns.get(id)?.campaign.ways.clone()),
        }
    }

    /// What the placeholders of a reminder become.
    fn values(&self, subject: &Subject, fan: Option<&fan::State>, now: Timestamp) -> Option<Values<'_>> {
        let Subject::Reminder { product, basis, run_out } = subject else { return None };
        let day = |at| self.pushes.limits.utc_offset.local(at).day;
        Some(Values {
            product: &self.pushes.products.get(product)?.name,
            quantity: fan.and_then(|fan| fan.products.get(product)).map_or(1, fan::Product::last_quantity),
            bought_on: day(*basis),
            run_out: day(*run_out),
            today: day(now),
        })
    }

    /// Asks for the quota of a call, if that was long ago.
    async fn learn(&self, api: Api) {
        let now = self.book.run.now();
        if !self.book.head().account.pace(api).is_stale(now) || !self.asked.borrow_mut().insert(api) {
            return;
        }
        let quota = self.account.quota(api).await;
        let mut head = self.book.head();
        match quota {
            Ok(quota) => head.account.pace(api).learn(&quota, now),
            // The sends will tell what is wrong.
            Err(failure) => head.account.alarm("quota query", failure.to_string(), now),
        }
    }
}

/// How many pushes of a queue may go out by now: all of a campaign's; of an hour's, as many as its minutes that have begun,
/// so that they spread over the hour, and none in the quiet hours.
pub(super) fn available(queue: &Queue, progress: &Progress, limits: &Limits, now: Timestamp) -> u64 {
    let Some(elapsed) = now.0.checked_sub(progress.due.0) else { return 0 };
    match queue {
        Queue::Campaign(_) => progress.queued,
        Queue::Hour(_) if limits.is_quiet(limits.utc_offset.local(now).minute) => 0,
        Queue::Hour(_) => (progress.queued * (elapsed / 60 + 1).min(60)).div_ceil(60),
    }
}

fn request_of(touser: &OpenId, id: PushId, filled: &Filled) -> Request {
    match filled {
        Filled::Template { template_id, fields, url, miniprogram } => template::Message {
            touser,
            template_id,
            url: url.as_deref(),
            miniprogram: mini_program(miniprogram),
            data: Data(fields),
            client_msg_id: &id.to_string(),
        }
        .request(),
        Filled::Notice { template_id, fields, url, miniprogram } => {
            let (page, miniprogram) = (url.as_deref(), mini_program(miniprogram));
            Notice { touser, template_id, page, miniprogram, data: Data(fields) }.request()
        }
        Filled::Message { text } => message::Text { touser, content: text }.request(),
    }
}

fn mini_program(miniprogram: &Option<(String, String)>) -> Option<MiniProgram<'_>> {
    miniprogram.as_ref().map(|(appid, pagepath)| MiniProgram { appid, pagepath })
}

/// What an alarm is about, so that the same trouble is one alarm: the template, or the code.
fn about(push: &Ready, failure: &Failure) -> String {
    match (&push.content, failure.meaning) {
        (Content::Template(form) | Content::Notice(form), Meaning::TemplateBroken) => {
            format!("template {}", form.template_id)
        }
        _ => failure.code().map_or_else(|| push.api.path().to_owned(), |code| format!("errcode {code}")),
    }
}
