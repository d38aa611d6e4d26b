//! Closes the pushes of which WeChat said what became of them, and lets go of whoever is forgotten.

use super::Planner;
use crate::{
    facts::push::{OUTCOMES, Outcome},
    push::{
        book::{Change, Read},
        head::Head,
        ledger,
    },
    store::{
        Store, Timer, format,
        lease::Stop,
        list::{self, gone_key},
    },
};

impl<S: Store, T: Timer> Planner<'_, S, T> {
    /// Closes pushes of which WeChat said what became of them.
    pub(super) async fn take_outcomes(&self) -> Result<bool, Stop> {
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
    pub(in crate::push) async fn forget_the_rest(&self) -> Result<(), Stop> {
        while self.put_off.take() {
            while self.take_outcomes().await? {}
        }
        Ok(())
    }
}
