//! QR codes to touches: the shell that gives [`guanxi::playbook::Channels`] the shape of `guanxi:channels/qr-scan`.
//!
//! A component without capabilities. The contract stands in `shared/wit`.

use bot::{Channels, Guest, GuestChannels, Scan, ScanEvent};
use exports::guanxi::channels::qr_scan as bot;
use guanxi::{facts, fold::fan, playbook, time::Timestamp};

wit_bindgen::generate!({ world: "qr-scan-component", path: "../../shared/wit", generate_all });

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

struct QrScan;

impl Guest for QrScan {
    type Channels = Loaded;
}

/// A playbook's loaded channels, as the resource that callback holds.
struct Loaded(playbook::Channels);

impl Loaded {
    fn of(compiled: &[u8]) -> Result<Channels, String> {
        let channels = playbook::Channels::load(compiled).map_err(|error| error.to_string())?;
        Ok(Channels::new(Self(channels)))
    }
}

impl GuestChannels for Loaded {
    fn built_in() -> Result<Channels, String> {
        Self::of(BUILT_IN)
    }

    fn load(compiled: Vec<u8>) -> Result<Channels, String> {
        Self::of(&compiled)
    }

    fn touch(&self, scan: Scan, fan: Option<Vec<u8>>) -> Option<bot::Touch> {
        let event = match scan.event {
            ScanEvent::Subscribe => playbook::ScanEvent::Subscribe,
            ScanEvent::Scan => playbook::ScanEvent::Scan,
        };
        let (follows, unreadable) = fan::follows(fan.as_deref());
        let scan = playbook::Scan { event, event_key: scan.event_key, create_time: Timestamp(scan.create_time) };
        let touch = self.0.touch(&scan, &follows)?;
        let fan = match touch.fan {
            facts::FanStatus::New => bot::FanStatus::New,
            facts::FanStatus::Returning => bot::FanStatus::Returning,
            facts::FanStatus::Follower => bot::FanStatus::Follower,
        };
        Some(bot::Touch { channel: touch.channel, fan, unreadable: unreadable.map(|error| error.to_string()) })
    }
}

export!(QrScan);
