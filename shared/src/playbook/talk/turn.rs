//! One message in a dialog, or at its beginning.

mod close;
mod open;

use super::{
    Rules,
    form::{Dialog, Dialogs, GiveUp, Go, Step, Take},
    say,
    state::{A_DAY, Asking, Given, Run, State},
    understand::{self, Meaning},
};
use crate::{
    facts::{
        PushChoice,
        dialog::{Left, Saved, What},
    },
    playbook::inbound::{Action, Answer, Inbound, InboundKind},
    time::Timestamp,
    wechat::{Reply, reply::TEXT_MAX},
};

/// Built in: takes away all that the fan said.
const FORGET: &str = "删除资料";

/// What a message came to.
pub(super) enum Outcome {
    /// No step was made: nothing is to be remembered.
    Usual(Answer),
    Step(Answer),
}

pub(super) struct Turn<'a, R> {
    dialogs: &'a Dialogs,
    message: &'a Inbound,
    /// Its text, normalised.
    text: &'a str,
    /// The same without what WeChat's recognition of speech, or a hurried thumb, puts behind a word.
    word: &'a str,
    at: Timestamp,
    rules: &'a R,
    pub(super) state: State,
    left: Left,
}

impl<'a, R: Rules> Turn<'a, R> {
    pub(super) fn new(dialogs: &'a Dialogs, message: &'a Inbound, text: &'a str, state: State, rules: &'a R) -> Self {
        let word = text.trim_end_matches(['。', '.', '!', '~']);
        Self { dialogs, message, text, word, at: message.create_time, rules, state, left: Left::default() }
    }

    /// The answer to a try whose first answer may be forgotten: no step, and nothing begins.
    pub(super) fn late(&mut self) -> Answer {
        match self.live() {
            Some((run, dialog)) if self.is_spoken() => {
                self.note(&run, What::Heard { step: run.step.clone() });
                let says = self.question(dialog, &run);
                Answer { left: self.left.encode(), ..self.text_answer(says) }
            }
            _ => self.rules.usual().0,
        }
    }

    pub(super) fn hear(&mut self) -> Outcome {
        if self.message.kind == InboundKind::Subscribe {
            return self.followed();
        }
        if self.is_spoken() && self.word == FORGET {
            return self.forget();
        }
        if self.state.open.as_ref().is_some_and(|run| self.at <= run.since) {
            // Written before the question: no answer to it, and not the beginning of another.
            return Outcome::Usual(self.rules.usual().0);
        }
        if let Some((run, dialog)) = self.live()
            && self.is_for(&run, dialog)
        {
            return self.within(run, dialog);
        }
        if self.is_spoken() {
            if let Some(dialog) = self.dialogs.started_by(self.word) {
                return self.start(dialog, None);
            }
            if let Some((say, sign)) = say::tapped(self.text) {
                if let Some((run, dialog)) = self.asleep(sign) {
                    return self.within(run, dialog);
                }
                if self.dialogs.offers(say) || say::tapped_yes(say).is_some() {
                    return Outcome::Usual(self.text_answer(say::ANSWERED.to_owned()));
                }
            }
        }
        match self.rules.usual() {
            (answer, Some(dialog)) => self.start(dialog, Some(answer)),
            (answer, None) => Outcome::Usual(answer),
        }
    }

    fn is_spoken(&self) -> bool {
        matches!(self.message.kind, InboundKind::Text | InboundKind::Voice)
    }

    /// Whether the message may answer the open question.
    fn is_for(&self, run: &Run, dialog: &Dialog) -> bool {
        use InboundKind::{File, Image, Location, ShortVideo, Text, Video, Voice};
        match self.message.kind {
            Text | Voice => true,
            Image | Video | ShortVideo | File => run.asking != Asking::GoOn,
            Location => {
                let step = dialog.steps.iter().find(|step| step.id == run.step);
                run.asking != Asking::GoOn && step.is_some_and(|step| step.take == Take::Place)
            }
            _ => false,
        }
    }

    /// The run that hears what the fan says.
    fn live(&self) -> Option<(Run, &'a Dialog)> {
        let run = self.state.open.as_ref()?;
        let dialog = self.dialogs.named(&run.dialog)?;
        let quiet = self.at.0.saturating_sub(run.heard.0);
        (quiet <= u64::from(dialog.idle)).then(|| (run.clone(), dialog))
    }

    /// The parked run whose open question was tapped.
    fn asleep(&self, sign: &str) -> Option<(Run, &'a Dialog)> {
        let run = self.state.open.as_ref()?;
        let dialog = self.dialogs.named(&run.dialog)?;
        (self.can_be_resumed(run) && say::sign(run) == sign).then(|| (run.clone(), dialog))
    }

