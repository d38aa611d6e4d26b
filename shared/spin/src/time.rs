//! The clocks.

use guanxi::{store::Timer, time::Timestamp};
use spin_sdk::wasip3::clocks::monotonic_clock;
use std::time::{Duration, Instant, SystemTime};

/// Now, by the host's clock.
pub fn now() -> Timestamp {
    Timestamp(SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()))
}

/// Measures one request.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Timer for Stopwatch {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        monotonic_clock::wait_for(duration.as_nanos().try_into().unwrap_or(u64::MAX)).await;
    }
}
