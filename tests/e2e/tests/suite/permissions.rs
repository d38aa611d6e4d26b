//! What each component may do, read from the manifests and from what the components import. Fails when it grows.

use e2e::{build, hello, root};
use guanxi::playbook::compile;
use guanxi_host::{Manifest, compose};
use std::{collections::BTreeSet, fs};
use toml::{Table, Value};
use wasmparser::{ComponentTypeRef, Parser, Payload};

/// Rust's std brings these into every component: standard streams, environment, exit, a seed for hash maps.
const STD: [&str; 3] = ["wasi:cli/", "wasi:io/", "wasi:random/insecure-seed@"];

/// What a component may do.
struct Granted {
    id: &'static str,
    stores: &'static [&'static str],
    /// The hosts that it may reach, as the manifest writes them.
    hosts: &'static [&'static str],
    variables: &'static [&'static str],
    /// Beginnings of what it may import besides `STD`.
    imports: &'static [&'static str],
    /// How many times the size of a hello world of the SDK it may have, the playbook in it not counted.
    ///
    /// Wanted were 1.8 for callback and 4 for stats, push and console. No setting that was tried reaches that:
    /// bytes without the playbook, and how many times 192,440, the hello world's at `opt-level = 3`; all with fat LTO, one codegen
    /// unit, `panic = "abort"`, stripped; the last three rows by a tree in which callback held the playbook itself.
    ///
    /// | `opt-level` | callback | push | stats, with the reports that console has now |
    /// |---|--:|--:|--:|
    /// | 3, as it is | 502,249, 2.61 | 1,376,390, 7.15 | 1,858,068, 9.66 |
    /// | `"s"` for the packages of the jobs only | the same | 1,292,698, 6.72 | 1,856,438, 9.65 |
    /// | `"s"` for all | 410,291, 2.13 | 1,013,161, 5.26 | 1,312,729, 6.82 |
    /// | `"z"` for all | 377,616, 1.96 | 909,529, 4.73 | 1,157,733, 6.02 |
    ///
    /// More than half of callback is its own: WeChat's protocol in XML and JSON, AES, SHA-1, the journal. Most of a job is code of
    /// `guanxi`, which is compiled once for all components, for speed, because callback needs that; `"s"` for a job's own package
    /// makes it larger. So each may have what it has and a little more.
    ///
    /// Nearly nothing of an instance's start depends on it, so it only keeps an eye on growth: what counts, the first message of
    /// a fresh instance, is what `cargo bench-guanxi fresh` measures.
    size_max: f64,
}

