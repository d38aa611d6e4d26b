//! The log: whatever comes in and whatever breaks, each line is one JSON object of a known form, and none holds a secret, an openid or
//! a fan's words. On the local host only.

use e2e::{API_APP_SECRET, CONSOLE_TOKEN, JOB_TOKEN, ORDERS_SECRET, Server, event, fixtures, now, run, text};
use guanxi::{
    http::log::LINE_MAX,
    time::Timestamp,
    wechat::{crypto::Cipher, endpoint::Mode, sender::Sender, signature},
};
use guanxi_host::{
    Host, Source,
    store::{Verdict, fail_prefix},
};
use hyper::Method;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeSet;

const COMPONENTS: [&str; 6] = ["callback", "orders", "stats", "status", "push", "console"];
/// What fans and shops write; digits of it would be somebody's telephone.
const WORDS: [&str; 3] = ["我的电话是13800000000", "geheim-Wort", "\"}\n{\"level\":\"info\""];

/// Every line that components wrote.
fn lines(host: &Host) -> Vec<(&'static str, String)> {
    let of = |component| {
        let lines = host.logs().lines(component).into_iter();
        lines
            .inspect(|line| assert_ne!(line.source, Source::Host, "a trap: {line:?}"))
            .map(move |line| (component, line.text))
    };
    COMPONENTS.into_iter().flat_map(of).collect()
}

