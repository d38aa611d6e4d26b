//! Reads how a push may go out and what it says, and tries it with the shortest and the longest values there can be.

use super::{
    lint::{FieldType, Marketing, Refusal},
    reader::{Fields, Value, Word, text, texts},
    replies::{address, report_wrong},
    saved::SavedFields,
};
use crate::{
    playbook::{
        problem::{Findings, did_you_mean},
        pushes::{
            Content, Form, MESSAGE, NOTICE, TEMPLATE, Usual, Ways,
            render::{FIELD, LONGEST_FIELD, Placeholder, Saved, Values, fill},
        },
        template::{Token, Wrong, tokens},
    },
    wechat::reply::TEXT_MAX,
};

/// In the order in which they are allowed: with the fan's consent, within 48 hours, where WeChat granted it.
pub(super) const WAYS: [&str; 3] = [NOTICE, MESSAGE, TEMPLATE];
const WAYS_HELP: &str = "write way = [\"notice\", \"message\"]: the first that can reach the fan is taken";
const TEMPLATE_HELP: &str = "write template = { template_id = \"…\", fields = { … } }: the rest is the notice's";
const REMINDER_BY_TEMPLATE: &str = "WeChat may refuse a template for reminders when it is applied for, and stop one that is \
    used so: template messages are evidence of a service (模板消息是服务凭证，不作提醒用途)";
const REMINDER_BY_TEMPLATE_HELP: &str =
    "write way = [\"notice\", \"message\"], and \"template\" behind them only where WeChat granted one for this";
/// The most fields of a template.
pub(super) const FIELDS_MAX: usize = 10;
pub(super) const TEMPLATE_ID_MAX: usize = 128;
/// The longest address or page of a mini program, in bytes.
pub(super) const ADDRESS_MAX: usize = 1_024;
const FIELDS_HELP: &str = "write fields = { thing1 = \"{product}\", date2 = \"{run_out}\" }, named as in the template";
const MINIPROGRAM_HELP: &str = "write miniprogram = { appid = \"wx…\", pagepath = \"pages/…\" }";

/// Reads contents of pushes.
pub(super) struct Reader<'r> {
    brand: &'r str,
    /// Whether the account may send template messages.
    service: bool,
    marketing: Marketing,
    saved: SavedFields<'r>,
}

/// The product that a reminder is about; none: a campaign.
type Product<'p> = Option<&'p str>;

impl<'r> Reader<'r> {
    pub(super) fn new(brand: &'r str, usual: &Usual, saved: SavedFields<'r>) -> Self {
        let own = usual.marketing_words.iter().map(String::as_str);
        Self { brand, service: usual.service, marketing: Marketing::new(own), saved }
    }

