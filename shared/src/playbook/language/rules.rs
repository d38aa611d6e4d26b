//! Reads `[[rules]]`.

use super::{
    Account, Known,
    reader::{Fields, Value, Word, tables},
    replies::Replies,
    special::{self, SpecialDraft},
};
use crate::{
    facts::{FanStatus, PushChoice},
    playbook::{
        compiled::{Choice, Conditions, Line, Place, Rule},
        inbound::{InboundKind, Kinds},
        matcher,
        normal::normalise,
        problem::{Findings, did_you_mean},
    },
};
use std::collections::BTreeMap;

/// The most rules of a playbook.
pub const RULES_MAX: usize = 5_000;
/// The most keywords of a playbook: `exact`, `prefix` and `contains` of all rules.
pub const KEYWORDS_MAX: usize = 20_000;
/// The longest keyword in bytes of normalised text.
pub const KEYWORD_MAX: usize = 200;
/// The most bytes of all normalised keywords together, which bounds the automaton's memory.
pub const KEYWORD_BYTES_MAX: usize = 500_000;
/// The most regexes of a playbook: each is tried by itself.
pub const REGEXES_MAX: usize = 200;
/// The longest regex in bytes.
pub const REGEX_MAX: usize = 500;

pub(super) const ID_MAX: usize = 64;
const PRIORITY_MAX: i64 = 1_000_000;

/// A rule, and where things stand that may turn out to be wrong later.
pub(super) struct RuleDraft<'d> {
    pub(super) at: usize,
    pub(super) priority: i64,
    pub(super) rule: Rule,
    pub(super) pushes: Option<PushChoice>,
    /// The dialog that it begins.
    pub(super) dialog: Option<Word<'d>>,
    /// Where it says that it is heard within dialogs.
    pub(super) in_dialogs: Option<usize>,
    pub(super) special: SpecialDraft<'d>,
    pub(super) keywords: Vec<KeywordDraft<'d>>,
    pub(super) regexes: Vec<&'d str>,
}

pub(super) struct KeywordDraft<'d> {
    pub(super) word: Word<'d>,
    pub(super) place: Place,
    pub(super) normal: String,
}

/// The rules, best first: by priority, then by place in the file.
pub(super) fn read<'d>(file: &mut Fields<'d, '_>, known: &Known<'d>, replies: &mut Replies<'d>) -> Vec<RuleDraft<'d>> {
    let findings = file.findings;
    let help = "write [[rules]] and below it id, on and reply";
    let fields = tables(file.get("rules"), "a rule", help, findings);
    let mut ids = BTreeMap::new();
    let mut rules: Vec<RuleDraft<'d>> = Vec::new();
    for fields in fields {
        let reader = RuleReader { known, findings };
        rules.push(reader.rule(fields, replies, &mut ids));
    }
    limits(&rules, findings);
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    rules
}

