//! A campaign is tried, asked for, sent and listed, over HTTP, on a local host whose clock the test sets.

use e2e::{
    API_APP_SECRET, APP_ID, Answer, CONSOLE_TOKEN, JOB_TOKEN, Server, at, event, options, owned, run, templates, text,
};
use guanxi::{
    store::keys::{self, Person},
    time::Timestamp,
    wechat::endpoint::Mode,
};
use guanxi_host::{Host, store::Operation};
use guanxi_simulator::api::{Account, ApiServer, Latency, Rules};
use hyper::Method;
use serde_json::Value;

/// Monday 2026-03-02, 10:00 in Beijing.
const START: u64 = 1_772_416_800;
pub(super) const FANS: usize = 20;
pub(super) const CAMPAIGN: &str = r#"
id = "checkup"
at = "2026-03-02T12:00"
segment = { channels = ["bag_2kg"] }
holdout = 0
way = "template"
template_id = "sample_template_id_service"
fields = { thing1 = "{name}年度体检日历", time2 = "2026年03月08日 10:00", thing3 = "回复「体检」查看步骤" }
"#;

pub(super) struct Brand {
    pub(super) host: Host,
    pub(super) server: Server,
    pub(super) wechat: ApiServer,
}

impl Brand {
    /// With [`FANS`] fans, every second of whom came through the package's code.
    pub(super) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// The same, WeChat's rules changed.
    pub(super) async fn open_with(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Rules { app_id: APP_ID.into(), secret: API_APP_SECRET.into(), ..Rules::default() };
        rules.latency = Latency::Fixed(1);
        templates(&mut rules);
        change(&mut rules);
        let mut account = Account::new(rules);
        (0..FANS).for_each(|fan| account.audience.fan(&openid(fan)).follow(START * 1_000));
        let wechat = ApiServer::start(account, || (START + 7_200) * 1_000).await.unwrap();
        let host = Host::start(options("safe").variable("wechat_api_url", wechat.base_url())).await.unwrap();
        let server = Server::new(&host.url(), Mode::Safe);
        let brand = Self { host, server, wechat };
        let now = brand.set(0);
        for fan in 0..FANS {
            let scene = if fan % 2 == 0 { "qrscene_bag_2kg" } else { "" };
            let follow = event(&openid(fan), now, "subscribe", &format!("<EventKey><![CDATA[{scene}]]></EventKey>"));
            assert_eq!(brand.server.push_at(&follow, now).await.status, 200);
        }
        brand.set(60);
        assert_eq!(brand.job("rollup").await.status, 200);
        brand
    }

    pub(super) fn set(&self, seconds: u64) -> Timestamp {
        let now = Timestamp(START + seconds);
        self.host.clock().stop_at(at(now));
        now
    }

    pub(super) async fn job(&self, job: &str) -> Answer {
        self.server.authorized(Method::POST, &format!("/jobs/{job}"), JOB_TOKEN).await
    }

    pub(super) async fn post(&self, query: &str, body: &str) -> Answer {
        self.server.authorized_with(Method::POST, &format!("/campaigns{query}"), CONSOLE_TOKEN, body.to_owned()).await
    }

