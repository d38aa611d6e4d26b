//! The command line, each command in a process of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod command;
mod fixtures;
mod moving;
mod process;
mod publish;
mod recorded;
