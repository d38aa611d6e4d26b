//! A push's states stand side by side in the design, every one of them, and what is told makes the marks that the table says.

use super::brand::{Brand, finished, news, told};
use guanxi::{
    facts::push::{Echo, PushId, Skip, What},
    fold::fan::Fate,
    push::ledger::State,
};
use std::collections::BTreeSet;

/// The names of all variants of an enum: one that is missing here does not compile.
macro_rules! variants {
    ($kind:ident: $($variant:ident),+) => {{
        let _ = |any: &$kind| match any {
            $($kind::$variant { .. } => ()),+
        };
        BTreeSet::from([$(stringify!($variant)),+])
    }};
}

/// One row of the table: the names that it has of the ledger, of news, and of marks.
type Row = [Vec<&'static str>; 3];

fn rows() -> Vec<Row> {
    let page = include_str!("../../../docs/design.md");
    let (_, table) = page.split_once("| ledger: `State` | news: `What` | mark: `Fate` |\n").unwrap();
    let lines = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    // What stands between backticks is a name.
    let names = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect();
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').collect();
        assert_eq!(cells.len(), 6, "{line}");
        [names(cells[2]), names(cells[3]), names(cells[4])]
    };
    lines.map(row).collect()
}

#[test]
fn every_state_of_a_push_has_its_row() {
    let of = |column: usize| rows().iter().flat_map(|row| row[column].clone()).collect::<BTreeSet<_>>();
    assert_eq!(of(0), variants!(State: Planned, Sending, Sent, Delivered, Refused, Unknown, Skipped));
    assert_eq!(of(1), variants!(What: Planned, Skipped, Sent, Refused, Unknown, Queued, NoConsent));
    assert_eq!(of(2), variants!(Fate: Waiting, Skipped, Unknown, Sent, Refused, Delivered));
    // A state of the ledger or of news has one row; a mark may wait in two.
    for column in [0, 1] {
        assert_eq!(rows().iter().map(|row| row[column].len()).sum::<usize>(), of(column).len());
    }
}

/// The name of a variant, without what it holds.
fn name(variant: &impl std::fmt::Debug) -> String {
    format!("{variant:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

fn fate(brand: &Brand) -> String {
    name(&brand.state("o1").pushes.get(PushId::of("p")).unwrap().fate())
}

#[test]
fn what_is_told_of_a_push_makes_the_mark_of_its_row() {
    let says = |what| told([news("o1", "p", 1_000, what)]);
    let queued = || What::Queued(vec![Echo::Template]);
    let all = [
        What::Planned,
        queued(),
        What::Sent(Some("1".into())),
        What::Refused(43004),
        What::Unknown,
        What::Skipped(Skip::Capped),
        What::NoConsent("template".into()),
    ];
    let told: BTreeSet<String> = all.iter().map(name).collect();
    let written: BTreeSet<String> = rows().iter().flat_map(|row| &row[1]).map(|name| (*name).to_owned()).collect();
    assert_eq!(told, written);
    for what in all {
        let rows = rows();
        let row = rows.iter().find(|row| row[1].contains(&name(&what).as_str())).unwrap();
        let becomes = fate(&Brand::of([says(queued()), says(what.clone())]));
        match row[2].first() {
            Some(mark) => assert_eq!(becomes, *mark, "{what:?}"),
            None => assert_eq!(becomes, fate(&Brand::of([says(queued())])), "{what:?}"),
        }
    }
    for (status, row) in [("success", "Delivered"), ("failed: system failed", "Refused")] {
        let rows = rows();
        let row = rows.iter().find(|cells| cells[0] == [row]).unwrap();
        assert_eq!(row[2], [fate(&Brand::of([says(queued()), finished("o1", 1_010, "1", status)]))]);
    }
}
