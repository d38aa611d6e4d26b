//! The addresses for programs.

use crate::{CSV, instance::Instance};
use guanxi::{
    fold::damaged::{self, Wish as DamagedWish},
    http::body::BODY_TIME,
    outbox::resend,
    playbook::publish::{
        request::{self as publishing, Issue, playbook_of, publish_once},
        sources::Note,
    },
    push::{
        dry_run::dry_run,
        requests::{self, BODY_MAX, Wish, accept, campaign_of, json, list, stop, to_stop},
    },
    report::{Ask, Form},
};
use guanxi_spin::{
    Response, Stopwatch, body_up_to,
    http::{Method, Request},
    now, random, respond,
    shell::{JSON, Refused, TEXT, authorized, note_campaign, publication, required},
};

const BYTES: &str = "application/octet-stream";

pub(crate) async fn answer(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    authorized(&request, &required("console_token").await?)?;
    let (uri, method) = (request.uri().clone(), request.method().clone());
    let query = uri.query().unwrap_or_default();
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    match (&method, path.as_slice()) {
        // The store's time does not depend on how long a body takes.
        (&Method::POST, ["playbook"]) => publish(request, query, watch).await,
        (&Method::POST, ["campaigns"]) => ask(request, query, watch).await,
        _ => told(&method, &path, query, &watch).await,
    }
}

/// What is asked without a body.
async fn told(method: &Method, path: &[&str], query: &str, watch: &Stopwatch) -> Result<Response, Refused> {
    let instance = Instance::get(watch).await?;
    let store = &instance.store;
    match (method, path) {
        (&Method::GET, ["reports", name]) => {
            let playbook = instance.playbook(watch).await?;
            let (ask, form) = Ask::from_request(name, query, now(), &playbook.brand.settings).map_err(bad)?;
            report(&instance, &ask, form, watch).await
        }
        (&Method::GET, ["fans", openid]) => {
            report(&instance, &Ask::Fan(openid.parse().map_err(bad)?), Form::Json, watch).await
        }
        (&Method::DELETE, ["fans", openid]) => {
            instance.erase(openid.parse().map_err(bad)?, watch).await?;
            Ok(respond(202, TEXT, "erased at the next rollup"))
        }
        (&Method::GET, ["damaged"]) => {
            Ok(respond(200, JSON, damaged::list(store).await.map_err(Refused::unavailable)?.json()))
        }
        (&Method::GET, ["damaged", key]) => Ok(respond(200, BYTES, damaged::show(store, key).await?)),
        (&Method::DELETE, ["damaged", key]) => {
            damaged::wish(store, &DamagedWish::Drop((*key).to_owned())).await?;
            Ok(respond(202, TEXT, "dropped at the next rollup"))
        }
        (&Method::POST, ["damaged", key, "repair"]) => {
            damaged::wish(store, &DamagedWish::Repair((*key).to_owned())).await?;
            Ok(respond(202, TEXT, "repaired by the next rollups: /damaged says how far it is"))
        }
        (&Method::POST, ["requests", number, "resend"]) => {
            resend::wish(store, number).await?;
            Ok(respond(202, TEXT, "sent again by the next run of the outbox"))
        }
        (&Method::GET, ["campaigns"]) => Ok(respond(200, JSON, json(&list(store).await?))),
        (&Method::DELETE, ["campaigns"]) => {
            let terms = &instance.playbook(watch).await?.terms;
            let stopped = stop(store, watch, terms, to_stop(query)?, now()).await?;
            let status = if stopped.known || stopped.over { 200 } else { 202 };
            note_campaign("campaign_stopped", &stopped.id);
            Ok(respond(status, JSON, json(&stopped)))
        }
        _ => Err(Refused::wrong_method()),
    }
}

fn bad(error: impl ToString) -> Refused {
    Refused::new(400, error)
}

async fn report(instance: &Instance, ask: &Ask, form: Form, watch: &Stopwatch) -> Result<Response, Refused> {
    let playbook = instance.playbook(watch).await?;
    let moment = instance.moment().await?;
    let sheets = instance.sheets(std::slice::from_ref(ask), &playbook.brand, moment).await?;
    let sheet = sheets.into_iter().next().ok_or_else(|| Refused::unavailable("no report was made"))?;
    Ok(match form {
        Form::Json => respond(200, JSON, sheet.json()),
        Form::Csv => respond(200, CSV, sheet.csv()),
    })
}

async fn ask(request: Request, query: &str, watch: Stopwatch) -> Result<Response, Refused> {
    let wish = Wish::of_query(query)?;
    let body = body_up_to(BODY_MAX, request, &watch, BODY_TIME).await?;
    let watch = Stopwatch::start();
    let instance = Instance::get(&watch).await?;
    let terms = &instance.playbook(&watch).await?.terms;
    let wished = campaign_of(&body, terms, now())?;
    match wish {
        Wish::Ask => {
            let accepted = accept(&instance.store, &watch, terms, wished, now()).await?;
            note_campaign("campaign_asked", &accepted.id);
            Ok(respond(202, JSON, json(&accepted)))
        }
        Wish::DryRun { from } => {
            let campaign = (wished.id.as_str(), &wished.campaign);
            let found = dry_run(&instance.store, &watch, &terms.pushes, campaign, now(), from).await;
            Ok(respond(200, JSON, json(&found.map_err(requests::Refused::from)?)))
        }
    }
}

async fn publish(request: Request, query: &str, watch: Stopwatch) -> Result<Response, Refused> {
    let note = Note::of_query(query).map_err(publishing::Refused::from)?;
    let body = body_up_to(publishing::BODY_MAX, request, &watch, BODY_TIME).await?;
    let (source, compiled) = playbook_of(&body)?;
    let watch = Stopwatch::start();
    let instance = Instance::get(&watch).await?;
    let issue = Issue { source, compiled: &compiled, note: &note };
    let published = publish_once(&instance.store, &watch, issue, random(), now()).await?;
    publication(published.number);
    Ok(respond(200, JSON, json(&published)))
}
