//! From queues to WeChat: at most [`IN_FLIGHT`] pushes on their way at any moment, each stored as `sending` before it leaves.
//!
//! What came back and what leaves next are written together, as soon as enough came back: so at any moment at most
//! [`IN_FLIGHT`] ledger entries say `sending`, and a run that is killed leaves no more than that in doubt. The head knows where
//! these wait: the next run takes them first, goes on from the first position that is not settled, and goes by the ledger:
//!
//! | the ledger says | what happens |
//! |---|---|
//! | planned | it is sent, if nothing stands against it now |
//! | sending | a template message is sent again under its `client_msg_id` for [`template::REPEAT_SECONDS`] after the first try, else it is unknown; a notice or a customer message is unknown at once, because WeChat does not tell copies of these apart |
//! | anything else | nothing |
//!
//! **A push goes the first of its ways** that can reach the fan, as far as we know when it is taken from its queue. Where WeChat
//! says that this way is closed, or takes the template no more, it goes on by the next, and counts for the next one's quota;
//! but what may have gone out goes no other way.
//!
//! **Every call is a leaving**, the first and each that repeats it. It waits in the lane of its API until there is room in that
//! API's pace, and passes one gate as the last thing before it goes: whatever was looked at more than [`FRESH`] ago is looked at
//! again there. So nothing leaves later than that after a 退订 was answered, after rollup knew of an unfollow or a purchase, or
//! after it was asked for that its campaign stops.
//!
//! **Trouble stays where it is.** Each API has its lane, and of the places in flight some are kept for the others. An API of
//! which the quota is used up for longer than this run lasts, or of which [`GAVE_UP_MAX`] pushes in a row were tried in vain, is
//! closed for the run; a single push that fails as often as it is tried waits for the next run, and the others go on.
//!
//! | module | what |
//! |---|---|
//! | `queue`, `lanes` | what is in hand of the queues, and what waits for its call: plain bookkeeping |
//! | `source` | from pages to pushes that may leave |
//! | `call` | one call: the gate, and what becomes of its push |
//! | `look` | whether a push may leave, when it is taken and right before its call |
//! | `judge` | what a call that failed means: pure decisions |
//! | here | the loop: what leaves when, and what is written |
//!
//! [`template::REPEAT_SECONDS`]: crate::wechat::api::template::REPEAT_SECONDS

mod call;
mod judge;
mod lanes;
mod look;
mod queue;
mod source;

use super::{
    account::Account,
    book::{Book, Change},
    content::WAYS,
    head::Head,
    ledger::{Entry, State, Went},
    pace::Millis,
    queue::{Progress, Queue},
    report::Report,
    signals::Signals,
};
use crate::{
    facts::push::{Group, What},
    playbook::{Content, Pushes},
    store::{Store, Timer, lease::Stop},
    time::Timestamp,
    wechat::{
        OpenId,
        api::{Api, Calls, Request},
    },
};
use futures::{
    FutureExt, StreamExt,
    future::{self, Either},
    lock::Mutex,
    stream::{FuturesUnordered, Peekable, Stream},
};
use judge::{Came, Tried, unknown};
use lanes::Lanes;
use queue::{Room, Spot, Taken};
use source::Step;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    pin::{Pin, pin},
    time::Duration,
};

/// Pushes on their way at once.
pub const IN_FLIGHT: usize = 64;
/// A push leaves on what was looked at so lately; else it is looked at again.
pub const FRESH: Duration = Duration::from_secs(2);
/// So many pushes in a row that were tried in vain close an API for the run.
pub const GAVE_UP_MAX: u32 = 8;
/// So many must be free before more are sent, while others are on their way: what one write is worth.
const WORTH_A_WRITE: usize = 8;
/// Results that are written even if nothing more may leave.
const RESULTS: usize = 32;
/// Nothing leaves later than this after the start, so that every call can end within the run.
const LAST_LAUNCH: Duration = Duration::from_secs(36);
/// How long to wait for the planner where it is at work.
const IDLE: Duration = Duration::from_millis(20);

