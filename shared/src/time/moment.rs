//! A moment as people type it.

use super::{NotAMoment, Timestamp, UtcOffset};
use jiff::{civil::DateTime, tz::Offset};
use std::str::FromStr;

/// `2026-03-02T20:00+08:00`, or `2026-03-02T20:00` by somebody's clock; seconds may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Typed);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    Exact(Timestamp),
    Local(DateTime),
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let typed = match text.parse::<jiff::Timestamp>() {
            Ok(exact) => Typed::Exact(timestamp(exact)?),
            Err(_) => Typed::Local(text.parse().map_err(|_| NotAMoment)?),
        };
        Ok(Self(typed))
    }
}

impl Moment {
    /// Whether it names its offset.
    pub fn has_offset(self) -> bool {
        matches!(self.0, Typed::Exact(_))
    }

    /// When it is; where it names no offset, by a clock with this one.
    ///
    /// # Errors
    /// Before 1970 there, or after the year 9999.
    pub fn by(self, offset: UtcOffset) -> Result<Timestamp, NotAMoment> {
        let local = match self.0 {
            Typed::Exact(at) => return Ok(at),
            Typed::Local(local) => local,
        };
        let offset = Offset::from_hours(i8::from(offset)).map_err(|_| NotAMoment)?;
        timestamp(offset.to_timestamp(local).map_err(|_| NotAMoment)?)
    }
}

fn timestamp(at: jiff::Timestamp) -> Result<Timestamp, NotAMoment> {
    u64::try_from(at.as_second()).map(Timestamp).map_err(|_| NotAMoment)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EVENING: Timestamp = Timestamp(1_772_452_800);

    #[test]
    fn a_moment_is_by_its_own_offset_or_by_the_one_that_is_given() {
        let by = |text: &str, offset: &str| text.parse::<Moment>().unwrap().by(offset.parse().unwrap()).unwrap();
        for text in
            ["2026-03-02T20:00+08:00", "2026-03-02T12:00Z", "2026-03-02T20:00:00.5+08:00", "2026-03-02T22:00+10:00"]
        {
            assert!(text.parse::<Moment>().unwrap().has_offset());
            assert_eq!(by(text, "-03:00"), EVENING, "{text}");
        }
        for (text, offset) in [("2026-03-02T20:00", "+08:00"), ("2026-03-02 13:00:00", "+01:00")] {
            assert!(!text.parse::<Moment>().unwrap().has_offset());
            assert_eq!(by(text, offset), EVENING, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_says_how_one_is_written() {
        for text in ["", "20:00", "this evening", "2026-02-30T20:00", "1969-12-31T23:59Z", "-009999-01-01T00:00Z"] {
            assert_eq!(text.parse::<Moment>(), Err(NotAMoment), "{text}");
        }
        let early: Moment = "1970-01-01T07:59".parse().unwrap();
        assert_eq!(early.by(UtcOffset::BEIJING), Err(NotAMoment));
        let late: Moment = "9999-12-31T23:59".parse().unwrap();
        assert_eq!(late.by("-12:00".parse().unwrap()), Err(NotAMoment));
    }
}
