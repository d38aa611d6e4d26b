//! Commits that are made together. Groups are made on purpose: the thread is held up until what belongs together waits.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;
use crate::store::{JournalMode, Location, Store, prepare};

/// A store in a file, whose commits can be counted.
struct World {
    _folder: tempfile::TempDir,
    path: PathBuf,
    store: Store,
}

impl World {
    fn new(mode: JournalMode, commits: Commits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        prepare(&path, mode).unwrap();
        let store = Store::open_with(&Location::File(path.clone()), commits).unwrap();
        Self { _folder: folder, path, store }
    }

    fn worker(&self) -> Arc<Worker> {
        let crate::store::Backend::Sqlite(worker) = &self.store.backend else { panic!("SQLite") };
        Arc::clone(worker)
    }

    /// Runs SQL beside the store's own.
    async fn sql(&self, sql: &'static str) -> Result<(), StoreError> {
        self.worker().write(0, move |database| Ok(database.connection.execute_batch(sql)?)).await
    }

    /// Lets all of it wait before any of it is begun.
    async fn together<T: Send + 'static>(
        &self,
        work: Vec<impl Future<Output = Result<T, StoreError>> + Send + 'static>,
    ) -> Vec<Result<T, StoreError>> {
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let worker = self.worker();
        let held = worker.read(move |_| {
            begin.send(()).unwrap();
            Ok(released.recv().is_ok())
        });
        let release = async {
            begun.await.unwrap();
            let asked = Arc::new(AtomicUsize::new(0));
            let ask = |work| {
                let asked = Arc::clone(&asked);
                tokio::spawn(async move {
                    asked.fetch_add(1, Ordering::Relaxed);
                    work.await
                })
            };
            let work: Vec<_> = work.into_iter().map(ask).collect();
            // On one thread whoever has asked has gone on until it waits.
            while asked.load(Ordering::Relaxed) < work.len() {
                tokio::task::yield_now().await;
            }
            release.send(()).unwrap();
            work
        };
        let (held, work) = tokio::join!(held, release);
        assert!(held.unwrap());
        let mut answers = Vec::new();
        for work in work {
            answers.push(work.await.unwrap());
        }
        answers
    }

    fn sets(&self, numbers: std::ops::Range<u32>) -> Vec<impl Future<Output = Result<(), StoreError>> + use<>> {
        let set = |number| {
            let store = self.store.clone();
            async move { store.set(&format!("key:{number}"), vec![7; 100]).await }
        };
        numbers.map(set).collect()
    }

    /// What another process finds in the file.
    fn on_disk(&self, key: &str) -> bool {
        let other = Connection::open(&self.path).unwrap();
        other.prepare(EXISTS).unwrap().exists(params![LABEL, key]).unwrap()
    }

    /// Commits since the file is in WAL: the frames of the log that end one (`fileformat2.html`, 4.1).
    fn commits(&self) -> usize {
        let log = fs::read(self.path.with_extension("db-wal")).unwrap();
        let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
        let frame = 24 + number(8) as usize;
        (32..log.len()).step_by(frame).filter(|&at| number(at + 4) != 0).count()
    }
}

#[tokio::test]
async fn what_waits_is_one_commit_and_by_itself_one_each() {
    for (commits, expected) in [(Commits::Together, 1), (Commits::Each, 20)] {
        let world = World::new(JournalMode::Wal, commits);
        let before = world.commits();
        for answer in world.together(world.sets(0..20)).await {
            answer.unwrap();
        }
        assert_eq!(world.commits() - before, expected, "{commits:?}");
        assert_eq!(world.store.keys("key:").await.unwrap().len(), 20);
        world.store.close().await;
    }
}

#[tokio::test]
async fn a_group_is_bounded_by_number_and_by_bytes() {
    let world = World::new(JournalMode::Wal, Commits::Together);
    let before = world.commits();
    // Else the log begins anew.
    world.sql("PRAGMA wal_autocheckpoint = 0").await.unwrap();
    let many = GROUP_OPERATIONS as u32 * 2 + 1;
    assert!(world.together(world.sets(0..many)).await.iter().all(Result::is_ok));
    assert_eq!(world.commits() - before, 3);
    let large = |number: usize| {
        let store = world.store.clone();
        async move { store.set(&format!("large:{number}"), vec![7; GROUP_BYTES / 16]).await }
    };
    let before = world.commits();
    assert!(world.together((0..32).map(large).collect()).await.iter().all(Result::is_ok));
    assert_eq!(world.commits() - before, 2);
    world.store.close().await;
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_in_the_file() {
    for mode in [JournalMode::Wal, JournalMode::Delete] {
        let world = Arc::new(World::new(mode, Commits::Together));
        let set = |number: u32| {
            let world = Arc::clone(&world);
            async move {
                let key = format!("key:{number}");
                world.store.set(&key, b"x".to_vec()).await?;
                assert!(world.on_disk(&key), "{mode:?}: {key} was answered");
                Ok(())
            }
        };
        for answer in world.together((0..50).map(set).collect()).await {
            answer.unwrap();
        }
        world.store.close().await;
    }
}

#[tokio::test]
async fn one_that_fails_in_the_middle_fails_alone_and_all_of_it() {
    let world = World::new(JournalMode::Wal, Commits::Together);
    world.store.increment("counter", 1).await.unwrap();
    let before = world.commits();
    let set_many = |keys: &'static [&'static str]| {
        let store = world.store.clone();
        async move { store.set_many(keys.iter().map(|key| (key.to_string(), b"x".to_vec())).collect()).await }
    };
    let answers = world.together(vec![set_many(&["a", "b"]), set_many(&["c", "counter", "d"]), set_many(&["e", "f"])]);
    let refused = Err(StoreError::SetOfCounter("counter".into()));
    assert_eq!(answers.await, [Ok(()), refused, Ok(())]);
    assert_eq!(world.commits() - before, 1);
    assert_eq!(world.store.keys("").await.unwrap(), ["a", "b", "counter", "e", "f"]);
    world.store.close().await;
}

