//! The callback's protocol. Needs only HTTP, so with `GUANXI_BASE_URL` it runs against any server, such as `spin up`.

use e2e::{ACCOUNT, APP_ID, Answer, Server, event, fixtures, message, now, run, sender, server, text};
use guanxi::{
    time::Timestamp,
    wechat::{
        crypto::{Cipher, EncodingAesKey},
        endpoint::Mode,
        sender::Sender,
    },
};
use hyper::Method;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A message id of this test's own.
fn unique() -> u64 {
    rand::random_range(1..i64::MAX as u64)
}

/// The sample brand draws one of two coupons.
fn coupon() -> String {
    text("oFan-1", now(), unique(), "优惠")
}

/// Any bytes, signed and encrypted as WeChat would: the path and the body.
fn sealed(message: &[u8]) -> (String, String) {
    let key: EncodingAesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".parse().unwrap();
    let encrypt = Cipher::new(&key, APP_ID).encrypt([b'r'; 16], message);
    let timestamp = now().to_string();
    let signature = guanxi::wechat::signature::msg_signature("e2etoken", &timestamp, "7", &encrypt);
    let path = format!("/wechat?timestamp={timestamp}&nonce=7&msg_signature={signature}");
    (path, format!("<xml><Encrypt>{encrypt}</Encrypt></xml>"))
}

fn assert_refused(answer: &Answer, status: u16, why: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{why}");
}

#[test]
fn a_url_verification_gets_its_echostr_back() {
    run(async {
        let query = server().await.sender.sign_url(&now().to_string(), "1514711492", "4375120948345356249");
        let answer = server().await.request(Method::GET, &format!("/wechat?{query}"), "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "4375120948345356249"));
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    });
}

#[test]
fn a_url_verification_has_no_time_window_but_a_signature() {
    run(async {
        let old = server().await.sender.sign_url("1400000000", "1", "echo");
        assert_eq!(server().await.request(Method::GET, &format!("/wechat?{old}"), "").await.body, "echo");
        let forged = old.replace("timestamp=1400000000", "timestamp=1400000001");
        assert_refused(&server().await.request(Method::GET, &format!("/wechat?{forged}"), "").await, 401, "forged");
        assert_refused(&server().await.request(Method::GET, "/wechat", "").await, 401, "no query");
    });
}

#[test]
fn a_text_gets_the_answer_of_its_rule_in_an_envelope_that_wechat_opens() {
    run(async {
        let answer = server().await.push(&coupon()).await;
        assert_eq!(answer.status, 200);
        let reply = server().await.open(&answer);
        assert!(reply.contains("<ToUserName><![CDATA[oFan-1]]></ToUserName>"), "{reply}");
        assert!(reply.contains(&format!("<FromUserName><![CDATA[{ACCOUNT}]]></FromUserName>")), "{reply}");
        assert!(reply.contains("<MsgType><![CDATA[text]]></MsgType>"), "{reply}");
    });
}

#[test]
fn every_answer_has_its_content_length() {
    run(async {
        for message in [coupon(), event("oFan-1", now(), "unsubscribe", "")] {
            let answer = server().await.push(&message).await;
            assert_eq!(answer.headers["content-length"], answer.body.len().to_string());
        }
    });
}

#[test]
fn a_connection_that_is_kept_alive_is_as_fast_as_a_new_one() {
    // A body that leaves as a second TCP segment waits there for the client's delayed ACK.
    const DELAYED_ACK: Duration = Duration::from_millis(40);
    run(async {
        let url = format!("http://{}", server().await.address());
        let kept = Server::new(&url, Mode::Safe);
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..25 {
            for (times, server) in times.iter_mut().zip([&kept, &Server::new(&url, Mode::Safe)]) {
                let began = Instant::now();
                assert_eq!(server.push(&coupon()).await.status, 200);
                times.push(began.elapsed());
            }
        }
        let [kept, new] = times.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        });
        assert!(kept < new + DELAYED_ACK / 2, "half of the callbacks took {kept:?}, on new connections {new:?}");
    });
}

#[test]
fn a_retried_message_gets_the_same_answer() {
    run(async {
        let text_of = |reply: &str| reply.split("<Content>").nth(1).map(str::to_owned).unwrap();
        for _ in 0..40 {
            let message = coupon();
            let first = text_of(&server().await.open(&server().await.push(&message).await));
            for _ in 0..2 {
                assert_eq!(text_of(&server().await.open(&server().await.push(&message).await)), first);
            }
        }
    });
}

