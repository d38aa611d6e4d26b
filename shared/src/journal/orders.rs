//! Purchases that the brand's shop system reports: `POST /orders`.
//!
//! | module | what |
//! |---|---|
//! | [`webhook`] | whether it is the shop system: Standard Webhooks |
//! | `request` | what it says, and every reason why it may not: [`read`] |
//!
//! An order is known for ever by its number, so it may be reported as often as the shop likes; so may a refund and a
//! cancellation, and each may come before the order.

mod request;
pub mod webhook;

pub use request::{
    AMOUNT_MAX, BODY_MAX, LINES_MAX, ORDERS_MAX, PROBLEMS_MAX, Problem, QUANTITY_MAX, Refused, VERSION_MAX, read,
};
