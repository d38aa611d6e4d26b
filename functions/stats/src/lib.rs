//! `/jobs/rollup` folds the journal; reports and one fan's timeline say what came of it.
//!
//! | request | bearer | answer |
//! |---|---|---|
//! | GET, POST `/jobs/rollup` | `job_token` | 200 and what the run did; 409 when another run is at work |
//! | GET `/reports/<name>?days=30&format=csv` | `console_token` | overview, channels, channel, trend, cohorts, paths, questions, pushes, account, publications, rules, stale-rules |
//! | GET `/fans/<openid>` | `console_token` | what is known of one fan |
//! | DELETE `/fans/<openid>` | `console_token` | 202: at the next rollup the fan is forgotten, and the counts stay |
//! | GET `/damaged`, `/damaged/<key>` | `console_token` | the records that were damaged and are set aside; the bytes of one |
//! | DELETE `/damaged/<key>` | `console_token` | 202: at the next rollup it is dropped |
//! | POST `/damaged/<key>/repair` | `console_token` | 202: the next rollups repair it from the journal; 422: no replay does that |
//!
//! 400 says what to write instead, 401 that the token is wrong, 404 that there is no such thing, 409 that
//! another wish waits for the next rollup, 503 that the store does not answer.

extern crate guanxi_spin as spin_sdk;

mod instance;

use guanxi::{
    fold::{
        damaged::{self, Wish},
        rollup::{End, rollup},
    },
    http::log::{Event, Level},
    report::{Ask, Form},
    store::lease::Refused as NotStarted,
};
use guanxi_spin::{
    Response, Stopwatch, component,
    http::{Method, Request},
    http_service, log, now, random,
    reports::Reports,
    respond,
    shell::{JSON, Refused, TEXT, authorized, set_aside},
};
use instance::{Tokens, reports};

const BYTES: &str = "application/octet-stream";
const CSV: &str = "text/csv; charset=utf-8";

#[http_service]
async fn handle(request: Request) -> Response {
    component(env!("CARGO_PKG_NAME"));
    let watch = Stopwatch::start();
    answer(&request, watch).await.unwrap_or_else(Refused::respond)
}

fn bad(error: impl ToString) -> Refused {
    Refused::new(400, error)
}

async fn answer(request: &Request, watch: Stopwatch) -> Result<Response, Refused> {
    let tokens = Tokens::read().await?;
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let token = if path.first() == Some(&"jobs") { &tokens.job } else { &tokens.console };
    authorized(request, token)?;
    let instance = reports(&watch).await?;
    let query = request.uri().query().unwrap_or_default();
    match (request.method(), path.as_slice()) {
        (&Method::GET | &Method::POST, ["jobs", "rollup"]) => run(&instance, watch).await,
        (&Method::GET, ["reports", name]) => {
            let brand = instance.brand(&watch).await?;
            let (ask, form) = Ask::from_request(name, query, now(), &brand.settings).map_err(bad)?;
            report(&instance, &ask, form, &watch).await
        }
        (&Method::GET, ["fans", openid]) => {
            report(&instance, &Ask::Fan(openid.parse().map_err(bad)?), Form::Json, &watch).await
        }
        (&Method::DELETE, ["fans", openid]) => {
            instance.erase(openid.parse().map_err(bad)?, &watch).await?;
            Ok(respond(202, TEXT, "erased at the next rollup"))
        }
        (&Method::GET, ["damaged"]) => {
            Ok(respond(200, JSON, damaged::list(&instance.store).await.map_err(Refused::unavailable)?.json()))
        }
        (&Method::GET, ["damaged", key]) => Ok(respond(200, BYTES, damaged::show(&instance.store, key).await?)),
        (&Method::DELETE, ["damaged", key]) => {
            damaged::wish(&instance.store, &Wish::Drop((*key).to_owned())).await?;
            Ok(respond(202, TEXT, "dropped at the next rollup"))
        }
        (&Method::POST, ["damaged", key, "repair"]) => {
            damaged::wish(&instance.store, &Wish::Repair((*key).to_owned())).await?;
            Ok(respond(202, TEXT, "repaired by the next rollups: /damaged says how far it is"))
        }
        _ => Err(Refused::wrong_method()),
    }
}

async fn run(reports: &Reports, watch: Stopwatch) -> Result<Response, Refused> {
    let brand = reports.brand(&watch).await?;
    let report =
        rollup(&reports.store, &watch, &brand.settings, now(), random()).await.map_err(|refused| match refused {
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

async fn report(reports: &Reports, ask: &Ask, form: Form, watch: &Stopwatch) -> Result<Response, Refused> {
    let brand = reports.brand(watch).await?;
    let moment = reports.moment().await?;
    let sheets = reports.sheets(std::slice::from_ref(ask), &brand, moment).await?;
    let sheet = sheets.into_iter().next().ok_or_else(|| Refused::unavailable("no report was made"))?;
    Ok(match form {
        Form::Json => respond(200, JSON, sheet.json()),
        Form::Csv => respond(200, CSV, sheet.csv()),
    })
}
