//! Whether the store answers, for whoever asks without a token: so asking often must cost nothing.
//!
//! An instance asks its store once in [`GOOD_FOR`] at most, whatever number of requests it gets: one of them asks, those that come
//! meanwhile wait for what it hears, and later ones get the same. None takes longer than [`LIMIT`].

use crate::store::{Timer, race};
use std::{cell::Cell, time::Duration};

/// No answer by then counts as a store that does not answer.
pub const LIMIT: Duration = Duration::from_secs(1);
/// So long an answer is given again.
pub const GOOD_FOR: Duration = Duration::from_secs(1);
/// How often a request looks whether another one has its answer.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What an instance remembers of its store.
#[derive(Debug, Default)]
pub struct Health {
    /// When it was asked last, and whether it answered.
    last: Cell<Option<(Duration, bool)>>,
    /// Since when it is being asked.
    asking: Cell<Option<Duration>>,
}

impl Health {
    /// Whether the store answers. `timer` has counted since the same moment for all requests; `ask` makes one cheap call, and
    /// says whether it worked.
    pub async fn answers(&self, timer: &impl Timer, ask: impl AsyncFnOnce() -> bool) -> bool {
        let until = timer.elapsed() + LIMIT;
        loop {
            let now = timer.elapsed();
            if let Some((_, answered)) = self.last.get().filter(|(at, _)| now < *at + GOOD_FOR) {
                return answered;
            }
            if now >= until {
                return false;
            }
            // One that has asked for longer than it may is over, or will never hear.
            if self.asking.get().is_none_or(|since| now >= since + LIMIT) {
                self.asking.set(Some(now));
                break;
            }
            timer.sleep(LOOK_EVERY.min(until - now)).await;
        }
        let answered = race(timer, until.saturating_sub(timer.elapsed()), ask()).await.unwrap_or(false);
        self.last.set(Some((timer.elapsed(), answered)));
        self.asking.set(None);
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::{
        future::{pending, poll_fn, ready},
        pin::pin,
        task::{Context, Poll, Waker},
    };
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A clock that goes on while everybody waits.
    #[derive(Default)]
    struct Driven(Cell<Duration>);

    impl Timer for Driven {
        fn elapsed(&self) -> Duration {
            self.0.get()
        }

        async fn sleep(&self, duration: Duration) {
            let until = self.0.get() + duration;
            poll_fn(|_| if self.0.get() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
        }
    }

    impl Driven {
        fn pass(&self, time: Duration) {
            self.0.set(self.0.get() + time);
        }

        fn run<T>(&self, work: impl Future<Output = T>) -> T {
            let mut work = pin!(work);
            loop {
                match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(done) => return done,
                    Poll::Pending => self.pass(MILLISECOND),
                }
            }
        }
    }

    #[test]
    fn a_store_is_asked_once_a_second_and_its_answer_given_again() {
        let (clock, health, asked) = (Driven::default(), Health::default(), Cell::new(0));
        let ask = |answers: bool| {
            clock.run(health.answers(&clock, async || {
                asked.set(asked.get() + 1);
                answers
            }))
        };
        assert!((0..1_000).all(|_| ask(true)));
        assert_eq!(asked.get(), 1);
        clock.pass(GOOD_FOR - MILLISECOND);
        assert!(ask(false), "not asked yet");
        clock.pass(MILLISECOND);
        assert!((0..1_000).all(|_| !ask(false)));
        assert_eq!(asked.get(), 2);
        clock.pass(GOOD_FOR);
        assert!(ask(true), "it is back");
    }

    #[test]
    fn a_store_that_does_not_answer_takes_a_second_and_no_longer() {
        let (clock, health) = (Driven::default(), Health::default());
        assert!(!clock.run(health.answers(&clock, pending)));
        assert_eq!(clock.elapsed(), LIMIT);
        assert!(!clock.run(health.answers(&clock, || ready(true))), "asked a moment ago");
        assert_eq!(clock.elapsed(), LIMIT, "and nobody waits again");
    }

    #[test]
    fn requests_that_come_together_ask_once_and_wait_for_what_is_heard() {
        for answers in [true, false] {
            let (clock, health, asked) = (Driven::default(), Health::default(), Cell::new(0));
            let slow = async || {
                asked.set(asked.get() + 1);
                clock.sleep(Duration::from_millis(300)).await;
                answers
            };
            let heard = clock.run(join_all((0..16).map(|_| health.answers(&clock, slow))));
            assert_eq!((heard, asked.get()), (vec![answers; 16], 1));
            assert!(clock.elapsed() <= Duration::from_millis(310), "{:?}", clock.elapsed());
        }
    }

    #[test]
    fn a_request_that_is_dropped_while_it_asks_does_not_stop_the_others() {
        let (clock, health) = (Driven::default(), Health::default());
        let dropped = pin!(health.answers(&clock, pending)).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(dropped, Poll::Pending);
        clock.pass(Duration::from_millis(400));
        assert!(clock.run(health.answers(&clock, || ready(true))), "takes its turn over");
        assert_eq!(clock.elapsed(), LIMIT, "when that would have been over");
    }
}
