//! The console: `/` and `/console/…` show the reports as pages. This component may reach its store and nothing else.
//!
//! | request | session | answer |
//! |---|---|---|
//! | GET `/`, `/console/<page>?…` | yes | 200: the page; `lang=zh` or `lang=en` is kept |
//! | GET `/console/<table>.csv?…` | yes | 200: a table of the page with that query |
//! | POST `/console/fan/erase` | yes, and its form | 303: at the next rollup the fan is forgotten |
//! | POST `/console/playbook` | yes, and its form | 200: what was asked of the draft; 303: it is saved, or published |
//! | POST `/console/logout` | yes, and its form | 303: this browser forgets the session |
//! | GET `/console/login` | no | 200: the log-in form |
//! | POST `/console/login` | no | 303 with a session, where the token is right |
//! | GET `/console/style.<hash>.css` | no | 200, for ever the same |
//!
//! | refused | because |
//! |---|---|
//! | 400 | a value in the address or form is none |
//! | 401 | there is no session, or the token is wrong: the log-in form |
//! | 403 | the form is of another session |
//! | 404 | there is no such page, or no such fan |
//! | 405 | no such method here |
//! | 408, 413 | the form is not here 5 s after the request began; it is over 8 KiB, of the playbook over 3 MiB and a little |
//! | 409 | another draft was saved or another playbook published meanwhile; the page shows it |
//! | 422 | the playbook has errors, which the page shows |
//! | 429 | too many wrong tokens wait; the right one is let in all the same |
//! | 503 | the store does not answer; ask again |

extern crate guanxi_spin as spin_sdk;

mod playbook;

use guanxi::{
    console::{
        self, Failure, HEADERS, IMMUTABLE, Language, PRIVATE, Page, Posted, Retry, STYLE, STYLE_ADDRESS, Step, View,
        desk,
        session::{self, Door, LANGUAGE_COOKIE, Session, WRONG_DELAY, Wrong},
    },
    http::body::BODY_TIME,
    store::Timer,
};
use guanxi_spin::{
    Response, Stopwatch, body_up_to,
    http::{Method, Request},
    http_service, now, random16,
    reports::{Reports, brand_of},
    respond,
    shell::{Refused, instance, required},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));
/// The longest form, in bytes.
const BODY_MAX: usize = 8 * 1024;
const HTML: &str = "text/html; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

thread_local! {
    static INSTANCE: OnceCell<Rc<Reports>> = const { OnceCell::new() };
    static WRONG: Wrong = Wrong::default();
}

/// What a request says besides what it asks for.
struct Guest {
    language: Language,
    cookies: String,
    session: Option<Session>,
    token: String,
}

impl Guest {
    async fn of(request: &Request) -> Result<Self, Refused> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let cookies = header("cookie").to_owned();
        let asked = console::language_asked(request.uri().query().unwrap_or_default());
        let kept = || session::cookie(&cookies, LANGUAGE_COOKIE).and_then(Language::of_code);
        let language =
            asked.or_else(kept).or_else(|| Language::accepted(header("accept-language"))).unwrap_or_default();
        let token = required("console_token").await?;
        Ok(Self { language, session: Door::new(&token).session(&cookies, now()), cookies, token })
    }

    fn door(&self) -> Door<'_> {
        Door::new(&self.token)
    }

    fn failed(&self, failure: Failure) -> Response {
        let csrf = self.session.as_ref().map(|session| session.csrf.as_str());
        respond(failure.status(), HTML, console::failed(self.language, csrf, failure))
    }

    fn login(&self, status: u16, to: &Page, retry: Option<Retry>) -> Response {
        respond(status, HTML, console::login(self.language, to, retry))
    }
}

#[http_service]
async fn handle(request: Request) -> Response {
    let watch = Stopwatch::start();
    let asked = console::language_asked(request.uri().query().unwrap_or_default());
    let mut response = answer(request, watch).await.unwrap_or_else(Refused::respond);
    for (name, value) in HEADERS {
        set(&mut response, name, value);
    }
    if !response.headers().contains_key("cache-control") {
        set(&mut response, "cache-control", PRIVATE);
    }
    if let Some(language) = asked {
        set(&mut response, "set-cookie", &session::language_kept(language.code()));
    }
    response
}

/// Adds a header. One whose value HTTP forbids is left out; ours are none of these.
fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().append(name, value);
    }
}

