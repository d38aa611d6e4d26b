//! A simulated WeChat: fans that follow, scan, write and mistype, the servers that carry it to the brand, and the API.
//!
//! What it does is what WeChat does ([protocol 1 to 3](../../../shared/docs/wechat-protocol.md#1)): signed and
//! encrypted callbacks in all three modes, the connection cut after 5 seconds, three tries in all with a fresh
//! signature and the same message, and a client that shows the fan an answer, nothing, or one of the two notices.
//! Everything is seeded: the same seed gives the same [`Trace`], byte for byte, however many fans write at once.
//!
//! [`api`] is the other direction: what WeChat's API makes of the brand's requests.
//!
//! | module | what |
//! |---|---|
//! | [`scenario`] | who does what and when |
//! | [`network`] | what goes wrong on the way |
//! | [`delivery`] | one message to the brand: up to three tries |
//! | [`judge`] | what WeChat's client makes of an answer |
//! | [`run`] | a whole scenario, many fans at once |
//! | [`trace`], [`summary`] | what happened, line by line and in numbers |
//! | [`api`] | tokens, quotas and the three ways to a fan's screen |

pub mod api;
pub mod delivery;
pub mod judge;
pub mod network;
pub mod run;
pub mod scenario;
pub mod summary;
pub mod trace;

pub use delivery::{Delivery, DeliveryError, Target};
pub use judge::{Fault, Seen, Verdict};
pub use network::Network;
pub use run::{Conditions, run};
pub use scenario::{Act, Brand, Scenario};
pub use summary::Summary;
pub use trace::{Entry, Outcome, Trace};
