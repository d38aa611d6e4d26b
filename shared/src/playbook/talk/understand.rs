//! From what a fan writes to what it means. Nothing is guessed: what could be two things is neither.

use super::form::{Choice, PLACE_CHARS_MAX, Take};
use crate::{
    playbook::{Inbound, InboundKind},
    time::{Day, Local},
};

/// The fewest characters of a place that is written.
const PLACE_CHARS_MIN: usize = 6;
/// The most characters that may stand behind a number: 公斤左右.
const UNIT_CHARS: usize = 4;
/// The most characters around a telephone number: 我的手机号是.
const AROUND_PHONE: usize = 10;
/// The most characters around a choice that is named in passing.
const AROUND_CHOICE: usize = 6;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What it means, and what a person reads.
    Value(String, String),
    /// Which choice.
    Choice(usize),
    /// It is a picture or the like where words are asked for.
    NoWords,
    /// Nothing that the step takes.
    Nothing,
}

/// What a message means as an answer; `normal` is its normalised text.
pub(super) fn answer(take: &Take, message: &Inbound, normal: &str, now: Local) -> Meaning {
    use Meaning::{NoWords, Nothing, Value};
    let same = |words: String| Value(words.clone(), words);
    match (take, message.kind) {
        (Take::Photo, InboundKind::Image) => Value(message.attached.clone(), "（照片）".to_owned()),
        (Take::Photo, _) => Nothing,
        (Take::Place, InboundKind::Location) => place_sent(message),
        (_, kind) if normal.is_empty() || !matches!(kind, InboundKind::Text | InboundKind::Voice) => NoWords,
        (Take::Text { max }, _) => {
            let words = message.text.trim();
            if words.chars().count() <= *max as usize { same(words.to_owned()) } else { Nothing }
        }
        (Take::Number { min, max }, _) => match number(normal) {
            Some(number) if (u64::from(*min)..=u64::from(*max)).contains(&number) => same(number.to_string()),
            _ => Nothing,
        },
        (Take::Date { from, until }, _) => date(normal, now.day, (u64::from(*from), u64::from(*until))),
        (Take::MonthDay, _) => match month_day(normal) {
            Some((month, day)) => Value(format!("{month:02}-{day:02}"), format!("{month}月{day}日")),
            None => Nothing,
        },
        (Take::Phone, _) => phone(normal).map_or(Nothing, same),
        (Take::Choice(choices), _) => choice(choices, normal).map_or(Nothing, Meaning::Choice),
        (Take::Place, _) => place_written(&message.text).map_or(Nothing, same),
    }
}

/// A location message: its label, and what stands on the map.
fn place_sent(message: &Inbound) -> Meaning {
    let label: String = message.text.trim().chars().take(PLACE_CHARS_MAX).collect();
    let words = if label.is_empty() { message.attached.clone() } else { label };
    if words.is_empty() { Meaning::Nothing } else { Meaning::Value(words.clone(), words) }
}

/// Something long enough to be found by, and no question.
fn place_written(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (PLACE_CHARS_MIN..=PLACE_CHARS_MAX).contains(&text.chars().count());
    let asks = text.ends_with(['?', '？', '吗', '呢']);
    let says = text.chars().filter(|c| c.is_alphabetic()).count() >= PLACE_CHARS_MIN / 2;
    (fits && !asks && says).then(|| text.to_owned())
}

/// A whole number in digits or Chinese numerals, perhaps with a word before it and a unit behind it.
pub(super) fn number(normal: &str) -> Option<u64> {
    let text = ["我要", "就要", "来", "要", "约", "大概", "差不多"]
        .iter()
        .find_map(|word| normal.strip_prefix(word))
        .unwrap_or(normal);
    let end = text.find(|c: char| !c.is_ascii_digit() && numeral(c).is_none()).unwrap_or(text.len());
    let (figures, unit) = text.split_at_checked(end).map(|(figures, unit)| (figures, unit.trim_start()))?;
    let plain = |c: char| c.is_alphabetic() && !"不没别无半多几点".contains(c) || "!~。.,".contains(c);
    let fits = unit.chars().count() <= UNIT_CHARS && unit.chars().all(plain);
    // 5.5 is no whole number, 5. is.
    let whole = !unit.starts_with(['.', ',']) || unit.chars().count() == 1;
    if !fits || !whole {
        return None;
    }
    if figures.bytes().all(|byte| byte.is_ascii_digit()) { figures.parse().ok() } else { chinese(figures) }
}

