//! Ten minutes of load on two replicas, with jobs by the clock and a store that is slow now and then. By `cargo soak`, because it takes that
//! long.

use super::world::{MINUTE, World};
use e2e::run;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, interval_at};

/// Names another length, in seconds: at least three minutes, because memory is compared.
const VARIABLE: &str = "GUANXI_SOAK_SECONDS";
const SECONDS: u64 = 600;
const REPLICAS: usize = 2;
/// Callbacks and orders, sent in even bursts.
const PER_SECOND: u64 = 200;
const BURSTS: u64 = 20;
/// A slow store: so long each way, for so many seconds of every two minutes.
const SLOW: Duration = Duration::from_millis(20);
const SLOW_SECONDS: u64 = 10;
/// The store's time limit for silent connections, as it is to be.
const FENCE: u32 = guanxi::store::lease::FENCE.as_secs() as u32;
/// How far the memory of the last minute may be above that of the third.
const GROWTH: f64 = 1.05;

#[test]
#[ignore = "ten minutes: cargo soak"]
fn on_the_local_host_ten_minutes_of_load_leave_no_error_and_no_memory() {
    e2e::build();
    let seconds = std::env::var(VARIABLE).map_or(SECONDS, |seconds| seconds.parse().unwrap());
    assert!(seconds > 3 * MINUTE, "memory is compared with that of the third minute");
    run(soak(seconds));
}

async fn soak(seconds: u64) {
    let mut world = World::open(0, REPLICAS, FENCE).await;
    let slowest = Arc::new(AtomicU64::new(0));
    let mut memory = Vec::new();
    let (mut callbacks, mut jobs) = (Vec::new(), Vec::new());
    let pause = Duration::from_secs(1) / BURSTS as u32;
    let mut bursts = interval_at(Instant::now() + pause, pause);
    for second in 0..seconds {
        // The replicas' clocks run on by themselves.
        world.clock.fetch_add(1, Ordering::SeqCst);
        let slow = if second % (2 * MINUTE) < SLOW_SECONDS { SLOW } else { Duration::ZERO };
        world.replicas.iter().for_each(|replica| replica.proxy.slow_down(slow));
        let job = match second % MINUTE {
            0 => Some("rollup"),
            30 => Some("push"),
            _ => None,
        };
        jobs.extend(job.into_iter().flat_map(|job| world.replicas.iter().map(move |replica| replica.fire(job))));
        for _ in 0..BURSTS {
            bursts.tick().await;
            callbacks.extend((0..PER_SECOND / BURSTS).map(|_| world.timed_callback(&slowest)));
        }
        memory.push(world.replicas.iter().map(|replica| resident(replica.id())).collect::<Vec<_>>());
    }
    for callback in callbacks {
        callback.await.unwrap();
    }
    for job in jobs {
        let answer = job.await.unwrap().expect("a job without an answer");
        assert!([200, 409].contains(&answer.status), "{}", answer.body);
        // Of two that begin at once by clocks a minute apart the earlier one stops.
        let failed = answer.body.to_lowercase().contains("failed") && !answer.body.contains("another run took over");
        assert!(answer.status == 409 || !failed, "{}", answer.body);
    }
    let (answered, sent) = world.shares();
    println!("{sent} callbacks and orders, the slowest in {} ms", slowest.load(Ordering::SeqCst));
    assert_eq!(world.errors(), 0, "callbacks that were not answered at the first try");
    for replica in 0..REPLICAS {
        let mean = |of: &[Vec<u64>]| of.iter().map(|at| at[replica]).sum::<u64>() as f64 / of.len() as f64;
        let minute = MINUTE as usize;
        let (third, last) = (mean(&memory[2 * minute..3 * minute]), mean(&memory[memory.len() - minute..]));
        println!("replica {replica}: {third:.0} KiB in the third minute, {last:.0} in the last");
        assert!(last <= third * GROWTH, "replica {replica}: its memory grows");
    }
    let folded = world.settle().await;
    println!("{answered} different ones answered, {folded} entries folded");
    world.check(folded).await;
    world.close().await;
}

/// Memory that a process has, in KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
