//! The bookkeeping of the queues against the same by looking at everything, over random runs.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{IN_FLIGHT, RESERVED, Spot, Taken};
use crate::{
    facts::push::PushId,
    push::{
        content::WAYS,
        head::Head,
        queue::{Progress, Queue, Way},
    },
    store::list::PAGE,
    wechat::api::Api,
};
use rand::{Rng, SeedableRng, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// The queues of the model, one of each call and one more.
fn queues() -> [Queue; 4] {
    [Queue::Hour(7), Queue::Campaign("party".into()), Queue::HourBy(Way::Notice, 7), Queue::HourBy(Way::Message, 7)]
}

/// Something that stands in a queue, as the model knows it.
struct Item {
    spot: Spot,
    id: PushId,
    /// A run that died left it `sending`, and this run has not taken it up.
    doubtful: bool,
    /// This run has it in hand.
    open: bool,
    sending: bool,
    /// The ledger calls it settled.
    settled: bool,
}

/// The same bookkeeping by looking at everything that stands in the queues, each time.
struct Model {
    items: Vec<Item>,
    /// How far this run has taken the queues, if it has.
    until: BTreeMap<Queue, u64>,
    /// What the head was told.
    head: Head,
}

impl Model {
    fn queued(&self, queue: &Queue) -> u64 {
        self.items.iter().filter(|item| item.spot.0 == *queue).count() as u64
    }

    fn done(&self, queue: &Queue) -> u64 {
        let open = self.items.iter().filter(|item| item.spot.0 == *queue && item.open).map(|item| item.spot.1);
        let until = self.until.get(queue).copied();
        until.map_or(self.head.queues[queue].done, |until| open.chain([until]).min().unwrap())
    }

    fn sending(&self) -> BTreeSet<Spot> {
        self.items.iter().filter(|item| item.sending).map(|item| item.spot.clone()).collect()
    }

    /// What the sender does with the items at these positions, and whether the bookkeeping agrees on which are copies.
    fn take(&mut self, taken: &mut Taken, spots: &BTreeSet<Spot>) {
        for at in 0..self.items.len() {
            if !spots.contains(&self.items[at].spot) {
                continue;
            }
            let (spot, id) = (self.items[at].spot.clone(), self.items[at].id);
            let in_hand = self.items.iter().any(|item| item.open && item.id == id);
            assert_eq!(taken.open(spot.clone(), id), !in_hand, "{spot:?}");
            self.items[at].doubtful = false;
            if in_hand {
                continue;
            }
            // What is settled already, here or where a copy of it stood, is let go at once.
            let settled = self.items.iter().any(|item| item.id == id && item.settled);
            self.items[at].open = !settled;
            if settled {
                taken.settle(&spot, id);
                self.items[at].sending = false;
            }
        }
    }

    fn agrees(&mut self, taken: &Taken) {
        let mut head = self.head.clone();
        taken.tell(&mut head);
        for queue in queues() {
            let (before, done) = (self.head.queues[&queue].done, head.queues[&queue].done);
            assert_eq!(done, self.done(&queue), "{queue:?}");
            assert!(done >= before, "{queue:?} went back from {before} to {done}");
        }
        assert_eq!(head.sending, self.sending());
        assert!(head.sending.len() <= IN_FLIGHT);
        self.head = head;
        // Every push is settled, in hand, or still to be taken, by this run or the next.
        let is_safe = |item: &Item| {
            item.settled || item.open || item.doubtful || item.spot.1 >= self.head.queues[&item.spot.0].done
        };
        let safe: BTreeSet<PushId> = self.items.iter().filter(|item| is_safe(item)).map(|item| item.id).collect();
        let lost = self.items.iter().find(|item| !safe.contains(&item.id));
        assert!(lost.is_none(), "lost: {:?}", lost.map(|item| &item.spot));
    }

    /// How many more of a call may begin, when these have ended.
    fn room(&self, api: Api, ended: &[Spot], waits: &[Api]) -> usize {
        let stay: Vec<Spot> = self.sending().into_iter().filter(|spot| !ended.contains(spot)).collect();
        let mine = stay.iter().filter(|(queue, _)| queue.api() == api).count();
        let kept: usize = WAYS.iter().filter(|other| **other != api && waits.contains(other)).map(|_| RESERVED).sum();
        IN_FLIGHT.saturating_sub(stay.len()).min(IN_FLIGHT.saturating_sub(kept + mine))
    }
}

#[test]
fn random_runs_agree_with_a_look_at_everything_and_lose_no_push() {
    let (mut full, mut copies, mut doubts) = (0, 0, 0);
    for seed in 0..60 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut model = Model { items: Vec::new(), until: BTreeMap::new(), head: Head::default() };
        for queue in queues() {
            let queued = rng.random_range(0..150);
            // Some stand in queues more than once.
            let item = |position| Item {
                spot: (queue.clone(), position),
                id: PushId::of(&rng.random_range(0_u32..600).to_string()),
                doubtful: false,
                open: false,
                sending: false,
                settled: false,
            };
            model.items.extend((0..queued).map(item));
            model.head.queues.insert(queue, Progress { queued, ..Progress::default() });
        }
        let mut taken = Taken::default();
        // In the end nobody dies any more, and all is sent.
        for step in 0.. {
            let is_ending = step > 400;
            match rng.random_range(0..if is_ending { 9 } else { 10 }) {
                0 | 1 => {
                    if let Some((queue, positions)) = taken.take_doubtful() {
                        let pages: BTreeSet<u64> = positions.iter().map(|at| at / PAGE).collect();
                        assert_eq!(pages.len(), 1, "one page at a time");
                        let spots = positions.into_iter().map(|at| (queue.clone(), at)).collect::<BTreeSet<_>>();
                        doubts += spots.len();
                        assert!(model.items.iter().all(|item| item.doubtful || !spots.contains(&item.spot)));
                        model.take(&mut taken, &spots);
                    } else if let Some(queue) = queues().into_iter().choose(rng) {
                        assert!(model.items.iter().all(|item| !item.doubtful));
                        let from = taken.next(&queue, model.head.queues[&queue].done);
                        let until = (from + rng.random_range(1..=PAGE)).min(model.queued(&queue));
                        if from < until {
                            let spots: BTreeSet<Spot> = (from..until).map(|at| (queue.clone(), at)).collect();
                            taken.take_until(&queue, until);
                            model.until.insert(queue, until);
                            let open = |model: &Model| model.items.iter().filter(|item| item.open).count();
                            let before = open(&model);
                            model.take(&mut taken, &spots);
                            copies += spots.len() - (open(&model) - before);
                        }
                    }
                }
                2..=4 => {
                    let ended = model.sending().into_iter().choose_multiple(rng, 3);
                    let waits: Vec<Api> = WAYS.into_iter().filter(|_| rng.random_bool(0.5)).collect();
                    let mut room = taken.room(ended.iter(), |api| waits.contains(&api));
                    for api in WAYS {
                        let mut room = room.clone();
                        let begin = (0..).take_while(|_| room.take(api)).count();
                        assert_eq!(begin, model.room(api, &ended, &waits), "{api:?}");
                    }
                    // One write: what ended, and what begins in its place.
                    for item in model.items.iter_mut().filter(|item| ended.contains(&item.spot)) {
                        taken.ends(&item.spot);
                        item.sending = false;
                    }
                    let may_begin = model.items.iter_mut().filter(|item| item.open && !item.sending);
                    for item in may_begin.take(rng.random_range(0..40)) {
                        if room.take(item.spot.0.api()) {
                            taken.begins(&item.spot);
                            item.sending = true;
                        } else {
                            full += 1;
                        }
                    }
                }
                5..=8 => {
                    let chance = |item: &Item| if item.sending { 0.3 } else { 0.03 };
                    let over = model.items.iter_mut().filter(|item| item.open && rng.random_bool(chance(item)));
                    for item in over {
                        taken.ends(&item.spot);
                        taken.settle(&item.spot, item.id);
                        (item.open, item.sending, item.settled) = (false, false, true);
                    }
                }
                _ => {
                    // The run dies; the next knows the head.
                    taken = Taken::new(model.head.sending.clone());
                    model.until.clear();
                    for item in &mut model.items {
                        (item.open, item.doubtful) = (false, item.sending);
                        // The ledger may know what the head was not told any more.
                        item.settled |= item.sending && rng.random_bool(0.2);
                    }
                }
            }
            model.agrees(&taken);
            let is_done = |queue: &Queue| model.done(queue) == model.queued(queue);
            if is_ending && queues().iter().all(is_done) {
                break;
            }
            assert!(step < 20_000, "it comes to no end");
        }
        let known: BTreeSet<PushId> = model.items.iter().filter(|item| item.settled).map(|item| item.id).collect();
        assert!(model.items.iter().all(|item| known.contains(&item.id)), "a push was lost");
        assert_eq!(model.sending(), BTreeSet::new());
    }
    assert!(full > 100 && copies > 100 && doubts > 100, "is this blind? {full} {copies} {doubts}");
}
