//! Bodies that do not come, over raw TCP: who did not sign is not waited for, and who did only so long. Needs only HTTP, but
//! for what its name says is on the local host.

use e2e::{CONSOLE_TOKEN, Server, local, now, run, server, text};
use guanxi::time::Timestamp;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Far more than any of them may take: so that a test fails instead of waiting for ever.
const FOR_EVER: Duration = Duration::from_secs(120);
const ORDERS_KEYS: &str = "webhook-signature: v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=\r\nwebhook-id: msg_1\r\n";

/// A request whose head says that a body of `length` bytes follows, and `start` of that body.
async fn begin(server: &Server, request: &str, headers: &str, length: usize, start: &str) -> TcpStream {
    let address = server.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {length}\r\n\r\n{start}");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The status of the answer.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n") {
        head.push(timeout(FOR_EVER, stream.read_u8()).await.expect("an answer").expect("an answer"));
    }
    let line = String::from_utf8(head).unwrap();
    line.split(' ').nth(1).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
}

fn authorized(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn signed_at(timestamp: Timestamp) -> String {
    format!("{ORDERS_KEYS}webhook-timestamp: {timestamp}\r\n")
}

fn wechat(server: &Server, timestamp: Timestamp) -> String {
    let (query, _) = server.sealed(&text("oFan-1", timestamp, 1, "优惠"), timestamp);
    format!("POST /wechat?{query}")
}

#[test]
fn what_can_be_refused_without_the_body_is_not_waited_for() {
    run(async {
        let server = server().await;
        let now = now();
        let right = wechat(server, now);
        let old = Timestamp(now.0 - 400);
        for (request, headers, length, expected) in [
            ("POST /wechat", String::new(), 60_000, 401),
            (&right.replace("?signature=", "?signature=0"), String::new(), 60_000, 401),
            (&right.replace("msg_signature=", "nothing="), String::new(), 60_000, 401),
            (&right.replace("msg_signature=", "msg_signature=0"), String::new(), 60_000, 401),
            (&format!("{right}&nonce=1"), String::new(), 60_000, 401),
            (&wechat(server, old), String::new(), 60_000, 401),
            (&right, String::new(), 65_537, 413),
            ("PUT /wechat", String::new(), 60_000, 405),
            ("POST /orders", String::new(), 60_000, 401),
            ("POST /orders", signed_at(old), 60_000, 401),
            ("POST /orders", signed_at(now).replace("v1,", "v2,"), 60_000, 401),
            ("POST /orders", signed_at(now), 262_145, 413),
            ("GET /orders", signed_at(now), 60_000, 405),
            ("POST /campaigns", String::new(), 60_000, 401),
            ("POST /campaigns", authorized("guess"), 60_000, 401),
            ("POST /campaigns?dryrun=1", authorized(CONSOLE_TOKEN), 60_000, 400),
            ("POST /campaigns", authorized(CONSOLE_TOKEN), 65_537, 413),
            ("POST /jobs/push", authorized("guess"), 60_000, 401),
            ("POST /jobs/rollup", authorized("guess"), 60_000, 401),
            ("DELETE /fans/oFan-1", authorized("guess"), 60_000, 401),
        ] {
            // Nothing more of the body ever comes, and a body that is waited for is a 408.
            let mut stream = begin(server, request, &headers, length, "<").await;
            assert_eq!(status(&mut stream).await, expected, "{request} {headers}");
        }
    });
}

#[test]
fn a_body_that_does_not_come_is_408() {
    run(async {
        let server = server().await;
        let wechat = wechat(server, now());
        let waiting = [
            begin(server, &wechat, "", 60_000, "<").await,
            begin(server, "POST /orders", &signed_at(now()), 60_000, "{").await,
            begin(server, "POST /campaigns", &authorized(CONSOLE_TOKEN), 60_000, "id").await,
        ];
        // Others are served meanwhile.
        assert_eq!(server.push(&text("oFan-1", now(), 2, "优惠")).await.status, 200);
        for mut stream in waiting {
            assert_eq!(status(&mut stream).await, 408);
        }
        assert_eq!(server.push(&text("oFan-1", now(), 3, "优惠")).await.status, 200);
    });
}

#[test]
fn a_body_that_comes_piece_by_piece_is_taken() {
    run(async {
        let server = server().await;
        let (query, body) = server.sealed(&text("oFan-1", now(), 4, "优惠"), now());
        let (first, rest) = body.split_at(body.len() / 2);
        let mut stream = begin(server, &format!("POST /wechat?{query}"), "", body.len(), first).await;
        // As a second TCP segment.
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(rest.as_bytes()).await.unwrap();
        assert_eq!(status(&mut stream).await, 200);
    });
}

#[test]
fn on_the_local_host_a_client_that_goes_away_is_told_apart_from_a_body_that_is_too_long() {
    run(async {
        let (host, server) = local("safe").await;
        let lines = || format!("{:?}", host.logs().lines("callback"));
        let wechat = wechat(&server, now());
        drop(begin(&server, &wechat, "", 60_000, "<").await);
        let gone = async {
            while !lines().contains("400: the client went away before the end of its body") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(FOR_EVER, gone).await.unwrap_or_else(|_| panic!("{}", lines()));
        assert!(!lines().contains("413"), "{}", lines());
        // Without a length it is cut where it becomes too long.
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let head = format!("{wechat} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n10001\r\n");
        stream.write_all(&[head.as_bytes(), &[b' '; 0x1_0001]].concat()).await.unwrap();
        assert_eq!(status(&mut stream).await, 413);
        assert!(lines().contains("413: the body is longer than 65536 bytes"), "{}", lines());
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_flood_of_refusals_is_a_few_lines_of_the_log() {
    run(async {
        let (host, server) = local("safe").await;
        for _ in 0..1_000 {
            assert_eq!(server.request(hyper::Method::POST, "/wechat", "").await.status, 401);
        }
        let lines = host.logs().lines("callback");
        // One request after the other: an instance takes 128 of them, and writes of these the first, second, fourth, ….
        assert!(lines.len() <= 8 * 8, "{} lines", lines.len());
        assert!(format!("{lines:?}").contains("(and 63 like it)"), "{lines:?}");
        host.stop().await;
    });
}
