//! What the playbook page does: keeps the draft, checks it, shows what it changes, publishes it.
//!
//! Everything that a form needs is posted with it: to check, compare, try and replay stores nothing. The live playbook is the
//! latest publication, which holds within 30 s if it does not yet; before the first it is the one that is built in.

use super::{
    address::{Posted, Versions},
    difference::Difference,
};
use crate::{
    facts::FanStatus,
    journal::replay::Replayed,
    playbook::{
        Answer, InboundKind, LoadError, Playbook, Problem, Terms, Trial, compile,
        draft::{self, Base, DRAFT_MAX, Draft, Unsaved},
        publish::{
            HEAD_KEY, Head, NOTICE_SECONDS, Publication, PublishError,
            request::{Issue, Published, Refused, publish_once},
            sources::{Issued, Note},
        },
        warnings,
    },
    store::{Store, StoreError, Timer},
    time::{Moment, Timestamp},
};
use std::time::{Duration, Instant};

/// The longest form of this page, in bytes: three for each byte of a draft, and the rest.
pub const BODY_MAX: usize = 3 * DRAFT_MAX + 64 * 1024;
/// Problems that are shown.
pub const PROBLEMS_SHOWN: usize = 100;
/// How long two playbooks are compared.
pub const COMPARED_FOR: Duration = Duration::from_millis(500);
/// Characters of a message that is tried.
const SAID_MAX: usize = 2_048;

/// What a button of the form wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// To keep the draft.
    Save,
    /// To keep it, although somebody else saved meanwhile.
    Overwrite,
    /// To see its problems.
    #[default]
    Check,
    /// To see what differs from the live one.
    Differ,
    /// To see what it answers.
    Try,
    /// To see what it would have answered.
    Replay,
    /// To be asked whether it shall be published.
    Publish,
    /// To publish it.
    Sure,
}

impl Wish {
    /// All of them, with the value that the button posts.
    pub const ALL: [(&'static str, Self); 8] = [
        ("save", Self::Save),
        ("overwrite", Self::Overwrite),
        ("check", Self::Check),
        ("differ", Self::Differ),
        ("try", Self::Try),
        ("replay", Self::Replay),
        ("publish", Self::Publish),
        ("sure", Self::Sure),
    ];

    /// What its button posts.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, wish)| *wish == self).map_or("", |(name, _)| name)
    }
}

/// A message to try, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// What comes in.
    pub kind: InboundKind,
    /// What the fan writes.
    pub text: String,
    /// The channel's id; empty: none.
    pub channel: String,
    /// What the fan is.
    pub fan: FanStatus,
    /// By the playbook's clock; empty: now.
    pub at: String,
}

impl Default for Typed {
    fn default() -> Self {
        let (text, channel, at) = Default::default();
        Self { kind: InboundKind::Text, text, channel, fan: FanStatus::New, at }
    }
}

/// What the form says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// What is wanted.
    pub wish: Wish,
    /// The playbook, its lines ended by `\n` whatever a browser makes of that.
    pub text: String,
    /// What the form was made from.
    pub base: Base,
    /// What is to be overwritten.
    pub theirs: Base,
    /// Why it is published.
    pub why: String,
    /// The number of the publication that was live when this was asked for.
    pub live: u32,
    /// A message to try.
    pub typed: Typed,
}

impl Form {
    /// Of what was posted; what is none of the values there are is as if it was left out.
    pub fn of(posted: &Posted) -> Self {
        fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
            all.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
        }
        let short = |name: &str, max: usize| posted.get(name).chars().take(max).collect::<String>();
        let default = Typed::default();
        Self {
            wish: named(&Wish::ALL, posted.get("do")).unwrap_or_default(),
            text: posted.get("text").replace("\r\n", "\n").replace('\r', "\n"),
            base: posted.get("base").parse().unwrap_or_default(),
            theirs: posted.get("theirs").parse().unwrap_or_default(),
            why: posted.get("why").to_owned(),
            live: posted.get("live").parse().unwrap_or_default(),
            typed: Typed {
                kind: named(&InboundKind::ALL, posted.get("on")).unwrap_or(default.kind),
                text: short("said", SAID_MAX),
                channel: short("channel", SAID_MAX),
                fan: named(&FanStatus::ALL, posted.get("fan")).unwrap_or(default.fan),
                at: short("at", SAID_MAX),
            },
        }
    }
}

/// The playbook that is built in.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// The TOML.
    pub source: &'static str,
    /// Its compiled form.
    pub compiled: &'static [u8],
}

/// A publication; number 0 is the playbook that is built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// From when on it holds.
    pub holds_from: Option<Timestamp>,
    /// By whom, when and why; none: of before that was kept, or built in.
    pub issued: Option<Issued>,
}

