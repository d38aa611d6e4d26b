//! What `/campaigns` does: takes a campaign up, tries it, stops it, lists those there are.

use super::campaign::{Asked, ReadError, Request, Waiting, ask, waiting};
use crate::{
    playbook::{self, Campaign, CampaignRequest, Problem, Terms},
    push::{
        head::{self, Head, Running},
        queue::Progress,
    },
    store::{Store, StoreError, Timer, persist},
    time::Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest request, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// No campaign is taken up while so many have not come to an end of their planning.
pub const OPEN_MAX: usize = 100;

/// What is to be done about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It is to go out.
    Ask,
    /// What it would do, from this position of the list of fans on.
    DryRun {
        /// 0 is the first.
        from: u64,
    },
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The campaign.
    pub id: String,
    /// When it begins, in seconds since 1970.
    pub at: Timestamp,
    /// So many seconds from now; 0: with the next run.
    pub begins_in_seconds: u64,
    /// It was asked for before, in the same words: nothing happens twice.
    pub known: bool,
}

/// A campaign that push has begun, or will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id, as asked for.
    pub id: String,
    /// When it begins, in seconds since 1970.
    pub at: Timestamp,
    /// A run has taken it up; else the next one will.
    pub taken_up: bool,
    /// Fans looked at.
    pub fans: u64,
    /// Every fan was looked at.
    pub planned: bool,
    /// Pushes that were to go out; none: there are none, or that is long over.
    pub queued: Option<u64>,
    /// Of these, those of which is known what became of them.
    pub done: Option<u64>,
    /// It was stopped, or will be by the next run: nothing more goes out, and what waits is passed over.
    pub stopped: bool,
}

impl Listed {
    /// Whether something may go out yet.
    pub fn runs(&self) -> bool {
        !(self.stopped || self.is_settled())
    }

    /// Whether nothing more will happen.
    pub fn is_settled(&self) -> bool {
        self.planned && self.queued == self.done
    }
}

