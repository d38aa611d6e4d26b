//! What happened, in numbers.

use crate::{
    judge::Verdict,
    trace::{Outcome, Trace},
};
use std::collections::BTreeMap;

/// The numbers of one trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Fans who did anything.
    pub fans: usize,
    /// Messages and events, each counted once however many tries it took.
    pub messages: usize,
    /// Messages by `MsgType`, events by `Event`.
    pub kinds: BTreeMap<&'static str, usize>,
    /// Messages by [`Verdict::name`].
    pub verdicts: BTreeMap<&'static str, usize>,
    /// What fans saw, most often first.
    pub seen: Vec<(String, usize)>,
    /// Faults by their sentence, most often first.
    pub faults: Vec<(String, usize)>,
    /// Notices that fans saw.
    pub notices: usize,
    /// Tries by what became of them.
    pub tries: BTreeMap<Outcome, usize>,
    /// Tries after a message's first.
    pub retries: usize,
    /// Answers to retries that could be compared with the answer to an earlier try …
    pub compared: usize,
    /// … and those that were not the same.
    pub differing: usize,
}

impl Summary {
    /// Counts.
    pub fn of(trace: &Trace) -> Self {
        let mut summary = Self { messages: trace.0.len(), ..Self::default() };
        let mut fans = BTreeMap::<_, usize>::new();
        let mut seen = BTreeMap::<_, usize>::new();
        let mut faults = BTreeMap::<_, usize>::new();
        for entry in &trace.0 {
            *fans.entry(entry.fan).or_default() += 1;
            *summary.kinds.entry(entry.act.kind()).or_default() += 1;
            *summary.verdicts.entry(entry.delivered.verdict.name()).or_default() += 1;
            match &entry.delivered.verdict {
                Verdict::Shown(what) => *seen.entry(what.to_string()).or_default() += 1,
                Verdict::Fault(fault) => *faults.entry(fault.to_string()).or_default() += 1,
                Verdict::Silent | Verdict::NoAnswer => {}
            }
            for outcome in &entry.delivered.tries {
                *summary.tries.entry(*outcome).or_default() += 1;
            }
            summary.notices += usize::from(entry.notice.is_some());
            summary.retries += entry.delivered.tries.len().saturating_sub(1);
            summary.compared += entry.delivered.compared;
            summary.differing += entry.delivered.differing;
        }
        Self { fans: fans.len(), seen: ranked(seen), faults: ranked(faults), ..summary }
    }

    /// Requests that reached the server whole, as far as is known.
    pub fn arrived(&self) -> usize {
        let lost = [Outcome::ResetBefore, Outcome::Broken].map(|outcome| self.tries_that(outcome));
        self.tries.values().sum::<usize>() - lost.iter().sum::<usize>()
    }

    /// How many tries ended so.
    pub fn tries_that(&self, outcome: Outcome) -> usize {
        self.tries.get(&outcome).copied().unwrap_or_default()
    }

    /// Whether the brand did all it must: no fault, no message without an answer, no retry with another answer.
    pub fn is_clean(&self) -> bool {
        let unanswered = self.verdicts.contains_key(Verdict::NoAnswer.name());
        self.faults.is_empty() && !unanswered && self.differing == 0
    }
}

/// Most often first, then by name.
fn ranked(counts: BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::Delivered,
        judge::{Fault, Seen},
        scenario::Act,
        trace::Entry,
    };

    #[test]
    fn a_fault_silence_after_all_tries_or_another_answer_to_a_retry_is_not_clean() {
        let shown = || Verdict::Shown(Seen::Text("a".into()));
        let cases = [
            (shown(), 0, true),
            (Verdict::Silent, 0, true),
            (shown(), 1, false),
            (Verdict::NoAnswer, 0, false),
            (Verdict::Fault(Fault::NotUtf8), 0, false),
        ];
        for (verdict, differing, clean) in cases {
            let tries = vec![Outcome::Late, Outcome::Answered];
            let delivered = Delivered { tries, verdict, compared: 1, differing };
            let entry = Entry { step: 0, fan: 0, at: 0, act: Act::Image, delivered, notice: None };
            let trace = Trace(vec![entry]);
            assert_eq!(Summary::of(&trace).is_clean(), clean, "{trace}");
        }
    }
}
