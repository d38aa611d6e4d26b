//! What the sender has in hand of the queues: how far they were taken, and how far they are settled. Plain bookkeeping: no
//! store, no clock, nothing to wait for.

use super::IN_FLIGHT;
use crate::{
    facts::push::PushId,
    push::{content::WAYS, head::Head, queue::Queue},
    store::list::PAGE,
    wechat::api::Api,
};
use std::collections::{BTreeMap, BTreeSet};

/// Of all places, so many stay free for each other call that something waits for: calls that fail, and are in doubt, do not take
/// all of them.
const RESERVED: usize = 8;

/// Where a push waits.
pub(super) type Spot = (Queue, u64);

/// How far the queues were taken, and how far they are settled.
///
/// - A position is open from being taken until its push is settled and that is written. What the head is told of a queue
///   ([`Self::tell`]) is its first open position: everything before is settled for good, and it never goes back.
/// - `sending` holds the spots that the ledgers call so, or will with the write under way: at most [`IN_FLIGHT`]. A run that
///   dies leaves exactly these in doubt.
/// - `doubtful` are those of them that a run which died left, until this run takes them up.
/// - A push is in hand at most once, however often it stands in queues.
#[derive(Debug, Default)]
pub(super) struct Taken {
    until: BTreeMap<Queue, u64>,
    open: BTreeMap<Queue, BTreeSet<u64>>,
    in_hand: BTreeSet<PushId>,
    sending: BTreeSet<Spot>,
    doubtful: BTreeSet<Spot>,
}

impl Taken {
    /// At the start of a run, with what the last one left on its way.
    pub(super) fn new(sending: BTreeSet<Spot>) -> Self {
        Self { doubtful: sending.clone(), sending, ..Self::default() }
    }

    /// Takes up those in doubt that stand on one page, as queue and positions; none: there are no more.
    pub(super) fn take_doubtful(&mut self) -> Option<(Queue, BTreeSet<u64>)> {
        let (queue, first) = self.doubtful.first()?.clone();
        let page = first / PAGE;
        let (here, rest) = std::mem::take(&mut self.doubtful)
            .into_iter()
            .partition(|(other, position)| *other == queue && position / PAGE == page);
        self.doubtful = rest;
        let here: BTreeSet<Spot> = here;
        Some((queue, here.into_iter().map(|(_, position)| position).collect()))
    }

    /// From where on a queue is to be taken that is settled until `done`.
    pub(super) fn next(&self, queue: &Queue, done: u64) -> u64 {
        self.until.get(queue).copied().unwrap_or(done)
    }

    /// A queue is taken up to this position.
    pub(super) fn take_until(&mut self, queue: &Queue, position: u64) {
        self.until.insert(queue.clone(), position);
    }

    /// Takes a push in hand. False: it is already, and this is a copy to be passed over.
    pub(super) fn open(&mut self, (queue, position): Spot, id: PushId) -> bool {
        let new = self.in_hand.insert(id);
        if new {
            self.open.entry(queue).or_default().insert(position);
        }
        new
    }

    /// Nothing more is to be done about a push, and that is written.
    pub(super) fn settle(&mut self, spot: &Spot, id: PushId) {
        self.in_hand.remove(&id);
        self.sending.remove(spot);
        if let Some(open) = self.open.get_mut(&spot.0) {
            open.remove(&spot.1);
        }
    }

    /// The ledger is about to call it `sending`.
    pub(super) fn begins(&mut self, spot: &Spot) {
        self.sending.insert(spot.clone());
    }

    /// The ledger is about to call it something else.
    pub(super) fn ends(&mut self, spot: &Spot) {
        self.sending.remove(spot);
    }

    /// How many more may begin once these have ended, in all and by each call; `waits` says for which calls there is something.
    pub(super) fn room<'a>(&self, ended: impl Iterator<Item = &'a Spot>, waits: impl Fn(Api) -> bool) -> Room {
        let ended: BTreeSet<&Spot> = ended.collect();
        let stay = |api: Option<Api>| {
            let of = |spot: &&Spot| api.is_none_or(|api| spot.0.api() == api) && !ended.contains(spot);
            self.sending.iter().filter(of).count()
        };
        let for_others = |api| WAYS.into_iter().filter(|other| *other != api && waits(*other)).count() * RESERVED;
        let of = |api| IN_FLIGHT.saturating_sub(for_others(api) + stay(Some(api)));
        Room { all: IN_FLIGHT.saturating_sub(stay(None)), each: WAYS.map(|api| (api, of(api))) }
    }

    /// Tells the head how far the queues are settled for sure, and what is on its way.
    pub(super) fn tell(&self, head: &mut Head) {
        for (queue, until) in &self.until {
            let open = self.open.get(queue).and_then(|open| open.first());
            if let Some(progress) = head.queues.get_mut(queue) {
                progress.done = open.map_or(*until, |open| *open.min(until));
            }
        }
        head.sending.clone_from(&self.sending);
    }
}

