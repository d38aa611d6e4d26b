//! From a fan who wants a person to the report, through the real components: inside hours, outside, and when a question is asked
//! again. On a local host whose clock the test sets.

use e2e::{CONSOLE_TOKEN, JOB_TOKEN, Server, at, event, local, owned, run, text};
use guanxi::{
    facts::{Entry, dialog::Left, request::Kind},
    time::Timestamp,
};
use guanxi_host::Host;
use hyper::Method;
use serde_json::Value;

/// Monday 2026-03-02, 10:00 in Beijing.
const START: u64 = 1_772_416_800;
const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

const PLAYBOOK: &str = r#"
version = 1
account = "service"
name = "n"
default = "unknown"

[hours.agents]
mon-fri = "09:30-21:00"

[replies.unknown]
type = "text"
content = "还不会"

[replies.agent]
type = "transfer_customer_service"

[[rules]]
id = "agent"
on = "text"
match = { exact = "人工" }
when = "agents"
reply = "agent"

[[rules]]
id = "away"
on = "text"
match = { exact = "人工" }
outside = "agents"
request = "person"
text = "{opening}就回你"

[[rules]]
id = "again"
on = "text"
again = true
when = "agents"

[[rules]]
id = "hello"
on = "text"
match = { exact = "你好" }
followed = "-2"
not_yet = "hello"
text = "新朋友好"
"#;

struct Brand {
    host: Host,
    server: Server,
}

impl Brand {
    /// With the playbook above, which holds from half a minute after the start.
    async fn open() -> Self {
        let (host, server) = local("safe").await;
        host.clock().stop_at(at(Timestamp(START)));
        let published = server.authorized_with(Method::POST, "/playbook", CONSOLE_TOKEN, PLAYBOOK).await;
        assert_eq!(published.status, 200, "{}", published.body);
        Self { host, server }
    }

    /// What a fan gets for a message of a second, tried at another.
    async fn tried(&self, seconds: u64, body: impl Fn(Timestamp) -> String, tried: u64) -> String {
        self.host.clock().stop_at(at(Timestamp(START + tried)));
        let answer = self.server.push_at(&body(Timestamp(START + seconds)), Timestamp(START + tried)).await;
        assert_eq!(answer.status, 200);
        if answer.body == "success" { answer.body } else { self.server.open(&answer) }
    }

    async fn writes(&self, fan: &'static str, seconds: u64, words: &'static str) -> String {
        self.tried(seconds, |now| text(fan, now, seconds, words), seconds).await
    }

    async fn happens(&self, fan: &'static str, seconds: u64, what: &'static str) {
        let agent = "<KfAccount><![CDATA[anna@gh_1]]></KfAccount>";
        assert_eq!(self.tried(seconds, |now| event(fan, now, what, agent), seconds).await, "success");
    }

