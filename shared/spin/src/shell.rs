//! What every function's shell needs: refusals, who may ask, and what an instance keeps between its requests.

use crate::{KeyValue, Response, Stopwatch, log, log_sparingly, now, respond, variable};
use guanxi::{
    fold::damaged,
    http::{
        bearer,
        body::BodyError,
        log::{Event, Level},
    },
    outbox::resend,
    playbook::{Shelf, publish::request as publish_request},
    push::requests,
    store::persist,
    wechat::endpoint::Refusal,
};
use spin_sdk::http::Request;
use std::{cell::OnceCell, rc::Rc, thread::LocalKey};

/// The type of a refusal's text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The type of most answers.
pub const JSON: &str = "application/json";

/// Why a request is refused.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// What the client reads.
    pub body: String,
    /// What the log says of it: no secret, and no word of a fan.
    pub why: String,
}

impl Refused {
    /// One whose reason is for the client and the log.
    pub fn new(status: u16, why: impl ToString) -> Self {
        let why = why.to_string();
        Self { status, body: why.clone(), why }
    }

    /// One whose reason only the log gets.
    pub fn silent(status: u16, why: impl ToString) -> Self {
        Self { status, body: String::new(), why: why.to_string() }
    }

    /// The store does not do what it should: worth another try.
    pub fn unavailable(error: impl ToString) -> Self {
        Self::new(503, error)
    }

    /// Somebody has to set the variables right.
    pub fn misconfigured(why: impl ToString) -> Self {
        Self::new(500, why)
    }

    /// The request asks for something that is not to be had this way.
    pub fn wrong_method() -> Self {
        Self::new(405, "not that method here")
    }

    /// Writes the first line of the reason to the log.
    pub fn note(&self) {
        let says = self.why.lines().next().unwrap_or_default();
        let numbers = [("status", self.status.into())];
        log_sparingly(Event { level: Level::of_status(self.status), name: "refused", numbers: &numbers, says });
    }

    /// The response; the log gets its line.
    pub fn respond(self) -> Response {
        self.note();
        respond(self.status, TEXT, self.body)
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Self::new(error.status(), error)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::silent(refusal.status(), refusal)
    }
}

impl From<damaged::Refused> for Refused {
    fn from(refused: damaged::Refused) -> Self {
        // A record's key may name a fan, which is for whoever asked and not for the log.
        Self { status: refused.status(), body: refused.to_string(), why: "what is asked of a damaged record".into() }
    }
}

impl From<publish_request::Refused> for Refused {
    fn from(refused: publish_request::Refused) -> Self {
        Self::new(refused.status(), refused)
    }
}

impl From<resend::Refused> for Refused {
    fn from(refused: resend::Refused) -> Self {
        Self::new(refused.status(), refused)
    }
}

impl From<requests::Refused> for Refused {
    fn from(refused: requests::Refused) -> Self {
        Self::new(refused.status(), refused)
    }
}

/// The value of one of the component's variables.
///
/// # Errors
/// 500. The log says which; whoever asks does not learn it, since this is needed to tell who that is.
pub async fn required(name: &str) -> Result<String, Refused> {
    variable(name).await.map_err(|why| Refused::silent(500, why))
}

/// Whether a request carries the bearer token.
///
/// # Errors
/// 401; who has no token learns nothing.
pub fn authorized(request: &Request, token: &str) -> Result<(), Refused> {
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    match bearer::allows(authorization, token) {
        true => Ok(()),
        false => Err(Refused::silent(401, "wrong or no bearer token")),
    }
}

/// What an instance keeps between its requests, in a thread-local cell of its own; made at the first of them.
///
/// # Errors
/// Those of `make`; then the next request tries again.
pub async fn instance<I>(
    cell: &'static LocalKey<OnceCell<Rc<I>>>,
    make: impl AsyncFnOnce() -> Result<I, Refused>,
) -> Result<Rc<I>, Refused> {
    if let Some(instance) = cell.with(|cell| cell.get().cloned()) {
        return Ok(instance);
    }
    // Another request of this instance may have made one meanwhile; then that stays.
    let new = Rc::new(make().await?);
    Ok(cell.with(|cell| cell.get_or_init(|| new).clone()))
}

/// The store, opened once an instance.
///
/// # Errors
/// 503, when it does not open in time.
pub async fn store(watch: &Stopwatch) -> Result<KeyValue, Refused> {
    persist(watch, KeyValue::open).await.map_err(Refused::unavailable)
}

/// Notes that a publication, or the list of them, cannot be read: another playbook holds instead.
pub fn unreadable(says: &str) {
    log(Event { level: Level::Error, name: "playbook_unreadable", numbers: &[], says });
}

/// Notes that somebody wishes something of a campaign.
pub fn note_campaign(name: &'static str, campaign: &str) {
    log(Event { level: Level::Info, name, numbers: &[], says: campaign });
}

/// Notes that a playbook is published.
pub fn publication(number: u32) {
    log(Event { level: Level::Info, name: "published", numbers: &[("publication", number.into())], says: "" });
}

/// Notes how many records a job has set aside, if any.
pub fn set_aside(records: usize) {
    if records > 0 {
        let numbers = [("records", records as u64)];
        let says = "damaged records are set aside: see /damaged";
        log(Event { level: Level::Error, name: "set_aside", numbers: &numbers, says });
    }
}

/// The playbook that holds now.
///
/// # Errors
/// 503, when the store does not answer in time.
pub async fn playbook_now<P>(shelf: &Shelf<P>, store: &KeyValue, watch: &Stopwatch) -> Result<Rc<P>, Refused> {
    let holding = async || shelf.holding_at(now(), store, now(), &unreadable).await;
    persist(watch, holding).await.map_err(Refused::unavailable)
}