    pub(super) async fn list(&self) -> Value {
        let answer = self.server.authorized(Method::GET, "/campaigns", CONSOLE_TOKEN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

fn openid(fan: usize) -> String {
    format!("oCampaign-{fan:02}")
}

pub(super) fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

#[test]
fn a_campaign_is_tried_asked_for_sent_and_listed() {
    run(async {
        let brand = Brand::open().await;
        let tried = brand.post("?dry_run=1", CAMPAIGN).await;
        assert_eq!((tried.status, &tried.headers["content-type"]), (200, &"application/json".parse().unwrap()));
        let found = json(&tried);
        assert_eq!((&found["fans"], &found["outside"], &found["gets"]), (&20.into(), &10.into(), &10.into()));
        assert_eq!(
            found["rows"][0],
            serde_json::json!({ "openid": openid(0), "way": "template", "gets_at": START + 7_200 })
        );
        assert_eq!(brand.list().await, Value::Array(Vec::new()), "a dry run leaves nothing");

        let asked = brand.post("", CAMPAIGN).await;
        assert_eq!(asked.status, 202, "{}", asked.body);
        assert_eq!(json(&asked)["begins_in_seconds"], 7_140);
        assert_eq!(json(&brand.post("", CAMPAIGN).await)["known"], true);
        assert_eq!(brand.list().await[0]["taken_up"], false);

        brand.set(7_200);
        let report = json(&brand.job("push").await);
        assert_eq!((&report["sent"], &report["end"]), (&10.into(), &"Done".into()));
        let seen = brand.wechat.account().books().sightings.len();
        assert_eq!((seen, brand.list().await[0]["done"].as_u64()), (10, Some(10)));
        brand.set(7_260);
        assert_eq!(json(&brand.post("", CAMPAIGN).await)["known"], true);
        assert_eq!(json(&brand.job("push").await)["sent"], 0);
        let other = brand.post("", &CAMPAIGN.replace("holdout = 0", "holdout = 5")).await;
        assert_eq!(other.status, 409, "{}", other.body);
        brand.host.stop().await;
    });
}

#[test]
fn what_is_no_campaign_is_refused_and_says_why() {
    run(async {
        let brand = Brand::open().await;
        for (query, body, status, says) in [
            ("", CAMPAIGN.replace("bag_2kg", "bag_3kg"), 422, "4:25: there is no channel `bag_3kg`"),
            ("?dry_run=1", CAMPAIGN.replace("at =", "when ="), 422, "1:1: a campaign needs `at`"),
            (
                "",
                CAMPAIGN.replace("2026-03-02T", "2026-02-28T"),
                422,
                "3:6: `2026-02-28T12:00` is more than 24 hours ago",
            ),
            ("", CAMPAIGN.replace("checkup", "spring_checkup_2030"), 409, "the id `spring_checkup_2030` is taken"),
            ("?dryrun=1", CAMPAIGN.to_owned(), 400, "unknown parameter `dryrun`"),
            ("", format!("# {}\n{CAMPAIGN}", "x".repeat(65_536)), 413, "the body is longer than 65536 bytes"),
        ] {
            let answer = brand.post(query, &body).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            assert!(answer.body.starts_with(says), "{}", answer.body);
        }
        assert_eq!(brand.server.authorized(Method::PUT, "/campaigns", CONSOLE_TOKEN).await.status, 405);
        for token in [JOB_TOKEN, ""] {
            let answer = brand.server.authorized(Method::GET, "/campaigns", token).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""));
        }
        assert_eq!(brand.list().await, Value::Array(Vec::new()));
        brand.host.stop().await;
    });
}

/// The keys of everything in the store that names somebody, in key or value; all of kinds that are known to.
async fn naming(brand: &Brand, name: &str) -> Vec<String> {
    let store = brand.host.store();
    let names = |bytes: &[u8]| bytes.windows(name.len()).any(|part| part == name.as_bytes());
    let mut found = Vec::new();
    for key in store.keys("").await.unwrap() {
        // What is a counter is no value, and names nobody.
        let value = store.get(&key).await.unwrap_or_default().unwrap_or_default();
        if names(key.as_bytes()) || names(&value) {
            let kind = keys::kind_of(&key).unwrap();
            assert_eq!(kind.person, Person::Named, "{key} names {name}: {kind:?}");
            found.push(key);
        }
    }
    found
}

#[test]
fn an_erased_fan_with_a_full_history_is_named_nowhere_when_the_time_is_over() {
    const DAY: u64 = 86_400;
    run(async {
        let brand = Brand::open().await;
        let trace = brand.host.store().trace();
        let fan = openid(0);
        assert_eq!(brand.post("", CAMPAIGN).await.status, 202);
        brand.set(7_200);
        assert_eq!(json(&brand.job("push").await)["sent"], 10);
        let did = [
            event(&fan, brand.set(7_210), "SCAN", "<EventKey><![CDATA[shop_hangzhou_01]]></EventKey>"),
            event(&fan, brand.set(7_220), "CLICK", "<EventKey><![CDATA[MENU_SHOPS]]></EventKey>"),
            text(&fan, brand.set(7_230), 1, "没人答的问题"),
            text(&fan, brand.set(7_240), 2, "退订"),
        ];
        for body in did {
            assert_eq!(brand.server.push_at(&body, brand.set(7_240)).await.status, 200);
        }
        for (id, who) in [
            ("A-1", format!(r#""openid":"{fan}","unionid":"u-1""#)),
            ("A-2", format!(r#""openid":"{fan}","unionid":"u-2""#)),
            ("A-3", r#""unionid":"u-3""#.to_owned()),
        ] {
            let lines = r#"[{"product":"adult-2kg","quantity":1,"amount":100}]"#;
            let order = format!(r#"{{"id":"{id}",{who},"time":{START},"lines":{lines}}}"#);
            assert_eq!(brand.server.orders(&order, brand.set(7_250)).await.status, 204);
        }
        brand.set(7_260);
        brand.job("rollup").await;
        let known = naming(&brand, &fan).await;
        for prefix in ["fan:o", "fan:list:", "due:", "order:union:", "conversation:", "ledger:", "plan:", "journal:"] {
            assert!(known.iter().any(|key| key.starts_with(prefix)), "{prefix}: is this blind? {known:?}");
        }

        brand.set(7_270);
        let erased = brand.server.authorized(Method::DELETE, &format!("/fans/{fan}"), CONSOLE_TOKEN).await;
        assert_eq!(erased.status, 202);
        for (minute, job) in [(122, "rollup"), (123, "push")] {
            brand.set(minute * 60);
            assert_eq!(brand.job(job).await.status, 200);
        }
        let left = naming(&brand, &fan).await;
        let may_stay = ["fan:o", "fan:forget:", "outcome:list:", "journal:"];
        assert!(left.iter().all(|key| may_stay.iter().any(|start| key.starts_with(start))), "{left:?}");

        // The journal's days are over: what is left is that the fan follows and wants no pushes, and when to forget that.
        for minute in 0..20 {
            brand.set(9 * DAY + minute * 60);
            assert_eq!(brand.job("rollup").await.status, 200);
            assert_eq!(brand.job("push").await.status, 200);
        }
        let left = naming(&brand, &fan).await;
        assert!(left.iter().all(|key| key.starts_with("fan:o") || key.starts_with("fan:forget:")), "{left:?}");

        let gone = event(&fan, brand.set(10 * DAY), "unsubscribe", "");
        assert_eq!(brand.server.push_at(&gone, brand.set(10 * DAY)).await.status, 200);
        for begin in [10 * DAY + 60, 42 * DAY, 51 * DAY] {
            for minute in 0..60 {
                brand.set(begin + minute * 60);
                assert_eq!(brand.job("rollup").await.status, 200);
                if minute % 10 == 9 {
                    assert_eq!(brand.job("push").await.status, 200);
                }
            }
        }
        assert_eq!(naming(&brand, &fan).await, [""; 0]);
        assert!(brand.host.store().keys("order:wait:").await.unwrap().is_empty(), "nor the orders nobody came for");

        // All that happened, and every component wrote what is its own.
        let operations = trace.take();
        for component in ["callback", "orders", "stats", "push", "console"] {
            let wrote = |operation: &Operation| operation.component == component && operation.action.writes();
            assert!(operations.iter().any(wrote), "{component} wrote nothing: is this blind?");
        }
        let seen = owned(&operations);
        // What only a broken store, a draft, a publication, an unknown code, a dialog, a request or another way of a push leads to.
        let others = [
            "damaged:",
            "playbook:",
            "seq:draft",
            "plan:",
            "count:scenes",
            "request:",
            "cursor:request",
            "count:request",
            "count:people",
            "count:dialog",
            "dialog:",
            "outbox:",
        ];
        let is_usual = |kind: &str| others.iter().all(|other| !kind.starts_with(other));
        let unseen: Vec<_> = keys::ALL.iter().map(|kind| kind.pattern).filter(|kind| !seen.contains(kind)).collect();
        assert!(unseen.iter().all(|kind| !is_usual(kind)) && seen.contains("plan:c:<id>:<page>"), "{unseen:?}");
        brand.host.stop().await;
    });
}
