//! Requests, routes, instances, logs, clocks.

use std::time::{Duration, SystemTime};

use guanxi_host::{
    Host, Options, Source, StateDir,
    store::{Action, Verdict},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::{self, error::TryRecvError},
};

use crate::fixtures::{Application, get, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_component_learns_how_it_was_called_as_under_spin() {
    let host = Application::new().start().await;
    let answer = request(&host, "POST", "/fans/o1/a/b/?x=1", &[], b"body").await;
    let address = host.address();
    assert_eq!(answer.status, 200);
    for line in [
        "POST /fans/o1/a/b/",
        "spin-path-info: /a/b/",
        &format!("spin-full-url: http://{address}/fans/o1/a/b/?x=1"),
        "spin-matched-route: /fans/:open_id/...",
        "spin-raw-component-route: /fans/:open_id/...",
        "spin-component-route: /fans/:open_id",
        "spin-base-path: /",
        "spin-path-match-open-id: o1",
        "body",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "no {line:?} in\n{}", answer.text);
    }
    assert!(answer.text.contains("spin-client-addr: 127.0.0.1:"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_forge_what_a_component_learns_of_a_call() {
    let host = Application::new().start().await;
    let forged = [("spin-path-match-open-id", "o2"), ("spin-client-addr", "10.0.0.1:1")];
    let answer = request(&host, "GET", "/fans/o1", &forged, b"").await;
    let values = |name: &str| -> Vec<_> {
        answer.text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    };
    assert_eq!(values("spin-path-match-open-id"), ["o2", "o1"]);
    assert_eq!(values("spin-client-addr")[0], "10.0.0.1:1");
    host.stop().await;
}

/// What a server answers to these bytes, up to the end of the connection.
async fn exchange(host: &Host, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_to_end(stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_no_host_gets_no_answer() {
    let host = Application::new().start().await;
    for head in [
        "GET /do/greet HTTP/1.1\r\n\r\n",
        "GET /do/greet HTTP/1.1\r\nhost: app.spin.internal\r\n\r\n",
        "GET /do/greet HTTP/1.1\r\nhost: app.spin.internal:80\r\n\r\n",
        "GET /do/greet HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET http://a/do/greet HTTP/1.1\r\nhost: b\r\n\r\n",
    ] {
        assert_eq!(exchange(&host, head.as_bytes()).await, "", "{head}");
    }
    // Spin's own paths need none.
    let answer = exchange(&host, b"GET /.well-known/spin/health HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("OK"), "{answer}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_not_ascii_is_an_empty_500_before_any_component() {
    let host = Application::new().start().await;
    for value in [&b"caf\xe9"[..], "é".as_bytes()] {
        let head = [b"GET /do/panic HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-name: ", value, b"\r\n\r\n"].concat();
        let answer = exchange(&host, &head).await;
        assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
    assert_eq!(host.logs().lines("app"), []);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_does_not_see_the_connections_header() {
    let host = Application::new().start().await;
    let headers = [("connection", "x-a"), ("x-a", "1"), ("keep-alive", "5"), ("upgrade", "x")];
    let answer = request(&host, "GET", "/do/headers", &headers, b"").await;
    assert_eq!(answer.text.lines().filter(|name| !name.starts_with("spin-")).collect::<Vec<_>>(), ["x-a"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_http_1_is_spoken() {
    let host = Application::new().start().await;
    let answer = exchange(&host, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_route_is_an_empty_404() {
    let application = Application::changed("route = \"/...\"", "route = \"/do/...\"");
    let host = application.start().await;
    let answer = request(&host, "GET", "/elsewhere", &[], b"").await;
    assert_eq!((answer.status, answer.text.as_str()), (404, ""));
    assert_eq!(get(&host, "/.well-known/spin/health").await, "OK");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_empty_500_and_logged_and_the_next_request_is_fine() {
    let host = Application::new().start().await;
    let answer = request(&host, "GET", "/do/panic", &[], b"").await;
    assert_eq!((answer.status, answer.text.as_str()), (500, ""));
    assert_eq!(get(&host, "/do/greet").await, "hello fan (1)");
    let lines = host.logs().lines("app");
    assert!(lines.iter().any(|line| line.source == Source::Stderr && line.text.contains("as asked")));
    assert!(lines.iter().any(|line| line.source == Source::Host && line.text.contains("unreachable")));
    host.stop().await;
}

/// How often the instance that answers has greeted.
async fn greetings(host: &Host) -> u32 {
    get(host, "/do/greet").await.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_keeps_its_state_for_128_requests_and_no_more() {
    let host = Application::new().start().await;
    // An instance goes after an idle second; on a very busy machine the first one may not get to its 128.
    let mut counts = Vec::new();
    while !counts.contains(&128) && counts.len() < 2_000 {
        counts.push(greetings(&host).await);
    }
    assert_eq!(counts.last(), Some(&128));
    assert_eq!(greetings(&host).await, 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_instance_run_side_by_side() {
    let host = Application::new().start().await;
    let (asked, mut asks) = mpsc::unbounded_channel();
    host.store().watch(move |_| {
        _ = asked.send(());
        Verdict::Delay(Duration::from_millis(200))
    });
    let before = greetings(&host).await;
    let (value, during) = tokio::join!(get(&host, "/do/kv/get?key=a"), async {
        asks.recv().await;
        greetings(&host).await
    });
    // The same instance greeted while it waited for its store.
    assert_eq!((value.as_str(), during), ("none", before + 1));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_import_stops_its_instance_and_requests_given_to_it_wait() {
    let host = Application::new().start().await;
    let (asked, mut asks) = mpsc::unbounded_channel();
    host.store().watch(move |operation| {
        _ = asked.send(operation.action);
        Verdict::Delay(Duration::from_millis(200))
    });
    let (sum, after) = tokio::join!(get(&host, "/do/bucket/increment?key=a&delta=1&greet=first"), async {
        assert_eq!(asks.recv().await, Some(Action::Open));
        greetings(&host).await
    });
    // The same instance greeted, but not before its two sync imports were done.
    assert_eq!((sum.as_str(), after), ("1", 2));
    assert_eq!(asks.try_recv(), Ok(Action::Increment));
    host.stop().await;
}

/// A host, a client that waits for what its store says, and what ends when nobody can use that store any more.
async fn waiting(time: Duration) -> (Host, TcpStream, mpsc::UnboundedReceiver<()>) {
    let host = Application::new().start().await;
    let (asked, mut asks) = mpsc::unbounded_channel();
    host.store().set("a", b"value".to_vec()).await.unwrap();
    host.store().watch(move |_| {
        _ = asked.send(());
        Verdict::Delay(time)
    });
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(b"GET /do/kv/get?key=a HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    asks.recv().await.unwrap();
    (host, stream, asks)
}

/// What a client reads until the end, which may be a reset.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_at_once_and_whoever_waits_gets_nothing() {
    let (host, stream, _) = waiting(Duration::from_secs(60)).await;
    host.stop().await;
    assert_eq!(read_to_end(stream).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_outlives_its_answer_is_lost_when_the_host_stops() {
    let host = Application::new().start().await;
    let (asked, mut asks) = mpsc::unbounded_channel();
    host.store().watch(move |_| {
        _ = asked.send(());
        Verdict::Delay(Duration::from_secs(60))
    });
    assert_eq!(get(&host, "/do/linger").await, "answered");
    asks.recv().await.unwrap();
    assert_eq!(asks.try_recv(), Err(TryRecvError::Empty), "the task waits");
    host.stop().await;
    // The watcher has gone with the last instance.
    assert_eq!(asks.try_recv(), Err(TryRecvError::Disconnected));
}

#[tokio::test(flavor = "multi_thread")]
async fn finishing_lets_a_request_in_flight_end() {
    let (host, stream, _) = waiting(Duration::from_millis(200)).await;
    host.finish().await;
    let answer = read_to_end(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("value"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_clocks_of_a_component_can_be_set() {
    let host = Application::new().start().await;
    host.clock().stop_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    assert_eq!(get(&host, "/do/clock").await, "1700000000 1700000000");
    host.clock().advance(Duration::from_secs(60));
    assert_eq!(get(&host, "/do/clock").await, "1700000060 1700000060");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_goes_line_by_line_to_spins_log_files() {
    let application = Application::new();
    let state = application.folder.path().join("state");
    let options = Options { state_dir: StateDir::Path(state.clone()), ..application.options() };
    let host = Host::start(options).await.unwrap();
    get(&host, "/do/print?text=one").await;
    get(&host, "/do/print?text=two").await;
    host.stop().await;
    let read = |name: &str| std::fs::read_to_string(state.join("logs").join(name)).unwrap();
    assert_eq!(read("app_stdout.txt"), "out one\nout two\n");
    assert_eq!(read("app_stderr.txt"), "err one\nerr two\n");
    assert!(state.join("sqlite_key_value.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_peak_of_an_instances_memory_is_known() {
    let host = Application::new().start().await;
    assert_eq!(host.peak_memory("app"), 0);
    get(&host, "/do/greet").await;
    let before = host.peak_memory("app");
    get(&host, "/do/grow?bytes=20000000").await;
    let grown = host.peak_memory("app") - before;
    assert!((18_000_000..30_000_000).contains(&grown), "{before} + {grown}");
    host.stop().await;
}
