//! HTTP/1 in front of the components, with [`Limits`] or, as Spin, without.

mod places;

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header,
    uri::{Authority, Scheme},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::oneshot,
};
use tokio_util::io::InspectReader;
use wasmtime_wasi_http::{Error, WasiBody, handler::TrapOrPanicError};

use crate::{
    instance::Handler,
    limits::Limits,
    routes::{Found, Routes, WELL_KNOWN},
};
use places::{Place, Places};

/// How long requests in flight may take to end when the host finishes.
const FINISH_TIME: Duration = Duration::from_secs(10);
/// A pause after an error of `accept` (no more file descriptors, for instance), so that it does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that the system may queue, with limits: where it drops one, its client tries again after a second.
const BACKLOG: i32 = 4_096;

/// What answers requests.
pub(crate) struct Server {
    pub(crate) routes: Routes,
    pub(crate) handlers: Arc<BTreeMap<String, Handler>>,
    places: Option<Arc<Places>>,
}

/// Accepts connections until told to finish, and then waits for the requests in flight.
pub(crate) async fn serve(listener: TcpListener, server: Arc<Server>, mut finish: oneshot::Receiver<()>) {
    if server.places.is_some() {
        // It already listens, with a shorter queue; where this fails, with that one.
        _ = rustix::net::listen(&listener, BACKLOG);
    }
    let connections = GracefulShutdown::new();
    let mut sweep = pin!(server.sweep());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            never = &mut sweep => match never {},
            _ = &mut finish => break,
        };
        match accepted {
            Ok((stream, client)) => accept(stream, client, &server, &connections),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(FINISH_TIME) => {}
    }
}

/// Serves one connection. Whatever it is, small pieces of it wait for others, as TCP has it (no `TCP_NODELAY`), as in
/// Spin: a response without a `content-length` can cost its client some 40 ms.
fn accept(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: SocketAddr,
    server: &Arc<Server>,
    connections: &GracefulShutdown,
) {
    let mut builder = http1::Builder::new();
    // Its time for a head would count while a connection is idle, too.
    builder.timer(TokioTimer::new()).header_read_timeout(None);
    let (place, closed) = match &server.places {
        None => (None, None),
        Some(places) => {
            builder.max_buf_size(places.limits().head_bytes);
            let Some((place, closed)) = places.enter(client.ip()) else { return };
            (Some(Arc::new(place)), Some(closed))
        }
    };
    let (server, receiving) = (Arc::clone(server), place.clone());
    let stream = InspectReader::new(stream, move |bytes| {
        if let Some(place) = &receiving {
            place.received(bytes.len());
        }
    });
    let service = service_fn(move |request| {
        let (server, place) = (Arc::clone(&server), place.clone());
        // Boxed, because a connection has room for it from the start, and most of those of an attack never need it.
        Box::pin(async move { server.answer(request, client, place).await })
    });
    let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        tokio::select! {
            // The client has gone, or speaks something else: nobody is left to be told.
            _ = connection => {}
            // It had to make room, or took too long.
            () = when(closed) => {}
        }
    });
}

async fn when(closed: Option<places::Closed>) {
    match closed {
        // Nothing is ever sent.
        Some(closed) => _ = closed.await,
        None => std::future::pending().await,
    }
}

impl Server {
    pub(crate) fn new(routes: Routes, handlers: Arc<BTreeMap<String, Handler>>, limits: Option<Limits>) -> Self {
        let places = limits.map(|limits| Arc::new(Places::new(limits.within_files())));
        Self { routes, handlers, places }
    }

    /// Closes connections that have waited too long, for as long as this is awaited.
    async fn sweep(&self) -> Infallible {
        let Some(places) = &self.places else { return std::future::pending().await };
        loop {
            tokio::time::sleep(places.sweep_time()).await;
            places.sweep();
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
        place: Option<Arc<Place>>,
    ) -> Result<Response<WasiBody>, NoHost> {
        let Some(place) = place else { return self.call(request.map(streamed), client).await };
        let answered = Answered(Arc::clone(&place));
        let response = match complete(request, &place).await {
            // Boxed for the same reason: many requests are never complete.
            Ok(request) => Box::pin(self.call(request, client)).await?,
            Err(status) => refuse(status),
        };
        // Held until the body has been handed to the connection.
        Ok(response.map(|body| body.inspect_err(move |_| _ = &answered).boxed_unsync()))
    }

    async fn call(&self, request: Request<WasiBody>, client: SocketAddr) -> Result<Response<WasiBody>, NoHost> {
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return Ok(if name == "health" { plain(StatusCode::OK, "OK") } else { plain(StatusCode::NOT_FOUND, "") });
        }
        let Some(found) = self.routes.find(&path) else { return Ok(plain(StatusCode::NOT_FOUND, "")) };
        // Every component that a route names has been loaded.
        let Some(handler) = self.handlers.get(found.component) else { return Ok(plain(StatusCode::NOT_FOUND, "")) };
        let request = prepare(request, &found, client)?;
        Ok(respond(handler, request).await)
    }
}

