//! What each component may do, read from `spin.toml` and from what the components import. Fails when it grows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use e2e::{build, root};
use std::{collections::BTreeSet, fs};
use toml::{Table, Value};
use wasmparser::{Parser, Payload};

/// Rust's std brings these into every component: standard streams, environment, exit, a seed for hash maps.
const STD: [&str; 3] = ["wasi:cli/", "wasi:io/", "wasi:random/insecure-seed@"];

/// Bytes; each component on its own.
const SIZE_MAX: u64 = 450_000;
/// Of the one that nobody waits for: it folds once a minute and makes reports.
const STATS_SIZE_MAX: u64 = 750_000;

/// What a component may do. No component of these may reach any host.
struct Granted {
    id: &'static str,
    stores: &'static [&'static str],
    variables: &'static [&'static str],
    /// Beginnings of what it may import besides `STD`.
    imports: &'static [&'static str],
}

const GRANTED: [Granted; 5] = [
    Granted { id: "auto-reply", stores: &[], variables: &[], imports: &[] },
    Granted {
        id: "callback",
        stores: &["default"],
        variables: &["wechat_app_id", "wechat_encoding_aes_key", "wechat_mode", "wechat_token"],
        imports: &[
            "guanxi:bot/auto-reply@",
            "guanxi:bot/qr-scan@",
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            // The request and the response are its resources. Of outgoing requests there is no `wasi:http/client`.
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/store@",
            "wasi:random/random@",
        ],
    },
    Granted {
        id: "orders",
        stores: &["default"],
        variables: &["orders_secret"],
        imports: &[
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/store@",
        ],
    },
    Granted { id: "qr-scan", stores: &[], variables: &[], imports: &[] },
    Granted {
        id: "stats",
        stores: &["default"],
        variables: &["console_token", "job_token"],
        imports: &[
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/batch@",
            "wasi:keyvalue/store@",
            "wasi:random/random@",
        ],
    },
];

fn manifest() -> Table {
    fs::read_to_string(root().join("spin.toml")).unwrap().parse().unwrap()
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.map_or(Vec::new(), |list| list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect())
}

fn wasm(component: &Table) -> Vec<u8> {
    build();
    fs::read(root().join(component["source"].as_str().unwrap())).unwrap()
}

/// What the component as a whole imports.
fn imports(wasm: &[u8]) -> BTreeSet<String> {
    let mut imports = BTreeSet::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.0.to_owned()));
            }
            _ => {}
        }
    }
    imports
}

#[test]
fn every_component_is_granted_what_this_test_lists_and_nothing_else() {
    let manifest = manifest();
    let components = manifest["component"].as_table().unwrap();
    assert_eq!(components.keys().collect::<Vec<_>>(), GRANTED.map(|granted| granted.id), "components");
    for Granted { id, stores, variables, .. } in GRANTED {
        let component = components[id].as_table().unwrap();
        assert_eq!(strings(component.get("key_value_stores")), stores, "stores of {id}");
        assert!(component.contains_key("allowed_outbound_hosts"), "{id} says which hosts it may reach");
        assert!(strings(component.get("allowed_outbound_hosts")).is_empty(), "hosts of {id}");
        let own = component.get("variables").map_or(Vec::new(), |own| own.as_table().unwrap().keys().collect());
        let own: BTreeSet<&str> = own.into_iter().map(String::as_str).collect();
        assert_eq!(own, variables.iter().copied().collect(), "variables of {id}");
    }
}

#[test]
fn no_component_imports_more_than_this_test_lists() {
    let manifest = manifest();
    for Granted { id, imports: granted, .. } in GRANTED {
        let imports = imports(&wasm(manifest["component"][id].as_table().unwrap()));
        assert!(!imports.is_empty(), "{id} imports nothing at all: is this test blind?");
        for import in &imports {
            let expected = STD.iter().chain(granted).any(|prefix| import.starts_with(prefix));
            assert!(expected, "{id} imports {import}");
        }
    }
}

#[test]
fn pure_components_have_neither_clock_nor_file_nor_socket() {
    let manifest = manifest();
    for id in ["auto-reply", "qr-scan"] {
        let imports = imports(&wasm(manifest["component"][id].as_table().unwrap()));
        for import in &imports {
            assert!(STD.iter().any(|prefix| import.starts_with(prefix)), "{id} imports {import}");
        }
    }
}

/// What differs between backends, or looks at every key of the store.
#[test]
fn no_component_imports_a_store_call_that_is_not_safe_everywhere() {
    let contains = |wasm: &[u8], name: &str| wasm.windows(name.len()).any(|bytes| bytes == name.as_bytes());
    let manifest = manifest();
    assert!(contains(&wasm(manifest["component"]["stats"].as_table().unwrap()), "set-many"), "is this test blind?");
    for Granted { id, .. } in GRANTED {
        let wasm = wasm(manifest["component"][id].as_table().unwrap());
        for name in ["get-keys", "list-keys", "get-many", "cas.new"] {
            assert!(!contains(&wasm, name), "{id} imports {name}");
        }
    }
}

#[test]
fn secrets_are_declared_secret() {
    let manifest = manifest();
    for (name, variable) in manifest["variables"].as_table().unwrap() {
        let secret = ["token", "key", "secret"].iter().any(|word| name.contains(word));
        assert_eq!(variable.get("secret").and_then(Value::as_bool).unwrap_or(false), secret, "{name}");
    }
}

#[test]
fn every_component_is_small() {
    for (id, component) in manifest()["component"].as_table().unwrap() {
        let size = wasm(component.as_table().unwrap()).len() as u64;
        let most = if id == "stats" { STATS_SIZE_MAX } else { SIZE_MAX };
        assert!(size < most, "{id} has {size} bytes");
    }
}
