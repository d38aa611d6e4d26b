//! What a fan did, as the fan's record keeps it: without texts, media or places.

use super::desk::Session;
use crate::{
    facts::{
        Place, PushChoice,
        dialog::{self, Saved, Step},
        order::{Line, OrderKind},
    },
    fold::counts::cut,
    store::digest::Digest,
    time::Timestamp,
    wechat::{Event as Happening, Kind, Message, api::notice::NO_CONSENT},
};
use serde::{Deserialize, Serialize};

/// Notices kept of one event.
const NOTICES_MAX: usize = 16;
/// Characters of a template's id.
const TEMPLATE_MAX: usize = 64;

/// Which of two events was first: by time, then by `MsgId`, then by place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    /// `MsgId` where there is one that is a number.
    pub(crate) number: u64,
    pub(crate) place: Place,
    /// Within the entry.
    pub(crate) part: u32,
}

/// Something that a fan did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) moment: Moment,
    /// What its copies have in common.
    pub(crate) identity: Digest,
    /// Of a push, the class of the time that the answer took.
    pub(crate) answer: Option<u8>,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Sent a message.
    Message,
    /// Used the menu.
    Click,
    /// Was there.
    Seen,
    /// Followed: through a channel, or by no code.
    Follow(Option<String>),
    Unfollow,
    /// Scanned the code of a channel as a follower.
    Scan(String),
    /// Chose whether to get notices, or got one.
    Notices(Vec<(String, Notice)>),
    Order(OrderNews),
    /// Something before an erasure: only its identity is left.
    Erased,
    /// Stopped or resumed pushes with what is said here.
    Chose(PushChoice, Box<What>),
    /// [`Self::Follow`], and a rule answered it.
    Welcomed(Option<String>),
    /// Was handed over to the agents with what is said here.
    HandedOver(Box<What>),
    /// Talks to an agent.
    Session(Session),
    /// Went on in dialogs with what is said here; never within another.
    Told(Vec<Step>, Box<What>),
}

/// What happened to the permission for one template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    Accepted,
    Declined,
    /// By the fan; or WeChat says that there is none.
    Withdrawn,
    /// WeChat took a notice, whether it arrived or not.
    Sent,
}

/// What happened to one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderNews {
    pub(crate) order: Digest,
    pub(crate) kind: OrderKind,
    pub(crate) version: u32,
    /// By the shop's clock.
    pub(crate) at: Timestamp,
    /// How long before it a touch explains it, in days.
    pub(crate) window: u32,
    pub(crate) lines: Vec<Line>,
}

impl What {
    /// What a message says of its fan; none when it says nothing. Channels are still the scenes as they came. `answered`: by a rule.
    pub(crate) fn of_message(message: &Message, channel: Option<&str>, answered: bool) -> Option<Self> {
        let Kind::Event(event) = &message.kind else {
            return Some(Self::Message);
        };
        let channel = channel.filter(|channel| !channel.is_empty()).map(str::to_owned);
        Some(match event {
            Happening::Subscribe { .. } if answered => Self::Welcomed(channel),
            Happening::Subscribe { .. } => Self::Follow(channel),
            Happening::Unsubscribe { .. } => Self::Unfollow,
            Happening::Scan { .. } => channel.map_or(Self::Seen, Self::Scan),
            Happening::SubscribeMsgPopup(list) => notices(list.iter().map(|choice| {
                (&choice.template_id, if choice.accepted { Notice::Accepted } else { Notice::Declined })
            })),
            Happening::SubscribeMsgChange(list) => notices(list.iter().map(|choice| {
                (&choice.template_id, if choice.accepted { Notice::Accepted } else { Notice::Withdrawn })
            })),
            Happening::SubscribeMsgSent(list) => notices(list.iter().map(|sent| {
                let no_consent = sent.error_code.trim().parse() == Ok(NO_CONSENT);
                (&sent.template_id, if no_consent { Notice::Withdrawn } else { Notice::Sent })
            })),
            Happening::KfCreateSession { .. } => Self::Session(Session::Begun),
            Happening::KfCloseSession { .. } => Self::Session(Session::Closed),
            Happening::KfSwitchSession { .. } => Self::Session(Session::Switched),
            Happening::Location { .. } | Happening::UserEnterTempsession { .. } => Self::Seen,
            _ if menu_key(event).is_some() => Self::Click,
            _ => return None,
        })
    }
}

impl What {
    /// Whether the fan wants what dialogs saved deleted.
    pub(super) fn wants_deletion(&self) -> bool {
        matches!(self, Self::Told(steps, _) if steps.iter().any(|step| step.what == dialog::What::Forget))
    }

    /// Takes out what is saved with it, if that is what is asked for.
    pub(super) fn drop_saved(&mut self, is_asked: impl Fn(&Saved) -> bool) {
        let Self::Told(steps, _) = self else { return };
        for step in steps {
            if let dialog::What::Answered { saved, .. } = &mut step.what {
                saved.take_if(|saved| is_asked(saved));
            }
        }
    }
}

/// What becomes of the permission for a template of which WeChat took no notice for want of it.
pub(crate) fn no_consent(template: &String) -> What {
    notices(std::iter::once((template, Notice::Withdrawn)))
}

fn notices<'a>(list: impl Iterator<Item = (&'a String, Notice)>) -> What {
    What::Notices(list.take(NOTICES_MAX).map(|(template, notice)| (cut(template, TEMPLATE_MAX), notice)).collect())
}

/// The key of the menu button that an event comes from.
pub(crate) fn menu_key(event: &Happening) -> Option<&str> {
    match event {
        Happening::Click { event_key }
        | Happening::View { event_key, .. }
        | Happening::ViewMiniProgram { event_key, .. }
        | Happening::ScancodePush { event_key, .. }
        | Happening::ScancodeWaitmsg { event_key, .. }
        | Happening::Pictures { event_key, .. }
        | Happening::LocationSelect { event_key, .. } => Some(event_key),
        _ => None,
    }
}
