//! Reads `[replies.<name>]`, and what may stand in a reply.

use super::reader::{Fields, Value, Word, kind, tables};
use crate::{
    playbook::{
        compiled::{ArticleLine, Choice, Line, MusicLine, Outcome},
        inbound::Kinds,
        problem::{Findings, did_you_mean},
        template::{self, Placeholder, Template, Wrong},
    },
    wechat::reply::{ARTICLES_MAX, TEXT_MAX},
};
use std::collections::BTreeMap;

pub(super) const TYPES: [&str; 7] = ["text", "image", "voice", "video", "music", "news", "transfer_customer_service"];
/// The name that stands for silence where a reply is named.
const NOTHING: &str = "nothing";
pub(super) const CHOICES_MAX: usize = 20;
const WEIGHT_MAX: i64 = 1_000;
pub(super) const MEDIA_ID_MAX: usize = 256;

/// The replies of a playbook.
pub(super) struct Replies<'d> {
    /// The playbook's name, for `{name}`.
    brand: &'d str,
    findings: &'d Findings<'d>,
    /// Indexes into `lines`.
    names: BTreeMap<&'d str, u32>,
    /// Those that rules have asked so far, and where they stand.
    services: BTreeMap<&'d str, u32>,
    /// None: it could not be read, and that was reported.
    lines: Vec<Option<Line>>,
}

impl<'d> Replies<'d> {
    pub(super) fn read(file: &mut Fields<'d, '_>, brand: &'d str) -> Self {
        let findings = file.findings;
        let mut replies =
            Self { brand, findings, names: BTreeMap::new(), services: BTreeMap::new(), lines: Vec::new() };
        let help = "write [replies.welcome] and below it type = \"text\" and content = \"…\"";
        let Some(table) = file.get("replies").and_then(|v| Fields::of(v, "`replies`", help, findings)) else {
            return replies;
        };
        for (name, value) in table.others() {
            if name.text == NOTHING {
                findings.add(name.at(), "`nothing` already means silence", "name this reply otherwise");
            }
            let line = Fields::of(value, "a reply", help, findings).and_then(|fields| replies.line(fields));
            let index = replies.push(line);
            replies.names.insert(name.text, index);
        }
        replies
    }

    /// A text that stands in a rule itself.
    pub(super) fn inline(&mut self, word: &Word<'_>) -> Choice {
        let line = self.words(word).map(|content| Line::Text { content });
        let index = self.push(line);
        Choice(vec![(Some(index), 1)])
    }

    /// A service that a rule asks; each stands once, however many rules ask it.
    pub(super) fn asked(&mut self, id: &'d str, service: Option<&Line>) -> Choice {
        let known = self.services.get(id).copied();
        let index = known.unwrap_or_else(|| self.push(service.cloned()));
        self.services.insert(id, index);
        Choice(vec![(Some(index), 1)])
    }

    /// A person, whoever the queue gives.
    pub(super) fn hand_over(&mut self) -> Choice {
        let index = self.push(Some(Line::HandOver { kf_account: None }));
        Choice(vec![(Some(index), 1)])
    }

    /// Whether one of these tells when hours open next.
    pub(super) fn tells_opening(&self, choice: &Choice) -> bool {
        let line = |(outcome, _): &(Outcome, u32)| self.lines.get((*outcome)? as usize)?.as_ref();
        choice.0.iter().filter_map(line).flat_map(templates).any(Template::tells_opening)
    }

    fn push(&mut self, line: Option<Line>) -> u32 {
        let index = self.lines.len() as u32;
        self.lines.push(line);
        index
    }

