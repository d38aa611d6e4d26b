//! From the queues' pages to pushes that may leave.

use super::{
    IDLE, Ready, Returned, Sender,
    judge::{stays, unknown},
    look::seen_in,
    queue::{Spot, Taken},
};
use crate::{
    facts::push::Skip,
    push::{
        book::Read,
        content::{request, ways_of},
        head::Head,
        ledger::{Entry, State},
        queue::{Queue, Waiting, available},
        seen::{Seen, keys},
    },
    store::{
        Store, Timer,
        key::Stored as _,
        lease::Stop,
        list::{PAGE, Page},
    },
    wechat::{
        OpenId,
        api::{Api, Calls, template::REPEAT_SECONDS},
    },
};
use futures::stream::{self, Stream};
use std::{cell::Cell, collections::VecDeque, time::Duration};

/// How often the quota of a call is asked for in a run: without it only a refusal tells the pace.
const QUOTA_TRIES: u32 = 3;

/// What the queues give.
#[allow(clippy::large_enum_variant, reason = "a page of them at a time, and nearly all leave")]
pub(super) enum Step {
    Leave(Ready),
    Stay(Returned),
}

/// What there is to take from the queues.
enum Next {
    Steps(Vec<Step>),
    /// There is something, and enough like it waits already.
    Later,
    Nothing,
}

