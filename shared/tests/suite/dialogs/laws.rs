//! Whatever WeChat's tries, two devices, kills and a new playbook do to a dialog, every answer is that of some serial run.
//!
//! The slow model forgets nothing and knows one dialog by heart: it plays the whole series of events from the first on. A state
//! is known by the series that made it; see `playbook/talk.rs`.

use super::fan::shown;
use guanxi::{
    facts::{dialog::Left, request},
    playbook::{Action, Answer, Inbound, InboundKind, Playbook},
    time::Timestamp,
    wechat::Reply,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const COMMON: &str = r#"
version = 1
account = "service"
name = "n"
default = "what"
[replies.what]
type = "text"
content = "？"
[[rules]]
id = "price"
on = "text"
match = { exact = "价格" }
in_dialogs = true
text = "十元"
[[dialogs]]
id = "d"
start = "开始"
"#;
/// Both playbooks: the second does not ask how many, and closes otherwise.
const DIALOGS: [&str; 2] = [
    r#"steps = [
  { id = "a", ask = "哪个？{choices}", take = "choice", choices = [{ say = "甲" }, { say = "乙" }] },
  { id = "n", ask = "几个？", take = "number", min = 1, max = 3 },
  { id = "s", ask = "{n}个{a}？{choices}", take = "choice", choices = [{ say = "下单", go = "done" }, { say = "改数量", go = "n" }] },
]
done = { request = "order", text = "好，{n}个{a}，{number}" }"#,
    r#"steps = [
  { id = "a", ask = "哪个？{choices}", take = "choice", choices = [{ say = "甲" }, { say = "乙" }] },
  { id = "s", ask = "{a}？{choices}", take = "choice", choices = [{ say = "下单", go = "done" }, { say = "不了", go = "leave" }] },
]
done = { request = "order", text = "好，{a}，{number}" }"#,
];
const STEPS: [&[&str]; 2] = [&["a", "n", "s"], &["a", "s"]];
const SAYS: [&str; 12] = ["开始", "甲", "乙", "1", "2", "9", "下单", "改数量", "返回", "退出", "价格", "你好"];

#[derive(Clone, Debug)]
struct Event {
    says: &'static str,
    at: u64,
}

fn identity(event: usize) -> String {
    format!("event {event}")
}

#[derive(Clone)]
struct Run {
    begun: usize,
    since: u64,
    step: &'static str,
    answers: Vec<(&'static str, String)>,
}

#[derive(Clone, Default)]
struct Model {
    run: Option<Run>,
}

/// What is said, whether it is remembered, and the number of what is ordered.
type Said = (String, bool, Option<String>);

impl Model {
    fn hears(&mut self, events: &[Event], event: usize, playbook: usize) -> Said {
        let Event { says, at } = events[event];
        let usual = if says == "价格" { "十元" } else { "？" };
        let Some(mut run) = self.run.clone() else {
            if says != "开始" {
                return (usual.into(), false, None);
            }
            let run = Run { begun: event, since: at, step: "a", answers: Vec::new() };
            return self.asks(run, playbook, "");
        };
        if at <= run.since {
            return (usual.into(), false, None);
        }
        if !STEPS[playbook].contains(&run.step) {
            run.step = STEPS[playbook].iter().find(|step| run.answers.iter().all(|(id, _)| id != *step)).unwrap();
            return self.asks(run, playbook, "");
        }
        match says {
            "退出" => return self.closes("好的，先到这里。".into(), None),
            "返回" => {
                return match run.answers.pop() {
                    None => self.asks(run, playbook, "这已经是第一个问题啦。\n"),
                    Some((step, _)) => {
                        let first = || {
                            *STEPS[playbook].iter().find(|step| run.answers.iter().all(|(id, _)| id != *step)).unwrap()
                        };
                        run.step = if STEPS[playbook].contains(&step) { step } else { first() };
                        self.asks(run, playbook, "")
                    }
                };
            }
            _ => {}
        }
        let means = match (run.step, says) {
            ("a", "甲" | "1") => Some("甲"),
            ("a", "乙" | "2") => Some("乙"),
            ("n", "1" | "2") => Some(says),
            ("s", "下单" | "1") => Some("下单"),
            ("s", "改数量" | "2") if playbook == 0 => Some("改数量"),
            ("s", "2") => Some("不了"),
            _ => None,
        };
        match means {
            Some("下单") => {
                let number = request::number(&identity(run.begun), "d");
                let answers = format!("{}{}", count(&run, playbook), answer(&run, "a"));
                self.closes(format!("好，{answers}，{number}"), Some(number))
            }
            Some("不了") => self.closes("好的，先到这里。".into(), None),
            Some("改数量") => {
                run.answers.retain(|(step, _)| *step != "n");
                run.step = "n";
                self.asks(run, playbook, "")
            }
            Some(means) => {
                run.answers.retain(|(step, _)| *step != run.step);
                run.answers.push((run.step, means.into()));
                let place = STEPS[playbook].iter().position(|step| *step == run.step).unwrap();
                let open = |step: &&&str| run.answers.iter().all(|(id, _)| id != *step);
                run.step = STEPS[playbook][place + 1..].iter().find(open).unwrap();
                self.asks(run, playbook, "")
            }
            None if says == "开始" => {
                run.since = at;
                self.asks(run, playbook, "")
            }
            None if says == "价格" => self.asks(run, playbook, "十元\n\n"),
            None => self.asks(run, playbook, "没看明白，换个说法好吗？\n"),
        }
    }