/// Fails where a line is not of the form that the manual says. Gives its event.
fn check(component: &str, line: &str) -> String {
    assert!(line.len() < LINE_MAX, "{} bytes: {line}", line.len());
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { panic!("no JSON object: {line}") };
    assert_eq!(fields["component"], component, "{line}");
    assert!(["info", "warn", "error"].contains(&fields["level"].as_str().unwrap()), "{line}");
    assert!(fields["at"].is_u64(), "{line}");
    let event = fields["event"].as_str().unwrap();
    assert!(event.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
    for (name, value) in &fields {
        let is_known = ["level", "component", "event", "says"].contains(&name.as_str());
        assert!(if is_known { value.is_string() } else { value.is_u64() }, "{name}: {line}");
    }
    event.to_owned()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Requests that nobody should send, and some that are right.
async fn hostile(server: &Server, random: &mut ChaCha8Rng) {
    for words in WORDS {
        let at = now();
        let said = text("oFan-1", at, random.random(), words);
        server.push(&said).await;
        server.push_at(&said, Timestamp(at.0 - 999)).await;
        server.push_at(&said, Timestamp(at.0 + 999)).await;
        server.push(&format!("<xml><Content>{words}</Content></xml>")).await;
        server.push(&event("oFan-1", at, words, "<EventKey></EventKey>")).await;
        let (query, body) = server.sealed(&said, at);
        // Every part changed, cut, doubled, in the wrong place.
        for _ in 0..40 {
            let mut bytes = body.clone().into_bytes();
            let place = random.random_range(0..bytes.len());
            bytes[place] ^= random.random_range(1..=255_u8);
            server.request(Method::POST, &format!("/wechat?{query}"), bytes).await;
        }
        server.request(Method::POST, &format!("/wechat?{query}&nonce=1"), body.clone()).await;
        server.request(Method::POST, &format!("/wechat?{query}&openid=oFan-1"), words).await;
        server.request(Method::POST, "/wechat?signature=oFan-1&timestamp=1&nonce=geheim-Wort", words).await;
        server.request(Method::PUT, &format!("/wechat?{query}"), body).await;
        server.orders(words, at).await;
        server.orders(r#"{"orders":[{"id":"geheim-Wort","openid":"oFan-1"}]}"#, at).await;
        let headers =
            [("webhook-id", "geheim-Wort"), ("webhook-timestamp", "oFan-1"), ("webhook-signature", ORDERS_SECRET)];
        server.request_with(Method::POST, "/orders", &headers, words).await;
    }
}

/// What a message looks like that is authentic and not understood, and one for another key and app.
async fn authentic_but_odd(server: &Server) {
    let key = "ZYXWVUTSRQPONMLKJIHGFEDCBA0123456789abcdefg".parse().unwrap();
    let strangers =
        [Sender::new("geheim-Wort", Mode::Safe, &key, "wx1"), Sender::new("e2etoken", Mode::Safe, &key, "wx1")];
    for stranger in strangers {
        let (query, body) = stranger
            .push(&text("oFan-1", now(), 1, WORDS[0]), "oFan-1", &now().to_string(), "1", *b"0123456789abcdef")
            .unwrap();
        assert_eq!(server.request(Method::POST, &format!("/wechat?{query}"), body).await.status, 401);
    }
    let encrypt =
        Cipher::new(&e2e::AES_KEY.parse().unwrap(), e2e::APP_ID).encrypt(*b"0123456789abcdef", b"\xFF\xFE oFan-1");
    let signed = signature::msg_signature(e2e::TOKEN, &now().to_string(), "1", &encrypt);
    let query = format!("timestamp={}&nonce=1&msg_signature={signed}", now());
    let body = format!("<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>");
    assert_eq!(server.request(Method::POST, &format!("/wechat?{query}"), body).await.body, "success");
}

/// Every route, with every token, and with something else than is wanted. (What who has a token types wrong may be told; it is no
/// fan's.)
async fn routes(server: &Server) {
    for token in ["", "geheim-Wort", JOB_TOKEN, CONSOLE_TOKEN] {
        for path in [
            "/jobs/rollup",
            "/jobs/push",
            "/jobs/status",
            "/metrics",
            "/healthz",
            "/reports/none",
            "/reports/overview?days=x",
            "/reports/account",
            "/fans/oFan-1",
            "/fans/o%0aFan",
            "/damaged",
            "/damaged/fan:oFan-1",
            "/campaigns?id=none",
            "/",
            "/console/fan?openid=oFan-1",
            "/console/%22",
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let headers = [("authorization", bearer(token)), ("cookie", format!("guanxi={token}"))];
                let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
                server.request_with(method, path, &headers, "x").await;
            }
        }
        server.authorized_with(Method::POST, "/playbook", token, "x").await;
        server.authorized_with(Method::POST, "/campaigns", token, "x").await;
        server.authorized(Method::POST, "/damaged/fan:oFan-1/repair", token).await;
    }
}

/// A request to each component while the store fails, all at once: each tries for some seconds.
async fn broken(server: &Server) {
    let words = text("oFan-1", now(), 98, WORDS[0]);
    let campaign = "id = \"x\"\n";
    let answers = tokio::join!(
        server.push(&words),
        server.orders(r#"{"orders":[]}"#, now()),
        server.authorized(Method::GET, "/healthz", ""),
        server.authorized(Method::GET, "/metrics", JOB_TOKEN),
        server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN),
        server.authorized(Method::POST, "/jobs/push", JOB_TOKEN),
        server.authorized(Method::GET, "/fans/oFan-1", CONSOLE_TOKEN),
        server.authorized_with(Method::POST, "/campaigns", CONSOLE_TOKEN, campaign),
    );
    assert_eq!((answers.0.status, answers.2.status, answers.3.status), (503, 503, 503));
}

#[test]
fn on_the_local_host_every_line_is_json_and_holds_no_secret_no_openid_and_no_words_whatever_happens() {
    run(async {
        // Where nobody listens.
        let options = e2e::options("safe").variable("wechat_api_url", "http://127.0.0.1:1");
        let host = Host::start(options).await.unwrap();
        let server = Server::new(&host.url(), Mode::Safe);
        let mut random = ChaCha8Rng::seed_from_u64(27);
        for (_, body) in fixtures() {
            server.push(&body).await;
        }
        hostile(&server, &mut random).await;
        authentic_but_odd(&server).await;
        routes(&server).await;
        // What is stored of a fan cannot be read: by anybody who needs it.
        for key in ["fan:oFan-1", "ledger:oFan-1", "conversation:oFan-1", "count:all", "plan:account", "playbook:head"]
        {
            host.store().set(key, vec![u8::MAX, 1, 2]).await.unwrap();
        }
        server.push(&event("oFan-1", now(), "subscribe", "<EventKey><![CDATA[qrscene_geheim-Wort]]></EventKey>")).await;
        routes(&server).await;
        host.store().set("fan:oFan-1", vec![1, 255, 255]).await.unwrap();
        routes(&server).await;
        // And a store that breaks.
        host.store().watch(fail_prefix("journal:"));
        server.push(&text("oFan-1", now(), 99, WORDS[0])).await;
        host.store().watch(|_| Verdict::Fail);
        broken(&server).await;
        host.store().unwatch();

        let lines = lines(&host);
        let events: BTreeSet<(&str, String)> =
            lines.iter().map(|(component, line)| (*component, check(component, line))).collect();
        for (component, event) in [
            ("callback", "refused"),
            ("callback", "not_understood"),
            ("callback", "fan_unreadable"),
            ("orders", "refused"),
            ("stats", "refused"),
            ("stats", "rollup"),
            ("status", "refused"),
            ("status", "unhealthy"),
            ("push", "refused"),
            ("console", "refused"),
        ] {
            assert!(events.contains(&(component, event.to_owned())), "nothing of {event} in {component}: {events:?}");
        }
        // By whom depends on who has looked lately.
        assert!(events.iter().any(|(_, event)| event == "playbook_unreadable"), "{events:?}");
        let secrets = [
            e2e::TOKEN,
            e2e::AES_KEY,
            API_APP_SECRET,
            JOB_TOKEN,
            CONSOLE_TOKEN,
            ORDERS_SECRET,
            "oFan",
            "13800000000",
            "geheim",
            "Wort",
        ];
        for (component, line) in &lines {
            for secret in secrets {
                assert!(!line.contains(secret), "{secret} in {component}: {line}");
            }
        }
        host.stop().await;
    });
}
