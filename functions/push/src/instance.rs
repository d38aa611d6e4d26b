//! What an instance keeps between its requests: the open store, its stream of the journal, playbooks, credentials.

use guanxi::{
    journal::Journal,
    playbook::{Pushes, Shelf, Terms},
    push::Credentials,
};
use guanxi_spin::{
    KeyValue, Stopwatch,
    shell::{Refused, instance, playbook_now, required, store},
};
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
        instance(&INSTANCE, async || {
            let load = |published: Option<&[u8]>| {
                Terms::load(published.unwrap_or(BUILT_IN)).map(|terms| terms.pushes).map_err(|error| error.to_string())
            };
            let playbooks = Shelf::new(load);
            Ok(Self { store: store(watch).await?, journal: Journal::default(), playbooks })
        })
        .await
    }

    /// What the playbook that holds now says of pushes.
    pub(crate) async fn pushes(&self, watch: &Stopwatch) -> Result<Rc<Pushes>, Refused> {
        playbook_now(&self.playbooks, &self.store, watch).await
    }
}

/// What the variables say of WeChat's API.
pub(crate) async fn credentials() -> Result<Credentials, Refused> {
    let url = required("wechat_api_url").await?;
    let secret = required("wechat_app_secret").await?;
    Ok(Credentials {
        url: url.parse().map_err(|error| Refused::misconfigured(format!("variable wechat_api_url: {error}")))?,
        app_id: required("wechat_app_id").await?,
        secret: secret
            .parse()
            .map_err(|error| Refused::misconfigured(format!("variable wechat_app_secret: {error}")))?,
    })
}
