//! A whole scenario, many fans at once, each fan's own messages one after the other.

use crate::{
    delivery::{Delivery, DeliveryError},
    network::Network,
    scenario::{Message, Scenario, Step},
    trace::{Entry, Trace},
};
use futures::{StreamExt, TryStreamExt, stream};
use guanxi::time::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;

/// How a scenario is played.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// When second 0 of the scenario is, by WeChat's clock.
    pub start: Timestamp,
    /// What goes wrong on the way, and its seed.
    pub network: Network,
    /// Draws the network's faults, nonces and the like.
    pub seed: u64,
    /// How many messages are on the way at a time, at most.
    pub at_once: usize,
}

/// `MsgId`s grow with time, as WeChat's do: so many for each second, and from a scenario's beginning they count up by step.
/// Scenarios that begin at different times share none, unless one has more steps than this for each second between them.
const MSG_IDS_PER_SECOND: u64 = 10_000_000;

/// The streams from here on belong to steps; those before belong to fans.
const STEP_STREAMS: u64 = 1 << 32;

/// Plays `scenario` to its end. `progress` is called after each step.
///
/// The trace is in the scenario's order and holds nothing of this run's clock: with a server that answers by the message
/// alone, the same scenario under the same conditions gives the same trace.
///
/// # Errors
/// [`DeliveryError::Message`].
pub async fn run(
    scenario: &Scenario,
    delivery: &Delivery,
    conditions: Conditions,
    progress: impl Fn(),
) -> Result<Trace, DeliveryError> {
    let done: Vec<_> = scenario.fans.iter().map(|_| watch::Sender::new(0)).collect();
    let mut ordinals = vec![0_usize; done.len()];
    let steps = scenario.steps.iter().enumerate().filter_map(|(index, step)| {
        let ordinal = ordinals.get_mut(step.fan)?;
        *ordinal += 1;
        Some((index, step, *ordinal, scenario.fans.get(step.fan)?, done.get(step.fan)?))
    });
    let play = stream::iter(steps).map(|(index, step, ordinal, openid, done)| {
        let progress = &progress;
        async move {
            // The step before this one was begun before this one, so it does end. The sender outlives the wait.
            let _ = done.subscribe().wait_for(|ended| *ended + 1 == ordinal).await;
            let entry = play_step(index, step, openid, delivery, &conditions).await;
            done.send_replace(ordinal);
            progress();
            entry
        }
    });
    let mut entries: Vec<Entry> = play.buffer_unordered(conditions.at_once.max(1)).try_collect().await?;
    entries.sort_by_key(|entry| entry.step);
    Ok(Trace(entries))
}

async fn play_step(
    index: usize,
    step: &Step,
    openid: &str,
    delivery: &Delivery,
    conditions: &Conditions,
) -> Result<Entry, DeliveryError> {
    let mut rng = ChaCha8Rng::seed_from_u64(conditions.seed);
    rng.set_stream(STEP_STREAMS + index as u64);
    let message = Message {
        account: delivery.account().to_owned(),
        openid: openid.to_owned(),
        create_time: conditions.start.0 + u64::from(step.at),
        msg_id: conditions.start.0 * MSG_IDS_PER_SECOND + index as u64,
        act: step.act.clone(),
    };
    let fates = conditions.network.draw(&mut rng);
    let delivered = delivery.deliver(&message, fates, &mut rng).await?;
    let notice = delivered.verdict.notice(&message);
    Ok(Entry { step: index, fan: step.fan, at: step.at, act: message.act, delivered, notice })
}
