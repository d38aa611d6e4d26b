//! A campaign as it is written, tried and sent on a page: what its form asks for, and what came of it.
//!
//! The form carries the text through every step, so what was written stands in it again whatever came of it. Nothing is stored
//! before the second confirmation ([`Act::Send`]), which carries the [`seal`] of what was shown: where the text, or what the
//! playbook makes of it, is another by then, it is shown again and not sent.

use super::Posted;
use crate::{
    playbook::{CampaignRequest, Content, Form, Terms, Ways},
    push::{
        dry_run::{DryRun, dry_run},
        requests::{Accepted, BODY_MAX, Refused, accept, campaign_of},
    },
    store::{Store, Timer, digest::hex, format},
    time::Timestamp,
};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The longest form that has a campaign in it, in bytes: each of its own may be written as three.
pub const FORM_MAX: usize = 3 * BODY_MAX + 8 * 1024;

/// What the form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// To check what is written.
    Check,
    /// To see what it would do, from this position of the list of fans on.
    Try(u64),
    /// To see what it is that will be sent, and be asked again.
    Ask,
    /// To send it.
    Send,
}

/// What is said of what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing yet.
    Nothing,
    /// Why not: of what the check refuses, every problem.
    Refused(Refused),
    /// The check takes it.
    Fine(CampaignRequest),
    /// What it would do, from a position on.
    Tried(CampaignRequest, u64, DryRun),
    /// What will be sent, what it would do now, and the seal of it.
    Sure(CampaignRequest, DryRun, String),
    /// It is asked for.
    Asked(Accepted),
    /// It is longer than a campaign may be.
    TooLong,
    /// The store does not answer.
    NoAnswer,
}

impl Said {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Nothing | Self::Fine(_) | Self::Tried(..) | Self::Sure(..) => 200,
            Self::Asked(_) => 303,
            Self::Refused(refused) => refused.status(),
            Self::TooLong => 413,
            Self::NoAnswer => 503,
        }
    }
}

impl Act {
    /// What a button of the form is worth; to check, where it is none of ours.
    pub fn of(posted: &Posted) -> Self {
        match posted.get("do") {
            "ask" => Self::Ask,
            "send" => Self::Send,
            "try" => Self::Try(0),
            other => other.strip_prefix("try-").and_then(|from| from.parse().ok()).map_or(Self::Check, Self::Try),
        }
    }
}

/// What was written. A browser ends lines with CR LF, which is none of it.
pub fn written(posted: &Posted) -> String {
    posted.get("text").replace("\r\n", "\n")
}

/// Does what the form is for with what is written in it.
pub async fn act(posted: &Posted, store: &impl Store, timer: &impl Timer, terms: &Terms, now: Timestamp) -> Said {
    let text = written(posted);
    match done(Act::of(posted), &text, posted.get("seal"), store, timer, terms, now).await {
        Ok(said) => said,
        Err(Refused::Read(_)) => Said::NoAnswer,
        Err(refused) => Said::Refused(refused),
    }
}

async fn done(
    act: Act,
    text: &str,
    sealed: &str,
    store: &impl Store,
    timer: &impl Timer,
    terms: &Terms,
    now: Timestamp,
) -> Result<Said, Refused> {
    if text.len() > BODY_MAX {
        return Ok(Said::TooLong);
    }
    let request = campaign_of(text.as_bytes(), terms, now)?;
    let tried = async |from| {
        dry_run(store, timer, &terms.pushes, (&request.id, &request.campaign), now, from).await.map_err(Refused::from)
    };
    match act {
        Act::Check => Ok(Said::Fine(request)),
        Act::Try(from) => {
            let tried = tried(from).await?;
            Ok(Said::Tried(request, from, tried))
        }
        Act::Send if seal(text, &request) == sealed => accept(store, timer, terms, request, now).await.map(Said::Asked),
        Act::Ask | Act::Send => {
            let (tried, seal) = (tried(0).await?, seal(text, &request));
            Ok(Said::Sure(request, tried, seal))
        }
    }
}

/// Tells whether a text and what the playbook makes of it are what was shown: the SHA-256 of both. "Now" is another moment each
/// time, and the same wish.
pub fn seal(text: &str, request: &CampaignRequest) -> String {
    let mut campaign = request.campaign.clone();
    if request.at_once {
        campaign.at = Timestamp(0);
    }
    let made = format::encode(1, &campaign);
    let digest: [u8; 32] =
        Sha256::new().chain_update(text.len().to_le_bytes()).chain_update(text).chain_update(made).finalize().into();
    hex(&digest)
}

/// A campaign to begin with, of what the playbook has: its check takes it, unless the playbook's own clock or words are in its way.
/// `notes` are a line for each key.
pub(super) fn example(terms: &Terms, now: Timestamp, notes: &Notes) -> String {
    let limits = &terms.pushes.limits;
    let tomorrow = limits.utc_offset.local(Timestamp(now.0 + 86_400)).day;
    let date = tomorrow.date().map(|date| date.to_string()).unwrap_or_default();
    let segment = match terms.channels.first() {
        Some(channel) => format!("{{ channels = [{}], followed = \"-30\" }}", quoted(&channel.id)),
        None => "{ followed = \"-30\" }".to_owned(),
    };
    let latest = terms.pushes.campaigns.values().max_by_key(|campaign| campaign.at);
    let message = || Content::Message { text: notes.text.to_owned() }.into();
    let ways = latest.map_or_else(message, |campaign| campaign.ways.clone());
    format!(
        "# {}\nid = \"campaign_{}\"\n# {}\nat = \"{date}T{:02}:00\"\n# {}\nsegment = {segment}\n# {}\nholdout = {}\n# {}\n{}",
        notes.id,
        date.replace('-', "_"),
        notes.at,
        limits.preferred_hour,
        notes.segment,
        notes.holdout,
        terms.pushes.usual.holdout,
        notes.way,
        lines(&ways),
    )
}

/// What the example says of itself, in the reader's language.
pub(super) struct Notes {
    pub(super) id: &'static str,
    pub(super) at: &'static str,
    pub(super) segment: &'static str,
    pub(super) holdout: &'static str,
    pub(super) way: &'static str,
    pub(super) text: &'static str,
}

/// Ways as the playbook's file has them.
fn lines(ways: &Ways) -> String {
    let names: Vec<String> = ways.iter().map(|content| quoted(content.way())).collect();
    let mut out = format!("way = [{}]\n", names.join(", "));
    let has_notice = ways.iter().any(|content| matches!(content, Content::Notice(_)));
    for content in ways.iter() {
        // A `String` takes everything.
        let _ = match content {
            Content::Message { text } => writeln!(out, "text = {}", quoted(text)),
            Content::Template(form) if has_notice => writeln!(out, "template = {{ {} }}", keys(form).join(", ")),
            Content::Template(form) | Content::Notice(form) => writeln!(out, "{}", keys(form).join("\n")),
        };
    }
    out
}

fn keys(form: &Form) -> Vec<String> {
    let fields: Vec<String> = form.fields.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
    let mut keys =
        vec![format!("template_id = {}", quoted(&form.template_id)), format!("fields = {{ {} }}", fields.join(", "))];
    keys.extend(form.url.iter().map(|url| format!("url = {}", quoted(url))));
    keys.extend(
        form.miniprogram
            .iter()
            .map(|(appid, page)| format!("miniprogram = {{ appid = {}, pagepath = {} }}", quoted(appid), quoted(page))),
    );
    keys
}

/// A text as TOML has it: as JSON does, but for the one control that JSON leaves.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default().replace('\u{7f}', "\\u007f")
}
