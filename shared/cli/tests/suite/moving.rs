//! `move`, between a file and a real Redis.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use guanxi::store::keys;
use guanxi_host::store::{Location, Store};
use redis_process::RedisServer;
use tempfile::TempDir;

use crate::command::guanxi;

/// Fans of a store that takes a while.
const MANY: usize = 40_000;
const LONG: Duration = Duration::from_secs(60);

/// A folder for the files, and a server.
struct World {
    folder: TempDir,
    server: RedisServer,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: RedisServer::start() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn redis(&self) -> Location {
        Location::Redis(self.server.url().parse().unwrap())
    }
}

fn file(path: &Path) -> Location {
    Location::File(path.to_owned())
}

fn text(location: &Location) -> String {
    match location {
        Location::File(path) => path.to_string_lossy().into_owned(),
        // Of these tests none has a password.
        Location::Redis(url) => url.to_string(),
        Location::Memory => panic!("no place to move to"),
    }
}

fn moving(from: &Location, to: &Location, more: &[&str]) -> Command {
    let mut command = guanxi();
    command.args(["move", "--from", &text(from), "--to", &text(to)]).args(more);
    command
}

/// What a move that ends well prints.
fn moved(from: &Location, to: &Location, more: &[&str]) -> String {
    let output = moving(from, to, more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Why it does not.
fn refusal(from: &Location, to: &Location, more: &[&str]) -> String {
    let output = moving(from, to, more).output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// Fans with their ledgers, a cursor and counters.
async fn fill(location: &Location, fans: usize) {
    let store = Store::open(location).unwrap();
    let fan = |number: usize| (format!("fan:oFan-{number}"), format!("\u{1}fan {number}").into_bytes());
    let entries: Vec<_> = (0..fans).map(fan).collect();
    for entries in entries.chunks(2_000) {
        store.set_many(entries.to_vec()).await.unwrap();
    }
    // Eight bytes: what a counter has on SQLite.
    store.set("cursor:journal", b"8 bytes.".to_vec()).await.unwrap();
    store.increment("seq:journal", 1_234).await.unwrap();
    store.increment("seq:draft", -1).await.unwrap();
    store.increment("slot:push:29540280", 2).await.unwrap();
    store.close().await;
}

/// Everything, as a function finds it.
async fn contents(location: &Location) -> BTreeMap<String, Vec<u8>> {
    let store = Store::open(location).unwrap();
    let mut contents = BTreeMap::new();
    for key in store.keys("").await.unwrap() {
        let is_counter = keys::kind_of(&key).unwrap().is_counter();
        let value = match is_counter {
            true => store.increment(&key, 0).await.unwrap().to_string().into_bytes(),
            false => store.get(&key).await.unwrap().unwrap(),
        };
        contents.insert(key, value);
    }
    store.close().await;
    contents
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_goes_to_redis_and_back_is_the_same() {
    let world = World::new();
    let (first, between, last) = (file(&world.file("first.db")), world.redis(), file(&world.file("last.db")));
    fill(&first, 500).await;
    let expected = contents(&first).await;
    assert_eq!(expected.len(), 504);
    let there = moved(&first, &between, &[]);
    let lines: Vec<&str> = there.lines().collect();
    let counts = lines[0].split_once(": ").unwrap().1;
    assert!(counts.starts_with("504 keys, 3 of them counters, digest "), "{there}");
    assert_eq!(lines[1], format!("{}: {counts}", world.server.url()), "the same counts and digest");
    assert_eq!(lines[2], "504 written, 0 were there already");
    assert_eq!(contents(&between).await, expected);
    let back = moved(&between, &last, &[]);
    assert!(back.contains(counts), "{back}");
    assert_eq!(contents(&last).await, expected);
    assert_eq!(contents(&first).await, expected, "it stays as it was");
    assert!(moved(&first, &between, &[]).contains("0 written, 504 were there already"));
}

/// How many keys there are.
async fn count(location: &Location) -> usize {
    let store = Store::open(location).unwrap();
    let count = store.keys("").await.unwrap().len();
    store.close().await;
    count
}

/// Whether the target has got some of it. A file is not opened for that, because the move wants it for itself.
async fn has_begun(to: &Location) -> bool {
    match to {
        Location::File(path) => path.with_extension("db-wal").metadata().is_ok_and(|log| log.len() > 200_000),
        _ => count(to).await > MANY / 20,
    }
}

/// Starts a move, kills it, and gives how many keys the target had by then.
async fn killed_in_the_middle(from: &Location, to: &Location) -> usize {
    let mut process = moving(from, to, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !has_begun(to).await {
        assert!(began.elapsed() < LONG && process.try_wait().unwrap().is_none(), "nothing to kill");
    }
    process.kill().unwrap();
    process.wait().unwrap();
    count(to).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_in_the_middle_goes_on_when_it_is_run_again() {
    let world = World::new();
    let (first, between, last) = (file(&world.file("first.db")), world.redis(), file(&world.file("last.db")));
    fill(&first, MANY).await;
    let expected = contents(&first).await;
    for (from, to) in [(&first, &between), (&between, &last)] {
        let had = killed_in_the_middle(from, to).await;
        assert!(had < expected.len(), "it was over: {had}");
        let report = moved(from, to, &[]);
        let already = format!("{} written, {had} were there already", expected.len() - had);
        assert!(report.contains(&already), "{report}: {already}");
        assert_eq!(contents(to).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_other_values_stays_as_it_is_unless_they_are_to_be_replaced() {
    let (there, back) = (World::new(), World::new());
    for (from, to) in [(file(&there.file("a.db")), there.redis()), (back.redis(), file(&back.file("b.db")))] {
        fill(&from, 3).await;
        let store = Store::open(&to).unwrap();
        store.set("fan:oFan-1", b"\x01another".to_vec()).await.unwrap();
        store.set("ledger:oFan-9", b"\x01more".to_vec()).await.unwrap();
        store.increment("seq:journal", 7).await.unwrap();
        store.close().await;
        let before = contents(&to).await;
        let why = refusal(&from, &to, &[]);
        assert!(why.contains("other values for 2 keys (such as fan:<openid>, seq:journal)"), "{why}");
        assert!(why.contains("1 keys (such as ledger:<openid>)") && why.contains("--replace"), "{why}");
        assert!(!why.contains("oFan"), "it names a fan: {why}");
        assert_eq!(contents(&to).await, before);
        moved(&from, &to, &["--replace"]);
        assert_eq!(contents(&to).await, contents(&from).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_guanxis_stay_where_they_are_and_are_counted() {
    let world = World::new();
    let (first, redis) = (file(&world.file("first.db")), world.redis());
    fill(&first, 1).await;
    let store = Store::open(&redis).unwrap();
    store.set("shop:cart", b"theirs".to_vec()).await.unwrap();
    let report = moved(&first, &redis, &["--replace"]);
    assert!(report.contains("; 1 keys are not Guanxi's and stay where they are"), "{report}");
    assert_eq!(store.get("shop:cart").await.unwrap().unwrap(), b"theirs");
    store.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_use_is_refused_on_either_side() {
    let world = World::new();
    let path = world.file("first.db");
    fill(&file(&path), 1).await;
    let store = Store::open(&file(&path)).unwrap();
    for (from, to) in [(file(&path), world.redis()), (world.redis(), file(&path))] {
        let why = refusal(&from, &to, &[]);
        assert!(why.contains(&format!("process {} has this file open", std::process::id())), "{why}");
    }
    store.close().await;
    moved(&file(&path), &world.redis(), &[]);
}

#[test]
fn what_is_no_store_is_said() {
    let world = World::new();
    let (none, redis) = (file(&world.file("none.db")), world.redis());
    assert!(refusal(&none, &redis, &[]).contains("none.db is not there"));
    assert!(!world.file("none.db").exists());
    let server = |url: &str| guanxi().args(["move", "--from", "x.db", "--to", url]).output().unwrap();
    let malformed = String::from_utf8(server("http://127.0.0.1").stderr).unwrap();
    assert!(malformed.contains("not the URL of a Redis"), "{malformed}");
    let mut server = world.server;
    server.kill();
    std::fs::write(world.folder.path().join("none.db"), "").unwrap();
    let away = refusal(&none, &redis, &[]);
    assert!(away.contains("no store at redis://127.0.0.1:") && away.contains("refused"), "{away}");
}