/// What is shown of what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// Nothing was.
    #[default]
    Nothing,
    /// The problems, in the file's order; and how many there are in all.
    Problems(Vec<Problem>, usize),
    /// From one version to another, or to the draft (none). None: a source is not there.
    Difference(u32, Option<u32>, Option<Difference>),
    /// What the draft answers, and what the live one does.
    Tried(Box<Answer>, Box<Answer>),
    /// The typed moment is none.
    NoMoment,
    /// What the draft would have answered.
    Replayed(Replayed),
    /// Somebody else saved meanwhile: who, and what differs from that to what is in the form.
    Meanwhile(Option<Draft>, Difference),
    /// The draft is too long to keep.
    TooLong,
    /// Whether to publish: what differs from the live one, what is unwise, and whether another is live than before.
    Sure(Option<Difference>, Vec<Problem>, bool),
    /// The publication is refused, as the API refuses it.
    Refused(Refused),
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// What the form says.
    pub form: Form,
    /// The draft that is kept.
    pub draft: Option<Draft>,
    /// What the next form is made from.
    pub base: Base,
    /// The newest first, the one that is built in last.
    pub versions: Vec<Version>,
    /// What was asked for.
    pub found: Found,
}

/// What came of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A page, with its HTTP status.
    Page(u16, Box<Desk>),
    /// The draft is kept.
    Saved,
    /// It is published.
    Published(Published),
}

/// Why there is no page: the store does not answer, or not what can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDesk {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of publications, or one of them.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The draft.
    #[error(transparent)]
    Draft(#[from] Unsaved),
    /// A compiled playbook.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// What is in the store.
struct Shelves<'a, S> {
    store: &'a S,
    head: Head,
    built_in: BuiltIn,
}

impl<'a, S: Store> Shelves<'a, S> {
    async fn open(store: &'a S, built_in: BuiltIn) -> Result<Self, NoDesk> {
        let head = store.get(HEAD_KEY).await?.map(|record| Head::decode(&record)).transpose()?.unwrap_or_default();
        Ok(Self { store, head, built_in })
    }

    fn live(&self) -> u32 {
        self.head.latest().map_or(0, |latest| latest.number)
    }

    async fn versions(&self) -> Result<Vec<Version>, StoreError> {
        let mut versions = Vec::new();
        for Publication { number, holds_from, .. } in self.head.publications().iter().rev() {
            let issued = Issued::read(self.store, *number).await?;
            versions.push(Version { number: *number, holds_from: Some(*holds_from), issued });
        }
        versions.push(Version { number: 0, holds_from: None, issued: None });
        Ok(versions)
    }

    /// None: there is no such publication, or its source is not there.
    async fn source(&self, number: u32) -> Result<Option<String>, StoreError> {
        if number == 0 {
            return Ok(Some(self.built_in.source.to_owned()));
        }
        if !self.head.publications().iter().any(|publication| publication.number == number) {
            return Ok(None);
        }
        match Issued::read(self.store, number).await? {
            Some(issued) => issued.source(self.store, number).await,
            None => Ok(None),
        }
    }

    async fn live_playbook(&self) -> Result<Playbook, NoDesk> {
        let Some(latest) = self.head.latest() else { return Ok(Playbook::load(self.built_in.compiled)?) };
        let mut parts = Vec::new();
        for key in latest.part_keys() {
            parts.push(self.store.get(&key).await?.unwrap_or_default());
        }
        Ok(Playbook::load(&latest.assemble(&parts)?)?)
    }

    async fn difference(&self, from: u32, to: &str) -> Result<Option<Difference>, StoreError> {
        Ok(self.source(from).await?.map(|from| compared(&from, to)))
    }
}

fn compared(old: &str, new: &str) -> Difference {
    // A clock that stands still, as in the tests in WebAssembly, sets no deadline.
    let until = if cfg!(target_os = "unknown") { None } else { Instant::now().checked_add(COMPARED_FOR) };
    Difference::between(old, new, until)
}

/// The compiled form of a playbook without errors; every problem, errors and warnings, as many as are shown; and how many there are.
fn checked(text: &str) -> (Option<Vec<u8>>, Vec<Problem>, usize) {
    let (compiled, mut problems) = match compile(text) {
        Ok(compiled) => (Some(compiled), Vec::new()),
        Err(errors) => (None, errors),
    };
    problems.extend(warnings(text));
    problems.sort();
    let all = problems.len();
    problems.truncate(PROBLEMS_SHOWN);
    (compiled, problems, all)
}

