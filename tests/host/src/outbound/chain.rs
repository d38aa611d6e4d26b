//! Requests of a component to another one of its application, `http://<id>.spin.internal`, which go over no network.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    panic::resume_unwind,
    sync::{Arc, OnceLock, Weak},
};

use http::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::{
    instance::Handler,
    routes::Found,
    server::{respond, unreadable},
};

const DOMAIN: &str = "spin.internal";
/// What a component sees as the client: no address.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// All components of an application that a trigger names, once they are loaded. They know of each other, so only the server holds
/// them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Components(Arc<OnceLock<Weak<BTreeMap<String, Handler>>>>);

impl Components {
    /// They are loaded.
    pub(crate) fn set(&self, loaded: &Arc<BTreeMap<String, Handler>>) {
        // Set once, where they are loaded.
        _ = self.0.set(Arc::downgrade(loaded));
    }

    fn all(&self) -> Option<Arc<BTreeMap<String, Handler>>> {
        self.0.get()?.upgrade()
    }
}

/// The component that a URI names, as Spin reads it: as it is written, capitals included.
pub(super) fn target(uri: &Uri) -> Option<&str> {
    let (component, domain) = uri.host()?.split_once('.')?;
    (domain == DOMAIN).then_some(component)
}

/// Whether the application has that component.
pub(super) fn is_there(components: &Components, target: &str) -> bool {
    components.all().is_some_and(|all| all.contains_key(target))
}

/// Ends the caller's instance, with all its requests and tasks, as Spin does: a trap. wasmtime gives a request that is sent no way to
/// trap, and takes a panic of its worker for one; this one is not printed.
pub(super) fn trap() -> ! {
    resume_unwind(Box::new("no such component"))
}

/// Calls it. Dropping this does not stop what was begun. Whatever befalls it there, its caller gets a plain 500; and none of the
/// caller's time limits counts.
pub(super) async fn call(
    components: &Components,
    target: String,
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let all = components.all().ok_or(Error::ConnectionTerminated)?;
    let path_and_query = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if !unreadable(request.headers()) {
        let path = request.uri().path().to_owned();
        Found::chained(&path).add_headers(request.headers_mut(), &path_and_query, NOBODY);
    }
    let called = tokio::spawn(async move {
        match all.get(&target) {
            Some(handler) => Ok(respond(handler, request).await),
            None => Err(Error::ConnectionTerminated),
        }
    });
    called.await.unwrap_or(Err(Error::ConnectionTerminated))
}