/// Whether a header has a value that Spin does not pass on: a component that is sent such a request answers 500.
pub(crate) fn unreadable(headers: &HeaderMap) -> bool {
    !headers.values().all(|value| value.as_bytes().is_ascii())
}

/// What a component answers; a plain 500 where it does not, or has no instance to spare.
pub(crate) async fn respond(handler: &Handler, request: Request<WasiBody>) -> Response<WasiBody> {
    if unreadable(request.headers()) {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "");
    }
    let path = request.uri().path().to_owned();
    match handler.handle((), request).await {
        Ok(response) => response,
        Err(error) => {
            // A trap has been logged once for all requests of its instance.
            if error.downcast_ref::<TrapOrPanicError>().is_none() {
                let shared = handler.state().shared();
                shared.logs.host(&shared.id, &format!("no response to {path}: {error:#}"));
            }
            plain(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

/// Until this is dropped the request is not answered.
struct Answered(Arc<Place>);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.has_answer();
    }
}

/// The body as it comes.
fn streamed(body: Incoming) -> WasiBody {
    body.map_err(Error::from).boxed_unsync()
}

/// The request when all of its body is there, or the status that refuses it.
async fn complete(request: Request<Incoming>, place: &Place) -> Result<Request<WasiBody>, StatusCode> {
    place.has_head();
    let (parts, body) = request.into_parts();
    let limits = place.limits();
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = Limited::new(body, limits.body_bytes).collect();
    let body = match tokio::time::timeout(limits.body_time, body).await {
        Ok(Ok(body)) => body.map_err(|never| match never {}).boxed_unsync(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(StatusCode::PAYLOAD_TOO_LARGE),
        // No chunks, or the client has gone and this reaches nobody.
        Ok(Err(_)) => return Err(StatusCode::BAD_REQUEST),
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT),
    };
    // The connection that was just closed ends before it can tell anybody.
    if place.has_request() { Ok(Request::from_parts(parts, body)) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
}

/// The end of a connection whose request is not read to its end.
fn refuse(status: StatusCode) -> Response<WasiBody> {
    let mut response = plain(status, "");
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request that does not say for which host it is. As in Spin it gets no answer, and its connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the request does not say for which host it is")]
struct NoHost;

/// The request as Spin hands it on.
fn prepare(request: Request<WasiBody>, found: &Found<'_>, client: SocketAddr) -> Result<Request<WasiBody>, NoHost> {
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(header::CONNECTION);
    // A client must not pass for another component of the application.
    if parts.headers.get(header::HOST).is_some_and(|host| host.to_str().is_ok_and(is_another_component)) {
        parts.headers.remove(header::HOST);
    }
    let authority = authority(&parts.uri, &parts.headers).ok_or(NoHost)?;
    let path_and_query = parts.uri.path_and_query().ok_or(NoHost)?.clone();
    found.add_headers(&mut parts.headers, path_and_query.as_str(), client);
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path_and_query);
    parts.uri = uri.build().map_err(|_| NoHost)?;
    Ok(Request::from_parts(parts, body))
}

/// `<name>.spin.internal`, with a port or without.
fn is_another_component(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.split_once('.').is_some_and(|(_, domain)| domain == "spin.internal")
}

/// From the `Host` header or the URI; none where there is neither, or they differ.
fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let header = match headers.get(header::HOST) {
        Some(host) => Some(host.to_str().ok()?.parse::<Authority>().ok()?),
        None => None,
    };
    match (header, uri.authority()) {
        (Some(header), Some(uri)) if header != *uri => None,
        (Some(header), _) => Some(header),
        (None, uri) => uri.cloned(),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
