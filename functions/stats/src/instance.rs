//! What an instance keeps between its requests: the open store, its stream of the journal, playbooks.

use guanxi::{
    facts::Entry,
    fold::rollup::backlog_now,
    journal::Journal,
    playbook::{Shelf, Terms},
    report::{Brand, Moment},
    store::{load, record::Records},
};
use guanxi_spin::{
    KeyValue, Stopwatch, now,
    shell::{Refused, instance, playbook_now, required, store},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

/// Who may do what.
pub(crate) struct Tokens {
    pub(crate) job: String,
    pub(crate) console: String,
}

impl Tokens {
    pub(crate) async fn read() -> Result<Self, Refused> {
        Ok(Self { job: required("job_token").await?, console: required("console_token").await? })
    }
}

pub(crate) struct Instance {
    pub(crate) store: KeyValue,
    journal: Journal,
    playbooks: Shelf<Brand>,
}

impl Instance {
    /// The one of this instance, made at its first request.
    pub(crate) async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let load = |published: Option<&[u8]>| {
                Terms::load(published.unwrap_or(BUILT_IN)).map(Brand::from).map_err(|error| error.to_string())
            };
            let playbooks = Shelf::new(load);
            Ok(Self { store: store(watch).await?, journal: Journal::default(), playbooks })
        })
        .await
    }

    /// What the playbook that holds now says.
    pub(crate) async fn brand(&self, watch: &Stopwatch) -> Result<Rc<Brand>, Refused> {
        playbook_now(&self.playbooks, &self.store, watch).await
    }

    /// What is true now.
    pub(crate) async fn moment(&self) -> Result<Moment, Refused> {
        let backlog = backlog_now(&self.store).await.map_err(Refused::unavailable)?;
        Ok(Moment { now: now(), backlog: Some(backlog) })
    }

    /// The records of a report.
    pub(crate) async fn load(&self, keys: Vec<String>) -> Result<Records, Refused> {
        load(&self.store, keys).await.map_err(Refused::unavailable)
    }

    /// Writes one entry to the journal.
    pub(crate) async fn append(&self, entry: &Entry, watch: &Stopwatch) -> Result<(), Refused> {
        self.journal.append(&self.store, watch, now(), entry).await.map(drop).map_err(Refused::unavailable)
    }
}
