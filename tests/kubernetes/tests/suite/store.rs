//! The store of the replicas: it keeps what it acknowledged, and its time limit is the fence of the jobs' lease.

use crate::{kinds::one, read, render::overlay};
use guanxi::store::lease::FENCE;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use std::collections::BTreeMap;

/// Setting by name; none is there twice.
fn settings() -> BTreeMap<String, String> {
    let map: ConfigMap = one(&overlay("production"), "ConfigMap", "guanxi-valkey");
    let text = map.data.unwrap().remove("valkey.conf").unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs: Vec<_> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    let settings: BTreeMap<_, _> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(settings.len(), pairs.len());
    settings
}

#[test]
fn the_store_keeps_what_it_acknowledged_and_evicts_nothing() {
    let settings = settings();
    assert_eq!(settings["appendonly"], "yes");
    assert_eq!(settings["appendfsync"], "always");
    assert_eq!(settings["maxmemory-policy"], "noeviction");
}

#[test]
fn the_store_closes_silent_connections_before_anybody_may_take_over() {
    let settings = settings();
    assert_eq!(settings["timeout"], FENCE.as_secs().to_string());
    let keepalive: u64 = settings["tcp-keepalive"].parse().unwrap();
    assert!(keepalive > 0 && 2 * keepalive < FENCE.as_secs(), "a peer that is gone is found as soon");
}

#[test]
fn the_password_of_the_example_is_the_same_on_both_sides() {
    let secret = |name: &str, key: &str| {
        let secret: Secret = one(&overlay("production"), "Secret", name);
        String::from_utf8(secret.data.unwrap().remove(key).unwrap().0).unwrap()
    };
    let password = secret("guanxi-valkey-password", "password.conf");
    let password = password.trim().strip_prefix("requirepass ").unwrap().to_owned();
    let config: toml::Table = toml::from_str(&secret("guanxi-runtime-config", "runtime-config.toml")).unwrap();
    let store = &config["key_value_store"]["default"];
    assert_eq!(store["type"].as_str(), Some("redis"));
    assert_eq!(store["url"].as_str(), Some(&*format!("redis://:{password}@guanxi-valkey:6379/0")));
    assert!(settings()["include"].ends_with("/password.conf"));
}

#[test]
fn the_only_store_of_one_node_is_a_file_on_its_volume() {
    let config: toml::Table =
        toml::from_str(&read("functions/kubernetes/overlays/one-node/runtime-config.toml")).unwrap();
    let store = &config["key_value_store"]["default"];
    assert_eq!(store["type"].as_str(), Some("spin"));
    assert!(store["path"].as_str().unwrap().starts_with("/data/"));
}
