//! The fold: from journal entries and [what is known](Knowledge) to new records. It asks for records as it comes to them, each once;
//! who answers and who writes is [`rollup`].
//!
//! Any order in which entries arrive within ten minutes gives the same bytes, with one exception: **where** something stands
//! on a [list](crate::store::list) is where it came, and the fan's record says where that is. Who is on a list, and with what, is
//! the same again, unless a reminder is due so soon that the day of the news decides ([`crate::fold::fan::due`]). And that a consent is lacking
//! says nothing of a fan who is not known by then.
//!
//! | list | items | an item becomes void | pages go |
//! |---|---|---|---|
//! | `fan:list` | every fan, once | when the fan is forgotten | never |
//! | `due:<day>` | reminders that are due on the day, one per fan and product | with another purchase, a refund, a cancellation, or when the fan is forgotten | [`DUE_DAYS`] days after the day |
//! | `outcome:list` | what push must know | never | after [`OUTCOME_DAYS`] days |
//! | `request:list` | what fans ask the brand for, each once by its number | when the fan is forgotten | after [`REQUEST_DAYS`] days |

pub mod counts;
pub mod damaged;
mod engine;
mod expire;
pub mod fan;
pub(crate) mod forget;
mod left;
pub(crate) mod lists;
pub(crate) mod orders;
pub(crate) mod replay;
pub mod requests;
pub mod rollup;

pub(crate) use expire::DueCursor;
pub use expire::{DUE_DAYS, OUTCOME_DAYS};
pub use requests::REQUEST_DAYS;

use crate::{
    facts::{Placed, push::outcomes, request},
    playbook::{Channel, Pushes, Terms},
    store::record::{FoldError, Knowledge, Write},
    time::{Timestamp, UtcOffset},
};
use engine::Engine;
use expire::DayCursor;
use std::collections::{BTreeMap, BTreeSet};

/// What the playbook says about folding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whose days are counted.
    pub utc_offset: UtcOffset,
    /// Folded entries stay this many days.
    pub keep_days: u32,
    /// Fans who unfollowed are forgotten after this many days.
    pub forget_after_days: u32,
    /// A touch explains a purchase for this many days.
    pub attribution_days: u32,
    /// The channels that the playbook lists, with the tags a touch gives to a fan.
    pub channels: BTreeMap<String, BTreeSet<String>>,
    /// Products with their reminders.
    pub pushes: Pushes,
}

impl From<&Terms> for Settings {
    fn from(terms: &Terms) -> Self {
        let tags = |channel: &Channel| (channel.id.clone(), channel.tags.iter().cloned().collect());
        Self {
            utc_offset: terms.utc_offset,
            keep_days: terms.keep_days,
            forget_after_days: terms.forget_after_days,
            attribution_days: terms.attribution_days,
            channels: terms.channels.iter().map(tags).collect(),
            pushes: terms.pushes.clone(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            utc_offset: UtcOffset::BEIJING,
            keep_days: 7,
            forget_after_days: 30,
            attribution_days: 30,
            channels: BTreeMap::new(),
            pushes: Pushes::default(),
        }
    }
}

/// The changes that the entries make, sorted by key; only of records that become others than they were. The same entries and
/// the same knowledge give the same changes.
///
/// # Errors
/// When a record cannot be had or read.
pub async fn fold(settings: &Settings, entries: &[Placed], known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
    let mut engine = Engine::new(settings, known);
    engine.run(entries).await?;
    engine.writes().await
}

/// One step of what time alone changes, with a bounded number of writes: fans are forgotten whose time has come, or pages of
/// lists go that nobody reads any more. Empty when there is nothing of that left today.
///
/// # Errors
/// When a record cannot be had or read.
pub async fn forget(settings: &Settings, now: Timestamp, known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
    let mut writes = forget::step(settings, now, known).await?;
    if writes.is_empty() {
        writes = expire::due(settings, now, known).await?;
    }
    let at = (settings, now);
    if writes.is_empty() {
        writes = expire::by_days(&outcomes(), DayCursor::of_outcomes(), OUTCOME_DAYS, at, known).await?;
    }
    if writes.is_empty() {
        writes = expire::by_days(&request::list(), DayCursor::of_requests(), REQUEST_DAYS, at, known).await?;
    }
    writes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(writes)
}
