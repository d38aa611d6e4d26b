//! `say`: what a playbook answers, without an account, a store or a component.

use std::{io::Write, path::PathBuf, process::ExitCode, time::UNIX_EPOCH};

use anyhow::anyhow;
use clap::builder::PossibleValuesParser;
use guanxi::{
    facts::{FanStatus, PushChoice},
    playbook::{Action, Answer, InboundKind, Playbook, Terms, Trial},
    time::{Moment, Timestamp},
    wechat::{Reply, reply::Article},
};

use crate::playbook;

/// `say --playbook FILE 猫粮`.
#[derive(clap::Args)]
pub(crate) struct Say {
    /// The playbook.
    #[arg(long, value_name = "FILE")]
    playbook: PathBuf,
    /// What comes in.
    #[arg(long, value_name = "KIND", default_value = "text", value_parser = PossibleValuesParser::new(kinds()))]
    on: String,
    /// When, such as 2026-01-31T21:00+08:00; without an offset by the playbook's own. [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    /// The channel that the fan came through.
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// What the fan is to the brand, with `--on subscribe` or `scan`.
    #[arg(long, default_value = "new", value_parser = PossibleValuesParser::new(statuses()))]
    fan: String,
    /// What the fan writes, or the key of the menu button. Several are a chat, so that a dialog can be tried.
    #[arg(default_value = "")]
    text: Vec<String>,
}

fn kinds() -> impl Iterator<Item = &'static str> {
    InboundKind::ALL.into_iter().map(|(name, _)| name)
}

fn statuses() -> impl Iterator<Item = &'static str> {
    FanStatus::ALL.into_iter().map(|(name, _)| name)
}

/// The value that goes by `name`.
fn named<T>(all: impl IntoIterator<Item = (&'static str, T)>, name: &str) -> anyhow::Result<T> {
    all.into_iter().find(|(other, _)| *other == name).map(|(_, value)| value).ok_or_else(|| anyhow!("unknown: {name}"))
}

impl Say {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Some(compiled) = playbook::compile(&self.playbook)? else { return Ok(ExitCode::FAILURE) };
        let playbook = Playbook::load(&compiled)?;
        let at = match self.at {
            Some(at) => at.by(Terms::load(&compiled)?.utc_offset)?,
            None => Timestamp(UNIX_EPOCH.elapsed()?.as_secs()),
        };
        let (kind, fan) = (named(InboundKind::ALL, &self.on)?, named(FanStatus::ALL, &self.fan)?);
        let answers = Trial { kind, text: String::new(), channel: self.channel, fan, at }.chat(&playbook, &self.text);
        for (line, answer) in self.text.iter().zip(&answers) {
            if self.text.len() > 1 {
                writeln!(std::io::stdout(), "> {line}")?;
            }
            print(answer)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(answer: &Answer) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match (&answer.rule, &answer.action) {
        (None, _) if !answer.left.is_empty() => writeln!(out, "rule: none, it is a dialog")?,
        (Some(rule), _) => writeln!(out, "rule: {rule}")?,
        (None, Action::Nothing) => writeln!(out, "rule: none")?,
        (None, _) => writeln!(out, "rule: none, so the default")?,
    }
    if let Some((name, _)) = PushChoice::ALL.into_iter().find(|(_, choice)| Some(*choice) == answer.pushes) {
        writeln!(out, "pushes: {name}")?;
    }
    match &answer.action {
        Action::Nothing => writeln!(out, "reply: nothing"),
        Action::HandOver { kf_account: Some(agent) } => writeln!(out, "reply: hands over to the agent {agent}"),
        Action::HandOver { kf_account: None } => writeln!(out, "reply: hands over to an agent"),
        Action::Ask { service, question, fallback } => {
            writeln!(out, "reply: asks the service {service}: {question}")?;
            writeln!(out, "or else: {fallback}")
        }
        Action::Reply(reply) => print_reply(&mut out, reply),
    }
}

fn print_reply(out: &mut impl Write, reply: &Reply) -> std::io::Result<()> {
    match reply {
        Reply::Text { content } => writeln!(out, "reply: text\n{content}"),
        Reply::Image { media_id } => writeln!(out, "reply: image {media_id}"),
        Reply::Voice { media_id } => writeln!(out, "reply: voice {media_id}"),
        Reply::Video { media_id, title, description } => {
            writeln!(out, "reply: video {media_id}")?;
            print_lines(out, [title, description])
        }
        Reply::Music { title, description, music_url, hq_music_url, thumb_media_id } => {
            writeln!(out, "reply: music {thumb_media_id}")?;
            print_lines(out, [title, description, music_url, hq_music_url])
        }
        Reply::News { articles } => {
            writeln!(out, "reply: news")?;
            articles.iter().try_for_each(|Article { title, description, url, .. }| {
                writeln!(out, "{title}\n  {description}\n  {url}")
            })
        }
        Reply::TransferCustomerService { .. } => writeln!(out, "reply: hands over to an agent"),
    }
}

fn print_lines<const N: usize>(out: &mut impl Write, lines: [&Option<String>; N]) -> std::io::Result<()> {
    lines.into_iter().flatten().try_for_each(|line| writeln!(out, "{line}"))
}
