//! What planner and sender share during a run: the ledgers in use, the head, and the one way to write.
//!
//! Every change is one [`Store::set_many`], in this order: news, ledgers of what ended, pages, ledgers of what begins, paces,
//! account, campaigns, the head. Of the [records of the head](super::head) those are written that change. Where there are pages, or
//! account or campaigns change, it is two: the second has the ledgers of what begins and the head.
//! So on a store that may stop halfway too, nothing is told that did not happen, nothing is passed over that has not
//! ended, and no request leaves before its `sending` is stored. Changes go out one after another.

use super::{
    head::{Changed, Head, Written},
    ledger::{self, Ledger, State},
    opening::{self, Opened},
    seen::{Seen, unreadable},
};
use crate::{
    facts::{
        Entry, Found,
        push::{LedgerNews, News, PushId},
    },
    journal::Journal,
    playbook::Pushes,
    store::{
        Store, Timer,
        format::RecordError,
        key::{Key, Stored},
        lease::{Run, Stop},
    },
    wechat::OpenId,
};
use futures::lock::Mutex;
use std::{
    cell::{RefCell, RefMut},
    collections::BTreeMap,
};

/// How often a change is written before the run gives up.
const TRIES: usize = 3;

/// Ledgers, head, and the pen.
pub(super) struct Book<'a, S, T> {
    pub(super) run: &'a Run<'a, S, T>,
    journal: &'a Journal,
    head: RefCell<Head>,
    stored: RefCell<Written>,
    ledgers: RefCell<BTreeMap<OpenId, Slot>>,
    reading: Mutex<()>,
    turn: Mutex<()>,
    /// Records that were found damaged, and told.
    told: RefCell<Vec<String>>,
    /// Why a change failed. Memory and store may differ since, so nothing is written any more.
    broken: RefCell<Option<Stop>>,
}

struct Slot {
    /// None: what is stored cannot be read, and is never overwritten.
    ledger: Option<Ledger>,
    users: u32,
}

/// What stands at a key.
pub(super) enum Read<R> {
    None,
    Record(R),
    Damaged(Vec<u8>),
}

/// One change of the store.
#[derive(Default)]
pub(super) struct Change {
    pub(super) news: Vec<News>,
    /// Of these fans something ended …
    pub(super) ended: Vec<(OpenId, PushId, State)>,
    /// Key and value.
    pub(super) pages: Vec<(String, Vec<u8>)>,
    /// … and of these something begins.
    pub(super) begins: Vec<(OpenId, PushId, State)>,
    /// These ledgers were changed already.
    pub(super) ledgers: Vec<OpenId>,
    /// These are no longer needed afterwards.
    pub(super) release: Vec<OpenId>,
}

impl<'a, S: Store, T: Timer> Book<'a, S, T> {
    pub(super) async fn open(run: &'a Run<'a, S, T>, journal: &'a Journal, pushes: &Pushes) -> Result<Self, Stop> {
        let Opened { head, stored, damaged, lost } = opening::open(run, pushes).await?;
        let book = Self {
            run,
            journal,
            head: RefCell::new(head),
            stored: RefCell::new(stored),
            ledgers: RefCell::default(),
            reading: Mutex::default(),
            turn: Mutex::default(),
            told: RefCell::default(),
            broken: RefCell::default(),
        };
        for (key, bytes) in damaged {
            book.tell_damaged(key, bytes).await?;
        }
        for (about, says) in lost {
            book.head().account.alarm(about, says, run.now());
        }
        Ok(book)
    }

