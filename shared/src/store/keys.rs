//! Every key of the store: what stands there, who writes it, how long it stays, whether it names a person.
//!
//! Text from outside enters a key only as the hex of a hash or as a checked type ([`OpenId`](crate::wechat::OpenId)). Every record
//! but a counter begins with a format byte: a newer format is refused. A key is written by one component, but for a few that say
//! why; tests hold every write of every component against this table.

use super::{key::Key, list::List};
use std::fmt::{self, Write as _};

/// Who writes to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// `/wechat`.
    Callback,
    /// `/orders`.
    Orders,
    /// `/jobs/rollup`.
    Stats,
    /// What a brand asks for: an erasure, a repair, a campaign, the draft of a playbook, a publication; the last also by
    /// `guanxi publish`, in a file that nobody serves.
    Console,
    /// `/jobs/push`.
    Push,
    /// `/jobs/outbox`.
    Outbox,
}

impl Writer {
    /// The component's name in `spin.toml`.
    pub fn component(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Orders => "orders",
            Self::Stats => "stats",
            Self::Console => "console",
            Self::Push => "push",
            Self::Outbox => "outbox",
        }
    }
}

/// Whether what stands at a key, or the key, names a fan or says something of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// It does not.
    No,
    /// By the openid.
    Named,
    /// By a hash of an identifier.
    Hashed,
    /// In the fan's own words, digits masked, without the fan.
    Words,
}

/// What keys have in common.
#[derive(Debug)]
pub struct Kind {
    /// The parts of the key, between colons; those in `<…>` differ, and are one of these where several are named.
    pub pattern: &'static str,
    /// What stands there.
    pub what: &'static str,
    /// Who writes it.
    pub writers: &'static [Writer],
    /// When it goes.
    pub goes: &'static str,
    /// Whether it names somebody.
    pub person: Person,
}

