//! What fans ask for reaches the brand's webhook, over HTTP, by the real components, on a local host whose clock the test sets.
#![allow(clippy::print_stdout, reason = "what was measured")]

use e2e::{CONSOLE_TOKEN, JOB_TOKEN, Server, at, options, owned, run, text};
use guanxi::{
    facts::{
        Entry, Place, Received,
        dialog::Left,
        request::{Kind, Line, Request, Said, number},
    },
    journal::SEQUENCE,
    store::keys,
    time::Timestamp,
    wechat::{Message, endpoint::Mode},
};
use guanxi_host::Host;
use hyper::Method;
use receiver::{Faults, Receiver};
use serde_json::Value;
use std::{collections::BTreeSet, time::Instant};

/// Monday 2026-03-02, 10:00 in Beijing.
const START: u64 = 1_772_416_800;
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
/// Entries of a stream.
const STREAM: u64 = 128;

struct Brand {
    host: Host,
    server: Server,
    webhook: Receiver,
}

fn asks(fan: &str, nth: u64) -> (String, Entry) {
    let now = Timestamp(START - 600 + nth % 500);
    let (_, message) = Message::parse(text(fan, now, nth, "下单").as_bytes()).unwrap();
    let number = number(&message.identity(), "order");
    let answer = Said { step: "address".into(), value: "长乐路 1 号".into(), words: String::new(), personal: true };
    let request = Request {
        number: number.clone(),
        kind: Kind::Order,
        source: "order".into(),
        at: now,
        answers: vec![answer],
        lines: vec![Line { product: "adult-2kg".into(), name: "成猫粮".into(), quantity: 1, price: 12_900 }],
        text: String::new(),
        forget_days: Some(30),
    };
    let left = Left { requests: vec![request], ..Left::default() }.encode();
    let received = Received { message, touch: None, rule: None, milliseconds: 2, pushes: None, left };
    (number, Entry::Received(received))
}

impl Brand {
    /// With the requests of so many fans, each so often, in the journal and folded. Gives the numbers of each.
    async fn open(fans: u64, times: u64, faults: Faults) -> (Self, Vec<Vec<String>>) {
        let local = "127.0.0.1:0".parse().unwrap();
        let webhook = Receiver::listen(local, SECRET.parse().unwrap(), faults, |_| {}).await.unwrap();
        let options = options("safe")
            .variable("webhook_url", &webhook.url())
            .variable("webhook_path", "/hook?shop=1")
            .variable("webhook_secret", SECRET);
        let host = Host::start(options).await.unwrap();
        let server = Server::new(&host.url(), Mode::Safe);
        let brand = Self { host, server, webhook };
        let mut numbers = vec![Vec::new(); fans as usize];
        let mut writes = Vec::new();
        for nth in 0..fans * times {
            let (number, entry) = asks(&openid(nth % fans), nth);
            numbers[(nth % fans) as usize].push(number);
            let place = Place { stream: 1 + nth / STREAM, index: (nth % STREAM) as u32 };
            writes.push((place.to_string(), entry.encode()));
        }
        brand.host.store().set_many(writes).await.unwrap();
        brand.host.store().increment(SEQUENCE, (1 + fans * times / STREAM) as i64).await.unwrap();
        brand.set(0);
        brand.job("rollup").await;
        (brand, numbers)
    }

    fn set(&self, seconds: u64) {
        self.host.clock().stop_at(at(Timestamp(START + seconds)));
    }

