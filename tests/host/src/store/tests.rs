#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

async fn store() -> Store {
    Store::open(&Location::Memory).unwrap()
}

#[tokio::test]
async fn a_key_is_a_value_or_a_counter_until_it_is_deleted() {
    let store = store().await;
    for value in [&b"short"[..], b"8 bytes.", b""] {
        store.set("key", value.to_vec()).await.unwrap();
        assert_eq!(store.increment("key", 1).await, Err(StoreError::IncrementOfValue("key".into())));
        assert_eq!(store.get("key").await.unwrap().unwrap(), value);
        store.delete("key").await.unwrap();
        assert_eq!(store.increment("key", 1).await.unwrap(), 1);
        assert_eq!(store.set("key", value.to_vec()).await, Err(StoreError::SetOfCounter("key".into())));
        assert_eq!(store.get("key").await, Err(StoreError::GetOfCounter("key".into())));
        assert_eq!(store.increment("key", 0).await.unwrap(), 1);
        assert!(store.exists("key").await.unwrap());
        store.delete("key").await.unwrap();
        assert!(!store.exists("key").await.unwrap());
    }
}

#[tokio::test]
async fn what_redis_would_take_for_a_counter_is_no_value() {
    let store = store().await;
    assert_eq!(store.set("key", b"-12".to_vec()).await, Err(StoreError::NumberAsValue("key".into())));
    let entries = [("a", "x"), ("b", "7")].map(|(key, value)| (key.to_owned(), value.into())).to_vec();
    assert_eq!(store.set_many(entries).await, Err(StoreError::NumberAsValue("b".into())));
    assert_eq!(store.keys("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn rows_that_spin_wrote_are_what_they_are_first_used_as() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sqlite_key_value.db");
    let spin = rusqlite::Connection::open(&path).unwrap();
    let table = "CREATE TABLE spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
    spin.execute(table, []).unwrap();
    for key in ["counter", "value"] {
        let row = rusqlite::params![key, 7_i64.to_le_bytes()];
        spin.execute("INSERT INTO spin_key_value VALUES ('default', ?1, ?2)", row).unwrap();
    }
    drop(spin);
    let store = Store::open(&Location::File(path)).unwrap();
    assert_eq!(store.increment("counter", 1).await.unwrap(), 8);
    assert!(matches!(store.get("counter").await, Err(StoreError::GetOfCounter(_))));
    store.set("value", b"8 bytes.".to_vec()).await.unwrap();
    assert!(matches!(store.increment("value", 1).await, Err(StoreError::IncrementOfValue(_))));
    store.close().await;
}

#[tokio::test]
async fn a_counter_does_not_overflow_silently() {
    let store = store().await;
    store.increment("c", i64::MAX).await.unwrap();
    assert_eq!(store.increment("c", 1).await, Err(StoreError::Overflow("c".into())));
    assert_eq!(store.increment("c", -1).await.unwrap(), i64::MAX - 1);
}

#[tokio::test]
async fn keys_that_some_backend_refuses_are_refused() {
    let store = store().await;
    for key in ["", "a/b", "a b", "猫", &"k".repeat(256)] {
        assert!(matches!(store.set(key, vec![1]).await, Err(StoreError::Key(_))), "{key:?}");
    }
    for key in ["A-z.0_9:", &"k".repeat(255)] {
        store.set(key, vec![1]).await.unwrap();
    }
}

#[tokio::test]
async fn increments_that_race_all_count() {
    let store = store().await;
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
async fn a_closed_store_says_so() {
    let store = store().await;
    store.set("a", vec![1]).await.unwrap();
    store.close().await;
    assert_eq!(store.get("a").await, Err(StoreError::Closed));
}

#[tokio::test]
async fn keys_are_listed_by_prefix_in_order() {
    let store = store().await;
    let entries = ["b:1", "a:2", "a:1", "ab"].map(|key| (key.to_owned(), vec![1])).to_vec();
    store.set_many(entries).await.unwrap();
    assert_eq!(store.keys("a:").await.unwrap(), ["a:1", "a:2"]);
    assert_eq!(store.keys("").await.unwrap().len(), 4);
}
