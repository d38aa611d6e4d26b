//! The push job against the simulated WeChat, in virtual time: killed anywhere, lied to, slowed down, refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod brand;
mod choices;
mod clock;
mod damage;
mod disk;
mod dropped;
mod errors;
mod forgotten;
mod histories;
mod judge;
mod mixed;
mod pace;
mod slow_store;
mod stopped;
mod stops;
mod unreadable;
mod ways;
mod wire;
mod world;
