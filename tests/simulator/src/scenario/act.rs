//! The things a fan can do and WeChat can report of one, and what WeChat's rules say of each.

use std::{fmt, sync::Arc};

/// One thing that a fan does, or that WeChat reports of a fan. Names of the fields are WeChat's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Follows, or follows again: `subscribe`.
    Follow {
        /// The QR code that brought the fan; goes out as `qrscene_…`.
        scene: Option<String>,
    },
    /// `unsubscribe`
    Unfollow,
    /// A follower scans a QR code: `SCAN`.
    Scan {
        /// Goes out without prefix.
        scene: String,
    },
    /// Writes.
    Text(String),
    /// Sends a picture.
    Image,
    /// Speaks.
    Voice {
        /// What WeChat understood, where the account has recognition.
        recognition: Option<String>,
    },
    /// Sends a place.
    Location,
    /// Sends a page.
    Link,
    /// Taps a menu button: `CLICK`.
    Click {
        /// The button's key.
        key: String,
    },
    /// Taps a menu button that opens a page: `VIEW`.
    View {
        /// The page.
        url: String,
    },
    /// Answers the question whether a notice may come: `subscribe_msg_popup_event`
    /// ([protocol 2.7](../../../../shared/docs/wechat-protocol.md#2.7)).
    Popup {
        /// What it would be.
        template_id: String,
        /// Yes or no.
        accept: bool,
    },
    /// What became of a template message: `TEMPLATESENDJOBFINISH`
    /// ([protocol 2.6](../../../../shared/docs/wechat-protocol.md#2.6)).
    TemplateFinished {
        /// The one that the send was answered with.
        msgid: u64,
        /// `success`, `failed:user block` or `failed: system failed`.
        status: &'static str,
    },
    /// What became of a notice: `subscribe_msg_sent_event`
    /// ([protocol 2.7](../../../../shared/docs/wechat-protocol.md#2.7)).
    NoticeSent {
        /// Which notice.
        template_id: Arc<str>,
        /// The send may have been answered without it.
        msgid: u64,
        /// It did not get through.
        failed: bool,
    },
    /// Something that WeChat invented after this was written.
    Unknown,
}

impl Act {
    /// `MsgType`, or `Event` of an event.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Follow { .. } => "subscribe",
            Self::Unfollow => "unsubscribe",
            Self::Scan { .. } => "SCAN",
            Self::Text(_) => "text",
            Self::Image => "image",
            Self::Voice { .. } => "voice",
            Self::Location => "location",
            Self::Link => "link",
            Self::Click { .. } => "CLICK",
            Self::View { .. } => "VIEW",
            Self::Popup { .. } => "subscribe_msg_popup_event",
            Self::TemplateFinished { .. } => "TEMPLATESENDJOBFINISH",
            Self::NoticeSent { .. } => "subscribe_msg_sent_event",
            Self::Unknown => "unknown",
        }
    }

    /// A message, not an event: it has a `MsgId`, and only it may go on to human agents
    /// ([protocol 3.4](../../../../shared/docs/wechat-protocol.md#3.4)).
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Image | Self::Voice { .. } | Self::Location | Self::Link)
    }

    /// Whether WeChat takes an answer to it ([protocol 3.5](../../../../shared/docs/wechat-protocol.md#3.5)).
    pub fn may_be_answered(&self) -> bool {
        self.is_message() || matches!(self, Self::Follow { .. } | Self::Scan { .. } | Self::Click { .. })
    }

    /// Whether the fan waits for something, and so gets a notice when nothing comes
    /// ([protocol 1.8](../../../../shared/docs/wechat-protocol.md#1.8)).
    pub fn is_waited_for(&self) -> bool {
        self.is_message() || matches!(self, Self::Click { .. })
    }

    /// How many articles an answer may show ([protocol 3.2](../../../../shared/docs/wechat-protocol.md#3.2)).
    pub fn articles_max(&self) -> usize {
        if self.is_message() { 1 } else { 8 }
    }
}

/// `SubscribeStatusString`
pub(super) fn popup_status(accept: bool) -> &'static str {
    if accept { "accept" } else { "reject" }
}

/// `text 「猫粮」`, `SCAN poster_7`, `image`.
impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Text(text) => write!(f, " 「{text}」"),
            Self::Voice { recognition: Some(text) } => write!(f, " 「{text}」"),
            Self::Follow { scene: Some(scene) } => write!(f, " qrscene_{scene}"),
            Self::Scan { scene } => write!(f, " {scene}"),
            Self::Click { key } => write!(f, " {key}"),
            Self::View { url } => write!(f, " {url}"),
            Self::Popup { template_id, accept } => write!(f, " {template_id} {}", popup_status(*accept)),
            Self::TemplateFinished { msgid, status } => write!(f, " {msgid} {status}"),
            Self::NoticeSent { template_id, msgid, .. } => write!(f, " {template_id} {msgid}"),
            _ => Ok(()),
        }
    }
}
