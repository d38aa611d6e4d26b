//! POST `/playbook`, on a local host whose clock the test sets.

use e2e::{Answer, CONSOLE_TOKEN, JOB_TOKEN, Server, at, event, local, owned, run, said, text};
use guanxi::time::Timestamp;
use guanxi_host::Host;
use hyper::Method;
use serde_json::{Value, json};

const START: u64 = 1_772_416_800;

fn playbook(says: &str) -> String {
    format!(
        "version = 1\naccount = \"service\"\nname = \"n\"\n\
         [[rules]]\nid = \"word\"\non = \"text\"\nmatch = {{ exact = \"暗号\" }}\ntext = \"{says}\"\n"
    )
}

async fn post(server: &Server, token: &str, body: impl Into<String>) -> Answer {
    server.authorized_with(Method::POST, "/playbook", token, body.into()).await
}

/// What the real callback says to a message of this second.
async fn says(host: &Host, server: &Server, second: u64) -> String {
    let moment = Timestamp(START + second);
    host.clock().stop_at(at(moment));
    let answer = server.push_at(&text("oFan-1", moment, second, "暗号"), moment).await;
    server.open(&answer)
}

#[test]
fn a_published_playbook_answers_from_its_second_on() {
    run(async {
        let (host, server) = local("safe").await;
        let trace = host.store().trace();
        host.clock().stop_at(at(Timestamp(START)));
        let answer = post(&server, CONSOLE_TOKEN, playbook("one")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        let expected = json!({ "number": 1, "holds_from": START + 30, "holds_in_seconds": 30, "known": false });
        assert_eq!(said, expected);
        let second = post(&server, CONSOLE_TOKEN, playbook("two")).await;
        assert_eq!(second.status, 409, "{}", second.body);
        assert!(!says(&host, &server, 29).await.contains("[CDATA[one]]"));
        assert!(says(&host, &server, 30).await.contains("[CDATA[one]]"));
        host.clock().stop_at(at(Timestamp(START + 60)));
        let second: Value = serde_json::from_str(&post(&server, CONSOLE_TOKEN, playbook("two")).await.body).unwrap();
        assert_eq!((&second["number"], &second["holds_from"]), (&json!(2), &json!(START + 90)));
        assert!(says(&host, &server, 89).await.contains("[CDATA[one]]"));
        assert!(says(&host, &server, 100).await.contains("[CDATA[two]]"));
        assert!(owned(&trace.take()).contains("playbook:<n>:<part>"));
        host.stop().await;
    });
}

/// `qr-scan` reads its channels from the same playbook as `auto-reply` its rules, before a publication holds and after.
#[test]
fn a_follow_is_welcomed_by_the_playbook_of_its_second() {
    run(async {
        let (host, server) = local("safe").await;
        host.clock().stop_at(at(Timestamp(START)));
        let channel = "[[channels]]\nid = \"bag_2kg\"\nname = \"袋\"\n[[rules]]\nid = \"bag\"\non = \"subscribe\"\n\
                       channel = \"bag_2kg\"\ntext = \"{name}, published\"\n";
        assert_eq!(post(&server, CONSOLE_TOKEN, playbook("one") + channel).await.status, 200);
        let scene = "<EventKey><![CDATA[qrscene_bag_2kg]]></EventKey>";
        let mut welcomes = Vec::new();
        for (fan, second) in [("oFan-1", 28), ("oFan-2", 29), ("oFan-3", 30), ("oFan-4", 31)] {
            let moment = Timestamp(START + second);
            host.clock().stop_at(at(moment));
            let welcome = server.push_at(&event(fan, moment, "subscribe", scene), moment).await;
            welcomes.push(server.open(&welcome));
        }
        for (built_in, says) in [(true, "谢谢你选了"), (false, "[CDATA[n, published]]")] {
            let said: Vec<bool> = welcomes.iter().map(|welcome| welcome.contains(says)).collect();
            assert_eq!(said, [built_in, built_in, !built_in, !built_in], "{says}: {welcomes:?}");
        }
        host.stop().await;
    });
}

#[test]
fn what_is_refused_says_why_and_publishes_nothing() {
    run(async {
        let (host, server) = local("safe").await;
        for (body, status, says) in [
            (playbook("{nmae}"), 422, "8:9: unknown placeholder `{nmae}`"),
            (playbook("one").replace("name = ", "nam = "), 422, "1:1: the playbook needs `name`"),
            (format!("# {}", "x".repeat(1024 * 1024)), 413, "the body is longer than 1048576 bytes"),
        ] {
            let answer = post(&server, CONSOLE_TOKEN, body).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            assert!(answer.body.starts_with(says), "{}", answer.body);
        }
        for token in [JOB_TOKEN, "", "e2e-console-toke"] {
            let answer = post(&server, token, playbook("one")).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""));
        }
        assert_eq!(server.authorized(Method::GET, "/playbook", CONSOLE_TOKEN).await.status, 405);
        assert_eq!(host.store().keys("playbook:").await.unwrap(), [""; 0]);
        let log = said(&host, "console");
        assert!(log.contains(r#""status":422,"#) && !log.contains("console-tok"), "{log}");
        host.stop().await;
    });
}
