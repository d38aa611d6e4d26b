//! Laws of the playbook, over random ones.

use crate::compile;
use guanxi::{
    facts::{FanStatus, Touch},
    playbook::{Filled, Inbound, InboundKind, Playbook, Terms, Values, normalise},
    time::{Day, Timestamp},
};
use proptest::prelude::*;

/// One rule of the model: its words by place, its priority, and whether it only takes voices.
#[derive(Clone, Debug)]
struct ModelRule {
    exact: Vec<String>,
    prefix: Vec<String>,
    contains: Vec<String>,
    regex: Option<String>,
    priority: i64,
    kind: &'static str,
}

impl ModelRule {
    fn toml(&self, id: usize) -> String {
        let list =
            |words: &[String]| format!("[{}]", words.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(","));
        let key = |name, words: &[String]| {
            if words.is_empty() { String::new() } else { format!("match.{name} = {}\n", list(words)) }
        };
        let regex = self.regex.as_ref().map_or(String::new(), |regex| format!("match.regex = {regex:?}\n"));
        let (exact, prefix, contains) =
            (key("exact", &self.exact), key("prefix", &self.prefix), key("contains", &self.contains));
        let (priority, kind) = (self.priority, self.kind);
        format!(
            "[[rules]]\nid = \"{id}\"\non = \"{kind}\"\npriority = {priority}\ntext = \"{id}\"\n{exact}{prefix}{contains}{regex}"
        )
    }

    /// The naive way: word after word.
    fn takes(&self, kind: &str, text: &str) -> bool {
        let bare = self.exact.is_empty() && self.prefix.is_empty() && self.contains.is_empty() && self.regex.is_none();
        let any = |words: &[String], test: &dyn Fn(&str) -> bool| words.iter().any(|word| test(&normalise(word)));
        let found = any(&self.exact, &|word| text == word)
            || any(&self.prefix, &|word| text.starts_with(word))
            || any(&self.contains, &|word| text.contains(word))
            || self.regex.as_ref().is_some_and(|regex| text.contains(regex.trim_matches(['[', ']'])));
        self.kind == kind && (bare || (found && !text.is_empty()))
    }
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abA猫粮Ｂ]{1,4}", 0..4)
}

fn rule() -> impl Strategy<Value = ModelRule> {
    let kind = prop_oneof![Just("text"), Just("voice")];
    let regex = prop::option::weighted(0.2, "\\[[ab猫]\\]");
    (words(), words(), words(), regex, -2..3_i64, kind).prop_map(|(exact, prefix, contains, regex, priority, kind)| {
        ModelRule { exact, prefix, contains, regex, priority, kind }
    })
}

fn message(kind: InboundKind, text: &str) -> Inbound {
    Inbound {
        account: "gh_1".into(),
        fan: "oFan".into(),
        create_time: Timestamp(1_772_416_800),
        identity: "i".into(),
        kind,
        text: text.into(),
        attached: String::new(),
    }
}

/// Compiles, dropping the rules and words that the check calls unreachable until it has no more to say.
fn playbook_of(rules: &mut [Option<ModelRule>]) -> Playbook {
    loop {
        let mut source = String::from("version = 1\naccount = \"service\"\nname = \"喵\"\n");
        let mut starts = Vec::new();
        for (id, rule) in rules.iter().enumerate().filter_map(|(id, rule)| Some((id, rule.as_ref()?))) {
            starts.push((source.lines().count() + 1, id));
            source.push_str(&rule.toml(id));
        }
        match compile(&source) {
            Ok(compiled) => return Playbook::load(&compiled).unwrap(),
            Err(problems) => {
                for problem in problems {
                    assert!(problem.message.contains("never"), "{problem}\n{source}");
                    let (_, id) = starts.iter().rev().find(|(line, _)| *line <= problem.line).unwrap();
                    rules[*id] = None;
                }
            }
        }
    }
}

const PUSH_HEAD: &str = "version = 1\naccount = \"service\"\nname = \"喵\"\n";

fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "thing",
        "character_string",
        "number",
        "phrase",
        "time",
        "date",
        "amount",
        "name",
        "const",
    ])
}

/// Texts of which many are fit for some field.
fn push_text() -> impl Strategy<Value = String> {
    let pieces = [
        "{product}",
        "{quantity}",
        "{bought_on}",
        "{run_out}",
        "{days_left}",
        "{name}",
        "{{",
        "~",
        " 09:00",
        "¥",
        "猫",
        "1",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..4).prop_map(|pieces| pieces.concat())
}

