//! Bodies that do not come, over raw TCP: who did not sign is not waited for, and who did only so long. Needs only HTTP, but
//! for what its name says is on the local host.

use e2e::{Answer, CONSOLE_TOKEN, Server, local, now, run, said, server, text};
use guanxi::time::Timestamp;
use hyper::{HeaderMap, Method};
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

/// The whole answer, and not a byte of what follows it.
async fn answer(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(FOR_EVER, stream.read_u8()).await.expect("an answer").expect("an answer"));
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or_else(|| panic!("{head}"));
    let mut body = vec![0; length.parse().unwrap()];
    timeout(FOR_EVER, stream.read_exact(&mut body)).await.expect("a body").expect("a body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers: HeaderMap::new(), body: String::from_utf8(body).unwrap() }
}

/// A field of the reply inside an answer.
fn replied(server: &Server, answer: &Answer, field: &str) -> String {
    assert_eq!(answer.status, 200);
    let reply = server.open(answer);
    reply
        .split(&format!("<{field}>"))
        .nth(1)
        .unwrap_or_else(|| panic!("{reply}"))
        .split("</")
        .next()
        .unwrap()
        .to_owned()
}

fn chunk(of: &str) -> String {
    format!("{:x}\r\n{of}\r\n", of.len())
}

/// As TCP segments of their own.
async fn write_apart(stream: &mut TcpStream, pieces: &[String]) {
    for piece in pieces {
        stream.write_all(piece.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
fn a_body_that_does_not_say_how_long_it_is_is_read_to_its_end() {
    run(async {
        let server = server().await;
        let message = text("oFan-1", now(), 5, "优惠");
        let expected = replied(server, &server.push(&message).await, "Content");
        assert!(expected.contains("CDATA"), "is this blind? {expected}");
        let (query, body) = server.sealed(&message, now());
        let (first, rest) = body.split_at(body.len() / 3);
        let (second, third) = rest.split_at(7);
        let chunks = [first, second, third].map(chunk);
        let [a, b, c] = &chunks;
        let (cut, end) = c.split_at(c.len() / 2);
        for (pieces, how) in [
            (vec![format!("{a}{b}{c}0\r\n\r\n")], "at once"),
            (vec![a.clone(), b.clone(), c.clone(), "0\r\n\r\n".into()], "one after the other, and then the end"),
            (vec![format!("{a}{b}{cut}"), format!("{end}0\r\n"), "\r\n".into()], "cut where no chunk ends"),
            (vec![chunk(&body), "0\r\nx-sum: 1\r\n\r\n".into()], "with a trailer"),
            (body.chars().map(|one| chunk(&one.to_string())).chain(["0\r\n\r\n".into()]).collect(), "byte by byte"),
        ] {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            let head = format!("POST /wechat?{query} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
            match pieces.len() {
                0..10 => write_apart(&mut stream, &[&[head][..], &pieces].concat()).await,
                _ => stream.write_all((head + pieces.concat().as_str()).as_bytes()).await.unwrap(),
            }
            assert_eq!(replied(server, &answer(&mut stream).await, "Content"), expected, "{how}");
        }
    });
}

#[test]
fn what_follows_a_body_on_its_connection_is_a_request_of_its_own() {
    run(async {
        let server = server().await;
        let request = |fan: &str, id: u64, chunked: bool| {
            let (query, body) = server.sealed(&text(fan, now(), id, "优惠"), now());
            let head = format!("POST /wechat?{query} HTTP/1.1\r\nhost: x\r\n");
            match chunked {
                true => (format!("{head}transfer-encoding: chunked\r\n\r\n"), format!("{}0\r\n\r\n", chunk(&body))),
                false => (format!("{head}content-length: {}\r\n\r\n", body.len()), body),
            }
        };
        for (id, chunked) in [(10, [false, false]), (20, [false, true]), (30, [true, false]), (40, [true, true])] {
            let (first, second) = (request("oFan-1", id, chunked[0]), request("oFan-2", id + 1, chunked[1]));
            let (begin, end) = first.1.split_at(first.1.len() / 2);
            // The second head comes with the end of the first body: whole, with its body, or cut.
            for pieces in [
                vec![first.0.clone() + begin, format!("{end}{}", second.0), second.1.clone()],
                vec![first.0.clone() + begin, format!("{end}{}{}", second.0, second.1)],
                vec![
                    first.0.clone() + begin,
                    format!("{end}{}", &second.0[..9]),
                    second.0[9..].to_owned() + second.1.as_str(),
                ],
                vec![format!("{}{}{}{}", first.0, first.1, second.0, second.1)],
            ] {
                let mut stream = TcpStream::connect(server.address()).await.unwrap();
                write_apart(&mut stream, &pieces).await;
                for fan in ["oFan-1", "oFan-2"] {
                    let to = replied(server, &answer(&mut stream).await, "ToUserName");
                    assert!(to.contains(fan), "{to} instead of {fan}, {chunked:?}");
                }
                // The connection is good for more.
                stream.write_all(b"GET /wechat HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
                assert_eq!(answer(&mut stream).await.status, 401);
            }
        }
    });
}

#[test]
fn on_the_local_host_a_client_that_goes_away_is_told_apart_from_a_body_that_is_too_long() {
    run(async {
        let (host, server) = local("safe").await;
        let lines = || said(&host, "callback");
        let wechat = wechat(&server, now());
        drop(begin(&server, &wechat, "", 60_000, "<").await);
        let gone = async {
            while !lines().contains(r#""status":400,"says":"the client went away before the end of its body""#) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(FOR_EVER, gone).await.unwrap_or_else(|_| panic!("{}", lines()));
        // Nor is a body without a length taken for whole that has no end.
        let (query, body) = server.sealed(&text("oFan-1", now(), 6, "优惠"), now());
        let head = format!("POST /wechat?{query} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all((head + chunk(&body).as_str()).as_bytes()).await.unwrap();
        drop(stream);
        let gone = async {
            while lines().matches(r#""status":400,"says":"the client went away"#).count() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(FOR_EVER, gone).await.unwrap_or_else(|_| panic!("{}", lines()));
        assert!(!lines().contains(r#""status":413"#), "{}", lines());
        // Without a length it is cut where it becomes too long.
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let head = format!("{wechat} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n10001\r\n");
        stream.write_all(&[head.as_bytes(), &[b' '; 0x1_0001]].concat()).await.unwrap();
        assert_eq!(status(&mut stream).await, 413);
        assert!(lines().contains(r#""status":413,"says":"the body is longer than 65536 bytes""#), "{}", lines());
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_flood_of_refusals_is_a_few_lines_of_the_log() {
    run(async {
        let (host, server) = local("safe").await;
        for _ in 0..1_000 {
            assert_eq!(server.request(Method::POST, "/wechat", "").await.status, 401);
        }
        let said = said(&host, "callback");
        let lines: Vec<&str> = said.lines().collect();
        // One request after the other: an instance takes 128 of them, and writes of these the first, second, fourth, ….
        assert!(lines.len() <= 8 * 8, "{} lines", lines.len());
        assert!(said.contains(r#","like_it":63,"#), "{said}");
        host.stop().await;
    });
}
