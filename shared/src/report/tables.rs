//! The reports on many fans.

use super::{Brand, Cell, Days, Moment, PATHS_SHOWN, QUESTIONS_SHOWN, ReportError, STALE_DAYS, Sheet, sheet::date};
use crate::{
    fold::counts::{
        ANSWER_MS, Along, ChannelPage, Cohort, CohortPage, General, Metric, Metrics, OTHER, PAGES, Path, PathDay,
        Questions, RulesPage, Span, cohort_key, page_of, paths_key, rules_key, weeks_monday,
    },
    playbook::publish::{HEAD_KEY, Head, Publication, PublishError},
    store::record::{FoldError, Records, load},
    time::{Day, Timestamp},
};
use std::collections::BTreeMap;

/// Days of the longest row of the overview, besides all time.
pub(super) const OVERVIEW_DAYS: u64 = 30;
/// The row of all channels together.
pub(super) const ALL: &str = "(all)";

type Made = Result<Sheet, ReportError>;

fn count(metrics: &Metrics, metric: Metric) -> Cell {
    Cell::Count(metrics.get(metric))
}

/// The columns that every row on a time has, and their cells.
const GENERAL: [&str; 17] = [
    "followers",
    "new",
    "returning",
    "lost",
    "net",
    "scans",
    "messages",
    "unanswered",
    "answered_share",
    "menu_clicks",
    "buyers",
    "orders",
    "repurchases",
    "revenue",
    "refunds",
    "answer_ms_median",
    "answer_ms_p99",
];

fn general(general: &General) -> Vec<Cell> {
    let total = &general.total;
    let messages = general.messages();
    vec![
        Cell::Count(total.followers()),
        count(total, Metric::New),
        count(total, Metric::Returning),
        count(total, Metric::Lost),
        Cell::Count(total.net()),
        count(total, Metric::Scans),
        Cell::Count(messages),
        Cell::Count(general.unanswered),
        Cell::Share(messages - general.unanswered, messages),
        Cell::Count(general.clicks.values().sum()),
        count(total, Metric::Buyers),
        count(total, Metric::Orders),
        count(total, Metric::Repurchases),
        Cell::Cents(total.get(Metric::RevenueFirst)),
        Cell::Cents(total.get(Metric::Refunded)),
        quantile(&general.answer_times, 50),
        quantile(&general.answer_times, 99),
    ]
}

/// The upper end of the class of times in which so many percent of all answers are done.
fn quantile(classes: &[i64], percent: i64) -> Cell {
    let all: i64 = classes.iter().sum();
    let mut seen = 0;
    for (class, count) in classes.iter().enumerate().filter(|_| all > 0) {
        seen += count;
        if seen * 100 >= all * percent {
            return ANSWER_MS.get(class).map_or_else(
                || Cell::text(format!("> {}", ANSWER_MS.last().copied().unwrap_or_default())),
                |end| Cell::Count(i64::from(*end)),
            );
        }
    }
    Cell::Empty
}

/// In the rows on days `followers` is how their number changed; in that on all time, how many there are.
pub(super) fn overview(brand: &Brand, moment: Moment, records: &Records) -> Made {
    let columns = [&["period"], GENERAL.as_slice(), &["backlog"]].concat();
    let mut sheet = Sheet::new(&columns, brand.settings.utc_offset);
    let today = brand.settings.utc_offset.local(moment.now).day;
    let ago = |days: u64| Day(today.0.saturating_sub(days));
    for (name, first, last) in [
        ("today", today, today),
        ("yesterday", ago(1), ago(1)),
        ("last 7 days", ago(6), today),
        ("last 30 days", ago(OVERVIEW_DAYS - 1), today),
    ] {
        let mut sum = General::default();
        for day in (Days { first, last }).iter() {
            sum.add_all(&load(&Span::Day(day).key(), records)?);
        }
        sheet.rows.push([vec![Cell::text(name)], general(&sum), vec![Cell::Empty]].concat());
    }
    let all: General = load(&Span::All.key(), records)?;
    let backlog = moment.backlog.map_or(Cell::Empty, |entries| Cell::Count(i64::try_from(entries).unwrap_or(i64::MAX)));
    sheet.rows.push([vec![Cell::text("all time")], general(&all), vec![backlog]].concat());
    Ok(sheet)
}

pub(super) fn trend(spans: impl Iterator<Item = Span>, brand: &Brand, records: &Records) -> Made {
    let columns = [&["from"], GENERAL.as_slice()].concat();
    let mut sheet = Sheet::new(&columns, brand.settings.utc_offset);
    for span in spans {
        sheet.rows.push([vec![from(span)], general(&load(&span.key(), records)?)].concat());
    }
    Ok(sheet)
}

