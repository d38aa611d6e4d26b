#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

/// The places with this runtime configuration, written to a folder of its own.
fn places(flag: &StateDir, config: &str) -> Result<(Places, PathBuf), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runtime.toml");
    std::fs::write(&path, config).unwrap();
    let places = Places::new(Path::new("/app"), flag, Some(&path)).map_err(|error| error.to_string())?;
    Ok((places, folder.path().to_owned()))
}

#[test]
fn state_is_beside_the_manifest_unless_a_flag_or_the_file_says_otherwise() {
    let state = |at: &str| Places {
        store: Location::File(Path::new(at).join("sqlite_key_value.db")),
        logs: Some(Path::new(at).join("logs")),
    };
    let nowhere = Places { store: Location::Memory, logs: None };
    let flag = StateDir::from_text("/flag");
    assert_eq!(Places::new(Path::new("/app"), &StateDir::Default, None).unwrap(), state("/app/.spin"));
    assert_eq!(Places::new(Path::new("/app"), &flag, None).unwrap(), state("/flag"));
    assert_eq!(Places::new(Path::new("/app"), &StateDir::from_text(""), None).unwrap(), nowhere);
    assert_eq!(places(&StateDir::Default, "state_dir = '/file'").unwrap().0, state("/file"));
    assert_eq!(places(&flag, "state_dir = '/file'").unwrap().0, state("/flag"));
}

#[test]
fn a_stores_path_starts_at_the_file_that_names_it() {
    let config = "[key_value_store.default]\ntype = 'spin'\npath = 'kv.db'";
    let (places, folder) = places(&StateDir::None, config).unwrap();
    assert_eq!(places, Places { store: Location::File(folder.join("kv.db")), logs: None });
}

#[test]
fn a_stores_server_is_shown_without_its_password() {
    let config = "[key_value_store.default]\ntype = 'redis'\nurl = 'redis://brand:secret@10.0.0.7:6380/2'";
    let (places, _) = places(&StateDir::None, config).unwrap();
    let Location::Redis(url) = &places.store else { panic!("{places:?}") };
    assert_eq!(url.to_string(), "redis://10.0.0.7:6380/2");
    assert_eq!(format!("{places:?}").matches("secret").count(), 0);
    let socket: RedisUrl = "redis+unix:///run/redis.sock?pass=secret&db=1".parse().unwrap();
    assert_eq!(socket.to_string(), "redis+unix:///run/redis.sock");
}

#[test]
fn what_is_not_run_is_named_with_its_line() {
    for (config, expected) in [
        ("variables_provider = 1", "variables_provider"),
        ("[key_value_store.other]\ntype = 'spin'\npath = 'x'", "key_value_store.other"),
        ("\n[key_value_store.default]\ntype = 'azure_cosmos'", "line 2: key_value_store.default: type `azure_cosmos`"),
        ("[key_value_store.default]\ntype = 'redis'", "`url` is missing"),
        ("[key_value_store.default]\ntype = 'redis'\npath = 'x'", "`path` is of the type `spin`"),
        ("[key_value_store.default]\ntype = 'spin'\npath = 'x'\nurl = 'redis://x'", "`url` is of the type `redis`"),
        ("[key_value_store.default]\ntype = 'redis'\nurl = 'http://x'", "`url`: not the URL of a Redis"),
        ("[key_value_store.default]\ntype = 'redis'\nurl = 'redis://x/seven'", "`url`: not the URL of a Redis"),
        ("[key_value_store.default]\ntype = 'redis'\nurl = 'rediss://:secret@x'", "`url`: TLS"),
        ("[key_value_store.default]\ntype = 'spin'", "`path` is missing"),
    ] {
        let refusal = places(&StateDir::Default, config).unwrap_err();
        assert!(refusal.contains(expected), "{config}: {refusal}");
    }
}

#[test]
fn what_only_toml_1_1_allows_is_refused_of_a_runtime_configuration_too() {
    for store in
        ["{ type = 'spin', path = 'x', }", "{ type = 'spin',\n path = 'x' }", "{ type = 'spin', path = \"\\x41\" }"]
    {
        let refusal = places(&StateDir::Default, &format!("[key_value_store]\ndefault = {store}")).unwrap_err();
        assert!(refusal.contains("runtime.toml: TOML parse error at line 2"), "{store}: {refusal}");
    }
    let same = "[key_value_store]\ndefault = { type = 'spin', path = 'x' }";
    assert!(places(&StateDir::Default, same).is_ok());
}
