//! The store as components see it, and as tests see and break it.

use std::time::Duration;

use guanxi_host::{
    Host, Options, StateDir,
    store::{Action, Verdict, delay, fail_next, fail_prefix},
};
use redis_process::empty_database;

use crate::fixtures::{Application, get, request, set};

/// With the store on Redis.
fn on_redis(application: &Application, url: &str) -> Options {
    let config = application.folder.path().join("runtime.toml");
    std::fs::write(&config, format!("[key_value_store.default]\ntype = 'redis'\nurl = '{url}'\n")).unwrap();
    Options { runtime_config: Some(config), ..application.options() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_can_be_read_and_deleted() {
    let host = Application::new().start().await;
    assert_eq!(get(&host, "/do/kv/get?key=a").await, "none");
    assert_eq!(set(&host, "a", b"value").await, "done");
    assert_eq!(get(&host, "/do/kv/get?key=a").await, "value");
    assert_eq!(get(&host, "/do/kv/exists?key=a").await, "true");
    assert_eq!(get(&host, "/do/kv/delete?key=a").await, "done");
    assert_eq!(get(&host, "/do/kv/exists?key=a").await, "false");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_write_and_delete_all_their_keys() {
    let host = Application::new().start().await;
    assert_eq!(get(&host, "/do/bucket/set-many?key=a,b&value=x").await, "done");
    assert_eq!(host.store().keys("").await.unwrap(), ["a", "b"]);
    assert_eq!(get(&host, "/do/bucket/delete-many?key=a,b,c").await, "done");
    assert_eq!(host.store().keys("").await.unwrap(), [""; 0]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_one_bad_key_writes_nothing() {
    let host = Application::new().start().await;
    host.store().increment("counter", 1).await.unwrap();
    for keys in ["a,counter", "a,b/c"] {
        let answer = get(&host, &format!("/do/bucket/set-many?key={keys}&value=x")).await;
        assert!(answer.starts_with("error"), "{answer}");
    }
    assert_eq!(host.store().keys("").await.unwrap(), ["counter"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_counts_and_is_eight_bytes_as_in_spin() {
    let application = Application::new();
    let state = application.folder.path().join("state");
    let options = Options { state_dir: StateDir::Path(state.clone()), ..application.options() };
    let host = Host::start(options).await.unwrap();
    for sum in ["3", "6"] {
        assert_eq!(get(&host, "/do/bucket/increment?key=seq:c&delta=3").await, sum);
    }
    set(&host, "journal:1", b"entry").await;
    host.stop().await;

    let database = rusqlite::Connection::open(state.join("sqlite_key_value.db")).unwrap();
    let mut statement = database.prepare("SELECT store, key, value FROM spin_key_value ORDER BY key").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let rows: Vec<(String, String, Vec<u8>)> = rows.map(Result::unwrap).collect();
    let label = || "default".to_owned();
    assert_eq!(
        rows,
        [(label(), "journal:1".into(), b"entry".to_vec()), (label(), "seq:c".into(), 6_i64.to_le_bytes().to_vec())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unreliable_on_some_backend_is_an_error_that_says_so() {
    let host = Application::new().start().await;
    host.store().increment("counter", 1).await.unwrap();
    let answer = get(&host, "/do/kv/set?key=counter").await;
    assert!(answer.contains("which is a counter"), "{answer}");
    refuse_what_is_unreliable(host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unreliable_is_refused_on_redis_too() {
    let application = Application::new();
    let options = on_redis(&application, &empty_database());
    refuse_what_is_unreliable(Host::start(options).await.unwrap()).await;
}

async fn refuse_what_is_unreliable(host: Host) {
    host.store().increment("counter", 1).await.unwrap();
    for (path, reason) in [
        ("/do/bucket/cas?key=a", "on Redis it always answers"),
        ("/do/bucket/get-many?key=a", "on Redis it is always an error"),
        ("/do/bucket/list", "on Redis it scans"),
        ("/do/kv/keys", "on Redis it scans"),
        ("/do/kv/get?key=counter", "increment(key, 0)"),
        ("/do/kv/get?key=a/b", "[A-Za-z0-9:._-]"),
        ("/do/kv/get?key=", "1 to 255 bytes"),
    ] {
        let answer = get(&host, path).await;
        assert!(answer.starts_with("error: ") && answer.contains(reason), "{path}: {answer}");
    }
    let answer = set(&host, "large", &vec![0; 400 * 1024 + 1]).await;
    assert!(answer.contains("400 KB"), "{answer}");
    assert_eq!(set(&host, "large", &vec![b'a'; 400 * 1024]).await, "done");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_increment_of_a_value_traps_and_takes_the_store_out_of_use() {
    increment_a_value(Application::new().start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_increment_of_a_value_on_redis_traps_and_takes_the_store_out_of_use() {
    let application = Application::new();
    let options = on_redis(&application, &empty_database());
    increment_a_value(Host::start(options).await.unwrap()).await;
}

async fn increment_a_value(host: Host) {
    host.store().set("value", b"8 bytes.".to_vec()).await.unwrap();
    let answer = request(&host, "GET", "/do/bucket/increment?key=value&delta=1", &[], b"").await;
    assert_eq!((answer.status, answer.text.as_str()), (500, ""));
    assert!(host.logs().lines("app").iter().any(|line| line.text.contains("which was set")), "{:?}", host.logs());
    for path in ["/do/kv/get?key=other", "/do/kv/set?key=other", "/do/bucket/increment?key=counter&delta=1"] {
        let answer = get(&host, path).await;
        assert!(answer.starts_with("error: ") && answer.contains("out of use until"), "{path}: {answer}");
    }
    assert_eq!(host.store().get("value").await.unwrap().unwrap(), b"8 bytes.", "a test still looks into it");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_component_that_lists_the_store_may_open_it() {
    let host = Application::changed("key_value_stores = [\"default\"]", "").start().await;
    assert!(get(&host, "/do/kv/get?key=a").await.contains("AccessDenied"));
    assert!(get(&host, "/do/bucket/increment?key=a&delta=1").await.contains("AccessDenied"));
    host.stop().await;
    let host = Application::new().start().await;
    assert!(get(&host, "/do/kv/get?key=a&label=other").await.contains("AccessDenied"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_sees_who_does_what() {
    let host = Application::new().start().await;
    let trace = host.store().trace();
    set(&host, "journal:1", b"x").await;
    get(&host, "/do/bucket/increment?key=seq:journal&delta=1").await;
    let writes: Vec<_> = trace.take().into_iter().filter(|operation| operation.action.writes()).collect();
    let writes: Vec<_> =
        writes.iter().map(|write| (write.component.as_str(), write.action, write.key.as_str())).collect();
    assert_eq!(writes, [("app", Action::Set, "journal:1"), ("app", Action::Increment, "seq:journal")]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_breaks_the_store() {
    let host = Application::new().start().await;
    host.store().watch(fail_prefix("journal:"));
    assert!(set(&host, "journal:1", b"x").await.contains("broken on purpose"));
    assert_eq!(set(&host, "fan:1", b"x").await, "done");

    host.store().watch(fail_next(2));
    assert!(get(&host, "/do/kv/get?key=fan:1").await.contains("broken"), "opening is the first");
    assert!(get(&host, "/do/kv/get?key=fan:1").await.contains("broken"), "opening again");
    assert_eq!(get(&host, "/do/kv/get?key=fan:1").await, "x");

    host.store()
        .watch(|operation| if operation.action == Action::Set { Verdict::LoseAnswer } else { Verdict::Proceed });
    assert!(set(&host, "journal:2", b"x").await.contains("broken"));
    host.store().watch(delay(Duration::from_millis(1)));
    assert_eq!(get(&host, "/do/kv/get?key=journal:2").await, "x", "only the answer was lost");
    host.store().unwatch();
    assert_eq!(host.store().keys("journal:").await.unwrap(), ["journal:2"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_outlives_the_host() {
    let application = Application::new();
    let state = StateDir::Path(application.folder.path().join("state"));
    let options = || Options { state_dir: state.clone(), ..application.options() };
    let host = Host::start(options()).await.unwrap();
    set(&host, "a", b"value").await;
    get(&host, "/do/bucket/increment?key=c&delta=1").await;
    host.stop().await;
    let host = Host::start(options()).await.unwrap();
    assert_eq!(get(&host, "/do/kv/get?key=a").await, "value");
    assert!(get(&host, "/do/kv/get?key=c").await.contains("which is a counter"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_redis_outlives_the_host_and_other_hosts_see_it() {
    let (application, url) = (Application::new(), empty_database());
    let first = Host::start(on_redis(&application, &url)).await.unwrap();
    let second = Host::start(on_redis(&application, &url)).await.unwrap();
    assert_eq!(set(&first, "a", b"value").await, "done");
    assert_eq!(get(&second, "/do/kv/get?key=a").await, "value");
    assert_eq!(get(&first, "/do/bucket/set-many?key=b,c&value=x").await, "done");
    assert_eq!(get(&second, "/do/bucket/delete-many?key=b").await, "done");
    for (host, sum) in [(&first, "3"), (&second, "6"), (&first, "9")] {
        assert_eq!(get(host, "/do/bucket/increment?key=seq&delta=3").await, sum);
    }
    first.stop().await;
    second.stop().await;
    let third = Host::start(on_redis(&application, &url)).await.unwrap();
    assert_eq!(third.store().keys("").await.unwrap(), ["a", "c", "seq"]);
    assert_eq!(get(&third, "/do/kv/exists?key=b").await, "false");
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_a_server_that_is_not_there_stops_the_start() {
    let application = Application::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let why = application.refusal(on_redis(&application, &format!("redis://:secret@{free}/1"))).await;
    assert!(why.contains(&format!("no key-value store at redis://{free}/1: ")) && why.contains("refused"), "{why}");
    assert!(!why.contains("secret"), "{why}");
}
