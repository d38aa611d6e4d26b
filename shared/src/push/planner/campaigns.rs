//! Takes up campaigns whose time has come, and plans them from the list of all fans.

use super::{
    Planner,
    chunk::{CHUNK_PAGES, Items},
    clone,
};
use crate::{
    facts::push,
    playbook::Campaign,
    push::{
        book::Change,
        campaign,
        head::{Head, Running},
        seen::Seen,
    },
    store::{Store, Timer, lease::Stop},
    wechat::OpenId,
};
use std::collections::BTreeMap;

/// Campaigns kept that are over.
const CAMPAIGNS_MAX: usize = 32;

impl<S: Store, T: Timer> Planner<'_, S, T> {
    /// Plans some fans of a campaign.
    pub(super) async fn plan_campaigns(&self) -> Result<bool, Stop> {
        self.begin_campaigns().await?;
        let now = self.book.run.now();
        let is_due = |running: &Running| !running.planned && running.campaign.at <= now;
        let next = self.book.head().campaigns.iter().find(|(_, running)| is_due(running)).map(clone);
        let Some((id, Running { campaign, fans: position, .. })) = next else { return Ok(false) };
        let Items { found: items, waits } = self.items(&push::fans(), position, CHUNK_PAGES).await?;
        let Some(until) = items.last().map(|(at, _)| at + 1) else {
            if waits {
                return Ok(false);
            }
            let done = |head: &mut Head| {
                if let Some(running) = head.campaigns.get_mut(&id) {
                    running.planned = true;
                }
            };
            return self.book.write(Change::default(), done).await.map(|()| true);
        };
        let fans = self.fans(items.iter().filter_map(|(_, openid)| openid.as_ref())).await?;
        // Most fans of most campaigns are outside of the segment: what they said and got need not be read.
        let offset = self.pushes.limits.utc_offset;
        let inside = |seen: &Seen| {
            seen.fan.as_ref().is_some_and(|fan| campaign.segment.fits(&fan.state(offset), &fan.tags, campaign.at))
        };
        let chosen: Vec<(&OpenId, ())> = items
            .iter()
            .filter_map(|(_, openid)| openid.as_ref())
            .filter(|openid| fans.get(*openid).is_some_and(inside))
            .map(|openid| (openid, ()))
            .collect();
        let chunk = self
            .decide(fans, chosen.into_iter(), |known, (), now| known.campaign(self.pushes, &id, &campaign, now))
            .await?;
        self.write(chunk, |head| {
            if let Some(running) = head.campaigns.get_mut(&id) {
                running.fans = until;
            }
        })
        .await?;
        Ok(true)
    }

    /// Takes up campaigns whose time has come: those of the playbook, and those asked for.
    async fn begin_campaigns(&self) -> Result<(), Stop> {
        let now = self.book.run.now();
        let (at, looked) = (self.book.run.elapsed(), self.book.head().asked.clone());
        let found = campaign::look(self.book.run, &looked).await?;
        for (key, bytes) in &found.damaged {
            self.book.tell_damaged(key, bytes.clone()).await?;
        }
        let on_time = self.pushes.campaigns.iter().filter(|(_, campaign)| campaign.is_on_time(now));
        let is_new = |(id, _): &(&String, &Campaign)| !self.book.head().campaigns.contains_key(*id);
        let new: BTreeMap<String, Campaign> = on_time.filter(is_new).map(clone).collect();
        if new.is_empty() && found.looked == looked {
            self.signals.looked.set(Some(at));
            return Ok(());
        }
        let update = |head: &mut Head| {
            for (id, campaign) in new {
                head.campaigns.entry(id).or_insert(Running::new(campaign));
            }
            head.take_up(found, self.pushes);
            self.signals.looked.set(Some(at));
            while head.campaigns.len() > CAMPAIGNS_MAX {
                let over = head.campaigns.iter().filter(|(_, running)| running.planned);
                let oldest = over.min_by_key(|(_, running)| running.campaign.at).map(|(id, _)| id.clone());
                let Some(oldest) = oldest else { break };
                head.campaigns.remove(&oldest);
            }
        };
        self.book.write(Change::default(), update).await
    }
}
