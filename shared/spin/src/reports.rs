//! What the functions share that show reports.

use crate::{
    KeyValue, Stopwatch, now,
    shell::{Refused, playbook_now, store},
};
use guanxi::{
    facts::{Entry, Erase},
    fold::rollup::backlog_now,
    journal::Journal,
    playbook::{Shelf, Terms},
    report::{Ask, Brand, Moment, ReportError, Sheet, Status},
    store::load,
    wechat::OpenId,
};
use std::{collections::BTreeSet, rc::Rc};

/// What reports need of a compiled playbook.
///
/// # Errors
/// What is wrong with its bytes.
pub fn brand_of(compiled: &[u8]) -> Result<Brand, String> {
    Terms::load(compiled).map(Brand::from).map_err(|error| error.to_string())
}

/// The open store, a stream of the journal, and playbooks, of which reports need what they say of the brand.
pub struct Reports {
    /// The store.
    pub store: KeyValue,
    journal: Journal,
    playbooks: Shelf<Brand>,
}

impl Reports {
    /// `load` reads a published playbook; none: the one that is compiled into the component.
    ///
    /// # Errors
    /// 503, when the store does not open in time.
    pub async fn open(load: fn(Option<&[u8]>) -> Result<Brand, String>, watch: &Stopwatch) -> Result<Self, Refused> {
        Ok(Self { store: store(watch).await?, journal: Journal::default(), playbooks: Shelf::new(load) })
    }

    /// What the playbook that holds now says.
    ///
    /// # Errors
    /// 503, when the store does not answer in time.
    pub async fn brand(&self, watch: &Stopwatch) -> Result<Rc<Brand>, Refused> {
        playbook_now(&self.playbooks, &self.store, watch).await
    }

    /// What is true now.
    ///
    /// # Errors
    /// 503, when the store does not answer.
    pub async fn moment(&self) -> Result<Moment, Refused> {
        let backlog = backlog_now(&self.store).await.map_err(Refused::unavailable)?;
        Ok(Moment { now: now(), backlog: Some(backlog) })
    }

    /// The sheets of what is asked, in its order; a record that several need is read once.
    ///
    /// # Errors
    /// 404, when the fan is not known; 503, when the store does not answer or a record cannot be read.
    pub async fn sheets(&self, asks: &[Ask], brand: &Brand, moment: Moment) -> Result<Vec<Sheet>, Refused> {
        let keys: BTreeSet<String> = asks.iter().flat_map(|ask| ask.keys(brand, moment)).collect();
        let records = load(&self.store, keys.into_iter().collect()).await.map_err(Refused::unavailable)?;
        let sheets = asks.iter().map(|ask| ask.answer(brand, moment, &records)).collect::<Result<_, _>>();
        sheets.map_err(|error| match error {
            ReportError::NoSuchFan => Refused::new(404, error),
            error => Refused::unavailable(error),
        })
    }

    /// How the installation runs.
    ///
    /// # Errors
    /// 503, when the store does not answer, or a record cannot be read without which there is nothing to say.
    pub async fn status(&self, brand: &Brand) -> Result<Status, Refused> {
        let moment = self.moment().await?;
        let records = load(&self.store, Status::keys(brand, moment)).await.map_err(Refused::unavailable)?;
        Status::of(brand, moment, &records).map_err(Refused::unavailable)
    }

    /// Writes to the journal that a fan is to be forgotten: the next rollup does it.
    ///
    /// # Errors
    /// 503, when the store does not answer in time.
    pub async fn erase(&self, openid: OpenId, watch: &Stopwatch) -> Result<(), Refused> {
        let entry = Entry::Erase(Erase { openid, at: now() });
        self.journal.append(&self.store, watch, now(), &entry).await.map(drop).map_err(Refused::unavailable)
    }
}
