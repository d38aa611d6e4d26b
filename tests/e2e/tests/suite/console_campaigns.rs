//! A marketer writes a campaign, has it checked, tries it, sends it and stops it, in a browser without script, on a local host.

use super::{
    campaigns::{Brand, CAMPAIGN, FANS, json},
    console::{Browser, field, header, post, rows},
};
use e2e::{CONSOLE_TOKEN, owned, run};
use guanxi_host::store::{Operation, fail_prefix};
use guanxi_simulator::api::{Api, Quota};
use hyper::Method;

/// Where the form leads.
const WRITE: &str = "/console/campaign";
const STOP: &str = "/console/campaigns/stop";

/// As a browser writes what stands in a form: lines end with CR LF.
fn encoded(text: &str) -> String {
    let lines = text.replace('\n', "\r\n");
    lines.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What stands in the form.
fn in_form(page: &str) -> String {
    let text = page.split("<textarea").nth(1).unwrap().split_once('>').unwrap().1.split("</textarea>").next().unwrap();
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    plain.strip_prefix('\n').unwrap().to_owned()
}

fn refreshes(page: &str) -> bool {
    page.contains("http-equiv=\"refresh\"")
}

#[test]
fn a_marketer_writes_tries_sends_and_stops_a_campaign() {
    run(async {
        let brand = Brand::open().await;
        let trace = brand.host.store().trace();
        let text = encoded(CAMPAIGN);
        for path in [WRITE, STOP] {
            let answer = post(&brand.server, path, "", &[("text", &text), ("id", "checkup")]).await;
            assert_eq!(answer.status, 401, "{path}");
        }
        for path in [WRITE, "/console/campaigns", "/console/campaigns.csv"] {
            assert_eq!(brand.server.request(Method::GET, path, "").await.status, 401, "{path}");
        }
        let browser = Browser::logged_in(&brand.server).await;
        brand.set(61);
        let other = Browser::logged_in(&brand.server).await;
        assert!(browser.page("/console/campaigns?lang=en").await.contains("No campaigns yet"));
        let form = browser.page(WRITE).await;
        let csrf = field(&form, "csrf").to_owned();
        let example = in_form(&form);
        assert!(example.contains("segment = {") && example.contains("template_id"), "{example}");
        let write = async |what: &str, text: &str, seal: &str| {
            let fields = [("csrf", csrf.as_str()), ("text", text), ("seal", seal), ("do", what)];
            browser.post(&format!("{WRITE}?lang=en"), &fields).await
        };
        assert_eq!(write("check", &encoded(&example), "").await.status, 200, "the example is taken");
        assert_eq!(other.post(WRITE, &[("csrf", &csrf), ("text", &text), ("do", "check")]).await.status, 403);

        let wrong = CAMPAIGN.replace("bag_2kg", "bag_3kg");
        let refused = write("send", &encoded(&wrong), "").await;
        assert_eq!(refused.status, 422);
        for says in ["4:25", "there is no channel `bag_3kg`", "segment = { channels = [&quot;bag_3kg&quot;] }"] {
            assert!(refused.body.contains(says), "{says}: {}", refused.body);
        }
        assert_eq!(in_form(&refused.body), wrong);

        let tried = write("try", &text, "").await.body;
        let api = json(&brand.post("?dry_run=1", CAMPAIGN).await);
        let told = ["fans", "outside", "gets"].map(|name| api[name].to_string());
        assert_eq!(rows(&tried, "totals")[1], told);
        assert_eq!(rows(&tried, "ways")[1][1], api["ways"][0]["gets"].to_string());
        let fans: Vec<String> = rows(&tried, "fans").into_iter().skip(1).map(|row| row[0].clone()).collect();
        let those: Vec<&str> =
            api["rows"].as_array().unwrap().iter().map(|row| row["openid"].as_str().unwrap()).collect();
        assert!(fans == those && fans.len() == FANS / 2, "{fans:?}");

        let sure = write("ask", &text, "").await.body;
        let seal = field(&sure, "seal").to_owned();
        assert_eq!(write("send", &text, "").await.status, 200, "without the seal it is asked again");
        assert_eq!(write("send", &encoded(&CAMPAIGN.replace("体检", "检查")), &seal).await.status, 200);
        let operations = trace.take();
        // A counter is read by adding nothing to it.
        let wrote = |operation: &&Operation| {
            operation.component == "console" && operation.action.writes() && !operation.key.starts_with("seq:")
        };
        assert_eq!(operations.iter().find(wrote), None, "nothing is stored before the second confirmation");
        assert_eq!(brand.list().await.as_array().unwrap().len(), 0);

        for _ in 0..2 {
            let sent = write("send", &text, &seal).await;
            assert_eq!((sent.status, header(&sent, "location")), (303, "/console/campaigns?asked=checkup"));
        }
        assert_eq!(json(&brand.post("", CAMPAIGN).await)["known"], true, "the API knows the same campaign");
        let list = brand.list().await;
        assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &"checkup".into()));
        let page = browser.page("/console/campaigns?asked=checkup&lang=en").await;
        assert_eq!(rows(&page, "campaigns")[1][2], "waits for the next run");
        assert!(refreshes(&page) && !refreshes(&browser.page("/console/campaigns?still=1").await));
        brand.set(120);
        brand.job("push").await;
        let page = browser.page("/console/campaigns?lang=en").await;
        assert!(rows(&page, "campaigns")[1][2] == "waits for its time" && !refreshes(&page));
        assert!(browser.page("/console/campaigns.csv").await.contains("checkup"));

        let sure = browser.page("/console/campaigns?sure=checkup").await;
        assert_eq!((field(&sure, "id"), refreshes(&sure)), ("checkup", false));
        assert_eq!(other.post(STOP, &[("csrf", &csrf), ("id", "checkup")]).await.status, 403);
        assert_eq!(browser.post(STOP, &[("csrf", &csrf), ("id", "nobody")]).await.status, 404);
        assert_eq!(brand.list().await[0]["stopped"], false);
        for _ in 0..2 {
            let stopped = browser.post(STOP, &[("csrf", &csrf), ("id", "checkup")]).await;
            assert_eq!((stopped.status, header(&stopped, "location")), (303, "/console/campaigns?stopped=checkup"));
        }
        assert_eq!(brand.list().await[0]["stopped"], true);
        brand.set(7_200);
        assert_eq!(json(&brand.job("push").await)["sent"], 0);
        assert!(brand.wechat.account().books().sightings.is_empty(), "nothing went out");
        assert_eq!(rows(&browser.page("/console/campaigns?lang=en").await, "campaigns")[1][2], "stopped");
        assert_eq!(brand.post("", CAMPAIGN).await.status, 409, "nor can it be asked for again");

        let seen = owned(&trace.take());
        assert!(seen.contains("seq:campaign") && seen.contains("campaign:<number>"), "{seen:?}");
        brand.host.stop().await;
    });
}

