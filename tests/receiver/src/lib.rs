//! A brand's webhook: verifies what the outbox posts, keeps it, and fails on purpose.

use bytes::Bytes;
use guanxi::{
    journal::orders::webhook::{Headers, Secret},
    time::Timestamp,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::net::TcpListener;

/// The longest body that is read.
const BODY_MAX: usize = 256 * 1024;

/// How it fails, in percent of the posts that are rightly signed.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Faults {
    /// Milliseconds until it answers.
    #[arg(long, default_value_t = 0)]
    pub delay: u64,
    /// Percent that it answers 500, and does not take.
    #[arg(long, default_value_t = 0)]
    pub fail: u32,
    /// Percent that it takes, and closes the connection without an answer.
    #[arg(long, default_value_t = 0)]
    pub die: u32,
    /// Percent that it neither takes nor answers.
    #[arg(long, default_value_t = 0)]
    pub silent: u32,
    /// Which of them these are.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// A post that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its `webhook-id`.
    pub id: String,
    /// What it says.
    pub body: Value,
}

/// A receiver at work.
#[derive(Clone)]
pub struct Receiver(Arc<State>);

struct State {
    secret: Secret,
    faults: Mutex<Faults>,
    rng: Mutex<ChaCha8Rng>,
    taken: Mutex<Vec<Taken>>,
    refused: Mutex<Vec<String>>,
    address: SocketAddr,
    print: fn(&Taken),
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receiver at {}", self.0.address)
    }
}

/// What becomes of a post.
enum Fate {
    Takes,
    Fails,
    Dies,
    Silent,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    /// Listens at an address; `print` gets what is taken.
    ///
    /// # Errors
    /// When nobody may listen there.
    pub async fn listen(at: SocketAddr, secret: Secret, faults: Faults, print: fn(&Taken)) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let state = State {
            secret,
            rng: Mutex::new(ChaCha8Rng::seed_from_u64(faults.seed)),
            faults: Mutex::new(faults),
            taken: Mutex::default(),
            refused: Mutex::default(),
            address: listener.local_addr()?,
            print,
        };
        let receiver = Self(Arc::new(state));
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // Small answers leave at once.
                _ = socket.set_nodelay(true);
                let receiver = serving.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| receiver.answer(request));
                    // A connection that breaks is the outbox's matter.
                    _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Ok(receiver)
    }

    /// Where it is: scheme, host and port.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// From now on it fails like this.
    pub fn fail(&self, faults: Faults) {
        *lock(&self.0.faults) = faults;
    }

    /// What was taken so far, in order.
    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.0.taken).clone()
    }

    /// Why posts were not rightly signed, or no posts.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.0.refused).clone()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dead> {
        let taken = match self.read(request).await {
            Ok(taken) => taken,
            Err(why) => {
                lock(&self.0.refused).push(why.to_string());
                return Ok(says(401));
            }
        };
        let faults = *lock(&self.0.faults);
        tokio::time::sleep(Duration::from_millis(faults.delay)).await;
        let fate = match lock(&self.0.rng).random_range(0..100) {
            drawn if drawn < faults.fail => Fate::Fails,
            drawn if drawn < faults.fail + faults.die => Fate::Dies,
            drawn if drawn < faults.fail + faults.die + faults.silent => Fate::Silent,
            _ => Fate::Takes,
        };
        match fate {
            Fate::Fails => Ok(says(500)),
            Fate::Silent => std::future::pending::<Result<_, Dead>>().await,
            Fate::Dies | Fate::Takes => {
                (self.0.print)(&taken);
                lock(&self.0.taken).push(taken);
                if let Fate::Dies = fate { Err(Dead) } else { Ok(says(204)) }
            }
        }
    }

    async fn read(&self, request: Request<Incoming>) -> anyhow::Result<Taken> {
        let headers = request.headers().clone();
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let signed = Headers {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the body is too long or broke off: {error}"))?.to_bytes();
        // A brand's own clock; that of tests may be ahead of it, so the time that is signed is taken for now.
        let said = signed.timestamp.and_then(|at| at.parse().ok()).map(Timestamp);
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        self.0.secret.verify(signed, &body, said.unwrap_or(Timestamp(now)))?;
        Ok(Taken { id: signed.id.unwrap_or_default().to_owned(), body: serde_json::from_slice(&body)? })
    }
}

fn says(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// Closes the connection without an answer.
#[derive(Debug)]
struct Dead;

impl std::fmt::Display for Dead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dies without an answer")
    }
}

impl std::error::Error for Dead {}
