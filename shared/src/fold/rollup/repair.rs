//! Repairs damaged records by replay from the journal: see [`crate::fold::damaged`].
//!
//! The fold comes first. What time it leaves of a run, a repair may use: [`TIME`] at most, in chunks as large as the fold's, and
//! when there is a backlog none. Where a run stops, the next goes on ([`Replay`] is kept).
//!
//! 1. The kept entries are folded again, until where the journal stood when the record was set aside, and from there until where it
//!    stands now ([`crate::fold::replay`]).
//! 2. The list of all fans is looked through for the fan.
//! 3. In a run that has found everything up to the cursor, which stands still as long as the run holds the job, the days are looked
//!    through on which a reminder was due. Then the record takes the place of its stand-in, with all that goes with it, at once.
//!
//! An erasure, or forgetting, takes the record off the list and the repair with it. A repair that finds its entries deleted
//! begins again with those that are left.

use super::{CHUNK_BYTES, Failure, Folding, Known, LAST_CHUNK};
use crate::{
    facts::push::{Due, due, fans},
    fold::{
        DueCursor, Settings,
        damaged::{self, Failed, List, Progress, cursor_key},
        lists::Standing,
        replay::Replay,
    },
    journal::reader::{Cursor, Reader},
    store::{
        Store, Timer,
        format::RecordError,
        key::Stored,
        lease::{READS_AT_ONCE, Run, Stop},
        list::{self, Length, PAGE},
        record::{Write, find, items},
    },
    wechat::OpenId,
};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The time that a repair takes of a run at most.
const TIME: Duration = Duration::from_secs(10);
/// The journal is gone through so often at most: once, and once more whenever an order of the fan turned up that was not known.
const PASSES_MAX: u32 = 16;
/// Bytes of what is kept of a repair at most; stores take 400 KB.
const BYTES_MAX: usize = 300_000;

/// What came of a step.
enum Step {
    /// There is more to do.
    More,
    /// The repair is over, and nothing has changed.
    Failed(Failed),
    /// The record is back.
    Done,
}

/// Goes on with the repair that is under way, if one is. `folded` is the cursor as it is stored.
pub(super) async fn go_on<S: Store, T: Timer>(
    run: &Run<'_, S, T>,
    folding: &impl Folding,
    folded: &Cursor,
) -> Result<(), Failure> {
    let Some(settings) = folding.settings() else { return Ok(()) };
    let mut list = List::found(run.get(&List::key()).await?.as_deref());
    let Some((key, openid)) = list.repairs().and_then(|key| Some((key.to_owned(), damaged::fan_of(key)?))) else {
        return Ok(());
    };
    let began = list.repair.as_ref().map_or(run.now(), |repair| repair.began);
    let Some(set_aside) = readable(run.get_record(&cursor_key(&key)).await)? else {
        return fail(run, list, &key, Failed::TooLate).await;
    };
    let kept = readable(run.get_record(&Replay::key()).await)?.filter(|kept| kept.is_of(&openid, began));
    let replay = kept.unwrap_or_else(|| Replay::new(openid.clone(), began, settings));
    let mut work = Work { run, folding, settings, folded, openid, key: key.clone(), set_aside, replay };
    let (start, mut kept) = (run.elapsed(), None);
    for _ in 0..folding.replay_chunks() {
        if run.elapsed() >= LAST_CHUNK || run.elapsed().saturating_sub(start) >= TIME {
            break;
        }
        match work.step().await? {
            Step::Done => return Ok(()),
            Step::Failed(why) => return fail(run, list, &key, why).await,
            Step::More => {}
        }
        let bytes = work.replay.encode();
        if bytes.len() > BYTES_MAX || work.replay.pass > PASSES_MAX {
            return fail(run, list, &key, Failed::TooMuch).await;
        }
        kept = Some(bytes);
    }
    let Some(kept) = kept else { return Ok(()) };
    let (streams, of) = work.replay.cursor.share(folded);
    list.repaired(Progress::Replays { pass: work.replay.pass, streams, of });
    let kept = Write { key: Replay::key().into(), value: Some(kept) };
    Ok(run.commit(vec![kept, List::key().put(&list)]).await?)
}

/// What is damaged is as if it were not there.
fn readable<R>(read: Result<Option<R>, Stop>) -> Result<Option<R>, Stop> {
    match read {
        Err(Stop::Record { error: RecordError::Damaged, .. }) => Ok(None),
        read => read,
    }
}

