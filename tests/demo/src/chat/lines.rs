//! A chat as a file beside its playbook.
//!
//! | line | what |
//! |---|---|
//! | `粉丝: …` | the fan writes; `[在线支付]` taps that line of the last answer; `(关注)`, `(关注 bag)` through a channel, `(图片)`, `(定位)`, `(菜单 ORDER)` |
//! | `回: …` | what has to come back, up to the next line with a name; a line to tap is told as `[1. …]`; `(无)`, `(转人工)` |
//! | `(3 分钟后)` | time goes by; else 20 seconds between lines |
//! | `(重启)` | the functions end and begin anew, on the same store |
//! | `(任务)` | the jobs run |
//! | `# …` | a word to the reader |

use guanxi_simulator::Act;

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    Acts(Act),
    /// Taps the line of the last answer that shows this.
    Taps(String),
    Expects(String),
    /// So many seconds go by.
    Waits(u64),
    Restarts,
    RunsJobs,
}

/// The deeds of a chat with their lines in the file.
///
/// # Errors
/// A line that says nothing of the above.
pub(super) fn read(text: &str) -> Result<Vec<(usize, Deed)>, String> {
    let mut deeds: Vec<(usize, Deed)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let deed = match line.split_once(": ") {
            Some(("粉丝", said)) => fan(said),
            Some(("回", said)) => Some(Deed::Expects(said.to_owned())),
            _ if line.starts_with('#') => continue,
            _ => match (between(line), deeds.last_mut()) {
                (Some(event), _) if event_of(event).is_some() => event_of(event),
                (_, Some((_, Deed::Expects(said)))) => {
                    said.push('\n');
                    said.push_str(line);
                    continue;
                }
                _ if line.is_empty() => continue,
                _ => None,
            },
        };
        let deed = deed.ok_or_else(|| format!("line {number}: {line}"))?;
        deeds.push((number, deed));
    }
    for (_, deed) in &mut deeds {
        if let Deed::Expects(said) = deed {
            *said = said.trim_end().to_owned();
        }
    }
    Ok(deeds)
}

/// What stands in round brackets, if that is all.
fn between(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.strip_suffix(')')
}

fn fan(said: &str) -> Option<Deed> {
    if let Some(choice) = said.strip_prefix('[').and_then(|said| said.strip_suffix(']')) {
        return Some(Deed::Taps(choice.to_owned()));
    }
    let Some(act) = between(said) else { return Some(Deed::Acts(Act::Text(said.to_owned()))) };
    let (what, more) = act.split_once(' ').unwrap_or((act, ""));
    Some(Deed::Acts(match what {
        "关注" => Act::Follow { scene: Some(more.to_owned()).filter(|scene| !scene.is_empty()) },
        "取关" => Act::Unfollow,
        "图片" => Act::Image,
        "定位" => Act::Location,
        "菜单" => Act::Click { key: more.to_owned() },
        _ => return None,
    }))
}

fn event_of(event: &str) -> Option<Deed> {
    match event {
        "重启" => return Some(Deed::Restarts),
        "任务" => return Some(Deed::RunsJobs),
        _ => {}
    }
    let (number, unit) = event.strip_suffix('后')?.split_once(' ')?;
    let seconds = match unit {
        "秒" => 1,
        "分钟" => 60,
        "小时" => 3_600,
        "天" => 86_400,
        _ => return None,
    };
    Some(Deed::Waits(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_they_look_like() {
        let chat = "# 订蛋糕\n粉丝: (关注 bag)\n回: 欢迎！\n写「订」\n\n粉丝: [下单]\n(2 分钟后)\n(重启)\n(任务)\n粉丝: 你好\n回: (无)\n";
        let deeds: Vec<Deed> = read(chat).unwrap_or_default().into_iter().map(|(_, deed)| deed).collect();
        let expected = [
            Deed::Acts(Act::Follow { scene: Some("bag".into()) }),
            Deed::Expects("欢迎！\n写「订」".into()),
            Deed::Taps("下单".into()),
            Deed::Waits(120),
            Deed::Restarts,
            Deed::RunsJobs,
            Deed::Acts(Act::Text("你好".into())),
            Deed::Expects("(无)".into()),
        ];
        assert_eq!(deeds, expected);
        assert_eq!(read("粉丝: 好\n(三天后)"), Err("line 2: (三天后)".into()));
        assert_eq!(read("粉丝: (跳舞)"), Err("line 1: 粉丝: (跳舞)".into()));
    }
}
