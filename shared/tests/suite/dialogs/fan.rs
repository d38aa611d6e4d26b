//! A fan who chats with a playbook, as callback carries the state from message to message.

use guanxi::{
    facts::dialog::{Left, What},
    playbook::{Action, Answer, Inbound, InboundKind, Playbook},
    time::Timestamp,
    wechat::Reply,
};
use std::{fs, path::Path};

/// The playbooks that stories are played against; a name without a file in `tests/playbooks` is one of `tests/stories`.
pub(super) fn source(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = root.join("../tests/playbooks").join(name).with_extension("toml");
    let file =
        if sample.exists() { sample } else { root.join("tests/suite/dialogs").join(name).with_extension("toml") };
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub(super) fn playbook(name: &str) -> Playbook {
    let compiled = crate::compile(&source(name)).unwrap_or_else(|problems| {
        panic!("{name}: {}", problems.iter().map(|problem| format!("\n{problem}")).collect::<String>())
    });
    Playbook::load(&compiled).unwrap()
}

pub(super) struct Fan {
    playbook: Playbook,
    state: Option<Vec<u8>>,
    now: u64,
    sent: Vec<Inbound>,
    last: Option<Answer>,
    /// Every text that came, as WeChat shows it.
    read: Vec<String>,
}

impl Fan {
    /// 2026-05-01 12:00 in Beijing, a Friday.
    pub(super) fn new(name: &str) -> Self {
        let playbook = playbook(name);
        Self { playbook, state: None, now: 1_777_608_000, sent: Vec::new(), last: None, read: Vec::new() }
    }

    pub(super) fn waits(&mut self, seconds: u64) {
        self.now += seconds;
    }

    pub(super) fn publishes(&mut self, name: &str) {
        self.playbook = playbook(name);
    }

    pub(super) fn sends(&mut self, kind: InboundKind, text: &str, attached: &str) -> String {
        self.now += 10;
        let message = Inbound {
            account: "gh_1".into(),
            fan: "oFan".into(),
            create_time: Timestamp(self.now),
            identity: format!("oFan{}", self.sent.len()),
            kind,
            text: text.into(),
            attached: attached.into(),
        };
        self.sent.push(message.clone());
        let answer = self.hears(&message);
        let told = told(&answer.action);
        if let Action::Reply(Reply::Text { content }) = &answer.action {
            assert!(content.len() <= 2_000, "{content}");
            self.read.push(content.clone());
        }
        self.last = Some(answer);
        told
    }

    fn hears(&mut self, message: &Inbound) -> Answer {
        let answer = self.playbook.answer(message, None, self.state.as_deref());
        if let Some(state) = &answer.conversation {
            assert!(state.len() <= 8_192);
            self.state = Some(state.clone());
        }
        answer
    }

    /// WeChat's next try of the last event.
    pub(super) fn again(&mut self) -> Result<(), String> {
        let (Some(message), Some(last)) = (self.sent.last().cloned(), self.last.clone()) else {
            return Err("nothing was sent".into());
        };
        let (before, answer) = (self.state.clone(), self.hears(&message));
        let same = (&answer.action, &answer.left, &answer.rule) == (&last.action, &last.left, &last.rule);
        if same && self.state == before { Ok(()) } else { Err(format!("another answer: {}", told(&answer.action))) }
    }

    /// Taps a line of the last message, or of the newest before it that has the line.
    pub(super) fn tap(&mut self, choice: &str, old: bool) -> Option<String> {
        let sends = |text: &String| {
            let (before, _) = text.split_once(&format!(">{choice}</a>"))?;
            Some(before.rsplit_once("msgmenucontent=")?.1.split_once('&')?.0.to_owned())
        };
        let sent = if old { self.read.iter().rev().skip(1).find_map(sends) } else { self.read.last().and_then(sends) };
        Some(self.sends(InboundKind::Text, &sent?, ""))
    }

    /// What the last message left, a word each.
    pub(super) fn left(&self) -> String {
        let left = self.last.as_ref().map(|answer| Left::decode(&answer.left).unwrap()).unwrap_or_default();
        let step = |what: &What| match what {
            What::Begun => "开始".to_owned(),
            What::Answered { step, counted, saved } => {
                let counted = counted.as_ref().map_or_else(String::new, |counted| format!("={counted}"));
                let saved = saved.as_ref().map_or_else(String::new, |saved| {
                    format!("→{}={}{}", saved.field, saved.value, if saved.personal { "*" } else { "" })
                });
                format!("{step}{counted}{saved}")
            }
            What::Tagged(tag) => format!("#{tag}"),
            What::Finished { score } => score.map_or_else(|| "完成".to_owned(), |score| format!("完成={score}")),
            What::Left { step } => format!("离开:{step}"),
            What::Forget => "删除".to_owned(),
            What::Missed { step } => format!("没懂:{step}"),
            What::Heard { step } => format!("还问:{step}"),
        };
        let requests = left.requests.iter().map(|request| {
            let lines = request.lines.iter().map(|line| format!("{}×{}@{}", line.product, line.quantity, line.price));
            let answers = request.answers.iter().map(|said| format!("{}={}", said.step, said.value));
            format!("单[{}]", lines.chain(answers).collect::<Vec<_>>().join(","))
        });
        let told: Vec<String> = left.steps.iter().map(|left| step(&left.what)).chain(requests).collect();
        if told.is_empty() { "(无)".into() } else { told.join(" ") }
    }
}

/// An answer as a person sees it.
fn told(action: &Action) -> String {
    match action {
        Action::Nothing => "(无)".into(),
        Action::HandOver { .. } => "(转人工)".into(),
        Action::Ask { fallback, .. } => fallback.clone(),
        Action::Reply(Reply::Text { content }) => shown(content),
        Action::Reply(other) => format!("{other:?}"),
    }
}

/// A text with its lines to tap in brackets, and without what is another in each run: the order's number.
pub(super) fn shown(content: &str) -> String {
    let mut out = String::new();
    let mut rest = content;
    while let Some((before, link)) = rest.split_once("<a href=")
        && let Some((_, inner)) = link.split_once('>')
        && let Some((shown, after)) = inner.split_once("</a>")
    {
        out += &format!("{before}[{shown}]");
        rest = after;
    }
    out + rest
}