    async fn rollup(&self, seconds: u64) {
        self.host.clock().stop_at(at(Timestamp(START + seconds)));
        let answer = self.server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The rows of the report on people.
    async fn people(&self) -> Vec<Value> {
        let answer = self.server.authorized(Method::GET, "/reports/people?days=7", CONSOLE_TOKEN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let report: Value = serde_json::from_str(&answer.body).unwrap();
        report["rows"].as_array().unwrap().clone()
    }
}

fn hands_over(reply: &str) -> bool {
    reply.contains("<MsgType><![CDATA[transfer_customer_service]]></MsgType>")
}

#[test]
fn a_hand_over_inside_hours_is_counted_with_the_session_that_answers_it() {
    run(async {
        let brand = Brand::open().await;
        let trace = brand.host.store().trace();
        let asks = |now| text("oFan-1", now, 60, "人工");
        assert!(hands_over(&brand.tried(MINUTE, asks, MINUTE).await));
        assert!(hands_over(&brand.tried(MINUTE, asks, MINUTE + 5).await), "another try");
        brand.happens("oFan-1", 3 * MINUTE, "kf_create_session").await;
        brand.happens("oFan-1", 3 * MINUTE, "kf_create_session").await;
        brand.happens("oFan-1", 9 * MINUTE, "kf_close_session").await;
        assert!(hands_over(&brand.writes("oFan-2", 4 * MINUTE, "人工").await));
        brand.rollup(20 * MINUTE).await;
        brand.happens("oFan-2", 30 * MINUTE, "kf_create_session").await;
        brand.rollup(31 * MINUTE).await;
        let rows = brand.people().await;
        let [monday, all] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((&monday["weekday"], &monday["hour"]), (&Value::from("Mon"), &Value::from(10)));
        for (column, number) in [
            ("handed_over", 2.0),
            ("taken_over", 2.0),
            ("within_15", 1.0),
            ("within_15_share", 0.5),
            // 2 and 26 minutes.
            ("minutes_mean", 14.0),
            ("asked_outside", 0.0),
            ("sessions", 2.0),
            ("sessions_closed", 1.0),
        ] {
            assert_eq!((monday[column].as_f64(), all[column].as_f64()), (Some(number), Some(number)), "{column}");
        }
        owned(&trace.take());
        brand.host.stop().await;
    });
}

#[test]
fn outside_hours_the_fan_reads_when_somebody_is_there_and_the_request_is_kept() {
    run(async {
        let brand = Brand::open().await;
        let evening = 12 * HOUR;
        let reply = brand.writes("oFan-1", evening, "人工").await;
        assert!(reply.contains("<Content><![CDATA[明天 9:30就回你]]></Content>"), "{reply}");
        let again = brand.tried(evening, |now| text("oFan-1", now, evening, "人工"), evening + 5).await;
        assert!(again.contains("明天 9:30就回你"), "{again}");
        let mut numbers = Vec::new();
        for key in brand.host.store().keys("journal:").await.unwrap() {
            let bytes = brand.host.store().get(&key).await.unwrap().unwrap();
            let Entry::Received(received) = Entry::decode(&bytes).unwrap() else { continue };
            for request in Left::decode(&received.left).unwrap().requests {
                assert_eq!(
                    (request.kind, request.source.as_str(), request.text.as_str()),
                    (Kind::Person, "away", "人工")
                );
                numbers.push(request.number);
            }
        }
        assert!(numbers.len() == 2 && numbers[0] == numbers[1], "one number for every try: {numbers:?}");
        brand.rollup(evening + MINUTE).await;
        let rows = brand.people().await;
        assert_eq!((&rows[0]["hour"], &rows[0]["asked_outside"]), (&Value::from(22), &Value::from(1)), "{rows:?}");
        brand.host.stop().await;
    });
}

#[test]
fn the_same_question_twice_brings_a_person_and_another_try_does_not() {
    run(async {
        let brand = Brand::open().await;
        let trace = brand.host.store().trace();
        let asks = |now| text("oFan-1", now, 60, "怎么洗猫");
        for tried in [MINUTE, MINUTE + 5, MINUTE + 10] {
            assert!(brand.tried(MINUTE, asks, tried).await.contains("还不会"), "{tried}");
        }
        // Another fan's question is no second one of this fan's.
        assert!(brand.writes("oFan-2", 2 * MINUTE, "怎么洗猫").await.contains("还不会"));
        assert!(hands_over(&brand.writes("oFan-1", 3 * MINUTE, "怎么 洗猫").await));
        assert!(brand.tried(MINUTE, asks, 3 * MINUTE + 5).await.contains("还不会"), "a late try of the first");
        assert!(owned(&trace.take()).contains("dialog:<openid>"));
        brand.host.stop().await;
    });
}

#[test]
fn a_greeting_of_the_first_two_days_is_said_once() {
    run(async {
        let brand = Brand::open().await;
        assert!(brand.writes("oFan-1", MINUTE, "你好").await.contains("还不会"), "who followed long ago");
        brand.tried(2 * MINUTE, |now| event("oFan-1", now, "subscribe", ""), 2 * MINUTE).await;
        let greets = |now| text("oFan-1", now, 180, "你好");
        for tried in [3 * MINUTE, 3 * MINUTE + 5] {
            assert!(brand.tried(3 * MINUTE, greets, tried).await.contains("新朋友好"), "{tried}");
        }
        assert!(brand.writes("oFan-1", 4 * MINUTE, "你好").await.contains("还不会"));
        brand.host.stop().await;
    });
}
