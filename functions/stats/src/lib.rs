//! `/jobs/rollup` folds the journal into fans, lists and counts.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | GET, POST `/jobs/rollup` | `job_token` | 200 and what the run did; 409 when another run is at work |
//!
//! 401 says that the token is wrong, 503 that the store does not answer.

extern crate guanxi_spin as spin_sdk;

mod instance;

use guanxi::{fold::rollup::rollup, store::lease::Refused as NotStarted};
use guanxi_spin::{
    Response, Stopwatch,
    http::{Method, Request},
    http_service, log, now, random, respond,
    shell::{JSON, Refused, authorized, required},
};
use instance::Instance;

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
    let instance = Instance::get(&watch).await?;
    let settings = instance.settings(&watch).await?;
    let report =
        rollup(&instance.store, &watch, &*settings, now(), random()).await.map_err(|refused| match refused {
            NotStarted::Stopped(stop) => Refused::unavailable(stop),
            busy => Refused::new(409, busy),
        })?;
    log(format_args!("rollup: {} entries in {} ms, {:?}", report.entries, report.milliseconds, report.end));
    if !report.set_aside.is_empty() {
        log(format_args!("rollup: {} damaged records are set aside: see /damaged", report.set_aside.len()));
    }
    Ok(respond(200, JSON, report.json()))
}