    fn asks(&mut self, run: Run, playbook: usize, before: &str) -> Said {
        let question = match (run.step, playbook) {
            ("a", _) => "哪个？\n[1. 甲]\n[2. 乙]".to_owned(),
            ("n", _) => "几个？".to_owned(),
            (_, 0) => format!("{}{}？\n[1. 下单]\n[2. 改数量]", count(&run, 0), answer(&run, "a")),
            _ => format!("{}？\n[1. 下单]\n[2. 不了]", answer(&run, "a")),
        };
        self.run = Some(run);
        (format!("{before}{question}"), true, None)
    }

    fn closes(&mut self, says: String, number: Option<String>) -> Said {
        self.run = None;
        (says, true, number)
    }
}

fn answer(run: &Run, step: &str) -> String {
    run.answers.iter().find(|(id, _)| *id == step).map_or_else(String::new, |(_, answer)| answer.clone())
}

fn count(run: &Run, playbook: usize) -> String {
    if playbook == 0 { format!("{}个", answer(run, "n")) } else { String::new() }
}

/// A state, and the events that made it, each with the playbook that held.
#[derive(Clone, Default)]
struct Stored {
    bytes: Option<Vec<u8>>,
    series: Vec<(usize, usize)>,
}

/// A try of callback's, between two operations of the store.
enum Try {
    Read { event: usize },
    Write { event: usize, playbook: usize, stored: Stored, answer: Answer },
    Enter { answer: Answer },
}

/// What happens next.
#[derive(Clone, Debug)]
enum Happens {
    /// WeChat sends the first try of the next event.
    New,
    /// WeChat tries one of the last events again, counted from the newest.
    Again(usize),
    /// One of the tries under way gets one operation further.
    Further(usize),
    /// It is killed instead.
    Killed(usize),
    Published,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => Just(Happens::New),
        2 => (0..3_usize).prop_map(Happens::Again),
        14 => (0..3_usize).prop_map(Happens::Further),
        1 => (0..3_usize).prop_map(Happens::Killed),
        1 => Just(Happens::Published),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let says = prop_oneof![
        3 => Just("开始"), 3 => Just("甲"), 3 => Just("2"), 3 => Just("下单"),
        4 => prop::sample::select(&SAYS[..]),
    ];
    prop::collection::vec((says, 1..25_u64), 24).prop_map(|events| {
        let mut now = 1_777_608_000;
        let event = |(says, later)| {
            now += later;
            Event { says, at: now }
        };
        events.into_iter().map(event).collect()
    })
}

struct World {
    playbooks: [Playbook; 2],
    holds: usize,
    events: Vec<Event>,
    sent: usize,
    stored: Stored,
    tries: Vec<Try>,
    /// Run and number of every order in the journal.
    orders: BTreeSet<(u64, String)>,
    steps: usize,
    repeated: usize,
}

impl World {
    fn new(events: Vec<Event>) -> Self {
        let playbooks = DIALOGS.map(|dialogs| {
            let compiled =
                crate::compile(&format!("{COMMON}{dialogs}")).unwrap_or_else(|problems| panic!("{problems:?}"));
            Playbook::load(&compiled).unwrap()
        });
        let (stored, tries) = (Stored::default(), Vec::new());
        Self { playbooks, holds: 0, events, sent: 0, stored, tries, orders: BTreeSet::new(), steps: 0, repeated: 0 }
    }

