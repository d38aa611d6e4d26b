//! Rules for people: hand-overs, requests outside hours, questions that are asked again, and the first days.

use crate::compile;
use guanxi::{
    facts::{
        dialog::Left,
        request::{Kind as Wish, number},
    },
    playbook::{AGAIN_SECONDS, Action, Answer, Inbound, InboundKind, Playbook},
    time::Timestamp,
    wechat::Reply,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Friday 2026-03-06, 10:00 in Beijing.
const FRIDAY_TEN: u64 = 1_772_762_400;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

const BRAND: &str = r#"
version = 1
name = "喵粮"
account = "service"
default = "unknown"

[hours.agents]
mon-fri = "09:30-21:00"
closed = "2026-03-09"

[replies.unknown]
type = "text"
content = "还不会"

[replies.agent]
type = "transfer_customer_service"

[[rules]]
id = "agent"
on = "text"
match = { exact = "人工" }
when = "agents"
reply = "agent"

[[rules]]
id = "away"
on = ["text", "click"]
match = { exact = ["人工", "MENU_AGENT"] }
outside = "agents"
request = "person"
text = "{opening}就回你"

[[rules]]
id = "again"
on = ["text", "voice"]
again = true
when = "agents"

[[rules]]
id = "again_away"
on = ["text", "voice"]
again = true
outside = "agents"
request = "person"
text = "{opening}有人"

[[rules]]
id = "hello"
on = "text"
match = { exact = "你好" }
followed = "-2"
not_yet = "hello"
priority = 10
text = "新朋友好"

[[rules]]
id = "old"
on = "text"
match = { exact = "你好" }
followed = "2-"
priority = 5
text = "老朋友好"

[[rules]]
id = "hello_again"
on = "text"
match = { exact = "你好" }
text = "又见面了"
"#;

/// One fan, who is answered as callback does it.
struct Fan {
    playbook: Playbook,
    kept: Option<Vec<u8>>,
}

impl Fan {
    fn new() -> Self {
        let compiled = compile(BRAND).unwrap_or_else(|problems| panic!("{problems:#?}"));
        Self { playbook: Playbook::load(&compiled).unwrap(), kept: None }
    }

    fn sends(&mut self, at: u64, kind: InboundKind, text: &str) -> Answer {
        let message = Inbound {
            account: "gh_1".into(),
            fan: "oFan".into(),
            create_time: Timestamp(FRIDAY_TEN + at),
            identity: format!("gh_1|oFan|{at}|{kind:?}|{text}"),
            kind,
            text: text.into(),
            attached: String::new(),
        };
        let answer = self.playbook.answer(&message, None, self.kept.as_deref());
        if answer.conversation.is_some() {
            self.kept.clone_from(&answer.conversation);
        }
        answer
    }

    fn writes(&mut self, at: u64, text: &str) -> Answer {
        self.sends(at, InboundKind::Text, text)
    }

    /// The rule that answers.
    fn rule(&mut self, at: u64, text: &str) -> String {
        self.writes(at, text).rule.unwrap_or_else(|| "-".into())
    }
}

fn said(answer: &Answer) -> &str {
    match &answer.action {
        Action::Reply(Reply::Text { content }) => content,
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn a_hand_over_leaves_word_of_itself_and_nothing_else_does() {
    let mut fan = Fan::new();
    let answer = fan.writes(0, "人工");
    assert_eq!(answer.action, Action::HandOver { kf_account: None });
    assert_eq!(Left::decode(&answer.left), Ok(Left { handed_over: true, ..Left::default() }));
    assert!(fan.writes(1, "猫粮").left.is_empty());
}

#[test]
fn outside_hours_the_fan_reads_the_next_opening_and_the_brand_is_asked_for_a_person() {
    let monday_closed = 4 * DAY;
    for (at, opening) in [
        (12 * HOUR, "周二 9:30"),
        (DAY, "周二 9:30"),
        (3 * DAY, "明天 9:30"),
        (3 * DAY + 15 * HOUR, "今天 9:30"),
        (monday_closed + 12 * HOUR, "明天 9:30"),
        // Friday before it opens.
        (7 * DAY - 2 * HOUR, "今天 9:30"),
    ] {
        let answer = Fan::new().writes(at, "人工");
        assert_eq!(said(&answer), format!("{opening}就回你"), "{at}");
        let Left { requests, handed_over, .. } = Left::decode(&answer.left).unwrap();
        assert!(!handed_over);
        let [request] = requests.as_slice() else { panic!("one request: {requests:?}") };
        assert_eq!((request.kind, request.source.as_str(), request.text.as_str()), (Wish::Person, "away", "人工"));
        assert_eq!(request.at, Timestamp(FRIDAY_TEN + at));
        assert_eq!(request.number, number(&format!("gh_1|oFan|{at}|Text|人工"), "away"));
    }
    let long = "猫".repeat(5_000);
    let mut fan = Fan::new();
    fan.writes(12 * HOUR, &long);
    let Left { requests, .. } = Left::decode(&fan.writes(12 * HOUR + 5, &long).left).unwrap();
    assert!(requests[0].text.len() <= guanxi::facts::request::TEXT_MAX && requests[0].text.len() > 2_000);
}

#[test]
fn the_same_question_twice_without_an_answer_brings_a_person() {
    let hour = 15 * 60;
    for (story, rule) in [
        (vec![(0, "怎么 洗猫")], "again"),
        (vec![(0, "怎么洗狗")], "-"),
        (vec![(0, "怎么洗猫"), (5, "怎么洗狗")], "-"),
        (vec![(0, "怎么洗猫"), (5, "人工")], "-"),
        (vec![(0, "怎么洗猫"), (5, "怎么洗猫")], "-"),
        (vec![(0, "人工"), (5, "怎么洗猫")], "again"),
        (vec![], "-"),
    ] {
        let mut fan = Fan::new();
        for (at, text) in &story {
            fan.writes(*at, text);
        }
        assert_eq!(fan.rule(10, "怎么洗猫"), rule, "{story:?}");
        let mut late = Fan::new();
        for (at, text) in &story {
            late.writes(*at, text);
        }
        assert_eq!(late.rule(hour, "怎么洗猫"), "-", "too late: {story:?}");
    }
    let mut fan = Fan::new();
    assert_eq!(said(&fan.writes(0, "怎么洗猫")), "还不会");
    assert_eq!(fan.rule(AGAIN_SECONDS, "怎么洗猫"), "again");
    let mut fan = Fan::new();
    fan.writes(12 * HOUR, "怎么洗猫");
    assert_eq!(said(&fan.writes(12 * HOUR + 5, "怎么洗猫！")), "还不会", "another question");
    fan.writes(12 * HOUR + 10, "怎么洗猫");
    assert_eq!(said(&fan.writes(12 * HOUR + 15, "怎么洗猫")), "周二 9:30有人");
}

#[test]
fn another_try_of_a_message_is_no_second_question_and_gets_the_same_answer() {
    let story = [(0, "怎么洗猫"), (5, "怎么洗猫"), (9, "你好"), (12, "你好"), (20, "怎么洗猫")];
    let mut once = Fan::new();
    once.sends(0, InboundKind::Subscribe, "");
    let answers: Vec<Answer> = story.iter().map(|(at, text)| once.writes(*at, text)).collect();
    let rules: Vec<_> = answers.iter().map(|answer| answer.rule.as_deref().unwrap_or("-")).collect();
    assert_eq!(rules, ["-", "again", "hello", "hello_again", "-"]);
    let same = |again: &Answer, first: &Answer| {
        assert_eq!((&again.action, &again.rule, &again.left), (&first.action, &first.rule, &first.left));
    };
    // Tries at once, and tries when later messages were worked off already.
    let mut tried = Fan::new();
    tried.sends(0, InboundKind::Subscribe, "");
    for ((at, text), first) in story.iter().zip(&answers) {
        same(&tried.writes(*at, text), first);
        same(&tried.writes(*at, text), first);
    }
    let kept = tried.kept.clone();
    for ((at, text), first) in story.iter().zip(&answers).skip(1) {
        same(&tried.writes(*at, text), first);
    }
    assert_eq!(tried.kept, kept);
    assert_eq!(tried.kept, once.kept);
}

#[test]
fn the_first_two_days_are_48_hours_and_a_fan_who_comes_back_is_new_again() {
    let mut fan = Fan::new();
    assert_eq!(fan.rule(0, "你好"), "old", "who followed before our time");
    let follow = 10;
    fan.sends(follow, InboundKind::Subscribe, "");
    assert_eq!(fan.rule(follow + 1, "你好"), "hello");
    assert_eq!(fan.rule(follow + 2, "你好"), "hello_again");
    assert_eq!(fan.rule(follow + 2 * DAY - 1, "你好"), "hello_again");
    assert_eq!(fan.rule(follow + 2 * DAY, "你好"), "old");
    let back = 9 * DAY;
    fan.sends(back, InboundKind::Subscribe, "");
    assert_eq!(fan.rule(back, "你好"), "hello", "in the same second");
    assert_eq!(fan.rule(back + 2 * DAY - 1, "你好"), "hello_again");
    let mut other = Fan::new();
    other.sends(0, InboundKind::Subscribe, "");
    assert_eq!((other.rule(2 * DAY - 1, "你好"), other.rule(2 * DAY, "你好")), ("hello".into(), "old".into()));
}

#[test]
fn a_playbook_without_such_rules_remembers_nothing() {
    assert!(Fan::new().playbook.converses());
    let plain = BRAND.split("[[rules]]").take(3).collect::<Vec<_>>().join("[[rules]]");
    let playbook = Playbook::load(&compile(&plain).unwrap()).unwrap();
    assert!(!playbook.converses());
    let mut fan = Fan { playbook, kept: None };
    fan.writes(0, "?");
    fan.writes(5, "?");
    fan.writes(12 * HOUR, "人工");
    assert_eq!(fan.kept, None);
}

#[test]
fn the_check_names_what_cannot_be() {
    for (from, to, says) in [
        (
            "request = \"person\"\ntext = \"{opening}就",
            "request = \"persn\"\ntext = \"{opening}就",
            "30:11: `persn` is nothing to request; did you mean `person`?",
        ),
        ("again = true\nwhen", "again = 1\nwhen", "`again` is true or absent; write again = true, or drop it"),
        (
            "again = true\nwhen",
            "again = true\nmatch = { exact = \"a\" }\nwhen",
            "a rule with `again` takes what no other rule takes, so it has no `match`",
        ),
        (
            "on = [\"text\", \"voice\"]\nagain",
            "on = [\"text\", \"image\"]\nagain",
            "`image` brings no question that could be asked again",
        ),
        (
            "when = \"agents\"\nreply = \"agent\"",
            "when = \"agents\"\ntext = \"{opening}\"",
            "`{opening}` is when hours open next, and this answer is not one outside of hours",
        ),
        ("content = \"还不会\"", "content = \"{opening}\"", "5:11: `{opening}` is when hours open next"),
        ("followed = \"-2\"", "followed = \"2-2\"", "this is no time: in a rule a span ends where its last day begins"),
        ("followed = \"-2\"", "followed = \"zwei\"", "`zwei` is no span of days"),
        ("not_yet = \"hello\"", "not_yet = \"helo\"", "there is no rule `helo`; did you mean `hello`?"),
        (
            "on = \"text\"\nmatch = { exact = \"你好\" }\nfollowed = \"-2\"",
            "on = \"subscribe\"\nfollowed = \"-2\"",
            "on `subscribe` the fan has only just followed",
        ),
    ] {
        let source = BRAND.replacen(from, to, 1);
        assert_ne!(source, BRAND, "{from}");
        let problems = compile(&source).expect_err(says);
        let told: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        assert!(told.contains(says), "{says}\n{told}");
    }
    let all = "[[rules]]\nid = \"all\"\non = [\"text\", \"voice\"]\ntext = \"x\"\n";
    let problems = compile(&format!("{BRAND}\n{all}")).expect_err("a rule that takes all");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told.len() == 2 && told[0].contains("rule `again` is never reached: rule `all`"), "{told:?}");
    let many: Vec<String> = (0..65).map(|n| format!("[[rules]]\nid = \"r{n}\"\non = \"text\"\nmatch = {{ exact = \"w{n}\" }}\nnot_yet = \"r{n}\"\ntext = \"x\"\n")).collect();
    let problems = compile(&format!("{BRAND}\n{}", many.join("\n"))).expect_err("too many");
    assert!(problems.iter().any(|problem| problem.to_string().contains("name more than 64 rules")), "{problems:#?}");
}
