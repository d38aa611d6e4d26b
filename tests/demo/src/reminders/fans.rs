//! The fans of the 30 days of reminders. Each buys one product, again and again, in a cycle of its own; when a piece is used
//! up, the fan buys another with the probability [`BUYS`], or [`BUYS_REMINDED`] where a reminder for it was seen, or else
//! stays away for good. That is the true effect: whether they buy, not when.

use super::{DAY, MINUTE, midnight};
use guanxi::time::Timestamp;
use guanxi_simulator::Act;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Of those whose piece is used up, so many buy another …
pub(super) const BUYS: f64 = 0.40;
/// … or so many of those who saw a reminder.
pub(super) const BUYS_REMINDED: f64 = 0.60;

/// How long a piece lasts, in days: from fan to fan …
const CYCLE: std::ops::Range<f64> = 7.8..9.0;
/// … and from one to the next, as a part of that. A purchase is always within the outcome window of its reminder.
const UNEVEN: std::ops::Range<f64> = 0.98..1.02;

/// The last day on which fans come, counted from 0.
const LAST_COMES: u64 = 20;

/// Of those who saw a reminder: they write 退订, leave, or block the account's messages.
const REACTIONS: [(Reaction, f64); 3] = [(Reaction::Stop, 0.02), (Reaction::Leave, 0.01), (Reaction::Block, 0.01)];

/// What there is to buy.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Product {
    pub(super) id: &'static str,
    pub(super) cents: u64,
    /// How many fans buy it, compared with other products.
    weight: u32,
    /// How likely its buyers allow a notice when they are asked to after a purchase; none: they are not asked.
    allows: Option<f64>,
    /// How likely its buyers write at noon, each day. With a message in the last two days the account may write too.
    writes: f64,
}

/// As in the playbook.
pub(super) const PRODUCTS: [Product; 3] = [
    Product { id: "adult-1kg", cents: 6_900, weight: 5, allows: Some(0.8), writes: 0.2 },
    Product { id: "kitten-800g", cents: 5_900, weight: 3, allows: Some(0.5), writes: 0.1 },
    Product { id: "treats", cents: 1_990, weight: 2, allows: None, writes: 0.5 },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Stop,
    Leave,
    Block,
}

/// The moment at which a piece is used up.
struct Empty {
    at: Timestamp,
    /// Buys if this is less than the probability.
    luck: f64,
    reminded: bool,
}

pub(super) struct Fan {
    pub(super) openid: String,
    pub(super) product: Product,
    /// Refuses what the account sends.
    pub(super) blocks: bool,
    rng: ChaCha8Rng,
    /// In seconds.
    cycle: f64,
    comes: u64,
    follows: bool,
    /// None: does not buy any more.
    empty: Option<Empty>,
    /// To be done at the next opportunity.
    acts: Vec<Act>,
}

impl Fan {
    /// Fan number so and so.
    pub(super) fn draw(seed: u64, number: usize) -> Self {
        // A stream of its own for each fan: one fan more changes nothing for the others.
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64);
        let product = PRODUCTS.choose_weighted(&mut rng, |product| product.weight).copied().unwrap_or(PRODUCTS[0]);
        let comes = rng.random_range(0..=LAST_COMES);
        let at = Timestamp(midnight(comes).0 + rng.random_range(13 * 60..19 * 60) * MINUTE);
        Self {
            openid: format!("oReminded{:019}", rng.random::<u64>() >> 1),
            product,
            blocks: false,
            cycle: rng.random_range(CYCLE) * DAY as f64,
            comes,
            follows: false,
            // The first purchase: the cupboard was empty before.
            empty: Some(Empty { at, luck: 0.0, reminded: false }),
            acts: Vec::new(),
            rng,
        }
    }

    /// What the fan does at WeChat on a day, at noon or in the evening.
    pub(super) fn acts(&mut self, day: u64, noon: bool) -> Vec<Act> {
        let mut acts = std::mem::take(&mut self.acts);
        if acts.contains(&Act::Unfollow) {
            self.follows = false;
            return vec![Act::Unfollow];
        }
        if noon && day == self.comes {
            self.follows = true;
            acts.push(Act::Follow { scene: None });
        }
        if noon && self.follows && self.rng.random_bool(self.product.writes) {
            acts.push(Act::Text("在吗".to_owned()));
        }
        acts
    }

    /// When the fan bought another piece, if that was by `now`.
    pub(super) fn buys(&mut self, now: Timestamp) -> Option<Timestamp> {
        let Empty { at, luck, reminded } = self.empty.take_if(|empty| empty.at <= now)?;
        if luck >= if reminded { BUYS_REMINDED } else { BUYS } {
            return None;
        }
        let lasts = self.cycle * self.rng.random_range(UNEVEN);
        self.empty = Some(Empty { at: Timestamp(at.0 + lasts as u64), luck: self.rng.random(), reminded: false });
        if let Some(allows) = self.product.allows.filter(|_| self.follows) {
            let (template_id, accept) = (super::NOTICE.to_owned(), self.rng.random_bool(allows));
            self.acts.push(Act::Popup { template_id, accept });
        }
        Some(at)
    }

    /// A reminder is on the fan's screen.
    pub(super) fn sees(&mut self, now: Timestamp) {
        if let Some(empty) = self.empty.as_mut().filter(|empty| now < empty.at) {
            empty.reminded = true;
        }
        let mut luck = self.rng.random::<f64>();
        for (reaction, share) in REACTIONS {
            if (0.0..share).contains(&luck) {
                match reaction {
                    Reaction::Stop => self.acts.push(Act::Text("退订".to_owned())),
                    Reaction::Leave => self.acts.push(Act::Unfollow),
                    Reaction::Block => self.blocks = true,
                }
            }
            luck -= share;
        }
    }
}
