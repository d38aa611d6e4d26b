//! The body of `POST /orders`: one order event, or `{"orders": […]}`. All or nothing: one problem refuses the whole, and
//! all problems are named at once.
//!
//! | field | what |
//! |---|---|
//! | `id` | the shop's number of the order, 1 to 64 characters |
//! | `kind` | `order` (when absent), `refund`, `cancel` |
//! | `version` | tells events of one kind apart; 1 when absent. A second partial refund has another than the first; of two versions of an order the higher holds |
//! | `openid`, `unionid` | who; at least one |
//! | `request` | the number of the request that the order answers, as the outbox posted it; the fan is the one who made it |
//! | `time` | when, RFC 3339 or seconds since 1970; not more than two years ago, nor a day from now |
//! | `lines` | `product` (1 to 64 bytes), `quantity` (1 when absent), `amount` in cents for the line; none in a cancellation |

use crate::{
    facts::{
        order::{Line, OrderEvent, OrderKind, TEXT_MAX},
        request::{NUMBER_LENGTH, is_number},
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The largest body in bytes.
pub const BODY_MAX: usize = 256 * 1024;
/// Orders in one request.
pub const ORDERS_MAX: usize = 500;
/// Lines of an order.
pub const LINES_MAX: usize = 40;
/// Pieces on a line.
pub const QUANTITY_MAX: u64 = 1_000_000;
/// Cents on a line: ten million yuan.
pub const AMOUNT_MAX: u64 = 1_000_000_000;
/// The highest version.
pub const VERSION_MAX: u64 = 1_000_000;
/// Problems named at once.
pub const PROBLEMS_MAX: usize = 100;
/// Orders may be this old, in seconds, …
const PAST_MAX: u64 = 2 * 366 * 86_400;
/// … and this far ahead of our clock.
const FUTURE_MAX: u64 = 86_400;

/// Why a request is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 413
    #[error("the body is larger than {BODY_MAX} bytes")]
    TooLarge,
    /// 400
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// 422: at most [`PROBLEMS_MAX`], in the order of the body.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
}

impl Refused {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::NotJson(_) => 400,
            Self::Problems(_) => 422,
        }
    }
}

/// One reason, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// Such as `orders[3].lines[0].quantity`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// Reads a verified request.
///
/// # Errors
/// [`Refused`], with every problem of the body.
pub fn read(body: &[u8], now: Timestamp) -> Result<Vec<OrderEvent>, Refused> {
    if body.len() > BODY_MAX {
        return Err(Refused::TooLarge);
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| Refused::NotJson(error.to_string()))?;
    let mut reader = Reader { now, problems: Vec::new() };
    let orders = reader.orders(&body);
    if reader.problems.is_empty() {
        return Ok(orders);
    }
    reader.problems.truncate(PROBLEMS_MAX);
    Err(Refused::Problems(reader.problems))
}

struct Reader {
    now: Timestamp,
    problems: Vec<Problem>,
}

/// An object of the body and where it stands: empty for the body itself, else such as `orders[3].`.
#[derive(Clone, Copy)]
struct Object<'a> {
    fields: &'a Map<String, Value>,
    place: &'a str,
}

impl Reader {
    fn problem<T>(&mut self, place: String, message: impl Into<String>) -> Option<T> {
        let place = if place.is_empty() { "body".to_owned() } else { place };
        self.problems.push(Problem { place, message: message.into() });
        None
    }

    fn orders(&mut self, body: &Value) -> Vec<OrderEvent> {
        let Some(fields) = body.as_object() else {
            self.problem::<()>(String::new(), "is an object: an order, or {\"orders\": [\u{2026}]}");
            return Vec::new();
        };
        let Some(list) = fields.get("orders") else {
            return self.order(Object { fields, place: "" }).into_iter().collect();
        };
        self.unknown(Object { fields, place: "" }, &["orders"]);
        match list.as_array() {
            Some(list) if (1..=ORDERS_MAX).contains(&list.len()) => {
                (0..).zip(list).filter_map(|(n, order): (usize, _)| self.listed(n, order)).collect()
            }
            _ => {
                self.problem::<()>("orders".into(), format!("is a list of 1 to {ORDERS_MAX} orders"));
                Vec::new()
            }
        }
    }

    fn listed(&mut self, n: usize, order: &Value) -> Option<OrderEvent> {
        match order.as_object() {
            Some(fields) => self.order(Object { fields, place: &format!("orders[{n}].") }),
            None => self.problem(format!("orders[{n}]"), "is an object"),
        }
    }

    fn order(&mut self, object: Object<'_>) -> Option<OrderEvent> {
        self.unknown(object, &["id", "kind", "version", "openid", "unionid", "request", "time", "lines"]);
        let id = self.required_text(object, "id");
        let kind = self.kind(object);
        let version = self.number(object, "version", Some(1), 0..=VERSION_MAX);
        let (openid, unionid) = self.who(object);
        let request = self.request(object);
        let at = self.time(object);
        let lines = self.lines(object, kind);
        let version = version? as u32;
        Some(OrderEvent { id: id?, kind: kind?, version, openid, unionid, at: at?, lines: lines?, request })
    }

    fn request(&mut self, object: Object<'_>) -> Option<String> {
        let number = self.text(object, "request")?;
        match is_number(&number) {
            true => Some(number),
            false => self.problem(
                format!("{}request", object.place),
                format!("is the number of a request, {NUMBER_LENGTH} digits and capital letters"),
            ),
        }
    }

