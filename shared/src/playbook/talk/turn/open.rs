//! Questions that are asked, and runs that begin or go on.

use super::{Outcome, Turn};
use crate::{
    facts::{
        dialog::{self, Left, What},
        request,
    },
    playbook::{
        inbound::{Action, Answer},
        talk::{
            Rules,
            form::{Dialog, Go, Step},
            say,
            state::{self, Asking, Run},
            understand::yes_or_no,
        },
    },
    wechat::{Reply, reply::TEXT_MAX},
};

impl<'a, R: Rules> Turn<'a, R> {
    /// The open question.
    pub(super) fn question(&self, dialog: &Dialog, run: &Run) -> String {
        let Some(step) = dialog.steps.iter().find(|step| step.id == run.step) else { return String::new() };
        let known = step.save.as_deref().and_then(|name| self.state.known(name, self.at));
        say::question(dialog, step, run, known.map(|(_, words)| words))
    }

    /// Opens a question.
    pub(super) fn ask(&self, run: &mut Run, dialog: &Dialog, step: &Step) -> String {
        let known = step.save.as_deref().is_some_and(|name| self.state.known(name, self.at).is_some());
        run.step.clone_from(&step.id);
        run.misses = 0;
        run.asking = if known && step.known.is_some() { Asking::Known } else { Asking::Answer };
        self.question(dialog, run)
    }

    /// Goes on from a question that is closed.
    pub(super) fn go(&mut self, mut run: Run, dialog: &'a Dialog, go: Go) -> Outcome {
        run.turn = run.turn.saturating_add(1);
        match go {
            Go::Step(place) => match dialog.steps.get(place as usize) {
                Some(step) => {
                    let says = self.ask(&mut run, dialog, step);
                    self.stay(run, says)
                }
                None => self.finish(run, dialog),
            },
            Go::Done => self.finish(run, dialog),
            Go::Leave => self.leave(run, say::LEFT),
        }
    }

    /// A line of ours, and the open question again.
    pub(super) fn again(&mut self, run: Run, dialog: &'a Dialog, line: &str) -> Outcome {
        let says = say::before(line, self.question(dialog, &run));
        self.stay(run, says)
    }

    /// The run stays open.
    pub(super) fn stay(&mut self, run: Run, says: String) -> Outcome {
        if self.left.steps.is_empty() {
            self.note(&run, What::Heard { step: run.step.clone() });
        }
        self.state.open = Some(run);
        let answer = self.text_answer(says);
        self.step(answer)
    }

    pub(super) fn note(&mut self, run: &Run, what: What) {
        self.left.steps.push(dialog::Step { dialog: run.dialog.clone(), run: run.id, what });
    }

    /// An answer with all that the message left.
    pub(super) fn step(&mut self, mut answer: Answer) -> Outcome {
        if let Action::Reply(Reply::Text { content }) = &mut answer.action {
            // The check keeps each text below; this holds it where two are joined.
            content.truncate(content.floor_char_boundary(TEXT_MAX));
        }
        let (rules, own) = (Left::decode(&answer.left).unwrap_or_default(), std::mem::take(&mut self.left));
        let requests = rules.requests.into_iter().chain(own.requests).collect();
        answer.left = Left { steps: own.steps, requests, handed_over: false }.encode();
        Outcome::Step(answer)
    }

    /// A start word, or a rule whose answer stands before the question.
    pub(super) fn start(&mut self, dialog: usize, before: Option<Answer>) -> Outcome {
        let Some(dialog) = self.dialogs.dialogs.get(dialog) else {
            return Outcome::Usual(before.unwrap_or_else(|| self.rules.usual().0));
        };
        if self.can_go_on(&self.state.parked, dialog) && !self.can_go_on(&self.state.open, dialog) {
            std::mem::swap(&mut self.state.open, &mut self.state.parked);
        }
        if self.can_go_on(&self.state.open, dialog)
            && let Some(run) = self.state.open.take()
        {
            return self.resume(run, dialog, before);
        }
        if let Some(says) = self.state.result(&dialog.id, self.at) {
            let says = self.text_answer(says.to_owned());
            return Outcome::Usual(joined(before, says));
        }
        if let Some(run) = self.state.open.take() {
            self.park(run);
        }
        self.begin(dialog, before)
    }