/// What a Chinese numeral counts: a digit, or by how much it multiplies.
fn numeral(c: char) -> Option<u64> {
    const NUMERALS: [(char, u64); 17] = [
        ('零', 0),
        ('〇', 0),
        ('一', 1),
        ('二', 2),
        ('两', 2),
        ('俩', 2),
        ('三', 3),
        ('四', 4),
        ('五', 5),
        ('六', 6),
        ('七', 7),
        ('八', 8),
        ('九', 9),
        ('十', 10),
        ('百', 100),
        ('千', 1_000),
        ('万', 10_000),
    ];
    NUMERALS.iter().find(|(known, _)| *known == c).map(|(_, value)| *value)
}

/// 十二, 两百, 一百零五, 三千: each unit once, the larger before the smaller, no digit beside a digit.
fn chinese(text: &str) -> Option<u64> {
    let (mut sum, mut digit, mut unit) = (0_u64, None, u64::MAX);
    for c in text.chars() {
        match numeral(c)? {
            value @ 10.. => {
                let times = match digit.take() {
                    Some(times) => times,
                    None if value == 10 && sum == 0 => 1,
                    None => return None,
                };
                if value >= unit || times == 0 {
                    return None;
                }
                unit = value;
                sum += times * value;
            }
            0 if unit != u64::MAX && digit.is_none() => {}
            value if digit.is_none() => digit = Some(value),
            _ => return None,
        }
    }
    Some(sum + digit.unwrap_or(0))
}

/// The digits of a Chinese mobile number.
fn phone(normal: &str) -> Option<String> {
    let digits: String = normal.chars().filter(char::is_ascii_digit).collect();
    let around = normal.chars().filter(|c| !c.is_ascii_digit() && !" -+".contains(*c)).count();
    let digits = digits.strip_prefix("86").filter(|rest| rest.len() == 11).unwrap_or(&digits);
    let mobile = digits.len() == 11
        && digits.starts_with('1')
        && digits.as_bytes().get(1).is_some_and(|d| (b'3'..=b'9').contains(d));
    (mobile && around <= AROUND_PHONE).then(|| digits.to_owned())
}

/// Month and day of a text such as 5-20, 5.20, 5月20日, 五月二十, 0520, 1995-5-20.
fn month_day(normal: &str) -> Option<(u64, u64)> {
    let numbers = numbers(normal)?;
    let (month, day) = match numbers.as_slice() {
        [both] if normal.len() == 4 => (both / 100, both % 100),
        [month, day] | [_, month, day] => (*month, *day),
        _ => return None,
    };
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    ((1..=12).contains(&month) && (1..=days).contains(&day)).then_some((month, day))
}

/// The numbers between the signs that part a date; none: something else stands there too.
fn numbers(normal: &str) -> Option<Vec<u64>> {
    let text = normal.trim_end_matches(['吧', '哦', '啊', '呀', '!', '。', '.', '~']);
    let text = text.strip_suffix(['日', '号']).unwrap_or(text);
    let parts = text.split(['-', '.', '/', '年', '月', ' ']);
    parts
        .map(|part| match part {
            "" => None,
            part if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse().ok(),
            part => chinese(part),
        })
        .collect()
}

/// A day within `(from, until)` days from `today` on.
fn date(normal: &str, today: Day, (from, until): (u64, u64)) -> Meaning {
    let found = day(normal, today, from).filter(|day| (today.0 + from..=today.0 + until).contains(&day.0));
    let date = found.and_then(|day| day.date());
    date.map_or(Meaning::Nothing, |date| {
        let (year, month, day) = (date.year(), date.month(), date.day());
        Meaning::Value(format!("{year:04}-{month:02}-{day:02}"), format!("{month}月{day}日"))
    })
}

/// A day by its name, its weekday, or its number; without a year the next one.
fn day(normal: &str, today: Day, from: u64) -> Option<Day> {
    let text = normal.trim_end_matches(['吧', '哦', '啊', '呀', '的', '要', '!', '。', '~']);
    if let Some(ahead) = ["今天", "明天", "后天", "大后天"].iter().position(|word| *word == text) {
        return Some(Day(today.0 + ahead as u64));
    }
    if let Some(day) = weekday(text, today, from) {
        return Some(day);
    }
    let at = |year: u64, month: u64, day: u64| format!("{year:04}-{month:02}-{day:02}").parse::<Day>().ok();
    let this_year = u64::try_from(today.date()?.year()).ok()?;
    if let Some([year, month, day]) = numbers(text).and_then(|numbers| <[u64; 3]>::try_from(numbers).ok()) {
        return at(year, month, day);
    }
    let (month, day) = month_day(text)?;
    [this_year, this_year + 1].into_iter().filter_map(|year| at(year, month, day)).find(|day| *day >= today)
}

