//! `/healthz`, `/jobs/status` and `/metrics`: how the installation runs. Changes nothing: a counter is read by adding 0 to it.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | GET `/healthz` | none | 200 `ok` when the store answers, else an empty 503; within a second, and asked once a second at most |
//! | GET `/jobs/status` | `job_token` | backlog, last runs, today's pushes, token, quotas, alarms, damaged records, as JSON |
//! | GET `/metrics` | `job_token` | the same for Prometheus |
//!
//! 401 says that the token is wrong, 405 that it is no GET, 503 that the store does not answer, or not all of it in 4 s: there is no
//! half of an answer.

extern crate guanxi_spin as spin_sdk;

use guanxi::{
    fold::{damaged::WISH, rollup::backlog_now},
    http::{
        health::Health,
        log::{Event, Level},
    },
    playbook::{Shelf, Terms},
    report::{Brand, METRICS, Moment, Status},
    store::{BUDGET, Store, load, race},
};
use guanxi_spin::{
    KeyValue, Response, Stopwatch, component,
    http::{HeaderValue, Method, Request},
    http_service, log_sparingly, now, respond,
    shell::{JSON, Refused, TEXT, authorized, instance, playbook_now, required, store},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component: its offset says when a day begins.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

/// What an instance keeps of `/healthz`.
struct Probe {
    health: Health,
    /// Since the instance's first request.
    clock: Stopwatch,
    store: OnceCell<KeyValue>,
}

/// What an instance keeps of the rest.
struct Instance {
    store: KeyValue,
    playbooks: Shelf<Brand>,
}

thread_local! {
    static PROBE: Rc<Probe> =
        Rc::new(Probe { health: Health::default(), clock: Stopwatch::start(), store: OnceCell::new() });
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

#[http_service]
async fn handle(request: Request) -> Response {
    component(env!("CARGO_PKG_NAME"));
    let mut response = answer(&request).await.unwrap_or_else(Refused::respond);
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
    response
}

async fn answer(request: &Request) -> Result<Response, Refused> {
    if request.method() != Method::GET {
        return Err(Refused::wrong_method());
    }
    if request.uri().path() == "/healthz" {
        return Ok(healthz().await);
    }
    authorized(request, &required("job_token").await?)?;
    let watch = Stopwatch::start();
    let status = race(&watch, BUDGET, status(&watch)).await;
    let status = status.unwrap_or_else(|| Err(Refused::unavailable("the store did not answer in time")))?;
    Ok(match request.uri().path() {
        "/metrics" => respond(200, METRICS, status.metrics()),
        _ => respond(200, JSON, status.json()),
    })
}

async fn healthz() -> Response {
    let probe = PROBE.with(Rc::clone);
    match probe.health.answers(&probe.clock, async || probe.ask().await).await {
        true => respond(200, TEXT, "ok"),
        false => respond(503, TEXT, ""),
    }
}

impl Probe {
    /// Whether a key can be read that hardly ever is there.
    async fn ask(&self) -> bool {
        let read = async {
            let store = match self.store.get() {
                Some(store) => store,
                None => {
                    let new = KeyValue::open().await?;
                    self.store.get_or_init(|| new)
                }
            };
            store.get(WISH).await
        };
        let read = read.await;
        if let Err(error) = &read {
            let says = error.to_string();
            log_sparingly(Event { level: Level::Error, name: "unhealthy", numbers: &[], says: &says });
        }
        read.is_ok()
    }
}

async fn status(watch: &Stopwatch) -> Result<Status, Refused> {
    let load_brand = |published: Option<&[u8]>| {
        let terms = Terms::load(published.unwrap_or(BUILT_IN)).map_err(|error| error.to_string())?;
        Ok(Brand::from(&terms))
    };
    let open = async || Ok(Instance { store: store(watch).await?, playbooks: Shelf::new(load_brand) });
    let instance = instance(&INSTANCE, open).await?;
    let brand = playbook_now(&instance.playbooks, &instance.store, watch).await?;
    let backlog = backlog_now(&instance.store).await.map_err(Refused::unavailable)?;
    let moment = Moment { now: now(), backlog: Some(backlog) };
    let records = load(&instance.store, Status::keys(&brand, moment)).await.map_err(Refused::unavailable)?;
    Status::of(&brand, moment, &records).map_err(Refused::unavailable)
}
