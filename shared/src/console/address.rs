//! Addresses: all that a page shows stands in them, so that they can be kept and sent around.
//!
//! | path | page | in its query |
//! |---|---|---|
//! | `/` | overview | `days`, `metric`, `against` |
//! | `/console/channels` | all channels | `days`, `find`, `group`, `sort`, `order` |
//! | `/console/channel` | one | `id`, `days` |
//! | `/console/pushes` | reminders and campaigns | `days`, `sort`, `order` |
//! | `/console/campaigns` | all campaigns | `sure`, `stopped` or `asked` with an id, `still` |
//! | `/console/campaign` | one that is being written | |
//! | `/console/questions` | questions and rules | |
//! | `/console/fan` | one fan | `openid`, `step` |
//! | `/console/playbook` | the playbook | `show`, `against`, `done` |
//! | `/console/account` | quotas and runs | |
//!
//! `/console/<table>.csv` is a table of the page with the same query. What a query has besides is passed over; a value that is
//! none of those that there are is refused.

use super::words::column_named;
use std::borrow::Cow;

/// Characters that somebody may look for.
const FIND_MAX: usize = 100;
/// Bytes of an id in an address.
const ID_MAX: usize = 512;
/// Parameters of a query that are looked at.
const PARAMETERS_MAX: usize = 32;

/// What the trend of the overview can show.
pub(super) const METRICS: [&str; 8] =
    ["new", "returning", "lost", "net", "messages", "answered_share", "orders", "revenue"];

/// How far back a page looks, today included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    /// 7 days
    Week,
    /// 30 days
    #[default]
    Month,
    /// 90 days
    Quarter,
}

impl Period {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// How many days.
    pub fn days(self) -> u64 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }
}

/// With which days a period is compared: as many, but earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Against {
    /// Those right before.
    #[default]
    Before,
    /// The last ones that have the same weekdays.
    Weekdays,
    /// Those of 365 days ago.
    Year,
}

impl Against {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Before, Self::Weekdays, Self::Year];

    /// How many days earlier, for a period of so many.
    pub fn days(self, period: Period) -> u64 {
        match self {
            Self::Before => period.days(),
            Self::Weekdays => period.days().next_multiple_of(7),
            Self::Year => 365,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Weekdays => "weekdays",
            Self::Year => "year",
        }
    }
}

/// By which column a table is sorted, and whether the greatest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: &'static str,
    /// The greatest first.
    pub descending: bool,
}

/// How far a wish to forget a fan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// There is none.
    #[default]
    Show,
    /// Asked whether this is meant.
    Sure,
    /// It is in the journal.
    Erased,
}

/// What is said above the campaigns; of which, by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    #[default]
    Nothing,
    /// Whether it is meant to stop it.
    Sure(String),
    /// It is to stop.
    Stopped(String),
    /// It is asked for.
    Asked(String),
}

/// The parameter of a note, and what it says of an id.
type NoteKind = (&'static str, fn(String) -> Note);

impl Note {
    const KINDS: [NoteKind; 3] = [("sure", Self::Sure), ("stopped", Self::Stopped), ("asked", Self::Asked)];

    fn parameter(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Nothing => None,
            Self::Sure(id) => Some(("sure", id)),
            Self::Stopped(id) => Some(("stopped", id)),
            Self::Asked(id) => Some(("asked", id)),
        }
    }
}

/// Which publications the playbook's page shows; 0 is the built-in one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// This one instead of the draft.
    pub show: Option<u32>,
    /// Beside this one instead of the live one.
    pub against: Option<u32>,
    /// What was just done.
    pub done: Option<Told>,
}

/// What a page says that somebody just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Saved the draft.
    Saved,
    /// Published.
    Published,
}

/// What is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// How things stand, beside earlier days.
    Overview(Period, &'static str, Against),
    /// What each channel brought.
    Channels(Period, Filter),
    /// What one channel brought.
    Channel(Period, String),
    /// What became of reminders and campaigns.
    Pushes(Period, Option<Sort>),
    /// The campaigns that push knows; true: the page is not loaded again by itself.
    Campaigns(Note, bool),
    /// A campaign that is being written.
    Campaign,
    /// What nobody answered, rules nobody needs, when people write.
    Questions,
    /// One fan, by what was entered as the openid.
    Fan(String, Step),
    /// The playbook, which is written, tried and published there.
    Playbook(Versions),
    /// How the account stands with WeChat.
    Account,
}

