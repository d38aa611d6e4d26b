//! How a fan fares with the account's human agents: who is handed over to them, and when one comes.
//!
//! A fan is handed over by an answer, and a session begins with `kf_create_session`; while it lasts, messages do not come to us
//! ([protocol 2.8](../../../docs/wechat-protocol.md#2.8)). The first session after a hand-over is the answer to it.

use super::tally::Tally;
use crate::{fold::counts::PeopleMetric, time::Timestamp};
use serde::{Deserialize, Serialize};

/// So long after a hand-over a session that begins is the answer to it, and who asks again asks for the same, in seconds: as long
/// as an agent may write ([protocol 8.4](../../../docs/wechat-protocol.md#8.4)).
const WAITS_SECONDS: u64 = 48 * 3_600;

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Session {
    /// `kf_create_session`
    Begun,
    /// `kf_close_session`
    Closed,
    /// `kf_switch_session`
    Switched,
}

/// Where a fan stands with the agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Desk {
    /// When the fan was handed over, if no session has begun since.
    waits: Option<Timestamp>,
    /// When a session began that nobody waited for. WeChat's times are whole seconds, and an agent who takes over in the same
    /// second may be told of first.
    unasked: Option<Timestamp>,
}

impl Desk {
    /// The fan is handed over.
    pub(super) fn hand_over(&mut self, at: Timestamp, tally: &mut Tally<'_>) {
        if self.waits.is_some_and(|since| at.distance(since) <= WAITS_SECONDS) {
            return;
        }
        tally.people(at, PeopleMetric::Asked, 1);
        if self.unasked == Some(at) {
            tally.people(at, PeopleMetric::of_wait(0), 1);
            (self.waits, self.unasked) = (None, None);
        } else {
            self.waits = Some(at);
        }
    }

    pub(super) fn session(&mut self, at: Timestamp, session: Session, tally: &mut Tally<'_>) {
        match session {
            Session::Begun => self.begin(at, tally),
            Session::Closed => tally.people(at, PeopleMetric::Closed, 1),
            Session::Switched => tally.people(at, PeopleMetric::Switched, 1),
        }
    }

    fn begin(&mut self, at: Timestamp, tally: &mut Tally<'_>) {
        tally.people(at, PeopleMetric::Sessions, 1);
        match self.waits.take().filter(|since| at.distance(*since) <= WAITS_SECONDS) {
            None => self.unasked = Some(at),
            Some(since) => {
                let seconds = at.0.saturating_sub(since.0);
                tally.people(since, PeopleMetric::of_wait(seconds), 1);
                tally.people(since, PeopleMetric::Waited, i64::try_from(seconds).unwrap_or(i64::MAX));
            }
        }
    }
}