    fn can_be_resumed(&self, run: &Run) -> bool {
        let dialog = self.dialogs.named(&run.dialog);
        let days = dialog.map_or(0, |dialog| u64::from(dialog.resume_days));
        self.at.0.saturating_sub(run.heard.0) <= days * A_DAY
    }

    /// A message to the open question.
    fn within(&mut self, mut run: Run, dialog: &'a Dialog) -> Outcome {
        run.heard = run.heard.max(self.at);
        let Some(place) = dialog.place(&run.step) else { return self.mend(run, dialog) };
        let Some(step) = dialog.steps.get(place) else { return self.mend(run, dialog) };
        let tapped =
            say::tapped(self.text).filter(|(say, _)| self.dialogs.offers(say) || say::tapped_yes(say).is_some());
        if let Some((_, sign)) = tapped
            && sign != say::sign(&run)
        {
            return self.again(run, dialog, say::ANSWERED);
        }
        let text = tapped.map_or(self.text, |(say, _)| say);
        if tapped.is_none()
            && self.is_spoken()
            && let Some(outcome) = self.dialog_word(&run, dialog, step)
        {
            return outcome;
        }
        match run.asking {
            Asking::GoOn => self.go_on(run, dialog, text),
            Asking::Known => self.confirm(run, dialog, place, text),
            Asking::Answer => self.answer(run, dialog, place, text),
        }
    }

    /// The step is gone from the playbook.
    fn mend(&mut self, mut run: Run, dialog: &'a Dialog) -> Outcome {
        match dialog.unanswered(&run) {
            Some(step) => {
                run.turn = run.turn.saturating_add(1);
                let says = self.ask(&mut run, dialog, step);
                self.stay(run, says)
            }
            None => self.leave(run, say::CHANGED),
        }
    }

    /// Whether it is a word that every dialog hears.
    fn dialog_word(&mut self, run: &Run, dialog: &'a Dialog, step: &'a Step) -> Option<Outcome> {
        let words = &self.dialogs.words;
        let is = |words: &[String]| words.iter().any(|word| word == self.word);
        let number =
            || matches!(understand::answer(&step.take, self.message, self.text, self.rules.now()), Meaning::Value(..));
        if run.asking == Asking::Answer && matches!(step.take, Take::Number { .. }) && number() {
            return None;
        }
        if is(&words.leave) {
            return Some(self.leave(run.clone(), say::LEFT));
        }
        if is(&words.human) {
            return Some(self.hand_over(run));
        }
        if is(&words.restart) {
            self.note(run, What::Left { step: run.step.clone() });
            return Some(self.begin(dialog, None));
        }
        is(&words.back).then(|| self.back(run.clone(), dialog))
    }

    fn back(&mut self, mut run: Run, dialog: &'a Dialog) -> Outcome {
        let Some(last) = run.answers.pop() else { return self.again(run, dialog, say::FIRST) };
        run.turn = run.turn.saturating_add(1);
        let step = dialog.steps.iter().find(|step| step.id == last.step).or_else(|| dialog.unanswered(&run));
        match step {
            Some(step) => {
                let says = self.ask(&mut run, dialog, step);
                self.stay(run, says)
            }
            None => self.leave(run, say::CHANGED),
        }
    }

    /// The answer to "still so?".
    fn confirm(&mut self, mut run: Run, dialog: &'a Dialog, place: usize, text: &str) -> Outcome {
        let Some(step) = dialog.steps.get(place) else { return self.mend(run, dialog) };
        let name = step.save.as_deref().unwrap_or_default();
        let known = self.state.known(name, self.at).map(|(value, words)| (value.to_owned(), words.to_owned()));
        match (say::tapped_yes(text).or_else(|| understand::yes_or_no(text)), known) {
            (Some(true), Some((value, words))) => {
                let given = Given { step: step.id.clone(), value, words, score: 0, price: None };
                self.advance(run, dialog, place, given)
            }
            (Some(_), _) => {
                run.asking = Asking::Answer;
                run.turn = run.turn.saturating_add(1);
                let says = self.question(dialog, &run);
                self.stay(run, says)
            }
            (None, _) => self.answer(run, dialog, place, text),
        }
    }

    fn answer(&mut self, run: Run, dialog: &'a Dialog, place: usize, text: &str) -> Outcome {
        let Some(step) = dialog.steps.get(place) else { return self.mend(run, dialog) };
        if step.take.is_free()
            && let Some(outcome) = self.aside(&run, dialog)
        {
            return outcome;
        }
        let id = step.id.clone();
        match understand::answer(&step.take, self.message, text, self.rules.now()) {
            Meaning::Value(value, words) => {
                self.advance(run, dialog, place, Given { step: id, value, words, score: 0, price: None })
            }
            Meaning::Choice(chosen) => match step.take.choices().get(chosen) {
                Some(choice) => {
                    let (value, words) = (choice.value.clone(), choice.words.clone());
                    let given = Given { step: id, value, words, score: choice.score, price: choice.price };
                    self.advance(run, dialog, place, given)
                }
                None => self.miss(run, dialog, place),
            },
            Meaning::NoWords => self.again(run, dialog, say::WORDS_PLEASE),
            Meaning::Nothing => match self.aside(&run, dialog) {
                Some(outcome) => outcome,
                None => self.miss(run, dialog, place),
            },
        }
    }

