//! What components send out: HTTP, in WASI 0.3 (`wasi:http/client`) and in 0.2 (`wasi:http/outgoing-handler`), to the
//! hosts of their `allowed_outbound_hosts` and to nobody else.
//!
//! As in Spin, another host is answered with `HttpRequestDenied` and a line in the log, redirects are not followed, and
//! the headers that belong to the connection (`host`, `connection`, …) are not the component's to set. Stricter than in
//! Spin: HTTP/1.1 only, certificates are checked against Mozilla's roots alone, and an application cannot call its own public
//! routes (`self.alt`). The other components of the application are reached as in Spin, by a wildcard too.

mod allowed_hosts;
mod chain;
mod client;

use std::{future::ready, sync::Arc};

use http::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

pub use allowed_hosts::{AllowedHost, AllowedHostError, AllowedHostsError};
pub(crate) use allowed_hosts::{is_left_out, resolve};
pub(crate) use chain::Components;
pub(crate) use client::Client;

use crate::instance::Shared;
use allowed_hosts::Destination;

/// The outgoing requests of one instance.
pub(crate) struct Outbound(Arc<Shared>);

impl Outbound {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// Why the component may not send a request to `uri`, and what would allow it.
    fn refusal(&self, uri: &Uri) -> Option<String> {
        let Shared { id, allowed_hosts, .. } = &*self.0;
        let Some(destination) = Destination::of(uri) else {
            return Some(format!("component `{id}` sent a request whose URI names no host or no possible port"));
        };
        let not_yet = destination.is_self();
        if !not_yet && destination.allowed_by(allowed_hosts) {
            return None;
        }
        let reason = if not_yet {
            ": the local host does not support that yet".to_owned()
        } else {
            format!(
                ", which it may not reach; to allow it, add 'allowed_outbound_hosts = [\"{destination}\"]' to \
                 [component.{id}]"
            )
        };
        Some(format!("component `{id}` sent a request to {destination}{reason}"))
    }
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    /// The client sets it, from the URI.
    fn set_host_header(&mut self) -> bool {
        false
    }

    /// What the component says of how it took the response has nobody to go to, in Spin neither.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _taken: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        if let Some(refusal) = self.refusal(request.uri()) {
            self.0.logs.host(&self.0.id, &refusal);
            return Box::new(ready(Err(Error::HttpRequestDenied)));
        }
        if let Some(target) = chain::target(request.uri()).map(str::to_owned) {
            let components = self.0.components.clone();
            if !chain::is_there(&components, &target) {
                let what =
                    format!("component `{}` sent a request to component `{target}`, which is not there", self.0.id);
                self.0.logs.host(&self.0.id, &what);
                chain::trap();
            }
            return Box::new(async move {
                let response = chain::call(&components, target, request).await?;
                let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(ready(Ok(())));
                Ok((response, done))
            });
        }
        let client = self.0.client.clone();
        Box::new(async move {
            let response = client.send(request, options.unwrap_or_default()).await?;
            // Whatever else goes wrong comes with the body.
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(ready(Ok(())));
            Ok((response, done))
        })
    }
}
