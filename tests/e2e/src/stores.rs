//! Kinds of store, for tests of what a store must survive, and the one that `GUANXI_STORE` lets every test use.

use guanxi_host::{
    Options, StateDir,
    store::{Commits, JournalMode, Location, Store},
};
use redis_process::RedisServer;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;

/// Spin's name for the file of its embedded store.
const FILE: &str = "sqlite_key_value.db";
/// Which store the local hosts of tests have; without it each has one in memory.
const VARIABLE: &str = "GUANXI_STORE";

/// Three hosts on one Redis.
const REPLICAS: &str = "replicas";

/// A kind of store on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SQLite in WAL, each write by itself.
    Wal,
    /// SQLite as Spin makes it.
    Delete,
    /// SQLite in WAL, with what waits committed together.
    Group,
    /// Redis with `appendfsync always`.
    Redis,
}

/// A store that outlives the processes that are killed on it.
#[derive(Debug)]
pub struct Outliving {
    kind: Kind,
    folder: TempDir,
    /// Of the kind Redis.
    server: Option<RedisServer>,
}

impl Outliving {
    /// An empty one.
    pub fn new(kind: Kind) -> Self {
        Self { kind, folder: tempfile::tempdir().unwrap(), server: (kind == Kind::Redis).then(RedisServer::start) }
    }

    /// One with the same in it. Nobody may have it open.
    pub fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if self.server.is_none() {
            fs::copy(self.folder.path().join(FILE), folder.path().join(FILE)).unwrap();
        }
        Self { kind: self.kind, folder, server: self.server.as_ref().map(RedisServer::copy) }
    }

    /// What a process is told of it, for [`stored`]: its folder, and its kind or its URL.
    pub fn arguments(&self) -> [String; 2] {
        let kind = match (&self.server, self.kind) {
            (Some(server), _) => server.url(),
            (None, kind) => format!("{kind:?}").to_lowercase(),
        };
        [self.folder.path().to_string_lossy().into_owned(), kind]
    }

    /// Kills the server with SIGKILL, where there is one, and starts it again.
    pub fn kill_server(&mut self) {
        if let Some(server) = &mut self.server {
            server.kill();
            server.start_again();
        }
    }

    /// To look into it, and to put something there.
    pub fn open(&self) -> Store {
        let location = match &self.server {
            None => Location::File(self.folder.path().join(FILE)),
            Some(server) => Location::Redis(server.url().parse().unwrap()),
        };
        Store::open(&location).unwrap()
    }
}

/// What a process that a test starts and kills runs with: safe mode, the components that are there, and the store that the
/// [arguments](Outliving::arguments) name.
pub fn stored(folder: &Path, store: &str) -> Options {
    let options = Options { state_dir: StateDir::Path(folder.into()), ..crate::built("safe") };
    match store {
        "wal" => options,
        "delete" => Options { journal_mode: JournalMode::Delete, ..options },
        "group" => Options { commits: Commits::Together, ..options },
        url => on_redis(options, folder, url),
    }
}

/// As `GUANXI_STORE` says.
pub(crate) fn chosen(options: Options) -> Options {
    match env::var(VARIABLE).as_deref() {
        Err(_) => options,
        Ok("delete") => in_a_file(Options { journal_mode: JournalMode::Delete, ..options }),
        Ok("wal") => in_a_file(options),
        Ok("group") => in_a_file(Options { commits: Commits::Together, ..options }),
        Ok("redis" | REPLICAS) => {
            let url = redis_process::empty_database();
            on_redis(options, &redis_process::folder(), &url)
        }
        Ok(other) => panic!("{VARIABLE}={other}: delete, wal, group, redis or {REPLICAS}"),
    }
}

/// How many hosts stand beside each.
pub(crate) fn replicas_beside() -> usize {
    if env::var(VARIABLE).as_deref() == Ok(REPLICAS) { 2 } else { 0 }
}

/// In a folder that goes when this process ends: a shell takes it away when its input does.
fn in_a_file(options: Options) -> Options {
    static FOLDER: LazyLock<(PathBuf, Child)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut watch = Command::new("sh");
        watch.args(["-c", "cat; rm -rf \"$1\"", "sh"]).arg(&folder).stdin(Stdio::piped());
        let watch = watch.spawn().unwrap();
        (folder, watch)
    });
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let folder = FOLDER.0.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    fs::create_dir(&folder).unwrap();
    Options { state_dir: StateDir::Path(folder), ..options }
}

fn on_redis(options: Options, folder: &Path, url: &str) -> Options {
    let config = folder.join(format!("{}.toml", url.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")));
    fs::write(&config, format!("[key_value_store.default]\ntype = \"redis\"\nurl = \"{url}\"\n")).unwrap();
    Options { runtime_config: Some(config), ..options }
}
