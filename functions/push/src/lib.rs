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
    http::log::{Event, Level},
    push::{End, Report, Tools, push},
    store::lease::Refused as NotStarted,
};
use guanxi_spin::{
    Outbound, Response, Stopwatch, component,
    http::{Method, Request},
    http_service, log, now, random, random12, respond,
    shell::{JSON, Refused, authorized, required, set_aside},
};
use instance::{Instance, credentials};

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
    let (level, says) = match (&report.end, &report.halted) {
        (End::Failed(why), _) => (Level::Error, why.as_str()),
        (_, Some(why)) => (Level::Warn, why.as_str()),
        (End::TimeUp, None) => (Level::Info, "its time was up: the next run goes on"),
        (End::Done, None) => (Level::Info, ""),
    };
    let Report { planned, sent, refused, unknown, waiting, milliseconds, .. } = report;
    let numbers = [
        ("planned", planned),
        ("sent", sent),
        ("refused", refused),
        ("unknown", unknown),
        ("waiting", waiting),
        ("milliseconds", milliseconds),
    ];
    log(Event { level, name: "push", numbers: &numbers, says });
    set_aside(report.set_aside.len());
    Ok(respond(200, JSON, report.json()))
}
