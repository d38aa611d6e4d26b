//! What planner and sender share during a run: the ledgers in use, the head, and the one way to write.
//!
//! Every change is one [`Store::set_many`], in this order: news, ledgers of what ended, pages, ledgers of what begins, the head;
//! where there are pages, the head goes alone, after them.
//! So on a store that may stop halfway too, nothing is told that did not happen, nothing is passed over that has not
//! ended, and no request leaves before its `sending` is stored. Changes go out one after another.

use super::{
    PushId,
    head::{self, Head},
    ledger::{self, Ledger, State},
    news::{LedgerNews, News},
};
use crate::{
    journal::{Entry, Journal},
    record,
    run::{Run, Stop},
    store::{Store, Timer},
    wechat::OpenId,
};
use futures::lock::Mutex;
use std::{
    cell::{Cell, RefCell, RefMut},
    collections::BTreeMap,
};

/// How often a change is written before the run gives up.
const TRIES: usize = 3;

/// Ledgers, head, and the pen.
pub(super) struct Book<'a, S, T> {
    pub(super) run: &'a Run<'a, S, T>,
    journal: &'a Journal,
    head: RefCell<Head>,
    ledgers: RefCell<BTreeMap<OpenId, Slot>>,
    reading: Mutex<()>,
    turn: Mutex<()>,
    /// A change failed, so memory and store may differ: nothing is written any more.
    broken: Cell<bool>,
}

struct Slot {
    ledger: Ledger,
    users: u32,
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
    pub(super) async fn open(run: &'a Run<'a, S, T>, journal: &'a Journal) -> Result<Self, Stop> {
        let head = run.get_record::<Head>(head::FORMAT, head::KEY).await?.unwrap_or_default();
        Ok(Self {
            run,
            journal,
            head: RefCell::new(head),
            ledgers: RefCell::default(),
            reading: Mutex::default(),
            turn: Mutex::default(),
            broken: Cell::new(false),
        })
    }

    /// The head; what is changed here is written with the next change. Not to be held over an `await`.
    pub(super) fn head(&self) -> RefMut<'_, Head> {
        self.head.borrow_mut()
    }

    /// Brings the ledgers of these fans into memory, where they stay until [`Self::release`]d as often.
    pub(super) async fn acquire(&self, openids: &[OpenId]) -> Result<(), Stop> {
        // One after another: what is read here must not be what the other of the two changes and lets go meanwhile.
        let _turn = self.reading.lock().await;
        let mut absent: BTreeMap<&OpenId, u32> = BTreeMap::new();
        for openid in openids {
            match self.ledgers.borrow_mut().get_mut(openid) {
                Some(slot) => slot.users += 1,
                None => *absent.entry(openid).or_default() += 1,
            }
        }
        let keys: Vec<String> = absent.keys().map(|openid| ledger::key(openid)).collect();
        let stored = self.run.get_all(&keys).await?;
        for ((openid, users), bytes) in absent.into_iter().zip(stored) {
            let ledger = bytes.map(|bytes| Ledger::decode(&bytes)).transpose();
            let ledger = ledger.map_err(|error| Stop::Record { key: ledger::key(openid), error })?.unwrap_or_default();
            self.ledgers.borrow_mut().insert(openid.clone(), Slot { ledger, users });
        }
        Ok(())
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

    /// Whether somebody works with a fan's ledger.
    pub(super) fn is_in_use(&self, openid: &OpenId) -> bool {
        self.ledgers.borrow().contains_key(openid)
    }

    /// Looks at or changes an acquired ledger.
    pub(super) fn with<R>(&self, openid: &OpenId, work: impl FnOnce(&mut Ledger) -> R) -> Option<R> {
        self.ledgers.borrow_mut().get_mut(openid).map(|slot| work(&mut slot.ledger))
    }

    /// Writes a change, together with what `update` makes of the head.
    pub(super) async fn write(&self, change: Change, update: impl FnOnce(&mut Head)) -> Result<(), Stop> {
        let _turn = self.turn.lock().await;
        if self.broken.replace(true) {
            return Err(Stop::TakenOver);
        }
        let place = match change.news.is_empty() {
            true => None,
            false => Some(self.run.place(self.journal).await?),
        };
        let mut values = Vec::new();
        if let Some(place) = place {
            values.push((place.to_string(), Entry::Ledger(LedgerNews(change.news)).encode()));
        }
        for (openid, id, state) in change.ended {
            self.with(&openid, |ledger| advance(ledger, id, state));
            self.put(&openid, &mut values);
        }
        change.ledgers.iter().for_each(|openid| self.put(openid, &mut values));
        let queued = !change.pages.is_empty();
        values.extend(change.pages);
        for (openid, id, state) in change.begins {
            self.with(&openid, |ledger| advance(ledger, id, state));
            self.put(&openid, &mut values);
        }
        let head = {
            let mut head = self.head();
            update(&mut head);
            record::encode(head::FORMAT, &*head)
        };
        if queued {
            // The head says that they are there, and nobody would look for one that a torn write left out.
            self.set(&values).await?;
            values.clear();
        }
        values.push((head::KEY.to_owned(), head));
        self.set(&values).await?;
        if let Some(place) = place {
            self.journal.written(place);
        }
        change.release.iter().for_each(|openid| self.release(openid));
        self.broken.set(false);
        Ok(())
    }

    /// Takes away, between two changes.
    pub(super) async fn delete(&self, keys: &[String]) -> Result<(), Stop> {
        let _turn = self.turn.lock().await;
        self.run.delete_many(keys).await
    }

    fn put(&self, openid: &OpenId, values: &mut Vec<(String, Vec<u8>)>) {
        if let Some(bytes) = self.with(openid, |ledger| ledger.encode()) {
            values.push((ledger::key(openid), bytes));
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
