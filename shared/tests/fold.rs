//! The fold: laws over random histories, and one history at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "fold/brand.rs"]
#[cfg_attr(target_family = "wasm", allow(dead_code, reason = "the tests of pushes and the laws use all of it"))]
mod brand;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/consents.rs"]
mod consents;
#[path = "fold/histories.rs"]
mod histories;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/laws.rs"]
mod laws;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/marks.rs"]
mod marks;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/matches.rs"]
mod matches;
#[path = "fold/old.rs"]
mod old;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/oracle.rs"]
mod oracle;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/pushes.rs"]
mod pushes;
#[path = "fold/reminders.rs"]
mod reminders;
