//! The console as a browser sees it: log-in, pages, forms, headers.

use e2e::{Answer, CONSOLE_TOKEN, JOB_TOKEN, Server, at, event, local, owned, run, server, text};
use guanxi::{time::Timestamp, wechat::OpenId};
use guanxi_host::{Host, store::Operation};
use hyper::Method;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Monday 2026-03-02, 10:00 in Beijing.
const START: u64 = 1_772_416_800;
const DAY: u64 = 86_400;
/// As `guanxi::console::session` has it.
const WRONG_DELAY: Duration = Duration::from_secs(1);
const PAGES: [&str; 12] = [
    "/",
    "/?days=7&metric=revenue",
    "/console/channels",
    "/console/channels?days=90&find=x&sort=net&order=up",
    "/console/channel?id=bag_2kg",
    "/console/pushes",
    "/console/campaigns",
    "/console/campaign",
    "/console/questions",
    "/console/fan",
    "/console/account",
    "/console",
];
const TABLES: [&str; 12] = [
    "/console/overview.csv",
    "/console/trend.csv?days=7",
    "/console/channels.csv",
    "/console/channel.csv?id=bag_2kg",
    "/console/retention.csv?id=bag_2kg",
    "/console/pushes.csv",
    "/console/campaigns.csv",
    "/console/questions.csv",
    "/console/stale-rules.csv",
    "/console/people.csv",
    "/console/hours.csv",
    "/console/account.csv",
];

/// A browser without script.
pub(super) struct Browser<'s> {
    server: &'s Server,
    cookies: String,
}

impl<'s> Browser<'s> {
    pub(super) async fn logged_in(server: &'s Server) -> Self {
        let answer = post(server, "/console/login", "", &[("token", CONSOLE_TOKEN), ("to", "/")]).await;
        assert_eq!((answer.status, header(&answer, "location")), (303, "/"), "{}", answer.body);
        let cookie = header(&answer, "set-cookie").split(';').next().unwrap().to_owned();
        Self { server, cookies: cookie }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.server.request_with(Method::GET, path, &[("cookie", &self.cookies)], "").await
    }

    pub(super) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        post(self.server, path, &self.cookies, fields).await
    }
}

pub(super) async fn post(server: &Server, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Answer {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookies)];
    server.request_with(Method::POST, path, &headers, body.join("&")).await
}

pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).unwrap_or_else(|| panic!("no {name}: {answer:?}")).to_str().unwrap()
}

/// What every answer of the console says to a browser.
fn assert_guarded(answer: &Answer, path: &str) {
    let policy = header(answer, "content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"),
        "{path}: {policy}"
    );
    for (name, value) in [
        ("cache-control", "private, no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("content-length", &answer.body.len().to_string()),
    ] {
        assert_eq!(header(answer, name), value, "{name} of {path}");
    }
}

/// The value of a hidden field.
pub(super) fn field<'p>(page: &'p str, name: &str) -> &'p str {
    let input = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no {name}"));
    input.split('"').next().unwrap()
}

/// A table's rows as the reader sees them, the headings first.
pub(super) fn rows(page: &str, id: &str) -> Vec<Vec<String>> {
    let table = page.split(&format!("<table id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("no {id} in {page}"));
    let table = table.split("</table>").next().unwrap();
    let cell = |cell: &str| {
        let html = cell.split_once('>').unwrap().1;
        html.split('<')
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once('>').unwrap().1 })
            .collect()
    };
    let cells = |row: &str| row.split("<td").flat_map(|part| part.split("<th ")).skip(1).map(cell).collect();
    table.split("<tr").skip(1).map(cells).collect()
}

/// A number as the report has it: money in cents, a share from 0 to 1.
fn number(shown: &str) -> Option<f64> {
    let plain = shown.replace(['¥', ',', '%'], "");
    let number: f64 = plain.parse().ok()?;
    Some(if shown.contains('¥') {
        (number * 100.0).round()
    } else if shown.ends_with('%') {
        number / 100.0
    } else {
        number
    })
}

/// The numbers of a row of the page are those of the row of the report.
fn assert_same(shown: &[String], report: &Value, columns: &[String]) {
    assert_eq!(shown.len(), columns.len());
    let mut numbers = 0;
    for (cell, column) in shown.iter().zip(columns) {
        match &report[column] {
            Value::Number(told) => {
                let (told, shown) =
                    (told.as_f64().unwrap(), number(cell).unwrap_or_else(|| panic!("{column}: {cell}")));
                assert!((told - shown).abs() < 0.000_6, "{column}: {told} is shown as {cell}");
                numbers += 1;
            }
            Value::Null => assert_eq!(cell, "–", "{column}"),
            _ => {}
        }
    }
    assert!(numbers > 5, "{report}");
}

