//! Opening hours: which minutes of which days are open.

use crate::time::{Day, Local};
use serde::{Deserialize, Serialize};

const MINUTES_A_DAY: u16 = 24 * 60;
/// How far ahead the next opening is looked for.
const AHEAD_DAYS: u64 = 60;

/// A span of minutes after midnight: `from` is in it, `to` is not. `to` past 24:00 runs into the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Opening {
    pub(super) from: u16,
    pub(super) to: u16,
}

/// Openings that hold on some dates instead of the weekday's; none: closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exception {
    pub(super) first: Day,
    pub(super) last: Day,
    pub(super) openings: Vec<Opening>,
}

/// One `[hours.<name>]`. An opening belongs to the day on which it begins, past midnight too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hours {
    /// Monday first.
    pub(super) week: [Vec<Opening>; 7],
    /// Sorted by date; no two overlap.
    pub(super) exceptions: Vec<Exception>,
}

impl Hours {
    pub(super) fn open_at(&self, now: Local) -> bool {
        let late = now.minute.saturating_add(MINUTES_A_DAY);
        let opened = |day, minute| self.of(day).iter().any(|o: &Opening| (o.from..o.to).contains(&minute));
        opened(now.day, now.minute) || opened(now.day.before(), late)
    }

    /// When it opens next after this minute: the day and the minute of it. None: not within [`AHEAD_DAYS`].
    pub(super) fn next_opening(&self, now: Local) -> Option<(Day, u16)> {
        (0..=AHEAD_DAYS).find_map(|days| {
            let day = Day(now.day.0.saturating_add(days));
            let mut begins = self.of(day).iter().map(|opening| opening.from);
            begins.find(|from| days > 0 || *from > now.minute).map(|from| (day, from))
        })
    }

    fn of(&self, day: Day) -> &[Opening] {
        let after = self.exceptions.partition_point(|e| e.first <= day);
        match after.checked_sub(1).and_then(|i| self.exceptions.get(i)).filter(|e| day <= e.last) {
            Some(exception) => &exception.openings,
            None => self.week.get(day.weekday()).map_or(&[], Vec::as_slice),
        }
    }
}

impl std::str::FromStr for Opening {
    type Err = ();

    /// Reads `09:30-21:00`; where the end is not after the beginning it is the next day's. `24:00` may be an end.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (from, to) = text.split_once('-').ok_or(())?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        match (from, to) {
            (MINUTES_A_DAY.., _) => Err(()),
            _ if from == to => Err(()),
            _ if from < to => Ok(Self { from, to }),
            _ => Ok(Self { from, to: to + MINUTES_A_DAY }),
        }
    }
}

fn minutes(time: &str) -> Result<u16, ()> {
    let (hour, minute) = time.trim().split_once(':').ok_or(())?;
    let number = |digits: &str| match digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits.parse::<u16>().map_err(|_| ()),
        false => Err(()),
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let fits = minute < 60 && (hour < 24 || (hour, minute) == (24, 0));
    if fits { Ok(hour * 60 + minute) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn at(date: &str, time: &str) -> Local {
        Local { day: date.parse().unwrap(), minute: minutes(time).unwrap() }
    }

    /// Monday 22:00-02:00, Tuesday 09:00-12:00; closed on Monday 2026-02-16; 20:00-21:00 on 2026-03-02.
    fn hours() -> Hours {
        let mut hours = Hours::default();
        hours.week[0] = vec!["22:00-02:00".parse().unwrap()];
        hours.week[1] = vec!["09:00-12:00".parse().unwrap()];
        let exception = |first: &str, last: &str, openings| Exception {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
            openings,
        };
        hours.exceptions = vec![
            exception("2026-02-15", "2026-02-16", vec![]),
            exception("2026-03-02", "2026-03-02", vec!["20:00-21:00".parse().unwrap()]),
        ];
        hours
    }

    #[test]
    fn hours_open_at_their_first_minute_and_close_at_their_last() {
        for (date, time, open) in [
            ("2026-02-23", "21:59", false),
            ("2026-02-23", "22:00", true),
            ("2026-02-24", "01:59", true),
            ("2026-02-24", "02:00", false),
            ("2026-02-24", "11:59", true),
            ("2026-02-24", "12:00", false),
            ("2026-02-16", "23:00", false),
            ("2026-02-17", "01:00", false),
            ("2026-02-17", "09:00", true),
            ("2026-03-02", "20:30", true),
            ("2026-03-02", "22:30", false),
            ("2026-03-03", "01:00", false),
        ] {
            assert_eq!(hours().open_at(at(date, time)), open, "{date} {time}");
        }
    }

    #[test]
    fn the_next_opening_is_the_first_that_begins_later() {
        for (now, time, next) in [
            // A Monday evening before and after it opened, and the day after.
            ("2026-02-23", "21:59", Some(("2026-02-23", 1_320))),
            ("2026-02-23", "22:00", Some(("2026-02-24", 540))),
            ("2026-02-24", "12:00", Some(("2026-03-02", 1_200))),
            // The Monday is closed.
            ("2026-02-15", "10:00", Some(("2026-02-17", 540))),
        ] {
            let next = next.map(|(day, minute): (&str, u16)| (day.parse().unwrap(), minute));
            assert_eq!(hours().next_opening(at(now, time)), next, "{now} {time}");
        }
        assert_eq!(Hours::default().next_opening(at("2026-02-15", "10:00")), None);
    }

    #[test]
    fn times_have_one_spelling() {
        assert_eq!("00:00-24:00".parse(), Ok(Opening { from: 0, to: MINUTES_A_DAY }));
        assert_eq!("22:00 - 02:00".parse(), Ok(Opening { from: 1320, to: 1560 }));
        for wrong in
            ["9:00-10:00", "09:00", "09:00-09:00", "24:00-02:00", "09:60-10:00", "25:00-26:00", "09:00-10:00-11:00"]
        {
            assert_eq!(wrong.parse::<Opening>(), Err(()), "{wrong}");
        }
    }
}