/// Says that nothing came of a repair.
async fn fail<S: Store, T: Timer>(run: &Run<'_, S, T>, mut list: List, key: &str, why: Failed) -> Result<(), Failure> {
    list.fail(key, why, run.now());
    Ok(run.commit(vec![List::key().put(&list), Replay::key().take()]).await?)
}

/// A repair in a run.
struct Work<'a, S, T, F> {
    run: &'a Run<'a, S, T>,
    folding: &'a F,
    settings: &'a Settings,
    folded: &'a Cursor,
    openid: OpenId,
    key: String,
    /// How far the journal was folded when the record was set aside.
    set_aside: Cursor,
    replay: Replay,
}

impl<S: Store, T: Timer, F: Folding> Work<'_, S, T, F> {
    async fn step(&mut self) -> Result<Step, Failure> {
        if self.set_aside.is_overtaken(self.folded) {
            return Ok(Step::Failed(Failed::TooLate));
        }
        if self.replay.pass == 0 || self.replay.cursor.is_overtaken(self.folded) {
            self.replay = self.replay.clone().again(self.folded, self.settings);
        }
        if !self.read().await? {
            return Ok(Step::More);
        }
        if !self.replay.is_past {
            self.replay.pass_the_set_aside();
            return Ok(Step::More);
        }
        if !self.replay.is_complete(&Known::all(self.run)).await? {
            self.replay = self.replay.clone().again(self.folded, self.settings);
            return Ok(Step::More);
        }
        if !self.replay.found_any() {
            return Ok(Step::Failed(Failed::NothingKnown));
        }
        if !self.look_for_the_fan().await? {
            return Ok(Step::More);
        }
        self.finish().await.map(|()| Step::Done)
    }

    /// Folds the next entries again. True: there are no more.
    async fn read(&mut self) -> Result<bool, Failure> {
        let until = if self.replay.is_past { self.folded } else { &self.set_aside };
        let mut reader = Reader::again(self.replay.cursor.clone(), until, self.run.now());
        let found = reader.read(self.run, self.folding.chunk_entries(), CHUNK_BYTES).await?;
        self.replay.take(self.settings, &found.entries, found.damaged, &Known::all(self.run)).await?;
        self.replay.cursor = reader.cursor();
        Ok(found.all)
    }

    /// Looks at the next pages of the list of all fans. True: there are no more.
    async fn look_for_the_fan(&mut self) -> Result<bool, Failure> {
        let count = self.count(&fans()).await?;
        let pages = self.replay.page..count.div_ceil(PAGE).min(self.replay.page + READS_AT_ONCE as u64);
        let end = pages.end;
        let own = |item: &OpenId| *item == self.openid;
        let found = self.items(&fans(), pages, own).await?;
        self.replay.listed.extend(found.into_iter().map(|(position, _)| position));
        // The last page is looked at again, because it still grows.
        self.replay.page = end.min(count / PAGE);
        Ok(end >= count.div_ceil(PAGE))
    }

    async fn finish(&self) -> Result<(), Failure> {
        let stored = self.run.get(&self.key).await?;
        let begin: DueCursor = find(&DueCursor::key(), &Known::all(self.run)).await?;
        let mut standing = Standing { fans: self.replay.listed.clone(), due: Vec::new() };
        for day in self.replay.due_days(stored.as_ref()).into_iter().filter(|day| !begin.is_past(*day)) {
            let list = due(day);
            let pages = self.count(&list).await?.div_ceil(PAGE);
            for first in (0..pages).step_by(READS_AT_ONCE) {
                let own = |due: &Due| due.openid == self.openid;
                let found = self.items(&list, first..pages.min(first + READS_AT_ONCE as u64), own).await?;
                standing.due.extend(found.into_iter().map(|(position, due)| (day, position, due)));
            }
        }
        let known = Known::all(self.run);
        let writes = self.replay.finish(self.settings, self.run.now(), &standing, &known).await?;
        Ok(self.run.commit(writes).await?)
    }

    /// How many items a list has.
    async fn count<I>(&self, list: &list::List<I>) -> Result<u64, Failure> {
        let Length(count) = find(&list.head(), &Known::all(self.run)).await?;
        Ok(count)
    }

    /// The items on pages of a list that are about the fan, with their positions.
    async fn items<I: Serialize + DeserializeOwned>(
        &self,
        list: &list::List<I>,
        pages: std::ops::Range<u64>,
        own: impl Fn(&I) -> bool,
    ) -> Result<Vec<(u64, I)>, Failure> {
        let items = items(list, pages, &Known::all(self.run)).await?;
        Ok(items.into_iter().filter_map(|(position, item)| Some((position, item.filter(&own)?))).collect())
    }
}
