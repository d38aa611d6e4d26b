//! What a test may decide: how WeChat behaves.

use super::{answer::Refusal, chance::Chance, endpoint::Api, fields, quota::Quota};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// How the simulated WeChat behaves. The default is a good day: no latency, no faults, the quotas of
/// [protocol 4.3](../../../../shared/docs/wechat-protocol.md#4.3), no templates, every message seen by its fan and
/// reported once and soon.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Draws everything that is left to chance.
    pub seed: u64,
    /// The account.
    pub app_id: String,
    /// Its `AppSecret`.
    pub secret: String,
    /// How long a request takes.
    pub latency: Latency,
    /// What goes wrong, and when. The first that hits a request is what it meets with.
    pub troubles: Vec<Trouble>,
    /// A call that is not named here has no limits, and `quota/get` does not know it.
    pub quotas: BTreeMap<Api, Quota>,
    /// By `template_id`.
    pub templates: BTreeMap<Arc<str>, Template>,
    /// What becomes of messages that were accepted.
    pub outcomes: Outcomes,
    /// When somebody else refreshes the stable token by force: those up to then are dead (40001).
    pub token_kills: Vec<u64>,
    /// Whether `bizsend` tells the `msgid` that its event will have. The official page has none.
    pub notices_tell_msgid: bool,
    /// The share of repeated sends, by `client_msg_id`, that are answered without `msgid`. WeChat does not say what it
    /// answers there.
    pub repeats_without_msgid: f64,
}

/// How long a request takes, to the end of the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// So many milliseconds, half of them before the effect.
    Fixed(u64),
    /// Drawn from a log-normal distribution, in milliseconds; any part of it before the effect.
    LogNormal {
        /// Half of all take longer.
        median: f64,
        /// One in a hundred takes longer.
        p99: f64,
    },
}

/// A time of faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trouble {
    /// From then on …
    pub from: u64,
    /// … to before then.
    pub until: u64,
    /// Only this call, or all.
    pub api: Option<Api>,
    /// How many of the requests, 0 to 1.
    pub share: f64,
    /// What they meet with.
    pub fault: Fault,
}

/// What may happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `errcode` -1.
    Busy(Moment),
    /// This HTTP status, 500 to 599, without a body.
    Status(u16, Moment),
    /// The connection breaks.
    Reset(Moment),
}

/// Where a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// WeChat's rules never saw the request: nothing happens, nothing counts against a quota.
    Before,
    /// Everything happened; only the answer is another, or lost.
    After,
}

/// What becomes of messages that were accepted: shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// End as `failed: system failed`; the fan sees nothing.
    pub failed: f64,
    /// Are reported before the answer to the send.
    pub early: f64,
    /// Are reported 1 to 12 hours later, the rest within 5 seconds.
    pub late: f64,
    /// Are reported a second time, within a minute of the first.
    pub twice: f64,
    /// Are never reported.
    pub lost: f64,
}

/// One template of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The call that takes it.
    pub kind: Kind,
    /// Its fields; their names begin with their types, such as `thing1`
    /// ([protocol 8.1](../../../../shared/docs/wechat-protocol.md#8.1)). Other names take any text.
    pub fields: Vec<String>,
}

/// Which call a template belongs to; the other one answers 40037.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `template/send`
    Template,
    /// `subscribe/bizsend`
    Notice,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            seed: 0,
            app_id: "wx0000000000000001".to_owned(),
            secret: "00000000000000000000000000000001".to_owned(),
            latency: Latency::Fixed(0),
            troubles: Vec::new(),
            quotas: Quota::defaults(),
            templates: BTreeMap::new(),
            outcomes: Outcomes::default(),
            token_kills: Vec::new(),
            notices_tell_msgid: false,
            repeats_without_msgid: 0.0,
        }
    }
}

impl Rules {
    /// Adds a template.
    pub fn template(&mut self, template_id: &str, kind: Kind, fields: &[&str]) {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self.templates.insert(template_id.into(), Template { kind, fields });
    }

    /// Whether these are the account's ([protocol 4.1, 4.4](../../../../shared/docs/wechat-protocol.md#4.1)).
    pub(super) fn admit(
        &self,
        grant_type: Option<&str>,
        app_id: Option<&str>,
        secret: Option<&str>,
    ) -> Result<(), Refusal> {
        match () {
            () if grant_type != Some("client_credential") => Err(Refusal::GrantType),
            () if app_id != Some(&self.app_id) => Err(Refusal::AppId),
            () if secret != Some(&self.secret) => Err(Refusal::Secret),
            () => Ok(()),
        }
    }

    /// What a request meets with. Each trouble draws whether its time is or not, so that the rest of the request's chance
    /// is the same.
    pub(super) fn fault(&self, now: u64, api: Option<Api>, chance: &mut Chance) -> Option<Fault> {
        let hits = self.troubles.iter().filter(|trouble| {
            let hit = chance.hits(trouble.share);
            hit && (trouble.from..trouble.until).contains(&now) && (trouble.api.is_none() || trouble.api == api)
        });
        // To the end, for the reason above.
        hits.map(|trouble| trouble.fault).fold(None, |first, fault| first.or(Some(fault)))
    }
}

impl Trouble {
    /// For all calls and for ever.
    pub fn always(share: f64, fault: Fault) -> Self {
        Self { from: 0, until: u64::MAX, api: None, share, fault }
    }
}

impl Fault {
    /// When it strikes.
    pub const fn moment(self) -> Moment {
        match self {
            Self::Busy(moment) | Self::Status(_, moment) | Self::Reset(moment) => moment,
        }
    }
}

impl Template {
    /// Whether `data`, the message's, has what the template wants.
    pub(super) fn check(&self, data: Option<&Value>) -> Result<(), Refusal> {
        let value = |field: &String| data?.get(field)?.get("value")?.as_str();
        let fits = |field: &&String| value(field).is_some_and(|value| fields::fits(field, value));
        match self.fields.iter().find(|field| !fits(field)) {
            None => Ok(()),
            Some(field) => Err(Refusal::Field(field.clone())),
        }
    }
}
