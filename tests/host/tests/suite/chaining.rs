//! Components that call each other: `http://<id>.spin.internal`, as Spin has it.

use std::sync::Arc;

use guanxi_host::{Host, Source};

use crate::fixtures::{Application, get, request, set};

/// The fixtures with `other`, the same component on a private route; `app` may reach these.
fn allowing(hosts: &str) -> Application {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/spin.toml")).unwrap();
    let manifest = manifest.replacen("allowed_outbound_hosts = []", &format!("allowed_outbound_hosts = [{hosts}]"), 1);
    Application::with_manifest(&format!(
        "{manifest}\n[[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"other\"\n\n[component.other]\n\
         source = \"app.wasm\"\nkey_value_stores = [\"default\"]\n\n[component.other.dependencies]\n\
         \"fixture:greet/greeter@0.1.0\" = {{ component = \"greeter\" }}\n"
    ))
}

async fn fetch(host: &Host, url: &str) -> String {
    get(host, &format!("/do/fetch?url={url}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_reaches_another_by_its_name() {
    let host = allowing("\"http://other.spin.internal\"").start().await;
    let told = "spin-path-info: /a/b\nspin-full-url: http://localhost/a/b?c=d\n";
    let answer = fetch(&host, "http://other.spin.internal/a/b?c=d").await;
    assert!(answer.starts_with("200 GET /a/b\n") && answer.contains(told), "{answer}");
    assert!(answer.contains("spin-client-addr: 0.0.0.0:0\n"), "{answer}");
    let posted = "/do/fetch?url=http://other.spin.internal:80/";
    let answer = request(&host, "POST", posted, &[], b"a body").await.text;
    assert!(answer.starts_with("200 POST /\n") && answer.ends_with("a body"), "{answer}");
    // In WASI 0.2 too.
    let answer = get(&host, "/do/fetch-p2?url=http://other.spin.internal/x").await;
    assert!(answer.starts_with("200 GET /x\n"), "{answer}");
    // One store, and nothing of the network.
    set(&host, "k", b"v").await;
    assert!(fetch(&host, "http://other.spin.internal/do/kv/get?key=k").await.contains('v'));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_reaches_a_private_component() {
    let host = allowing("\"http://other.spin.internal\"").start().await;
    assert!(host.routes().all(|(component, _)| component == "app"));
    // The wildcard takes it, not the component of that name.
    assert!(get(&host, "/other").await.contains("spin-raw-component-route: /...\n"));
    assert_eq!(host.peak_memory("other"), 0);
    host.stop().await;
}

/// What makes a wildcard dangerous.
#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_opens_every_component_and_a_name_only_its_own() {
    let opened = |entry: &'static str, url: &'static str| async move {
        let host = allowing(entry).start().await;
        let answer = fetch(&host, url).await;
        host.stop().await;
        assert!(answer.starts_with("200 GET /x\n") || answer.contains("HttpRequestDenied"), "{answer}");
        answer.starts_with("200 ")
    };
    for (entry, url, opens) in [
        ("\"http://*.spin.internal\"", "http://other.spin.internal/x", true),
        ("\"http://*.spin.internal\"", "http://app.spin.internal/x", true),
        ("\"https://*\"", "https://other.spin.internal/x", true),
        ("\"http://*:*\"", "http://other.spin.internal:81/x", true),
        ("\"https://*\"", "http://other.spin.internal/x", false),
        ("\"http://other.spin.internal\"", "http://app.spin.internal/x", false),
        ("\"http://other.spin.internal\"", "http://other.spin.internal:81/x", false),
        ("\"http://other.spin.internal\"", "https://other.spin.internal/x", false),
        ("", "http://other.spin.internal/x", false),
        // Stricter than Spin, where it opens the application's own routes too.
        ("\"http://*:*\"", "http://self.alt/x", false),
    ] {
        assert_eq!(opened(entry, url).await, opens, "{entry} {url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_or_one_in_capitals_that_passes_the_list_ends_the_instance() {
    for how in ["fetch", "fetch-p2"] {
        for name in ["another", "OTHER", "greeter"] {
            let host = Arc::new(allowing("\"http://*.spin.internal\"").start().await);
            let (beside, slow) = (Arc::clone(&host), "/do/sleep?ms=60000");
            let beside = tokio::spawn(async move { request(&beside, "GET", slow, &[], b"").await.status });
            // Both in one instance.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let path = format!("/do/{how}?url=http://{name}.spin.internal/");
            assert_eq!(request(&host, "GET", &path, &[], b"").await.status, 500, "{how} {name}");
            assert_eq!(beside.await.unwrap(), 500, "{how} {name}");
            let lines = host.logs().lines("app");
            let said = format!("component `app` sent a request to component `{name}`, which is not there");
            assert!(lines.iter().any(|line| line.source == Source::Host && line.text == said), "{lines:?}");
            // The next instance knows nothing of it.
            assert!(get(&host, "/do/greet").await.ends_with("hello fan (1)"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_pass_the_list_is_only_denied() {
    let host = allowing("\"http://other.spin.internal\"").start().await;
    for name in ["another", "ANOTHER"] {
        let answer = fetch(&host, &format!("http://{name}.spin.internal/")).await;
        assert!(answer.contains("HttpRequestDenied"), "{answer}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_and_no_instance_are_a_plain_500_to_the_caller() {
    let application = allowing("\"http://other.spin.internal\"");
    let host = application.start().await;
    assert_eq!(fetch(&host, "http://other.spin.internal/do/panic").await, "500 ");
    assert_eq!(fetch(&host, "http://other.spin.internal/do/greet").await.get(..4), Some("200 "));
    host.stop().await;
    // With what is composed into it, an instance has two memories.
    let mut options = application.options();
    options.pool.insert("SPIN_WASMTIME_INSTANCE_COUNT".into(), "1".into());
    let host = Host::start(options).await.unwrap();
    assert_eq!(fetch(&host, "http://other.spin.internal/do/greet").await, "500 ");
    host.stop().await;
}

/// Nothing that was begun there is stopped from here, and no time limit of the caller's counts.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_goes_on_when_its_caller_gives_up() {
    let host = allowing("\"http://other.spin.internal\"").start().await;
    let limits = "first-byte-ms=50&between-bytes-ms=50&connect-ms=50";
    let slow = format!("/do/fetch?{limits}&url=http://other.spin.internal/do/sleep?ms=300");
    assert_eq!(get(&host, &slow).await, "200 slept");
    let given_up = "/do/fetch-first?url=http://other.spin.internal/do/later&other=http://other.spin.internal/x";
    assert!(get(&host, given_up).await.starts_with("200 GET /x"));
    let written = async {
        while !fetch(&host, "http://other.spin.internal/do/kv/get?key=later").await.contains("written") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), written).await.unwrap();
    host.stop().await;
}