#[test]
fn whatever_is_not_from_wechat_is_401() {
    run(async {
        let key: EncodingAesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".parse().unwrap();
        let other_token = Sender::new("another", Mode::Safe, &key, APP_ID);
        let other_account = Sender::new("e2etoken", Mode::Safe, &key, "wxanother");
        let plain = sender(Mode::Plain);
        for (sender, why) in [(other_token, "token"), (other_account, "AppID"), (plain, "plain text in safe mode")] {
            let timestamp = now().to_string();
            let (query, body) = sender.push(&coupon(), "oFan-1", &timestamp, "7", [b'r'; 16]).unwrap();
            assert_refused(&server().await.request(Method::POST, &format!("/wechat?{query}"), body).await, 401, why);
        }
        let (query, body) = server().await.sealed(&coupon(), now());
        let tampered = body.replace("<Encrypt><![CDATA[", "<Encrypt><![CDATA[A");
        assert_refused(
            &server().await.request(Method::POST, &format!("/wechat?{query}"), tampered).await,
            401,
            "tampered",
        );
        assert_refused(&server().await.request(Method::POST, "/wechat", body).await, 401, "unsigned");
    });
}

#[test]
fn a_correctly_signed_body_that_does_not_decrypt_is_401() {
    run(async {
        let wrong: EncodingAesKey = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C".parse().unwrap();
        let encrypt = Cipher::new(&wrong, APP_ID).encrypt([b'r'; 16], coupon().as_bytes());
        let timestamp = now().to_string();
        let signature = guanxi::wechat::signature::msg_signature("e2etoken", &timestamp, "7", &encrypt);
        let path = format!("/wechat?timestamp={timestamp}&nonce=7&encrypt_type=aes&msg_signature={signature}");
        let body = format!("<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>");
        assert_refused(&server().await.request(Method::POST, &path, body).await, 401, "another key");
    });
}

#[test]
fn a_timestamp_more_than_five_minutes_off_is_401() {
    run(async {
        for off in [-330, 330] {
            let then = Timestamp(now().0.saturating_add_signed(off));
            assert_refused(&server().await.push_at(&coupon(), then).await, 401, &format!("{off} s"));
            let then = Timestamp(now().0.saturating_add_signed(off * 8 / 10));
            assert_eq!(server().await.push_at(&coupon(), then).await.status, 200, "{} s", off * 8 / 10);
        }
    });
}

#[test]
fn a_body_over_64_kib_is_413() {
    run(async {
        let (query, _) = server().await.sealed(&coupon(), now());
        let path = format!("/wechat?{query}");
        assert_refused(
            &server().await.request(Method::POST, &path, vec![b' '; 64 * 1024 + 1]).await,
            413,
            "one byte too many",
        );
        assert_refused(
            &server().await.request(Method::POST, &path, vec![b' '; 64 * 1024]).await,
            401,
            "just fits, but is nothing",
        );
    });
}

#[test]
fn other_methods_are_405_and_other_paths_404() {
    run(async {
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            assert_refused(&server().await.request(method, "/wechat", "").await, 405, "method");
        }
        assert_eq!(server().await.request(Method::GET, "/elsewhere", "").await.status, 404);
    });
}

#[test]
fn what_is_authentic_but_not_understood_gets_success() {
    run(async {
        for body in [
            "<xml><action>CheckContainerPath</action></xml>".to_owned(),
            r#"{"action":"CheckContainerPath"}"#.to_owned(),
            "<xml></xml>".to_owned(),
            message("not/an/openid", now(), "text", "<Content>hi</Content>"),
            message("oFan-1", now(), "hologram", "<Depth>3</Depth>"),
            event("oFan-1", now(), "event_of_next_year", "<Shiny>1</Shiny>"),
        ] {
            let answer = server().await.push(&body).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "success"), "{body}");
        }
        let written = text("oFan-1", now(), unique(), "|");
        let (start, end) = written.split_once('|').unwrap();
        let (path, body) = sealed(&[start.as_bytes(), b"\xC4\xE3", end.as_bytes()].concat());
        let answer = server().await.request(Method::POST, &path, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"), "not UTF-8");
    });
}