fn from(span: Span) -> Cell {
    match span {
        Span::Hour(hour) => Cell::Time(Timestamp(hour.saturating_mul(3_600))),
        Span::Day(day) => Cell::Day(day),
        Span::All => Cell::Empty,
    }
}

const CHANNELS: [&str; 27] = [
    "channel",
    "name",
    "group",
    "scans",
    "scanning_people",
    "new",
    "returning",
    "welcomed",
    "used_menu",
    "still_here",
    "still_here_share",
    "bought",
    "bought_share",
    "bought_again",
    "bought_again_share",
    "lost",
    "net",
    "buyers",
    "orders",
    "repurchases",
    "revenue_first_touch",
    "revenue_last_touch",
    "refunds",
    "cost",
    "cost_per_fan",
    "valid_from",
    "valid_until",
];

/// The funnel. A follow of these days counts as "still here" while it lasts, and its fan as "bought" once they do, even
/// if that is after these days; the other columns say what happened in these days.
pub(super) fn channels(brand: &Brand, days: Days, records: &Records) -> Made {
    let mut sums: BTreeMap<String, Metrics> = BTreeMap::new();
    let mut total = Metrics::default();
    for day in days.iter() {
        for page in 0..PAGES {
            let page: ChannelPage = load(&Span::Day(day).page_key(page), records)?;
            for (channel, metrics) in page.0 {
                total.add_all(&metrics);
                sums.entry(channel).or_default().add_all(&metrics);
            }
        }
    }
    // A channel that costs money and brings nobody is worth a row.
    for (id, _) in brand.channels.iter().filter(|(_, look)| look.cost.is_some()) {
        sums.entry(id.clone()).or_default();
    }
    let mut rows: Vec<(String, Metrics)> = sums.into_iter().collect();
    rows.sort_by(|(a, m), (b, n)| {
        (n.get(Metric::New), m.get(Metric::Scans)).cmp(&(m.get(Metric::New), n.get(Metric::Scans))).then(a.cmp(b))
    });
    let mut sheet = Sheet::new(&CHANNELS, brand.settings.utc_offset);
    sheet.rows = rows.iter().map(|(channel, metrics)| channel_row(channel, metrics, brand)).collect();
    sheet.rows.push(channel_row(ALL, &total, brand));
    Ok(sheet)
}

fn channel_row(channel: &str, metrics: &Metrics, brand: &Brand) -> Vec<Cell> {
    let look = brand.channels.get(channel);
    let number = |metric| metrics.get(metric);
    let (new, follows) = (number(Metric::New), number(Metric::New) + number(Metric::Returning));
    let still_here = follows - number(Metric::Left);
    let (bought, again) = (number(Metric::Bought), number(Metric::BoughtAgain));
    let cost = match channel {
        ALL => Some(brand.channels.values().filter_map(|look| look.cost).sum()),
        _ => look.and_then(|look| look.cost),
    };
    let day = |day: Option<Day>| day.map_or(Cell::Empty, Cell::Day);
    let text = |text: Option<&String>| Cell::text(text.cloned().unwrap_or_default());
    vec![
        Cell::text(channel),
        text(look.map(|look| &look.name)),
        text(look.map(|look| &look.group)),
        count(metrics, Metric::Scans),
        count(metrics, Metric::ScanningPeople),
        Cell::Count(new),
        count(metrics, Metric::Returning),
        count(metrics, Metric::Welcomed),
        count(metrics, Metric::UsedMenu),
        Cell::Count(still_here),
        Cell::Share(still_here, follows),
        Cell::Count(bought),
        Cell::Share(bought, new),
        Cell::Count(again),
        Cell::Share(again, bought),
        count(metrics, Metric::Lost),
        Cell::Count(metrics.net()),
        count(metrics, Metric::Buyers),
        count(metrics, Metric::Orders),
        count(metrics, Metric::Repurchases),
        Cell::Cents(number(Metric::RevenueFirst)),
        Cell::Cents(number(Metric::RevenueLast)),
        Cell::Cents(number(Metric::Refunded)),
        cost.map_or(Cell::Empty, Cell::Cents),
        cost.filter(|_| new > 0).map_or(Cell::Empty, |cost| Cell::Cents(cost / new)),
        day(look.and_then(|look| look.valid.0)),
        day(look.and_then(|look| look.valid.1)),
    ]
}

