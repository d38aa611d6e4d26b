//! WeChat's rules for the fields of templates ([protocol 8.1 and 8.2](../../../docs/wechat-protocol.md#8.1)), tried
//! before anything is sent.
//!
//! A value that breaks one is refused with 47003, for every fan it would go to. Where two pages of WeChat's differ, the
//! stricter one counts here. What stands in marketing is not refused but punished: templates are deleted and accounts
//! lose the interface.

use crate::playbook::normalise;

/// A type of field: `thing1` and `thing23` are of the type `thing`.
pub(super) struct FieldType {
    pub(super) name: &'static str,
    /// What a value must be, in words.
    pub(super) rule: &'static str,
    takes: fn(&str) -> bool,
}

/// Every type there is. Values of `const` and `enum` must be among those that WeChat reviewed, which it alone knows; of
/// `short_thing` no length is documented, so it gets that of `thing`.
const TYPES: [FieldType; 15] = [
    FieldType { name: "thing", rule: "at most 20 characters", takes: |v| length(v) <= 20 },
    FieldType { name: "short_thing", rule: "at most 20 characters", takes: |v| length(v) <= 20 },
    FieldType { name: "const", rule: "at most 20 characters", takes: |v| length(v) <= 20 },
    FieldType { name: "enum", rule: "at most 20 characters", takes: |v| length(v) <= 20 },
    FieldType {
        name: "character_string",
        rule: "at most 32 letters, digits and signs, no Chinese",
        takes: |v| length(v) <= 32 && v.chars().all(|c| c.is_ascii_graphic()),
    },
    FieldType { name: "number", rule: "at most 32 digits, perhaps with a point", takes: |v| decimal(v, 32) },
    FieldType {
        name: "letter",
        rule: "at most 32 letters",
        takes: |v| length(v) <= 32 && v.chars().all(|c| c.is_ascii_alphabetic()),
    },
    FieldType { name: "symbol", rule: "at most 5 signs", takes: |v| length(v) <= 5 && v.chars().all(is_sign) },
    FieldType {
        name: "phrase",
        rule: "at most 5 Chinese characters",
        takes: |v| length(v) <= 5 && v.chars().all(is_chinese),
    },
    FieldType { name: "name", rule: "at most 10 Chinese characters, or 20 letters", takes: name },
    FieldType {
        name: "time",
        rule: "a time such as 15:01, perhaps behind a date, or two with ~ between",
        takes: |v| span(v, |moment| split_moment(moment).is_some_and(|(_, clock)| clock.is_some())),
    },
    FieldType {
        name: "date",
        rule: "a date such as 2026年03月04日, perhaps before a time, or two with ~ between",
        takes: |v| span(v, |moment| split_moment(moment).is_some_and(|(date, _)| date.is_some())),
    },
    FieldType { name: "amount", rule: "at most 10 digits, perhaps behind ¥ or before 元", takes: amount },
    FieldType {
        name: "phone_number",
        rule: "at most 17 digits and signs",
        takes: |v| length(v) <= 17 && v.chars().all(|c| c.is_ascii_graphic() && !c.is_ascii_alphabetic()),
    },
    FieldType {
        name: "car_number",
        rule: "at most 8 letters and digits, the first and the last of them perhaps Chinese",
        takes: car_number,
    },
];

impl FieldType {
    /// The type of a field by its name.
    pub(super) fn of(field: &str) -> Option<&'static Self> {
        let name = field.trim_end_matches(|c: char| c.is_ascii_digit());
        TYPES.iter().find(|known| known.name == name)
    }

    /// The names of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        TYPES.iter().map(|known| known.name)
    }

    /// Why WeChat would refuse or cut a value of a field of this type; none: it would not.
    pub(super) fn refuses(&self, value: &str) -> Option<Refusal> {
        if value.trim().is_empty() {
            Some(Refusal::Empty)
        } else if value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            Some(Refusal::LineBreak)
        } else if let Some(emoji) = value.chars().find(|c| is_emoji(*c)) {
            Some(Refusal::Emoji(emoji))
        } else {
            (!(self.takes)(value)).then_some(Refusal::Rule)
        }
    }
}

/// Why a value does not arrive as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Empty,
    /// Line breaks and other controls.
    LineBreak,
    /// Cut out, or refused.
    Emoji(char),
    /// It breaks the type's rule.
    Rule,
}

/// What makes a template message or notice an advertisement: the rules for template messages (微信公众平台运营规范 3.9) and for
/// the review of templates name red envelopes, coupons, vouchers, membership cards, discounts, rebates; the rest is what
/// shops write for those. A short word stands for the longer ones it is in.
const MARKETING_WORDS: [&str; 44] = [
    "优惠",
    "特惠",
    "折扣",
    "打折",
    "折起",
    "特价",
    "特卖",
    "促销",
    "大促",
    "秒杀",
    "抢购",
    "抢先",
    "限时",
    "限量",
    "满减",
    "满赠",
    "买赠",
    "立减",
    "直降",
    "降价",
    "半价",
    "低价",
    "清仓",
    "甩卖",
    "红包",
    "券",
    "返利",
    "返现",
    "免费",
    "免单",
    "白送",
    "赠品",
    "赠送",
    "福利",
    "抽奖",
    "中奖",
    "拼团",
    "团购",
    "砍价",
    "会员卡",
    "爆款",
    "包邮",
    "coupon",
    "discount",
];

