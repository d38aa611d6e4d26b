//! Reads the body, makes one typed call, does one `set` of as many bytes as the query says, answers.

extern crate guanxi_spin as spin_sdk;

use guanxi::store::Store;
use guanxi_spin::{KeyValue, Response, Stopwatch, body_up_to, http::Request, http_service, respond};
use std::{cell::OnceCell, rc::Rc, time::Duration};

guanxi_spin::wit_bindgen::generate!({
    world: "caller-dependencies",
    path: "../wit",
    runtime_path: "::guanxi_spin::wit_bindgen::rt",
});

thread_local! {
    static STORE: OnceCell<Rc<KeyValue>> = const { OnceCell::new() };
}

#[http_service]
async fn handle(request: Request) -> Response {
    answer(request).await.unwrap_or_else(|error| respond(500, "text/plain", error))
}

/// The query is `<key>=<number of bytes>`.
async fn answer(request: Request) -> Result<Response, String> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (key, bytes) = query.split_once('=').ok_or("no key=bytes")?;
    let bytes: usize = bytes.parse().map_err(|error| format!("{bytes}: {error}"))?;
    let body = body_up_to(64 * 1024, request, &Stopwatch::start(), Duration::from_secs(4)).await;
    let body = body.map_err(|error| error.to_string())?;
    let length = bench::baseline::callee::length(&body);
    let value = body.get(..bytes).ok_or("a body shorter than the value")?;
    store().await?.set(key, value).await.map_err(|error| error.to_string())?;
    Ok(respond(200, "text/plain", length.to_string()))
}

async fn store() -> Result<Rc<KeyValue>, String> {
    if let Some(store) = STORE.with(|cell| cell.get().cloned()) {
        return Ok(store);
    }
    let store = Rc::new(KeyValue::open().await.map_err(|error| error.to_string())?);
    Ok(STORE.with(|cell| cell.get_or_init(|| store).clone()))
}
