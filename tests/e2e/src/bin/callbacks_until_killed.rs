//! Serves the real `.wasm` with its store on disk, in a process that can be killed. Prints its URL. The components are those
//! that whoever starts it has built.
//!
//! Arguments: the folder of the store, and which: `wal`, `delete`, `group` or the URL of a Redis; at which store operation to SIGKILL itself.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use guanxi_host::{Host, store::Verdict};
use std::{
    env,
    future::pending,
    sync::atomic::{AtomicU64, Ordering},
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, store, ..] = &arguments[..] else { panic!("two arguments at least") };
    let kill_at: u64 = arguments.get(2).map_or(u64::MAX, |number| number.parse().unwrap());
    let operations = AtomicU64::new(0);
    e2e::run(async {
        let host = Host::start(e2e::stores::stored(folder.as_ref(), store)).await.unwrap();
        host.store().watch(move |_| {
            if operations.fetch_add(1, Ordering::SeqCst) == kill_at {
                e2e::kill_itself();
            }
            Verdict::Proceed
        });
        println!("{}", host.url());
        pending().await
    })
}
