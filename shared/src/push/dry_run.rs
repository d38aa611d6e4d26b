//! What a campaign would do, without doing any of it: who would get it, how and when, who not and why, and what is left of
//! the quotas. It reads and never writes, and decides by the same functions as a run.

use super::{
    campaign::{ReadError, read},
    head::{self, Standing},
    ledger::{self, Ledger, State},
    plan::{Decision, Known},
    seen::Seen,
};
use crate::{
    conversation,
    facts::push::{self, Skip},
    fold::fan,
    playbook::{Campaign, Content, Pushes},
    store::{self, Store, Timer, key::Stored as _, list::PAGE},
    time::Timestamp,
    wechat::OpenId,
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// Fans named one by one in an answer.
pub const ROWS_MAX: usize = 1_000;
/// Pages of fans looked at together.
const CHUNK_PAGES: u64 = 4;
/// A dry run looks at no further fans after this time; the answer says where to go on.
const LIMIT: Duration = Duration::from_secs(20);
/// The reason of those whom an earlier try of the campaign reached, or may have.
pub const HAD_IT: &str = "had_it_already";

/// What a campaign would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// The campaign.
    pub id: String,
    /// When it would begin, in seconds since 1970.
    pub at: Timestamp,
    /// Fans looked at.
    pub fans: u64,
    /// Of these, not in the segment.
    pub outside: u64,
    /// In it, and would get it.
    pub gets: u64,
    /// By which way, in the order of the campaign. Each way has a quota and a pace of its own.
    pub ways: Vec<ByWay>,
    /// In it, and would not: by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The first fans of the segment, one by one; at most [`ROWS_MAX`].
    pub rows: Vec<Row>,
    /// There are more fans: where to go on (`?from=`).
    pub next: Option<u64>,
}

/// What would go one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ByWay {
    /// As the playbook calls it.
    pub way: &'static str,
    /// Fans who would get it so.
    pub gets: u64,
    /// Left of today's quota, as WeChat said last; none: it was not asked today.
    pub quota_left: Option<u64>,
    /// How many seconds it would take to send all, at the pace that WeChat allows; none: it sets no pace.
    pub takes_seconds: Option<u64>,
}

/// One fan of the segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The fan.
    pub openid: OpenId,
    /// By which way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<&'static str>,
    /// When, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gets_at: Option<Timestamp>,
    /// Or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<&'static str>,
}

/// A campaign that is tried.
struct Trial<'a> {
    pushes: &'a Pushes,
    id: &'a str,
    campaign: &'a Campaign,
    /// When it would begin.
    at: Timestamp,
    now: Timestamp,
    account: &'a Standing,
}

/// Looks at the fans from a position of the list on.
///
/// # Errors
/// [`ReadError`]
pub async fn dry_run(
    store: &impl Store,
    timer: &impl Timer,
    pushes: &Pushes,
    (id, campaign): (&str, &Campaign),
    now: Timestamp,
    from: u64,
) -> Result<DryRun, ReadError> {
    let account = head::standing(store).await?;
    let at = campaign.at.max(now);
    let trial = Trial { pushes, id, campaign, at, now, account: &account };
    let by_way = |content: &Content| ByWay {
        way: content.way(),
        gets: 0,
        quota_left: account.pace_of(content.api()).left(now),
        takes_seconds: None,
    };
    let ways = campaign.ways.iter().map(by_way).collect();
    let mut found = DryRun { id: id.to_owned(), at, ways, ..DryRun::default() };
    let mut position = from;
    loop {
        let (openids, ended) = fans(store, position).await?;
        position += openids.len() as u64;
        let openids: Vec<OpenId> = openids.into_iter().flatten().collect();
        found.fans += openids.len() as u64;
        for (openid, would) in trial.decide(store, openids).await? {
            found.take(openid, would, &account);
        }
        if ended {
            break;
        }
        if timer.elapsed() >= LIMIT {
            found.next = Some(position);
            break;
        }
    }
    found.outside = found.fans - found.gets - found.skipped.values().sum::<u64>();
    for (by_way, content) in found.ways.iter_mut().zip(campaign.ways.iter()) {
        by_way.takes_seconds = account.pace_of(content.api()).seconds_for(by_way.gets, now);
    }
    Ok(found)
}