    /// All of them; those that could not be read are left out, which matters to nobody: nothing is compiled then.
    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines.into_iter().flatten().collect()
    }

    fn line(&self, mut fields: Fields<'_, '_>) -> Option<Line> {
        let word = fields.require_text("type")?;
        let line = match word.text {
            "text" => {
                let content = fields.require_text("content").and_then(|word| self.words(&word));
                content.map(|content| Line::Text { content })
            }
            "image" => self.media_id(&mut fields, "media_id").map(|media_id| Line::Image { media_id }),
            "voice" => self.media_id(&mut fields, "media_id").map(|media_id| Line::Voice { media_id }),
            "video" => {
                let media_id = self.media_id(&mut fields, "media_id");
                let (title, description) =
                    (self.optional(&mut fields, "title"), self.optional(&mut fields, "description"));
                media_id.map(|media_id| Line::Video { media_id, title, description })
            }
            "music" => self.music(&mut fields),
            "news" => self.news(&mut fields),
            "transfer_customer_service" => Some(Line::HandOver { kf_account: self.kf_account(&mut fields) }),
            other => {
                let help = did_you_mean(other, TYPES, &format!("write one of {}", TYPES.join(", ")));
                self.findings.add(word.at(), format!("`{other}` is no type of reply"), help);
                return None;
            }
        };
        fields.finish();
        line
    }

    fn music(&self, fields: &mut Fields<'_, '_>) -> Option<Line> {
        let (title, description) = (self.optional(fields, "title"), self.optional(fields, "description"));
        let (music_url, hq_music_url) = (self.address(fields, "music_url"), self.address(fields, "hq_music_url"));
        let thumb_media_id = self.media_id(fields, "thumb_media_id")?;
        Some(Line::Music(MusicLine { title, description, music_url, hq_music_url, thumb_media_id }))
    }

    fn news(&self, fields: &mut Fields<'_, '_>) -> Option<Line> {
        let help = "write articles = [{ title = \"…\", url = \"https://…\" }]";
        let value = fields.require("articles", help)?;
        let articles = tables(Some(value), "an article", help, self.findings);
        if articles.is_empty() || articles.len() > ARTICLES_MAX {
            let message = format!("a news reply has 1 to {ARTICLES_MAX} articles, not {}", articles.len());
            self.findings.add(value.span().start, message, "add or drop articles");
        }
        let articles: Vec<_> = articles.into_iter().map(|fields| self.article(fields)).collect();
        articles.into_iter().collect::<Option<_>>().map(|articles| Line::News { articles })
    }

    fn article(&self, mut fields: Fields<'_, '_>) -> Option<ArticleLine> {
        let title = fields.require_text("title").and_then(|word| self.words(&word));
        let description = self.optional(&mut fields, "description").unwrap_or_default();
        let pic_url = self.address(&mut fields, "pic_url").unwrap_or_default();
        fields.require("url", "write url = \"https://…\"");
        let url = self.address(&mut fields, "url");
        fields.finish();
        Some(ArticleLine { title: title?, description, pic_url, url: url? })
    }

    fn kf_account(&self, fields: &mut Fields<'_, '_>) -> Option<String> {
        let word = fields.text("kf_account")?;
        let whole = word.text.split_once('@').is_some_and(|(agent, account)| !agent.is_empty() && !account.is_empty());
        if !whole {
            let help = "write name@account as the customer service page shows it, or leave it out";
            self.findings.add(word.at(), format!("`{}` is no kf_account", word.text), help);
        }
        Some(word.text.to_owned())
    }

    fn media_id(&self, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<String> {
        let word = fields.require_text(key)?;
        let fits = (1..=MEDIA_ID_MAX).contains(&word.text.len()) && word.text.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            self.findings.add(word.at(), format!("`{}` is no {key}", word.text), "copy it from WeChat's material list");
        }
        Some(word.text.to_owned())
    }

    /// A text that may be absent.
    fn optional(&self, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Template> {
        fields.text(key).and_then(|word| self.words(&word))
    }

    fn address(&self, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Template> {
        let word = fields.text(key)?;
        address(&word, key, self.findings);
        self.words(&word)
    }

    /// A text with placeholders that is not empty and never too long.
    pub(super) fn words(&self, word: &Word<'_>) -> Option<Template> {
        let template = match template::parse(word.text, self.brand) {
            Ok(template) => template,
            Err(wrong) => {
                let known: Vec<&str> = Placeholder::ALL.iter().map(|(known, ..)| *known).chain(["name"]).collect();
                wrong.iter().for_each(|wrong| report_wrong(word, wrong, &known, self.findings));
                return None;
            }
        };
        if template.is_blank() {
            self.findings.add(word.at(), "the text is empty", "write what the fan shall read, or drop the key");
        }
        let longest = template.longest();
        if longest > TEXT_MAX {
            let verb = if longest == word.text.len() { "has" } else { "may grow to" };
            let message = format!("the text {verb} {longest} bytes, and WeChat shows {TEXT_MAX}");
            let help = format!("shorten it by {} bytes; a Chinese character has 3", longest - TEXT_MAX);
            self.findings.add(word.at(), message, help);
        }
        Some(template)
    }

    /// Reads `reply = "name"` or `reply = [{ use = "name", weight = 3 }]` and whether it may answer `kinds`.
    pub(super) fn choice(&self, value: &'d Value<'_>, kinds: Kinds) -> Choice {
        use toml::de::DeValue;
        let help = "write reply = \"name\" or reply = [{ use = \"name\", weight = 1 }]";
        match value.get_ref() {
            DeValue::String(name) => Choice(vec![(self.outcome(&Word { text: name, span: value.span() }, kinds), 1)]),
            DeValue::Array(list) => {
                if list.is_empty() || list.len() > CHOICES_MAX {
                    let message = format!("a choice is among 1 to {CHOICES_MAX} replies, not {}", list.len());
                    self.findings.add(value.span().start, message, help);
                }
                let fields = list.iter().filter_map(|item| Fields::of(item, "a choice", help, self.findings));
                Choice(fields.filter_map(|fields| self.weighted(fields, kinds)).collect())
            }
            other => {
                self.findings.add(
                    value.span().start,
                    format!("`reply` is a name or a list, not {}", kind(other)),
                    help,
                );
                Choice::default()
            }
        }
    }

    fn weighted(&self, mut fields: Fields<'_, '_>, kinds: Kinds) -> Option<(Outcome, u32)> {
        let name = fields.require_text("use");
        let weight = fields.number("weight", 1..=WEIGHT_MAX).unwrap_or(1);
        fields.finish();
        Some((self.outcome(&name?, kinds), u32::try_from(weight).ok()?))
    }

    fn outcome(&self, name: &Word<'_>, kinds: Kinds) -> Outcome {
        if name.text == NOTHING {
            return None;
        }
        let Some(index) = self.names.get(name.text) else {
            let known = self.names.keys().copied().chain([NOTHING]);
            let help = did_you_mean(name.text, known, &format!("write [replies.{}] or name another", name.text));
            self.findings.add(name.at(), format!("there is no reply `{}`", name.text), help);
            return None;
        };
        match self.lines.get(*index as usize).and_then(Option::as_ref) {
            Some(Line::News { articles }) if articles.len() > 1 => self.one_article(name, kinds),
            Some(Line::HandOver { .. }) => self.only_messages(name, kinds),
            _ => {}
        }
        Some(*index)
    }

    fn one_article(&self, name: &Word<'_>, kinds: Kinds) {
        if let Some(message) = kinds.iter().find(|kind| kind.is_message()) {
            let text =
                format!("`{}` has more than one article, and WeChat shows one after `{}`", name.text, message.name());
            self.findings.add(name.at(), text, "use a news reply with one article here");
        }
    }

    fn only_messages(&self, name: &Word<'_>, kinds: Kinds) {
        if let Some(event) = kinds.iter().find(|kind| !kind.is_message()) {
            let text = format!(
                "`{}` hands over to agents, which WeChat allows after messages, not after `{}`",
                name.text,
                event.name()
            );
            self.findings.add(name.at(), text, "ask the fan to write, and hand over then");
        }
    }
}

/// The texts of a reply.
fn templates(line: &Line) -> Vec<&Template> {
    match line {
        Line::Text { content } | Line::Ask { fallback: content, .. } => vec![content],
        Line::Image { .. } | Line::Voice { .. } | Line::HandOver { .. } => Vec::new(),
        Line::Video { title, description, .. } => title.iter().chain(description).collect(),
        Line::Music(music) => {
            let texts = music.title.iter().chain(&music.description);
            texts.chain(&music.music_url).chain(&music.hq_music_url).collect()
        }
        Line::News { articles } => {
            articles.iter().flat_map(|a| [&a.title, &a.description, &a.pic_url, &a.url]).collect()
        }
    }
}

/// Reports what is no address of a page.
pub(super) fn address(word: &Word<'_>, key: &str, findings: &Findings<'_>) {
    if !["https://", "http://"].iter().any(|scheme| word.text.strip_prefix(scheme).is_some_and(|r| !r.is_empty())) {
        let help = format!("write {key} = \"https://…\"");
        findings.add(word.at(), format!("`{}` is no address of a page", word.text), help);
    }
}

/// Reports what is wrong with the braces of a text; `known` may stand in them.
pub(super) fn report_wrong(word: &Word<'_>, wrong: &Wrong, known: &[&str], findings: &Findings<'_>) {
    match wrong {
        Wrong::Unknown(offset, name) => {
            let otherwise = format!("known are {}; write {{{{ for a brace", known.join(", "));
            let help = did_you_mean(name, known.iter().copied(), &otherwise);
            findings.add(word.within(findings, *offset), format!("unknown placeholder `{{{name}}}`"), help);
        }
        Wrong::Brace(offset, brace) => {
            let help = format!("write {brace}{brace} where a brace is meant");
            findings.add(word.within(findings, *offset), format!("a single `{brace}`"), help);
        }
    }
}
