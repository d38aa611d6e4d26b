//! Runs that end.

use super::{Outcome, Turn};
use crate::{
    facts::{
        dialog::{self, What},
        request::{Request, Said},
    },
    playbook::{
        inbound::{Action, Answer},
        talk::{
            Rules,
            form::Dialog,
            say,
            state::{self, A_DAY, Asking, Run},
        },
    },
    time::Timestamp,
    wechat::reply::TEXT_MAX,
};

impl<'a, R: Rules> Turn<'a, R> {
    /// The last question was answered.
    pub(super) fn finish(&mut self, run: Run, dialog: &'a Dialog) -> Outcome {
        let score = say::score(dialog, &run);
        let band = dialog.bands.iter().find(|band| score <= band.up_to).or(dialog.bands.last());
        let says = say::fill(band.map_or(&dialog.done.text, |band| &band.text), dialog, &run, None);
        for tag in [band.and_then(|band| band.tag.as_ref()), dialog.done.tag.as_ref()].into_iter().flatten() {
            self.note(&run, What::Tagged(tag.clone()));
        }
        self.note(&run, What::Finished { score: band.map(|_| score) });
        if let Some(request) = self.request(&run, dialog) {
            self.left.requests.push(request);
        }
        if let Some(days) = dialog.once_days {
            let until = Timestamp(self.at.0.saturating_add(u64::from(days) * A_DAY));
            self.state.finish(&dialog.id, until, &says);
        }
        self.closed(says)
    }

    fn request(&self, run: &Run, dialog: &Dialog) -> Option<Request> {
        let said = say::way(dialog, run).into_iter().map(|(step, given)| Said {
            step: step.id.clone(),
            value: given.value.clone(),
            words: if given.words == given.value { String::new() } else { given.words.clone() },
            personal: step.take.is_personal(),
        });
        Some(Request {
            number: run.number.clone(),
            kind: dialog.done.request?,
            source: dialog.id.clone(),
            at: self.at,
            answers: said.collect(),
            lines: say::lines(dialog, run),
            text: String::new(),
            forget_days: dialog.forget_days,
        })
    }

    pub(super) fn leave(&mut self, run: Run, line: &str) -> Outcome {
        self.note(&run, What::Left { step: run.step.clone() });
        self.closed(line.to_owned())
    }

    /// Nothing is open any more; what was put aside is offered.
    fn closed(&mut self, mut says: String) -> Outcome {
        self.state.open = None;
        if let Some(mut run) = self.state.parked.take().filter(|run| self.can_be_resumed(run))
            && let Some(dialog) = self.dialogs.named(&run.dialog)
        {
            run.asking = Asking::GoOn;
            run.turn = run.turn.saturating_add(1);
            (run.since, run.heard) = (self.at, self.at);
            if dialog.place(&run.step).is_none()
                && let Some(step) = dialog.unanswered(&run)
            {
                run.step.clone_from(&step.id);
            }
            let question = self.question(dialog, &run);
            if says.len() + question.len() + 2 <= TEXT_MAX {
                says = format!("{says}\n\n{question}");
            }
            self.state.open = Some(run);
        }
        let answer = self.text_answer(says);
        self.step(answer)
    }

    pub(super) fn hand_over(&mut self, run: &Run) -> Outcome {
        self.note(run, What::Left { step: run.step.clone() });
        self.state.open = None;
        let action = Action::HandOver { kf_account: None };
        self.step(Answer { action, rule: None, pushes: None, conversation: None, left: Vec::new() })
    }

    /// All that the fan said is forgotten.
    pub(super) fn forget(&mut self) -> Outcome {
        self.state.forget();
        let run = u64::from_be_bytes(state::event(&self.message.identity));
        self.left.steps.push(dialog::Step { dialog: String::new(), run, what: What::Forget });
        let answer = self.text_answer(say::FORGOTTEN.to_owned());
        self.step(answer)
    }
}
