//! Who does what and when: fans of a brand, drawn from a seed.

mod act;
mod body;
mod typing;

pub use act::Act;
pub use body::Message;
pub use typing::Slip;

use rand::{
    Rng, SeedableRng,
    seq::{IndexedRandom, index},
};
use rand_chacha::ChaCha8Rng;

/// What fans can know of a brand, and so what they write, scan and tap.
#[derive(Clone, Debug)]
pub struct Brand {
    /// What the brand's rules listen for.
    pub keywords: Vec<String>,
    /// What fans ask that no rule knows.
    pub questions: Vec<String>,
    /// Scenes of the QR codes on packages and posters.
    pub scenes: Vec<String>,
    /// Keys of the menu's buttons.
    pub menu_keys: Vec<String>,
    /// Pages that the menu opens.
    pub pages: Vec<String>,
}

/// One thing that one fan does.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Place in [`Scenario::fans`].
    pub fan: usize,
    /// Seconds after the scenario's beginning; no fan does two things in one second.
    pub at: u32,
    /// What it is.
    pub act: Act,
}

/// Everything that all fans do, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Their openids.
    pub fans: Vec<String>,
    /// By second, then by fan.
    pub steps: Vec<Step>,
}

/// The most that one fan does.
const STEPS_MAX: usize = 8;

/// The fewest that one fan does, while following.
const STEPS_MIN: usize = 3;

/// How likely a fan who left comes back.
const RETURNS: f64 = 0.6;

/// How likely a fan follows through a QR code.
const BY_CODE: f64 = 0.6;

impl Scenario {
    /// `fans` fans of `brand` who all come within `seconds` (at least 60, or some have no time for what they want).
    pub fn draw(seed: u64, fans: usize, seconds: u32, brand: &Brand) -> Self {
        let mut scenario = Self { fans: Vec::with_capacity(fans), steps: Vec::new() };
        for fan in 0..fans {
            // A stream of its own for each fan: one fan more changes nothing for the others.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(fan as u64);
            scenario.fans.push(openid(&mut rng));
            let wanted = rng.random_range(STEPS_MIN..=STEPS_MAX).min(seconds as usize);
            let mut moments = index::sample(&mut rng, seconds as usize, wanted).into_vec();
            moments.sort_unstable();
            let acts = acts(&mut rng, brand, wanted);
            let steps = moments.into_iter().zip(acts);
            scenario.steps.extend(steps.map(|(at, act)| Step { fan, at: at as u32, act }));
        }
        scenario.steps.sort_by_key(|step| (step.at, step.fan));
        scenario
    }
}

/// What one fan does, in order: at most `wanted` things, fewer when the fan leaves for good.
fn acts(rng: &mut ChaCha8Rng, brand: &Brand, wanted: usize) -> Vec<Act> {
    let mut acts = vec![follow(rng, brand)];
    while acts.len() < wanted {
        if acts.last() != Some(&Act::Unfollow) {
            acts.push(while_following(rng, brand));
        } else if rng.random_bool(RETURNS) {
            acts.push(follow(rng, brand));
        } else {
            break;
        }
    }
    acts
}

fn follow(rng: &mut ChaCha8Rng, brand: &Brand) -> Act {
    let by_code = rng.random_bool(BY_CODE);
    Act::Follow { scene: brand.scenes.choose(rng).filter(|_| by_code).cloned() }
}

/// One thing of a follower. What the brand has none of (no menu, no codes) becomes a question.
fn while_following(rng: &mut ChaCha8Rng, brand: &Brand) -> Act {
    let keyword = |rng: &mut ChaCha8Rng| brand.keywords.choose(rng).cloned();
    let act = match rng.random_range(0..100) {
        0..40 => keyword(rng).map(Act::Text),
        40..60 => keyword(rng).map(|word| Act::Text(Slip::draw(rng).apply(&word, rng))),
        60..70 => None,
        70..74 => Some(Act::Image),
        74..78 => Some(Act::Voice { recognition: keyword(rng) }),
        78..81 => Some(Act::Location),
        81..83 => Some(Act::Link),
        83..90 => brand.menu_keys.choose(rng).cloned().map(|key| Act::Click { key }),
        90..92 => brand.pages.choose(rng).cloned().map(|url| Act::View { url }),
        92..96 => brand.scenes.choose(rng).cloned().map(|scene| Act::Scan { scene }),
        96 => Some(Act::Unknown),
        _ => Some(Act::Unfollow),
    };
    act.unwrap_or_else(|| Act::Text(brand.questions.choose(rng).cloned().unwrap_or_else(|| "在吗".to_owned())))
}

/// 28 characters, as WeChat's are.
fn openid(rng: &mut ChaCha8Rng) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let tail = (0..27).filter_map(|_| ALPHABET.choose(rng)).map(|byte| char::from(*byte));
    std::iter::once('o').chain(tail).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    fn brand() -> Brand {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Brand {
            keywords: words(&["猫粮", "price", "WiFi"]),
            questions: words(&["你们几点关门"]),
            scenes: words(&["poster_7"]),
            menu_keys: words(&["MENU_1"]),
            pages: words(&["https://example.com/shop"]),
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_scenario_and_another_seed_another() {
        assert_eq!(Scenario::draw(7, 50, 240, &brand()), Scenario::draw(7, 50, 240, &brand()));
        assert_ne!(Scenario::draw(7, 50, 240, &brand()), Scenario::draw(8, 50, 240, &brand()));
    }

    #[test]
    fn one_fan_more_changes_nothing_for_the_others() {
        let few = Scenario::draw(7, 20, 240, &brand());
        let mut more = Scenario::draw(7, 21, 240, &brand());
        more.steps.retain(|step| step.fan < 20);
        assert_eq!(few.steps, more.steps);
    }

    #[test]
    fn only_followers_do_anything_and_never_two_things_in_one_second() {
        let scenario = Scenario::draw(3, 200, 120, &brand());
        for fan in 0..scenario.fans.len() {
            let steps: Vec<_> = scenario.steps.iter().filter(|step| step.fan == fan).collect();
            assert!(matches!(steps[0].act, Act::Follow { .. }));
            for pair in steps.windows(2) {
                assert!(pair[0].at < pair[1].at);
                let left = pair[0].act == Act::Unfollow;
                assert_eq!(left, left && matches!(pair[1].act, Act::Follow { .. }), "{pair:?}");
            }
        }
    }

    #[test]
    fn enough_fans_do_everything_there_is() {
        let scenario = Scenario::draw(1, 300, 240, &brand());
        let kinds: std::collections::BTreeSet<_> = scenario.steps.iter().map(|step| step.act.kind()).collect();
        let expected = "CLICK SCAN VIEW image link location subscribe text unknown unsubscribe voice";
        assert_eq!(kinds.into_iter().collect::<Vec<_>>().join(" "), expected);
    }
}
