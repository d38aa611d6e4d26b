//! From pushes and purchases to reports: the jobs and the console's routes, on a local host whose clock the test sets.

use e2e::{Answer, CONSOLE_TOKEN, JOB_TOKEN, Server, at, event, local, owned, run, said, text};
use guanxi::{store::keys, time::Timestamp};
use guanxi_host::Host;
use hyper::Method;

/// Monday 2026-03-02, 10:00 in Beijing.
const START: u64 = 1_772_416_800;
const MINUTE: u64 = 60;

struct Brand {
    host: Host,
    server: Server,
}

impl Brand {
    async fn open() -> Self {
        let (host, server) = local("safe").await;
        Self { host, server }
    }

    fn set(&self, seconds: u64) -> Timestamp {
        let now = Timestamp(START + seconds);
        self.host.clock().stop_at(at(now));
        now
    }

    async fn push(&self, seconds: u64, body: impl Fn(Timestamp) -> String) {
        let now = self.set(seconds);
        assert_eq!(self.server.push_at(&body(now), now).await.status, 200);
    }

    async fn rollup(&self, seconds: u64) -> Answer {
        self.set(seconds);
        self.server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.server.authorized(Method::GET, path, CONSOLE_TOKEN).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

fn follow(fan: &'static str, scene: &'static str) -> impl Fn(Timestamp) -> String {
    move |now| event(fan, now, "subscribe", &format!("<EventKey><![CDATA[qrscene_{scene}]]></EventKey>"))
}

fn order(id: &str, fan: &str, cents: u32) -> String {
    format!(
        r#"{{"id":"{id}","openid":"{fan}","time":{START},"lines":[{{"product":"cat-2kg","quantity":1,"amount":{cents}}}]}}"#
    )
}

#[test]
fn a_scan_a_follow_and_a_purchase_end_in_the_channels_funnel() {
    run(async {
        let brand = Brand::open().await;
        brand.push(0, follow("oFan-1", "bag_2kg")).await;
        brand.push(10, follow("oFan-2", "bag_2kg")).await;
        brand.push(20, |now| event("oFan-2", now, "unsubscribe", "")).await;
        let bought = brand.server.orders(&order("A-1", "oFan-1", 12_900), brand.set(30)).await;
        assert_eq!((bought.status, bought.body.as_str()), (204, ""));
        let again = brand.server.orders(&order("A-1", "oFan-1", 12_900), brand.set(40)).await;
        assert_eq!(again.status, 204, "the same order again is no harm");
        let report = brand.rollup(MINUTE).await;
        assert_eq!(report.status, 200, "{}", report.body);
        assert!(report.body.contains("\"entries\":5"), "{}", report.body);
        let csv = brand.get("/reports/channels?days=1&format=csv").await;
        assert!(csv.starts_with('\u{feff}') && csv.contains("\r\n"), "opens in Excel: {csv}");
        let row = csv.lines().find(|line| line.contains("2kg 包装袋")).unwrap_or_else(|| panic!("{csv}"));
        assert!(row.contains("129.00") && !row.contains("258.00"), "counted once: {row}");
        let json = brand.get("/reports/channels?days=1").await;
        assert!(json.contains("bag_2kg"), "{json}");
        brand.host.stop().await;
    });
}

#[test]
fn a_returning_fan_is_welcomed_as_one_and_the_retry_says_the_same() {
    run(async {
        let brand = Brand::open().await;
        brand.push(0, follow("oFan-1", "bag_2kg")).await;
        brand.push(10, |now| event("oFan-1", now, "unsubscribe", "")).await;
        brand.rollup(MINUTE).await;
        let now = brand.set(2 * MINUTE);
        let body = event("oFan-1", now, "subscribe", "<EventKey></EventKey>");
        let first = brand.server.open(&brand.server.push_at(&body, now).await);
        assert!(first.contains("欢迎回来"), "{first}");
        brand.rollup(3 * MINUTE).await;
        let retry = brand.server.open(&brand.server.push_at(&body, brand.set(3 * MINUTE)).await);
        let content = |reply: &str| reply.split("<Content>").nth(1).unwrap().to_owned();
        assert_eq!(content(&first), content(&retry), "though the first try is folded by now");
        brand.host.stop().await;
    });
}

#[test]
fn a_question_that_three_fans_ask_shows_up_without_digits() {
    run(async {
        let brand = Brand::open().await;
        for (number, fan) in ["oFan-1", "oFan-2", "oFan-3"].into_iter().enumerate() {
            brand.push(number as u64, |now| text(fan, now, number as u64, "订单88231什么情况")).await;
        }
        brand.push(9, |now| text("oFan-1", now, 9, "只有一个人问的")).await;
        brand.rollup(MINUTE).await;
        let questions = brand.get("/reports/questions").await;
        assert!(questions.contains("什么情况") && !questions.contains("88231"), "{questions}");
        assert!(!questions.contains("只有一个人问的"), "{questions}");
        brand.host.stop().await;
    });
}

#[test]
fn an_erased_fan_is_forgotten_and_the_counts_stay() {
    run(async {
        let brand = Brand::open().await;
        brand.push(0, follow("oFan-1", "bag_2kg")).await;
        brand.rollup(MINUTE).await;
        let fan = brand.get("/fans/oFan-1").await;
        assert!(fan.contains("bag_2kg"), "{fan}");
        let overview = brand.get("/reports/overview?format=csv").await;
        brand.set(2 * MINUTE);
        let erased = brand.server.authorized(Method::DELETE, "/fans/oFan-1", CONSOLE_TOKEN).await;
        assert_eq!(erased.status, 202, "{}", erased.body);
        brand.rollup(3 * MINUTE).await;
        let fan = brand.server.authorized(Method::GET, "/fans/oFan-1", CONSOLE_TOKEN).await;
        // That the fan follows, and through which channel, stays as long as it is so: an unfollow is counted there, once.
        assert!(fan.body.contains("erased") && fan.body.contains("followed"), "{fan:?}");
        for gone in ["touch", "tag", "known since"] {
            assert!(!fan.body.contains(gone), "{gone}: {fan:?}");
        }
        let today = |csv: &str| csv.lines().nth(1).unwrap().split(',').take(6).collect::<Vec<_>>().join(",");
        assert_eq!(today(&brand.get("/reports/overview?format=csv").await), today(&overview));
        brand.host.stop().await;
    });
}

#[test]
fn a_damaged_record_is_set_aside_shown_repaired_or_dropped_and_the_rest_goes_on() {
    run(async {
        let brand = Brand::open().await;
        let trace = brand.host.store().trace();
        brand.push(0, follow("oFan-1", "bag_2kg")).await;
        brand.push(10, follow("oFan-2", "bag_2kg")).await;
        brand.rollup(MINUTE).await;
        brand.host.store().set("fan:oFan-1", b"\x01?".to_vec()).await.unwrap();
        brand.push(70, |now| text("oFan-1", now, 1, "在吗")).await;
        brand.push(80, |now| event("oFan-2", now, "unsubscribe", "")).await;
        let report = brand.rollup(2 * MINUTE).await;
        assert!(report.body.contains(r#""set_aside":["fan:<openid>"]"#), "{}", report.body);
        assert!(report.body.contains(r#""end":"Done""#), "{}", report.body);
        assert!(brand.get("/fans/oFan-2").await.contains("unfollowed"));
        assert!(brand.get("/reports/account?format=csv").await.contains("damaged: fan:oFan-1"));
        let shown = brand.get("/damaged").await;
        assert!(
            shown.starts_with(r#"{"set_aside":[{"key":"fan:oFan-1","at":"#) && shown.ends_with(r#""repair":null}"#)
        );
        assert_eq!(brand.get("/damaged/fan:oFan-1").await, "\u{1}?");
        for (method, key, status) in [
            (Method::GET, "fan:oFan-2", 404),
            (Method::DELETE, "fan:oFan-2", 404),
            (Method::POST, "fan:oFan-1", 405),
            (Method::POST, "fan:oFan-2/repair", 404),
            (Method::POST, "fan:oFan-1/repair", 202),
            (Method::DELETE, "fan:oFan-1", 409),
        ] {
            let answer = brand.server.authorized(method, &format!("/damaged/{key}"), CONSOLE_TOKEN).await;
            assert_eq!(answer.status, status, "{key}: {}", answer.body);
        }
        assert!(!brand.get("/fans/oFan-1").await.contains("bag_2kg"), "a stranger");
        brand.rollup(3 * MINUTE).await;
        let shown = brand.get("/damaged").await;
        assert!(shown.starts_with(r#"{"set_aside":[],"repair":{"key":"fan:oFan-1""#), "{shown}");
        assert!(
            shown.contains(r#""repaired":{"#) && shown.contains(r#""before":"nothing","unreadable":0,"counts":true"#)
        );
        assert!(brand.get("/fans/oFan-1").await.contains("bag_2kg"));
        let row = brand.get("/reports/channels?format=csv").await;
        assert!(row.contains("bag_2kg,") && !row.contains("(direct)"), "nobody was met who was known: {row}");
        assert_eq!(brand.host.store().keys("damaged:").await.unwrap(), ["damaged:list"]);
        // What cannot be repaired, and what is dropped.
        brand.host.store().set("count:all", b"".to_vec()).await.unwrap();
        brand.push(190, |now| text("oFan-1", now, 2, "在吗")).await;
        brand.rollup(4 * MINUTE).await;
        for (method, key, status) in [(Method::POST, "count:all/repair", 422), (Method::DELETE, "count:all", 202)] {
            let answer = brand.server.authorized(method, &format!("/damaged/{key}"), CONSOLE_TOKEN).await;
            assert_eq!(answer.status, status, "{key}: {}", answer.body);
        }
        brand.rollup(5 * MINUTE).await;
        assert!(brand.get("/damaged").await.starts_with(r#"{"set_aside":[]"#));
        let written = owned(&trace.take());
        for kind in keys::ALL.iter().filter(|kind| kind.pattern.starts_with("damaged:")) {
            assert!(written.contains(kind.pattern), "{kind:?}");
        }
        let log = said(&brand.host, "stats");
        assert!(log.contains(r#""event":"set_aside","records":1,"#) && !log.contains("oFan"), "{log}");
        brand.host.stop().await;
    });
}

#[test]
fn nobody_runs_a_job_or_reads_a_report_without_the_right_token() {
    run(async {
        let brand = Brand::open().await;
        for (method, path, right) in [
            (Method::POST, "/jobs/rollup", JOB_TOKEN),
            (Method::GET, "/reports/overview", CONSOLE_TOKEN),
            (Method::GET, "/fans/oFan-1", CONSOLE_TOKEN),
            (Method::DELETE, "/fans/oFan-1", CONSOLE_TOKEN),
            (Method::GET, "/damaged", CONSOLE_TOKEN),
            (Method::GET, "/damaged/fan:oFan-1", CONSOLE_TOKEN),
            (Method::DELETE, "/damaged/fan:oFan-1", CONSOLE_TOKEN),
            (Method::POST, "/damaged/fan:oFan-1/repair", CONSOLE_TOKEN),
        ] {
            let other = if right == JOB_TOKEN { CONSOLE_TOKEN } else { JOB_TOKEN };
            for wrong in ["", "guess", other] {
                let answer = brand.server.authorized(method.clone(), path, wrong).await;
                assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{path} with {wrong}");
            }
            assert_eq!(brand.server.request(method, path, "").await.status, 401, "{path} with none");
        }
        brand.host.stop().await;
    });
}

#[test]
fn a_request_that_asks_wrongly_is_told_what_to_write() {
    run(async {
        let brand = Brand::open().await;
        for (path, said) in [
            ("/reports/chanels", "overview, channels, channel, channel-days, trend"),
            ("/reports/channel?days=3", "the id of a channel"),
            ("/reports/channels?dayz=3", "days, from, to"),
            ("/reports/channels?from=yesterday", "2026-03-31"),
            ("/reports/trend?step=week", "hour or day"),
            ("/reports/overview?format=xls", "json or csv"),
            ("/fans/not%2Fa%20fan", "openid"),
        ] {
            let answer = brand.server.authorized(Method::GET, path, CONSOLE_TOKEN).await;
            assert!(answer.status == 400 && answer.body.contains(said), "{path}: {answer:?}");
        }
        brand.host.stop().await;
    });
}

#[test]
fn a_second_rollup_in_the_same_minute_goes_away() {
    run(async {
        let brand = Brand::open().await;
        assert_eq!(brand.rollup(0).await.status, 200);
        assert_eq!(brand.rollup(1).await.status, 409);
        assert_eq!(brand.rollup(MINUTE).await.status, 200);
        brand.host.stop().await;
    });
}

#[test]
fn orders_are_all_or_nothing_and_every_problem_has_its_place() {
    run(async {
        let brand = Brand::open().await;
        let now = brand.set(0);
        let good = order("A-1", "oFan-1", 100);
        let bad =
            r#"{"id":"","openid":"not an openid","time":"soon","lines":[{"product":"p","quantity":-1,"amount":1}]}"#;
        let answer = brand.server.orders(&format!(r#"{{"orders":[{good},{bad}]}}"#), now).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        for place in ["orders[1].id: ", "orders[1].openid: ", "orders[1].time: ", "orders[1].lines[0].quantity: "] {
            assert!(answer.body.lines().any(|line| line.starts_with(place)), "{place}{}", answer.body);
        }
        assert_eq!(brand.host.store().keys("journal:").await.unwrap().len(), 0, "nothing was taken");
        let batch: Vec<String> = (0..500).map(|number| order(&format!("B-{number}"), "oFan-1", 100)).collect();
        let answer = brand.server.orders(&format!(r#"{{"orders":[{}]}}"#, batch.join(",")), now).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!(brand.host.store().keys("journal:").await.unwrap().len(), 1, "one entry");
        assert_eq!(brand.server.orders("{", now).await.status, 400);
        assert_eq!(brand.server.orders(&" ".repeat(256 * 1024 + 1), now).await.status, 413);
        assert_eq!(brand.server.orders(&good, Timestamp(now.0 - 301)).await.status, 401, "too old");
        assert_eq!(brand.server.request(Method::POST, "/orders", good).await.status, 401, "unsigned");
        assert_eq!(brand.server.request(Method::GET, "/orders", "").await.status, 405);
        brand.host.stop().await;
    });
}
