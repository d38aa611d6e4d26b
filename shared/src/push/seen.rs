//! What callback and rollup have stored of a fan, as it was read at one moment.

use super::{
    ledger::{Ledger, NO_PUSHES},
    plan::Known,
};
use crate::{
    conversation::{self, Conversation},
    fold::fan::{self, Fan, State},
    store::{format::RecordError, key::Stored as _},
    wechat::OpenId,
};
use std::collections::BTreeSet;

static NO_TAGS: BTreeSet<String> = BTreeSet::new();

/// What was read of a fan.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What rollup knows; none: nothing.
    pub(super) fan: Option<Fan>,
    /// What callback knows.
    conversation: Conversation,
    /// Of a record that cannot be read: which, and why not.
    pub(super) unreadable: Option<String>,
}

/// The keys of what is to be read of a fan, in the order of [`Seen::new`].
pub(super) fn keys(openid: &OpenId) -> [String; 2] {
    [fan::key(openid).into(), conversation::key(openid).into()]
}

impl Seen {
    pub(super) fn new(openid: &OpenId, fan: Option<&[u8]>, conversation: Option<&[u8]>) -> Self {
        let mut seen = Self::default();
        seen.read_fan(openid, fan);
        seen.read_conversation(openid, conversation);
        seen
    }

    pub(super) fn read_fan(&mut self, openid: &OpenId, bytes: Option<&[u8]>) {
        let key = fan::key(openid);
        match bytes.map(|bytes| key.decode(bytes)).transpose() {
            Ok(fan) => self.fan = fan,
            Err(error) => self.unreadable = Some(error.to_string()),
        }
    }

    pub(super) fn read_conversation(&mut self, openid: &OpenId, bytes: Option<&[u8]>) {
        match bytes.map(Conversation::decode).transpose() {
            Ok(conversation) => self.conversation = conversation.unwrap_or_default(),
            Err(error) => self.unreadable = Some(unreadable(&conversation::key(openid), error)),
        }
    }

    /// All that is known, with what push knows itself; none: that cannot be read.
    pub(super) fn known<'a>(
        &'a self,
        openid: &'a OpenId,
        state: Option<&'a State>,
        ledger: Option<&'a Ledger>,
    ) -> Known<'a> {
        Known {
            openid,
            fan: state,
            tags: self.fan.as_ref().map_or(&NO_TAGS, |fan| &fan.tags),
            conversation: self.conversation,
            ledger: ledger.unwrap_or(&NO_PUSHES),
            unreadable: self.unreadable.is_some() || ledger.is_none(),
        }
    }
}

/// What an alarm says of a record that cannot be read.
pub(super) fn unreadable(key: &str, error: RecordError) -> String {
    format!("cannot read {key}: {error}")
}
