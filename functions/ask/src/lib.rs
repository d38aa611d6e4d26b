//! POST `http://ask.spin.internal/`: asks one of the brand's services what a rule wants to know.
//!
//! | callback gets | when |
//! |---|---|
//! | 200 and the line for the fan | the service answered, or a line of before is still good |
//! | 400 | a body that is no question |
//! | 500 | `lookup_stand_in` is set to something else than a test would |
//! | 502 | the service did not answer in its time, or otherwise than it should: the fan gets the fallback |
//!
//! Its route is private: nobody reaches it from outside. It has neither a store nor a playbook, since the question comes whole, and
//! asks no host but those of `lookup_host1` to `lookup_host4`, whatever the question says. The log gets the service's id and what
//! went wrong, never the question.

use guanxi::{
    http::log::{Event, Level},
    lookup::{
        BODY_MAX, LOOKUP_MAX, Lookup, Method,
        allowed::{Allowed, SLOTS, Slot},
        cache::Cache,
    },
    store::{Timer as _, race},
};
use guanxi_spin::{
    Stopwatch, component,
    exchange::{Outgoing, exchange},
    log_sparingly, now,
    service::{Incoming, Sent, send},
    shell::{Refused, TEXT, instance, required},
};
use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
    time::Duration,
};

/// How long the question may take to be here: it comes from inside of the application.
const BODY_TIME: Duration = Duration::from_secs(1);

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

struct Instance {
    allowed: Allowed,
    cache: RefCell<Cache>,
}

guanxi_spin::serve!(handle);

async fn handle(request: Incoming) -> Sent {
    component(env!("CARGO_PKG_NAME"));
    answer(request).await.unwrap_or_else(|refused| {
        refused.note();
        send(refused.status, TEXT, "")
    })
}

async fn answer(request: Incoming) -> Result<Sent, Refused> {
    let watch = Stopwatch::start();
    let body = request.body_up_to(LOOKUP_MAX, &watch, BODY_TIME).await?;
    let lookup = Lookup::decode(&body).map_err(|why| Refused::silent(400, why))?;
    let instance = instance(&INSTANCE, make).await?;
    let kept = instance.cache.borrow().get(&lookup, now()).map(str::to_owned);
    if let Some(line) = kept {
        return Ok(send(200, TEXT, line));
    }
    match ask(&instance.allowed, &lookup, &watch).await {
        Ok(line) => {
            instance.cache.borrow_mut().put(&lookup, &line, now());
            Ok(send(200, TEXT, line))
        }
        Err(why) => {
            let numbers = [("milliseconds", u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX))];
            let says = format!("service {}: {why}", lookup.service.id);
            log_sparingly(Event { level: Level::Warn, name: "lookup_failed", numbers: &numbers, says: &says });
            Ok(send(502, TEXT, ""))
        }
    }
}

/// The line for the fan, within the service's time.
async fn ask(allowed: &Allowed, lookup: &Lookup, watch: &Stopwatch) -> Result<String, String> {
    let request = allowed.request(lookup).map_err(|refused| refused.to_string())?;
    let outgoing = Outgoing {
        is_https: request.is_https,
        authority: &request.authority,
        path_and_query: &request.path_and_query,
        headers: &request.headers,
        body: (request.method == Method::Post).then(|| request.body.into_bytes()),
    };
    let answered = race(watch, lookup.time(), exchange(outgoing, |status| status == 200, BODY_MAX)).await;
    let late = || Err(format!("no answer in {} ms", lookup.time().as_millis()));
    let (status, body) = answered.unwrap_or_else(late)?;
    lookup.line(status, &body).map_err(|unusable| unusable.to_string())
}

async fn make() -> Result<Instance, Refused> {
    let mut slots = Vec::new();
    for number in 1..=SLOTS {
        let host = required(&format!("lookup_host{number}")).await?;
        slots.push(Slot { host, key: required(&format!("lookup_key{number}")).await? });
    }
    let allowed = Allowed::new(slots, &required("lookup_stand_in").await?).map_err(Refused::misconfigured)?;
    Ok(Instance { allowed, cache: RefCell::default() })
}