/// 周六 is the next one that may be, 下周六 the one of next week.
fn weekday(text: &str, today: Day, from: u64) -> Option<Day> {
    let (next, text) = text.strip_prefix('下').map_or((false, text), |rest| (true, rest));
    let text = if next { text.strip_prefix('个').unwrap_or(text) } else { text.strip_prefix('这').unwrap_or(text) };
    let name = ["周", "星期", "礼拜"].iter().find_map(|word| text.strip_prefix(word))?;
    let weekday = ["一", "二", "三", "四", "五", "六", "日"].iter().position(|day| *day == name);
    let weekday = weekday.or((name == "天").then_some(6))? as u64;
    let monday = today.0 - today.weekday() as u64;
    if next {
        return Some(Day(monday + 7 + weekday));
    }
    (today.0 + from..today.0 + from + 7).map(Day).find(|day| day.weekday() as u64 == weekday)
}

/// A choice by its words, by its number, or by a part that no other has.
fn choice(choices: &[Choice], normal: &str) -> Option<usize> {
    let text = normal.trim_end_matches(['!', '。', '.', '~', '吧', '啊', '呀', '哦']);
    let text = if text.is_empty() { normal } else { text };
    if let Some(found) = choices.iter().position(|choice| choice.normal == normal || choice.normal == text) {
        return Some(found);
    }
    if let Some(number) = ordinal(text) {
        return usize::try_from(number).ok()?.checked_sub(1).filter(|place| *place < choices.len());
    }
    let only = |fits: &dyn Fn(&str) -> bool| {
        let mut found = choices.iter().enumerate().filter(|(_, choice)| fits(&choice.normal)).map(|(place, _)| place);
        found.next().filter(|_| found.next().is_none())
    };
    // 要 is no part of 不要了, and 不在线支付 names no choice.
    let denies = |choice: &str| ['不', '没', '别'].iter().any(|no| text.contains(*no) != choice.contains(*no));
    only(&|choice| choice.contains(text) && !denies(choice)).or_else(|| {
        let near = |choice: &str| text.chars().count() <= choice.chars().count() + AROUND_CHOICE;
        let asks = text.ends_with(['?', '吗', '呢']);
        only(&|choice| !asks && text.contains(choice) && near(choice) && !denies(choice))
    })
}

/// 2, 二, 第二个, 选2, ②: the number of a choice.
fn ordinal(text: &str) -> Option<u64> {
    const CIRCLED: char = '①';
    let mut chars = text.chars();
    if let (Some(c @ '①'..='⑨'), None) = (chars.next(), chars.next()) {
        return Some(u64::from(u32::from(c) - u32::from(CIRCLED)) + 1);
    }
    let text = ["我选", "选择", "选", "第"].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
    let text = text.strip_prefix('第').unwrap_or(text);
    let text = text.strip_suffix(['个', '项', '种', '号', ')', '、']).unwrap_or(text);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { (!text.is_empty()).then(|| chinese(text)).flatten() }
}

