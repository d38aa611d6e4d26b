//! The host against real components, over HTTP, started in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod beside_spin;
mod chaining;
mod fixtures;
mod http;
mod limits;
mod outbound;
mod schedule;
mod start;
mod store;
mod upstream;
