//! Rollups over real HTTP against the real `.wasm`, in a process that can be killed: the host, its store on disk, a clock that
//! only this moves. Prints how many store operations there were.
//!
//! Arguments: the folder of the store, the clock in seconds since 1970, how many rollups, a minute apart, and at which store
//! operation to SIGKILL itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use e2e::{CONSOLE_TOKEN, JOB_TOKEN, Server, at, options};
use guanxi::{time::Timestamp, wechat::endpoint::Mode};
use guanxi_host::{Host, Options, StateDir, store::Verdict};
use hyper::Method;
use std::{
    env,
    process::{self, Command},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let now = Timestamp(arguments[1].parse().unwrap());
    let runs: u64 = arguments[2].parse().unwrap();
    let kill_at: u64 = arguments.get(3).map_or(u64::MAX, |number| number.parse().unwrap());
    let operations = Arc::new(AtomicU64::new(0));
    e2e::run(async {
        let host = Host::start(Options { state_dir: StateDir::Path((&arguments[0]).into()), ..options("safe") }).await;
        let host = host.unwrap();
        let counted = operations.clone();
        host.store().watch(move |_| {
            if counted.fetch_add(1, Ordering::SeqCst) == kill_at {
                _ = Command::new("kill").args(["-9", &process::id().to_string()]).status();
            }
            Verdict::Proceed
        });
        let server = Server::new(&host.url(), Mode::Safe);
        for run in 0..runs {
            host.clock().stop_at(at(Timestamp(now.0 + run * 60)));
            let answer = server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.body.contains("\"end\":\"Done\""), "{}", answer.body);
        }
        host.store().unwatch();
        let overview = server.authorized(Method::GET, "/reports/overview", CONSOLE_TOKEN).await;
        assert_eq!(overview.status, 200, "{}", overview.body);
        host.stop().await;
    });
    println!("{}", operations.load(Ordering::SeqCst));
}