/// A push that may leave.
struct Ready {
    spot: Spot,
    openid: OpenId,
    entry: Entry,
    content: Content,
    request: Request,
    /// The ways that reach the fan behind this one, should WeChat say that it does not.
    behind: VecDeque<(Content, Request)>,
    /// Since when the ledger calls it `sending`, if it does.
    sending: Option<Timestamp>,
    /// It may have gone out.
    doubt: bool,
    /// Calls of this run.
    tries: u32,
    /// When it was looked at, since the run's start.
    looked: Cell<Duration>,
    /// As of when a call is counted for it that has not left.
    counted: Cell<Option<Millis>>,
    /// The template of a notice that WeChat did not take for want of consent; to be told.
    no_consent: Option<String>,
}

/// A push that came back, or that does not leave.
struct Returned {
    spot: Spot,
    openid: OpenId,
    entry: Entry,
    came: Came,
    /// To be sent again in this run, no sooner than then.
    again: Option<(Millis, Ready)>,
    /// As in [`Ready`].
    no_consent: Option<String>,
}

pub(super) struct Sender<'a, S, T, C> {
    book: &'a Book<'a, S, T>,
    account: &'a Account<'a, S, T, C>,
    pushes: &'a Pushes,
    report: &'a RefCell<Report>,
    signals: &'a Signals,
    taken: RefCell<Taken>,
    lanes: RefCell<Lanes<Ready>>,
    /// How often the quota of each call was asked for in this run.
    asked: RefCell<BTreeMap<Api, u32>>,
    /// Whoever looks for campaigns that are to stop. Calls and the source wait for it, which go on side by side; never what writes.
    looking: Mutex<()>,
    /// How many pushes in a row were tried in vain, and what became of the last.
    gave_up: RefCell<BTreeMap<Api, (u32, String)>>,
}

impl Ready {
    fn api(&self) -> Api {
        self.content.api()
    }

    /// Goes on by the next way. False: there is none, or it may have gone out.
    fn goes_on(&mut self) -> bool {
        let next = if self.doubt { None } else { self.behind.pop_front() };
        let Some((content, request)) = next else { return false };
        (self.content, self.request, self.tries) = (content, request, 0);
        true
    }

    fn tried(&self, now: Timestamp) -> Tried {
        Tried { since: self.sending.unwrap_or(now), doubt: self.doubt, tries: self.tries }
    }

    fn returned(mut self, came: Came, again: Option<Millis>) -> Returned {
        let (spot, openid, entry) = (self.spot.clone(), self.openid.clone(), self.entry.clone());
        let no_consent = self.no_consent.take();
        Returned { spot, openid, entry, came, again: again.map(|at| (at, self)), no_consent }
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
        Self {
            book,
            account,
            pushes,
            report,
            signals,
            taken: RefCell::new(Taken::new(book.head().sending.clone())),
            lanes: RefCell::default(),
            asked: RefCell::default(),
            looking: Mutex::default(),
            gave_up: RefCell::default(),
        }
    }

    /// Sends until nothing is left to send, no call may be made any more, or the time is up.
    pub(super) async fn run(&self) -> Result<(), Stop> {
        let mut source = pin!(self.source().peekable());
        let mut returned = Vec::new();
        let mut on_their_way = FuturesUnordered::new();
        let mut exhausted = false;
        loop {
            while let Some(Some(back)) = on_their_way.next().now_or_never() {
                self.receive(back, &mut returned);
            }
            self.close_what_fails(&mut returned);
            let (leaving, look_again) = self.leaving(&mut returned, on_their_way.len(), exhausted);
            if !leaving.is_empty() || returned.len() >= RESULTS || (on_their_way.is_empty() && !returned.is_empty()) {
                let leaving = beside(self.write(&mut returned, leaving), source.as_mut()).await?;
                on_their_way.extend(leaving.into_iter().map(|push| self.send(push)));
                self.signals.busy.set(on_their_way.len() >= IN_FLIGHT / 2);
                continue;
            }
            if exhausted && on_their_way.is_empty() && (self.lanes.borrow().is_empty() || self.is_over()) {
                break;
            }
            let more = async {
                match exhausted {
                    true => future::pending().await,
                    false => source.next().await,
                }
            };
            futures::select_biased! {
                back = on_their_way.select_next_some() => self.receive(back, &mut returned),
                steps = pin!(more.fuse()) => match steps {
                    None => exhausted = true,
                    Some(steps) => steps?.into_iter().for_each(|step| self.take(step, &mut returned)),
                },
                () = pin!(self.book.run.timer().sleep(look_again).fuse()) => {}
            }
        }
        let left: Vec<Ready> = WAYS.into_iter().flat_map(|api| self.lanes.borrow_mut().drain(api)).collect();
        left.into_iter().for_each(|push| self.put_back(push, &mut returned));
        self.write(&mut returned, Vec::new()).await?;
        // What the last write settled is behind us only now.
        self.book.write(Change::default(), |head| self.tell(head)).await
    }

