//! `functions/kubernetes`, as it is rendered: every document is what Kubernetes' own types say, and nothing in it is missing or extra beside
//! `spin.toml`, the clock and what the functions need of a pod. No cluster is needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod application;
mod image;
mod kinds;
mod pods;
mod references;
mod render;
mod schedule;
mod spinapp;
mod store;
mod strict;

use std::path::PathBuf;

/// The overlays.
const OVERLAYS: [&str; 2] = ["one-node", "production"];

/// A file or folder of the repository.
fn at(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