/// Whether it is a yes or a no to "still so?"; the two choices have the numbers 1 and 2.
pub(super) fn yes_or_no(normal: &str) -> Option<bool> {
    const YES: [&str; 19] = [
        "1",
        "是",
        "是的",
        "对",
        "对的",
        "好",
        "好的",
        "可以",
        "嗯",
        "嗯嗯",
        "yes",
        "ok",
        "没错",
        "行",
        "要",
        "继续",
        "接着来",
        "一",
        "没变",
    ];
    const NO: [&str; 17] = [
        "2",
        "不",
        "不是",
        "不对",
        "否",
        "不要",
        "不用",
        "不用了",
        "换",
        "换一个",
        "改",
        "no",
        "算了",
        "二",
        "不了",
        "变了",
        "换了",
    ];
    let text = normal.trim_end_matches(['!', '。', '.', '~', '啊', '呀', '哦', '吧']);
    if YES.contains(&text) { Some(true) } else { NO.contains(&text).then_some(false) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    use crate::playbook::normalise;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (text, number) in [
            ("3", Some(3)),
            ("１２", Some(12)),
            ("两个", Some(2)),
            ("要两个", Some(2)),
            ("俩", Some(2)),
            ("十", Some(10)),
            ("十二", Some(12)),
            ("二十", Some(20)),
            ("一百零五", Some(105)),
            ("三千", Some(3_000)),
            ("5公斤左右", Some(5)),
            ("12 kg", Some(12)),
            ("零", Some(0)),
            ("5.5", None),
            ("两三个", None),
            ("三五个", None),
            ("5-6", None),
            ("不要3个", None),
            ("3个不要", None),
            ("百", None),
            ("十百", None),
            ("几个", None),
            ("", None),
            ("一共要五个人吃的", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(super::number(&normalise(text)), number, "{text}");
        }
    }

    #[test]
    fn telephone_numbers_are_eleven_digits_that_a_mobile_can_have() {
        for (text, phone) in [
            ("13800138000", Some("13800138000")),
            ("１３８００１３８０００", Some("13800138000")),
            ("138 0013 8000", Some("13800138000")),
            ("+86 138-0013-8000", Some("13800138000")),
            ("我的手机号是13800138000", Some("13800138000")),
            ("1380013800", None),
            ("138001380000", None),
            ("12800138000", None),
            ("13800138000或者13900139000", None),
            ("没有", None),
        ] {
            assert_eq!(super::phone(&normalise(text)).as_deref(), phone, "{text}");
        }
    }

    #[test]
    fn birthdays_are_read_however_they_are_written() {
        for (text, day) in [
            ("5-20", Some((5, 20))),
            ("5.20", Some((5, 20))),
            ("５／２０", Some((5, 20))),
            ("5月20日", Some((5, 20))),
            ("5月20号!", Some((5, 20))),
            ("五月二十", Some((5, 20))),
            ("十二月三十一日", Some((12, 31))),
            ("0520", Some((5, 20))),
            ("1995-05-20", Some((5, 20))),
            ("2-29", Some((2, 29))),
            ("2-30", None),
            ("13-1", None),
            ("4月31日", None),
            ("5月", None),
            ("520", None),
            ("下个月", None),
        ] {
            assert_eq!(super::month_day(&normalise(text)), day, "{text}");
        }
    }

    #[test]
    fn days_are_counted_from_the_messages_own() {
        // A Tuesday.
        let today: Day = "2026-12-29".parse().unwrap();
        for (text, day) in [
            ("今天", Some("2026-12-29")),
            ("明天", Some("2026-12-30")),
            ("后天吧", Some("2026-12-31")),
            ("大后天", Some("2027-01-01")),
            ("周六", Some("2027-01-02")),
            ("星期天", Some("2027-01-03")),
            ("周二", Some("2027-01-05")),
            ("下周三", Some("2027-01-06")),
            ("1-3", Some("2027-01-03")),
            ("12月31号", Some("2026-12-31")),
            ("2027.1.3", Some("2027-01-03")),
            ("2026-02-30", None),
            ("周八", None),
            ("随便", None),
        ] {
            assert_eq!(super::day(&normalise(text), today, 1), day.map(|day| day.parse().unwrap()), "{text}");
        }
        assert_eq!(date("今天", today, (1, 30)), Meaning::Nothing);
        assert_eq!(date("明天", today, (1, 30)), Meaning::Value("2026-12-30".into(), "12月30日".into()));
        assert_eq!(date("2月1日", today, (1, 30)), Meaning::Nothing);
    }

    #[test]
    fn a_choice_is_named_by_words_by_number_or_by_a_part_that_no_other_has() {
        let choice = |say: &str| Choice {
            say: say.into(),
            words: say.into(),
            normal: normalise(say).into_owned(),
            value: String::new(),
            tag: None,
            go: None,
            score: 0,
            price: None,
        };
        let choices = ["在线支付", "货到付款", "不要了", "改 2 个"].map(choice);
        for (text, place) in [
            ("在线支付", Some(0)),
            ("2", Some(1)),
            ("２", Some(1)),
            ("②", Some(1)),
            ("第二个", Some(1)),
            ("选2", Some(1)),
            ("货到", Some(1)),
            ("到付", Some(1)),
            ("我想在线支付", Some(0)),
            ("不要了", Some(2)),
            ("改2个", Some(3)),
            ("付", None),
            ("要", None),
            ("不在线支付", None),
            ("在线支付是什么意思?", None),
            ("5", None),
            ("0", None),
            ("你们几点开门", None),
        ] {
            assert_eq!(super::choice(&choices, &normalise(text)), place, "{text}");
        }
    }
}
