//! When in the day a fan is there.

use serde::{Deserialize, Serialize};

/// Contacts from which on the hour is known.
const KNOWN_FROM: u8 = 5;
/// Contacts that are remembered in full; when there are so many, all counters are halved. So habits of long ago fade.
const CONTACTS_MAX: u8 = 96;

/// Messages, clicks, scans and follows by the hour of the playbook's day. Zeros at the end are not stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
pub(crate) struct Hours {
    counts: [u8; 24],
    /// Their sum.
    contacts: u8,
}

impl From<Vec<u8>> for Hours {
    fn from(stored: Vec<u8>) -> Self {
        let mut hours = Self::default();
        for (count, stored) in hours.counts.iter_mut().zip(stored) {
            *count = stored.min(CONTACTS_MAX);
        }
        hours.sum();
        hours
    }
}

impl From<Hours> for Vec<u8> {
    fn from(hours: Hours) -> Self {
        let end = hours.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        hours.counts.into_iter().take(end).collect()
    }
}

impl Hours {
    /// Counts a contact at this minute of the day.
    pub(super) fn add(&mut self, minute: u16) {
        if let Some(count) = self.counts.get_mut(usize::from(minute / 60)) {
            *count = count.saturating_add(1);
            self.contacts = self.contacts.saturating_add(1);
        }
        if self.contacts >= CONTACTS_MAX {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.sum();
        }
    }

    /// The hour with the most contacts, of several the first; none before there are [`KNOWN_FROM`] in all.
    pub(super) fn busiest(&self) -> Option<u8> {
        let most = *self.counts.iter().max().filter(|_| self.contacts >= KNOWN_FROM)?;
        (0..).zip(&self.counts).find(|(_, count)| **count == most).map(|(hour, _)| hour)
    }

    fn sum(&mut self) {
        self.contacts = self.counts.iter().copied().fold(0, u8::saturating_add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_busiest_hour_is_known_from_the_fifth_contact_and_of_equals_the_first() {
        let mut hours = Hours::default();
        for (minute, busiest) in [
            (21 * 60, None),
            (21 * 60 + 59, None),
            (8 * 60, None),
            (8 * 60, None),
            (0, Some(8)),
            (22 * 60 - 1, Some(21)),
        ] {
            hours.add(minute);
            assert_eq!(hours.busiest(), busiest);
        }
    }

    #[test]
    fn old_habits_fade_and_no_counter_overflows() {
        let mut hours = Hours::default();
        (0..10_000).for_each(|_| hours.add(600));
        assert_eq!(hours.busiest(), Some(10));
        (0..CONTACTS_MAX).for_each(|_| hours.add(1_200));
        assert_eq!(hours.busiest(), Some(20));
    }
}
