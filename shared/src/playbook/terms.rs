//! What the playbook says to those who count and push: days, channels, which rules there are, and pushes.

use super::{
    compiled::{self, Body, Channel, Lengths, LoadError},
    pushes::Pushes,
};
use crate::time::UtcOffset;

/// The part of a compiled playbook that the fold, the reports and push go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose days are counted.
    pub utc_offset: UtcOffset,
    /// Folded journal entries stay this many days.
    pub keep_days: u32,
    /// Fans who unfollowed are forgotten after this many days.
    pub forget_after_days: u32,
    /// A touch explains a purchase for this many days.
    pub attribution_days: u32,
    /// Sorted by id.
    pub channels: Vec<Channel>,
    /// The ids of all rules, best rank first.
    pub rules: Vec<String>,
    /// Products, reminders, campaigns. None in a playbook that was compiled before there were such.
    pub pushes: Pushes,
}

impl Terms {
    /// Takes the bytes that [`compile`](super::compile) wrote.
    ///
    /// # Errors
    /// As [`Playbook::load`](super::Playbook::load).
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let (channels, mut rest) = compiled::decode(bytes)?;
        let (Body { offset, lengths: Lengths { keep, forget_after, attribution }, rules, .. }, ..) = rest.body()?;
        Ok(Self {
            utc_offset: offset,
            keep_days: keep,
            forget_after_days: forget_after,
            attribution_days: attribution,
            channels,
            rules: rules.into_iter().map(|rule| rule.id).collect(),
            pushes: rest.pushes()?,
        })
    }
}
