//! Over real HTTP against the real `.wasm`.
//!
//! A suite that needs only HTTP talks to [`server`]: the local host in this process, or, when `GUANXI_BASE_URL` is set,
//! whatever listens there, such as `spin up`. That one must have been started with the [`variables`]. Tests that set the
//! clock, look into the store or break it start a [`local`] host, and say so in their names.
//!
//! These hosts keep their stores in memory. `GUANXI_STORE` has them elsewhere: with `delete`, `wal` and `group` in a file of
//! SQLite's, in each of the ways to commit; with `redis` in a database of a real Redis; with `replicas` likewise, and each host
//! has two others beside it on the same one, to which every second and third request goes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's own tools fail a test by panicking")]

pub mod slow;
pub mod stores;

use bytes::Bytes;
use guanxi::{
    journal::orders::webhook::Secret,
    store::keys::{self, Writer},
    time::Timestamp,
    wechat::{endpoint::Mode, sender::Sender},
};
use guanxi_host::{
    Host, Options,
    store::{Action, Operation},
};
use guanxi_simulator::api::{Kind, Rules};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, http::request};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::Command,
    sync::{
        Once, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{runtime::Runtime, sync::OnceCell};

/// The account that the tests talk to.
pub const ACCOUNT: &str = "gh_e2e";
/// Its Token.
pub const TOKEN: &str = "e2etoken";
/// Its EncodingAESKey.
pub const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
/// Its AppID.
pub const APP_ID: &str = "wxe2e0000000000001";

/// Its AppSecret.
pub const API_APP_SECRET: &str = "e2e0app0secret0e2e0app0secret0e2";

/// Who may run jobs.
pub const JOB_TOKEN: &str = "e2e-job-token";
/// Who may read reports.
pub const CONSOLE_TOKEN: &str = "e2e-console-token";
/// What the shop system signs with.
pub const ORDERS_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The variables that a server under test must have.
pub fn variables(mode: &str) -> [(&'static str, String); 8] {
    [
        ("wechat_token", TOKEN.into()),
        ("wechat_encoding_aes_key", AES_KEY.into()),
        ("wechat_app_id", APP_ID.into()),
        ("wechat_app_secret", API_APP_SECRET.into()),
        ("wechat_mode", mode.into()),
        ("job_token", JOB_TOKEN.into()),
        ("console_token", CONSOLE_TOKEN.into()),
        ("orders_secret", ORDERS_SECRET.into()),
    ]
}

/// The templates of the sample playbook and of the killed pushes, as WeChat knows them.
pub fn templates(rules: &mut Rules) {
    rules.template("template_id_run_out", Kind::Template, &["thing1", "date2"]);
    rules.template("sample_template_id_service", Kind::Template, &["thing1", "time2", "thing3"]);
    rules.template("sample_notice_id_run_out", Kind::Notice, &["thing1", "time2", "phrase3"]);
    rules.template("sample_notice_id_service", Kind::Notice, &["thing1", "date2"]);
}

/// WeChat's half of the callback, as `mode` has it.
pub fn sender(mode: Mode) -> Sender {
    Sender::new(TOKEN, mode, &AES_KEY.parse().unwrap(), APP_ID)
}

/// The folder of `spin.toml`.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// One for all tests of a process: a host must not end with the test that happened to start it.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// Runs a test.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

/// The crate of the SDK's hello world, which sizes are compared with.
const HELLO: &str = "baseline-hello";

/// The hello world, as its file is found.
pub fn hello() -> Vec<u8> {
    build();
    fs::read(root().join("target/wasm32-wasip2/release/baseline_hello.wasm")).unwrap()
}

/// Builds the components and the hello world, once a process, so that no test runs yesterday's, and all by one profile.
pub fn build() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let components = [
            "ask",
            "callback",
            "auto-reply",
            "qr-scan",
            "orders",
            "outbox",
            "stats",
            "status",
            "push",
            "clock",
            "console",
            HELLO,
        ];
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"]);
        cargo.args(components.iter().flat_map(|name| ["-p", name]));
        // The manifests name the default target folder.
        let built = cargo.current_dir(root()).env_remove("CARGO_TARGET_DIR").status().unwrap();
        assert!(built.success(), "the components do not build");
    });
}

/// What a test starts the local host with; for those that change it. Builds the components.
pub fn options(mode: &str) -> Options {
    build();
    stores::chosen(built(mode))
}

