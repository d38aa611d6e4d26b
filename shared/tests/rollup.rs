//! The rollup: nothing is folded twice and nothing is lost, whatever happens to the store and to the runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg(not(target_family = "wasm"))]

mod rollup {
    mod crash;
    mod damage;
    mod growth;
    mod reader;
    mod redo;
    mod run;
    mod tally;
    mod world;
}
