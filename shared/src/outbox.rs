//! Requests, as signed posts to the brand's webhook: every one at least once, under one id, and each fan's in order.
//!
//! ```text
//! request:list ──► Head (what waits, what was given up) ──► body, receipt, signature ──► Posts (the port) ──► what it came to
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`address`] | where the webhook is |
//! | [`body`] | what is posted |
//! | [`receipt`] | the same for a printer: 32 columns, and ESC/POS |
//! | [`post`] | the port, and what an answer means |
//! | [`pauses`] | when a post is tried again, and when it is given up |
//! | [`head`] | how far the outbox is |
//! | [`job`] | one run |
//! | [`report`] | what a run did |
//! | [`resend`] | what was given up is sent again |
//!
//! - **At least once.** A request leaves [`Head`] when an answer said that it arrived, and that is stored afterwards: a run that dies
//!   between posts it again, under the same `webhook-id`, the request's number.
//! - **In order.** Of a fan one request at a time is on its way, and a later one waits until the earlier one is delivered or given up.
//! - **Read again.** What is posted is read from the list at most [`job::FRESH`] before each try, so a fan who is forgotten is not posted.

pub mod address;
pub mod body;
pub mod head;
pub mod job;
pub mod pauses;
pub mod post;
pub mod receipt;
pub mod report;
pub mod resend;

pub use address::Address;
pub use head::Head;
pub use job::{Tools, deliver};
pub use post::{Answer, Post, PostError, Posts};
pub use report::{End, JOB, Report};
