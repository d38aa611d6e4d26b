//! What a brand looks at and steers: as pages for people with a browser, and as JSON, CSV and TOML for programs. This component may
//! reach its store and nothing else.
//!
//! Pages: `/` and `/console/…`.
//!
//! | request | session | answer |
//! |---|---|---|
//! | GET `/`, `/console/<page>?…` | yes | 200: the page; `lang=zh` or `lang=en` is kept |
//! | GET `/console/<table>.csv?…` | yes | 200: a table of the page with that query |
//! | GET `/console/campaigns`, `/console/campaign` | yes | 200: the campaigns; the form in which one is written |
//! | POST `/console/campaign` | yes, and its form | 200: what the check says, what it would do, or the second confirmation; 303: confirmed, and asked for |
//! | POST `/console/campaigns/stop` | yes, and its form | 303: nothing more of it goes out |
//! | POST `/console/fan/erase` | yes, and its form | 303: at the next rollup the fan is forgotten |
//! | POST `/console/playbook` | yes, and its form | 200: what was asked of the draft; 303: it is saved, or published |
//! | POST `/console/logout` | yes, and its form | 303: this browser forgets the session |
//! | GET `/console/login` | no | 200: the log-in form |
//! | POST `/console/login` | no | 303 with a session, where the token is right |
//! | GET `/console/style.<hash>.css`, `/console/check.<hash>.js` | no | 200, for ever the same |
//!
//! For programs, with `console_token` as the bearer:
//!
//! | request | answer |
//! |---|---|
//! | GET `/reports/<name>?days=30&format=csv` | 200: overview, channels, channel, channel-days, trend, cohorts, paths, dialogs, questions, pushes, people, requests, given-up, account, publications, rules, stale-rules |
//! | GET `/fans/<openid>` | 200: what is known of one fan |
//! | DELETE `/fans/<openid>` | 202: at the next rollup the fan is forgotten, and the counts stay |
//! | GET `/damaged`, `/damaged/<key>` | 200: the records that were damaged and are set aside; the bytes of one |
//! | DELETE `/damaged/<key>` | 202: at the next rollup it is dropped |
//! | POST `/damaged/<key>/repair` | 202: the next rollups repair it from the journal; 422: no replay does that |
//! | POST `/requests/<number>/resend` | 202: the next run of the outbox posts again what was given up; of all of it with `all` for the number |
//! | POST `/campaigns` | 202: the next run of push takes the campaign up; once, however often it is asked for |
//! | POST `/campaigns?dry_run=1` | 200: who would get it and when, who not and why, what is left of the quota; nothing is written. `&from=<next>` goes on where that answer ended |
//! | GET `/campaigns` | 200: the campaigns that push knows or will, and how far it is |
//! | DELETE `/campaigns?id=<id>` | 202: nothing more of that campaign goes out; what has not left is passed over as `stopped`; 200: it was stopped or over already |
//! | POST `/playbook` | 200: published, and from when on it holds; the same one again changes nothing. `?by=…&why=…` are kept with it |
//!
//! A body is TOML: a playbook, or the keys of one `[[campaigns]]` of the playbook, `at` perhaps `"now"`. Refusals are pages to a
//! browser and text to a program.
//!
//! | refused | because |
//! |---|---|
//! | 400 | a value in the address, query or form is none; what to write instead |
//! | 401 | there is no session, or the token is wrong: the log-in form, or nothing |
//! | 403 | the form is of another session |
//! | 404 | there is no such page, fan, record, or campaign, or no such request was given up |
//! | 405 | no such method here |
//! | 408, 413 | the body is not here 5 s after the request began; a form is over 8 KiB, one with a campaign over 200 KiB, with a playbook over 3 MiB and a little, a campaign over 64 KiB, a playbook over 1 MiB |
//! | 409 | the campaign's id is taken, or too many wait; another draft was saved or another playbook published meanwhile; another wish for a damaged record waits for the next rollup, or one for a request for the outbox |
//! | 422 | what the campaign or the playbook says is refused, every problem with its place |
//! | 429 | too many wrong tokens wait; the right one is let in all the same |
//! | 503 | the store does not answer; ask again |

extern crate guanxi_spin as spin_sdk;

mod api;
mod instance;
mod pages;

use guanxi::console::{HEADERS, PRIVATE};
use guanxi_spin::{Response, Stopwatch, component, http::Request, http_service, shell::Refused};

const CSV: &str = "text/csv; charset=utf-8";

#[http_service]
async fn handle(request: Request) -> Response {
    component(env!("CARGO_PKG_NAME"));
    let watch = Stopwatch::start();
    let is_page = matches!(request.uri().path().split('/').nth(1), Some("" | "console"));
    let answer = if is_page { pages::answer(request, watch).await } else { api::answer(request, watch).await };
    let mut response = answer.unwrap_or_else(Refused::respond);
    for (name, value) in HEADERS.into_iter().chain([("cache-control", PRIVATE)]) {
        // What has one of its own keeps it.
        if !response.headers().contains_key(name) {
            set(&mut response, name, value);
        }
    }
    response
}

/// Adds a header. One whose value HTTP forbids is left out; ours are none of these.
fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().append(name, value);
    }
}