#[test]
fn what_is_written_is_not_lost_where_the_store_does_not_answer_or_the_campaign_is_too_long() {
    run(async {
        let brand = Brand::open().await;
        let browser = Browser::logged_in(&brand.server).await;
        let csrf = field(&browser.page(WRITE).await, "csrf").to_owned();
        let long = format!("# {}\n{CAMPAIGN}", "猫".repeat(21_800));
        for (text, status) in
            [(CAMPAIGN.to_owned(), 200), (format!("# {}\n{CAMPAIGN}", "猫".repeat(21_000)), 200), (long, 413)]
        {
            let answer = browser.post(WRITE, &[("csrf", &csrf), ("text", &encoded(&text)), ("do", "check")]).await;
            assert_eq!(answer.status, status);
            assert_eq!(in_form(&answer.body), text);
        }
        let huge = browser.post(WRITE, &[("csrf", &csrf), ("text", &"x".repeat(210 * 1024))]).await;
        assert_eq!(huge.status, 413, "{}", huge.body);
        brand.host.store().watch(fail_prefix("fan:"));
        let failed = browser.post(WRITE, &[("csrf", &csrf), ("text", &encoded(CAMPAIGN)), ("do", "ask")]).await;
        assert_eq!((failed.status, in_form(&failed.body).as_str()), (503, CAMPAIGN));
        brand.host.stop().await;
    });
}

#[test]
fn a_campaign_that_is_stopped_halfway_sends_no_more_and_every_push_is_counted() {
    run(async {
        let brand = Brand::open_with(|rules| {
            let quota = Quota { per_day: 1_000_000, per_minute: Some(4) };
            rules.quotas.insert(Api::Template, quota);
        })
        .await;
        let unknown = brand.server.authorized(Method::DELETE, "/campaigns?id=checkup", CONSOLE_TOKEN).await;
        assert_eq!((unknown.status, unknown.body.as_str()), (404, "there is no campaign `checkup`"));
        let nothing = brand.server.authorized(Method::DELETE, "/campaigns", CONSOLE_TOKEN).await;
        assert_eq!(nothing.status, 400, "{}", nothing.body);
        assert_eq!(brand.post("", &CAMPAIGN.replace("2026-03-02T12:00", "now")).await.status, 202);
        brand.set(7_200);
        let sent = json(&brand.job("push").await)["sent"].as_u64().unwrap();
        assert!((1..10).contains(&sent), "{sent}");
        for (status, known) in [(202, false), (200, true)] {
            let answer = brand.server.authorized(Method::DELETE, "/campaigns?id=checkup", CONSOLE_TOKEN).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            assert_eq!((json(&answer)["known"].clone(), json(&answer)["over"].clone()), (known.into(), false.into()));
        }
        brand.set(7_260);
        assert_eq!(json(&brand.job("push").await)["sent"], 0);
        assert_eq!(brand.wechat.account().books().sightings.len() as u64, sent);
        let list = brand.list().await;
        let counted = ["stopped", "queued", "done"].map(|name| list[0][name].clone());
        assert_eq!(counted, [serde_json::Value::from(true), 10.into(), 10.into()]);
        let again = brand.server.authorized(Method::DELETE, "/campaigns?id=checkup", CONSOLE_TOKEN).await;
        assert_eq!(json(&again)["over"], true);
        brand.set(7_320);
        assert_eq!(brand.job("rollup").await.status, 200);
        let report = brand.server.authorized(Method::GET, "/reports/pushes", CONSOLE_TOKEN).await;
        let report = json(&report);
        let row = report["rows"].as_array().unwrap().iter().find(|row| row["series"] == "campaign:checkup").unwrap();
        let told = ["planned", "sent", "skipped_late", "skipped_stopped"].map(|name| row[name].as_u64().unwrap());
        assert_eq!(told, [10, sent, 10 - sent, 10 - sent], "{row}");
        brand.host.stop().await;
    });
}
