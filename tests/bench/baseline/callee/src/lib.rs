//! What the baseline calls.

wit_bindgen::generate!({ world: "callee-component", path: "../wit" });

struct Callee;

impl exports::bench::baseline::callee::Guest for Callee {
    fn length(body: Vec<u8>) -> u32 {
        body.len() as u32
    }
}

export!(Callee);