/// Which channels, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// With this in id or name, in either case; empty: all.
    pub find: String,
    /// Of this group; empty: all.
    pub group: String,
    /// As the report has them, without.
    pub sort: Option<Sort>,
}

/// The name of a parameter whose value is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value of `{0}` is none")]
pub struct Wrong(pub &'static str);

#[derive(Default)]
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: &[u8]) -> Self {
        Self(form_urlencoded::parse(query).into_owned().take(PARAMETERS_MAX).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn period(&self) -> Result<Period, Wrong> {
        let Some(days) = self.get("days") else { return Ok(Period::default()) };
        Period::ALL.into_iter().find(|period| period.days().to_string() == days).ok_or(Wrong("days"))
    }

    fn metric(&self) -> Result<&'static str, Wrong> {
        let name = self.get("metric").unwrap_or("new");
        METRICS.into_iter().find(|metric| *metric == name).ok_or(Wrong("metric"))
    }

    fn against(&self) -> Result<Against, Wrong> {
        let Some(code) = self.get("against") else { return Ok(Against::default()) };
        Against::ALL.into_iter().find(|against| against.code() == code).ok_or(Wrong("against"))
    }

    fn sort(&self) -> Result<Option<Sort>, Wrong> {
        let descending = match self.get("order") {
            None | Some("down") => true,
            Some("up") => false,
            Some(_) => return Err(Wrong("order")),
        };
        let column = self.get("sort").map(|name| column_named(name).ok_or(Wrong("sort"))).transpose()?;
        Ok(column.map(|column| Sort { column, descending }))
    }

    fn text(&self, name: &'static str, fits: impl Fn(&str) -> bool) -> Result<String, Wrong> {
        let text = self.get(name).unwrap_or_default();
        if fits(text) { Ok(text.to_owned()) } else { Err(Wrong(name)) }
    }

    fn note(&self) -> Result<Note, Wrong> {
        let mut asked = Note::KINDS.into_iter().filter(|(name, _)| self.get(name).is_some());
        let Some((name, note)) = asked.next() else { return Ok(Note::Nothing) };
        self.text(name, |text| !text.is_empty() && text.len() <= ID_MAX).map(note)
    }

    fn still(&self) -> Result<bool, Wrong> {
        match self.get("still") {
            None => Ok(false),
            Some("1") => Ok(true),
            Some(_) => Err(Wrong("still")),
        }
    }

    fn versions(&self) -> Result<Versions, Wrong> {
        let number = |name| self.get(name).map(|number| number.parse().map_err(|_| Wrong(name))).transpose();
        let done = match self.get("done") {
            None => None,
            Some("saved") => Some(Told::Saved),
            Some("published") => Some(Told::Published),
            Some(_) => return Err(Wrong("done")),
        };
        Ok(Versions { show: number("show")?, against: number("against")?, done })
    }

    fn step(&self) -> Result<Step, Wrong> {
        match self.get("step") {
            None => Ok(Step::Show),
            Some("sure") => Ok(Step::Sure),
            Some("erased") => Ok(Step::Erased),
            Some(_) => Err(Wrong("step")),
        }
    }
}

/// What a form posts (`application/x-www-form-urlencoded`).
pub struct Posted(Parameters);

impl Posted {
    /// Reads a body; the caller limits its length.
    pub fn parse(body: &[u8]) -> Self {
        Self(Parameters::parse(body))
    }

    /// The value of a field; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }

    /// The page that a field has the address of; the overview where it has none.
    pub fn page(&self, name: &str) -> Page {
        let address = self.get(name);
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        match Page::at(path, query) {
            Ok(Some((page, _))) => page,
            Ok(None) | Err(Wrong(_)) => Page::home(),
        }
    }
}

/// The language that a query asks for.
pub fn language_asked(query: &str) -> Option<super::Language> {
    Parameters::parse(query.as_bytes()).get("lang").and_then(super::Language::of_code)
}

