//! `/jobs/outbox` posts what fans ask the brand for to its webhook, signed by the Standard Webhooks convention.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | GET, POST `/jobs/outbox` | `job_token` | 200 and what the run did; 409 when another run is at work |
//!
//! Without `webhook_url` nothing is posted, and requests stay on their list for 14 days. 401 says that the token is wrong, 500 that a
//! variable is, 503 that the store does not answer. This is the only component that may reach the webhook, and the only one with its
//! secret.

extern crate guanxi_spin as spin_sdk;

use guanxi::{
    http::log::{Event, Level},
    journal::orders::webhook::Secret,
    outbox::{Address, End, Report, Tools, deliver},
    playbook::{Shelf, Terms},
    store::lease::Refused as NotStarted,
    time::UtcOffset,
};
use guanxi_spin::{
    KeyValue, Response, Stopwatch, Webhook, component,
    http::{Method, Request},
    http_service, log, now, random, respond,
    shell::{JSON, Refused, authorized, instance, playbook_now, required, store},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component: its offset is that of receipts.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));
/// What a run without a webhook answers.
const NO_WEBHOOK: &str = r#"{"end":"webhook_url is empty: nothing is posted"}"#;

/// What an instance keeps between its requests.
struct Instance {
    store: KeyValue,
    playbooks: Shelf<UtcOffset>,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

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
    let Some((address, secret)) = webhook().await? else { return Ok(respond(200, JSON, NO_WEBHOOK)) };
    let instance = Instance::get(&watch).await?;
    let offset = *playbook_now(&instance.playbooks, &instance.store, &watch).await?;
    let (store, timer) = (&instance.store, &watch);
    let tools = Tools { store, timer, posts: &Webhook, address: &address, secret: &secret, offset };
    let report = deliver(&tools, now(), random()).await.map_err(|refused| match refused {
        NotStarted::Stopped(stop) => Refused::unavailable(stop),
        busy => Refused::new(409, busy),
    })?;
    let Report { delivered, failed, given_up, waiting, milliseconds, .. } = report;
    let (level, says) = match &report.end {
        End::Failed(why) => (Level::Error, why.as_str()),
        _ if given_up > 0 => (Level::Error, "requests were given up: see /reports/requests"),
        _ if failed > 0 => (Level::Warn, "the webhook did not take all of them"),
        End::TimeUp => (Level::Info, "its time was up: the next run goes on"),
        End::Done => (Level::Info, ""),
    };
    let numbers = [
        ("delivered", delivered),
        ("failed", failed),
        ("given_up", given_up),
        ("waiting", waiting),
        ("milliseconds", milliseconds),
    ];
    log(Event { level, name: "outbox", numbers: &numbers, says });
    Ok(respond(200, JSON, report.json()))
}

/// Where the webhook is, and what it checks signatures with; none: there is none.
async fn webhook() -> Result<Option<(Address, Secret)>, Refused> {
    let url = required("webhook_url").await?;
    if url.is_empty() {
        return Ok(None);
    }
    let address = Address::new(&url, &required("webhook_path").await?).map_err(Refused::misconfigured)?;
    let secret = required("webhook_secret").await?;
    let secret = secret.parse().map_err(|error| Refused::misconfigured(format!("variable webhook_secret: {error}")))?;
    Ok(Some((address, secret)))
}

impl Instance {
    /// The one of this instance, made at its first request.
    async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let load = |published: Option<&[u8]>| {
                Terms::load(published.unwrap_or(BUILT_IN))
                    .map(|terms| terms.utc_offset)
                    .map_err(|error| error.to_string())
            };
            Ok(Self { store: store(watch).await?, playbooks: Shelf::new(load) })
        })
        .await
    }
}
