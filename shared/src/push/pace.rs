//! How fast one call may be made: what the quota query says, and what WeChat's refusals teach.
//!
//! WeChat counts over a rolling period ([protocol 4.3](../../docs/wechat-protocol.md#4.3)). So do we, by quarter
//! seconds, across runs: a call stays in the count a quarter second longer than the period, and `SHARE_PERCENT` percent of
//! the limit are used, because calls do not take equally long to arrive.

use crate::{
    time::{Timestamp, UtcOffset},
    wechat::api::quota::{Quota, RateLimit},
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Milliseconds since 1970.
pub type Millis = u64;

/// The part of a limit that is used, in percent.
const SHARE_PERCENT: u64 = 98;
/// How finely calls are counted, in milliseconds.
const STEP: Millis = 250;
/// What a minute's refusal takes from the speed that led to it, in percent.
const SLOWER_PERCENT: u64 = 90;
/// So long a learned limit holds, in seconds; then the quota query's word is tried again.
const LEARNED_FOR_SECONDS: u64 = 3_600;
/// A minute's quota: the period where WeChat says none, in seconds.
const PERIOD_SECONDS: u64 = 60;
/// So long the quota query's word holds, in seconds.
const ASK_EVERY_SECONDS: u64 = 600;

/// The pace of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// What WeChat said last, and when.
    quota: Option<(Timestamp, Kept)>,
    /// Calls in so many seconds, as a refusal taught, and until when that holds.
    learned: Option<(Rate, Timestamp)>,
    /// Calls by quarter second, the newest last; those of the last period only.
    calls: VecDeque<(u64, u32)>,
    /// No call before this.
    paused: Option<Pause>,
    /// What was counted until then is lost.
    lost: Option<Millis>,
}

/// Why no call is made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Until when, in milliseconds since 1970.
    pub until: Millis,
    /// In words.
    pub why: String,
}

/// A quota as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Calls in a Beijing day.
    pub daily_limit: u64,
    /// Left of them.
    pub remain: u64,
    /// How fast, if WeChat says so.
    pub rate: Option<Rate>,
}

/// So many calls in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// At least 1.
    pub calls: u64,
    /// At least 1.
    pub seconds: u64,
}

impl Pace {
    /// Of a call of which what was counted is lost. It may have been all that WeChat allows, up to this moment; so none is made
    /// until that has left the period of the quota: a minute or, where the quota query says so, longer; and as long as the query
    /// says nothing at all, the longest that is kept, which is `LEARNED_FOR_SECONDS`. So no rolling period has more calls than
    /// its quota. What the query does not say is learned anew: a slower pace from a refusal, a pause from another alarm.
    pub fn lost(now: Millis) -> Self {
        Self { lost: Some(now), ..Self::default() }
    }

    /// The end of the wait for what was counted and is lost.
    fn waits_until(&self, now: Millis) -> Option<Millis> {
        let seconds = match (self.rate(now), self.quota) {
            (Some(rate), _) => rate.seconds.max(PERIOD_SECONDS),
            (None, Some(_)) => PERIOD_SECONDS,
            (None, None) => LEARNED_FOR_SECONDS,
        };
        self.lost.map(|lost| lost + STEP + seconds * 1_000).filter(|until| now < *until)
    }

