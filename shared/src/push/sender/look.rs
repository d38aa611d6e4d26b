//! Whether a push may leave: the look when it is taken from its queue, and the last one before its call.

use super::{FRESH, Ready, Sender};
use crate::{
    facts::push::Skip,
    playbook::{Content, Ways},
    push::{
        campaign::{self, Found},
        ledger::Entry,
        seen::{Seen, keys},
    },
    store::{Store, Timer, lease::Stop},
    time::Timestamp,
    wechat::{OpenId, api::Calls},
};

/// A push that could not go out for so long does not go out, in seconds.
const LATE_SECONDS: u64 = 86_400;

/// Why a push may not leave.
pub(super) enum Closed {
    /// The push does not go out.
    Skip(Skip),
    /// It went out, as an event says.
    Known,
    /// The time in which WeChat knows its id is over.
    TooOld,
    /// WeChat takes no more what it says.
    Stopped,
    /// There is no room, or the look took too long: in this run still.
    NotNow,
    /// Not in this run.
    NotHere,
}

impl<S: Store, T: Timer, C: Calls> Sender<'_, S, T, C> {
    /// The ways that a push may go now, the first choice first.
    ///
    /// # Errors
    /// What stands against it.
    pub(super) fn open(
        &self,
        entry: &Entry,
        ways: &Ways,
        openid: &OpenId,
        seen: &Seen,
        now: Timestamp,
    ) -> Result<Vec<Content>, Skip> {
        if entry.subject.campaign().is_some_and(|id| self.book.head().is_stopped(id)) {
            return Err(Skip::Stopped);
        }
        let limits = &self.pushes.limits;
        let state = seen.fan.as_ref().map(|fan| fan.state(limits.utc_offset));
        let open: Vec<Content> = self.book.with(openid, |ledger| {
            let known = seen.known(openid, state.as_ref(), ledger);
            let open = known.ways(entry, ways, &self.book.head().account, now)?;
            Ok(open.into_iter().cloned().collect())
        })?;
        if now.0 >= entry.due.0 + LATE_SECONDS {
            return Err(Skip::OverQuota);
        }
        let quiet = limits.is_quiet(limits.utc_offset.local(now).minute);
        if quiet { Err(Skip::QuietHours) } else { Ok(open) }
    }

    /// Looks at a fan once more, and at whether the push still goes as it was to.
    pub(super) async fn look_again(&self, push: &Ready) -> Result<(), Closed> {
        let looked = self.book.run.elapsed();
        let values = self.book.run.get_all(&keys(&push.openid)).await;
        // Where the store does not answer, the next write says why.
        let values = values.map_err(|_| Closed::NotHere)?;
        push.looked.set(looked);
        let seen = seen_in(&push.openid, &values);
        self.book.note_unreadable(&seen);
        // Those before it are closed; what may have gone out goes no other way.
        let behind = push.behind.iter().map(|(content, _)| content).filter(|_| !push.doubt);
        let ways = std::iter::once(&push.content).chain(behind).cloned().collect();
        match self.open(&push.entry, &ways, &push.openid, &seen, self.book.run.now()) {
            Ok(open) if open.first() == Some(&push.content) => Ok(()),
            // The next run sends it the other way.
            Ok(_) => Err(Closed::NotHere),
            Err(skip) => Err(Closed::Skip(skip)),
        }
    }

    /// Whether requests for campaigns were taken up so lately that a call may go by it.
    pub(super) fn knows_stops(&self) -> bool {
        let looked = self.signals.looked.get();
        looked.is_some_and(|looked| self.book.run.elapsed().saturating_sub(looked) <= FRESH)
    }

    /// Takes up requests for campaigns, of which one may say that one stops; unless that was done lately. The head says so with
    /// the next change, and what is damaged waits for the planner, who tells it.
    pub(super) async fn look_for_stops(&self) -> Result<(), Stop> {
        let _turn = self.looking.lock().await;
        let now = self.book.run.elapsed();
        if self.knows_stops() {
            return Ok(());
        }
        let looked = self.book.head().asked.clone();
        let found = campaign::look(self.book.run, &looked).await?;
        let looked = if found.damaged.is_empty() { found.looked.clone() } else { looked };
        self.book.head().take_up(Found { looked, ..found }, self.pushes);
        self.signals.looked.set(Some(now));
        Ok(())
    }
}

pub(super) fn seen_in(openid: &OpenId, values: &[Option<Vec<u8>>]) -> Seen {
    let value = |at: usize| values.get(at).and_then(Option::as_deref);
    Seen::new(openid, value(0), value(1))
}