    fn take(&self, step: Step, returned: &mut Vec<Returned>) {
        match step {
            Step::Leave(push) if self.lanes.borrow().is_closed(push.api()) => self.put_back(push, returned),
            Step::Leave(push) => self.lanes.borrow_mut().push(push.api(), push),
            Step::Stay(back) => returned.push(back),
        }
    }

    /// What came back waits to be written; but for what leaves again as it stands in its ledger.
    fn receive(&self, back: Returned, returned: &mut Vec<Returned>) {
        match back {
            Returned { came: Came::Open, again: Some((at, push)), .. } => {
                let closed = self.lanes.borrow().is_closed(push.api());
                match closed {
                    true => self.put_back(push, returned),
                    false => self.lanes.borrow_mut().again(push.api(), at, push),
                }
            }
            back => returned.push(back),
        }
    }

    /// A push that does not leave in this run: what surely did not go out is planned again, where the ledger says otherwise.
    fn put_back(&self, push: Ready, returned: &mut Vec<Returned>) {
        let came = match push.sending {
            None => Came::Open,
            Some(_) => push.tried(self.book.run.now()).back(),
        };
        returned.push(push.returned(came, None));
    }

    /// Which of the pushes that wait may leave now, each lane's in turn, and when to look again if none may.
    fn leaving(&self, returned: &mut Vec<Returned>, on_their_way: usize, exhausted: bool) -> (Vec<Ready>, Duration) {
        let mut leaving = Vec::new();
        let now = self.book.run.millis();
        let ended = returned.iter().filter(|back| back.came != Came::Open).map(|back| &back.spot);
        let mut room = self.taken.borrow().room(ended, |api| self.waits(api));
        let (waiting, again) = (self.lanes.borrow().waiting(now), self.lanes.borrow().has_again(now));
        let enough = room.all >= WORTH_A_WRITE && (waiting >= WORTH_A_WRITE || exhausted) || on_their_way == 0 || again;
        let mut look_again = IDLE;
        if !enough || self.is_over() {
            return (leaving, look_again);
        }
        let mut lanes = WAYS.to_vec();
        let mut waits = Vec::new();
        while !lanes.is_empty() {
            lanes.retain(|api| match self.next_of(*api, now, &mut room, returned) {
                Ok(push) => {
                    leaving.push(push);
                    true
                }
                Err(until) => {
                    waits.extend(until.map(|until| Duration::from_millis(until.saturating_sub(now).max(1))));
                    false
                }
            });
        }
        if let Some(wait) = waits.into_iter().min() {
            look_again = wait;
        }
        (leaving, look_again)
    }

    /// The next of a lane that may leave now, its call counted. None: when one may, if one waits for that.
    fn next_of(
        &self,
        api: Api,
        now: Millis,
        room: &mut Room,
        returned: &mut Vec<Returned>,
    ) -> Result<Ready, Option<Millis>> {
        let mut lanes = self.lanes.borrow_mut();
        // One that is called `sending` already takes up no more room.
        let begins = lanes.peek(api, now)?.sending.is_none();
        if begins && !room.take(api) {
            return Err(None);
        }
        let taken = self.book.head().account.pace(api).take(now);
        match taken {
            Ok(counted) => {
                let push = lanes.pop(api, now).ok_or(None)?;
                push.counted.set(Some(counted));
                Ok(push)
            }
            Err(until) => {
                drop(lanes);
                if begins {
                    room.give_back(api);
                }
                self.no_room(api, until, now, returned);
                Err(Some(until))
            }
        }
    }

    /// Whether something waits for a call, now or later.
    fn waits(&self, api: Api) -> bool {
        let queued = |(queue, progress): (&Queue, &Progress)| queue.api() == api && progress.done < progress.queued;
        self.book.head().queues.iter().any(queued)
    }

