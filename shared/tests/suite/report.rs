//! Reports over a folded history.

use super::brand::{
    Brand as Store, START, answer, answers, finished, follow, news, order, placed, reported, scan, settings, text,
    told, unfollow,
};
use guanxi::{
    facts::{
        dialog::What as Dialog,
        order::OrderKind,
        push::{Group, Skip, What},
    },
    fold::damaged::{Damaged, LIST, List},
    report::{Ask, Brand, Cell, DAYS_MAX, Days, Look, Moment, PATHS_SHOWN, ReportError, Sheet, Step},
    store::record::Records,
    time::{Day, Timestamp, UtcOffset},
};
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DAY: u64 = 86_400;

fn brand() -> Brand {
    let look = |name: &str, cost| Look { name: name.into(), group: "package".into(), cost, valid: (None, None) };
    let channels =
        BTreeMap::from([("bag".into(), look("包装袋", Some(10_000))), ("unused".into(), look("海报", Some(500)))]);
    Brand { settings: settings(), channels, rules: vec!["welcome".into(), "never".into()] }
}

fn history() -> Store {
    Store::of([
        follow("o1", 0, "bag"),
        follow("o2", 60, "bag"),
        follow("o3", 90, ""),
        unfollow("o2", DAY),
        scan("o1", DAY, "poster"),
        reported(DAY, [order("a", OrderKind::Order, "o1", DAY, 12_900)]),
        reported(2 * DAY, [order("b", OrderKind::Order, "o1", 2 * DAY, 5_000)]),
        text("o1", 2 * DAY, "=1+1", None),
        text("o3", 2 * DAY + 1, "=1+1", None),
        text("o4", 2 * DAY + 2, "=1+1", None),
        text("o1", 2 * DAY + 3, "only one asks this", None),
        text("o1", 2 * DAY + 4, "hello", Some("welcome")),
    ])
}

/// Loads what the report asks for, and no more.
fn ask(ask: &Ask, store: &Store, now: u64) -> Result<Sheet, ReportError> {
    let moment = Moment { now: Timestamp(START + now), backlog: Some(7) };
    let keys = ask.keys(&brand(), moment);
    let loaded: Records =
        keys.into_iter().filter_map(|key| Some((key.clone(), store.records.get(&key)?.clone()))).collect();
    ask.answer(&brand(), moment, &loaded)
}

fn first_day() -> Day {
    UtcOffset::BEIJING.local(Timestamp(START)).day
}

fn days(count: u64) -> Days {
    Days::new(first_day(), Day(first_day().0 + count - 1), DAYS_MAX).unwrap()
}

/// The cell of a row by the names of the row and of the column.
fn cell(sheet: &Sheet, row: &str, column: &str) -> Cell {
    let column = sheet.columns.iter().position(|name| name == column).unwrap();
    let row = sheet.rows.iter().find(|cells| cells[0] == Cell::text(row)).unwrap();
    row[column].clone()
}

#[test]
fn the_funnel_goes_from_scan_to_bought_again() {
    let sheet = ask(&Ask::Channels(days(1)), &history(), 3 * DAY).unwrap();
    for (column, expected) in [
        ("name", Cell::text("包装袋")),
        ("scans", Cell::Count(2)),
        ("new", Cell::Count(2)),
        ("still_here", Cell::Count(1)),
        ("still_here_share", Cell::Share(1, 2)),
        ("bought", Cell::Count(1)),
        ("bought_again", Cell::Count(1)),
        ("lost", Cell::Count(0)),
        ("cost_per_fan", Cell::Cents(5_000)),
    ] {
        assert_eq!(cell(&sheet, "bag", column), expected, "{column}");
    }
    assert_eq!(cell(&sheet, "(all)", "new"), Cell::Count(3));
    assert_eq!(cell(&sheet, "unused", "cost"), Cell::Cents(500), "it costs, so it is shown");
    let all = ask(&Ask::Channels(days(3)), &history(), 3 * DAY).unwrap();
    assert_eq!(cell(&all, "bag", "revenue_first_touch"), Cell::Cents(17_900));
    assert_eq!(cell(&all, "poster", "revenue_last_touch"), Cell::Cents(5_000), "not of the order of its own second");
    assert_eq!(cell(&all, "bag", "repurchases"), Cell::Count(1));
    assert_eq!(cell(&all, "(all)", "net"), Cell::Count(2));
}

