//! What goes wrong between WeChat and the brand, drawn per message from the seed.

use crate::delivery::TRIES;
use rand::Rng;

/// How often a try meets with what, each from 0 to 1 and together at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// The answer comes after WeChat's deadline. The server has answered, WeChat no longer listens.
    pub late: f64,
    /// The connection breaks before the server has the whole request.
    pub reset_before: f64,
    /// The connection breaks after the server has the request, and the answer is lost.
    pub reset_after: f64,
    /// The most tries of one message that meet with anything: 2 for a network that lets every third try through.
    pub tries_max: usize,
}

/// What one try meets with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Clear,
    /// See [`Network::late`].
    Late,
    /// See [`Network::reset_before`].
    ResetBefore,
    /// See [`Network::reset_after`].
    ResetAfter,
}

impl Network {
    /// Nothing goes wrong.
    pub const CALM: Self = Self { late: 0.0, reset_before: 0.0, reset_after: 0.0, tries_max: 0 };

    /// What the tries of one message meet with, as far as they are made.
    pub fn draw(&self, rng: &mut impl Rng) -> [Fate; TRIES] {
        let mut fates = [Fate::Clear; TRIES];
        for fate in fates.iter_mut().take(self.tries_max) {
            let luck = rng.random::<f64>();
            *fate = if luck < self.late {
                Fate::Late
            } else if luck < self.late + self.reset_before {
                Fate::ResetBefore
            } else if luck < self.late + self.reset_before + self.reset_after {
                Fate::ResetAfter
            } else {
                Fate::Clear
            };
        }
        fates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn tries_meet_with_each_fate_about_as_often_as_stated_and_the_spared_ones_never() {
        let network = Network { late: 0.1, reset_before: 0.2, reset_after: 0.3, tries_max: 2 };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let drawn: Vec<_> = (0..5_000).map(|_| network.draw(&mut rng)).collect();
        assert!(drawn.iter().all(|fates| fates.last() == Some(&Fate::Clear)));
        let count = |wanted| drawn.iter().flatten().filter(|fate| **fate == wanted).count();
        for (fate, share) in [(Fate::Late, 0.1), (Fate::ResetBefore, 0.2), (Fate::ResetAfter, 0.3)] {
            let share_drawn = count(fate) as f64 / 10_000.0;
            assert!((share_drawn - share).abs() < 0.02, "{fate:?}: {share_drawn}");
        }
    }
}