struct Brand {
    host: Host,
    server: Server,
}

impl Brand {
    /// A day on which fans came, bought, asked and left, and the next one.
    async fn open() -> Self {
        let (host, server) = local("safe").await;
        let brand = Self { host, server };
        for (day, fans) in [(0, 12), (1, 5)] {
            for fan in 0..fans {
                let seconds = day * DAY + fan;
                let (name, now) = (format!("oPage-{day}-{fan}"), Timestamp(START + seconds));
                let scene = ["bag_2kg", "poster_vet_hz", ""][fan as usize % 3];
                let scene = if scene.is_empty() { String::new() } else { format!("qrscene_{scene}") };
                brand
                    .push(
                        seconds,
                        &event(&name, now, "subscribe", &format!("<EventKey><![CDATA[{scene}]]></EventKey>")),
                    )
                    .await;
                brand.push(seconds, &text(&name, now, seconds + 1, "<b>没人懂</b>&amp;")).await;
                if fan % 4 == 0 {
                    let order = format!(
                        r#"{{"orders":[{{"id":"{name}","openid":"{name}","time":{},"lines":[{{"product":"cat-2kg","quantity":1,"amount":123456}}]}}]}}"#,
                        now.0
                    );
                    let bought = brand.server.orders(&order, now).await;
                    assert_eq!(bought.status, 204, "{}", bought.body);
                }
                if fan % 5 == 4 {
                    brand.push(seconds + 60, &event(&name, Timestamp(now.0 + 60), "unsubscribe", "")).await;
                }
            }
            brand.rollup(day * DAY + 600).await;
        }
        brand
    }

    fn set(&self, seconds: u64) -> Timestamp {
        let now = Timestamp(START + seconds);
        self.host.clock().stop_at(at(now));
        now
    }

    async fn push(&self, seconds: u64, body: &str) {
        let now = self.set(seconds);
        assert_eq!(self.server.push_at(body, now).await.status, 200);
    }

    async fn rollup(&self, seconds: u64) {
        self.set(seconds);
        let report = self.server.authorized(Method::POST, "/jobs/rollup", JOB_TOKEN).await;
        assert_eq!(report.status, 200, "{}", report.body);
    }

