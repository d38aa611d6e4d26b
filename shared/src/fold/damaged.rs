//! Records that cannot be read, set aside so that the rest goes on.
//!
//! Rollup puts the bytes of a damaged record under `damaged:<key>`, notes its key on `damaged:list`, where reports and the
//! console find it, and goes on as if the record were new; all that at once. A record that a newer Guanxi wrote is not damaged:
//! it stays as it is and stops the run.
//!
//! | record | what is lost with it | repaired by replay |
//! |---|---|---|
//! | `fan:<openid>` | what was known of the fan, who is a stranger until the next message; whether pushes are welcome stands in `conversation:` too | yes, as far as the journal is kept |
//! | a page of `fan:list`, `due:<day>`, `outcome:list`, `request:list` | its items, at most 64: fans that campaigns reach, reminders of the day, what push was to learn, what the brand was asked for | no |
//! | `request:fan:<openid>` | where the fan's requests stand, which then go by time alone; one that is made again is posted again under its number | no |
//! | `fan:forget:<day>:<page>` | who left on that day: those fans are not forgotten by themselves | no |
//! | how many items a list has | nothing: its pages are counted | needs none |
//! | `count:…` | the numbers of that hour, day or week until then | no: its entries are gone, or some of them soon |
//! | `order:<hash>` | that the order was told: told again it counts again | no: it was told before what the journal keeps, perhaps |
//! | `cursor:journal` | nothing: there is a copy. Without that a run ends and says so: only a person can tell where to go on | needs none |
//! | `redo:…` | a chunk of entries is folded again, so some of its counts may be off | no |
//! | `journal:…` | that entry | no |
//!
//! Push sets its own records aside and tells rollup through the journal ([`Found`](crate::facts::Found)); so it does of a page of rollup's, which it
//! waits for.
//!
//! | record | what is lost with it |
//! |---|---|
//! | a page of a queue, `plan:…` | the pushes on it, at most 64: they do not go out |
//! | `plan:head` | nothing: there is a copy. Without that nothing is sent that waits or was due until that day |
//! | `plan:campaigns` | nothing: there is a copy. Without that running campaigns go on as the playbook has them, and those that it does not name stop |
//! | `plan:account` | alarms until then, and which contents WeChat refuses: each is tried once more |
//! | `plan:paces` | what was called lately: nothing is called until that no longer counts, a minute mostly |
//! | `ledger:<openid>` | it stays: it may say what the fan got, so that fan gets nothing more |
//! | `campaign:<number>` | that request |
//!
//! So does the outbox with `outbox:head`: without that it begins where the list of requests does, and posts what is on it again, under
//! the same numbers.
//!
//! What is set aside goes after [`KEPT_DAYS`], when it is dropped or repaired ([`wish`]), or when the fan it is about is forgotten.
//!
//! **A repair by replay** folds the kept entries about one fan again, oldest first, into a fresh record
//! ([`rollup`](crate::fold::rollup) says how). It can be had while the journal still reaches to where it stood when the record was set
//! aside: for `keep_days`. What is older than the journal is lost, and [`Reach`] says so.

use crate::{
    conversation,
    fold::fan,
    journal::reader::Cursor,
    store::{
        Store, StoreError,
        key::{Key, Stored},
        keys,
        record::Record,
    },
    time::Timestamp,
    wechat::OpenId,
};
use serde::{Deserialize, Serialize};

/// The keys of what is set aside, and the last repair.
pub const LIST: &str = keys::DAMAGED_LIST.pattern;
/// What the console wishes at the next rollup, and with which key of the list: see [`Wish`].
pub const WISH: &str = keys::DAMAGED_WISH.pattern;
/// Records set aside at most; with more of them damaged the store is broken, and a run ends and says so.
pub const KEPT_MAX: usize = 256;
/// So many days they stay, and so does what came of a repair.
pub const KEPT_DAYS: u64 = 30;

/// The key under which the bytes of a damaged record are kept.
pub fn key(of: &str) -> String {
    keys::DAMAGED.key::<()>(&[&of]).into()
}