/// What would become of a fan.
enum Would<'a> {
    /// It is not in the segment.
    BeOutside,
    Get(&'a Content),
    Not(&'static str),
}

impl DryRun {
    fn take(&mut self, openid: OpenId, would: Would<'_>, account: &Standing) {
        let mut row = Row { openid, way: None, gets_at: None, skipped: None };
        match would {
            Would::BeOutside => return,
            Would::Not(why) => {
                *self.skipped.entry(why).or_default() += 1;
                row.skipped = Some(why);
            }
            Would::Get(content) => {
                let mut before = 0;
                for by_way in self.ways.iter_mut().filter(|by_way| by_way.way == content.way()) {
                    before = by_way.gets;
                    by_way.gets += 1;
                }
                let later = account.pace_of(content.api()).seconds_for(before, self.at).unwrap_or_default();
                (row.way, row.gets_at) = (Some(content.way()), Some(Timestamp(self.at.0 + later)));
                self.gets += 1;
            }
        }
        if self.rows.len() < ROWS_MAX {
            self.rows.push(row);
        }
    }
}

impl<'a> Trial<'a> {
    /// What becomes of the fans who are in the segment.
    async fn decide(&self, store: &impl Store, openids: Vec<OpenId>) -> Result<Vec<(OpenId, Would<'a>)>, ReadError> {
        let records = store::load(store, openids.iter().map(|openid| fan::key(openid).into()).collect()).await?;
        let fan = |openid: OpenId| {
            let mut seen = Seen::default();
            seen.read_fan(&openid, records.get(&*fan::key(&openid)).map(Vec::as_slice));
            let fan = seen.fan.as_ref()?;
            let state = fan.state(self.pushes.limits.utc_offset);
            self.campaign.segment.fits(&state, &fan.tags, self.campaign.at).then_some((openid, seen, state))
        };
        let inside: Vec<_> = openids.into_iter().filter_map(fan).collect();
        // Most fans of most campaigns are outside: what they said and got need not be read.
        let keys =
            inside.iter().flat_map(|(openid, ..)| [conversation::key(openid).into(), ledger::key(openid).into()]);
        let records = store::load(store, keys.collect()).await?;
        let mut decided = Vec::new();
        for (openid, mut seen, state) in inside {
            let stored = |key: &str| records.get(key).map(Vec::as_slice);
            seen.read_conversation(&openid, stored(&conversation::key(&openid)));
            let ledger = stored(&ledger::key(&openid)).map(Ledger::decode).transpose();
            let ledger = ledger.map(Option::unwrap_or_default).ok();
            let would = self.one(&seen.known(&openid, Some(&state), ledger.as_ref()));
            decided.push((openid, would));
        }
        Ok(decided)
    }

    /// What the planner decides, and then the sender when it begins.
    fn one(&self, known: &Known<'_>) -> Would<'a> {
        let limits = &self.pushes.limits;
        let entry = match known.campaign(self.pushes, self.id, self.campaign, self.now) {
            Decision::Void => return Would::BeOutside,
            Decision::Skip(_, skip) => return Would::Not(skip.name()),
            Decision::Plan(entry) => entry,
            Decision::Known(entry) => match entry.state {
                State::Planned => entry,
                State::Skipped(_, skip) => return Would::Not(skip.name()),
                _ => return Would::Not(HAD_IT),
            },
        };
        let quiet = limits.is_quiet(limits.utc_offset.local(self.at).minute);
        match known.way(&entry, &self.campaign.ways, self.account, self.at) {
            Err(skip) => Would::Not(skip.name()),
            Ok(_) if quiet => Would::Not(Skip::QuietHours.name()),
            Ok(content) => Would::Get(content),
        }
    }
}

/// The next fans of the list of all, with its blanks, and whether it ends behind them.
async fn fans(store: &impl Store, position: u64) -> Result<(Vec<Option<OpenId>>, bool), ReadError> {
    let mut fans = Vec::new();
    let first = position / PAGE;
    for page in first..first + CHUNK_PAGES {
        let found = read(store, &push::fans().page(page * PAGE)).await?;
        let full = found.0.len() as u64 == PAGE;
        fans.extend(found.items_from(position.max(page * PAGE)).map(|(_, openid)| openid));
        if !full {
            return Ok((fans, true));
        }
    }
    Ok((fans, false))
}
