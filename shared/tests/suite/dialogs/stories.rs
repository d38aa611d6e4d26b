//! Chats as files, played against the sample playbooks: `tests/stories/*.txt`.
//!
//! | line | what |
//! |---|---|
//! | `剧本: cake` | which playbook of `tests/playbooks` |
//! | `粉丝: …` | the fan writes; `[在线支付]` taps that line of the last message, `(图片)`, `(定位 …)`, `(语音 …)`, `(菜单 …)`, `(关注)` |
//! | `旧: [下单]` | a tap on that line of an older message, the newest that has it |
//! | `回: …` | what comes back, up to the next line with a name; a choice to tap is told as `[1. …]`; `(无)`, `(转人工)` |
//! | `(3 分钟后)` | time goes by; else 10 seconds between lines |
//! | `(再发一次)` | WeChat tries the last event again: the same answer, the same in the journal, no step |
//! | `(换剧本 radio)` | another playbook holds from here on |
//! | `留下: …` | what the last message left for the journal, a word each |

use super::Fan;
use guanxi::playbook::InboundKind;
use std::{fs, path::Path};

const STORIES: usize = 30;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories")
}

/// A name and what stands behind it, with the lines below that have no name.
fn lines(text: &str) -> Vec<(usize, String, String)> {
    let names = ["剧本", "粉丝", "旧", "回", "留下"];
    let mut read: Vec<(usize, String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let named = line.split_once(": ").filter(|(name, _)| names.contains(name));
        match (named, read.last_mut()) {
            (Some((name, rest)), _) => read.push((number, name.into(), rest.into())),
            (None, Some((_, name, said))) if !line.starts_with('(') && name == "回" => {
                *said = format!("{said}\n{line}")
            }
            (None, _) if line.starts_with('(') => read.push((number, "事".into(), line.into())),
            (None, _) => assert!(line.is_empty() || line.starts_with('#'), "line {number}: {line}"),
        }
    }
    read.into_iter().map(|(number, name, said)| (number, name, said.trim_end().to_owned())).collect()
}

fn inside<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix('(')?.strip_suffix(')')?.strip_prefix(word).map(str::trim)
}

fn minutes(text: &str) -> Option<u64> {
    let (number, unit) = text.strip_prefix('(')?.strip_suffix("后)")?.split_once(' ')?;
    let unit = match unit {
        "秒" => 1,
        "分钟" => 60,
        "小时" => 3_600,
        "天" => 86_400,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * unit)
}

fn play(text: &str) -> Result<usize, String> {
    let mut fan: Option<Fan> = None;
    let (mut answer, mut said) = (String::new(), 0);
    for (number, name, line) in lines(text) {
        let wrong = |what: String| Err(format!("line {number}: {what}"));
        if name == "剧本" {
            fan = Some(Fan::new(&line));
            continue;
        }
        let Some(fan) = &mut fan else { return wrong("no playbook".into()) };
        match name.as_str() {
            "粉丝" | "旧" => {
                said += 1;
                answer = if let Some(choice) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                    match fan.tap(choice, name == "旧") {
                        Some(answer) => answer,
                        None => return wrong(format!("no line {choice} to tap")),
                    }
                } else if inside(&line, "图片").is_some() {
                    fan.sends(InboundKind::Image, "", "media_1")
                } else if let Some(place) = inside(&line, "定位") {
                    fan.sends(InboundKind::Location, place, "31.23,121.47")
                } else if let Some(words) = inside(&line, "语音") {
                    fan.sends(InboundKind::Voice, words, "")
                } else if let Some(key) = inside(&line, "菜单") {
                    fan.sends(InboundKind::Click, key, "")
                } else if inside(&line, "关注").is_some() {
                    fan.sends(InboundKind::Subscribe, "", "")
                } else {
                    fan.sends(InboundKind::Text, &line, "")
                };
            }
            "回" if answer != line => return wrong(format!("expected\n{line}\nand got\n{answer}")),
            "回" => {}
            "留下" if fan.left() != line => return wrong(format!("left {}", fan.left())),
            "留下" => {}
            _ => {
                if let Some(seconds) = minutes(&line) {
                    fan.waits(seconds);
                } else if line == "(再发一次)" {
                    fan.again().map_err(|what| format!("line {number}: {what}"))?;
                } else if let Some(playbook) = inside(&line, "换剧本") {
                    fan.publishes(playbook);
                } else {
                    return wrong(line);
                }
            }
        }
    }
    Ok(said)
}

#[test]
fn every_story_goes_as_it_is_told() {
    let mut files: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= STORIES, "{} stories: is this test blind?", files.len());
    let mut wrong = Vec::new();
    for file in files {
        match play(&fs::read_to_string(&file).unwrap()) {
            Ok(said) => assert!(said > 0, "{}: nobody says anything", file.display()),
            Err(what) => wrong.push(format!("{}: {what}", file.file_name().unwrap().display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
