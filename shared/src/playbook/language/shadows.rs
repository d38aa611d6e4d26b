//! Rules and keywords that can never be reached because an earlier rule takes all that is theirs.
//!
//! What is reported is certain: the earlier rule wins whenever the later one could. Regexes are taken to match nothing
//! else's texts, so some shadows go unseen.

use super::rules::RuleDraft;
use crate::playbook::{
    compiled::{Conditions, Keyword, Place},
    matcher::Automatic,
    problem::Findings,
};

const HELP: &str = "put this rule before it, give this one a higher priority, or drop it";
const AGAIN_HELP: &str = "a rule with `again` takes part where no other answers; make the other rule the `default`";

/// Reports what is out of reach among `rules`, which stand best first.
pub(super) fn report(rules: &[RuleDraft<'_>], findings: &Findings<'_>) {
    let reached: Vec<bool> = (0..rules.len()).map(|rank| whole_rule(rules, rank, findings)).collect();
    let keywords: Vec<Keyword<'_>> = keywords(rules).collect();
    let Some(automatic) = (!keywords.is_empty()).then(|| Automatic::new(&keywords).ok()).flatten() else { return };
    let drafts = rules.iter().flat_map(|rule| &rule.keywords);
    for (draft, keyword) in drafts.zip(&keywords).filter(|(_, k)| reached.get(k.rule as usize) == Some(&true)) {
        let Some(later) = rules.get(keyword.rule as usize) else { continue };
        let mut by: Option<&Keyword<'_>> = None;
        // Whoever finds a keyword's own text finds every text that the keyword does, as far as places allow.
        automatic.each(keyword.text, |found| {
            let (Some(other), Some(earlier)) = (keywords.get(found.keyword), rules.get(found.rule as usize)) else {
                return;
            };
            let sooner = other.rule < keyword.rule && by.is_none_or(|by| other.rule < by.rule);
            if sooner && place_covers(other.place, keyword.place) && covers(earlier, later) {
                by = Some(other);
            }
        });
        if let Some((by, earlier)) = by.and_then(|by| Some((by, rules.get(by.rule as usize)?))) {
            let (word, line) = (draft.word.text, findings.line(earlier.at));
            let message =
                format!("`{word}` never gets here: rule `{}` on line {line} takes `{}`", earlier.rule.id, by.text);
            findings.add(draft.word.at(), message, HELP);
        }
    }
}

/// Every keyword of the rules, in their order.
fn keywords<'a>(rules: &'a [RuleDraft<'_>]) -> impl Iterator<Item = Keyword<'a>> {
    let of = |(rule, draft): (u32, &'a RuleDraft<'_>)| {
        draft.keywords.iter().map(move |k| Keyword { text: &k.normal, place: k.place, rule })
    };
    (0..).zip(rules).flat_map(of)
}

/// Reports a rule all of whose messages an earlier rule without `match` takes, or of an `again` any rule without; else says true.
fn whole_rule(rules: &[RuleDraft<'_>], rank: usize, findings: &Findings<'_>) -> bool {
    let Some((later, before)) = rules.get(rank).zip(rules.get(..rank)) else { return true };
    // It comes behind all others, wherever it stands.
    let (before, help) = if later.special.again { (rules, AGAIN_HELP) } else { (before, HELP) };
    let taker = before.iter().find(|earlier| !earlier.rule.matches && covers(earlier, later));
    if let Some(earlier) = taker {
        let (id, line) = (&earlier.rule.id, findings.line(earlier.at));
        findings.add(
            later.at,
            format!("rule `{}` is never reached: rule `{id}` on line {line} takes all of it", later.rule.id),
            help,
        );
    }
    taker.is_none()
}

/// Whether the earlier rule's kinds and conditions hold whenever the later one's do.
fn covers(earlier: &RuleDraft<'_>, later: &RuleDraft<'_>) -> bool {
    let (wide, narrow) = (&earlier.rule, &later.rule);
    !earlier.special.is_choosy()
        && !narrow.kinds.is_empty()
        && wide.kinds.covers(narrow.kinds)
        && holds(&wide.conditions, &narrow.conditions)
}

fn holds(wide: &Conditions, narrow: &Conditions) -> bool {
    let channels = || narrow.channels.iter().all(|channel| wide.channels.binary_search(channel).is_ok());
    (wide.hours.is_none() || wide.hours == narrow.hours)
        && (wide.fan.is_none() || wide.fan == narrow.fan)
        && (wide.channels.is_empty() || (!narrow.channels.is_empty() && channels()))
}

/// Whether a word that must stand at `wide`, and does so within the other keyword, does so in every text of the other.
fn place_covers(wide: Place, narrow: Place) -> bool {
    match wide {
        Place::Contains => true,
        Place::Prefix => narrow != Place::Contains,
        Place::Exact => narrow == Place::Exact,
    }
}
