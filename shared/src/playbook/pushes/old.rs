//! Campaigns as earlier versions stored them.

use super::{Campaign, DaysAgo, Segment, Ways};
use crate::time::Timestamp;
use serde::Deserialize;

/// A campaign whose segment knew no fields.
#[derive(Deserialize)]
pub(crate) struct WithoutFields {
    at: Timestamp,
    segment: OldSegment,
    holdout: u8,
    ways: Ways,
}

#[derive(Deserialize)]
struct OldSegment {
    channels: Vec<String>,
    tags: Vec<String>,
    followed: Option<DaysAgo>,
    bought: Option<DaysAgo>,
    products: Vec<String>,
    contact: Option<DaysAgo>,
}

impl From<WithoutFields> for Campaign {
    fn from(WithoutFields { at, segment, holdout, ways }: WithoutFields) -> Self {
        let OldSegment { channels, tags, followed, bought, products, contact } = segment;
        let segment = Segment { channels, tags, followed, bought, products, contact, ..Segment::default() };
        Self { at, segment, holdout, ways }
    }
}
