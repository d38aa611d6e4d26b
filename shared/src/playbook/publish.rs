//! How a published playbook stands in the store.
//!
//! | key | what |
//! |---|---|
//! | `playbook:head` | a [`Head`]: the latest publications and from when each holds |
//! | `playbook:<number>:<part>` | the compiled bytes of one, at most 300 KB a part, counted from 0 |
//! | `playbook:note:…`, `playbook:source:…` | its [source](sources), who published it and why |
//!
//! A message is answered by the playbook that holds at its `CreateTime`. A publication holds from at least
//! [`NOTICE_SECONDS`] after it was made, and every instance looks at the head more often than that, so all instances,
//! and all tries of one message, use the same one. Write the parts first and the head last: parts that no head names
//! are garbage that nobody reads.

pub mod request;
pub mod sources;

use super::compiled::{CHECKSUM, checksum};
pub use super::parted::PART_MAX;
use crate::{store::keys, time::Timestamp};
use serde::{Deserialize, Serialize};

/// Where the head stands.
pub const HEAD_KEY: &str = keys::PLAYBOOK_HEAD.pattern;

/// From publishing to holding, in seconds: three looks at the head, each at most 10 s after the last.
pub const NOTICE_SECONDS: u64 = 30;

/// How many publications a head lists. One that fell out can hold for no message that WeChat still tries.
pub const PUBLICATIONS_MAX: usize = 4;

/// The most parts of one publication, and so about 5 MB of compiled playbook.
pub const PARTS_MAX: usize = 16;

/// The record's format version, its first byte.
const FORMAT: u8 = 1;

/// Why a record or a publication cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// `playbook:head` is not a head.
    #[error("playbook:head is damaged")]
    DamagedHead,
    /// `playbook:head` was written by a newer program.
    #[error("playbook:head has format {0}, and this program reads format {FORMAT} only: deploy it anew")]
    NewerHead(u8),
    /// The parts are not what the head says.
    #[error("the parts of the published playbook are incomplete or damaged")]
    DamagedParts,
    /// More than [`PARTS_MAX`] parts.
    #[error("a compiled playbook of {0} bytes is too large to publish")]
    TooLarge(usize),
    /// The latest publication holds from the last second there is.
    #[error("the latest publication lies too far in the future to follow it")]
    NoTimeLeft,
}

/// One playbook in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// 1 for the first ever, then one more each time.
    pub number: u32,
    /// The first second it holds for.
    pub holds_from: Timestamp,
    /// How many parts its bytes are in.
    pub parts: u16,
    /// How many bytes it has.
    pub length: u32,
    /// The first bytes of the SHA-1 of its bytes.
    pub checksum: [u8; CHECKSUM],
}

/// The latest publications, oldest first, each holding later than the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head(Vec<Publication>);

impl Head {
    /// Reads the record at [`HEAD_KEY`].
    ///
    /// # Errors
    /// When it is damaged or newer than this program.
    pub fn decode(record: &[u8]) -> Result<Self, PublishError> {
        match record.split_first() {
            Some((&FORMAT, body)) => postcard::from_bytes(body).map(Self).map_err(|_| PublishError::DamagedHead),
            Some((&newer, _)) if newer > FORMAT => Err(PublishError::NewerHead(newer)),
            _ => Err(PublishError::DamagedHead),
        }
    }

    /// The record for [`HEAD_KEY`].
    pub fn encode(&self) -> Vec<u8> {
        // Into memory, postcard fails on no such type: there is no sequence of unknown length in it.
        postcard::to_extend(&self.0, vec![FORMAT]).unwrap_or_default()
    }

    /// The publication that holds at a moment; none before the first: then the built-in playbook does.
    pub fn holding_at(&self, moment: Timestamp) -> Option<&Publication> {
        self.0.iter().rev().find(|publication| publication.holds_from <= moment)
    }

    /// The newest, which may not hold yet.
    pub fn latest(&self) -> Option<&Publication> {
        self.0.last()
    }

    /// What it lists, oldest first.
    pub fn publications(&self) -> &[Publication] {
        &self.0
    }
}

impl Publication {
    /// The keys of its parts, in order. At most [`PARTS_MAX`], whatever a damaged record says.
    pub fn part_keys(&self) -> impl Iterator<Item = String> {
        let number = self.number;
        (0..usize::from(self.parts).min(PARTS_MAX)).map(move |part| part_key(number, part))
    }

