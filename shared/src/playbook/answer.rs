//! From a message to what the brand says.

use super::{
    channels::Channels,
    compiled::{self, Body, Choice, Conditions, Line, LoadError, Outcome, PushRules, Rule, Special},
    hours::Hours,
    inbound::{Action, Answer, Inbound, InboundKind},
    kept::Kept,
    matcher::Matcher,
    memory::{self, Memory},
    normal::{MATCHED_MAX, cut, normalise},
    talk::{self, form::Dialogs},
    template::{Template, Values},
};
use crate::{
    facts::{
        PushChoice, Touch,
        dialog::Left,
        request::{self, Request},
    },
    lookup::{Lookup, Service},
    time::{Local, UtcOffset},
    wechat::{
        Reply,
        reply::{Article, TEXT_MAX},
    },
};
use std::cell::Cell;

/// Behind the last rank there can be.
const NO_RULE: u32 = u32::MAX;

/// A compiled playbook, loaded.
#[derive(Debug)]
pub struct Playbook {
    channels: Channels,
    offset: UtcOffset,
    hours: Vec<Hours>,
    replies: Vec<Line>,
    rules: Vec<Rule>,
    push_rules: PushRules,
    special: Special,
    /// Of the rules that some `not_yet` names; sorted.
    named: Vec<memory::Name>,
    default: Option<Choice>,
    matcher: Matcher,
    /// By kind: the rules without a `match`, best first.
    unmatched: [Vec<u32>; InboundKind::ALL.len()],
    dialogs: Dialogs,
}

