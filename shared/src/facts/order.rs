//! What the shop system says of an order.

use crate::{time::Timestamp, wechat::OpenId};
use serde::{Deserialize, Serialize};

/// Bytes of an order's number, a unionid and a product.
pub const TEXT_MAX: usize = 64;

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
    /// The [number](super::request::number) of the request that it answers.
    pub request: Option<String>,
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

/// Orders of an entry of format 1, which named no requests.
#[derive(Deserialize)]
pub(super) struct Unnamed {
    pub(super) at: Timestamp,
    pub(super) orders: Vec<UnnamedEvent>,
}

/// [`OrderEvent`] without its request.
#[derive(Deserialize)]
pub(super) struct UnnamedEvent {
    id: String,
    kind: OrderKind,
    version: u32,
    openid: Option<OpenId>,
    unionid: Option<String>,
    at: Timestamp,
    lines: Vec<Line>,
}

impl From<UnnamedEvent> for OrderEvent {
    fn from(event: UnnamedEvent) -> Self {
        let UnnamedEvent { id, kind, version, openid, unionid, at, lines } = event;
        Self { id, kind, version, openid, unionid, at, lines, request: None }
    }
}
