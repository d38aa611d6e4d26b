//! What an instance keeps between its requests: the open store, a stream of the journal, playbooks.

use guanxi::{
    facts::{Entry, Erase},
    fold::rollup::backlog_now,
    journal::Journal,
    playbook::{Shelf, Terms},
    report::{Ask, Brand, Moment, ReportError, Sheet},
    store::load,
    wechat::OpenId,
};
use guanxi_spin::{
    KeyValue, Stopwatch, now,
    shell::{Refused, instance, playbook_now, store},
};
use std::{cell::OnceCell, collections::BTreeSet, rc::Rc};

/// The playbook that was compiled into this component.
pub(crate) const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

pub(crate) struct Instance {
    pub(crate) store: KeyValue,
    journal: Journal,
    playbooks: Shelf<Playbook>,
}

/// What a playbook says.
pub(crate) struct Playbook {
    pub(crate) terms: Terms,
    /// The same for reports.
    pub(crate) brand: Brand,
}

impl Playbook {
    fn load(published: Option<&[u8]>) -> Result<Self, String> {
        let terms = Terms::load(published.unwrap_or(BUILT_IN)).map_err(|error| error.to_string())?;
        Ok(Self { brand: Brand::from(&terms), terms })
    }
}

impl Instance {
    /// The one of this instance, made at its first request.
    ///
    /// # Errors
    /// 503, when the store does not open in time.
    pub(crate) async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let playbooks = Shelf::new(Playbook::load);
            Ok(Self { store: store(watch).await?, journal: Journal::default(), playbooks })
        })
        .await
    }

    /// What the playbook that holds now says.
    ///
    /// # Errors
    /// 503, when the store does not answer in time.
    pub(crate) async fn playbook(&self, watch: &Stopwatch) -> Result<Rc<Playbook>, Refused> {
        playbook_now(&self.playbooks, &self.store, watch).await
    }

    /// What is true now.
    ///
    /// # Errors
    /// 503, when the store does not answer.
    pub(crate) async fn moment(&self) -> Result<Moment, Refused> {
        let backlog = backlog_now(&self.store).await.map_err(Refused::unavailable)?;
        Ok(Moment { now: now(), backlog: Some(backlog) })
    }

    /// The sheets of what is asked, in its order; a record that several need is read once.
    ///
    /// # Errors
    /// 404, when the fan is not known; 503, when the store does not answer or a record cannot be read.
    pub(crate) async fn sheets(&self, asks: &[Ask], brand: &Brand, moment: Moment) -> Result<Vec<Sheet>, Refused> {
        let keys: BTreeSet<String> = asks.iter().flat_map(|ask| ask.keys(brand, moment)).collect();
        let records = load(&self.store, keys.into_iter().collect()).await.map_err(Refused::unavailable)?;
        let sheets = asks.iter().map(|ask| ask.answer(brand, moment, &records)).collect::<Result<_, _>>();
        sheets.map_err(|error| match error {
            ReportError::NoSuchFan => Refused::new(404, error),
            error => Refused::unavailable(error),
        })
    }

    /// Writes to the journal that a fan is to be forgotten: the next rollup does it.
    ///
    /// # Errors
    /// 503, when the store does not answer in time.
    pub(crate) async fn erase(&self, openid: OpenId, watch: &Stopwatch) -> Result<(), Refused> {
        let entry = Entry::Erase(Erase { openid, at: now() });
        self.journal.append(&self.store, watch, now(), &entry).await.map(drop).map_err(Refused::unavailable)
    }
}
