//! WeChat's connections: HTTP/1.1, kept alive, broken off when the network's fate says so.

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, PoisonError};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// No answer is longer, in bytes ([protocol 3.2](../../../../shared/docs/wechat-protocol.md#3.2)).
const ANSWER_MAX: usize = 64 * 1024;

/// The status and the body of an answer.
type Answer = (u16, Bytes);

/// The connection failed, or what came was not HTTP.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Below HTTP.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Not HTTP, or cut off.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// A path that cannot stand in a request.
    #[error("{0}")]
    Request(#[from] http::Error),
    /// Cut off, or over 64 KiB.
    #[error("the answer did not end well: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// One callback, before it is on the wire.
pub(super) struct Post {
    /// Path and query.
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

/// Open connections to one server.
pub(super) struct Client {
    /// `host:port`.
    address: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    /// None when `url` is not `http://host…`.
    pub(super) fn new(url: &Uri) -> Option<Self> {
        let host = url.host().filter(|_| url.scheme_str() == Some("http"))?;
        let address = format!("{host}:{}", url.port_u16().unwrap_or(80));
        Some(Self { address, idle: Mutex::new(Vec::new()) })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, HttpError> {
        self.exchange(Request::get(path).header(header::HOST, &self.address).body(Full::default())?).await
    }

    pub(super) async fn post(&self, post: &Post) -> Result<Answer, HttpError> {
        let request = Request::post(&post.path)
            .header(header::HOST, &self.address)
            .header(header::USER_AGENT, "Mozilla/4.0")
            .header(header::CONTENT_TYPE, post.content_type);
        self.exchange(request.body(Full::new(post.body.clone()))?).await
    }

    /// A connection that breaks while the request is on it.
    pub(super) async fn break_off_within(&self, post: &Post) -> Result<(), HttpError> {
        let mut stream = self.connect().await?;
        let wire = self.on_the_wire(post);
        let (sent, _) = wire.split_at(wire.len() / 2);
        stream.write_all(sent).await?;
        // Closing without the farewell: the server sees a reset.
        Ok(stream.set_zero_linger()?)
    }

    /// A connection that breaks once the server has begun to answer; nobody reads the answer.
    pub(super) async fn break_off_after(&self, post: &Post) -> Result<(), HttpError> {
        let mut stream = self.connect().await?;
        stream.write_all(&self.on_the_wire(post)).await?;
        stream.readable().await?;
        Ok(stream.set_zero_linger()?)
    }

    fn on_the_wire(&self, Post { path, content_type, body }: &Post) -> Vec<u8> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// On a connection that is open already, if one is. The server may have closed that one meanwhile: then the request
    /// has not left, and goes out on the next.
    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, HttpError> {
        loop {
            let idle = self.idle().pop();
            let reused = idle.is_some();
            let mut sender = match idle {
                Some(sender) => sender,
                None => self.open().await?,
            };
            if reused && sender.ready().await.is_err() {
                continue;
            }
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message().filter(|_| reused) {
                    Some(unsent) => {
                        request = unsent;
                        continue;
                    }
                    None => return Err(error.into_error().into()),
                },
            };
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(HttpError::Body)?;
            self.idle().push(sender);
            return Ok((status, body.to_bytes()));
        }
    }

    /// A new connection. It closes by itself when its sender goes, also in the midst of a request.
    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, HttpError> {
        let (sender, connection) = handshake(TokioIo::new(self.connect().await?)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn connect(&self) -> Result<TcpStream, HttpError> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