fn limits(rules: &[RuleDraft<'_>], findings: &Findings<'_>) {
    if let Some(rule) = rules.get(RULES_MAX) {
        findings.add(rule.at, format!("there are more than {RULES_MAX} rules"), "join rules that have the same reply");
    }
    let keywords = || rules.iter().flat_map(|rule| &rule.keywords);
    if let Some(keyword) = keywords().nth(KEYWORDS_MAX) {
        findings.add(
            keyword.word.at(),
            format!("there are more than {KEYWORDS_MAX} keywords"),
            "use fewer, shorter ones",
        );
    }
    let mut bytes = 0;
    let over = keywords().find(|keyword| {
        bytes += keyword.normal.len();
        bytes > KEYWORD_BYTES_MAX
    });
    if let Some(keyword) = over {
        let message = format!("the keywords have more than {KEYWORD_BYTES_MAX} bytes together");
        findings.add(keyword.word.at(), message, "use fewer, shorter ones");
    }
    if let Some(rule) = rules.iter().flat_map(|rule| rule.regexes.iter().map(move |_| rule)).nth(REGEXES_MAX) {
        findings.add(rule.at, format!("there are more than {REGEXES_MAX} regexes"), "use keywords where they do");
    }
}

struct RuleReader<'r, 'd> {
    known: &'r Known<'d>,
    findings: &'d Findings<'d>,
}

impl<'d> RuleReader<'_, 'd> {
    fn rule(
        &self,
        mut fields: Fields<'d, '_>,
        replies: &mut Replies<'d>,
        ids: &mut BTreeMap<&'d str, usize>,
    ) -> RuleDraft<'d> {
        let at = fields.at;
        let id = self.id(&mut fields, ids);
        let kinds = self.kinds(&mut fields);
        let priority = fields.number("priority", -PRIORITY_MAX..=PRIORITY_MAX).unwrap_or(0);
        let matched = fields.get("match");
        let (mut keywords, mut regexes) = (Vec::new(), Vec::new());
        if let Some(value) = matched {
            self.has_text(value, kinds);
            self.matched(value, &mut keywords, &mut regexes);
        }
        let conditions = self.conditions(&mut fields, kinds);
        let special = special::read(&mut fields, kinds, matched.is_some());
        let outside = matches!(conditions.hours, Some((_, false)));
        let dialog = fields.text("dialog");
        let choice = self.choice(&mut fields, kinds, replies, (dialog.as_ref(), outside, special.again));
        let in_dialogs = fields.get("in_dialogs").and_then(|value| self.is_true(value, "in_dialogs"));
        let pushes = fields.text("pushes").and_then(|word| self.pushes(&word));
        fields.finish();
        let rule = Rule { id, kinds, conditions, matches: matched.is_some(), choice };
        RuleDraft { at, priority, rule, pushes, dialog, in_dialogs, special, keywords, regexes }
    }

    fn id(&self, fields: &mut Fields<'d, '_>, ids: &mut BTreeMap<&'d str, usize>) -> String {
        let Some(word) = fields.require_text("id") else { return String::new() };
        let length = word.text.chars().count();
        if !(1..=ID_MAX).contains(&length) || word.text.chars().any(char::is_control) {
            let message = format!("an id has 1 to {ID_MAX} characters and no line breaks");
            self.findings.add(word.at(), message, "write a short name that reports can show");
        } else if let Some(first) = ids.insert(word.text, word.at()) {
            let message = format!("the id `{}` is taken by the rule on line {}", word.text, self.findings.line(first));
            self.findings.add(word.at(), message, "give each rule an id of its own");
            ids.insert(word.text, first);
        }
        word.text.to_owned()
    }

    fn kinds(&self, fields: &mut Fields<'d, '_>) -> Kinds {
        let mut kinds = Kinds::default();
        if fields.require("on", "write on = \"text\"").is_none() {
            return kinds;
        }
        for word in fields.texts("on") {
            match InboundKind::ALL.iter().find(|(name, _)| *name == word.text) {
                Some((_, InboundKind::Scan)) if self.known.account == Some(Account::Subscription) => {
                    let help = "drop the rule, or write account = \"service\" if it is one";
                    self.findings.add(word.at(), "a subscription account has no QR codes to scan", help);
                }
                Some((_, kind)) => kinds.insert(*kind),
                None => {
                    let names = InboundKind::ALL.map(|(name, _)| name);
                    let help = did_you_mean(word.text, names, &format!("write some of {}", names.join(", ")));
                    self.findings.add(word.at(), format!("`{}` is no kind of message", word.text), help);
                }
            }
        }
        kinds
    }

    fn has_text(&self, value: &Value<'_>, kinds: Kinds) {
        if let Some(kind) = kinds.iter().find(|kind| !kind.has_text()) {
            let message = format!("`{}` brings no text to match", kind.name());
            self.findings.add(value.span().start, message, "drop `match`, or make it a rule of its own");
        }
    }

    fn matched(&self, value: &'d Value<'_>, keywords: &mut Vec<KeywordDraft<'d>>, regexes: &mut Vec<&'d str>) {
        let help = "write match = { contains = [\"猫粮\"] }";
        let Some(mut fields) = Fields::of(value, "`match`", help, self.findings) else { return };
        let mut count = 0;
        for (key, place) in [("exact", Place::Exact), ("prefix", Place::Prefix), ("contains", Place::Contains)] {
            let present = fields.get(key).is_some();
            count += usize::from(present);
            keywords.extend(fields.texts(key).into_iter().filter_map(|word| self.keyword(word, place)));
        }
        let present = fields.get("regex").is_some();
        let words = fields.texts("regex");
        words.iter().for_each(|word| self.regex(word));
        regexes.extend(words.iter().map(|word| word.text));
        if count == 0 && !present && fields.others().next().is_none() {
            self.findings.add(value.span().start, "`match` is empty, so the rule never matches", help);
        }
        fields.finish();
    }

    fn keyword(&self, word: Word<'d>, place: Place) -> Option<KeywordDraft<'d>> {
        let normal = normalise(word.text).into_owned();
        if normal.is_empty() {
            self.findings.add(word.at(), "the keyword has nothing but blanks", "write a word, or drop `match`");
            return None;
        }
        if normal.len() > KEYWORD_MAX {
            let message = format!("the keyword has {} bytes, and {KEYWORD_MAX} are the most", normal.len());
            self.findings.add(word.at(), message, "write the few words that matter");
        }
        Some(KeywordDraft { word, place, normal })
    }

    fn regex(&self, word: &Word<'_>) {
        let never = word.text.char_indices().find(|(_, c)| !c.is_ascii() && never_in_normal_text(*c));
        if word.text.is_empty() || word.text.len() > REGEX_MAX {
            let message = format!("a regex has 1 to {REGEX_MAX} bytes, not {}", word.text.len());
            self.findings.add(word.at(), message, "use keywords, or several regexes");
        } else if let Some((offset, c)) = never {
            let normal = normalise(c.encode_utf8(&mut [0; 4])).into_owned();
            let message = format!("the regex asks for `{c}`, which normalised text never has");
            let help = if normal.is_empty() { "drop it".to_owned() } else { format!("write `{normal}`") };
            self.findings.add(word.within(self.findings, offset), message, help);
        } else if let Err(error) = matcher::regex(word.text) {
            self.findings.add(word.at(), format!("the regex does not compile: {error}"), "mend it, or use `contains`");
        }
    }

    fn conditions(&self, fields: &mut Fields<'d, '_>, kinds: Kinds) -> Conditions {
        let (when, outside) = (fields.text("when"), fields.text("outside"));
        if let (Some(_), Some(outside)) = (&when, &outside) {
            self.findings.add(outside.at(), "a rule has `when` or `outside`, not both", "make it two rules");
        }
        let hours = when.map(|word| (self.hours(&word), true)).or(outside.map(|word| (self.hours(&word), false)));
        let mut channels: Vec<String> =
            fields.texts("channel").into_iter().map(|word| self.channel(&word, kinds)).collect();
        channels.sort();
        channels.dedup();
        let fan = fields.text("fan").and_then(|word| self.fan(&word, kinds));
        Conditions { hours, channels, fan }
    }

    fn hours(&self, word: &Word<'_>) -> u32 {
        let names = || self.known.hours.iter().map(|(name, _)| *name);
        let index = names().position(|name| name == word.text).and_then(|index| u32::try_from(index).ok());
        index.unwrap_or_else(|| {
            let help = did_you_mean(word.text, names(), &format!("write [hours.{}] or name others", word.text));
            self.findings.add(word.at(), format!("there are no opening hours `{}`", word.text), help);
            u32::MAX
        })
    }

    fn channel(&self, word: &Word<'_>, kinds: Kinds) -> String {
        if self.through_a_channel(word, "channel", kinds) && !self.known.channels.contains_key(word.text) {
            let known = self.known.channels.keys().copied();
            let help = did_you_mean(word.text, known, "add it to [[channels]] or name another");
            self.findings.add(word.at(), format!("there is no channel `{}`", word.text), help);
        }
        word.text.to_owned()
    }

    fn fan(&self, word: &Word<'_>, kinds: Kinds) -> Option<FanStatus> {
        let names = FanStatus::ALL.map(|(name, _)| name);
        let Some((_, fan)) = FanStatus::ALL.into_iter().find(|(name, _)| *name == word.text) else {
            let help = did_you_mean(word.text, names, "write new, returning or follower");
            self.findings.add(word.at(), format!("`{}` is nothing a fan can be", word.text), help);
            return None;
        };
        let needed = if fan == FanStatus::Follower { InboundKind::Scan } else { InboundKind::Subscribe };
        if self.through_a_channel(word, "fan", kinds) && !kinds.is_empty() && !kinds.contains(needed) {
            let message = format!("a fan is `{}` only on `{}`", word.text, needed.name());
            self.findings.add(word.at(), message, format!("add \"{}\" to `on`, or drop `fan`", needed.name()));
        }
        Some(fan)
    }

    fn pushes(&self, word: &Word<'_>) -> Option<PushChoice> {
        let choice = PushChoice::ALL.into_iter().find(|(name, _)| *name == word.text);
        if choice.is_none() {
            let names = PushChoice::ALL.map(|(name, _)| name);
            let help = did_you_mean(word.text, names, "write pushes = \"stop\" or pushes = \"resume\"");
            self.findings.add(word.at(), format!("`{}` is nothing to do about pushes", word.text), help);
        }
        choice.map(|(_, choice)| choice)
    }

    /// Whether all kinds can come through a channel; reports it when not.
    fn through_a_channel(&self, word: &Word<'_>, key: &str, kinds: Kinds) -> bool {
        if self.known.account == Some(Account::Subscription) {
            let message = format!("a subscription account has no QR codes, so `{key}` never holds");
            self.findings.add(word.at(), message, "drop it, or write account = \"service\" if it is one");
            return false;
        }
        let other = kinds.iter().find(|kind| !kind.has_channel());
        if let Some(kind) = other {
            let message = format!("`{}` comes through no QR code, so `{key}` never holds", kind.name());
            self.findings.add(word.at(), message, "write on = [\"subscribe\", \"scan\"], or drop it");
        }
        other.is_none()
    }

    /// Where `true` stands; reports what is no yes or no.
    fn is_true(&self, value: &Value<'_>, key: &str) -> Option<usize> {
        let at = value.span().start;
        let says = value.get_ref().as_bool();
        if says.is_none() {
            self.findings.add(at, format!("`{key}` is true or false"), format!("write {key} = true"));
        }
        (says == Some(true)).then_some(at)
    }

    fn asked(&self, word: &Word<'d>, kinds: Kinds, replies: &mut Replies<'d>) -> Choice {
        let Some(asked) = self.known.services.get(word.text) else {
            let known = self.known.services.keys().copied();
            let help = did_you_mean(word.text, known, "write [[services]] with this id, or name another");
            self.findings.add(word.at(), format!("there is no service `{}`", word.text), help);
            return Choice::default();
        };
        let needs_words = matches!(asked, Some(Line::Ask { service, .. }) if service.needs_words());
        if let Some(kind) = kinds.iter().find(|kind| needs_words && !kind.has_text()) {
            let message = format!("`{}` brings no text to ask `{}`", kind.name(), word.text);
            self.findings.add(word.at(), message, "ask a service whose url has no {text}, or drop the kind");
        }
        replies.asked(word.text, asked.as_ref())
    }

    /// The answer of a rule; of one that holds `outside` of hours, or for a question that is asked `again`.
    fn choice(
        &self,
        fields: &mut Fields<'d, '_>,
        kinds: Kinds,
        replies: &mut Replies<'d>,
        (dialog, outside, again): (Option<&Word<'_>>, bool, bool),
    ) -> Choice {
        let (text, reply, ask) = (fields.text("text"), fields.get("reply"), fields.text("ask"));
        if let Some(ask) = ask {
            if text.is_some() || reply.is_some() || dialog.is_some() {
                self.findings.add(ask.at(), "a rule has `ask` or an answer of its own, not both", "keep one of them");
            }
            return self.asked(&ask, kinds, replies);
        }
        if let (Some(_), Some(reply)) = (dialog, reply) {
            let help = "write `text`: it stands before the question";
            self.findings.add(reply.span().start, "a rule that begins a dialog says no `reply`", help);
        }
        match (text, reply) {
            (Some(text), Some(_)) => {
                self.findings.add(text.at(), "a rule has `text` or `reply`, not both", "keep one of them");
                Choice::default()
            }
            (Some(text), None) => {
                let choice = replies.inline(&text);
                special::opening(replies.tells_opening(&choice), outside, text.at(), self.findings);
                choice
            }
            (None, Some(reply)) => {
                let choice = replies.choice(reply, kinds);
                special::opening(replies.tells_opening(&choice), outside, reply.span().start, self.findings);
                choice
            }
            (None, None) if again => replies.hand_over(),
            (None, None) if dialog.is_some() => Choice::default(),
            (None, None) => {
                let help = "write text = \"…\", reply = \"name\", reply = \"nothing\" or ask = \"service\"";
                self.findings.add(fields.at, "a rule needs `reply`", help);
                Choice::default()
            }
        }
    }
}

/// Capitals beyond ASCII count too: the regex's own disregard of case is ASCII's.
fn never_in_normal_text(c: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    normalise(text) != text
}
