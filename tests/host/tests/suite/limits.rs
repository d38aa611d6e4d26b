//! What stands for a proxy in front: slow, half-sent, long and too many requests. Most limits of each test are far away, so
//! that the one that is meant is the one that is met.

use std::{net::SocketAddr, time::Duration};

use guanxi_host::{
    Host, Limits, Options,
    store::{Action, Verdict},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
};

use crate::fixtures::{Application, get, request};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(600);

/// None that a test meets by chance.
fn far() -> Limits {
    Limits { idle_time: LONG, head_time: LONG, body_time: LONG, ..Limits::default() }
}

async fn start(limits: Limits) -> Host {
    start_with(Some(limits)).await
}

async fn start_with(limits: Option<Limits>) -> Host {
    let application = Application::new();
    let options = Options { limits, ..application.options() };
    Host::start(options).await.unwrap()
}

/// A connection from 127.0.0.`client`.
async fn connect(host: &Host, client: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, client], 0))).unwrap();
    socket.connect(host.address()).await.unwrap()
}

async fn send(host: &Host, client: u8, text: &str) -> TcpStream {
    let mut stream = connect(host, client).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// All that comes until the host closes the connection; a reset is such an end too.
async fn end_of(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 1_024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        text.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(text).unwrap()
}

/// One answer of a connection that stays open: none of its bodies has a line.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.contains("hello fan") {
        let mut buffer = [0; 1_024];
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "closed after {text}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    text
}

const GREET: &str = "GET /do/greet HTTP/1.1\r\nhost: localhost\r\n\r\n";
const HALF_HEAD: &str = "POST /wechat HTTP/1.1\r\nhost: localh";
const HALF_BODY: &str = "POST /do/greet HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\nx";

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_sends_nothing_is_closed() {
    let host = start(Limits { idle_time: SHORT, ..far() }).await;
    assert_eq!(end_of(connect(&host, 1).await).await, "");
    let mut kept = send(&host, 1, GREET).await;
    answer(&mut kept).await;
    assert_eq!(end_of(kept).await, "", "and one that has been answered");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_cut_however_it_drips() {
    let host = start(Limits { head_time: SHORT, ..far() }).await;
    assert_eq!(end_of(send(&host, 1, HALF_HEAD).await).await, "");
    let (mut receiving, mut dripping) = send(&host, 1, HALF_HEAD).await.into_split();
    let drip = async {
        while dripping.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let end = async {
        let mut rest = Vec::new();
        // An end and a reset are both the end.
        _ = receiving.read_to_end(&mut rest).await;
        assert_eq!(rest, b"");
    };
    tokio::join!(drip, end);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_408_however_it_drips_and_takes_no_instance() {
    let host = start(Limits { body_time: SHORT, ..far() }).await;
    let text = end_of(send(&host, 1, HALF_BODY).await).await;
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("connection: close"), "{text}");
    let (mut receiving, mut dripping) = send(&host, 1, HALF_BODY).await.into_split();
    let drip = async {
        while dripping.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let end = async {
        let mut head = [0; 13];
        receiving.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 408 ");
        _ = receiving.read_to_end(&mut Vec::new()).await;
    };
    tokio::join!(drip, end);
    assert_eq!(host.peak_memory("app"), 0, "the component was called");
    assert_eq!(host.logs().lines("app"), []);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_half_a_body_takes_an_instance_as_under_spin() {
    let host = start_with(None).await;
    let slow = send(&host, 1, HALF_BODY).await;
    while host.peak_memory("app") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(slow);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_many_pieces_arrives_whole() {
    let host = start(far()).await;
    let mut stream = connect(&host, 1).await;
    stream.set_nodelay(true).unwrap();
    let pieces = "POST /a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                  3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for piece in pieces.as_bytes().chunks(7) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let text = end_of(stream).await;
    assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("abcde"), "{text}");
    let mut stream = send(&host, 1, &GREET.repeat(2)).await;
    let mut both = answer(&mut stream).await;
    while both.matches("hello fan").count() < 2 {
        both.push_str(&answer(&mut stream).await);
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_heads_and_bodies_are_refused() {
    let host = start(Limits { head_bytes: 8_192, body_bytes: 100, ..far() }).await;
    assert_eq!(request(&host, "POST", "/a", &[], &[b'x'; 100]).await.status, 200);
    assert_eq!(request(&host, "POST", "/a", &[], &[b'x'; 101]).await.status, 413);
    let chunked = format!(
        "POST /a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        "x".repeat(101)
    );
    assert!(end_of(send(&host, 1, &chunked).await).await.starts_with("HTTP/1.1 413 "));
    let long = format!("GET /a HTTP/1.1\r\nhost: localhost\r\nx: {}", "x".repeat(8_192));
    assert!(end_of(send(&host, 1, &long).await).await.starts_with("HTTP/1.1 431 "));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_of_one_address_make_room_for_the_next_of_it() {
    let host = start(Limits { connections_per_address: 2, ..far() }).await;
    let first = connect(&host, 2).await;
    let mut other = connect(&host, 3).await;
    let second = connect(&host, 2).await;
    let mut third = send(&host, 2, GREET).await;
    answer(&mut third).await;
    assert_eq!(end_of(first).await, "");
    let mut fourth = send(&host, 2, GREET).await;
    answer(&mut fourth).await;
    assert_eq!(end_of(second).await, "");
    for stream in [&mut other, &mut third, &mut fourth] {
        stream.write_all(GREET.as_bytes()).await.unwrap();
        answer(stream).await;
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_work_are_not_cut_for_others_and_can_fill_the_host() {
    let host = start(Limits { connections: 2, ..far() }).await;
    host.store().set("a", b"hello fan".to_vec()).await.unwrap();
    let (asked, mut asks) = mpsc::unbounded_channel();
    host.store().watch(move |operation| {
        if operation.action != Action::Get {
            return Verdict::Proceed;
        }
        _ = asked.send(());
        Verdict::Delay(20 * SHORT)
    });
    let get = "GET /do/kv/get?key=a HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut first = send(&host, 1, get).await;
    asks.recv().await;
    let idle = connect(&host, 1).await;
    let mut second = send(&host, 2, get).await;
    assert_eq!(end_of(idle).await, "", "it made room");
    asks.recv().await;
    assert_eq!(end_of(connect(&host, 3).await).await, "", "there is none to be made");
    answer(&mut first).await;
    answer(&mut second).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_much_that_is_half_sent_the_largest_goes_first() {
    let host = start(Limits { held_bytes: 30_000, ..far() }).await;
    let large = send(&host, 1, &format!("{HALF_BODY}{}", "x".repeat(20_000))).await;
    let small = send(&host, 1, HALF_BODY).await;
    let larger = send(&host, 1, &format!("{HALF_BODY}{}", "x".repeat(25_000))).await;
    // Which of the two went depends on how far the second had come.
    tokio::select! {
        text = end_of(large) => assert_eq!(text, ""),
        text = end_of(larger) => assert_eq!(text, ""),
    }
    assert_eq!(get(&host, "/do/greet").await, "hello fan (1)");
    drop(small);
    host.stop().await;
}
