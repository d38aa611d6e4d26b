#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const WHOLE: &str = r#"
spin_manifest_version = 2

[application]
name = "guanxi"
version = "0.1.0"
authors = ["a"]
description = "d"

[variables]
token = { required = true, secret = true }
mode = { default = "safe", description = "how" }

[[trigger.http]]
route = "/wechat"
component = "callback"

[component.callback]
source = "target/callback.wasm"
key_value_stores = ["default"]
allowed_outbound_hosts = []
environment = { RUST_BACKTRACE = "1" }

[component.callback.variables]
token = "{{ token }}"

[component.callback.build]
command = "cargo build"
workdir = "functions"
watch = ["**/*.rs"]

[component.callback.dependencies]
"guanxi:replies/auto-reply@0.1.0" = { component = "auto-reply" }
"guanxi:channels/qr-scan@0.1.0" = { path = "qr.wasm", export = "other:channels/qr-scan@0.1.0" }

[component.auto-reply]
source = "auto.wasm"
"#;

fn parse(text: &str) -> Result<Manifest, String> {
    let path = Path::new("spin.toml");
    Manifest::parse(text, PathBuf::from("/app")).map_err(|refusal| refusal.at(path, text).to_string())
}

/// The refusal of the whole manifest with one thing changed.
fn refusal(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "the manifest has no {from:?}");
    parse(&WHOLE.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_manifest_is_read_as_a_whole() {
    let manifest = parse(WHOLE).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("guanxi", "0.1.0"));
    assert_eq!(manifest.variables["token"], Variable { default: None, secret: true });
    assert_eq!(manifest.variables["mode"], Variable { default: Some("safe".into()), secret: false });
    assert_eq!(manifest.http, [HttpTrigger { route: "/wechat".into(), component: "callback".into() }]);
    let callback = &manifest.components["callback"];
    assert_eq!(callback.source, Path::new("/app/target/callback.wasm"));
    assert_eq!(callback.key_value_stores, ["default"]);
    assert_eq!(callback.variables["token"].names().collect::<Vec<_>>(), ["token"]);
    let build = Build { commands: vec!["cargo build".into()], folder: "/app/functions".into() };
    assert_eq!(callback.build, Some(build));
    let sources: Vec<_> = callback.dependencies.values().map(|dependency| dependency.source.clone()).collect();
    assert_eq!(
        sources,
        [DependencySource::Path("/app/qr.wasm".into()), DependencySource::Component("auto-reply".into())]
    );
}

