//! `up` as a process, and what is done to the file that it leaves.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use crate::{
    command::{PLAYBOOK, guanxi, with_clock},
    fixtures::Application,
};

/// A running `up`.
pub(crate) struct Up {
    process: Child,
    address: String,
}

impl Up {
    /// Nobody reads what it prints after its address.
    pub(crate) fn start(application: &Application, arguments: &[&str]) -> Self {
        let mut process = guanxi()
            .current_dir(application.folder.path())
            .args(["up", "--quiet", "--listen", "127.0.0.1:0", "--variable", "secret_word=cat"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| line.strip_prefix("Serving http://").map(str::to_owned)).unwrap();
        Self { process, address }
    }

    fn request(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let request =
            format!("{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn get(&self, path: &str) -> String {
        self.request(&format!("GET {path}"), "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        self.request(&format!("POST {path}"), body)
    }

    pub(crate) fn end(mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Up {
    /// Of a test that failed.
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[test]
fn up_runs_the_functions_and_the_clock_by_the_time_that_it_is_given() {
    let application = with_clock();
    let folder = application.folder.path().join("functions");
    std::fs::write(folder.join("playbook.toml"), PLAYBOOK).unwrap();
    for at in ["2026-03-02T19:59:58+08:00", "2026-03-02T19:59:58"] {
        let up = Up::start(&application, &["--at", at, "--variable", "job_token=t"]);
        let clock = up.get("/do/clock");
        let seconds: u64 = clock.split(' ').next().unwrap().parse().unwrap();
        let began = 1_772_452_798;
        assert!((began..began + 60).contains(&seconds), "{seconds}");
        up.end();
    }
    std::fs::remove_file(folder.join("playbook.toml")).unwrap();
    let mut refused = guanxi();
    refused.current_dir(application.folder.path()).args(["up", "--at", "2026-03-02T20:00"]);
    let error = String::from_utf8(refused.output().unwrap().stderr).unwrap();
    assert!(error.contains("--at without an offset") && error.contains("playbook.toml"), "{error}");
}

#[test]
fn a_store_is_prepared_backed_up_and_restored_from_the_command_line() {
    let application = Application::new();
    let folder = application.folder.path();
    let run = |arguments: &[&str]| {
        let output = guanxi().current_dir(folder).args(arguments).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), text)
    };
    let (done, text) = run(&["prepare"]);
    assert!(done && text.ends_with("/.spin/sqlite_key_value.db: ready for `spin up`\n"), "{text}");
    let up = Up::start(&application, &[]);
    up.post("/do/kv/set?key=a", "one");
    // While it runs.
    let (done, text) = run(&["backup", "backup.db"]);
    assert!(done && text.starts_with("backup.db: 1 keys, ") && text.ends_with(" bytes, no faults\n"), "{text}");
    up.post("/do/kv/set?key=a", "two");
    let (done, text) = run(&["restore", "backup.db"]);
    assert!(!done && text.contains("is already there"), "{text}");
    let (done, text) = run(&["restore", "--replace", "backup.db"]);
    assert!(!done && text.contains(&format!("process {} has this file open", up.process.id())), "{text}");
    assert_eq!(up.get("/do/kv/get?key=a"), "two");
    up.end();
    assert!(!run(&["backup", "backup.db"]).0, "overwritten");
    let (done, text) = run(&["restore", "--replace", "--journal", "delete", "backup.db"]);
    assert!(done, "{text}");
    let up = Up::start(&application, &["--journal", "delete"]);
    assert_eq!(up.get("/do/kv/get?key=a"), "one");
    up.end();
}

#[test]
fn up_commits_in_wal_unless_it_is_told_otherwise() {
    for (arguments, wal) in [(&[][..], true), (&["--journal", "delete"], false)] {
        let application = Application::new();
        let up = Up::start(&application, arguments);
        up.post("/do/kv/set?key=a", "one");
        assert_eq!(application.folder.path().join(".spin/sqlite_key_value.db-wal").exists(), wal, "{arguments:?}");
        up.end();
    }
}
