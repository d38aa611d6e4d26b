//! The fold: laws over random histories, and one history at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "fold/brand.rs"]
mod brand;
#[path = "fold/histories.rs"]
mod histories;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/laws.rs"]
mod laws;
#[cfg(not(target_family = "wasm"))]
#[path = "fold/oracle.rs"]
mod oracle;
