//! The interval of the effect of a push covers the true effect as often as it says.

use guanxi::report::uplift::{Arm, Effect, NotEnoughData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Fans who each buy with this chance.
fn arm(rng: &mut ChaCha8Rng, fans: u64, chance: f64) -> Arm {
    Arm { fans, bought: (0..fans).filter(|_| rng.random_bool(chance)).count() as u64 }
}

/// In percent of 200 experiments.
fn coverage((treated, holdout): (u64, u64), (with, without): (f64, f64)) -> f64 {
    let covers = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let effect = Effect::of(arm(&mut rng, treated, with), arm(&mut rng, holdout, without)).unwrap();
        (effect.low..=effect.high).contains(&(with - without))
    };
    (0..200).filter(|seed| covers(*seed)).count() as f64 / 2.0
}

#[test]
fn the_interval_covers_the_true_effect_in_90_to_99_percent_of_200_experiments() {
    for (fans, chances, stated) in [
        ((100, 30), (0.30, 0.20), 96.0),
        ((270, 30), (0.15, 0.10), 95.0),
        ((900, 100), (0.02, 0.01), 96.0),
        ((900, 100), (0.10, 0.10), 96.0),
        ((900, 100), (0.95, 0.90), 96.0),
        ((1_800, 200), (0.05, 0.02), 96.5),
        ((5_000, 5_000), (0.12, 0.10), 95.5),
        ((20_000, 1_000), (0.003, 0.002), 97.0),
    ] {
        let coverage = coverage(fans, chances);
        assert!((90.0..=99.0).contains(&coverage), "{fans:?}, {chances:?}: {coverage}");
        assert_eq!(coverage, stated, "{fans:?}, {chances:?}: the page says so");
    }
}

#[test]
fn the_interval_is_that_of_newcombes_paper() {
    // Table II, example (a), method 10.
    let effect = Effect::of(Arm { fans: 70, bought: 56 }, Arm { fans: 80, bought: 48 }).unwrap();
    assert!((effect.low - 0.0524).abs() < 5e-5 && (effect.high - 0.3339).abs() < 5e-5, "{effect:?}");
    assert!((effect.difference - 0.2).abs() < 1e-9);
}

#[test]
fn too_few_fans_or_purchases_are_said_in_words() {
    let arm = |fans, bought| Arm { fans, bought };
    for (treated, holdout) in [
        (arm(29, 10), arm(1_000, 10)),
        (arm(1_000, 10), arm(29, 10)),
        (arm(1_000, 3), arm(1_000, 1)),
        (arm(0, 0), arm(0, 0)),
    ] {
        assert_eq!(Effect::of(treated, holdout), Err(NotEnoughData));
    }
    assert_eq!(NotEnoughData.to_string(), "not enough data");
    let effect = Effect::of(arm(1_000, 120), arm(1_000, 60)).unwrap();
    assert_eq!(effect.to_string(), "60 more in 1,000 fans (from 35 more to 85 more)");
    let effect = Effect::of(arm(100, 10), arm(100, 10)).unwrap();
    assert_eq!(effect.to_string(), "0 more in 1,000 fans (from 87 fewer to 87 more), perhaps no effect");
}
