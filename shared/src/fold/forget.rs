//! Fans who unfollowed are forgotten after `forget_after_days`, without a look at all fans: an unfollow writes the openid
//! on a page of the day on which it is due, `fan:forget:<day>:<page>`, and the pages are worked off by number.
//!
//! Orders that wait for a fan who never turns up stand there too, by their key, and go after as long. So does a fan on the day on
//! which a field that a dialog saved goes; from its last moment on nobody reads it.
//!
//! Who follows again is crossed off when the page comes up. There are [`PAGES`] pages a day of at most [`PAGE_MAX`]
//! openids; if more than half a million fans leave on one day, those beyond are not forgotten.

use super::fan::Fan;
use crate::{
    conversation,
    fold::{
        Settings, damaged,
        lists::Listed,
        orders::{self, Waiting},
        requests::Requests,
    },
    store::{
        key::{Key, Stored},
        keys,
        record::{FoldError, Knowledge, Record, Table, Write, find, page},
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

/// Where the work stands: the next page to work off; all earlier ones are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) day: u64,
    page: u8,
}

impl Stored for Cursor {}

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

    /// Its key.
    pub(crate) fn key() -> Key<Self> {
        keys::FORGET_CURSOR.key(&[])
    }

    fn page(self) -> Key<ForgetPage> {
        keys::FORGET.key(&[&self.day, &self.page])
    }
}

/// Openids, and orders that wait, whose day has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForgetPage(BTreeSet<String>);

impl Stored for ForgetPage {}

impl Record for ForgetPage {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl ForgetPage {
    pub(crate) fn take(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(crate) fn add(&mut self, name: &str) {
        if self.0.len() < PAGE_MAX {
            self.0.insert(name.to_owned());
        }
    }
}

/// The key of the page for a fan of whom something goes at `end`.
pub(crate) fn page_of_end(settings: &Settings, name: &str, end: Timestamp, done: Cursor) -> Key<ForgetPage> {
    let day = settings.utc_offset.local(end).day.0.max(done.day.saturating_add(1));
    Cursor { day, page: page(name, PAGES) }.page()
}

/// The key of the page for a fan who left at `gone`, or orders that wait since then.
pub(crate) fn page_key(settings: &Settings, name: &str, gone: Timestamp, done: Cursor) -> Key<ForgetPage> {
    let day = settings.utc_offset.local(gone).day.0.saturating_add(u64::from(settings.forget_after_days));
    // A page that is done is never looked at again.
    let day = day.max(done.day.saturating_add(1));
    Cursor { day, page: page(name, PAGES) }.page()
}

/// Forgets the next fans whose time has come: at most 500, and no more than a page. Empty when no page is due today. Names
/// every record it looks at.
///
/// # Errors
/// [`FoldError`], when a record among `loaded` cannot be read.
pub(crate) async fn step(settings: &Settings, now: Timestamp, known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
    Work::begin(settings, now, known).await?.run().await
}

/// One page's work.
struct Work<'a> {
    settings: &'a Settings,
    known: &'a dyn Knowledge,
    cursor: Cursor,
    now: Timestamp,
    today: u64,
    /// What left before this is forgotten.
    until: Timestamp,
    writes: Vec<Write>,
    listed: Listed,
    requests: Requests,
    later: Table<ForgetPage>,
    damaged: Table<damaged::List>,
}

impl<'a> Work<'a> {
    async fn begin(settings: &'a Settings, now: Timestamp, known: &'a dyn Knowledge) -> Result<Self, FoldError> {
        let today = settings.utc_offset.local(now).day.0;
        let mut cursor: Cursor = find(&Cursor::key(), known).await?;
        if cursor.is_nothing() {
            cursor.day = today.saturating_sub(FIRST_DAYS);
        }
        let until = Timestamp(now.0.saturating_sub(u64::from(settings.forget_after_days) * 86_400));
        let (writes, listed, requests) = (Vec::new(), Listed::default(), Requests::default());
        let (later, damaged) = (Table::default(), Table::default());
        Ok(Self { settings, known, cursor, now, today, until, writes, listed, requests, later, damaged })
    }

    /// What to write; names every record it looks at.
    async fn run(mut self) -> Result<Vec<Write>, FoldError> {
        let (cursor, known) = (self.cursor, self.known);
        if cursor.day >= self.today {
            return Ok(Vec::new());
        }
        let mut own = Table::<ForgetPage>::default();
        let page = own.get(cursor.page(), known).await?;
        let due: Vec<String> = page.0.iter().take(FANS_AT_ONCE).cloned().collect();
        let next = if due.len() < page.0.len() { cursor } else { cursor.next() };
        for name in &due {
            page.0.remove(name);
        }
        for name in due {
            // No openid has a colon.
            match OpenId::try_from(name.clone()) {
                Ok(openid) => self.fan(&openid).await?,
                Err(_) => self.waiting(name).await?,
            }
        }
        let Self { mut writes, listed, requests, later, damaged, .. } = self;
        writes.extend(damaged.writes());
        writes.extend(later.writes());
        writes.extend(listed.writes());
        writes.extend(requests.writes());
        writes.extend(own.writes());
        writes.push(Cursor::key().put(&next));
        Ok(writes)
    }

    async fn fan(&mut self, openid: &OpenId) -> Result<(), FoldError> {
        let key = super::fan::key(openid);
        let mut fan: Fan = find(&key, self.known).await?;
        let has_changed = fan.expire(self.now, self.settings.utc_offset);
        let gone = fan.gone_since(self.settings.utc_offset);
        if gone.is_none_or(|gone| gone > self.until) {
            if has_changed {
                self.writes.push(key.put(&fan));
            }
            // The playbook gives more time than it did when the fan left, or something else of the fan was to go.
            return match gone {
                Some(gone) => self.later(openid.as_str(), gone).await,
                None => Ok(()),
            };
        }
        self.listed.remove(openid, &mut fan.places, Day(self.today), self.known).await?;
        self.requests.forget(openid, self.known).await?;
        let union = fan.union.map(|union| orders::union_key(&union));
        let spoken: [String; 2] = [conversation::key(openid).into(), conversation::dialog(openid).into()];
        let stored = self.known.get(&spoken).await?;
        let kept = spoken.into_iter().zip(stored).filter_map(|(key, stored)| stored.map(|_| key));
        let set_aside = self.damaged.get(damaged::List::key(), self.known).await?.take_of(openid);
        self.writes.extend(union.map(Key::take).into_iter().chain([key.take()]));
        self.writes.extend(kept.chain(set_aside).map(|key| Write { key, value: None }));
        Ok(())
    }

    /// Orders that nobody came for.
    async fn waiting(&mut self, key: String) -> Result<(), FoldError> {
        let Some(at) = keys::WAITING.read(&key) else { return Ok(()) };
        let mut waiting = Table::<Waiting>::default();
        let left = waiting.get(at, self.known).await?.drop_until(self.until);
        self.writes.extend(waiting.writes());
        match left {
            Some(left) => self.later(&key, left).await,
            None => Ok(()),
        }
    }

    async fn later(&mut self, name: &str, gone: Timestamp) -> Result<(), FoldError> {
        let key = page_key(self.settings, name, gone, self.cursor);
        self.later.get(key, self.known).await?.add(name);
        Ok(())
    }
}