#[test]
fn the_days_of_a_channel_add_up_to_its_row_of_all_channels() {
    let store = history();
    let all = ask(&Ask::Channels(days(4)), &store, 3 * DAY).unwrap();
    for channel in ["bag", "poster", "(direct)"] {
        let alone = ask(&Ask::Channel(channel.into(), days(4), Step::Day), &store, 3 * DAY).unwrap();
        assert_eq!(alone.rows.len(), 4);
        for column in &alone.columns[1..] {
            assert_eq!(Cell::sum(alone.cells(column)), cell(&all, channel, column), "{channel}: {column}");
        }
    }
    let of_bag = |step| ask(&Ask::Channel("bag".into(), days(4), step), &history(), 3 * DAY).unwrap();
    let (by_hour, by_day) = (of_bag(Step::Hour), of_bag(Step::Day));
    assert_eq!((by_hour.rows.len(), by_day.rows.len()), (96, 4));
    for column in ["scans", "new", "lost", "orders", "revenue_first_touch"] {
        assert_eq!(Cell::sum(by_hour.cells(column)), Cell::sum(by_day.cells(column)), "{column}");
    }
    let days_of = |sheet: &Sheet, channel: &str| {
        let row = sheet.rows.iter().find(|row| row[0] == Cell::text(channel)).unwrap();
        row[1..].to_vec()
    };
    let trends = ask(&Ask::ChannelDays(days(4)), &store, 3 * DAY).unwrap();
    let named: Vec<Cell> = trends.columns[1..].iter().map(|day| Cell::Day(day.parse().unwrap())).collect();
    assert_eq!(named, by_day.cells("from").cloned().collect::<Vec<_>>());
    assert_eq!(
        trends.rows.iter().map(|row| &row[0]).collect::<Vec<_>>(),
        [&Cell::text("bag"), &Cell::text("(direct)")]
    );
    assert_eq!(days_of(&trends, "bag"), by_day.cells("new").cloned().collect::<Vec<_>>());
    let stranger = ask(&Ask::Channel("nobody".into(), days(4), Step::Day), &store, 3 * DAY).unwrap();
    assert_eq!(Cell::sum(stranger.cells("scans")), Cell::Count(0));
}

#[test]
fn only_cells_of_one_kind_add_up() {
    for (cells, sum) in [
        (vec![], Cell::Empty),
        (vec![Cell::Empty, Cell::Count(1), Cell::text("1"), Cell::Count(2)], Cell::Count(3)),
        (vec![Cell::Count(i64::MAX), Cell::Count(1), Cell::Cents(5)], Cell::Count(i64::MAX)),
        (vec![Cell::Cents(-5), Cell::Cents(3)], Cell::Cents(-2)),
        (vec![Cell::Share(1, 2), Cell::Share(0, 0), Cell::Share(3, 8)], Cell::Share(4, 10)),
    ] {
        assert_eq!(Cell::sum(&cells), sum, "{cells:?}");
    }
}

#[test]
fn earlier_days_are_as_many() {
    let earlier = Days::new(Day(first_day().0 - 7), Day(first_day().0 - 5), 3).unwrap();
    assert_eq!(days(3).earlier(7), earlier);
}

#[test]
fn the_overview_knows_days_all_time_and_the_backlog() {
    let sheet = ask(&Ask::Overview, &history(), 2 * DAY).unwrap();
    assert_eq!(cell(&sheet, "today", "messages"), Cell::Count(5));
    assert_eq!(cell(&sheet, "today", "answered_share"), Cell::Share(1, 5));
    assert_eq!(cell(&sheet, "yesterday", "lost"), Cell::Count(1));
    assert_eq!(cell(&sheet, "last 7 days", "revenue"), Cell::Cents(17_900));
    assert_eq!(cell(&sheet, "all time", "followers"), Cell::Count(3), "o1, o3, and o4 from before our time");
    assert_eq!(cell(&sheet, "all time", "backlog"), Cell::Count(7));
    assert_eq!(cell(&sheet, "all time", "answer_ms_median"), Cell::Count(5));
    assert_eq!(cell(&sheet, "today", "backlog"), Cell::Empty);
}

