//! What stands between a replica and its store: a TCP proxy that cuts at a moment of the test's choice.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What one read takes at most: a command and its value, mostly.
const PIECE_BYTES: usize = 64 * 1024;
const DISARMED: i64 = -1;

/// How it cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Both sides learn of it at once.
    Reset,
    /// What the replica says does not arrive until the cut is healed; what the store says does.
    Requests,
    /// What the store says does not arrive; what the replica says does.
    Answers,
    /// Neither.
    Both,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Connections of an earlier epoch are reset.
    epoch: u64,
    requests_held: bool,
    answers_held: bool,
    /// What every piece waits for.
    delay: Duration,
}

struct Shared {
    state: watch::Sender<State>,
    /// Pieces from the replica until the cut.
    pieces_left: AtomicI64,
    cut: watch::Sender<Cut>,
    /// Connections that the store has not closed, by number.
    open: Mutex<BTreeSet<u64>>,
    /// The next one's number.
    next: AtomicU64,
}

/// One of them.
struct Open(Arc<Shared>, u64);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        let number = shared.next.fetch_add(1, Ordering::SeqCst);
        shared.open.lock().unwrap().insert(number);
        Self(Arc::clone(shared), number)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.lock().unwrap().remove(&self.1);
    }
}

/// Ends with this, and all its connections with it.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// In front of `upstream`.
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: watch::Sender::new(State::default()),
            pieces_left: AtomicI64::new(DISARMED),
            cut: watch::Sender::new(Cut::Reset),
            open: Mutex::default(),
            next: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts when the replica has sent so many more pieces.
    pub(crate) fn cut_after(&self, pieces: u32, cut: Cut) {
        self.shared.cut.send_replace(cut);
        self.shared.pieces_left.store(pieces.into(), Ordering::SeqCst);
    }

    /// Whether the cut has happened, or none was asked for.
    pub(crate) fn has_cut(&self) -> bool {
        self.shared.pieces_left.load(Ordering::SeqCst) == DISARMED
    }

    /// Lets every piece wait from now on, either way.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.shared.state.send_if_modified(|state| std::mem::replace(&mut state.delay, delay) != delay);
    }

    /// The number of the next connection.
    pub(crate) fn next(&self) -> u64 {
        self.shared.next.load(Ordering::SeqCst)
    }

    /// Whether the store has closed all connections before this number.
    pub(crate) fn is_closed_before(&self, number: u64) -> bool {
        self.shared.open.lock().unwrap().first().is_none_or(|first| *first >= number)
    }

    /// Lets everything through that was held, or no longer cuts; says whether it had cut.
    pub(crate) fn heal(&self) -> bool {
        let had_cut = self.shared.pieces_left.swap(DISARMED, Ordering::SeqCst) == DISARMED;
        self.shared.state.send_modify(|state| *state = State { epoch: state.epoch, ..State::default() });
        had_cut
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.state.send_modify(|state| state.epoch += 1);
    }
}

impl Shared {
    /// Counts a piece of the replica's, and cuts when it is the one.
    fn count(&self) {
        let counted = self
            .pieces_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| (left > DISARMED).then_some(left - 1));
        if counted != Ok(0) {
            return;
        }
        let cut = *self.cut.borrow();
        self.state.send_modify(|state| match cut {
            Cut::Reset => state.epoch += 1,
            Cut::Requests => state.requests_held = true,
            Cut::Answers => state.answers_held = true,
            Cut::Both => (state.requests_held, state.answers_held) = (true, true),
        });
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    while let Ok((replica, _)) = listener.accept().await {
        // Dropped where the store is away: refused, but for a moment.
        let Ok(store) = TcpStream::connect(upstream).await else { continue };
        _ = (replica.set_nodelay(true), store.set_nodelay(true));
        tokio::spawn(connection(replica, store, Arc::clone(&shared)));
    }
}

/// Until one side ends, or it is reset.
async fn connection(replica: TcpStream, store: TcpStream, shared: Arc<Shared>) {
    let mut state = shared.state.subscribe();
    let epoch = state.borrow().epoch;
    let (from_replica, to_replica) = replica.into_split();
    let (from_store, to_store) = store.into_split();
    tokio::select! {
        () = pump(from_replica, to_store, &shared, |state| state.requests_held, Shared::count, None) => {}
        () = pump(from_store, to_replica, &shared, |state| state.answers_held, |_| {}, Some(Open::new(&shared))) => {}
        _ = state.wait_for(|state| state.epoch != epoch) => {}
    }
}

/// Passes on what comes, also that it ends, but holds both while `held` says so.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    held: fn(&State) -> bool,
    seen: fn(&Shared),
    mut open: Option<Open>,
) {
    let mut state = shared.state.subscribe();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut piece).await.unwrap_or(0);
        match read {
            0 => drop(open.take()),
            _ => seen(shared),
        }
        let delay = state.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if state.wait_for(|state| !held(state)).await.is_err()
            || read == 0
            || to.write_all(&piece[..read]).await.is_err()
        {
            return;
        }
    }
}
