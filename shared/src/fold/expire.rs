//! Pages that nobody reads any more go by number, a bounded count at a time.

use super::Settings;
use crate::{
    facts::push,
    store::{
        key::{Key, Stored},
        keys,
        list::{Length, List, PAGE},
        record::{FoldError, Knowledge, Record, Write, find},
    },
    time::{Day, Timestamp},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// The list of a day stays so many days after it.
pub const DUE_DAYS: u64 = 14;
/// What became of pushes stays for push so many whole days; then pages go, and items on one that is not full become void.
pub const OUTCOME_DAYS: u64 = 7;
/// A new account begins so many days before that, so that a journal older than its first rollup is served too.
const FIRST_DAYS: u64 = 8;
/// Pages that go in one step.
const PAGES_AT_ONCE: u64 = 500;

/// The first page that is still there; nothing is listed on a day before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueCursor {
    pub(super) day: u64,
    page: u64,
}

impl DueCursor {
    /// Its key.
    pub(crate) fn key() -> Key<Self> {
        keys::DUE_CURSOR.key(&[])
    }

    /// Whether a day's list is gone.
    pub(crate) fn is_past(&self, day: u64) -> bool {
        day < self.day
    }

    /// The first page of a day's list that is still there, if the days' lists go from that day on.
    pub(crate) fn page_of(&self, day: u64) -> Option<u64> {
        (self.day == day).then_some(self.page)
    }
}

impl Stored for DueCursor {}

impl Record for DueCursor {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A day's list goes, or the next pages of it. Nothing ever, when the playbook has no reminder.
pub(super) async fn due(settings: &Settings, now: Timestamp, known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
    let mut cursor: DueCursor = find(&DueCursor::key(), known).await?;
    let reminders = settings.pushes.products.values().any(|product| product.reminder.is_some());
    let until = settings.utc_offset.local(now).day.0.saturating_sub(DUE_DAYS);
    if cursor.is_nothing() {
        if !reminders {
            return Ok(Vec::new());
        }
        cursor.day = until.saturating_sub(FIRST_DAYS);
    }
    if cursor.day >= until {
        return Ok(Vec::new());
    }
    let list = push::due(cursor.day);
    let pages = find(&list.head(), known).await?.0.div_ceil(PAGE);
    let end = pages.min(cursor.page.saturating_add(PAGES_AT_ONCE));
    let mut writes: Vec<Write> = gone(&list, cursor.page..end);
    if end < pages {
        cursor.page = end;
    } else {
        writes.extend((pages > 0).then(|| list.head().take()));
        cursor = DueCursor { day: cursor.day + 1, page: 0 };
    }
    writes.push(DueCursor::key().put(&cursor));
    Ok(writes)
}

/// How much of a list is gone that goes by days, and where its days begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DayCursor {
    /// Items at the beginning that are gone.
    gone: u64,
    /// The first item of each day.
    days: BTreeMap<Day, u64>,
}

impl Stored for DayCursor {}

impl Record for DayCursor {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl DayCursor {
    /// Its key for outcomes.
    pub(super) fn of_outcomes() -> Key<Self> {
        keys::OUTCOME_CURSOR.key(&[])
    }

    /// Its key for requests.
    pub(super) fn of_requests() -> Key<Self> {
        keys::REQUEST_CURSOR.key(&[])
    }

    /// Notes that an item of a day stands at a position.
    pub(super) fn note(&mut self, day: Day, position: u64) {
        self.days.entry(day).or_insert(position);
    }
}

/// What is older than so many days goes from a list, or the next pages of it.
pub(super) async fn by_days<T: Serialize + DeserializeOwned>(
    list: &List<T>,
    key: Key<DayCursor>,
    days: u64,
    (settings, now): (&Settings, Timestamp),
    known: &dyn Knowledge,
) -> Result<Vec<Write>, FoldError> {
    let mut cursor: DayCursor = find(&key, known).await?;
    // A cursor that was damaged began anew.
    cursor.gone = cursor.gone.max(find(&list.gone(), known).await?.0);
    let oldest = Day(settings.utc_offset.local(now).day.0.saturating_sub(days));
    if cursor.days.first_key_value().is_none_or(|(day, _)| *day >= oldest) {
        return Ok(Vec::new());
    }
    let count = find(&list.head(), known).await?.0;
    let until = cursor.days.range(oldest..).map(|(_, first)| *first).min().unwrap_or(count).max(cursor.gone);
    let end = until.min((cursor.gone / PAGE + PAGES_AT_ONCE) * PAGE);
    let mut writes = gone(list, cursor.gone / PAGE..end / PAGE);
    if end % PAGE > 0 {
        let key = list.page(end);
        let mut page = find(&key, known).await?;
        page.0.iter_mut().take((end % PAGE) as usize).for_each(|item| *item = None);
        writes.push(key.put(&page));
    }
    cursor.gone = end;
    // Who reads begins there, also when that stood still for longer, or is new.
    writes.push(list.gone().put(&Length(end)));
    if end == until {
        cursor.days = cursor.days.split_off(&oldest);
    }
    writes.push(key.put(&cursor));
    Ok(writes)
}

fn gone<T>(list: &List<T>, pages: std::ops::Range<u64>) -> Vec<Write> {
    pages.map(|page| list.page(page * PAGE).take()).collect()
}
