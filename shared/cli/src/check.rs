//! `check`: the problems and warnings of a playbook.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::ValueEnum;
use guanxi::playbook::{Problem, Severity, compile, warnings};
use serde::Serialize;

use crate::playbook::Source;

/// `check FILE`.
#[derive(clap::Args)]
pub(crate) struct Check {
    /// The playbook.
    file: PathBuf,
    /// Text for people, or one JSON document: {"problems": [{"file", "line", "column", "severity", "message", "help"}]}.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// What `--format json` prints. Programs read it: names stay, and what comes is added.
#[derive(Serialize)]
struct Document<'a> {
    /// In the file's order.
    problems: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// As it was named.
    file: &'a str,
    /// Counted from 1.
    line: usize,
    /// In characters, counted from 1.
    column: usize,
    /// `error`: the file is refused; or `warning`.
    severity: &'static str,
    /// What is wrong.
    message: &'a str,
    /// What to write instead.
    help: &'a str,
}

impl Check {
    /// Fails when the file is refused; warnings alone do not.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let source = Source::read(&self.file)?;
        let mut problems = compile(&source.text).err().unwrap_or_default();
        let errors = problems.len();
        problems.extend(warnings(&source.text));
        problems.sort();
        match self.format {
            Format::Text => {
                source.print(&problems)?;
                let verdict = match (errors, problems.len()) {
                    (0, 0) => "no problems".to_owned(),
                    (0, _) => "no errors".to_owned(),
                    (1, _) => "1 error".to_owned(),
                    (errors, _) => format!("{errors} errors"),
                };
                writeln!(io::stdout(), "{}: {verdict}", self.file.display())?;
            }
            Format::Json => writeln!(io::stdout(), "{}", self.json(&problems)?)?,
        }
        Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn json<'a>(&self, problems: &'a [Problem]) -> serde_json::Result<String> {
        let file = self.file.to_string_lossy();
        let row = |problem: &'a Problem| {
            let Problem { line, column, severity, message, help } = problem;
            let severity = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            Row { file: &file, line: *line, column: *column, severity, message, help }
        };
        serde_json::to_string_pretty(&Document { problems: problems.iter().map(row).collect() })
    }
}
