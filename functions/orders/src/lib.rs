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
    http::{
        body::BODY_TIME,
        log::{Event, Level},
    },
    journal::{
        Journal,
        orders::{
            self,
            webhook::{Headers, Secret},
        },
    },
};
use guanxi_spin::{
    KeyValue, Response, Stopwatch, body_up_to, component,
    http::{Method, Request},
    http_service, log, now, respond,
    shell::{Refused, TEXT, instance, required, store},
};
use std::{cell::OnceCell, rc::Rc};

/// What an instance keeps between its requests.
struct Instance {
    secret: Secret,
    store: KeyValue,
    journal: Journal,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

#[http_service]
async fn handle(request: Request) -> Response {
    component(env!("CARGO_PKG_NAME"));
    match take(request).await {
        Ok(count) => {
            let numbers = [("orders", count as u64)];
            log(Event { level: Level::Info, name: "orders", numbers: &numbers, says: "" });
            respond(204, TEXT, "")
        }
        Err(refused) => refused.respond(),
    }
}

/// Takes all orders of a request or none, and says how many.
async fn take(request: Request) -> Result<usize, Refused> {
    let watch = Stopwatch::start();
    if request.method() != Method::POST {
        return Err(Refused::silent(405, "not a POST"));
    }
    let instance = Instance::get(&watch).await?;
    let headers = request.headers().clone();
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let unverified = |error| Refused::silent(401, error);
    signed.check(now()).map_err(unverified)?;
    let body = body_up_to(orders::BODY_MAX, request, &watch, BODY_TIME).await;
    let body = body.map_err(|error| Refused::silent(error.status(), error))?;
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
    appended.map(|_| count).map_err(|error| Refused::silent(503, error))
}

impl Instance {
    async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let secret = required("orders_secret").await?;
            let secret =
                secret.parse().map_err(|error| Refused::silent(500, format_args!("orders_secret: {error}")))?;
            Ok(Self { secret, store: store(watch).await?, journal: Journal::default() })
        })
        .await
    }
}
