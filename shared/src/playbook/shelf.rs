//! The playbooks an instance has loaded: of the built-in one and those published under `playbook:`, the ones that it was asked
//! for. Each is loaded at its first use, because most instances need one.

use super::publish::{HEAD_KEY, Head, Publication};
use crate::{
    store::{Store, StoreError},
    time::Timestamp,
};
use std::{cell::RefCell, rc::Rc};

/// How often an instance looks for a newer head, in seconds: three times within a publication's notice.
pub const LOOK_EVERY_SECONDS: u64 = 10;

/// Number of the playbook that was built in; publications count from 1.
const BUILT_IN: u32 = 0;

/// Loaded playbooks, as whatever `T` the caller loads them into.
#[derive(Debug)]
pub struct Shelf<T> {
    load: fn(Option<&[u8]>) -> Result<T, String>,
    head: RefCell<Option<Looked>>,
    /// By number; few, because a head lists few.
    loaded: RefCell<Vec<(u32, Option<Rc<T>>)>>,
}

/// The head as it was last seen.
#[derive(Debug, Clone)]
struct Looked {
    at: Timestamp,
    head: Rc<Head>,
}

impl<T> Shelf<T> {
    /// An empty shelf. `load` makes a playbook of a publication's compiled bytes or, without any, the built-in one.
    pub fn new(load: fn(Option<&[u8]>) -> Result<T, String>) -> Self {
        Self { load, head: RefCell::default(), loaded: RefCell::default() }
    }

    /// The playbook that holds for a message of `create_time`.
    ///
    /// A publication that cannot be read is passed over for the one before it, in every instance alike, and `log` says
    /// so once.
    ///
    /// # Errors
    /// When the store does not say what holds: an answer by another playbook than the retry's would be worse than none. And when
    /// the built-in playbook is needed and does not load, which the build makes sure of.
    pub async fn holding_at(
        &self,
        create_time: Timestamp,
        store: &impl Store,
        now: Timestamp,
        log: &dyn Fn(&str),
    ) -> Result<Rc<T>, StoreError> {
        let head = self.head(store, now, log).await?;
        let holding = head.publications().iter().rev().filter(|publication| publication.holds_from <= create_time);
        for publication in holding {
            if let Some(playbook) = self.publication(publication, store, log).await? {
                return Ok(playbook);
            }
        }
        self.built_in().map_err(|error| StoreError(format!("the built-in playbook: {error}")))
    }

    fn built_in(&self) -> Result<Rc<T>, String> {
        if let Some(known) = self.on_shelf(BUILT_IN).flatten() {
            return Ok(known);
        }
        let playbook = Rc::new((self.load)(None)?);
        self.loaded.borrow_mut().push((BUILT_IN, Some(playbook.clone())));
        Ok(playbook)
    }

    /// The head, looked up anew when the last look is too old. A failed look leaves the last one in force, if there is one.
    async fn head(&self, store: &impl Store, now: Timestamp, log: &dyn Fn(&str)) -> Result<Rc<Head>, StoreError> {
        let before = self.head.borrow().clone();
        if let Some(looked) = before.as_ref().filter(|looked| looked.at.distance(now) < LOOK_EVERY_SECONDS) {
            return Ok(looked.head.clone());
        }
        let head = match (store.get(HEAD_KEY).await, &before) {
            (Ok(None), _) => Rc::default(),
            (Ok(Some(record)), _) => match Head::decode(&record) {
                Ok(head) => Rc::new(head),
                Err(error) => {
                    log(&error.to_string());
                    before.map(|looked| looked.head).unwrap_or_default()
                }
            },
            (Err(_), Some(looked)) => return Ok(looked.head.clone()),
            (Err(error), None) => return Err(error),
        };
        // What no head lists any more will not be asked for.
        let listed = |number: u32| head.publications().iter().any(|publication| publication.number == number);
        self.loaded.borrow_mut().retain(|(number, _)| *number == BUILT_IN || listed(*number));
        self.head.replace(Some(Looked { at: now, head: head.clone() }));
        Ok(head)
    }

    /// A publication, loaded at its first use; none where it cannot be read.
    async fn publication(
        &self,
        publication: &Publication,
        store: &impl Store,
        log: &dyn Fn(&str),
    ) -> Result<Option<Rc<T>>, StoreError> {
        if let Some(known) = self.on_shelf(publication.number) {
            return Ok(known);
        }
        let mut parts = Vec::new();
        for key in publication.part_keys() {
            parts.push(store.get(&key).await?.unwrap_or_default());
        }
        let bytes = publication.assemble(&parts).map_err(|error| error.to_string());
        let playbook = match bytes.and_then(|bytes| (self.load)(Some(&bytes))) {
            Ok(playbook) => Some(Rc::new(playbook)),
            Err(error) => {
                log(&format!("publication {}: {error}", publication.number));
                None
            }
        };
        self.loaded.borrow_mut().push((publication.number, playbook.clone()));
        Ok(playbook)
    }

    fn on_shelf(&self, number: u32) -> Option<Option<Rc<T>>> {
        self.loaded.borrow().iter().find(|(known, _)| *known == number).map(|(_, playbook)| playbook.clone())
    }
}