impl Page {
    /// Where one begins.
    pub fn home() -> Self {
        Self::Overview(Period::default(), "new", Against::default())
    }

    /// The page at an address; and the table of it, where only that is asked for. None: there is no such page.
    ///
    /// # Errors
    /// [`Wrong`]
    pub fn at(path: &str, query: &str) -> Result<Option<(Self, Option<&'static str>)>, Wrong> {
        let (name, table) = match path {
            "/" | "/console" => ("overview", None),
            path => {
                let Some(name) = path.strip_prefix("/console/") else { return Ok(None) };
                match name.strip_suffix(".csv").map(|name| TABLES.iter().find(|(table, _)| *table == name)) {
                    Some(Some((table, page))) => (*page, Some(*table)),
                    Some(None) => return Ok(None),
                    None => (name, None),
                }
            }
        };
        let parameters = Parameters::parse(query.as_bytes());
        let page = match name {
            "overview" => Self::Overview(parameters.period()?, parameters.metric()?, parameters.against()?),
            "channels" => {
                let find = parameters.text("find", |text| text.chars().count() <= FIND_MAX)?;
                let group = parameters.text("group", |text| text.len() <= ID_MAX)?;
                Self::Channels(parameters.period()?, Filter { find, group, sort: parameters.sort()? })
            }
            "channel" => {
                let id = parameters.text("id", |text| !text.is_empty() && text.len() <= ID_MAX)?;
                Self::Channel(parameters.period()?, id)
            }
            "pushes" => Self::Pushes(parameters.period()?, parameters.sort()?),
            "campaigns" => Self::Campaigns(parameters.note()?, parameters.still()?),
            "campaign" => Self::Campaign,
            "questions" => Self::Questions,
            "fan" => Self::Fan(parameters.text("openid", |text| text.len() <= ID_MAX)?, parameters.step()?),
            "playbook" => Self::Playbook(parameters.versions()?),
            "account" => Self::Account,
            _ => return Ok(None),
        };
        Ok(Some((page, table)))
    }

