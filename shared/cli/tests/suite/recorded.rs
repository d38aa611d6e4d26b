//! `export` and `replay`, on a store's file.

use std::{fs, path::Path, process::Command};

use guanxi::{
    facts::{Entry, Erase, Received},
    journal::SEQUENCE,
    time::Timestamp,
    wechat::Message,
};
use guanxi_host::store::{Location, Store};
use tempfile::TempDir;

use crate::{
    command::{PLAYBOOK, guanxi},
    fixtures::Application,
};

fn said(fan: &str, at: u64, text: &str, rule: Option<&str>) -> Entry {
    let body = format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>{fan}</FromUserName><CreateTime>{at}</CreateTime>\
         <MsgType>text</MsgType><Content>{text}</Content><MsgId>{at}</MsgId></xml>"
    );
    let (_, message) = Message::parse(body.as_bytes()).unwrap();
    let rule = rule.map(str::to_owned);
    Entry::Received(Received { message, touch: None, rule, milliseconds: 3, pushes: None, left: Vec::new() })
}

/// An application with a journal and a playbook.
async fn folder() -> TempDir {
    let folder = Application::new().folder;
    fs::create_dir_all(folder.path().join(".spin")).unwrap();
    fs::write(folder.path().join("playbook.toml"), PLAYBOOK).unwrap();
    let file = folder.path().join(".spin/sqlite_key_value.db");
    let store = Store::open(&Location::File(file)).unwrap();
    let entries = [
        said("oSecret", 1_800_000_000, "time", Some("clock")),
        said("oSecret", 1_800_000_001, "我的电话 13800138000", None),
        said("oGone", 1_800_000_002, "time", Some("clock")),
        said("oOther", 1_800_000_003, "time", Some("hours")),
        Entry::Erase(Erase { openid: "oGone".parse().unwrap(), at: Timestamp(1_800_000_009) }),
    ];
    for (index, entry) in entries.iter().enumerate() {
        store.set(&format!("journal:1:{index}"), entry.encode()).await.unwrap();
    }
    store.set("journal:1:5", b"\x02?".to_vec()).await.unwrap();
    store.increment(SEQUENCE, 1).await.unwrap();
    store.close().await;
    folder
}

fn run(folder: &Path, args: &[&str]) -> (bool, String, String) {
    let output = Command::new(guanxi().get_program()).current_dir(folder).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_exported_and_replayed_as_its_export_is() {
    let folder = folder().await;
    let before = fs::read(folder.path().join(".spin/sqlite_key_value.db")).unwrap();
    let (done, lines, told) = run(folder.path(), &["export"]);
    assert!(done, "{told}");
    assert_eq!((lines.lines().count(), told.as_str()), (5, "5 entries, 1 more cannot be read\n"));
    assert!(lines.contains("oSecret") && lines.contains("13800138000"));
    let (done, masked, _) = run(folder.path(), &["export", "--mask"]);
    assert!(done && !masked.contains("oSecret") && !masked.contains("13800138000"), "{masked}");
    let (done, ..) = run(folder.path(), &["export", "--mask", "--out", "journal.jsonl"]);
    assert!(done);
    let (done, _, told) = run(folder.path(), &["export", "--out", "journal.jsonl"]);
    assert!(!done && told.contains("cannot make journal.jsonl"), "{told}");

    let replayed = "3 messages since 2027-01-15 16:00, 1 are answered otherwise\n";
    let group = "\n1: clock -> hours\n  time\n    now: text 16:00 \n";
    let (done, text, told) = run(folder.path(), &["replay", "--playbook", "playbook.toml"]);
    assert!(done, "{told}");
    assert_eq!(text, format!("{replayed}1 entries cannot be read\n{group}"));
    let (_, text, told) = run(folder.path(), &["replay", "--playbook", "playbook.toml", "--export", "journal.jsonl"]);
    assert_eq!(text, format!("{replayed}{group}"), "{told}");

    // Word by word, and only the last.
    fs::write(folder.path().join("live.toml"), PLAYBOOK.replace("{time}", "{date}")).unwrap();
    let args = ["replay", "--playbook", "playbook.toml", "--live", "live.toml", "--last", "1"];
    let (_, text, told) = run(folder.path(), &args);
    let one = "1 messages since 2027-01-15 16:00, 1 are answered otherwise\nolder messages are kept and were not replayed; \
               --last takes more\n1 entries cannot be read\n\n1: hours -> hours\n  time\n    was: text 2027-01-15 \n    \
               now: text 16:00 \n";
    assert_eq!(text, one, "{told}");
    assert_eq!(fs::read(folder.path().join(".spin/sqlite_key_value.db")).unwrap(), before, "the store is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_no_export_is_told_so() {
    let folder = folder().await;
    let replay = |export: &str| {
        let (done, _, told) = run(folder.path(), &["replay", "--playbook", "playbook.toml", "--export", export]);
        assert!(!done);
        told
    };
    assert!(replay("nowhere").contains("cannot read nowhere"));
    fs::write(
        folder.path().join("odd.jsonl"),
        "{\"place\":\"1:0\",\"entry\":{\"Erase\":{\"openid\":\"o1\",\"at\":1}}}\nhello\n",
    )
    .unwrap();
    assert!(replay("odd.jsonl").contains("odd.jsonl, line 2: no entry of an export"), "{}", replay("odd.jsonl"));
    fs::remove_file(folder.path().join(".spin/sqlite_key_value.db")).unwrap();
    let (done, _, told) = run(folder.path(), &["export"]);
    assert!(!done && told.contains("sqlite_key_value.db"), "{told}");
}