/// The key under which is kept how far the journal was folded when the record was set aside.
pub(crate) fn cursor_key(of: &str) -> Key<Cursor> {
    keys::DAMAGED_CURSOR.key(&[&of])
}

/// The keys of all that is kept of a record that is set aside.
pub(crate) fn keys(of: &str) -> [String; 2] {
    [key(of), cursor_key(of).into()]
}

/// The fan whose record stands at a key; none: it is another record, and not repaired by replay.
pub(crate) fn fan_of(key: &str) -> Option<OpenId> {
    // No openid has a colon.
    key.strip_prefix("fan:")?.parse().ok()
}

/// What is lost when a record is dropped that no replay repairs: see the table above.
fn loss(key: &str) -> &'static str {
    let kinds = [
        ("fan:list:", "the fans on that page, whom campaigns then miss"),
        ("fan:forget:", "who left on that day: those fans are not forgotten by themselves"),
        ("due:", "the reminders on that page"),
        ("outcome:", "what push was to learn from that page"),
        ("request:list:", "the requests on that page, which are not posted"),
        ("request:fan:", "where the fan's requests stand: they go by time alone"),
        ("count:", "the numbers of that hour, day or week until then"),
        ("order:", "that the order was told: told again it counts again"),
        ("cursor:", "nothing: its copy has taken its place"),
        ("redo:", "nothing more: its entries were folded again"),
        ("journal:", "that entry"),
        ("plan:head", "nothing more: its copy, or a new one, has taken its place"),
        ("plan:campaigns", "nothing more: its copy, or the playbook, has taken its place"),
        ("plan:account", "the alarms until then"),
        ("plan:paces", "nothing more: what was called lately no longer counts"),
        ("plan:", "nothing more: the pushes on that page do not go out"),
        ("ledger:", "nothing: it stays where it is, and the fan gets nothing more"),
        ("campaign:", "that request"),
    ];
    let is_count = ["fan:list", "due:", "outcome:", "request:list"].iter().any(|list| key.starts_with(list))
        && key.ends_with(":head");
    let kind = kinds.into_iter().find(|(prefix, _)| key.starts_with(prefix));
    if is_count { "nothing: its pages were counted" } else { kind.map_or("what it said", |(_, loss)| loss) }
}

/// A record that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// Its key.
    pub key: String,
    /// When it was set aside.
    pub at: Timestamp,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A repair by replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Of the record at this key.
    pub key: String,
    /// When rollup took up the wish.
    pub began: Timestamp,
    /// How far it is, or what came of it.
    pub state: Progress,
}

/// How far a repair is, or what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It is under way.
    Replays {
        /// Which time the journal is gone through: twice where orders are, so that one told of another fan first stays with that.
        pass: u32,
        /// Streams of the journal that were gone through this time, …
        streams: u64,
        /// … of so many.
        of: u64,
    },
    /// The record is back, and nothing of it is set aside any more.
    Repaired {
        /// When the record was put back.
        at: Timestamp,
        /// When the oldest entry of the journal happened: the record says what the fan did from then on.
        from: Timestamp,
        /// What can be told of the time before that.
        before: Reach,
        /// Entries on the way that cannot be read: what they say of the fan, if anything, is missing.
        unreadable: u64,
        /// Whether the counts were corrected by what was counted of a stranger meanwhile.
        counts: bool,
    },
    /// Nothing changed.
    Failed {
        /// When it ended.
        at: Timestamp,
        /// Why nothing came of it.
        why: Failed,
    },
}

/// What can be told of the time before the oldest entry of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// There was none: nothing was ever deleted from the journal, so the record is whole.
    Nothing,
    /// The first that the journal knows of the fan is a follow: whether there was an earlier one, or a purchase, is not known.
    BeforeTheFollow,
    /// The fan was there before: what happened then is lost.
    Lost,
}