/// The same with the components that are there: for a process that a test starts after [`build`], so that not each of them
/// asks cargo.
pub fn built(mode: &str) -> Options {
    let options = Options::for_test(root().join("spin.toml"));
    variables(mode).into_iter().fold(options, |options, (name, value)| options.variable(name, &value))
}

/// SIGKILL.
pub fn kill_itself() {
    _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
}

/// Fails where a component wrote a key that [the table of keys](keys) does not let it write. Gives the patterns of the kinds
/// that were written.
pub fn owned(operations: &[Operation]) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    for write in operations.iter().filter(|operation| operation.action.writes()) {
        let kind = keys::kind_of(&write.key).unwrap_or_else(|| panic!("no kind of key: {write:?}"));
        assert!(
            write.action == Action::Delete || kind.is_counter() == (write.action == Action::Increment),
            "{write:?}"
        );
        // These read it: a counter is read by adding nothing.
        let read = [(keys::SEQ_CAMPAIGN, "push"), (keys::SEQ_JOURNAL, "stats"), (keys::SEQ_JOURNAL, "status")];
        if read.iter().any(|(counter, by)| counter.pattern == kind.pattern && *by == write.component) {
            continue;
        }
        // What others write and rollup takes away: when the fan is forgotten, and when an entry was kept long enough.
        let taken = [keys::CONVERSATION.pattern, keys::JOURNAL.pattern].contains(&kind.pattern);
        match taken && write.component == Writer::Stats.component() {
            true => assert_eq!(write.action, Action::Delete, "{write:?}"),
            false => {
                let is_writer = kind.writers.iter().any(|writer| writer.component() == write.component);
                assert!(is_writer, "{write:?}: {kind:?}");
            }
        }
        seen.insert(kind.pattern);
    }
    seen
}

/// What a component has said, line by line.
pub fn said(host: &Host, component: &str) -> String {
    host.logs().lines(component).into_iter().map(|line| line.text + "\n").collect()
}

/// A local host of the test's own, in one mode.
pub async fn local(mode: &str) -> (Host, Server) {
    let options = options(mode);
    let host = Host::start(options.clone()).await.unwrap();
    let mut server = Server::new(&host.url(), mode.parse().unwrap());
    for _ in 0..stores::replicas_beside() {
        server.beside.push(Host::start(options.clone()).await.unwrap());
    }
    (host, server)
}

/// The server under test, in safe mode: one for all tests of a process.
pub async fn server() -> &'static Server {
    static SERVER: OnceCell<(Option<Host>, Server)> = OnceCell::const_new();
    let start = async || match std::env::var("GUANXI_BASE_URL") {
        Ok(url) => (None, Server::new(url.trim_end_matches('/'), Mode::Safe)),
        Err(_) => {
            let (host, server) = local("safe").await;
            (Some(host), server)
        }
    };
    let (_, server) = SERVER.get_or_init(start).await;
    server
}

/// A server under test and how to talk to it.
pub struct Server {
    url: String,
    /// Replicas, which answer in turns with it.
    beside: Vec<Host>,
    /// Whose turn it is.
    next: AtomicUsize,
    /// WeChat's half.
    pub sender: Sender,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// Of HTTP.
    pub headers: HeaderMap,
    /// As text; what is not UTF-8 fails the test.
    pub body: String,
}

impl Server {
    /// At `url`, such as `http://127.0.0.1:3000`.
    pub fn new(url: &str, mode: Mode) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            url: url.to_owned(),
            beside: Vec::new(),
            next: AtomicUsize::new(0),
            sender: sender(mode),
            client: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Host and port, for a test that speaks TCP.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The one whose turn it is.
    fn url(&self) -> String {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % (self.beside.len() + 1);
        self.beside.get(turn).map_or_else(|| self.url.clone(), Host::url)
    }

