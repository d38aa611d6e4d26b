//! Rules to answers: the shell that gives [`guanxi::playbook`] the shape of `guanxi:replies/auto-reply`.
//!
//! A component without capabilities. The contract stands in `shared/wit`.

mod border;

use border::bot::{Answer, Guest, GuestPlaybook, Message, Playbook, Touch};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

struct AutoReply;

impl Guest for AutoReply {
    type Playbook = Loaded;
}

/// A loaded playbook, as the resource that callback holds.
struct Loaded(guanxi::playbook::Playbook);

impl Loaded {
    fn of(compiled: &[u8]) -> Result<Playbook, String> {
        let playbook = guanxi::playbook::Playbook::load(compiled).map_err(|error| error.to_string())?;
        Ok(Playbook::new(Self(playbook)))
    }
}

impl GuestPlaybook for Loaded {
    fn built_in() -> Result<Playbook, String> {
        Self::of(BUILT_IN)
    }

    fn load(compiled: Vec<u8>) -> Result<Playbook, String> {
        Self::of(&compiled)
    }

    fn converses(&self) -> bool {
        self.0.converses()
    }

    fn answer(&self, message: Message, touch: Option<Touch>, conversation: Option<Vec<u8>>) -> Answer {
        let touch = touch.map(Into::into);
        self.0.answer(&message.into(), touch.as_ref(), conversation.as_deref()).into()
    }
}

border::export!(AutoReply with_types_in border);