/// New fans of each channel, a column a day; who brought most first. Channels that brought nobody have no row.
pub(super) fn channel_days(brand: &Brand, days: Days, records: &Records) -> Made {
    let names: Vec<String> = days.iter().map(date).collect();
    let mut counts: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (at, day) in days.iter().enumerate() {
        for page in 0..PAGES {
            let page: ChannelPage = load(&Span::Day(day).page_key(page), records)?;
            for (channel, metrics) in page.0.iter().filter(|(_, metrics)| metrics.get(Metric::New) != 0) {
                let row = counts.entry(channel.clone()).or_insert_with(|| vec![0; names.len()]);
                row.iter_mut().skip(at).take(1).for_each(|count| *count = metrics.get(Metric::New));
            }
        }
    }
    let mut rows: Vec<(String, Vec<i64>)> = counts.into_iter().collect();
    rows.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<i64>()));
    let columns: Vec<&str> = ["channel"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut sheet = Sheet::new(&columns, brand.settings.utc_offset);
    let row = |(channel, counts): (String, Vec<i64>)| {
        [Cell::Text(channel)].into_iter().chain(counts.into_iter().map(Cell::Count)).collect()
    };
    sheet.rows = rows.into_iter().map(row).collect();
    Ok(sheet)
}

/// Orders by the channels of their first and last touch, most first. What is beyond [`PATHS_SHOWN`] stands in one row of [`OTHER`].
pub(super) fn paths(brand: &Brand, days: Days, records: &Records) -> Made {
    let mut sums = BTreeMap::<Path, Along>::new();
    for day in days.iter() {
        let day: PathDay = load(&paths_key(day), records)?;
        for (path, along) in day.0 {
            sums.entry(path).or_default().add_times(along, 1);
        }
    }
    let mut rows: Vec<(Path, Along)> = sums.into_iter().collect();
    rows.sort_by(|(path, along), (other, less)| less.orders.cmp(&along.orders).then_with(|| path.cmp(other)));
    let mut rest = Along::default();
    rows.drain(rows.len().min(PATHS_SHOWN)..).for_each(|(_, along)| rest.add_times(along, 1));
    if rest != Along::default() {
        rows.push(((OTHER.to_owned(), OTHER.to_owned()), rest));
    }
    let mut sheet = Sheet::new(&["first_touch", "last_touch", "orders", "revenue"], brand.settings.utc_offset);
    let row = |((first, last), along): (Path, Along)| {
        vec![Cell::text(first), Cell::text(last), Cell::Count(along.orders), Cell::Cents(along.revenue)]
    };
    sheet.rows = rows.into_iter().map(row).collect();
    Ok(sheet)
}

/// As [`channels`], but of one channel and each hour or day; these add up to its row.
pub(super) fn channel(channel: &str, spans: impl Iterator<Item = Span>, brand: &Brand, records: &Records) -> Made {
    const COLUMNS: [&str; 17] = [
        "from",
        "scans",
        "scanning_people",
        "new",
        "returning",
        "welcomed",
        "used_menu",
        "still_here",
        "bought",
        "bought_again",
        "lost",
        "net",
        "buyers",
        "orders",
        "repurchases",
        "revenue_first_touch",
        "revenue_last_touch",
    ];
    let mut sheet = Sheet::new(&COLUMNS, brand.settings.utc_offset);
    for span in spans {
        let page: ChannelPage = load(&span.page_key(page_of(channel)), records)?;
        let metrics = page.0.get(channel).cloned().unwrap_or_default();
        let number = |metric| metrics.get(metric);
        sheet.rows.push(vec![
            from(span),
            count(&metrics, Metric::Scans),
            count(&metrics, Metric::ScanningPeople),
            count(&metrics, Metric::New),
            count(&metrics, Metric::Returning),
            count(&metrics, Metric::Welcomed),
            count(&metrics, Metric::UsedMenu),
            Cell::Count(number(Metric::New) + number(Metric::Returning) - number(Metric::Left)),
            count(&metrics, Metric::Bought),
            count(&metrics, Metric::BoughtAgain),
            count(&metrics, Metric::Lost),
            Cell::Count(metrics.net()),
            count(&metrics, Metric::Buyers),
            count(&metrics, Metric::Orders),
            count(&metrics, Metric::Repurchases),
            Cell::Cents(number(Metric::RevenueFirst)),
            Cell::Cents(number(Metric::RevenueLast)),
        ]);
    }
    Ok(sheet)
}

