//! What is posted.
//!
//! ```json
//! {"type": "request.order", "timestamp": "2026-03-02T02:00:00Z",
//!  "data": {"number": "7K3M…", "kind": "order", "source": "order", "openid": "oFan…", "at": 1772416800, "paid": false, "cut": false,
//!           "answers": [{"step": "phone", "value": "13800000000", "words": "", "personal": true}],
//!           "lines": [{"product": "choc6", "name": "…", "quantity": 2, "price": 16800}], "total": 33600, "text": "",
//!           "receipt": {"text": "…", "escpos": "<base64>"}}}
//! ```
//!
//! `timestamp` is when the fan asked. Personal answers whose `forget_days` are over are not there any more. Prices are cents.

use super::receipt::{self, Paid};
use crate::{
    facts::request::{Asked, Line, Said},
    time::{Timestamp, UtcOffset},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The body of a request that is posted at `now`.
pub fn body(asked: &Asked, paid: Paid, offset: UtcOffset, now: Timestamp) -> Vec<u8> {
    let asked = kept(asked.clone(), now);
    let lines = receipt::lines(&asked, paid, offset);
    let receipt = json!({ "text": receipt::text(&lines), "escpos": STANDARD.encode(receipt::escpos(&lines)) });
    let request = &asked.request;
    let data = json!({
        "number": request.number,
        "kind": request.kind.name(),
        "source": request.source,
        "openid": asked.openid.as_str(),
        "at": request.at,
        "paid": paid == Paid::Yes,
        "cut": asked.cut,
        "answers": request.answers.iter().map(answer).collect::<Vec<_>>(),
        "lines": request.lines.iter().map(line).collect::<Vec<_>>(),
        "total": request.total(),
        "text": request.text,
        "receipt": receipt,
    });
    let kind = format!("request.{}", request.kind.name());
    json!({ "type": kind, "timestamp": rfc3339(request.at), "data": data }).to_string().into_bytes()
}

/// What is not to be forgotten by `now`.
fn kept(mut asked: Asked, now: Timestamp) -> Asked {
    let days = asked.request.forget_days.map(u64::from);
    let is_over = |days: u64| asked.request.at.0.saturating_add(days.saturating_mul(86_400)) <= now.0;
    if days.is_some_and(is_over) {
        asked.request.answers.retain(|said| !said.personal);
    }
    asked
}

fn answer(said: &Said) -> Value {
    json!({ "step": said.step, "value": said.value, "words": said.words, "personal": said.personal })
}

fn line(line: &Line) -> Value {
    json!({ "product": line.product, "name": line.name, "quantity": line.quantity, "price": line.price })
}

fn rfc3339(at: Timestamp) -> String {
    let seconds = i64::try_from(at.0).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    seconds.map(|at| at.to_string()).unwrap_or_default()
}
