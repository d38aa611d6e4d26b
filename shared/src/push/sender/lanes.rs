//! What waits for its call, as plain bookkeeping: where one call may not be made, the others go on.

use super::IN_FLIGHT;
use crate::{
    push::{content::WAYS, pace::Millis},
    wechat::api::Api,
};
use std::collections::{BTreeMap, VecDeque};

/// Lanes, one for each call that reaches a fan.
///
/// - Within a lane those go first that are to be sent again, as soon as their pause is over; the others in the order in which
///   they came.
/// - A lane that is closed stays so for the rest of the run, and gives nothing.
#[derive(Debug)]
pub(super) struct Lanes<P> {
    lanes: [Lane<P>; WAYS.len()],
    serial: u64,
}

#[derive(Debug)]
struct Lane<P> {
    again: BTreeMap<(Millis, u64), P>,
    first: VecDeque<P>,
    closed: bool,
}

impl<P> Default for Lanes<P> {
    fn default() -> Self {
        let lane = |_| Lane { again: BTreeMap::new(), first: VecDeque::new(), closed: false };
        Self { lanes: WAYS.map(lane), serial: 0 }
    }
}

impl<P> Lanes<P> {
    /// Lets a push wait for its first call.
    pub(super) fn push(&mut self, api: Api, push: P) {
        self.lane(api).first.push_back(push);
    }

    /// Lets a push wait for another call, no sooner than `at`.
    pub(super) fn again(&mut self, api: Api, at: Millis, push: P) {
        self.serial += 1;
        let serial = self.serial;
        self.lane(api).again.insert((at, serial), push);
    }

    /// Which goes next.
    ///
    /// # Errors
    /// None may now: when the pause of the first that is to be sent again is over, if there is one.
    pub(super) fn peek(&self, api: Api, now: Millis) -> Result<&P, Option<Millis>> {
        let lane = self.lane_of(api);
        if lane.closed {
            return Err(None);
        }
        let again = lane.again.first_key_value();
        match (again, lane.first.front()) {
            (Some(((at, _), push)), _) if *at <= now => Ok(push),
            (_, Some(push)) => Ok(push),
            (again, None) => Err(again.map(|((at, _), _)| *at)),
        }
    }

    /// Takes out the one that goes next.
    pub(super) fn pop(&mut self, api: Api, now: Millis) -> Option<P> {
        let lane = self.lane(api);
        if lane.closed {
            return None;
        }
        match lane.again.first_entry() {
            Some(first) if first.key().0 <= now => Some(first.remove()),
            _ => lane.first.pop_front(),
        }
    }

    /// Whether the lane is worth reading for: open, with fewer waiting than can be on their way at once, and not too many in
    /// all lanes together.
    pub(super) fn wants(&self, api: Api) -> bool {
        let lane = self.lane_of(api);
        let all: usize = self.lanes.iter().map(|lane| lane.first.len()).sum();
        !lane.closed && lane.first.len() < IN_FLIGHT && all < (WAYS.len() + 1) * IN_FLIGHT
    }

    /// How many wait that may go by now, if there is room.
    pub(super) fn waiting(&self, now: Millis) -> usize {
        let due = |lane: &Lane<P>| lane.first.len() + lane.again.range(..=(now, u64::MAX)).count();
        self.open().map(due).sum()
    }

    /// Whether one waits whose pause is over.
    pub(super) fn has_again(&self, now: Millis) -> bool {
        self.open().any(|lane| lane.again.first_key_value().is_some_and(|((at, _), _)| *at <= now))
    }

    /// Whether nothing waits for a call that may still be made.
    pub(super) fn is_empty(&self) -> bool {
        self.open().all(|lane| lane.first.is_empty() && lane.again.is_empty())
    }

    /// Makes a call no more in this run; gives those that wait for it.
    pub(super) fn close(&mut self, api: Api) -> Vec<P> {
        let lane = self.lane(api);
        lane.closed = true;
        self.drain(api)
    }

    /// Takes out all that wait for a call.
    pub(super) fn drain(&mut self, api: Api) -> Vec<P> {
        let lane = self.lane(api);
        let again = std::mem::take(&mut lane.again).into_values();
        again.chain(std::mem::take(&mut lane.first)).collect()
    }

    /// Takes out those that wait for a call and of which this holds.
    pub(super) fn take_if(&mut self, api: Api, is: impl Fn(&P) -> bool) -> Vec<P> {
        let lane = self.lane(api);
        type Again<P> = BTreeMap<(Millis, u64), P>;
        let (out, again): (Again<P>, _) = std::mem::take(&mut lane.again).into_iter().partition(|(_, push)| is(push));
        let (first_out, first): (VecDeque<P>, _) =
            std::mem::take(&mut lane.first).into_iter().partition(|push| is(push));
        (lane.again, lane.first) = (again, first);
        out.into_values().chain(first_out).collect()
    }

