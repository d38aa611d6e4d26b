//! QR codes to touches ([protocol 2.3](../../docs/wechat-protocol.md#2.3)).

use super::{compiled::Channel, template::SCENE_MAX};
use crate::{
    facts::{FanStatus, Touch},
    time::Timestamp,
    wechat::{Event, Kind, Message},
};

/// What WeChat puts before the scene in the `EventKey` of a follow by QR code.
const SCENE_PREFIX: &str = "qrscene_";

/// The two events that a QR code of ours causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanEvent {
    /// Somebody scanned and followed.
    Subscribe,
    /// A follower scanned.
    Scan,
}

/// A follow or a scan, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which of the two.
    pub event: ScanEvent,
    /// `EventKey` as WeChat sent it, with its prefix where it has one.
    pub event_key: String,
    /// When it happened.
    pub create_time: Timestamp,
}

impl Scan {
    /// None for every message but `subscribe` and `SCAN`.
    pub fn from_message(message: &Message) -> Option<Self> {
        let (event, event_key) = match &message.kind {
            Kind::Event(Event::Subscribe { event_key, .. }) => (ScanEvent::Subscribe, event_key),
            Kind::Event(Event::Scan { event_key, .. }) => (ScanEvent::Scan, event_key),
            _ => return None,
        };
        Some(Self { event, event_key: event_key.clone(), create_time: message.create_time })
    }

    /// Which channel an event belongs to and what the fan is to the brand. A follow always says that, though its channel
    /// may be none: a payment, a scanned product, a search. A scan without a scene is no touch.
    ///
    /// A scene that the playbook does not know makes a touch too: codes are printed before and after playbooks change.
    /// Only follows before the event's own second count as earlier, so a retry says the same as the first try.
    pub fn touch(&self, follows: &[Timestamp]) -> Option<Touch> {
        let came_before = || follows.iter().any(|follow| *follow < self.create_time);
        match self.event {
            ScanEvent::Subscribe => {
                let fan = if came_before() { FanStatus::Returning } else { FanStatus::New };
                Some(Touch { channel: self.event_key.strip_prefix(SCENE_PREFIX).and_then(channel), fan })
            }
            ScanEvent::Scan => {
                channel(&self.event_key).map(|channel| Touch { channel: Some(channel), fan: FanStatus::Follower })
            }
        }
    }
}

/// The channels of a compiled playbook, loaded.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    /// Sorted by id.
    channels: Vec<Channel>,
}

impl Channels {
    pub(super) fn new(mut channels: Vec<Channel>) -> Self {
        // The compiler sorts; bytes from elsewhere might not be.
        channels.sort_by(|a, b| a.id.cmp(&b.id));
        Self { channels }
    }

    /// A channel by its id.
    fn get(&self, id: &str) -> Option<&Channel> {
        let found = self.channels.binary_search_by(|channel| channel.id.as_str().cmp(id)).ok()?;
        self.channels.get(found)
    }

    /// The name of a channel, or its id where the playbook does not know it.
    pub(super) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.get(id).map_or(id, |channel| &channel.name)
    }
}

/// The scene as a channel's id, of bounded length; none where nothing is left of it.
fn channel(scene: &str) -> Option<String> {
    let channel: String = scene.chars().filter(|c| !c.is_control()).take(SCENE_MAX).collect();
    (!channel.is_empty()).then_some(channel)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn touch(event: ScanEvent, key: &str, follows: &[u64]) -> Option<(Option<String>, FanStatus)> {
        let follows: Vec<Timestamp> = follows.iter().copied().map(Timestamp).collect();
        let scan = Scan { event, event_key: key.into(), create_time: Timestamp(1_000) };
        scan.touch(&follows).map(|touch| (touch.channel, touch.fan))
    }

    #[test]
    fn a_scene_loses_its_prefix_once_and_only_on_a_follow() {
        use ScanEvent::{Scan, Subscribe};
        for (event, key, channel) in [
            (Subscribe, "qrscene_bag_2kg_v3", Some("bag_2kg_v3")),
            (Subscribe, "qrscene_qrscene_1", Some("qrscene_1")),
            (Subscribe, "qrscene_17", Some("17")),
            (Subscribe, "qrscene_last_trade_no_1", Some("last_trade_no_1")),
            (Subscribe, "qrscene_", None),
            (Subscribe, "", None),
            (Subscribe, "last_trade_no_4003752001201604174934", None),
            (Subscribe, "scanbarcode|EAN_13|6901234567892", None),
            (Subscribe, "scanimage|1", None),
            (Scan, "bag_2kg_v3", Some("bag_2kg_v3")),
            (Scan, "qrscene_1", Some("qrscene_1")),
            (Scan, "0", Some("0")),
            (Scan, "", None),
            (Scan, "a\u{0}\nb", Some("ab")),
        ] {
            assert_eq!(touch(event, key, &[]).and_then(|(channel, _)| channel).as_deref(), channel, "{event:?} {key}");
        }
    }

    #[test]
    fn a_scene_of_any_length_makes_a_channel_of_at_most_64_characters() {
        let (channel, _) = touch(ScanEvent::Scan, &"猫".repeat(100_000), &[]).unwrap();
        assert_eq!(channel.unwrap().chars().count(), 64);
    }

    #[test]
    fn only_a_follow_before_the_events_own_second_makes_a_fan_returning() {
        let fan = |event, follows: &[u64]| touch(event, "qrscene_a", follows).unwrap().1;
        assert_eq!(fan(ScanEvent::Subscribe, &[]), FanStatus::New);
        assert_eq!(fan(ScanEvent::Subscribe, &[1_000, 1_001]), FanStatus::New);
        assert_eq!(fan(ScanEvent::Subscribe, &[1_000, 999]), FanStatus::Returning);
        assert_eq!(touch(ScanEvent::Subscribe, "", &[999]), Some((None, FanStatus::Returning)), "without a code");
        assert_eq!(fan(ScanEvent::Scan, &[999]), FanStatus::Follower);
        assert_eq!(fan(ScanEvent::Scan, &[]), FanStatus::Follower);
    }
}
