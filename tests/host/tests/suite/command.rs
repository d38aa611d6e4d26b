//! The command line itself.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use crate::fixtures::Application;

pub(crate) fn guanxi_host() -> Command {
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

/// The fixtures with a clock beside them.
pub(crate) fn with_clock() -> Application {
    let application = Application::changed("[variables]", "[variables]\njob_token = { default = \"\" }");
    let folder = application.folder.path().join("functions/clock");
    std::fs::create_dir_all(&folder).unwrap();
    let manifest = crate::schedule::MANIFEST.replace("ticker.wasm", "../../ticker.wasm");
    std::fs::write(folder.join("spin.toml"), manifest.replace("\"{{ does }}\"", "\"{{ guanxi_url }}\"")).unwrap();
    application
}

/// What `up` prints on its output and on its errors. It is ended when it serves and has said on its errors what is given.
fn up(application: &Application, arguments: &[&str], said: &str) -> (String, String) {
    let mut up = guanxi_host()
        .current_dir(application.folder.path())
        .args(["up", "--listen", "127.0.0.1:0", "--variable", "secret_word=cat"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut out, mut err) = (BufReader::new(up.stdout.take().unwrap()), BufReader::new(up.stderr.take().unwrap()));
    let (mut printed, mut errors) = (String::new(), String::new());
    while !printed.contains("Serving ") {
        assert_ne!(out.read_line(&mut printed).unwrap(), 0, "{printed}");
    }
    while !errors.contains(said) {
        assert_ne!(err.read_line(&mut errors).unwrap(), 0, "{errors}");
    }
    assert!(Command::new("kill").args(["-TERM", &up.id().to_string()]).status().unwrap().success());
    out.read_to_string(&mut printed).unwrap();
    err.read_to_string(&mut errors).unwrap();
    assert!(up.wait().unwrap().success());
    (printed, errors)
}

const SCHEDULE: &str = "Schedule (UTC):\n  ticker: * * * * * *\n";

#[test]
fn up_runs_the_clock_against_the_address_it_listens_on() {
    let application = with_clock();
    let (printed, errors) = up(&application, &["--variable", "job_token=t"], "http://");
    let url = printed.split_whitespace().nth(1).unwrap();
    assert!(printed.ends_with(SCHEDULE), "{printed}");
    assert!(errors.contains(&format!("{url}: 200\n")), "{errors}");
    let elsewhere = ["--variable", "job_token=t", "--variable", "guanxi_url=http://127.0.0.1:1"];
    let (_, errors) = up(&application, &elsewhere, "http://");
    assert!(errors.contains("http://127.0.0.1:1: ErrorCode::ConnectionRefused\n"), "{errors}");
}

#[test]
fn up_without_a_job_token_says_so_once_and_runs_no_clock() {
    let (printed, errors) = up(&with_clock(), &[], "No clock");
    assert_eq!(errors, "No clock: job_token is empty, so nobody may run jobs\n");
    assert!(!printed.contains("Schedule"), "{printed}");
}

#[test]
fn up_leaves_the_clock_out_when_told_to() {
    let (printed, errors) = up(&with_clock(), &["--no-clock", "--variable", "job_token=t"], "");
    assert!(!printed.contains("Schedule"), "{printed}");
    assert_eq!(errors, "");
}

#[test]
fn up_says_why_it_does_not_start() {
    let application = Application::changed("allowed_outbound_hosts = []", "allowed_outbound_hosts = [\"x.org\"]");
    let output = guanxi_host().current_dir(application.folder.path()).arg("up").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(error.starts_with("Error: spin.toml:") && error.contains("it has no scheme"), "{error}");
}

pub(crate) const PLAYBOOK: &str = r#"
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

[[rules]]
id = "stop"
on = "text"
match = { exact = "TD" }
pushes = "stop"
text = "no more"
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
fn check_prints_warnings_and_takes_the_playbook_all_the_same() {
    let reminder = "[[products]]\nid = \"p\"\nname = \"粮\"\nsupply_days = 30\n[products.reminder]\nlead_days = 5\nway = \"message\"\n\
                    text = \"限时优惠\"\n";
    let output = with_playbook(&format!("{PLAYBOOK}\n{reminder}"), |path| vec!["check".into(), path.into()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let [warning, verdict] = lines[..] else { panic!("{text}") };
    assert!(warning.contains(":8: warning: the text has the marketing word `优惠`"), "{text}");
    assert!(verdict.ends_with("playbook.toml: no errors"), "{text}");
}

#[test]
fn say_prints_the_answer_and_the_rule_that_gave_it() {
    for (arguments, expected) in [
        ("--at 2026-01-31T21:05:00 time", "rule: hours\nreply: text\n21:05\n"),
        ("--on subscribe --channel poster --fan returning", "rule: back\nreply: text\nwelcome back\n"),
        ("--on subscribe --fan new", "rule: none\nreply: nothing\n"),
        ("td", "rule: stop\npushes: stop\nreply: text\nno more\n"),
        ("other", "rule: none, so the default\nreply: text\n?\n"),
    ] {
        let output = with_playbook(PLAYBOOK, |path| {
            let words = ["say", "--playbook", path].into_iter().chain(arguments.split(' '));
            words.map(str::to_owned).collect()
        });
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{arguments}");
    }
}

#[test]
fn say_takes_a_time_with_or_without_an_offset() {
    for (at, expected) in [
        ("2026-01-31T21:05", "21:05"),
        ("2026-01-31T21:05:00+08:00", "21:05"),
        ("2026-01-31T21:05+09:00", "20:05"),
        ("2026-01-31T13:05Z", "21:05"),
    ] {
        let output =
            with_playbook(PLAYBOOK, |path| ["say", "--playbook", path, "--at", at, "time"].map(str::to_owned).into());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text, format!("rule: hours\nreply: text\n{expected}\n"), "{at}");
    }
    let output = with_playbook(PLAYBOOK, |path| {
        ["say", "--playbook", path, "--at", "this evening", "time"].map(str::to_owned).into()
    });
    assert!(!output.status.success());
}

#[test]
fn who_has_read_enough_ends_the_output_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playbook.toml");
    std::fs::write(&path, PLAYBOOK).unwrap();
    for arguments in [&["say", "--playbook"][..], &["check"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        // Nobody reads, as after `head -1`.
        drop(reader);
        let output = guanxi_host().args(arguments).arg(&path).stdout(writer).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    }
}