const GRANTED: [Granted; 10] = [
    Granted {
        id: "ask",
        stores: &[],
        hosts: &[
            "{{ lookup_host1 }}",
            "{{ lookup_host2 }}",
            "{{ lookup_host3 }}",
            "{{ lookup_host4 }}",
            "{{ lookup_stand_in }}",
        ],
        variables: &[
            "lookup_host1",
            "lookup_host2",
            "lookup_host3",
            "lookup_host4",
            "lookup_key1",
            "lookup_key2",
            "lookup_key3",
            "lookup_key4",
            "lookup_stand_in",
        ],
        imports: &["spin:variables/variables@", "wasi:clocks/", "wasi:http/client@", "wasi:http/types@"],
        size_max: 1.7,
    },
    Granted { id: "auto-reply", stores: &[], hosts: &[], variables: &[], imports: &[], size_max: 2.7 },
    Granted {
        id: "callback",
        stores: &["default"],
        // The component ask, and nobody else.
        hosts: &["http://ask.spin.internal"],
        variables: &[
            "wechat_app_id",
            "wechat_encoding_aes_key",
            "wechat_encoding_aes_key_next",
            "wechat_mode",
            "wechat_token",
            "wechat_token_next",
        ],
        imports: &[
            "guanxi:channels/qr-scan@",
            "guanxi:replies/auto-reply@",
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            // To the component ask.
            "wasi:http/client@",
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/store@",
            "wasi:random/random@",
        ],
        // 0.2 of it asks the component ask.
        size_max: 2.9,
    },
    Granted {
        id: "console",
        stores: &["default"],
        hosts: &[],
        variables: &["console_token"],
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
        // More than half of it checks and compiles playbooks, and answers by them. Wanted were 4; `"z"` for all gives 1,923,717 bytes, 10.0.
        size_max: 19.2,
    },
    Granted {
        id: "orders",
        stores: &["default"],
        hosts: &[],
        variables: &["orders_secret"],
        imports: &[
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/store@",
        ],
        size_max: 2.3,
    },
    Granted {
        id: "outbox",
        stores: &["default"],
        hosts: &["{{ webhook_url }}"],
        variables: &["job_token", "webhook_path", "webhook_secret", "webhook_url"],
        imports: &[
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            // The way out.
            "wasi:http/client@",
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/batch@",
            "wasi:keyvalue/store@",
            "wasi:random/random@",
        ],
        size_max: 4.5,
    },
    Granted {
        id: "push",
        stores: &["default"],
        hosts: &["{{ wechat_api_url }}"],
        variables: &["job_token", "wechat_api_url", "wechat_app_id", "wechat_app_secret"],
        imports: &[
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            // The way out. Besides ask, the outbox and callback to ask no other component of this application has it.
            "wasi:http/client@",
            "wasi:http/types@",
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/batch@",
            "wasi:keyvalue/store@",
            "wasi:random/random@",
        ],
        size_max: 8.3,
    },
    Granted { id: "qr-scan", stores: &[], hosts: &[], variables: &[], imports: &[], size_max: 1.4 },
    Granted {
        id: "stats",
        stores: &["default"],
        hosts: &[],
        variables: &["job_token"],
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
        size_max: 10.2,
    },
    Granted {
        id: "status",
        stores: &["default"],
        hosts: &[],
        variables: &["job_token"],
        imports: &[
            "spin:key-value/key-value@",
            "spin:variables/variables@",
            "wasi:clocks/",
            "wasi:http/types@",
            // A counter is read by adding nothing to it.
            "wasi:keyvalue/atomics@",
            "wasi:keyvalue/store@",
        ],
        size_max: 3.2,
    },
];

/// The clock calls the jobs of an application, and that is all.
const fn clock(id: &'static str) -> Granted {
    Granted {
        id,
        stores: &[],
        hosts: &["{{ guanxi_url }}"],
        variables: &["guanxi_url", "job", "job_token"],
        imports: &[
            "fermyon:spin-cron/cron-types@",
            "fermyon:spin/variables@",
            "wasi:clocks/",
            "wasi:http/outgoing-handler@",
            "wasi:http/types@",
        ],
        size_max: 0.6,
    }
}

/// One manifest.
struct Application {
    folder: &'static str,
    granted: &'static [Granted],
}

const GUANXI: Application = Application { folder: "", granted: &GRANTED };
const CLOCK: Application = Application {
    folder: "functions/clock",
    granted: &[clock("clock-outbox"), clock("clock-push"), clock("clock-rollup")],
};

impl Application {
    fn manifest(&self) -> Table {
        fs::read_to_string(root().join(self.folder).join("spin.toml")).unwrap().parse().unwrap()
    }

    fn wasm(&self, component: &str) -> Vec<u8> {
        build();
        let source = self.manifest()["component"][component]["source"].as_str().unwrap().to_owned();
        fs::read(root().join(self.folder).join(source)).unwrap()
    }

    fn imports(&self, component: &str) -> BTreeSet<String> {
        imports(&self.wasm(component))
    }
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.map_or(Vec::new(), |list| list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect())
}

/// The playbook as the components hold it.
fn playbook() -> Vec<u8> {
    compile(&fs::read_to_string(root().join("functions/playbook.toml")).unwrap()).unwrap()
}

/// The size of a component without its playbook; none: it holds none.
fn without(wasm: &[u8], playbook: &[u8]) -> Option<usize> {
    wasm.windows(playbook.len()).any(|bytes| bytes == playbook).then(|| wasm.len() - playbook.len())
}

