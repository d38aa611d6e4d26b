//! `cron_expression`, read by the crate that Spin's cron trigger reads it with, and with the same settings.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use croner::Cron;

/// When a component runs: six fields (second, minute, hour, day of the month, month, day of the week), in UTC.
#[derive(Clone, Debug)]
pub struct CronExpression {
    text: String,
    cron: Cron,
}

impl CronExpression {
    /// The first second after the one that `time` is in; none: never again.
    #[must_use]
    pub fn next_after(&self, time: SystemTime) -> Option<SystemTime> {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = DateTime::<Utc>::from_timestamp(i64::try_from(seconds).ok()?, 0)?;
        let next = self.cron.find_next_occurrence(&time, false).ok()?;
        Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(next.timestamp()).ok()?))
    }
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is not a cron expression, which has six fields and seconds first: {reason}")]
pub struct CronExpressionError {
    expression: String,
    reason: String,
}

impl FromStr for CronExpression {
    type Err = CronExpressionError;

    fn from_str(text: &str) -> Result<Self, CronExpressionError> {
        let parsed = Cron::new(text).with_seconds_required().with_dom_and_dow().parse();
        let failed = |error: croner::errors::CronError| CronExpressionError {
            expression: text.to_owned(),
            reason: error.to_string(),
        };
        Ok(Self { text: text.to_owned(), cron: parsed.map_err(failed)? })
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