async fn answer(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let (path, is_get) = (request.uri().path().to_owned(), request.method() == Method::GET);
    if is_get && path == *STYLE_ADDRESS {
        let mut response = respond(200, CSS, STYLE);
        set(&mut response, "cache-control", IMMUTABLE);
        return Ok(response);
    }
    let guest = Guest::of(&request).await?;
    let answered = match (request.method(), path.as_str(), &guest.session) {
        (&Method::POST, "/console/login", _) => login(request, &guest, watch).await,
        (&Method::GET, "/console/login", _) => Ok(guest.login(200, &Page::home(), None)),
        (&Method::POST, "/console/logout" | "/console/fan/erase" | "/console/playbook", Some(session)) => {
            post(request, &path, &guest, session, watch).await
        }
        (&Method::GET, path, session) => {
            let query = request.uri().query().unwrap_or_default();
            match (Page::at(path, query), session) {
                (Ok(Some((page, _))), None) => Ok(guest.login(401, &page, None)),
                (_, None) => Ok(guest.login(401, &Page::home(), None)),
                (Ok(Some((Page::Playbook(asked), None))), Some(session)) => {
                    playbook::show(&guest, session, asked, &watch).await
                }
                (Ok(Some((page, table))), Some(session)) => show(&guest, session, &page, table, &watch).await,
                (Ok(None), Some(_)) => Ok(guest.failed(Failure::NotFound)),
                (Err(wrong), Some(_)) => Ok(guest.failed(Failure::WrongAddress(wrong))),
            }
        }
        (&Method::POST, _, None) => Ok(guest.login(401, &Page::home(), None)),
        _ => Err(Refused::wrong_method()),
    };
    answered.or_else(|refused| match refused.status {
        503 => {
            refused.note();
            Ok(guest.failed(Failure::NoAnswer))
        }
        _ => Err(refused),
    })
}

/// A page, or one of its tables.
async fn show(
    guest: &Guest,
    session: &Session,
    page: &Page,
    table: Option<&str>,
    watch: &Stopwatch,
) -> Result<Response, Refused> {
    let reports = reports(watch).await?;
    let (brand, moment) = (reports.brand(watch).await?, reports.moment().await?);
    let (status, sheets) = match reports.sheets(&page.asks(&brand, moment), &brand, moment).await {
        Err(refused) if refused.status == 404 => (404, Vec::new()),
        sheets => (200, sheets?),
    };
    if let Some(name) = table {
        let Some(csv) = console::csv(page, &sheets, name) else { return Ok(guest.failed(Failure::NotFound)) };
        let mut response = respond(200, CSV, csv);
        set(&mut response, "content-disposition", &format!("attachment; filename=\"{name}.csv\""));
        return Ok(response);
    }
    let view = View { language: guest.language, csrf: &session.csrf, page, brand: &brand, moment };
    Ok(respond(status, HTML, console::page(&view, &sheets)))
}

/// The reports of this instance, opened at its first request.
async fn reports(watch: &Stopwatch) -> Result<Rc<Reports>, Refused> {
    let load = |published: Option<&[u8]>| brand_of(published.unwrap_or(BUILT_IN));
    instance(&INSTANCE, async || Reports::open(load, watch).await).await
}

async fn login(request: Request, guest: &Guest, watch: Stopwatch) -> Result<Response, Refused> {
    let posted = Posted::parse(&body_up_to(BODY_MAX, request, &watch, BODY_TIME).await?);
    let to = posted.page("to");
    if guest.door().is_token(posted.get("token")) {
        return Ok(see_other(&to, Some(guest.door().open(now(), random16(), posted.get("name")))));
    }
    Refused::silent(401, "a wrong console token").note();
    let Some(_waiting) = WRONG.with(Wrong::wait) else { return Ok(guest.login(429, &to, Some(Retry::TooMany))) };
    watch.sleep(WRONG_DELAY).await;
    Ok(guest.login(401, &to, Some(Retry::Wrong)))
}

/// What changes something: only by a form of the session.
async fn post(
    request: Request,
    path: &str,
    guest: &Guest,
    session: &Session,
    watch: Stopwatch,
) -> Result<Response, Refused> {
    let max = if path == "/console/playbook" { desk::BODY_MAX } else { BODY_MAX };
    let posted = Posted::parse(&body_up_to(max, request, &watch, BODY_TIME).await?);
    if !guest.door().is_form_of(&guest.cookies, posted.get("csrf")) {
        return Ok(guest.failed(Failure::StaleForm));
    }
    if path == "/console/logout" {
        return Ok(see_other(&Page::home(), Some(session::closed())));
    }
    if path == "/console/playbook" {
        return playbook::post(guest, session, &posted).await;
    }
    let openid = posted.get("openid");
    let fan = openid.parse().map_err(|error| Refused::new(400, error))?;
    // The store's time does not depend on how long the form took.
    let watch = Stopwatch::start();
    reports(&watch).await?.erase(fan, &watch).await?;
    Ok(see_other(&Page::Fan(openid.to_owned(), Step::Erased), None))
}

fn see_other(page: &Page, cookie: Option<String>) -> Response {
    let mut response = respond(303, HTML, "");
    set(&mut response, "location", &page.address());
    if let Some(cookie) = cookie {
        set(&mut response, "set-cookie", &cookie);
    }
    response
}
