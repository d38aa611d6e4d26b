//! From due lists, campaigns and outcomes to queues: who gets what, when, and a reason for everybody else.
//!
//! A chunk is planned with one write: news, ledgers, the queues' pages, and the position from which the next chunk goes on. A
//! planner that was stopped before that write plans the chunk again; what the ledger knows already is queued as it stands.

use super::{
    book::{Book, Change, Read},
    campaign,
    content::{WAYS, ways_of},
    head::{Head, Progress, Queue, Running},
    ledger::{self, Ledger},
    plan::{Decision, Known},
    report::Report,
    seen::Seen,
    sender::Signals,
};
use crate::{
    conversation,
    facts::push::{Due, Echo, FANS, Group, OUTCOMES, Outcome, Skip, What, due_list},
    fold::fan,
    playbook::{Content, Pushes},
    store::{
        Store, Timer, format,
        lease::{READS_AT_ONCE, Stop},
        list::{self, PAGE, Page, gone_key, page_key},
    },
    time::{Day, Timestamp},
    wechat::{OpenId, api::Api},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// No chunk is planned later than this after the start.
const LAST_CHUNK: Duration = Duration::from_secs(36);
/// Days back that reminders are still planned for: whoever comes later waits for the next purchase.
pub(super) const DAYS_BACK: u64 = 3;
/// Pages of fans that are looked at together.
const CHUNK_PAGES: u64 = 4;
/// While the sender is busy and so many pushes wait for it, planning does.
const WAITING_MAX: u64 = 4_096;
/// How long it waits then.
const PAUSE: Duration = Duration::from_millis(50);
/// Queues are deleted so long after they were due, in seconds.
const QUEUES_KEPT_SECONDS: u64 = 30 * 3_600;
/// Pages deleted per run.
const PAGES_DELETED_MAX: u64 = 1_024;
/// Campaigns kept that are over.
const CAMPAIGNS_MAX: usize = 32;

/// A push that waits: an item of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) openid: OpenId,
    pub(super) id: crate::facts::push::PushId,
}

pub(super) struct Planner<'a, S, T> {
    book: &'a Book<'a, S, T>,
    pushes: &'a Pushes,
    report: &'a RefCell<Report>,
    signals: &'a Signals,
    /// The last page of each queue that was added to.
    tails: RefCell<BTreeMap<Queue, Page<Waiting>>>,
    /// Somebody is to be forgotten whom the sender has in hand.
    put_off: Cell<bool>,
}

/// What a list says from a position on.
struct Items<I> {
    found: Vec<(u64, Option<I>)>,
    /// The page behind these is damaged: the list goes on once rollup has set it aside.
    waits: bool,
}

/// What a chunk comes to, before it is written.
#[derive(Default)]
struct Chunk {
    change: Change,
    queued: BTreeMap<Queue, (Timestamp, Vec<Waiting>)>,
}

impl<'a, S: Store, T: Timer> Planner<'a, S, T> {
    pub(super) fn new(
        book: &'a Book<'a, S, T>,
        pushes: &'a Pushes,
        report: &'a RefCell<Report>,
        signals: &'a Signals,
    ) -> Self {
        Self { book, pushes, report, signals, tails: RefCell::default(), put_off: Cell::default() }
    }

    /// Plans until there is nothing left to plan, or the time is up.
    pub(super) async fn run(&self) -> Result<(), Stop> {
        while self.book.run.elapsed() < LAST_CHUNK {
            if self.signals.busy.get() && self.waiting() > WAITING_MAX {
                self.book.run.timer().sleep(PAUSE).await;
                continue;
            }
            if !(self.take_outcomes().await? || self.plan_reminders().await? || self.plan_campaigns().await?) {
                break;
            }
        }
        self.signals.planning.set(false);
        self.clean().await
    }

    /// Pushes that could go out by now.
    fn waiting(&self) -> u64 {
        let now = self.book.run.now();
        let head = self.book.head();
        head.queues.values().filter(|queue| queue.due <= now).map(|queue| queue.queued - queue.done).sum()
    }

