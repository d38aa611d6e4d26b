//! The clock, an application of its own, beside the one whose jobs it calls. On the local host only.

use e2e::{JOB_TOKEN, Server, at, build, now, options, root, run, text};
use guanxi::wechat::endpoint::Mode;
use guanxi_host::{Host, Options, Schedule};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

async fn clock(url: &str, token: &str) -> Schedule {
    build();
    let options = Options::for_test(root().join("functions/clock"));
    Schedule::load(options.variable("guanxi_url", url).variable("job_token", token)).await.unwrap()
}

/// All that a component and the host about it have said.
fn lines(clock: &Schedule, component: &str) -> Vec<String> {
    clock.logs().lines(component).into_iter().map(|line| line.text).collect()
}

/// What a component's line says of a job's answer.
fn called(line: &str, component: &str, level: &str) -> (u64, String) {
    let read: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    assert_eq!(
        (&read["component"], &read["level"], &read["event"]),
        (&component.into(), &level.into(), &"called".into())
    );
    assert!(now().0.abs_diff(read["at"].as_u64().unwrap()) < 300, "{line}");
    (read["status"].as_u64().unwrap(), read["says"].as_str().unwrap().to_owned())
}

#[test]
fn on_the_local_host_each_job_has_a_tick_every_minute() {
    run(async {
        let clock = clock("http://127.0.0.1:1", JOB_TOKEN).await;
        let triggers = clock.triggers().iter();
        let triggers: Vec<_> =
            triggers.map(|trigger| (trigger.component.as_str(), trigger.expression.to_string())).collect();
        let every = [("clock-rollup", 0), ("clock-outbox", 10), ("clock-push", 30)];
        assert_eq!(triggers, every.map(|(id, second)| (id, format!("{second} * * * * *"))));
    });
}

#[test]
fn on_the_local_host_a_tick_runs_its_job_and_logs_the_answer() {
    run(async {
        let host = Host::start(options("safe").variable("wechat_app_secret", "")).await.unwrap();
        let server = Server::new(&host.url(), Mode::Safe);
        host.clock().stop_at(at(now()));
        assert_eq!(server.push(&text("oFan-1", now(), 1, "优惠")).await.status, 200);
        let clock = clock(&host.url(), JOB_TOKEN).await;

        let folded = async || !host.store().keys("fan:").await.unwrap().is_empty();
        assert!(!folded().await);
        clock.tick("clock-rollup").await.unwrap();
        assert!(folded().await);
        // The minute is claimed, which is no failure.
        clock.tick("clock-rollup").await.unwrap();
        let said = lines(&clock, "clock-rollup");
        assert_eq!(said.len(), 2, "{said:?}");
        let (status, says) = called(&said[0], "clock-rollup", "info");
        assert!(status == 200 && says.starts_with('{'), "{said:?}");
        assert_eq!(called(&said[1], "clock-rollup", "info").0, 409);

        let error = clock.tick("clock-push").await.unwrap_err().to_string();
        assert_eq!(error, "component `clock-push` failed: push: answered with 500");
        let said = lines(&clock, "clock-push");
        let (status, says) = called(&said[0], "clock-push", "error");
        assert!(status == 500 && says.starts_with("variable wechat_app_secret"), "{said:?}");
        assert_eq!(said[1..], [error]);
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_wrong_token_is_a_failure_that_does_not_show_it() {
    run(async {
        let host = Host::start(options("safe")).await.unwrap();
        for (token, expected) in
            [("sesame-open", "rollup: answered with 401"), ("", "rollup: variable job_token is empty")]
        {
            let clock = clock(&host.url(), token).await;
            let error = clock.tick("clock-rollup").await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            let said = lines(&clock, "clock-rollup");
            assert!(said.iter().all(|line| !line.contains("sesame")), "{said:?}");
        }
        host.stop().await;
        let gone = clock(&host_gone().await, "sesame-open").await;
        let error = gone.tick("clock-push").await.unwrap_err().to_string();
        assert!(error.contains("push: no answer: ErrorCode::ConnectionRefused"), "{error}");
    });
}

/// Where nobody listens any more.
async fn host_gone() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn on_the_local_host_a_tick_is_one_post_and_of_a_long_answer_the_beginning_in_one_line() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // A slash at the end does not matter.
        let clock = clock(&format!("http://{}/", listener.local_addr().unwrap()), "sesame").await;
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let body = "line\n".repeat(400);
            let answer = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(head).unwrap().to_lowercase()
        };
        let (head, ticked) = tokio::join!(answer, clock.tick("clock-rollup"));
        ticked.unwrap();
        for expected in
            ["post /jobs/rollup http/1.1\r\n", "\r\nauthorization: bearer sesame\r\n", "\r\ncontent-length: 0\r\n"]
        {
            assert!(head.contains(expected), "{expected:?} in {head:?}");
        }
        let said = lines(&clock, "clock-rollup");
        assert_eq!(said.len(), 1, "{said:?}");
        // As much of it as one line has room for.
        let (status, says) = called(&said[0], "clock-rollup", "info");
        let beginning = says.strip_suffix('…').unwrap();
        assert!(status == 202 && beginning.len() > 300 && "line\n".repeat(100).starts_with(beginning), "{says}");
    });
}
