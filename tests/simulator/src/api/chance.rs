//! Chance, for one try of one request.

use super::rules::Latency;
use rand::{Rng, SeedableRng, distr::uniform::SampleRange};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, f64::consts::TAU};

/// How often each request was made.
#[derive(Debug, Default)]
pub(super) struct Tries(HashMap<u64, u32>);

/// The numbers that one try draws.
#[derive(Debug)]
pub(super) struct Chance(ChaCha8Rng);

/// A try has so many words of its request's stream to itself; one that draws for 64 troubles needs 150.
const WORDS_PER_TRY: u128 = 1 << 12;

/// The normal distribution's 99th percentile, in standard deviations.
const P99: f64 = 2.326_347_874;

/// A number for what these parts say together. Parts of other lengths are other parts.
pub(super) fn identity(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Tries {
    /// Of the next try of this request.
    pub(super) fn next(&mut self, seed: u64, request: u64) -> Chance {
        let tries = self.0.entry(request).or_default();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(request);
        rng.set_word_pos(u128::from(*tries) * WORDS_PER_TRY);
        *tries += 1;
        Chance(rng)
    }
}

impl Chance {
    /// Yes, in this share of all cases.
    pub(super) fn hits(&mut self, share: f64) -> bool {
        self.0.random::<f64>() < share
    }

    /// Any number of the range.
    pub(super) fn within(&mut self, range: impl SampleRange<u64>) -> u64 {
        self.0.random_range(range)
    }

    /// Milliseconds before the effect, and after it.
    pub(super) fn latency(&mut self, latency: Latency) -> (u64, u64) {
        let draws: [f64; 3] = std::array::from_fn(|_| self.0.random());
        let (total, before) = match latency {
            Latency::Fixed(total) => (total, total / 2),
            Latency::LogNormal { median, p99 } => {
                let [radius, angle, before] = draws;
                // Box and Muller's way to a normal number.
                let normal = (-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * angle).cos();
                let total = median * ((p99 / median).ln() / P99 * normal).exp();
                (total.round() as u64, (total * before) as u64)
            }
        };
        (before, total - before)
    }

    /// WeChat's number of the request, as it stands at the end of `errmsg`.
    pub(super) fn rid(&mut self, now: u64) -> String {
        let [a, b]: [u32; 2] = std::array::from_fn(|_| self.0.random());
        format!("{:08x}-{a:08x}-{b:08x}", now / super::SECOND)
    }

    /// 19 digits: more than fit into a float.
    pub(super) fn msgid(&mut self) -> u64 {
        self.within(10_u64.pow(18)..=i64::MAX as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn latencies_have_the_median_and_the_p99_that_were_asked_for() {
        let latency = Latency::LogNormal { median: 50.0, p99: 300.0 };
        let mut tries = Tries::default();
        let mut totals: Vec<_> = (0..20_000)
            .map(|request| {
                let (before, after) = tries.next(1, request).latency(latency);
                before + after
            })
            .collect();
        totals.sort_unstable();
        assert!((48..=52).contains(&totals[10_000]), "{}", totals[10_000]);
        assert!((280..=320).contains(&totals[19_800]), "{}", totals[19_800]);
    }

    #[test]
    fn each_try_has_its_own_chance_and_another_order_changes_none() {
        let draw = |tries: &mut Tries, request| tries.next(7, request).within(0..u64::MAX);
        let (mut one, mut other) = (Tries::default(), Tries::default());
        let [a, b, again] = [1, 2, 1].map(|request| draw(&mut one, request));
        assert_eq!([b, a, again], [2, 1, 1].map(|request| draw(&mut other, request)));
        assert_ne!(a, again);
    }
}
