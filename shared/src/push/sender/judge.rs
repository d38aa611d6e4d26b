//! What a call that did not succeed means for its push, and what it teaches about the account: pure decisions.

use crate::{
    facts::push::{Skip, What},
    push::ledger::State,
    time::Timestamp,
    wechat::api::{Failure, Meaning, template::REPEAT_SECONDS},
};
use std::time::Duration;

/// How often one push is tried in a run where WeChat or the way to it is in trouble, …
pub(super) const TRIES: u32 = 4;
/// … and the pause before the second try; it doubles.
const BACK_OFF: Duration = Duration::from_secs(1);

/// What one push came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// This, and nothing more is to be done.
    Settled(State, What),
    /// The ledger knows already: an event was faster.
    Known,
    /// It surely did not go out, and may still.
    Back,
    /// It may have gone out, or will be tried again: the ledger goes on calling it `sending`.
    Open,
}

/// When a push leaves again that did not settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// After this pause, if there is room then.
    After(Duration),
    /// In another run.
    NextRun,
}

/// What a failure teaches about more than one push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// Nothing.
    None,
    /// WeChat does not take what it says.
    ContentBroken,
    /// The day's quota of the call is used up.
    QuotaUsedUp,
    /// The minute's is.
    SlowDown,
    /// Nothing may be called for a while, and a person must look at it.
    Rest,
    /// A push was tried as often as it is.
    GaveUp,
}

/// A push as the judge sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried {
    /// When it was called `sending`.
    pub(super) since: Timestamp,
    /// It may have gone out, by this call or an earlier one.
    pub(super) doubt: bool,
    /// Calls of this run.
    pub(super) tries: u32,
}

impl Tried {
    /// Whether the same id may still be sent again at a moment. Of what surely did not go out WeChat knows no id.
    pub(super) fn may_repeat_at(&self, at: Timestamp) -> bool {
        !self.doubt || at.0 < self.since.0 + REPEAT_SECONDS
    }

    /// It does not leave now.
    pub(super) fn back(&self) -> Came {
        if self.doubt { Came::Open } else { Came::Back }
    }
}

/// What a push comes to that does not go out; of one that may have gone out already nobody knows.
pub(super) fn stays(skip: Skip, doubt: bool, now: Timestamp) -> Came {
    match doubt {
        true => unknown(now),
        false => Came::Settled(State::Skipped(now, skip), What::Skipped(skip)),
    }
}

/// What a push comes to that may have gone out.
pub(super) fn unknown(now: Timestamp) -> Came {
    Came::Settled(State::Unknown(now), What::Unknown)
}

