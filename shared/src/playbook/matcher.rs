//! From a text to the best rule that its words are for.
//!
//! Words that must be the whole text are looked up in a sorted list. All other keywords of all rules are one Aho-Corasick
//! automaton, walked once over the text; what it costs is a matter of the text's length and not of the number of keywords. (Only
//! building it is, and every instance does that, so nothing is in it that need not be.) Regexes come last, and only those of rules
//! that would still win.

use super::compiled::{Keyword, LoadError, Pattern, Place};
use aho_corasick::{
    Anchored, MatchKind,
    automaton::{Automaton, StateID},
    nfa::contiguous::NFA,
};
use regex_lite::{Regex, RegexBuilder};
use std::sync::OnceLock;

/// The largest compiled regex in bytes, as `regex-lite` counts.
const REGEX_BYTES_MAX: usize = 64 * 1024;

/// States this many bytes from the start have a table for every byte: the three bytes of the first Chinese character.
/// Behind it few keywords are left, and a short list is as fast and far smaller.
const DENSE_DEPTH: usize = 3;

/// The keywords' automaton. A match's number is the keyword's.
#[derive(Debug)]
pub(super) struct Automatic {
    nfa: NFA,
    start: StateID,
    keywords: Vec<(Place, u32)>,
}

/// A keyword found in a text.
pub(super) struct Found {
    /// Which, in the order they were given.
    pub(super) keyword: usize,
    pub(super) rule: u32,
    /// How long it is, where it stands at the beginning and must; else 0.
    prefix: usize,
}

impl Automatic {
    pub(super) fn new(keywords: &[Keyword<'_>]) -> Result<Self, LoadError> {
        let mut builder = NFA::builder();
        builder.match_kind(MatchKind::Standard).prefilter(false).dense_depth(DENSE_DEPTH);
        let nfa = builder.build(keywords.iter().map(|k| k.text)).map_err(|_| LoadError::Damaged)?;
        let start = nfa.start_state(Anchored::No).map_err(|_| LoadError::Damaged)?;
        Ok(Self { nfa, start, keywords: keywords.iter().map(|k| (k.place, k.rule)).collect() })
    }

    /// Tells `see` every keyword in `text` that stands where it must.
    pub(super) fn each(&self, text: &str, mut see: impl FnMut(Found)) {
        let mut state = self.start;
        for (at, byte) in text.bytes().enumerate() {
            state = self.nfa.next_state(Anchored::No, state, byte);
            if !self.nfa.is_match(state) {
                continue;
            }
            let end = at + 1;
            for index in 0..self.nfa.match_len(state) {
                let pattern = self.nfa.match_pattern(state, index);
                let Some(&(place, rule)) = self.keywords.get(pattern.as_usize()) else { continue };
                let at_start = || self.nfa.pattern_len(pattern) == end;
                let fits = match place {
                    Place::Contains => true,
                    Place::Prefix => at_start(),
                    Place::Exact => end == text.len() && at_start(),
                };
                if fits {
                    let prefix = if place == Place::Prefix { end } else { 0 };
                    see(Found { keyword: pattern.as_usize(), rule, prefix });
                }
            }
        }
    }
}

/// The keywords and regexes of a playbook.
#[derive(Debug)]
pub(super) struct Matcher {
    /// Words that are the whole text, sorted, and the rules they are for.
    exact: Vec<(Box<str>, u32)>,
    /// The other keywords; none: there are none.
    keywords: Option<Automatic>,
    /// Compiled when first asked for; none: it does not compile, which the check does not let pass.
    regexes: Vec<(Pattern, OnceLock<Option<Regex>>)>,
}

impl Matcher {
    pub(super) fn new(keywords: &[Keyword<'_>], regexes: Vec<Pattern>) -> Result<Self, LoadError> {
        let (exact, within): (Vec<_>, Vec<_>) =
            keywords.iter().cloned().partition(|keyword| keyword.place == Place::Exact);
        let mut exact: Vec<_> = exact.into_iter().map(|keyword| (keyword.text.into(), keyword.rule)).collect();
        exact.sort_unstable();
        let keywords = if within.is_empty() { None } else { Some(Automatic::new(&within)?) };
        let regexes = regexes.into_iter().map(|regex| (regex, OnceLock::new())).collect();
        Ok(Self { exact, keywords, regexes })
    }

    /// What stands behind the longest keyword of a rule's that must begin the text and does; the whole text where none does.
    pub(super) fn behind_prefix<'t>(&self, text: &'t str, rule: u32) -> &'t str {
        let mut longest = 0;
        if let Some(keywords) = &self.keywords {
            keywords.each(text, |found| {
                if found.rule == rule {
                    longest = longest.max(found.prefix);
                }
            });
        }
        text.get(longest..).unwrap_or(text)
    }

    /// The best rule (the lowest) below `bound` that a word of the normalised text is for and that `applies`; else
    /// `bound`.
    pub(super) fn best(&self, text: &str, bound: u32, applies: impl Fn(u32) -> bool) -> u32 {
        let mut best = bound;
        let same = self.exact.partition_point(|(word, _)| **word < *text);
        let same = self.exact.iter().skip(same).take_while(|(word, _)| **word == *text).map(|(_, rule)| *rule);
        // The best comes first.
        if let Some(rule) = same.take_while(|rule| *rule < bound).find(|rule| applies(*rule)) {
            best = rule;
        }
        if let Some(keywords) = &self.keywords {
            keywords.each(text, |found| {
                if found.rule < best && applies(found.rule) {
                    best = found.rule;
                }
            });
        }
        for (pattern, compiled) in &self.regexes {
            if pattern.rule >= best {
                break;
            }
            let regex = || compiled.get_or_init(|| regex(&pattern.regex).ok()).as_ref();
            if applies(pattern.rule) && regex().is_some_and(|regex| regex.is_match(text)) {
                best = pattern.rule;
            }
        }
        best
    }
}

/// A regex as a rule's `match` means it: over normalised text, whose letters are small, so case does not count.
pub(super) fn regex(pattern: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(pattern).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build()
}