#[test]
fn a_trend_has_a_row_for_every_hour_and_day_of_the_playbooks_clock() {
    let by_day = ask(&Ask::Trend(days(4), Step::Day), &history(), 3 * DAY).unwrap();
    assert_eq!(by_day.rows.iter().map(|row| row[2].clone()).collect::<Vec<_>>(), [3, 0, 0, 0].map(Cell::Count));
    let by_hour = ask(&Ask::Trend(days(1), Step::Hour), &history(), 3 * DAY).unwrap();
    assert_eq!(by_hour.rows.len(), 24);
    let hours: Vec<_> = by_hour.rows.iter().filter(|row| row[2] != Cell::Count(0)).collect();
    assert_eq!(hours.len(), 1);
    assert_eq!(hours[0][0], Cell::Time(Timestamp(START - START % 3_600)));
    assert!(by_hour.csv().starts_with("\u{feff}from,followers,new,"));
    assert!(by_hour.csv().contains("\r\n2026-03-02 00:00,0,0,"), "{}", by_hour.csv());
}

#[test]
fn cohorts_say_who_stayed_and_nothing_of_weeks_to_come() {
    let sheet = ask(&Ask::Cohorts(3), &history(), 7 * DAY).unwrap();
    assert_eq!(sheet.columns[4..], ["after_0_weeks", "after_1_weeks", "after_2_weeks"]);
    let row = sheet.rows.iter().find(|row| row[1] == Cell::text("bag")).unwrap();
    assert_eq!(row[0], Cell::Day("2026-03-02".parse().unwrap()));
    assert_eq!(row[2..], [Cell::Count(2), Cell::Share(1, 2), Cell::Share(1, 2), Cell::Share(1, 2), Cell::Empty]);
}

