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
    push::{Tools, push},
    store::lease::Refused as NotStarted,
};
use guanxi_spin::{
    Outbound, Response, Stopwatch,
    http::{Method, Request},
    http_service, log, now, random, random12, respond,
    shell::{JSON, Refused, authorized, required},
};
use instance::{Instance, credentials};

#[http_service]
async fn handle(request: Request) -> Response {
    let watch = Stopwatch::start();
    answer(request, watch).await.unwrap_or_else(Refused::respond)
}

async fn answer(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    authorized(&request, &required("job_token").await?)?;
    match *request.method() {
        Method::GET | Method::POST => run(watch).await,
        _ => Err(Refused::wrong_method()),
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
        NotStarted::Stopped(stop) => Refused::unavailable(stop),
        busy => Refused::new(409, busy),
    })?;
    log(format_args!("push: {} sent in {} ms, {:?}", report.sent, report.milliseconds, report.end));
    if !report.set_aside.is_empty() {
        log(format_args!("push: {} damaged records are set aside: see /damaged", report.set_aside.len()));
    }
    Ok(respond(200, JSON, report.json()))
}