    /// Whether a call is made no more in this run.
    pub(super) fn is_closed(&self, api: Api) -> bool {
        self.lane_of(api).closed
    }

    /// Whether no call is made any more.
    pub(super) fn are_closed(&self) -> bool {
        self.open().next().is_none()
    }

    fn open(&self) -> impl Iterator<Item = &Lane<P>> {
        self.lanes.iter().filter(|lane| !lane.closed)
    }

    fn lane(&mut self, api: Api) -> &mut Lane<P> {
        let [template, notice, message] = &mut self.lanes;
        match api {
            Api::Notice => notice,
            Api::Message => message,
            _ => template,
        }
    }

    fn lane_of(&self, api: Api) -> &Lane<P> {
        let [template, notice, message] = &self.lanes;
        match api {
            Api::Notice => notice,
            Api::Message => message,
            _ => template,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn names(lanes: &mut Lanes<&'static str>, api: Api, now: Millis) -> Vec<&'static str> {
        std::iter::from_fn(|| lanes.pop(api, now)).collect()
    }

    #[test]
    fn what_is_sent_again_goes_first_once_its_pause_is_over() {
        let mut lanes = Lanes::default();
        ["a", "b"].into_iter().for_each(|push| lanes.push(Api::Template, push));
        lanes.again(Api::Template, 50, "late");
        lanes.again(Api::Template, 20, "soon");
        lanes.again(Api::Template, 20, "next");
        assert_eq!((lanes.waiting(19), lanes.has_again(19)), (2, false));
        assert_eq!(lanes.peek(Api::Template, 19), Ok(&"a"));
        assert_eq!(lanes.peek(Api::Template, 20), Ok(&"soon"));
        assert_eq!((lanes.waiting(20), lanes.has_again(20)), (4, true));
        assert_eq!(names(&mut lanes, Api::Template, 20), ["soon", "next", "a", "b"]);
        assert_eq!(lanes.peek(Api::Template, 20), Err(Some(50)));
        assert!(!lanes.is_empty());
        assert_eq!(names(&mut lanes, Api::Template, 50), ["late"]);
        assert_eq!((lanes.peek(Api::Template, 50), lanes.is_empty()), (Err(None), true));
    }

    #[test]
    fn a_closed_lane_gives_nothing_and_the_others_go_on() {
        let mut lanes = Lanes::default();
        lanes.push(Api::Template, "template");
        lanes.again(Api::Template, 5, "again");
        lanes.push(Api::Notice, "notice");
        assert_eq!(lanes.close(Api::Template), ["again", "template"]);
        lanes.push(Api::Template, "later");
        assert_eq!(names(&mut lanes, Api::Template, 9), [""; 0]);
        assert_eq!(lanes.peek(Api::Template, 9), Err(None));
        assert!(!lanes.wants(Api::Template) && lanes.wants(Api::Notice) && lanes.wants(Api::Message));
        assert_eq!((lanes.waiting(9), lanes.is_empty()), (1, false));
        assert_eq!(names(&mut lanes, Api::Notice, 9), ["notice"]);
        assert!(lanes.is_empty() && !lanes.are_closed());
        assert_eq!(lanes.drain(Api::Template), ["later"], "it is still there to be given back");
        lanes.close(Api::Notice);
        lanes.close(Api::Message);
        assert!(lanes.are_closed());
    }

    #[test]
    fn only_those_are_taken_out_that_are_meant() {
        let mut lanes = Lanes::default();
        ["a1", "b1", "a2"].into_iter().for_each(|push| lanes.push(Api::Message, push));
        lanes.again(Api::Message, 9, "b2");
        lanes.again(Api::Message, 8, "a3");
        assert_eq!(lanes.take_if(Api::Message, |push| push.starts_with('a')), ["a3", "a1", "a2"]);
        assert_eq!(names(&mut lanes, Api::Message, 9), ["b2", "b1"]);
    }

    #[test]
    fn a_full_lane_wants_no_more_and_neither_do_all_together() {
        let mut lanes = Lanes::default();
        (0..IN_FLIGHT).for_each(|_| lanes.push(Api::Template, "x"));
        assert!(!lanes.wants(Api::Template) && lanes.wants(Api::Notice));
        // Of a queue by one call whose pushes go by another.
        (0..3 * IN_FLIGHT).for_each(|_| lanes.push(Api::Notice, "x"));
        assert!(!lanes.wants(Api::Message));
    }
}
