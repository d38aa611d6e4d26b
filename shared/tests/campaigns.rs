//! Campaigns that are asked for: their check, what a dry run says of them, and what push then does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "campaigns/agreement.rs"]
#[cfg(not(target_family = "wasm"))]
mod agreement;
#[path = "fold/brand.rs"]
#[allow(dead_code, reason = "the fold's tests use the rest")]
mod brand;
#[path = "campaigns/check.rs"]
mod check;
#[path = "campaigns/dry_run.rs"]
mod dry_run;
#[path = "campaigns/requests.rs"]
mod requests;
#[path = "campaigns/ways.rs"]
mod ways;
#[path = "campaigns/world.rs"]
mod world;
