//! `shared/src` is built in layers: a module of the crate uses those before it in `lib.rs`, never one behind it; and inside of
//! a folder no files use each other in a circle.
//!
//! What a file uses is read from the paths in it. A name that the folder's own file takes from another is followed to where it
//! comes from. Not seen are methods, which are called without a path, and what comes through a `*`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, iter,
    path::{Path, PathBuf},
};

/// A module, or something in one: the names on the way from the crate's root.
type Way = Vec<String>;

/// What a text says of other modules.
#[derive(Default)]
struct Named {
    /// The paths that begin at `crate`, `super` or `self`.
    paths: BTreeSet<Way>,
    /// What it takes into its own namespace: under which name which path.
    taken: BTreeMap<String, Way>,
}

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

/// Every module with its text.
fn modules() -> BTreeMap<Way, String> {
    let module = |path: PathBuf| {
        let inside = path.strip_prefix(src()).unwrap().with_extension("");
        let way: Way = inside.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        let way = if way == ["lib"] { Vec::new() } else { way };
        (way, fs::read_to_string(path).unwrap())
    };
    files(&src()).into_iter().map(module).collect()
}

/// The modules without their tests, and without those that are only for tests.
fn without_tests(mut modules: BTreeMap<Way, String>) -> BTreeMap<Way, String> {
    let mut for_tests = Vec::new();
    for (module, text) in &mut modules {
        let parts: Vec<&str> = text.split("#[cfg(test)]\n").collect();
        let file = |part: &&str| Some(part.lines().next()?.strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
        let files: Vec<String> = parts[1..].iter().map_while(file).collect();
        let code = parts[..=files.len()].join("\n");
        let own = code.lines().filter(|line| !files.iter().any(|file| *line == format!("mod {file};")));
        let own = own.fold(String::new(), |own, line| own + line + "\n");
        for_tests.extend(files.iter().map(|file| within(module, file)));
        *text = own;
    }
    modules.retain(|module, _| !for_tests.iter().any(|tests| module.starts_with(tests)));
    modules
}

fn within(module: &[String], name: &str) -> Way {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// A text's words and signs, without comments; `::` is one sign.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            tokens.push(rest[..length].to_owned());
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// What a text names: in `crate::a::b` and in the groups of `crate::{a::b, c::{d}}`, in a `use` and elsewhere.
fn named(text: &str) -> Named {
    let tokens = tokens(text);
    let mut named = Named::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_use = token == "use";
        let is_path = ["crate", "super", "self"].contains(&token.as_str());
        at += usize::from(!is_path);
        if is_use || is_path && tokens.get(at + 1).is_some_and(|next| next == "::") {
            let mut found = Vec::new();
            at = tree(&tokens, at, &[], &mut found);
            if is_use {
                named.taken.extend(found.iter().cloned());
            }
            named.paths.extend(found.into_iter().map(|(_, path)| path));
        } else {
            at += usize::from(is_path);
        }
    }
    named.paths.retain(|path| path.first().is_some_and(|first| ["crate", "super", "self"].contains(&first.as_str())));
    named
}

/// Reads a path, or a tree of them, that begins at `at`: each with the name by which it is known. Gives where it ends.
fn tree(tokens: &[String], mut at: usize, before: &[String], found: &mut Vec<(String, Way)>) -> usize {
    let sign = |at: usize| tokens.get(at).map_or("", String::as_str);
    if sign(at) == "{" {
        at += 1;
        while !["}", ""].contains(&sign(at)) {
            at = tree(tokens, at, before, found);
            at += usize::from(sign(at) == ",");
        }
        return at + 1;
    }
    let name = sign(at);
    // In a group, `self` is what stands before it.
    let path = if name == "self" && !before.is_empty() { before.to_vec() } else { within(before, name) };
    at += 1;
    if sign(at) == "::" && (sign(at + 1) == "{" || sign(at + 1).starts_with(|letter: char| letter.is_alphanumeric())) {
        return tree(tokens, at + 1, &path, found);
    }
    let known_as = match sign(at) {
        "as" => {
            at += 2;
            sign(at - 1)
        }
        _ => path.last().map_or("", String::as_str),
    };
    found.push((known_as.to_owned(), path.clone()));
    at
}

/// The module that a path leads to from one: where it leaves those that this one is inside of.
fn leads_to(all: &BTreeMap<Way, Named>, from: &[String], path: &[String], hops: u32) -> Option<Way> {
    let mut here = from.to_vec();
    for (at, name) in path.iter().enumerate() {
        match name.as_str() {
            "crate" => here.clear(),
            "super" => drop(here.pop()),
            "self" => {}
            name if all.contains_key(&within(&here, name)) => here.push(name.to_owned()),
            name => {
                let taken = all.get(&here)?.taken.get(name).filter(|_| hops > 0 && from.starts_with(&here));
                let Some(taken) = taken else { return Some(here).filter(|_| at > 0) };
                let further = taken.iter().chain(&path[at + 1..]).cloned().collect::<Way>();
                return leads_to(all, &here, &further, hops - 1);
            }
        }
    }
    Some(here)
}

/// Who uses whom among the files of each folder; a file and its own folder are one.
fn neighbours(texts: &BTreeMap<Way, String>) -> BTreeMap<Way, BTreeSet<(String, String)>> {
    let all: BTreeMap<Way, Named> = texts.iter().map(|(module, text)| (module.clone(), named(text))).collect();
    let mut neighbours: BTreeMap<Way, BTreeSet<_>> = BTreeMap::new();
    for (module, named) in &all {
        for used in named.paths.iter().filter_map(|path| leads_to(&all, module, path, 4)) {
            let common = iter::zip(module, &used).take_while(|(one, other)| one == other).count();
            if let (Some(user), Some(used)) = (module.get(common), used.get(common)) {
                neighbours.entry(module[..common].to_vec()).or_default().insert((user.clone(), used.clone()));
            }
        }
    }
    neighbours
}

/// Those that use each other in a circle, each circle with its arrows.
fn circles(arrows: &BTreeSet<(String, String)>) -> BTreeSet<String> {
    let reaches = |one: &str, other: &str| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![one]);
        while let Some(user) = open.pop() {
            let used = arrows.iter().filter(|(from, _)| from == user).map(|(_, used)| used.as_str());
            open.extend(used.filter(|used| reached.insert(*used)));
        }
        reached.contains(other)
    };
    // An arrow is in a circle if its end leads back to its start.
    let inside: Vec<_> = arrows.iter().filter(|(user, used)| reaches(used, user)).collect();
    let circle = |(start, _): &&(String, String)| {
        let arrows = inside.iter().filter(|(user, _)| reaches(start, user) && reaches(user, start));
        arrows.map(|(user, used)| format!("{user} → {used}")).collect::<Vec<_>>().join(", ")
    };
    inside.iter().copied().map(|arrow| circle(&arrow)).collect()
}

