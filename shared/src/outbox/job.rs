//! One run: posts what may leave, until nothing is left or its time is up.

use super::{
    address::Address,
    body::body,
    head::{Head, WAITING_MAX},
    post::{Answer, Outcome, Post, PostError, Posts, judge},
    receipt::Paid,
    report::{End, FORMAT, JOB, Report},
    resend::{WISH, take_up},
};
use crate::{
    facts::request::{self, Asked},
    fold::requests,
    journal::orders::webhook::Secret,
    store::{
        Store, Timer, format,
        format::RecordError,
        key::Stored as _,
        lease::{Refused, Run, Stop},
        list::{PAGE, Page},
        race,
    },
    time::{Timestamp, UtcOffset},
};
use futures::stream::{FuturesUnordered, StreamExt};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

/// Posts on their way at once.
pub const AT_ONCE: usize = 16;
/// An answer that is not here by then is none.
pub const POST_LIMIT: Duration = Duration::from_secs(10);
/// No post begins later than this after the start of a run, so that its answer is still noted.
pub const LAST_POST: Duration = Duration::from_secs(30);
/// What was read longer ago is read again before it is posted.
pub const FRESH: Duration = Duration::from_secs(2);
/// What came of so many posts is stored together.
const NOTED_TOGETHER: usize = 64;
/// Pages kept while they are fresh.
const PAGES_KEPT: usize = 32;
const _: () = assert!(LAST_POST.as_secs() + POST_LIMIT.as_secs() < 43, "answers are noted within a run's work");

/// What a run works with.
#[derive(Debug)]
pub struct Tools<'a, S, T, P> {
    /// Where everything is kept.
    pub store: &'a S,
    /// Has counted since the run's `now`.
    pub timer: &'a T,
    /// The way to the webhook.
    pub posts: &'a P,
    /// Where that is.
    pub address: &'a Address,
    /// What it checks signatures with.
    pub secret: &'a Secret,
    /// The playbook's.
    pub offset: UtcOffset,
}

/// Runs once. `id` is random.
///
/// # Errors
/// [`Refused`], when another run is at work or has this minute. A run that began always gives its [`Report`].
pub async fn deliver<S: Store, T: Timer, P: Posts>(
    tools: &Tools<'_, S, T, P>,
    now: Timestamp,
    id: u64,
) -> Result<Report, Refused> {
    let run = Run::start(tools.store, tools.timer, JOB, id, now).await?;
    let work = Work { tools, run: &run, pages: RefCell::default() };
    let mut report = Report { began: run.now(), ..Report::default() };
    if let Err(stop) = work.run(&mut report).await {
        report.end = end(&stop);
    }
    report.milliseconds = u64::try_from(run.elapsed().as_millis()).unwrap_or(u64::MAX);
    // What is worth knowing is what stopped the run first.
    if let (Err(stop), End::Done) = (run.end(format::encode(FORMAT, &report)).await, &report.end) {
        report.end = end(&stop);
    }
    Ok(report)
}

fn end(stop: &Stop) -> End {
    match stop {
        Stop::TimeUp => End::TimeUp,
        stop => End::Failed(stop.to_string()),
    }
}

/// A page as it was read, and when.
type Read = (Duration, Rc<[Option<Asked>]>);

/// What a try came to: of what, and since when; none: there is nothing there any more.
type Tried = (u64, Timestamp, Option<(Asked, Outcome)>);

struct Work<'a, S, T, P> {
    tools: &'a Tools<'a, S, T, P>,
    run: &'a Run<'a, S, T>,
    /// By number.
    pages: RefCell<BTreeMap<u64, Read>>,
}

