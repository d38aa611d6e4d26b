//! From what the playbook says to what goes out: placeholders filled. Nothing can go wrong here, because the check has tried
//! every text with the shortest and the longest values there can be.

use super::{Content, Form};
use crate::{
    facts::dialog::VALUE_MAX,
    playbook::template::{Token, tokens},
    time::Day,
};
use std::fmt::Write;

/// The most pieces that `{quantity}` tells.
pub const QUANTITY_SHOWN_MAX: u64 = 1_000_000;
/// The most days that `{days_left}` tells.
pub const DAYS_LEFT_SHOWN_MAX: u64 = 9_999;
/// The last day that is told, 9999-12-30: the calendar's last whose midnight is a moment to `jiff`.
const LAST_DAY: Day = Day(2_932_895);
/// 2026-03-04; every date is of the same length.
const SAMPLE_DAY: Day = Day(20_516);

/// What begins the placeholder of a field that a dialog saved: `{field.pet|毛孩子}`, with what stands there for a fan without it.
pub(in crate::playbook) const FIELD: &str = "field.";
/// The longest value of a field.
pub(in crate::playbook) const LONGEST_FIELD: &str = match std::str::from_utf8(&[b'x'; VALUE_MAX]) {
    Ok(longest) => longest,
    Err(_) => "",
};

/// The value of a field of the fan's, by its name.
pub type Saved<'f> = &'f dyn Fn(&str) -> Option<&'f str>;

/// What the placeholders of a reminder stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values<'a> {
    /// The product's name.
    pub product: &'a str,
    /// Pieces of the last purchase; [`QUANTITY_SHOWN_MAX`] is told of more.
    pub quantity: u64,
    /// The day of the last purchase.
    pub bought_on: Day,
    /// The day it will have run out.
    pub run_out: Day,
    /// The day the reminder goes out, from which `{days_left}` counts.
    pub today: Day,
}

impl Values<'static> {
    /// The shortest that they become, with which the check tries texts; the product is the sample's own.
    pub(in crate::playbook) const SHORTEST: Self =
        Self { product: "", quantity: 1, bought_on: SAMPLE_DAY, run_out: SAMPLE_DAY, today: SAMPLE_DAY };
    /// The longest.
    pub(in crate::playbook) const LONGEST: Self = Self {
        product: "",
        quantity: QUANTITY_SHOWN_MAX,
        bought_on: LAST_DAY,
        run_out: Day(LAST_DAY.0 + DAYS_LEFT_SHOWN_MAX),
        today: LAST_DAY,
    };
}

/// A push as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filled {
    /// `message/template/send`
    Template {
        /// WeChat's.
        template_id: String,
        /// Name and value, in the order of the file.
        fields: Vec<(String, String)>,
        /// What a tap opens.
        url: Option<String>,
        /// What a tap opens instead: `appid`, `pagepath`.
        miniprogram: Option<(String, String)>,
    },
    /// `message/subscribe/bizsend`
    Notice {
        /// WeChat's.
        template_id: String,
        /// Name and value, in the order of the file.
        fields: Vec<(String, String)>,
        /// What a tap opens: WeChat's `page`.
        url: Option<String>,
        /// What a tap opens instead: `appid`, `pagepath`.
        miniprogram: Option<(String, String)>,
    },
    /// `message/custom/send`
    Message {
        /// At most [`TEXT_MAX`](crate::wechat::reply::TEXT_MAX) bytes.
        text: String,
    },
}

impl Content {
    /// What goes out to a fan of whom dialogs saved nothing. `brand` is what `{name}` becomes: [`Pushes::name`](super::Pushes::name);
    /// `values` are a reminder's, and a campaign has none.
    pub fn render(&self, brand: &str, values: Option<&Values<'_>>) -> Filled {
        self.render_for(brand, values, &|_| None)
    }

    /// What goes out to a fan, as [`Self::render`], with what dialogs saved.
    pub fn render_for(&self, brand: &str, values: Option<&Values<'_>>, saved: Saved<'_>) -> Filled {
        let fields = |form: &Form| {
            let filled = |(name, value): &(String, String)| (name.clone(), fill(value, brand, values, saved));
            form.fields.iter().map(filled).collect()
        };
        match self {
            Self::Template(form) => {
                let Form { template_id, url, miniprogram, .. } = form.clone();
                Filled::Template { template_id, fields: fields(form), url, miniprogram }
            }
            Self::Notice(form) => {
                let Form { template_id, url, miniprogram, .. } = form.clone();
                Filled::Notice { template_id, fields: fields(form), url, miniprogram }
            }
            Self::Message { text } => Filled::Message { text: fill(text, brand, values, saved) },
        }
    }
}

/// What may stand in braces in a push; the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::playbook) enum Placeholder {
    Name,
    Product,
    Quantity,
    BoughtOn,
    RunOut,
    DaysLeft,
}

