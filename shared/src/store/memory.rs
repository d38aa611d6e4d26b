//! A store in memory, for tests: it fails, loses answers, falls silent or keeps its caller waiting wherever a test wants,
//! and never takes time.

use super::{Store, StoreError, Timer};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{pending, poll_fn},
    task::Poll,
    time::Duration,
};

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It happens and says so.
    Works,
    /// It does not happen and says so.
    Fails,
    /// It happens and says that it failed.
    LosesAnswer,
    /// It does not happen, and no answer ever comes: a run that waits for it is dead.
    StopsBefore,
    /// It happens, and no answer ever comes.
    StopsAfter,
    /// Every second key of a batch is done, and no answer ever comes. Anything but a batch does not happen.
    StopsHalfway,
    /// It happens after its caller has been told to wait this often.
    Late(u32),
}

/// One call, as the [judge](Memory::judge_by) of fates sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Counted from 0 since the store was made.
    pub number: u64,
    /// What is done.
    pub verb: Verb,
    /// To which key; of a batch, the first. A batch of nothing has the key "".
    pub key: &'a str,
    /// The other keys of a batch.
    pub rest: &'a [&'a str],
}

/// The operations of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the port's methods")]
pub enum Verb {
    Get,
    Set,
    Delete,
    SetMany,
    DeleteMany,
    Increment,
}

/// How much of an operation happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Half,
}

impl Extent {
    fn keep<T>(self, items: &[T]) -> impl Iterator<Item = &T> {
        // Not the first: the keys of a batch come in any order.
        items.iter().enumerate().filter(move |(n, _)| self == Self::Whole || n % 2 == 1).map(|(_, item)| item)
    }
}

type Judge = Box<dyn FnMut(Operation<'_>) -> Fate>;

/// Values and counters in memory, kept apart as a backend demands it.
#[derive(Default)]
pub struct Memory {
    values: RefCell<BTreeMap<String, Vec<u8>>>,
    counters: RefCell<BTreeMap<String, i64>>,
    operations: Cell<u64>,
    judge: RefCell<Option<Judge>>,
}

impl Memory {
    /// Lets `judge` decide over every operation from now on.
    pub fn judge_by(&self, judge: impl FnMut(Operation<'_>) -> Fate + 'static) {
        self.judge.replace(Some(Box::new(judge)));
    }

    /// A copy of all values.
    pub fn values(&self) -> BTreeMap<String, Vec<u8>> {
        self.values.borrow().clone()
    }

    /// A copy of all counters.
    pub fn counters(&self) -> BTreeMap<String, i64> {
        self.counters.borrow().clone()
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    async fn operate<T>(&self, verb: Verb, keys: &[&str], happen: impl FnOnce(Extent) -> T) -> Result<T, StoreError> {
        let number = self.operations.replace(self.operations.get() + 1);
        let (&key, rest) = keys.split_first().unwrap_or((&"", &[]));
        match self.fate(Operation { number, verb, key, rest }) {
            Fate::Works => Ok(happen(Extent::Whole)),
            Fate::Fails => Err(StoreError(format!("operation {number} failed"))),
            Fate::LosesAnswer => {
                happen(Extent::Whole);
                Err(StoreError(format!("the answer of operation {number} was lost")))
            }
            Fate::StopsBefore => pending().await,
            Fate::StopsAfter => {
                happen(Extent::Whole);
                pending().await
            }
            Fate::StopsHalfway => {
                if matches!(verb, Verb::SetMany | Verb::DeleteMany) {
                    happen(Extent::Half);
                }
                pending().await
            }
            Fate::Late(times) => {
                wait(times).await;
                Ok(happen(Extent::Whole))
            }
        }
    }

    fn fate(&self, operation: Operation<'_>) -> Fate {
        // Taken out while it judges, so that a judge may use the store itself.
        let Some(mut judge) = self.judge.take() else { return Fate::Works };
        let fate = judge(operation);
        self.judge.borrow_mut().get_or_insert(judge);
        fate
    }

    fn refuse_counter(&self, key: &str) -> Result<(), StoreError> {
        match self.counters.borrow().contains_key(key) {
            true => Err(StoreError(format!("{key} is a counter"))),
            false => Ok(()),
        }
    }

    fn remove(&self, key: &str) {
        self.values.borrow_mut().remove(key);
        self.counters.borrow_mut().remove(key);
    }
}

/// Says "not yet" so many times.
async fn wait(mut times: u32) {
    poll_fn(|context| match times.checked_sub(1) {
        None => Poll::Ready(()),
        Some(left) => {
            times = left;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

impl Store for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.operate(Verb::Get, &[key], |_| self.values.borrow().get(key).cloned()).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.refuse_counter(key)?;
        let happen = |_| drop(self.values.borrow_mut().insert(key.to_owned(), value.to_vec()));
        self.operate(Verb::Set, &[key], happen).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.operate(Verb::Delete, &[key], |_| self.remove(key)).await
    }

    async fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        for (key, _) in values {
            self.refuse_counter(key)?;
        }
        let keys: Vec<&str> = values.iter().map(|(key, _)| key.as_str()).collect();
        let happen = |extent: Extent| self.values.borrow_mut().extend(extent.keep(values).cloned());
        self.operate(Verb::SetMany, &keys, happen).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let happen = |extent: Extent| extent.keep(keys).for_each(|key| self.remove(key));
        self.operate(Verb::DeleteMany, &names, happen).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        if self.values.borrow().contains_key(key) {
            return Err(StoreError(format!("{key} was set, so it is no counter")));
        }
        let happen = |_| {
            let mut counters = self.counters.borrow_mut();
            let counter = counters.entry(key.to_owned()).or_default();
            *counter += delta;
            *counter
        };
        self.operate(Verb::Increment, &[key], happen).await
    }
}

/// A clock that only sleeping moves.
#[derive(Debug, Default)]
pub struct SleepClock(Cell<Duration>);

impl Timer for SleepClock {
    fn elapsed(&self) -> Duration {
        self.0.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.set(self.0.get() + duration);
    }
}
