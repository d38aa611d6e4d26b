#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{net::TcpListener, time::Instant};

use redis_process::{RedisServer, empty_database};

use super::*;
use crate::store::{Location, Store};

fn open(url: &str) -> Store {
    Store::open(&Location::Redis(url.parse().unwrap())).unwrap()
}

/// What the server itself says.
async fn try_ask<T: FromRedisValue>(url: &str, command: &[&str]) -> Result<T, RedisError> {
    let mut connection = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut words = ::redis::Cmd::new();
    command.iter().for_each(|&word| _ = words.arg(word));
    words.query_async(&mut connection).await
}

async fn ask<T: FromRedisValue>(url: &str, command: &[&str]) -> T {
    try_ask(url, command).await.unwrap()
}

#[tokio::test]
async fn what_is_set_can_be_read_and_deleted() {
    let store = open(&empty_database());
    store.reach().await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
    for value in [&b"value"[..], b"", b"\0\xff\r\n", &[b'v'; 400 * 1024]] {
        store.set("a", value.to_vec()).await.unwrap();
        assert_eq!(store.get("a").await.unwrap().unwrap(), value);
    }
    store.set_many(["b", "c"].map(|key| (key.to_owned(), b"x".to_vec())).to_vec()).await.unwrap();
    assert!(store.exists("b").await.unwrap());
    store.delete_many(["b", "c", "d"].map(str::to_owned).to_vec()).await.unwrap();
    assert!(!store.exists("b").await.unwrap());
    store.delete("a").await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
}

#[tokio::test]
async fn keys_and_counters_stand_as_spin_writes_them() {
    let url = empty_database();
    let store = open(&url);
    store.set("journal:1", b"entry".to_vec()).await.unwrap();
    assert_eq!(store.increment("seq:c", 3).await.unwrap(), 3);
    assert_eq!(store.increment("seq:c", -5).await.unwrap(), -2);
    let mut keys: Vec<String> = ask(&url, &["KEYS", "*"]).await;
    keys.sort();
    assert_eq!(keys, ["journal:1", "seq:c"]);
    assert_eq!(ask::<Vec<u8>>(&url, &["GET", "journal:1"]).await, b"entry");
    assert_eq!(ask::<Vec<u8>>(&url, &["GET", "seq:c"]).await, b"-2");
}

#[tokio::test]
async fn a_whole_number_is_a_counter_and_nothing_else_is() {
    let store = open(&empty_database());
    store.increment("counter", 7).await.unwrap();
    assert_eq!(store.get("counter").await, Err(StoreError::GetOfCounter("counter".into())));
    assert_eq!(store.increment("counter", 0).await.unwrap(), 7);
    for number in ["0", "7", "-7", "9223372036854775807", "-9223372036854775808"] {
        let refused = store.set("value", number.into()).await;
        assert_eq!(refused, Err(StoreError::NumberAsValue("value".into())), "{number}");
    }
    for value in ["", "07", "+7", "-0", " 7", "7 ", "9223372036854775808", "x", "七"] {
        store.set("value", value.into()).await.unwrap();
        assert_eq!(store.get("value").await.unwrap().unwrap(), value.as_bytes());
        let refused = store.increment("value", 1).await;
        assert_eq!(refused, Err(StoreError::IncrementOfValue("value".into())), "{value:?}");
    }
}

#[tokio::test]
async fn a_counter_that_was_set_on_redis_is_noticed_by_the_next_increment() {
    let store = open(&empty_database());
    store.increment("c", 1).await.unwrap();
    store.set("c", b"x".to_vec()).await.unwrap();
    assert_eq!(store.increment("c", 1).await, Err(StoreError::IncrementOfValue("c".into())));
}

#[tokio::test]
async fn a_batch_of_nothing_is_refused_as_redis_does() {
    let url = empty_database();
    for command in ["MSET", "DEL"] {
        let error = try_ask::<()>(&url, &[command]).await.unwrap_err().to_string();
        assert!(error.contains("wrong number of arguments"), "{command}: {error}");
    }
    for store in [open(&url), Store::open(&Location::Memory).unwrap()] {
        assert!(matches!(store.set_many(Vec::new()).await, Err(StoreError::Refused(_))));
        assert!(matches!(store.delete_many(Vec::new()).await, Err(StoreError::Refused(_))));
    }
}