    async fn report(&self, path: &str) -> String {
        let answer = self.server.authorized(Method::GET, path, CONSOLE_TOKEN).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn json(&self, path: &str) -> (Vec<String>, Vec<Value>) {
        let report: Value = serde_json::from_str(&self.report(path).await).unwrap();
        let columns =
            report["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        (columns, report["rows"].as_array().unwrap().clone())
    }
}

#[test]
fn who_has_no_session_sees_a_log_in_form_and_nothing_else() {
    run(async {
        let server = server().await;
        let forged = "guanxi_session=99999999999.AAAAAAAAAAAAAAAAAAAAAA.AAAA";
        let bearer = format!("Bearer {CONSOLE_TOKEN}");
        for path in PAGES.iter().chain(&TABLES).chain(&["/console/fan?openid=o1&step=sure", "/console/x", "/?days=x"]) {
            for headers in [vec![], vec![("cookie", forged)], vec![("authorization", bearer.as_str())]] {
                let answer = server.request_with(Method::GET, path, &headers, "").await;
                assert_eq!(answer.status, 401, "{path}");
                assert!(answer.body.contains("action=\"/console/login\"") && !answer.body.contains("<nav"), "{path}");
                assert_guarded(&answer, path);
            }
        }
        for path in ["/console/fan/erase", "/console/logout", "/console/campaign", "/console/campaigns/stop"] {
            let answer = post(server, path, forged, &[("openid", "oFan-1"), ("csrf", "")]).await;
            assert_eq!(answer.status, 401, "{path}");
        }
        let form = server.request(Method::GET, "/console/login", "").await;
        assert_eq!(form.status, 200);
        assert_guarded(&form, "/console/login");
    });
}

#[test]
fn a_marketer_logs_in_reads_every_page_and_logs_out() {
    run(async {
        let server = server().await;
        let set =
            post(server, "/console/login", "", &[("token", CONSOLE_TOKEN), ("to", "%2Fconsole%2Fchannels%3Fdays%3D7")])
                .await;
        assert_eq!((set.status, header(&set, "location")), (303, "/console/channels?days=7"));
        assert!(header(&set, "set-cookie").ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict"));
        assert_guarded(&set, "/console/login");
        let elsewhere = post(server, "/console/login", "", &[("token", CONSOLE_TOKEN), ("to", "//evil.example")]).await;
        assert_eq!(header(&elsewhere, "location"), "/");
        let browser = Browser::logged_in(server).await;
        for path in PAGES {
            for (language, words) in [("zh", "<html lang=\"zh-CN\">"), ("en", "<html lang=\"en\">")] {
                let joint = if path.contains('?') { '&' } else { '?' };
                let answer = browser.get(&format!("{path}{joint}lang={language}")).await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.body);
                assert!(answer.body.contains(words) && !answer.body.contains("<script"), "{path}");
                assert_guarded(&answer, path);
                assert!(header(&answer, "set-cookie").starts_with(&format!("guanxi_lang={language};")));
            }
        }
        for path in TABLES {
            let answer = browser.get(path).await;
            assert_eq!((answer.status, header(&answer, "content-type")), (200, "text/csv; charset=utf-8"), "{path}");
            assert!(
                answer.body.starts_with('\u{feff}') && header(&answer, "content-disposition").contains(".csv"),
                "{path}"
            );
            assert_guarded(&answer, path);
        }
        let in_english = [("cookie", browser.cookies.as_str()), ("accept-language", "en-GB,en;q=0.9")];
        let page = server.request_with(Method::GET, "/", &in_english, "").await;
        assert!(page.body.contains("<html lang=\"en\">"));
        let kept = format!("guanxi_lang=zh; {}", browser.cookies);
        let kept = [("cookie", kept.as_str()), ("accept-language", "en")];
        let page = server.request_with(Method::GET, "/", &kept, "").await.body;
        assert!(page.contains("<html lang=\"zh-CN\">"));

        let style = page.split("href=\"/console/style.").nth(1).unwrap().split('"').next().unwrap();
        let style = server.request(Method::GET, &format!("/console/style.{style}"), "").await;
        assert_eq!((style.status, header(&style, "content-type")), (200, "text/css; charset=utf-8"));
        assert!(header(&style, "cache-control").contains("immutable"));
        assert_eq!(header(&style, "content-length"), style.body.len().to_string());

        for (path, status) in
            [("/console/x", 404), ("/?days=8", 400), ("/console/channel", 400), ("/console/fan?openid=o9", 404)]
        {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, status, "{path}");
            assert_guarded(&answer, path);
        }
        assert_eq!(browser.post("/console/x", &[]).await.status, 405);
        assert_eq!(browser.post("/console/logout", &[("csrf", "x")]).await.status, 403);
        let csrf = field(&page, "csrf").to_owned();
        let out = browser.post("/console/logout", &[("csrf", &csrf)]).await;
        assert_eq!((out.status, header(&out, "set-cookie").split(';').nth(1)), (303, Some(" Max-Age=0")));
        let big = browser.post("/console/login", &[("token", &"x".repeat(9_000))]).await;
        assert_eq!(big.status, 413);
        assert_guarded(&big, "a form of 9 KB");
    });
}

#[test]
fn the_numbers_of_the_pages_are_those_of_the_reports_on_a_local_host() {
    run(async {
        let brand = Brand::open().await;
        let browser = Browser::logged_in(&brand.server).await;
        let (_, reported) = brand.json("/reports/overview").await;
        let last_week = reported.iter().find(|row| row["period"] == "last 7 days").unwrap();
        let page = browser.page("/?days=7&lang=en").await;
        let shown = rows(&page, "overview");
        for (at, metric) in
            ["new", "returning", "lost", "net", "messages", "answered_share", "orders", "revenue", "refunds"]
                .iter()
                .enumerate()
        {
            let (shown, told) = (number(&shown[at + 1][1]).unwrap(), last_week[metric].as_f64().unwrap());
            assert!((shown - told).abs() < 0.000_6, "{metric}: {told} is shown as {shown}");
        }
        assert_eq!((number(&shown[1][1]), number(&shown[8][1])), (Some(17.0), Some(5.0 * 123_456.0)), "{shown:?}");

        let (columns, reported) = brand.json("/reports/trend?days=7").await;
        let trend = rows(&page, "trend");
        assert_eq!(trend.len(), 1 + 7);
        trend.iter().skip(1).zip(&reported).for_each(|(row, told)| assert_same(row, told, &columns));

        let (columns, reported) = brand.json("/reports/channels?days=30").await;
        let page = browser.page("/console/channels?lang=en").await;
        let channels = rows(&page, "channels");
        assert_eq!(channels.len(), 1 + reported.len());
        channels.iter().skip(1).zip(&reported).for_each(|(row, told)| assert_same(row, told, &columns));
        let up = rows(&browser.page("/console/channels?sort=new&order=up&group=poster").await, "channels");
        assert!(up.len() > 1 && up.len() < channels.len(), "{up:?}");

        let (columns, reported) = brand.json("/reports/channel?id=bag_2kg&days=30").await;
        let page = browser.page("/console/channel?id=bag_2kg&lang=en").await;
        let days = rows(&page, "channel");
        assert_eq!(days.len(), 1 + 30);
        days.iter().skip(1).zip(&reported).for_each(|(row, told)| assert_same(row, told, &columns));

        for (page, report) in [
            ("/console/channels.csv?days=90", "/reports/channels?days=90&format=csv"),
            ("/console/channel.csv?id=bag_2kg", "/reports/channel?id=bag_2kg&format=csv"),
            ("/console/trend.csv", "/reports/trend?format=csv"),
            ("/console/pushes.csv", "/reports/pushes?format=csv"),
            ("/console/questions.csv", "/reports/questions?format=csv"),
            ("/console/stale-rules.csv", "/reports/stale-rules?format=csv"),
        ] {
            assert_eq!(browser.page(page).await, brand.report(report).await, "{page}");
        }
        let questions = browser.page("/console/questions").await;
        assert!(questions.contains("<bdi>&lt;b&gt;没人懂&lt;/b&gt;"), "{questions}");
        brand.host.stop().await;
    });
}

#[test]
fn a_fan_is_erased_in_two_steps_on_a_local_host() {
    run(async {
        let brand = Brand::open().await;
        let trace = brand.host.store().trace();
        let browser = Browser::logged_in(&brand.server).await;
        let fan = "oPage-0-0";
        assert!(fan.parse::<OpenId>().is_ok());
        let (show, sure) = (format!("/console/fan?openid={fan}"), format!("/console/fan?openid={fan}&step=sure"));
        assert!(!browser.page(&show).await.contains("/console/fan/erase"));
        let form = browser.page(&sure).await;
        let csrf = field(&form, "csrf").to_owned();
        brand.set(DAY + 601);
        let other = Browser::logged_in(&brand.server).await;
        assert_ne!(other.cookies, browser.cookies);
        for (who, csrf, status) in [(&browser, "", 403), (&other, csrf.as_str(), 403)] {
            assert_eq!(who.post("/console/fan/erase", &[("openid", fan), ("csrf", csrf)]).await.status, status);
        }
        assert_eq!(browser.post("/console/fan/erase", &[("openid", "%3C"), ("csrf", &csrf)]).await.status, 400);
        brand.rollup(DAY + 700).await;
        assert!(browser.page(&show).await.contains("cat-2kg"), "neither looking nor a forged form erases");

        let erased = browser.post("/console/fan/erase", &[("openid", fan), ("csrf", &csrf)]).await;
        assert_eq!((erased.status, header(&erased, "location")), (303, format!("{show}&step=erased").as_str()));
        browser.page(header(&erased, "location")).await;
        brand.rollup(DAY + 800).await;
        assert!(!browser.page(&show).await.contains("cat-2kg"), "what was bought is forgotten");
        brand.set(2 * DAY);
        assert_eq!(browser.get(&show).await.status, 401, "a session ends after twelve hours");
        let operations = trace.take();
        let wrote = |operation: &Operation| operation.component == "console" && operation.action.writes();
        assert!(operations.iter().any(wrote), "the erasure is the console's");
        owned(&operations);
        brand.host.stop().await;
    });
}

#[test]
fn a_flood_of_wrong_tokens_is_slowed_down_and_keeps_the_right_one_not_out() {
    run(async {
        let server = server().await;
        let mut wrong = JoinSet::new();
        for n in 0..200 {
            wrong.spawn(async move {
                let began = Instant::now();
                let answer = post(server, "/console/login", "", &[("token", &format!("wrong{n}")), ("to", "/")]).await;
                (answer, began.elapsed())
            });
        }
        tokio::time::sleep(WRONG_DELAY / 4).await;
        Browser::logged_in(server).await;
        let flood = wrong.join_all().await;
        let waited = flood.iter().filter(|(answer, _)| answer.status == 401).count();
        assert!(waited > 0, "is this test blind?");
        for (answer, took) in &flood {
            match answer.status {
                401 => assert!(*took >= WRONG_DELAY, "{took:?}"),
                status => assert_eq!(status, 429),
            }
            assert!(answer.headers.get("set-cookie").is_none());
        }
    });
}