    /// Closes pushes of which WeChat said what became of them.
    async fn take_outcomes(&self) -> Result<bool, Stop> {
        // Rollup takes away what is old, whether it was read or not.
        let gone = self.book.read(&gone_key(OUTCOMES), |bytes| format::decode::<u64>(list::FORMAT, bytes)).await?;
        let gone = match gone {
            Read::Record(gone) => gone,
            Read::None => 0,
            Read::Damaged(bytes) => {
                self.book.tell_damaged(&gone_key(OUTCOMES), bytes).await?;
                0
            }
        };
        let position = self.book.head().outcomes.max(gone);
        let items = self.items::<Outcome>(OUTCOMES, position, 1).await?.found;
        let mut change = Change::default();
        let mut forgotten = Vec::new();
        let mut until = position;
        for (at, item) in items {
            match item {
                Some(Outcome::Closed { openid, id, at, delivered }) => {
                    self.book.acquire(std::slice::from_ref(&openid)).await?;
                    let state = match delivered {
                        true => ledger::State::Delivered(at),
                        false => ledger::State::Refused(at, 0),
                    };
                    // A ledger that has gone does not come back for it.
                    if self.book.change(&openid, |ledger| ledger.set(id, state)) == Some(true) {
                        change.ledgers.push(openid.clone());
                        self.report.borrow_mut().closed += 1;
                    }
                    change.release.push(openid);
                }
                Some(Outcome::Forgotten(openid)) => match self.book.empty(&openid).await? {
                    Some(ledger) => forgotten.push((openid, ledger)),
                    // The sender writes to that ledger: it is deleted when the sender has ended.
                    None => {
                        self.put_off.set(true);
                        break;
                    }
                },
                None => {}
            }
            until = at + 1;
        }
        if until == position {
            return Ok(false);
        }
        if !forgotten.is_empty() {
            self.leave_queues(&forgotten).await?;
            self.book.delete(&forgotten.iter().map(|(openid, _)| ledger::key(openid)).collect::<Vec<_>>()).await?;
        }
        change.release.extend(forgotten.iter().map(|(openid, _)| openid.clone()));
        let update = |head: &mut Head| {
            head.outcomes = until;
            forgotten.iter().for_each(|(openid, _)| head.account.forget(openid));
        };
        self.book.write(change, update).await.map(|()| true)
    }

    /// Forgets, once the sender has ended, whoever it had in hand.
    pub(super) async fn forget_the_rest(&self) -> Result<(), Stop> {
        while self.put_off.take() {
            while self.take_outcomes().await? {}
        }
        Ok(())
    }

    /// Takes fans who are forgotten out of the queues that name them, as their ledgers tell; one that cannot be read tells
    /// nothing, so it may be any.
    async fn leave_queues(&self, forgotten: &[(OpenId, Option<Ledger>)]) -> Result<(), Stop> {
        let names = |queue: &Queue| {
            let of =
                |entry: &ledger::Entry| WAYS.iter().any(|api| Queue::of(&entry.subject, entry.due, *api) == *queue);
            forgotten.iter().any(|(_, ledger)| ledger.as_ref().is_none_or(|ledger| ledger.entries().iter().any(of)))
        };
        let queues: Vec<(Queue, Progress)> = {
            let head = self.book.head();
            head.queues.iter().filter(|(queue, _)| names(queue)).map(clone).collect()
        };
        let openids: BTreeSet<&OpenId> = forgotten.iter().map(|(openid, _)| openid).collect();
        for (queue, progress) in queues {
            let (list, pages) = (queue.to_string(), progress.queued.div_ceil(PAGE));
            let keys: Vec<String> = (progress.deleted..pages).map(|page| page_key(&list, page * PAGE)).collect();
            for window in keys.chunks(READS_AT_ONCE) {
                let mut changed = Vec::new();
                for (key, bytes) in self.book.run.load(window.to_vec()).await? {
                    // The sender sees to one that is damaged.
                    let Ok(mut page) = Page::<Waiting>::decode(&bytes) else { continue };
                    let items = page.0.iter_mut();
                    let blanks = items.filter_map(|item| item.take_if(|waiting| openids.contains(&waiting.openid)));
                    if blanks.count() > 0 {
                        changed.push((key, page.encode()));
                    }
                }
                if !changed.is_empty() {
                    self.tails.borrow_mut().remove(&queue);
                    self.book.overwrite(&changed).await?;
                }
            }
        }
        Ok(())
    }

