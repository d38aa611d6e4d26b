//! The journal as lines of JSON, one entry each, and back: to look at, to keep, to replay elsewhere.
//!
//! `{"place":"3:7","entry":{"Received":{…}}}`: the entry in the words of [`facts`](crate::facts), what a dialog left in it taken apart.
//! Whoever reads such lines gets the entries that were written, but for what was [masked](Mask).

use super::{
    LOOK_AHEAD, SEQUENCE, STREAM_ENTRIES,
    reader::{CURSORS, Cursor},
};
use crate::{
    facts::{Entry, Place, Placed, dialog::Left},
    store::{Store, StoreError, digest::hex},
};
use futures::future::try_join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha1::Sha1;

/// The longest line that is read, in bytes: an entry is at most 400 KB.
pub const LINE_MAX: usize = 4_000_000;
/// Digits in a row from which on a fan's words are masked: a choice, a count, a day stay, a telephone does not.
const DIGITS_MASKED: usize = 5;
/// Names of fields that say who somebody is, or which purchase or request it is.
const NAMES: [&str; 9] = [
    "from_user_name",
    "openid",
    "open_id",
    "unionid",
    "kf_account",
    "from_kf_account",
    "to_kf_account",
    "id",
    "number",
];
/// Names of fields that hold a fan's picture, voice, file or place, or a damaged record.
const DROPPED: [&str; 15] = [
    "media_id",
    "media_id_16k",
    "thumb_media_id",
    "pic_url",
    "thumb_url",
    "file_key",
    "file_md5",
    "md5_sums",
    "latitude",
    "longitude",
    "precision",
    "label",
    "poiname",
    "key",
    "bytes",
];
/// Names of fields that tell events apart, or are the brand's own.
const KEPT: [&str; 6] = ["to_user_name", "msg_id", "channel", "rule", "event_key", "product"];

/// Shows every entry that is kept and can be read to `take`, stream by stream. Gives how many could not be read.
///
/// # Errors
/// When the store fails, or nothing tells where the journal begins.
pub async fn entries(store: &impl Store, mut take: impl FnMut(Placed)) -> Result<u64, StoreError> {
    let top = u64::try_from(store.increment(SEQUENCE, 0).await?).unwrap_or_default();
    let [first, copy] = [store.get(CURSORS[0]).await?, store.get(CURSORS[1]).await?];
    let cursor = Cursor::of([first.as_deref(), copy.as_deref()])
        .map_err(|error| StoreError(format!("{}: {error}", CURSORS[0])))?;
    let mut damaged = 0;
    for stream in cursor.first_kept()..=top {
        for from in (0..STREAM_ENTRIES).step_by(LOOK_AHEAD as usize) {
            let places = (from..from + LOOK_AHEAD).map(|index| Place { stream, index });
            let found = try_join_all(places.map(async |place| {
                let bytes = store.get(&place.to_string()).await?;
                Ok::<_, StoreError>(bytes.map(|bytes| (place, bytes)))
            }))
            .await?;
            let mut none = true;
            for (place, bytes) in found.into_iter().flatten() {
                none = false;
                match Entry::decode(&bytes) {
                    Ok(entry) => take(Placed { place, entry }),
                    Err(_) => damaged += 1,
                }
            }
            if none {
                break;
            }
        }
    }
    Ok(damaged)
}

/// One line, without its end.
pub fn line(placed: &Placed, mask: Option<&Mask>) -> String {
    // An entry has a JSON form: its keys are texts, its numbers finite.
    let mut entry = serde_json::to_value(&placed.entry).unwrap_or_default();
    if let Some(left) = left_in(&mut entry) {
        let bytes: Vec<u8> = serde_json::from_value(left.take()).unwrap_or_default();
        *left = Left::decode(&bytes).ok().and_then(|left| serde_json::to_value(left).ok()).unwrap_or_default();
    }
    if let Some(mask) = mask {
        mask.value(&mut entry, "");
    }
    json!({ "place": format!("{}:{}", placed.place.stream, placed.place.index), "entry": entry }).to_string()
}

/// Why a line is no entry.
#[derive(Debug, thiserror::Error)]
#[error("no entry of an export: {0}")]
pub struct NotALine(String);

/// Reads a line that [`line()`] wrote.
///
/// # Errors
/// When it is another text.
pub fn read(line: &str) -> Result<Placed, NotALine> {
    let wrong = |why: &dyn ToString| NotALine(why.to_string());
    if line.len() > LINE_MAX {
        return Err(wrong(&format!("it has more than {LINE_MAX} bytes")));
    }
    let mut fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| wrong(&error))?;
    let place = fields.get("place").and_then(Value::as_str).and_then(|place| place.split_once(':'));
    let place =
        place.and_then(|(stream, index)| Some(Place { stream: stream.parse().ok()?, index: index.parse().ok()? }));
    let place = place.ok_or_else(|| wrong(&"`place` is not such as \"3:7\""))?;
    let mut entry = fields.remove("entry").ok_or_else(|| wrong(&"`entry` is missing"))?;
    if let Some(left) = left_in(&mut entry) {
        let read: Left = serde_json::from_value(left.take()).map_err(|error| wrong(&error))?;
        *left = json!(read.encode());
    }
    let entry = serde_json::from_value(entry).map_err(|error| wrong(&error))?;
    Ok(Placed { place, entry })
}

fn left_in(entry: &mut Value) -> Option<&mut Value> {
    entry.get_mut("Received")?.get_mut("left")
}

/// Takes out of entries who and where somebody is. Every name becomes another, the same throughout one export, so that a
/// fan's messages still belong together; the way back is not kept. What fans wrote stays, but for long numbers in it.
#[derive(Clone)]
pub struct Mask {
    secret: [u8; 16],
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask")
    }
}

impl Mask {
    /// By a secret that is drawn for one export and forgotten.
    pub fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    /// Another name, by letters that an openid may have.
    fn name(&self, name: &str) -> String {
        format!("m{}", hex(self.mac(name).get(..12).unwrap_or_default()))
    }

    fn mac(&self, name: &str) -> [u8; 20] {
        // Every length is a key's.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.secret) else { return [0; 20] };
        mac.update(name.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn value(&self, value: &mut Value, field: &str) {
        match value {
            Value::Object(fields) => {
                // A saved field, or an answer to a question.
                let is_personal = fields.get("personal").and_then(Value::as_bool) == Some(true);
                for (name, value) in fields {
                    if is_personal && matches!(name.as_str(), "value" | "words") {
                        *value = Value::String("•".to_owned());
                    } else {
                        self.value(value, name);
                    }
                }
            }
            Value::Array(values) if DROPPED.contains(&field) => values.clear(),
            // Of a push: a hash of whom it is for, among others.
            Value::Array(values) if field == "id" => {
                let other = self.mac(&json!(values).to_string());
                *values = other.iter().take(values.len()).map(|byte| json!(byte)).collect();
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value, field)),
            Value::String(text) if KEPT.contains(&field) || text.is_empty() => {}
            Value::String(text) if NAMES.contains(&field) => *text = self.name(text),
            Value::String(text) if DROPPED.contains(&field) => text.clear(),
            Value::String(text) => *text = without_long_numbers(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn without_long_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_numeric()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(if digits == 0 { first.len_utf8() } else { digits });
        if digits > 0 && run.chars().count() >= DIGITS_MASKED {
            out.extend(run.chars().map(|_| '0'));
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out
}
