//! A brand of a few lines: it writes down what it gets and reacts as the test says.

use bytes::Bytes;
use guanxi::wechat::{
    crypto::{Cipher, EncodingAesKey},
    endpoint::Mode,
    sender::Sender,
    signature::msg_signature,
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, sync::watch};

const TOKEN: &str = "simulated";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APP_ID: &str = "wx0000000000000001";

/// What the brand does with one request.
#[derive(Clone)]
pub(crate) enum Reaction {
    /// A 200, sealed as the mode wants.
    Sealed(String),
    /// This status and exactly this body.
    Answer(u16, String),
    /// Nothing, until the client hangs up.
    Hang,
}

impl Reaction {
    pub(crate) fn ok(text: String) -> Self {
        if text.starts_with('<') { Self::Sealed(text) } else { Self::Answer(200, text) }
    }
}

/// One request that came in whole.
#[derive(Clone)]
pub(crate) struct Received {
    /// From 0.
    pub(crate) number: usize,
    pub(crate) query: String,
    pub(crate) body: String,
    /// The body, decrypted.
    pub(crate) message: String,
}

impl Received {
    pub(crate) fn parameter(&self, name: &str) -> String {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next().unwrap_or_default()
    }
}

type React = dyn Fn(&Received) -> Reaction + Send + Sync;

/// The server; it ends with the test.
pub(crate) struct Brand {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mode,
    received: Mutex<Vec<Received>>,
    /// How many connections were made.
    connections: AtomicUsize,
    /// How many hanging requests were given up by the client.
    hung_up: watch::Sender<usize>,
    react: Box<React>,
}

/// Counts when the client hangs up, because the server then drops the request's future.
struct HangUp(Arc<Shared>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hung_up.send_modify(|count| *count += 1);
    }
}

impl Brand {
    pub(crate) async fn start(mode: Mode, react: impl Fn(&Received) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/wechat", listener.local_addr().unwrap());
        let shared = Shared {
            mode,
            received: Mutex::default(),
            connections: AtomicUsize::new(0),
            hung_up: watch::Sender::new(0),
            react: Box::new(react),
        };
        let shared = Arc::new(shared);
        let serving = shared.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = serving.clone();
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let service = service_fn(move |request| answer(shared.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, shared }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits until the client has hung up on so many hanging requests.
    pub(crate) async fn hung_up_on(&self, count: usize) {
        self.shared.hung_up.subscribe().wait_for(|hung_up| *hung_up >= count).await.unwrap();
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = String::from_utf8(request.into_body().collect().await?.to_bytes().into()).unwrap();
    let message = match between(&body, "<Encrypt><![CDATA[", "]]>") {
        Some(sealed) => String::from_utf8(cipher().decrypt(sealed).unwrap()).unwrap(),
        None => body.clone(),
    };
    let received = {
        let mut all = shared.received.lock().unwrap();
        let received = Received { number: all.len(), query, body, message };
        all.push(received.clone());
        received
    };
    let (status, body) = match (shared.react)(&received) {
        Reaction::Sealed(text) => (200, seal(shared.mode, &text)),
        Reaction::Answer(status, body) => (status, body),
        Reaction::Hang => {
            let _counts = HangUp(shared);
            std::future::pending::<Infallible>().await;
            unreachable!()
        }
    };
    Ok(Response::builder().status(status).body(Full::new(body.into())).unwrap())
}

/// Says a text back; a silent `success` to everything else.
pub(crate) fn echo(received: &Received) -> String {
    let field = |name: &str| between(&received.message, &format!("<{name}><![CDATA["), &format!("]]></{name}>"));
    match (field("Content"), field("FromUserName"), field("ToUserName")) {
        (Some(content), Some(fan), Some(account)) => format!(
            "<xml><ToUserName>{fan}</ToUserName><FromUserName>{account}</FromUserName>\
             <CreateTime>1700000000</CreateTime><MsgType>text</MsgType><Content>你说：{content}</Content></xml>"
        ),
        _ => "success".to_owned(),
    }
}

/// An answer in the envelope that `mode` wants.
pub(crate) fn seal(mode: Mode, text: &str) -> String {
    if mode == Mode::Plain {
        return text.to_owned();
    }
    let encrypt = cipher().encrypt(*b"0123456789abcdef", text.as_bytes());
    let signature = msg_signature(TOKEN, "1700000000", "5", &encrypt);
    format!(
        "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
         <TimeStamp>1700000000</TimeStamp><Nonce><![CDATA[5]]></Nonce></xml>"
    )
}

pub(crate) fn sender(mode: Mode) -> Sender {
    Sender::new(TOKEN, mode, &KEY.parse().unwrap(), APP_ID)
}

fn cipher() -> Cipher {
    Cipher::new(&KEY.parse::<EncodingAesKey>().unwrap(), APP_ID)
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.split_once(open)?.1.split_once(close).map(|(inside, _)| inside)
}