#[tokio::test]
async fn each_sees_what_came_before_it_in_its_group() {
    let world = World::new(JournalMode::Wal, Commits::Together);
    let before = world.commits();
    let step = |number: usize| {
        let store = world.store.clone();
        let text = |value: Option<Vec<u8>>| value.map_or("none".to_owned(), |value| String::from_utf8(value).unwrap());
        async move {
            Ok(match number {
                0 | 3 => store.increment("counter", 1).await?.to_string(),
                1 => store.set("key", b"value".to_vec()).await.map(|()| "set".to_owned())?,
                2 | 5 => text(store.get("key").await?),
                4 => store.delete("key").await.map(|()| "deleted".to_owned())?,
                _ => store.exists("key").await?.to_string(),
            })
        }
    };
    let answers: Result<Vec<String>, _> = world.together((0..7).map(step).collect()).await.into_iter().collect();
    assert_eq!(answers.unwrap(), ["1", "set", "value", "2", "deleted", "none", "false"]);
    assert_eq!(world.commits() - before, 1);
    world.store.close().await;
}

#[tokio::test]
async fn a_commit_that_fails_fails_all_of_its_group_and_nothing_of_it_is_there() {
    for mode in [JournalMode::Wal, JournalMode::Delete] {
        let world = World::new(mode, Commits::Together);
        world.store.set("before", b"x".to_vec()).await.unwrap();
        // What is only found when it is committed.
        world.sql("PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY)").await.unwrap();
        world.sql("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)").await.unwrap();
        let operation = |number: u32| {
            let (store, worker) = (world.store.clone(), world.worker());
            async move {
                match number {
                    2 => worker.write(0, |database| Ok(database.connection.execute_batch(ORPHAN)?)).await,
                    3 => store.get("before").await.map(|_| ()),
                    _ => store.set(&format!("key:{number}"), b"x".to_vec()).await,
                }
            }
        };
        for answer in world.together((0..6).map(operation).collect()).await {
            assert!(matches!(&answer, Err(StoreError::Database(why)) if why.contains("FOREIGN KEY")), "{answer:?}");
        }
        assert_eq!(world.store.keys("").await.unwrap(), ["before"]);
        // And the next ones are well.
        assert!(world.together(world.sets(0..3)).await.iter().all(Result::is_ok));
        assert!((0..3).all(|number| world.on_disk(&format!("key:{number}"))));
        world.store.close().await;
    }
}

#[tokio::test]
async fn a_group_that_sqlite_rolls_back_by_itself_fails_as_a_whole() {
    let world = World::new(JournalMode::Wal, Commits::Together);
    world.sql("CREATE TABLE once (id INTEGER PRIMARY KEY); INSERT INTO once VALUES (1)").await.unwrap();
    let operation = |number: u32| {
        let (store, worker) = (world.store.clone(), world.worker());
        async move {
            match number {
                // As SQLite does of its own accord when the disk is full.
                2 => worker.write(0, |database| Ok(database.connection.execute_batch(ROLL_BACK)?)).await,
                _ => store.set(&format!("key:{number}"), b"x".to_vec()).await,
            }
        }
    };
    let answers = world.together((0..5).map(operation).collect()).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(world.store.keys("").await.unwrap(), [""; 0]);
    assert!(world.together(world.sets(0..3)).await.iter().all(Result::is_ok));
    assert!(world.on_disk("key:2"));
    world.store.close().await;
}

#[tokio::test]
async fn what_a_broken_transaction_has_left_open_takes_nothing_in() {
    for commits in [Commits::Together, Commits::Each] {
        let world = World::new(JournalMode::Wal, commits);
        world.sql("BEGIN").await.unwrap();
        world.store.set("key", b"x".to_vec()).await.unwrap();
        assert!(world.on_disk("key"), "{commits:?}");
        world.store.close().await;
    }
}

#[tokio::test]
async fn a_group_that_cannot_begin_fails_and_does_not_happen() {
    let world = World::new(JournalMode::Wal, Commits::Together);
    world.sql("PRAGMA busy_timeout = 0").await.unwrap();
    let other = Connection::open(&world.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answers = world.together(world.sets(0..3)).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Database(_)))), "{answers:?}");
    drop(other);
    assert_eq!(world.store.keys("").await.unwrap(), [""; 0]);
    world.store.close().await;
}

/// Violates what is checked at the commit.
const ORPHAN: &str = "INSERT INTO child VALUES (7)";
/// Violates what rolls the transaction back.
const ROLL_BACK: &str = "INSERT OR ROLLBACK INTO once VALUES (1)";