#[test]
fn what_is_not_run_is_named_with_its_place() {
    for (from, to, expected) in [
        ("spin_manifest_version = 2", "spin_manifest_version = 1", "spin.toml:2:25: only `spin_manifest_version = 2`"),
        ("description = \"d\"", "targets = []", "spin.toml:8:1: `targets` is Spin's"),
        ("description = \"d\"", "colour = \"d\"", "spin.toml:8:1: unknown field `colour`"),
        ("route = \"/wechat\"", "route = { private = false }", "spin.toml:15:9: `route` must be"),
        ("route = \"/wechat\"", "route = { private = true, path = \"/a\" }", "spin.toml:15:9: `route` must be"),
        (
            "route = \"/wechat\"",
            "route = \"/wechat\"\nexecutor = { type = \"http\" }",
            "spin.toml:16:1: `executor` is Spin's",
        ),
        ("[[trigger.http]]", "[[trigger.redis]]", "spin.toml:14:11: `redis` is Spin's"),
        (
            "component = \"callback\"",
            "component = { source = \"x.wasm\" }",
            "spin.toml:16:13: a component written into",
        ),
        ("component = \"callback\"", "component = \"call\"", "there is no component `call`"),
        ("source = \"target/callback.wasm\"", "source = { url = \"u\", digest = \"d\" }", "only a local file"),
        ("source = \"target/callback.wasm\"", "source = \"a\"\nfiles = [\"x\"]", "spin.toml:20:1: `files` is Spin's"),
        ("source = \"target/callback.wasm\"", "source = \"a\"\nai_models = []", "`ai_models` is Spin's"),
        ("source = \"target/callback.wasm\"", "source = \"a\"\nsqlite_databases = []", "`sqlite_databases` is Spin's"),
        (
            "allowed_outbound_hosts = []",
            "allowed_outbound_hosts = [\"https://x\", \"x.org\"]",
            "spin.toml:21:40: `x.org` in `allowed_outbound_hosts`: it has no scheme",
        ),
        (
            "allowed_outbound_hosts = []",
            "allowed_outbound_hosts = [\"https://x/y\"]",
            "spin.toml:21:27: `https://x/y` in `allowed_outbound_hosts`: it has a path",
        ),
        ("allowed_outbound_hosts = []", "allowed_outbound_hosts = [\"{{ api\"]", "spin.toml:21:27: unmatched {{"),
        (
            "allowed_outbound_hosts = []",
            "allowed_outbound_hosts = [\"{{ api }}\"]",
            "spin.toml:21:31: `allowed_outbound_hosts` of component `callback` uses `api`, which [variables] does not",
        ),
        (
            "allowed_outbound_hosts = []",
            "allowed_outbound_hosts = [\"{{ mode }}\"]",
            "spin.toml:21:28: `{{ mode }}` in `allowed_outbound_hosts` of component `callback` with default values: it has no",
        ),
        ("{{ token }}", "{{ tokens }}", "uses `tokens`, which [variables] does not declare"),
        ("{{ token }}", "{{ token", "unmatched {{"),
        ("{ required = true, secret = true }", "{ secret = true }", "`token` needs `required = true` or a `default`"),
        ("{ default = \"safe\"", "{ required = true, default = \"safe\"", "`mode` is required and has a default"),
        ("mode =", "Mode =", "`Mode` is not in snake_case"),
        ("[component.auto-reply]", "[component.auto_reply]", "`auto_reply` is not in kebab-case"),
        ("command = \"cargo build\"", "command = 1", "`command` must be a string"),
        ("command = \"cargo build\"", "", "missing field `command`"),
        ("{ component = \"auto-reply\" }", "{ component = \"callback\" }", "depends on itself"),
        ("{ component = \"auto-reply\" }", "{ component = \"other\" }", "there is no component `other`"),
        ("{ component = \"auto-reply\" }", "\">= 1.0\"", "from a registry is not supported"),
        (
            "{ component = \"auto-reply\" }",
            "{ component = \"auto-reply\", inherit_configuration = true }",
            "`inherit_configuration` is Spin's",
        ),
        ("{ component = \"auto-reply\" }", "{ component = \"auto-reply\", path = \"x\" }", "only one of them"),
        ("{ component = \"auto-reply\" }", "{ }", "needs `component` or `path`"),
        ("{ component = \"auto-reply\" }", "{ component = \"auto-reply\", only = 1 }", "unknown key `only`"),
        ("guanxi:replies/auto-reply@0.1.0", "guanxi/auto-reply", "spin.toml:33:1: `guanxi` is no package"),
        ("guanxi:channels/qr-scan@0.1.0", "guanxi:channels", "an export to satisfy the package dependency"),
        (
            "guanxi:channels/qr-scan@0.1.0",
            "guanxi:replies/auto-reply@0.1.1",
            "`callback` has invalid dependencies: `guanxi:replies/auto-reply@0.1.0` conflicts with `guanxi:replies/auto-reply@0.1.1`",
        ),
        ("token = \"{{ token }}\"", "token_2 = \"{{ token }}\"", "`token_2`: every word must begin with a letter"),
    ] {
        let refusal = refusal(from, to);
        assert!(refusal.contains(expected), "{to:?}: expected {expected:?} in {refusal:?}");
    }
}

