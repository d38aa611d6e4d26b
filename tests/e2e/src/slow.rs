//! Clients that open connections and do not go on, as an attack on a server does, from many addresses of this machine.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

/// What each kind of them sends.
pub const HALF_BODY: &str = "POST /wechat HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\nx";
/// Another kind.
pub const HALF_HEAD: &str = "POST /wechat HTTP/1.1\r\nhost: localh";
/// The third.
pub const IDLE: &str = "";

/// Between the first connections of two clients: more at once than the system queues for the server would be dropped, and a
/// client that only waits does not notice.
const ONE_AFTER_ANOTHER: Duration = Duration::from_millis(1);
/// Until a client tries again that could not connect.
const UNREACHED: Duration = Duration::from_millis(100);
/// Clients of one address.
const OF_ONE_ADDRESS: usize = 100;

/// What they have met with.
#[derive(Debug, Default)]
pub struct Seen {
    /// Connections that are open now.
    pub open: AtomicUsize,
    /// The most that were open at a time.
    pub most_open: AtomicUsize,
    /// Connections that the server closed, by what it said first: a status, or nothing.
    pub ends: Mutex<BTreeMap<String, usize>>,
}

impl Seen {
    /// How many ended with this status, or a class of it, such as `5`; with `""` without a word too.
    pub fn ended_with(&self, status: &str) -> usize {
        let ends = self.ends.lock().unwrap();
        ends.iter().filter(|(end, _)| end.starts_with(status)).map(|(_, count)| count).sum()
    }
}

/// Starts so many of each kind. Each comes again so long after it was closed; all go with what is given back.
pub fn start(server: SocketAddr, of_each: &[(&'static str, usize)], again: Duration) -> (JoinSet<()>, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let mut clients = JoinSet::new();
    let kinds = of_each.iter().flat_map(|(text, count)| std::iter::repeat_n(*text, *count));
    for (number, text) in kinds.enumerate() {
        let seen = seen.clone();
        clients.spawn(async move {
            tokio::time::sleep(ONE_AFTER_ANOTHER * number as u32).await;
            loop {
                let Ok(stream) = connect(server, number / OF_ONE_ADDRESS).await else {
                    tokio::time::sleep(UNREACHED).await;
                    continue;
                };
                seen.most_open.fetch_max(seen.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let end = until_closed(stream, text).await;
                seen.open.fetch_sub(1, Ordering::SeqCst);
                *seen.ends.lock().unwrap().entry(end).or_default() += 1;
                tokio::time::sleep(again).await;
            }
        });
    }
    (clients, seen)
}

/// From an address of its own: 127.0.1.1, 127.0.1.2, …
async fn connect(server: SocketAddr, address: usize) -> std::io::Result<TcpStream> {
    let [high, low] = ((address + 0x101) as u16).to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, high, low], 0)))?;
    socket.connect(server).await
}

async fn until_closed(mut stream: TcpStream, text: &str) -> String {
    _ = stream.write_all(text.as_bytes()).await;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await.unwrap_or_default();
    let answer = String::from_utf8_lossy(answer.get(..length).unwrap_or_default());
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// Lets this process open so many files.
///
/// # Panics
/// When the system does not allow it: such a test must not pass without having tested.
pub fn allow_files(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
        assert!(raised.is_ok(), "this needs {wanted} open files, and the system allows {limit:?} (ulimit -Hn)");
    }
}