    /// `way`, and what belongs to each that it names. None: something could not be read, and that was reported.
    pub(super) fn read(&self, fields: &mut Fields<'_, '_>, product: Product<'_>) -> Option<Ways> {
        let findings = fields.findings;
        let words = texts(fields.require("way", WAYS_HELP)?, "way", findings);
        self.order(&words, product, findings);
        let template_apart = words.iter().any(|word| word.text == NOTICE);
        let read = |word: &Word<'_>| match word.text {
            TEMPLATE if template_apart => self.template_apart(fields, product).map(Content::Template),
            TEMPLATE => self.form(fields, product).map(Content::Template),
            NOTICE => self.form(fields, product).map(Content::Notice),
            MESSAGE => self.message(fields, product),
            other => {
                let help = did_you_mean(other, WAYS, &format!("write one of {}", WAYS.join(", ")));
                findings.add(word.at(), format!("`{other}` is no way to send a push"), help);
                None
            }
        };
        // All are read, so that every problem is named.
        let ways: Vec<Option<Content>> = words.iter().map(read).collect();
        ways.into_iter().collect::<Option<Ways>>().filter(|ways| ways.iter().next().is_some())
    }

    /// Reports a way that stands twice, that is never tried, or that the account or WeChat may not have.
    fn order(&self, words: &[Word<'_>], product: Product<'_>, findings: &Findings<'_>) {
        for (place, word) in words.iter().enumerate() {
            if words.iter().take(place).any(|before| before.text == word.text) {
                findings.add(word.at(), format!("the way `{}` stands here twice", word.text), "drop one of them");
            }
            if word.text != TEMPLATE {
                continue;
            }
            if place + 1 < words.len() {
                let message = "a template message reaches every follower, so what stands behind it is not tried";
                findings.add(word.at(), message, "let \"template\" be the last");
            }
            if !self.service {
                let help = "write way = \"notice\", or account = \"service\" if it is one";
                findings.add(word.at(), "a subscription account has no template messages", help);
            } else if product.is_some() {
                findings.warn(word.at(), REMINDER_BY_TEMPLATE, REMINDER_BY_TEMPLATE_HELP);
            }
        }
    }

    /// A template message beside a notice: their templates are two.
    fn template_apart(&self, fields: &mut Fields<'_, '_>, product: Product<'_>) -> Option<Form> {
        let value = fields.require(TEMPLATE, TEMPLATE_HELP)?;
        let mut apart = Fields::of(value, "`template`", TEMPLATE_HELP, fields.findings)?;
        let form = self.form(&mut apart, product);
        apart.finish();
        form
    }

    fn message(&self, fields: &mut Fields<'_, '_>, product: Product<'_>) -> Option<Content> {
        let text = fields.require_text("text")?;
        self.text(&text, product, fields.findings);
        Some(Content::Message { text: text.text.to_owned() })
    }

    fn form(&self, fields: &mut Fields<'_, '_>, product: Product<'_>) -> Option<Form> {
        let findings = fields.findings;
        let template_id = fields.require_text("template_id");
        if let Some(word) = &template_id {
            plain(word, "template_id", TEMPLATE_ID_MAX, "copy it from WeChat's list of your templates", findings);
        }
        let values = fields.require("fields", FIELDS_HELP).map(|value| self.fields(value, product, findings));
        let url = fields.text("url");
        if let Some(word) = &url {
            address(word, "url", findings);
            plain(word, "url", ADDRESS_MAX, "percent-encode what is not ASCII", findings);
        }
        let miniprogram = fields.get("miniprogram").and_then(|value| miniprogram(value, findings));
        let (template_id, url) = (template_id?.text.to_owned(), url.map(|word| word.text.to_owned()));
        Some(Form { template_id, fields: values?, url, miniprogram })
    }

    /// Name and value of each field, in the order of the file.
    fn fields(&self, value: &Value<'_>, product: Product<'_>, findings: &Findings<'_>) -> Vec<(String, String)> {
        let Some(fields) = Fields::of(value, "`fields`", FIELDS_HELP, findings) else { return Vec::new() };
        let mut fields: Vec<_> = fields.others().collect();
        fields.sort_by_key(|(name, _)| name.at());
        if fields.is_empty() || fields.len() > FIELDS_MAX {
            let message = format!("a template has 1 to {FIELDS_MAX} fields, not {}", fields.len());
            findings.add(value.span().start, message, FIELDS_HELP);
        }
        let mut read = Vec::new();
        for (name, value) in fields {
            let kind = field_type(&name, findings);
            let Some(word) = text(value, name.text, findings) else { continue };
            if let (Some(kind), true) = (kind, self.placeholders(&word, product, false, findings)) {
                self.lint(name.text, kind, &word, product, findings);
            }
            read.push((name.text.to_owned(), word.text.to_owned()));
        }
        read
    }

    /// Reports what WeChat would refuse of a field's value, whatever the placeholders become.
    fn lint(&self, name: &str, kind: &FieldType, word: &Word<'_>, product: Product<'_>, findings: &Findings<'_>) {
        let filled = self.filled(word, product);
        if let Some((value, refusal)) = filled.iter().find_map(|value| Some((value, kind.refuses(value)?))) {
            let becomes = if value == word.text { "is" } else { "becomes" };
            let count = value.chars().count();
            let (message, help) = match refusal {
                Refusal::Empty => (format!("`{name}` {becomes} empty"), "write what the fan shall read"),
                Refusal::LineBreak => (format!("`{name}` has a line break"), "write it in one line"),
                Refusal::Emoji(emoji) => (format!("`{name}` has the emoji `{emoji}`, which is cut out"), "drop it"),
                Refusal::Rule => {
                    let message = format!(
                        "`{name}` {becomes} `{value}` ({count} characters), and a `{}` is {}",
                        kind.name, kind.rule
                    );
                    (message, "change it, or use a template with another field")
                }
            };
            findings.add(word.at(), message, help);
        }
        if let Some(found) = filled.iter().find_map(|value| self.marketing.found_in(value)) {
            let message = format!("`{name}` has the marketing word `{found}`, for which WeChat blocks templates");
            findings.add(word.at(), message, "say what the fan needs to know, without advertising");
        }
    }

    /// Reports what is wrong with the text of a customer message.
    fn text(&self, word: &Word<'_>, product: Product<'_>, findings: &Findings<'_>) {
        if !self.placeholders(word, product, true, findings) {
            return;
        }
        let longest = self.filled(word, product).iter().map(String::len).max().unwrap_or(0);
        if word.text.trim().is_empty() {
            findings.add(word.at(), "the text is empty", "write what the fan shall read");
        }
        if longest > TEXT_MAX {
            let message = format!("the text may grow to {longest} bytes, and WeChat shows {TEXT_MAX}");
            let help = format!("shorten it by {} bytes; a Chinese character has 3", longest - TEXT_MAX);
            findings.add(word.at(), message, help);
        }
        if let Some(found) = self.filled(word, product).iter().find_map(|text| self.marketing.found_in(text)) {
            let message =
                format!("the text has the marketing word `{found}`, and a customer message is no advertisement");
            findings.warn(word.at(), message, "say what the fan needs to know; agents may say more when the fan asks");
        }
    }

    /// Whether all that stands in braces may; reports what may not. `fields`: what dialogs saved may stand there, which no field of a
    /// template does, because nobody knows what WeChat would say of it.
    fn placeholders(&self, word: &Word<'_>, product: Product<'_>, fields: bool, findings: &Findings<'_>) -> bool {
        let mut are_fine = true;
        let known: Vec<&str> = match product {
            Some(_) => Placeholder::ALL.iter().map(|(name, _)| *name).collect(),
            None => vec!["name"],
        };
        let wrong = |token| match token {
            Token::Place(name, at) if fields && name.starts_with(FIELD) => {
                are_fine &= self.saved.placeholder(name, word, at, findings);
                None
            }
            Token::Place(name, at) if !known.contains(&name) => Some(Wrong::Unknown(at, name.to_owned())),
            Token::Brace(brace, at) => Some(Wrong::Brace(at, brace)),
            _ => None,
        };
        let wrong: Vec<Wrong> = tokens(word.text).filter_map(wrong).collect();
        wrong.iter().for_each(|wrong| report_wrong(word, wrong, &known, findings));
        wrong.is_empty() && are_fine
    }

    /// What it becomes with the shortest and with the longest values.
    fn filled(&self, word: &Word<'_>, product: Product<'_>) -> [String; 2] {
        let (none, longest): (Saved<'_>, Saved<'_>) = (&|_| None, &|_| Some(LONGEST_FIELD));
        [(Values::SHORTEST, none), (Values::LONGEST, longest)].map(|(values, saved)| {
            let values = product.map(|product| Values { product, ..values });
            fill(word.text, self.brand, values.as_ref(), saved)
        })
    }
}

