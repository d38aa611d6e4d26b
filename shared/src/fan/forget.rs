//! Fans who unfollowed are forgotten after `forget_after_days`, without a look at all fans: an unfollow writes the openid
//! on a page of the day on which it is due, `fan:forget:<day>:<page>`, and the pages are worked off by number.
//!
//! Who follows again is crossed off when the page comes up. There are [`PAGES`] pages a day of at most [`PAGE_MAX`]
//! openids; if more than half a million fans leave on one day, those beyond are not forgotten.

use super::Fan;
use crate::{
    fold::{
        FoldError, Records, Settings, Write,
        lists::Listed,
        record::{Record, Table, hex, load, page},
    },
    time::{Day, Timestamp},
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Pages of a day.
const PAGES: u8 = 64;
/// Openids on a page.
const PAGE_MAX: usize = 8_000;
/// Fans looked at in one go.
const FANS_AT_ONCE: usize = 500;
/// A new account begins this many days back, so that a journal older than its first rollup is served too.
const FIRST_DAYS: u64 = 8;

/// Where the work stands.
pub(crate) const CURSOR: &str = "cursor:forget";

/// The next page to work off; all earlier ones are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) day: u64,
    page: u8,
}

impl Record for Cursor {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Cursor {
    fn next(self) -> Self {
        match self.page + 1 {
            PAGES => Self { day: self.day + 1, page: 0 },
            page => Self { page, ..self },
        }
    }

    fn key(self) -> String {
        format!("fan:forget:{}:{}", self.day, self.page)
    }
}

/// Openids whose day has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForgetPage(BTreeSet<String>);

impl Record for ForgetPage {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl ForgetPage {
    pub(crate) fn add(&mut self, openid: &OpenId) {
        if self.0.len() < PAGE_MAX {
            self.0.insert(openid.to_string());
        }
    }
}

/// The key of the page for a fan who left at `gone`.
pub(crate) fn page_key(settings: &Settings, openid: &OpenId, gone: Timestamp, done: Cursor) -> String {
    let day = settings.utc_offset.local(gone).day.0.saturating_add(u64::from(settings.forget_after_days));
    // A page that is done is never looked at again.
    let day = day.max(done.day.saturating_add(1));
    Cursor { day, page: page(openid.as_str(), PAGES) }.key()
}

/// Forgets the next fans whose time has come: at most 500, and no more than a page. Empty when no page is due today. Names
/// every record it looks at.
///
/// # Errors
/// [`FoldError`], when a record among `loaded` cannot be read.
pub(crate) fn step(
    settings: &Settings,
    now: Timestamp,
    loaded: &Records,
    keys: &mut BTreeSet<String>,
) -> Result<Vec<Write>, FoldError> {
    Work::begin(settings, now, loaded)?.run(settings, loaded, keys)
}

/// One page's work.
struct Work {
    cursor: Cursor,
    today: u64,
    now: Timestamp,
}

impl Work {
    fn begin(settings: &Settings, now: Timestamp, loaded: &Records) -> Result<Self, FoldError> {
        let today = settings.utc_offset.local(now).day.0;
        let mut cursor: Cursor = load(CURSOR, loaded)?;
        if cursor.is_nothing() {
            cursor.day = today.saturating_sub(FIRST_DAYS);
        }
        Ok(Self { cursor, today, now })
    }

    /// What to write; names every record it looks at.
    fn run(self, settings: &Settings, loaded: &Records, keys: &mut BTreeSet<String>) -> Result<Vec<Write>, FoldError> {
        let Self { cursor, today, now } = self;
        if cursor.day >= today {
            return Ok(Vec::new());
        }
        keys.insert(cursor.key());
        let mut page: ForgetPage = load(&cursor.key(), loaded)?;
        let due: Vec<String> = page.0.iter().take(FANS_AT_ONCE).cloned().collect();
        let next = if due.len() < page.0.len() { cursor } else { cursor.next() };
        let (mut writes, mut later) = (Vec::new(), Table::<ForgetPage>::default());
        let mut listed = Listed::default();
        for openid in due {
            page.0.remove(&openid);
            let Ok(openid) = OpenId::try_from(openid) else {
                continue;
            };
            let key = super::key(&openid);
            let mut fan: Fan = load(&key, loaded)?;
            keys.insert(key.clone());
            let Some(gone) = fan.gone_since(settings.utc_offset) else {
                continue;
            };
            let kept = u64::from(settings.forget_after_days) * 86_400;
            if gone.0.saturating_add(kept) > now.0 {
                // The playbook gives more time than it did when the fan left.
                let key = page_key(settings, &openid, gone, cursor);
                later.get(key, loaded)?.add(&openid);
                continue;
            }
            listed.remove(&openid, &mut fan.places, Day(today), loaded)?;
            writes.extend(fan.union.map(|union| Write { key: super::union_key(&hex(&union)), value: None }));
            writes.push(Write { key, value: None });
        }
        keys.extend(later.keys().cloned());
        writes.extend(later.writes(loaded));
        keys.extend(listed.keys());
        writes.extend(listed.writes(loaded));
        let mut own = Table::<ForgetPage>::default();
        *own.get(cursor.key(), loaded)? = page;
        writes.extend(own.writes(loaded));
        writes.push(Write { key: CURSOR.to_owned(), value: Some(crate::fold::record::encode(&next)) });
        Ok(writes)
    }
}
