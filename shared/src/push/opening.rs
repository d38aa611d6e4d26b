//! The head as a run finds it, and what takes the place of a record that cannot be read.
//!
//! | record | where it is damaged |
//! |---|---|
//! | `plan:head` | its copy; where that is damaged too, a new one |
//! | `plan:campaigns` | its copy; where that lacks it too, the playbook; what that does not name goes out no further |
//! | `plan:account` | alarms begin anew, and a content that WeChat refuses is sent and refused once more |
//! | `plan:paces` | as if every call had just been made as often as WeChat allows ([`Pace::lost`]) |
//!
//! A new head must not plan again what was planned, though nothing tells any more what that was: a ledger keeps only so many
//! pushes. So what surely was not planned yet is taken up again, and the rest is lost: pushes that wait, reminders that were due
//! until today, and what is left of campaigns that began.

use super::{
    campaign,
    head::{self, ACCOUNT, CAMPAIGNS, HEAD, Head, PACES, Plan, Running, Standing, Texts, Written},
    pace::Pace,
    plan::DAYS_BACK,
};
use crate::{
    facts::push::outcomes,
    playbook::Pushes,
    store::{
        Store, Timer,
        format::RecordError,
        key::Stored,
        lease::{Run, Stop},
    },
};
use std::borrow::Cow;

/// A position in a list behind everything.
const BEHIND_ALL: u64 = u64::MAX;

/// The head, and what is to be told of it.
pub(super) struct Opened {
    pub(super) head: Head,
    pub(super) stored: Written,
    /// What was found damaged: key and bytes.
    pub(super) damaged: Vec<(&'static str, Vec<u8>)>,
    /// What is lost for good, and a person must know: what it is about, and what it says.
    pub(super) lost: Vec<(&'static str, String)>,
}

pub(super) async fn open<S: Store, T: Timer>(run: &Run<'_, S, T>, pushes: &Pushes) -> Result<Opened, Stop> {
    let mut found = Found::default();
    for (key, bytes) in head::KEYS.into_iter().zip(run.get_all(&head::KEYS.map(String::from)).await?) {
        found.take(key, bytes)?;
    }
    let Found { plan, mut texts, account, paces, stored, damaged } = found;
    let mut lost = Vec::new();
    let mut head = match plan {
        Some(plan) => {
            let listed = |id: &str| pushes.campaigns.get(id).cloned();
            let (head, without) = plan.with(|id| texts.remove(id).map(Cow::into_owned).or_else(|| listed(id)));
            if !without.is_empty() {
                let says = "plan:campaigns and its copy have no contents of these, so they go out no further";
                lost.push(("lost campaigns", format!("{says}: {}", without.join(", "))));
            }
            head
        }
        None if damaged.iter().any(|(key, _)| HEAD.contains(key)) => {
            let says =
                "plan:head and its copy were damaged: what waited, and what was due until today, does not go out";
            lost.push(("a new plan", says.to_owned()));
            begin_anew(run, pushes).await?
        }
        None => Head::default(),
    };
    let are_lost = damaged.iter().any(|(key, _)| *key == PACES);
    let paces = paces.unwrap_or_else(|| match are_lost {
        true => std::array::from_fn(|_| Pace::lost(run.millis())),
        false => Default::default(),
    });
    head.account = Standing { paces, ..account.unwrap_or_default() };
    Ok(Opened { head, stored, damaged, lost })
}

/// What the records say that can be read: of two, the first.
#[derive(Default)]
struct Found {
    plan: Option<Plan<'static>>,
    /// Of both records. They differ where a run died, and then either says enough.
    texts: Texts<'static>,
    account: Option<Standing>,
    paces: Option<[Pace; 3]>,
    stored: Written,
    damaged: Vec<(&'static str, Vec<u8>)>,
}

impl Found {
    fn take(&mut self, key: &'static str, bytes: Option<Vec<u8>>) -> Result<(), Stop> {
        let Some(bytes) = bytes else { return Ok(()) };
        self.stored.note(key, &bytes);
        match self.read(key, &bytes) {
            Err(RecordError::Damaged) => self.damaged.push((key, bytes)),
            read => read.map_err(|error| Stop::Record { key: key.to_owned(), error })?,
        }
        Ok(())
    }

    fn read(&mut self, key: &str, bytes: &[u8]) -> Result<(), RecordError> {
        match key {
            ACCOUNT => self.account = Some(Stored::decode(bytes)?),
            PACES => self.paces = Some(Stored::decode(bytes)?),
            key if CAMPAIGNS.contains(&key) => {
                for (id, campaign) in Texts::decode(bytes)? {
                    self.texts.entry(id).or_insert(campaign);
                }
            }
            _ => {
                let plan = Plan::decode(bytes)?;
                self.plan.get_or_insert(plan);
            }
        }
        Ok(())
    }
}

async fn begin_anew<S: Store, T: Timer>(run: &Run<'_, S, T>, pushes: &Pushes) -> Result<Head, Stop> {
    let now = run.now();
    let today = pushes.limits.utc_offset.local(now).day.0;
    let due = (today.saturating_sub(DAYS_BACK)..=today).map(|day| (day, BEHIND_ALL)).collect();
    // Read from the beginning they would delete ledgers of fans who came back since.
    let outcomes = run.get_record(&outcomes().head()).await?.unwrap_or_default().0;
    let mut head = Head { due, outcomes, ..Head::default() };
    let running = |campaign, planned| Running { planned, ..Running::new(campaign) };
    for (id, campaign) in pushes.campaigns.iter().filter(|(_, campaign)| campaign.is_on_time(now)) {
        head.campaigns.insert(id.clone(), running(campaign.clone(), true));
    }
    head.asked = campaign::Looked::at_the_last(run).await?;
    loop {
        let mut found = campaign::look(run, &head.asked).await?;
        let asked = std::mem::take(&mut found.asked);
        for asked in asked.into_iter().filter(|asked| asked.campaign.at > now) {
            head.campaigns.entry(asked.id).or_insert(Running::new(asked.campaign));
        }
        if found.looked == head.asked {
            return Ok(head);
        }
        head.take_up(found, pushes);
    }
}