#[tokio::test]
async fn a_counter_does_not_overflow_silently() {
    let store = open(&empty_database());
    store.increment("c", i64::MAX).await.unwrap();
    assert_eq!(store.increment("c", 1).await, Err(StoreError::Overflow("c".into())));
    assert_eq!(store.increment("c", -1).await.unwrap(), i64::MAX - 1);
}

#[tokio::test]
async fn increments_that_race_all_count() {
    let store = open(&empty_database());
    let count = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.increment("c", 1).await.unwrap() })
    };
    let mut sums = Vec::new();
    for task in (0..200).map(count).collect::<Vec<_>>() {
        sums.push(task.await.unwrap());
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=200).collect::<Vec<i64>>());
}

#[tokio::test]
async fn keys_are_listed_by_prefix_in_order_and_once() {
    let url = empty_database();
    let store = open(&url);
    let key = |number: usize| format!("many:{number:05}");
    let entries: Vec<_> = (0..3 * SCAN_KEYS).map(|number| (key(number), vec![1])).collect();
    store.set_many(entries).await.unwrap();
    store.set("manyx", vec![1]).await.unwrap();
    let expected: Vec<String> = (0..3 * SCAN_KEYS).map(key).collect();
    assert_eq!(store.keys("many:").await.unwrap(), expected);
    // What a pattern would mean by it.
    () = ask(&url, &["SET", "a*b", "1"]).await;
    () = ask(&url, &["SET", "axb", "1"]).await;
    assert_eq!(store.keys("a*").await.unwrap(), ["a*b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_connected_to_again_and_has_what_it_answered() {
    let mut server = RedisServer::start();
    let store = open(&server.url());
    for number in 1..=2 {
        assert_eq!(store.increment("c", 1).await.unwrap(), number);
        store.set("value", format!("v{number}").into()).await.unwrap();
        server.kill();
        assert!(matches!(store.get("value").await, Err(StoreError::Database(_))), "while it is away");
        server.start_again();
        // The error of the first call has let the client connect anew.
        let began = Instant::now();
        while store.exists("c").await.is_err() {
            assert!(began.elapsed() < CALL_TIME * 2);
        }
        assert_eq!(store.get("value").await.unwrap().unwrap(), format!("v{number}").as_bytes());
    }
    assert_eq!(store.increment("c", 0).await.unwrap(), 2, "nothing was sent twice");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_and_no_secret_is_in_it() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = open(&format!("redis://brand:secret@{free}"));
    let error = store.reach().await.unwrap_err().to_string();
    assert!(error.contains("refused") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error_in_time() {
    // The system takes its connections, and nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = open(&format!("redis://{}", silent.local_addr().unwrap()));
    let began = Instant::now();
    let (get, reach) = tokio::join!(store.get("a"), store.reach());
    assert_eq!((get, reach), (Err(StoreError::Late), Err(StoreError::Late)));
    assert!(began.elapsed() < CALL_TIME * 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_answered_is_known_by_its_settings() {
    // Its settings change, so it is nobody else's.
    let server = RedisServer::start();
    let (url, store) = (server.url(), open(&server.url()));
    assert_eq!(store.risks().await, [""; 0]);
    for (name, value, risk) in [
        ("maxmemory-policy", "allkeys-lru", None),
        ("maxmemory", "1gb", Some("maxmemory-policy is allkeys-lru, not noeviction")),
        ("maxmemory-policy", "noeviction", None),
        ("appendfsync", "everysec", Some("appendfsync is everysec, not always")),
    ] {
        () = ask(&url, &["CONFIG", "SET", name, value]).await;
        assert_eq!(store.risks().await, risk.into_iter().collect::<Vec<_>>(), "{name} {value}");
    }
    () = ask(&url, &["CONFIG", "SET", "appendonly", "no"]).await;
    assert_eq!(store.risks().await, ["appendonly is no, not yes", "appendfsync is everysec, not always"]);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let store = open(&empty_database());
    store.set("a", b"x".to_vec()).await.unwrap();
    store.close().await;
    assert_eq!(store.get("a").await, Err(StoreError::Closed));
}
