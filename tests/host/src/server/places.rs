//! Who is connected, and who has to make room: see [`Limits`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::limits::Limits;

/// How often connections are looked at that have waited too long, as a part of the shortest time they may.
const SWEEPS: u32 = 8;
/// Bits of an IPv6 address that one client may have to itself.
const HOST_BITS: u32 = 64;

/// All connections of a server with limits.
pub(super) struct Places {
    limits: Limits,
    table: Mutex<Table>,
}

/// One connection; it is counted until this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
}

/// Resolves when the connection is to be closed.
pub(super) type Closed = oneshot::Receiver<()>;

/// Where a connection is between two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing of a request has come.
    Idle,
    /// A head has begun.
    Head,
    /// The head is there, the body is not. Its time is watched by whoever reads it, who can still answer.
    Body,
    /// The request is complete and not answered.
    Work,
}

struct Entry {
    address: IpAddr,
    stage: Stage,
    since: Instant,
    /// Its place in the queue of those who wait.
    turn: u64,
    /// Of the request that is not answered.
    bytes: usize,
    /// Dropped to close the connection.
    _open: oneshot::Sender<()>,
}

#[derive(Default)]
struct Neighbours {
    count: usize,
    waiting: BTreeMap<u64, u64>,
}

#[derive(Default)]
struct Table {
    /// The last number given to a connection or a turn.
    last: u64,
    entries: HashMap<u64, Entry>,
    addresses: HashMap<IpAddr, Neighbours>,
    /// Turn and connection of those that wait for their client, the longest first.
    waiting: BTreeMap<u64, u64>,
    /// Size and connection of those.
    sizes: BTreeSet<(usize, u64)>,
    /// The bytes of all entries.
    held: usize,
}

impl Places {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, table: Mutex::default() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long to wait between two calls of [`Places::sweep`].
    pub(super) fn sweep_time(&self) -> Duration {
        (self.limits.head_time.min(self.limits.idle_time) / SWEEPS).max(Duration::from_millis(1))
    }

    /// Closes those that have waited too long.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut table = self.table();
        let late = |entry: &Entry| match entry.stage {
            Stage::Idle => now.saturating_duration_since(entry.since) > self.limits.idle_time,
            Stage::Head => now.saturating_duration_since(entry.since) > self.limits.head_time,
            Stage::Body | Stage::Work => false,
        };
        let late: Vec<u64> = table.entries.iter().filter(|(_, entry)| late(entry)).map(|(id, _)| *id).collect();
        late.into_iter().for_each(|id| table.remove(id));
    }

    /// A place for a new connection; none where all places are taken by requests at work.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<(Place, Closed)> {
        let mut table = self.table();
        let (id, closed) = table.enter(network(address), &self.limits)?;
        Some((Place { places: Arc::clone(self), id }, closed))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn limits(&self) -> &Limits {
        &self.places.limits
    }

    /// The client has sent something.
    pub(super) fn received(&self, bytes: usize) {
        if bytes > 0 {
            self.places.table().received(self.id, bytes, &self.places.limits);
        }
    }

    /// The head is complete.
    pub(super) fn has_head(&self) {
        self.places.table().move_to(self.id, Stage::Body);
    }

    /// The request is complete: it makes room for nobody until it is answered. False where it has just been closed.
    pub(super) fn has_request(&self) -> bool {
        self.places.table().move_to(self.id, Stage::Work)
    }

    /// The answer is on its way.
    pub(super) fn has_answer(&self) {
        self.places.table().move_to(self.id, Stage::Idle);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.table().remove(self.id);
    }
}

/// What is counted as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> HOST_BITS << HOST_BITS).into()),
        address => address,
    }
}

impl Table {
    fn enter(&mut self, address: IpAddr, limits: &Limits) -> Option<(u64, Closed)> {
        let neighbours = self.addresses.get(&address);
        if neighbours.is_some_and(|neighbours| neighbours.count >= limits.connections_per_address) {
            let longest = neighbours.and_then(|neighbours| neighbours.waiting.first_key_value());
            self.remove(*longest?.1);
        }
        if self.entries.len() >= limits.connections {
            self.remove(*self.waiting.first_key_value()?.1);
        }
        let (open, closed) = oneshot::channel();
        let id = self.next();
        let entry = Entry { address, stage: Stage::Work, since: Instant::now(), turn: 0, bytes: 0, _open: open };
        self.entries.insert(id, entry);
        self.addresses.entry(address).or_default().count += 1;
        self.move_to(id, Stage::Idle);
        Some((id, closed))
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// False where it has been closed.
    fn move_to(&mut self, id: u64, stage: Stage) -> bool {
        self.leave_queue(id);
        let turn = self.next();
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        (entry.stage, entry.since) = (stage, Instant::now());
        match stage {
            Stage::Idle => {
                self.held -= entry.bytes;
                (entry.bytes, entry.turn) = (0, turn);
            }
            Stage::Head => entry.turn = turn,
            // Whoever sends the second half of a request keeps the turn that the first half got.
            Stage::Body => {}
            Stage::Work => return true,
        }
        self.join_queue(id);
        true
    }

    fn join_queue(&mut self, id: u64) {
        let Some(entry) = self.entries.get(&id) else { return };
        self.waiting.insert(entry.turn, id);
        self.sizes.insert((entry.bytes, id));
        self.addresses.entry(entry.address).or_default().waiting.insert(entry.turn, id);
    }

    /// Nothing where it does not wait: no turn is given twice.
    fn leave_queue(&mut self, id: u64) {
        let Some(entry) = self.entries.get(&id) else { return };
        self.waiting.remove(&entry.turn);
        self.sizes.remove(&(entry.bytes, id));
        if let Some(neighbours) = self.addresses.get_mut(&entry.address) {
            neighbours.waiting.remove(&entry.turn);
        }
    }

    fn received(&mut self, id: u64, bytes: usize, limits: &Limits) {
        if self.entries.get(&id).is_some_and(|entry| entry.stage == Stage::Idle) {
            self.move_to(id, Stage::Head);
        }
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.stage == Stage::Work {
            // Of the next request, which is read when this one is answered.
            return;
        }
        self.sizes.remove(&(entry.bytes, id));
        entry.bytes += bytes;
        self.held += bytes;
        self.sizes.insert((entry.bytes, id));
        while self.held > limits.held_bytes
            && let Some((_, largest)) = self.sizes.last().copied()
        {
            self.remove(largest);
        }
    }

    fn remove(&mut self, id: u64) {
        self.leave_queue(id);
        // Its sender is dropped with it.
        let Some(entry) = self.entries.remove(&id) else { return };
        self.held -= entry.bytes;
        if let Some(neighbours) = self.addresses.get_mut(&entry.address) {
            neighbours.count -= 1;
            if neighbours.count == 0 {
                self.addresses.remove(&entry.address);
            }
        }
    }
}

#[cfg(test)]
mod tests;
