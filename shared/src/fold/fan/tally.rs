//! Where what happens to fans is counted.

use crate::{
    fold::counts::{Along, Deltas, Metric, Path, PeopleMetric, Stage, Tick},
    time::{Local, Timestamp, UtcOffset},
};

/// Where a step books what it counts; or nowhere, when it only replays.
pub(crate) struct Tally<'a> {
    /// The counts and what each event counts: 1, or -1 where it is taken back.
    into: Option<(&'a mut Deltas, i64)>,
    offset: UtcOffset,
}

impl<'a> Tally<'a> {
    pub(crate) fn silent(offset: UtcOffset) -> Self {
        Self { into: None, offset }
    }

    pub(crate) fn new(offset: UtcOffset, deltas: &'a mut Deltas, sign: i64) -> Self {
        Self { into: Some((deltas, sign)), offset }
    }

    pub(super) fn add(&mut self, at: Timestamp, channel: &str, metric: Metric, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.add(at, channel, metric, count * *sign);
        }
    }

    pub(super) fn path(&mut self, at: Timestamp, path: Path, along: Along, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.path(at, path, along, count * *sign);
        }
    }

    pub(super) fn dialog(&mut self, at: Timestamp, tick: Tick, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.dialog(at, tick, count * *sign);
        }
    }

    pub(super) fn cohort(&mut self, origin: (Timestamp, &str), stage: Stage, at: Timestamp, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.cohort(origin, stage, at, count * *sign);
        }
    }

    pub(super) fn people(&mut self, at: Timestamp, metric: PeopleMetric, count: i64) {
        if let Some((deltas, sign)) = &mut self.into {
            deltas.people(at, metric, count * *sign);
        }
    }

    pub(super) fn local(&self, at: Timestamp) -> Local {
        self.offset.local(at)
    }
}