fn template(fields: &[(String, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, text)| format!("{name} = {text:?}")).collect();
    format!("way = \"template\"\ntemplate_id = \"t\"\nfields = {{ {} }}\n", fields.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_automaton_finds_the_rule_that_a_loop_over_all_words_finds(
        rules in prop::collection::vec(rule(), 1..12), texts in prop::collection::vec("[abA猫粮Ｂc ]{0,8}", 1..20),
    ) {
        let mut kept: Vec<_> = rules.iter().cloned().map(Some).collect();
        let playbook = playbook_of(&mut kept);
        for text in &texts {
            for (name, kind) in [("text", InboundKind::Text), ("voice", InboundKind::Voice)] {
                let normal = normalise(text);
                let takers = kept.iter().enumerate().filter_map(|(id, rule)| Some((id, rule.as_ref()?)));
                let best = takers.filter(|(_, rule)| rule.takes(name, &normal)).min_by_key(|(id, rule)| (-rule.priority, *id));
                let answer = playbook.answer(&message(kind, text), None, None);
                prop_assert_eq!(answer.rule, best.map(|(id, _)| id.to_string()), "{} {:?}", name, text);
            }
        }
    }

    /// Rules that the check calls out of reach are never the best of the loop either.
    #[test]
    fn what_the_check_calls_unreachable_is_unreachable(
        rules in prop::collection::vec(rule(), 1..8), texts in prop::collection::vec("[ab猫粮]{0,5}", 1..20),
    ) {
        let source: Vec<String> = rules.iter().enumerate().map(|(id, rule)| rule.toml(id)).collect();
        let source = format!("version = 1\naccount = \"service\"\nname = \"喵\"\n{}", source.concat());
        let problems = compile(&source).err().unwrap_or_default();
        let unreachable = problems.iter().filter_map(|p| p.message.strip_prefix("rule `")?.split_once('`'));
        let unreachable: Vec<usize> = unreachable.map(|(id, _)| id.parse().unwrap()).collect();
        for text in &texts {
            for kind in ["text", "voice"] {
                let takers = rules.iter().enumerate().filter(|(_, rule)| rule.takes(kind, text));
                let best = takers.min_by_key(|(id, rule)| (-rule.priority, *id)).map(|(id, _)| id);
                prop_assert!(best.is_none_or(|best| !unreachable.contains(&best)), "{:?} of {}", best, source);
            }
        }
    }

    #[test]
    fn normalising_twice_changes_nothing_more(text in any::<String>()) {
        let once = normalise(&text).into_owned();
        prop_assert_eq!(normalise(&once), once.as_str());
    }

    #[test]
    fn no_bytes_make_loading_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Playbook::load(&bytes).is_err());
        prop_assert!(Terms::load(&bytes).is_err());
    }

    /// Bytes with a right checksum over a wrong body: whoever makes those on purpose gets odd answers and no panic.
    #[test]
    fn no_body_makes_loading_or_answering_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), text in any::<String>(),
    ) {
        let mut bytes = compile(include_str!("../../../../functions/playbook.toml")).unwrap();
        for (index, byte) in changes {
            let at = 14 + index.index(bytes.len() - 14);
            bytes[at] = byte;
        }
        let sum = <sha1::Sha1 as sha1::Digest>::digest(&bytes[14..]);
        bytes[6..14].copy_from_slice(&sum[..8]);
        if let Ok(playbook) = Playbook::load(&bytes) {
            let touch = Touch { channel: Some(text.clone()), fan: FanStatus::New };
            for (_, kind) in InboundKind::ALL {
                let answer = playbook.answer(&message(kind, &text), Some(&touch), None);
                prop_assert_eq!(playbook.answer(&message(kind, &text), Some(&touch), None), answer);
            }
        }
        if let Ok(terms) = Terms::load(&bytes) {
            let (day, product) = (Day(20_516), text.as_str());
            let values = Values { product, quantity: 1, bought_on: day, run_out: day, today: day };
            let reminders = terms.pushes.products.values().filter_map(|product| product.reminder.as_ref());
            for content in reminders.flat_map(|reminder| reminder.ways.iter()) {
                content.render(&terms.pushes.name, Some(&values));
            }
        }
    }

    /// What goes out is written into a campaign as it is, and the check has nothing to say.
    #[test]
    fn no_field_goes_out_that_the_check_would_refuse(
        fields in prop::collection::vec((field(), push_text()), 1..4), name in "[成猫粮a1 ]{1,12}",
        quantity in prop_oneof![1..20_u64, any::<u64>()], days in prop::array::uniform3(any::<prop::sample::Index>()),
    ) {
        let fields: Vec<_> = (1..).zip(fields).map(|(n, (kind, text))| (format!("{kind}{n}"), text)).collect();
        let product = format!("[[products]]\nid = \"p\"\nname = {name:?}\nsupply_days = 30\n[products.reminder]\nlead_days = 5\n");
        let Ok(compiled) = compile(&format!("{PUSH_HEAD}{product}{}", template(&fields))) else { return Ok(()) };
        let pushes = Terms::load(&compiled).unwrap().pushes;
        let [bought_on, run_out, today] = days.map(|day| Day(day.index(4_000_000) as u64));
        let values = Values { product: &name, quantity, bought_on, run_out, today };
        let filled = pushes.products["p"].reminder.as_ref().unwrap().ways.iter().next().unwrap().render(&pushes.name, Some(&values));
        let Filled::Template { fields, .. } = filled else { panic!("no template") };
        let braces = |(name, value): (String, String)| (name, value.replace('{', "{{").replace('}', "}}"));
        let literal: Vec<_> = fields.into_iter().map(braces).collect();
        let campaign = "[[campaigns]]\nid = \"c\"\nat = \"2026-12-01T20:00\"\nsegment = {}\n";
        let told = compile(&format!("{PUSH_HEAD}{campaign}{}", template(&literal))).err();
        prop_assert_eq!(told, None, "{:?}", literal);
    }

    #[test]
    fn no_file_makes_the_check_panic(source in any::<String>(), at in any::<prop::sample::Index>(), cut in 0..40_usize) {
        let _ = compile(&source);
        let sample = include_str!("../../../../functions/playbook.toml");
        let (from, to) = (at.index(sample.len()), at.index(sample.len()) + cut);
        let (from, to) = (sample.floor_char_boundary(from), sample.floor_char_boundary(to));
        let _ = compile(&format!("{}{}{}", &sample[..from], source, &sample[to..]));
    }
}
