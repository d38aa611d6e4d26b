//! `publish`: a playbook into the store, in its file or through the functions that have it open.

mod http;
pub(crate) mod store;

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::UNIX_EPOCH,
};

use anyhow::{Context, ensure};
use guanxi::{
    playbook::publish::{
        request::{Issue, Published, publish_once},
        sources::Note,
    },
    time::Timestamp,
};
use hyper::Uri;

use crate::{playbook::Source, store::Place};

/// The token for `--url`; flags can be read by every user of the machine.
const TOKEN: &str = "CONSOLE_TOKEN";

/// `publish FILE`.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The playbook.
    file: PathBuf,
    /// Publish through the functions that are served here, such as http://127.0.0.1:3000, and not into a store's file. The
    /// console_token is the value of CONSOLE_TOKEN in the environment, or stands in --token-file.
    #[arg(long, conflicts_with_all = ["from", "runtime_config_file", "state_dir"])]
    url: Option<Uri>,
    /// A file with nothing but the console_token.
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Publish {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let source = Source::read(&self.file)?;
        let Some(compiled) = source.compile()? else {
            writeln!(io::stdout(), "{}: not published", self.file.display())?;
            return Ok(ExitCode::FAILURE);
        };
        let published = match &self.url {
            Some(url) => http::publish(url, &self.token()?, source.text).await?,
            None => {
                let (store, timer) = (store::open(&self.place.file()?)?, store::Stopwatch::start());
                let now = Timestamp(UNIX_EPOCH.elapsed()?.as_secs());
                let issue = Issue { source: &source.text, compiled: &compiled, note: &Note::default() };
                let published = publish_once(&store, &timer, issue, store::random()?, now).await;
                store.close().await;
                published?
            }
        };
        say(&published)?;
        Ok(ExitCode::SUCCESS)
    }

    fn token(&self) -> anyhow::Result<String> {
        let token = match &self.token_file {
            Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => env::var(TOKEN).with_context(|| format!("set {TOKEN}, or name a --token-file"))?,
        };
        let token = token.trim();
        ensure!(!token.is_empty(), "the console_token is empty");
        Ok(token.to_owned())
    }
}

fn say(published: &Published) -> io::Result<()> {
    let Published { number, holds_in_seconds, known, .. } = published;
    let already = if *known { " is the latest already; it" } else { "" };
    match holds_in_seconds {
        0 => writeln!(io::stdout(), "publication {number}{already} holds"),
        seconds => writeln!(io::stdout(), "publication {number}{already} holds in {seconds} s"),
    }
}
