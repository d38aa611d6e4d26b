//! The one HTTP/1.1 client of a host: connections are kept and shared by all components, as Spin does it. There are as
//! many as requests under way, without a limit, as in Spin without `[outbound_http]` in its runtime configuration.
//!
//! As in Spin, a connection does not send small pieces at once (no `TCP_NODELAY`): a request whose body is written after
//! its head can wait some 40 ms for the other side to acknowledge the head.

use std::{
    error::Error as _,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Sleep, sleep, timeout},
};
use tower_service::Service;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::allowed_hosts::Destination;

/// Spin's, for each of the three things that a component may set one for.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

tokio::task_local! {
    /// The pool asks for a connection by its host alone, so what else a request says of connecting goes past it. A request
    /// that finds a connection does not need it.
    static CONNECT_TIMEOUT: Duration;
}

/// Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: legacy::Client<HttpsConnector<Tcp>, WasiBody>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        Self { pool: builder.build(connector.wrap_connector(Tcp)) }
    }

    /// Sends `request`, and follows no redirect. Dropping the future gives the request up.
    ///
    /// A request that was put on a kept connection which turned out to be closed, before any of it was written, is put on
    /// another one; no other request is ever sent again.
    pub(super) async fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let connect_timeout = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let response = CONNECT_TIMEOUT.scope(connect_timeout, self.pool.request(request));
        let response = timeout(options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT), response)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| reason(&error))?;
        let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
        Ok(response.map(|body| TimedBody { body, between_bytes, waiting: None }.boxed_unsync()))
    }
}

/// The code that Spin has for it.
fn reason(error: &legacy::Error) -> Error {
    let Some(source) = error.source() else { return Error::HttpProtocolError };
    match source.downcast_ref::<ConnectError>() {
        Some(ConnectError::NoAddress) => {
            Error::DnsError { rcode: Some("address not available".to_owned()), info_code: Some(0) }
        }
        Some(ConnectError::Refused) => Error::ConnectionRefused,
        Some(ConnectError::TimedOut) => Error::ConnectionTimeout,
        // What goes wrong below TLS is one of the above.
        None if error.is_connect() && source.is::<io::Error>() => Error::TlsProtocolError,
        None => Error::HttpProtocolError,
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum ConnectError {
    #[error("the host has no address")]
    NoAddress,
    #[error("the host does not take the connection")]
    Refused,
    #[error("the host does not take the connection in time")]
    TimedOut,
}

/// Connects; what lies above TCP is not its business.
#[derive(Clone, Copy, Debug)]
struct Tcp;

impl Tcp {
    async fn connect(destination: Option<Destination>, within: Duration) -> Result<TokioIo<TcpStream>, ConnectError> {
        let destination = destination.ok_or(ConnectError::NoAddress)?;
        let address = format!("{}:{}", destination.host, destination.port);
        let addresses: Vec<_> = lookup_host(address).await.map_err(|_| ConnectError::NoAddress)?.collect();
        let stream = timeout(within, TcpStream::connect(addresses.as_slice())).await;
        let stream = stream.map_err(|_| ConnectError::TimedOut)?.map_err(|error| match error.kind() {
            io::ErrorKind::AddrNotAvailable => ConnectError::NoAddress,
            _ => ConnectError::Refused,
        })?;
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Here, because the pool may go on with the future in a task of its own.
        let within = CONNECT_TIMEOUT.try_with(|timeout| *timeout).unwrap_or(DEFAULT_TIMEOUT);
        // Spin asks the name server for all that stands before the path, `user@host`, and there is no such name.
        let is_bare = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let destination = if is_bare { Destination::of(&uri) } else { None };
        Box::pin(Self::connect(destination, within))
    }
}

/// A response's body that fails when the next piece of it is too long in coming.
struct TimedBody {
    body: Incoming,
    between_bytes: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let between_bytes = self.between_bytes;
        ready!(self.waiting.get_or_insert_with(|| Box::pin(sleep(between_bytes))).as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
