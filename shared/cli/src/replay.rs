//! `replay`: what another playbook would have answered.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use guanxi::{
    facts::Entry,
    journal::{
        export,
        replay::{Example, Group, Live, Recorded, Replayed},
    },
    playbook::{Playbook, Terms},
};

use crate::{playbook, recorded::Recording, say};

/// Messages that are replayed, unless more are asked for: some hundred bytes each.
const LAST: usize = 100_000;

/// `replay --playbook FILE`.
#[derive(clap::Args)]
pub(crate) struct Replay {
    /// The playbook that answers the recorded messages.
    #[arg(long, value_name = "FILE")]
    playbook: PathBuf,
    /// The playbook to compare with, word by word. [default: the rules that answered then]
    #[arg(long, value_name = "FILE")]
    live: Option<PathBuf>,
    /// An export of a journal, in the place of a store.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "runtime_config_file", "state_dir"])]
    export: Option<PathBuf>,
    /// How many messages, the newest.
    #[arg(long, value_name = "COUNT", default_value_t = LAST)]
    last: usize,
    #[command(flatten)]
    recording: Recording,
}

/// The newest messages. What fans wrote who asked to be forgotten is none of them.
struct Newest {
    messages: Vec<Recorded>,
    last: usize,
    /// With the time until when what the fan wrote is gone.
    erased: Vec<(String, u64)>,
    /// Whether some were passed over.
    older: bool,
}

impl Newest {
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Erase(erase) => self.erased.push((erase.openid.to_string(), erase.at.0)),
            Entry::Received(received) => {
                self.messages.extend(Recorded::of(received));
                if self.messages.len() >= self.last.saturating_mul(2).max(1_000) {
                    self.tidy();
                }
            }
            _ => {}
        }
    }

    fn tidy(&mut self) {
        self.messages.sort_by_key(|recorded| recorded.message.create_time);
        if let Some(older) = self.messages.len().checked_sub(self.last).filter(|older| *older > 0) {
            self.messages.drain(..older);
            self.older = true;
        }
    }

    fn finish(mut self) -> (Vec<Recorded>, bool) {
        let erased = &self.erased;
        self.messages.retain(|Recorded { message, .. }| {
            !erased.iter().any(|(fan, at)| *fan == message.fan && message.create_time.0 <= *at)
        });
        self.tidy();
        (self.messages, self.older)
    }
}

impl Replay {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(compiled) = playbook::compile(&self.playbook)? else { return Ok(ExitCode::FAILURE) };
        let draft = Playbook::load(&compiled)?;
        let live = match &self.live {
            None => None,
            Some(path) => {
                let Some(compiled) = playbook::compile(path)? else { return Ok(ExitCode::FAILURE) };
                Some(Playbook::load(&compiled)?)
            }
        };
        let mut newest = Newest { messages: Vec::new(), last: self.last, erased: Vec::new(), older: false };
        let unread = match &self.export {
            Some(path) => {
                read(path, |entry| newest.take(entry))?;
                0
            }
            None => self.recording.entries(|placed| newest.take(placed.entry)).await?,
        };
        let (messages, older) = newest.finish();
        let live = live.as_ref().map_or(Live::Recorded, Live::Playbook);
        let replayed = Replayed::of_messages(messages, live, &draft);
        print(&replayed, older, unread, &Terms::load(&compiled)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The entries of an export, line by line.
fn read(path: &PathBuf, mut take: impl FnMut(Entry)) -> anyhow::Result<()> {
    let name = path.display();
    let mut file = BufReader::new(File::open(path).with_context(|| format!("cannot read {name}"))?);
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        let mut limited = io::Read::take(&mut file, export::LINE_MAX as u64 + 1);
        if limited.read_line(&mut line).with_context(|| format!("cannot read {name}, line {number}"))? == 0 {
            break;
        }
        let placed = export::read(line.trim_end()).map_err(|error| anyhow!("{name}, line {number}: {error}"))?;
        take(placed.entry);
    }
    Ok(())
}

fn print(replayed: &Replayed, older: bool, unread: u64, terms: &Terms) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Replayed { messages, since, groups, others, .. } = replayed;
    write!(out, "{messages} messages")?;
    if let Some(since) = since {
        let local = terms.utc_offset.local(*since);
        if let Some(date) = local.day.date() {
            let (hour, minute) = (local.minute / 60, local.minute % 60);
            let (year, month, day) = (date.year(), date.month(), date.day());
            write!(out, " since {year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")?;
        }
    }
    writeln!(out, ", {} are answered otherwise", replayed.changed())?;
    if older {
        writeln!(out, "older messages are kept and were not replayed; --last takes more")?;
    }
    if unread > 0 {
        writeln!(out, "{unread} entries cannot be read")?;
    }
    let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "(no rule)".to_owned());
    for Group { live, draft, count, examples } in groups {
        writeln!(out, "\n{count}: {} -> {}", rule(live), rule(draft))?;
        for Example { said, live, draft } in examples {
            writeln!(out, "  {}", one_line(said))?;
            if let Some(live) = live {
                writeln!(out, "    was: {}", one_line(&say::action(&live.action)))?;
            }
            writeln!(out, "    now: {}", one_line(&say::action(&draft.action)))?;
        }
    }
    if *others > 0 {
        writeln!(out, "\n{others} more, by other rules")?;
    }
    Ok(())
}

/// Characters of a text that are shown.
const SHOWN: usize = 80;

/// What a fan wrote, or a reply, as one line that does nothing to a terminal.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(SHOWN).map(plain).collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}