    /// Whether it is time to ask for the quota.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.quota.is_none_or(|(asked, _)| asked.distance(now) >= ASK_EVERY_SECONDS || !same_day(asked, now))
    }

    /// What the quota query said last, and when.
    pub fn quota(&self) -> Option<(Timestamp, Kept)> {
        self.quota
    }

    /// Left of today's quota, as WeChat said last and less what was used since; none: it was not asked today.
    pub fn left(&self, now: Timestamp) -> Option<u64> {
        self.quota.filter(|(asked, _)| same_day(*asked, now)).map(|(_, quota)| quota.remain)
    }

    /// Why nothing is sent now, or was not lately.
    pub fn paused(&self) -> Option<&Pause> {
        self.paused.as_ref()
    }

    /// Takes in what the quota query says.
    pub fn learn(&mut self, quota: &Quota, now: Timestamp) {
        let rate =
            |limit: RateLimit| Rate { calls: limit.call_count, seconds: limit.refresh_second.min(LEARNED_FOR_SECONDS) };
        let kept = Kept { daily_limit: quota.daily_limit, remain: quota.remain, rate: quota.rate_limit.map(rate) };
        self.quota = Some((now, kept));
    }

    /// The rate to keep to, if there is one.
    pub fn rate(&self, now: Millis) -> Option<Rate> {
        let said = self.quota.and_then(|(_, quota)| quota.rate);
        let learned = self.learned.filter(|(_, until)| now < until.0 * 1_000).map(|(rate, _)| rate);
        [said, learned].into_iter().flatten().min_by_key(|rate| rate.calls * 1_000 / rate.seconds.max(1))
    }

    /// How many calls may be made now, and when to look again where that is none.
    pub fn room(&mut self, now: Millis) -> Result<usize, Millis> {
        match &self.paused {
            Some(pause) if now < pause.until => return Err(pause.until),
            _ => self.paused = None,
        }
        let remain = self.left(Timestamp(now / 1_000)).unwrap_or(u64::MAX);
        if remain == 0 {
            self.pause_until(next_beijing_day(now), "the day's quota is used up");
            return Err(next_beijing_day(now));
        }
        if let Some(until) = self.waits_until(now) {
            return Err(until);
        }
        self.lost = None;
        let Some(Rate { calls, seconds }) = self.rate(now) else {
            return Ok(usize::try_from(remain).unwrap_or(usize::MAX));
        };
        let limit = (calls * SHARE_PERCENT / 100).max(1);
        let leaves = |step: u64| (step + 1) * STEP + seconds * 1_000;
        let inside = || self.calls.iter().filter(|(step, _)| leaves(*step) > now);
        let used: u64 = inside().map(|(_, count)| u64::from(*count)).sum();
        match limit.saturating_sub(used).min(remain) {
            0 => Err(inside().next().map_or(now + STEP, |(step, _)| leaves(*step))),
            room => Ok(usize::try_from(room).unwrap_or(usize::MAX)),
        }
    }

    /// How many seconds so many calls take, at the pace that WeChat allows; none: it sets no pace.
    pub fn seconds_for(&self, calls: u64, now: Timestamp) -> Option<u64> {
        let Rate { calls: each, seconds } = self.rate(now.0.saturating_mul(1_000))?;
        Some(calls / each.max(1) * seconds)
    }

    /// Counts calls that are about to be made.
    pub fn count(&mut self, now: Millis, calls: usize) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let step = now / STEP;
        match self.calls.back_mut() {
            Some((last, count)) if *last >= step => *count = count.saturating_add(calls),
            _ => self.calls.push_back((step, calls)),
        }
        let period = self.rate(now).map_or(PERIOD_SECONDS, |rate| rate.seconds) + 1;
        let oldest = now.saturating_sub(period * 1_000) / STEP;
        while self.calls.front().is_some_and(|(step, _)| *step < oldest) {
            self.calls.pop_front();
        }
        if let Some((_, quota)) = &mut self.quota {
            quota.remain = quota.remain.saturating_sub(u64::from(calls));
        }
    }

    /// Counts one call that is about to be made, if there is room for it, and gives the moment that it counts as of.
    ///
    /// # Errors
    /// There is no room: when to look again.
    pub fn take(&mut self, now: Millis) -> Result<Millis, Millis> {
        self.room(now)?;
        self.count(now, 1);
        Ok(self.calls.back().map_or(now, |(step, _)| step * STEP))
    }

    /// A call that counts as of `taken` leaves only now, and from now on counts as of now. The room that it had it still has:
    /// what counted then and no longer does makes more.
    pub fn leave(&mut self, taken: Millis, now: Millis) {
        self.give_back(taken);
        self.count(now, 1);
    }

    /// A call that counts as of `taken` is not made after all.
    pub fn give_back(&mut self, taken: Millis) {
        let Ok(at) = self.calls.binary_search_by_key(&(taken / STEP), |(step, _)| *step) else { return };
        if let Some((_, count)) = self.calls.get_mut(at) {
            *count = count.saturating_sub(1);
        }
        self.calls.retain(|(_, count)| *count > 0);
        if let Some((_, quota)) = &mut self.quota {
            quota.remain += 1;
        }
    }

    /// WeChat says that the minute's quota is used up: until the next minute nothing, then slower than what led to it. Every
    /// call in flight hears it; they are one lesson.
    pub fn slow_down(&mut self, now: Millis) {
        if self.paused.as_ref().is_some_and(|pause| now < pause.until) {
            return;
        }
        let made: u64 =
            self.calls.iter().filter(|(step, _)| step * STEP + 60_000 > now).map(|(_, n)| u64::from(*n)).sum();
        let calls = (made * SLOWER_PERCENT / 100).max(1);
        self.learned = Some((Rate { calls, seconds: 60 }, Timestamp(now / 1_000 + LEARNED_FOR_SECONDS)));
        self.pause_until(now / 60_000 * 60_000 + 60_000, "the minute's quota is used up");
    }

    /// WeChat says that the day's quota is used up: nothing until the next Beijing day.
    pub fn used_up(&mut self, now: Millis) {
        if let Some((_, quota)) = &mut self.quota {
            quota.remain = 0;
        }
        self.pause_until(next_beijing_day(now), "the day's quota is used up");
    }

    /// Nothing until then; a longer pause stays.
    pub fn pause_until(&mut self, until: Millis, why: impl Into<String>) {
        if self.paused.as_ref().is_none_or(|pause| pause.until < until) {
            self.paused = Some(Pause { until, why: why.into() });
        }
    }
}

