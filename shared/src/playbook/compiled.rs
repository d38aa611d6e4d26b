//! The compiled form: a header, a checksum, and a body in postcard's format.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `GXPB` |
//! | 2 | format version, little-endian |
//! | 8 | the first bytes of the SHA-1 of the body |
//! | rest | one after the other: [`Channel`]s, [`Body`], [`PushRules`], [`Special`], [`Dialogs`], [`Pushes`] |
//!
//! What is needed most stands first: nobody decodes what stands behind the last part that he asks for.
//!
//! The checksum finds damage, not malice: who writes `playbook:` in the store is trusted. Bytes made on purpose may load
//! to a playbook that answers oddly, never to one that panics.

use super::{
    hours::Hours,
    inbound::Kinds,
    memory,
    pushes::{DaysAgo, Pushes},
    talk::form::Dialogs,
    template::Template,
};
use crate::{
    facts::{FanStatus, PushChoice},
    lookup::Service,
    store::digest,
    time::{Day, UtcOffset},
};
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 4] = b"GXPB";

/// Raised whenever the layout changes.
const FORMAT: u16 = 2;

/// How many bytes of a SHA-1 serve as checksum.
pub(super) const CHECKSUM: usize = 8;

/// Why compiled bytes do not load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The bytes begin otherwise.
    #[error("these bytes are not a compiled playbook")]
    NotAPlaybook,
    /// Written by a compiler that this program is too old for, or by one of before its time.
    #[error("the playbook was compiled to format {0}, and this program reads {FORMAT}: deploy it anew")]
    OtherFormat(u16),
    /// Cut short, changed or never right.
    #[error("the compiled playbook is damaged")]
    Damaged,
}

/// One `[[channels]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The QR code's scene string.
    pub id: String,
    /// For people.
    pub name: String,
    /// Package, poster, shop, …
    pub group: Option<String>,
    /// Free words, given to the fans that it brings.
    pub tags: Vec<String>,
    /// What it cost, in whole yuan.
    pub cost: Option<u32>,
    /// The first day that it is out.
    pub valid_from: Option<Day>,
    /// The last day that it is out.
    pub valid_until: Option<Day>,
}

/// How long things are kept and hold, in days.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Lengths {
    pub(super) keep: u32,
    pub(super) forget_after: u32,
    pub(super) attribution: u32,
}

/// What `answer` needs, besides the channels.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Body<'a> {
    pub(super) offset: UtcOffset,
    pub(super) lengths: Lengths,
    pub(super) hours: Vec<Hours>,
    pub(super) replies: Vec<Line>,
    /// Best rank first: by priority, then by place in the file.
    pub(super) rules: Vec<Rule>,
    pub(super) default: Option<Choice>,
    /// Sorted by rule.
    #[serde(borrow)]
    pub(super) keywords: Vec<Keyword<'a>>,
    /// Sorted by rule.
    pub(super) regexes: Vec<Pattern>,
}

/// What rules decide about the fan's pushes; the rule's rank, sorted. Few do.
pub(super) type PushRules = Vec<(u32, PushChoice)>;

/// What few rules say; each list sorted by the rule's rank.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Special {
    /// Rules that note that the fan wants a person.
    pub(super) wants_person: Vec<u32>,
    /// Rules for a question that is asked again; they take part only where no other answers.
    pub(super) again: Vec<u32>,
    /// How long ago the fan must have followed.
    pub(super) followed: Vec<(u32, DaysAgo)>,
    /// Rules that must not have answered since the follow.
    pub(super) not_yet: Vec<(u32, Vec<memory::Name>)>,
}

/// One `[[rules]]`; what it matches is in `keywords` and `regexes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) kinds: Kinds,
    pub(super) conditions: Conditions,
    /// Whether it has a `match`; else it takes whatever comes.
    pub(super) matches: bool,
    pub(super) choice: Choice,
}