    /// Plans some of the reminders that are due today, or were due in the last days and came late.
    async fn plan_reminders(&self) -> Result<bool, Stop> {
        let today = self.pushes.limits.utc_offset.local(self.book.run.now()).day.0;
        for day in today.saturating_sub(DAYS_BACK)..=today {
            let position = self.book.head().due.get(&day).copied().unwrap_or_default();
            let items = self.items::<Due>(&due_list(day), position, CHUNK_PAGES).await?.found;
            let Some(until) = items.last().map(|(at, _)| at + 1) else { continue };
            let due: Vec<Due> = items.into_iter().filter_map(|(_, due)| due).collect();
            let fans = self.fans(due.iter().map(|due| &due.openid)).await?;
            let chunk = self
                .decide(fans, due.iter().map(|due| &due.openid).zip(&due), |known, due, now| {
                    known.remind(self.pushes, due, Day(day), now)
                })
                .await?;
            self.write(chunk, |head| {
                head.due.insert(day, until);
                head.due.retain(|day, _| *day + 2 * DAYS_BACK >= today);
            })
            .await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Plans some fans of a campaign.
    async fn plan_campaigns(&self) -> Result<bool, Stop> {
        self.begin_campaigns().await?;
        let now = self.book.run.now();
        let is_due = |running: &Running| !running.planned && running.campaign.at <= now;
        let next = self.book.head().campaigns.iter().find(|(_, running)| is_due(running)).map(clone);
        let Some((id, Running { campaign, fans: position, .. })) = next else { return Ok(false) };
        let Items { found: items, waits } = self.items::<OpenId>(FANS, position, CHUNK_PAGES).await?;
        let Some(until) = items.last().map(|(at, _)| at + 1) else {
            if waits {
                return Ok(false);
            }
            let done = |head: &mut Head| {
                if let Some(running) = head.campaigns.get_mut(&id) {
                    running.planned = true;
                }
            };
            return self.book.write(Change::default(), done).await.map(|()| true);
        };
        let fans = self.fans(items.iter().filter_map(|(_, openid)| openid.as_ref())).await?;
        // Most fans of most campaigns are outside of the segment: what they said and got need not be read.
        let offset = self.pushes.limits.utc_offset;
        let inside = |seen: &Seen| {
            seen.fan.as_ref().is_some_and(|fan| campaign.segment.fits(&fan.state(offset), &fan.tags, campaign.at))
        };
        let chosen: Vec<(&OpenId, ())> = items
            .iter()
            .filter_map(|(_, openid)| openid.as_ref())
            .filter(|openid| fans.get(*openid).is_some_and(inside))
            .map(|openid| (openid, ()))
            .collect();
        let chunk = self
            .decide(fans, chosen.into_iter(), |known, (), now| known.campaign(self.pushes, &id, &campaign, now))
            .await?;
        self.write(chunk, |head| {
            if let Some(running) = head.campaigns.get_mut(&id) {
                running.fans = until;
            }
        })
        .await?;
        Ok(true)
    }

    /// Takes up campaigns whose time has come: those of the playbook, and those asked for.
    async fn begin_campaigns(&self) -> Result<(), Stop> {
        let now = self.book.run.now();
        let looked = self.book.head().asked.clone();
        let found = campaign::look(self.book.run, &looked).await?;
        for (key, bytes) in found.damaged {
            self.book.tell_damaged(&key, bytes).await?;
        }
        let listed = self.pushes.campaigns.iter().filter(|(_, campaign)| campaign.is_on_time(now)).map(clone);
        let asked = found.asked.into_iter().map(|asked| (asked.id, asked.campaign));
        let mut new: BTreeMap<String, Running> = BTreeMap::new();
        for (id, campaign) in listed.chain(asked) {
            if !self.book.head().campaigns.contains_key(&id) {
                new.entry(id).or_insert(Running { campaign, fans: 0, planned: false });
            }
        }
        if new.is_empty() && found.looked == looked {
            return Ok(());
        }
        let update = |head: &mut Head| {
            head.asked = found.looked;
            head.campaigns.extend(new);
            while head.campaigns.len() > CAMPAIGNS_MAX {
                let over = head.campaigns.iter().filter(|(_, running)| running.planned);
                let oldest = over.min_by_key(|(_, running)| running.campaign.at).map(|(id, _)| id.clone());
                let Some(oldest) = oldest else { break };
                head.campaigns.remove(&oldest);
            }
        };
        self.book.write(Change::default(), update).await
    }

    /// Decides about every fan of a chunk.
    async fn decide<'f, D>(
        &self,
        mut fans: BTreeMap<OpenId, Seen>,
        due: impl Iterator<Item = (&'f OpenId, D)>,
        decide: impl Fn(&Known<'_>, D, Timestamp) -> Decision,
    ) -> Result<Chunk, Stop> {
        let due: Vec<(&OpenId, D)> = due.collect();
        let openids: Vec<OpenId> = due.iter().map(|(openid, _)| (*openid).clone()).collect();
        self.conversations(&openids, &mut fans).await?;
        self.book.acquire(&openids).await?;
        let now = self.book.run.now();
        let (mut chunk, nobody) = (Chunk::default(), Seen::default());
        for (openid, due) in due {
            let seen = fans.get(openid).unwrap_or(&nobody);
            let state = seen.fan.as_ref().map(|fan| fan.state(self.pushes.limits.utc_offset));
            let planned = self.book.with(openid, |ledger| {
                let known = seen.known(openid, state.as_ref(), ledger);
                self.take(&mut chunk, &known, decide(&known, due, now), now)
            });
            if let Some(entry) = planned {
                self.book.change(openid, |ledger| ledger.add(entry, self.pushes.limits.cap));
                chunk.change.ledgers.push(openid.clone());
            }
        }
        chunk.change.release = openids;
        Ok(chunk)
    }

    /// Takes a decision into the chunk. Gives what is to be added to the fan's ledger.
    fn take(&self, chunk: &mut Chunk, known: &Known<'_>, decision: Decision, now: Timestamp) -> Option<ledger::Entry> {
        let mut report = self.report.borrow_mut();
        let (entry, new) = match decision {
            Decision::Void => return None,
            Decision::Skip(entry, skip) => {
                let group = (skip == Skip::Holdout).then_some(Group::Holdout);
                chunk.change.news.push(entry.news(known.openid, group, now, What::Skipped(skip)));
                report.skip(skip);
                return None;
            }
            Decision::Known(entry) if entry.state.is_settled() => return None,
            Decision::Known(entry) => (entry, false),
            Decision::Plan(entry) => (entry, true),
        };
        report.planned += u64::from(new);
        let (api, echoes) = self.way(known, &entry);
        chunk.change.news.push(entry.news(known.openid, Some(Group::Treated), entry.planned, What::Queued(echoes)));
        let queue = Queue::of(&entry.subject, entry.due, api);
        let (_, waiting) = chunk.queued.entry(queue).or_insert((entry.due, Vec::new()));
        waiting.push(Waiting { openid: known.openid.clone(), id: entry.id });
        new.then_some(entry)
    }

    /// The call that a push waits for: of the way that it would go if it left when it is due, else of its first; which way it
    /// does go is seen when it leaves. And the events that may tell of it.
    fn way(&self, known: &Known<'_>, entry: &ledger::Entry) -> (Api, Vec<Echo>) {
        let head = self.book.head();
        let Some(ways) = ways_of(self.pushes, &head, &entry.subject) else { return (Api::Template, Vec::new()) };
        let way = known.way(entry, &ways, &head.account, entry.due).ok().or(ways.iter().next());
        (way.map_or(Api::Template, Content::api), ways.iter().filter_map(Content::echo).collect())
    }

    /// Writes a chunk, and lets its ledgers go.
    async fn write(&self, mut chunk: Chunk, update: impl FnOnce(&mut Head)) -> Result<(), Stop> {
        let mut queues = Vec::new();
        for (queue, (due, waiting)) in chunk.queued {
            let progress = self.book.head().queues.get(&queue).copied();
            let mut progress = progress.unwrap_or(Progress { due, ..Progress::default() });
            self.append(&queue, &mut progress, waiting, &mut chunk.change.pages).await?;
            queues.push((queue, progress.due, progress.queued));
        }
        let update = |head: &mut Head| {
            for (queue, due, queued) in queues {
                let progress = head.queues.entry(queue).or_default();
                (progress.due, progress.queued) = (due, queued);
            }
            update(head);
        };
        self.book.write(chunk.change, update).await
    }

    /// Puts pushes at the end of a queue.
    async fn append(
        &self,
        queue: &Queue,
        progress: &mut Progress,
        waiting: Vec<Waiting>,
        pages: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<(), Stop> {
        let list = queue.to_string();
        let kept = self.tails.borrow_mut().remove(queue);
        let within = usize::try_from(progress.queued % PAGE).unwrap_or_default();
        let mut page = match kept {
            Some(page) if page.0.len() == within => page,
            _ if within == 0 => Page::default(),
            _ => self.tail(&page_key(&list, progress.queued), within).await?,
        };
        // What stands behind the end was written by a run that did not get to say so.
        page.0.truncate(within);
        for item in waiting {
            page.0.push(Some(item));
            progress.queued += 1;
            if progress.queued.is_multiple_of(PAGE) {
                pages.push((page_key(&list, progress.queued - 1), std::mem::take(&mut page).encode()));
            }
        }
        if !progress.queued.is_multiple_of(PAGE) {
            pages.push((page_key(&list, progress.queued - 1), page.encode()));
        }
        self.tails.borrow_mut().insert(queue.clone(), page);
        Ok(())
    }

    /// The fans as rollup knows them. Of whom that cannot be read gets nothing.
    async fn fans(&self, openids: impl Iterator<Item = &OpenId>) -> Result<BTreeMap<OpenId, Seen>, Stop> {
        let openids: Vec<&OpenId> = openids.collect();
        let keys: Vec<String> = openids.iter().map(|openid| fan::key(openid)).collect();
        let values = self.book.run.get_all(&keys).await?;
        let mut fans: BTreeMap<OpenId, Seen> = BTreeMap::new();
        for (openid, bytes) in openids.into_iter().zip(values) {
            let seen = fans.entry(openid.clone()).or_default();
            seen.read_fan(openid, bytes.as_deref());
            self.book.note_unreadable(seen);
        }
        Ok(fans)
    }

    /// Adds what callback knows of these.
    async fn conversations(&self, openids: &[OpenId], fans: &mut BTreeMap<OpenId, Seen>) -> Result<(), Stop> {
        let keys: Vec<String> = openids.iter().map(conversation::key).collect();
        let values = self.book.run.get_all(&keys).await?;
        for (openid, bytes) in openids.iter().zip(values) {
            let seen = fans.entry(openid.clone()).or_default();
            if seen.unreadable.is_none() {
                seen.read_conversation(openid, bytes.as_deref());
                self.book.note_unreadable(seen);
            }
        }
        Ok(())
    }

    /// The next items of a list of rollup's, of so many pages at most.
    async fn items<I: Serialize + DeserializeOwned>(
        &self,
        list: &str,
        position: u64,
        pages: u64,
    ) -> Result<Items<I>, Stop> {
        let mut items = Items { found: Vec::new(), waits: false };
        let first = position / PAGE;
        for page in first..first + pages {
            let key = page_key(list, page * PAGE);
            let found = match self.book.read(&key, Page::<I>::decode).await? {
                Read::Record(page) => page,
                Read::None => break,
                Read::Damaged(bytes) => {
                    self.book.tell_damaged(&key, bytes).await?;
                    items.waits = true;
                    break;
                }
            };
            let full = found.0.len() as u64 == PAGE;
            items.found.extend(found.items_from(position.max(page * PAGE)));
            if !full {
                break;
            }
        }
        Ok(items)
    }

    /// The last page of a queue, of which so many items count; if it is damaged, these are lost.
    async fn tail(&self, key: &str, items: usize) -> Result<Page<Waiting>, Stop> {
        match self.book.read(key, Page::decode).await? {
            Read::Record(page) => Ok(page),
            Read::None => Ok(Page::default()),
            Read::Damaged(bytes) => {
                self.book.tell_damaged(key, bytes).await?;
                Ok(Page(vec![None; items]))
            }
        }
    }

    /// Deletes queues that are long over, a bounded number of pages.
    async fn clean(&self) -> Result<(), Stop> {
        let now = self.book.run.now();
        let over: Vec<(Queue, Progress)> = {
            let head = self.book.head();
            let planned = |queue: &Queue| {
                let campaign = queue.campaign().and_then(|id| head.campaigns.get(id));
                campaign.is_none_or(|running| running.planned)
            };
            let is_over = |queue: &Queue, progress: &Progress| {
                progress.done == progress.queued && progress.due.0 + QUEUES_KEPT_SECONDS < now.0 && planned(queue)
            };
            head.queues.iter().filter(|(queue, progress)| is_over(queue, progress)).map(clone).collect()
        };
        let mut room = PAGES_DELETED_MAX;
        for (queue, progress) in over {
            let (list, pages) = (queue.to_string(), progress.queued.div_ceil(PAGE));
            let until = pages.min(progress.deleted + room);
            let keys: Vec<String> = (progress.deleted..until).map(|page| page_key(&list, page * PAGE)).collect();
            room -= until - progress.deleted;
            if !keys.is_empty() {
                self.book.delete(&keys).await?;
            }
            let update = |head: &mut Head| match until == pages {
                true => drop(head.queues.remove(&queue)),
                false => drop(head.queues.get_mut(&queue).map(|progress| progress.deleted = until)),
            };
            self.book.write(Change::default(), update).await?;
            if room == 0 {
                break;
            }
        }
        Ok(())
    }
}

fn clone<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}