pub(super) fn judge(failure: &Failure, tried: Tried, now: Timestamp) -> (Came, Again, Lesson) {
    let lesson = match failure.meaning {
        Meaning::FanNever | Meaning::FanLater | Meaning::WayClosed | Meaning::Unknown => Lesson::None,
        Meaning::TemplateBroken => Lesson::ContentBroken,
        Meaning::QuotaUsedUp => Lesson::QuotaUsedUp,
        Meaning::SlowDown => Lesson::SlowDown,
        Meaning::BackOff if tried.tries < TRIES => Lesson::None,
        Meaning::BackOff => Lesson::GaveUp,
        Meaning::Done | Meaning::RefreshToken | Meaning::Alarm => Lesson::Rest,
    };
    let (came, again) = match (failure.meaning, lesson) {
        (Meaning::Unknown, _) => (unknown(now), Again::NextRun),
        (Meaning::FanNever | Meaning::FanLater | Meaning::WayClosed | Meaning::TemplateBroken, _) => {
            let code = failure.code().unwrap_or_default();
            let refused = Came::Settled(State::Refused(now, code), What::Refused(code));
            // An earlier try may have arrived.
            (if tried.doubt { unknown(now) } else { refused }, Again::NextRun)
        }
        (Meaning::SlowDown, _) => (tried.back(), Again::After(Duration::ZERO)),
        (Meaning::BackOff, Lesson::None) => {
            let pause = BACK_OFF * 2_u32.pow(tried.tries.saturating_sub(1));
            match tried.may_repeat_at(Timestamp(now.0 + pause.as_secs())) {
                // It keeps its place among those on their way, so that a WeChat in trouble is not asked for all others meanwhile.
                true => (Came::Open, Again::After(pause)),
                false => (unknown(now), Again::NextRun),
            }
        }
        _ => (tried.back(), Again::NextRun),
    };
    (came, again, lesson)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wechat::api::{Cause, Unreadable};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: Timestamp = Timestamp(100_000);

    fn failure(meaning: Meaning) -> Failure {
        let uncertain = matches!(meaning, Meaning::BackOff | Meaning::Unknown);
        Failure { meaning, uncertain, cause: Cause::Unreadable(Unreadable::Field("errcode")) }
    }

    fn judged(meaning: Meaning, doubt: bool, tries: u32, since: u64) -> (Came, Again, Lesson) {
        judge(&failure(meaning), Tried { since: Timestamp(since), doubt, tries }, NOW)
    }

    #[test]
    fn what_each_meaning_makes_of_a_push_that_surely_did_not_go_out_and_of_one_in_doubt() {
        let refused = Came::Settled(State::Refused(NOW, 0), What::Refused(0));
        for (meaning, sure, in_doubt, again, lesson) in [
            (Meaning::FanNever, refused.clone(), unknown(NOW), Again::NextRun, Lesson::None),
            (Meaning::FanLater, refused.clone(), unknown(NOW), Again::NextRun, Lesson::None),
            (Meaning::WayClosed, refused.clone(), unknown(NOW), Again::NextRun, Lesson::None),
            (Meaning::TemplateBroken, refused, unknown(NOW), Again::NextRun, Lesson::ContentBroken),
            (Meaning::Unknown, unknown(NOW), unknown(NOW), Again::NextRun, Lesson::None),
            (Meaning::QuotaUsedUp, Came::Back, Came::Open, Again::NextRun, Lesson::QuotaUsedUp),
            (Meaning::SlowDown, Came::Back, Came::Open, Again::After(Duration::ZERO), Lesson::SlowDown),
            (Meaning::Alarm, Came::Back, Came::Open, Again::NextRun, Lesson::Rest),
            (Meaning::RefreshToken, Came::Back, Came::Open, Again::NextRun, Lesson::Rest),
            (Meaning::Done, Came::Back, Came::Open, Again::NextRun, Lesson::Rest),
        ] {
            assert_eq!(judged(meaning, false, 1, NOW.0), (sure, again, lesson), "{meaning:?}");
            assert_eq!(judged(meaning, true, 1, NOW.0), (in_doubt, again, lesson), "{meaning:?}, in doubt");
        }
    }

    #[test]
    fn a_wechat_in_trouble_is_asked_four_times_after_growing_pauses() {
        for doubt in [false, true] {
            for (tries, pause) in [(1, 1), (2, 2), (3, 4)] {
                let expected = (Came::Open, Again::After(Duration::from_secs(pause)), Lesson::None);
                assert_eq!(judged(Meaning::BackOff, doubt, tries, NOW.0), expected);
            }
        }
        assert_eq!(judged(Meaning::BackOff, false, TRIES, NOW.0), (Came::Back, Again::NextRun, Lesson::GaveUp));
        assert_eq!(judged(Meaning::BackOff, true, TRIES, NOW.0), (Came::Open, Again::NextRun, Lesson::GaveUp));
    }

    #[test]
    fn what_is_in_doubt_is_unknown_once_a_repeat_would_come_too_late() {
        // The pause before the third try is two seconds.
        let since = |left: u64| NOW.0 + left - REPEAT_SECONDS;
        assert_eq!(judged(Meaning::BackOff, true, 2, since(3)).0, Came::Open);
        assert_eq!(judged(Meaning::BackOff, true, 2, since(2)).0, unknown(NOW));
        assert_eq!(judged(Meaning::BackOff, false, 2, since(2)).0, Came::Open, "WeChat does not know its id");
    }
}