/// The page as an address asks for it.
///
/// # Errors
/// [`NoDesk`]
pub async fn shown(store: &impl Store, asked: Versions, built_in: BuiltIn) -> Result<Desk, NoDesk> {
    let shelves = Shelves::open(store, built_in).await?;
    let (draft, base) = draft::load(store).await?;
    let live = shelves.live();
    let (text, found) = match asked.show {
        None => {
            let live = shelves.source(live).await?.unwrap_or_default();
            (draft.as_ref().map_or(live, |draft| draft.text.clone()), Found::Nothing)
        }
        Some(number) => {
            let against = asked.against.unwrap_or(live);
            let source = shelves.source(number).await?;
            let found = match &source {
                Some(source) => shelves.difference(against, source).await?,
                None => None,
            };
            (source.unwrap_or_default(), Found::Difference(against, Some(number), found))
        }
    };
    let form = Form { text, base, live, ..Form::default() };
    Ok(Desk { form, draft, base, versions: shelves.versions().await?, found })
}

/// Does what a form wants. `timer` has counted since `now`; `by` is who is logged in, `id` is random.
///
/// # Errors
/// [`NoDesk`]
pub async fn posted(
    store: &impl Store,
    timer: &impl Timer,
    mut form: Form,
    by: &str,
    built_in: BuiltIn,
    (id, now): (u64, Timestamp),
) -> Result<Done, NoDesk> {
    let shelves = Shelves::open(store, built_in).await?;
    let (mut status, live) = (200, shelves.live());
    let found = match form.wish {
        Wish::Save | Wish::Overwrite => {
            let base = if form.wish == Wish::Save { form.base } else { form.theirs };
            let draft = Draft { by: by.to_owned(), at: now, text: form.text.clone() };
            match draft::save(store, timer, base, &draft).await {
                Ok(()) => return Ok(Done::Saved),
                Err(Unsaved::TooLong) => {
                    status = 422;
                    Found::TooLong
                }
                Err(Unsaved::Meanwhile) => {
                    status = 409;
                    let theirs = draft::load(store).await?.0;
                    let difference = compared(theirs.as_ref().map_or("", |draft| &draft.text), &form.text);
                    Found::Meanwhile(theirs, difference)
                }
                Err(error) => return Err(error.into()),
            }
        }
        Wish::Differ => Found::Difference(live, None, shelves.difference(live, &form.text).await?),
        wish => {
            let (compiled, problems, all) = checked(&form.text);
            match compiled {
                Some(compiled) if wish != Wish::Check => match wish {
                    Wish::Try => tried(&form.typed, &compiled, &shelves.live_playbook().await?, now)?,
                    Wish::Replay => {
                        let (live, draft) = (shelves.live_playbook().await?, Playbook::load(&compiled)?);
                        Found::Replayed(Replayed::of(store, timer, &live, &draft).await?)
                    }
                    Wish::Sure if form.live == live => {
                        let published = match Note::new(by, &form.why) {
                            Ok(note) => {
                                let issue = Issue { source: &form.text, compiled: &compiled, note: &note };
                                publish_once(store, timer, issue, id, now).await
                            }
                            Err(long) => Err(long.into()),
                        };
                        match published {
                            Ok(published) => return Ok(Done::Published(published)),
                            Err(refused) => {
                                status = refused.status();
                                Found::Refused(refused)
                            }
                        }
                    }
                    wish => {
                        let another = wish == Wish::Sure;
                        status = if another { 409 } else { 200 };
                        Found::Sure(shelves.difference(live, &form.text).await?, problems, another)
                    }
                },
                _ => {
                    status = if matches!(wish, Wish::Publish | Wish::Sure) { 422 } else { 200 };
                    Found::Problems(problems, all)
                }
            }
        }
    };
    form.live = live;
    let (draft, base) = draft::load(store).await?;
    // Refused for a number that came to nothing: there is nothing to overwrite, and the next try goes on.
    if matches!(found, Found::Meanwhile(..)) && base.is_of_one_draft(form.base) {
        form.base = base;
    }
    Ok(Done::Page(status, Box::new(Desk { form, draft, base, versions: shelves.versions().await?, found })))
}

fn tried(typed: &Typed, draft: &[u8], live: &Playbook, now: Timestamp) -> Result<Found, LoadError> {
    let offset = Terms::load(draft)?.utc_offset;
    let at = match typed.at.as_str() {
        "" => Some(now),
        at => at.parse::<Moment>().and_then(|at| at.by(offset)).ok(),
    };
    let Some(at) = at else { return Ok(Found::NoMoment) };
    let channel = Some(typed.channel.clone()).filter(|channel| !channel.is_empty());
    let trial = Trial { kind: typed.kind, text: typed.text.clone(), channel, fan: typed.fan, at };
    Ok(Found::Tried(Box::new(trial.answer(&Playbook::load(draft)?)), Box::new(trial.answer(live))))
}

/// Seconds from publishing to holding.
pub const HOLDS_IN_SECONDS: u64 = NOTICE_SECONDS;
