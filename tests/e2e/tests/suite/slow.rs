//! Slow and half-sent requests do not keep a callback from its answer. On the local host with the limits that stand for a
//! proxy; on a small scale, `cargo bench-guanxi slow` has the large one.

use e2e::{
    Server, now, run,
    slow::{self, HALF_BODY, HALF_HEAD, IDLE},
    text,
};
use guanxi::wechat::endpoint::Mode;
use guanxi_host::{Host, Limits, Options};
use std::{sync::atomic::Ordering, time::Duration};

/// Of each kind.
const SLOW: usize = 300;
const LONG: Duration = Duration::from_secs(600);
const AGAIN: Duration = Duration::from_millis(500);

async fn start(limits: Limits) -> Host {
    // Both ends of each connection are in this process.
    slow::allow_files(8_000);
    Host::start(Options { limits: Some(limits), ..e2e::options("safe") }).await.unwrap()
}

/// On a connection of its own.
async fn callback(host: &Host, number: u64) {
    let server = Server::new(&host.url(), Mode::Safe);
    let answer = server.push(&text("oFan-1", now(), number, "换粮")).await;
    assert_eq!(answer.status, 200, "callback {number}");
    assert!(server.open(&answer).contains("<MsgType>"), "callback {number}");
}

#[test]
fn on_the_local_host_slow_clients_make_room_for_every_callback() {
    run(async {
        // They wait for ever, and there is room for two thirds of them.
        let limits =
            Limits { idle_time: LONG, head_time: LONG, body_time: LONG, connections: 600, ..Limits::default() };
        let host = start(limits).await;
        let kinds = [(HALF_BODY, SLOW), (HALF_HEAD, SLOW), (IDLE, SLOW)];
        let (attack, seen) = slow::start(host.address(), &kinds, AGAIN);
        let mut number = 0;
        while number < 100 || seen.ended_with("") < SLOW {
            number += 1;
            callback(&host, number).await;
        }
        assert!(seen.most_open.load(Ordering::SeqCst) > 500, "{seen:?}");
        assert_eq!(seen.ended_with(""), seen.ends.lock().unwrap().get("").copied().unwrap_or_default(), "{seen:?}");
        drop(attack);
        let entries = host.store().keys("journal:").await.unwrap().len() as u64;
        assert_eq!(entries, number, "half a request reached the component");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_slow_clients_are_cut_in_their_time_as_a_proxy_cuts_them() {
    run(async {
        let short = Duration::from_millis(300);
        let host = start(Limits { idle_time: short, head_time: short, body_time: short, ..Limits::default() }).await;
        let kinds = [(HALF_BODY, SLOW), (HALF_HEAD, SLOW), (IDLE, SLOW)];
        let (attack, seen) = slow::start(host.address(), &kinds, LONG);
        let mut number = 0;
        while seen.ended_with("") < 3 * SLOW {
            number += 1;
            callback(&host, number).await;
        }
        assert_eq!((seen.ended_with("408"), seen.ended_with("")), (SLOW, 3 * SLOW), "{seen:?}");
        drop(attack);
        host.stop().await;
    });
}
