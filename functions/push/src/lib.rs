//! `/jobs/push` plans and sends what is due.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | GET, POST `/jobs/push` | `job_token` | 200 and what the run did; 409 when another run is at work |
//!
//! 401 says that the token is wrong, 500 that a variable is, 503 that the store does not answer. This is the only component
//! that may reach WeChat's API, and the only one with the app secret.

extern crate guanxi_spin as spin_sdk;

mod instance;

use guanxi::{
    http::bearer,
    push::{Tools, push},
    store::lease::Refused as NotStarted,
};
use guanxi_spin::{
    Outbound, Response, Stopwatch,
    http::{Method, Request},
    http_service, log, log_sparingly, now, random, random12, respond,
};
use instance::{Instance, credentials, read, unavailable};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

#[http_service]
async fn handle(request: Request) -> Response {
    let watch = Stopwatch::start();
    answer(request, watch).await.unwrap_or_else(|Refused { status, why }| {
        log_sparingly(format_args!("{status}: {why}"));
        // Whoever has the token may know why; whoever has not learns nothing.
        let why = if status == 401 { String::new() } else { why };
        respond(status, TEXT, why)
    })
}

/// The status, and why.
struct Refused {
    status: u16,
    why: String,
}

async fn answer(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if !bearer::allows(authorization, &read("job_token").await?) {
        return Err(Refused { status: 401, why: "wrong or no bearer token".into() });
    }
    match *request.method() {
        Method::GET | Method::POST => run(watch).await,
        _ => Err(Refused { status: 405, why: "not that method here".into() }),
    }
}

async fn run(watch: Stopwatch) -> Result<Response, Refused> {
    let credentials = credentials().await?;
    let instance = Instance::get(&watch).await?;
    let pushes = instance.pushes(&watch).await?;
    let tools = Tools {
        store: &instance.store,
        timer: &watch,
        calls: &Outbound,
        credentials: &credentials,
        journal: &instance.journal,
        nonce: &random12,
    };
    let report = push(&tools, &pushes, now(), random()).await.map_err(|refused| match refused {
        NotStarted::Stopped(stop) => unavailable(stop),
        busy => Refused { status: 409, why: busy.to_string() },
    })?;
    log(format_args!("push: {} sent in {} ms, {:?}", report.sent, report.milliseconds, report.end));
    if !report.set_aside.is_empty() {
        log(format_args!("push: {} damaged records are set aside: see /damaged", report.set_aside.len()));
    }
    Ok(respond(200, JSON, report.json()))
}