/// What the sample brand says to the samples of the reference; to every other it says nothing.
const ANSWERED: &[(&str, &str)] = &[
    ("file.xml", "「price list.pdf」我还不会答"),
    ("image.json", "照片"),
    ("image.xml", "照片"),
    ("link.xml", "找最近的门店"),
    ("location.xml", "找最近的门店"),
    ("miniprogrampage.json", "「标题」我还不会答"),
    ("miniprogrampage.xml", "「标题」我还不会答"),
    ("scan-lower-case.xml", "你扫的是「4294967295」"),
    ("scan.xml", "你扫的是「qrscene_kept」"),
    ("shortvideo.xml", "照片"),
    ("subscribe-empty-key.xml", "欢迎来到喵主粮"),
    ("subscribe-scan.xml", "欢迎来到喵主粮"),
    ("subscribe-trade.xml", "欢迎来到喵主粮"),
    ("subscribe.xml", "欢迎来到喵主粮"),
    ("text-article.xml", "「this is a test」我还不会答"),
    ("text-cloud.json", "我还不会答"),
    ("text-debug-tool.xml", "dog 猫」我还不会答"),
    ("text-menu.xml", "我还不会答"),
    ("text.json", "喵主粮热卖榜"),
    ("text.xml", "喵主粮热卖榜"),
    ("video.xml", "照片"),
    ("voice-unrecognised.xml", "语音没听清"),
    ("voice.xml", "语音没听清"),
];

#[test]
fn every_kind_of_message_and_event_is_answered_as_the_brand_says() {
    run(async {
        let all = fixtures();
        let mut answered = ANSWERED.iter().copied().collect::<BTreeMap<_, _>>();
        for (name, body) in &all {
            let answer = server().await.push(body).await;
            assert_eq!(answer.status, 200, "{name}");
            let reply = server().await.open(&answer);
            match answered.remove(name.as_str()) {
                Some(said) => assert!(reply.contains(said), "{name}: {reply}"),
                None => assert_eq!(reply, "success", "{name}"),
            }
        }
        assert!(answered.is_empty(), "no such samples: {answered:?}");
    });
}

/// Authentic envelopes around broken messages, and broken envelopes.
#[test]
fn five_thousand_random_and_mutated_bodies_leave_the_instance_alive() {
    run(async {
        let mut rng = ChaCha8Rng::seed_from_u64(5_000);
        let samples: Vec<String> = fixtures().into_iter().map(|(_, body)| body).collect();
        let mut statuses = BTreeMap::<u16, u32>::new();
        for number in 0..5_000 {
            let mut body = samples.choose(&mut rng).unwrap().as_bytes().to_vec();
            for _ in 0..rng.random_range(1..12) {
                mutate(&mut body, &mut rng);
            }
            let answer = match number % 2 {
                // A broken message, signed and encrypted as WeChat would.
                0 => {
                    let (path, body) = sealed(&body);
                    server().await.request(Method::POST, &path, body).await
                }
                // A broken envelope.
                _ => {
                    let (query, sealed) = server().await.sealed(&samples[0], now());
                    let mut sealed = sealed.into_bytes();
                    mutate(&mut sealed, &mut rng);
                    server().await.request(Method::POST, &format!("/wechat?{query}"), sealed).await
                }
            };
            *statuses.entry(answer.status).or_default() += 1;
        }
        assert!(statuses.keys().all(|status| [200, 401].contains(status)), "{statuses:?}");
        assert!(statuses[&200] > 1_000 && statuses[&401] > 1_000, "{statuses:?}");
        assert_eq!(server().await.push(&coupon()).await.status, 200, "still alive");
    });
}

fn mutate(body: &mut Vec<u8>, rng: &mut impl Rng) {
    let at = rng.random_range(0..=body.len());
    match rng.random_range(0..5) {
        0 if at < body.len() => body[at] = rng.random(),
        1 => body.insert(at, rng.random()),
        2 => drop(body.drain(at..(at + rng.random_range(0..20)).min(body.len()))),
        3 => body.truncate(at.max(1)),
        _ => {
            let piece =
                [&b"<"[..], b"]]>", b"<![CDATA[", b"&#0;", b"&x;", b"<!DOCTYPE a>", b"{", b"\"", b"\xff", b"</xml>"];
            let piece = piece.choose(rng).unwrap();
            body.splice(at..at, piece.iter().copied());
        }
    }
}
