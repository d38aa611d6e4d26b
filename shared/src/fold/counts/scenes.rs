//! Channels that the playbook does not list: codes are printed before and after playbooks change.

use super::OTHER;
use crate::store::{
    key::{Key, Stored},
    keys,
    record::Record,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Scenes kept by name.
pub const SCENES_MAX: usize = 1_000;

/// The first [`SCENES_MAX`] unknown scenes that were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenes(pub BTreeSet<String>);

impl Scenes {
    /// Its key.
    pub(crate) fn key() -> Key<Self> {
        keys::SCENES.key(&[])
    }

    /// What an unknown scene is called in counts.
    pub(crate) fn name(&mut self, scene: &str) -> String {
        let known = self.0.contains(scene);
        if known || self.0.len() < SCENES_MAX {
            if !known {
                self.0.insert(scene.to_owned());
            }
            return scene.to_owned();
        }
        OTHER.to_owned()
    }
}

impl Stored for Scenes {}

impl Record for Scenes {
    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}
