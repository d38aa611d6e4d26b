//! Pushes: who gets what and when, and what became of each.
//!
//! | module | what |
//! |---|---|
//! | `job` | one run: [`push`] |
//! | [`plan`] | the decisions: who gets what, when, and why not |
//! | `planner`, `sender` | from due lists to queues; from queues to WeChat |
//! | `seen`, `content` | what is stored of a fan; what a push says, and by which call it goes |
//! | [`ledger`], [`head`] | what became of each push; how far push has come and how the account stands |
//! | `book` | the one way to write |
//! | [`pace`], `account` | how fast; the token |
//! | [`campaign`], [`dry_run`] | campaigns that are asked for, and what they would do |
//! | [`news`] | what push tells rollup through the journal, and rollup tells push through `outcome:` |

mod account;
mod book;
pub mod campaign;
mod content;
pub mod dry_run;
pub mod head;
mod job;
pub mod ledger;
pub mod news;
pub mod pace;
pub mod plan;
mod planner;
mod report;
mod seen;
mod sender;

pub use account::{CALL_LIMIT, Credentials, TOKEN};
pub use job::{Tools, push};
pub use report::{End, JOB, Report};
pub use sender::{FRESH, GAVE_UP_MAX, IN_FLIGHT};

use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use std::fmt;

/// One push to one fan; what keeps it from going out twice. Of a reminder: the fan, the product and the purchase that it is
/// about. Of a campaign: the fan and the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PushId([u8; 16]);

impl PushId {
    /// The id of what these words say.
    pub fn of(words: &str) -> Self {
        Self(Sha1::digest(words.as_bytes()).first_chunk().copied().unwrap_or_default())
    }

    /// A number from 0 to 99 that is the push's own: what decides about holdout.
    pub fn percentile(self) -> u8 {
        let [a, b, c, d, ..] = self.0;
        (u32::from_le_bytes([a, b, c, d]) % 100) as u8
    }
}

impl fmt::Display for PushId {
    /// 32 hex digits: the `client_msg_id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
