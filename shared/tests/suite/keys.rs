//! The design's table of keys is the code's.

use guanxi::store::keys::{self, Kind, Person, Writer};

const DESIGN: &str = include_str!("../../docs/design.md");
const HEAD: &str = "| key | what | written by | goes | person |\n|---|---|---|---|---|\n";

fn row(kind: &Kind) -> String {
    let Kind { pattern, what, writers, goes, person } = kind;
    let writers = writers.iter().map(|writer| Writer::component(*writer)).collect::<Vec<_>>().join(", ");
    let person = match person {
        Person::No => "no",
        Person::Named => "yes",
        Person::Hashed => "yes, by a hash",
        Person::Words => "a fan's words",
    };
    format!("| `{}` | {} | {writers} | {goes} | {person} |\n", pattern.replace('|', "\\|"), what.trim())
}

#[test]
fn the_table_of_keys_in_the_design_is_that_of_the_code() {
    let (_, table) = DESIGN.split_once(HEAD).expect("the design has a table of keys");
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows: String = keys::ALL.iter().map(|kind| row(kind)).collect();
    assert_eq!(table, rows.trim_end(), "the right table is:\n{HEAD}{rows}");
}
