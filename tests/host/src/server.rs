//! HTTP/1 in front of the components.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wasmtime_wasi_http::handler::TrapOrPanicError;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::instance::Handler;
use crate::routes::{Found, Routes, WELL_KNOWN};

/// How long requests in flight may take to end when the host stops.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);
/// A pause after an error of `accept` (no more file descriptors, for instance), so that it does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What answers requests.
pub(crate) struct Server {
    pub(crate) routes: Routes,
    pub(crate) handlers: BTreeMap<String, Handler>,
}

/// Accepts connections until told to stop, and then waits for the requests in flight.
pub(crate) async fn serve(listener: TcpListener, server: Arc<Server>, mut stop: oneshot::Receiver<()>) {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        match accepted {
            Ok((stream, client)) => accept(stream, client, &server, &connections),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(SHUTDOWN_TIME) => {}
    }
}

fn accept(stream: TcpStream, client: SocketAddr, server: &Arc<Server>, connections: &GracefulShutdown) {
    // A socket that refuses the option is about to fail anyway.
    _ = stream.set_nodelay(true);
    let server = Arc::clone(server);
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request, client).await) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // The client has gone, or speaks something else: nobody is left to be told.
        _ = connection.await;
    });
}

impl Server {
    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return if name == "health" { plain(StatusCode::OK, "OK") } else { plain(StatusCode::NOT_FOUND, "") };
        }
        let Some(found) = self.routes.find(&path) else { return plain(StatusCode::NOT_FOUND, "") };
        // Every component that a route names has been loaded.
        let Some(handler) = self.handlers.get(found.component) else { return plain(StatusCode::NOT_FOUND, "") };
        let Some(request) = prepare(request, &found, client) else { return plain(StatusCode::BAD_REQUEST, "") };
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
}

/// The request as Spin hands it on; none where it does not say for which host it is.
fn prepare(request: Request<Incoming>, found: &Found<'_>, client: SocketAddr) -> Option<Request<WasiBody>> {
    let (mut parts, body) = request.into_parts();
    let authority = authority(&parts.uri, &parts.headers)?;
    let path_and_query = parts.uri.path_and_query()?.clone();
    found.set_headers(&mut parts.headers, authority.as_str(), path_and_query.as_str(), client);
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path_and_query);
    parts.uri = uri.build().ok()?;
    Some(Request::from_parts(parts, body.map_err(Error::from).boxed_unsync()))
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