#[test]
fn a_dependency_has_nothing_of_its_own() {
    for (resource, name) in [
        ("allowed_outbound_hosts = [\"https://x.org\"]", "allowed_outbound_hosts"),
        ("dependencies = { \"a:b/c\" = { path = \"c.wasm\" } }", "dependencies"),
        ("environment = { A = \"1\" }", "environment"),
        ("key_value_stores = [\"default\"]", "key_value_stores"),
        ("variables = { a = \"1\" }", "variables"),
    ] {
        let refusal = refusal("source = \"auto.wasm\"", &format!("source = \"auto.wasm\"\n{resource}"));
        let expected = "component `auto-reply` cannot be used as a dependency of `callback` because it specifies: ";
        assert!(refusal.ends_with(&format!("{expected}{name}")), "{refusal}");
    }
    let empty = "source = \"auto.wasm\"\nallowed_outbound_hosts = []";
    assert!(parse(&WHOLE.replace("source = \"auto.wasm\"", empty)).is_ok());
}

#[test]
fn a_schedule_is_read_and_a_bad_one_named_with_its_place() {
    let cron = |expression: &str, component: &str| {
        let trigger = format!("[[trigger.cron]]\ncron_expression = \"{expression}\"\ncomponent = {component}");
        parse(&WHOLE.replacen("[[trigger.http]]\nroute = \"/wechat\"\ncomponent = \"callback\"", &trigger, 1))
    };
    let manifest = cron("0 * * * * *", "\"callback\"").unwrap();
    assert_eq!(manifest.http, []);
    let [CronTrigger { expression, component }] = &manifest.cron[..] else { panic!("one trigger") };
    assert_eq!((expression.to_string().as_str(), component.as_str()), ("0 * * * * *", "callback"));
    for (expression, component, expected) in [
        ("* * * * *", "\"callback\"", "spin.toml:15:19: `* * * * *` is not a cron expression, which has six fields"),
        ("0 0 25 * * *", "\"callback\"", "spin.toml:15:19: `0 0 25 * * *` is not a cron expression"),
        ("0 * * * * *", "\"clock\"", "spin.toml:16:14: there is no component `clock`"),
        ("0 * * * * *", "{ source = \"x.wasm\" }", "spin.toml:16:13: a component written into"),
        ("0 * * * * *", "\"callback\"\ntimezone = \"Asia/Shanghai\"", "spin.toml:17:1: unknown field `timezone`"),
    ] {
        let refusal = cron(expression, component).unwrap_err();
        assert!(refusal.contains(expected), "expected {expected:?} in {refusal:?}");
    }
}

/// What only TOML 1.1 allows, as a value.
const TOML_1_1: [&str; 6] = [
    "{ default = \"d\", }",
    "{\n  default = \"d\"\n}",
    "{ default = \"d\" # why\n}",
    "{ default = \"\\e[1m\" }",
    "{ default = \"\\x41\" }",
    "{ default = \"d\", since = 07:30 }",
];

#[test]
fn what_only_toml_1_1_allows_is_refused() {
    for value in TOML_1_1 {
        let refusal = refusal("mode = { default = \"safe\", description = \"how\" }", &format!("mode = {value}"));
        assert!(refusal.starts_with("spin.toml:1"), "{value}: {refusal}");
        // For what it is, and not because the host does not know the key.
        assert!(!refusal.contains("unknown field"), "{value}: {refusal}");
    }
    assert!(parse(&WHOLE.replacen("description = \"how\"", "description = \"\\u0041\\t\"", 1)).is_ok());
}

#[test]
fn the_manifest_of_a_folder_is_its_spin_toml() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Manifest::read(folder.path()), Err(ManifestError::Read { .. })));
    std::fs::write(folder.path().join("spin.toml"), WHOLE).unwrap();
    assert_eq!(Manifest::read(folder.path()).unwrap().folder, folder.path());
}
