//! What an instance keeps between its requests: the open store and playbooks.

use guanxi::{
    fold::Settings,
    playbook::{Shelf, Terms},
};
use guanxi_spin::{
    KeyValue, Stopwatch,
    shell::{Refused, instance, playbook_now, store},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

pub(crate) struct Instance {
    pub(crate) store: KeyValue,
    playbooks: Shelf<Settings>,
}

impl Instance {
    /// The one of this instance, made at its first request.
    pub(crate) async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let load = |published: Option<&[u8]>| {
                let terms = Terms::load(published.unwrap_or(BUILT_IN)).map_err(|error| error.to_string())?;
                Ok(Settings::from(&terms))
            };
            Ok(Self { store: store(watch).await?, playbooks: Shelf::new(load) })
        })
        .await
    }

    /// What the playbook that holds now says to the fold.
    pub(crate) async fn settings(&self, watch: &Stopwatch) -> Result<Rc<Settings>, Refused> {
        playbook_now(&self.playbooks, &self.store, watch).await
    }
}
