//! What must hold whatever happened, told from the ledger, the journal and WeChat's own books.

use crate::world::World;
use guanxi::store::key::Stored as _;
use guanxi::{
    facts::{
        Entry,
        push::{LedgerNews, PushId, Skip, What},
    },
    push::ledger::{self, Ledger, State},
    wechat::OpenId,
};
use guanxi_simulator::api::Push;
use std::collections::{BTreeMap, BTreeSet};

/// How many pushes ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) delivered: usize,
    pub(crate) refused: usize,
    pub(crate) sent: usize,
    pub(crate) unknown: usize,
    pub(crate) skipped: BTreeMap<Skip, usize>,
    /// Not ended.
    pub(crate) open: usize,
}

impl Ends {
    pub(crate) fn total(&self) -> usize {
        self.delivered + self.refused + self.sent + self.unknown + self.skipped.values().sum::<usize>() + self.open
    }
}

impl World {
    /// Every fan's ledger.
    pub(crate) fn ledgers(&self) -> BTreeMap<OpenId, Ledger> {
        let ledgers = self.disk.values().into_iter().filter_map(|(key, bytes)| {
            let openid: OpenId = key.strip_prefix("ledger:")?.parse().unwrap();
            assert_eq!(key, *ledger::key(&openid));
            Some((openid, Ledger::decode(&bytes).unwrap()))
        });
        ledgers.collect()
    }

    /// What the journal has about pushes: of each, everything that was told.
    pub(crate) fn told(&self) -> BTreeMap<PushId, Vec<What>> {
        let mut told: BTreeMap<PushId, Vec<What>> = BTreeMap::new();
        for (key, bytes) in self.disk.values() {
            if !key.starts_with("journal:") {
                continue;
            }
            let Entry::Ledger(LedgerNews(news)) = Entry::decode(&bytes).unwrap() else { continue };
            for news in news {
                let known = told.entry(news.id).or_default();
                if !known.contains(&news.what) {
                    known.push(news.what);
                }
            }
        }
        told
    }

    /// How all pushes ended, by the ledger and, of those that were never planned, by the journal.
    pub(crate) fn ends(&self) -> Ends {
        let mut ends = Ends::default();
        let mut known = BTreeSet::new();
        for entry in self.ledgers().values().flat_map(Ledger::entries) {
            known.insert(entry.id);
            match &entry.state {
                State::Delivered(_) => ends.delivered += 1,
                State::Refused(..) => ends.refused += 1,
                State::Sent(..) => ends.sent += 1,
                State::Unknown(_) => ends.unknown += 1,
                State::Skipped(_, skip) => *ends.skipped.entry(*skip).or_default() += 1,
                State::Planned | State::Sending(_) => ends.open += 1,
            }
        }
        for (_, told) in self.told().into_iter().filter(|(id, _)| !known.contains(id)) {
            for what in told {
                let What::Skipped(skip) = what else { panic!("{what:?} of a push that no ledger knows") };
                *ends.skipped.entry(skip).or_default() += 1;
            }
        }
        ends
    }

    /// Holds at the end of every history of so many pushes: no fan saw a second copy, every push ended, what the ledger says
    /// is what happened, and rollup was told of it.
    pub(crate) fn judge(&self, pushes: usize) -> Ends {
        let account = self.wire.account.borrow();
        let copies = account.books().copies_beyond_one();
        assert!(copies.is_empty(), "{} second copies, such as {:?}", copies.len(), copies.first());
        let ends = self.ends();
        assert_eq!((ends.total(), ends.open), (pushes, 0), "{ends:?}");

        for (openid, ledger) in self.ledgers() {
            // By different ways the copies of a push look different.
            let (saw, pushes) = (account.books().seen_by(openid.as_str()).count(), ledger.entries().len());
            assert!(saw <= pushes, "{openid} saw {saw} of {pushes} pushes");
        }
        let seen: BTreeSet<&str> = account.books().sightings.iter().map(|copy| &*copy.openid).collect();
        let by_id: BTreeSet<&str> = account.books().sightings.iter().filter_map(|copy| id(&copy.push)).collect();
        let told = self.told();
        for (openid, ledger) in self.ledgers() {
            for entry in ledger.entries() {
                let saw = by_id.contains(entry.id.to_string().as_str())
                    || (seen.contains(openid.as_str()) && ledger.entries().len() == 1);
                let maybe = matches!(entry.state, State::Delivered(_) | State::Sent(..) | State::Unknown(_));
                assert!(maybe || !saw, "{openid} saw what is {:?}", entry.state);
                assert!(saw || !matches!(entry.state, State::Delivered(_)), "{openid} did not see {entry:?}");
                let told = told.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
                let planned = told.iter().any(|what| matches!(what, What::Queued(_)));
                assert!(planned, "nobody heard that {openid} was planned {entry:?}");
                assert!(tells(told, &entry.state), "{openid} {:?}, but rollup heard {told:?}", entry.state);
            }
        }
        ends
    }
}

fn id(push: &Push) -> Option<&str> {
    match push {
        Push::Id(id) => Some(id),
        Push::Content(_) => None,
    }
}

/// Whether this is what must be told of a push that ended so. What an event said, rollup knew first.
fn tells(told: &[What], state: &State) -> bool {
    told.iter().any(|what| match (state, what) {
        (State::Sent(..), What::Sent(_)) | (State::Unknown(_), What::Unknown) => true,
        (State::Refused(_, 0) | State::Delivered(_), _) => true,
        (State::Refused(_, code), What::Refused(told)) => code == told,
        (State::Skipped(_, skip), What::Skipped(told)) => skip == told,
        _ => false,
    })
}
