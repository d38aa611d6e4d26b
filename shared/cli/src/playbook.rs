//! A playbook's file: read, compiled, and what is wrong with it shown where it stands.

use std::{
    env, fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use anyhow::{Context, bail};
use guanxi::{
    playbook::{self, Problem, Severity, Terms},
    time::UtcOffset,
};

/// A playbook's file.
pub(crate) struct Source {
    path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The compiled form; none when there are problems, which are printed.
    pub(crate) fn compile(&self) -> anyhow::Result<Option<Vec<u8>>> {
        match playbook::compile(&self.text) {
            Ok(compiled) => Ok(Some(compiled)),
            Err(problems) => {
                self.print(&problems)?;
                Ok(None)
            }
        }
    }

    /// Prints each with its line and a caret under its place, in colours where a terminal shows them.
    pub(crate) fn print(&self, problems: &[Problem]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let colours = out.is_terminal() && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let (path, lines) = (self.path.display().to_string(), self.text.lines().collect::<Vec<_>>());
        problems.iter().try_for_each(|problem| writeln!(out, "{}\n", show(&renderer, &path, &lines, problem)))
    }
}

/// One problem. Only its line goes to the renderer, so that many problems of a long file stay cheap.
fn show(renderer: &Renderer, path: &str, lines: &[&str], problem: &Problem) -> String {
    let Problem { line, column, severity, message, help } = problem;
    let text = line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or_default();
    let mut from_here = text.char_indices().skip(column.saturating_sub(1));
    let start = from_here.next().map_or(text.len(), |(at, _)| at);
    let end = from_here.next().map_or(text.len(), |(at, _)| at);
    let place = Snippet::source(text).line_start(*line).path(path).annotation(AnnotationKind::Primary.span(start..end));
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    renderer.render(&[level.primary_title(message).element(place).element(Level::HELP.message(help))])
}

/// The compiled form of a file; none when there are problems, which are printed.
pub(crate) fn compile(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    Source::read(path)?.compile()
}

/// The playbook's clock. Its problems are printed.
pub(crate) fn offset(path: &Path) -> anyhow::Result<UtcOffset> {
    match compile(path)? {
        Some(compiled) => Ok(Terms::load(&compiled)?.utc_offset),
        None => bail!("{} has problems", path.display()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn shown(source: &str, line: usize, column: usize) -> String {
        let lines: Vec<&str> = source.lines().collect();
        let (message, help) = ("no such reply".into(), "mend it".into());
        let problem = Problem { line, column, severity: Severity::Error, message, help };
        show(&Renderer::plain(), "猫.toml", &lines, &problem)
    }

    #[test]
    fn the_caret_stands_under_the_place_also_behind_chinese() {
        assert_eq!(
            shown("name = \"猫\"\nmatch = [\"幼猫粮\", \"奶猫\"]\n", 2, 18),
            "error: no such reply\n --> 猫.toml:2:18\n  |\n2 | match = [\"幼猫粮\", \"奶猫\"]\n  \
             |                     ^^\n  |\n  = help: mend it"
        );
    }

    #[test]
    fn a_place_on_no_line_is_shown_all_the_same() {
        for (source, line, column) in [("", 1, 1), ("a = 1\n", 2, 1), ("a = 1", 1, 6), ("a = 1\r\n", 1, 9), ("a", 7, 7)]
        {
            let text = shown(source, line, column);
            assert!(text.starts_with("error: no such reply\n"), "{text}");
            assert!(text.contains(&format!("猫.toml:{line}:")) && text.contains('^'), "{text}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_place_and_controls_do_not_reach_the_terminal() {
        let text = shown(&format!("a = \"{}\u{1b}[31m猫{}\"", "长".repeat(10_000), "长".repeat(10_000)), 1, 10_012);
        assert!(text.len() < 2_000, "{}", text.len());
        assert!(text.contains('^') && !text.contains('\u{1b}'), "{text}");
    }
}
