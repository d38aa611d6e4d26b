//! WeChat's protocol, from the published vectors up to mutated requests. All but the laws and the mutations, which need
//! a source of randomness, also run in WebAssembly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

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
