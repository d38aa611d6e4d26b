//! Plans the reminders that are due today or came late, from rollup's due lists.

use super::{Planner, chunk::CHUNK_PAGES};
use crate::{
    facts::push::{self, Due},
    push::plan::DAYS_BACK,
    store::{Store, Timer, lease::Stop},
    time::Day,
};

impl<S: Store, T: Timer> Planner<'_, S, T> {
    /// Plans some of the reminders that are due today, or were due in the last days and came late.
    pub(super) async fn plan_reminders(&self) -> Result<bool, Stop> {
        let today = self.pushes.limits.utc_offset.local(self.book.run.now()).day.0;
        for day in today.saturating_sub(DAYS_BACK)..=today {
            let position = self.book.head().due.get(&day).copied().unwrap_or_default();
            let items = self.items(&push::due(day), position, CHUNK_PAGES).await?.found;
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
}
