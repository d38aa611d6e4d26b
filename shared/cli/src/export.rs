//! `export`: the journal as lines of JSON.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use guanxi::journal::export::{self, Mask};

use crate::recorded::Recording;

/// `export --mask > journal.jsonl`.
#[derive(clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    recording: Recording,
    /// Other names for fans, orders and agents, no places, pictures and long numbers.
    #[arg(long)]
    mask: bool,
    /// Where the lines go; nothing is overwritten. [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut out: Box<dyn Write> = match &self.out {
            None => Box::new(io::stdout().lock()),
            Some(path) => Box::new(File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?),
        };
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).context("no random number")?;
        let mask = self.mask.then(|| Mask::new(secret));
        let (mut lines, mut entries, mut written) = (BufWriter::new(&mut out), 0_u64, Ok(()));
        let damaged = self.recording.entries(|placed| {
            if written.is_ok() {
                entries += 1;
                written = writeln!(lines, "{}", export::line(&placed, mask.as_ref()));
            }
        });
        let damaged = damaged.await?;
        written?;
        lines.flush()?;
        let unread = if damaged == 0 { String::new() } else { format!(", {damaged} more cannot be read") };
        writeln!(io::stderr(), "{entries} entries{unread}")?;
        Ok(ExitCode::SUCCESS)
    }
}