#[test]
fn questions_show_what_three_fans_asked_and_no_formula_reaches_excel() {
    let sheet = ask(&Ask::Questions, &history(), 3 * DAY).unwrap();
    assert_eq!(sheet.rows.len(), 1);
    assert_eq!(sheet.rows[0][..2], [Cell::text("=•+•"), Cell::Count(3)]);
    assert!(sheet.csv().contains("\r\n'=•+•,3,2026-03-04 "), "{}", sheet.csv());
    assert!(sheet.json().contains(r#""question":"=•+•""#), "JSON is not for spreadsheets");
}

#[test]
fn a_path_leads_from_the_first_touch_before_an_order_to_the_last() {
    let row = |first: &str, last: &str, orders, cents| {
        vec![Cell::text(first), Cell::text(last), Cell::Count(orders), Cell::Cents(cents)]
    };
    let sheet = ask(&Ask::Paths(days(4)), &history(), 3 * DAY).unwrap();
    assert_eq!(sheet.rows, [row("bag", "bag", 1, 12_900), row("bag", "poster", 1, 5_000)]);
    assert_eq!(ask(&Ask::Paths(days(2)), &history(), 3 * DAY).unwrap().rows, [row("bag", "bag", 1, 12_900)]);

    let many = (0..=PATHS_SHOWN + 1).flat_map(|n| {
        let (fan, channel) = (format!("o{n}"), format!("bag{n:03}"));
        [follow(&fan, 0, &channel), reported(DAY, [order(&fan, OrderKind::Order, &fan, DAY, 100)])]
    });
    let sheet = ask(&Ask::Paths(days(4)), &Store::of(many), 3 * DAY).unwrap();
    assert_eq!(sheet.rows.len(), PATHS_SHOWN + 1);
    assert_eq!(sheet.rows.last().unwrap(), &row("(other)", "(other)", 2, 200), "nothing is left out");
}

#[test]
fn dialogs_show_how_far_fans_came_and_what_they_answered() {
    let pet = |value| answer("pet", value, false, None);
    let store = Store::of([
        answers("o1", 0, "1", 1, [Dialog::Begun]),
        answers("o2", 0, "1", 1, [Dialog::Begun]),
        answers("o1", 5, "2", 1, [pet("cat")]),
        answers("o2", 5, "2", 1, [pet("=dog")]),
        answers("o1", DAY, "3", 1, [Dialog::Finished { score: Some(4) }]),
        answers("o2", DAY, "3", 1, [Dialog::Left { step: "phone".into() }]),
    ]);
    let sheet = ask(&Ask::Dialogs(days(2)), &store, DAY).unwrap();
    let row = |what: &str, step: Cell, value: Cell, count, whole| {
        vec![Cell::text("profile"), Cell::text(what), step, value, Cell::Count(count), Cell::Share(count, whole)]
    };
    let pet = || Cell::text("pet");
    let rows = [
        row("begun", Cell::Empty, Cell::Empty, 2, 0),
        row("finished", Cell::Empty, Cell::Empty, 1, 2),
        row("score", Cell::Empty, Cell::Count(4), 1, 1),
        row("left", Cell::text("phone"), Cell::Empty, 1, 2),
        row("answered", pet(), Cell::Empty, 2, 2),
        row("answer", pet(), Cell::text("=dog"), 1, 2),
        row("answer", pet(), Cell::text("cat"), 1, 2),
    ];
    assert_eq!(sheet.rows, rows);
    assert!(sheet.csv().contains(",'=dog,"), "{}", sheet.csv());
    assert_eq!(ask(&Ask::Dialogs(days(1)), &store, DAY).unwrap().rows.len(), 4, "the first day knows no end");
}

#[test]
fn what_is_personal_is_masked_in_a_timeline_and_what_is_over_is_not_there() {
    let saved = [answer("phone", "13800138000", true, Some(1)), answer("pet", "cat", false, None)];
    let store = Store::of([answers("o1", 0, "1", 1, saved)]);
    let lines = |now| {
        let sheet = ask(&Ask::Fan("o1".parse().unwrap()), &store, now).unwrap();
        assert!(!sheet.json().contains("138") && !sheet.csv().contains("138"));
        let saved = sheet.rows.iter().filter(|row| row[1] == Cell::text("saved"));
        saved.map(|row| row[2].clone()).collect::<Vec<_>>()
    };
    assert_eq!(lines(DAY - 1), ["pet: cat", "phone: •••"].map(Cell::text));
    assert_eq!(lines(DAY), [Cell::text("pet: cat")]);
}

#[test]
fn every_rule_of_the_playbook_has_its_hits_and_so_has_one_that_left_it() {
    let mut store = history();
    store.fold(&placed([text("o1", 3 * DAY, "hi", Some("gone"))]));
    let sheet = ask(&Ask::Rules(days(4)), &store, 3 * DAY).unwrap();
    let hits: Vec<_> = sheet.rows.iter().map(|row| (row[0].clone(), row[1].clone(), row[2] != Cell::Empty)).collect();
    let hit = |rule, count, last| (Cell::text(rule), Cell::Count(count), last);
    assert_eq!(hits, [hit("gone", 1, true), hit("welcome", 1, true), hit("never", 0, false)]);
    assert_eq!(cell(&ask(&Ask::Rules(days(1)), &store, 3 * DAY).unwrap(), "welcome", "hits"), Cell::Count(0));
}

#[test]
fn a_rule_without_a_hit_in_thirty_days_is_stale() {
    let stale = |now| {
        let sheet = ask(&Ask::StaleRules, &history(), now).unwrap();
        sheet.rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    assert_eq!(stale(32 * DAY + 4), [Cell::text("never")]);
    assert_eq!(stale(32 * DAY + 5), [Cell::text("welcome"), Cell::text("never")]);
}

#[test]
fn a_fans_timeline_is_in_order_and_a_stranger_has_none() {
    let sheet = ask(&Ask::Fan("o1".parse().unwrap()), &history(), 3 * DAY).unwrap();
    let what: Vec<_> = sheet.rows.iter().map(|row| row[1].clone()).collect();
    let expected = ["followed", "touch", "known since", "touch", "last scan", "last bought", "last message", "tag"];
    assert_eq!(what, expected.map(Cell::text));
    let nobody = Ask::Fan("o9".parse().unwrap());
    assert_eq!(ask(&nobody, &history(), 0), Err(ReportError::NoSuchFan));
}

/// Reminders to 100 fans a day: on the first day every fan bought after it, on the second nobody did yet. Every second fan
/// is in the holdout.
fn reminded() -> Store {
    let mut entries = Vec::new();
    for n in 0..200 {
        let (fan, due) = (format!("o{n}"), 3_600 + n / 100 * DAY);
        let what = if n % 2 == 0 { What::Sent(Some(fan.clone())) } else { What::Skipped(Skip::Holdout) };
        let mut push = news(&fan, &fan, due, what);
        push.group = Some(if n % 2 == 0 { Group::Treated } else { Group::Holdout });
        entries.push(told([push]));
        if n % 4 == 0 {
            entries.push(finished(&fan, due + 5, &fan, "success"));
        }
        if n < 60 && n % 10 != 1 {
            let bought = order(&fan, OrderKind::Order, &fan, due + DAY, 5_000);
            entries.push(reported(due + DAY, [bought]));
        }
    }
    entries.push(finished("stranger", 4_000, "?", "success"));
    Store::of(entries)
}

#[test]
fn a_report_on_pushes_says_what_became_of_them_and_compares_days_that_are_over() {
    let sheet = |now| ask(&Ask::Pushes(days(2)), &reminded(), now).unwrap();
    let early = sheet(14 * DAY);
    for (column, expected) in [
        ("planned", Cell::Count(100)),
        ("delivered", Cell::Count(50)),
        ("sent", Cell::Count(50)),
        ("waiting", Cell::Count(0)),
        ("skipped_holdout", Cell::Count(100)),
        ("effect", Cell::Empty),
    ] {
        assert_eq!(cell(&early, "reminder:food", column), expected, "{column}");
    }
    assert_eq!(cell(&early, "(unmatched)", "unmatched"), Cell::Count(1));
    assert_eq!(cell(&early, "(all)", "planned"), Cell::Count(100));
    let first_day = sheet(15 * DAY);
    for (column, expected) in [
        ("treated", Cell::Count(50)),
        ("treated_bought", Cell::Share(30, 50)),
        ("holdout_bought", Cell::Share(24, 50)),
        ("revenue_per_1000_fans", Cell::Cents(600_000)),
        ("effect", Cell::text("120 more in 1,000 fans (from 73 fewer to 301 more), perhaps no effect")),
    ] {
        assert_eq!(cell(&first_day, "reminder:food", column), expected, "{column}");
    }
    assert_eq!(cell(&sheet(16 * DAY), "reminder:food", "treated_bought"), Cell::Share(30, 100));
}

#[test]
fn few_fans_are_not_enough_data_and_a_timeline_shows_pushes() {
    let store = Store::of([told([news("o1", "p", 60, What::Planned)])]);
    let sheet = ask(&Ask::Pushes(days(1)), &store, 15 * DAY).unwrap();
    assert_eq!(cell(&sheet, "reminder:food", "effect"), Cell::text("not enough data"));
    let timeline = ask(&Ask::Fan("o1".parse().unwrap()), &store, 0).unwrap();
    let pushed = [Cell::Time(Timestamp(START + 60)), Cell::text("push"), Cell::text("reminder:food: planned")];
    assert!(timeline.rows.contains(&pushed.to_vec()), "{:?}", timeline.rows);
}

#[test]
fn days_are_in_order_and_not_too_many() {
    let day = first_day();
    assert!(Days::new(day, Day(day.0 + DAYS_MAX - 1), DAYS_MAX).is_ok());
    assert_eq!(Days::new(day, Day(day.0 + DAYS_MAX), DAYS_MAX), Err(ReportError::Days(DAYS_MAX)));
    assert_eq!(Days::new(day, Day(day.0 - 1), DAYS_MAX), Err(ReportError::Days(DAYS_MAX)));
}

#[test]
fn cells_are_written_for_people_and_for_programs() {
    let row = |cell: Cell| Sheet { columns: vec!["a".into()], rows: vec![vec![cell]], offset: UtcOffset::BEIJING };
    for (cell, csv, json) in [
        (Cell::Empty, "", "null"),
        (Cell::text("a \"b\", c"), "\"a \"\"b\"\", c\"", r#""a \"b\", c""#),
        (Cell::text("-1"), "'-1", r#""-1""#),
        (Cell::text(" @SUM(A1)"), "' @SUM(A1)", r#"" @SUM(A1)""#),
        (Cell::text("＝1"), "'＝1", r#""＝1""#),
        (Cell::Count(-3), "-3", "-3"),
        (Cell::Cents(-12_905), "-129.05", "-12905"),
        (Cell::Cents(5), "0.05", "5"),
        (Cell::Share(1, 3), "33.3%", "0.3333"),
        (Cell::Share(1, 0), "", "null"),
        (Cell::Time(Timestamp(START + 61)), "2026-03-02 10:01", r#""2026-03-02T10:01:01+08:00""#),
        (Cell::Day("2026-03-02".parse().unwrap()), "2026-03-02", r#""2026-03-02""#),
    ] {
        assert_eq!(row(cell.clone()).csv(), format!("\u{feff}a\r\n{csv}\r\n"));
        assert_eq!(row(cell).json(), format!(r#"{{"columns":["a"],"rows":[{{"a":{json}}}]}}"#));
    }
    assert_eq!(row(Cell::text("猫")).text(), "a\n猫\n");
}

#[test]
fn a_report_is_made_without_a_record_that_is_damaged_and_says_so() {
    let whole = history();
    for asked in [
        Ask::Overview,
        Ask::Channels(days(3)),
        Ask::Channel("bag".into(), days(3), Step::Day),
        Ask::Trend(days(3), Step::Day),
        Ask::Cohorts(2),
        Ask::Paths(days(3)),
        Ask::Questions,
        Ask::Rules(days(3)),
        Ask::StaleRules,
    ] {
        let good = ask(&asked, &whole, 2 * DAY).unwrap();
        let moment = Moment { now: Timestamp(START + 2 * DAY), backlog: None };
        let mut damaged = 0;
        for key in asked.keys(&brand(), moment).into_iter().filter(|key| whole.records.contains_key(key)) {
            let mut store = whole.clone();
            store.records.insert(key.clone(), vec![1]);
            let sheet = ask(&asked, &store, 2 * DAY).unwrap();
            assert_eq!(sheet.columns, good.columns);
            // Loaded beside the others, and not looked at.
            if sheet == good {
                continue;
            }
            let last = sheet.rows.last().unwrap();
            assert_eq!(last.len(), sheet.columns.len());
            assert_eq!(last[0], Cell::text(format!("without {key}, which is damaged")));
            assert_eq!(Sheet::missing(last), Some(key.as_str()));
            store.records.insert(key.clone(), vec![u8::MAX]);
            assert!(matches!(ask(&asked, &store, 2 * DAY), Err(ReportError::Record(_))), "{key} of a newer Guanxi");
            damaged += 1;
        }
        assert!(damaged > 0, "{asked:?}");
    }
    let mut store = whole;
    store.records.insert("fan:o1".into(), vec![2]);
    assert!(
        matches!(ask(&Ask::Fan("o1".parse().unwrap()), &store, 0), Err(ReportError::Record(_))),
        "of one fan nothing is left"
    );
}

#[test]
fn what_is_set_aside_stands_in_the_report_on_the_account() {
    let set_aside = vec![Damaged { key: "fan:o1".into(), at: Timestamp(START), bytes: 7 }];
    let list = List { set_aside, repair: None };
    let mut store = history();
    store.records.insert(LIST.into(), [&[1], postcard::to_stdvec(&list).unwrap().as_slice()].concat());
    let sheet = ask(&Ask::Account, &store, 0).unwrap();
    assert_eq!(cell(&sheet, "damaged: fan:o1", "since"), Cell::Time(Timestamp(START)));
    assert_eq!(cell(&sheet, "damaged: fan:o1", "left"), Cell::Count(7));
}
