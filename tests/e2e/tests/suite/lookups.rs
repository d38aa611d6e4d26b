//! A rule asks a service that hangs, breaks off, lies or leads elsewhere: that costs the fan only the fallback, in time, and nobody
//! else anything. Each test has a local host of its own, and its services are one listener of this process, by path.
#![allow(clippy::print_stdout, reason = "what was measured")]

use e2e::{Server, at, options, owned, run, said, text};
use guanxi::{
    lookup::ANSWER_BY,
    playbook::{compile, publish::publish},
    time::Timestamp,
    wechat::endpoint::Mode,
};
use guanxi_host::{Host, Options};
use hyper::Method;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const START: Timestamp = Timestamp(1_772_416_800);
/// When the playbook of the test holds.
const HOLDS: Timestamp = Timestamp(START.0 + 31);
const HUGE: usize = 10_000_000;
/// Of every service but those that say otherwise, in milliseconds.
const TIMEOUT: u64 = 400;

/// What a hostile service does with a request.
const HOSTILE: [&str; 9] = ["hang", "drip", "error", "huge", "garbage", "redirect", "broken", "nothing", "deep"];

/// A listener that answers by the first part of the path.
struct Services {
    address: String,
    /// Heads and bodies.
    requests: Arc<Mutex<Vec<String>>>,
    /// Bytes of the huge body that were taken.
    taken: Arc<AtomicUsize>,
}

impl Services {
    /// `elsewhere` is where redirects lead.
    async fn start(elsewhere: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests, taken) = (Arc::default(), Arc::default());
        let services = Self { address, requests: Arc::clone(&requests), taken: Arc::clone(&taken) };
        let elsewhere = elsewhere.to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&requests), Arc::clone(&taken), elsewhere.clone()));
            }
        });
        services
    }

    fn asked(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<Mutex<Vec<String>>>, taken: Arc<AtomicUsize>, elsewhere: String) {
    let mut request = Vec::new();
    let length = |head: &str| {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
        length.map_or(0, |length| length.parse::<usize>().unwrap())
    };
    loop {
        let mut piece = [0; 4_096];
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => request.extend(&piece[..read]),
            _ => return,
        }
        let text = String::from_utf8_lossy(&request);
        if text.split_once("\r\n\r\n").is_some_and(|(head, body)| body.len() >= length(head)) {
            break;
        }
    }
    let text = String::from_utf8(request).unwrap();
    let path = text.split(' ').nth(1).unwrap().trim_start_matches('/').split('?').next().unwrap().to_owned();
    requests.lock().unwrap().push(text);
    let whole = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    let answer = match path.as_str() {
        "hang" => return std::future::pending().await,
        "drip" => {
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return;
        }
        "huge" => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n");
            _ = stream.write_all(head.as_bytes()).await;
            while taken.load(Ordering::SeqCst) < HUGE && stream.write_all(&[b'1'; 10_000]).await.is_ok() {
                taken.fetch_add(10_000, Ordering::SeqCst);
            }
            return;
        }
        "error" => whole("500 Oops", "{\"v\":\"secret of the server\"}"),
        "garbage" => whole("200 OK", "\u{1}<html>{\"v\":"),
        "deep" => whole("200 OK", &"[".repeat(60_000)),
        "nothing" => whole("200 OK", "{\"w\":1}"),
        "broken" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"v\":\"half".to_owned(),
        "redirect" => format!("HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n"),
        "late" => {
            tokio::time::sleep(Duration::from_millis(700)).await;
            whole("200 OK", "{\"v\":\"晴\"}")
        }
        _ => whole("200 OK", "{\"v\":\"晴<b>\"}"),
    };
    _ = stream.write_all(answer.as_bytes()).await;
}

