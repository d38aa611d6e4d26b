//! A `redis-server` of a test's own: on a free port of 127.0.0.1, in a folder of its own, with every write on disk before its
//! answer. It can be killed and started again, and does not outlive the test's process, however that ends.
//!
//! The program is `redis-server` (Debian: the package of that name), or what `REDIS_SERVER` names, such as `valkey-server`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's own tool fails a test by panicking"
)]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Ports that are tried: another process may take one between its choice and the start.
const TRIES: usize = 10;
/// How long a start may take.
const START_TIME: Duration = Duration::from_secs(20);
const ANSWER_TIME: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);
/// Databases of a server: one for each host that a process of tests starts.
const DATABASES: u32 = 4_096;

/// Kills the server when its input ends, as it does when the test's process is gone, and takes the folder away; a line first
/// means that the server will be started again.
const WATCH: &str = r#"
    folder=$1
    shift
    "$@" </dev/null >/dev/null 2>&1 &
    server=$!
    again=
    if read -r _; then again=yes; fi
    kill -9 "$server"
    wait "$server"
    [ "$again" ] || rm -rf "$folder"
"#;

/// A server that ends with this.
#[derive(Debug)]
pub struct RedisServer {
    folder: PathBuf,
    port: u16,
    /// None while it is killed.
    watch: Option<Child>,
}

impl RedisServer {
    /// An empty one.
    #[must_use]
    pub fn start() -> Self {
        Self::start_under(&env::temp_dir())
    }

    /// An empty one, whose folder is made in this one.
    #[must_use]
    pub fn start_under(folder: &Path) -> Self {
        Self::start_in(new_folder(folder))
    }

    /// One with what this has. Nobody may write meanwhile.
    #[must_use]
    pub fn copy(&self) -> Self {
        let folder = new_folder(self.folder.parent().unwrap());
        let (from, to) = (self.folder.join(FILES), folder.join(FILES));
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        Self::start_in(folder)
    }

    fn start_in(folder: PathBuf) -> Self {
        let mut server = Self { folder, port: 0, watch: None };
        let mut reason = String::new();
        for _ in 0..TRIES {
            server.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            match server.try_start() {
                Ok(()) => return server,
                Err(why) => reason = why,
            }
            server.kill();
        }
        panic!("no Redis starts: {reason}");
    }

    /// Such as `redis://127.0.0.1:40001`: its database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL. What it had answered is in its folder.
    pub fn kill(&mut self) {
        self.end(Folder::Stays);
    }

    /// On the same port, with what was in the folder.
    pub fn start_again(&mut self) {
        let began = Instant::now();
        // The port may be taken for a while by somebody's outgoing connection.
        while let Err(why) = self.try_start() {
            self.kill();
            assert!(began.elapsed() < START_TIME, "redis-server does not start again: {why}");
            thread::sleep(PAUSE);
        }
    }

    fn try_start(&mut self) -> Result<(), String> {
        let program = env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        // Of an earlier try.
        _ = fs::remove_file(self.folder.join(LOG));
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh"]).arg(&self.folder).arg(&program);
        watch.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--databases", &DATABASES.to_string()]);
        watch.arg("--dir").arg(&self.folder).args(["--logfile", LOG]);
        watch.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.watch = Some(watch.spawn().unwrap());
        let began = Instant::now();
        loop {
            if self.is_it().unwrap_or(false) {
                return Ok(());
            }
            let log = log(&self.folder);
            let ended = ["Failed listening", "Fatal", "FATAL", "Bad file format"].iter().any(|word| log.contains(word));
            // Without a log there is no program.
            let took = began.elapsed();
            if ended || took > START_TIME || (log.is_empty() && took > ANSWER_TIME) {
                return Err(format!("{program} (Debian: redis-server): {log}"));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether what answers on the port is this one, and not another's, and has read its file.
    fn is_it(&self) -> io::Result<bool> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(ANSWER_TIME))?;
        (&stream).write_all(b"CONFIG GET dir\r\nEXISTS x\r\n")?;
        // An array of two texts is five lines, a number one that begins with a colon.
        let lines = BufReader::new(stream.take(4_096)).lines().take(6).collect::<io::Result<Vec<String>>>()?;
        let [.., folder, exists] = &lines[..] else { return Ok(false) };
        Ok(Path::new(folder) == self.folder && exists.starts_with(':'))
    }

    fn end(&mut self, folder: Folder) {
        let Some(mut watch) = self.watch.take() else { return };
        if let Some(mut input) = watch.stdin.take()
            && matches!(folder, Folder::Stays)
        {
            // Whoever has ended reads nothing.
            _ = input.write_all(b"\n");
        }
        _ = watch.wait();
    }
}

/// Of a server that ends.
enum Folder {
    Stays,
    Goes,
}

/// In the folder.
const FILES: &str = "appendonlydir";
const LOG: &str = "redis.log";

/// As Redis names it.
fn new_folder(parent: &Path) -> PathBuf {
    tempfile::Builder::new().prefix("redis-").tempdir_in(parent).unwrap().keep().canonicalize().unwrap()
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join(LOG)).unwrap_or_default()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if self.watch.is_some() {
            self.end(Folder::Goes);
        } else {
            _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The server that all tests of this process share.
fn shared() -> &'static RedisServer {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    SERVER.get_or_init(RedisServer::start)
}

/// The URL of an empty database of the server that all tests of this process share.
#[must_use]
pub fn empty_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(number < DATABASES, "the server has no database left");
    format!("{}/{number}", shared().url())
}

/// The folder of that server, for files that are to go when this process ends.
#[must_use]
pub fn folder() -> PathBuf {
    shared().folder.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &RedisServer, command: &str) -> String {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
        (&stream).write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[test]
    fn what_was_answered_is_there_when_it_was_killed_and_started_again() {
        let mut server = RedisServer::start();
        let url = server.url();
        for number in 1..=20 {
            assert_eq!(ask(&server, "INCR c"), format!(":{number}"));
            server.kill();
            TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap_err();
            server.start_again();
        }
        assert_eq!(server.url(), url);
    }

    #[test]
    fn a_copy_has_what_its_original_had_and_goes_its_own_way() {
        let server = RedisServer::start();
        ask(&server, "SET key value");
        let copy = server.copy();
        ask(&copy, "SET more value");
        assert_eq!((ask(&copy, "DBSIZE"), ask(&server, "DBSIZE")), (":2".to_owned(), ":1".to_owned()));
    }

    #[test]
    fn nothing_stays_of_one_that_is_dropped() {
        for killed in [false, true] {
            let mut server = RedisServer::start();
            let (port, folder) = (server.port, server.folder.clone());
            assert!(folder.join(FILES).exists());
            if killed {
                server.kill();
            }
            drop(server);
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
            assert!(!folder.exists());
        }
    }
}
