//! Lists that a fold appends to, as [`crate::store::list`] says how they are kept.

use super::{
    Settings,
    expire::{DayCursor, DueCursor},
};
use crate::{
    facts::push::{self, Due, Outcome, PushId},
    fold::fan::{self, Arrival, Fan, Places, due::Expected},
    store::{
        list::{Length, List, PAGE, Page},
        record::{FoldError, Knowledge, Table, Write},
    },
    time::{Day, Timestamp},
    wechat::OpenId,
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// The lists of one kind of items that a fold touches.
#[derive(Debug)]
pub(crate) struct Lists<T> {
    heads: Table<Length>,
    pages: Table<Page<T>>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { heads: Table::default(), pages: Table::default() }
    }
}

impl<T: Serialize + DeserializeOwned> Lists<T> {
    /// Puts an item at the end, and gives its position.
    pub(crate) async fn append(&mut self, list: &List<T>, item: T, known: &dyn Knowledge) -> Result<u64, FoldError> {
        let head = self.heads.get(list.head(), known).await?;
        let position = head.0;
        head.0 += 1;
        let page = self.pages.get(list.page(position), known).await?;
        // Of a page that is not as long as it should be, the items are lost, but not the places of those to come.
        let index = usize::try_from(position % PAGE).unwrap_or_default();
        page.0.resize_with(index, || None);
        page.0.push(Some(item));
        Ok(position)
    }

    /// Makes the item at a position void, if its page is still there.
    pub(crate) async fn blank(
        &mut self,
        list: &List<T>,
        position: u64,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let page = self.pages.get(list.page(position), known).await?;
        let item = usize::try_from(position % PAGE).ok().and_then(|index| page.0.get_mut(index));
        item.map(Option::take);
        Ok(())
    }

    /// The records that are not as they were loaded.
    pub(crate) fn writes(self) -> impl Iterator<Item = Write> {
        self.heads.writes().chain(self.pages.writes())
    }
}

/// The place of a reminder that is on no list: no list is so long.
const NOWHERE: u64 = u64::MAX;

/// What is found of a fan on lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// On the list of all fans.
    pub(crate) fans: BTreeSet<u64>,
    /// On those of days: the day, where, and what.
    pub(crate) due: Vec<(u64, u64, Due)>,
}

/// All lists of rollup: every fan, what is due, what push must know.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    fans: Lists<OpenId>,
    due: Lists<Due>,
    outcomes: Lists<Outcome>,
    due_cursor: Table<DueCursor>,
    outcome_cursor: Table<DayCursor>,
}

impl Listed {
    /// Puts a fan on the list of all, unless it is there.
    pub(crate) async fn fan(
        &mut self,
        openid: &OpenId,
        places: &mut Places,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        if places.fans.is_none() {
            places.fans = Some(self.fans.append(&push::fans(), openid.clone(), known).await?);
        }
        Ok(())
    }

    /// Brings the lists of due reminders in line with what the fan bought: what another purchase is about, or was given back,
    /// becomes void, and what is new is put on the list of its day; `told` is when the news came.
    pub(crate) async fn remind(
        &mut self,
        openid: &OpenId,
        fan: &mut Fan,
        settings: &Settings,
        told: Timestamp,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let (products, offset) = (&settings.pushes.products, settings.utc_offset);
        if products.is_empty() && fan.places.due.is_empty() {
            return Ok(());
        }
        let bought = fan.now(offset).products.iter();
        let expected: BTreeMap<String, (Expected, u64)> = bought
            .filter_map(|(name, bought)| {
                let product = products.get(name)?;
                let expected = Expected::of(bought, product.supply_days)?;
                let day = expected.due_day(product.reminder.as_ref()?, offset);
                Some((name.clone(), (expected, day)))
            })
            .collect();
        let holds = |name: &String, listed: &fan::Listed| {
            expected.get(name).is_some_and(|(expected, _)| *expected == listed.expected)
        };
        for (_, listed) in fan.places.due.extract_if(.., |name, listed| !holds(name, listed)) {
            self.due.blank(&push::due(listed.day), listed.position, known).await?;
        }
        for (product, (expected, day)) in expected {
            if fan.places.due.contains_key(&product) {
                continue;
            }
            // A list that is gone is never looked at again.
            let begin = self.due_cursor.get(DueCursor::key(), known).await?.day;
            let day = day.max(offset.local(told).day.0).max(begin);
            let Expected { basis, run_out } = expected;
            let item = Due { openid: openid.clone(), product: product.clone(), basis, run_out };
            let position = self.due.append(&push::due(day), item, known).await?;
            fan.places.due.insert(product, fan::Listed { day, position, expected });
        }
        Ok(())
    }

