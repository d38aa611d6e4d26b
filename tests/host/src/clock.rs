//! The time of day as components see it: `wasi:clocks/wall-clock@0.2` and `system-clock@0.3`. Monotonic clocks stay real,
//! so timers and time-outs take as long as they say.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use wasmtime_wasi::HostWallClock;

/// A clock that a test can set. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    reading: Arc<Mutex<Reading>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Reading {
    #[default]
    Real,
    /// Showed this time at that instant, and runs.
    Running(SystemTime, Instant),
    Stopped(SystemTime),
}

impl Clock {
    /// The machine's own time.
    #[must_use]
    pub fn real() -> Self {
        Self::default()
    }

    /// Shows `time` now and runs on from there.
    pub fn set(&self, time: SystemTime) {
        self.replace(|_| Reading::Running(time, Instant::now()));
    }

    /// Shows `time` until told otherwise.
    pub fn stop_at(&self, time: SystemTime) {
        self.replace(|_| Reading::Stopped(time));
    }

    /// Moves the time shown forward, and leaves a stopped clock stopped.
    pub fn advance(&self, by: Duration) {
        self.replace(|reading| match reading {
            Reading::Stopped(time) => Reading::Stopped(time + by),
            running => Reading::Running(show(running) + by, Instant::now()),
        });
    }

    /// The time shown.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        show(*self.reading.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, change: impl FnOnce(Reading) -> Reading) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        *reading = change(*reading);
    }
}

fn show(reading: Reading) -> SystemTime {
    match reading {
        Reading::Real => SystemTime::now(),
        Reading::Running(time, since) => time + since.elapsed(),
        Reading::Stopped(time) => time,
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    /// A time before 1970 shows as 1970: the interface has no earlier one.
    fn now(&self) -> Duration {
        self.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}
