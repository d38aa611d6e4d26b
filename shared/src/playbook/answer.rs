//! From a message to what the brand says.

use super::{
    channels::Channels,
    compiled::{self, Body, Choice, Conditions, Line, LoadError, Outcome, PushRules, Rule},
    hours::Hours,
    inbound::{Action, Answer, Inbound, InboundKind},
    matcher::Matcher,
    normal::{MATCHED_MAX, cut, normalise},
    talk::{self, form::Dialogs},
    template::{Template, Values},
};
use crate::{
    facts::{PushChoice, Touch},
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
        let (body, push_rules, dialogs) = rest.body()?;
        let Body { offset, hours, replies, rules, default, keywords, regexes, lengths: _ } = body;
        let mut unmatched: [Vec<u32>; InboundKind::ALL.len()] = Default::default();
        for (rank, rule) in (0..).zip(&rules).filter(|(_, rule)| !rule.matches) {
            for kind in rule.kinds.iter() {
                if let Some(ranks) = unmatched.get_mut(kind as usize) {
                    ranks.push(rank);
                }
            }
        }
        let matcher = Matcher::new(&keywords, regexes)?;
        let channels = Channels::new(channels);
        Ok(Self { channels, offset, hours, replies, rules, push_rules, default, matcher, unmatched, dialogs })
    }

    /// The answer to one message. Pure: the same arguments give the same answer in any instance and at any time.
    ///
    /// `touch` is what [`Scan::touch`](super::Scan::touch) said of the event; `conversation` is what the last answer to this fan gave.
    pub fn answer(&self, message: &Inbound, touch: Option<&Touch>, conversation: Option<&[u8]>) -> Answer {
        let channel = touch.and_then(|touch| touch.channel.as_deref());
        let channel_name = channel.map_or("", |channel| self.channels.name(channel));
        let asked = Asked { playbook: self, values: Values::new(message, touch, channel_name, self.offset) };
        if self.converses() {
            talk::answer(&self.dialogs, message, conversation, &asked)
        } else {
            self.by_rule(self.rank_for(&asked.values, |_| true), &asked.values)
        }
    }

    /// Whether an answer may depend on the conversation: whether a look into the store for it is worth while.
    pub fn converses(&self) -> bool {
        !self.dialogs.dialogs.is_empty()
    }

    /// What the rule of this rank says, or the default.
    fn by_rule(&self, rank: u32, values: &Values<'_>) -> Answer {
        let rule = self.rules.get(rank as usize);
        let action = match (rule, &self.default) {
            (Some(rule), _) => self.act(&rule.choice, (rank, &rule.id), values),
            (None, Some(default)) if values.message.kind.is_message() => self.act(default, (rank, ""), values),
            _ => Action::Nothing,
        };
        let rule = rule.map(|rule| rule.id.clone());
        Answer { action, rule, pushes: self.push_choice(rank), conversation: None, left: Vec::new() }
    }

    fn push_choice(&self, rank: u32) -> Option<PushChoice> {
        let found = self.push_rules.binary_search_by_key(&rank, |(rule, _)| *rule).ok()?;
        self.push_rules.get(found).map(|(_, choice)| *choice)
    }

    /// The rank of the rule that answers, of those that are `heard`; [`NO_RULE`] where none does.
    fn rank_for(&self, values: &Values<'_>, heard: impl Fn(u32) -> bool) -> u32 {
        let moment = Moment { hours: &self.hours, values, asked: Cell::new(0), open: Cell::new(0) };
        let kind = values.message.kind;
        let applies = |rank: u32| {
            let rule = self.rules.get(rank as usize);
            rule.is_some_and(|rule| rule.kinds.contains(kind) && moment.allows(&rule.conditions) && heard(rank))
        };
        let unmatched = self.unmatched.get(kind as usize).map_or(&[][..], Vec::as_slice);
        let bound = unmatched.iter().copied().find(|rank| applies(*rank)).unwrap_or(NO_RULE);
        let text = normalise(cut(&values.message.text, MATCHED_MAX));
        if text.is_empty() { bound } else { self.matcher.best(&text, bound, applies) }
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
}

impl Asked<'_> {
    fn by_rule(&self, rank: u32) -> (Answer, Option<usize>) {
        (self.playbook.by_rule(rank, &self.values), self.playbook.dialogs.of_rule(rank))
    }
}

impl talk::Rules for Asked<'_> {
    fn usual(&self) -> (Answer, Option<usize>) {
        self.by_rule(self.playbook.rank_for(&self.values, |_| true))
    }

    fn within(&self) -> Option<(Answer, Option<usize>)> {
        let within = &self.playbook.dialogs.within;
        if within.is_empty() {
            return None;
        }
        let rank = self.playbook.rank_for(&self.values, |rank| within.binary_search(&rank).is_ok());
        (rank != NO_RULE).then(|| self.by_rule(rank))
    }

    fn now(&self) -> Local {
        self.values.now()
    }
}

/// What does not change while one message is answered. Hours are looked up once each, when a rule first asks.
struct Moment<'a> {
    hours: &'a [Hours],
    values: &'a Values<'a>,
    /// One bit for each of the hours: whether `open` knows.
    asked: Cell<u64>,
    open: Cell<u64>,
}

impl Moment<'_> {
    fn allows(&self, conditions: &Conditions) -> bool {
        let touch = self.values.touch;
        let channels = &conditions.channels;
        let channel = touch.and_then(|touch| touch.channel.as_ref());
        conditions.hours.is_none_or(|(hours, open)| self.is_open(hours) == open)
            && conditions.fan.is_none_or(|fan| touch.is_some_and(|touch| touch.fan == fan))
            && (channels.is_empty() || channel.is_some_and(|channel| channels.binary_search(channel).is_ok()))
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
