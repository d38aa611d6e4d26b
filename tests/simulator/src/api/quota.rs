//! How often a call may be made ([protocol 4.3](../../../../shared/docs/wechat-protocol.md#4.3)).

use super::{MINUTE, answer::Refusal, beijing_day, endpoint::Api};
use std::collections::{BTreeMap, VecDeque};

/// The limits of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls in a Beijing day.
    pub per_day: u64,
    /// Calls in any 60 seconds; none when only the day counts.
    pub per_minute: Option<u64>,
}

impl Quota {
    /// Only a limit for the day.
    pub const fn per_day(calls: u64) -> Self {
        Self { per_day: calls, per_minute: None }
    }

    /// The documented ones of a new account.
    pub(super) fn defaults() -> BTreeMap<Api, Self> {
        [
            (Api::StableToken, Self { per_day: 500_000, per_minute: Some(10_000) }),
            (Api::Token, Self::per_day(2_000)),
            (Api::Template, Self::per_day(100_000)),
            (Api::Message, Self::per_day(500_000)),
            (Api::UserInfo, Self::per_day(5_000_000)),
        ]
        .into()
    }
}

/// What was used of one quota.
#[derive(Debug, Default)]
pub(super) struct Meter {
    day: u64,
    used: u64,
    /// When the calls of the last 60 seconds came; kept only where the minute counts.
    minute: VecDeque<u64>,
}

impl Meter {
    /// Counts a call, or refuses it; a refused one uses nothing up.
    pub(super) fn take(&mut self, quota: Quota, now: u64) -> Result<(), Refusal> {
        if self.used(now) >= quota.per_day {
            return Err(Refusal::DailyQuota);
        }
        if let Some(limit) = quota.per_minute {
            while self.minute.front().is_some_and(|call| call + MINUTE <= now) {
                self.minute.pop_front();
            }
            if self.minute.len() as u64 >= limit {
                return Err(Refusal::MinuteQuota);
            }
            self.minute.push_back(now);
        }
        self.used += 1;
        Ok(())
    }

    /// Calls of this day.
    pub(super) fn used(&mut self, now: u64) -> u64 {
        let today = beijing_day(now);
        if self.day != today {
            (self.day, self.used) = (today, 0);
        }
        self.used
    }
}