    fn can_go_on(&self, run: &Option<Run>, dialog: &Dialog) -> bool {
        run.as_ref().is_some_and(|run| run.dialog == dialog.id && self.can_be_resumed(run))
    }

    /// Puts a run aside for another; what was aside before is left.
    fn park(&mut self, run: Run) {
        let other = if self.can_be_resumed(&run) { self.state.parked.replace(run) } else { Some(run) };
        if let Some(other) = other {
            self.note(&other, What::Left { step: other.step.clone() });
        }
    }

    fn resume(&mut self, mut run: Run, dialog: &'a Dialog, before: Option<Answer>) -> Outcome {
        let slept = self.at.0.saturating_sub(run.heard.0) > u64::from(dialog.idle) || run.asking == Asking::GoOn;
        run.heard = run.heard.max(self.at);
        run.since = run.since.max(self.at);
        let Some(place) = dialog.place(&run.step) else { return self.mend(run, dialog) };
        let question = match dialog.steps.get(place) {
            Some(step) if run.asking == Asking::GoOn => self.ask(&mut run, dialog, step),
            _ => self.question(dialog, &run),
        };
        let says = if slept { say::before(say::GOES_ON, question) } else { question };
        let says = joined(before, self.text_answer(says));
        self.note(&run, What::Heard { step: run.step.clone() });
        self.state.open = Some(run);
        self.step(says)
    }

    /// A run from its first question.
    pub(super) fn begin(&mut self, dialog: &'a Dialog, before: Option<Answer>) -> Outcome {
        let mut run = Run {
            dialog: dialog.id.clone(),
            id: u64::from_be_bytes(state::event(&self.message.identity)),
            number: request::number(&self.message.identity, &dialog.id),
            since: self.at,
            heard: self.at,
            step: String::new(),
            asking: Asking::Answer,
            turn: 0,
            misses: 0,
            answers: Vec::new(),
        };
        self.note(&run, What::Begun);
        let Some(step) = dialog.steps.first() else { return self.finish(run, dialog) };
        let says = self.ask(&mut run, dialog, step);
        let says = joined(before, self.text_answer(says));
        self.state.open = Some(run);
        self.step(says)
    }

    /// The answer to "go on with the other?"; whatever else is said is answered as usual.
    pub(super) fn go_on(&mut self, mut run: Run, dialog: &'a Dialog, text: &str) -> Outcome {
        match say::tapped_yes(text).or_else(|| yes_or_no(text)) {
            Some(true) => {
                run.turn = run.turn.saturating_add(1);
                match dialog.place(&run.step).and_then(|place| dialog.steps.get(place)) {
                    Some(step) => {
                        let says = self.ask(&mut run, dialog, step);
                        self.stay(run, says)
                    }
                    None => self.mend(run, dialog),
                }
            }
            Some(false) => self.leave(run, say::LEFT),
            None => match self.dialogs.started_by(self.word) {
                Some(other) => self.start(other, None),
                None => match self.rules.usual() {
                    (answer, Some(other)) => self.start(other, Some(answer)),
                    (answer, None) => Outcome::Usual(answer),
                },
            },
        }
    }

    /// A new follow: what was open before the fan went is closed.
    pub(super) fn followed(&mut self) -> Outcome {
        let mut closed = false;
        for run in [self.state.open.take(), self.state.parked.take()].into_iter().flatten() {
            if run.since < self.at {
                self.note(&run, What::Left { step: run.step.clone() });
                closed = true;
            } else {
                self.state.open = Some(run);
            }
        }
        match self.rules.usual() {
            (answer, Some(dialog)) => self.start(dialog, Some(answer)),
            (answer, None) if closed => self.step(answer),
            (answer, None) => Outcome::Usual(answer),
        }
    }
}

/// The question behind what a rule says. Two texts become one; of anything else the question goes.
fn joined(before: Option<Answer>, mut question: Answer) -> Answer {
    let Some(before) = before else { return question };
    if let (Action::Reply(Reply::Text { content: first }), Action::Reply(Reply::Text { content })) =
        (&before.action, &mut question.action)
        && first.len() + content.len() + 2 <= TEXT_MAX
    {
        *content = format!("{first}\n\n{content}");
    }
    Answer { action: question.action, ..before }
}