/// The type of a field; reports a name that has none.
fn field_type(name: &Word<'_>, findings: &Findings<'_>) -> Option<&'static FieldType> {
    let kind = FieldType::of(name.text);
    if kind.is_none() {
        let (message, help) = match name.text {
            "first" | "remark" => {
                (format!("WeChat no longer shows `{}`", name.text), "drop it, or say it in another field".to_owned())
            }
            other => {
                let types: Vec<&str> = FieldType::names().collect();
                let otherwise =
                    format!("write the name as in the template, such as thing1; known are: {}", types.join(", "));
                (format!("`{other}` is of no type of field"), did_you_mean(other, types, &otherwise))
            }
        };
        findings.add(name.at(), message, help);
    }
    kind
}

/// `appid` and `pagepath`.
fn miniprogram(value: &Value<'_>, findings: &Findings<'_>) -> Option<(String, String)> {
    let mut fields = Fields::of(value, "`miniprogram`", MINIPROGRAM_HELP, findings)?;
    let (appid, pagepath) = (fields.require_text("appid"), fields.require_text("pagepath"));
    if let Some(word) = &appid {
        plain(word, "appid", TEMPLATE_ID_MAX, "copy it from the mini program's settings", findings);
    }
    if let Some(word) = &pagepath {
        plain(word, "pagepath", ADDRESS_MAX, "percent-encode what is not ASCII", findings);
    }
    fields.finish();
    Some((appid?.text.to_owned(), pagepath?.text.to_owned()))
}

/// Reports what is not 1 to `most` characters of visible ASCII.
fn plain(word: &Word<'_>, key: &str, most: usize, help: &str, findings: &Findings<'_>) {
    if !(1..=most).contains(&word.text.len()) || !word.text.bytes().all(|byte| byte.is_ascii_graphic()) {
        findings.add(word.at(), format!("a `{key}` is 1 to {most} letters, digits and signs"), help);
    }
}
