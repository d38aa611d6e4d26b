//! Purchases that the brand's shop system reports: `POST /orders`.
//!
//! | module | what |
//! |---|---|
//! | [`webhook`] | whether it is the shop system: Standard Webhooks |
//! | `request` | what it says, and every reason why it may not: [`read`] |
//! | `records` | which orders were folded, and which wait for their fan |
//!
//! An order is known for ever by its number, so it may be reported as often as the shop likes; so may a refund and a
//! cancellation, and each may come before the order.

mod records;
mod request;
pub mod webhook;

pub(crate) use records::{OrderLog, Union, Waiting};
pub use request::{
    AMOUNT_MAX, BODY_MAX, LINES_MAX, ORDERS_MAX, PROBLEMS_MAX, Problem, QUANTITY_MAX, Refused, TEXT_MAX, VERSION_MAX,
    read,
};

use crate::{time::Timestamp, wechat::OpenId};
use serde::{Deserialize, Serialize};

/// One thing that happened to an order, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// The shop's number of the order.
    pub id: String,
    /// What happened.
    pub kind: OrderKind,
    /// Tells two events of one kind apart: a correction of an order, a second partial refund.
    pub version: u32,
    /// Who bought; at least one of this and `unionid` is there.
    pub openid: Option<OpenId>,
    /// Who bought, across the accounts of one Open Platform account.
    pub unionid: Option<String>,
    /// When, by the shop's clock.
    pub at: Timestamp,
    /// What was bought or given back; a cancellation may have none.
    pub lines: Vec<Line>,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OrderKind {
    /// It was placed and paid.
    Order,
    /// Money went back, for all of it or a part.
    Refund,
    /// It is void, as if it had never been.
    Cancel,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The shop's id of the product.
    pub product: String,
    /// How many.
    pub quantity: u32,
    /// For all of them together, in cents (分).
    pub amount: i64,
}