    fn unknown(&mut self, object: Object<'_>, known: &[&str]) {
        for name in object.fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let name: String = name.chars().take(TEXT_MAX).collect();
            self.problem::<()>(
                format!("{}{name}", object.place),
                format!("is unknown; known are {}", known.join(", ")),
            );
        }
    }

    fn text(&mut self, object: Object<'_>, name: &str) -> Option<String> {
        let value = object.fields.get(name).filter(|value| !value.is_null())?;
        let sane = |text: &&str| (1..=TEXT_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        match value.as_str().filter(sane) {
            Some(text) => Some(text.to_owned()),
            None => self.problem(format!("{}{name}", object.place), format!("is a text of 1 to {TEXT_MAX} bytes")),
        }
    }

    fn required_text(&mut self, object: Object<'_>, name: &str) -> Option<String> {
        if object.fields.get(name).is_none_or(Value::is_null) {
            return self.problem(format!("{}{name}", object.place), "is missing");
        }
        self.text(object, name)
    }

    fn number(
        &mut self,
        object: Object<'_>,
        name: &str,
        default: Option<u64>,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let place = format!("{}{name}", object.place);
        match object.fields.get(name).filter(|value| !value.is_null()) {
            None if default.is_some() => default,
            None => self.problem(place, "is missing"),
            Some(value) => match value.as_u64().filter(|number| bounds.contains(number)) {
                Some(number) => Some(number),
                None => {
                    let message = format!("is a whole number from {} to {}", bounds.start(), bounds.end());
                    self.problem(place, message)
                }
            },
        }
    }

    fn kind(&mut self, object: Object<'_>) -> Option<OrderKind> {
        match object.fields.get("kind").map(Value::as_str) {
            None | Some(Some("order")) => Some(OrderKind::Order),
            Some(Some("refund")) => Some(OrderKind::Refund),
            Some(Some("cancel")) => Some(OrderKind::Cancel),
            Some(_) => self.problem(format!("{}kind", object.place), "is order, refund or cancel"),
        }
    }

    fn who(&mut self, object: Object<'_>) -> (Option<OpenId>, Option<String>) {
        let present = |name| object.fields.get(name).is_some_and(|value| !value.is_null());
        if !present("openid") && !present("unionid") {
            self.problem::<()>(
                format!("{}openid", object.place),
                "is missing, and so is unionid; one must say who it is",
            );
        }
        let openid = self.text(object, "openid").and_then(|openid| match openid.parse() {
            Ok(openid) => Some(openid),
            Err(error) => self.problem(format!("{}openid", object.place), format!("is none: {error}")),
        });
        (openid, self.text(object, "unionid"))
    }

    fn time(&mut self, object: Object<'_>) -> Option<Timestamp> {
        let place = format!("{}time", object.place);
        let seconds = match object.fields.get("time") {
            None | Some(Value::Null) => return self.problem(place, "is missing"),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse::<Timestamp>().ok().map(|moment| moment.0),
            Some(_) => None,
        };
        let Some(seconds) = seconds else {
            return self.problem(place, "is RFC 3339, such as 2026-02-16T09:30:00+08:00, or whole seconds since 1970");
        };
        let now = self.now.0;
        if seconds > now.saturating_add(FUTURE_MAX) {
            return self.problem(place, "is more than a day from now; seconds, not milliseconds");
        }
        if seconds.saturating_add(PAST_MAX) < now {
            return self.problem(place, "is more than two years ago");
        }
        Some(Timestamp(seconds))
    }

    fn lines(&mut self, object: Object<'_>, kind: Option<OrderKind>) -> Option<Vec<Line>> {
        let place = format!("{}lines", object.place);
        let none_needed = kind == Some(OrderKind::Cancel);
        let list = match object.fields.get("lines").filter(|value| !value.is_null()) {
            None if none_needed => return Some(Vec::new()),
            None => return self.problem(place, "is missing"),
            Some(list) => list.as_array().filter(|list| list.len() <= LINES_MAX && (none_needed || !list.is_empty())),
        };
        let Some(list) = list else { return self.problem(place, format!("is a list of 1 to {LINES_MAX} lines")) };
        // One line per product: whoever counts purchases counts it once an order.
        let mut lines: BTreeMap<String, Line> = BTreeMap::new();
        for (n, line) in list.iter().enumerate() {
            let Some(line) = self.line(format!("{place}[{n}]"), line) else { continue };
            match lines.get_mut(&line.product) {
                None => drop(lines.insert(line.product.clone(), line)),
                Some(same) => {
                    same.quantity += line.quantity;
                    same.amount += line.amount;
                }
            }
        }
        Some(lines.into_values().collect())
    }

    fn line(&mut self, place: String, line: &Value) -> Option<Line> {
        let Some(fields) = line.as_object() else { return self.problem(place, "is an object") };
        let object = Object { fields, place: &format!("{place}.") };
        self.unknown(object, &["product", "quantity", "amount"]);
        let product = self.required_text(object, "product");
        let quantity = self.number(object, "quantity", Some(1), 1..=QUANTITY_MAX);
        let amount = self.number(object, "amount", None, 0..=AMOUNT_MAX);
        Some(Line { product: product?, quantity: quantity? as u32, amount: amount? as i64 })
    }
}
