//! The command line itself.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::fixtures::{Application, CLOCK};

pub(crate) fn guanxi() -> Command {
    Command::new(env!("CARGO_BIN_EXE_guanxi"))
}

#[test]
fn up_prints_what_spin_prints_and_ends_well_on_sigterm() {
    let application = Application::new();
    let mut up = guanxi()
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
    std::fs::write(folder.join("spin.toml"), CLOCK).unwrap();
    application
}

/// What `up` prints on its output and on its errors. It is ended when it serves and has said on its errors what is given.
fn up(application: &Application, arguments: &[&str], said: &str) -> (String, String) {
    let mut up = guanxi()
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
    let output = guanxi().current_dir(application.folder.path()).arg("up").output().unwrap();
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
    guanxi().args(arguments(path.to_str().unwrap())).output().unwrap()
}

#[test]
fn check_prints_every_problem_with_its_line_and_a_caret_under_its_place() {
    let output = with_playbook(PLAYBOOK, |path| vec!["check".into(), path.into()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.ends_with("playbook.toml: no problems\n"), "{text}");
    let broken = PLAYBOOK.replace("name = ", "nam = ").replace("text = \"{time}\"", "text = \"现在 {tiem}\"");
    let output = with_playbook(&broken, |path| vec!["check".into(), path.into()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let unknown = "playbook.toml:4:1\n  |\n4 | nam = \"Meow\"\n  | ^\n  |\n  = help: did you mean `name`?\n\n";
    assert!(text.contains("error: unknown key `nam` in the playbook\n --> "), "{text}");
    assert!(text.contains(unknown), "{text}");
    let placeholder = "playbook.toml:15:12\n   |\n15 | text = \"现在 {tiem}\"\n   |              ^\n   |\n";
    assert!(text.contains(placeholder), "{text}");
    assert!(text.ends_with("playbook.toml: 3 errors\n"), "{text}");
}

const REMINDER: &str = "\n[[products]]\nid = \"p\"\nname = \"粮\"\nsupply_days = 30\n[products.reminder]\nlead_days = 5\n\
                        way = \"message\"\ntext = \"限时优惠\"\n";

#[test]
fn check_prints_warnings_and_takes_the_playbook_all_the_same() {
    let output = with_playbook(&format!("{PLAYBOOK}{REMINDER}"), |path| vec!["check".into(), path.into()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.starts_with("warning: the text has the marketing word `优惠`"), "{text}");
    assert!(text.contains("37 | text = \"限时优惠\"\n   |        ^\n"), "{text}");
    assert!(text.ends_with("playbook.toml: no errors\n"), "{text}");
}

#[test]
fn check_tells_programs_in_json() {
    let check = |source: &str| {
        let output = with_playbook(source, |path| vec!["check".into(), "--format".into(), "json".into(), path.into()]);
        assert!(output.stderr.is_empty());
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), document)
    };
    assert_eq!(check(PLAYBOOK), (Some(0), json!({ "problems": [] })));
    let (code, document) = check(&format!("{PLAYBOOK}{REMINDER}").replace("name = \"Meow\"", "nam = \"Meow\""));
    assert_eq!(code, Some(1));
    let file = document["problems"][0]["file"].as_str().unwrap();
    assert!(file.ends_with("/playbook.toml"), "{file}");
    let row = |line, column, severity, message, help| json!({ "file": file, "line": line, "column": column, "severity": severity, "message": message, "help": help });
    let rows = document["problems"].as_array().unwrap();
    assert_eq!(rows[0], row(1, 1, "error", "the playbook needs `name`", "write name = \"…\""));
    assert_eq!(rows[1], row(4, 1, "error", "unknown key `nam` in the playbook", "did you mean `name`?"));
    let places = rows[2..].iter().map(|row| (&row["severity"], &row["line"], &row["column"]));
    assert_eq!(places.collect::<Vec<_>>(), [(&json!("warning"), &json!(37), &json!(8))]);
    let (code, document) = check(&format!("{PLAYBOOK}{REMINDER}"));
    assert_eq!((code, document["problems"].as_array().unwrap().len()), (Some(0), 1), "a warning alone is no failure");
}

#[test]
fn schema_prints_the_schema_of_a_playbook() {
    let output = guanxi().arg("schema").output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), guanxi::playbook::schema());
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

/// Each line is answered where the one before has left the fan.
#[test]
fn say_plays_a_chat() {
    let dialog = "[[dialogs]]\nid = \"d\"\nstart = \"begin\"\ndone = { text = \"{a}!\" }\n\
                  steps = [{ id = \"a\", ask = \"how many?\", take = \"number\" }]\n";
    let output = with_playbook(&format!("{PLAYBOOK}{dialog}"), |path| {
        ["say", "--playbook", path, "begin", "two", "3", "4"].map(str::to_owned).into()
    });
    let answer = |line: &str, rule: &str, says: &str| format!("> {line}\nrule: none, {rule}\nreply: text\n{says}\n");
    let expected = [
        answer("begin", "it is a dialog", "how many?"),
        answer("two", "it is a dialog", "没看明白，换个说法好吗？\nhow many?"),
        answer("3", "it is a dialog", "3!"),
        answer("4", "so the default", "?"),
    ];
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected.concat());
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
        let output = guanxi().args(arguments).arg(&path).stdout(writer).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    }
}

const ASKING: &str = "version = 1\naccount = \"service\"\nname = \"n\"\n[[services]]\nid = \"weather\"\n\
    url = \"https://api.example.com/now?q={text}\"\nheaders = { x-key = \"lookup_key2\" }\npointer = \"/v\"\n\
    fallback = \"later\"\n[[rules]]\nid = \"weather\"\non = \"text\"\nmatch = { prefix = \"weather\" }\nask = \"weather\"\n";

#[test]
fn say_asks_a_service_when_it_is_told_to_and_shows_where_the_answer_is_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playbook.toml");
    std::fs::write(&path, ASKING).unwrap();
    let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stand_in = format!("http://{}", service.local_addr().unwrap());
    let say = |arguments: &[&str]| {
        let mut command = guanxi();
        command.arg("say").arg("--playbook").arg(&path).args(arguments).env("SPIN_VARIABLE_LOOKUP_STAND_IN", &stand_in);
        command.env("SPIN_VARIABLE_LOOKUP_KEY2", "the-key").stdout(Stdio::piped()).spawn().unwrap()
    };
    let said = "rule: weather\nreply: asks the service weather: paris\nor else: later\n";
    let output = say(&["weather paris"]).wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), said);
    for (answer, from, line) in [
        (
            "200 OK\r\ncontent-length: 11\r\n\r\n{\"v\":\"sun\"}",
            "answer of weather of https://api.example.com, after ",
            "sun",
        ),
        (
            "500 Oops\r\ncontent-length: 0\r\n\r\n",
            "no answer of weather of https://api.example.com, after ",
            "status 500",
        ),
    ] {
        let saying = say(&["--ask", "weather paris"]);
        let (mut stream, _) = service.accept().unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<String> = head.by_ref().take_while(|line| !line.is_empty()).collect();
        assert_eq!(head[0], "GET /now?q=paris HTTP/1.1");
        assert!(head.iter().any(|line| line == "x-key: the-key"), "{head:?}");
        std::io::Write::write_all(&mut stream, format!("HTTP/1.1 {answer}").as_bytes()).unwrap();
        let output = String::from_utf8(saying.wait_with_output().unwrap().stdout).unwrap();
        let asked = output.strip_prefix(said).unwrap_or_else(|| panic!("{output}"));
        assert!(asked.starts_with(from) && asked.trim_end().ends_with(line), "{asked}");
    }
}
