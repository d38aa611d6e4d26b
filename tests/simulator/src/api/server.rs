//! The account over HTTP, as `api.weixin.qq.com` would be: it waits, answers and cuts, and decides nothing.
//!
//! A request is received when its last byte is here. Its latency is slept in real time, whatever clock the account has.

use super::{
    account::Account,
    answer::{End, Fate},
    events::Callback,
    request::Request,
};
use crate::{delivery::Delivery, network::Fate as Way, trace::Outcome};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// No request has a longer body, in bytes.
const BODY_MAX: usize = 1 << 20;

/// How often the poster looks for callbacks.
const POSTER_PAUSE: Duration = Duration::from_millis(10);

/// How many callbacks are on the way at a time.
const POSTED_AT_ONCE: usize = 64;

/// A running server on a free port of this machine. It ends when it is dropped.
pub struct ApiServer {
    base_url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// Posts callbacks as they fall due. It ends when it is dropped.
pub struct Poster {
    undelivered: Arc<AtomicU64>,
    posting: JoinHandle<()>,
}

struct Shared {
    account: Mutex<Account>,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    connections: AtomicUsize,
}

/// Why a connection is given up without an answer.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// It is the request's fate.
    #[error("the connection is to break")]
    Reset,
    /// The client went away, or sent too much.
    #[error("the request cannot be read: {0}")]
    Request(Box<dyn std::error::Error + Send + Sync>),
}

impl ApiServer {
    /// Starts to answer. `clock` gives milliseconds since 1970 and must not go back.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(account: Account, clock: impl Fn() -> u64 + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let shared = Shared { account: Mutex::new(account), clock: Box::new(clock), connections: AtomicUsize::new(0) };
        let shared = Arc::new(shared);
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { base_url, shared, accepting })
    }

    /// `http://127.0.0.1:port`, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The account. No request is decided while this is held.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.shared.account()
    }

    /// How many connections were ever made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Takes out the callbacks that are due.
    pub fn due_callbacks(&self, now: u64) -> Vec<Callback> {
        self.account().due_callbacks(now)
    }

    /// Posts callbacks to the brand as they fall due by the server's clock, as WeChat does: three tries, then they are
    /// lost. `seed` is for nonces and the like.
    pub fn post_callbacks(&self, delivery: Delivery, seed: u64) -> Poster {
        let undelivered = Arc::new(AtomicU64::new(0));
        let posting = tokio::spawn(post(self.shared.clone(), delivery, seed, undelivered.clone()));
        Poster { undelivered, posting }
    }

    /// Ends, with all connections as they are.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // Aborted is what it shall be.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Poster {
    /// Callbacks that the brand did not take in three tries.
    pub fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }
}

impl Drop for Poster {
    fn drop(&mut self) {
        self.posting.abort();
    }
}

impl Shared {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, request: &Request<'_>) -> Fate {
        let mut account = self.account();
        // Read under the lock, so that the account sees no time go back.
        let now = (self.clock)();
        account.receive(now, request)
    }
}

/// Connections live in the set, so that they end with this task.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(stream, shared.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it the connection is only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(shared.clone(), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err() {
        // Closing without the farewell: the client sees a reset.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

async fn answer(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(Broken::Request)?.to_bytes();
    let query = head.uri.query().unwrap_or_default();
    let fate = shared.receive(&Request { method: head.method.as_str(), path: head.uri.path(), query, body: &body });
    let latency = fate.before + fate.after;
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    match &fate.end {
        End::Reset => Err(Broken::Reset),
        End::Answer { status, body } => {
            let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
            *response.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let json = header::HeaderValue::from_static("application/json; encoding=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            Ok(response)
        }
    }
}

async fn post(shared: Arc<Shared>, delivery: Delivery, seed: u64, undelivered: Arc<AtomicU64>) {
    let mut stream_of = 0..;
    loop {
        let due = shared.account().due_callbacks((shared.clock)());
        let (delivery, undelivered) = (&delivery, &undelivered);
        let numbered = stream::iter(due.into_iter().zip(&mut stream_of));
        numbered
            .for_each_concurrent(POSTED_AT_ONCE, |(callback, number)| async move {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(number);
                let message = callback.message(delivery.account());
                let delivered = delivery.deliver(&message, [Way::Clear; 3], &mut rng).await;
                if !delivered.is_ok_and(|delivered| delivered.tries.last() == Some(&Outcome::Answered)) {
                    undelivered.fetch_add(1, Ordering::Relaxed);
                }
            })
            .await;
        tokio::time::sleep(POSTER_PAUSE).await;
    }
}