impl Playbook {
    /// Takes the bytes that [`compile`](super::compile) wrote.
    ///
    /// # Errors
    /// When the bytes are damaged, something else, or written by a newer compiler. Never panics, whatever they are.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let (channels, mut rest) = compiled::decode(bytes)?;
        let (body, push_rules, special, dialogs) = rest.body()?;
        let Body { offset, hours, replies, rules, default, keywords, regexes, lengths: _ } = body;
        let mut unmatched: [Vec<u32>; InboundKind::ALL.len()] = Default::default();
        let is_plain = |rank: &u32| special.again.binary_search(rank).is_err();
        for (rank, rule) in (0..).zip(&rules).filter(|(rank, rule)| !rule.matches && is_plain(rank)) {
            for kind in rule.kinds.iter() {
                if let Some(ranks) = unmatched.get_mut(kind as usize) {
                    ranks.push(rank);
                }
            }
        }
        let matcher = Matcher::new(&keywords, regexes)?;
        let channels = Channels::new(channels);
        let mut named: Vec<memory::Name> =
            special.not_yet.iter().flat_map(|(_, rules)| rules.iter().copied()).collect();
        named.sort_unstable();
        named.dedup();
        Ok(Self {
            channels,
            offset,
            hours,
            replies,
            rules,
            push_rules,
            special,
            named,
            default,
            matcher,
            unmatched,
            dialogs,
        })
    }

    /// The answer to one message. Pure: the same arguments give the same answer in any instance and at any time.
    ///
    /// `touch` is what [`Scan::touch`](super::Scan::touch) said of the event; `conversation` is what the last answer to this fan gave.
    pub fn answer(&self, message: &Inbound, touch: Option<&Touch>, conversation: Option<&[u8]>) -> Answer {
        let channel = touch.and_then(|touch| touch.channel.as_deref());
        let channel_name = channel.map_or("", |channel| self.channels.name(channel));
        let kept = if self.converses() { conversation.map(Kept::decode).unwrap_or_default() } else { Kept::default() };
        let memory = Memory::decode(kept.memory.as_deref());
        let values = Values::new(message, touch, channel_name, self.offset);
        let asked = Asked { playbook: self, values, memory: &memory, is_unanswered: Cell::new(false) };
        let mut answer = if self.dialogs.dialogs.is_empty() {
            asked.by_rule(self.rank_for(&asked, |_| true)).0
        } else {
            talk::answer(&self.dialogs, message, kept.talk.as_deref(), &asked)
        };
        if matches!(answer.action, Action::HandOver { .. }) {
            let left = Left::decode(&answer.left).unwrap_or_default();
            answer.left = Left { handed_over: true, ..left }.encode();
        }
        let remembered = self.remember(&memory, &answer, asked.is_unanswered.get(), message);
        answer.conversation = kept.then(remembered, answer.conversation);
        answer
    }

    /// Whether an answer may depend on the conversation: whether a look into the store for it is worth while.
    pub fn converses(&self) -> bool {
        let Special { wants_person: _, again, followed, not_yet } = &self.special;
        !(self.dialogs.dialogs.is_empty() && again.is_empty() && followed.is_empty() && not_yet.is_empty())
    }

    /// What the rule of this rank leaves for the journal.
    fn left(&self, rank: u32, rule: &str, message: &Inbound) -> Vec<u8> {
        if self.special.wants_person.binary_search(&rank).is_err() {
            return Vec::new();
        }
        let request = Request {
            number: request::number(&message.identity, rule),
            kind: request::Kind::Person,
            source: rule.to_owned(),
            at: message.create_time,
            answers: Vec::new(),
            lines: Vec::new(),
            text: cut(&message.text, request::TEXT_MAX).to_owned(),
            forget_days: None,
        };
        Left { requests: vec![request], ..Left::default() }.encode()
    }

    /// What is remembered from now on; none: as it was.
    fn remember(&self, before: &Memory, answer: &Answer, is_unanswered: bool, message: &Inbound) -> Option<Vec<u8>> {
        let Special { again, followed, not_yet, .. } = &self.special;
        if again.is_empty() && followed.is_empty() && not_yet.is_empty() {
            return None;
        }
        let (mut memory, at) = (before.clone(), message.create_time);
        if message.kind == InboundKind::Subscribe {
            memory.follow(at);
        }
        let name = answer.rule.as_ref().map(|rule| memory::name(rule));
        if let Some(name) = name.filter(|name| self.named.binary_search(name).is_ok()) {
            memory.have(name, at);
        }
        if !again.is_empty() && message.kind.is_message() {
            memory.wrote(at, question(message).filter(|_| is_unanswered));
        }
        (memory != *before).then(|| memory.encode())
    }

    fn push_choice(&self, rank: u32) -> Option<PushChoice> {
        of_rank(&self.push_rules, rank).copied()
    }

    /// The rank of the rule that answers, of those that are `heard`; [`NO_RULE`] where none does.
    fn rank_for(&self, asked: &Asked<'_>, heard: impl Fn(u32) -> bool) -> u32 {
        let (hours, special, values, memory) = (&self.hours, &self.special, &asked.values, asked.memory);
        let moment = Moment { hours, values, special, memory, asked: Cell::new(0), open: Cell::new(0) };
        let kind = values.message.kind;
        let applies = |rank: u32| {
            let rule = self.rules.get(rank as usize);
            rule.is_some_and(|rule| rule.kinds.contains(kind) && moment.allows(rank, &rule.conditions) && heard(rank))
        };
        let unmatched = self.unmatched.get(kind as usize).map_or(&[][..], Vec::as_slice);
        let bound = unmatched.iter().copied().find(|rank| applies(*rank)).unwrap_or(NO_RULE);
        let text = normalise(cut(&values.message.text, MATCHED_MAX));
        let best = if text.is_empty() { bound } else { self.matcher.best(&text, bound, applies) };
        if best == NO_RULE && !special.again.is_empty() && moment.is_asked_again() {
            return special.again.iter().copied().find(|rank| applies(*rank)).unwrap_or(NO_RULE);
        }
        best
    }

    /// Asks by what stands behind the rule's keyword; nobody where that is nothing and the service needs some.
    fn ask(&self, service: &Service, fallback: String, rank: u32, values: &Values<'_>) -> Action {
        let text = normalise(cut(&values.message.text, MATCHED_MAX));
        let lookup = Lookup::new(service, self.matcher.behind_prefix(&text, rank));
        if lookup.question.is_empty() && service.needs_words() {
            return Action::Reply(Reply::Text { content: fallback });
        }
        let encoded = lookup.encode();
        Action::Ask { service: service.id.clone(), question: lookup.question, fallback, lookup: encoded }
    }

    fn act(&self, choice: &Choice, (rank, salt): (u32, &str), values: &Values<'_>) -> Action {
        let outcome = choose(choice, values.message.identity.as_str(), salt);
        match outcome.and_then(|reply| self.replies.get(reply as usize)) {
            None => Action::Nothing,
            Some(Line::HandOver { kf_account }) => Action::HandOver { kf_account: kf_account.clone() },
            Some(Line::Ask { service, fallback }) => self.ask(service, bounded(fallback.fill(values)), rank, values),
            Some(line) => render(line, values).map_or(Action::Nothing, Action::Reply),
        }
    }
}

