//! Asks a service as the component `ask` would: for `say --ask`.

use std::time::Instant;

use anyhow::{Context, anyhow};
use guanxi::lookup::{
    BODY_MAX, Lookup,
    address::Address,
    allowed::{Allowed, Request, SLOTS, Slot},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

/// The variables that a deployment gives the component, from this process's environment.
const VARIABLE: &str = "SPIN_VARIABLE_LOOKUP";

/// What the fan would read, and where it is from; or why it would be the fallback. Which hosts a deployment allows is not known here,
/// so the service's own is taken for allowed, in every slot.
pub(crate) async fn ask(lookup: &[u8]) -> anyhow::Result<String> {
    let lookup = Lookup::decode(lookup)?;
    let url = lookup.url();
    let host = Address::parse(&url)?.host;
    let variable = |name: &str| std::env::var(format!("{VARIABLE}_{name}")).unwrap_or_default();
    let slot = |number: usize| Slot { host: format!("https://{host}"), key: variable(&format!("KEY{number}")) };
    let request = Allowed::new((1..=SLOTS).map(slot), &variable("STAND_IN"))?.request(&lookup)?;
    let started = Instant::now();
    let answered = tokio::time::timeout(lookup.time(), send(request)).await;
    let from = format!("{} of https://{host}, after {} ms", lookup.service.id, started.elapsed().as_millis());
    let late = || Err(anyhow!("no answer in {} ms", lookup.time().as_millis()));
    let line = answered.unwrap_or_else(|_| late()).and_then(|(status, body)| Ok(lookup.line(status, &body)?));
    Ok(match line {
        Ok(line) => format!("answer of {from}:\n{line}"),
        Err(why) => format!("no answer of {from}: {why:#}"),
    })
}

/// Follows no redirect.
async fn send(request: Request) -> anyhow::Result<(u16, Bytes)> {
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let scheme = if request.is_https { "https" } else { "http" };
    let uri = format!("{scheme}://{}{}", request.authority, request.path_and_query);
    let method = if request.body.is_empty() { hyper::Method::GET } else { hyper::Method::POST };
    let sent = hyper::Request::builder().method(method).uri(uri);
    let sent = request.headers.iter().fold(sent, |sent, (name, value)| sent.header(name, value));
    let answer = client.request(sent.body(Full::from(request.body))?).await.context("no answer")?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), BODY_MAX).collect().await;
    Ok((status, body.map_err(|error| anyhow!("{error}"))?.to_bytes()))
}