impl Placeholder {
    /// Each with its name.
    pub(in crate::playbook) const ALL: [(&'static str, Self); 6] = [
        ("name", Self::Name),
        ("product", Self::Product),
        ("quantity", Self::Quantity),
        ("bought_on", Self::BoughtOn),
        ("run_out", Self::RunOut),
        ("days_left", Self::DaysLeft),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, placeholder)| *placeholder)
    }
}

/// The text with its placeholders filled. What the check would refuse (a brace alone, a placeholder that is not there)
/// becomes nothing.
pub(in crate::playbook) fn fill(text: &str, brand: &str, values: Option<&Values<'_>>, saved: Saved<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    for token in tokens(text) {
        match token {
            Token::Words(words) => out.push_str(words),
            Token::Place(word, _) => match (Placeholder::named(word), values) {
                (None, _) => {
                    let field = word.strip_prefix(FIELD).and_then(|field| field.split_once('|'));
                    out.push_str(field.map_or("", |(name, otherwise)| saved(name).unwrap_or(otherwise)));
                }
                (Some(Placeholder::Name), _) => out.push_str(brand),
                (Some(placeholder), Some(values)) => write(placeholder, values, &mut out),
                _ => {}
            },
            Token::Brace(..) => {}
        }
    }
    out
}

fn write(placeholder: Placeholder, values: &Values<'_>, out: &mut String) {
    let days_left = values.run_out.0.saturating_sub(values.today.0);
    // Writing to a text does not fail.
    let _ = match placeholder {
        Placeholder::Name => Ok(()),
        Placeholder::Product => out.write_str(values.product),
        Placeholder::Quantity => write!(out, "{}", values.quantity.min(QUANTITY_SHOWN_MAX)),
        Placeholder::BoughtOn => write_date(values.bought_on, out),
        Placeholder::RunOut => write_date(values.run_out, out),
        Placeholder::DaysLeft => write!(out, "{}", days_left.min(DAYS_LEFT_SHOWN_MAX)),
    };
}

/// `2026年03月04日`, as fields of the types `date` and `time` take it
/// ([protocol 8.1](../../../docs/wechat-protocol.md#8.1)).
fn write_date(day: Day, out: &mut String) -> std::fmt::Result {
    match day.min(LAST_DAY).date() {
        Some(date) => write!(out, "{:04}年{:02}月{:02}日", date.year(), date.month(), date.day()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn day(date: &str) -> Day {
        date.parse().unwrap()
    }

    #[test]
    fn every_placeholder_becomes_what_it_stands_for() {
        let (bought_on, run_out, today) = (day("2026-02-02"), day("2026-03-04"), day("2026-02-27"));
        let values = Values { product: "成猫粮", quantity: 2, bought_on, run_out, today };
        for (text, filled) in [
            ("{name}的{product} × {quantity}", "喵主粮的成猫粮 × 2"),
            ("{bought_on} 09:00~{run_out} 09:00", "2026年02月02日 09:00~2026年03月04日 09:00"),
            ("还有 {days_left} 天", "还有 5 天"),
            ("{{product}} }}", "{product} }"),
        ] {
            assert_eq!(fill(text, "喵主粮", Some(&values), &|_| None), filled, "{text}");
        }
        assert_eq!(fill("{name}{product}", "喵", None, &|_| None), "喵", "a campaign is about no product");
        let late = Values { today: day("2026-04-01"), ..values };
        assert_eq!(fill("{days_left}", "", Some(&late), &|_| None), "0", "it has run out already");
    }

    #[test]
    fn no_value_is_shorter_or_longer_than_those_of_the_check() {
        let worst = Values { quantity: u64::MAX, run_out: Day(u64::MAX), bought_on: Day(u64::MAX), ..Values::SHORTEST };
        for (name, _) in Placeholder::ALL {
            let length = |values: &Values<'_>| fill(&format!("{{{name}}}"), "", Some(values), &|_| None).len();
            assert_eq!(length(&worst), length(&Values::LONGEST), "{name}");
            assert!(length(&Values::SHORTEST) <= length(&Values::LONGEST), "{name}");
        }
        assert_eq!(fill("{run_out}", "", Some(&worst), &|_| None), "9999年12月30日");
    }

    #[test]
    fn a_field_becomes_what_was_saved_or_else_what_stands_behind_it() {
        let pet = |name: &str| (name == "pet").then_some("{name}");
        let text = "{name}：{field.pet|毛孩子}和{field.kg|它}";
        assert_eq!(fill(text, "喵", None, &pet), "喵：{name}和它", "a value is no text of the brand's");
        assert_eq!(fill(text, "喵", None, &|_| None), "喵：毛孩子和它");
        assert_eq!(fill("{field.pet}", "喵", None, &pet), "", "the check refuses it");
        assert_eq!(LONGEST_FIELD.len(), VALUE_MAX);
    }
}
