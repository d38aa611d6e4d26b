//! What `shared` does, seen from outside, in the order of its modules. One program, so that it is linked once. Most of it also
//! runs in WebAssembly: all but what needs a source of randomness or much time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[cfg_attr(target_family = "wasm", allow(dead_code, reason = "the tests of pushes and the laws use all of it"))]
mod brand;
#[cfg(not(target_family = "wasm"))]
mod keys;
#[cfg(not(target_family = "wasm"))]
mod layers;

/// WeChat's protocol, from the published vectors up to mutated requests.
mod wechat {
    mod endpoint;
    mod events;
    mod fields;
    #[cfg(not(target_family = "wasm"))]
    mod laws;
    mod messages;
    #[cfg(not(target_family = "wasm"))]
    mod mutations;
    mod replies;
    mod vectors;
}

/// WeChat's API: what we say, and what we make of the answers.
mod api {
    mod answers;
    #[cfg(not(target_family = "wasm"))]
    mod laws;
    mod meanings;
    mod outcomes;
    mod requests;
    mod vault;
}

/// The brand's playbook: what the check says of it, what it answers, which one holds.
mod playbook {
    mod answers;
    mod check;
    mod draft;
    #[cfg(not(target_family = "wasm"))]
    mod laws;
    mod people;
    mod publish;
    mod pushes;
    #[cfg(not(target_family = "wasm"))]
    pub(crate) mod schema;
    mod shelf;
    mod terms;
}

#[cfg(not(target_family = "wasm"))]
mod dialogs;
/// Lookups: whom a rule may ask, and what the fan reads.
mod lookups {
    mod addresses;
    mod answers;
    mod check;
    mod questions;
    mod world;
}

mod journal;
mod orders;
mod recorded;

/// The fold: laws over random histories, and one history at a time.
mod fold {
    use super::brand;

    #[cfg(not(target_family = "wasm"))]
    mod consents;
    mod dialogs;
    mod histories;
    #[cfg(not(target_family = "wasm"))]
    mod laws;
    #[cfg(not(target_family = "wasm"))]
    mod marks;
    #[cfg(not(target_family = "wasm"))]
    mod matches;
    #[cfg(not(target_family = "wasm"))]
    mod oracle;
    #[cfg(not(target_family = "wasm"))]
    pub(crate) mod people;
    #[cfg(not(target_family = "wasm"))]
    mod pushes;
    mod reminders;
    #[cfg(not(target_family = "wasm"))]
    mod states;
}

/// The rollup: nothing is folded twice and nothing is lost, whatever happens to the store and to the runs.
#[cfg(not(target_family = "wasm"))]
mod rollup {
    mod crash;
    mod damage;
    mod growth;
    mod reader;
    mod redo;
    mod repair;
    mod run;
    mod tally;
    mod world;
}

#[cfg(not(target_family = "wasm"))]
mod due;

/// Campaigns that are asked for: their check, what a dry run says of them, and what push then does.
mod campaigns {
    use super::brand;

    #[cfg(not(target_family = "wasm"))]
    mod agreement;
    mod check;
    mod dry_run;
    mod requests;
    mod ways;
    pub(crate) mod world;
}

/// What fans ask for, from the fold to the brand's webhook.
mod outbox {
    #[cfg(not(target_family = "wasm"))]
    mod crash;
    #[cfg(not(target_family = "wasm"))]
    mod posts;
    mod receipts;
    #[cfg(not(target_family = "wasm"))]
    mod requests;
    #[cfg_attr(target_family = "wasm", allow(dead_code, reason = "the tests of receipts use a request of it"))]
    mod world;
}

mod report;
mod status;

/// Pages: what is on them, in both languages, whatever fans and brands write.
#[cfg(feature = "console")]
mod console;
#[cfg(not(target_family = "wasm"))]
mod uplift;

/// Compiles a playbook. What compiles, the schema must take.
fn compile(source: &str) -> Result<Vec<u8>, Vec<guanxi::playbook::Problem>> {
    let compiled = guanxi::playbook::compile(source);
    #[cfg(not(target_family = "wasm"))]
    if compiled.is_ok() {
        assert_eq!(playbook::schema::refusal(source), None, "{source}");
    }
    compiled
}
