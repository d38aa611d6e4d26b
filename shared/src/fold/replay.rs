//! A fan's record again, from the entries that the journal still has: what a [repair](crate::fold::damaged) is made of.
//!
//! The entries about one fan are folded as they were the first time, in two rooms of their own ([`Room`]), where nothing but
//! this fan and these orders is known:
//!
//! - In the first stands the record as it should be. It begins with the oldest entry that is kept.
//! - In the second stands the stand-in: the fan as a stranger, from where the journal stood when the record was set aside. It must
//!   come out as what is stored of the fan now.
//!
//! So it is known what was counted of the stranger since and what should have been: the counts get the difference. What was
//! counted before the record was set aside was right and stays.
//!
//! **Orders.** An order is the fan's whom it was first told of, and a unionid the fan's who was first named with it. So every
//! event counts of an order or a unionid that is this fan's, whomever it names; and which those are is only known when
//! the journal has been gone through. Then it is gone through again, until no new one turns up.
//!
//! **Lists.** Where the fan stood on lists only the record knew. [`Replay::finish`] is told what is found of the fan on the list of
//! all fans and on those of the days on which a reminder ever was due, keeps the one item of each that is right and makes the
//! others void. A reminder that was due while the record was away, and of which push was told that the fan is a stranger, is due
//! today; one that push did plan is in its ledger, and a ledger plans nothing twice.