    /// Tells push what WeChat said.
    pub(crate) async fn closed(
        &mut self,
        openid: &OpenId,
        closed: Vec<(PushId, Arrival)>,
        settings: &Settings,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        for (id, arrival) in closed {
            let (at, delivered) = (arrival.at, arrival.delivered());
            let day = settings.utc_offset.local(at).day;
            self.outcome(Outcome::Closed { openid: openid.clone(), id, at, delivered }, day, known).await?;
        }
        Ok(())
    }

    /// Brings the lists in line with what a fan's record says after it was made anew: its `places` say where the fan should stand,
    /// and get where that is. Of what is `standing`, one item each stays and the others become void. `was_away` says that a
    /// reminder was passed over for want of the record, so that it is due today; one of a day that is over stands nowhere.
    pub(crate) async fn restore(
        &mut self,
        openid: &OpenId,
        places: &mut Places,
        standing: &Standing,
        today: u64,
        was_away: impl Fn(&str, &fan::Listed) -> bool,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let Places { fans, due: wanted } = std::mem::take(places);
        places.fans = standing.fans.first().copied().filter(|_| fans.is_some());
        for position in standing.fans.iter().filter(|position| Some(**position) != places.fans) {
            self.fans.blank(&push::fans(), *position, known).await?;
        }
        if fans.is_some() {
            self.fan(openid, places, known).await?;
        }
        for (day, position, item) in &standing.due {
            let expected = Expected { basis: item.basis, run_out: item.run_out };
            let stays = wanted.get(&item.product).is_some_and(|listed| {
                listed.day == *day && listed.expected == expected && !was_away(&item.product, listed)
            });
            if stays && !places.due.contains_key(&item.product) {
                places.due.insert(item.product.clone(), fan::Listed { day: *day, position: *position, expected });
            } else {
                self.due.blank(&push::due(*day), *position, known).await?;
            }
        }
        for (product, listed) in wanted {
            if places.due.contains_key(&product) {
                continue;
            }
            let (was_away, Expected { basis, run_out }) = (was_away(&product, &listed), listed.expected);
            let day = if was_away { today } else { listed.day };
            let position = if was_away || day > today {
                let item = Due { openid: openid.clone(), product: product.clone(), basis, run_out };
                self.due.append(&push::due(day), item, known).await?
            } else {
                NOWHERE
            };
            places.due.insert(product, fan::Listed { day, position, ..listed });
        }
        Ok(())
    }

    /// Takes a fan who is forgotten on a day off every list, and tells push.
    pub(crate) async fn remove(
        &mut self,
        openid: &OpenId,
        places: &mut Places,
        day: Day,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let Places { fans, due } = std::mem::take(places);
        if let Some(position) = fans {
            self.fans.blank(&push::fans(), position, known).await?;
        }
        for listed in due.into_values() {
            self.due.blank(&push::due(listed.day), listed.position, known).await?;
        }
        self.outcome(Outcome::Forgotten(openid.clone()), day, known).await
    }

    /// Tells push what it was not told in time.
    pub(crate) async fn outcomes(
        &mut self,
        outcomes: impl Iterator<Item = Outcome>,
        day: Day,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        for outcome in outcomes {
            self.outcome(outcome, day, known).await?;
        }
        Ok(())
    }

    async fn outcome(&mut self, outcome: Outcome, day: Day, known: &dyn Knowledge) -> Result<(), FoldError> {
        let position = self.outcomes.append(&push::outcomes(), outcome, known).await?;
        self.outcome_cursor.get(DayCursor::of_outcomes(), known).await?.note(day, position);
        Ok(())
    }

    /// The records that are not as they were loaded.
    pub(crate) fn writes(self) -> impl Iterator<Item = Write> {
        let lists = self.fans.writes().chain(self.due.writes()).chain(self.outcomes.writes());
        lists.chain(self.outcome_cursor.writes())
    }
}
