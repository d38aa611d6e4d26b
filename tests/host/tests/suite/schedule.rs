//! Components on a schedule.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use guanxi_host::{Options, Schedule, Source};
use http::Response;
use tokio::sync::Barrier;

use crate::{fixtures::Application, upstream::Upstream};

const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "ticking"

[variables]
guanxi_url = { required = true }
job_token = { required = true, secret = true }
does = { default = "count" }

[[trigger.cron]]
component = "ticker"
cron_expression = "* * * * * *"

[component.ticker]
source = "ticker.wasm"
allowed_outbound_hosts = ["{{ guanxi_url }}"]

[component.ticker.variables]
does = "{{ does }}"
"#;

fn options(application: &Application) -> Options {
    Options::for_test(application.folder.path())
        .variable("guanxi_url", "http://127.0.0.1:1")
        .variable("job_token", "secret")
}

async fn load(does: &str) -> Schedule {
    let application = Application::with_manifest(MANIFEST);
    Schedule::load(options(&application).variable("does", does)).await.unwrap()
}

fn lines(schedule: &Schedule, source: Source) -> Vec<String> {
    let lines = schedule.logs().lines("ticker").into_iter();
    lines.filter(|line| line.source == source).map(|line| line.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tick_has_a_fresh_instance_and_the_clock_of_the_host() {
    let application = Application::with_manifest(MANIFEST);
    let options = options(&application);
    options.clock.stop_at(UNIX_EPOCH + Duration::from_millis(1_772_416_800_900));
    let schedule = Schedule::load(options).await.unwrap();
    for _ in 0..2 {
        schedule.tick("ticker").await.unwrap();
    }
    let line = "tick 1 of this instance, for 1772416800, at 1772416800";
    assert_eq!(lines(&schedule, Source::Stdout), [line, line]);
    let unknown = schedule.tick("app").await.unwrap_err().to_string();
    assert_eq!(unknown, "no [[trigger.cron]] names the component `app`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_fails_is_a_line_in_the_log_and_the_next_one_comes() {
    for (does, expected) in [("fail", "component `ticker` failed: no luck"), ("panic", "component `ticker` trapped: ")]
    {
        let schedule = load(does).await;
        for _ in 0..2 {
            let error = schedule.tick("ticker").await.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let said = lines(&schedule, Source::Host);
        assert_eq!(said.iter().filter(|line| line.starts_with(expected)).count(), 2, "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_on_a_schedule_reaches_the_hosts_that_it_is_allowed_and_no_other() {
    let upstream = Upstream::answering(|_| std::future::ready(Response::new("hello".to_owned()))).await;
    let application = Application::with_manifest(MANIFEST);
    let does = |allowed: &str| options(&application).variable("guanxi_url", allowed).variable("does", &upstream.host());
    let schedule = Schedule::load(does("http://127.0.0.1:1")).await.unwrap();
    schedule.tick("ticker").await.unwrap();
    let denied = lines(&schedule, Source::Stdout);
    assert!(denied[0].contains("HttpRequestDenied"), "{denied:?}");
    assert_eq!(upstream.connections(), 0);

    let schedule = Schedule::load(does(&upstream.host())).await.unwrap();
    schedule.tick("ticker").await.unwrap();
    assert_eq!(lines(&schedule, Source::Stdout), [format!("{}: 200", upstream.host())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tick_waits_for_the_one_before_it() {
    let barrier = Arc::new(Barrier::new(2));
    let upstream = Upstream::answering(move |_| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Response::new("both".to_owned())
        }
    })
    .await;
    let application = Application::with_manifest(MANIFEST);
    let options = options(&application).variable("guanxi_url", &upstream.host()).variable("does", &upstream.host());
    let schedule = Schedule::load(options).await.unwrap();
    // Runs until the second tick has come while the first is under way.
    let both = async {
        while lines(&schedule, Source::Stdout).len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = schedule.run() => {}
        () = both => {}
    }
    assert_eq!(
        lines(&schedule, Source::Stdout)[..2],
        [format!("{}: 200", upstream.host()), format!("{}: 200", upstream.host())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_come_by_the_clock_that_the_component_sees() {
    let application = Application::with_manifest(&MANIFEST.replace("\"* * * * * *\"", "\"0 0 0 1 1 *\""));
    let options = options(&application);
    // Two seconds before 2027, in whatever month this runs.
    options.clock.set(UNIX_EPOCH + Duration::from_secs(1_798_761_598));
    let schedule = Schedule::load(options).await.unwrap();
    let ticked = async {
        while lines(&schedule, Source::Stdout).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = schedule.run() => {}
        () = ticked => {}
    }
    assert_eq!(lines(&schedule, Source::Stdout), ["tick 1 of this instance, for 1798761600, at 1798761600"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_run_on_a_schedule_is_refused() {
    let http = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"ticker\"\n\n[component.ticker]";
    for (from, to, expected) in [
        (
            "ticker.wasm\"",
            "ticker.wasm\"\nkey_value_stores = [\"default\"]",
            "`ticker` is on a schedule and uses a key-value",
        ),
        ("ticker.wasm", "greeter.wasm", "handle-cron-event"),
        ("[component.ticker]", http, "[[trigger.http]] and [[trigger.cron]] in one manifest"),
        (
            "[[trigger.cron]]\ncomponent = \"ticker\"\ncron_expression = \"* * * * * *\"\n",
            "[trigger]\n",
            "no [[trigger.cron]]",
        ),
    ] {
        let application = Application::with_manifest(&MANIFEST.replacen(from, to, 1));
        let refusal = Schedule::load(options(&application)).await.unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
    }
    let application = Application::with_manifest(MANIFEST);
    let refusal = application.refusal(options(&application)).await;
    assert_eq!(refusal, "the manifest has no [[trigger.http]]");
}
