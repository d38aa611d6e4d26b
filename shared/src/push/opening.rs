//! The head as a run finds it: one of its two records, or a new one where both are lost.
//!
//! A new one must not plan again what was planned, though nothing tells any more what that was: a ledger keeps only so many
//! pushes. So what surely was not planned yet is taken up again, and the rest is lost: pushes that wait, reminders that were due
//! until today, and what is left of campaigns that began.

use super::{
    campaign,
    head::{self, Head, Running},
    plan::DAYS_BACK,
};
use crate::{
    facts::push::outcomes,
    playbook::Pushes,
    store::{
        Store, Timer,
        format::{self, RecordError},
        lease::{Run, Stop},
    },
};

/// A position in a list behind everything.
const BEHIND_ALL: u64 = u64::MAX;

/// The head, and what was found damaged on the way: key and bytes.
pub(super) struct Opened {
    pub(super) head: Head,
    pub(super) damaged: Vec<(&'static str, Vec<u8>)>,
    /// Both records were lost.
    pub(super) is_new: bool,
}

pub(super) async fn open<S: Store, T: Timer>(run: &Run<'_, S, T>, pushes: &Pushes) -> Result<Opened, Stop> {
    let (mut found, mut damaged) = (None, Vec::new());
    for (key, bytes) in head::KEYS.into_iter().zip(run.get_all(&head::KEYS.map(String::from)).await?) {
        match bytes.map(|bytes| (format::decode::<Head>(head::FORMAT, &bytes), bytes)) {
            None => {}
            Some((Ok(head), _)) => found = found.or(Some(head)),
            Some((Err(RecordError::Damaged), bytes)) => damaged.push((key, bytes)),
            Some((Err(error), _)) => return Err(Stop::Record { key: key.to_owned(), error }),
        }
    }
    let is_new = found.is_none() && !damaged.is_empty();
    let head = match found {
        Some(head) => head,
        None if is_new => begin_anew(run, pushes).await?,
        None => Head::default(),
    };
    Ok(Opened { head, damaged, is_new })
}

async fn begin_anew<S: Store, T: Timer>(run: &Run<'_, S, T>, pushes: &Pushes) -> Result<Head, Stop> {
    let now = run.now();
    let today = pushes.limits.utc_offset.local(now).day.0;
    let due = (today.saturating_sub(DAYS_BACK)..=today).map(|day| (day, BEHIND_ALL)).collect();
    // Read from the beginning they would delete ledgers of fans who came back since.
    let outcomes = run.get_record(&outcomes().head()).await?.unwrap_or_default().0;
    let mut head = Head { due, outcomes, ..Head::default() };
    let running = |campaign, planned| Running { campaign, fans: 0, planned };
    for (id, campaign) in pushes.campaigns.iter().filter(|(_, campaign)| campaign.is_on_time(now)) {
        head.campaigns.insert(id.clone(), running(campaign.clone(), true));
    }
    head.asked = campaign::Looked::at_the_last(run).await?;
    loop {
        let found = campaign::look(run, &head.asked).await?;
        for asked in found.asked.into_iter().filter(|asked| asked.campaign.at > now) {
            head.campaigns.entry(asked.id).or_insert(running(asked.campaign, false));
        }
        if found.looked == head.asked {
            return Ok(head);
        }
        head.asked = found.looked;
    }
}
