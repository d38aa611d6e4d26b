//! `/jobs/rollup` folds the journal into fans, lists and counts.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | GET, POST `/jobs/rollup` | `job_token` | 200 and what the run did; 409 when another run is at work |
//!
//! 401 says that the token is wrong, 503 that the store does not answer.

extern crate guanxi_spin as spin_sdk;

mod instance;

use guanxi::{
    fold::rollup::{End, rollup},
    http::log::{Event, Level},
    store::lease::Refused as NotStarted,
};
use guanxi_spin::{
    Response, Stopwatch, component,
    http::{Method, Request},
    http_service, log, now, random, respond,
    shell::{JSON, Refused, authorized, required, set_aside},
};
use instance::Instance;

#[http_service]
async fn handle(request: Request) -> Response {
    component(env!("CARGO_PKG_NAME"));
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
    let (level, says) = match &report.end {
        End::Done => (Level::Info, ""),
        End::TimeUp => (Level::Info, "its time was up: the next run goes on"),
        End::Failed(why) => (Level::Error, why.as_str()),
    };
    let numbers = [("entries", report.entries), ("milliseconds", report.milliseconds), ("damaged", report.damaged)];
    log(Event { level, name: "rollup", numbers: &numbers, says });
    set_aside(report.set_aside.len());
    Ok(respond(200, JSON, report.json()))
}