    /// What is heard besides the step: another dialog's start word, a rule. Neither is a miss.
    fn aside(&mut self, run: &Run, dialog: &'a Dialog) -> Option<Outcome> {
        if !self.is_spoken() {
            return None;
        }
        if let Some(other) = self.dialogs.started_by(self.word) {
            return Some(self.start(other, None));
        }
        let (mut answer, begins) = self.rules.within()?;
        if let Some(other) = begins {
            return Some(self.start(other, Some(answer)));
        }
        let question = self.question(dialog, run);
        if let Action::Reply(Reply::Text { content }) = &mut answer.action
            && content.len() + question.len() + 2 <= TEXT_MAX
        {
            *content = format!("{content}\n\n{question}");
        }
        self.note(run, What::Heard { step: run.step.clone() });
        let mut run = run.clone();
        run.heard = run.heard.max(self.at);
        self.state.open = Some(run);
        Some(self.step(answer))
    }

    fn miss(&mut self, mut run: Run, dialog: &'a Dialog, place: usize) -> Outcome {
        let Some(step) = dialog.steps.get(place) else { return self.mend(run, dialog) };
        self.note(&run, What::Missed { step: step.id.clone() });
        let before = usize::from(run.misses);
        run.misses = run.misses.saturating_add(1);
        if let Some(give_up) = step.give_up.filter(|_| before >= step.retry.len().max(1)) {
            return self.give_up(run, dialog, place, give_up);
        }
        let says = match step.retry.get(before.min(step.retry.len().saturating_sub(1))) {
            Some(line) => say::fill(line, dialog, &run, None),
            None => say::before(say::NOT_UNDERSTOOD, self.question(dialog, &run)),
        };
        self.stay(run, says)
    }

    fn give_up(&mut self, mut run: Run, dialog: &'a Dialog, place: usize, give_up: GiveUp) -> Outcome {
        match give_up {
            GiveUp::Human => self.hand_over(&run),
            GiveUp::Go(go) => self.go(run, dialog, go),
            GiveUp::Skip => {
                let step = dialog.steps.get(place).map_or_else(String::new, |step| step.id.clone());
                run.store(Given { step, value: String::new(), words: String::new(), score: 0, price: None });
                let go = dialog.next(place, &run);
                self.go(run, dialog, go)
            }
        }
    }

    /// An answer was understood.
    fn advance(&mut self, mut run: Run, dialog: &'a Dialog, place: usize, given: Given) -> Outcome {
        let Some(step) = dialog.steps.get(place) else { return self.mend(run, dialog) };
        if let Go::Step(to) = dialog.after(place, &given)
            && to as usize <= place
        {
            // What leads back is no answer: the question comes again when the changed answer is there.
            self.note(&run, What::Heard { step: step.id.clone() });
            run.answers.retain(|given| dialog.steps.get(to as usize).is_none_or(|step| step.id != given.step));
            return self.go(run, dialog, Go::Step(to));
        }
        self.noted(&run, dialog, step, &given);
        run.store(given);
        let go = dialog.next(place, &run);
        self.go(run, dialog, go)
    }

    /// What an answer leaves.
    fn noted(&mut self, run: &Run, dialog: &Dialog, step: &Step, given: &Given) {
        let forget_days = dialog.forget_days.filter(|_| step.take.is_personal());
        let until = forget_days.map(|days| Timestamp(self.at.0.saturating_add(u64::from(days) * A_DAY)));
        if let Some(name) = &step.save {
            self.state.learn(name, given, until);
        }
        let saved = step.save.as_ref().map(|field| Saved {
            field: field.clone(),
            value: given.value.clone(),
            personal: step.take.is_personal(),
            forget_days,
        });
        let choice = step.take.choices().iter().find(|choice| choice.value == given.value);
        let counted = (choice.is_some() || step.histogram).then(|| given.value.clone());
        self.note(run, What::Answered { step: step.id.clone(), counted, saved });
        if let Some(tag) = choice.and_then(|choice| choice.tag.clone()) {
            self.note(run, What::Tagged(tag));
        }
    }

    fn text_answer(&self, content: String) -> Answer {
        let action = Action::Reply(Reply::Text { content });
        Answer { action, rule: None, pushes: None::<PushChoice>, conversation: None, left: Vec::new() }
    }
}