/// What the component as a whole imports; a type alone gives it nothing.
fn imports(wasm: &[u8]) -> BTreeSet<String> {
    let mut imports = BTreeSet::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                let all = section.into_iter().map(Result::unwrap);
                let granting = all.filter(|import| !matches!(import.ty, ComponentTypeRef::Type(_)));
                imports.extend(granting.map(|import| import.name.0.to_owned()));
            }
            _ => {}
        }
    }
    imports
}

#[test]
fn every_component_is_granted_what_this_test_lists_and_nothing_else() {
    for application in [GUANXI, CLOCK] {
        let manifest = application.manifest();
        let components = manifest["component"].as_table().unwrap();
        let ids: Vec<&str> = application.granted.iter().map(|granted| granted.id).collect();
        assert_eq!(components.keys().collect::<Vec<_>>(), ids, "components");
        for Granted { id, stores, hosts, variables, .. } in application.granted {
            let component = components[*id].as_table().unwrap();
            assert_eq!(strings(component.get("key_value_stores")), *stores, "stores of {id}");
            assert!(component.contains_key("allowed_outbound_hosts"), "{id} says which hosts it may reach");
            assert_eq!(strings(component.get("allowed_outbound_hosts")), *hosts, "hosts of {id}");
            let own = component.get("variables").map_or(Vec::new(), |own| own.as_table().unwrap().keys().collect());
            let own: BTreeSet<&str> = own.into_iter().map(String::as_str).collect();
            assert_eq!(own, variables.iter().copied().collect(), "variables of {id}");
        }
    }
}

#[test]
fn no_component_imports_more_than_this_test_lists() {
    for application in [GUANXI, CLOCK] {
        for Granted { id, imports: granted, .. } in application.granted {
            let imports = application.imports(id);
            assert!(!imports.is_empty(), "{id} imports nothing at all: is this test blind?");
            for import in &imports {
                let expected = STD.iter().chain(*granted).any(|prefix| import.starts_with(prefix));
                assert!(expected, "{id} imports {import}");
            }
        }
    }
}

#[test]
fn pure_components_have_neither_clock_nor_file_nor_socket() {
    for id in ["auto-reply", "qr-scan"] {
        for import in GUANXI.imports(id) {
            assert!(STD.iter().any(|prefix| import.starts_with(prefix)), "{id} imports {import}");
        }
    }
}

/// As Spin does it, which refuses two dependencies of one WIT package. What is composed in is imported no more.
#[test]
fn every_component_is_composed_with_its_dependencies() {
    let mut composed = Vec::new();
    for application in [GUANXI, CLOCK] {
        let manifest = Manifest::read(&root().join(application.folder)).unwrap();
        for (id, component) in &manifest.components {
            let before = application.imports(id);
            let after = imports(&compose(&manifest, id, component).unwrap());
            let own = |import: &&String| import.starts_with("guanxi:");
            assert_eq!(after.iter().filter(own).count(), 0, "{id} still imports {after:?}");
            composed.extend(before.iter().filter(own).map(|import| format!("{id}: {import}")));
        }
    }
    assert_eq!(composed, ["callback: guanxi:channels/qr-scan@0.1.0", "callback: guanxi:replies/auto-reply@0.1.0"]);
}

/// A publication alone crosses the border: what was built in lies where it is read.
#[test]
fn callback_holds_no_playbook() {
    let playbook = playbook();
    let holds = |id: &&str| without(&GUANXI.wasm(id), &playbook).is_some();
    let holding: Vec<&str> = GUANXI.granted.iter().map(|granted| granted.id).filter(holds).collect();
    assert_eq!(holding, ["auto-reply", "console", "outbox", "push", "stats", "status"]);
}

