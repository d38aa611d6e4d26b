//! From due lists, campaigns and outcomes to queues: who gets what, when, and a reason for everybody else.
//!
//! A chunk is planned with one write: news, ledgers, the queues' pages, and the position from which the next chunk goes on. A
//! planner that was stopped before that write plans the chunk again; what the ledger knows already is queued as it stands.
//!
//! | module | what |
//! |---|---|
//! | `outcomes` | closes the pushes of which WeChat said what became of them, and lets go of whoever is forgotten |
//! | `reminders` | plans the reminders that are due today or came late |
//! | `campaigns` | takes up campaigns whose time has come, and plans them |
//! | `chunk` | some fans: read, decided about, and written at once |
//! | `queues` | the pages of the queues |
//! | here | the loop: what is planned next, and when planning ends |

mod campaigns;
mod chunk;
mod outcomes;
mod queues;
mod reminders;

use super::{
    book::Book,
    queue::{Queue, Waiting},
    report::Report,
    signals::Signals,
};
use crate::{
    playbook::Pushes,
    store::{Store, Timer, lease::Stop, list::Page},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

/// No chunk is planned later than this after the start.
const LAST_CHUNK: Duration = Duration::from_secs(36);
/// While the sender is busy and so many pushes wait for it, planning does.
const WAITING_MAX: u64 = 4_096;
/// How long it waits then.
const PAUSE: Duration = Duration::from_millis(50);

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
}

fn clone<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}
