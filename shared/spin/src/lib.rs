//! The only place that names `spin-sdk`: store, variables, time and HTTP for the functions.
//!
//! Everything here is asynchronous except [`KeyValue::increment`], which no asynchronous interface offers: while it
//! runs, its whole instance stands still.

pub mod exchange;
mod outbound;
pub mod service;
pub mod shell;
mod store;
mod time;
mod web;
mod webhook;

use guanxi::http::{log::Event, sparing::Sparing};
use std::{cell::Cell, io::Write};

// `http_service` writes code that says `::spin_sdk`: a function that serves HTTP begins with
// `extern crate guanxi_spin as spin_sdk`, and finds these here.
pub use outbound::Outbound;
pub use spin_sdk::{http, http_service, wasip3, wit_bindgen};
pub use store::KeyValue;
pub use time::{Stopwatch, now};
pub use web::{Response, body_up_to, respond};
pub use webhook::Webhook;

/// The value of one of the component's variables. An error says which variable and why.
pub async fn variable(name: &str) -> Result<String, String> {
    spin_sdk::variables::get(name).await.map_err(|error| format!("variable {name}: {error}"))
}

/// A number nobody can guess.
pub fn random() -> u64 {
    wasip3::random::random::get_random_u64()
}

/// Sixteen bytes nobody can guess.
pub fn random16() -> [u8; 16] {
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        half.copy_from_slice(&random().to_ne_bytes());
    }
    bytes
}

/// Twelve bytes nobody can guess.
pub fn random12() -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes.iter_mut().zip(random16()).for_each(|(byte, random)| *byte = random);
    bytes
}

thread_local! {
    static COMPONENT: Cell<&'static str> = const { Cell::new("") };
    static SPARING: Sparing = Sparing::default();
}

/// Says whose lines [`log`] writes: the first thing that a component does, with its name in `spin.toml`.
pub fn component(name: &'static str) {
    COMPONENT.set(name);
}

/// One line for the operator. Never a secret, never a fan's words.
pub fn log(event: Event<'_>) {
    write(event, 0);
}

/// As [`log`], for what anybody can cause by a request: of a flood only a few lines are written, which count it.
pub fn log_sparingly(event: Event<'_>) {
    if let Some(like_it) = SPARING.with(|sparing| sparing.pass(now(), event.says)) {
        write(event, like_it);
    }
}

/// To the component's standard error, which is its log; in one piece, so that lines of several instances do not mix, and a host that
/// passes on what is written makes one record of it.
fn write(event: Event<'_>, like_it: u64) {
    let line = event.line(now(), COMPONENT.get(), like_it);
    // There is nobody to tell.
    _ = std::io::stderr().write_all(line.as_bytes());
}
