//! A chunk of fans: read, decided about, and written at once with the position from which the next chunk goes on.

use super::Planner;
use crate::{
    conversation,
    facts::push::{Echo, Group, Skip, What},
    fold::fan,
    playbook::Content,
    push::{
        book::{Change, Read},
        content::ways_of,
        head::Head,
        ledger,
        plan::{Decision, Known},
        queue::{Progress, Queue, Waiting},
        seen::Seen,
    },
    store::{
        Store, Timer,
        lease::Stop,
        list::{List, PAGE},
    },
    time::Timestamp,
    wechat::{OpenId, api::Api},
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Pages of fans that are looked at together.
pub(super) const CHUNK_PAGES: u64 = 4;

/// What a list says from a position on.
pub(super) struct Items<I> {
    pub(super) found: Vec<(u64, Option<I>)>,
    /// The page behind these is damaged: the list goes on once rollup has set it aside.
    pub(super) waits: bool,
}

/// What a chunk comes to, before it is written.
#[derive(Default)]
pub(super) struct Chunk {
    change: Change,
    queued: BTreeMap<Queue, (Timestamp, Vec<Waiting>)>,
}

impl<S: Store, T: Timer> Planner<'_, S, T> {
    /// The next items of a list of rollup's, of so many pages at most.
    pub(super) async fn items<I: Serialize + DeserializeOwned>(
        &self,
        list: &List<I>,
        position: u64,
        pages: u64,
    ) -> Result<Items<I>, Stop> {
        let mut items = Items { found: Vec::new(), waits: false };
        let first = position / PAGE;
        for page in first..first + pages {
            let key = list.page(page * PAGE);
            let found = match self.book.read(&key).await? {
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

    /// The fans as rollup knows them. Of whom that cannot be read gets nothing.
    pub(super) async fn fans(&self, openids: impl Iterator<Item = &OpenId>) -> Result<BTreeMap<OpenId, Seen>, Stop> {
        let openids: Vec<&OpenId> = openids.collect();
        let keys: Vec<String> = openids.iter().map(|openid| fan::key(openid).into()).collect();
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
        let keys: Vec<String> = openids.iter().map(|openid| conversation::key(openid).into()).collect();
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

    /// Decides about every fan of a chunk.
    pub(super) async fn decide<'f, D>(
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
    pub(super) async fn write(&self, mut chunk: Chunk, update: impl FnOnce(&mut Head)) -> Result<(), Stop> {
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
}
