//! Kinds of store, for tests of what a store must survive, and the one that `GUANXI_STORE` lets every test use.

use guanxi_host::{
    Options, StateDir,
    store::{Commits, JournalMode, Location, Store},
};
use redis_process::RedisServer;
use std::{env, fs, path::Path};
use tempfile::TempDir;

/// Spin's name for the file of its embedded store.
const FILE: &str = "sqlite_key_value.db";
/// Which store the local hosts of tests have: `redis` or `group`; without it each has one in memory.
const VARIABLE: &str = "GUANXI_STORE";

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
        Ok("group") => Options { commits: Commits::Together, ..options },
        Ok("redis") => {
            let url = redis_process::empty_database();
            on_redis(options, &redis_process::folder(), &url)
        }
        Ok(other) => panic!("{VARIABLE}={other}: redis or group"),
    }
}

fn on_redis(options: Options, folder: &Path, url: &str) -> Options {
    let config = folder.join(format!("{}.toml", url.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")));
    fs::write(&config, format!("[key_value_store.default]\ntype = \"redis\"\nurl = \"{url}\"\n")).unwrap();
    Options { runtime_config: Some(config), ..options }
}