    /// Any request.
    pub async fn request(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Request::builder().method(method).uri(format!("{}{path}", self.url())), body).await
    }

    /// Any request, with headers.
    pub async fn request_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url()));
        self.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)), body).await
    }

    /// A request with a bearer token.
    pub async fn authorized(&self, method: Method, path: &str, token: &str) -> Answer {
        self.authorized_with(method, path, token, "").await
    }

    /// A request with a bearer token and a body.
    pub async fn authorized_with(&self, method: Method, path: &str, token: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url()));
        self.send(request.header("authorization", format!("Bearer {token}")), body).await
    }

    /// As [`Server::authorized`]; none where no whole answer came.
    pub async fn try_authorized(&self, method: Method, path: &str, token: &str) -> Option<Answer> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url()));
        self.try_send(request.header("authorization", format!("Bearer {token}")), "").await
    }

    /// Purchases as the shop system sends them.
    pub async fn orders(&self, body: &str, timestamp: Timestamp) -> Answer {
        self.try_orders(body, timestamp).await.expect("no answer")
    }

    /// As [`Server::orders`]; none where no whole answer came.
    pub async fn try_orders(&self, body: &str, timestamp: Timestamp) -> Option<Answer> {
        let secret: Secret = ORDERS_SECRET.parse().unwrap();
        let request = Request::post(format!("{}/orders", self.url()))
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", secret.sign("msg_1", timestamp, body.as_bytes()));
        self.try_send(request, body.to_owned()).await
    }

    async fn send(&self, request: request::Builder, body: impl Into<Bytes>) -> Answer {
        self.try_send(request, body).await.expect("no answer")
    }

    async fn try_send(&self, request: request::Builder, body: impl Into<Bytes>) -> Option<Answer> {
        let response = self.client.request(request.body(Full::new(body.into())).unwrap()).await.ok()?;
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.ok()?.to_bytes().to_vec()).unwrap();
        Some(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// One message as WeChat pushes it now.
    pub async fn push(&self, message: &str) -> Answer {
        self.push_at(message, now()).await
    }

    /// As [`Server::push`]; none where no whole answer came.
    pub async fn try_push(&self, message: &str) -> Option<Answer> {
        self.try_push_at(message, now()).await
    }

    /// As [`Server::push_at`]; none where no whole answer came.
    pub async fn try_push_at(&self, message: &str, timestamp: Timestamp) -> Option<Answer> {
        let (query, body) = self.sealed(message, timestamp);
        self.try_send(Request::post(format!("{}/wechat?{query}", self.url())), body).await
    }

    /// One message with a timestamp of the test's choice.
    pub async fn push_at(&self, message: &str, timestamp: Timestamp) -> Answer {
        let (query, body) = self.sealed(message, timestamp);
        self.request(Method::POST, &format!("/wechat?{query}"), body).await
    }

    /// The query and body that `push_at` sends.
    pub fn sealed(&self, message: &str, timestamp: Timestamp) -> (String, String) {
        let random = std::array::from_fn(|_| rand::random_range(b'a'..=b'z'));
        self.sender.push(message, "fan", &timestamp.to_string(), &nonce(), random).unwrap()
    }

    /// The reply inside an answer.
    pub fn open(&self, answer: &Answer) -> String {
        self.sender.open_reply(&answer.body).unwrap()
    }
}

/// Now.
pub fn now() -> Timestamp {
    Timestamp(UNIX_EPOCH.elapsed().unwrap().as_secs())
}

/// As the local host's clock wants it.
pub fn at(timestamp: Timestamp) -> SystemTime {
    UNIX_EPOCH + std::time::Duration::from_secs(timestamp.0)
}

fn nonce() -> String {
    rand::random_range(100_000_000..2_000_000_000_u32).to_string()
}

/// A text message.
pub fn text(fan: &str, create_time: Timestamp, msg_id: u64, content: &str) -> String {
    message(fan, create_time, "text", &format!("<Content><![CDATA[{content}]]></Content><MsgId>{msg_id}</MsgId>"))
}

/// An event.
pub fn event(fan: &str, create_time: Timestamp, event: &str, more: &str) -> String {
    message(fan, create_time, "event", &format!("<Event><![CDATA[{event}]]></Event>{more}"))
}

/// One of every message and event that WeChat sends, with the name of its file.
pub fn fixtures() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join("shared/fixtures/wechat/messages")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 50, "only {} fixtures", files.len());
    let read = |file: PathBuf| (file.file_name().unwrap().to_string_lossy().into(), fs::read_to_string(&file).unwrap());
    files.into_iter().map(read).collect()
}

/// Any message.
pub fn message(fan: &str, create_time: Timestamp, msg_type: &str, more: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{fan}]]></FromUserName>\
         <CreateTime>{create_time}</CreateTime><MsgType><![CDATA[{msg_type}]]></MsgType>{more}</xml>"
    )
}