use super::{
    Settings,
    engine::{Engine, Focus},
    lists::{Listed, Standing},
};
use crate::{
    conversation::{self, Conversation},
    facts::{
        Entry, Place, Placed,
        push::{Outcome, PushId, Skip, outcomes},
    },
    fold::{
        counts::{Deltas, Scenes},
        damaged::{self, Progress, Reach},
        fan::{self, Fan, Fate},
        forget,
        orders::{Union, union_key},
    },
    journal::reader::Cursor,
    store::{
        digest::{Digest, digest},
        key::{Key, Stored},
        keys,
        list::Page,
        record::{FoldError, Knowledge, Records, Table, Write, find, load},
    },
    time::Timestamp,
    wechat::{Event as Happening, Kind, OpenId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known in the course of a replay: the fan, the fan's orders, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Room(Records);

/// What the fold of an entry leads to besides the records of the room.
struct Effect {
    counts: Deltas,
    outcomes: Vec<Outcome>,
}

impl Room {
    async fn fold(
        &mut self,
        settings: &Settings,
        focus: Focus<'_>,
        placed: &Placed,
        days: &mut BTreeSet<u64>,
    ) -> Result<Effect, FoldError> {
        let key = fan::key(focus.openid);
        if let Some(at) = placed.entry.at() {
            self.forget(settings, &key, at)?;
        }
        let mut engine = Engine::about(settings, &self.0, focus);
        engine.run(std::slice::from_ref(placed)).await?;
        let (counts, writes) = engine.apart();
        let mut untold = Vec::new();
        for Write { key: of, value } in writes {
            if *of == *key || of.starts_with("order:") {
                match value {
                    Some(value) => drop(self.0.insert(of, value)),
                    None => drop(self.0.remove(&of)),
                }
            } else if *of == *outcomes().page(0) {
                let page: Page<Outcome> = value.and_then(|value| Page::decode(&value).ok()).unwrap_or_default();
                untold.extend(page.0.into_iter().flatten());
            } else if let Some(list) = of.strip_prefix("due:") {
                days.extend(list.split(':').next().and_then(|day| day.parse::<u64>().ok()));
            }
        }
        Ok(Effect { counts, outcomes: untold })
    }

    /// Forgets the fan, where the fan had been forgotten when something happened at `at`: as
    /// [forgetting](mod@forget) does, which works off the page of a day when that is over.
    fn forget(&mut self, settings: &Settings, key: &Key<Fan>, at: Timestamp) -> Result<(), FoldError> {
        let (fan, offset): (Fan, _) = (load(key, &self.0)?, settings.utc_offset);
        let day = |at| offset.local(at).day.0;
        let days = u64::from(settings.forget_after_days);
        let is_over = |gone: &Timestamp| day(*gone) + days < day(at) && gone.0 + days * 86_400 <= at.0;
        if fan.gone_since(offset).filter(is_over).is_some() {
            self.0.remove(&**key);
            fan.union.map(|union| self.0.remove(&*union_key(&union)));
        }
        Ok(())
    }
}

/// A replay in progress, as it is kept between runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replay {
    openid: OpenId,
    /// Which repair it belongs to.
    began: Timestamp,
    /// How often the journal was gone through, with this time.
    pub(crate) pass: u32,
    /// Where this time stands.
    pub(crate) cursor: Cursor,
    /// Whether the entries before the set-aside are done, so that the stand-in is there.
    pub(crate) is_past: bool,
    /// The fan's orders and unionids, as far as they turned up; and those unionids that were linked before the journal begins.
    orders: BTreeSet<Digest>,
    unions: BTreeSet<Digest>,
    linked: BTreeSet<Digest>,
    /// Whether any of these turned up this time.
    grew: bool,
    right: Room,
    stand_in: Room,
    /// What the counts lack.
    counts: Deltas,
    /// What push was not told of pushes to the fan.
    outcomes: Vec<Outcome>,
    /// The days on which a reminder ever was due.
    pub(crate) days: BTreeSet<u64>,
    /// The oldest entry.
    oldest: Option<(Place, Timestamp)>,
    /// The fan's oldest, and whether it is a follow.
    first: Option<(Place, bool)>,
    whole: bool,
    unreadable: u64,
    /// Where the fan stands on the list of all, as far as its pages were looked at.
    pub(crate) listed: BTreeSet<u64>,
    /// The page of that to be looked at next.
    pub(crate) page: u64,
}

impl Stored for Replay {
    /// 1 had no paths in its counts, 2 neither agents nor dialogs; a repair that it was of begins anew.
    const FORMAT: u8 = 3;
}

impl Replay {
    /// Its key.
    pub(crate) fn key() -> Key<Self> {
        keys::DAMAGED_REPAIR.key(&[])
    }

    /// One that has not begun.
    pub(crate) fn new(openid: OpenId, began: Timestamp, settings: &Settings) -> Self {
        Self {
            openid,
            began,
            pass: 0,
            cursor: Cursor::default(),
            is_past: false,
            orders: BTreeSet::new(),
            unions: BTreeSet::new(),
            linked: BTreeSet::new(),
            grew: false,
            right: Room::default(),
            stand_in: Room::default(),
            counts: Deltas::new(settings.utc_offset),
            outcomes: Vec::new(),
            days: BTreeSet::new(),
            oldest: None,
            first: None,
            whole: false,
            unreadable: 0,
            listed: BTreeSet::new(),
            page: 0,
        }
    }

    /// Whether it is the one of a repair.
    pub(crate) fn is_of(&self, openid: &OpenId, began: Timestamp) -> bool {
        self.openid == *openid && self.began == began
    }

    /// Goes through the journal once more, from the oldest entry that `folded` says is kept. What turned up before stays known.
    pub(crate) fn again(self, folded: &Cursor, settings: &Settings) -> Self {
        let link = Union(Some(self.openid.clone())).encode();
        Self {
            pass: self.pass + 1,
            cursor: folded.oldest(),
            right: Room(self.linked.iter().map(|union| (union_key(union).into(), link.clone())).collect()),
            whole: folded.keeps_all(),
            orders: self.orders,
            unions: self.unions,
            linked: self.linked,
            listed: self.listed,
            page: self.page,
            ..Self::new(self.openid, self.began, settings)
        }
    }

    /// The records of unionids that an order names alone, as far as they may be the fan's.
    fn alone(&self, entries: &[Placed]) -> BTreeSet<Key<Union>> {
        let orders = entries.iter().filter_map(|placed| match &placed.entry {
            Entry::Orders(orders) => Some(&orders.orders),
            _ => None,
        });
        let alone = orders.flatten().filter(|order| order.openid.is_none());
        let unions = alone.filter_map(|order| order.unionid.as_ref()).map(|unionid| digest(unionid));
        unions.filter(|union| !self.unions.contains(union)).map(|union| union_key(&union)).collect()
    }

    /// Folds the next entries, and passes over those that could not be read.
    pub(crate) async fn take(
        &mut self,
        settings: &Settings,
        entries: &[Placed],
        unreadable: usize,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        self.unreadable += unreadable as u64;
        let scenes = known.get(&[Scenes::key().into()]).await?.pop().flatten();
        let mut linked = Table::<Union>::default();
        linked.find(self.alone(entries), known).await?;
        for room in [&mut self.right, &mut self.stand_in] {
            room.0.extend(scenes.as_ref().map(|scenes| (Scenes::key().into(), scenes.clone())));
        }
        for placed in entries {
            self.watch(placed, &mut linked, known).await?;
            let Some(at) = placed.entry.at() else { continue };
            if self.oldest.is_none_or(|(place, _)| placed.place < place) {
                self.oldest = Some((placed.place, at));
            }
            let focus = Focus { openid: &self.openid, orders: &self.orders, unions: &self.unions };
            if !focus.concerns(&placed.entry) {
                continue;
            }
            if self.first.is_none_or(|(place, _)| placed.place < place) {
                self.first = Some((placed.place, is_follow(&placed.entry)));
            }
            let right = self.right.fold(settings, focus, placed, &mut self.days).await?;
            if self.is_past {
                let counted = self.stand_in.fold(settings, focus, placed, &mut self.days).await?;
                self.counts.correct(right.counts, counted.counts);
                let untold = right.outcomes.into_iter().filter(|outcome| !counted.outcomes.contains(outcome));
                self.outcomes.extend(untold.filter(|outcome| matches!(outcome, Outcome::Closed { .. })));
            }
        }
        for room in [&mut self.right, &mut self.stand_in] {
            room.0.remove(&*Scenes::key());
        }
        Ok(())
    }

    /// Notes the fan's orders and unionids that an entry names.
    async fn watch(
        &mut self,
        placed: &Placed,
        linked: &mut Table<Union>,
        known: &dyn Knowledge,
    ) -> Result<(), FoldError> {
        let Entry::Orders(orders) = &placed.entry else { return Ok(()) };
        for order in &orders.orders {
            let union = order.unionid.as_ref().map(|unionid| digest(unionid));
            let is_own = match (&order.openid, union) {
                (Some(openid), _) => *openid == self.openid,
                (None, Some(union)) => {
                    let Union(fan) = linked.get(union_key(&union), known).await?;
                    self.unions.contains(&union) || fan.as_ref() == Some(&self.openid)
                }
                (None, None) => false,
            };
            if is_own {
                self.grew |= self.orders.insert(digest(&order.id));
                self.grew |= union.is_some_and(|union| self.unions.insert(union));
            }
        }
        Ok(())
    }

    /// From here on the entries were folded into the stand-in: a stranger, for whom no more than the orders is known.
    pub(crate) fn pass_the_set_aside(&mut self) {
        self.stand_in = self.right.clone();
        self.stand_in.0.remove(&*fan::key(&self.openid));
        self.is_past = true;
    }

    /// Whether all that there is has been folded as it should; else the journal is to be gone through [again](Self::again).
    pub(crate) async fn is_complete(&mut self, known: &dyn Knowledge) -> Result<bool, FoldError> {
        let mut linked = Table::<Union>::default();
        linked.find(self.unions.iter().map(union_key), known).await?;
        for union in &self.unions {
            let (Union(stored), Union(folded)) =
                (linked.get(union_key(union), known).await?, load(&union_key(union), &self.right.0)?);
            if stored.as_ref() == Some(&self.openid) && folded.as_ref() != Some(&self.openid) {
                self.linked.insert(*union);
                self.grew = true;
            }
        }
        Ok(!self.grew)
    }

    /// The days on whose lists the fan may stand, given what is stored of the fan now.
    pub(crate) fn due_days(&self, stored: Option<&Vec<u8>>) -> BTreeSet<u64> {
        let places = stored.and_then(|bytes| Fan::decode(bytes).ok()).map(|fan| fan.places).unwrap_or_default();
        self.days.iter().copied().chain(places.due.values().map(|listed| listed.day)).collect()
    }

    /// Whether anything is known of the fan.
    pub(crate) fn found_any(&self) -> bool {
        self.right.0.contains_key(&*fan::key(&self.openid))
    }

    /// What to write so that the record is back. `standing` is what is found of the fan on lists.
    pub(crate) async fn finish(
        &self,
        settings: &Settings,
        now: Timestamp,
        standing: &Standing,
        known: &dyn Knowledge,
    ) -> Result<Vec<Write>, FoldError> {
        let (openid, offset, key) = (&self.openid, settings.utc_offset, fan::key(&self.openid));
        let conversation = conversation::key(openid);
        let mut damaged = Table::<damaged::List>::default();
        let list = damaged.get(damaged::List::key(), known).await?;
        let set_aside = list.set_aside.iter().find(|damaged| *damaged.key == *key).map_or(now, |damaged| damaged.at);
        let mut fan: Fan = load(&key, &self.right.0)?;
        fan.union = fan.union.or(self.linked.first().copied());
        let spoken: Conversation = find(&conversation, known).await?;
        if let Some((at, choice)) = spoken.pushes {
            fan.recall(at, choice, offset);
        }
        // What stands in the store must be what the stand-in came out as; else nobody knows what was counted of it.
        let (stored, stand_in): (Fan, Fan) = (find(&key, known).await?, load(&key, &self.stand_in.0)?);
        let mut standing = standing.clone();
        standing.fans.extend(stored.places.fans);
        let is_known = stored.unlisted() == stand_in.unlisted();

        let (state, today) = (fan.state(offset), offset.local(now).day.0);
        let was_away = |product: &str, listed: &fan::Listed| {
            let id = PushId::of_reminder(openid, product, listed.expected.basis);
            let passed_over = match state.pushes.get(id).map(fan::Mark::fate) {
                None => true,
                Some(Fate::Skipped(skip)) => {
                    matches!(skip, Skip::Unsubscribed | Skip::BoughtSince | Skip::Unreadable)
                }
                Some(_) => false,
            };
            (offset.local(set_aside).day.0..=today).contains(&listed.day) && passed_over && state.follow.is_some()
        };
        let mut lists = Listed::default();
        lists.restore(openid, &mut fan.places, &standing, today, was_away, known).await?;
        lists.outcomes(self.outcomes.iter().cloned(), offset.local(now).day, known).await?;

        let mut pages = Table::<forget::ForgetPage>::default();
        if let Some(gone) = fan.gone_since(offset) {
            // The page that the unfollow wrote may have been worked off while the record was away.
            let page = forget::page_key(settings, openid.as_str(), gone, find(&forget::Cursor::key(), known).await?);
            pages.get(page, known).await?.add(openid.as_str());
        }
        // So may those on which fields were to go.
        fan.expire(now, offset);
        let ends: Vec<Timestamp> = fan.state(offset).dialogs.ends().collect();
        for end in ends {
            let page = forget::page_of_end(settings, openid.as_str(), end, find(&forget::Cursor::key(), known).await?);
            pages.get(page, known).await?.add(openid.as_str());
        }
        list.take(&key);
        list.repaired(Progress::Repaired {
            at: now,
            from: Timestamp(self.oldest.map_or(0, |(_, at)| at.0) / 60 * 60),
            before: match self.first {
                _ if self.whole => Reach::Nothing,
                Some((_, true)) => Reach::BeforeTheFollow,
                _ => Reach::Lost,
            },
            unreadable: self.unreadable,
            counts: is_known,
        });
        let mut writes = vec![key.clone().put(&fan)];
        if is_known {
            writes.extend(self.counts.clone().apply(known).await?);
        }
        writes.extend(damaged.writes().chain(lists.writes()).chain(pages.writes()));
        let gone = damaged::keys(&key).into_iter().chain([Replay::key().into()]);
        writes.extend(gone.map(|key| Write { key, value: None }));
        Ok(writes)
    }
}

fn is_follow(entry: &Entry) -> bool {
    let Entry::Received(received) = entry else { return false };
    matches!(received.message.kind, Kind::Event(Happening::Subscribe { .. }))
}