    fn path(&self) -> &'static str {
        match self {
            Self::Overview(..) => "/",
            Self::Channels(..) => "/console/channels",
            Self::Channel(..) => "/console/channel",
            Self::Pushes(..) => "/console/pushes",
            Self::Campaigns(..) => "/console/campaigns",
            Self::Campaign => "/console/campaign",
            Self::Questions => "/console/questions",
            Self::Fan(..) => "/console/fan",
            Self::Playbook(_) => "/console/playbook",
            Self::Account => "/console/account",
        }
    }

    fn query(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let period = match self.period() {
            Some(Period::Week) => Some(("days", "7".into())),
            Some(Period::Quarter) => Some(("days", "90".into())),
            Some(Period::Month) | None => None,
        };
        let mut query: Vec<(&str, Cow<'_, str>)> = period.into_iter().collect();
        match self {
            Self::Overview(_, metric, against) => {
                query.extend([("metric", (*metric).into()), ("against", against.code().into())]);
            }
            Self::Channels(_, filter) => {
                let texts = [("find", filter.find.as_str()), ("group", &filter.group)];
                query.extend(
                    texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.into())),
                );
                query.extend(filter.sort.into_iter().flat_map(sorted));
            }
            Self::Channel(_, id) => query.push(("id", id.into())),
            Self::Pushes(_, sort) => query.extend((*sort).into_iter().flat_map(sorted)),
            Self::Fan(openid, step) => {
                query.push(("openid", openid.into()));
                query.extend(match step {
                    Step::Show => None,
                    Step::Sure => Some(("step", "sure".into())),
                    Step::Erased => Some(("step", "erased".into())),
                });
            }
            Self::Playbook(Versions { show, against, done }) => {
                let numbers = [("show", show), ("against", against)];
                query.extend(
                    numbers.into_iter().filter_map(|(name, number)| Some((name, number.as_ref()?.to_string().into()))),
                );
                query.extend(done.map(|done| match done {
                    Told::Saved => ("done", "saved".into()),
                    Told::Published => ("done", "published".into()),
                }));
            }
            Self::Campaigns(note, still) => {
                query.extend(note.parameter().map(|(name, id)| (name, id.into())));
                query.extend(still.then_some(("still", "1".into())));
            }
            Self::Questions | Self::Account | Self::Campaign => {}
        }
        query.retain(|(name, value)| {
            ![("metric", "new"), ("against", "before"), ("openid", "")].contains(&(*name, &**value))
        });
        query
    }

    /// Where the page is.
    pub fn address(&self) -> String {
        written(self.path().to_owned(), &self.query())
    }

    /// The same in a language.
    pub fn address_in(&self, language: super::Language) -> String {
        let mut query = self.query();
        query.push(("lang", language.code().into()));
        written(self.path().to_owned(), &query)
    }

    /// Where a table of it is, as CSV.
    pub(super) fn csv_address(&self, table: &str) -> String {
        written(format!("/console/{table}.csv"), &self.query())
    }

    /// How far back it looks, if it does.
    pub(super) fn period(&self) -> Option<Period> {
        match self {
            Self::Overview(period, ..)
            | Self::Channels(period, _)
            | Self::Channel(period, _)
            | Self::Pushes(period, _) => Some(*period),
            Self::Questions
            | Self::Fan(..)
            | Self::Playbook(_)
            | Self::Account
            | Self::Campaigns(..)
            | Self::Campaign => None,
        }
    }

    /// The same over another period.
    #[must_use]
    pub(super) fn over(&self, other: Period) -> Self {
        let mut page = self.clone();
        match &mut page {
            Self::Overview(period, ..)
            | Self::Channels(period, _)
            | Self::Channel(period, _)
            | Self::Pushes(period, _) => {
                *period = other;
            }
            Self::Questions
            | Self::Fan(..)
            | Self::Playbook(_)
            | Self::Account
            | Self::Campaigns(..)
            | Self::Campaign => {}
        }
        page
    }

    /// By which column its table is sorted.
    pub(super) fn sort(&self) -> Option<Sort> {
        match self {
            Self::Channels(_, filter) => filter.sort,
            Self::Pushes(_, sort) => *sort,
            _ => None,
        }
    }

    /// The same, sorted.
    #[must_use]
    pub(super) fn sorted(&self, by: Sort) -> Self {
        let mut page = self.clone();
        match &mut page {
            Self::Channels(_, filter) => filter.sort = Some(by),
            Self::Pushes(_, sort) => *sort = Some(by),
            _ => {}
        }
        page
    }
}

/// Tables that can be had as CSV, and whose they are.
pub(super) const TABLES: [(&str, &str); 18] = [
    ("overview", "overview"),
    ("trend", "overview"),
    ("publications", "overview"),
    ("channels", "channels"),
    ("trends", "channels"),
    ("paths", "channels"),
    ("channel", "channel"),
    ("retention", "channel"),
    ("scan-hours", "channel"),
    ("pushes", "pushes"),
    ("campaigns", "campaigns"),
    ("questions", "questions"),
    ("rules", "questions"),
    ("stale-rules", "questions"),
    ("hours", "questions"),
    ("people", "questions"),
    ("fan", "fan"),
    ("account", "account"),
];

fn sorted<'a>(sort: Sort) -> [(&'static str, Cow<'a, str>); 2] {
    [("sort", sort.column.into()), ("order", if sort.descending { "down" } else { "up" }.into())]
}

