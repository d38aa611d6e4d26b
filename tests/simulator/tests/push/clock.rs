//! Time that passes only when nobody has anything left to do, and the executor that lets it.

use guanxi::store::Timer;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

/// Milliseconds since 1970, virtual.
#[derive(Default)]
pub(crate) struct Clock {
    now: Cell<u64>,
    /// Who waits, by when and by number.
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
    serial: Cell<u64>,
    cut: Cell<bool>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes a sleeper off the list, whether its time came or it was dropped.
struct Sleeper<'a>(&'a Clock, (u64, u64));

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.sleepers.borrow_mut().remove(&self.1);
    }
}

impl Clock {
    pub(crate) fn at(now: u64) -> Rc<Self> {
        Rc::new(Self { now: Cell::new(now), ..Self::default() })
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Nothing happens until then.
    pub(crate) fn pass_until(&self, moment: u64) {
        self.now.set(self.now.get().max(moment));
    }

    /// The run that is going on is killed before it does anything else.
    pub(crate) fn cut(&self) {
        self.cut.set(true);
    }

    pub(crate) async fn sleep(&self, milliseconds: u64) {
        if milliseconds == 0 {
            return;
        }
        let due = self.now.get() + milliseconds;
        self.serial.set(self.serial.get() + 1);
        let sleeper = Sleeper(self, (due, self.serial.get()));
        poll_fn(|context: &mut Context<'_>| {
            if self.now.get() >= due {
                return Poll::Ready(());
            }
            self.sleepers.borrow_mut().insert(sleeper.1, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Runs to the end, or until it is killed: then there is no answer.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        self.cut.set(false);
        loop {
            while flag.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(answer) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Some(answer);
                }
                if self.cut.replace(false) {
                    return None;
                }
            }
            self.jump();
        }
    }

    /// To the next moment at which somebody wants to be woken.
    fn jump(&self) {
        let mut sleepers = self.sleepers.borrow_mut();
        let (&(due, _), _) = sleepers.first_key_value().expect("the run waits for nothing that will ever happen");
        self.now.set(due);
        let later = sleepers.split_off(&(due + 1, 0));
        std::mem::replace(&mut *sleepers, later).into_values().for_each(Waker::wake);
    }
}

/// What a run measures its time by.
pub(crate) struct Stopwatch {
    clock: Rc<Clock>,
    started: u64,
}

impl Stopwatch {
    pub(crate) fn start(clock: &Rc<Clock>) -> Self {
        Self { clock: clock.clone(), started: clock.now() }
    }
}

impl Timer for Stopwatch {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.clock.now() - self.started)
    }

    async fn sleep(&self, duration: Duration) {
        // Rounded up: a sleeper that wakes too early would sleep again at once, for ever.
        self.clock.sleep(duration.as_micros().div_ceil(1_000) as u64).await;
    }
}
