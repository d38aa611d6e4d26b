//! What every fan of the 30 days does: when and through which channel they come, what they ask, buy, and when they leave.

use super::SLOTS;
use guanxi::report::Brand;
use guanxi_simulator::Act;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// What no rule of the sample playbook answers. `#` becomes a number of the fan's own, which reports mask.
const QUESTIONS: [(&str, u32); 8] = [
    ("保质期到#月还能吃吗", 9),
    ("订单#怎么还没到", 8),
    ("可以开发票吗", 6),
    ("#斤的猫一天喂几克", 5),
    ("你们几点关门", 4),
    ("有没有狗粮", 3),
    ("电话#打不通", 2),
    ("能不能送到#号楼", 1),
];

/// Name, cents.
const PRODUCTS: [(&str, u64); 3] = [("adult-2kg", 12_900), ("kitten-1.5kg", 9_900), ("treats", 1_990)];

/// How the fans of one group of channels are, each from 0 to 1.
#[derive(Clone, Copy)]
struct Nature {
    /// How many come this way, compared with other channels.
    weight: u32,
    /// Of the visits after the first: they buy …
    buys: f64,
    /// … having bought before …
    buys_again: f64,
    /// … or leave.
    leaves: f64,
}

impl Nature {
    fn of(group: &str) -> Self {
        let (weight, buys, buys_again, leaves) = match group {
            "package" => (16, 0.16, 0.30, 0.03),
            "poster" => (18, 0.04, 0.12, 0.14),
            "shop" => (12, 0.12, 0.22, 0.05),
            "KOL" => (22, 0.09, 0.10, 0.18),
            _ => (8, 0.05, 0.15, 0.06),
        };
        Self { weight, buys, buys_again, leaves }
    }
}

/// One thing that a fan does, in one of the [`SLOTS`].
pub(super) struct Deed {
    pub(super) slot: usize,
    pub(super) fan: usize,
    pub(super) what: What,
}

pub(super) enum What {
    Act(Act),
    /// Buys one piece, for so many cents.
    Buy(&'static str, u64),
}

/// Everything that happens, slot by slot.
pub(super) struct Plan {
    pub(super) openids: Vec<String>,
    pub(super) deeds: Vec<Deed>,
}

impl Plan {
    /// `fans` fans of the channels that the playbook has. `words` are those that its rules wait for.
    pub(super) fn draw(seed: u64, fans: usize, brand: &Brand, words: &[String]) -> Self {
        let mut ways: Vec<(Option<&str>, Nature)> =
            brand.channels.iter().map(|(id, look)| (Some(id.as_str()), Nature::of(&look.group))).collect();
        // Some search for the name, or a friend shows them.
        ways.push((None, Nature::of("")));
        let mut plan = Self { openids: Vec::with_capacity(fans), deeds: Vec::new() };
        for fan in 0..fans {
            // A stream of its own for each fan: one fan more changes nothing for the others.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(fan as u64);
            plan.openids.push(format!("oDays{:023}", rng.random::<u64>()));
            if let Ok((scene, nature)) = ways.choose_weighted(&mut rng, |(_, nature)| nature.weight) {
                let life = live(&mut rng, *scene, *nature, words);
                plan.deeds.extend(life.into_iter().map(|(slot, what)| Deed { slot, fan, what }));
            }
        }
        plan.deeds.sort_by_key(|deed| (deed.slot, deed.fan));
        plan
    }
}

/// What one fan does, in order.
fn live(rng: &mut ChaCha8Rng, scene: Option<&str>, nature: Nature, words: &[String]) -> Vec<(usize, What)> {
    let mut slot = rng.random_range(0..SLOTS);
    let mut life = vec![(slot, What::Act(Act::Follow { scene: scene.map(str::to_owned) }))];
    let mut bought = false;
    loop {
        slot += rng.random_range(1..=20);
        if slot >= SLOTS {
            return life;
        }
        let luck = rng.random::<f64>();
        let buys = if bought { nature.buys_again } else { nature.buys };
        let what = if luck < buys {
            bought = true;
            PRODUCTS.choose(rng).map(|(product, cents)| What::Buy(product, *cents))
        } else if luck < buys + nature.leaves {
            life.push((slot, What::Act(Act::Unfollow)));
            // One in five thinks better of it.
            slot += rng.random_range(1..=40);
            if slot >= SLOTS || !rng.random_bool(0.2) {
                return life;
            }
            Some(What::Act(Act::Follow { scene: None }))
        } else if luck < 0.45 {
            scene.map(|scene| What::Act(Act::Scan { scene: scene.to_owned() }))
        } else if luck < 0.75 {
            words.choose(rng).map(|word| What::Act(Act::Text(word.clone())))
        } else {
            Some(What::Act(Act::Text(question(rng))))
        };
        life.extend(what.map(|what| (slot, what)));
    }
}

fn question(rng: &mut ChaCha8Rng) -> String {
    let asked = QUESTIONS.choose_weighted(rng, |(_, weight)| *weight).map_or("在吗", |(text, _)| *text);
    asked.replace('#', &rng.random_range(10..100).to_string())
}