pub(super) fn cohorts(weeks: std::ops::RangeInclusive<u64>, now: u64, brand: &Brand, records: &Records) -> Made {
    let longest = now.saturating_sub(*weeks.start());
    let after: Vec<String> = (0..=longest).map(|weeks| format!("after_{weeks}_weeks")).collect();
    let names: Vec<&str> =
        ["week_of", "channel", "joined", "bought"].into_iter().chain(after.iter().map(String::as_str)).collect();
    let mut sheet = Sheet::new(&names, brand.settings.utc_offset);
    for week in weeks {
        let mut channels: BTreeMap<String, Cohort> = BTreeMap::new();
        for page in 0..PAGES {
            channels.extend(load::<CohortPage>(&cohort_key(week, page), records)?.0);
        }
        let mut all = Cohort::default();
        channels.values().for_each(|cohort| all.add_all(cohort));
        let mut rows: Vec<(String, Cohort)> = channels.into_iter().collect();
        rows.sort_by(|(a, m), (b, n)| n.joined.cmp(&m.joined).then(a.cmp(b)));
        if !rows.is_empty() {
            rows.push((ALL.to_owned(), all));
        }
        for (channel, cohort) in rows {
            let mut row = vec![
                Cell::Day(weeks_monday(week)),
                Cell::Text(channel),
                Cell::Count(cohort.joined),
                Cell::Share(cohort.bought.iter().sum(), cohort.joined),
            ];
            row.extend((0..=longest).map(|weeks| match week + weeks {
                // Of weeks to come nothing is known.
                later if later > now => Cell::Empty,
                _ => Cell::Share(cohort.follow_after(weeks as usize), cohort.joined),
            }));
            sheet.rows.push(row);
        }
    }
    Ok(sheet)
}

pub(super) fn questions(brand: &Brand, records: &Records) -> Made {
    let Questions(questions) = load(&Questions::key(), records)?;
    let mut shown: Vec<_> = questions.into_iter().filter(|(_, question)| question.is_shown()).collect();
    shown.sort_by(|(a, p), (b, q)| q.count.cmp(&p.count).then(a.cmp(b)));
    let mut sheet = Sheet::new(&["question", "count", "last"], brand.settings.utc_offset);
    sheet.rows = shown
        .into_iter()
        .take(QUESTIONS_SHOWN)
        .map(|(text, question)| {
            let count = i64::try_from(question.count).unwrap_or(i64::MAX);
            vec![Cell::Text(text), Cell::Count(count), Cell::Time(question.last)]
        })
        .collect();
    Ok(sheet)
}

/// The latest publications of the playbook, the newest first.
pub(super) fn publications(brand: &Brand, records: &Records) -> Made {
    let head = records.get(HEAD_KEY).map_or(Ok(Head::default()), |record| Head::decode(record));
    let head = head.map_err(|error| {
        let key = HEAD_KEY.to_owned();
        match error {
            PublishError::NewerHead(format) => FoldError::Newer { key, format },
            _ => FoldError::Damaged { key },
        }
    })?;
    let mut sheet = Sheet::new(&["publication", "since"], brand.settings.utc_offset);
    let row = |one: &Publication| vec![Cell::Count(one.number.into()), Cell::Time(one.holds_from)];
    sheet.rows = head.publications().iter().rev().map(row).collect();
    Ok(sheet)
}

/// Answers by rule, most first. The playbook's rules all have a row, those that only were hit as well.
pub(super) fn rules(brand: &Brand, days: Days, records: &Records) -> Made {
    let mut hits: BTreeMap<String, i64> = brand.rules.iter().map(|rule| (rule.clone(), 0)).collect();
    for day in days.iter() {
        let day: General = load(&Span::Day(day).key(), records)?;
        for (rule, count) in day.rules {
            *hits.entry(rule).or_default() += count;
        }
    }
    let pages: Vec<RulesPage> = (0..PAGES).map(|page| load(&rules_key(page), records)).collect::<Result<_, _>>()?;
    let last = |rule: &str| pages.get(usize::from(page_of(rule)))?.0.get(rule).copied();
    let mut rows: Vec<(String, i64)> = hits.into_iter().collect();
    rows.sort_by(|(rule, count), (other, less)| less.cmp(count).then_with(|| rule.cmp(other)));
    let mut sheet = Sheet::new(&["rule", "hits", "last_hit"], brand.settings.utc_offset);
    let row = |(rule, hits): (String, i64)| {
        let last = last(&rule).map_or(Cell::Empty, Cell::Time);
        vec![Cell::text(rule), Cell::Count(hits), last]
    };
    sheet.rows = rows.into_iter().map(row).collect();
    Ok(sheet)
}

pub(super) fn stale_rules(brand: &Brand, moment: Moment, records: &Records) -> Made {
    let pages: Vec<RulesPage> = (0..PAGES).map(|page| load(&rules_key(page), records)).collect::<Result<_, _>>()?;
    let mut sheet = Sheet::new(&["rule", "last_hit"], brand.settings.utc_offset);
    for rule in &brand.rules {
        let page = pages.get(usize::from(page_of(rule)));
        let last = page.and_then(|page| page.0.get(rule));
        if last.is_none_or(|last| last.0.saturating_add(STALE_DAYS * 86_400) < moment.now.0) {
            sheet.rows.push(vec![Cell::text(rule), last.map_or(Cell::Empty, |last| Cell::Time(*last))]);
        }
    }
    Ok(sheet)
}