/// Why a repair changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failed {
    /// The journal no longer reaches back to where it stood when the record was set aside, so what took its place knows more.
    TooLate,
    /// The journal says nothing of the fan.
    NothingKnown,
    /// The journal says more of the fan than one record may hold meanwhile.
    TooMuch,
    /// What took the record's place was damaged and set aside too.
    DamagedAgain,
    /// It was dropped, or had been there too long.
    Dropped,
}

/// All of them, and the last repair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The oldest first, each key once.
    pub set_aside: Vec<Damaged>,
    /// At most one is under way.
    pub repair: Option<Repair>,
}

impl Stored for List {}

impl Record for List {
    fn is_nothing(&self) -> bool {
        self.set_aside.is_empty() && self.repair.is_none()
    }
}

impl List {
    /// Its key, [`LIST`].
    pub fn key() -> Key<Self> {
        keys::DAMAGED_LIST.key(&[])
    }

    /// What stands at its key; one that is damaged itself begins anew.
    pub fn found(bytes: Option<&[u8]>) -> Self {
        bytes.and_then(|bytes| Self::decode(bytes).ok()).unwrap_or_default()
    }

    /// Whether a record is set aside.
    pub fn has(&self, key: &str) -> bool {
        self.set_aside.iter().any(|damaged| damaged.key == key)
    }

    /// The key of the record that is being repaired, if one is.
    pub fn repairs(&self) -> Option<&str> {
        let working = self.repair.as_ref().filter(|repair| matches!(repair.state, Progress::Replays { .. }));
        working.map(|repair| repair.key.as_str())
    }

    /// Notes a record. False: there is no room.
    pub(crate) fn note(&mut self, key: &str, at: Timestamp, bytes: usize) -> bool {
        self.take(key);
        self.fail(key, Failed::DamagedAgain, at);
        let has_room = self.set_aside.len() < KEPT_MAX;
        if has_room {
            self.set_aside.push(Damaged { key: key.to_owned(), at, bytes: bytes as u64 });
        }
        has_room
    }

    /// Takes a record off the list. True if it was there.
    pub(crate) fn take(&mut self, key: &str) -> bool {
        let before = self.set_aside.len();
        self.set_aside.retain(|damaged| damaged.key != key);
        self.set_aside.len() < before
    }

    /// Ends the repair of a record, if it is under way.
    pub(crate) fn fail(&mut self, key: &str, why: Failed, at: Timestamp) {
        if self.repairs() == Some(key) {
            self.repaired(Progress::Failed { at, why });
        }
    }

    /// Notes what came of the repair.
    pub(crate) fn repaired(&mut self, state: Progress) {
        if let Some(repair) = &mut self.repair {
            repair.state = state;
        }
    }

    /// Takes off the list what is about one fan, with what is said of a repair. Gives the keys that are to go with it.
    pub(crate) fn take_of(&mut self, openid: &OpenId) -> Vec<String> {
        let fan = fan::key(openid);
        let mut gone = Vec::new();
        if self.repair.take_if(|repair| *repair.key == *fan).is_some() {
            gone.push(keys::DAMAGED_REPAIR.pattern.to_owned());
        }
        let (ledger, requested) = (keys::LEDGER.key::<()>(&[openid]), keys::REQUESTED.key::<()>(&[openid]));
        for about in [String::from(fan), conversation::key(openid).into(), ledger.into(), requested.into()] {
            if self.take(&about) {
                gone.extend(keys(&about));
            }
        }
        gone
    }

    /// As JSON, for the console.
    pub fn json(&self) -> String {
        // Numbers and texts always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What the console wishes for a record that is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Its bytes go.
    Drop(String),
    /// It is repaired by replay.
    Repair(String),
}

impl Wish {
    /// Of which record.
    pub fn key(&self) -> &str {
        match self {
            Self::Drop(key) | Self::Repair(key) => key,
        }
    }

    /// The stored text: what, and of which key.
    fn encode(&self) -> String {
        match self {
            Self::Drop(key) => format!("drop {key}"),
            Self::Repair(key) => format!("repair {key}"),
        }
    }

