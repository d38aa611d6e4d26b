//! The same over HTTP.

use crate::world::*;
use guanxi::{
    time::Timestamp,
    wechat::{crypto::EncodingAesKey, endpoint::Mode, fields::Format, sender::Sender},
};
use guanxi_simulator::{
    Delivery, Target,
    api::{Api, ApiServer, Fault, Moment, Outcomes, Trouble},
    delivery::DEADLINE,
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, client::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{convert::Infallible, io::ErrorKind, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// One kept connection.
struct Client(http1::SendRequest<Full<Bytes>>);

impl Client {
    async fn connect(server: &ApiServer) -> Self {
        let stream = TcpStream::connect(server.base_url().strip_prefix("http://").unwrap()).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// None when the connection breaks.
    async fn post(&mut self, uri: &str, body: &Value) -> Option<(u16, Option<String>, Bytes)> {
        let request = Request::post(uri).header("host", "api").body(Full::new(body.to_string().into())).unwrap();
        let response = self.0.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let length = response.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
        Some((status, length, response.into_body().collect().await.unwrap().to_bytes()))
    }

    /// Where to send reminders, with a token.
    async fn send_uri(&mut self) -> String {
        let request = token_request(&rules(), false);
        let (_, _, body) = self.post(Api::StableToken.path(), &request).await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        format!("{}?access_token={}", Api::Template.path(), answer["access_token"].as_str().unwrap())
    }
}

#[tokio::test]
async fn answers_have_a_length_and_come_on_one_connection() {
    let server = ApiServer::start(account(rules()), || NOW).await.unwrap();
    let mut client = Client::connect(&server).await;
    let uri = client.send_uri().await;
    for number in 0..3 {
        let (status, length, body) = client.post(&uri, &reminder("oFan", &number.to_string())).await.unwrap();
        assert_eq!((status, length), (200, Some(body.len().to_string())));
        assert_eq!(code_of(&serde_json::from_slice(&body).unwrap()), 0);
    }
    assert_eq!(client.post("/nowhere", &Value::Null).await.unwrap().0, 404);
    assert_eq!((server.connections(), server.account().books().sightings.len()), (1, 3));
    assert_eq!(server.account().books().in_flight(), 0);
}

#[tokio::test]
async fn a_connection_breaks_before_the_effect_or_after_it_and_a_status_goes_out() {
    let cases = [
        (Fault::Reset(Moment::Before), None, 0),
        (Fault::Reset(Moment::After), None, 1),
        (Fault::Status(503, Moment::Before), Some(503), 0),
        (Fault::Status(503, Moment::After), Some(503), 1),
    ];
    for (fault, status, copies) in cases {
        let mut rules = rules();
        rules.troubles = vec![Trouble { api: Some(Api::Template), ..Trouble::always(1.0, fault) }];
        let server = ApiServer::start(account(rules), || NOW).await.unwrap();
        let mut client = Client::connect(&server).await;
        let uri = client.send_uri().await;
        let answer = client.post(&uri, &reminder("oFan", "1")).await;
        assert_eq!(answer.map(|(status, _, _)| status), status, "{fault:?}");
        assert_eq!(server.account().books().sightings.len(), copies, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_was_stopped_takes_no_more_connections() {
    let server = ApiServer::start(account(rules()), || NOW).await.unwrap();
    let address = server.base_url().strip_prefix("http://").unwrap().to_owned();
    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// A brand that takes everything and tells it.
async fn brand() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/wechat", listener.local_addr().unwrap());
    let (told, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let told = told.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let told = told.clone();
                async move {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    told.send(String::from_utf8(body.into()).unwrap()).unwrap();
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("success"))))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, received)
}

#[tokio::test]
async fn callbacks_are_posted_to_the_brand_as_they_fall_due() {
    let mut rules = rules();
    rules.outcomes = Outcomes { early: 1.0, ..Outcomes::default() };
    let server = ApiServer::start(account(rules), || NOW).await.unwrap();
    let (url, mut received) = brand().await;
    let key: EncodingAesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".parse().unwrap();
    let target = Target {
        url: url.parse().unwrap(),
        account: "gh_brand".to_owned(),
        sender: Sender::new("token", Mode::Plain, &key, "wx1"),
        format: Format::Xml,
        deadline: DEADLINE,
        clock: Arc::new(|| Timestamp(NOW / SECOND)),
    };
    let poster = server.post_callbacks(Delivery::new(target).unwrap(), 1);
    let mut client = Client::connect(&server).await;
    let uri = client.send_uri().await;
    client.post(&uri, &reminder("oFan", "1")).await.unwrap();
    let event = received.recv().await.unwrap();
    let msgid = server.account().books().sightings[0].msgid;
    for part in [
        "<ToUserName><![CDATA[gh_brand]]></ToUserName>".to_owned(),
        "<FromUserName><![CDATA[oFan]]></FromUserName>".to_owned(),
        "<MsgType><![CDATA[event]]></MsgType>".to_owned(),
        "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>".to_owned(),
        format!("<MsgID>{msgid}</MsgID>"),
        "<Status><![CDATA[success]]></Status>".to_owned(),
    ] {
        assert!(event.contains(&part), "{part} in {event}");
    }
    assert_eq!(poster.undelivered(), 0);
}

#[tokio::test]
async fn a_broken_connection_is_a_reset_and_no_farewell() {
    let mut rules = rules();
    rules.troubles = vec![Trouble::always(1.0, Fault::Reset(Moment::After))];
    let server = ApiServer::start(account(rules), || NOW).await.unwrap();
    let mut stream = TcpStream::connect(server.base_url().strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(b"GET /cgi-bin/token HTTP/1.1\r\nhost: api\r\n\r\n").await.unwrap();
    let end = stream.read(&mut [0; 1]).await.map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}
