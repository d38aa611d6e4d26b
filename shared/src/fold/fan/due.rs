//! When a fan runs out of a product, and on which day that is due to be said.
//!
//! **Run-out** = the last purchase + its pieces × the days that a piece lasts this fan. The stock from before it is not
//! added: who buys early also uses more, or gives some away, and an estimate that carries stock along carries its own
//! errors along.
//!
//! **The days that a piece lasts** are the product's figure (`supply_days`), shrunk towards what the fan did: each interval
//! between two purchases, divided by the pieces bought at its beginning, is one observation, and the product's figure
//! counts as one more. The estimate is their mean, over the last eight intervals. Before that an observation is put within
//! a quarter and four times the product's figure: a fan who was away for a year, or bought again on the same day because
//! the basket was sent off too early, says nothing about how long a piece lasts.
//!
//! Why a mean with a weight of one: fans differ much more between each other than one fan from month to month (a cat eats
//! what it eats), so the second interval already says more than the product's figure. Weights of two and three, the median
//! in the place of the mean, limits closer to the fan's own median, and intervals weighted by pieces were tried on the
//! populations below: all of them were within 0.03 of this where fans differ, except the larger weights, which were worse
//! by up to 0.08 there and better by 0.03 where fans do not differ. So the simplest one stayed. All of it is whole numbers,
//! so that every platform gives the same second.
//!
//! Mean absolute error of the estimated next purchase from the third purchase on, as a part of that of the product's fixed
//! figure (`shared/tests/suite/due.rs`, "at most 0.8 where fans differ"; spread between fans and noise within one are standard
//! deviations of logarithms):
//!
//! | fans | part |
//! |---|--:|
//! | calm: spread 0.35, noise 0.15 | 0.46 |
//! | noisy: spread 0.5, noise 0.3 | 0.59 |
//! | alike: spread 0.25, noise 0.25 | 0.77 |
//! | moody: spread 0.4, noise 0.25, a cycle in twelve skipped, one bought early | 0.76 |
//! | misjudged: the product's figure 1.4 times too small, spread 0.2, noise 0.2 | 0.53 |
//! | all the same: no spread, noise 0.2 (then the product's figure is the best estimate that there is) | 1.07 |
//! | the same, and moody | 1.12 |
//!
//! **Due** on the day of the run-out less the reminder's `lead_days`, but not before `gap_days` after the last purchase. The
//! fold adds one more limit: never before the day of the journal entry that brought the news.

use crate::{
    fold::fan::Product,
    playbook::Reminder,
    time::{Timestamp, UtcOffset},
};
use serde::{Deserialize, Serialize};

const SECONDS_A_DAY: u64 = 86_400;
/// An observation is put within the product's figure divided and multiplied by this.
const LIMIT: u64 = 4;

/// What is expected of a fan and a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The purchase that it is about: the last.
    pub basis: Timestamp,
    /// When that will have been used up.
    pub run_out: Timestamp,
}

impl Expected {
    /// What the purchases of a product lead to expect; none when there are none. A piece lasts `supply_days` on average.
    pub fn of(product: &Product, supply_days: u32) -> Option<Self> {
        let last = product.purchases.last()?;
        let lasts = u64::from(last.quantity).saturating_mul(seconds_per_piece(product, supply_days));
        Some(Self { basis: last.at, run_out: Timestamp(last.at.0.saturating_add(lasts)) })
    }

    /// The day on which that is due, counted from 1970 in the playbook's offset.
    pub fn due_day(&self, reminder: &Reminder, offset: UtcOffset) -> u64 {
        let day = |at| offset.local(at).day.0;
        let by_stock = day(self.run_out).saturating_sub(u64::from(reminder.lead_days));
        by_stock.max(day(self.basis).saturating_add(u64::from(reminder.gap_days)))
    }
}

/// How long a piece lasts this fan, in seconds.
fn seconds_per_piece(product: &Product, supply_days: u32) -> u64 {
    let prior = u64::from(supply_days).saturating_mul(SECONDS_A_DAY);
    let (least, most) = (prior / LIMIT, prior.saturating_mul(LIMIT));
    let observed =
        product.intervals().map(|(bought, seconds)| (seconds / u64::from(bought.quantity.max(1))).clamp(least, most));
    let (sum, count) = observed.fold((prior, 1), |(sum, count), observed| (sum.saturating_add(observed), count + 1));
    sum / count
}
