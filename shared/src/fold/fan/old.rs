//! Records of fans as earlier versions wrote them.

use super::{
    Event, Fan, Places, State,
    hours::Hours,
    marks::Marks,
    orders::{Order, Product},
    state::{Follow, Origin, PastFollow, TouchMark},
};
use crate::{
    store::{
        digest::Digest,
        format::{self, RecordError},
    },
    time::Timestamp,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Formats 1 and 2, which knew no dialogs. Format 1 did not know either whether a follow was answered, and is otherwise the same.
pub(super) fn decode(number: u8, bytes: &[u8]) -> Result<Fan, RecordError> {
    let Old { frozen, recent, tags, erased, union, places } = format::decode(number, bytes)?;
    Ok(Fan { frozen: frozen.into(), recent, tags, erased, union, places, current: None })
}

#[derive(Deserialize)]
struct Old {
    frozen: OldState,
    recent: Vec<Event>,
    tags: BTreeSet<String>,
    erased: Option<Timestamp>,
    union: Option<Digest>,
    places: Places,
}

#[derive(Deserialize)]
struct OldState {
    known_since: Option<Timestamp>,
    follow: Option<Follow>,
    followed_before: bool,
    origin: Option<Origin>,
    past: Vec<PastFollow>,
    first_touch: Option<TouchMark>,
    touches: Vec<TouchMark>,
    last_message: Option<Timestamp>,
    last_click: Option<Timestamp>,
    last_scan: Option<Timestamp>,
    last_follow: Option<Timestamp>,
    scanned: (u64, BTreeSet<String>),
    products: BTreeMap<String, Product>,
    orders_live: u32,
    orders: Vec<Order>,
    opted_out: Option<Timestamp>,
    resumed: Option<Timestamp>,
    notices: BTreeMap<String, u32>,
    hours: Hours,
    pushes: Marks,
}

impl From<OldState> for State {
    fn from(old: OldState) -> Self {
        Self {
            known_since: old.known_since,
            follow: old.follow,
            followed_before: old.followed_before,
            origin: old.origin,
            past: old.past,
            first_touch: old.first_touch,
            touches: old.touches,
            last_message: old.last_message,
            last_click: old.last_click,
            last_scan: old.last_scan,
            last_follow: old.last_follow,
            scanned: old.scanned,
            products: old.products,
            orders_live: old.orders_live,
            orders: old.orders,
            opted_out: old.opted_out,
            resumed: old.resumed,
            notices: old.notices,
            hours: old.hours,
            pushes: old.pushes,
            ..Self::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::store::key::Stored as _;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn fans_of_formats_1_and_2_are_read() {
        let known = State { known_since: Some(Timestamp(7)), orders_live: 3, ..State::default() };
        let fan = Fan { frozen: known, tags: ["cat".to_owned()].into(), erased: Some(Timestamp(5)), ..Fan::default() };
        // What dialogs leave and where the fan stands with agents are at the end of the state: five empty values; behind it no
        // events, and the rest.
        let new = fan.encode();
        let rest = [&[0, 1, 3], &b"cat"[..], &[1, 5, 0, 0, 0]].concat();
        for format in [1, 2] {
            let mut old = new.clone();
            old[0] = format;
            let state = old.len() - rest.len();
            assert_eq!(old.split_off(state), rest, "the rest is what this test thinks");
            assert_eq!(old.split_off(state - 5), [0; 5], "no field, no run, never cleared; no hand-over, no session");
            old.extend(&rest);
            assert_eq!(Fan::decode(&old), Ok(fan.clone()), "format {format}");
        }
        assert_eq!(Fan::decode(&new), Ok(fan));
    }
}
