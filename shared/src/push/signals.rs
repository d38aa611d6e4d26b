//! What planner and sender tell each other while they work side by side.

use std::{cell::Cell, time::Duration};

/// What planner and sender tell each other.
pub(super) struct Signals {
    /// The planner may still add to the queues.
    pub(super) planning: Cell<bool>,
    /// The sender has as much to do as it can.
    pub(super) busy: Cell<bool>,
    /// As of when requests for campaigns were taken up, since the run's start; none: they were not yet.
    pub(super) looked: Cell<Option<Duration>>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { planning: Cell::new(true), busy: Cell::new(false), looked: Cell::new(None) }
    }
}
