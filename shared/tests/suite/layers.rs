//! `shared/src` is built in layers: a module of the crate uses those before it in `lib.rs`, never one behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules of the crate in their order.
fn layers() -> Vec<String> {
    let root = fs::read_to_string(src().join("lib.rs")).unwrap();
    let names = root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The modules of the crate that a text names: in `crate::a::b` and in the groups of `crate::{a::b, c::{d}}`. Comments may name any.
fn named(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n");
    let mut named = BTreeSet::new();
    for (at, root) in code.match_indices("crate::") {
        let rest = &code[at + root.len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(heads(group)),
            None => drop(named.insert(word(rest))),
        }
    }
    named
}

/// The first words of the items of a group that has been opened.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut at_start) = (0, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            _ if depth == 0 && at_start && !letter.is_whitespace() => {
                heads.push(word(&group[at..]));
                at_start = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn no_module_uses_one_that_comes_after_it() {
    let layers = layers();
    let rank: BTreeMap<&str, usize> = layers.iter().map(String::as_str).zip(0..).collect();
    let (mut upwards, mut arrows) = (Vec::new(), BTreeSet::new());
    for path in files(&src()) {
        let inside = path.strip_prefix(src()).unwrap().to_str().unwrap();
        let layer = inside.split('/').next().unwrap().trim_end_matches(".rs");
        let Some(own) = rank.get(layer) else { continue };
        for other in named(&fs::read_to_string(&path).unwrap()) {
            let Some(used) = rank.get(other.as_str()) else { continue };
            if used > own {
                upwards.push(format!("{inside} uses {other}"));
            }
            arrows.insert((*own, *used));
        }
    }
    assert_eq!(upwards, [""; 0]);
    assert!(layers.len() > 8 && arrows.len() > 30, "is this blind? {layers:?} {}", arrows.len());
}

#[test]
fn what_a_text_names_is_found() {
    let text = "use crate::{\n    a::{self, B},\n    c,\n    d::e::{F, g::H},\n};\nfn f() -> crate::i::J {}\n/// [`crate::k`]\nuse super::l;";
    assert_eq!(named(text), BTreeSet::from(["a", "c", "d", "i"].map(str::to_owned)));
}