/// What must hold besides the words; what is none or empty holds always.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Conditions {
    /// An index into `hours`, and whether they must be open or closed.
    pub(super) hours: Option<(u32, bool)>,
    /// Ids, sorted.
    pub(super) channels: Vec<String>,
    pub(super) fan: Option<FanStatus>,
}

/// Replies by weight.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Choice(pub(super) Vec<(Outcome, u32)>);

/// An index into `replies`, or none for silence.
pub(super) type Outcome = Option<u32>;

/// A normalised word, the place it must have in the text, and the rule it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Keyword<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
    pub(super) rule: u32,
}

/// Where a keyword must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Place {
    Exact,
    Prefix,
    Contains,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pattern {
    pub(super) regex: String,
    pub(super) rule: u32,
}

/// One `[replies.<name>]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Line {
    Text { content: Template },
    Image { media_id: String },
    Voice { media_id: String },
    Video { media_id: String, title: Option<Template>, description: Option<Template> },
    Music(MusicLine),
    News { articles: Vec<ArticleLine> },
    HandOver { kf_account: Option<String> },
    // A compiled playbook keeps these by number, so new ones stand behind all others.
    Ask { service: Service, fallback: Template },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MusicLine {
    pub(super) title: Option<Template>,
    pub(super) description: Option<Template>,
    pub(super) music_url: Option<Template>,
    pub(super) hq_music_url: Option<Template>,
    pub(super) thumb_media_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArticleLine {
    pub(super) title: Template,
    pub(super) description: Template,
    pub(super) pic_url: Template,
    pub(super) url: Template,
}

/// The bytes that [`Playbook::load`](super::Playbook::load) takes.
pub(super) fn encode(
    channels: &[Channel],
    body: &Body<'_>,
    (push_rules, special, dialogs): (&PushRules, &Special, &Dialogs),
    pushes: &Pushes,
) -> Result<Vec<u8>, postcard::Error> {
    let content = postcard::to_extend(body, postcard::to_stdvec(channels)?)?;
    let content = postcard::to_extend(special, postcard::to_extend(push_rules, content)?)?;
    let content = postcard::to_extend(dialogs, content)?;
    let content = postcard::to_extend(pushes, content)?;
    let mut bytes = Vec::with_capacity(content.len() + MAGIC.len() + 2 + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&checksum(&content));
    bytes.extend_from_slice(&content);
    Ok(bytes)
}

/// The channels, and what stands behind them.
pub(super) fn decode(bytes: &[u8]) -> Result<(Vec<Channel>, Rest<'_>), LoadError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(LoadError::NotAPlaybook)?;
    let (format, rest) = rest.split_first_chunk::<2>().ok_or(LoadError::Damaged)?;
    let format = u16::from_le_bytes(*format);
    if format != FORMAT {
        return Err(LoadError::OtherFormat(format));
    }
    let (sum, content) = rest.split_first_chunk::<CHECKSUM>().ok_or(LoadError::Damaged)?;
    if *sum != checksum(content) {
        return Err(LoadError::Damaged);
    }
    let mut rest = Rest(content);
    Ok((rest.take()?, rest))
}

/// Parts that nobody has asked for yet.
pub(super) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The rules and what they need, what they decide about pushes, what few say, and dialogs.
    pub(super) fn body(&mut self) -> Result<(Body<'a>, PushRules, Special, Dialogs), LoadError> {
        Ok((self.take()?, self.take()?, self.take()?, self.take()?))
    }

    /// What stands behind the [`body`](Self::body).
    pub(super) fn pushes(mut self) -> Result<Pushes, LoadError> {
        self.take()
    }

    fn take<T: Deserialize<'a>>(&mut self) -> Result<T, LoadError> {
        let (part, rest) = postcard::take_from_bytes(self.0).map_err(|_| LoadError::Damaged)?;
        self.0 = rest;
        Ok(part)
    }
}

/// The first bytes of the SHA-1 of `content`.
pub(super) fn checksum(content: &[u8]) -> [u8; CHECKSUM] {
    digest::short(content)
}
