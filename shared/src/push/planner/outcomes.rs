//! Closes the pushes of which WeChat said what became of them, and lets go of whoever is forgotten.

use super::Planner;
use crate::{
    facts::push::{self, Outcome},
    push::{
        book::{Change, Read},
        head::Head,
        ledger,
    },
    store::{Store, Timer, lease::Stop, list::Length},
};

impl<S: Store, T: Timer> Planner<'_, S, T> {
    /// Closes pushes of which WeChat said what became of them.
    pub(super) async fn take_outcomes(&self) -> Result<bool, Stop> {
        // Rollup takes away what is old, whether it was read or not.
        let list = push::outcomes();
        let gone = match self.book.read(&list.gone()).await? {
            Read::Record(Length(gone)) => gone,
            Read::None => 0,
            Read::Damaged(bytes) => {
                self.book.tell_damaged(&list.gone(), bytes).await?;
                0
            }
        };
        let position = self.book.head().outcomes.max(gone);
        let items = self.items(&list, position, 1).await?.found;
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
            let keys: Vec<String> = forgotten.iter().map(|(openid, _)| ledger::key(openid).into()).collect();
            self.book.delete(&keys).await?;
        }
        change.release.extend(forgotten.iter().map(|(openid, _)| openid.clone()));
        let update = |head: &mut Head| {
            head.outcomes = until;
            forgotten.iter().for_each(|(openid, _)| head.account.forget(openid));
        };
        self.book.write(change, update).await.map(|()| true)
    }

    /// Forgets, once the sender has ended, whoever it had in hand.
    pub(in crate::push) async fn forget_the_rest(&self) -> Result<(), Stop> {
        while self.put_off.take() {
            while self.take_outcomes().await? {}
        }
        Ok(())
    }
}
