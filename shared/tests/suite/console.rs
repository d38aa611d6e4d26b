//! The console's pages over a folded history.

use super::brand::{
    Brand as Store, START, allows, click, finished, follow, news, order, push, reported, scan, settings, text, told,
    unfollow, welcomed,
};
use guanxi::{
    console::{
        self, Against, Failure, Filter, HEADERS, Language, Note, Page, Period, ROWS_SHOWN, Retry, SCRIPT,
        SCRIPT_ADDRESS, SCRIPTED, STYLE, STYLE_ADDRESS, Sort, Step, View,
    },
    facts::{
        Entry,
        order::OrderKind,
        push::{Group, Skip, What},
    },
    playbook::publish::{HEAD_KEY, Publication},
    report::{Ask, Brand, Cell, Look, Moment, ReportError, Sheet},
    store::record::Records,
    time::Timestamp,
    wechat::{Event, Kind},
};
use html::{Html, parsed};
use std::collections::{BTreeMap, BTreeSet};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

mod campaigns;
mod desk;
mod html;
#[cfg(not(target_family = "wasm"))]
mod laws;

const DAY: u64 = 86_400;
const NOW: u64 = 16 * DAY;
const CSRF: &str = "the-form's-seal";

fn brand() -> Brand {
    let look = |name: &str, group: &str| Look {
        name: name.into(),
        group: group.into(),
        cost: Some(10_000),
        valid: (None, None),
    };
    let channels = BTreeMap::from([("bag".into(), look("B1", "G1")), ("unused".into(), look("B2", "G2"))]);
    Brand { settings: settings(), channels, rules: vec!["welcome".into(), "never".into()] }
}

/// Folded once for each thread.
fn history() -> Store {
    thread_local! { static HISTORY: Store = folded(); }
    HISTORY.with(Store::clone)
}

fn folded() -> Store {
    let mut entries = vec![
        welcomed("o1", 0, "bag"),
        follow("o2", 60, "bag"),
        click("o1", 90),
        follow("o3", 90, ""),
        unfollow("o2", DAY),
        scan("o1", DAY, "poster"),
        allows("o1", DAY + 1, "T1"),
        reported(DAY, [order("a", OrderKind::Order, "o1", DAY, 12_900)]),
        reported(2 * DAY, [order("b", OrderKind::Order, "o1", 2 * DAY, 1_234_500)]),
        text("o1", 2 * DAY, "Q1", None),
        text("o3", 2 * DAY + 1, "Q1", None),
        text("o4", 2 * DAY + 2, "Q1", None),
        text("o1", 2 * DAY + 4, "Q2", Some("welcome")),
        Entry::Received(push("o1", 2 * DAY + 5, Kind::Event(Event::KfCreateSession { kf_account: "a@gh_1".into() }))),
    ];
    for n in 0..80 {
        let (fan, due) = (if n == 0 { "o1".to_owned() } else { format!("p{n}") }, 3_600);
        let what = if n % 2 == 0 { What::Sent(Some(fan.clone())) } else { What::Skipped(Skip::Holdout) };
        let mut push = news(&fan, &fan, due, what);
        push.group = Some(if n % 2 == 0 { Group::Treated } else { Group::Holdout });
        entries.push(told([push]));
        if n % 4 == 0 {
            entries.push(finished(&fan, due + 5, &fan, "success"));
            entries.push(reported(due + DAY, [order(&fan, OrderKind::Order, &fan, due + DAY, 5_000)]));
        }
    }
    Store::of(entries)
}

fn moment() -> Moment {
    Moment { now: Timestamp(START + NOW), backlog: Some(7) }
}

fn answered(ask: &Ask, store: &Store) -> Result<Sheet, ReportError> {
    let keys = ask.keys(&brand(), moment());
    let loaded: Records =
        keys.into_iter().filter_map(|key| Some((key.clone(), store.records.get(&key)?.clone()))).collect();
    ask.answer(&brand(), moment(), &loaded)
}

