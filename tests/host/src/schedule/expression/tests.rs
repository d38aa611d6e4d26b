#![allow(clippy::unwrap_used)]

use super::*;

/// `YYYY-MM-DDThh:mm:ss`, and milliseconds more.
fn at(text: &str, milliseconds: u64) -> SystemTime {
    let time: DateTime<Utc> = format!("{text}Z").parse().unwrap();
    SystemTime::from(time) + Duration::from_millis(milliseconds)
}

#[test]
fn the_next_time_is_in_a_later_second_and_in_utc() {
    for (expression, after, milliseconds, next) in [
        ("0 * * * * *", "2026-03-01T10:00:00", 0, "2026-03-01T10:01:00"),
        ("0 * * * * *", "2026-03-01T09:59:59", 999, "2026-03-01T10:00:00"),
        ("30 * * * * *", "2026-03-01T10:00:30", 1, "2026-03-01T10:01:30"),
        ("* * * * * *", "2026-12-31T23:59:59", 500, "2027-01-01T00:00:00"),
        ("0 0 4 * * *", "2026-03-01T04:00:00", 0, "2026-03-02T04:00:00"),
        ("0 0 0 29 2 *", "2026-03-01T00:00:00", 0, "2028-02-29T00:00:00"),
        // Both the day of the month and the day of the week must fit, other than in crontab(5).
        ("0 0 0 13 * FRI", "2026-04-01T00:00:00", 0, "2026-11-13T00:00:00"),
    ] {
        let parsed: CronExpression = expression.parse().unwrap();
        assert_eq!(parsed.next_after(at(after, milliseconds)), Some(at(next, 0)), "{expression} after {after}");
        assert_eq!(parsed.to_string(), expression);
    }
}

#[test]
fn what_never_comes_has_no_next_time() {
    let never: CronExpression = "0 0 0 30 2 *".parse().unwrap();
    assert_eq!(never.next_after(at("2026-03-01T00:00:00", 0)), None);
}

#[test]
fn an_expression_that_spin_refuses_is_refused_with_its_reason() {
    for (expression, reason) in [
        ("* * * * *", "six fields"),
        ("* * * * * * *", "fields"),
        ("61 * * * * *", "out of bounds"),
        ("every minute", "fields"),
        ("", "empty"),
    ] {
        let error = expression.parse::<CronExpression>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{expression}` is not a cron expression")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}
