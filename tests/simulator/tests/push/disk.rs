//! The store as a run meets it: [`Memory`] behind a line that takes time, fails, loses answers, and at which a run may die.

use crate::clock::Clock;
use futures::FutureExt;
use guanxi::store::key::Stored as _;
use guanxi::{
    push::{
        IN_FLIGHT,
        campaign::SEQUENCE,
        ledger::{Ledger, State},
    },
    store::{
        Store, StoreError,
        memory::{self, Memory},
    },
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::pending,
    ops::RangeInclusive,
    rc::Rc,
};

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Works,
    /// Nothing happens, and it says so.
    Fails,
    /// It happens, and the answer says that it did not.
    LosesAnswer,
    /// The run dies, and nothing happened.
    DiesBefore,
    /// The run dies, and it happened.
    DiesAfter,
    /// The run dies, and only the first half of a batch happened.
    DiesHalfway,
    /// The run dies, and of a batch every second key was written: a backend without transactions.
    DiesTorn,
}

impl Fate {
    /// What may happen to a read.
    pub(crate) const OF_READS: [Self; 2] = [Self::Fails, Self::DiesBefore];
    /// What may happen to a write.
    pub(crate) const OF_WRITES: [Self; 6] =
        [Self::Fails, Self::LosesAnswer, Self::DiesBefore, Self::DiesAfter, Self::DiesHalfway, Self::DiesTorn];
}

pub(crate) struct Disk {
    memory: Memory,
    clock: Rc<Clock>,
    /// Milliseconds that an operation takes.
    latency: RangeInclusive<u64>,
    chance: RefCell<ChaCha8Rng>,
    /// The shares of operations that fail, and that lose their answer.
    pub(crate) shares: Cell<(f64, f64)>,
    /// One operation's fate, by its number.
    pub(crate) planned: Cell<Option<(u64, Fate)>>,
    /// For the memory's own judge.
    next: Rc<Cell<memory::Fate>>,
    operations: Cell<u64>,
    /// Which of them were writes.
    writes: RefCell<BTreeSet<u64>>,
    /// Ledgers with entries on their way, and how many.
    sending: RefCell<BTreeMap<String, usize>>,
    pub(crate) sending_max: Cell<usize>,
    /// A batch did not happen whole.
    torn: Cell<bool>,
    /// What others do meanwhile.
    pub(crate) others: Rc<Others>,
}

/// A key and its value.
type Written = (String, Vec<u8>);

/// What others write while a run is at work: at a moment, or at a step of the run. Nobody sees it before the next operation, so
/// that is when it is done.
#[derive(Default)]
pub(crate) struct Others {
    /// By moment, in milliseconds, and number.
    writes: RefCell<BTreeMap<(u64, u64), Written>>,
    serial: Cell<u64>,
    steps: Cell<u64>,
    /// At this step, this.
    at_step: RefCell<Option<(u64, String, Vec<u8>)>>,
    stepped: Cell<Option<u64>>,
}

impl Others {
    pub(crate) fn write_at(&self, moment: u64, key: String, value: Vec<u8>) {
        let number = self.serial.replace(self.serial.get() + 1);
        self.writes.borrow_mut().insert((moment, number), (key, value));
    }

    pub(crate) fn write_at_step(&self, step: u64, key: String, value: Vec<u8>) {
        self.at_step.replace(Some((step, key, value)));
    }

    /// Steps so far: of each operation and each call the beginning, the effect, and the end.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// When what was to be written at a step was.
    pub(crate) fn stepped(&self) -> Option<u64> {
        self.stepped.get()
    }

    pub(crate) fn step(&self, now: u64) {
        let step = self.steps.replace(self.steps.get() + 1);
        if let Some((_, key, value)) = self.at_step.borrow_mut().take_if(|(at, ..)| *at == step) {
            self.stepped.set(Some(now));
            self.write_at(now, key, value);
        }
    }
}

impl Disk {
    pub(crate) fn new(clock: &Rc<Clock>, seed: u64, latency: RangeInclusive<u64>) -> Self {
        let (memory, next) = (Memory::default(), Rc::new(Cell::new(memory::Fate::Works)));
        let fates = next.clone();
        memory.judge_by(move |_| fates.replace(memory::Fate::Works));
        Self {
            memory,
            clock: clock.clone(),
            latency,
            chance: RefCell::new(ChaCha8Rng::seed_from_u64(seed)),
            shares: Cell::default(),
            planned: Cell::default(),
            next,
            operations: Cell::default(),
            writes: RefCell::default(),
            sending: RefCell::default(),
            sending_max: Cell::default(),
            torn: Cell::default(),
            others: Rc::default(),
        }
    }

    /// How many operations runs have made so far.
    pub(crate) fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// Every fate that any operation since this one may have.
    pub(crate) fn fates(&self, from: u64) -> Vec<(u64, Fate)> {
        let writes = self.writes.borrow();
        let of = |number| if writes.contains(&number) { &Fate::OF_WRITES[..] } else { &Fate::OF_READS[..] };
        (from..self.operations()).flat_map(|number| of(number).iter().map(move |fate| (number, *fate))).collect()
    }