/// Words that must not stand in template messages and notices.
pub(super) struct Marketing(Vec<String>);

impl Marketing {
    /// The known ones, and the playbook's own.
    pub(super) fn new<'a>(own: impl Iterator<Item = &'a str>) -> Self {
        let words = MARKETING_WORDS.into_iter().chain(own).map(|word| normalise(word).into_owned());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// The first of them that stands in a value, however it is typed.
    pub(super) fn found_in(&self, value: &str) -> Option<&str> {
        let value = normalise(value);
        self.0.iter().map(String::as_str).find(|word| value.contains(word))
    }
}

fn length(value: &str) -> usize {
    value.chars().count()
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_sign(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control()
}

/// The blocks in which emoji stand, and what joins and colours them. ★ and ☆ alone of these are signs of ordinary text.
fn is_emoji(c: char) -> bool {
    !matches!(c, '★' | '☆')
        && matches!(c,
            '\u{200d}' | '\u{20e3}' | '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23fa}' | '\u{2600}'..='\u{27bf}'
            | '\u{2b00}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}' | '\u{e0020}'..='\u{e007f}')
}

/// Digits with at most one point between them; `most` digits.
fn decimal(value: &str, most: usize) -> bool {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && value.bytes().filter(u8::is_ascii_digit).count() <= most
}

fn amount(value: &str) -> bool {
    let value = value.strip_prefix(['¥', '￥', '$', '€', '£']).unwrap_or(value);
    decimal(value.strip_suffix('元').unwrap_or(value), 10)
}

/// With one Chinese character it counts as a Chinese name.
fn name(value: &str) -> bool {
    let most = if value.chars().any(is_chinese) { 10 } else { 20 };
    length(value) <= most && value.chars().all(|c| !c.is_numeric())
}

fn car_number(value: &str) -> bool {
    let most = length(value).saturating_sub(1);
    let fits = |(at, c): (usize, char)| c.is_ascii_alphanumeric() || (is_chinese(c) && (at == 0 || at == most));
    length(value) <= 8 && value.chars().enumerate().all(fits)
}

/// One, or two with `~` between.
fn span(value: &str, one: impl Fn(&str) -> bool) -> bool {
    match value.split_once('~') {
        Some((from, to)) => one(from.trim()) && one(to.trim()),
        None => one(value.trim()),
    }
}

/// Date and clock of a moment; none: neither, or something else.
fn split_moment(moment: &str) -> Option<(Option<&str>, Option<&str>)> {
    let found = match moment.split_once(' ') {
        Some((date, clock)) => (Some(date), Some(clock)),
        None if moment.contains(':') => (None, Some(moment)),
        None => (Some(moment), None),
    };
    (found.0.is_none_or(is_date) && found.1.is_none_or(is_clock)).then_some(found)
}

/// `15:01` or `15:01:02`.
fn is_clock(text: &str) -> bool {
    let mut parts = text.split(':');
    let hour = parts.next().is_some_and(|hour| number(hour, 0, 23));
    let rest: Vec<bool> = parts.map(|part| part.len() == 2 && number(part, 0, 59)).collect();
    hour && (1..=2).contains(&rest.len()) && rest.iter().all(|fits| *fits)
}

/// `2026年3月4日`, `2026年3月`, `3月4日`, or the numbers with `-`, `/` or `.` between.
fn is_date(text: &str) -> bool {
    let dashed = ['-', '/', '.'].into_iter().find(|sign| text.contains(*sign));
    let parts = match dashed {
        Some(sign) => match text.split(sign).collect::<Vec<_>>().as_slice() {
            [year, month, day] => Some((Some(*year), *month, Some(*day))),
            [year, month] if year.len() == 4 => Some((Some(*year), *month, None)),
            [month, day] => Some((None, *month, Some(*day))),
            _ => None,
        },
        None => chinese_date(text),
    };
    parts.is_some_and(|(year, month, day)| {
        year.is_none_or(|year| year.len() == 4 && number(year, 1, 9_999))
            && number(month, 1, 12)
            && day.is_none_or(|day| number(day, 1, 31))
    })
}

/// Year, month and day of `2026年3月4日`; the year or the day may be absent, not both.
fn chinese_date(text: &str) -> Option<(Option<&str>, &str, Option<&str>)> {
    let (year, rest) = text.split_once('年').map_or((None, text), |(year, rest)| (Some(year), rest));
    let (month, rest) = rest.split_once('月')?;
    match rest.strip_suffix('日') {
        Some(day) => Some((year, month, Some(day))),
        None => (rest.is_empty() && year.is_some()).then_some((year, month, None)),
    }
}

fn number(digits: &str, least: u32, most: u32) -> bool {
    digits.len() <= 4
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse().is_ok_and(|number| (least..=most).contains(&number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn refuses(field: &str, value: &str) -> Option<Refusal> {
        FieldType::of(field).unwrap().refuses(value)
    }

    #[test]
    fn a_field_takes_what_wechats_table_says() {
        let (twenty, thirty_two) = ("猫".repeat(20), "a1-".repeat(10) + "#9");
        for (field, takes, refused) in [
            ("thing1", &["成猫粮 2kg（鸡肉）★", &twenty][..], &[&*(twenty.clone() + "粮")][..]),
            ("short_thing2", &["小袋"], &[&*(twenty.clone() + "粮")]),
            ("const5", &["快用完了"], &[&*(twenty.clone() + "粮")]),
            ("enum1", &["待付款"], &[&*(twenty.clone() + "粮")]),
            ("character_string6", &["A-2026.03#1", &thirty_two], &["订单1", "a b", "ａ", &*(thirty_two.clone() + "0")]),
            ("number01", &["0", "12.5", &"9".repeat(32)], &["1,000", "-1", "1.", ".5", "1.2.3", "２", &"9".repeat(33)]),
            ("letter1", &["CAT", &"z".repeat(32)], &["猫", "cat2", "a b", &"z".repeat(33)]),
            ("symbol1", &["!", "★★★★★", "。"], &["1", "猫", "a", "! !", "！！！！！！"]),
            ("phrase3", &["配送中", "快要吃完了"], &["快要吃完了吧", "配送1", "ok", "配送！"]),
            (
                "name1",
                &["王小明", &"a".repeat(20), "Anne-Marie O'Neil"],
                &["王小明2", &"a".repeat(21), "欧阳娜娜AAAAAAA"],
            ),
            (
                "time4",
                &["15:01", "9:05:59", "2019年10月1日 15:01", "2026-03-04 15:01", "15:01~16:00"],
                &["2019年10月1日", "24:00", "15:1", "15:01:02:03", "15:01~", "今天 15:01", "15点"],
            ),
            ("time", &["2026年03月04日 09:00~2026年03月05日 09:00"], &["2026年03月04日~2026年03月05日"]),
            (
                "date2",
                &[
                    "2026年03月04日",
                    "2019年10月1日 15:01",
                    "2026年3月",
                    "3月4日",
                    "2026-03-04",
                    "2026/3/4",
                    "2026.03",
                    "01-01",
                    "2026年03月04日~2026年03月30日",
                ],
                &[
                    "15:01",
                    "2026年",
                    "4日",
                    "2026-13-01",
                    "2026-00-01",
                    "2026-03-32",
                    "26-03-04",
                    "3月",
                    "明天",
                    "2026年03月04日 周三",
                ],
            ),
            (
                "amount3",
                &["¥129.00", "￥129元", "129", "0.5元", "1234567890"],
                &["12345678901", "129块", "¥¥1", "1,290", "元", "-3"],
            ),
            (
                "phone_number1",
                &["+86-0766-66888866", "400-820-8820"],
                &["+86-0766-668888661", "电话1", "1a", "400 820"],
            ),
            ("car_number1", &["粤A8Z888挂", "粤A8Z888"], &["粤A粤8Z88", "粤A8Z8888挂", "粤A-8Z8"]),
        ] {
            for value in takes {
                assert_eq!(refuses(field, value), None, "{field} {value}");
            }
            for value in refused {
                assert_eq!(refuses(field, value), Some(Refusal::Rule), "{field} {value}");
            }
        }
    }

    #[test]
    fn no_field_takes_nothing_line_breaks_or_emoji() {
        for name in FieldType::names() {
            for (value, refusal) in [
                ("", Refusal::Empty),
                (" \u{3000}", Refusal::Empty),
                ("1\n2", Refusal::LineBreak),
                ("1\u{2028}", Refusal::LineBreak),
                ("1🐱", Refusal::Emoji('🐱')),
                ("❤\u{fe0f}", Refusal::Emoji('❤')),
                ("1\u{fe0f}\u{20e3}", Refusal::Emoji('\u{fe0f}')),
            ] {
                assert_eq!(refuses(&format!("{name}1"), value), Some(refusal), "{name} {value:?}");
            }
        }
    }

    #[test]
    fn a_fields_type_is_its_name_without_the_number() {
        for (field, name) in [("thing1", "thing"), ("short_thing12", "short_thing"), ("date", "date")] {
            assert_eq!(FieldType::of(field).map(|known| known.name), Some(name), "{field}");
        }
        for unknown in ["first", "remark", "keyword1", "Thing1", "thing_1", "thing1.DATA", "1", ""] {
            assert!(FieldType::of(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn marketing_is_found_however_it_is_typed() {
        let marketing = Marketing::new(["双 11", " "].into_iter());
        for (value, word) in [
            ("限时抢购中", Some("抢购")),
            ("优 惠多多", Some("优惠")),
            ("满100减50优惠券", Some("优惠")),
            ("代金券", Some("券")),
            ("ＣＯＵＰＯＮ", Some("coupon")),
            ("双１１来了", Some("双11")),
            ("成猫粮快吃完了", None),
            ("", None),
        ] {
            assert_eq!(marketing.found_in(value), word, "{value}");
        }
    }
}