/// Whether both are on one day of quotas.
fn same_day(one: Timestamp, other: Timestamp) -> bool {
    UtcOffset::BEIJING.local(one).day == UtcOffset::BEIJING.local(other).day
}

/// When quotas begin anew ([protocol 4.3](../../docs/wechat-protocol.md#4.3): days are Beijing's).
fn next_beijing_day(now: Millis) -> Millis {
    const DAY: Millis = 86_400_000;
    const AHEAD: Millis = 8 * 3_600_000;
    (now + AHEAD) / DAY * DAY + DAY - AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// 100 calls in 60 seconds.
    fn pace() -> Pace {
        let rate_limit = Some(RateLimit { call_count: 100, refresh_second: 60 });
        let mut pace = Pace::default();
        pace.learn(&Quota { daily_limit: 1_000, used: 0, remain: 1_000, rate_limit }, Timestamp(1_000));
        pace
    }

    #[test]
    fn a_call_that_leaves_later_counts_as_of_then_and_one_that_does_not_leave_counts_no_more() {
        let (mut pace, began) = (pace(), 1_000_000);
        let taken: Vec<Result<Millis, Millis>> = (0..98).map(|_| pace.take(began)).collect();
        assert_eq!(taken, [Ok(began); 98]);
        assert_eq!(pace.take(began), Err(began + 60_250));
        (0..10).for_each(|_| pace.leave(began, began + 5_000));
        assert_eq!(pace.take(began + 5_000), Err(began + 60_250), "they still count");
        (0..3).for_each(|_| pace.give_back(began));
        assert_eq!(pace.room(began + 5_000), Ok(3));
        assert_eq!(pace.left(Timestamp(1_005)), Some(905));
        // When the first 85 no longer count, the ten that left later do.
        assert_eq!(pace.room(began + 60_250), Ok(88));
        assert_eq!(pace.room(began + 65_250), Ok(98));
    }

    #[test]
    fn where_the_count_is_lost_no_rolling_period_has_more_calls_than_its_quota() {
        let (minute, an_hour) = (60_250, 3_600_250);
        for (seconds, waits) in [(60, minute), (1, minute), (600, 600_250), (3_600, an_hour), (90_000, an_hour)] {
            // All that is allowed was made right before.
            let lost = 1_000_000;
            let mut pace = Pace::lost(lost);
            assert_eq!(pace.take(lost), Err(lost + an_hour), "as long as nothing is known");
            let rate_limit = Some(RateLimit { call_count: 100, refresh_second: seconds });
            let quota = Quota { daily_limit: 1_000, used: 0, remain: 1_000, rate_limit };
            pace.learn(&quota, Timestamp(1_001));
            assert_eq!(pace.take(lost + 1_000), Err(lost + waits), "{seconds}");
            assert_eq!(pace.take(lost + waits - 1), Err(lost + waits), "{seconds}");
            assert_eq!(pace.take(lost + waits), Ok((lost + waits) / STEP * STEP), "{seconds}");
            assert_eq!(pace.room(lost + waits), Ok(97), "{seconds}: from then on it is as ever");
        }
        // WeChat says how much, but not how fast.
        let mut pace = Pace::lost(1_000_000);
        let quota = Quota { daily_limit: 1_000, used: 0, remain: 1_000, rate_limit: None };
        pace.learn(&quota, Timestamp(1_001));
        assert_eq!((pace.room(1_060_249), pace.room(1_060_250)), (Err(1_060_250), Ok(1_000)));
        let mut used_up = Pace::lost(1_000_000);
        used_up.learn(&Quota { remain: 0, ..quota }, Timestamp(1_001));
        assert_eq!(used_up.room(1_060_250), Err(next_beijing_day(1_000_000)));
    }
}