fn written(path: String, query: &[(&str, Cow<'_, str>)]) -> String {
    if query.is_empty() {
        return path;
    }
    form_urlencoded::Serializer::for_suffix(path.clone() + "?", path.len() + 1).extend_pairs(query).finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::console::Language;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn sort() -> Option<Sort> {
        Some(Sort { column: "net", descending: false })
    }

    fn pages() -> Vec<Page> {
        let hostile = "\"><script>&=#?+% \u{202e}猫".to_owned();
        vec![
            Page::Overview(Period::Month, "new", Against::Before),
            Page::Overview(Period::Week, "revenue", Against::Weekdays),
            Page::Overview(Period::Quarter, "new", Against::Year),
            Page::Channels(Period::Month, Filter::default()),
            Page::Channels(Period::Quarter, Filter { find: hostile.clone(), group: hostile.clone(), sort: sort() }),
            Page::Channel(Period::Week, hostile.clone()),
            Page::Pushes(Period::Month, sort()),
            Page::Campaigns(Note::Nothing, false),
            Page::Campaigns(Note::Sure(hostile.clone()), true),
            Page::Campaigns(Note::Stopped(hostile.clone()), false),
            Page::Campaigns(Note::Asked("spring".into()), false),
            Page::Campaign,
            Page::Questions,
            Page::Fan(String::new(), Step::Show),
            Page::Fan(hostile, Step::Sure),
            Page::Fan("oFan".into(), Step::Erased),
            Page::Playbook(Versions::default()),
            Page::Playbook(Versions { show: Some(0), against: Some(u32::MAX), done: None }),
            Page::Playbook(Versions { done: Some(Told::Saved), ..Versions::default() }),
            Page::Playbook(Versions { done: Some(Told::Published), ..Versions::default() }),
            Page::Account,
        ]
    }

    #[test]
    fn every_page_is_where_its_address_says() {
        for page in pages() {
            let in_english = page.address_in(Language::En);
            for address in [page.address(), in_english.clone()] {
                let (path, query) = address.split_once('?').unwrap_or((&address, ""));
                assert!(address.is_ascii() && !address.contains(['"', '<', ' ']), "{address}");
                assert_eq!(Page::at(path, query), Ok(Some((page.clone(), None))), "{address}");
            }
            assert_eq!(language_asked(in_english.split_once('?').unwrap().1), Some(Language::En));
        }
        assert_eq!(Page::Overview(Period::Month, "new", Against::Before).address(), "/");
    }

    #[test]
    fn a_table_has_the_query_of_its_page() {
        for page in pages() {
            let path = if page.path() == "/" { "/console/overview" } else { page.path() };
            for (table, name) in TABLES.into_iter().filter(|(_, name)| path.ends_with(&format!("/{name}"))) {
                let address = page.csv_address(table);
                let (path, query) = address.split_once('?').unwrap_or((&address, ""));
                assert_eq!(Page::at(path, query), Ok(Some((page.clone(), Some(table)))), "{address} of {name}");
            }
        }
    }

    #[test]
    fn a_form_leads_to_a_page_and_nowhere_else() {
        let to = |address: &str| {
            let body = form_urlencoded::Serializer::new(String::new()).append_pair("to", address).finish();
            Posted::parse(body.as_bytes()).page("to")
        };
        for page in pages() {
            assert_eq!(to(&page.address()), page);
        }
        for elsewhere in
            ["", "//evil.example", "https://evil.example/", "/\\evil", "/console/channel", "/wechat", "/?days=x"]
        {
            assert_eq!(to(elsewhere), Page::home(), "{elsewhere}");
        }
        let posted = Posted::parse(b"token=a%2Bb+c&token=2&\xff=%ff");
        assert_eq!((posted.get("token"), posted.get("openid")), ("a+b c", ""));
    }

    #[test]
    fn what_is_no_address_is_told_apart_from_a_wrong_value() {
        for path in [
            "/console/",
            "/console/x",
            "/console/x.csv",
            "/consol",
            "/console/channels/",
            "/reports/channels",
            "//",
            "",
        ] {
            assert_eq!(Page::at(path, ""), Ok(None), "{path}");
        }
        let long = format!("find={}", "猫".repeat(FIND_MAX + 1));
        for (path, query, wrong) in [
            ("/", "days=8", "days"),
            ("/", "days=", "days"),
            ("/", "metric=followers", "metric"),
            ("/console/channels", "sort=x", "sort"),
            ("/console/pushes", "order=x", "order"),
            ("/console/channels", long.as_str(), "find"),
            ("/console/channel", "", "id"),
            ("/console/fan", "step=x", "step"),
            ("/console/campaigns", "sure=", "sure"),
            ("/console/campaigns", "still=x", "still"),
            ("/console/playbook", "show=-1", "show"),
            ("/console/playbook", "show=1&against=x", "against"),
            ("/console/playbook", "done=x", "done"),
        ] {
            assert_eq!(Page::at(path, query), Err(Wrong(wrong)), "{path}?{query}");
        }
        assert!(Page::at("/", "utm_source=x&days=7").unwrap().is_some(), "what others add is passed over");
    }
}
