//! The pages, behind a log-in.

mod playbook;

use crate::{
    CSV,
    instance::{Instance, Playbook},
    set,
};
use guanxi::{
    console::{
        self, Draft, Failure, IMMUTABLE, Language, Note, Page, Posted, Retry, SCRIPT, SCRIPT_ADDRESS, STYLE,
        STYLE_ADDRESS, Step, View,
        campaign::{self, FORM_MAX, Said},
        desk,
        session::{self, Door, LANGUAGE_COOKIE, Session, WRONG_DELAY, Wrong},
    },
    http::body::BODY_TIME,
    playbook::Terms,
    push::requests::{self, list, stop},
    store::Timer,
};
use guanxi_spin::{
    Response, Stopwatch, body_up_to,
    http::{Method, Request},
    now, random16, respond,
    shell::{Refused, note_campaign, required},
};

/// The longest form, in bytes.
const BODY_MAX: usize = 8 * 1024;
/// Where the forms of a session lead.
const POSTS: [&str; 5] =
    ["/console/logout", "/console/fan/erase", "/console/campaign", "/console/campaigns/stop", "/console/playbook"];
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

thread_local! {
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

    /// The page on which a campaign is written.
    fn draft(&self, terms: Option<&Terms>, text: Option<&str>, said: &Said) -> Response {
        let csrf = self.session.as_ref().map(|session| session.csrf.as_str()).unwrap_or_default();
        let draft = Draft { language: self.language, csrf, terms, text, said, now: now() };
        respond(said.status(), HTML, console::draft(&draft))
    }

    fn login(&self, status: u16, to: &Page, retry: Option<Retry>) -> Response {
        respond(status, HTML, console::login(self.language, to, retry))
    }
}

pub(crate) async fn answer(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let asked = console::language_asked(request.uri().query().unwrap_or_default());
    let mut answer = page(request, watch).await;
    if let (Ok(response), Some(language)) = (&mut answer, asked) {
        set(response, "set-cookie", &session::language_kept(language.code()));
    }
    answer
}

async fn page(request: Request, watch: Stopwatch) -> Result<Response, Refused> {
    let (path, is_get) = (request.uri().path().to_owned(), request.method() == Method::GET);
    for (address, kind, file) in [(&STYLE_ADDRESS, CSS, STYLE), (&SCRIPT_ADDRESS, JS, SCRIPT)] {
        if is_get && path == **address {
            let mut response = respond(200, kind, file);
            set(&mut response, "cache-control", IMMUTABLE);
            return Ok(response);
        }
    }
    let guest = Guest::of(&request).await?;
    let answered = match (request.method(), path.as_str(), &guest.session) {
        (&Method::POST, "/console/login", _) => login(request, &guest, watch).await,
        (&Method::GET, "/console/login", _) => Ok(guest.login(200, &Page::home(), None)),
        (&Method::POST, path, Some(session)) if POSTS.contains(&path) => {
            post(request, path, &guest, session, watch).await
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
    if *page == Page::Campaign {
        let playbook = Instance::get(watch).await?.playbook(watch).await?;
        return Ok(guest.draft(Some(&playbook.terms), None, &Said::Nothing));
    }
    let instance = Instance::get(watch).await?;
    let (playbook, moment) = (instance.playbook(watch).await?, instance.moment().await?);
    let Playbook { brand, .. } = &*playbook;
    let (status, sheets) = match instance.sheets(&page.asks(brand, moment), brand, moment).await {
        Err(refused) if refused.status == 404 => (404, Vec::new()),
        _ if matches!(page, Page::Campaigns(..)) => {
            let listed = list(&instance.store).await.map_err(Refused::unavailable)?;
            (200, vec![console::campaigns(&listed, brand, moment)])
        }
        sheets => (200, sheets?),
    };
    if let Some(name) = table {
        let Some(csv) = console::csv(page, &sheets, name) else { return Ok(guest.failed(Failure::NotFound)) };
        let mut response = respond(200, CSV, csv);
        set(&mut response, "content-disposition", &format!("attachment; filename=\"{name}.csv\""));
        return Ok(response);
    }
    let view = View { language: guest.language, csrf: &session.csrf, page, brand, moment };
    Ok(respond(status, HTML, console::page(&view, &sheets)))
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
    let max = match path {
        "/console/campaign" => FORM_MAX,
        "/console/playbook" => desk::BODY_MAX,
        _ => BODY_MAX,
    };
    let posted = Posted::parse(&body_up_to(max, request, &watch, BODY_TIME).await?);
    if !guest.door().is_form_of(&guest.cookies, posted.get("csrf")) {
        return Ok(guest.failed(Failure::StaleForm));
    }
    // The store's time does not depend on how long the form took.
    let watch = Stopwatch::start();
    match path {
        "/console/logout" => Ok(see_other(&Page::home(), Some(session::closed()))),
        "/console/campaign" => Ok(write(guest, &posted, &watch).await),
        "/console/campaigns/stop" => halt(guest, &posted, &watch).await,
        "/console/playbook" => playbook::post(guest, session, &posted).await,
        _ => erase(&posted, &watch).await,
    }
}

async fn erase(posted: &Posted, watch: &Stopwatch) -> Result<Response, Refused> {
    let openid = posted.get("openid");
    let fan = openid.parse().map_err(|error| Refused::new(400, error))?;
    Instance::get(watch).await?.erase(fan, watch).await?;
    Ok(see_other(&Page::Fan(openid.to_owned(), Step::Erased), None))
}

/// Checks, tries or sends a campaign. Whatever comes of it, what was written stands in the form again.
async fn write(guest: &Guest, posted: &Posted, watch: &Stopwatch) -> Response {
    let told = async {
        let instance = Instance::get(watch).await?;
        let playbook = instance.playbook(watch).await?;
        let said = campaign::act(posted, &instance.store, watch, &playbook.terms, now()).await;
        Ok::<_, Refused>((playbook, said))
    };
    let (playbook, said) = match told.await {
        Ok((playbook, said)) => (Some(playbook), said),
        Err(refused) => {
            refused.note();
            (None, Said::NoAnswer)
        }
    };
    if let Said::Asked(accepted) = said {
        note_campaign("campaign_asked", &accepted.id);
        return see_other(&Page::Campaigns(Note::Asked(accepted.id), false), None);
    }
    guest.draft(playbook.as_deref().map(|playbook| &playbook.terms), Some(&campaign::written(posted)), &said)
}

async fn halt(guest: &Guest, posted: &Posted, watch: &Stopwatch) -> Result<Response, Refused> {
    let instance = Instance::get(watch).await?;
    let terms = &instance.playbook(watch).await?.terms;
    match stop(&instance.store, watch, terms, posted.get("id").to_owned(), now()).await {
        Ok(stopped) => {
            note_campaign("campaign_stopped", &stopped.id);
            Ok(see_other(&Page::Campaigns(Note::Stopped(stopped.id), false), None))
        }
        Err(requests::Refused::NoSuch(_)) => Ok(guest.failed(Failure::NotFound)),
        Err(refused) => Err(refused.into()),
    }
}

fn see_other(page: &Page, cookie: Option<String>) -> Response {
    let mut response = respond(303, HTML, "");
    set(&mut response, "location", &page.address());
    if let Some(cookie) = cookie {
        set(&mut response, "set-cookie", &cookie);
    }
    response
}
