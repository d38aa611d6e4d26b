//! The command line itself.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use crate::fixtures::Application;

fn guanxi_host() -> Command {
    Command::new(env!("CARGO_BIN_EXE_guanxi-host"))
}

#[test]
fn up_prints_what_spin_prints_and_ends_well_on_sigterm() {
    let application = Application::new();
    let mut up = guanxi_host()
        .current_dir(application.folder.path())
        .args(["up", "--listen", "127.0.0.1:0", "--variable", "secret_word=cat"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(up.stdout.take().unwrap());
    let mut lines = (&mut out).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "");
    let url = lines.next().unwrap().strip_prefix("Serving ").unwrap().to_owned();
    let listed: Vec<String> = lines.take(5).collect();
    let expected = ["/exact", "/fans/:open_id", "/fans/:open_id (wildcard)", " (wildcard)"];
    assert_eq!(listed[0], "Available Routes:");
    assert_eq!(listed[1..], expected.map(|route| format!("  app: {url}{route}")));

    let killed = Command::new("kill").args(["-TERM", &up.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(up.wait().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(application.folder.path().join(".spin/sqlite_key_value.db").exists());
}

#[test]
fn up_says_why_it_does_not_start() {
    let application =
        Application::changed("allowed_outbound_hosts = []", "allowed_outbound_hosts = [\"https://x.org\"]");
    let output = guanxi_host().current_dir(application.folder.path()).arg("up").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(error.starts_with("Error: spin.toml:") && error.contains("outbound HTTP is not supported yet"), "{error}");
}

const PLAYBOOK: &str = r#"
version = 1
account = "service"
name = "Meow"
default = "sorry"

[replies.sorry]
type = "text"
content = "?"

[[rules]]
id = "hours"
on = "text"
match = { exact = "time" }
text = "{time}"

[[rules]]
id = "back"
on = "subscribe"
fan = "returning"
text = "welcome back"
"#;

/// Runs a subcommand on this playbook.
fn with_playbook(text: &str, arguments: impl Fn(&str) -> Vec<String>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playbook.toml");
    std::fs::write(&path, text).unwrap();
    guanxi_host().args(arguments(path.to_str().unwrap())).output().unwrap()
}

#[test]
fn check_prints_every_problem_with_its_place() {
    let output = with_playbook(PLAYBOOK, |path| vec!["check".into(), path.into()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let broken = PLAYBOOK.replace("name =", "nam =").replace("exact", "exactly");
    let output = with_playbook(&broken, |path| vec!["check".into(), path.into()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("playbook.toml:4:1: ") && text.contains("playbook.toml:14:"), "{text}");
}

#[test]
fn say_prints_the_answer_and_the_rule_that_gave_it() {
    for (arguments, expected) in [
        ("--at 2026-01-31T21:05:00 time", "rule: hours\nreply: text\n21:05\n"),
        ("--on subscribe --channel poster --fan returning", "rule: back\nreply: text\nwelcome back\n"),
        ("--on subscribe --fan new", "rule: none\nreply: nothing\n"),
        ("other", "rule: none, so the default\nreply: text\n?\n"),
    ] {
        let output = with_playbook(PLAYBOOK, |path| {
            let words = ["say", "--playbook", path].into_iter().chain(arguments.split(' '));
            words.map(str::to_owned).collect()
        });
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{arguments}");
    }
}