    /// The head; what is changed here is written with the next change. Not to be held over an `await`.
    pub(super) fn head(&self) -> RefMut<'_, Head> {
        self.head.borrow_mut()
    }

    /// Brings the ledgers of these fans into memory, where they stay until [`Self::release`]d as often. Says which cannot be read.
    pub(super) async fn acquire(&self, openids: &[OpenId]) -> Result<(), Stop> {
        for (key, bytes, error) in self.take_in(openids).await? {
            self.alarm_unreadable(unreadable(&key, error));
            if error == RecordError::Damaged {
                self.tell_damaged(&key, bytes).await?;
            }
        }
        Ok(())
    }

    /// As [`Self::acquire`]. Gives those that cannot be read.
    async fn take_in(&self, openids: &[OpenId]) -> Result<Vec<(String, Vec<u8>, RecordError)>, Stop> {
        // One after another: what is read here must not be what the other of the two changes and lets go meanwhile.
        let _turn = self.reading.lock().await;
        let mut absent: BTreeMap<&OpenId, u32> = BTreeMap::new();
        for openid in openids {
            match self.ledgers.borrow_mut().get_mut(openid) {
                Some(slot) => slot.users += 1,
                None => *absent.entry(openid).or_default() += 1,
            }
        }
        let keys: Vec<String> = absent.keys().map(|openid| ledger::key(openid).into()).collect();
        let stored = self.run.get_all(&keys).await?;
        let mut unread = Vec::new();
        for (((openid, users), key), bytes) in absent.into_iter().zip(keys).zip(stored) {
            let ledger = match bytes.map(|bytes| Ledger::decode(&bytes).map_err(|error| (bytes, error))) {
                None => Some(Ledger::default()),
                Some(Ok(ledger)) => Some(ledger),
                Some(Err((bytes, error))) => {
                    unread.push((key, bytes, error));
                    None
                }
            };
            self.ledgers.borrow_mut().insert(openid.clone(), Slot { ledger, users });
        }
        Ok(unread)
    }

    /// Lets a ledger go that was acquired.
    pub(super) fn release(&self, openid: &OpenId) {
        let mut ledgers = self.ledgers.borrow_mut();
        if let Some(slot) = ledgers.get_mut(openid) {
            slot.users = slot.users.saturating_sub(1);
            if slot.users == 0 {
                ledgers.remove(openid);
            }
        }
    }

    /// Acquires the ledger of a fan who is forgotten, empties it for whoever acquires it later in this run, and gives what it
    /// said; inside none: it cannot be read. Outside none: somebody works with it, so it is as it was.
    pub(super) async fn empty(&self, openid: &OpenId) -> Result<Option<Option<Ledger>>, Stop> {
        // Of one that cannot be read nothing is told: it goes.
        self.take_in(std::slice::from_ref(openid)).await?;
        if let Some(slot) = self.ledgers.borrow_mut().get_mut(openid).filter(|slot| slot.users == 1) {
            return Ok(Some(slot.ledger.replace(Ledger::default())));
        }
        self.release(openid);
        Ok(None)
    }

    /// Looks at an acquired ledger; none: it cannot be read.
    pub(super) fn with<R>(&self, openid: &OpenId, look: impl FnOnce(Option<&Ledger>) -> R) -> R {
        look(self.ledgers.borrow().get(openid).and_then(|slot| slot.ledger.as_ref()))
    }

    /// Changes an acquired ledger; none: it cannot be read.
    pub(super) fn change<R>(&self, openid: &OpenId, change: impl FnOnce(&mut Ledger) -> R) -> Option<R> {
        self.ledgers.borrow_mut().get_mut(openid).and_then(|slot| slot.ledger.as_mut()).map(change)
    }

    /// Raises an alarm where something of a fan could not be read.
    pub(super) fn note_unreadable(&self, seen: &Seen) {
        if let Some(says) = &seen.unreadable {
            self.alarm_unreadable(says.clone());
        }
    }

    fn alarm_unreadable(&self, says: String) {
        let now = self.run.now();
        self.head().account.unreadable(says, now);
    }

    /// Writes a change, together with what `update` makes of the head.
    pub(super) async fn write(&self, change: Change, update: impl FnOnce(&mut Head)) -> Result<(), Stop> {
        let _turn = self.turn.lock().await;
        if let Some(stop) = &*self.broken.borrow() {
            return Err(stop.clone());
        }
        let written = self.put_all(change, update).await;
        if let Err(stop) = &written {
            self.broken.replace(Some(stop.clone()));
        }
        written
    }

    async fn put_all(&self, change: Change, update: impl FnOnce(&mut Head)) -> Result<(), Stop> {
        let place = match change.news.is_empty() {
            true => None,
            false => Some(self.journal.place_for(self.run).await?),
        };
        let mut values = Vec::new();
        if let Some(place) = place {
            values.push((place.to_string(), Entry::Ledger(LedgerNews(change.news)).encode()));
        }
        for (openid, id, state) in change.ended {
            self.change(&openid, |ledger| advance(ledger, id, state));
            self.put(&openid, &mut values);
        }
        change.ledgers.iter().for_each(|openid| self.put(openid, &mut values));
        let queued = !change.pages.is_empty();
        values.extend(change.pages);
        let mut begun = Vec::new();
        for (openid, id, state) in change.begins {
            self.change(&openid, |ledger| advance(ledger, id, state));
            self.put(&openid, &mut begun);
        }
        let Changed { before, head, apart } = {
            let mut head = self.head();
            update(&mut head);
            self.stored.borrow().changed(&head)
        };
        if queued || apart {
            // The head says that pages are there, and nobody would look for one that a torn write left out; and it says what
            // is on its way, so that goes with it.
            values.extend(before);
            self.put_values(&values).await?;
            values = begun;
        } else {
            values.extend(begun.into_iter().chain(before));
        }
        values.extend(head);
        self.put_values(&values).await?;
        if let Some(place) = place {
            self.journal.written(place);
        }
        change.release.iter().for_each(|openid| self.release(openid));
        Ok(())
    }

    /// Writes values of a change, if there are any.
    async fn put_values(&self, values: &[(String, Vec<u8>)]) -> Result<(), Stop> {
        if !values.is_empty() {
            self.set(values).await?;
            values.iter().for_each(|(key, bytes)| self.stored.borrow_mut().note(key, bytes));
        }
        Ok(())
    }

    /// Reads a record.
    pub(super) async fn read<R: Stored>(&self, key: &Key<R>) -> Result<Read<R>, Stop> {
        let Some(bytes) = self.run.get(key).await? else { return Ok(Read::None) };
        match R::decode(&bytes) {
            Ok(record) => Ok(Read::Record(record)),
            Err(RecordError::Damaged) => Ok(Read::Damaged(bytes)),
            Err(error) => Err(Stop::Record { key: key.to_string(), error }),
        }
    }

    /// Tells rollup, the report and the alarms that a record is damaged; once a run.
    pub(super) async fn tell_damaged(&self, key: &str, bytes: Vec<u8>) -> Result<(), Stop> {
        if self.told.borrow().iter().any(|told| told == key) {
            return Ok(());
        }
        self.told.borrow_mut().push(key.to_owned());
        let now = self.run.now();
        self.head().account.damaged(format!("{key} is set aside"), now);
        let _turn = self.turn.lock().await;
        let place = self.journal.place_for(self.run).await?;
        self.set(&[(place.to_string(), Entry::Damaged(Found::new(key, bytes)).encode())]).await?;
        self.journal.written(place);
        Ok(())
    }

    /// Puts in the place of a damaged record what `instead` gives, unless it is another by then.
    pub(super) async fn replace(
        &self,
        key: &str,
        bytes: &[u8],
        instead: impl FnOnce(&Head) -> Vec<u8>,
    ) -> Result<(), Stop> {
        let _turn = self.turn.lock().await;
        if self.run.get(key).await?.as_deref() != Some(bytes) {
            return Ok(());
        }
        let value = instead(&self.head());
        self.set(&[(key.to_owned(), value)]).await
    }

    /// The records that were found damaged.
    pub(super) fn told(&self) -> Vec<String> {
        self.told.borrow().clone()
    }

    /// Writes pages anew, between two changes.
    pub(super) async fn overwrite(&self, pages: &[(String, Vec<u8>)]) -> Result<(), Stop> {
        let _turn = self.turn.lock().await;
        self.set(pages).await
    }

    /// Takes away, between two changes.
    pub(super) async fn delete(&self, keys: &[String]) -> Result<(), Stop> {
        let _turn = self.turn.lock().await;
        self.run.delete_many(keys).await
    }

    fn put(&self, openid: &OpenId, values: &mut Vec<(String, Vec<u8>)>) {
        if let Some(bytes) = self.with(openid, |ledger| ledger.map(Ledger::encode)) {
            values.push((ledger::key(openid).into(), bytes));
        }
    }

    /// A store call may be repeated; its answer may have been lost.
    async fn set(&self, values: &[(String, Vec<u8>)]) -> Result<(), Stop> {
        let mut tries = 1;
        loop {
            match self.run.set_many(values).await {
                Err(Stop::Store(_)) if tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }
}

/// What an event said meanwhile stands: it knows more than the call itself.
fn advance(ledger: &mut Ledger, id: PushId, state: State) {
    let open = ledger.get(id).is_some_and(|entry| !entry.state.is_settled());
    if open {
        ledger.set(id, state);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
