#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::process::Command;

use super::*;
use crate::store::{Location, Store};

/// A folder and the name of a store in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/sqlite_key_value.db");
    (folder, path)
}

/// Opens the file as Spin does.
fn spin(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute(TABLE, []).unwrap();
    connection
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> T {
    connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

async fn filled(path: &Path, mode: JournalMode, keys: u32) -> Store {
    prepare(path, mode).unwrap();
    let store = Store::open(&Location::File(path.to_owned())).unwrap();
    for number in 0..keys {
        store.set(&format!("key:{number:04}"), vec![number as u8; 500]).await.unwrap();
    }
    store
}

#[test]
fn spin_commits_in_the_mode_that_was_prepared_and_each_commit_is_synced() {
    let (_folder, path) = place();
    for (mode, name) in [(JournalMode::Wal, "wal"), (JournalMode::Delete, "delete"), (JournalMode::Wal, "wal")] {
        prepare(&path, mode).unwrap();
        let connection = spin(&path);
        assert_eq!(pragma::<String>(&connection, "journal_mode"), name);
        assert_eq!(pragma::<u32>(&connection, "synchronous"), 2, "FULL");
        let row = "INSERT INTO spin_key_value VALUES ('default', ?1, ?2) ON CONFLICT DO NOTHING";
        connection.execute(row, ["key", "value"]).unwrap();
        assert_eq!(beside(&path, "-wal").exists(), mode == JournalMode::Wal);
    }
}

#[tokio::test]
async fn the_host_opens_a_file_in_its_own_mode() {
    let (_folder, path) = place();
    for (mode, name) in [(JournalMode::Wal, "wal"), (JournalMode::Delete, "delete")] {
        let store = filled(&path, mode, 1).await;
        assert_eq!(pragma::<String>(&spin(&path), "journal_mode"), name);
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_that_is_open_in_wal_is_not_taken_out_of_it() {
    let (_folder, path) = place();
    let store = filled(&path, JournalMode::Wal, 1).await;
    assert!(matches!(prepare(&path, JournalMode::Delete), Err(FileError::Busy(_))));
    prepare(&path, JournalMode::Wal).unwrap();
    store.close().await;
    prepare(&path, JournalMode::Delete).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn wal_is_refused_where_machines_or_processes_do_not_share_memory() {
    for magic in [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x6573_5546] {
        assert!(network_kind(magic).is_some(), "{magic:x}");
    }
    // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS.
    for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
        assert_eq!(network_kind(magic), None, "{magic:x}");
    }
    let path = PathBuf::from("/mnt/store.db");
    let text = FileError::Network { path, kind: "NFS" }.to_string();
    assert!(text.starts_with("/mnt/store.db is on NFS") && text.contains("--journal delete"), "{text}");
    // This file system says what it is.
    assert_ne!(rustix::fs::statfs(".").unwrap().f_type, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_moment_of_a_store_that_goes_on_writing() {
    let (folder, path) = place();
    let store = filled(&path, JournalMode::Wal, 50).await;
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 50..2_000_u32 {
                store.set(&format!("key:{number:04}"), vec![1; 500]).await.unwrap();
            }
        })
    };
    let mut before = 0;
    for number in 0..5 {
        let (from, to) = (path.clone(), folder.path().join(format!("backup-{number}.db")));
        let backup = to.clone();
        let contents = tokio::task::spawn_blocking(move || back_up(&from, &backup).unwrap()).await.unwrap();
        let copy = Store::open(&Location::File(to)).unwrap();
        let keys = copy.keys("").await.unwrap();
        assert_eq!(keys.len() as u64, contents.keys);
        assert!(keys.iter().zip(0..).all(|(key, number)| *key == format!("key:{number:04}")), "{keys:?}");
        assert!(keys.len() >= before.max(50), "older than the one before");
        before = keys.len();
        copy.close().await;
    }
    writing.abort();
    store.close().await;
}

#[tokio::test]
async fn a_bare_copy_of_a_file_in_wal_lacks_what_was_answered() {
    let (folder, path) = place();
    let store = filled(&path, JournalMode::Wal, 20).await;
    let (bare, backup) = (folder.path().join("bare.db"), folder.path().join("backup.db"));
    fs::copy(&path, &bare).unwrap();
    assert_eq!(back_up(&path, &backup).unwrap().keys, 20);
    assert!(check(&bare).unwrap().keys < 20, "then `backup` is not needed");
    store.close().await;
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_leaves_nothing_half_done() {
    let (folder, path) = place();
    let to = folder.path().join("backup.db");
    assert!(matches!(back_up(&path, &to), Err(FileError::Database { .. })), "there is no store");
    filled(&path, JournalMode::Wal, 200).await.close().await;
    fs::write(&to, "mine").unwrap();
    assert!(matches!(back_up(&path, &to), Err(FileError::Exists(_))));
    assert_eq!(fs::read(&to).unwrap(), b"mine");
    fs::remove_file(&to).unwrap();
    let whole = fs::read(&path).unwrap();
    for page in 1..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0x55);
        fs::write(&path, bytes).unwrap();
        assert!(back_up(&path, &to).is_err() || check(&to).unwrap().keys == 200, "page {page}");
        assert!(!beside(&to, ".part").exists(), "page {page}");
        _ = fs::remove_file(&to);
    }
    fs::write(&path, whole).unwrap();
    // As after a crash.
    fs::write(beside(&to, ".part"), "half").unwrap();
    assert_eq!(back_up(&path, &to).unwrap().keys, 200);
}

#[tokio::test]
async fn a_restored_store_is_the_backup_and_nothing_of_what_it_replaces() {
    for mode in [JournalMode::Wal, JournalMode::Delete] {
        let (folder, path) = place();
        let to = folder.path().join("backup.db");
        let store = filled(&path, JournalMode::Wal, 10).await;
        store.increment("counter", 7).await.unwrap();
        back_up(&path, &to).unwrap();
        // As after a kill: what follows stands in `-wal` alone.
        store.set("key:0000", b"later".to_vec()).await.unwrap();
        store.set("later", b"later".to_vec()).await.unwrap();
        let left = ["", "-wal", "-shm"].map(|suffix| (beside(&path, suffix), fs::read(beside(&path, suffix)).unwrap()));
        store.close().await;
        left.into_iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());

        assert!(matches!(restore(&to, &path, mode, false), Err(FileError::Exists(_))));
        assert_eq!(restore(&to, &path, mode, true).unwrap().keys, 11);
        let store = Store::open(&Location::File(path.clone())).unwrap();
        assert_eq!(store.keys("").await.unwrap().len(), 11);
        assert_eq!(store.get("key:0000").await.unwrap().unwrap(), [0; 500]);
        assert_eq!(store.increment("counter", 0).await.unwrap(), 7, "still a counter");
        store.close().await;
        assert_eq!(pragma::<String>(&spin(&path), "journal_mode"), mode.name());
        let elsewhere = folder.path().join("new/state/store.db");
        assert_eq!(restore(&to, &elsewhere, mode, false).unwrap().keys, 11);
    }
}

#[tokio::test]
async fn a_damaged_backup_replaces_nothing() {
    let (folder, path) = place();
    filled(&path, JournalMode::Wal, 3).await.close().await;
    let backup = folder.path().join("backup.db");
    for bytes in
        [&b""[..], b"not a database, but longer than the head of one would have to be, which is a hundred bytes or so"]
    {
        fs::write(&backup, bytes).unwrap();
        restore(&backup, &path, JournalMode::Wal, true).unwrap_err();
        assert_eq!(check(&path).unwrap().keys, 3);
    }
    assert!(restore(&folder.path().join("none.db"), &path, JournalMode::Wal, true).is_err());
    assert_eq!(check(&path).unwrap().keys, 3);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_store_that_a_process_has_open_is_not_replaced() {
    let (folder, path) = place();
    filled(&path, JournalMode::Delete, 3).await.close().await;
    let backup = folder.path().join("backup.db");
    back_up(&path, &backup).unwrap();
    let mut other = Command::new("sleep").arg("600").stdin(File::open(&path).unwrap()).spawn().unwrap();
    let refused = restore(&backup, &path, JournalMode::Delete, true);
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(matches!(refused, Err(FileError::InUse { process, .. }) if process == other.id()), "{refused:?}");
    restore(&backup, &path, JournalMode::Delete, true).unwrap();
}