impl<S: Store, T: Timer, C: Calls> Sender<'_, S, T, C> {
    /// Everything that may go out, page by page, until there is no more.
    pub(super) fn source(&self) -> impl Stream<Item = Result<Vec<Step>, Stop>> {
        stream::unfold((), |()| async {
            loop {
                if self.is_over() {
                    return None;
                }
                match self.next().await {
                    Ok(Next::Steps(steps)) => return Some((Ok(steps), ())),
                    Ok(Next::Nothing) if !self.signals.planning.get() => return None,
                    Ok(Next::Nothing | Next::Later) => {}
                    Err(stop) => return Some((Err(stop), ())),
                }
                self.book.run.timer().sleep(IDLE).await;
            }
        })
    }

    /// The next page of pushes that are in doubt, or else that may go out by now and are not too many already.
    async fn next(&self) -> Result<Next, Stop> {
        let doubtful = self.taken.borrow_mut().take_doubtful();
        if let Some((queue, positions)) = doubtful {
            let first = positions.first().copied().unwrap_or_default();
            let items = self.items(&queue, first).await?;
            let here: Vec<_> = items.into_iter().filter(|(at, _)| positions.contains(at)).collect();
            let waiting = waiting(here);
            let lost = positions.into_iter().filter(|at| !waiting.iter().any(|(other, _)| other == at));
            lost.for_each(|at| self.taken.borrow_mut().ends(&(queue.clone(), at)));
            let opened = open(&mut self.taken.borrow_mut(), &queue, waiting);
            return self.steps(&queue, opened).await.map(Next::Steps);
        }
        let Some((queue, from, until)) = self.next_queue(|api| self.lanes.borrow().wants(api)) else {
            return Ok(if self.next_queue(|_| true).is_some() { Next::Later } else { Next::Nothing });
        };
        let mut items = self.items(&queue, from).await?;
        items.retain(|(at, _)| *at < until);
        // None: the planner is about to write it.
        let Some((last, _)) = items.last() else { return Ok(Next::Nothing) };
        let until = last + 1;
        let opened = {
            // In one go: a write that came between would tell the head that these are behind us.
            let mut taken = self.taken.borrow_mut();
            taken.take_until(&queue, until);
            open(&mut taken, &queue, waiting(items))
        };
        self.steps(&queue, opened).await.map(Next::Steps)
    }

    /// The items of a page, from this position on; a blank is one that was taken out. One that is damaged is set aside, and all
    /// that is known of it is how many it had.
    async fn items(&self, queue: &Queue, from: u64) -> Result<Vec<(u64, Option<Waiting>)>, Stop> {
        let key = queue.list().page(from);
        let first = from / PAGE * PAGE;
        loop {
            match self.book.read(&key).await? {
                Read::None => return Ok(Vec::new()),
                Read::Record(page) => return Ok(page.items_from(from).collect()),
                Read::Damaged(bytes) => {
                    self.book.tell_damaged(&key, bytes.clone()).await?;
                    let blanks = |head: &Head| {
                        let queued = head.queues.get(queue).map_or(0, |progress| progress.queued);
                        let count = queued.saturating_sub(first).min(PAGE);
                        Page::<Waiting>(vec![None; usize::try_from(count).unwrap_or_default()]).encode()
                    };
                    self.book.replace(&key, &bytes, blanks).await?;
                }
            }
        }
    }

    /// The first queue of such a call with something that may go out by now, and from where to where.
    fn next_queue(&self, wanted: impl Fn(Api) -> bool) -> Option<(Queue, u64, u64)> {
        let now = self.book.run.now();
        let head = self.book.head();
        let (taken, lanes) = (self.taken.borrow(), self.lanes.borrow());
        let is_stopped = |queue: &Queue| queue.campaign().is_some_and(|id| head.is_stopped(id));
        let may_go = |queue: &Queue| is_stopped(queue) || !lanes.is_closed(queue.api());
        let queues = head.queues.iter().filter(|(queue, _)| may_go(queue));
        queues.into_iter().find_map(|(queue, progress)| {
            let from = taken.next(queue, progress.done);
            let until = available(queue, progress, &self.pushes.limits, now);
            (from < until && (is_stopped(queue) || wanted(queue.api()))).then(|| (queue.clone(), from, until))
        })
    }

    /// What to do about each of some pushes that were opened; nothing about those that are settled.
    async fn steps(&self, queue: &Queue, opened: Vec<(u64, Waiting)>) -> Result<Vec<Step>, Stop> {
        if queue.campaign().is_some() {
            self.look_for_stops().await?;
        }
        let openids: Vec<OpenId> = opened.iter().map(|(_, waiting)| waiting.openid.clone()).collect();
        let looked = self.book.run.elapsed();
        let values = self.book.run.get_all(&openids.iter().flat_map(keys).collect::<Vec<_>>()).await?;
        self.book.acquire(&openids).await?;
        let mut steps = Vec::new();
        for ((position, Waiting { openid, id }), values) in opened.into_iter().zip(values.chunks(2)) {
            let spot = (queue.clone(), position);
            let seen = seen_in(&openid, values);
            self.book.note_unreadable(&seen);
            let entry = self.book.with(&openid, |ledger| ledger.and_then(|ledger| ledger.get(id)).cloned());
            match entry.filter(|entry| !entry.state.is_settled()) {
                Some(entry) => steps.push(self.step(spot, openid, entry, &seen, looked).await),
                None => {
                    self.book.release(&openid);
                    self.taken.borrow_mut().settle(&spot, id);
                }
            }
        }
        Ok(steps)
    }

    /// What to do about one push.
    async fn step(&self, spot: Spot, openid: OpenId, entry: Entry, seen: &Seen, looked: Duration) -> Step {
        let now = self.book.run.now();
        let sending = match entry.state {
            State::Sending(tried) => Some(tried),
            _ => None,
        };
        let ways = ways_of(self.pushes, &self.book.head(), &entry.subject);
        let ways = ways.and_then(|ways| if sending.is_some() { ways.as_it_went(&entry) } else { Some(ways) });
        let open = ways.ok_or(Skip::InvalidTemplate).and_then(|ways| self.open(&entry, &ways, &openid, seen, now));
        let open = match open {
            Ok(open) => open,
            Err(skip) => {
                let came = stays(skip, sending.is_some(), now);
                return Step::Stay(Returned { spot, openid, entry, came, again: None, no_consent: None });
            }
        };
        if let Some(tried) = sending {
            let may_repeat = open.iter().all(|content| content.api().may_repeat());
            if !may_repeat || now.0 >= tried.0 + REPEAT_SECONDS {
                return Step::Stay(Returned { spot, openid, entry, came: unknown(now), again: None, no_consent: None });
            }
            self.report.borrow_mut().repeated += 1;
        }
        let state = seen.fan.as_ref().map(|fan| fan.state(self.pushes.limits.utc_offset));
        let mut behind = VecDeque::new();
        for content in open {
            self.learn(content.api()).await;
            let request = request(self.pushes, &content, &openid, &entry, state.as_ref(), now);
            behind.push_back((content, request));
        }
        let Some((content, request)) = behind.pop_front() else {
            let came = stays(Skip::NoWindow, sending.is_some(), now);
            return Step::Stay(Returned { spot, openid, entry, came, again: None, no_consent: None });
        };
        let (looked, counted, doubt) = (Cell::new(looked), Cell::default(), sending.is_some());
        Step::Leave(Ready {
            spot,
            openid,
            entry,
            content,
            request,
            behind,
            sending,
            doubt,
            tries: 0,
            looked,
            counted,
            no_consent: None,
        })
    }

    /// Asks for the quota of a call, if that was long ago.
    async fn learn(&self, api: Api) {
        let now = self.book.run.now();
        let asked = self.asked.borrow().get(&api).copied().unwrap_or_default();
        if asked >= QUOTA_TRIES || !self.book.head().account.pace(api).is_stale(now) {
            return;
        }
        self.asked.borrow_mut().insert(api, asked + 1);
        let quota = self.account.quota(api).await;
        let mut head = self.book.head();
        match quota {
            Ok(quota) => head.account.pace(api).learn(&quota, now),
            // The sends will tell what is wrong.
            Err(failure) => head.account.alarm("quota query", failure.to_string(), now),
        }
    }
}

/// Takes these in hand, but for those that are already.
fn open(taken: &mut Taken, queue: &Queue, mut waiting: Vec<(u64, Waiting)>) -> Vec<(u64, Waiting)> {
    waiting.retain(|(at, waiting)| taken.open((queue.clone(), *at), waiting.id));
    waiting
}

/// What waits, of these items.
fn waiting(items: Vec<(u64, Option<Waiting>)>) -> Vec<(u64, Waiting)> {
    items.into_iter().filter_map(|(at, waiting)| Some((at, waiting?))).collect()
}
