//! Lines that are good for a while, for everybody who asks the same. In the memory of one instance: another one asks again.

use super::Lookup;
use crate::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// The most lines that an instance keeps; with 2,000 bytes a line, half a megabyte.
pub const LINES_MAX: usize = 256;
/// The longest that a line may be good for: a day.
pub const SECONDS_MAX: u32 = 86_400;

type Key = [u8; 32];

/// By service, all that the playbook says of it, and question; nothing of who asked.
#[derive(Debug, Default)]
pub struct Cache {
    lines: HashMap<Key, (String, Timestamp)>,
}

impl Cache {
    /// The line that was kept for a question, while it is good.
    pub fn get(&self, lookup: &Lookup, now: Timestamp) -> Option<&str> {
        let (line, until) = self.lines.get(&key(lookup))?;
        (now < *until).then_some(line)
    }

    /// Keeps a line for as long as its service says. Where there is no room, what is good for the shortest time makes it.
    pub fn put(&mut self, lookup: &Lookup, line: &str, now: Timestamp) {
        let seconds = lookup.service.cache_seconds.min(SECONDS_MAX);
        if seconds == 0 {
            return;
        }
        let key = key(lookup);
        self.lines.retain(|_, (_, until)| now < *until);
        if self.lines.len() >= LINES_MAX && !self.lines.contains_key(&key) {
            let soonest = self.lines.iter().min_by_key(|(key, (_, until))| (*until, **key)).map(|(key, _)| *key);
            soonest.and_then(|soonest| self.lines.remove(&soonest));
        }
        self.lines.insert(key, (line.to_owned(), Timestamp(now.0.saturating_add(seconds.into()))));
    }
}

fn key(lookup: &Lookup) -> Key {
    Sha256::digest(lookup.encode()).into()
}
