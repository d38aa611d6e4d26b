//! Pushes: who gets what and when, and what became of each.
//!
//! | module | what |
//! |---|---|
//! | `job` | one run: [`push`] |
//! | [`plan`] | the decisions: who gets what, when, and why not |
//! | `planner`, `sender` | from due lists to queues; from queues to WeChat |
//! | [`queue`], `signals` | what stands between these two: what waits, and what they tell each other |
//! | `seen`, `content` | what is stored of a fan; what a push says, and by which call it goes |
//! | [`ledger`], [`head`] | what became of each push; how far push has come and how the account stands |
//! | `book`, `opening` | the one way to write; the head as a run finds it |
//! | [`pace`], `account` | how fast; the token |
//! | [`campaign`], [`requests`] | campaigns that are asked for; who asks for one, and what is said of all |
//! | [`dry_run`] | what a campaign would do |

mod account;
mod book;
pub mod campaign;
mod content;
pub mod dry_run;
pub mod head;
mod job;
pub mod ledger;
mod opening;
pub mod pace;
pub mod plan;
mod planner;
pub mod queue;
mod report;
pub mod requests;
mod seen;
mod sender;
mod signals;

pub use account::{CALL_LIMIT, Credentials, TOKEN};
pub use job::{Tools, push};
pub use report::{End, JOB, Report};
pub use sender::{FRESH, GAVE_UP_MAX, IN_FLIGHT};