    fn happens(&mut self, happens: &Happens) {
        match happens {
            Happens::New if self.sent < self.events.len() => {
                self.tries.push(Try::Read { event: self.sent });
                self.sent += 1;
            }
            Happens::New => {}
            Happens::Again(back) => {
                if let Some(event) = self.sent.checked_sub(1 + back) {
                    self.tries.push(Try::Read { event });
                }
            }
            Happens::Further(which) if !self.tries.is_empty() => {
                let index = which % self.tries.len();
                let next = self.tries.swap_remove(index);
                let next = self.further(next);
                self.tries.extend(next);
            }
            Happens::Killed(which) if !self.tries.is_empty() => {
                self.tries.swap_remove(which % self.tries.len());
            }
            Happens::Further(_) | Happens::Killed(_) => {}
            Happens::Published => self.holds = 1 - self.holds,
        }
    }

    fn further(&mut self, next: Try) -> Option<Try> {
        match next {
            Try::Read { event } => {
                let (stored, playbook) = (self.stored.clone(), self.holds);
                let answer = self.playbooks[playbook].answer(&self.message(event), None, stored.bytes.as_deref());
                self.is_serial(event, playbook, &stored, &answer);
                Some(match answer.conversation {
                    Some(_) => Try::Write { event, playbook, stored, answer },
                    None => Try::Enter { answer },
                })
            }
            Try::Write { event, playbook, mut stored, answer } => {
                assert!(stored.series.iter().all(|(earlier, _)| *earlier != event), "a step twice");
                stored.series.push((event, playbook));
                stored.bytes.clone_from(&answer.conversation);
                self.stored = stored;
                self.steps += 1;
                Some(Try::Enter { answer })
            }
            Try::Enter { answer } => {
                let left = Left::decode(&answer.left).unwrap();
                let orders = left.requests.into_iter().map(|request| (left.steps[0].run, request.number));
                self.orders.extend(orders);
                None
            }
        }
    }

    fn message(&self, event: usize) -> Inbound {
        let Event { says, at } = self.events[event];
        Inbound {
            account: "gh_1".into(),
            fan: "oFan".into(),
            create_time: Timestamp(at),
            identity: identity(event),
            kind: InboundKind::Text,
            text: says.into(),
            attached: String::new(),
        }
    }

    /// The answer is that of the slow model, which has heard all the events of the series and nothing else.
    fn is_serial(&mut self, event: usize, playbook: usize, stored: &Stored, answer: &Answer) {
        let Action::Reply(Reply::Text { content }) = &answer.action else { panic!("{answer:?}") };
        let numbers = Left::decode(&answer.left).unwrap().requests.into_iter().map(|request| request.number).next();
        let got = (shown(content), answer.conversation.is_some(), numbers);
        let mut model = Model::default();
        for &(heard, holds) in &stored.series {
            let (says, _, number) = model.hears(&self.events, heard, holds);
            if heard == event && !self.is_late(event, stored) {
                self.repeated += 1;
                assert_eq!(got, (says, false, number), "another answer to the same event");
                return;
            }
        }
        if self.is_late(event, stored) {
            assert!(!got.1, "a late try made a step");
            return;
        }
        assert_eq!(
            got,
            model.hears(&self.events, event, playbook),
            "{:?} after {:?}",
            self.events[event],
            stored.series
        );
    }

