//! What comments and pages cite is there: every page that is named, every section, every file that a link goes to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const READ: [&str; 4] = ["rs", "md", "toml", "wit"];
const PAGE: &str = ".md";
/// It cites what is not there, to see that this is found.
const THIS: &str = "tests/tasks/tests/documents.rs";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The files that people write, below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&&*name) {
                files(&path, found);
            }
        } else if path.extension().is_some_and(|end| READ.iter().any(|read| end == *read)) && !path.ends_with(THIS) {
            found.push(path);
        }
    }
}

/// Where one may jump to in a page: the ids that it sets, and its headings as GitHub names them.
fn anchors(page: &str) -> BTreeSet<String> {
    let ids = page.split("<a id=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(id, _)| id.to_owned());
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|rest| rest.trim_start_matches('#'));
    ids.chain(headings.map(slug)).collect()
}

fn slug(heading: &str) -> String {
    let mut words = String::new();
    let mut tag = false;
    for letter in heading.trim().chars() {
        tag = (tag || letter == '<') && letter != '>';
        if !tag && (letter.is_alphanumeric() || [' ', '-', '_'].contains(&letter)) {
            words.extend(letter.to_lowercase());
        }
    }
    words.replace(' ', "-")
}

/// What looks like the path of a page, perhaps with a section: where it stands in the text, and it.
fn pages(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |letter: char| letter.is_alphanumeric() || "._-/:#".contains(letter);
    text.match_indices(PAGE).filter_map(move |(at, _)| {
        let start = text[..at].char_indices().rev().take_while(|(_, letter)| part(*letter)).last()?.0;
        let rest = &text[at + PAGE.len()..];
        let section = match rest.strip_prefix('#') {
            Some(section) => 1 + section.find(|letter: char| !part(letter)).unwrap_or(section.len()),
            None if rest.starts_with(|letter: char| letter.is_alphanumeric()) => return None,
            None => 0,
        };
        let cited = text[start..at + PAGE.len() + section].trim_end_matches(['.', ':']);
        // The words of a link are not where it goes.
        let is_path = cited[..at - start].ends_with(char::is_alphanumeric) && !cited.contains("://");
        let is_path = is_path && !rest.starts_with("](");
        is_path.then_some((start, cited))
    })
}

/// Where links stand in the text, their words and where they go.
fn links(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    text.match_indices("](").filter_map(|(at, _)| {
        let words = text[..at].rfind('[').map(|start| &text[start + 1..at])?;
        let (target, _) = text[at + 2..].split_once(')')?;
        Some((at, words, target))
    })
}

/// Fenced blocks are examples, not citations; their lines stay, so that places do.
fn without_examples(page: &str) -> String {
    let mut fenced = false;
    let lines = page.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fenced || fence { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Why a path, perhaps with a section, cannot be followed from a file; none: it can.
fn broken(from: &Path, target: &str) -> Option<String> {
    let (path, section) = target.split_once('#').map_or((target, None), |(path, section)| (path, Some(section)));
    let to = if path.is_empty() { from.to_owned() } else { from.parent().unwrap().join(path) };
    if !to.exists() {
        return Some(format!("`{target}`: there is no such file"));
    }
    let section = section.filter(|_| path.is_empty() || path.ends_with(PAGE))?;
    let known = anchors(&fs::read_to_string(&to).unwrap());
    (!known.contains(section)).then(|| format!("`{target}`: there is no such section"))
}

/// The section numbers in the words of a citation: `protocol 1.2 to 1.6`.
fn numbers(words: &str) -> Option<Vec<&str>> {
    let sections = words.strip_prefix("protocol ")?;
    let number = |letter: char| letter.is_ascii_digit() || letter == '.';
    Some(sections.split(|letter| !number(letter)).filter(|part| !part.is_empty()).collect())
}

/// What is wrong with a file's citations.
fn wrong(file: &Path, text: &str) -> Vec<String> {
    let is_page = file.extension().is_some_and(|end| end == "md");
    let text = if is_page { without_examples(text) } else { text.to_owned() };
    let mut found: Vec<(usize, String)> =
        pages(&text).filter_map(|(at, page)| Some((at, broken(file, page)?))).collect();
    for (at, words, target) in links(&text) {
        // Pages were looked at already; in code, only what says that it is a path.
        let is_path = is_page && !target.contains("://") || target.starts_with('.');
        if is_path && !target.contains(PAGE) {
            found.extend(broken(file, target).map(|why| (at, why)));
        }
        let Some((page, section)) = target.split_once('#').filter(|(page, _)| page.ends_with(PAGE)) else { continue };
        if let Some(numbers) = numbers(words) {
            if numbers.first() != Some(&section) {
                found.push((at, format!("`{words}` goes to {section}")));
            }
            found.extend(numbers.iter().filter_map(|number| Some((at, broken(file, &format!("{page}#{number}"))?))));
        }
    }
    // A section is cited by a link: `[protocol 4.3](…)`.
    for (at, word) in text.match_indices("section") {
        let number = text[at + word.len()..].trim_start_matches('s').strip_prefix(' ');
        if !is_page && number.is_some_and(|number| number.starts_with(|letter: char| letter.is_ascii_digit())) {
            found.push((at, "a section without a link".to_owned()));
        }
    }
    found.sort();
    found.dedup();
    let line = |at: usize| text[..at].lines().count().max(1);
    found.into_iter().map(|(at, why)| format!("{}:{}: {why}", file.display(), line(at))).collect()
}

#[test]
fn every_citation_goes_somewhere() {
    let (root, mut found) = (root(), Vec::new());
    files(&root, &mut found);
    let mut cited = 0;
    let wrong: Vec<String> = found
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            cited += pages(&text).count();
            wrong(file, &text)
        })
        .collect();
    assert!(cited > 50, "is this test blind?");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_citation_of_nothing_is_found() {
    let (code, page) = (root().join("shared/src/wechat/crypto.rs"), root().join("shared/docs/design.md"));
    let protocol = format!("../../docs/wechat-protocol{PAGE}");
    for (file, text, count) in [
        (&code, format!("//! AES ([protocol 1.5]({protocol}#1.5)).\n"), 0),
        (&code, format!("//! AES ([protocol 1.2 to 1.6 and 1.10]({protocol}#1.2)).\n"), 0),
        (&code, format!("//! See [the protocol]({protocol}), https://example.com/gone{PAGE}, `Some{PAGE}5`.\n"), 0),
        (&code, format!("//! See [wechat-protocol{PAGE}]({protocol}).\n"), 0),
        (&code, format!("//! AES ([protocol 1.5]({protocol}#1.55)).\n"), 2),
        (&code, format!("//! AES ([protocol 1.5]({protocol}#1.4)).\n"), 1),
        (&code, format!("//! AES ([protocol 1.5 and 1.99]({protocol}#1.5)).\n"), 1),
        (&code, format!("//! AES (`wechat-protocol{PAGE}` 1.5).\n"), 1),
        (&code, "//! AES (the protocol's sections 1.5 and 1.6).\n".to_owned(), 1),
        (&code, "//! [this](../../gone.toml), [`that`](super::Document).\n".to_owned(), 1),
        (&page, "[due](../src/fold/fan/due.rs), [below](#keys), [out](https://example.com/x)\n".to_owned(), 0),
        (&page, "```text\n[example](gone.rs)\n```\n".to_owned(), 0),
        (&page, "[gone](../src/gone.rs)\n".to_owned(), 1),
        (&page, "[gone](#gone)\n".to_owned(), 1),
    ] {
        assert_eq!(wrong(file, &text).len(), count, "{text}{:?}", wrong(file, &text));
    }
}
