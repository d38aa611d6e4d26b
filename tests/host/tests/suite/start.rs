//! What it takes to start, and what is refused.

use std::{collections::BTreeMap, time::Duration};

use guanxi_host::{BuildWhen, Host, Options, StateDir, store::Verdict};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::mpsc};

use crate::fixtures::{Application, get, request};

#[tokio::test(flavor = "multi_thread")]
async fn variables_reach_a_component_by_its_templates() {
    let host = Application::new().start().await;
    assert_eq!(get(&host, "/do/variable?name=combined").await, "hi, cat!");
    assert!(get(&host, "/do/variable?name=secret_word").await.contains("Undefined"), "only what it is given");
    assert!(get(&host, "/do/variable?name=Not").await.contains("InvalidName"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_beats_the_env_file_which_beats_the_default() {
    let application = Application::new();
    let env = "SPIN_VARIABLE_GREETING=hello\nSPIN_VARIABLE_SECRET_WORD=dog\n";
    std::fs::write(application.folder.path().join(".env"), env).unwrap();
    let options = Options { inherit_variables: true, ..application.options() };
    let host = Host::start(options).await.unwrap();
    assert_eq!(get(&host, "/do/variable?name=combined").await, "hello, cat!");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_undeclared_variable_is_refused_by_name() {
    let application = Application::changed("greeting = { default = \"hi\" }", "greeting = { required = true }");
    let refusal = application.refusal(Options::for_test(application.folder.path())).await;
    assert!(refusal.contains("greeting, secret_word") && refusal.contains("SPIN_VARIABLE_SECRET_WORD"), "{refusal}");
    let refusal = application.refusal(application.options().variable("colour", "red")).await;
    assert!(refusal.contains("colour"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_env_file_is_refused() {
    let application = Application::new();
    std::fs::write(application.folder.path().join(".env"), "SPIN_VARIABLE_GREETING\n").unwrap();
    let refusal = application.refusal(Options { inherit_variables: true, ..application.options() }).await;
    assert!(refusal.contains(".env: "), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_beside_dependencies_is_refused() {
    let application = Application::changed("description = ", "environment = { A = \"1\" }\ndescription = ");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("`app`") && refusal.contains("`environment`"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_configuration_is_refused_by_its_label() {
    let application = Application::changed("[\"default\"]", "[\"default\", \"sessions\"]");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("`sessions`") && refusal.contains("`app`"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_nobody_satisfies_is_refused_by_name() {
    let dependency = "\"fixture:greet/greeter@0.1.0\" = { component = \"greeter\" }";
    let application = Application::changed(dependency, "");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("fixture:greet/greeter@0.1.0") && refusal.contains("`app`"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_is_not_imported_is_refused_by_name() {
    let application = Application::changed("\"fixture:greet/greeter@0.1.0\" =", "\"fixture:greet/waver@0.1.0\" =");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("fixture:greet/waver@0.1.0"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_serves_no_http_is_refused() {
    let application = Application::changed("component = \"app\"", "component = \"greeter\"");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("`greeter`") && refusal.contains("wasi:http/handler"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn up_builds_what_is_missing_and_only_that() {
    let build =
        "source = \"greeter.wasm\"\n[component.greeter.build]\ncommand = [\"touch ran\", \"cp kept greeter.wasm\"]";
    let application = Application::changed("source = \"greeter.wasm\"", build);
    let folder = application.folder.path();
    std::fs::copy(folder.join("greeter.wasm"), folder.join("kept")).unwrap();
    application.start().await.stop().await;
    assert!(!folder.join("ran").exists(), "it was there");
    std::fs::remove_file(folder.join("greeter.wasm")).unwrap();
    application.start().await.stop().await;
    assert!(folder.join("ran").exists(), "it was missing");
    std::fs::remove_file(folder.join("ran")).unwrap();
    let options = Options { build: BuildWhen::Always, ..application.options() };
    Host::start(options).await.unwrap().stop().await;
    assert!(folder.join("ran").exists(), "--build");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_or_makes_nothing_is_refused() {
    let build = |command: &str| format!("source = \"none.wasm\"\n[component.greeter.build]\ncommand = \"{command}\"");
    for (command, expected) in [("exit 3", "exit 3"), ("true", "did not make it")] {
        let application = Application::changed("source = \"greeter.wasm\"", &build(command));
        let refusal = application.refusal(application.options()).await;
        assert!(refusal.contains("`greeter`") && refusal.contains(expected), "{refusal}");
    }
    let application = Application::changed("source = \"greeter.wasm\"", "source = \"none.wasm\"");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("none.wasm") && refusal.contains("no build command"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_configuration_places_the_store() {
    let application = Application::new();
    let folder = application.folder.path();
    let config = folder.join("runtime.toml");
    std::fs::write(&config, "[key_value_store.default]\ntype = \"spin\"\npath = \"kv/store.db\"\n").unwrap();
    let options = Options { runtime_config: Some(config), state_dir: StateDir::Default, ..application.options() };
    Host::start(options).await.unwrap().stop().await;
    assert!(folder.join("kv/store.db").exists());
    assert!(folder.join(".spin/logs").exists() && !folder.join(".spin/sqlite_key_value.db").exists());
}

/// The fixtures with a second component like the first, at `/other`.
fn two_components() -> Application {
    let other = "[component.other]\nsource = \"app.wasm\"\n[component.other.dependencies]\n\"fixture:greet\" = { component = \"greeter\" }";
    let trigger = "[[trigger.http]]\nroute = \"/other\"\ncomponent = \"other\"";
    Application::changed("[component.greeter]", &format!("{trigger}\n{other}\n[component.greeter]"))
}

fn pool(application: &Application, name: &str, value: &str) -> Options {
    Options { pool: BTreeMap::from([(name.to_owned(), value.to_owned())]), ..application.options() }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_components_share_the_pool_and_a_request_that_finds_it_empty_is_an_empty_500() {
    let application = two_components();
    let host = Host::start(pool(&application, "SPIN_WASMTIME_INSTANCE_COUNT", "1")).await.unwrap();
    let (asked, mut asks) = mpsc::unbounded_channel();
    host.store().watch(move |_| {
        _ = asked.send(());
        Verdict::Delay(Duration::from_secs(60))
    });
    let mut waiting = TcpStream::connect(host.address()).await.unwrap();
    waiting.write_all(b"GET /do/kv/get?key=a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    asks.recv().await.unwrap();
    let answer = request(&host, "GET", "/other", &[], b"").await;
    assert_eq!((answer.status, answer.text.as_str()), (500, ""));
    let lines = host.logs().lines("other");
    assert!(lines.iter().any(|line| line.text.contains("limit of 1 for component instances")), "{lines:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_composed_component_needs_a_memory_for_each_part() {
    let application = Application::new();
    for (memories, status) in [("1", 500), ("2", 200)] {
        let host = Host::start(pool(&application, "SPIN_WASMTIME_TOTAL_MEMORIES", memories)).await.unwrap();
        assert_eq!(request(&host, "GET", "/do/greet", &[], b"").await.status, status, "{memories}");
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_for_the_pool_is_refused_by_name() {
    let application = Application::new();
    let refusal = application.refusal(pool(&application, "SPIN_MAX_INSTANCE_COUNT", "many")).await;
    assert!(refusal.contains("SPIN_MAX_INSTANCE_COUNT=many"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_refused() {
    let application = Application::new();
    let host = application.start().await;
    let refusal = application.refusal(Options { listen: host.address(), ..application.options() }).await;
    assert!(refusal.contains(&host.address().to_string()), "{refusal}");
    host.stop().await;
}