/// As the function does it: of a stranger there are no sheets.
fn sheets(page: &Page, store: &Store) -> Vec<Sheet> {
    if matches!(page, Page::Campaigns(..)) {
        return vec![console::campaigns(&campaigns::listed(), &brand(), moment())];
    }
    page.asks(&brand(), moment()).iter().filter_map(|ask| answered(ask, store).ok()).collect()
}

fn shown(page: &Page, language: Language, brand: &Brand, sheets: &[Sheet]) -> Html {
    parsed(&console::page(&View { language, csrf: CSRF, page, brand, moment: moment() }, sheets))
}

fn show(page: &Page, language: Language) -> Html {
    shown(page, language, &brand(), &sheets(page, &history()))
}

fn pages() -> Vec<Page> {
    let sort = Some(Sort { column: "sent", descending: true });
    let fan = |step| Page::Fan("o1".into(), step);
    vec![
        Page::Overview(Period::Month, "new", Against::Before),
        Page::Overview(Period::Week, "revenue", Against::Before),
        Page::Overview(Period::Quarter, "answered_share", Against::Before),
        Page::Channels(Period::Month, Filter::default()),
        Page::Channels(
            Period::Month,
            Filter { find: "b".into(), group: "G1".into(), sort: Some(Sort { column: "net", descending: false }) },
        ),
        Page::Channel(Period::Month, "bag".into()),
        Page::Channel(Period::Week, "nobody".into()),
        Page::Pushes(Period::Month, None),
        Page::Pushes(Period::Month, sort),
        Page::Campaigns(Note::Nothing, false),
        Page::Campaigns(Note::Sure("C4".into()), true),
        Page::Campaigns(Note::Stopped("C4".into()), true),
        Page::Questions,
        Page::Fan(String::new(), Step::Show),
        fan(Step::Show),
        fan(Step::Sure),
        fan(Step::Erased),
        Page::Fan("o9".into(), Step::Show),
        Page::Fan("<".into(), Step::Show),
        Page::Account,
    ]
}

/// Rows as the account's report has them, of each kind.
fn account() -> Sheet {
    let mut sheet = answered(&Ask::Account, &history()).unwrap();
    let at = Cell::Time(Timestamp(START));
    for (about, says) in [
        ("token", "in use"),
        ("token", "over: the next call fetches another"),
        ("quota: template messages", "WeChat sets no pace"),
        ("quota: notices", "at most 98 in 60 s"),
        ("pause: customer messages", "45009"),
        ("alarm: T1", "40037"),
        ("damaged: F1", "set aside; /damaged shows, repairs and drops it"),
        ("last run of push", "sent 1, refused 2, unknown 3"),
        ("last run of push", "failed: E1"),
        ("last run of push", "stopped sending: E1"),
    ] {
        let number = Cell::Count(1_234);
        sheet.rows.push(vec![
            Cell::text(about),
            at.clone(),
            Cell::Empty,
            Cell::Empty,
            number.clone(),
            number,
            Cell::text(says),
        ]);
    }
    sheet
}

#[test]
fn every_page_is_whole_in_both_languages_and_every_link_leads_to_a_page() {
    for page in pages() {
        for language in [Language::Zh, Language::En] {
            let html = show(&page, language);
            assert_eq!(html.all("h1").len(), 1, "{page:?}");
            assert_eq!(html.all("html")[0].attribute("lang"), Some(language.tag()));
            assert_eq!(html.all("link")[0].attribute("href"), Some(STYLE_ADDRESS.as_str()));
            assert!(html.all("svg").iter().all(|svg| svg.attribute("role") == Some("img")), "{page:?}");
            let links: Vec<&str> = html.all("a").iter().filter_map(|link| link.attribute("href")).collect();
            for link in links.iter().filter(|link| **link != "#content") {
                let (path, query) = link.split_once('?').unwrap_or((link, ""));
                assert!(matches!(Page::at(path, query), Ok(Some(_))), "{link} on {page:?}");
            }
            assert!(links.contains(&page.address_in(language.other()).as_str()), "{page:?} in the other language");
            for form in html.all("form") {
                let posts = form.attribute("method") == Some("post");
                let sealed = html.all("input").iter().any(|input| input.attribute("value") == Some(CSRF));
                assert!(!posts || sealed, "{page:?}");
            }
        }
    }
}