/// What differs between backends, or looks at every key of the store.
#[test]
fn no_component_imports_a_store_call_that_is_not_safe_everywhere() {
    let contains = |wasm: &[u8], name: &str| wasm.windows(name.len()).any(|bytes| bytes == name.as_bytes());
    assert!(contains(&GUANXI.wasm("stats"), "set-many"), "is this test blind?");
    for Granted { id, .. } in GUANXI.granted {
        let wasm = GUANXI.wasm(id);
        for name in ["get-keys", "list-keys", "get-many", "cas.new"] {
            assert!(!contains(&wasm, name), "{id} imports {name}");
        }
    }
}

#[test]
fn each_way_out_is_one_components_and_so_is_the_secret_that_goes_with_it() {
    let with = |what: &dyn Fn(&Granted) -> bool| -> Vec<&str> {
        GUANXI.granted.iter().filter(|granted| what(granted)).map(|granted| granted.id).collect()
    };
    assert_eq!(with(&|granted| !granted.hosts.is_empty()), ["ask", "callback", "outbox", "push"]);
    let reaches =
        |beginning: &'static str| with(&|granted| granted.hosts.iter().any(|host| host.starts_with(beginning)));
    assert_eq!(reaches("{{ lookup_"), ["ask"]);
    assert_eq!(reaches("http://"), ["callback"]);
    assert_eq!(with(&|granted| granted.variables.iter().any(|name| name.starts_with("lookup_"))), ["ask"]);
    // A wildcard would also open every component, private ones too.
    assert!(GUANXI.granted.iter().all(|granted| granted.hosts.iter().all(|host| !host.contains('*'))));
    for (variable, component) in [
        ("wechat_app_secret", "push"),
        ("wechat_api_url", "push"),
        ("webhook_secret", "outbox"),
        ("webhook_url", "outbox"),
        ("orders_secret", "orders"),
    ] {
        assert_eq!(with(&|granted| granted.variables.contains(&variable)), [component], "{variable}");
        let host = format!("{{{{ {variable} }}}}");
        let reached = with(&|granted| granted.hosts.contains(&host.as_str()));
        assert!(reached.iter().all(|id| *id == component), "{variable} {reached:?}");
    }
    let calls_out = |granted: &Granted| {
        let imports = GUANXI.imports(granted.id);
        imports.iter().any(|import| import.contains("http/client") || import.contains("http/outgoing-handler"))
    };
    assert_eq!(with(&calls_out), ["ask", "callback", "outbox", "push"]);
}

#[test]
fn nobody_but_callback_names_the_private_component() {
    let private: Vec<String> = Manifest::read(&root()).unwrap().private;
    assert_eq!(private, ["ask"]);
    assert_eq!(format!("{}.spin.internal", private[0]), guanxi::lookup::COMPONENT);
    let slots = GRANTED[0].variables.iter().filter(|name| name.starts_with("lookup_host")).count();
    assert_eq!(slots, guanxi::lookup::allowed::SLOTS);
}

#[test]
fn secrets_are_declared_secret() {
    for application in [GUANXI, CLOCK] {
        for (name, variable) in application.manifest()["variables"].as_table().unwrap() {
            let secret = ["token", "key", "secret"].iter().any(|word| name.contains(word));
            assert_eq!(variable.get("secret").and_then(Value::as_bool).unwrap_or(false), secret, "{name}");
        }
    }
}

#[test]
fn every_component_is_small_beside_a_hello_world() {
    let (hello, playbook) = (hello().len(), playbook());
    assert!((100_000..250_000).contains(&hello), "a hello world of {hello} bytes: is this test blind?");
    let mut table = vec![format!("hello world: {hello} bytes")];
    let mut too_large = Vec::new();
    for application in [GUANXI, CLOCK] {
        for Granted { id, size_max, .. } in application.granted {
            let wasm = application.wasm(id);
            let size = without(&wasm, &playbook).unwrap_or(wasm.len());
            let times = size as f64 / hello as f64;
            table.push(format!("{id}: {size} bytes, {times:.2} times the hello world, at most {size_max}"));
            too_large.extend((times > *size_max).then_some(*id));
        }
    }
    assert!(too_large.is_empty(), "{too_large:?} too large\n{}", table.join("\n"));
}