    async fn job(&self, job: &str) -> Value {
        let answer = self.server.authorized(Method::POST, &format!("/jobs/{job}"), JOB_TOKEN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn report(&self, name: &str) -> Value {
        let answer = self.server.authorized(Method::GET, &format!("/reports/{name}"), CONSOLE_TOKEN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn resend(&self, number: &str) -> u16 {
        let path = format!("/requests/{number}/resend");
        self.server.authorized(Method::POST, &path, CONSOLE_TOKEN).await.status
    }

    /// What the webhook took of a fan, each once, in the order in which it came first.
    fn took(&self, fan: u64) -> Vec<String> {
        let (mut seen, fan) = (BTreeSet::new(), openid(fan));
        let taken = self.webhook.taken().into_iter().filter(|taken| taken.body["data"]["openid"] == fan.as_str());
        taken.filter(|taken| seen.insert(taken.id.clone())).map(|taken| taken.id).collect()
    }
}

fn openid(fan: u64) -> String {
    format!("oAsks-{fan}")
}

#[test]
fn on_the_local_host_every_request_reaches_a_webhook_that_fails_and_dies_in_the_order_of_each_fan() {
    run(async {
        let faults = Faults { fail: 25, die: 25, seed: 7, ..Faults::default() };
        let (brand, numbers) = Brand::open(9, 3, faults).await;
        let trace = brand.host.store().trace();
        let mut minutes = 0;
        // The last pauses are 20 hours long, and a later request of a fan waits for an earlier one.
        while minutes < 12 * 24 * 60 {
            minutes += 10;
            brand.set(60 * minutes);
            if brand.job("outbox").await["waiting"] == 0 {
                break;
            }
        }
        for (fan, numbers) in (0..).zip(&numbers) {
            assert_eq!(brand.took(fan), *numbers, "fan {fan}");
        }
        assert_eq!(brand.webhook.refused(), [""; 0], "every post was rightly signed");
        let body = brand.webhook.taken()[0].body.clone();
        assert_eq!(body["data"]["total"], 12_900);
        assert!(body["data"]["receipt"]["text"].as_str().unwrap().contains("地址: 长乐路 1 号"));

        // The shop is paid, and says so with the number.
        brand.set(60 * minutes + 30);
        let order = format!(
            r#"{{"id":"A-1","openid":"{}","request":"{}","time":{START},"lines":[{{"product":"adult-2kg","amount":12900}}]}}"#,
            openid(0),
            numbers[0][0]
        );
        let bought = brand.server.orders(&order, Timestamp(START + 60 * minutes + 30)).await;
        assert_eq!(bought.status, 204, "{}", bought.body);
        brand.set(60 * minutes + 60);
        brand.job("rollup").await;
        let report = brand.report("requests?days=30").await.to_string();
        assert!(report.contains("27") && report.contains("26"), "{report}");
        let fan = brand.server.authorized(Method::GET, &format!("/fans/{}", openid(0)), CONSOLE_TOKEN).await;
        assert!(fan.body.contains(&format!("order {}, bought", numbers[0][0])), "{}", fan.body);
        let seen = owned(&trace.take());
        for kind in [keys::OUTBOX_HEAD, keys::REQUESTED, keys::REQUEST_DAY] {
            assert!(seen.contains(kind.pattern), "{}: is this blind? {seen:?}", kind.pattern);
        }
        brand.host.stop().await;
    });
}

#[test]
fn on_the_local_host_what_was_given_up_is_listed_and_sent_again_on_request() {
    run(async {
        let (brand, numbers) = Brand::open(2, 1, Faults { fail: 100, ..Faults::default() }).await;
        for hour in 0..=73 {
            brand.set(3_600 * hour + 60);
            brand.job("outbox").await;
        }
        let dead = brand.report("given-up").await.to_string();
        assert!(numbers.iter().flatten().all(|number| dead.contains(number)), "{dead}");
        let status = brand.server.authorized(Method::GET, "/metrics", JOB_TOKEN).await;
        assert!(status.body.contains("\nguanxi_requests_given_up 2\n"), "{}", status.body);
        assert_eq!(brand.resend("0000000000").await, 404);
        assert_eq!(brand.server.request(Method::POST, "/requests/all/resend", "").await.status, 401);
        assert_eq!(brand.resend(&numbers[1][0]).await, 202);
        brand.webhook.fail(Faults::default());
        brand.set(3_600 * 74);
        assert_eq!(brand.job("outbox").await["delivered"], 1);
        assert_eq!((brand.took(0).len(), brand.took(1).len()), (0, 1));
        assert_eq!(brand.resend("all").await, 202);
        brand.set(3_600 * 74 + 60);
        assert_eq!(brand.job("outbox").await["delivered"], 1);
        brand.host.stop().await;
    });
}

#[test]
fn on_the_local_host_without_a_webhook_nothing_is_posted_and_wrong_variables_are_named() {
    run(async {
        let host = Host::start(options("safe")).await.unwrap();
        let server = Server::new(&host.url(), Mode::Safe);
        let answer = server.authorized(Method::POST, "/jobs/outbox", JOB_TOKEN).await;
        assert_eq!((answer.status, answer.body.contains("nothing is posted")), (200, true));
        assert_eq!(server.authorized(Method::POST, "/jobs/outbox", "wrong").await.status, 401);
        assert_eq!(server.authorized(Method::PUT, "/jobs/outbox", JOB_TOKEN).await.status, 405);
        host.stop().await;
        for (url, secret, said) in [
            ("http://shop.example.com", SECRET, "in the clear"),
            ("https://shop.example.com", "short", "webhook_secret"),
        ] {
            let options = options("safe").variable("webhook_url", url).variable("webhook_secret", secret);
            let host = Host::start(options).await.unwrap();
            let server = Server::new(&host.url(), Mode::Safe);
            let answer = server.authorized(Method::POST, "/jobs/outbox", JOB_TOKEN).await;
            assert_eq!((answer.status, answer.body.contains(said)), (500, true), "{}", answer.body);
            host.stop().await;
        }
    });
}

/// The figure that was asked for: a thousand requests, a webhook that takes 50 ms for each, less than ten seconds.
#[test]
fn on_the_local_host_a_thousand_requests_pass_a_webhook_of_50_milliseconds_in_ten_seconds() {
    run(async {
        let (brand, _) = Brand::open(1_000, 1, Faults { delay: 50, ..Faults::default() }).await;
        brand.set(60);
        let began = Instant::now();
        let report = brand.job("outbox").await;
        let took = began.elapsed();
        println!("1,000 requests through a webhook of 50 ms: {:.2} s", took.as_secs_f64());
        assert_eq!((&report["delivered"], &report["waiting"]), (&1_000.into(), &0.into()), "{report}");
        assert!(took.as_secs() < 10, "{took:?}");
        brand.host.stop().await;
    });
}