/// A message, as dialogs ask the rules about it.
struct Asked<'a> {
    playbook: &'a Playbook,
    values: Values<'a>,
    memory: &'a Memory,
    /// Whether rules were asked, and none answered.
    is_unanswered: Cell<bool>,
}

impl Asked<'_> {
    /// What the rule of this rank says, or the default; and the dialog that it begins.
    fn by_rule(&self, rank: u32) -> (Answer, Option<usize>) {
        let Self { playbook, values, .. } = self;
        let rule = playbook.rules.get(rank as usize);
        self.is_unanswered.set(rule.is_none());
        values.closed.set(rule.and_then(|rule| match rule.conditions.hours {
            Some((hours, false)) => playbook.hours.get(hours as usize),
            _ => None,
        }));
        let action = match (rule, &playbook.default) {
            (Some(rule), _) => playbook.act(&rule.choice, (rank, &rule.id), values),
            (None, Some(default)) if values.message.kind.is_message() => playbook.act(default, (rank, ""), values),
            _ => Action::Nothing,
        };
        let left = rule.map(|rule| playbook.left(rank, &rule.id, values.message)).unwrap_or_default();
        let rule = rule.map(|rule| rule.id.clone());
        let answer = Answer { action, rule, pushes: playbook.push_choice(rank), conversation: None, left };
        (answer, playbook.dialogs.of_rule(rank))
    }
}

impl talk::Rules for Asked<'_> {
    fn usual(&self) -> (Answer, Option<usize>) {
        self.by_rule(self.playbook.rank_for(self, |_| true))
    }

    fn within(&self) -> Option<(Answer, Option<usize>)> {
        let within = &self.playbook.dialogs.within;
        if within.is_empty() {
            return None;
        }
        let rank = self.playbook.rank_for(self, |rank| within.binary_search(&rank).is_ok());
        (rank != NO_RULE).then(|| self.by_rule(rank))
    }

    fn now(&self) -> Local {
        self.values.now()
    }
}

/// What does not change while one message is answered. Hours are looked up once each, when a rule first asks.
struct Moment<'a, 'v> {
    hours: &'a [Hours],
    values: &'a Values<'v>,
    special: &'a Special,
    memory: &'a Memory,
    /// One bit for each of the hours: whether `open` knows.
    asked: Cell<u64>,
    open: Cell<u64>,
}

impl Moment<'_, '_> {
    fn allows(&self, rank: u32, conditions: &Conditions) -> bool {
        let touch = self.values.touch;
        let channels = &conditions.channels;
        let channel = touch.and_then(|touch| touch.channel.as_ref());
        conditions.hours.is_none_or(|(hours, open)| self.is_open(hours) == open)
            && conditions.fan.is_none_or(|fan| touch.is_some_and(|touch| touch.fan == fan))
            && (channels.is_empty() || channel.is_some_and(|channel| channels.binary_search(channel).is_ok()))
            && self.remembers(rank)
    }

    /// Whether what is remembered of the fan is as the rule wants it.
    fn remembers(&self, rank: u32) -> bool {
        const DAY: u64 = 86_400;
        let (Special { followed, not_yet, .. }, now) = (self.special, self.values.message.create_time);
        let span = of_rank(followed, rank).is_none_or(|span| match self.memory.since_follow(now) {
            // Longer ago than anything that is remembered.
            None => span.max.is_none(),
            Some(since) => {
                since >= u64::from(span.min) * DAY && span.max.is_none_or(|max| since < u64::from(max) * DAY)
            }
        });
        span && of_rank(not_yet, rank).is_none_or(|rules| !rules.iter().any(|rule| self.memory.has_had(*rule, now)))
    }

