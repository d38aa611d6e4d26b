//! The estimate of run-outs beside the product's fixed figure, on simulated buyers; and the day on which it is due.

use guanxi::{
    fold::fan::{Product, Purchase, due::Expected},
    playbook::{Content, Reminder},
    time::{Timestamp, UtcOffset},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DAY: u64 = 86_400;
/// The product's figure: days that a piece lasts on average.
const SUPPLY: u32 = 30;
const FANS: usize = 2_000;
const PURCHASES: usize = 12;

/// How buyers differ and waver. Spread and noise are standard deviations of logarithms.
#[derive(Clone, Copy)]
struct Population {
    /// Between fans: how long a piece lasts one.
    spread: f64,
    /// Within a fan: from one interval to the next.
    noise: f64,
    /// How wrong the product's figure is on average.
    bias: f64,
    /// How often a fan skips a cycle, …
    skip: f64,
    /// … or buys when half is left, and then has that on top.
    stock_up: f64,
}

const CALM: Population = Population { spread: 0.35, noise: 0.15, bias: 1.0, skip: 0.0, stock_up: 0.0 };

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (a, b): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

impl Population {
    /// A fan's purchases.
    fn buyer(&self, rng: &mut ChaCha8Rng) -> Vec<Purchase> {
        let lasts = f64::from(SUPPLY) * DAY as f64 * self.bias * (self.spread * normal(rng)).exp();
        let (mut at, mut left, mut purchases) = (1_800_000_000.0, 0.0, Vec::new());
        for _ in 0..PURCHASES {
            let quantity = [1, 1, 2, 3][rng.random_range(0..4)];
            purchases.push(Purchase { at: Timestamp(at as u64), quantity });
            let cycle = f64::from(quantity) * lasts;
            let mut interval = left + cycle * (self.noise * normal(rng)).exp();
            left = 0.0;
            let chance: f64 = rng.random();
            if chance < self.skip {
                interval += cycle;
            } else if chance < self.skip + self.stock_up {
                left = interval / 2.0;
                interval -= left;
            }
            at += interval;
        }
        purchases
    }

    /// The mean absolute error of the estimate from the third purchase on, as a part of that of the fixed figure.
    fn error(&self, seed: u64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut ours, mut fixed) = (0, 0);
        for _ in 0..FANS {
            let bought = self.buyer(&mut rng);
            for known in 3..PURCHASES {
                let kept = bought[..known].iter().rev().take(9).rev().copied().collect();
                let product = Product { purchases: kept, ..Product::default() };
                let (last, next) = (bought[known - 1], bought[known].at);
                ours += Expected::of(&product, SUPPLY).unwrap().run_out.distance(next);
                fixed += Timestamp(last.at.0 + u64::from(last.quantity * SUPPLY) * DAY).distance(next);
            }
        }
        ours as f64 / fixed as f64
    }
}

#[test]
fn the_estimate_errs_at_most_four_fifths_as_much_as_the_fixed_figure_where_fans_differ() {
    for (name, population, stated) in [
        ("calm", CALM, 0.46),
        ("noisy", Population { spread: 0.5, noise: 0.3, ..CALM }, 0.59),
        ("alike", Population { spread: 0.25, noise: 0.25, ..CALM }, 0.77),
        ("moody", Population { spread: 0.4, noise: 0.25, skip: 0.08, stock_up: 0.08, ..CALM }, 0.76),
        ("misjudged", Population { spread: 0.2, noise: 0.2, bias: 1.4, ..CALM }, 0.53),
    ] {
        for seed in 1..=3 {
            let error = population.error(seed);
            assert!(error <= 0.8, "{name}, seed {seed}: {error:.3}");
            assert!((error - stated).abs() < 0.015, "{name}, seed {seed}: {error:.3}, but the page says {stated}");
        }
    }
}

#[test]
fn the_estimate_is_hardly_worse_where_fans_do_not_differ() {
    for (name, population, stated) in [
        ("same", Population { spread: 0.0, noise: 0.2, ..CALM }, 1.07),
        ("same but moody", Population { spread: 0.0, noise: 0.2, skip: 0.08, stock_up: 0.08, ..CALM }, 1.12),
    ] {
        for seed in 1..=3 {
            let error = population.error(seed);
            assert!((error - stated).abs() < 0.015, "{name}, seed {seed}: {error:.3}, but the page says {stated}");
        }
    }
}

fn product(purchases: &[(u64, u32)]) -> Product {
    let purchase = |(day, quantity): &(u64, u32)| Purchase { at: Timestamp(day * DAY), quantity: *quantity };
    Product { purchases: purchases.iter().map(purchase).collect(), ..Product::default() }
}

#[test]
fn a_run_out_is_the_last_purchase_and_its_pieces_at_the_pace_of_figure_and_fan() {
    for (purchases, run_out) in [
        (&[(100, 1)][..], 130),
        (&[(100, 3)], 190),
        // One interval of 20 days beside the figure of 30: 25.
        (&[(100, 1), (120, 1)], 145),
        // Two pieces in 80 days are 40 days a piece.
        (&[(100, 2), (180, 2)], 250),
        (&[(100, 1), (120, 1), (140, 1)], 140 + (30 + 20 + 20) / 3),
        // A year away says at most four times the figure, two purchases on one day at least a quarter of it.
        (&[(100, 1), (500, 1)], 575),
        (&[(100, 1), (100, 1)], 100 + (30 + 7) / 2),
    ] {
        let expected = Expected::of(&product(purchases), SUPPLY).unwrap();
        assert_eq!(expected.run_out.0 / DAY, run_out, "{purchases:?}");
        assert_eq!(expected.basis.0 / DAY, purchases.last().unwrap().0);
    }
    assert_eq!(Expected::of(&product(&[]), SUPPLY), None);
    let huge = Product { purchases: vec![Purchase { at: Timestamp(1), quantity: u32::MAX }; 9], ..Product::default() };
    assert!(Expected::of(&huge, u32::MAX).is_some(), "no sum overflows");
}

#[test]
fn a_reminder_is_due_before_the_run_out_but_not_right_after_the_purchase() {
    let reminder = |lead_days, gap_days| Reminder {
        lead_days,
        gap_days,
        preferred_hour: None,
        holdout: 0,
        ways: Content::Message { text: String::new() }.into(),
    };
    let expected = Expected { basis: Timestamp(100 * DAY), run_out: Timestamp(130 * DAY) };
    for (lead, gap, day) in [(5, 0, 125), (0, 7, 130), (28, 7, 107), (200, 0, 100), (200, 3, 103)] {
        assert_eq!(expected.due_day(&reminder(lead, gap), UtcOffset::try_from(0).unwrap()), day, "{lead}, {gap}");
    }
    let late = Expected { basis: Timestamp(100 * DAY), run_out: Timestamp(130 * DAY - 1) };
    assert_eq!(late.due_day(&reminder(5, 0), UtcOffset::BEIJING), 125, "days are the playbook's");
    assert_eq!(late.due_day(&reminder(5, 0), UtcOffset::try_from(0).unwrap()), 124);
}