    /// The compiled bytes, from the values at [`part_keys`](Self::part_keys) in order.
    ///
    /// # Errors
    /// When a part is missing, of another publication, or changed.
    pub fn assemble(&self, parts: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, PublishError> {
        let length = parts.iter().map(|part| part.as_ref().len()).sum::<usize>();
        if parts.len() != usize::from(self.parts) || u32::try_from(length) != Ok(self.length) {
            return Err(PublishError::DamagedParts);
        }
        let mut bytes = Vec::with_capacity(length);
        parts.iter().for_each(|part| bytes.extend_from_slice(part.as_ref()));
        if checksum(&bytes) == self.checksum { Ok(bytes) } else { Err(PublishError::DamagedParts) }
    }
}

fn part_key(number: u32, part: usize) -> String {
    keys::PLAYBOOK.key::<()>(&[&number, &part]).into()
}

/// A key and its value.
pub type Write = (String, Vec<u8>);

/// What to write to publish a compiled playbook: the new head, and every key with its value in the order to write them,
/// the head's own last.
///
/// It holds from [`NOTICE_SECONDS`] after `now`, and later than every publication before it.
///
/// # Errors
/// When it is too large.
pub fn publish(head: Option<&Head>, compiled: &[u8], now: Timestamp) -> Result<(Head, Vec<Write>), PublishError> {
    let mut publications = head.map(|head| head.0.clone()).unwrap_or_default();
    let latest = publications.last();
    let number = latest.map_or(Some(1), |latest| latest.number.checked_add(1)).ok_or(PublishError::NoTimeLeft)?;
    let after = latest.map_or(Some(0), |latest| latest.holds_from.0.checked_add(1)).ok_or(PublishError::NoTimeLeft)?;
    let holds_from = Timestamp(now.0.saturating_add(NOTICE_SECONDS).max(after));

    let too_large = PublishError::TooLarge(compiled.len());
    let parts = compiled.chunks(PART_MAX);
    let count = u16::try_from(parts.len()).ok().filter(|count| usize::from(*count) <= PARTS_MAX).ok_or(too_large)?;
    let length = u32::try_from(compiled.len()).map_err(|_| too_large)?;
    publications.push(Publication { number, holds_from, parts: count, length, checksum: checksum(compiled) });
    publications.drain(..publications.len().saturating_sub(PUBLICATIONS_MAX));

    let head = Head(publications);
    let mut writes: Vec<_> = parts.enumerate().map(|(part, bytes)| (part_key(number, part), bytes.to_vec())).collect();
    writes.push((HEAD_KEY.to_owned(), head.encode()));
    Ok((head, writes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn publish_at(head: Option<&Head>, bytes: &[u8], now: u64) -> Head {
        publish(head, bytes, Timestamp(now)).unwrap().0
    }

    fn number_at(head: &Head, moment: u64) -> Option<u32> {
        head.holding_at(Timestamp(moment)).map(|publication| publication.number)
    }

    #[test]
    fn a_publication_holds_from_thirty_seconds_on_and_the_one_before_until_then() {
        let first = publish_at(None, b"one", 1_000);
        assert_eq!([1_029, 1_030, u64::MAX].map(|at| number_at(&first, at)), [None, Some(1), Some(1)]);
        let second = publish_at(Some(&first), b"two", 2_000);
        assert_eq!([1_029, 2_029, 2_030].map(|at| number_at(&second, at)), [None, Some(1), Some(2)]);
    }

    #[test]
    fn of_two_publications_in_one_second_the_later_wins() {
        let first = publish_at(None, b"one", 1_000);
        let second = publish_at(Some(&first), b"two", 1_000);
        let third = publish_at(Some(&second), b"three", 900);
        assert_eq!([1_030, 1_031, 1_032].map(|at| number_at(&third, at)), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn a_head_lists_the_latest_four_and_survives_its_record() {
        let head = (0..9).fold(Head::default(), |head, i| publish_at(Some(&head), b"x", i * 100));
        assert_eq!(head.publications().iter().map(|p| p.number).collect::<Vec<_>>(), [6, 7, 8, 9]);
        assert_eq!(Head::decode(&head.encode()), Ok(head));
    }

    #[test]
    fn the_parts_come_first_and_make_up_the_bytes_again() {
        let bytes: Vec<u8> = (0..PART_MAX * 2 + 1).map(|i| (i % 251) as u8).collect();
        let (head, writes) = publish(None, &bytes, Timestamp(0)).unwrap();
        let keys: Vec<&str> = writes.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["playbook:1:0", "playbook:1:1", "playbook:1:2", "playbook:head"]);
        assert!(writes.iter().all(|(_, value)| value.len() <= PART_MAX));
        let publication = head.latest().unwrap();
        assert_eq!(publication.part_keys().collect::<Vec<_>>(), keys[..3]);

        let mut parts: Vec<Vec<u8>> = writes.into_iter().take(3).map(|(_, value)| value).collect();
        assert_eq!(publication.assemble(&parts), Ok(bytes));
        parts.swap(0, 1);
        assert_eq!(publication.assemble(&parts), Err(PublishError::DamagedParts));
        parts.pop();
        assert_eq!(publication.assemble(&parts), Err(PublishError::DamagedParts));
    }

    #[test]
    fn a_head_that_is_not_ours_is_refused() {
        assert_eq!(Head::decode(&[]), Err(PublishError::DamagedHead));
        assert_eq!(Head::decode(&[0, 1]), Err(PublishError::DamagedHead));
        assert_eq!(Head::decode(&[FORMAT, 200]), Err(PublishError::DamagedHead));
        assert_eq!(Head::decode(&[FORMAT + 1, 0]), Err(PublishError::NewerHead(FORMAT + 1)));
    }

    #[test]
    fn what_is_too_large_is_not_published() {
        let bytes = vec![0; PART_MAX * PARTS_MAX + 1];
        assert_eq!(publish(None, &bytes, Timestamp(0)).unwrap_err(), PublishError::TooLarge(bytes.len()));
    }
}