    fn is_asked_again(&self) -> bool {
        let message = self.values.message;
        question(message).is_some_and(|question| self.memory.asked_before(question, message.create_time))
    }

    fn is_open(&self, index: u32) -> bool {
        let bit = 1_u64.checked_shl(index).unwrap_or(0);
        if self.asked.get() & bit == 0 {
            let open = self.hours.get(index as usize).is_some_and(|hours| hours.open_at(self.values.now()));
            self.asked.set(self.asked.get() | bit);
            self.open.set(self.open.get() | if open { bit } else { 0 });
        }
        self.open.get() & bit != 0
    }
}

/// What a rule of this rank says, if it does.
fn of_rank<T>(said: &[(u32, T)], rank: u32) -> Option<&T> {
    let found = said.binary_search_by_key(&rank, |(rule, _)| *rule).ok()?;
    said.get(found).map(|(_, what)| what)
}

/// What a message asks; none where it brings no words.
fn question(message: &Inbound) -> Option<memory::Name> {
    let asks = matches!(message.kind, InboundKind::Text | InboundKind::Voice);
    let text = normalise(cut(&message.text, MATCHED_MAX));
    (asks && !text.is_empty()).then(|| memory::name(&text))
}

/// One of the outcomes, by weight. The draw is a hash of the event identity and the rule: the same for every retry,
/// independent from rule to rule.
fn choose(choice: &Choice, identity: &str, salt: &str) -> Outcome {
    if let [(outcome, _)] = choice.0.as_slice() {
        return *outcome;
    }
    let total: u64 = choice.0.iter().map(|(_, weight)| u64::from(*weight)).sum();
    // The upper half of a 128-bit product: uniform over 0..total, without a division.
    let mut drawn = ((u128::from(hash(identity, salt)) * u128::from(total)) >> 64) as u64;
    for (outcome, weight) in &choice.0 {
        match drawn.checked_sub(u64::from(*weight)) {
            None => return *outcome,
            Some(left) => drawn = left,
        }
    }
    None
}

/// FNV-1a over identity, a zero byte and salt, then SplitMix64's finaliser, because FNV's upper bits are poor and
/// [`choose`] uses those. Both are fixed for ever: another hash would answer a retry differently after a deploy.
fn hash(identity: &str, salt: &str) -> u64 {
    let bytes = identity.bytes().chain([0]).chain(salt.bytes());
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// None for what is no reply.
fn render(line: &Line, values: &Values<'_>) -> Option<Reply> {
    let fill = |template: &Option<Template>| template.as_ref().map(|template| template.fill(values));
    let fill_url = |template: &Option<Template>| template.as_ref().map(|template| template.fill_url(values));
    Some(match line {
        Line::Text { content } => Reply::Text { content: bounded(content.fill(values)) },
        Line::Image { media_id } => Reply::Image { media_id: media_id.clone() },
        Line::Voice { media_id } => Reply::Voice { media_id: media_id.clone() },
        Line::Video { media_id, title, description } => {
            Reply::Video { media_id: media_id.clone(), title: fill(title), description: fill(description) }
        }
        Line::Music(music) => Reply::Music {
            title: fill(&music.title),
            description: fill(&music.description),
            music_url: fill_url(&music.music_url),
            hq_music_url: fill_url(&music.hq_music_url),
            thumb_media_id: music.thumb_media_id.clone(),
        },
        Line::News { articles } => {
            let article = |line: &compiled::ArticleLine| Article {
                title: line.title.fill(values),
                description: line.description.fill(values),
                pic_url: line.pic_url.fill_url(values),
                url: line.url.fill_url(values),
            };
            Reply::News { articles: articles.iter().map(article).collect() }
        }
        Line::HandOver { .. } | Line::Ask { .. } => return None,
    })
}

/// The check keeps every text below the limit; this holds it for bytes that no check has seen.
fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_MAX));
    text
}
