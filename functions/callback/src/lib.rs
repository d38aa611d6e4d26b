//! GET and POST `/wechat`: verify, decrypt, append, answer.
//!
//! | WeChat gets | when |
//! |---|---|
//! | 200 and the `echostr` | a GET with the right `signature` |
//! | 200 and a reply | the playbook has one |
//! | 200 `success` | it has none, or the message is authentic and nothing we know |
//! | 401 | not WeChat, another account, undecryptable, more than 5 minutes off our clock |
//! | 405 | neither GET nor POST |
//! | 408 | a body that is not here 4 s after the request began |
//! | 413 | a body over 64 KiB |
//! | 500 | the variables make no endpoint; the log says which |
//! | 503 | the store did not take the journal entry in 4 s: WeChat tries again |
//!
//! Where a rule asks a service, the private component `ask` is given the question, and what it says within 4.3 s after the request
//! began is the reply, else the rule's fallback.
//!
//! What the query alone tells is refused before the body is read.
//!
//! A rule may stop or resume a fan's pushes. That holds at once: it stands in `conversation:<openid>`, where push looks before
//! every send, before the entry is written and the fan gets the answer; only what is on its way to WeChat still arrives.
//!
//! Where the fan stands in a dialog, and what rules remember, is kept in `dialog:<openid>` likewise. It is read only where the playbook has dialogs,
//! or rules that remember.

mod border;
mod instance;
mod services;

use futures::future::join;
use guanxi::{
    facts::{Entry, Received},
    http::log::{Event, Level},
    playbook::{Inbound, Scan},
    store::{BUDGET, Timer},
    time::Timestamp,
    wechat::{Message, Reply, endpoint},
};
use guanxi_spin::{
    Stopwatch, component, log_sparingly, now, random16,
    service::{Incoming, Method, Sent, send},
    shell::{Refused, TEXT},
};
use instance::{Answered, Instance, touch};
use std::{future::poll_fn, pin::pin, time::Duration};

/// "Understood, nothing to say": stops WeChat's retries.
const SUCCESS: &str = "success";

/// As short as the host's timer goes, about a millisecond: between a store that answered at once and the answer. Spin's SQLite blocks the thread of
/// its instance, and what happens on that thread before it has been through the runtime again happens beside other threads: one
/// sends the head of the answer while the body is still on its way, and the body then waits as a second TCP segment for the
/// client's delayed ACK, 40 ms on a connection that is kept alive.
const ONE_TURN: Duration = Duration::from_nanos(1);

guanxi_spin::serve!(handle);

async fn handle(request: Incoming) -> Sent {
    component(env!("CARGO_PKG_NAME"));
    let watch = Stopwatch::start();
    let answer = match request.method() {
        Method::Get => verify_url(&request, watch).await,
        Method::Post => receive(request, watch).await,
        _ => Err(Refused::silent(405, "neither GET nor POST")),
    };
    answer.unwrap_or_else(|refused| {
        refused.note();
        // WeChat shows nobody why.
        send(refused.status, TEXT, "")
    })
}

async fn verify_url(request: &Incoming, watch: Stopwatch) -> Result<Sent, Refused> {
    let instance = Instance::get(&watch).await?;
    let query = endpoint::Query::parse(&request.query())?;
    let echo = instance.endpoint.verify_url(&query)?;
    Ok(send(200, TEXT, echo))
}

async fn receive(request: Incoming, watch: Stopwatch) -> Result<Sent, Refused> {
    let instance = Instance::get(&watch).await?;
    let query = endpoint::Query::parse(&request.query())?;
    // Asked for once: what follows takes milliseconds, and each look at the clock is a call out of the component.
    let now = now();
    instance.endpoint.check(&query, now)?;
    let body = request.body_up_to(endpoint::BODY_MAX, &watch, BUDGET).await?;
    let opened = instance.endpoint.open(&query, &body, now)?;
    let message = match opened.message {
        Ok(message) => message,
        Err(error) => {
            let says = error.to_string();
            log_sparingly(Event { level: Level::Warn, name: "not_understood", numbers: &[], says: &says });
            return Ok(send(200, TEXT, SUCCESS));
        }
    };
    let to = (message.from_user_name.clone(), message.to_user_name.clone());
    let reply = answer(&instance, message, now, watch).await?;
    Ok(match reply {
        None => send(200, TEXT, SUCCESS),
        Some(reply) => {
            let inner = reply.render(opened.format, &to.0, &to.1, now);
            send(
                200,
                opened.format.content_type(),
                instance.endpoint.seal(opened.secrets, opened.format, &opened.nonce, now, random16(), &inner),
            )
        }
    })
}

/// Asks the pure components, appends what happened, and only then answers.
async fn answer(
    instance: &Instance,
    message: Message,
    now: Timestamp,
    watch: Stopwatch,
) -> Result<Option<Reply>, Refused> {
    let playbook = instance.playbook_at(message.create_time, now, &watch).await?;
    let touch = match Scan::from_message(&message) {
        Some(scan) => touch(scan, instance.fan(&message.from_user_name, &watch).await?.as_deref()),
        None => None,
    };
    let inbound = Inbound::from_message(&message);
    let from = &message.from_user_name;
    let Answered { mut reply, rule, pushes, conversation, left, lookup } = match inbound {
        Some(inbound) => {
            let kept = if playbook.converses { instance.dialog(from, &watch).await? } else { None };
            playbook.answer(inbound, touch.as_ref(), kept)
        }
        None => Answered::default(),
    };
    // Before the entry and the answer, so that no try of a message that was answered makes a step.
    if let Some(conversation) = conversation {
        instance.keep_dialog(from, &conversation, &watch).await?;
    }
    // Before the fan reads that it is done: rollup would need up to a minute, and a push could slip through meanwhile.
    if let Some(choice) = pushes {
        instance.choose((from, message.create_time), choice, &watch).await?;
    }
    let milliseconds = u32::try_from(watch.elapsed().as_millis()).unwrap_or(u32::MAX);
    let entry = Entry::Received(Received { message, touch, rule, milliseconds, pushes, left });
    // Beside each other: the entry must be written before the fan is answered, and does not say what a service said.
    let ((appended, said), waited) =
        waiting(join(instance.append(&entry, now, &watch), services::ask(lookup, &watch))).await;
    appended?;
    if let Some(content) = said {
        reply = Some(Reply::Text { content });
    }
    if !waited {
        watch.sleep(ONE_TURN).await;
    }
    Ok(reply)
}

/// What the future comes to, and whether it was waited for.
async fn waiting<T>(future: impl Future<Output = T>) -> (T, bool) {
    let (mut future, mut waited) = (pin!(future), false);
    let done = poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        waited |= polled.is_pending();
        polled
    });
    (done.await, waited)
}
