//! How fast one call may be made: what the quota query says, and what WeChat's refusals teach.
//!
//! WeChat counts over a rolling period (wechat-protocol.md section 4.3). So do we, by quarter seconds, across runs: a call
//! stays in the count a quarter second longer than the period, and [`SHARE`] percent of the limit are used, because calls do
//! not take equally long to arrive.

use crate::{
    time::{Timestamp, UtcOffset},
    wechat::api::quota::{Quota, RateLimit},
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Milliseconds since 1970.
pub type Millis = u64;

/// The part of a limit that is used, in percent.
const SHARE: u64 = 98;
/// How finely calls are counted, in milliseconds.
const STEP: Millis = 250;
/// What a minute's refusal takes from the speed that led to it, in percent.
const SLOWER: u64 = 90;
/// So long a learned limit holds, in seconds; then the quota query's word is tried again.
const LEARNED_FOR: u64 = 3_600;
/// So long the quota query's word holds, in seconds.
const ASK_EVERY: u64 = 600;

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
    /// Whether it is time to ask for the quota.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.quota.is_none_or(|(asked, _)| asked.distance(now) >= ASK_EVERY || !same_day(asked, now))
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
        let rate = |limit: RateLimit| Rate { calls: limit.call_count, seconds: limit.refresh_second.min(LEARNED_FOR) };
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
        let Some(Rate { calls, seconds }) = self.rate(now) else {
            return Ok(usize::try_from(remain).unwrap_or(usize::MAX));
        };
        let limit = (calls * SHARE / 100).max(1);
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
        let period = self.rate(now).map_or(60, |rate| rate.seconds) + 1;
        let oldest = now.saturating_sub(period * 1_000) / STEP;
        while self.calls.front().is_some_and(|(step, _)| *step < oldest) {
            self.calls.pop_front();
        }
        if let Some((_, quota)) = &mut self.quota {
            quota.remain = quota.remain.saturating_sub(u64::from(calls));
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
        let calls = (made * SLOWER / 100).max(1);
        self.learned = Some((Rate { calls, seconds: 60 }, Timestamp(now / 1_000 + LEARNED_FOR)));
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

/// When quotas begin anew (wechat-protocol.md section 4.3: days are Beijing's).
fn next_beijing_day(now: Millis) -> Millis {
    const DAY: Millis = 86_400_000;
    const AHEAD: Millis = 8 * 3_600_000;
    (now + AHEAD) / DAY * DAY + DAY - AHEAD
}