fn circles_of(neighbours: &BTreeMap<Way, BTreeSet<(String, String)>>) -> Vec<String> {
    let of = |(folder, arrows): (&Way, &BTreeSet<_>)| {
        circles(arrows).into_iter().map(|circle| format!("{}: {circle}", folder.join("/"))).collect::<Vec<_>>()
    };
    neighbours.iter().flat_map(of).collect()
}

#[test]
fn no_module_uses_one_that_comes_after_it() {
    let layers = layers();
    let rank: BTreeMap<&str, usize> = layers.iter().map(String::as_str).zip(0..).collect();
    let (mut upwards, mut arrows) = (Vec::new(), BTreeSet::new());
    for (module, text) in modules() {
        let Some(own) = module.first().and_then(|layer| rank.get(layer.as_str())) else { continue };
        for path in named(&text).paths.iter().filter(|path| path[0] == "crate") {
            let Some(used) = path.get(1).and_then(|layer| rank.get(layer.as_str())) else { continue };
            if used > own {
                upwards.push(format!("{} uses {}", module.join("::"), path[1]));
            }
            arrows.insert((*own, *used));
        }
    }
    assert_eq!(upwards, [""; 0]);
    assert!(layers.len() > 8 && arrows.len() > 30, "is this blind? {layers:?} {}", arrows.len());
}

#[test]
fn no_files_of_a_folder_use_each_other_in_a_circle() {
    let neighbours = neighbours(&without_tests(modules()));
    assert_eq!(circles_of(&neighbours), [""; 0]);
    let arrows: usize = neighbours.values().map(BTreeSet::len).sum();
    assert!(neighbours.len() > 12 && arrows > 200, "is this blind? {} folders, {arrows} arrows", neighbours.len());
}

#[test]
fn what_a_text_names_is_found() {
    let text = "use crate::{\n    a::{self, B},\n    c,\n    d::e::{F, g::H as I},\n};\nfn f() -> crate::j::K<L> {}\n/// [`crate::m`]\npub use super::n;\npub(super) use o::P;";
    let Named { paths, taken } = named(text);
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        ["crate::a", "crate::a::B", "crate::c", "crate::d::e::F", "crate::d::e::g::H", "crate::j::K", "super::n"]
    );
    assert_eq!(taken.into_keys().collect::<Vec<_>>(), ["B", "F", "I", "P", "a", "c", "n"]);
}

/// Modules by name, each with its text.
fn written(modules: &[(&str, &str)]) -> BTreeMap<Way, String> {
    let way = |name: &str| name.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    modules.iter().map(|(name, text)| (way(name), (*text).to_owned())).collect()
}

#[test]
fn a_circle_is_found_whichever_way_its_names_go() {
    let circles = |two: &str| {
        let modules = written(&[
            ("", "pub mod a;"),
            ("a", "mod one;\nmod two;\nmod three;\npub use three::{Three, deep::Deep as Renamed};\nstruct Own;"),
            ("a::one", "use super::two::Two;"),
            ("a::two", two),
            ("a::three", "mod deep;\nuse super::Own;"),
            ("a::three::deep", "fn f(one: &super::super::one::One) {}"),
        ]);
        circles_of(&neighbours(&without_tests(modules)))
    };
    let circle = ["a: one → two, three → one, two → three"];
    assert_eq!(circles("use super::Three;"), circle);
    assert_eq!(circles("use crate::a::Renamed;"), circle);
    assert_eq!(circles("fn f() { let three = crate::a::three::deep::new(); }"), circle);
    assert_eq!(circles("use super::one::One;"), ["a: one → two, two → one"]);
    assert_eq!(circles("use super::Own;\n// use super::Three;\nuse std::three;"), [""; 0]);
    assert_eq!(circles("#[cfg(test)]\nmod tests {\n    use super::super::Three;\n}"), [""; 0]);
}

#[test]
fn what_is_only_for_tests_is_left_out_and_nothing_behind_it() {
    let text = "mod one;\n#[cfg(test)]\nmod two;\nuse one::One;\n#[cfg(test)]\nmod tests {\n    use two::Two;\n}";
    let left = without_tests(written(&[("a", text), ("a::one", ""), ("a::two", ""), ("a::two::three", "")]));
    assert_eq!(left, written(&[("a", "mod one;\n\nuse one::One;\n"), ("a::one", "")]));
}
