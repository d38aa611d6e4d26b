//! The fold: from journal entries and the records they touch to new records. Pure; who loads and writes is
//! `rollup`.
//!
//! One chunk of entries is folded in three steps: load [`keys`], load [`more_keys`] until it names none, [`fold`].
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

pub mod counts;
pub mod damaged;
mod engine;
mod expire;
pub mod fan;
pub(crate) mod forget;
pub(crate) mod lists;
pub(crate) mod orders;
pub(crate) mod replay;
pub mod rollup;

pub(crate) use expire::DueCursor;
pub use expire::{DUE_DAYS, OUTCOME_DAYS};

use crate::{
    facts::{Entry, Placed, push::LedgerNews},
    playbook::{Channel, Pushes, Terms},
    store::record::{FoldError, Records, Write},
    time::{Timestamp, UtcOffset},
};
use engine::Engine;
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

/// The records to load first.
pub fn keys(entries: &[Placed]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for Placed { entry, .. } in entries {
        match entry {
            Entry::Received(received) => drop(keys.insert(fan::key(&received.message.from_user_name))),
            Entry::Erase(erase) => drop(keys.insert(fan::key(&erase.openid))),
            Entry::Ledger(LedgerNews(news)) => keys.extend(news.iter().map(|news| fan::key(&news.openid))),
            Entry::Damaged(_) => {}
            Entry::Orders(orders) => {
                keys.extend(orders.orders.iter().filter_map(|order| order.openid.as_ref()).map(fan::key))
            }
        }
    }
    keys
}

/// The records to load next, given those `loaded` of all that were `tried`; none: everything is there.
///
/// It folds with what there is and names every record that came up. A record that cannot be read ends the search; then
/// [`fold`] says which.
pub fn more_keys(
    settings: &Settings,
    entries: &[Placed],
    loaded: &Records,
    tried: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut engine = Engine::new(settings, loaded);
    match engine.run(entries) {
        Ok(()) => engine.keys().difference(tried).cloned().collect(),
        Err(_) => BTreeSet::new(),
    }
}

/// The changes that the entries make, sorted by key; only of records that become others than they were.
///
/// # Errors
/// [`FoldError`], when a record among `loaded` cannot be read.
pub fn fold(settings: &Settings, entries: &[Placed], loaded: &Records) -> Result<Vec<Write>, FoldError> {
    let mut engine = Engine::new(settings, loaded);
    engine.run(entries)?;
    engine.writes()
}

/// The records to load before [`forget()`], given those `loaded` of all that were `tried`; none: everything is there.
pub fn forget_keys(
    settings: &Settings,
    now: Timestamp,
    loaded: &Records,
    tried: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut keys = BTreeSet::from([forget::CURSOR.to_owned()]);
    if keys.is_subset(tried) {
        // What cannot be read is reported by `forget`.
        let _ = forget_step(settings, now, loaded, &mut keys);
    }
    keys.difference(tried).cloned().collect()
}

/// One step of what time alone changes, with a bounded number of writes: fans are forgotten whose time has come, or pages of
/// lists go that nobody reads any more. Empty when there is nothing of that left today.
///
/// # Errors
/// [`FoldError`], when a record among `loaded` cannot be read.
pub fn forget(settings: &Settings, now: Timestamp, loaded: &Records) -> Result<Vec<Write>, FoldError> {
    forget_step(settings, now, loaded, &mut BTreeSet::new())
}

/// What to write; names every record it looks at.
fn forget_step(
    settings: &Settings,
    now: Timestamp,
    loaded: &Records,
    keys: &mut BTreeSet<String>,
) -> Result<Vec<Write>, FoldError> {
    let mut writes = forget::step(settings, now, loaded, keys)?;
    if writes.is_empty() {
        writes = expire::due(settings, now, loaded, keys)?;
    }
    if writes.is_empty() {
        writes = expire::outcomes(settings, now, loaded, keys)?;
    }
    writes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(writes)
}
