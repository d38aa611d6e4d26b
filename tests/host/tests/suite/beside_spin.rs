//! The tables of [SPIN.md](../../SPIN.md).

use std::{collections::BTreeSet, path::Path};

/// The names of the tests of this crate.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = text.lines().map(str::trim);
            while lines.by_ref().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
                let name = lines.next().unwrap().trim_start_matches("async ").trim_start_matches("fn ");
                found.insert(name.split('(').next().unwrap().to_owned());
            }
        }
    }
}

#[test]
fn every_row_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    tests(&root.join("src"), &mut found);
    tests(&root.join("tests"), &mut found);
    assert!(found.contains("every_row_names_tests_that_are_there"), "is this test blind?");
    let rows = include_str!("../../SPIN.md")
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| **") && !line.starts_with("| what |"));
    let mut count = 0;
    for row in rows {
        let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        let names: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(found.contains(name), "no test `{name}`: {row}");
        }
        count += 1;
    }
    assert!(count > 40, "{count} rows");
}