/// A rule and a service for each path.
fn playbook() -> String {
    let paths = HOSTILE.into_iter().map(|path| (path, String::new()));
    let others =
        [("good", "headers = { x-key = \"lookup_key2\" }\ncache_seconds = 600\n"), ("late", "timeout_ms = 3000\n")];
    let others = others.map(|(path, keys)| (path, keys.to_owned()));
    let rules = paths.chain(others).map(|(path, keys)| {
        let timeout = if keys.contains("timeout_ms") { String::new() } else { format!("timeout_ms = {TIMEOUT}\n") };
        format!(
            "[[services]]\nid = \"{path}\"\nurl = \"https://api.example.com/{path}?q={{text}}\"\npointer = \"/v\"\n{keys}{timeout}\
             text = \"{{text}}：{{value}}\"\nfallback = \"没查到\"\n[[rules]]\nid = \"{path}\"\non = \"text\"\nmatch = {{ prefix = \"{path}\" }}\nask = \"{path}\"\n"
        )
    });
    let rules: String = rules.collect();
    format!(
        "version = 1\naccount = \"service\"\nname = \"n\"\n{rules}[[rules]]\nid = \"hello\"\non = \"text\"\nmatch = {{ exact = \"你好\" }}\ntext = \"在呢\"\n"
    )
}

fn asking(services: &Services) -> Options {
    options("safe")
        .variable("lookup_host1", "https://other.example.com")
        .variable("lookup_host2", "https://api.example.com")
        .variable("lookup_key1", "the-others-key")
        .variable("lookup_key2", "the-key")
        .variable("lookup_stand_in", &format!("http://{}", services.address))
}