macro_rules! kinds {
    ($($(#[doc = $what:literal])+ $name:ident = $pattern:literal, by $($writer:ident)|+, goes $goes:literal, $person:ident;)+) => {
        $(
            $(#[doc = $what])+
            pub const $name: Kind = Kind {
                pattern: $pattern,
                what: concat!($($what),+),
                writers: &[$(Writer::$writer),+],
                goes: $goes,
                person: Person::$person,
            };
        )+

        /// All of them; of two that a key fits, the first holds.
        pub const ALL: &[&Kind] = &[$(&$name),+];
    };
}

kinds! {
    /// Counter: numbers of streams.
    SEQ_JOURNAL = "seq:journal", by Callback | Orders | Console | Push, goes "never", No;
    /// Counter: requests for campaigns.
    SEQ_CAMPAIGN = "seq:campaign", by Console, goes "never", No;
    /// Counter: numbers of saves of the playbook's draft.
    SEQ_DRAFT = "seq:draft", by Console, goes "never", No;
    /// Counter: claims of a minute by a run; by the job.
    SLOT = "slot:<job>:<minute>", by Stats | Push | Console | Outbox, goes "some ten minutes later", No;
    /// Who runs or ran last, and its report; by the job.
    RUN = "run:<job>", by Stats | Push | Console | Outbox, goes "never", No;
    /// One entry. Of console it is an erasure; of push news, and what it found damaged.
    JOURNAL = "journal:<stream>:<i>", by Callback | Orders | Console | Push, goes "`keep_days` after it was folded", Named;
    /// How far the journal is read.
    JOURNAL_CURSOR = "cursor:journal", by Stats, goes "never", No;
    /// The same once more.
    JOURNAL_CURSOR_COPY = "cursor:journal:copy", by Stats, goes "never", No;
    /// Where forgetting stands.
    FORGET_CURSOR = "cursor:forget", by Stats, goes "never", No;
    /// Where the lists of due reminders begin.
    DUE_CURSOR = "cursor:due", by Stats, goes "never", No;
    /// Where the list of outcomes begins.
    OUTCOME_CURSOR = "cursor:outcome", by Stats, goes "never", No;
    /// Where the list of requests begins.
    REQUEST_CURSOR = "cursor:request", by Stats, goes "never", No;
    /// That there is a redo record.
    REDO_HEAD = "redo:head", by Stats, goes "once its writes happened", No;
    /// The writes of a chunk, while they happen.
    REDO_PART = "redo:<n>", by Stats, goes "once they happened", Named;
    /// Every fan, for campaigns.
    FANS = "fan:list:<page|head>", by Stats, goes "never; a forgotten fan's item becomes a blank", Named;
    /// Who is to be forgotten on a day.
    FORGET = "fan:forget:<day>:<page>", by Stats, goes "when worked off", Named;
    /// What is known of one fan. After an erasure a rest stays that keeps the person from being counted twice or pushed to.
    FAN = "fan:<openid>", by Stats, goes "`forget_after_days` after an unfollow; on request with the next rollup, the rest as after an unfollow", Named;
    /// Reminders due on a day.
    DUE = "due:<day>:<page|head>", by Stats, goes "14 days after the day", Named;
    /// What WeChat said of pushes, and who was forgotten, for push.
    OUTCOMES = "outcome:list:<page|head|gone>", by Stats, goes "after 7 days", Named;
    /// What fans ask the brand for, for the outbox.
    REQUESTS = "request:list:<page|head|gone>", by Stats, goes "after 14 days; a forgotten fan's items become blanks", Named;
    /// Which requests a fan made, where they stand, and what was bought by their numbers.
    REQUESTED = "request:fan:<openid>", by Stats, goes "with the fan", Named;
    /// Which fan a unionid is.
    UNION = "order:union:<hash>", by Stats, goes "with the fan", Named;
    /// Orders whose fan is not known yet.
    WAITING = "order:wait:<hash>", by Stats, goes "when the fan is known, or `forget_after_days` later", Hashed;
    /// Which events of an order were folded.
    ORDER = "order:<hash>", by Stats, goes "never", No;
    /// Records that were damaged, and the last repair.
    DAMAGED_LIST = "damaged:list", by Stats, goes "30 days later, or when dropped or repaired", Named;
    /// A repair under way: the record so far, and what the counts lack.
    DAMAGED_REPAIR = "damaged:repair", by Stats, goes "when it is over, or with the fan", Named;
    /// Which record the console wishes dropped or repaired, one at a time.
    DAMAGED_WISH = "damaged:wish", by Console | Stats, goes "when rollup has taken it up", Named;
    /// How far the journal was folded when a fan's record was set aside.
    DAMAGED_CURSOR = "damaged:cursor:<key>", by Stats, goes "with the record", Named;
    /// The bytes of a record that was damaged.
    DAMAGED = "damaged:<key>", by Stats, goes "30 days later, or when dropped, repaired, or with the fan", Named;
    /// Totals of an hour.
    HOUR = "count:h:<hour>", by Stats, goes "never", No;
    /// The same per channel.
    HOUR_CHANNELS = "count:h:<hour>:<page>", by Stats, goes "never", No;
    /// Totals of a day.
    DAY = "count:d:<day>", by Stats, goes "never", No;
    /// The same per channel.
    DAY_CHANNELS = "count:d:<day>:<page>", by Stats, goes "never", No;
    /// Totals of all time.
    ALL_TIME = "count:all", by Stats, goes "never", No;
    /// The same per channel.
    ALL_TIME_CHANNELS = "count:all:<page>", by Stats, goes "never", No;
    /// What became of those who first followed in a week.
    COHORT = "count:cohort:<week>:<page>", by Stats, goes "never", No;
    /// The last hit of each rule.
    RULES = "count:rules:<page>", by Stats, goes "never", No;
    /// Pushes due on a day.
    PUSHES = "count:push:<day>", by Stats, goes "never", No;
    /// Orders of a day by the channels of their first and last touch.
    PATHS = "count:paths:<day>", by Stats, goes "never", No;
    /// Who of a day was handed over to agents, and how long they waited, by hour.
    PEOPLE = "count:people:<day>", by Stats, goes "never", No;
    /// Requests of a day by kind, and how many of them were bought.
    REQUEST_DAY = "count:request:<day>", by Stats, goes "never", No;
    /// How dialogs went on a day, step by step.
    DIALOGS = "count:dialog:<day>", by Stats, goes "never", No;
    /// Channels that the playbook does not list.
    SCENES = "count:scenes", by Stats, goes "never", No;
    /// Texts that nobody answered; shown once three fans asked.
    QUESTIONS = "count:questions", by Stats, goes "the least asked make room", Words;
    /// Whether the fan stopped or resumed pushes: a key that requests overwrite; of two at once the later write wins.
    /// Rollup takes it away.
    CONVERSATION = "conversation:<openid>", by Callback | Stats, goes "with the fan; what the fan decided after that stays", Named;
    /// Where a fan stands in dialogs, what rules remember, and what the last messages were answered: overwritten by requests as the one above.
    DIALOG = "dialog:<openid>", by Callback | Stats, goes "with the fan", Named;
    /// What became of each push to a fan.
    LEDGER = "ledger:<openid>", by Push, goes "with the fan", Named;
    /// How far push has come.
    PLAN_HEAD = "plan:head", by Push, goes "never", No;
    /// The same once more, because nothing else tells what was planned.
    PLAN_HEAD_COPY = "plan:head:copy", by Push, goes "never", No;
    /// What the campaigns say that `plan:head` names, each as it stood when it began; stored before the head that names it.
    PLAN_TEXTS = "plan:campaigns", by Push, goes "with the campaign", No;
    /// The same once more.
    PLAN_TEXTS_COPY = "plan:campaigns:copy", by Push, goes "with the campaign", No;
    /// Alarms, contents that WeChat refuses, the token's times.
    PLAN_ACCOUNT = "plan:account", by Push, goes "never; an alarm about a fan with the fan", Named;
    /// Calls of the last period, and what WeChat allows.
    PLAN_PACES = "plan:paces", by Push, goes "never", No;
    /// Template messages that wait for an hour …
    PLAN_HOUR = "plan:h<hour>:<page>", by Push, goes "30 hours after they were due; who is forgotten becomes a blank at once", Named;
    /// … or of a campaign.
    PLAN_CAMPAIGN = "plan:c:<id>:<page>", by Push, goes "as those of an hour", Named;
    /// Notices that wait for an hour …
    PLAN_NOTICE_HOUR = "plan:n:h<hour>:<page>", by Push, goes "as those of an hour", Named;
    /// … or of a campaign.
    PLAN_NOTICE_CAMPAIGN = "plan:n:c:<id>:<page>", by Push, goes "as those of an hour", Named;
    /// Customer messages that wait for an hour …
    PLAN_MESSAGE_HOUR = "plan:m:h<hour>:<page>", by Push, goes "as those of an hour", Named;
    /// … or of a campaign.
    PLAN_MESSAGE_CAMPAIGN = "plan:m:c:<id>:<page>", by Push, goes "as those of an hour", Named;
    /// A campaign that was asked for, or that is to stop.
    CAMPAIGN = "campaign:<number>", by Console, goes "when 1,000 came after it", No;
    /// Which publications there are: the last four.
    PLAYBOOK_HEAD = "playbook:head", by Console, goes "never", No;
    /// A part of a publication.
    PLAYBOOK = "playbook:<n>:<part>", by Console, goes "when four came after it", No;
    /// When a publication was made, by whom and why, as they typed it.
    PLAYBOOK_NOTE = "playbook:note:<n>", by Console, goes "when four came after it", No;
    /// A part of its source.
    PLAYBOOK_SOURCE = "playbook:source:<n>:<part>", by Console, goes "when four came after it", No;
    /// The draft of the next playbook: which save, by whom and when.
    DRAFT = "playbook:draft", by Console, goes "never", No;
    /// A part of the draft.
    DRAFT_PART = "playbook:draft:<save>:<part>", by Console, goes "with the next save", No;
    /// How far the outbox is, which requests wait for another try, which were given up, and what was delivered each day.
    OUTBOX_HEAD = "outbox:head", by Outbox, goes "never", Hashed;
    /// Which requests that were given up the console wishes sent again, one wish at a time.
    OUTBOX_WISH = "outbox:wish", by Console | Outbox, goes "when the outbox has taken it up", Hashed;
    /// The access token, sealed under the app secret.
    TOKEN = "token", by Push, goes "when it is replaced", No;
}

/// Where counters stand, which some stores keep otherwise than values.
const COUNTERS: [&Kind; 4] = [&SEQ_JOURNAL, &SEQ_CAMPAIGN, &SEQ_DRAFT, &SLOT];

impl Kind {
    /// The key with these parts in the places of those that differ.
    pub(crate) fn key<T>(&self, parts: &[&dyn fmt::Display]) -> Key<T> {
        Key::named(filled(self.pattern, parts))
    }

    /// The list of which this is the key of a page.
    pub(crate) fn list<T>(&self, parts: &[&dyn fmt::Display]) -> List<T> {
        List::named(filled(self.pattern.rsplit_once(':').map_or(self.pattern, |(list, _)| list), parts))
    }

    /// A key of this kind that was kept as text; none: it is of another.
    pub(crate) fn read<T>(&self, key: &str) -> Option<Key<T>> {
        self.fits(key).then(|| Key::named(key.to_owned()))
    }

    /// Whether a counter stands there, which is only ever incremented.
    pub fn is_counter(&self) -> bool {
        COUNTERS.iter().any(|counter| counter.pattern == self.pattern)
    }

    /// Whether a key is of this kind.
    pub fn fits(&self, key: &str) -> bool {
        fits(self.pattern, key)
    }
}

/// The kind of a key; none: it is not one of ours.
pub fn kind_of(key: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.fits(key))
}

/// The list that a record belongs to, and which of its records it is; none: it is no list's.
pub(crate) fn list_of(key: &str) -> Option<(List<()>, &str)> {
    let lists = [FANS, DUE, OUTCOMES, REQUESTS];
    let (list, part) = key.rsplit_once(':').filter(|_| lists.iter().any(|kind| kind.fits(key)))?;
    Some((List::named(list.to_owned()), part))
}

fn filled(mut pattern: &str, parts: &[&dyn fmt::Display]) -> String {
    let (mut name, mut parts) = (String::with_capacity(48), parts.iter());
    while let Some((before, after)) = pattern.split_once('<') {
        name.push_str(before);
        if let Some(part) = parts.next() {
            // A `String` takes everything.
            let _ = write!(name, "{part}");
        }
        pattern = after.split_once('>').map_or("", |(_, rest)| rest);
    }
    name.push_str(pattern);
    name
}

fn fits(pattern: &str, key: &str) -> bool {
    let Some((before, after)) = pattern.split_once('<') else { return pattern == key };
    let (Some(key), Some((part, rest))) = (key.strip_prefix(before), after.split_once('>')) else { return false };
    if part == "key" {
        return !key.is_empty();
    }
    let (text, key) = key.split_at(key.find(':').unwrap_or(key.len()));
    let is = |part| match part {
        "openid" | "id" | "job" => !text.is_empty(),
        "hash" => text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "head" | "gone" => text == part,
        _ => text.parse::<u64>().is_ok(),
    };
    part.split('|').any(is) && fits(rest, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_key_is_of_the_kind_that_made_it_and_of_no_earlier_one() {
        for kind in ALL {
            let key = match kind.pattern.contains("<hash>") {
                true => kind.key::<()>(&[&"0123456789abcdef0123456789abcdef"]),
                false => kind.key::<()>(&[&7, &8]),
            };
            assert_eq!(kind_of(&key).map(|found| found.pattern), Some(kind.pattern), "{key}");
        }
    }

    #[test]
    fn counters_are_what_the_table_calls_so() {
        for kind in ALL {
            assert_eq!(kind.is_counter(), kind.what.trim_start().starts_with("Counter:"), "{}", kind.pattern);
        }
    }

    #[test]
    fn what_nothing_makes_is_of_no_kind() {
        for key in
            ["", "fan:", "fan:a:b", "due:x:1", "due:1:tail", "order:zz", "plan:hx:1", "count:h:1:2:3", "damaged:"]
        {
            assert!(kind_of(key).is_none(), "{key}");
        }
    }

    #[test]
    fn lists_have_pages_a_head_and_a_count_of_what_is_gone() {
        let list = OUTCOMES.list::<()>(&[]);
        let keys = (list.page(130).to_string(), list.head().to_string(), list.gone().to_string());
        assert_eq!(keys, ("outcome:list:2".into(), "outcome:list:head".into(), "outcome:list:gone".into()));
        assert_eq!(&*DUE.list::<()>(&[&20_000]).head(), "due:20000:head");
    }
}
