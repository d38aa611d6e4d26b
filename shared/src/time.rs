//! Seconds since 1970-01-01 UTC, as WeChat counts them, and the playbook's own clock.

mod moment;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use moment::Moment;

const SECONDS_A_DAY: u64 = 86_400;
const SECONDS_AN_HOUR: i64 = 3_600;

/// Seconds since 1970-01-01 UTC; `CreateTime`, `timestamp` and everything of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// How far apart two moments are, in seconds, whichever comes first.
    pub fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A fixed distance from UTC: whole hours from -12 to +14. There are no time zones with summer time here, on purpose:
/// a retried message must get the same answer whatever a time-zone database says that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i8", into = "i8")]
pub struct UtcOffset(i8);

/// The text or number is not a UTC offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an offset is whole hours from -12:00 to +14:00, such as +08:00")]
pub struct NotAnOffset;

impl UtcOffset {
    /// China's.
    pub const BEIJING: Self = Self(8);

    /// What the clock shows at `moment` where this offset holds.
    pub fn local(self, moment: Timestamp) -> Local {
        let seconds = moment.0.saturating_add_signed(i64::from(self.0) * SECONDS_AN_HOUR);
        Local { day: Day(seconds / SECONDS_A_DAY), minute: (seconds % SECONDS_A_DAY / 60) as u16 }
    }
}

impl TryFrom<i8> for UtcOffset {
    type Error = NotAnOffset;

    fn try_from(hours: i8) -> Result<Self, NotAnOffset> {
        if (-12..=14).contains(&hours) { Ok(Self(hours)) } else { Err(NotAnOffset) }
    }
}

impl From<UtcOffset> for i8 {
    fn from(offset: UtcOffset) -> i8 {
        offset.0
    }
}

impl std::str::FromStr for UtcOffset {
    type Err = NotAnOffset;

    /// Reads `+08:00`: sign, two digits, `:00`.
    fn from_str(text: &str) -> Result<Self, NotAnOffset> {
        let hours = text.strip_suffix(":00").ok_or(NotAnOffset)?;
        let digits = hours.strip_prefix(['+', '-']).ok_or(NotAnOffset)?;
        if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnOffset);
        }
        hours.parse::<i8>().map_err(|_| NotAnOffset)?.try_into()
    }
}

/// What a wall clock and a calendar show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// The date.
    pub day: Day,
    /// Minutes since midnight, 0 to 1439.
    pub minute: u16,
}

/// A date, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub u64);

impl Day {
    /// 0 is Monday, 6 is Sunday.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        ((self.0 % 7 + 3) % 7) as usize
    }

    /// The day before; the first of all days is its own.
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The calendar's date; none after the year 9999.
    pub fn date(self) -> Option<Date> {
        let seconds = i64::try_from(self.0.checked_mul(SECONDS_A_DAY)?).ok()?;
        let midnight = jiff::Timestamp::from_second(seconds).ok()?;
        Some(jiff::tz::Offset::UTC.to_datetime(midnight).date())
    }
}

/// The text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a moment is written as in RFC 3339, such as 2026-02-16T09:30:00+08:00")]
pub struct NotAMoment;

impl std::str::FromStr for Timestamp {
    type Err = NotAMoment;

    /// Reads RFC 3339; fractions of a second are dropped. By hand, because `jiff`'s parser and its error messages would be
    /// an eighth of the one component that reads moments.
    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let (day, rest) = text.split_at_checked(10).ok_or(NotAMoment)?;
        let day = day.parse::<Day>().map_err(|_| NotAMoment)?.0;
        let rest = rest.strip_prefix(['T', 't', ' ']).ok_or(NotAMoment)?;
        let (clock, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-']).ok_or(NotAMoment)?);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let [hours, minutes, seconds] = numbers(clock, [23, 59, 59])?;
        let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let local = day * SECONDS_A_DAY + hours * 3600 + minutes * 60 + seconds;
        let moment = match zone.split_at_checked(1) {
            Some(("Z" | "z", "")) => Some(local),
            Some((sign, offset)) => {
                let [hours, minutes] = numbers(offset, [23, 59])?;
                let offset = hours * 3600 + minutes * 60;
                if sign == "-" { local.checked_add(offset) } else { local.checked_sub(offset) }
            }
            None => None,
        };
        moment.filter(|_| digits).map(Self).ok_or(NotAMoment)
    }
}

