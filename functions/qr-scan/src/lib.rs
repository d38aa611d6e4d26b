//! QR codes to touches: the shell that gives [`guanxi::playbook::Scan::touch`] the shape of `guanxi:channels/qr-scan`.
//!
//! A component without capabilities. The contract stands in `shared/wit`.

use bot::{Guest, Scan, ScanEvent};
use exports::guanxi::channels::qr_scan as bot;
use guanxi::{facts, fold::fan, playbook, time::Timestamp};

wit_bindgen::generate!({ world: "qr-scan-component", path: "../../shared/wit", generate_all });

struct QrScan;

impl Guest for QrScan {
    fn name_touch(scan: Scan, fan: Option<Vec<u8>>) -> Option<bot::Touch> {
        let event = match scan.event {
            ScanEvent::Subscribe => playbook::ScanEvent::Subscribe,
            ScanEvent::Scan => playbook::ScanEvent::Scan,
        };
        let (follows, unreadable) = fan::follows(fan.as_deref());
        let scan = playbook::Scan { event, event_key: scan.event_key, create_time: Timestamp(scan.create_time) };
        let touch = scan.touch(&follows)?;
        let fan = match touch.fan {
            facts::FanStatus::New => bot::FanStatus::New,
            facts::FanStatus::Returning => bot::FanStatus::Returning,
            facts::FanStatus::Follower => bot::FanStatus::Follower,
        };
        Some(bot::Touch { channel: touch.channel, fan, unreadable: unreadable.map(|error| error.to_string()) })
    }
}

export!(QrScan);