/// How many more may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) all: usize,
    each: [(Api, usize); WAYS.len()],
}

impl Room {
    /// Lets one more begin by a call. False: there is no place for it.
    pub(super) fn take(&mut self, api: Api) -> bool {
        let each = self.each.iter_mut().find(|(other, _)| *other == api);
        let Some((_, mine)) = each.filter(|(_, mine)| *mine > 0) else { return false };
        if self.all == 0 {
            return false;
        }
        *mine -= 1;
        self.all -= 1;
        true
    }

    /// One that was to begin does not.
    pub(super) fn give_back(&mut self, api: Api) {
        self.all += 1;
        self.each.iter_mut().filter(|(other, _)| *other == api).for_each(|(_, mine)| *mine += 1);
    }
}

#[cfg(test)]
mod laws;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::push::queue::Progress;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn spot(position: u64) -> Spot {
        (Queue::Hour(7), position)
    }

    fn id(number: u64) -> PushId {
        PushId::of(&number.to_string())
    }

    /// What the head is told.
    fn done(taken: &Taken) -> (u64, usize) {
        let mut head = Head::default();
        head.queues.insert(Queue::Hour(7), Progress::default());
        taken.tell(&mut head);
        (head.queues[&Queue::Hour(7)].done, head.sending.len())
    }

    #[test]
    fn done_is_the_first_open_position_and_never_goes_back() {
        let mut taken = Taken::default();
        assert_eq!(taken.next(&Queue::Hour(7), 3), 3, "as the head said");
        taken.take_until(&Queue::Hour(7), 10);
        assert_eq!(taken.next(&Queue::Hour(7), 3), 10);
        (4..8).for_each(|at| assert!(taken.open(spot(at), id(at))));
        let mut last = 0;
        for (settled, expected) in [(6, 4), (4, 5), (5, 7), (7, 10)] {
            taken.settle(&spot(settled), id(settled));
            let (done, _) = done(&taken);
            assert!(done >= last && done == expected, "{settled}: {done}");
            last = done;
        }
    }

    #[test]
    fn a_copy_is_passed_over_until_the_first_is_settled() {
        let mut taken = Taken::default();
        taken.take_until(&Queue::Hour(7), 2);
        assert!(taken.open(spot(0), id(1)) && !taken.open(spot(1), id(1)));
        taken.settle(&spot(0), id(1));
        assert_eq!(done(&taken).0, 2, "the copy holds nothing up");
        assert!(taken.open(spot(1), id(1)));
    }

    #[test]
    fn what_a_dead_run_left_is_taken_up_page_by_page_and_fills_its_places() {
        let left: BTreeSet<Spot> = [3, 63, 64, 200].map(spot).into_iter().chain([(Queue::Hour(9), 1)]).collect();
        let mut taken = Taken::new(left);
        assert_eq!(taken.room([].into_iter(), |_| false).all, IN_FLIGHT - 5);
        let ended = [spot(3), spot(4)];
        assert_eq!(taken.room(ended.iter(), |_| false).all, IN_FLIGHT - 4, "one of these is none of them");
        let mut pages = Vec::new();
        while let Some((queue, positions)) = taken.take_doubtful() {
            pages.push((queue, positions.into_iter().collect::<Vec<_>>()));
        }
        let hour = Queue::Hour(7);
        let expected =
            [(hour.clone(), vec![3, 63]), (hour.clone(), vec![64]), (hour, vec![200]), (Queue::Hour(9), vec![1])];
        assert_eq!(pages, expected);
        assert_eq!(done(&taken).1, 5, "they stay in doubt until they are settled");
        taken.ends(&spot(3));
        taken.begins(&spot(5));
        taken.settle(&spot(64), id(64));
        assert_eq!(taken.sending, [5, 63, 200].map(spot).into_iter().chain([(Queue::Hour(9), 1)]).collect());
    }

    #[test]
    fn no_call_takes_the_places_that_others_may_need() {
        let begin = |room: &mut Room, api| (0..).take_while(|_| room.take(api)).count();
        let empty = Taken::default();
        assert_eq!(begin(&mut empty.room([].iter(), |api| api == Api::Template), Api::Template), IN_FLIGHT);
        let mut room = empty.room([].iter(), |api| api != Api::Message);
        assert_eq!(begin(&mut room, Api::Template), IN_FLIGHT - RESERVED);
        assert_eq!((begin(&mut room, Api::Notice), begin(&mut room, Api::Template)), (RESERVED, 0));
        room.give_back(Api::Template);
        assert_eq!((begin(&mut room, Api::Notice), room.all), (1, 0), "a place is anybody's");
        // Those that are in doubt keep theirs.
        let doubtful = Taken::new((0..IN_FLIGHT as u64 - 4).map(spot).collect());
        let mut room = doubtful.room([].iter(), |_| true);
        assert_eq!((begin(&mut room, Api::Template), begin(&mut room, Api::Notice)), (0, 4));
    }
}
