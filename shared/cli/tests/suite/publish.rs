//! `publish`, into a file and through the real functions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use guanxi::{
    playbook::{
        Inbound, InboundKind, Playbook,
        publish::{HEAD_KEY, Head},
    },
    time::Timestamp,
};
use guanxi_host::store::{Location, Store};

use tempfile::TempDir;

use crate::{
    command::{PLAYBOOK, guanxi},
    fixtures::Application,
    process::Up,
};

/// An application with a playbook.
fn folder() -> TempDir {
    let folder = Application::new().folder;
    fs::write(folder.path().join("playbook.toml"), PLAYBOOK).unwrap();
    folder
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

fn publish(folder: &Path) -> Command {
    let mut command = guanxi();
    command.current_dir(folder).args(["publish", "playbook.toml"]).env_remove("CONSOLE_TOKEN");
    command
}

fn database(folder: &Path) -> PathBuf {
    folder.join(".spin/sqlite_key_value.db")
}

/// As callback finds what holds at a moment.
async fn answer(database: &Path, at: u64) -> Option<String> {
    let store = Store::open(&Location::File(database.to_owned())).unwrap();
    let head = Head::decode(&store.get(HEAD_KEY).await.unwrap()?).unwrap();
    let holding = head.holding_at(Timestamp(at))?;
    let mut parts = Vec::new();
    for key in holding.part_keys() {
        parts.push(store.get(&key).await.unwrap().unwrap());
    }
    store.close().await;
    let inbound = Inbound {
        account: "gh_1".into(),
        fan: "o_1".into(),
        create_time: Timestamp(at),
        identity: "1".into(),
        kind: InboundKind::Text,
        text: "TD".into(),
        attached: String::new(),
    };
    Playbook::load(&holding.assemble(&parts).unwrap()).unwrap().answer(&inbound, None, None).rule
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_in_the_stores_file_answers_from_its_second_on() {
    let folder = folder();
    let (done, text) = run(&mut publish(folder.path()));
    assert!(done && text == "publication 1 holds in 30 s\n", "{text}");
    let now = e2e::now().0;
    assert_eq!(answer(&database(folder.path()), now + 31).await.as_deref(), Some("stop"));
    assert_eq!(answer(&database(folder.path()), now - 60).await, None, "the built-in one");
    // The file, given by its place.
    let (done, text) = run(publish(folder.path()).args(["--state-dir", "elsewhere"]));
    assert!(done && folder.path().join("elsewhere/sqlite_key_value.db").exists(), "{text}");
}

#[test]
fn a_playbook_with_a_problem_is_shown_it_and_nothing_is_written() {
    let folder = folder();
    fs::write(folder.path().join("playbook.toml"), PLAYBOOK.replace("default = ", "defalt = ")).unwrap();
    for more in [&[][..], &["--url", "http://127.0.0.1:1"]] {
        let (done, text) = run(publish(folder.path()).args(more));
        assert!(!done && text.contains("5 | defalt = \"sorry\"\n  | ^\n"), "{text}");
        assert!(text.ends_with("playbook.toml: not published\n"), "{text}");
    }
    assert!(!folder.path().join(".spin").exists());
}

#[test]
fn an_address_that_is_none_is_told_so() {
    let (done, text) = run(publish(folder().path()).args(["--url", "127.0.0.1:1"]).env("CONSOLE_TOKEN", "t"));
    assert_eq!((done, text.as_str()), (false, "Error: --url 127.0.0.1:1: write http://… or https://…\n"));
}

#[test]
fn a_store_that_is_served_is_published_to_by_its_url_only() {
    let application = Application::new();
    let up = Up::start(&application, &[]);
    up.post("/do/kv/set?key=a", "one");
    fs::write(application.folder.path().join("playbook.toml"), PLAYBOOK).unwrap();
    let (done, text) = run(&mut publish(application.folder.path()));
    assert!(!done && text.contains("publish with --url") && text.contains("has this file open"), "{text}");
    up.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_publisher_within_the_minute_is_told_to_wait() {
    let folder = folder();
    let store = Store::open(&Location::File(database(folder.path()))).unwrap();
    // This minute's claim, and the next one's, should that begin meanwhile.
    for minute in [0, 1] {
        store.increment(&format!("slot:publish:{}", e2e::now().0 / 60 + minute), 1).await.unwrap();
    }
    store.close().await;
    let (done, text) = run(&mut publish(folder.path()));
    let busy = "Error: a playbook is being published, or was within this minute: ask again in a minute\n";
    assert_eq!((done, text.as_str()), (false, busy));
    assert_eq!(answer(&database(folder.path()), e2e::now().0 + 31).await, None);
}

#[test]
fn through_the_functions_it_takes_their_token_from_the_environment_or_a_file() {
    e2e::run(async {
        let (host, _) = e2e::local("safe").await;
        let (folder, url) = (folder(), host.url());
        let token_file = folder.path().join("token");
        fs::write(&token_file, format!("{}\n", e2e::CONSOLE_TOKEN)).unwrap();
        // The host is in this process, on other threads.
        let run = |command: &mut Command| tokio::task::block_in_place(|| run(command));
        let (done, text) = run(publish(folder.path()).args(["--url", &url]));
        assert!(!done && text.contains("set CONSOLE_TOKEN, or name a --token-file"), "{text}");
        let (done, text) = run(publish(folder.path()).args(["--url", &url]).env("CONSOLE_TOKEN", e2e::JOB_TOKEN));
        assert!(!done && text.contains("401: the token is not its console_token"), "{text}");
        assert!(!text.contains(e2e::JOB_TOKEN), "{text}");
        assert_eq!(host.store().keys("playbook:").await.unwrap(), [""; 0]);

        let with_file = |folder: &Path| {
            let mut command = publish(folder);
            command.args(["--url", &format!("{url}/"), "--token-file"]).arg(&token_file);
            command
        };
        let (done, text) = run(&mut with_file(folder.path()));
        assert!(done && text == "publication 1 holds in 30 s\n", "{text}");
        let (done, text) = run(&mut with_file(folder.path()));
        assert!(!done && text.contains("409: a playbook is being published"), "{text}");
        // A minute later the same one is known.
        host.clock().stop_at(e2e::at(e2e::now()) + Duration::from_secs(60));
        let (done, text) = run(publish(folder.path()).args(["--url", &url]).env("CONSOLE_TOKEN", e2e::CONSOLE_TOKEN));
        assert!(done && text == "publication 1 is the latest already; it holds\n", "{text}");
        host.stop().await;
        assert!(!folder.path().join(".spin").exists());
    });
}