    /// A call has no room until a moment. What is in doubt and could be repeated only later than WeChat knows it is unknown.
    fn no_room(&self, api: Api, until: Millis, now: Millis, returned: &mut Vec<Returned>) {
        let seconds = Timestamp(until / 1_000);
        let too_late = |push: &Ready| !push.tried(seconds).may_repeat_at(seconds);
        let over = self.lanes.borrow_mut().take_if(api, too_late);
        returned.extend(over.into_iter().map(|push| push.returned(unknown(self.book.run.now()), None)));
        if self.book.run.elapsed() + Duration::from_millis(until.saturating_sub(now)) >= LAST_LAUNCH {
            let why = self.book.head().account.pace(api).paused().map(|pause| pause.why.clone());
            self.close(api, why.unwrap_or_else(|| "the pace that WeChat allows".to_owned()), returned);
        }
    }

    /// Closes what was tried in vain too often.
    fn close_what_fails(&self, returned: &mut Vec<Returned>) {
        let is_hopeless = |api: &Api| self.gave_up.borrow().get(api).is_some_and(|(times, _)| *times >= GAVE_UP_MAX);
        for api in WAYS.into_iter().filter(is_hopeless) {
            let why = self.gave_up.borrow_mut().remove(&api).map(|(_, why)| why);
            self.close(api, why.unwrap_or_default(), returned);
        }
    }

    /// Makes a call no more in this run.
    fn close(&self, api: Api, why: String, returned: &mut Vec<Returned>) {
        let waiting = self.lanes.borrow_mut().close(api);
        waiting.into_iter().for_each(|push| self.put_back(push, returned));
        self.report.borrow_mut().halted.get_or_insert(why);
    }

    /// Whether nothing more may leave in this run.
    fn is_over(&self) -> bool {
        self.lanes.borrow().are_closed() || self.book.run.elapsed() >= LAST_LAUNCH
    }

    /// Writes what came back, and that these are about to leave.
    async fn write(&self, returned: &mut Vec<Returned>, mut leaving: Vec<Ready>) -> Result<Vec<Ready>, Stop> {
        let now = self.book.run.now();
        let (mut change, mut settled, mut again) = (Change::default(), Vec::new(), Vec::new());
        for Returned { spot, openid, entry, came, again: once_more, no_consent } in returned.drain(..) {
            change.news.extend(no_consent.map(|template| entry.news(&openid, None, now, What::NoConsent(template))));
            if came != Came::Open {
                self.taken.borrow_mut().ends(&spot);
            }
            match came {
                Came::Settled(state, what) => {
                    self.count(&what);
                    change.news.push(entry.news(&openid, Some(Group::Treated), now, what));
                    change.ended.push((openid.clone(), entry.id, state));
                    settled.push((spot, entry.id));
                }
                Came::Known => settled.push((spot, entry.id)),
                Came::Back => change.ended.push((openid.clone(), entry.id, State::Planned)),
                Came::Open => {}
            }
            match once_more {
                Some((at, push)) => again.push((at, Ready { sending: None, ..push })),
                None => change.release.push(openid),
            }
        }
        for push in leaving.iter_mut().filter(|push| push.sending.is_none()) {
            push.sending = Some(now);
            self.book.change(&push.openid, |ledger| ledger.leaves(push.entry.id, Went::from(&push.content)));
            change.begins.push((push.openid.clone(), push.entry.id, State::Sending(now)));
            self.taken.borrow_mut().begins(&push.spot);
        }
        self.book.write(change, |head| self.tell(head)).await?;
        settled.iter().for_each(|(spot, id)| self.taken.borrow_mut().settle(spot, *id));
        again.into_iter().for_each(|(at, push)| self.lanes.borrow_mut().again(push.api(), at, push));
        Ok(leaving)
    }

    /// How far the queues are settled for sure: what is being written now counts with the next write.
    fn tell(&self, head: &mut Head) {
        self.taken.borrow().tell(head);
        head.account.token = self.account.standing().or(head.account.token);
    }

    fn count(&self, what: &What) {
        let mut report = self.report.borrow_mut();
        match what {
            What::Planned | What::Queued(_) | What::NoConsent(_) => {}
            What::Skipped(skip) => report.skip(*skip),
            What::Sent(_) => report.sent += 1,
            What::Refused(_) => report.refused += 1,
            What::Unknown => report.unknown += 1,
        }
    }
}

/// Waits for a write, and lets the source go on meanwhile: where it found a record damaged, it writes too, and each has its turn.
async fn beside<R>(write: impl Future<Output = R>, source: Pin<&mut Peekable<impl Stream>>) -> R {
    match future::select(pin!(write), source.peek()).await {
        Either::Left((written, _)) => written,
        Either::Right((_, write)) => write.await,
    }
}