    /// Whether its answer may be forgotten: an event at least as late was dropped, 30 s old or behind six others.
    fn is_late(&self, event: usize, stored: &Stored) -> bool {
        let at = |event: usize| self.events[event].at;
        let mut recent: Vec<usize> = Vec::new();
        let mut floor = 0;
        for (heard, _) in &stored.series {
            recent.push(*heard);
            let newest = recent.iter().map(|event| at(*event)).max().unwrap();
            while newest - at(recent[0]) > 30 || recent.len() > 6 {
                floor = floor.max(at(recent.remove(0)));
            }
        }
        at(event) <= floor
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_that_of_some_serial_run(events in events(), happens in prop::collection::vec(happens(), 160)) {
        let mut world = World::new(events);
        happens.iter().for_each(|happens| world.happens(happens));
        let runs: BTreeSet<u64> = world.orders.iter().map(|(run, _)| *run).collect();
        prop_assert_eq!(runs.len(), world.orders.len(), "two orders of one run");
    }

    /// Bytes that nobody wrote are no state, and never an error.
    #[test]
    fn whatever_bytes_are_kept_the_fan_gets_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), says in prop::sample::select(&SAYS[..])) {
        let world = World::new(vec![Event { says, at: 1_777_608_000 }]);
        let answer = world.playbooks[0].answer(&world.message(0), None, Some(&bytes));
        let is_text = matches!(answer.action, Action::Reply(Reply::Text { .. }));
        prop_assert!(is_text);
    }
}

/// Else the law might hold because nothing happens.
#[test]
fn the_law_sees_steps_retries_and_orders() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut steps, mut repeated, mut orders) = (0, 0, 0);
    for _ in 0..50 {
        let events = events().new_tree(&mut runner).unwrap().current();
        let mut world = World::new(events);
        for happens in prop::collection::vec(happens(), 160).new_tree(&mut runner).unwrap().current() {
            world.happens(&happens);
        }
        steps += world.steps;
        repeated += world.repeated;
        orders += world.orders.len();
    }
    assert!(steps > 300 && repeated > 50 && orders > 5, "{steps} steps, {repeated} repeated, {orders} orders");
}

/// Two runs at their longest and everything else that is kept: nothing open is lost.
#[test]
fn the_longest_answers_are_kept_and_nothing_open_is_lost() {
    let step =
        |id: &str| format!("{{ id = \"{id}\", ask = \"{id}?\", take = \"text\", longest = 298, save = \"{id}\" }},\n");
    let dialog = |id: &str| {
        format!(
            "[[dialogs]]\nid = \"{id}\"\nstart = \"{id}\"\nsteps = [\n{}{}{{ id = \"z\", ask = \"{}\", take = \"month_day\" }}\n]\nwhy = \"w\"\ndone = {{ text = \"{id} {{{id}a}}\", request = \"survey\" }}\n",
            step(&format!("{id}a")),
            step(&format!("{id}b")),
            "问".repeat(600),
        )
    };
    let source = format!("version = 1\naccount = \"service\"\nname = \"n\"\n{}{}", dialog("x"), dialog("y"));
    let playbook = Playbook::load(&crate::compile(&source).unwrap_or_else(|problems| panic!("{problems:?}"))).unwrap();
    let long = "\u{1f370}".repeat(298);
    let mut state: Option<Vec<u8>> = None;
    let mut last = String::new();
    for (number, says) in (0..).zip(["x", &long, &long, "y", &long, &long, "9-9"]) {
        let message = Inbound {
            account: "gh_1".into(),
            fan: "oFan".into(),
            create_time: Timestamp(1_777_608_000 + number),
            identity: identity(number as usize),
            kind: InboundKind::Text,
            text: says.into(),
            attached: String::new(),
        };
        let answer = playbook.answer(&message, None, state.as_deref());
        state = answer.conversation.or(state);
        assert!(state.as_ref().unwrap().len() <= 8_192);
        let Action::Reply(Reply::Text { content }) = answer.action else { panic!("no text") };
        last = content;
    }
    assert!(last.starts_with(&format!("y {long}")), "{last}");
}
