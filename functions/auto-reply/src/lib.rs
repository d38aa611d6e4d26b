//! Rules to answers: the shell that gives [`guanxi::playbook`] the shape of `guanxi:replies/auto-reply`.
//!
//! A component without capabilities. The contract stands in `shared/wit`.

mod border;

use border::bot::{Answer, Guest, GuestPlaybook, Message, Playbook, Touch};

struct AutoReply;

impl Guest for AutoReply {
    type Playbook = Loaded;
}

/// A loaded playbook, as the resource that callback holds.
struct Loaded(guanxi::playbook::Playbook);

impl GuestPlaybook for Loaded {
    fn load(compiled: Vec<u8>) -> Result<Playbook, String> {
        let playbook = guanxi::playbook::Playbook::load(&compiled).map_err(|error| error.to_string())?;
        Ok(Playbook::new(Self(playbook)))
    }

    fn answer(&self, message: Message, touch: Option<Touch>, conversation: Option<Vec<u8>>) -> Answer {
        let touch = touch.map(Into::into);
        self.0.answer(&message.into(), touch.as_ref(), conversation.as_deref()).into()
    }
}

border::export!(AutoReply with_types_in border);
