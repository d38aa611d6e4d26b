//! What an instance keeps between its requests: the open store, its stream of the journal, playbooks, credentials.

use crate::Refused;
use guanxi::{
    journal::Journal,
    playbook::{Pushes, Shelf, Terms},
    push::Credentials,
    store::persist,
};
use guanxi_spin::{KeyValue, Stopwatch, log, now, variable};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

pub(crate) struct Instance {
    pub(crate) store: KeyValue,
    pub(crate) journal: Journal,
    playbooks: Shelf<Pushes>,
}

impl Instance {
    /// The one of this instance, made at its first request.
    pub(crate) async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        if let Some(instance) = INSTANCE.with(|cell| cell.get().cloned()) {
            return Ok(instance);
        }
        let store = persist(watch, KeyValue::open).await.map_err(unavailable)?;
        let load = |bytes: &[u8]| Terms::load(bytes).map(|terms| terms.pushes).map_err(|error| error.to_string());
        let playbooks = Shelf::new(BUILT_IN, load);
        let new = Rc::new(Self { store, journal: Journal::default(), playbooks });
        Ok(INSTANCE.with(|cell| cell.get_or_init(|| new).clone()))
    }

    /// What the playbook that holds now says of pushes.
    pub(crate) async fn pushes(&self, watch: &Stopwatch) -> Result<Rc<Pushes>, Refused> {
        let holding = async || self.playbooks.holding_at(now(), &self.store, now(), &|line| log(line)).await;
        persist(watch, holding).await.map_err(unavailable)
    }
}

/// What the variables say of WeChat's API.
pub(crate) async fn credentials() -> Result<Credentials, Refused> {
    let url = read("wechat_api_url").await?;
    let secret = read("wechat_app_secret").await?;
    Ok(Credentials {
        url: url.parse().map_err(|error| misconfigured(format!("variable wechat_api_url: {error}")))?,
        app_id: read("wechat_app_id").await?,
        secret: secret.parse().map_err(|error| misconfigured(format!("variable wechat_app_secret: {error}")))?,
    })
}

pub(crate) async fn read(name: &str) -> Result<String, Refused> {
    variable(name).await.map_err(misconfigured)
}

/// Somebody has to set the variables right.
pub(crate) fn misconfigured(why: impl ToString) -> Refused {
    Refused { status: 500, why: why.to_string() }
}

/// The store does not do what it should: worth another try.
pub(crate) fn unavailable(error: impl ToString) -> Refused {
    Refused { status: 503, why: error.to_string() }
}
