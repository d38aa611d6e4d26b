//! What goes into the playbook and what comes out: the types of `bot.wit`, as the pure code knows them.

use crate::{
    facts::PushChoice,
    time::Timestamp,
    wechat::{Event, Kind, Message, Reply},
};
use serde::{Deserialize, Serialize};

/// A message or event that may be answered ([protocol 3.5](../../docs/wechat-protocol.md#3.5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The account's original id (`ToUserName`).
    pub account: String,
    /// The fan's openid (`FromUserName`).
    pub fan: String,
    /// When it happened; what "now" means to a rule.
    pub create_time: Timestamp,
    /// What is the same in every retry and in no other message; decides choices by weight.
    pub identity: String,
    /// What it is; a rule's `on` names these.
    pub kind: InboundKind,
    /// What a rule's `match` looks at; empty where there is nothing to match.
    pub text: String,
    /// The `MediaId` of a picture, latitude and longitude of a place as `31.23,121.47`; else empty.
    pub attached: String,
}

/// What kind of message or event came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are WeChat's; `InboundKind::text` says what each brings to match")]
pub enum InboundKind {
    Text,
    Image,
    Voice,
    Video,
    ShortVideo,
    Location,
    Link,
    Subscribe,
    Scan,
    Click,
    ScancodeWaitmsg,
    LocationReport,
    EnterTempsession,
    // A compiled playbook keeps kinds by number, so new ones stand behind all others.
    MiniProgramPage,
    File,
}

impl InboundKind {
    /// Every kind, messages first, with the name it has in a playbook.
    pub const ALL: [(&'static str, Self); 15] = [
        ("text", Self::Text),
        ("image", Self::Image),
        ("voice", Self::Voice),
        ("video", Self::Video),
        ("shortvideo", Self::ShortVideo),
        ("location", Self::Location),
        ("link", Self::Link),
        ("miniprogrampage", Self::MiniProgramPage),
        ("file", Self::File),
        ("subscribe", Self::Subscribe),
        ("scan", Self::Scan),
        ("click", Self::Click),
        ("scancode_waitmsg", Self::ScancodeWaitmsg),
        ("location_report", Self::LocationReport),
        ("enter_tempsession", Self::EnterTempsession),
    ];

    /// Its name in a playbook.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether the fan sent a message, rather than WeChat an event.
    pub fn is_message(self) -> bool {
        self <= Self::Link || matches!(self, Self::MiniProgramPage | Self::File)
    }

    /// Whether it brings text for a rule's `match`.
    pub fn has_text(self) -> bool {
        let is_titled = matches!(self, Self::Location | Self::Link | Self::MiniProgramPage | Self::File);
        is_titled || matches!(self, Self::Text | Self::Voice | Self::Click | Self::ScancodeWaitmsg)
    }

    /// Whether it may come through a channel, a QR code.
    pub fn has_channel(self) -> bool {
        matches!(self, Self::Subscribe | Self::Scan)
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kinds(u16);

impl Kinds {
    /// All that fans send.
    pub(super) fn messages() -> Self {
        let mut kinds = Self::default();
        InboundKind::ALL.into_iter().filter(|(_, kind)| kind.is_message()).for_each(|(_, kind)| kinds.insert(kind));
        kinds
    }

    pub(super) fn insert(&mut self, kind: InboundKind) {
        self.0 |= 1 << kind as u16;
    }

    pub(super) fn contains(self, kind: InboundKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    pub(super) fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = InboundKind> {
        InboundKind::ALL.into_iter().map(|(_, kind)| kind).filter(move |kind| self.contains(*kind))
    }
}

impl Inbound {
    /// What a rule may look at; none when the message may not be answered, so that `success` goes back: WeChat takes a
    /// reply to every known message, and to the events a fan waits at. Source:
    /// [protocol 1.8 and 3.5](../../docs/wechat-protocol.md#1.8).
    pub fn from_message(message: &Message) -> Option<Self> {
        let (kind, text) = kind_and_text(&message.kind)?;
        Some(Self {
            account: message.to_user_name.clone(),
            fan: message.from_user_name.to_string(),
            create_time: message.create_time,
            identity: message.identity(),
            kind,
            text: text.to_owned(),
            attached: attached(&message.kind),
        })
    }
}

fn attached(kind: &Kind) -> String {
    match kind {
        Kind::Image { media_id, .. } => media_id.clone(),
        Kind::Location { latitude, longitude, .. } => format!("{latitude},{longitude}"),
        _ => String::new(),
    }
}

fn kind_and_text(kind: &Kind) -> Option<(InboundKind, &str)> {
    Some(match kind {
        Kind::Text { content, .. } => (InboundKind::Text, content),
        Kind::Image { .. } => (InboundKind::Image, ""),
        Kind::Voice { recognition, .. } => (InboundKind::Voice, recognition.as_deref().unwrap_or_default()),
        Kind::Video { .. } => (InboundKind::Video, ""),
        Kind::ShortVideo { .. } => (InboundKind::ShortVideo, ""),
        Kind::Location { label, .. } => (InboundKind::Location, label),
        Kind::Link { title, .. } => (InboundKind::Link, title),
        Kind::MiniProgramPage { title, .. } => (InboundKind::MiniProgramPage, title),
        Kind::File { title, .. } => (InboundKind::File, title),
        Kind::Event(Event::Subscribe { .. }) => (InboundKind::Subscribe, ""),
        Kind::Event(Event::Scan { .. }) => (InboundKind::Scan, ""),
        Kind::Event(Event::Click { event_key }) => (InboundKind::Click, event_key),
        Kind::Event(Event::ScancodeWaitmsg { scan_result, .. }) => (InboundKind::ScancodeWaitmsg, scan_result),
        Kind::Event(Event::Location { .. }) => (InboundKind::LocationReport, ""),
        Kind::Event(Event::UserEnterTempsession { .. }) => (InboundKind::EnterTempsession, ""),
        Kind::Event(_) | Kind::Other { .. } => return None,
    })
}

/// What the brand says to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to do.
    pub action: Action,
    /// The rule that decided; none when the playbook's default did, or nobody.
    pub rule: Option<String>,
    /// What the fan decided about pushes, by a rule that says so.
    pub pushes: Option<PushChoice>,
    /// The conversation as it stands after this message; none: as it was. Given back with the same message, it gives the same answer.
    pub conversation: Option<Vec<u8>>,
    /// What the message left in its dialog: an encoded [`Left`](crate::facts::dialog::Left); empty: nothing.
    pub left: Vec<u8>,
}

/// What to do about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Send it. Never [`Reply::TransferCustomerService`]: that is [`Action::HandOver`].
    Reply(Reply),
    /// Answer `success`: the fan sees nothing.
    Nothing,
    /// Hand the fan over to the account's human agents.
    HandOver {
        /// A certain agent (`name@gh_…`); none: whoever the queue gives.
        kf_account: Option<String>,
    },
    /// Ask a service of the brand's own.
    Ask {
        /// The service's id in the playbook.
        service: String,
        /// What to ask it.
        question: String,
        /// The line the fan gets when the service is late, absent or wrong.
        fallback: String,
        /// The question with all that the service is, as the component `ask` takes it: [`Lookup::encode`](crate::lookup::Lookup::encode).
        lookup: Vec<u8>,
    },
}
