//! Services as a playbook has them, and what a rule asks of them.

use crate::compile;
use guanxi::{
    facts::FanStatus,
    lookup::{Lookup, allowed::Slot},
    playbook::{Action, Answer, InboundKind, Playbook, Trial},
    time::Timestamp,
};

pub(crate) const HOST: &str = "https://api.example.com";

/// A playbook with one service, `more` of its keys and a rule for 天气.
pub(crate) fn source(url: &str, more: &str) -> String {
    format!(
        "version = 1\naccount = \"service\"\nname = \"喵\"\n[[services]]\nid = \"weather\"\nurl = \"{url}\"\n{more}\nfallback = \"没查到「{{text}}」\"\n\
         [[rules]]\nid = \"weather\"\non = [\"text\", \"voice\"]\nmatch = {{ prefix = [\"天气\", \"天气 预报\"], contains = \"weather\" }}\nask = \"weather\"\n"
    )
}

pub(crate) fn answer(source: &str, text: &str) -> Answer {
    let compiled = compile(source).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let playbook = Playbook::load(&compiled).unwrap();
    let trial = Trial {
        kind: InboundKind::Text,
        text: text.into(),
        channel: None,
        fan: FanStatus::Follower,
        at: Timestamp(1_772_416_800),
    };
    trial.answer(&playbook)
}

/// What a fan's text asks.
pub(crate) fn asked(source: &str, text: &str) -> Lookup {
    match answer(source, text).action {
        Action::Ask { lookup, service, question, .. } => {
            let lookup = Lookup::decode(&lookup).unwrap();
            assert_eq!((&lookup.service.id, &lookup.question), (&service, &question));
            lookup
        }
        other => panic!("asks nobody: {other:?}"),
    }
}

/// One that asks 杭州.
pub(crate) fn lookup(more: &str) -> Lookup {
    asked(&source("https://api.example.com/v1?q={text}", more), "天气 杭州")
}

pub(crate) fn slot(host: &str, key: &str) -> Slot {
    Slot { host: host.into(), key: key.into() }
}
