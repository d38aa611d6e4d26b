//! What goes wrong, one thing a round.

use super::{
    proxy::Cut,
    world::{MINUTE, Traffic, World, limit_silence},
};
use rand::Rng;
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// So that a run that has not ended counts as dead by every clock.
pub(super) const TAKE_OVER: u64 = 5 * MINUTE;
/// Faults are drawn among so many first store operations of a run, or pieces to the store.
const OPERATIONS: u32 = 60;
/// How long the store may take to close a silent connection: it was told a second.
const CLOSING_TIME: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(2);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// SIGKILL of a replica in a run of a job.
    Kill,
    /// SIGSTOP there, until others have taken over and gone on.
    Freeze,
    /// Its connection to the store is cut, for a moment or as long.
    Cut,
    /// SIGKILL of the store.
    Restart,
}

impl World {
    /// A minute in which something goes wrong, and what follows. Says whether it did: a run may have been too short.
    pub(crate) async fn round(&mut self, fault: Fault) -> bool {
        // Behind a run that died in the round before.
        self.pass(TAKE_OVER).await;
        let victim = self.rng.random_range(0..self.replicas.len());
        let cut = [Cut::Reset, Cut::Requests, Cut::Answers, Cut::Both][self.rng.random_range(0..4)];
        self.prime(victim, fault, cut).await;
        let mut order = Vec::from_iter(0..self.replicas.len());
        order.swap(0, victim);
        let traffic = self.traffic(&order);
        let hit = self.struck(victim, fault, &traffic).await;
        if hit {
            let others: Vec<usize> = order.iter().copied().filter(|other| *other != victim).collect();
            self.suffer(victim, fault, cut, &others).await;
        }
        traffic.over().await;
        self.recover().await;
        self.minute().await;
        hit
    }

    async fn prime(&mut self, victim: usize, fault: Fault, cut: Cut) {
        let (number, component) =
            (self.rng.random_range(0..OPERATIONS), ["stats", "push"][self.rng.random_range(0..2)]);
        let replica = &mut self.replicas[victim];
        match fault {
            Fault::Kill => replica.order(&format!("kill {component} {number}")).await,
            Fault::Freeze => replica.order(&format!("freeze {component} {number}")).await,
            Fault::Cut => replica.proxy.cut_after(number, cut),
            // The moment, not the connection.
            Fault::Restart => replica.proxy.cut_after(number, Cut::Reset),
        }
    }

    /// Waits until it happened, or nothing is left that it could happen to.
    async fn struck(&mut self, victim: usize, fault: Fault, traffic: &Traffic) -> bool {
        loop {
            let replica = &mut self.replicas[victim];
            let over = traffic.is_over();
            let hit = match fault {
                Fault::Kill => replica.is_dead(),
                Fault::Freeze => replica.is_frozen(),
                Fault::Cut | Fault::Restart => replica.proxy.has_cut(),
            };
            if hit || over {
                return hit;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn suffer(&mut self, victim: usize, fault: Fault, cut: Cut, others: &[usize]) {
        match fault {
            Fault::Kill => self.replicas[victim].start_again().await,
            Fault::Restart => tokio::task::block_in_place(|| {
                self.redis.kill();
                self.redis.start_again();
                limit_silence(self.store, self.silence);
            }),
            Fault::Cut if cut == Cut::Reset => {}
            Fault::Freeze | Fault::Cut => {
                self.take_over(others).await;
                self.silence(victim).await;
                self.replicas[victim].wake();
                self.replicas[victim].proxy.heal();
            }
        }
    }

    /// The others go on for so long that they take over, and further.
    async fn take_over(&mut self, others: &[usize]) {
        for seconds in [TAKE_OVER, MINUTE] {
            self.clock.fetch_add(seconds, Ordering::SeqCst);
            let now = self.now();
            for other in others {
                self.replicas[*other].set_clock(now).await;
            }
            self.traffic(others).over().await;
        }
    }

    /// Waits until the store has closed the connections of who says nothing; a client that hears of it may open others.
    async fn silence(&self, victim: usize) {
        let (proxy, began) = (&self.replicas[victim].proxy, Instant::now());
        let those = proxy.next();
        while !proxy.is_closed_before(those) {
            assert!(began.elapsed() < CLOSING_TIME, "the store closes no silent connection");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Nothing more goes wrong.
    pub(super) async fn recover(&mut self) {
        let now = self.now();
        for replica in &mut self.replicas {
            if replica.is_dead() {
                replica.start_again().await;
            }
            replica.proxy.heal();
            replica.order("calm").await;
            replica.set_clock(now).await;
        }
    }

    /// The first replica is frozen with a write of its next rollup or push in its hands, the second takes over and goes on until the store
    /// has closed the first one's connection, and the first wakes.
    pub(crate) async fn late_write(&mut self, component: &str, key: &str) {
        self.pass(TAKE_OVER).await;
        self.replicas[0].order(&format!("freeze-at {component} {key}")).await;
        // Alone: whoever else wakes there may connect anew before the write is sent, and then it arrives.
        let job = if component == "stats" { "rollup" } else { "push" };
        let traffic = Traffic { jobs: vec![self.replicas[0].fire(job)], ..Traffic::default() };
        assert!(self.struck(0, Fault::Freeze, &traffic).await, "{component} does not write {key}");
        self.take_over(&[1]).await;
        self.silence(0).await;
        self.replicas[0].wake();
        traffic.over().await;
        self.recover().await;
    }
}
