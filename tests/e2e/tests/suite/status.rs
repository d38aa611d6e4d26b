//! `/healthz`, `/jobs/status` and `/metrics`: who gets what, and what becomes of them when the store does not answer.

use e2e::{CONSOLE_TOKEN, JOB_TOKEN, event, local, now, owned, run, said, server, text};
use guanxi_host::store::{Action, Verdict};
use hyper::Method;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The answer of a store that has not answered by then is of no use to a probe.
const SECOND: Duration = Duration::from_secs(1);
/// What a busy machine adds to it.
const SPARE: Duration = Duration::from_millis(700);

#[test]
fn everybody_learns_whether_it_runs_and_nothing_else() {
    run(async {
        let server = server().await;
        let answer = server.request(Method::GET, "/healthz", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        assert_eq!(answer.headers["cache-control"], "no-store");
        for method in [Method::POST, Method::DELETE, Method::PUT] {
            assert_eq!(server.request(method, "/healthz", "").await.status, 405);
        }
        for path in ["/jobs/status", "/metrics"] {
            for token in ["", CONSOLE_TOKEN, "e2e-job-toke"] {
                let answer = server.authorized(Method::GET, path, token).await;
                assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{path} {token}");
            }
            assert_eq!(server.request(Method::GET, path, "").await.status, 401, "{path}");
            assert_eq!(server.authorized(Method::POST, path, JOB_TOKEN).await.status, 405, "{path}");
            let answer = server.authorized(Method::GET, path, JOB_TOKEN).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        }
    });
}

#[test]
fn the_jobs_runs_show_in_both_and_nothing_is_written() {
    run(async {
        let (host, server) = local("safe").await;
        let metric = async |name: &str| {
            let answer = server.authorized(Method::GET, "/metrics", JOB_TOKEN).await;
            assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
            let value = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
            value.map(|value: f64| (value * 1_000.0).round() / 1_000.0)
        };
        let status = async || -> Value {
            let answer = server.authorized(Method::GET, "/jobs/status", JOB_TOKEN).await;
            assert_eq!(answer.headers["content-type"], "application/json");
            serde_json::from_str(&answer.body).unwrap()
        };
        let run_of_rollup = r#"guanxi_job_last_run_timestamp_seconds{run="rollup"}"#;
        assert_eq!((metric("guanxi_messages_total").await, metric(run_of_rollup).await), (Some(0.0), None));
        for number in 0..3 {
            server.push(&text("oFan-1", now(), number, "优惠")).await;
        }
        server.push(&event("oFan-2", now(), "subscribe", "<EventKey></EventKey>")).await;
        let trace = host.store().trace();
        assert_eq!(metric(r#"guanxi_journal_streams{state="unopened"}"#).await, Some(1.0));
        assert_eq!(status().await["journal"]["unopened_streams"], 1);
        let answer = server.request(Method::GET, "/healthz", "").await;
        assert_eq!(answer.status, 200);
        let operations = trace.take();
        assert!(operations.iter().all(|operation| operation.component == "status"));
        // A counter is read by adding nothing to it.
        let writes = operations.iter().filter(|operation| operation.action.writes());
        assert!(writes.clone().count() > 0);
        assert!(
            writes.clone().all(|write| write.action == Action::Increment && write.key == "seq:journal"),
            "{operations:?}"
        );
        owned(&operations);
        assert_eq!(server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await.status, 200);
        let began = metric(run_of_rollup).await.unwrap();
        assert!(now().0.abs_diff(began as u64) < 60, "{began}");
        // To follow is an event and no message.
        assert_eq!(metric("guanxi_messages_total").await, Some(3.0));
        assert_eq!(metric("guanxi_journal_entries_folded_total").await, Some(4.0));
        let status = status().await;
        assert_eq!((&status["messages"], &status["journal"]["unopened_streams"]), (&3.into(), &0.into()));
        assert_eq!((status["jobs"]["rollup"]["began"].as_f64(), &status["jobs"]["push"]), (Some(began), &Value::Null));
        assert_eq!(said(&host, "status"), "", "nothing to tell the operator");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_store_that_fails_is_an_empty_503_until_it_is_back() {
    run(async {
        let (host, server) = local("safe").await;
        host.store().watch(|operation| match operation.component.as_str() {
            "status" => Verdict::Fail,
            _ => Verdict::Proceed,
        });
        let answer = server.request(Method::GET, "/healthz", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (503, ""));
        assert_eq!(answer.headers["cache-control"], "no-store");
        for path in ["/jobs/status", "/metrics"] {
            let answer = server.authorized(Method::GET, path, JOB_TOKEN).await;
            assert_eq!(answer.status, 503, "{path}");
            assert!(!answer.body.contains("guanxi_") && !answer.body.contains('{'), "{path}: {}", answer.body);
        }
        host.store().unwatch();
        tokio::time::sleep(SECOND).await;
        assert_eq!(server.request(Method::GET, "/healthz", "").await.status, 200);
        for path in ["/jobs/status", "/metrics"] {
            assert_eq!(server.authorized(Method::GET, path, JOB_TOKEN).await.status, 200, "{path}");
        }
        let said = said(&host, "status");
        assert!(said.contains(r#""level":"error","component":"status","event":"unhealthy","#), "{said}");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_store_that_does_not_answer_is_a_503_within_its_time() {
    run(async {
        let (host, server) = local("safe").await;
        // Opened, so that what follows waits for the one call that every request makes.
        assert_eq!(server.request(Method::GET, "/healthz", "").await.status, 200);
        tokio::time::sleep(SECOND).await;
        host.store().watch(|operation| match operation.component.as_str() {
            "status" => Verdict::Delay(Duration::from_secs(20)),
            _ => Verdict::Proceed,
        });
        for (path, limit) in
            [("/healthz", SECOND), ("/metrics", Duration::from_secs(4)), ("/jobs/status", Duration::from_secs(4))]
        {
            let began = Instant::now();
            let answer = server.authorized(Method::GET, path, JOB_TOKEN).await;
            let took = began.elapsed();
            assert_eq!(answer.status, 503, "{path}: {}", answer.body);
            assert!((limit - SPARE..limit + SPARE).contains(&took), "{path}: {took:?}");
        }
        host.store().unwatch();
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_flood_of_healthz_costs_the_store_next_to_nothing() {
    run(async {
        let (host, server) = local("safe").await;
        let trace = host.store().trace();
        let began = Instant::now();
        const CONNECTIONS: usize = 32;
        const EACH: usize = 125;
        let url = host.url();
        let mut clients = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let client = e2e::Server::new(&url, guanxi::wechat::endpoint::Mode::Safe);
            clients.spawn(async move {
                for _ in 0..EACH {
                    let answer = client.request(Method::GET, "/healthz", "").await;
                    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
                }
            });
        }
        clients.join_all().await;
        let seconds = began.elapsed().as_secs() as usize + 1;
        let operations = trace.take();
        let reads = operations.iter().filter(|operation| operation.action == Action::Get).count();
        // One a second of each instance, which opens the store once; it is over after 128 requests.
        let opened = operations.iter().filter(|operation| operation.action == Action::Open).count();
        let requests = CONNECTIONS * EACH;
        assert!((1..=opened * seconds).contains(&reads), "{reads} reads by {opened} at most in {seconds} s");
        assert!(reads * 20 <= requests, "{reads} reads for {requests} requests");
        assert!(operations.iter().all(|operation| !operation.action.writes()), "{operations:?}");
        drop(server);
        host.stop().await;
    });
}
