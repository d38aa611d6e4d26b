//! How values look: in the reader's language, on the playbook's clock.

use super::words::Language;
use crate::{
    report::Cell,
    time::{Day, Timestamp, UtcOffset},
};
use maud::{Markup, html};

/// Characters of a text from outside that a page shows; the rest is `…`.
pub const TEXT_SHOWN: usize = 200;

/// Monday first.
const WEEKDAYS: [(&str, &str); 7] = [
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A text of a fan, or a name: cut, its control characters replaced, and apart from what stands around it, whichever way it is
/// written.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi { (cut(text)) } }
}

/// At most [`TEXT_SHOWN`] characters without controls.
pub(super) fn cut(text: &str) -> String {
    let mut letters = text.chars();
    let mut shown: String =
        letters.by_ref().take(TEXT_SHOWN).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A cell's value as text; a text from outside as it is.
pub(super) fn plain(cell: &Cell, language: Language, offset: UtcOffset) -> String {
    match cell {
        Cell::Empty | Cell::Share(_, 0) => "–".to_owned(),
        Cell::Text(text) => cut(text),
        Cell::Count(count) => grouped(*count),
        Cell::Cents(cents) => money(*cents),
        Cell::Share(part, whole) => format!("{:.1}%", *part as f64 * 100.0 / *whole as f64),
        Cell::Time(at) => time(*at, language, offset),
        Cell::Day(day) => date(*day, language),
    }
}

/// How a value changed, with its sign.
pub(super) fn signed(cell: &Cell, language: Language, offset: UtcOffset) -> String {
    let sign = if cell.number().is_some_and(|number| number > 0.0) { "+" } else { "" };
    format!("{sign}{}", plain(cell, language, offset))
}

/// `1234567` → `1,234,567`, in both languages.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Cents as yuan: `¥1,234.50`.
pub(super) fn money(cents: i64) -> String {
    let yuan = i64::try_from(cents.unsigned_abs() / 100).unwrap_or(i64::MAX);
    format!("{}¥{}.{:02}", if cents < 0 { "-" } else { "" }, grouped(yuan), cents.unsigned_abs() % 100)
}

/// `周一`, `Mon`.
pub(super) fn weekday(day: usize, language: Language) -> &'static str {
    let (zh, en) = WEEKDAYS.get(day).copied().unwrap_or_default();
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

/// `2026年3月2日 周一`, `Mon 2 Mar 2026`.
pub(super) fn date(day: Day, language: Language) -> String {
    let weekday = weekday(day.weekday(), language);
    let Some(date) = day.date() else { return "–".to_owned() };
    let (year, month, number) = (date.year(), date.month(), date.day());
    match language {
        Language::Zh => format!("{year}年{month}月{number}日 {weekday}"),
        Language::En => format!("{weekday} {number} {} {year}", month_name(month)),
    }
}

/// `3月2日`, `2 Mar`: for the axis of a chart.
pub(super) fn short_date(day: Day, language: Language) -> String {
    let Some(date) = day.date() else { return "–".to_owned() };
    match language {
        Language::Zh => format!("{}月{}日", date.month(), date.day()),
        Language::En => format!("{} {}", date.day(), month_name(date.month())),
    }
}

fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default()
}

/// A date and a time of day, on the playbook's clock.
pub(super) fn time(at: Timestamp, language: Language, offset: UtcOffset) -> String {
    let local = offset.local(at);
    format!("{} {:02}:{:02}", date(local.day, language), local.minute / 60, local.minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn values_look_as_the_reader_writes_them() {
        let at = Timestamp(1_772_416_800);
        let show = |cell: &Cell, language| plain(cell, language, UtcOffset::BEIJING);
        for (cell, zh, en) in [
            (Cell::Count(-1_234_567), "-1,234,567", "-1,234,567"),
            (Cell::Count(123), "123", "123"),
            (Cell::Cents(-105), "-¥1.05", "-¥1.05"),
            (Cell::Cents(123_456_700), "¥1,234,567.00", "¥1,234,567.00"),
            (Cell::Cents(i64::MIN), "-¥92,233,720,368,547,758.08", "-¥92,233,720,368,547,758.08"),
            (Cell::Share(1, 3), "33.3%", "33.3%"),
            (Cell::Share(0, 0), "–", "–"),
            (Cell::Empty, "–", "–"),
            (Cell::Time(at), "2026年3月2日 周一 10:00", "Mon 2 Mar 2026 10:00"),
            (Cell::Day(Day(20_514)), "2026年3月2日 周一", "Mon 2 Mar 2026"),
            (Cell::Day(Day(u64::MAX)), "–", "–"),
        ] {
            assert_eq!(
                (show(&cell, Language::Zh), show(&cell, Language::En)),
                (zh.to_owned(), en.to_owned()),
                "{cell:?}"
            );
        }
        assert_eq!(signed(&Cell::Share(1, 4), Language::En, UtcOffset::BEIJING), "+25.0%");
        assert_eq!(signed(&Cell::Share(-1, 4), Language::En, UtcOffset::BEIJING), "-25.0%");
        assert_eq!(short_date(Day(20_514), Language::Zh), "3月2日");
    }

    #[test]
    fn a_text_from_outside_is_cut_and_has_no_controls() {
        assert_eq!(cut(&"猫".repeat(TEXT_SHOWN)), "猫".repeat(TEXT_SHOWN));
        assert_eq!(cut(&"猫".repeat(TEXT_SHOWN + 1)), "猫".repeat(TEXT_SHOWN) + "…");
        assert_eq!(cut("a\0b\u{85}c\n"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(foreign("<b>&\"\u{202e}").into_string(), "<bdi>&lt;b&gt;&amp;&quot;\u{202e}</bdi>");
    }
}
