//! Jobs over real HTTP against the real `.wasm`, in a process that can be killed: the host, its store on disk, a clock that
//! only this moves. Prints how many store operations there were. The components are those that whoever starts it has built.
//!
//! Arguments: the folder of the store, and which: `wal`, `delete`, `group` or the URL of a Redis; the clock in seconds since 1970; the jobs, each a minute after the one before or at a minute
//! of its own, such as `rollup,push,push@30`; WeChat's API, or `-`; at which store operation to SIGKILL itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use e2e::{CONSOLE_TOKEN, JOB_TOKEN, Server, at};
use guanxi::{time::Timestamp, wechat::endpoint::Mode};
use guanxi_host::{Host, store::Verdict};
use hyper::Method;
use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, store, now, jobs, api, ..] = &arguments[..] else { panic!("five arguments at least") };
    let now = Timestamp(now.parse().unwrap());
    let kill_at: u64 = arguments.get(5).map_or(u64::MAX, |number| number.parse().unwrap());
    let operations = Arc::new(AtomicU64::new(0));
    let mut options = e2e::stores::stored(folder.as_ref(), store);
    if api != "-" {
        options = options.variable("wechat_api_url", api);
    }
    e2e::run(async {
        let host = Host::start(options).await.unwrap();
        let counted = operations.clone();
        host.store().watch(move |_| {
            if counted.fetch_add(1, Ordering::SeqCst) == kill_at {
                e2e::kill_itself();
            }
            Verdict::Proceed
        });
        let server = Server::new(&host.url(), Mode::Safe);
        let mut next = 0;
        for job in jobs.split(',') {
            let (job, minute) = job.split_once('@').map_or((job, next), |(job, at)| (job, at.parse().unwrap()));
            next = minute + 1;
            host.clock().stop_at(at(Timestamp(now.0 + minute * 60)));
            let answer = server.authorized(Method::POST, &format!("/jobs/{job}"), JOB_TOKEN).await;
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