impl<S: Store, T: Timer, P: Posts> Work<'_, S, T, P> {
    async fn run(&self, report: &mut Report) -> Result<(), Stop> {
        let (mut head, length) = self.open().await?;
        let worked = self.post_all(&mut head, length, report).await;
        let left = length.saturating_sub(head.next);
        report.waiting = (head.waiting.len() as u64).saturating_add(left);
        report.dead = head.dead.len() as u64;
        worked
    }

    /// How far the outbox is, and how many items the list has.
    async fn open(&self) -> Result<(Head, u64), Stop> {
        let stored = self.run.get(&Head::key()).await?;
        let mut head = match stored.as_deref().map(Head::decode) {
            None => Head::default(),
            Some(Ok(head)) => head,
            // Nothing else tells what was delivered: what is on the list goes out again, under the numbers that it has.
            Some(Err(RecordError::Damaged)) => Head::default(),
            Some(Err(error)) => return Err(Stop::Record { key: Head::key().into(), error }),
        };
        let list = request::list();
        let length = self.run.get_record(&list.head()).await?.unwrap_or_default().0;
        head.begin_at(self.run.get_record(&list.gone()).await?.unwrap_or_default().0);
        if let Some(wish) = self.run.get(WISH).await? {
            take_up(&wish, &mut head, self.run.now());
            self.save(&head).await?;
            self.run.delete(WISH).await?;
        }
        Ok((head, length))
    }

    async fn save(&self, head: &Head) -> Result<(), Stop> {
        self.run.set(&Head::key(), &head.encode()).await
    }

    async fn post_all(&self, head: &mut Head, length: u64, report: &mut Report) -> Result<(), Stop> {
        let before = head.clone();
        let mut noted = 0;
        let mut posts = FuturesUnordered::new();
        let mut on_their_way = BTreeSet::new();
        let worked = loop {
            if let Err(stop) = self.take_in(head, length).await {
                break Err(stop);
            }
            while posts.len() < AT_ONCE && self.run.elapsed() < LAST_POST {
                let Some(position) = head.ready(&on_their_way, self.run.now()) else { break };
                on_their_way.insert(position);
                posts.push(self.post(position));
            }
            let Some(tried) = posts.next().await else {
                // Nothing is on its way: waits for what may leave within this run.
                match head.next_due().filter(|_| self.run.elapsed() < LAST_POST) {
                    Some(due) if due.0 <= self.run.now().0.saturating_add(self.left()) => {
                        let pause = due.0.saturating_sub(self.run.now().0).max(1);
                        self.tools.timer.sleep(Duration::from_secs(pause)).await;
                        continue;
                    }
                    _ => break Ok(()),
                }
            };
            match tried {
                Ok((position, began, tried)) => {
                    on_their_way.remove(&position);
                    self.settle(head, position, began, tried, report);
                    noted += 1;
                }
                Err(stop) => break Err(stop),
            }
            if noted >= NOTED_TOGETHER {
                noted = 0;
                if let Err(stop) = self.save(head).await {
                    break Err(stop);
                }
            }
        };
        // What arrived is noted also where something stopped the run.
        while let Some(tried) = posts.next().await {
            if let Ok((position, began, tried)) = tried {
                self.settle(head, position, began, tried, report);
            }
        }
        if *head != before {
            self.save(head).await?;
        }
        worked
    }

    /// Seconds in which another post may begin.
    fn left(&self) -> u64 {
        LAST_POST.saturating_sub(self.run.elapsed()).as_secs()
    }

    fn settle(
        &self,
        head: &mut Head,
        position: u64,
        began: Timestamp,
        tried: Option<(Asked, Outcome)>,
        report: &mut Report,
    ) {
        let dead = head.dead.len();
        let tried = tried.as_ref().map(|(asked, outcome)| (asked, *outcome));
        head.settle(position, tried, (began, self.run.now()), self.tools.offset);
        match tried {
            Some((_, Outcome::Delivered)) => report.delivered += 1,
            Some(_) => report.failed += 1,
            None => {}
        }
        report.given_up += u64::from(head.dead.len() > dead);
    }

    /// Takes items from the list while there is room.
    async fn take_in(&self, head: &mut Head, length: u64) -> Result<(), Stop> {
        while head.next < length && head.waiting.len() < WAITING_MAX {
            let Some(page) = self.page(head.next / PAGE).await? else {
                // Nobody can read it: what stands there is lost, and what follows is not.
                let end = ((head.next / PAGE + 1) * PAGE).min(length);
                head.unreadable = head.unreadable.saturating_add(end - head.next);
                head.next = end;
                continue;
            };
            let first = head.next / PAGE * PAGE;
            let end = length.min(first + PAGE);
            while head.next < end && head.waiting.len() < WAITING_MAX {
                let item = page.get(usize::try_from(head.next - first).unwrap_or(usize::MAX));
                head.take(item.and_then(Option::as_ref), self.run.now());
            }
        }
        Ok(())
    }

    /// A page of the list that was read at most [`FRESH`] ago; none: it is damaged.
    async fn page(&self, number: u64) -> Result<Option<Rc<[Option<Asked>]>>, Stop> {
        let now = self.run.elapsed();
        if let Some((read, items)) = self.pages.borrow().get(&number)
            && now.saturating_sub(*read) <= FRESH
        {
            return Ok(Some(Rc::clone(items)));
        }
        let key = request::list().page(number * PAGE);
        let Page(items) = match self.run.get_record(&key).await {
            Err(Stop::Record { error: RecordError::Damaged, .. }) => return Ok(None),
            page => page?.unwrap_or_default(),
        };
        let items: Rc<[_]> = items.into();
        let mut pages = self.pages.borrow_mut();
        if pages.len() >= PAGES_KEPT {
            pages.clear();
        }
        pages.insert(number, (now, Rc::clone(&items)));
        Ok(Some(items))
    }

    /// One try.
    async fn post(&self, position: u64) -> Result<Tried, Stop> {
        let began = self.run.now();
        let items = self.page(position / PAGE).await?;
        let index = usize::try_from(position % PAGE).unwrap_or(usize::MAX);
        let asked = items.and_then(|items| items.get(index).cloned().flatten());
        let Some(asked) = asked else { return Ok((position, began, None)) };
        let paid = self.paid(&asked).await?;
        let Tools { timer, posts, address, secret, offset, .. } = *self.tools;
        let now = self.run.now();
        let body = body(&asked, paid, offset, now);
        let id = asked.request.number.clone();
        let signature = secret.sign(&id, now, &body);
        let headers = [("webhook-id", id), ("webhook-timestamp", now.to_string()), ("webhook-signature", signature)];
        let late = || Err::<Answer, _>(PostError("none in time".to_owned()));
        let answer = race(timer, POST_LIMIT, posts.post(Post { url: address.as_str(), headers, body })).await;
        Ok((position, began, Some((asked, judge(&answer.unwrap_or_else(late))))))
    }

    /// Whether an order names the request, as rollup knows it.
    async fn paid(&self, asked: &Asked) -> Result<Paid, Stop> {
        let known = match self.run.get_record(&requests::key(&asked.openid)).await {
            Err(Stop::Record { error: RecordError::Damaged, .. }) => None,
            known => known?,
        };
        let is_bought = known.is_some_and(|known| known.get(&asked.request.number).is_some_and(|one| one.is_bought()));
        Ok(if is_bought { Paid::Yes } else { Paid::NotYet })
    }
}