    /// Entries that say `sending` now.
    pub(crate) fn sending(&self) -> usize {
        self.sending.borrow().values().sum()
    }

    /// Everything there is, at once and without a fate.
    pub(crate) fn values(&self) -> BTreeMap<String, Vec<u8>> {
        self.memory.values()
    }

    /// What another component has in the store.
    pub(crate) fn peek(&self, key: &str) -> Option<Vec<u8>> {
        self.memory.get(key).now_or_never().unwrap().unwrap()
    }

    /// What another component writes.
    pub(crate) fn put(&self, key: &str, value: &[u8]) {
        self.memory.set(key, value).now_or_never().unwrap().unwrap();
    }

    /// What another component does.
    pub(crate) fn aside(&self) -> &Memory {
        &self.memory
    }

    fn fate(&self, writes: bool) -> Fate {
        let number = self.operations.replace(self.operations.get() + 1);
        if writes {
            self.writes.borrow_mut().insert(number);
        }
        if let Some((_, fate)) = self.planned.get().filter(|(planned, _)| *planned == number) {
            return fate;
        }
        let (fails, loses) = self.shares.get();
        match self.chance.borrow_mut().random::<f64>() {
            draw if draw < fails => Fate::Fails,
            draw if draw < fails + loses => Fate::LosesAnswer,
            _ => Fate::Works,
        }
    }

    async fn operate<T>(
        &self,
        keys: &[&str],
        call: impl AsyncFnOnce(&Memory, usize) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let fate = self.fate(!keys.is_empty());
        let latency = self.chance.borrow_mut().random_range(self.latency.clone());
        self.others.step(self.clock.now());
        self.clock.sleep(latency / 2).await;
        self.others.step(self.clock.now());
        self.let_others_write();
        let (memory_fate, part) = match fate {
            Fate::Works => (memory::Fate::Works, keys.len()),
            Fate::Fails => (memory::Fate::Fails, keys.len()),
            Fate::LosesAnswer => (memory::Fate::LosesAnswer, keys.len()),
            Fate::DiesBefore => (memory::Fate::StopsBefore, keys.len()),
            Fate::DiesAfter => (memory::Fate::StopsAfter, keys.len()),
            Fate::DiesHalfway => (memory::Fate::StopsAfter, keys.len() / 2),
            Fate::DiesTorn => (memory::Fate::StopsHalfway, keys.len()),
        };
        self.next.set(memory_fate);
        let answer = call(&self.memory, part).now_or_never();
        self.next.set(memory::Fate::Works);
        keys.iter().filter(|key| key.starts_with("ledger:")).for_each(|key| self.count(key));
        // A batch that did not happen whole may leave what began without what ended before it.
        self.others.step(self.clock.now());
        self.torn.set(self.torn.get() || matches!(fate, Fate::DiesHalfway | Fate::DiesTorn));
        let sending = self.sending();
        assert!(self.torn.get() || sending <= IN_FLIGHT, "{sending} ledger entries say sending");
        self.sending_max.set(self.sending_max.get().max(sending));
        match answer {
            Some(answer) => {
                self.clock.sleep(latency - latency / 2).await;
                answer
            }
            None => {
                self.clock.cut();
                pending().await
            }
        }
    }

    fn let_others_write(&self) {
        let later = self.others.writes.borrow_mut().split_off(&(self.clock.now() + 1, 0));
        for (key, value) in self.others.writes.borrow().values() {
            // A request takes its number first.
            if key.starts_with("campaign:") {
                self.memory.increment(SEQUENCE, 1).now_or_never().unwrap().unwrap();
            }
            self.put(key, value);
        }
        self.others.writes.replace(later);
    }

    fn count(&self, key: &str) {
        let ledger = self.peek(key).map(|bytes| Ledger::decode(&bytes).unwrap()).unwrap_or_default();
        let sending = ledger.entries().iter().filter(|entry| matches!(entry.state, State::Sending(_))).count();
        let mut all = self.sending.borrow_mut();
        match sending {
            0 => drop(all.remove(key)),
            _ => drop(all.insert(key.to_owned(), sending)),
        }
    }
}

impl Store for Disk {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.operate(&[], async |memory, _| memory.get(key).await).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.operate(&[key], async |memory, _| memory.set(key, value).await).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.operate(&[key], async |memory, _| memory.delete(key).await).await
    }

    async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let keys: Vec<&str> = values.iter().map(|(key, _)| key.as_str()).collect();
        self.operate(&keys, async |memory, part| memory.set_many(&values[..part]).await).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.operate(&names, async |memory, part| memory.delete_many(&keys[..part]).await).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.operate(&[key], async |memory, _| memory.increment(key, delta).await).await
    }
}
