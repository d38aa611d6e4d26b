//! POST `/orders`: the shop system's purchases, by the Standard Webhooks convention, into the journal.
//!
//! | the shop gets | when |
//! |---|---|
//! | 204 | the whole batch is in the journal, as one entry; the same order again is no harm |
//! | 400 | the body is not JSON |
//! | 401 | the signature or the time is wrong |
//! | 405 | not a POST |
//! | 408 | a body that is not here 5 s after the request began |
//! | 413 | a body over 256 KiB |
//! | 422 | what it says cannot be: every problem with its place, a line each; nothing was taken |
//! | 500 | `orders_secret` is no secret |
//! | 503 | the store did not take it; send it again |

extern crate guanxi_spin as spin_sdk;

use guanxi::{
    facts::{Entry, Orders},
    http::body::BODY_TIME,
    journal::{
        Journal,
        orders::{
            self,
            webhook::{Headers, Secret},
        },
    },
    store::persist,
};
use guanxi_spin::{
    KeyValue, Response, Stopwatch, body_up_to,
    http::{Method, Request},
    http_service, log, log_sparingly, now, respond, variable,
};
use std::{cell::OnceCell, rc::Rc};

const TEXT: &str = "text/plain; charset=utf-8";

/// What an instance keeps between its requests.
struct Instance {
    secret: Secret,
    store: KeyValue,
    journal: Journal,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

/// What the shop gets, and what the log says.
struct Refused {
    status: u16,
    body: String,
    why: String,
}

impl Refused {
    fn new(status: u16, why: impl ToString) -> Self {
        Self { status, body: String::new(), why: why.to_string() }
    }
}

#[http_service]
async fn handle(request: Request) -> Response {
    match take(request).await {
        Ok(count) => {
            log(format_args!("204: {count} orders"));
            respond(204, TEXT, "")
        }
        Err(Refused { status, body, why }) => {
            log_sparingly(format_args!("{status}: {why}"));
            respond(status, TEXT, body)
        }
    }
}

/// Takes all orders of a request or none, and says how many.
async fn take(request: Request) -> Result<usize, Refused> {
    let watch = Stopwatch::start();
    if request.method() != Method::POST {
        return Err(Refused::new(405, "not a POST"));
    }
    let instance = Instance::get(&watch).await?;
    let headers = request.headers().clone();
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let unverified = |error| Refused::new(401, error);
    signed.check(now()).map_err(unverified)?;
    let body = body_up_to(orders::BODY_MAX, request, &watch, BODY_TIME).await;
    let body = body.map_err(|error| Refused::new(error.status(), error))?;
    // The store's time does not depend on how long the body took.
    let (watch, at) = (Stopwatch::start(), now());
    instance.secret.verify(signed, &body, at).map_err(unverified)?;
    // The reasons go to the shop, which signed; the log gets no word of an order.
    let orders = orders::read(&body, at).map_err(|refused| Refused {
        status: refused.status(),
        body: refused.to_string(),
        why: "the body is refused".into(),
    })?;
    let (count, entry) = (orders.len(), Entry::Orders(Orders { at, orders }));
    let appended = instance.journal.append(&instance.store, &watch, at, &entry).await;
    appended.map(|_| count).map_err(|error| Refused::new(503, error))
}

impl Instance {
    async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        if let Some(instance) = INSTANCE.with(|cell| cell.get().cloned()) {
            return Ok(instance);
        }
        let secret = variable("orders_secret").await.map_err(|why| Refused::new(500, why))?;
        let secret = secret.parse().map_err(|error| Refused::new(500, format_args!("orders_secret: {error}")))?;
        let store = persist(watch, KeyValue::open).await.map_err(|error| Refused::new(503, error))?;
        let new = Rc::new(Self { secret, store, journal: Journal::default() });
        Ok(INSTANCE.with(|cell| cell.get_or_init(|| new).clone()))
    }
}
