//! What the console writes. `/campaigns` asks for one-off pushes, tries them without sending anything, stops and lists them; what
//! is asked for is sent by push. `/playbook` publishes. This component may reach its store and nothing else.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | POST `/campaigns` | `console_token` | 202: the next run of push takes the campaign up; once, however often it is asked for |
//! | POST `/campaigns?dry_run=1` | `console_token` | 200: who would get it and when, who not and why, what is left of the quota; nothing is written. `&from=<next>` goes on where that answer ended |
//! | GET `/campaigns` | `console_token` | 200: the campaigns that push knows or will, and how far it is |
//! | DELETE `/campaigns?id=<id>` | `console_token` | 202: nothing more of that campaign goes out; what has not left is passed over as `stopped`; 200: it was stopped or over already |
//! | POST `/playbook` | `console_token` | 200: published, and from when on it holds; the same one again changes nothing. `?by=…&why=…` are kept with it |
//!
//! The body is TOML: a playbook, or the keys of one `[[campaigns]]` of the playbook, `at` perhaps `"now"`. The answers are JSON, refusals
//! text.
//!
//! | refused | because |
//! |---|---|
//! | 400 | of the query |
//! | 401 | the token is wrong |
//! | 404 | there is no campaign of that id |
//! | 405 | no such method here |
//! | 408 | the body is not here 5 s after the request began |
//! | 409 | the playbook or another campaign has the id, or too many wait; another playbook was published within this minute |
//! | 413 | the body is over 64 KiB, a playbook over 1 MiB |
//! | 422 | of what the campaign or the playbook says: every problem with its place, a line each |
//! | 503 | the store does not answer; ask again |

extern crate guanxi_spin as spin_sdk;

use guanxi::{
    http::body::BODY_TIME,
    playbook::{
        Shelf, Terms,
        publish::{
            request::{self as publishing, Issue, playbook_of, publish_once},
            sources::Note,
        },
    },
    push::{
        dry_run::dry_run,
        requests::{self, BODY_MAX, Wish, accept, campaign_of, json, list, stop, to_stop},
    },
};
use guanxi_spin::{
    KeyValue, Response, Stopwatch, body_up_to, component,
    http::{Method, Request},
    http_service, now, random, respond,
    shell::{JSON, Refused, asked, authorized, instance, playbook_now, publication, required, store},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

/// What an instance keeps between its requests.
struct Instance {
    store: KeyValue,
    playbooks: Shelf<Terms>,
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
    authorized(&request, &required("console_token").await?)?;
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/playbook") => publish(request, watch).await,
        (&Method::GET, "/campaigns") => {
            let instance = Instance::get(&watch).await?;
            Ok(respond(200, JSON, json(&list(&instance.store).await?)))
        }
        (&Method::POST, "/campaigns") => post(request, watch).await,
        (&Method::DELETE, "/campaigns") => halt(&request, &watch).await,
        _ => Err(Refused::wrong_method()),
    }
}

async fn post(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let wish = Wish::of_query(request.uri().query().unwrap_or_default())?;
    let body = body_up_to(BODY_MAX, request, &watch, BODY_TIME).await?;
    // The store's time does not depend on how long the body took.
    let watch = Stopwatch::start();
    let instance = Instance::get(&watch).await?;
    let terms = instance.terms(&watch).await?;
    let wished = campaign_of(&body, &terms, now())?;
    match wish {
        Wish::Ask => {
            let accepted = accept(&instance.store, &watch, &terms, wished, now()).await?;
            asked("campaign_asked", &accepted.id);
            Ok(respond(202, JSON, json(&accepted)))
        }
        Wish::DryRun { from } => {
            let campaign = (wished.id.as_str(), &wished.campaign);
            let found = dry_run(&instance.store, &watch, &terms.pushes, campaign, now(), from).await;
            Ok(respond(200, JSON, json(&found.map_err(requests::Refused::from)?)))
        }
    }
}

async fn halt(request: &Request, watch: &Stopwatch) -> Result<Response, Refused> {
    let id = to_stop(request.uri().query().unwrap_or_default())?;
    let instance = Instance::get(watch).await?;
    let terms = instance.terms(watch).await?;
    let stopped = stop(&instance.store, watch, &terms, id, now()).await?;
    let status = if stopped.known || stopped.over { 200 } else { 202 };
    asked("campaign_stopped", &stopped.id);
    Ok(respond(status, JSON, json(&stopped)))
}

async fn publish(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let note = Note::of_query(request.uri().query().unwrap_or_default()).map_err(publishing::Refused::from)?;
    let body = body_up_to(publishing::BODY_MAX, request, &watch, BODY_TIME).await?;
    let (source, compiled) = playbook_of(&body)?;
    let watch = Stopwatch::start();
    let instance = Instance::get(&watch).await?;
    let issue = Issue { source, compiled: &compiled, note: &note };
    let published = publish_once(&instance.store, &watch, issue, random(), now()).await?;
    publication(published.number);
    Ok(respond(200, JSON, json(&published)))
}

impl Instance {
    /// The one of this instance, made at its first request.
    async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let load = |published: Option<&[u8]>| {
                Terms::load(published.unwrap_or(BUILT_IN)).map_err(|error| error.to_string())
            };
            Ok(Self { store: store(watch).await?, playbooks: Shelf::new(load) })
        })
        .await
    }

    /// What the playbook that holds now says.
    async fn terms(&self, watch: &Stopwatch) -> Result<Rc<Terms>, Refused> {
        playbook_now(&self.playbooks, &self.store, watch).await
    }
}
