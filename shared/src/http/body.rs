//! How long a request's body may be, and how long it may take.
//!
//! An instance waits for the body of a request that it has begun, and nothing before it cuts a slow one. So a function says
//! no to all that can be told without the body first, then to a body that says it is too long, and then waits for the rest
//! only so long.

use crate::store::{Timer, race};
use std::time::Duration;

/// How long a body may take, from the beginning of the request. (Callback's has only what WeChat waits for an answer.)
pub const BODY_TIME: Duration = Duration::from_secs(5);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Longer than it may be, in bytes.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// Not here in time.
    #[error("the body did not come in {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The client went away, or does not speak HTTP. Nobody reads the answer.
    #[error("the client went away before the end of its body")]
    Gone,
}

impl BodyError {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::TooSlow(_) => 408,
            Self::Gone => 400,
        }
    }
}

/// Whether a body that says how long it is may be read. One that does not say is cut where it becomes too long.
///
/// # Errors
/// [`BodyError::TooLarge`]
pub fn check_length(content_length: Option<&str>, max: usize) -> Result<(), BodyError> {
    let stated = content_length.and_then(|length| length.trim().parse::<u64>().ok());
    match stated {
        Some(length) if length > max as u64 => Err(BodyError::TooLarge(max)),
        _ => Ok(()),
    }
}

/// Reads, but not longer than until `time` after the beginning of the request.
///
/// # Errors
/// What `read` says, or [`BodyError::TooSlow`].
pub async fn in_time<T>(
    timer: &impl Timer,
    time: Duration,
    read: impl Future<Output = Result<T, BodyError>>,
) -> Result<T, BodyError> {
    let left = time.saturating_sub(timer.elapsed());
    race(timer, left, read).await.unwrap_or(Err(BodyError::TooSlow(time)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::memory::SleepClock;
    use futures::FutureExt;
    use std::future::{pending, ready};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_body_that_says_it_is_too_long_is_not_read() {
        for (stated, fits) in [
            (None, true),
            (Some("0"), true),
            (Some("100"), true),
            (Some("101"), false),
            (Some(" 101 "), false),
            (Some("18446744073709551615"), false),
            (Some("many"), true),
        ] {
            let expected = if fits { Ok(()) } else { Err(BodyError::TooLarge(100)) };
            assert_eq!(check_length(stated, 100), expected, "{stated:?}");
        }
    }

    #[test]
    fn a_body_that_does_not_come_is_waited_for_until_its_time_is_up_and_no_longer() {
        let clock = SleepClock::default();
        clock.sleep(Duration::from_secs(1)).now_or_never().unwrap();
        let read = in_time::<()>(&clock, Duration::from_secs(4), pending()).now_or_never().unwrap();
        assert_eq!(read, Err(BodyError::TooSlow(Duration::from_secs(4))));
        assert_eq!(clock.elapsed(), Duration::from_secs(4), "not 4 s of its own");
        let late = in_time::<()>(&clock, Duration::from_secs(3), pending()).now_or_never().unwrap();
        assert_eq!(late.unwrap_err().to_string(), "the body did not come in 3 s");
        assert_eq!(clock.elapsed(), Duration::from_secs(4), "nothing is left to wait");
    }

    #[test]
    fn what_becomes_of_the_body_is_told_apart() {
        let clock = SleepClock::default();
        for (came, status) in [
            (Ok(7), None),
            (Err(BodyError::Gone), Some(400)),
            (Err(BodyError::TooLarge(9)), Some(413)),
            (Err(BodyError::TooSlow(BODY_TIME)), Some(408)),
        ] {
            let read = in_time(&clock, BODY_TIME, ready(came)).now_or_never().unwrap();
            assert_eq!((read, read.err().map(BodyError::status)), (came, status));
        }
    }
}