/// Data are written so that they have no small letters of their own: what is left is words.
#[test]
fn every_page_says_every_word_in_its_language() {
    let data =
        ["bag", "cat", "poster", "unused", "food", "never", "welcome", "nobody", "reminder", "o1", "o9", "openid"];
    let names = [
        "CSV",
        "English",
        "Guanxi",
        "POST",
        "QR",
        "WeChat",
        "Standard",
        "Webhooks",
        "damaged",
        "id",
        "token",
        "https",
        "wechat",
        "campaigns",
        "channels",
        "products.reminder",
        "orders",
        "T1",
        "F1",
        "E1",
        "playbook",
        "console",
    ];
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
    for page in pages() {
        let mut sheets = sheets(&page, &history());
        if let Some(sheet) = sheets.iter_mut().find(|sheet| sheet.columns[0] == "about") {
            *sheet = account();
        }
        for language in [Language::Zh, Language::En] {
            let html = shown(&page, language, &brand(), &sheets);
            for text in html.texts_outside(&["pre", "code"]) {
                let chinese = text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
                if language == Language::En {
                    assert!(!chinese || text == "中文", "{page:?}: {text}");
                    continue;
                }
                for word in text.split(|letter: char| !is_letter(letter)).map(|word| word.trim_matches('.')) {
                    let small = word.chars().filter(char::is_ascii_lowercase).count();
                    let known = data.contains(&word) || names.contains(&word);
                    assert!(small < 2 || known, "{page:?}: {word} in {text}");
                }
            }
        }
    }
}

#[test]
fn the_overview_shows_both_periods_and_their_difference() {
    let page = Page::Overview(Period::Week, "orders", Against::Before);
    let html = show(&page, Language::En);
    let sum = |days: std::ops::RangeInclusive<u64>, column: &str| {
        let both = sheets(&page, &history());
        let rows: Vec<_> = both[1].cells(column).chain(both[0].cells(column)).cloned().collect();
        Cell::sum(&rows[*days.start() as usize..=*days.end() as usize])
    };
    // The day is the 17th of the history; the week before has its days 4 to 10, so all that happened was earlier.
    assert_eq!((sum(7..=13, "orders"), sum(0..=6, "orders")), (Cell::Count(0), Cell::Count(0)));
    let month = show(&Page::Overview(Period::Month, "orders", Against::Before), Language::En);
    let row = |html: &Html, name: &str| html.row("overview", name);
    assert_eq!(row(&month, "Orders"), ["Orders", "22", "0", "–"]);
    assert_eq!(row(&month, "Revenue"), ["Revenue", "¥13,474.00", "¥0.00", "–"]);
    assert_eq!(row(&month, "Answered"), ["Answered", "25.0%", "–", "–"]);
    assert_eq!(row(&month, "Pushes sent"), ["Pushes sent", "20", "0", "–"]);
    assert_eq!(row(&html, "Orders"), ["Orders", "0", "0", "–"]);
    assert_eq!(month.rows("trend").len(), 1 + 30);
    assert!(html.all("path").iter().any(|path| path.attribute("class") == Some("before")));
    let asked = |against| Page::Overview(Period::Month, "orders", against).asks(&brand(), moment());
    for (against, earlier) in [(Against::Before, 30), (Against::Weekdays, 35), (Against::Year, 365)] {
        let [Ask::Trend(now, _), Ask::Trend(before, _), ..] = asked(against)[..] else { panic!("{against:?}") };
        assert_eq!(before, now.earlier(earlier), "{against:?}");
    }
}

