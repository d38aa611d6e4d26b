//! What a push brought: of those who were to get it, a part bought, and of those who were not, by a draw, another part; the
//! difference of the two, and how sure it is.
//!
//! The 95 % interval is Newcombe's hybrid score interval without continuity correction (R. G. Newcombe, "Interval
//! estimation for the difference between independent proportions", Statistics in Medicine 17, 1998, method 10): the score
//! intervals of Wilson of both parts, put together. It holds where the textbook's does not, and a holdout is just there:
//! small groups, few who buy, and none at all in one of them.
//!
//! Fewer than [`FANS_MIN`] fans in either group, or fewer than [`BOUGHT_MIN`] purchases in both together, are not enough
//! data: then the difference is said in these words and not as a number.
//!
//! Of 200 simulated experiments (`shared/tests/suite/uplift.rs`) the interval covers the true effect in:
//!
//! | treated, holdout | part that buys | in percent of experiments |
//! |---|---|--:|
//! | 100, 30 | 0.3, 0.2 | 96 |
//! | 270, 30 | 0.15, 0.1 | 95 |
//! | 900, 100 | 0.02, 0.01 | 96 |
//! | 900, 100 | 0.1, 0.1 | 96 |
//! | 900, 100 | 0.95, 0.9 | 96 |
//! | 1,800, 200 | 0.05, 0.02 | 96.5 |
//! | 5,000, 5,000 | 0.12, 0.1 | 95.5 |
//! | 20,000, 1,000 | 0.003, 0.002 | 97 |

use std::fmt;

/// Fans that each group needs.
pub const FANS_MIN: u64 = 30;
/// Fans who bought that both groups need together.
pub const BOUGHT_MIN: u64 = 5;
/// The quantile of the normal distribution for 95 %, both sides.
const Z: f64 = 1.959_963_984_540_054;

/// One of the two groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arm {
    /// Fans in it.
    pub fans: u64,
    /// Of these, who bought.
    pub bought: u64,
}

/// The part of the treated that bought less that of the holdout, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// As seen.
    pub difference: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// There are too few fans or purchases to say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not enough data")]
pub struct NotEnoughData;

impl Arm {
    fn share(self) -> f64 {
        self.bought as f64 / self.fans as f64
    }

    /// Wilson's score interval.
    fn interval(self) -> (f64, f64) {
        let (n, p, z2) = (self.fans as f64, self.share(), Z * Z);
        let middle = p + z2 / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        ((middle - half) / (1.0 + z2 / n), (middle + half) / (1.0 + z2 / n))
    }
}

impl Effect {
    /// What the treatment did.
    ///
    /// # Errors
    /// [`NotEnoughData`]
    pub fn of(treated: Arm, holdout: Arm) -> Result<Self, NotEnoughData> {
        let sane = |arm: Arm| arm.fans >= FANS_MIN && arm.bought <= arm.fans;
        if !sane(treated) || !sane(holdout) || treated.bought + holdout.bought < BOUGHT_MIN {
            return Err(NotEnoughData);
        }
        let difference = treated.share() - holdout.share();
        let ((treated_low, treated_high), (holdout_low, holdout_high)) = (treated.interval(), holdout.interval());
        let low = (treated.share() - treated_low).hypot(holdout_high - holdout.share());
        let high = (treated_high - treated.share()).hypot(holdout.share() - holdout_low);
        Ok(Self { difference, low: difference - low, high: difference + high })
    }
}

impl fmt::Display for Effect {
    /// As a report says it, in purchases per 1,000 fans: `23 more in 1,000 fans (from 4 more to 41 more)`. An interval with
    /// both signs says that there may be no effect.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [difference, low, high] = [self.difference, self.low, self.high].map(more);
        write!(f, "{difference} in 1,000 fans (from {low} to {high})")?;
        if self.low <= 0.0 && self.high >= 0.0 { f.write_str(", perhaps no effect") } else { Ok(()) }
    }
}

fn more(part: f64) -> String {
    let fans = (part.abs() * 1_000.0).round();
    format!("{fans} {}", if part < 0.0 { "fewer" } else { "more" })
}