/// What came of stopping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// The campaign.
    pub id: String,
    /// It was stopped before: nothing happens twice.
    pub known: bool,
    /// It is over: nothing was left to stop.
    pub over: bool,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A parameter that is none.
    #[error("unknown parameter `{0}`; there is {1}")]
    Parameter(String, &'static str),
    /// A parameter's value.
    #[error("{name}={value}: {expected}")]
    Value {
        /// The name of the parameter.
        name: &'static str,
        /// As it came.
        value: String,
        /// What to write instead.
        expected: &'static str,
    },
    /// The body is no text.
    #[error("the body is not UTF-8")]
    NotText,
    /// The body is no campaign: a line for each problem.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// Another campaign has the id.
    #[error("the id `{0}` is taken by {1}; give this campaign an id of its own")]
    Taken(String, &'static str),
    /// There is none to stop.
    #[error("there is no campaign `{0}`")]
    NoSuch(String),
    /// Too many wait.
    #[error("{OPEN_MAX} campaigns wait already; ask again when one of them is planned")]
    TooMany,
    /// The store.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}

impl Refused {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Parameter(..) | Self::Value { .. } => 400,
            Self::NoSuch(_) => 404,
            Self::Taken(..) | Self::TooMany => 409,
            Self::NotText | Self::Problems(_) => 422,
            Self::Read(_) => 503,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

impl Wish {
    /// What the query of a request wants.
    ///
    /// # Errors
    /// [`Refused::Parameter`], [`Refused::Value`]
    pub fn of_query(query: &str) -> Result<Self, Refused> {
        let (mut dry, mut from) = (false, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let wrong = |name, expected| Refused::Value { name, value: value.to_string(), expected };
            match &*name {
                "dry_run" if matches!(&*value, "" | "1") => dry = true,
                "dry_run" => return Err(wrong("dry_run", "write dry_run=1")),
                "from" => {
                    from = Some(value.parse().map_err(|_| wrong("from", "write the `next` of the answer before"))?)
                }
                _ => return Err(Refused::Parameter(name.into_owned(), "dry_run and from")),
            }
        }
        match (dry, from) {
            (true, from) => Ok(Self::DryRun { from: from.unwrap_or_default() }),
            (false, None) => Ok(Self::Ask),
            (false, Some(from)) => {
                Err(Refused::Value { name: "from", value: from.to_string(), expected: "write dry_run=1 beside it" })
            }
        }
    }
}

/// The id of the campaign that is to stop, as the query of a request has it.
///
/// # Errors
/// [`Refused::Parameter`], [`Refused::Value`]
pub fn to_stop(query: &str) -> Result<String, Refused> {
    let mut id = String::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "id" => id = value.into_owned(),
            _ => return Err(Refused::Parameter(name.into_owned(), "id")),
        }
    }
    let expected = "write the id of the campaign";
    if id.is_empty() { Err(Refused::Value { name: "id", value: id, expected }) } else { Ok(id) }
}

/// The campaign in the body of a request.
///
/// # Errors
/// [`Refused::NotText`], [`Refused::Problems`]
pub fn campaign_of(body: &[u8], terms: &Terms, now: Timestamp) -> Result<CampaignRequest, Refused> {
    let source = std::str::from_utf8(body).map_err(|_| Refused::NotText)?;
    playbook::campaign(source, terms, now).map_err(Refused::Problems)
}

/// Leaves a campaign for the next run, unless it is known. Of two at the same moment with one id and different contents, the
/// one with the lower number goes out; the list says which.
///
/// # Errors
/// [`Refused::Taken`], [`Refused::TooMany`], [`Refused::Read`]; after the last it may have been left, and asking again does no
/// harm.
pub async fn accept(
    store: &impl Store,
    timer: &impl Timer,
    terms: &Terms,
    request: CampaignRequest,
    now: Timestamp,
) -> Result<Accepted, Refused> {
    let CampaignRequest { id, campaign, at_once } = request;
    if terms.pushes.campaigns.contains_key(&id) {
        return Err(Refused::Taken(id, "a campaign of the playbook"));
    }
    let (head, waiting) = standing(store).await?;
    let begun = head.campaigns.get(&id).map(|running| &running.campaign);
    let known = begun.or_else(|| waiting.asked.iter().find(|asked| asked.id == id).map(|asked| &asked.campaign));
    let accepted = |id, at: Timestamp, known| Accepted { id, at, begins_in_seconds: at.0.saturating_sub(now.0), known };
    if head.is_stopped(&id) || waiting.stops.contains(&id) {
        return Err(Refused::Taken(id, "a campaign that was stopped"));
    }
    if let Some(known) = known {
        // "Now" is another moment at every try.
        let at = if at_once { known.at } else { campaign.at };
        return match *known == (Campaign { at, ..campaign }) {
            true => Ok(accepted(id, at, true)),
            false => Err(Refused::Taken(id, "a campaign with other contents")),
        };
    }
    let unplanned = head.campaigns.values().filter(|running| !running.planned).count();
    if unplanned + waiting.asked.len() >= OPEN_MAX {
        return Err(Refused::TooMany);
    }
    let asked = Asked { id, campaign };
    let answer = accepted(asked.id.clone(), asked.campaign.at, false);
    let request = Request::Ask(asked);
    persist(timer, async || ask(store, &request).await).await?;
    Ok(answer)
}

/// Stops a campaign that was asked for, or that stands in the playbook: nothing of it leaves later than
/// [`FRESH`](super::FRESH) from now, and what has not left is passed over. It cannot be taken back.
///
/// # Errors
/// [`Refused::NoSuch`], [`Refused::Read`]; after the last it may have been stopped, and stopping it again does no harm.
pub async fn stop(
    store: &impl Store,
    timer: &impl Timer,
    terms: &Terms,
    id: String,
    now: Timestamp,
) -> Result<Stopped, Refused> {
    let (head, waiting) = standing(store).await?;
    let waits = waiting.asked.iter().any(|asked| asked.id == id);
    let over = match (head.campaigns.get(&id), terms.pushes.campaigns.get(&id)) {
        (Some(running), _) => listed(&id, running, &head).is_settled(),
        (None, _) if waits => false,
        (None, Some(campaign)) => campaign.at < now && !campaign.is_on_time(now),
        (None, None) => return Err(Refused::NoSuch(id)),
    };
    let known = head.is_stopped(&id) || waiting.stops.contains(&id);
    if !known && !over {
        let request = Request::Stop(id.clone());
        persist(timer, async || ask(store, &request).await).await?;
    }
    Ok(Stopped { id, known, over })
}

/// Every campaign that push knows or will, those that begin first first.
///
/// # Errors
/// [`Refused::Read`]
pub async fn list(store: &impl Store) -> Result<Vec<Listed>, Refused> {
    let (head, waiting) = standing(store).await?;
    let begun = head.campaigns.iter().map(|(id, running)| (id.clone(), listed(id, running, &head)));
    let mut all: BTreeMap<String, Listed> = begun.collect();
    // A request whose answer was lost is left again: the first one counts.
    for Asked { id, campaign: Campaign { at, .. } } in waiting.asked {
        let (fans, queued, done) = (0, None, None);
        let new = Listed { id: id.clone(), at, taken_up: false, fans, planned: false, queued, done, stopped: false };
        all.entry(id).or_insert(new);
    }
    for id in waiting.stops {
        all.entry(id).and_modify(|listed| listed.stopped = true);
    }
    let mut all: Vec<Listed> = all.into_values().collect();
    all.sort_by_key(|listed| listed.at);
    Ok(all)
}

fn listed(id: &str, running: &Running, head: &Head) -> Listed {
    let Running { campaign, fans, planned, stopped } = running;
    let queues = || head.queues.iter().filter(|(queue, _)| queue.campaign() == Some(id)).map(|(_, progress)| progress);
    let sum = |count: fn(&Progress) -> u64| queues().map(count).reduce(|sum, count| sum + count);
    Listed {
        id: id.to_owned(),
        at: campaign.at,
        taken_up: true,
        fans: *fans,
        planned: *planned,
        queued: sum(|progress| progress.queued),
        done: sum(|progress| progress.done),
        stopped: *stopped,
    }
}

/// What push knows, and what waits for it.
async fn standing(store: &impl Store) -> Result<(Head, Waiting), ReadError> {
    let head = head::progress(store).await?;
    let waiting = waiting(store, &head.asked).await?;
    Ok((head, waiting))
}

/// As JSON, for whoever asked.
pub fn json(answer: &impl Serialize) -> String {
    // Numbers and texts always have a JSON form.
    serde_json::to_string(answer).unwrap_or_default()
}
