//! What an instance keeps between its requests: configuration, the open store, its stream of the journal, playbooks.

use crate::border::{auto_reply, lookup, qr_scan};
use guanxi::store::key::Stored as _;
use guanxi::{
    conversation::{self, Conversation},
    facts::{Entry, PushChoice, Touch},
    fold::fan,
    http::log::{Event, Level},
    journal::Journal,
    playbook::{Inbound, Scan, Shelf},
    store::{Store, persist},
    time::Timestamp,
    wechat::{OpenId, Reply, endpoint::Endpoint},
};
use guanxi_spin::{
    KeyValue, Stopwatch, log_sparingly,
    shell::{Refused, instance, store, unreadable},
    variable,
};
use std::{cell::OnceCell, rc::Rc};

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

pub(crate) struct Instance {
    pub(crate) endpoint: Endpoint,
    store: KeyValue,
    journal: Journal,
    playbooks: Shelf<Loaded>,
}

impl Instance {
    /// The one of this instance, made at its first request.
    pub(crate) async fn get(watch: &Stopwatch) -> Result<Rc<Self>, Refused> {
        instance(&INSTANCE, async || {
            let endpoint = endpoint().await.map_err(Refused::misconfigured)?;
            let playbooks = Shelf::new(Loaded::load);
            Ok(Self { endpoint, store: store(watch).await?, journal: Journal::default(), playbooks })
        })
        .await
    }

    /// The playbook that holds for a message of this moment.
    pub(crate) async fn playbook_at(
        &self,
        at: Timestamp,
        now: Timestamp,
        watch: &Stopwatch,
    ) -> Result<Rc<Loaded>, Refused> {
        let holding = async || self.playbooks.holding_at(at, &self.store, now, &unreadable).await;
        persist(watch, holding).await.map_err(Refused::unavailable)
    }

    /// What rollup keeps of a fan.
    pub(crate) async fn fan(&self, openid: &OpenId, watch: &Stopwatch) -> Result<Option<Vec<u8>>, Refused> {
        self.record(&fan::key(openid), None, watch).await
    }

    /// Writes a record, or reads it. One function for both, because each that tries against the clock adds 1.5 KB.
    async fn record(&self, key: &str, new: Option<&[u8]>, watch: &Stopwatch) -> Result<Option<Vec<u8>>, Refused> {
        let call = async || match new {
            Some(new) => self.store.set(key, new).await.map(|()| None),
            None => self.store.get(key).await,
        };
        persist(watch, call).await.map_err(Refused::unavailable)
    }

    /// Keeps what a fan decided about pushes where push looks before every send.
    pub(crate) async fn choose(
        &self,
        (openid, at): (&OpenId, Timestamp),
        choice: PushChoice,
        watch: &Stopwatch,
    ) -> Result<(), Refused> {
        let key = conversation::key(openid);
        let kept = self.record(&key, None, watch).await?;
        // One that cannot be read is written anew: the wish of now counts more than the last one.
        let mut conversation = kept.and_then(|kept| Conversation::decode(&kept).ok()).unwrap_or_default();
        conversation.choose(at, choice);
        self.record(&key, Some(&conversation.encode()), watch).await.map(drop)
    }

    /// Where a fan stands in dialogs.
    pub(crate) async fn dialog(&self, openid: &OpenId, watch: &Stopwatch) -> Result<Option<Vec<u8>>, Refused> {
        self.record(&conversation::dialog(openid), None, watch).await
    }

    /// Keeps where a fan stands in dialogs.
    pub(crate) async fn keep_dialog(&self, openid: &OpenId, kept: &[u8], watch: &Stopwatch) -> Result<(), Refused> {
        self.record(&conversation::dialog(openid), Some(kept), watch).await.map(drop)
    }

    /// Writes one entry to the journal.
    pub(crate) async fn append(&self, entry: &Entry, now: Timestamp, watch: &Stopwatch) -> Result<(), Refused> {
        self.journal.append(&self.store, watch, now, entry).await.map(drop).map_err(Refused::unavailable)
    }
}

/// The endpoint that the variables describe.
async fn endpoint() -> Result<Endpoint, String> {
    let token = variable("wechat_token").await?;
    let mode = variable("wechat_mode").await?.parse().map_err(|error| format!("{error}"))?;
    let key = variable("wechat_encoding_aes_key").await?;
    let app_id = variable("wechat_app_id").await?;
    let next = (variable("wechat_token_next").await?, variable("wechat_encoding_aes_key_next").await?);
    Endpoint::new(&token, mode, Some(key.as_str()), &app_id)
        .and_then(|endpoint| endpoint.with_next(&next.0, &next.1))
        .map_err(|error| error.to_string())
}

/// What the playbook says to a message; by default nothing.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) reply: Option<Reply>,
    pub(crate) rule: Option<String>,
    pub(crate) pushes: Option<PushChoice>,
    /// Where the fan stands in dialogs now; none: as before.
    pub(crate) conversation: Option<Vec<u8>>,
    /// What the message left there, for the journal.
    pub(crate) left: Vec<u8>,
    /// A question to a service, whose answer takes the place of the reply.
    pub(crate) lookup: Option<Vec<u8>>,
}

/// Which channel an event belongs to, given the record that rollup keeps of the fan.
pub(crate) fn touch(scan: Scan, fan: Option<&[u8]>) -> Option<Touch> {
    let touch = qr_scan::name_touch(&scan.into(), fan)?;
    if let Some(why) = &touch.unreadable {
        let says = format!("a fan's record cannot be read, so the fan counts as one who followed before: {why}");
        log_sparingly(Event { level: Level::Error, name: "fan_unreadable", numbers: &[], says: &says });
    }
    Some(touch.into())
}

/// A playbook, loaded by the component that knows what it says.
pub(crate) struct Loaded {
    playbook: auto_reply::Playbook,
    /// Whether an answer may depend on where the fan stands in dialogs.
    pub(crate) converses: bool,
}

impl Loaded {
    /// None: the one that was built into the component.
    fn load(published: Option<&[u8]>) -> Result<Self, String> {
        let playbook = published.map_or_else(auto_reply::Playbook::built_in, auto_reply::Playbook::load)?;
        let converses = playbook.converses();
        Ok(Self { playbook, converses })
    }

    /// What the fan gets, by which rule, and what that means for pushes.
    pub(crate) fn answer(&self, inbound: Inbound, touch: Option<&Touch>, kept: Option<Vec<u8>>) -> Answered {
        let touch = touch.map(Into::into);
        let mut answer = self.playbook.answer(&inbound.into(), touch.as_ref(), kept.as_deref());
        let lookup = lookup(&mut answer.action);
        let auto_reply::Answer { action, rule, pushes, conversation, left } = answer;
        Answered { reply: action.into(), rule, pushes: pushes.map(Into::into), conversation, left, lookup }
    }
}
