//! One call: the gate before it, and what becomes of its push.

use super::{
    FRESH, LAST_LAUNCH, Ready, Returned, Sender,
    judge::{Again, Came, Lesson, judge, stays, unknown},
    look::Closed,
};
use crate::{
    facts::push::{Skip, What},
    playbook::Content,
    push::{content::WAYS, ledger::State, pace::Millis},
    store::{Store, Timer},
    time::Timestamp,
    wechat::api::{Answer, Calls, Failure, Meaning, notice::NO_CONSENT},
};
use futures::future::try_join;

/// The account rests so long after an alarm, in seconds.
const ALARM_REST_SECONDS: u64 = 600;

impl<S: Store, T: Timer, C: Calls> Sender<'_, S, T, C> {
    /// Makes one call for a push.
    pub(super) async fn send(&self, mut push: Ready) -> Returned {
        let called = self.account.call(&push.request, async || self.gate(&push).await).await;
        let (now, millis) = (self.book.run.now(), self.book.run.millis());
        if let Some(counted) = push.counted.take() {
            self.book.head().account.pace(push.api()).give_back(counted);
        }
        let back = push.tried(now).back();
        match called {
            Err(Closed::Skip(skip)) => {
                let came = stays(skip, push.doubt, now);
                push.returned(came, None)
            }
            Err(Closed::Known) => push.returned(Came::Known, None),
            Err(Closed::TooOld) => push.returned(unknown(now), None),
            Err(Closed::Stopped) if push.goes_on() => push.returned(back, Some(millis)),
            Err(Closed::Stopped) => {
                let came = stays(Skip::InvalidTemplate, push.doubt, now);
                push.returned(came, None)
            }
            Err(Closed::NotNow) => push.returned(back, Some(millis)),
            Err(Closed::NotHere) => push.returned(back, None),
            Ok(Ok(answer)) => {
                self.gave_up.borrow_mut().remove(&push.api());
                self.sent(push, &answer, now)
            }
            Ok(Err(failure)) => {
                push.tries += 1;
                push.doubt |= failure.uncertain;
                self.failed(push, &failure, now, millis)
            }
        }
    }

    fn sent(&self, push: Ready, answer: &Answer, now: Timestamp) -> Returned {
        let msgid = answer.msgid().map(str::to_owned);
        push.returned(Came::Settled(State::Sent(now, msgid.clone()), What::Sent(msgid)), None)
    }

    /// The last thing before a call leaves: whether it may.
    async fn gate(&self, push: &Ready) -> Result<(), Closed> {
        let is_fresh = || self.book.run.elapsed().saturating_sub(push.looked.get()) <= FRESH;
        let campaign = push.entry.subject.campaign();
        let fan = async || if is_fresh() { Ok(()) } else { self.look_again(push).await };
        let stop = async || match campaign {
            // Where the store does not answer, the next write says why.
            Some(_) => self.look_for_stops().await.map_err(|_| Closed::NotHere),
            None => Ok(()),
        };
        try_join(fan(), stop()).await?;
        if !is_fresh() || campaign.is_some() && !self.knows_stops() {
            return Err(Closed::NotNow);
        }
        if campaign.is_some_and(|id| self.book.head().is_stopped(id)) {
            return Err(Closed::Skip(Skip::Stopped));
        }
        let state = self.book.with(&push.openid, |ledger| Some(ledger?.get(push.entry.id)?.state.clone()));
        if state.is_none_or(|state| state.is_settled()) {
            return Err(Closed::Known);
        }
        let (now, millis, api) = (self.book.run.now(), self.book.run.millis(), push.api());
        if !push.tried(now).may_repeat_at(now) {
            return Err(Closed::TooOld);
        }
        if self.book.run.elapsed() >= LAST_LAUNCH {
            return Err(Closed::NotHere);
        }
        let mut head = self.book.head();
        if head.account.is_stopped(&push.content) {
            return Err(Closed::Stopped);
        }
        let pace = head.account.pace(api);
        match push.counted.take() {
            Some(counted) => pace.leave(counted, millis),
            None => drop(pace.take(millis).map_err(|_| Closed::NotNow)?),
        }
        Ok(())
    }

    /// A call did not succeed.
    fn failed(&self, mut push: Ready, failure: &Failure, now: Timestamp, millis: Millis) -> Returned {
        let api = push.api();
        let (came, again, lesson) = judge(failure, push.tried(now), now);
        self.learn_from(failure, lesson, &push, now, millis);
        if let Content::Notice(form) = &push.content {
            push.no_consent = (failure.code() == Some(NO_CONSENT)).then(|| form.template_id.clone());
        }
        if failure.meaning != Meaning::BackOff {
            self.gave_up.borrow_mut().remove(&api);
        }
        let is_closed = matches!(failure.meaning, Meaning::WayClosed | Meaning::TemplateBroken);
        if is_closed && push.goes_on() {
            return push.returned(Came::Back, Some(millis));
        }
        match again {
            Again::After(pause) if self.book.run.elapsed() + pause < LAST_LAUNCH => {
                let at = millis + u64::try_from(pause.as_millis()).unwrap_or_default();
                push.returned(came, Some(at))
            }
            Again::After(_) => {
                let back = push.tried(now).back();
                push.returned(back, None)
            }
            Again::NextRun => push.returned(came, None),
        }
    }

    /// What a failure means for other pushes.
    fn learn_from(&self, failure: &Failure, lesson: Lesson, push: &Ready, now: Timestamp, millis: Millis) {
        let mut head = self.book.head();
        let account = &mut head.account;
        match lesson {
            Lesson::None => {}
            Lesson::ContentBroken => {
                account.stop(&push.content);
                account.alarm(&about(push, failure), failure.to_string(), now);
            }
            Lesson::QuotaUsedUp => account.pace(push.api()).used_up(millis),
            Lesson::SlowDown => account.pace(push.api()).slow_down(millis),
            Lesson::Rest => {
                account.alarm(&about(push, failure), failure.to_string(), now);
                for api in WAYS {
                    account.pace(api).pause_until(millis + ALARM_REST_SECONDS * 1_000, failure.to_string());
                }
            }
            Lesson::GaveUp => {
                let mut gave_up = self.gave_up.borrow_mut();
                let (times, why) = gave_up.entry(push.api()).or_default();
                (*times, *why) = (*times + 1, failure.to_string());
            }
        }
    }
}

/// What an alarm is about, so that the same trouble is one alarm: the template, or the code.
fn about(push: &Ready, failure: &Failure) -> String {
    match (&push.content, failure.meaning) {
        (Content::Template(form) | Content::Notice(form), Meaning::TemplateBroken) => {
            format!("template {}", form.template_id)
        }
        _ => failure.code().map_or_else(|| push.api().path().to_owned(), |code| format!("errcode {code}")),
    }
}
