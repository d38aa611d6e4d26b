//! What HTTP alone does not show: the journal, a broken store, other modes, a published playbook, a clock that is off.
//! On the local host only.

use e2e::{at, event, fixtures, local, now, run, said, text};
use guanxi::{
    facts::{Entry, FanStatus, Received, Touch},
    playbook::{compile, publish},
    time::Timestamp,
    wechat::{endpoint::Mode, sender::Sender},
};
use guanxi_host::{
    Host,
    store::{Verdict, fail_prefix},
};
use hyper::Method;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

async fn journal(host: &Host) -> Vec<Received> {
    let mut entries = Vec::new();
    for key in host.store().keys("journal:").await.unwrap() {
        match Entry::decode(&host.store().get(&key).await.unwrap().unwrap()).unwrap() {
            Entry::Received(received) => entries.push(received),
            other => panic!("callback writes pushes only, not {other:?}"),
        }
    }
    entries
}

#[test]
fn on_the_local_host_every_understood_push_is_one_journal_entry() {
    run(async {
        let (host, server) = local("safe").await;
        let pushes = fixtures();
        for (_, body) in &pushes {
            assert_eq!(server.push(body).await.status, 200);
        }
        assert_eq!(server.push("<xml>not understood</xml>").await.status, 200);
        let entries = journal(&host).await;
        assert_eq!(entries.len(), pushes.len());
        let streams: Vec<String> = host.store().keys("journal:").await.unwrap();
        assert!(streams.iter().all(|key| key.starts_with("journal:1:")), "one instance, one stream: {streams:?}");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_an_entry_says_what_came_in_and_what_went_out() {
    run(async {
        let (host, server) = local("safe").await;
        server.push(&text("oFan-1", now(), 1, "优惠")).await;
        let scan = "<EventKey><![CDATA[qrscene_bag_2kg]]></EventKey><Ticket><![CDATA[t]]></Ticket>";
        server.push(&event("oFan-2", now(), "subscribe", scan)).await;
        let entries = journal(&host).await;
        assert_eq!(entries[0].message.from_user_name.as_str(), "oFan-1");
        assert!(entries[0].rule.is_some());
        assert_eq!(entries[0].touch, None);
        assert_eq!(entries[1].touch, Some(Touch { channel: Some("bag_2kg".into()), fan: FanStatus::New }));
        assert!(entries[1].milliseconds < 4_000);
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_fan_whose_record_a_newer_guanxi_wrote_is_welcomed_back_and_the_log_says_why() {
    run(async {
        let (host, server) = local("safe").await;
        host.store().set("fan:oFan-1", vec![u8::MAX, 1, 2]).await.unwrap();
        for (fan, says) in [("oFan-1", "欢迎回来"), ("oFan-2", "欢迎来到")] {
            let answer = server.push(&event(fan, now(), "subscribe", "<EventKey></EventKey>")).await;
            assert!(server.open(&answer).contains(says), "{fan}");
        }
        let log = format!("{:?}", host.logs().lines("callback"));
        assert!(log.contains("its format 255 is newer than this program"), "{log}");
        assert!(!log.contains("oFan"), "{log}");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_callback_is_one_store_write() {
    run(async {
        let (host, server) = local("safe").await;
        server.push(&text("oFan-1", now(), 1, "优惠")).await;
        let trace = host.store().trace();
        for number in 2..22 {
            server.push(&text("oFan-1", now(), number, "优惠")).await;
        }
        let writes: Vec<_> = trace.take().into_iter().filter(|operation| operation.action.writes()).collect();
        assert_eq!(writes.len(), 20, "{writes:?}");
        assert!(writes.iter().all(|write| write.component == "callback" && write.key.starts_with("journal:")));
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_the_callback_writes_its_own_prefixes_only() {
    run(async {
        let (host, server) = local("safe").await;
        let trace = host.store().trace();
        for (_, body) in fixtures() {
            server.push(&body).await;
        }
        for write in trace.take().into_iter().filter(|operation| operation.action.writes()) {
            let own = ["journal:", "seq:journal", "conversation:"].iter().any(|prefix| write.key.starts_with(prefix));
            assert!(write.component == "callback" && own, "{write:?}");
        }
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_store_that_stays_away_is_503_after_four_seconds() {
    run(async {
        let (host, server) = local("safe").await;
        server.push(&text("oFan-1", now(), 1, "优惠")).await;
        host.store().watch(fail_prefix("journal:"));
        let began = Instant::now();
        let answer = server.push(&text("oFan-1", now(), 2, "优惠")).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, ""));
        // WeChat cuts at five.
        assert!((Duration::from_millis(3_500)..Duration::from_millis(4_900)).contains(&began.elapsed()));
        host.store().unwatch();
        assert_eq!(server.push(&text("oFan-1", now(), 2, "优惠")).await.status, 200, "the next try finds it back");
        assert_eq!(journal(&host).await.len(), 2);
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_store_that_fails_for_a_moment_costs_no_message() {
    run(async {
        let (host, server) = local("safe").await;
        let fates = Mutex::new(ChaCha8Rng::seed_from_u64(20));
        host.store().watch(move |_| match fates.lock().unwrap().random_range(0..4) {
            0 => Verdict::Fail,
            1 => Verdict::LoseAnswer,
            _ => Verdict::Proceed,
        });
        for number in 0..20 {
            let answer = server.push(&text("oFan-1", now(), number, "优惠")).await;
            assert_eq!(answer.status, 200, "message {number}");
        }
        assert_eq!(journal(&host).await.len(), 20, "each once");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_all_three_modes_answer_in_their_own_way() {
    run(async {
        for mode in ["plain", "compat", "safe"] {
            let (host, server) = local(mode).await;
            let answer = server.push(&text("oFan-1", now(), 1, "优惠")).await;
            assert_eq!(answer.status, 200, "{mode}");
            assert_eq!(answer.body.contains("<Encrypt>"), mode != "plain", "{mode}");
            assert!(server.open(&answer).contains("<MsgType><![CDATA[text]]></MsgType>"), "{mode}");
            host.stop().await;
        }
    });
}

#[test]
fn on_the_local_host_a_published_playbook_holds_from_its_second_on() {
    run(async {
        let (host, server) = local("safe").await;
        let start = now();
        host.clock().stop_at(at(start));
        let content = |reply: &str| {
            reply.split("<Content><![CDATA[").nth(1).map(|rest| rest.split("]]").next().unwrap().to_owned())
        };
        let ask = async |create_time: Timestamp, clock: Timestamp| {
            host.clock().stop_at(at(clock));
            let answer = server.push_at(&text("oFan-1", create_time, create_time.0, "暗号"), clock).await;
            content(&server.open(&answer))
        };
        let before = ask(start, start).await;
        let source = "version = 1\naccount = \"service\"\nname = \"n\"\nutc_offset = \"+08:00\"\n\
                      [[rules]]\nid = \"word\"\non = \"text\"\nmatch = { exact = \"暗号\" }\ntext = \"new\"\n";
        let compiled = compile(source).unwrap_or_else(|problems| panic!("{problems:?}"));
        let (head, writes) = publish::publish(None, &compiled, start).unwrap();
        for (key, value) in writes {
            host.store().set(&key, value).await.unwrap();
        }
        let holds_from = head.latest().unwrap().holds_from;
        assert!(holds_from.0 >= start.0 + 30);
        let later = Timestamp(holds_from.0 + 1);
        assert_eq!(ask(Timestamp(holds_from.0 - 1), later).await, before, "a message from before the new one held");
        assert_eq!(ask(holds_from, later).await.as_deref(), Some("new"));
        assert_eq!(ask(start, Timestamp(later.0 + 60)).await, before, "its retry, a minute later");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_a_wrong_variable_is_named_in_the_log_and_nowhere_else() {
    run(async {
        let options = e2e::options("safe").variable("wechat_encoding_aes_key", "too-short-to-be-a-key");
        let host = Host::start(options).await.unwrap();
        let server = e2e::Server::new(&host.url(), Mode::Safe);
        let answer = server.push(&text("oFan-1", now(), 1, "优惠")).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""));
        let log = format!("{:?}", host.logs().lines("callback"));
        assert!(log.contains("wechat_encoding_aes_key"), "{log}");
        assert!(!log.contains("too-short-to-be-a-key"), "{log}");
        host.stop().await;
    });
}

#[test]
fn on_the_local_host_no_message_is_lost_while_token_and_key_are_changed() {
    const NEXT_TOKEN: &str = "e2enexttoken";
    const NEXT_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    run(async {
        for mode in [Mode::Plain, Mode::Compat, Mode::Safe] {
            let name = format!("{mode:?}").to_lowercase();
            let next = [("wechat_token_next", NEXT_TOKEN), ("wechat_encoding_aes_key_next", NEXT_KEY)];
            let options =
                next.into_iter().fold(e2e::options(&name), |options, (name, value)| options.variable(name, value));
            let host = Host::start(options).await.unwrap();
            let mut server = e2e::Server::new(&host.url(), mode);
            let pairs = [
                (e2e::TOKEN, e2e::AES_KEY),
                (NEXT_TOKEN, e2e::AES_KEY),
                (e2e::TOKEN, NEXT_KEY),
                (NEXT_TOKEN, NEXT_KEY),
            ];
            for (number, (token, key)) in pairs.into_iter().cycle().take(12).enumerate() {
                server.sender = Sender::new(token, mode, &key.parse().unwrap(), e2e::APP_ID);
                let answer = server.push(&text("oFan-1", now(), number as u64, "优惠")).await;
                assert_eq!(answer.status, 200, "{mode:?} {token} {key}");
                assert!(server.open(&answer).contains("<MsgType><![CDATA[text]]></MsgType>"), "{mode:?} {token} {key}");
                let echo = server.sender.sign_url("1", "1", "42");
                assert_eq!(server.request(Method::GET, &format!("/wechat?{echo}"), "").await.body, "42");
            }
            assert_eq!(journal(&host).await.len(), 12);
            server.sender = Sender::new("another", mode, &NEXT_KEY.parse().unwrap(), e2e::APP_ID);
            assert_eq!(server.push(&text("oFan-1", now(), 99, "优惠")).await.status, 401, "{mode:?}");
            let log = said(&host, "callback");
            assert!(!log.contains(NEXT_TOKEN) && !log.contains(NEXT_KEY), "{log}");
            host.stop().await;
        }
    });
}

#[test]
fn on_the_local_host_the_log_holds_no_secret_and_no_fans_words() {
    run(async {
        let (host, server) = local("safe").await;
        server.push(&text("oFan-1", now(), 1, "我的电话是13800000000")).await;
        server.push_at(&text("oFan-1", now(), 1, "我的电话是13800000000"), Timestamp(now().0 - 999)).await;
        server.push("<xml><Content>我的电话是13800000000</Content></xml>").await;
        let log = format!("{:?}", host.logs().lines("callback"));
        assert!(log.contains("behind our clock"), "{log}");
        for secret in ["13800000000", "e2etoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"] {
            assert!(!log.contains(secret), "{log}");
        }
        host.stop().await;
    });
}
