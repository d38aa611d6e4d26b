//! The queues' pages: adds to their ends, blanks who is forgotten, deletes what is long over.

use super::{Planner, clone};
use crate::{
    push::{
        book::{Change, Read},
        content::WAYS,
        head::Head,
        ledger::{self, Ledger},
        queue::{Progress, Queue, Waiting},
    },
    store::{
        Store, Timer,
        key::{Key, Stored as _},
        lease::{READS_AT_ONCE, Stop},
        list::{PAGE, Page},
    },
    wechat::OpenId,
};
use std::collections::BTreeSet;

/// Queues are deleted so long after they were due, in seconds.
const QUEUES_KEPT_SECONDS: u64 = 30 * 3_600;
/// Pages deleted per run.
const PAGES_DELETED_MAX: u64 = 1_024;

impl<S: Store, T: Timer> Planner<'_, S, T> {
    /// Pushes that could go out by now.
    pub(super) fn waiting(&self) -> u64 {
        let now = self.book.run.now();
        let head = self.book.head();
        head.queues.values().filter(|queue| queue.due <= now).map(|queue| queue.queued - queue.done).sum()
    }

    /// Puts pushes at the end of a queue.
    pub(super) async fn append(
        &self,
        queue: &Queue,
        progress: &mut Progress,
        waiting: Vec<Waiting>,
        pages: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<(), Stop> {
        let list = queue.list();
        let kept = self.tails.borrow_mut().remove(queue);
        let within = usize::try_from(progress.queued % PAGE).unwrap_or_default();
        let mut page = match kept {
            Some(page) if page.0.len() == within => page,
            _ if within == 0 => Page::default(),
            _ => self.tail(&list.page(progress.queued), within).await?,
        };
        // What stands behind the end was written by a run that did not get to say so.
        page.0.truncate(within);
        for item in waiting {
            page.0.push(Some(item));
            progress.queued += 1;
            if progress.queued.is_multiple_of(PAGE) {
                pages.push((list.page(progress.queued - 1).into(), std::mem::take(&mut page).encode()));
            }
        }
        if !progress.queued.is_multiple_of(PAGE) {
            pages.push((list.page(progress.queued - 1).into(), page.encode()));
        }
        self.tails.borrow_mut().insert(queue.clone(), page);
        Ok(())
    }

    /// The last page of a queue, of which so many items count; if it is damaged, these are lost.
    async fn tail(&self, key: &Key<Page<Waiting>>, items: usize) -> Result<Page<Waiting>, Stop> {
        match self.book.read(key).await? {
            Read::Record(page) => Ok(page),
            Read::None => Ok(Page::default()),
            Read::Damaged(bytes) => {
                self.book.tell_damaged(key, bytes).await?;
                Ok(Page(vec![None; items]))
            }
        }
    }

    /// Takes fans who are forgotten out of the queues that name them, as their ledgers tell; one that cannot be read tells
    /// nothing, so it may be any.
    pub(super) async fn leave_queues(&self, forgotten: &[(OpenId, Option<Ledger>)]) -> Result<(), Stop> {
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
            let (list, pages) = (queue.list(), progress.queued.div_ceil(PAGE));
            let keys: Vec<String> = (progress.deleted..pages).map(|page| list.page(page * PAGE).into()).collect();
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

    /// Deletes queues that are long over, a bounded number of pages.
    pub(super) async fn clean(&self) -> Result<(), Stop> {
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
            let (list, pages) = (queue.list(), progress.queued.div_ceil(PAGE));
            let until = pages.min(progress.deleted + room);
            let keys: Vec<String> = (progress.deleted..until).map(|page| list.page(page * PAGE).into()).collect();
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