    /// Reads the stored text.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        match text.split_once(' ') {
            Some(("repair", key)) => Self::Repair(key.to_owned()),
            Some((_, key)) => Self::Drop(key.to_owned()),
            None => Self::Drop(String::new()),
        }
    }
}

/// Why the console gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing is set aside under that key.
    #[error("no record of that key is set aside")]
    Unknown,
    /// Another kind of record than a fan's.
    #[error("only fan:<openid> is repaired by replay; dropping `{key}` loses {loss}")]
    NoReplay {
        /// The record's key.
        key: String,
        /// What would be lost.
        loss: &'static str,
    },
    /// One wish at a time.
    #[error("a wish for `{0}` waits for the next rollup: ask again after that")]
    Waits(String),
    /// One repair at a time.
    #[error("`{0}` is being repaired: ask again when /damaged says what came of it")]
    Repairs(String),
    /// The store does not do what it should: worth another try.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refused {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::Waits(_) | Self::Repairs(_) => 409,
            Self::NoReplay { .. } => 422,
            Self::Store(_) => 503,
        }
    }
}

/// What is set aside.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &impl Store) -> Result<List, StoreError> {
    Ok(List::found(store.get(LIST).await?.as_deref()))
}

/// The bytes of a record that is set aside.
///
/// # Errors
/// [`Refused`]
pub async fn show(store: &impl Store, of: &str) -> Result<Vec<u8>, Refused> {
    if !list(store).await?.has(of) {
        return Err(Refused::Unknown);
    }
    store.get(&key(of)).await?.ok_or(Refused::Unknown)
}

/// Lets the next rollup drop a record that is set aside, or the next ones repair it.
///
/// # Errors
/// [`Refused`]
pub async fn wish(store: &impl Store, wish: &Wish) -> Result<(), Refused> {
    let (list, of) = (list(store).await?, wish.key());
    if !list.has(of) {
        return Err(Refused::Unknown);
    }
    if let Wish::Repair(key) = wish {
        if fan_of(key).is_none() {
            return Err(Refused::NoReplay { key: key.clone(), loss: loss(key) });
        }
        match list.repairs() {
            Some(other) if other == key => return Ok(()),
            Some(other) => return Err(Refused::Repairs(other.to_owned())),
            None => {}
        }
    }
    match store.get(WISH).await?.map(|bytes| Wish::decode(&bytes)) {
        Some(other) if other != *wish => Err(Refused::Waits(other.key().to_owned())),
        _ => Ok(store.set(WISH, wish.encode().as_bytes()).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::loss;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_dropping_loses_is_said_of_every_kind_of_record() {
        for (key, said) in [
            ("fan:list:3", "the fans on that page"),
            ("fan:list:head", "its pages were counted"),
            ("fan:forget:20000:1", "who left on that day"),
            ("due:20000:0", "the reminders on that page"),
            ("due:20000:head", "its pages were counted"),
            ("outcome:list:head", "its pages were counted"),
            ("outcome:list:1", "what push was to learn"),
            ("request:list:head", "its pages were counted"),
            ("request:list:1", "not posted"),
            ("request:fan:o1", "go by time alone"),
            ("count:all", "the numbers"),
            ("order:00ff", "told again it counts again"),
            ("cursor:journal", "its copy"),
            ("redo:head", "folded again"),
            ("journal:7:1", "that entry"),
            ("plan:head", "has taken its place"),
            ("plan:head:copy", "has taken its place"),
            ("plan:campaigns", "the playbook, has taken its place"),
            ("plan:campaigns:copy", "the playbook, has taken its place"),
            ("plan:account", "the alarms"),
            ("plan:paces", "no longer counts"),
            ("plan:c:paces:0", "do not go out"),
            ("plan:h490000:0", "do not go out"),
            ("ledger:o1", "it stays where it is"),
            ("campaign:3", "that request"),
        ] {
            assert!(loss(key).contains(said), "{key}: {}", loss(key));
        }
    }
}