/// Two-digit numbers between colons, each at most its limit.
fn numbers<const N: usize>(text: &str, limits: [u64; N]) -> Result<[u64; N], NotAMoment> {
    let mut parts = text.split(':');
    let mut numbers = [0; N];
    for (number, limit) in numbers.iter_mut().zip(limits) {
        let part = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()));
        *number = part.and_then(|part| part.parse().ok()).filter(|number| *number <= limit).ok_or(NotAMoment)?;
    }
    if parts.next().is_some() { Err(NotAMoment) } else { Ok(numbers) }
}

/// The text is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date is a day of the calendar from 1970 on, written 2026-02-16")]
pub struct NotADay;

impl std::str::FromStr for Day {
    type Err = NotADay;

    /// Reads `2026-02-16`.
    fn from_str(text: &str) -> Result<Self, NotADay> {
        let mut parts = text.splitn(3, '-');
        let mut part = |width: usize| {
            let digits = parts.next().filter(|p| p.len() == width && p.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|p| p.parse::<i16>().ok()).ok_or(NotADay)
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let date = Date::new(year, month as i8, day as i8).map_err(|_| NotADay)?;
        let midnight = jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| NotADay)?;
        let seconds = u64::try_from(midnight.as_second()).map_err(|_| NotADay)?;
        Ok(Self(seconds / SECONDS_A_DAY))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_clock_of_an_offset_shows_its_own_date_and_minute() {
        // 2026-02-16 16:30:59 UTC, a Monday.
        let moment = Timestamp(1_771_259_459);
        for (offset, date, minute, weekday) in [
            ("+00:00", "2026-02-16", 16 * 60 + 30, 0),
            ("+08:00", "2026-02-17", 30, 1),
            ("-12:00", "2026-02-16", 4 * 60 + 30, 0),
            ("+14:00", "2026-02-17", 6 * 60 + 30, 1),
        ] {
            let local = offset.parse::<UtcOffset>().unwrap().local(moment);
            assert_eq!(local.day.date().unwrap().to_string(), date, "{offset}");
            assert_eq!((local.minute, local.day.weekday()), (minute, weekday), "{offset}");
            assert_eq!(date.parse::<Day>(), Ok(local.day), "{offset}");
        }
    }

    #[test]
    fn the_ends_of_time_have_a_clock_too() {
        let first = "-12:00".parse::<UtcOffset>().unwrap().local(Timestamp(0));
        assert_eq!(first, Local { day: Day(0), minute: 0 });
        assert_eq!(first.day.weekday(), 3);
        let last = UtcOffset::BEIJING.local(Timestamp(u64::MAX));
        assert_eq!(last.day.date(), None);
    }

    #[test]
    fn offsets_and_dates_have_one_spelling() {
        for wrong in ["8", "+8:00", "+08:30", "+15:00", "-13:00", "08:00", "++8:00", "+08:00 ", ""] {
            assert_eq!(wrong.parse::<UtcOffset>(), Err(NotAnOffset), "{wrong}");
        }
        for wrong in
            ["2026-2-16", "2026-02-30", "26-02-16", "1969-12-31", "2026-13-01", "2026-02-16x", "2026/02/16", ""]
        {
            assert_eq!(wrong.parse::<Day>(), Err(NotADay), "{wrong}");
        }
    }

    #[test]
    fn a_moment_reads_as_jiff_reads_it() {
        for text in [
            "2026-02-16T09:30:00+08:00",
            "2026-02-16t09:30:00z",
            "2026-02-16 09:30:00.123456Z",
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59-11:30",
        ] {
            let expected: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(text.parse(), Ok(Timestamp(expected.as_second() as u64)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "soon",
            "2026-02-16",
            "2026-02-16T09:30:00",
            "2026-02-30T09:30:00Z",
            "2026-02-16T24:00:00Z",
            "2026-02-16T09:30Z",
            "2026-02-16T09:30:00.Z",
            "2026-02-16T9:30:00Z",
            "2026-02-16T09:30:00+8",
            "2026-02-16T09:30:00Zx",
            "1970-01-01T00:00:00+08:00",
            "1771205400",
            "２０２６-02-16T09:30:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotAMoment), "{text}");
        }
    }
}
