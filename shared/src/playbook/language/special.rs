//! Reads what few rules say: `followed`, `not_yet`, `again`, `request`; and holds what `{opening}` needs.

use super::{
    reader::{Fields, Word},
    segment,
};
use crate::playbook::{
    compiled::Special,
    inbound::{InboundKind, Kinds},
    memory::{self, HAD_MAX},
    problem::{Findings, did_you_mean},
    pushes::DaysAgo,
};
use std::collections::BTreeSet;

/// The most rules that a `not_yet` names.
pub(super) const NOT_YET_MAX: usize = 16;
/// The most rules that all `not_yet` name together.
pub(super) const NOT_YET_ALL_MAX: usize = HAD_MAX;
/// What a rule may request.
pub(super) const REQUESTS: [&str; 1] = ["person"];

/// What one rule says.
#[derive(Default)]
pub(super) struct SpecialDraft<'d> {
    pub(super) wants_person: bool,
    pub(super) again: bool,
    followed: Option<DaysAgo>,
    not_yet: Vec<Word<'d>>,
}

impl SpecialDraft<'_> {
    /// Whether the rule holds for some only of those fans of whom its other conditions hold.
    pub(super) fn is_choosy(&self) -> bool {
        self.again || self.followed.is_some() || !self.not_yet.is_empty()
    }
}

pub(super) fn read<'d>(fields: &mut Fields<'d, '_>, kinds: Kinds, matches: bool) -> SpecialDraft<'d> {
    SpecialDraft {
        wants_person: request(fields),
        again: again(fields, kinds, matches),
        followed: followed(fields, kinds),
        not_yet: not_yet(fields),
    }
}

fn request(fields: &mut Fields<'_, '_>) -> bool {
    let Some(word) = fields.text("request") else { return false };
    let known = REQUESTS.contains(&word.text);
    if !known {
        let help = did_you_mean(word.text, REQUESTS, "write request = \"person\"");
        fields.findings.add(word.at(), format!("`{}` is nothing to request", word.text), help);
    }
    known
}

fn again(fields: &mut Fields<'_, '_>, kinds: Kinds, matches: bool) -> bool {
    let Some(value) = fields.get("again") else { return false };
    let (at, findings) = (value.span().start, fields.findings);
    if value.get_ref().as_bool() != Some(true) {
        findings.add(at, "`again` is true or absent", "write again = true, or drop it");
        return false;
    }
    if matches {
        let message = "a rule with `again` takes what no other rule takes, so it has no `match`";
        findings.add(at, message, "drop `match`, or make it two rules");
    }
    let asks = |kind: &InboundKind| matches!(kind, InboundKind::Text | InboundKind::Voice);
    if let Some(kind) = kinds.iter().find(|kind| !asks(kind)) {
        let message = format!("`{}` brings no question that could be asked again", kind.name());
        findings.add(at, message, "write on = [\"text\", \"voice\"]");
    }
    true
}

fn followed(fields: &mut Fields<'_, '_>, kinds: Kinds) -> Option<DaysAgo> {
    let word = fields.text("followed")?;
    let at = word.at();
    let span = segment::days_ago(Some(word), fields.findings)?;
    if span.max.is_some_and(|max| max <= span.min) {
        let message = "this is no time: in a rule a span ends where its last day begins";
        fields.findings.add(at, message, "write \"-2\" for the first 48 hours, \"2-7\" for the days after them");
    }
    if kinds.contains(InboundKind::Subscribe) {
        let message = "on `subscribe` the fan has only just followed, so `followed` says nothing";
        fields.findings.add(at, message, "drop it, or make it a rule on \"text\"");
    }
    Some(span)
}

fn not_yet<'d>(fields: &mut Fields<'d, '_>) -> Vec<Word<'d>> {
    let words = fields.texts("not_yet");
    if let Some(word) = words.get(NOT_YET_MAX) {
        let message = format!("`not_yet` has more than {NOT_YET_MAX} entries");
        fields.findings.add(word.at(), message, "name the few that matter");
    }
    words
}

/// What all rules say, by their ids; the best stands first.
pub(super) fn all(rules: &[(&str, &SpecialDraft<'_>)], findings: &Findings<'_>) -> Special {
    let ids: BTreeSet<&str> = rules.iter().map(|(id, _)| *id).collect();
    let (mut special, mut named) = (Special::default(), BTreeSet::new());
    for (rank, (_, said)) in (0..).zip(rules) {
        said.wants_person.then(|| special.wants_person.push(rank));
        said.again.then(|| special.again.push(rank));
        special.followed.extend(said.followed.map(|span| (rank, span)));
        for word in &said.not_yet {
            if !ids.contains(word.text) {
                let help = did_you_mean(word.text, ids.iter().copied(), "name the `id` of a rule");
                findings.add(word.at(), format!("there is no rule `{}`", word.text), help);
            }
            named.insert(word.text);
            if named.len() == NOT_YET_ALL_MAX + 1 {
                let message = format!("all `not_yet` together name more than {NOT_YET_ALL_MAX} rules");
                findings.add(word.at(), message, "name the few that matter");
            }
        }
        if !said.not_yet.is_empty() {
            special.not_yet.push((rank, said.not_yet.iter().map(|word| memory::name(word.text)).collect()));
        }
    }
    special
}

/// Reports an `{opening}` in the answer of a rule that does not hold outside of hours.
pub(super) fn opening(tells: bool, outside: bool, at: usize, findings: &Findings<'_>) {
    if tells && !outside {
        let message = "`{opening}` is when hours open next, and this answer is not one outside of hours";
        findings.add(at, message, "add outside = \"…\" to the rule, or drop the placeholder");
    }
}
