//! WeChat's API: what we say, and what we make of the answers. All but the laws, which need a source of randomness, also
//! run in WebAssembly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod api {
    mod answers;
    #[cfg(not(target_family = "wasm"))]
    mod laws;
    mod meanings;
    mod outcomes;
    mod requests;
    mod vault;
}
