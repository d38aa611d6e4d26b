//! The generated types of the contract with the pure components, and ours from and to them.

guanxi_spin::wit_bindgen::generate!({
    world: "callback-dependencies",
    path: "../../shared/wit",
    runtime_path: "::guanxi_spin::wit_bindgen::rt",
    generate_all,
});

pub(crate) use self::guanxi::{channels::qr_scan, replies::auto_reply};

use ::guanxi::{
    facts::{FanStatus, PushChoice, Touch},
    playbook::{Inbound, InboundKind, Scan, ScanEvent},
    wechat::reply::{Article, Reply},
};
use auto_reply::Kind;

impl From<Inbound> for auto_reply::Message {
    fn from(inbound: Inbound) -> Self {
        Self {
            account: inbound.account,
            fan: inbound.fan,
            create_time: inbound.create_time.0,
            identity: inbound.identity,
            kind: inbound.kind.into(),
            text: inbound.text,
            attached: inbound.attached,
        }
    }
}

impl From<InboundKind> for Kind {
    fn from(kind: InboundKind) -> Self {
        match kind {
            InboundKind::Text => Self::Text,
            InboundKind::Image => Self::Image,
            InboundKind::Voice => Self::Voice,
            InboundKind::Video => Self::Video,
            InboundKind::ShortVideo => Self::Shortvideo,
            InboundKind::Location => Self::Location,
            InboundKind::Link => Self::Link,
            InboundKind::Subscribe => Self::Subscribe,
            InboundKind::Scan => Self::Scan,
            InboundKind::Click => Self::Click,
            InboundKind::ScancodeWaitmsg => Self::ScancodeWaitmsg,
            InboundKind::LocationReport => Self::LocationReport,
            InboundKind::EnterTempsession => Self::EnterTempsession,
            InboundKind::MiniProgramPage => Self::Miniprogrampage,
            InboundKind::File => Self::File,
        }
    }
}

impl From<&Touch> for auto_reply::Touch {
    fn from(touch: &Touch) -> Self {
        let fan = match touch.fan {
            FanStatus::New => auto_reply::FanStatus::New,
            FanStatus::Returning => auto_reply::FanStatus::Returning,
            FanStatus::Follower => auto_reply::FanStatus::Follower,
        };
        Self { channel: touch.channel.clone(), fan }
    }
}

impl From<Scan> for qr_scan::Scan {
    fn from(scan: Scan) -> Self {
        let event = match scan.event {
            ScanEvent::Subscribe => qr_scan::ScanEvent::Subscribe,
            ScanEvent::Scan => qr_scan::ScanEvent::Scan,
        };
        Self { event, event_key: scan.event_key, create_time: scan.create_time.0 }
    }
}

impl From<qr_scan::Touch> for Touch {
    fn from(touch: qr_scan::Touch) -> Self {
        let fan = match touch.fan {
            qr_scan::FanStatus::New => FanStatus::New,
            qr_scan::FanStatus::Returning => FanStatus::Returning,
            qr_scan::FanStatus::Follower => FanStatus::Follower,
        };
        Self { channel: touch.channel, fan }
    }
}

impl From<auto_reply::PushChoice> for PushChoice {
    fn from(choice: auto_reply::PushChoice) -> Self {
        match choice {
            auto_reply::PushChoice::Stop => Self::Stop,
            auto_reply::PushChoice::Resume => Self::Resume,
        }
    }
}

/// What the component `ask` is asked, if anything.
pub(crate) fn lookup(action: &mut auto_reply::Action) -> Option<Vec<u8>> {
    match action {
        auto_reply::Action::Ask(ask) => Some(std::mem::take(&mut ask.lookup)),
        _ => None,
    }
}

/// What goes to the fan, or nothing.
impl From<auto_reply::Action> for Option<Reply> {
    fn from(action: auto_reply::Action) -> Self {
        Some(match action {
            auto_reply::Action::Reply(reply) => reply.into(),
            auto_reply::Action::Nothing => return None,
            auto_reply::Action::HandOver(to) => Reply::TransferCustomerService { kf_account: to.kf_account },
            // What the service says takes its place, where it says something in time.
            auto_reply::Action::Ask(ask) => Reply::Text { content: ask.fallback },
        })
    }
}

impl From<auto_reply::Reply> for Reply {
    fn from(reply: auto_reply::Reply) -> Self {
        match reply {
            auto_reply::Reply::Text(content) => Self::Text { content },
            auto_reply::Reply::Image(media_id) => Self::Image { media_id },
            auto_reply::Reply::Voice(media_id) => Self::Voice { media_id },
            auto_reply::Reply::Video(auto_reply::Video { media_id, title, description }) => {
                Self::Video { media_id, title, description }
            }
            auto_reply::Reply::Music(music) => Self::Music {
                title: music.title,
                description: music.description,
                music_url: music.music_url,
                hq_music_url: music.hq_music_url,
                thumb_media_id: music.thumb_media_id,
            },
            auto_reply::Reply::News(articles) => {
                Self::News { articles: articles.into_iter().map(Into::into).collect() }
            }
        }
    }
}

impl From<auto_reply::Article> for Article {
    fn from(auto_reply::Article { title, description, pic_url, url }: auto_reply::Article) -> Self {
        Self { title, description, pic_url, url }
    }
}
