//! `/campaigns` asks for one-off pushes, tries them without sending anything, and lists them. What is asked for is sent by push:
//! this component may reach its store and nothing else.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | POST `/campaigns` | `console_token` | 202: the next run of push takes the campaign up; once, however often it is asked for |
//! | POST `/campaigns?dry_run=1` | `console_token` | 200: who would get it and when, who not and why, what is left of the quota; nothing is written. `&from=<next>` goes on where that answer ended |
//! | GET `/campaigns` | `console_token` | 200: the campaigns that push knows or will, and how far it is |
//!
//! The body is TOML: the keys of one `[[campaigns]]` of the playbook, `at` perhaps `"now"`. The answers are JSON, refusals
//! text.
//!
//! | refused | because |
//! |---|---|
//! | 400 | of the query |
//! | 401 | the token is wrong |
//! | 405 | neither a GET nor a POST |
//! | 408 | the body is not here 5 s after the request began |
//! | 409 | the playbook or another campaign has the id, or too many wait |
//! | 413 | the body is over 64 KiB |
//! | 422 | of what the campaign says: every problem with its place, a line each |
//! | 503 | the store does not answer; ask again |

extern crate guanxi_spin as spin_sdk;

use guanxi::{
    http::{bearer, body::BODY_TIME},
    playbook::{Shelf, Terms},
    push::{
        campaign::request::{self, BODY_MAX, Wish, accept, campaign_of, json, list},
        dry_run::dry_run,
    },
    store::persist,
};
use guanxi_spin::{
    KeyValue, Response, Stopwatch, body_up_to,
    http::{Method, Request},
    http_service, log, log_sparingly, now, respond, variable,
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// What an instance keeps between its requests.
struct Instance {
    store: KeyValue,
    playbooks: Shelf<Terms>,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

/// The status, and why.
struct Refused {
    status: u16,
    why: String,
}

impl Refused {
    fn new(status: u16, why: impl ToString) -> Self {
        Self { status, why: why.to_string() }
    }
}

impl From<request::Refused> for Refused {
    fn from(refused: request::Refused) -> Self {
        Self::new(refused.status(), refused)
    }
}

#[http_service]
async fn handle(request: Request) -> Response {
    let watch = Stopwatch::start();
    answer(request, watch).await.unwrap_or_else(|Refused { status, why }| {
        // Only the first line: problems are for whoever wrote the campaign.
        log_sparingly(format_args!("{status}: {}", why.lines().next().unwrap_or_default()));
        // Whoever has the token may know why; whoever has not learns nothing.
        let why = if status == 401 { String::new() } else { why };
        respond(status, TEXT, why)
    })
}

async fn answer(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let token = variable("console_token").await.map_err(|why| Refused::new(500, why))?;
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if !bearer::allows(authorization, &token) {
        return Err(Refused::new(401, "wrong or no bearer token"));
    }
    match *request.method() {
        Method::GET => {
            let instance = Instance::get(&watch).await?;
            Ok(respond(200, JSON, json(&list(&instance.store).await?)))
        }
        Method::POST => post(request, watch).await,
        _ => Err(Refused::new(405, "not that method here")),
    }
}

async fn post(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let wish = Wish::of_query(request.uri().query().unwrap_or_default())?;
    let body = body_up_to(BODY_MAX, request, &watch, BODY_TIME).await;
    let body = body.map_err(|error| Refused::new(error.status(), error))?;
    // The store's time does not depend on how long the body took.
    let watch = Stopwatch::start();
    let instance = Instance::get(&watch).await?;
    let terms = instance.terms(&watch).await?;
    let asked = campaign_of(&body, &terms, now())?;
    match wish {
        Wish::Ask => {
            let accepted = accept(&instance.store, &watch, &terms, asked, now()).await?;
            log(format_args!("202: campaign {}", accepted.id));
            Ok(respond(202, JSON, json(&accepted)))
        }
        Wish::DryRun { from } => {
            let campaign = (asked.id.as_str(), &asked.campaign);
            let found = dry_run(&instance.store, &watch, &terms.pushes, campaign, now(), from).await;
            Ok(respond(200, JSON, json(&found.map_err(request::Refused::from)?)))
        }
    }
}

impl Instance {
    /// The one of this instance, made at its first request.
    async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        if let Some(instance) = INSTANCE.with(|cell| cell.get().cloned()) {
            return Ok(instance);
        }
        let store = persist(watch, KeyValue::open).await.map_err(|error| Refused::new(503, error))?;
        let load = |bytes: &[u8]| Terms::load(bytes).map_err(|error| error.to_string());
        let playbooks = Shelf::new(BUILT_IN, load);
        let new = Rc::new(Self { store, playbooks });
        Ok(INSTANCE.with(|cell| cell.get_or_init(|| new).clone()))
    }

    /// What the playbook that holds now says.
    async fn terms(&self, watch: &Stopwatch) -> Result<Rc<Terms>, Refused> {
        let holding = async || self.playbooks.holding_at(now(), &self.store, now(), &|line| log(line)).await;
        persist(watch, holding).await.map_err(|error| Refused::new(503, error))
    }
}