#[test]
fn a_publication_is_a_mark_above_its_day() {
    let mut store = history();
    let published =
        |number, holds_from| Publication { number, holds_from, parts: 1, length: 1, checksum: Default::default() };
    let at = |day: u64| Timestamp(START + day * DAY);
    let mut head = vec![1];
    head.extend(postcard::to_stdvec(&[published(3, at(2)), published(4, at(15))]).unwrap());
    // A sequence begins with its length, an array does not.
    head.insert(1, 2);
    store.records.insert(HEAD_KEY.into(), head);
    let page = Page::Overview(Period::Week, "new", Against::Before);
    let html = shown(&page, Language::En, &brand(), &sheets(&page, &store));
    let marks = html.all("line").into_iter().filter(|line| line.attribute("class") == Some("mark")).count();
    assert_eq!(marks, 1, "the other one was earlier");
    assert!(html.says("Playbook 4") && !html.says("Playbook 3"));
    assert_eq!(html.rows("publications").iter().skip(1).map(|row| row[0].as_str()).collect::<Vec<_>>(), ["4", "3"]);
}

#[test]
fn channels_are_sorted_and_filtered_by_their_address() {
    let ids = |filter: Filter| {
        let html = show(&Page::Channels(Period::Month, filter), Language::En);
        html.rows("channels").iter().skip(1).map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    let by = |column, descending| Filter { sort: Some(Sort { column, descending }), ..Filter::default() };
    assert_eq!(ids(Filter::default()), ["bag", "(no code)", "unused", "poster", "(all)"]);
    assert_eq!(ids(by("channel", false)), ["(no code)", "bag", "poster", "unused", "(all)"]);
    assert_eq!(ids(by("revenue_last_touch", true))[0], "poster");
    assert_eq!(ids(by("cost", true))[2..], ["(no code)", "poster", "(all)"], "those without a value come last");
    assert_eq!(ids(by("cost", false))[2..], ["(no code)", "poster", "(all)"]);
    assert_eq!(ids(Filter { find: "B".into(), ..Filter::default() }), ["bag", "unused", "(all)"], "in id or name");
    assert_eq!(ids(Filter { group: "G2".into(), ..Filter::default() }), ["unused", "(all)"]);
    let none = Filter { find: "zzz".into(), ..Filter::default() };
    assert!(show(&Page::Channels(Period::Month, none), Language::En).says("No row matches."));
}

#[test]
fn the_trends_of_channels_stand_in_the_order_of_the_table_and_on_one_scale() {
    let show_by = |filter| show(&Page::Channels(Period::Month, filter), Language::En);
    let ids = |html: &Html| html.rows("trends").iter().skip(1).map(|row| row[0].clone()).collect::<Vec<_>>();
    let html = show_by(Filter::default());
    assert_eq!(ids(&html), ["bag", "(no code)"]);
    let small = html.all("path").into_iter().filter(|path| path.attribute("class") == Some("line"));
    let lines: Vec<String> = small.filter_map(|line| line.attribute("d").map(str::to_owned)).collect();
    let highest = |line: &str| {
        let points = line.split(['M', 'L']).skip(1);
        let heights = points.map(|point| point.split_once(' ').unwrap().1.parse::<f64>().unwrap());
        heights.fold(f64::INFINITY, f64::min)
    };
    // Two came on the best day of the one, and one on that of the other.
    assert_eq!(lines.iter().map(|line| highest(line)).collect::<Vec<_>>(), [2.0, 18.0]);
    let sort = Some(Sort { column: "channel", descending: false });
    assert_eq!(ids(&show_by(Filter { sort, ..Filter::default() })), ["(no code)", "bag"]);
    assert_eq!(ids(&show_by(Filter { find: "bag".into(), ..Filter::default() })), ["bag"]);
    assert!(ids(&show_by(Filter { group: "G2".into(), ..Filter::default() })).is_empty());
}

#[test]
fn a_channel_shows_how_far_its_new_fans_came_from_the_welcome_on() {
    let html = show(&Page::Channel(Period::Month, "bag".into()), Language::En);
    let [head, row] = &html.rows("welcome")[..] else { panic!("one row") };
    assert_eq!(*head, ["New", "Welcomed", "Used menu", "Bought"]);
    assert_eq!(*row, ["2", "1", "1", "1"]);
}

#[test]
fn a_page_reads_no_more_records_with_more_fans() {
    for page in pages() {
        let keys: BTreeSet<String> =
            page.asks(&brand(), moment()).iter().flat_map(|ask| ask.keys(&brand(), moment())).collect();
        // Which they are is said before any record is read: by the page and the playbook alone.
        assert!(keys.len() <= 90 * 18 + 8, "{page:?}: {}", keys.len());
        let of_fans = keys.iter().filter(|key| key.starts_with("fan:")).count();
        assert!(of_fans <= usize::from(matches!(page, Page::Fan(..))), "{page:?}");
    }
}

#[test]
fn a_csv_has_the_rows_of_its_page() {
    for (page, table) in [
        (Page::Overview(Period::Month, "new", Against::Before), "overview"),
        (Page::Overview(Period::Month, "new", Against::Before), "trend"),
        (Page::Channels(Period::Month, Filter { find: "bag".into(), ..Filter::default() }), "channels"),
        (Page::Channel(Period::Month, "bag".into()), "channel"),
        (Page::Channel(Period::Month, "bag".into()), "retention"),
        (Page::Channel(Period::Month, "bag".into()), "scan-hours"),
        (Page::Questions, "questions"),
        (Page::Questions, "rules"),
        (Page::Questions, "stale-rules"),
        (Page::Channels(Period::Month, Filter::default()), "paths"),
        (Page::Channels(Period::Month, Filter::default()), "trends"),
        (Page::Questions, "hours"),
        (Page::Questions, "people"),
        (Page::Fan("o1".into(), Step::Show), "fan"),
        (Page::Account, "account"),
        (Page::Pushes(Period::Month, None), "pushes"),
        (Page::Campaigns(Note::Nothing, false), "campaigns"),
    ] {
        let csv = console::csv(&page, &sheets(&page, &history()), table).unwrap();
        let rows = show(&page, Language::En).rows(table).len();
        assert_eq!(csv.trim_end().lines().count(), rows, "{table}");
    }
    let page = Page::Questions;
    assert_eq!(console::csv(&page, &sheets(&page, &history()), "fan"), None, "a table of another page");
}

#[test]
fn a_fan_is_forgotten_in_two_steps_of_which_the_first_changes_nothing() {
    let erases =
        |html: &Html| html.all("form").iter().any(|form| form.attribute("action") == Some("/console/fan/erase"));
    let first = show(&Page::Fan("o1".into(), Step::Show), Language::En);
    let sure = Page::Fan("o1".into(), Step::Sure);
    assert!(!erases(&first));
    assert!(first.all("a").iter().any(|link| link.attribute("href") == Some(&sure.address())));
    assert!(erases(&show(&sure, Language::En)));
    assert!(erases(&show(&Page::Fan("o9".into(), Step::Sure), Language::En)), "not known yet");
    for page in [Page::Fan("<".into(), Step::Sure), Page::Fan("o1".into(), Step::Erased)] {
        assert!(!erases(&show(&page, Language::En)), "{page:?}");
    }
    assert!(show(&Page::Fan("o9".into(), Step::Show), Language::En).says("No such fan"));
}

#[test]
fn where_there_is_nothing_a_page_says_what_to_do() {
    let empty = Store::of([]);
    let bare = Brand { channels: BTreeMap::new(), rules: Vec::new(), ..brand() };
    for (page, words) in [
        (Page::Overview(Period::Month, "new", Against::Before), "Set the server URL"),
        (Page::Overview(Period::Month, "new", Against::Before), "Connect your shop"),
        (Page::Channels(Period::Month, Filter::default()), "Make a QR code"),
        (Page::Channel(Period::Month, "bag".into()), "Nobody first followed"),
        (Page::Pushes(Period::Month, None), "[products.reminder]"),
        (Page::Questions, "shows up here"),
        (Page::Questions, "every rule was hit"),
        (Page::Fan(String::new(), Step::Show), "Enter a fan's openid"),
    ] {
        let asked: Vec<Sheet> = page
            .asks(&bare, moment())
            .iter()
            .filter_map(|ask| ask.answer(&bare, moment(), &empty.records).ok())
            .collect();
        assert!(shown(&page, Language::En, &bare, &asked).says(words), "{page:?}: {words}");
    }
    let page = Page::Overview(Period::Month, "new", Against::Before);
    assert!(
        !show(&page, Language::En).says("Set the server URL") && !show(&page, Language::En).says("Connect your shop")
    );
}

#[test]
fn alarms_and_damaged_records_are_seen_at_once() {
    let page = Page::Overview(Period::Month, "new", Against::Before);
    let mut asked = sheets(&page, &history());
    asked[5] = account();
    let html = shown(&page, Language::En, &brand(), &asked);
    assert_eq!(html.rows("alarms").len(), 2);
    let mut store = history();
    let page = Page::Channels(Period::Week, Filter::default());
    let key = page.asks(&brand(), moment())[0].keys(&brand(), moment()).swap_remove(1);
    store.records.insert(key.clone(), vec![1]);
    let html = shown(&page, Language::En, &brand(), &sheets(&page, &store));
    assert!(html.says(&key) && html.says("Not counted"));
    assert_eq!(html.rows("channels").last().unwrap()[0], "(all)");
}

#[test]
fn a_page_shows_so_many_rows_and_no_more() {
    let page = Page::Channels(Period::Month, Filter::default());
    let mut asked = sheets(&page, &history());
    let row = asked[0].rows[0].clone();
    asked[0].rows.splice(0..0, vec![row; ROWS_SHOWN]);
    let rows = asked[0].rows.len();
    let html = shown(&page, Language::En, &brand(), &asked);
    assert_eq!(html.rows("channels").len(), 1 + ROWS_SHOWN);
    assert!(html.says(&format!("{ROWS_SHOWN} / {rows}")));
}

#[test]
fn who_is_not_logged_in_sees_a_form_and_nothing_else() {
    let to = Page::Channels(Period::Week, Filter { find: "\"><x".into(), ..Filter::default() });
    for (retry, words) in [(None, "Log in"), (Some(Retry::Wrong), "not the token"), (Some(Retry::TooMany), "Too many")]
    {
        let html = parsed(&console::login(Language::En, &to, retry));
        assert!(html.says(words) && html.all("nav").is_empty() && html.all("table").is_empty());
        assert_eq!(html.all("form")[0].attribute("action"), Some("/console/login"));
        assert!(html.all("input").iter().any(|input| input.attribute("value") == Some(&to.address())));
    }
}

#[test]
fn failures_have_a_page_too() {
    for (failure, status, words) in [
        (Failure::NotFound, 404, "no such page"),
        (Failure::WrongAddress(Page::at("/", "days=x").unwrap_err()), 400, "days"),
        (Failure::StaleForm, 403, "no longer good"),
        (Failure::NoAnswer, 503, "does not answer"),
    ] {
        let html = parsed(&console::failed(Language::En, Some(CSRF), failure));
        assert!(html.says(words) && !html.all("nav").is_empty(), "{failure:?}");
        assert_eq!(failure.status(), status);
        assert!(parsed(&console::failed(Language::Zh, None, failure)).all("nav").is_empty());
    }
}

#[test]
fn the_policy_allows_no_script_but_ours_where_a_playbook_is_checked_as_one_types() {
    let scripted = SCRIPTED.strip_prefix(HEADERS[0].1).unwrap();
    assert_eq!(scripted, "; script-src 'self'; connect-src 'self'");
    for page in pages() {
        assert!(show(&page, Language::En).all("script").is_empty(), "{page:?}");
    }
    assert!(SCRIPT_ADDRESS.starts_with("/console/check.") && SCRIPT_ADDRESS.len() == "/console/check.".len() + 16 + 3);
    assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("http"));
    let policy = HEADERS[0].1;
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe") && !policy.contains("script"));
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    assert!(STYLE_ADDRESS.starts_with("/console/style.") && STYLE_ADDRESS.len() == "/console/style.".len() + 16 + 4);
}