/// A host on which the playbook holds.
async fn start(options: Options) -> (Host, Server) {
    let host = Host::start(options).await.unwrap();
    let server = Server::new(&host.url(), Mode::Safe);
    host.clock().stop_at(at(START));
    // As a publication writes it, without a console to compile it.
    let compiled = compile(&playbook()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let (_, writes) = publish(None, &compiled, START).unwrap();
    for (key, value) in writes {
        host.store().set(&key, value).await.unwrap();
    }
    host.clock().stop_at(at(HOLDS));
    (host, server)
}

/// What a fan reads, and after how long.
async fn ask(server: &Server, number: u64, words: &str) -> (String, Duration) {
    let (fan, started) = (format!("oFan-{number}"), Instant::now());
    let answer = server.push_at(&text(&fan, HOLDS, number, words), HOLDS).await;
    let taken = started.elapsed();
    assert_eq!(answer.status, 200, "{words}");
    let reply = server.open(&answer);
    let content = reply.split_once("<Content><![CDATA[").and_then(|(_, rest)| rest.split_once("]]>"));
    (content.unwrap_or_else(|| panic!("{words}: {reply}")).0.to_owned(), taken)
}

#[test]
fn a_service_that_answers_is_heard_once_and_learns_nothing_of_the_fan() {
    run(async {
        let services = Services::start("127.0.0.1:1").await;
        let (host, server) = start(asking(&services)).await;
        let trace = host.store().trace();
        assert_eq!(ask(&server, 1, "good 杭州").await.0, "杭州：晴＜b＞");
        assert_eq!(ask(&server, 2, "good：杭州！").await.0, "杭州：晴＜b＞");
        let asked = services.asked();
        assert_eq!(asked.len(), 1, "the second is kept: {asked:?}");
        let head = asked[0].to_lowercase();
        assert!(head.starts_with("get /good?q=%e6%9d%ad%e5%b7%9e http/1.1\r\n"), "{head}");
        assert!(head.contains("x-key: the-key\r\n"), "{head}");
        assert!(!head.contains("ofan") && !head.contains("gh_e2e") && !head.contains("the-others-key"), "{head}");
        assert_eq!(ask(&server, 3, "late 杭州").await.0, "杭州：晴");
        // As any other message: each is in the journal.
        assert_eq!(host.store().keys("journal:").await.unwrap().len(), 3);
        assert!(owned(&trace.take()).contains("journal:<stream>:<i>"));
        // Nothing to ask.
        assert_eq!(ask(&server, 4, "good ！").await.0, "没查到");
        assert_eq!(services.asked().len(), 2);
        assert_eq!(said(&host, "ask"), "");
        host.stop().await;
    });
}

#[test]
fn whatever_a_service_does_the_fan_has_the_fallback_in_time_and_others_are_answered_at_once() {
    run(async {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let services = Services::start(&elsewhere.local_addr().unwrap().to_string()).await;
        let (host, server) = start(asking(&services)).await;
        let server = Arc::new(server);
        // So that no start of a component is measured.
        assert_eq!(ask(&server, 1, "你好").await.0, "在呢");
        assert_eq!(ask(&server, 2, "good 一").await.0, "一：晴＜b＞");
        let mut number = 10;
        let mut waiting = Vec::new();
        for path in HOSTILE.repeat(4) {
            number += 1;
            let (server, words) = (Arc::clone(&server), format!("{path} 密语{number}"));
            waiting.push((path, tokio::spawn(async move { ask(&server, number, &words).await })));
        }
        let mut slowest = Duration::ZERO;
        for number in 100..130 {
            let (content, taken) = ask(&server, number, "你好").await;
            assert_eq!(content, "在呢");
            slowest = slowest.max(taken);
        }
        let mut times = BTreeMap::new();
        for (path, fan) in waiting {
            let (content, taken) = fan.await.unwrap();
            assert_eq!(content, "没查到", "{path}");
            assert!(taken < ANSWER_BY, "{path}: {taken:?}");
            let longest: &mut Duration = times.entry(path).or_default();
            *longest = taken.max(*longest);
        }
        println!("others: at most {slowest:?}; with a service: {times:?}");
        for path in ["hang", "drip"] {
            assert!(times[path] >= Duration::from_millis(TIMEOUT), "{path}: {times:?}");
        }
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
        // Buffers on the way hold some of each.
        assert!(services.taken.load(Ordering::SeqCst) < 4 * HUGE, "the whole of each huge body was taken");
        let reached = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
        assert!(reached.is_err(), "a redirect was followed");
        // Every message is in the journal, whatever became of its service.
        let entries = host.store().keys("journal:").await.unwrap().len();
        assert_eq!(entries, 2 + HOSTILE.len() * 4 + 30);
        let log = format!("{}{}", said(&host, "ask"), said(&host, "callback"));
        for path in HOSTILE {
            assert!(log.contains(&format!("service {path}: ")), "{path} is not in the log: {log}");
        }
        assert!(
            !log.contains("密语") && !log.contains("%E5") && !log.contains("the-key") && !log.contains("oFan"),
            "{log}"
        );
        assert!(!log.contains("secret of the server"), "{log}");
        assert_eq!(ask(&server, 200, "good 二").await.0, "二：晴＜b＞");
        host.stop().await;
    });
}

#[test]
fn a_host_that_no_variable_names_and_a_wrong_stand_in_are_the_fallback() {
    run(async {
        let services = Services::start("127.0.0.1:1").await;
        for options in [
            asking(&services).variable("lookup_host2", ""),
            asking(&services).variable("lookup_host2", "https://*.example.com"),
            asking(&services).variable("lookup_key2", ""),
            asking(&services).variable(
                "lookup_stand_in",
                &format!("http://localhost:{}", services.address.rsplit(':').next().unwrap()),
            ),
        ] {
            let (host, server) = start(options).await;
            assert_eq!(ask(&server, 1, "good 杭州").await.0, "没查到");
            assert!(!said(&host, "ask").is_empty());
            host.stop().await;
        }
        assert_eq!(services.asked(), Vec::<String>::new());
    });
}

#[test]
fn nobody_outside_asks_the_services() {
    run(async {
        let services = Services::start("127.0.0.1:1").await;
        let (host, server) = start(asking(&services)).await;
        for path in ["/ask", "/ask/", "/ask/x"] {
            let answer = server.request(Method::POST, path, "x").await;
            assert_eq!(answer.status, 404, "{path}");
        }
        assert_eq!(host.peak_memory("ask"), 0);
        host.stop().await;
    });
}
