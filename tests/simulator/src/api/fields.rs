//! What the fields of a template take, by the type in their name
//! ([protocol 8.1](../../../../shared/docs/wechat-protocol.md#8.1)).

/// Whether `value` may stand in `field`. Nothing may be empty; a name without a known type takes any text.
pub(super) fn fits(field: &str, value: &str) -> bool {
    let length = value.chars().count();
    let all = |fits: fn(char) -> bool| value.chars().all(fits);
    let sort = field.trim_end_matches(|char: char| char.is_ascii_digit());
    length > 0
        && match sort {
            "thing" | "short_thing" | "const" | "enum" => length <= 20,
            "character_string" => length <= 32 && all(|char| char.is_ascii_graphic() || char == ' '),
            "number" => length <= 32 && is_number(value),
            "letter" => length <= 32 && all(|char| char.is_ascii_alphabetic()),
            "symbol" => length <= 5 && !value.chars().any(char::is_alphanumeric),
            "amount" => is_amount(value),
            "phone_number" => length <= 17 && all(|char| char.is_ascii_digit() || "+-() ".contains(char)),
            "car_number" => length <= 8 && is_car(value),
            "name" => length <= if value.is_ascii() { 20 } else { 10 },
            "phrase" => length <= 5 && all(is_chinese),
            "time" => value.split('~').all(|point| is_time(point.trim())),
            "date" => value.split('~').all(|point| is_date(point.trim())),
            _ => true,
        }
}

fn is_chinese(char: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&char)
}

/// Digits, with decimals or not.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').map_or_else(|| digits(text), |(whole, decimals)| digits(whole) && digits(decimals))
}

/// `￥99.90`, `128元`: a currency's sign, up to ten digits, decimals, 元.
fn is_amount(text: &str) -> bool {
    let text = text.strip_prefix(['¥', '￥', '$', '€', '£']).unwrap_or(text);
    let text = text.strip_suffix('元').unwrap_or(text);
    is_number(text) && text.split('.').next().is_some_and(|whole| whole.len() <= 10)
}

/// `粤A8Z888挂`: letters and digits, the first and the last may be Chinese.
fn is_car(text: &str) -> bool {
    let inner = text.strip_prefix(is_chinese).unwrap_or(text);
    let inner = inner.strip_suffix(is_chinese).unwrap_or(inner);
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `15:01`, `2019年10月1日 15:01`.
fn is_time(text: &str) -> bool {
    text.rsplit_once(' ').map_or_else(|| is_clock(text), |(day, clock)| is_day(day.trim_end()) && is_clock(clock))
}

/// `2019年10月1日`, `2019年10月1日 15:01`.
fn is_date(text: &str) -> bool {
    is_day(text) || text.contains(' ') && is_time(text)
}

/// `HH:MM` or `HH:MM:SS`, in 24 hours.
fn is_clock(text: &str) -> bool {
    let parts: Vec<_> = text.split(':').map(|part| bounded(part, 2)).collect();
    match parts.as_slice() {
        [Some(hour), rest @ ..] if matches!(rest.len(), 1 | 2) => {
            *hour < 24 && rest.iter().all(|part| part.is_some_and(|part| part < 60))
        }
        _ => false,
    }
}

/// `2019年10月1日` or `2019-10-01`.
fn is_day(text: &str) -> bool {
    let plain = text.strip_suffix('日').unwrap_or(text).replace(['年', '月', '/', '.'], "-");
    let parts: Vec<_> = plain.split('-').map(|part| bounded(part, 4)).collect();
    match parts.as_slice() {
        [Some(year), Some(month), Some(day)] => *year >= 1_000 && (1..=12).contains(month) && (1..=31).contains(day),
        _ => false,
    }
}

/// A number of at most so many digits.
fn bounded(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_takes_what_wechat_says_and_nothing_else() {
        let takes = [
            ("thing1", "二十个字二十个字二十个字二十个字二十个字"),
            ("character_string2", "A-1/2026 #7"),
            ("time3", "15:01"),
            ("time3", "2019年10月1日 15:01:59"),
            ("time3", "2019年10月1日 15:01~2019年10月2日 9:00"),
            ("date4", "2026-03-01"),
            ("date4", "2019年10月1日 ~ 2019年10月3日"),
            ("amount5", "￥1234567890.99元"),
            ("phone_number6", "+86-0766-66888866"),
            ("car_number7", "粤A8Z888挂"),
            ("const8", "已发货"),
            ("number", "12.5"),
            ("letter", "abc"),
            ("symbol", "!?…"),
            ("name", "十个汉字十个汉字十个"),
            ("name", "twenty letters here."),
            ("phrase", "快吃完了"),
            ("keyword1", "any text at all, however long it may be, since nobody knows its type"),
        ];
        for (field, value) in takes {
            assert!(fits(field, value), "{field}: {value}");
        }
        let refuses = [
            ("thing1", ""),
            ("thing1", "二十一个字二十一个字二十一个字二十一个字多"),
            ("character_string2", "单号"),
            ("character_string2", "123456789012345678901234567890123"),
            ("time3", "24:00"),
            ("time3", "2019年10月1日"),
            ("time3", "tomorrow"),
            ("date4", "2026-13-01"),
            ("date4", "15:01"),
            ("amount5", "12345678901"),
            ("amount5", "12元5"),
            ("amount5", "￥￥1"),
            ("phone_number6", "+86-0766-668888667"),
            ("phone_number6", "call me"),
            ("car_number7", "粤A8Z8888挂"),
            ("number", "12a"),
            ("letter", "a1"),
            ("symbol", "a"),
            ("name", "十一个汉字十一个汉字多"),
            ("phrase", "六个汉字了吗"),
            ("phrase", "ok"),
            ("keyword1", ""),
        ];
        for (field, value) in refuses {
            assert!(!fits(field, value), "{field}: {value}");
        }
    }
}
